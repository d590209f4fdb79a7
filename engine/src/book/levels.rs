//! Price levels, and for each side of each symbol the ladder that keeps them sorted.
//!
//! ```text
//!  level   0       8     16     20     24       28      32
//!          ├ price ┼ qty ┼ head ┼ tail ┼ orders ┼ owner ┤        owner = symbol << 1 | ask
//!            i64     u64   u32    u32    u32      u32
//!
//!  rung    0     8       12   16        ladder: rungs by rising key, the best price at the end
//!          ├ key ┼ level ┼ –  ┤         key = price of a bid, !price of an ask: one search serves both
//!            i64   u32
//! ```
//! Most changes are near the best price, so the search looks at the last rungs first and halves the
//! rest only then. A level that opens or closes moves the rungs above it: nothing near the best, but
//! at the far end of a ladder of 100,000 levels it took 14 µs, of 400,000 levels 144 µs. Real books
//! have some hundreds a side.

use bytemuck::{Pod, Zeroable};
use core::hint::select_unpredictable;

use crate::book::pool::{NONE, Pool, Recycled};
use crate::memory::array_arena::{ArrayArena, ArrayRef};
use crate::memory::mapped_vec::{MemoryError, Pages};
use crate::units::Side;

/// A price level with its queue. Layout: see the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(32))]
pub struct Level {
    /// The price in 1e-9 units.
    pub price: i64,
    /// Shares resting here.
    pub qty: u64,
    /// The oldest order; in a free slot the next free slot.
    pub head: u32,
    /// The youngest order.
    pub tail: u32,
    /// Orders resting here, at least 1.
    pub orders: u32,
    /// Symbol and side, see [`Owner`].
    pub owner: u32,
}

const _: () = assert!(size_of::<Level>() == 32);

/// Which symbol and side a level belongs to, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub u32);

impl Owner {
    /// `symbol` must be below 2^31.
    #[inline(always)]
    #[must_use]
    pub const fn of(symbol: u32, is_ask: bool) -> Self {
        Owner(symbol << 1 | is_ask as u32)
    }

    /// The symbol's number.
    #[inline(always)]
    #[must_use]
    pub const fn symbol(self) -> u32 {
        self.0 >> 1
    }

    /// 0 for bids, 1 for asks.
    #[inline(always)]
    #[must_use]
    pub const fn side_index(self) -> usize {
        (self.0 & 1) as usize
    }

    /// The side.
    #[inline(always)]
    #[must_use]
    pub const fn side(self) -> Side {
        if self.0 & 1 == 0 { Side::Buy } else { Side::Sell }
    }
}

/// One entry of a ladder. Layout: see the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Rung {
    /// Price of a bid, complement of the price of an ask.
    pub key: i64,
    /// Handle of the level.
    pub level: u32,
    /// Always 0.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Rung>() == 16);

/// One side of one symbol: its sorted levels, and a copy of the best one's figures.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Ladder {
    /// The rungs in the arena.
    pub rungs: ArrayRef,
    /// The best level, or [`NONE`].
    pub best_level: u32,
    /// Price of the best level.
    pub best_price: i64,
    /// Shares at the best level.
    pub best_qty: u64,
}

const _: () = assert!(size_of::<Ladder>() == 32);

impl Ladder {
    /// The best level's figures, for comparing before and after.
    #[inline(always)]
    #[must_use]
    pub fn best(&self) -> (bool, i64, u64) {
        (self.best_level != NONE, self.best_price, self.best_qty)
    }

    /// Makes a level the best; [`NONE`] for an empty side.
    #[inline(always)]
    pub fn set_best(&mut self, handle: u32, level: &Level) {
        self.best_level = handle;
        self.best_price = if handle == NONE { 0 } else { level.price };
        self.best_qty = if handle == NONE { 0 } else { level.qty };
    }

    /// Takes over a level's shares if it is the best one; whether that changed them.
    #[inline(always)]
    pub fn resize_if_best(&mut self, handle: u32, qty: u64) -> bool {
        let is_best = handle == self.best_level;
        let changed = is_best & (qty != self.best_qty);
        self.best_qty = select_unpredictable(is_best, qty, self.best_qty);
        changed
    }
}

impl Recycled for Level {
    #[inline(always)]
    fn next_free(&self) -> u32 {
        self.head
    }

    #[inline(always)]
    fn set_next_free(&mut self, handle: u32) {
        self.head = handle;
    }
}

/// Slots of the level pool, as a power of two: 1 GiB of address space.
const POOL_BITS: u32 = 25;

/// Levels and rungs of all symbols of a shard.
pub struct LevelStore {
    levels: Pool<Level, POOL_BITS>,
    rungs: ArrayArena<Rung>,
}

/// Rungs from the best on that are searched by counting.
const NEAR: usize = 16;

/// Where a price stands in a ladder, or where it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this rung.
    Found(usize),
    /// Not there; it belongs before this rung.
    Absent(usize),
}

/// The last of the rungs whose key is not above `key`, or the first.
#[inline(always)]
fn last_not_above(near: &[Rung; NEAR], key: i64) -> usize {
    let mut at = 0;
    at += if near[at + 8].key <= key { 8 } else { 0 };
    at += if near[at + 4].key <= key { 4 } else { 0 };
    at += if near[at + 2].key <= key { 2 } else { 0 };
    at + usize::from(near[at + 1].key <= key)
}

