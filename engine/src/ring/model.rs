//! Models of the ring: loom runs each under every order of the two threads' steps, and of what each
//! may see of the other's writes, up to a number of preemptions (`LOOM_MAX_PREEMPTIONS`).
//!
//! `cargo xtask loom` runs them, on rings of two slots. A slot reached by both threads at a time, a
//! value lost, doubled or out of order, and a wait that nobody ends fail a model.

use core::sync::atomic::AtomicBool as StopFlag;

use loom::thread;

use super::slots::Slots;
use super::wait::{Closed, WaitStrategy, Waiter};
use super::{Consumer, Producer, ring_between, ring_from};

/// Counters that wrap after the second value, as no ring in use ever does.
const NEAR_WRAP: u64 = u64::MAX - 1;

fn two_slots(start: u64) -> (Producer<u64>, Consumer<u64>) {
    ring_from(start, 2).unwrap()
}

/// Pops `count` values, which must be `1..=count`.
fn pop_in_order(consumer: &mut Consumer<u64>, count: u64) {
    for expected in 1..=count {
        loop {
            if let Some(value) = consumer.try_pop() {
                assert_eq!(value, expected);
                break;
            }
            thread::yield_now();
        }
    }
}

fn push(producer: &mut Producer<u64>, value: u64) {
    while producer.try_push(value).is_err() {
        thread::yield_now();
    }
}

#[test]
fn single_values_cross_a_full_ring_in_order_over_the_wrap_of_the_counters() {
    loom::model(|| {
        let (mut producer, mut consumer) = two_slots(NEAR_WRAP);
        let pushing = thread::spawn(move || (1..=4).for_each(|value| push(&mut producer, value)));
        pop_in_order(&mut consumer, 4);
        pushing.join().unwrap();
        assert_eq!(consumer.try_pop(), None);
    });
}

#[test]
fn claims_and_batches_cross_the_end_of_the_memory_in_order() {
    // From an odd start on, two slots are never one slice.
    for start in [u64::MAX, 1] {
        loom::model(move || {
            let (mut producer, mut consumer) = two_slots(start);
            let pushing = thread::spawn(move || {
                let mut next = 1;
                while next <= 4 {
                    let mut claim = producer.claim(2);
                    let (front, back) = claim.slices();
                    for slot in front.iter_mut().chain(back) {
                        *slot = next;
                        next += 1;
                    }
                    let count = claim.len();
                    claim.commit(count);
                    if count == 0 {
                        thread::yield_now();
                    }
                }
            });
            let mut taken = 0;
            while taken < 4 {
                let batch = consumer.read(2);
                let count = batch.len();
                for value in batch.iter() {
                    taken += 1;
                    assert_eq!(*value, taken);
                }
                batch.release(count);
                if count == 0 {
                    thread::yield_now();
                }
            }
            pushing.join().unwrap();
            assert!(consumer.is_drained());
        });
    }
}

#[test]
fn a_value_is_refused_or_arrives_never_both() {
    loom::model(|| {
        let (mut producer, mut consumer) = two_slots(NEAR_WRAP);
        let pushing = thread::spawn(move || {
            (1..=4).filter(|value| producer.try_push(*value).is_ok()).collect::<Vec<u64>>()
        });
        let mut taken: Vec<u64> = Vec::new();
        taken.extend(consumer.try_pop());
        taken.extend(consumer.try_pop());
        let pushed = pushing.join().unwrap();
        while let Some(value) = consumer.try_pop() {
            taken.push(value);
        }
        assert_eq!(taken, pushed);
        assert!(pushed.len() >= 2);
    });
}

#[test]
fn a_released_part_of_a_batch_is_refilled_while_the_rest_is_read_again() {
    loom::model(|| {
        let (mut producer, mut consumer) = two_slots(NEAR_WRAP);
        assert_eq!(producer.push_slice(&[1, 2, 3]), 2);
        let pushing = thread::spawn(move || push(&mut producer, 3));
        consumer.read(2).release(1);
        let batch = consumer.read(1);
        assert_eq!(batch.slices().0, [2]);
        drop(batch);
        assert_eq!(consumer.try_pop(), Some(2));
        pushing.join().unwrap();
        assert_eq!(consumer.try_pop(), Some(3));
    });
}

#[test]
fn all_that_was_pushed_before_the_producer_went_is_there_when_it_has_gone() {
    loom::model(|| {
        let (mut producer, mut consumer) = two_slots(NEAR_WRAP);
        let pushing = thread::spawn(move || assert_eq!(producer.push_slice(&[1, 2]), 2));
        let mut taken = 0;
        while !consumer.is_drained() {
            match consumer.try_pop() {
                Some(_) => taken += 1,
                None => thread::yield_now(),
            }
        }
        assert_eq!(taken, 2);
        pushing.join().unwrap();
    });
}

