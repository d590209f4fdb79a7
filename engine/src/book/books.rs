//! Applies order events to the books of all symbols of a shard.
//!
//! The rules are those of `INTERFACE.md` section 2: references belong to their symbol, a replace
//! keeps side and symbol and goes to the end of its new level's queue, what cannot be applied is
//! counted and changes nothing. Time priority is the order of arrival at a level.

use bytemuck::{Pod, Zeroable};

use crate::book::index::{IndexMode, OrderIndex};
use crate::book::levels::{Ladder, Level, LevelStore, Owner, Place, key_of};
use crate::book::orders::{NONE, Order, OrderPool};
use crate::event::{Event, Kind};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_read;
use crate::quality::Quality;
use crate::units::{OrderRef, Price, Qty, Side, SymbolId};

/// Bounds of a shard's memory. Only address space is reserved; memory follows use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live orders at most. Default 2^26, some ten times the busiest NASDAQ day.
    pub orders_max: usize,
    /// Price levels at most. Default 2^24.
    pub levels_max: usize,
    /// Symbols at most; a symbol's number must be below it. Default 65,536, all of a locate's range.
    pub symbols_max: usize,
    /// Prints kept for breaks at most. Default 2^28.
    pub prints_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            orders_max: 1 << 26,
            levels_max: 1 << 24,
            symbols_max: 1 << 16,
            prints_max: 1 << 28,
        }
    }
}

/// Both sides of a symbol: one cache line. All zero is an empty book.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct SymbolBook {
    /// Bids, asks.
    pub(super) ladders: [Ladder; 2],
}

const _: () = assert!(size_of::<SymbolBook>() == 64);

/// What applying one event did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Side and price of the resting order that the event named, where the book held it.
    pub resting: Option<(Side, Price)>,
    /// Whether the best bid or offer changed in price or size.
    pub best_changed: bool,
}

/// See the module.
pub struct Books {
    pub(super) index: OrderIndex,
    pub(super) orders: OrderPool,
    pub(super) levels: LevelStore,
    pub(super) symbols: MappedVec<SymbolBook>,
}

