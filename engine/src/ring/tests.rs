//! What a user of the ring relies on, on real threads and beside a plain queue. Every interleaving of
//! few steps is in [`super`]'s models.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use proptest::prelude::*;

use super::*;
use crate::event::Event;

const MILLION: u64 = 1_000_000;

static NEVER: AtomicBool = AtomicBool::new(false);

/// Counters that wrap after a few values.
const NEAR_WRAP: u64 = u64::MAX - 3;

fn event(sequence: u64) -> Event {
    Event { sequence, words: [!sequence; 4], ..Event::zeroed() }
}

fn assert_is_event(value: &Event, sequence: u64) {
    assert_eq!((value.sequence, value.words), (sequence, [!sequence; 4]));
}

#[test]
fn a_million_single_values_arrive_in_order_over_the_wrap_of_the_counters() {
    let (mut producer, mut consumer) = ring_from(u64::MAX - MILLION / 2, 64).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            for sequence in 0..MILLION {
                while producer.try_push(event(sequence)).is_err() {
                    thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while !consumer.is_drained() {
            match consumer.try_pop() {
                Some(value) => {
                    assert_is_event(&value, expected);
                    expected += 1;
                }
                None => thread::yield_now(),
            }
        }
        assert_eq!(expected, MILLION);
    });
}

/// Sends `total` values in slices of changing lengths, reads them in batches of others, both waiting
/// in the same way. Tells how often the ring was full.
fn in_batches(total: u64, strategy: WaitStrategy, capacity: usize) -> u64 {
    let (mut ours, mut others) = (Waiter::new(strategy), Waiter::new(strategy));
    let (mut producer, mut consumer) = ring_between(capacity, &ours, &others).unwrap();
    thread::scope(|scope| {
        let pushing = scope.spawn(move || {
            let (mut next, mut stalls) = (0, 0);
            while next < total {
                let count = (1 + next % 97).min(total - next);
                let values: Vec<Event> = (next..next + count).map(event).collect();
                stalls += producer.push_all(&values, &mut ours, &NEVER).unwrap();
                next += count;
            }
            stalls
        });
        let mut expected = 0;
        let end = loop {
            match consumer.read_waiting(1 + expected as usize % 61, &mut others, &NEVER) {
                Ok(batch) => {
                    for value in batch.iter() {
                        assert_is_event(value, expected);
                        expected += 1;
                    }
                    let count = batch.len();
                    batch.release(count);
                }
                Err(closed) => break closed,
            }
        };
        assert_eq!((expected, end), (total, Closed::Abandoned));
        pushing.join().unwrap()
    })
}

#[test]
fn a_million_values_in_batches_arrive_in_order_however_the_ends_wait() {
    for strategy in [
        WaitStrategy::BusySpin,
        WaitStrategy::SpinThenYield { spins: 100 },
        WaitStrategy::SpinThenYield { spins: 0 },
        WaitStrategy::Park,
        WaitStrategy::Interval { period: Duration::from_micros(1) },
    ] {
        in_batches(MILLION, strategy, 1_024);
    }
}

#[test]
fn a_slice_longer_than_the_ring_is_pushed_while_it_is_read_and_its_stalls_are_counted() {
    let stalls = in_batches(50_000, WaitStrategy::Park, 2);
    // Each slice of more than two values finds the ring full at least once.
    assert!(stalls >= 50_000 / 97, "{stalls} stalls");
}

#[test]
fn a_capacity_that_is_no_power_of_two_or_too_large_is_refused() {
    for capacity in [0, 1, 3, 1_000, usize::MAX] {
        let error = ring::<u64>(capacity).unwrap_err();
        assert!(
            matches!(error, RingError::CapacityNotPowerOfTwo { capacity: told } if told == capacity)
        );
        assert!(error.to_string().contains(&capacity.to_string()));
    }
    let error = ring::<Event>(1 << 62).unwrap_err();
    assert!(matches!(error, RingError::TooLarge { slot_bytes: 64, .. }), "{error}");
}

#[test]
fn a_full_ring_gives_the_value_back_and_takes_it_after_a_pop() {
    let (mut producer, mut consumer) = ring_from(NEAR_WRAP, 4).unwrap();
    assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5]), 4);
    assert_eq!(producer.try_push(5), Err(Full(5)));
    assert!(producer.claim(1).is_empty());
    assert_eq!((producer.free(), producer.depth(), consumer.depth()), (0, 4, 4));
    assert_eq!(consumer.try_pop(), Some(1));
    assert_eq!(producer.try_push(5), Ok(()));
    assert_eq!((2..=5).map(|_| consumer.try_pop().unwrap()).collect::<Vec<u32>>(), [2, 3, 4, 5]);
    assert_eq!(consumer.try_pop(), None);
    assert_eq!((producer.free(), producer.capacity(), consumer.capacity()), (4, 4, 4));
}

