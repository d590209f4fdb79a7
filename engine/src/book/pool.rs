//! A pool of plain old records that are named by `u32` handles and recycled.
//!
//! The most recently freed slot is used first: it is still in the cache. Free slots are chained
//! through themselves. Slot 0 is never handed out, so that a zeroed handle means none; it may be
//! written through a link that names nothing, and must never be read for what it means. Full:
//! [`Pool::allocate`] gives `None` and the caller counts.

use bytemuck::Pod;

use crate::memory::mapped_vec::{MemoryError, Pages};
use crate::memory::masked_table::MaskedTable;

/// The handle that names no record.
pub const NONE: u32 = 0;

/// A record that can hold the next free slot while it is free itself.
pub trait Recycled: Pod {
    /// The next free slot.
    fn next_free(&self) -> u32;

    /// Sets the next free slot.
    fn set_next_free(&mut self, handle: u32);
}

/// A pool of at most 2^`BITS` − 1 records. See the module.
pub struct Pool<T, const BITS: u32> {
    slots: MaskedTable<T, BITS>,
    /// The most recently freed slot, or [`NONE`].
    free: u32,
    /// The lowest slot never used.
    fresh: u32,
    /// One past the highest slot that may be used.
    end: u32,
    live: u32,
}

impl<T: Recycled, const BITS: u32> Pool<T, BITS> {
    /// A pool of at most `records_max` records, and of 2^`BITS` − 1 whatever `records_max`.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(records_max: usize) -> Result<Self, MemoryError> {
        let end = records_max.saturating_add(1).min(1 << BITS) as u32;
        Ok(Pool { slots: MaskedTable::new(Pages::Huge)?, free: NONE, fresh: 1, end, live: 0 })
    }

    /// Records in the pool.
    #[inline(always)]
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// Whether one more record fits.
    #[inline(always)]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.free != NONE || self.fresh < self.end
    }

    /// The record behind a handle.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, handle: u32) -> &T {
        self.slots.at(handle)
    }

    /// The record behind a handle, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, handle: u32) -> &mut T {
        self.slots.at_mut(handle)
    }

    /// Brings a record into the cache.
    #[inline(always)]
    pub fn prefetch(&self, handle: u32) {
        self.slots.prefetch(handle);
    }

    /// See [`MaskedTable::prefault`].
    pub fn prefault(&mut self, records: usize) {
        self.slots.prefault(records);
    }

    /// The handle that the next record gets, if none was ever given back: handles are then dense, from
    /// 1 on. `None` if one was.
    #[must_use]
    pub fn next_of_dense(&self) -> Option<u32> {
        (self.free == NONE && self.live + 1 == self.fresh).then_some(self.fresh)
    }

    /// Stores `record` and gives its handle; `None` when the pool is full.
    #[inline(always)]
    pub fn allocate(&mut self, record: T) -> Option<u32> {
        let handle = if self.free != NONE {
            let handle = self.free;
            self.free = self.slots.at(handle).next_free();
            handle
        } else if self.fresh < self.end {
            self.fresh += 1;
            self.fresh - 1
        } else {
            return None;
        };
        *self.slots.at_mut(handle) = record;
        self.live += 1;
        Some(handle)
    }

    /// Gives a record's slot back; it is the next one to be used.
    #[inline(always)]
    pub fn release(&mut self, handle: u32) {
        debug_assert!(handle != NONE && self.live > 0, "Invariant: only a live record is released");
        self.slots.at_mut(handle).set_next_free(self.free);
        self.free = handle;
        self.live -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Recycled for u32 {
        fn next_free(&self) -> u32 {
            *self
        }

        fn set_next_free(&mut self, handle: u32) {
            *self = handle;
        }
    }

    #[test]
    fn the_last_slot_freed_is_the_first_used_and_a_full_pool_says_so() {
        let mut pool: Pool<u32, 20> = Pool::new(3).unwrap();
        let handles = [7, 8, 9].map(|record| pool.allocate(record).unwrap());
        assert_eq!(handles, [1, 2, 3]);
        assert_eq!((pool.allocate(10), pool.live(), pool.has_room()), (None, 3, false));
        pool.release(1);
        pool.release(3);
        assert!(pool.has_room());
        assert_eq!(
            (pool.allocate(11), pool.allocate(12), pool.allocate(13)),
            (Some(3), Some(1), None)
        );
        assert_eq!((*pool.get(1), *pool.get(2), *pool.get(3)), (12, 8, 11));
    }

    #[test]
    fn a_pool_is_never_larger_than_its_table() {
        let mut pool: Pool<u32, 4> = Pool::new(1_000).unwrap();
        assert_eq!((0..1_000).filter_map(|record| pool.allocate(record)).count(), 15);
    }
}
