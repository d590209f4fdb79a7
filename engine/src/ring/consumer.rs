//! The reading end of a ring.
//!
//! It owns the full slots, `head..tail`, reads them in place or takes values out, and gives slots back
//! by storing `head`. Empty: see each function; nothing here waits but [`Consumer::wait_for_values`]
//! and [`Consumer::read_waiting`].

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::AtomicBool as StopFlag;

use bytemuck::Pod;

use super::Shared;
use super::slots::Reading;
use super::sync::{Arc, Ordering};
use super::wait::{Closed, Waiter, Waker};

/// The reading end. One thread at a time has it; it can be sent to another, not shared or cloned.
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>(_: &T) {}
/// let (_producer, consumer) = engine::ring::ring::<u64>(2).unwrap();
/// shared(&consumer);
/// ```
/// ```compile_fail,E0599
/// let (_producer, consumer) = engine::ring::ring::<u64>(2).unwrap();
/// let second = consumer.clone();
/// ```
#[repr(align(128))]
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// As in `shared`, which only this end writes.
    head: u64,
    /// A tail that the producer has published; it may have gone on since.
    tail_seen: u64,
    waker: Option<Waker>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Pod> Consumer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, start: u64) -> Self {
        Consumer { shared, head: start, tail_seen: start, waker: None, not_sync: PhantomData }
    }

    /// Wakes this waiter's thread whenever slots are given back, and when this end is dropped: the
    /// producer's, if it parks. Each release then costs a full fence.
    pub fn wake_with(&mut self, waker: Option<Waker>) {
        self.waker = waker;
    }

    /// Values as far as is known here: there may be more.
    #[inline(always)]
    fn values_seen(&self) -> u64 {
        self.tail_seen.wrapping_sub(self.head)
    }

    #[inline(always)]
    fn look_at_tail(&mut self) {
        // The slot is written already, or soon: its line comes together with the index's, not after
        // it. A round trip of one value, in round trips of a bare cache line between the same cores:
        // 1.43 without prefetches, 1.30 with this one, 1.23 with the producer's too. (Pushing lines
        // out of the producer's cache, `cldemote`, gains as much here and makes streams five times
        // slower.)
        self.shared.fixed.0.slots.prefetch_read(self.head);
        // Acquire: the producer's writes to the slots before the index come before our reads.
        self.tail_seen = self.shared.tail.0.load(Ordering::Acquire);
    }

    /// Values, `max` at most; looks at the producer's line only if that many were not known.
    #[inline(always)]
    fn values(&mut self, max: usize) -> usize {
        if self.values_seen() < max as u64 {
            self.look_at_tail();
        }
        self.values_seen().min(max as u64) as usize
    }

    /// Makes the next `count` slots the producer's.
    #[inline(always)]
    fn give_back(&mut self, count: usize) {
        self.head = self.head.wrapping_add(count as u64);
        // Release: our reads of the slots come before the producer's next writes to them.
        self.shared.head.0.store(self.head, Ordering::Release);
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }

    /// Takes the oldest value out; `None` if the ring is empty.
    #[inline(always)]
    pub fn try_pop(&mut self) -> Option<T> {
        if self.values(1) == 0 {
            return None;
        }
        // SAFETY: this is the consumer, and the slot at `head` is full: `values` says so.
        let value = unsafe { self.shared.fixed.0.slots.read(self.head) };
        self.give_back(1);
        Some(value)
    }

    /// The oldest values, `max` at most, in place; none if the ring is empty. They stay in the ring
    /// until [`Batch::release`].
    #[inline]
    pub fn read(&mut self, max: usize) -> Batch<'_, T> {
        let len = self.values(max);
        let reading = self.shared.fixed.0.slots.reading(self.head, len);
        Batch { consumer: self, len, reading }
    }

    /// Waits until there is a value. Tells how many there are.
    ///
    /// `stop` is looked at only while the ring is empty. Whoever sets it should wake this waiter; a
    /// parked one looks by itself within 50 ms.
    ///
    /// # Errors
    /// If the ring is empty and the producer is gone or `stop` is set.
    pub fn wait_for_values(
        &mut self,
        waiter: &mut Waiter,
        stop: &StopFlag,
    ) -> Result<usize, Closed> {
        loop {
            // In this order: what the producer pushed before it went is seen after it has gone.
            let abandoned = self.is_abandoned();
            self.look_at_tail();
            let values = self.values_seen() as usize;
            if values > 0 {
                waiter.reset();
                return Ok(values);
            }
            if abandoned {
                return Err(Closed::Abandoned);
            }
            if stop.load(Ordering::Relaxed) {
                return Err(Closed::Stopped);
            }
            waiter.wait();
        }
    }

    /// [`Consumer::read`] that waits until there is a value. The batch is never empty, unless `max`
    /// is 0.
    ///
    /// # Errors
    /// As [`Consumer::wait_for_values`].
    pub fn read_waiting(
        &mut self,
        max: usize,
        waiter: &mut Waiter,
        stop: &StopFlag,
    ) -> Result<Batch<'_, T>, Closed> {
        if self.values_seen() == 0 {
            self.wait_for_values(waiter, stop)?;
        }
        Ok(self.read(max))
    }

    /// Whether the producer was dropped. Values may remain: see [`Consumer::is_drained`].
    #[inline]
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.shared.fixed.0.producer_is_gone.load(Ordering::Acquire)
    }

    /// Whether the producer was dropped and all it had pushed was taken: nothing will ever come.
    #[inline]
    pub fn is_drained(&mut self) -> bool {
        // In this order: a value pushed just before the drop is seen after it.
        self.is_abandoned() && {
            self.look_at_tail();
            self.values_seen() == 0
        }
    }

    /// Slots of the ring.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.fixed.0.slots.capacity() as usize
    }

    /// Values now in the ring. The producer can only make them more.
    #[inline]
    #[must_use]
    pub fn depth(&self) -> usize {
        self.shared.tail.0.load(Ordering::Relaxed).wrapping_sub(self.head) as usize
    }
}

impl<T: Pod> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("capacity", &self.capacity())
            .field("depth", &self.depth())
            .finish_non_exhaustive()
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // Release: whoever sees the flag sees the last index too.
        self.shared.fixed.0.consumer_is_gone.store(true, Ordering::Release);
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }
}

/// Values of a ring, read in place. Dropped without [`Batch::release`] (in a panic, say), all of them
/// stay and are read again.
#[must_use = "read values stay in the ring until they are released"]
pub struct Batch<'ring, T: Pod> {
    consumer: &'ring mut Consumer<T>,
    len: usize,
    reading: Reading,
}

impl<T: Pod> Batch<'_, T> {
    /// Values in the batch.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the ring was empty.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values in order; the second slice is empty unless the ring's end lies between.
    #[inline]
    #[must_use]
    pub fn slices(&self) -> (&[T], &[T]) {
        // SAFETY: this is the consumer; `len` slots from `head` on are full (`values`), and stay so
        // while the batch lives, as only this end could give them back and it is borrowed uniquely.
        unsafe { self.consumer.shared.fixed.0.slots.slices(self.consumer.head, self.len) }
    }

    /// The values in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (front, back) = self.slices();
        front.iter().chain(back)
    }

    /// Takes the first `count` values out of the ring.
    ///
    /// # Panics
    /// If the batch has fewer.
    #[inline]
    pub fn release(self, count: usize) {
        assert!(count <= self.len, "Invariant: {count} values released of {} read", self.len);
        // The model's announcement ends before the slots are given back.
        let Batch { consumer, len: _, reading } = self;
        reading.end();
        if count > 0 {
            consumer.give_back(count);
        }
    }
}