#[test]
fn what_is_not_committed_is_not_published_and_what_is_not_released_is_read_again() {
    let (mut producer, mut consumer) = ring_from(NEAR_WRAP, 4).unwrap();
    drop(producer.claim(4));
    assert!(consumer.read(usize::MAX).is_empty());
    // From position MAX - 3 on, modulo 4, a claim begins at slot 0; then it is cut by the end.
    assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    consumer.read(3).release(3);
    let mut claim = producer.claim(usize::MAX);
    assert_eq!(claim.len(), 4);
    let (front, back) = claim.slices();
    assert_eq!((front.len(), back.len()), (1, 3));
    front.copy_from_slice(&[4]);
    back.copy_from_slice(&[5, 6, 7]);
    claim.commit(3);
    let batch = consumer.read(2);
    assert_eq!(batch.slices(), (&[4][..], &[5][..]));
    batch.release(1);
    drop(consumer.read(8));
    assert_eq!(consumer.read(8).slices(), (&[5, 6][..], &[][..]));
}

#[test]
fn more_than_was_claimed_or_read_is_an_error_of_the_caller() {
    let (mut producer, mut consumer) = ring::<u64>(4).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| producer.claim(2).commit(3))).is_err());
    assert_eq!(producer.push_slice(&[1]), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| consumer.read(2).release(2))).is_err());
    assert_eq!(consumer.try_pop(), Some(1));
}

#[test]
fn a_panic_in_the_middle_of_a_batch_leaves_all_of_it_in_the_ring() {
    let (mut producer, mut consumer) = ring(8).unwrap();
    producer.push_slice(&[1, 2, 3]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let batch = consumer.read(3);
        for value in batch.iter() {
            assert_ne!(*value, 2, "a handler fails");
        }
        batch.release(3);
    }));
    assert!(panicked.is_err());
    producer.push_slice(&[4]);
    let batch = consumer.read(usize::MAX);
    assert_eq!(batch.iter().copied().collect::<Vec<u64>>(), [1, 2, 3, 4]);
    batch.release(4);
    assert_eq!(producer.free(), 8);
}

#[test]
fn values_of_a_producer_that_has_gone_are_read_to_the_end() {
    let (mut producer, mut consumer) = ring(4).unwrap();
    producer.push_slice(&[1, 2]);
    assert!(!consumer.is_abandoned() && !consumer.is_drained());
    drop(producer);
    assert!(consumer.is_abandoned() && !consumer.is_drained());
    let mut waiter = Waiter::new(WaitStrategy::BusySpin);
    // A stop flag takes away nothing that is there.
    let stop = AtomicBool::new(true);
    consumer.read_waiting(1, &mut waiter, &stop).unwrap().release(1);
    assert_eq!(consumer.try_pop(), Some(2));
    assert!(consumer.is_drained());
    assert_eq!(consumer.wait_for_values(&mut waiter, &stop), Err(Closed::Abandoned));
}

#[test]
fn a_push_ends_when_the_consumer_goes_or_the_stop_flag_is_set() {
    for strategy in [WaitStrategy::BusySpin, WaitStrategy::Park] {
        let (mut waiter, others) = (Waiter::new(strategy), Waiter::new(strategy));
        let (mut producer, consumer) = ring_between(2, &waiter, &others).unwrap();
        let stop = AtomicBool::new(true);
        let stopped = producer.push_all(&[1, 2, 3], &mut waiter, &stop).unwrap_err();
        assert_eq!(stopped, Unpushed { pushed: 2, stalls: 1, closed: Closed::Stopped });
        thread::scope(|scope| {
            let pushing = scope.spawn(|| producer.push_all(&[3, 4], &mut waiter, &NEVER));
            drop(consumer);
            let gone = pushing.join().unwrap().unwrap_err();
            assert_eq!((gone.pushed, gone.closed), (0, Closed::Abandoned));
        });
        assert!(producer.is_abandoned());
        let gone = producer.push_all(&[], &mut waiter, &NEVER).unwrap_err();
        assert_eq!(gone, Unpushed { pushed: 0, stalls: 0, closed: Closed::Abandoned });
    }
}

#[test]
fn a_parked_thread_looks_at_a_stop_flag_that_nobody_wakes_it_for() {
    let mut waiter = Waiter::new(WaitStrategy::Park);
    let (_producer, mut consumer) = ring::<u64>(2).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| consumer.wait_for_values(&mut waiter, &stop));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(waiting.join().unwrap(), Err(Closed::Stopped));
    });
}

