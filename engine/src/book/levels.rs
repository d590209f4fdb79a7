//! Price levels, and for each side of each symbol the ladder that keeps them sorted.
//!
//! ```text
//!  level   0       8     16     20     24       28      32
//!          ├ price ┼ qty ┼ head ┼ tail ┼ orders ┼ owner ┤        owner = symbol << 1 | ask
//!            i64     u64   u32    u32    u32      u32
//!
//!  rung    0     8       12   16        ladder: rungs by rising key, the best price at the end
//!          ├ key ┼ level ┼ –  ┤         key = price of a bid, −price of an ask: one loop serves both
//!            i64   u32
//! ```
//! Most changes touch the last five rungs (measured by the authors of the published ITCH books, and
//! so here), hence the search runs from the end and only then halves. A level far from the best
//! moves up to the whole ladder: 16 bytes a level.

use bytemuck::{Pod, Zeroable};

use crate::book::orders::NONE;
use crate::memory::array_arena::{ArrayArena, ArrayRef};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
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
    pub const fn new(symbol: u32, side: Side) -> Self {
        Owner(symbol << 1 | matches!(side, Side::Sell) as u32)
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
        if self.0 & 1 == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }
}

/// One entry of a ladder. Layout: see the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Rung {
    /// Price of a bid, negated price of an ask.
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

/// Levels and rungs of all symbols of a shard.
pub struct LevelStore {
    levels: MappedVec<Level>,
    rungs: ArrayArena<Rung>,
    free: u32,
    live: u32,
}

/// Where a price stands in a ladder, or where it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this rung.
    Found(usize),
    /// Not there; it belongs before this rung.
    Absent(usize),
}

/// Turns a price into the key under which its side sorts it.
#[inline(always)]
#[must_use]
pub const fn key_of(side_index: usize, price: i64) -> i64 {
    // i64::MIN has no negation; no feed can carry it (ITCH prices are below 2^32 × 1e5).
    if side_index == 0 {
        price
    } else {
        price.saturating_neg()
    }
}

impl LevelStore {
    /// A store of at most `levels_max` levels.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(levels_max: usize) -> Result<Self, MemoryError> {
        let levels_max = levels_max.min(u32::MAX as usize / 8);
        let levels = MappedVec::zeroed(1, levels_max + 1, Pages::Huge)?;
        let rungs = ArrayArena::with_capacity((levels_max + 1) * 8, Pages::Huge)?;
        Ok(LevelStore {
            levels,
            rungs,
            free: NONE,
            live: 0,
        })
    }

    /// Levels in use.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// The slots, for reading by handle.
    #[inline(always)]
    #[must_use]
    pub fn slots(&self) -> &[Level] {
        &self.levels
    }

    /// The level behind a handle.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, handle: u32) -> &Level {
        &self.levels[handle as usize]
    }

    /// The level behind a handle, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, handle: u32) -> &mut Level {
        &mut self.levels[handle as usize]
    }

    /// The ladder's rungs, worst price first.
    #[inline(always)]
    #[must_use]
    pub fn rungs(&self, ladder: &Ladder) -> &[Rung] {
        self.rungs.get(&ladder.rungs)
    }

    /// Looks for `key` from the best price on.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, ladder: &Ladder, key: i64) -> Place {
        /// Rungs walked one by one before the search halves.
        const WALK_MAX: usize = 12;
        let rungs = self.rungs.get(&ladder.rungs);
        let mut at = rungs.len();
        let stop = at.saturating_sub(WALK_MAX);
        while at > stop {
            let rung = rungs[at - 1].key;
            if rung <= key {
                return if rung == key {
                    Place::Found(at - 1)
                } else {
                    Place::Absent(at)
                };
            }
            at -= 1;
        }
        match rungs[..at].binary_search_by_key(&key, |rung| rung.key) {
            Ok(found) => Place::Found(found),
            Err(absent) => Place::Absent(absent),
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
        let handle = if self.free != NONE {
            self.free
        } else {
            self.levels.len() as u32
        };
        if self.free == NONE && self.levels.push(level).is_none() {
            return None;
        }
        let recycled = self.free != NONE;
        let next_free = if recycled {
            self.levels[handle as usize].head
        } else {
            NONE
        };
        self.levels[handle as usize] = level;
        self.free = next_free;
        if !self.rungs.insert(
            &mut ladder.rungs,
            at,
            Rung {
                key,
                level: handle,
                reserved: 0,
            },
        ) {
            self.levels[handle as usize].head = self.free;
            self.free = handle;
            return None;
        }
        self.live += 1;
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
        self.levels[handle as usize].head = self.free;
        self.free = handle;
        self.live -= 1;
    }

    /// Handle of the ladder's best level, or [`NONE`].
    #[inline(always)]
    #[must_use]
    pub fn best(&self, ladder: &Ladder) -> u32 {
        self.rungs
            .last(&ladder.rungs)
            .map_or(NONE, |rung| rung.level)
    }
}
