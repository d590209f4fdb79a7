//! The pool of resting orders.
//!
//! ```text
//!  0           8         16    20      24     28     32
//!  ├ reference ┼ time_ns ┼ qty ┼ level ┼ next ┼ prev ┤
//!    u64         i64       u32   u32     u32    u32
//! ```
//! Two orders share a cache line. The price, side and symbol are the level's. `next` and `prev` are
//! the queue neighbours at the level, older order before younger; in a free slot `next` is the next
//! free slot. Slot 0 is never an order, so that a zeroed handle means none.

use bytemuck::{Pod, Zeroable};

use crate::memory::mapped_vec::{MemoryError, Pages};
use crate::memory::masked_table::MaskedTable;

/// The handle that names no order and no level.
pub const NONE: u32 = 0;

/// A resting order. Layout: see the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(32))]
pub struct Order {
    /// The feed's reference, unique within the symbol.
    pub reference: u64,
    /// Exchange time at which the order took its place in the queue, UTC epoch ns.
    pub time_ns: i64,
    /// Shares left. 0 is possible: an order may enter with size zero.
    pub qty: u32,
    /// The price level it rests at.
    pub level: u32,
    /// The next younger order of the level, or [`NONE`].
    pub next: u32,
    /// The next older order of the level, or [`NONE`].
    pub prev: u32,
}

const _: () = assert!(size_of::<Order>() == 32);

/// Slots of the pool, as a power of two: 8 GiB of address space.
const POOL_BITS: u32 = 28;

/// All resting orders of a shard.
pub struct OrderPool {
    slots: MaskedTable<Order, POOL_BITS>,
    /// The most recently freed slot, or [`NONE`].
    free: u32,
    /// The lowest slot never used.
    fresh: u32,
    /// One past the highest slot that may be used.
    end: u32,
    live: u32,
}

impl OrderPool {
    /// A pool of at most `orders_max` orders, and of 2^28 − 1 whatever `orders_max`.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(orders_max: usize) -> Result<Self, MemoryError> {
        let end = orders_max.saturating_add(1).min(1 << POOL_BITS) as u32;
        Ok(OrderPool { slots: MaskedTable::new(Pages::Huge)?, free: NONE, fresh: 1, end, live: 0 })
    }

    /// Orders in the pool.
    #[inline(always)]
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// The order behind a handle.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, handle: u32) -> &Order {
        self.slots.at(handle)
    }

    /// The order behind a handle, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, handle: u32) -> &mut Order {
        self.slots.at_mut(handle)
    }

    /// Brings an order into the cache.
    #[inline(always)]
    pub fn prefetch(&self, handle: u32) {
        self.slots.prefetch(handle);
    }

    /// Stores `order`; `None` when the pool is full.
    #[inline(always)]
    pub fn allocate(&mut self, order: Order) -> Option<u32> {
        let handle = if self.free != NONE {
            let handle = self.free;
            self.free = self.slots.at(handle).next;
            handle
        } else if self.fresh < self.end {
            self.fresh += 1;
            self.fresh - 1
        } else {
            return None;
        };
        *self.slots.at_mut(handle) = order;
        self.live += 1;
        Some(handle)
    }

    /// Gives the slot back; it is the next one to be used.
    #[inline(always)]
    pub fn release(&mut self, handle: u32) {
        self.slots.at_mut(handle).next = self.free;
        self.free = handle;
        self.live -= 1;
    }
}