/// Turns a price into the key under which its side sorts it.
#[inline(always)]
#[must_use]
pub const fn key_of(side_index: usize, price: i64) -> i64 {
    // !price is −price − 1: it reverses the order, overflows nowhere and needs no branch.
    price ^ -(side_index as i64)
}

impl LevelStore {
    /// A store of at most `levels_max` levels, and of 2^25 − 1 whatever `levels_max`.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(levels_max: usize) -> Result<Self, MemoryError> {
        let rungs_max = levels_max.saturating_add(1).min(1 << POOL_BITS) * 8;
        Ok(LevelStore {
            levels: Pool::new(levels_max)?,
            rungs: ArrayArena::with_capacity(rungs_max, Pages::Huge)?,
        })
    }

    /// Puts memory behind so many levels.
    pub fn prefault(&mut self, levels: usize) {
        self.levels.prefault(levels);
        // Arrays of rungs double as they grow, and what they leave is used again.
        self.rungs.prefault(levels.saturating_mul(4));
    }

    /// Levels in use.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.levels.live()
    }

    /// Whether one more level fits.
    #[inline(always)]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.levels.has_room()
    }

    /// The level behind a handle.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, handle: u32) -> &Level {
        self.levels.get(handle)
    }

    /// The level behind a handle, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, handle: u32) -> &mut Level {
        self.levels.get_mut(handle)
    }

    /// Brings a level into the cache.
    #[inline(always)]
    pub fn prefetch(&self, handle: u32) {
        self.levels.prefetch(handle);
    }

    /// The ladder's rungs, worst price first.
    #[inline(always)]
    #[must_use]
    pub fn rungs(&self, ladder: &Ladder) -> &[Rung] {
        self.rungs.get(&ladder.rungs)
    }

    /// Looks for `key`: among the last 16 rungs in four steps without a branch, further off
    /// by halving. (Walking from the best price ends at an unforeseeable step, which costs more.)
    #[inline(always)]
    #[must_use]
    pub fn find(&self, ladder: &Ladder, key: i64) -> Place {
        let rungs = self.rungs.get(&ladder.rungs);
        if let Some((far, near)) = rungs.split_last_chunk::<NEAR>()
            && near[0].key <= key
        {
            let at = last_not_above(near, key);
            let place = far.len() + at;
            return if near[at].key == key {
                Place::Found(place)
            } else {
                Place::Absent(place + 1)
            };
        }
        Self::halve(rungs, key)
    }

    #[inline(always)]
    fn halve(rungs: &[Rung], key: i64) -> Place {
        let at = rungs.partition_point(|rung| rung.key < key);
        match rungs.get(at) {
            Some(rung) if rung.key == key => Place::Found(at),
            _ => Place::Absent(at),
        }
    }

    /// Handle of the level at a rung.
    #[inline(always)]
    #[must_use]
    pub fn level_at(&self, ladder: &Ladder, rung: usize) -> u32 {
        self.rungs.get(&ladder.rungs)[rung].level
    }

    /// Puts a new level with no orders before rung `at`; `None` when the store is full.
    #[inline(always)]
    pub fn open(&mut self, ladder: &mut Ladder, at: usize, key: i64, level: Level) -> Option<u32> {
        let handle = self.levels.allocate(level)?;
        if !self.rungs.insert(&mut ladder.rungs, at, Rung { key, level: handle, reserved: 0 }) {
            self.levels.release(handle);
            return None;
        }
        Some(handle)
    }

    /// Makes room in an empty ladder for so many levels, all of which are to be set with
    /// [`LevelStore::set`]; `false` when the store is full.
    #[must_use]
    pub(super) fn lengthen(&mut self, ladder: &mut Ladder, levels: usize) -> bool {
        self.rungs.lengthen(&mut ladder.rungs, levels)
    }

    /// Puts a new level at rung `at`; `None` when the store is full.
    pub(super) fn set(
        &mut self,
        ladder: &Ladder,
        at: usize,
        key: i64,
        level: Level,
    ) -> Option<u32> {
        let handle = self.levels.allocate(level)?;
        self.rungs.get_mut(&ladder.rungs)[at] = Rung { key, level: handle, reserved: 0 };
        Some(handle)
    }

    /// Takes an empty level out of its ladder and frees it.
    ///
    /// # Panics
    /// If the ladder does not hold the level: the books are broken.
    #[inline(always)]
    pub fn close(&mut self, ladder: &mut Ladder, key: i64, handle: u32) {
        let Place::Found(at) = self.find(ladder, key) else {
            panic!("Invariant: a level stands in its side's ladder");
        };
        self.rungs.remove(&mut ladder.rungs, at);
        self.levels.release(handle);
    }

    /// Handle of the ladder's best level, or [`NONE`].
    #[inline(always)]
    #[must_use]
    pub fn best(&self, ladder: &Ladder) -> u32 {
        self.rungs.last(&ladder.rungs).map_or(NONE, |rung| rung.level)
    }
}
