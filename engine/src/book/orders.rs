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

use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};

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

/// All resting orders of a shard.
pub struct OrderPool {
    slots: MappedVec<Order>,
    free: u32,
    live: u32,
}

impl OrderPool {
    /// A pool of at most `orders_max` orders (below 2^32).
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(orders_max: usize) -> Result<Self, MemoryError> {
        let capacity = orders_max.min(u32::MAX as usize - 1) + 1;
        let slots = MappedVec::zeroed(1, capacity, Pages::Huge)?;
        Ok(OrderPool {
            slots,
            free: NONE,
            live: 0,
        })
    }

    /// Orders in the pool.
    #[inline(always)]
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// The slots, for reading by handle.
    #[inline(always)]
    #[must_use]
    pub fn slots(&self) -> &[Order] {
        &self.slots
    }

    /// The order behind a handle.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, handle: u32) -> &Order {
        &self.slots[handle as usize]
    }

    /// The order behind a handle, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, handle: u32) -> &mut Order {
        &mut self.slots[handle as usize]
    }

    /// Stores `order`; `None` when the pool is full.
    #[inline(always)]
    pub fn allocate(&mut self, order: Order) -> Option<u32> {
        let handle = if self.free != NONE {
            let handle = self.free;
            self.free = self.slots[handle as usize].next;
            self.slots[handle as usize] = order;
            handle
        } else {
            self.slots.push(order)? as u32
        };
        self.live += 1;
        Some(handle)
    }

    /// Gives the slot back; it is the next one to be used.
    #[inline(always)]
    pub fn release(&mut self, handle: u32) {
        self.slots[handle as usize].next = self.free;
        self.free = handle;
        self.live -= 1;
    }
}