#[test]
fn a_producer_learns_that_the_consumer_has_gone() {
    loom::model(|| {
        let (mut producer, mut consumer) = two_slots(NEAR_WRAP);
        let popping = thread::spawn(move || consumer.try_pop());
        let mut waiter = Waiter::new(WaitStrategy::BusySpin);
        let stop = StopFlag::new(false);
        let gave_up = producer.push_all(&[1, 2, 3, 4], &mut waiter, &stop).unwrap_err();
        assert_eq!(gave_up.closed, Closed::Abandoned);
        assert!(gave_up.pushed <= 3);
        popping.join().unwrap();
    });
}

/// A ring whose ends both park, and their waiters.
fn parking() -> ((Producer<u64>, Waiter), (Consumer<u64>, Waiter)) {
    let (ours, others) = (Waiter::new(WaitStrategy::Park), Waiter::new(WaitStrategy::Park));
    let (producer, consumer) = ring_between(2, &ours, &others).unwrap();
    ((producer, ours), (consumer, others))
}

#[test]
fn a_parked_consumer_is_woken_by_each_value_and_by_the_drop() {
    loom::model(|| {
        let ((mut producer, _waiter), (mut consumer, mut waiter)) = parking();
        let pushing = thread::spawn(move || {
            producer.try_push(1).unwrap();
            producer.try_push(2).unwrap();
        });
        let stop = StopFlag::new(false);
        let mut taken = 0;
        let closed = loop {
            match consumer.read_waiting(1, &mut waiter, &stop) {
                Ok(batch) => {
                    taken += 1;
                    assert_eq!(batch.slices().0, [taken]);
                    batch.release(1);
                }
                Err(closed) => break closed,
            }
        };
        assert_eq!((taken, closed), (2, Closed::Abandoned));
        pushing.join().unwrap();
    });
}

#[test]
fn a_parked_producer_is_woken_by_each_freed_slot() {
    loom::model(|| {
        let ((mut producer, mut waiter), (mut consumer, _waiter)) = parking();
        assert_eq!(producer.push_slice(&[1, 2]), 2);
        let popping = thread::spawn(move || {
            assert_eq!(consumer.try_pop(), Some(1));
            assert_eq!(consumer.try_pop(), Some(2));
            consumer
        });
        let stop = StopFlag::new(false);
        assert!(producer.push_all(&[3, 4], &mut waiter, &stop).is_ok());
        let mut consumer = popping.join().unwrap();
        assert_eq!(consumer.read(2).iter().copied().collect::<Vec<_>>(), [3, 4]);
    });
}

#[test]
fn a_parked_producer_is_woken_when_the_consumer_goes() {
    loom::model(|| {
        let ((mut producer, mut waiter), (consumer, _waiter)) = parking();
        assert_eq!(producer.push_slice(&[1, 2]), 2);
        let dropping = thread::spawn(move || drop(consumer));
        let stop = StopFlag::new(false);
        assert_eq!(producer.wait_for_room(&mut waiter, &stop), Err(Closed::Abandoned));
        dropping.join().unwrap();
    });
}

#[test]
fn two_ends_that_both_park_hand_each_other_more_than_the_ring_holds() {
    loom::model(|| {
        let ((mut producer, mut waiter), (mut consumer, mut others)) = parking();
        let pushing = thread::spawn(move || {
            let stop = StopFlag::new(false);
            producer.push_all(&[1, 2, 3], &mut waiter, &stop).unwrap();
        });
        let stop = StopFlag::new(false);
        for expected in 1..=3 {
            consumer.wait_for_values(&mut others, &stop).unwrap();
            assert_eq!(consumer.try_pop(), Some(expected));
        }
        pushing.join().unwrap();
    });
}

#[test]
fn a_parked_thread_is_woken_by_whoever_stops_it() {
    loom::model(|| {
        let ((producer, _waiter), (mut consumer, mut waiter)) = parking();
        let stop = loom::sync::Arc::new(StopFlag::new(false));
        let stopping = {
            let (stop, waker) = (stop.clone(), waiter.waker().unwrap());
            thread::spawn(move || {
                stop.store(true, core::sync::atomic::Ordering::Relaxed);
                waker.wake();
            })
        };
        assert_eq!(consumer.wait_for_values(&mut waiter, &stop), Err(Closed::Stopped));
        stopping.join().unwrap();
        drop(producer);
    });
}

/// That a model sees two threads at one slot: without this the others would prove little.
#[test]
#[should_panic(expected = "Causality violation")]
fn two_threads_at_one_slot_fail_a_model() {
    loom::model(|| {
        let slots = loom::sync::Arc::new(Slots::<u64>::new(2).unwrap());
        let others = slots.clone();
        let reading = thread::spawn(move || {
            // SAFETY: none; the model runs the threads by turns, so the bytes are never reached at
            // the same time, and reports what a processor might have done.
            unsafe { others.read(2) }
        });
        // SAFETY: as above.
        unsafe { slots.write(0, 7) };
        reading.join().unwrap();
    });
}