impl Books {
    /// Empty books.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(limits: Limits) -> Result<Self, MemoryError> {
        Self::with_index(limits, IndexMode::default())
    }

    /// Empty books with a chosen index, for measuring one against the other.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn with_index(limits: Limits, mode: IndexMode) -> Result<Self, MemoryError> {
        Ok(Books {
            index: OrderIndex::new(limits.orders_max, mode)?,
            orders: OrderPool::new(limits.orders_max)?,
            levels: LevelStore::new(limits.levels_max)?,
            symbols: MappedVec::with_capacity(limits.symbols_max.min(1 << 31), Pages::Base)?,
        })
    }

    /// Makes room for a symbol; `false` if its number is past the limit.
    #[inline(always)]
    #[must_use]
    pub fn admit(&mut self, symbol: SymbolId) -> bool {
        let index = symbol.0 as usize;
        index < self.symbols.len() || self.symbols.grow_to(index + 1)
    }

    /// One past the greatest symbol number seen.
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        self.symbols.len()
    }

    /// Live orders of all symbols.
    #[must_use]
    pub fn order_count(&self) -> u32 {
        self.orders.live()
    }

    /// Levels of all symbols.
    #[must_use]
    pub fn level_count(&self) -> u32 {
        self.levels.live()
    }

    /// How much of the order index is in use: `(pages, references in the hash table)`.
    #[must_use]
    pub fn index_usage(&self) -> (u32, usize) {
        self.index.usage()
    }

    /// Applies an event of a symbol other than 0. Events that are no order's leave the book as it is.
    #[inline(always)]
    pub fn apply(&mut self, event: &Event, quality: &mut Quality) -> Applied {
        if !self.admit(event.symbol()) {
            quality.over_capacity += 1;
            return Applied::default();
        }
        const ADD: u8 = Kind::Add as u8;
        const EXECUTE: u8 = Kind::Execute as u8;
        const CANCEL: u8 = Kind::Cancel as u8;
        const DELETE: u8 = Kind::Delete as u8;
        const REPLACE: u8 = Kind::Replace as u8;
        match event.kind {
            ADD => self.add(event, quality),
            DELETE => self.delete(event, quality),
            REPLACE => self.replace(event, quality),
            EXECUTE | CANCEL => self.reduce(event, quality),
            _ => Applied::default(),
        }
    }

    /// Brings what a batch of events names into the cache, before the first of them is applied:
    /// index slots, then orders, then their levels and queue neighbours.
    ///
    /// Costs about 3 ns an event and saves 20 or more once the books outgrow the cache.
    #[inline]
    pub fn prefetch(&self, events: &[Event]) {
        for event in events {
            prefetch_read(&self.symbols, event.symbol as usize);
            self.index.prefetch(event.symbol, event.words[0]);
        }
        for event in events {
            let handle = self.index.guess(event.symbol, event.words[0]);
            prefetch_read(self.orders.slots(), handle as usize);
        }
        for event in events {
            let handle = self.index.guess(event.symbol, event.words[0]);
            let order = self.orders.get(handle);
            prefetch_read(self.levels.slots(), order.level as usize);
            prefetch_read(self.orders.slots(), order.next as usize);
            prefetch_read(self.orders.slots(), order.prev as usize);
        }
    }

    #[inline(always)]
    fn find(&self, symbol: u32, order: OrderRef) -> u32 {
        self.index.find(symbol, order.0, &self.orders, &self.levels)
    }

    #[inline(always)]
    fn add(&mut self, event: &Event, quality: &mut Quality) -> Applied {
        let Some(side) = event.side() else {
            quality.bad_field += 1;
            return Applied::default();
        };
        if self.find(event.symbol, event.order()) != NONE {
            quality.duplicate_order += 1;
            return Applied::default();
        }
        quality.zero_size += u64::from(event.qty().0 == 0);
        let owner = Owner::new(event.symbol, side);
        let entry = Entry {
            order: event.order(),
            price: event.add_price(),
            qty: event.qty(),
            time_ns: event.time_ns,
        };
        let best_changed = self.enter(owner, entry, quality);
        Applied {
            resting: Some((side, event.add_price())),
            best_changed,
        }
    }

    #[inline(always)]
    fn delete(&mut self, event: &Event, quality: &mut Quality) -> Applied {
        let handle = self.find(event.symbol, event.order());
        if handle == NONE {
            quality.unknown_order += 1;
            return Applied::default();
        }
        let (resting, best_changed) = self.leave(event.symbol, handle);
        Applied {
            resting: Some(resting),
            best_changed,
        }
    }

    /// Execute and Cancel: takes shares off an order, and the order out with its last share.
    #[inline(always)]
    fn reduce(&mut self, event: &Event, quality: &mut Quality) -> Applied {
        let handle = self.find(event.symbol, event.order());
        if handle == NONE {
            quality.unknown_order += 1;
            return Applied::default();
        }
        let order = self.orders.get_mut(handle);
        let taken = event.qty().0;
        if taken >= u64::from(order.qty) {
            quality.negative_size += u64::from(taken > u64::from(order.qty));
            let (resting, best_changed) = self.leave(event.symbol, handle);
            return Applied {
                resting: Some(resting),
                best_changed,
            };
        }
        order.qty -= taken as u32;
        let level_handle = order.level;
        let level = self.levels.get_mut(level_handle);
        level.qty -= taken;
        let (owner, price) = (Owner(level.owner), Price(level.price));
        let best_changed = self.refresh_best(owner, level_handle, false);
        Applied {
            resting: Some((owner.side(), price)),
            best_changed,
        }
    }

    #[inline(always)]
    fn replace(&mut self, event: &Event, quality: &mut Quality) -> Applied {
        let handle = self.find(event.symbol, event.order());
        if handle == NONE {
            quality.unknown_order += 1;
            return Applied::default();
        }
        if event.new_order() != event.order() && self.find(event.symbol, event.new_order()) != NONE
        {
            quality.duplicate_order += 1;
            return Applied::default();
        }
        quality.zero_size += u64::from(event.new_qty().0 == 0);
        let owner = Owner(self.levels.get(self.orders.get(handle).level).owner);
        let best = |books: &Self| {
            let ladder = &books.symbols[event.symbol as usize].ladders[owner.side_index()];
            (
                ladder.best_level != NONE,
                ladder.best_price,
                ladder.best_qty,
            )
        };
        let before = best(self);
        let (resting, _) = self.leave(event.symbol, handle);
        let entry = Entry {
            order: event.new_order(),
            price: event.new_price(),
            qty: event.new_qty(),
            time_ns: event.time_ns,
        };
        self.enter(owner, entry, quality);
        Applied {
            resting: Some(resting),
            best_changed: before != best(self),
        }
    }

    /// Puts an order at the end of its level's queue. Returns whether the best changed.
    #[inline(always)]
    fn enter(&mut self, owner: Owner, entry: Entry, quality: &mut Quality) -> bool {
        let Ok(qty) = u32::try_from(entry.qty.0) else {
            quality.over_capacity += 1;
            return false;
        };
        let Some((level_handle, opened_best)) = self.level_for(owner, entry.price) else {
            quality.over_capacity += 1;
            return false;
        };
        let tail = self.levels.get(level_handle).tail;
        let order = Order {
            reference: entry.order.0,
            time_ns: entry.time_ns,
            qty,
            level: level_handle,
            next: NONE,
            prev: tail,
        };
        let handle = self.orders.allocate(order);
        let stored = handle.is_some_and(|handle| {
            let (orders, levels) = (&self.orders, &self.levels);
            self.index
                .insert(owner.symbol(), entry.order.0, handle, orders, levels)
        });
        let Some(handle) = handle.filter(|_| stored) else {
            self.undo_enter(owner, level_handle, handle, quality);
            return false;
        };
        // Slot 0 is no order: a link written there is never read, and saves an unforeseeable branch.
        self.orders.get_mut(tail).next = handle;
        let level = self.levels.get_mut(level_handle);
        level.head = if level.head == NONE {
            handle
        } else {
            level.head
        };
        level.tail = handle;
        level.orders += 1;
        level.qty += u64::from(qty);
        self.refresh_best(owner, level_handle, opened_best)
    }

    /// A pool or the index is full: takes back what entering had begun.
    #[cold]
    #[inline(never)]
    fn undo_enter(&mut self, owner: Owner, level: u32, order: Option<u32>, quality: &mut Quality) {
        quality.over_capacity += 1;
        if let Some(order) = order {
            self.orders.release(order);
        }
        if self.levels.get(level).orders == 0 {
            let key = key_of(owner.side_index(), self.levels.get(level).price);
            let ladder = &mut self.symbols[owner.symbol() as usize].ladders[owner.side_index()];
            self.levels.close(ladder, key, level);
        }
    }

    /// The level at a price, opened if need be, and whether it was opened as the best.
    #[inline(always)]
    fn level_for(&mut self, owner: Owner, price: Price) -> Option<(u32, bool)> {
        let key = key_of(owner.side_index(), price.0);
        let ladder = &mut self.symbols[owner.symbol() as usize].ladders[owner.side_index()];
        match self.levels.find(ladder, key) {
            Place::Found(at) => Some((self.levels.level_at(ladder, at), false)),
            Place::Absent(at) => {
                let is_best = at == ladder.rungs.len();
                let level = Level {
                    price: price.0,
                    qty: 0,
                    head: NONE,
                    tail: NONE,
                    orders: 0,
                    owner: owner.0,
                };
                Some((self.levels.open(ladder, at, key, level)?, is_best))
            }
        }
    }

    /// Takes an order out of its queue, its level with it if it was the last one there.
    #[inline(always)]
    fn leave(&mut self, symbol: u32, handle: u32) -> ((Side, Price), bool) {
        let order = *self.orders.get(handle);
        self.index.remove(symbol, order.reference, handle);
        // As in `enter`: links of slot 0 are written and never read.
        self.orders.get_mut(order.prev).next = order.next;
        self.orders.get_mut(order.next).prev = order.prev;
        self.orders.release(handle);
        let level = self.levels.get_mut(order.level);
        level.head = if order.prev == NONE {
            order.next
        } else {
            level.head
        };
        level.tail = if order.next == NONE {
            order.prev
        } else {
            level.tail
        };
        level.qty -= u64::from(order.qty);
        level.orders -= 1;
        let (owner, price) = (Owner(level.owner), level.price);
        if level.orders == 0 {
            let ladder = &mut self.symbols[symbol as usize].ladders[owner.side_index()];
            self.levels
                .close(ladder, key_of(owner.side_index(), price), order.level);
        }
        let best_changed = self.refresh_best(owner, order.level, false);
        ((owner.side(), Price(price)), best_changed)
    }

    /// Copies the best level's figures into the ladder if `touched` is or was the best.
    #[inline(always)]
    fn refresh_best(&mut self, owner: Owner, touched: u32, opened_best: bool) -> bool {
        let ladder = &mut self.symbols[owner.symbol() as usize].ladders[owner.side_index()];
        if touched != ladder.best_level && !opened_best {
            return false;
        }
        let before = (
            ladder.best_level != NONE,
            ladder.best_price,
            ladder.best_qty,
        );
        ladder.best_level = self.levels.best(ladder);
        let best = self.levels.get(ladder.best_level);
        let (price, qty) = if ladder.best_level == NONE {
            (0, 0)
        } else {
            (best.price, best.qty)
        };
        ladder.best_price = price;
        ladder.best_qty = qty;
        before != (ladder.best_level != NONE, price, qty)
    }
}

/// An order about to enter a queue.
#[derive(Clone, Copy)]
struct Entry {
    order: OrderRef,
    price: Price,
    qty: Qty,
    time_ns: i64,
}
