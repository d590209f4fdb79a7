//! The writing end of a ring.
//!
//! It owns the free slots, `tail..head + capacity`, writes values there and publishes them by storing
//! `tail`. Full: see each function; nothing here waits but [`Producer::push_all`] and
//! [`Producer::wait_for_room`].

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::AtomicBool as StopFlag;

use bytemuck::Pod;

use crate::memory::prefetch::prefetch_write_address;

use super::Shared;
use super::gauge::RingGauge;
use super::slots::{LINE_BYTES, Slots, Writing};
use super::sync::{Arc, Ordering};
use super::wait::{Closed, Waiter, Waker};

/// How far ahead of the next value slots are asked for, in bytes: 24 lines, or as much as was
/// published last if that was more.
///
/// A slot's line lies in the consumer's cache since the last lap, and fetching it takes longer than
/// all else in a push. Two cores of a Xeon (Sapphire Rapids, line round trip 270 ns), 64-byte values
/// pushed one by one: 33 to 43 ns a value without, 9 ns from 6 lines ahead, 6.7 from 8, 5.8 from 24
/// and from 32. Chunks of 32: 11 ns a value without, 6.0 ns with it.
const AHEAD_BYTES: usize = 24 * LINE_BYTES;

/// The ring has no free slot; the value comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is full")]
pub struct Full<T>(
    /// What was to be pushed.
    pub T,
);

/// [`Producer::push_all`] gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{closed} after {pushed} values were pushed")]
pub struct Unpushed {
    /// Values that were published before; the others were not.
    pub pushed: usize,
    /// How often the ring was full.
    pub stalls: u64,
    /// Why.
    #[source]
    pub closed: Closed,
}

