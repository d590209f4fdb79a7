//! Resting orders and the pool they live in.
//!
//! ```text
//!  0           8         16    20               24     28     32
//!  ├ reference ┼ time_ns ┼ qty ┼ filled | level ┼ next ┼ prev ┤
//!    u64         i64       u32   1 bit + 31 bits  u32    u32
//! ```
//! Two orders share a cache line. The bit says whether shares of the order were ever executed, so
//! that its first fill is told from a later one; a level's handle needs 25 bits at most. The price, side and symbol are the level's. `next` and `prev` are
//! the queue neighbours at the level, older order before younger; in a free slot `next` is the next
//! free slot. Slot 0 is never an order, so that a zeroed handle means none.

use bytemuck::{Pod, Zeroable};

use crate::book::pool::{Pool, Recycled};

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
    /// The price level it rests at, and [`FILLED`]; see [`Order::level`].
    pub(crate) level_and_filled: u32,
    /// The next younger order of the level, or [`NONE`](crate::book::pool::NONE).
    pub next: u32,
    /// The next older order of the level, or [`NONE`](crate::book::pool::NONE).
    pub prev: u32,
}

const _: () = assert!(size_of::<Order>() == 32);

/// Bit of `level_and_filled` of an order of which shares were executed.
const FILLED: u32 = 1 << 31;

impl Order {
    /// Handle of the price level it rests at.
    #[inline(always)]
    #[must_use]
    pub const fn level(&self) -> u32 {
        self.level_and_filled & !FILLED
    }

    /// Whether shares of it were executed.
    #[inline(always)]
    #[must_use]
    pub const fn is_filled(&self) -> bool {
        self.level_and_filled & FILLED != 0
    }

    /// Notes whether shares of it were executed now; once noted it stays.
    #[inline(always)]
    pub(crate) const fn note_fill(&mut self, filled: bool) {
        self.level_and_filled |= (filled as u32) << 31;
    }
}

impl Recycled for Order {
    #[inline(always)]
    fn next_free(&self) -> u32 {
        self.next
    }

    #[inline(always)]
    fn set_next_free(&mut self, handle: u32) {
        self.next = handle;
    }
}

/// All resting orders of a shard, at most 2^28 − 1: 8 GiB of address space.
pub type OrderPool = Pool<Order, 28>;