#[test]
fn one_thread_parks_for_many_rings() {
    let mut waiter = Waiter::new(WaitStrategy::Park);
    let (producers, mut consumers): (Vec<_>, Vec<_>) = (0..3)
        .map(|_| {
            let (mut producer, consumer) = ring::<u64>(4).unwrap();
            producer.wake_with(waiter.waker());
            (producer, consumer)
        })
        .unzip();
    thread::scope(|scope| {
        for mut producer in producers {
            scope.spawn(move || {
                let mut waiter = Waiter::new(WaitStrategy::SpinThenYield { spins: 1 });
                (0..10_000).for_each(|value| {
                    producer.push_all(&[value], &mut waiter, &NEVER).unwrap();
                });
            });
        }
        let mut taken = [0; 3];
        while !consumers.iter_mut().all(Consumer::is_drained) {
            let mut has_worked = false;
            for (consumer, taken) in consumers.iter_mut().zip(&mut taken) {
                while let Some(value) = consumer.try_pop() {
                    assert_eq!(value, *taken);
                    *taken += 1;
                    has_worked = true;
                }
            }
            if has_worked {
                waiter.reset();
            } else {
                waiter.wait();
            }
        }
        assert_eq!(taken, [10_000; 3]);
    });
}

#[test]
fn values_of_any_size_come_out_as_they_went_in() {
    fn check<T: Pod + PartialEq + core::fmt::Debug>() {
        let (mut producer, mut consumer) = ring_from::<T>(NEAR_WRAP, 8).unwrap();
        let value = |number: u8| {
            let mut value = T::zeroed();
            bytemuck::bytes_of_mut(&mut value).fill(number);
            value
        };
        for lap in (0..200).step_by(5) {
            let values: Vec<T> = (lap..lap + 5).map(value).collect();
            assert_eq!(producer.push_slice(&values[..4]), 4);
            producer.try_push(values[4]).unwrap();
            assert_eq!(consumer.try_pop(), Some(values[0]));
            let batch = consumer.read(usize::MAX);
            assert_eq!(batch.iter().copied().collect::<Vec<T>>(), values[1..]);
            batch.release(4);
        }
    }
    check::<u8>();
    check::<[u8; 3]>();
    check::<u64>();
    check::<[u64; 7]>();
    check::<Event>();
    check::<[u16; 50]>();
    check::<[u64; 600]>();
}

#[test]
fn the_slots_of_a_large_ring_are_resident_before_the_first_push() {
    let before = resident_bytes();
    let (producer, _consumer) = ring::<Event>(1 << 18).unwrap();
    let Some((before, after)) = before.zip(resident_bytes()) else {
        return;
    };
    assert!(after >= before + (12 << 20), "{before} bytes before, {after} after");
    assert_eq!(producer.capacity(), 1 << 18);
}

/// As the kernel counts it, where it does.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}

#[derive(Clone, Debug)]
enum Step {
    Push,
    PushSlice(usize),
    Claim { claimed: usize, committed: usize },
    Pop,
    Read { read: usize, released: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Push),
        (0..12usize).prop_map(Step::PushSlice),
        (0..12usize, 0..12usize)
            .prop_map(|(claimed, committed)| Step::Claim { claimed, committed }),
        Just(Step::Pop),
        (0..12usize, 0..12usize).prop_map(|(read, released)| Step::Read { read, released }),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn a_ring_on_one_thread_is_a_bounded_queue(
        steps in steps(),
        start in prop_oneof![Just(0), any::<u64>(), (0..100u64).prop_map(|back| u64::MAX - back)],
        capacity in prop_oneof![Just(2usize), Just(4), Just(8)],
    ) {
        let (mut producer, mut consumer) = ring_from::<u64>(start, capacity).unwrap();
        let mut queue = VecDeque::new();
        let mut next = 0u64;
        for step in steps {
            let room = capacity - queue.len();
            match step {
                Step::Push => {
                    next += 1;
                    let pushed = producer.try_push(next);
                    prop_assert_eq!(pushed, if room > 0 { Ok(()) } else { Err(Full(next)) });
                    queue.extend(pushed.is_ok().then_some(next));
                }
                Step::PushSlice(len) => {
                    let values: Vec<u64> = (next + 1..).take(len).collect();
                    next += len as u64;
                    let pushed = producer.push_slice(&values);
                    prop_assert_eq!(pushed, len.min(room));
                    queue.extend(&values[..pushed]);
                }
                Step::Claim { claimed, committed } => {
                    let mut claim = producer.claim(claimed);
                    prop_assert_eq!(claim.len(), claimed.min(room));
                    let committed = committed.min(claim.len());
                    let (front, back) = claim.slices();
                    for (index, slot) in front.iter_mut().chain(back).enumerate() {
                        next += 1;
                        *slot = next;
                        queue.extend((index < committed).then_some(next));
                    }
                    claim.commit(committed);
                }
                Step::Pop => prop_assert_eq!(consumer.try_pop(), queue.pop_front()),
                Step::Read { read, released } => {
                    let batch = consumer.read(read);
                    prop_assert_eq!(batch.len(), read.min(queue.len()));
                    prop_assert!(batch.iter().eq(queue.range(..batch.len())));
                    let released = released.min(batch.len());
                    batch.release(released);
                    queue.drain(..released);
                }
            }
            prop_assert_eq!(producer.depth(), queue.len());
            prop_assert_eq!(consumer.depth(), queue.len());
            prop_assert_eq!(producer.free(), capacity - queue.len());
        }
        drop(producer);
        prop_assert_eq!(consumer.is_drained(), queue.is_empty());
    }
}