/// The writing end. One thread at a time has it; it can be sent to another, not shared or cloned.
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>(_: &T) {}
/// let (producer, _consumer) = engine::ring::ring::<u64>(2).unwrap();
/// shared(&producer);
/// ```
/// ```compile_fail,E0599
/// let (producer, _consumer) = engine::ring::ring::<u64>(2).unwrap();
/// let second = producer.clone();
/// ```
#[repr(align(128))]
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// As in `shared`, which only this end writes.
    tail: u64,
    /// A head that the consumer has published; it may have gone on since.
    head_seen: u64,
    /// Slots before this position have been asked for; those before `tail` do not matter any more.
    asked: u64,
    waker: Option<Waker>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Pod> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, start: u64) -> Self {
        Producer {
            shared,
            tail: start,
            head_seen: start,
            asked: start,
            waker: None,
            not_sync: PhantomData,
        }
    }

    /// Wakes this waiter's thread whenever values are published, and when this end is dropped: the
    /// consumer's, if it parks. Each publication then costs a full fence.
    pub fn wake_with(&mut self, waker: Option<Waker>) {
        self.waker = waker;
    }

    /// Free slots as far as is known here: there may be more.
    #[inline(always)]
    fn room_seen(&self) -> u64 {
        self.shared.fixed.0.slots.capacity() - self.tail.wrapping_sub(self.head_seen)
    }

    #[inline(always)]
    fn look_at_head(&mut self) {
        // Acquire: the consumer's reads of the slots it gave back come before our writes to them.
        self.head_seen = self.shared.head.0.load(Ordering::Acquire);
    }

    /// Free slots, `max` at most; looks at the consumer's line only if that many were not known.
    #[inline(always)]
    fn room(&mut self, max: usize) -> usize {
        if self.room_seen() < max as u64 {
            self.look_at_head();
        }
        self.room_seen().min(max as u64) as usize
    }

    /// Makes the next `count` slots the consumer's.
    #[inline(always)]
    fn publish(&mut self, count: usize) {
        self.tail = self.tail.wrapping_add(count as u64);
        // Release: the slots' values come before the index that shows them.
        self.shared.tail.0.store(self.tail, Ordering::Release);
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }

    /// After `count` values were published, asks for the slots that will probably be written next.
    /// Only for free ones: the consumer still reads the others.
    #[inline(always)]
    fn ask_ahead(&mut self, count: usize) {
        let least = const { Slots::<T>::within(AHEAD_BYTES) };
        let wanted = least.max(count as u64).min(self.room_seen());
        // Behind `tail` is as good as at it.
        let asked = (self.asked.wrapping_sub(self.tail) as i64).max(0) as u64;
        if wanted > asked {
            let from = self.tail.wrapping_add(asked);
            let more = self.shared.fixed.0.slots.prefetch_write(from, wanted - asked);
            self.asked = from.wrapping_add(more);
        }
    }

    /// Pushes one value.
    ///
    /// # Errors
    /// If the ring is full; the value comes back.
    #[inline(always)]
    pub fn try_push(&mut self, value: T) -> Result<(), Full<T>> {
        if self.room(1) == 0 {
            return Err(Full(value));
        }
        let slots = &self.shared.fixed.0.slots;
        // A consumer that waits has this line and the slot's in its cache: both are fetched at a time,
        // not one after the other. See `Consumer::look_at_tail` for what it gains.
        prefetch_write_address(&raw const self.shared.tail);
        // SAFETY: this is the producer, and the slot at `tail` is free: `room` says so.
        unsafe { slots.write(self.tail, value) };
        self.publish(1);
        self.ask_ahead(1);
        Ok(())
    }

    /// Claims free slots, `max` at most, to be written in place; none if the ring is full. They hold
    /// what was left there by an earlier lap.
    #[inline]
    pub fn claim(&mut self, max: usize) -> Claim<'_, T> {
        let len = self.room(max);
        let writing = self.shared.fixed.0.slots.writing(self.tail, len);
        Claim { producer: self, len, writing }
    }

    /// Copies and publishes as many values as fit, with one store of the index. Tells how many.
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> usize {
        let mut claim = self.claim(values.len());
        let count = claim.len();
        if count > 0 {
            let (front, back) = claim.slices();
            let (values_front, values_back) = values[..count].split_at(front.len());
            front.copy_from_slice(values_front);
            back.copy_from_slice(values_back);
            claim.commit(count);
        }
        count
    }

    /// Pushes all values in order, waiting where the ring is full. Tells how often it was.
    ///
    /// `stop` is looked at only while the ring is full. Whoever sets it should wake this waiter; a
    /// parked one looks by itself within 50 ms.
    ///
    /// # Errors
    /// If the consumer is gone, or the ring is full and `stop` is set.
    pub fn push_all(
        &mut self,
        values: &[T],
        waiter: &mut Waiter,
        stop: &StopFlag,
    ) -> Result<u64, Unpushed> {
        let (mut pushed, mut stalls) = (0, 0);
        if self.is_abandoned() {
            return Err(Unpushed { pushed, stalls, closed: Closed::Abandoned });
        }
        loop {
            pushed += self.push_slice(&values[pushed..]);
            if pushed == values.len() {
                return Ok(stalls);
            }
            stalls += 1;
            if let Err(closed) = self.wait_for_room(waiter, stop) {
                return Err(Unpushed { pushed, stalls, closed });
            }
        }
    }

    /// Waits until there is a free slot. Tells how many there are.
    ///
    /// # Errors
    /// If the ring is full and the consumer is gone or `stop` is set.
    pub fn wait_for_room(&mut self, waiter: &mut Waiter, stop: &StopFlag) -> Result<usize, Closed> {
        let mut is_first = true;
        loop {
            let free = self.free();
            if free > 0 {
                waiter.reset();
                return Ok(free);
            }
            if core::mem::take(&mut is_first) {
                self.note_stall();
            }
            if self.is_abandoned() {
                return Err(Closed::Abandoned);
            }
            if stop.load(Ordering::Relaxed) {
                return Err(Closed::Stopped);
            }
            waiter.wait();
        }
    }

    /// The ring is full and its producer waits: for whoever looks at the ring's gauge.
    pub fn note_stall(&self) {
        let stalls = &self.shared.fixed.0.stalls;
        // This end alone writes it.
        stalls.store(stalls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A look at how full the ring is, from any thread.
    #[must_use]
    pub fn gauge(&self) -> RingGauge
    where
        T: Send + 'static,
    {
        RingGauge::of(Arc::clone(&self.shared))
    }

    /// Whether the consumer was dropped: nobody will read what is pushed.
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.fixed.0.consumer_is_gone.load(Ordering::Acquire)
    }

    /// Slots of the ring.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.fixed.0.slots.capacity() as usize
    }

    /// Free slots now. The consumer can only make them more.
    #[inline]
    pub fn free(&mut self) -> usize {
        self.look_at_head();
        self.room_seen() as usize
    }

    /// Values now in the ring. The consumer can only make them fewer.
    #[inline]
    #[must_use]
    pub fn depth(&self) -> usize {
        self.tail.wrapping_sub(self.shared.head.0.load(Ordering::Relaxed)) as usize
    }
}

impl<T: Pod> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("depth", &self.depth())
            .finish_non_exhaustive()
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // Release: whoever sees the flag sees the last index too.
        self.shared.fixed.0.producer_is_gone.store(true, Ordering::Release);
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }
}

/// Free slots of a ring, claimed for writing. Dropped without [`Claim::commit`], nothing is published.
#[must_use = "claimed slots are published by commit"]
pub struct Claim<'ring, T: Pod> {
    producer: &'ring mut Producer<T>,
    len: usize,
    writing: Writing,
}

impl<T: Pod> Claim<'_, T> {
    /// Slots claimed.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the ring was full.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slots in order; the second slice is empty unless the ring's end lies between.
    #[inline]
    pub fn slices(&mut self) -> (&mut [T], &mut [T]) {
        // SAFETY: this is the producer; `len` slots from `tail` on are free (`room`), and stay so
        // while the claim lives, as only this end could give them away and it is borrowed uniquely,
        // as is the claim while the slices live.
        unsafe { self.producer.shared.fixed.0.slots.slices_mut(self.producer.tail, self.len) }
    }

    /// Publishes the first `count` slots.
    ///
    /// # Panics
    /// If so many were not claimed.
    #[inline]
    pub fn commit(self, count: usize) {
        assert!(count <= self.len, "Invariant: {count} slots committed of {} claimed", self.len);
        // The model's announcement ends before the slots are given away.
        let Claim { producer, len: _, writing } = self;
        writing.end();
        if count > 0 {
            producer.publish(count);
            producer.ask_ahead(count);
        }
    }
}
