//! Applies order events to the books of all symbols of a shard.
//!
//! The rules (*NASDAQ TotalView-ITCH 5.0*): references belong to their symbol, a replace
//! keeps side and symbol and goes to the end of its new level's queue, what cannot be applied is
//! counted and changes nothing. Time priority is the order of arrival at a level.

use bytemuck::{Pod, Zeroable};
use core::hint::select_unpredictable;

use crate::book::applied::{Applied, Fates, Resting};
use crate::book::index::{Found, IndexMode, OrderIndex};
use crate::book::levels::{Ladder, Level, LevelStore, Owner, Place, key_of};
use crate::book::orders::{Order, OrderPool};
use crate::book::paged::Slot;
use crate::book::pool::NONE;
use crate::event::{Event, Kind};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::pipeline::stage::BATCH_EVENTS_MAX;
use crate::quality::Quality;
use crate::units::{Nanos, OrderRef, Price, Qty, Side, SymbolId};

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

impl Limits {
    /// Of an engine with so many feeds: of several, each has all numbers that a feed can have.
    #[must_use]
    pub fn for_feeds(self, feeds: u16) -> Limits {
        if feeds <= 1 {
            return self;
        }
        Limits { symbols_max: usize::from(feeds) * SymbolId::PER_FEED as usize, ..self }
    }
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

const ADD: u8 = Kind::Add as u8;
const EXECUTE: u8 = Kind::Execute as u8;
const CANCEL: u8 = Kind::Cancel as u8;
const DELETE: u8 = Kind::Delete as u8;
const REPLACE: u8 = Kind::Replace as u8;

/// See the module.
pub struct Books {
    pub(super) index: OrderIndex,
    pub(super) orders: OrderPool,
    pub(super) levels: LevelStore,
    pub(super) symbols: MappedVec<SymbolBook>,
    pub(super) batch: Box<Batch>,
}

/// What one pass of [`Books::prefetch`] leaves for the next. Nothing of it is state.
pub(super) struct Batch {
    slots: [Slot; BATCH_EVENTS_MAX],
    handles: [u32; BATCH_EVENTS_MAX],
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
            batch: Box::new(Batch {
                slots: [Slot::default(); BATCH_EVENTS_MAX],
                handles: [NONE; BATCH_EVENTS_MAX],
            }),
        })
    }

    /// Puts memory behind the first `orders` live orders, their index and an eighth as many levels, so
    /// that no page fault meets them.
    pub fn prefault(&mut self, orders: usize) {
        self.orders.prefault(orders);
        // References skip: some four a live order over a day.
        self.index.prefault(orders.saturating_mul(4));
        self.levels.prefault(orders / 8);
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
        self.apply_telling(event, quality, &mut ())
    }

    /// As [`Books::apply`], and tells `fates` what becomes of a resting order.
    #[inline(always)]
    pub(crate) fn apply_telling<F: Fates>(
        &mut self,
        event: &Event,
        quality: &mut Quality,
        fates: &mut F,
    ) -> Applied {
        if !self.admit(event.symbol()) {
            quality.over_capacity += 1;
            return Applied::default();
        }
        match event.kind {
            ADD => self.add(event, quality),
            DELETE => self.delete(event, quality, fates),
            REPLACE => self.replace(event, quality, fates),
            EXECUTE | CANCEL => self.reduce(event, quality, fates),
            _ => Applied::default(),
        }
    }

    /// Brings what a batch of events names into the cache, before the first of them is applied.
    ///
    /// Each pass reads what the one before it has fetched, so that the misses of a whole batch
    /// overlap instead of standing in a row: over the yardstick file the books take 54 ns a message
    /// with it and 78 without. Hints only: a wrong guess costs a line, never a result.
    #[inline]
    pub fn prefetch(&mut self, events: &[Event]) {
        let Books { index, orders, levels, batch, .. } = self;
        let Batch { slots, handles } = &mut **batch;
        for events in events.chunks(BATCH_EVENTS_MAX) {
            for (event, slot) in events.iter().zip(slots.iter_mut()) {
                *slot = index.prefetch(event.symbol, event.words[0]);
            }
            for ((event, slot), handle) in events.iter().zip(slots.iter()).zip(handles.iter_mut()) {
                *handle = index.guess(*slot, event.symbol, event.words[0]);
                orders.prefetch(*handle);
            }
            for &handle in &handles[..events.len()] {
                let order = orders.get(handle);
                levels.prefetch(order.level());
                orders.prefetch(order.next);
                orders.prefetch(order.prev);
            }
        }
    }

    /// Takes all orders of a symbol out.
    ///
    /// # Panics
    /// If an order is not in the index: the books are broken.
    #[cold]
    pub fn empty(&mut self, symbol: SymbolId) {
        for side in 0..2 {
            while let Some(book) = self.symbols.get(symbol.0 as usize) {
                let level = book.ladders[side].best_level;
                if level == NONE {
                    break;
                }
                // From the youngest on, as levels go from the best on: nothing has to be moved.
                let order = OrderRef(self.orders.get(self.levels.get(level).tail).reference);
                let found = self.find(symbol.0, order);
                assert!(found.handle != NONE, "Invariant: an order in a queue stands in the index");
                self.leave(symbol.0, found);
            }
        }
    }

    #[inline(always)]
    fn find(&self, symbol: u32, order: OrderRef) -> Found {
        self.index.find(symbol, order.0, &self.orders, &self.levels)
    }

    #[inline(always)]
    fn add(&mut self, event: &Event, quality: &mut Quality) -> Applied {
        let Some(is_ask) = is_ask(event.side) else {
            quality.bad_field += 1;
            return Applied::default();
        };
        let found = self.find(event.symbol, event.order());
        if found.handle != NONE {
            quality.duplicate_order += 1;
            return Applied::default();
        }
        if event.qty().0 == 0 {
            quality.zero_size += 1;
        }
        let owner = Owner::of(event.symbol, is_ask);
        let entry = Entry {
            slot: found.slot,
            order: event.order(),
            price: event.add_price(),
            qty: event.qty(),
            time_ns: event.time_ns,
        };
        let best_changed = self.enter(owner, entry, quality);
        Applied { resting: None, best_changed }
    }

    #[inline(always)]
    fn delete<F: Fates>(&mut self, event: &Event, quality: &mut Quality, fates: &mut F) -> Applied {
        let found = self.find(event.symbol, event.order());
        if found.handle == NONE {
            quality.unknown_order += 1;
            return Applied::default();
        }
        let (resting, best_changed) = self.leave(event.symbol, found);
        fates.take::<DELETE>(event.time(), &resting);
        Applied { resting: Some(resting), best_changed }
    }

    /// Execute and Cancel: takes shares off an order, and the order out with its last share.
    #[inline(always)]
    fn reduce<F: Fates>(&mut self, event: &Event, quality: &mut Quality, fates: &mut F) -> Applied {
        let found = self.find(event.symbol, event.order());
        if found.handle == NONE {
            quality.unknown_order += 1;
            return Applied::default();
        }
        let order = self.orders.get_mut(found.handle);
        let taken = event.qty().0;
        let fills = (event.kind == EXECUTE) & (taken > 0) & (order.qty > 0);
        let first_fill = fills & !order.is_filled();
        if taken >= u64::from(order.qty) {
            if taken > u64::from(order.qty) {
                quality.negative_size += 1;
            }
            let (resting, best_changed) = self.leave(event.symbol, found);
            let resting = Resting { first_fill, ..resting };
            tell_reduced(event, fates, &resting);
            return Applied { resting: Some(resting), best_changed };
        }
        order.note_fill(fills);
        order.qty -= taken as u32;
        let (level_handle, since) = (order.level(), Nanos(order.time_ns));
        let level = self.levels.get_mut(level_handle);
        level.qty -= taken;
        let (owner, price, qty) = (Owner(level.owner), Price(level.price), level.qty);
        let ladder = &mut self.symbols[event.symbol as usize].ladders[owner.side_index()];
        let best_changed = ladder.resize_if_best(level_handle, qty);
        let (side, taken) = (owner.side(), Qty(taken));
        let resting = Resting { side, price, since, taken, left: false, first_fill };
        tell_reduced(event, fates, &resting);
        Applied { resting: Some(resting), best_changed }
    }

    #[inline(always)]
    fn replace<F: Fates>(
        &mut self,
        event: &Event,
        quality: &mut Quality,
        fates: &mut F,
    ) -> Applied {
        let found = self.find(event.symbol, event.order());
        if found.handle == NONE {
            quality.unknown_order += 1;
            return Applied::default();
        }
        if event.new_order() != event.order()
            && self.find(event.symbol, event.new_order()).handle != NONE
        {
            quality.duplicate_order += 1;
            return Applied::default();
        }
        // Whether the new order can be held is settled before the old one leaves.
        if event.new_qty().0 > u64::from(u32::MAX) || !self.levels.has_room() {
            quality.over_capacity += 1;
            return Applied::default();
        }
        if event.new_qty().0 == 0 {
            quality.zero_size += 1;
        }
        let owner = Owner(self.levels.get(self.orders.get(found.handle).level()).owner);
        let before = self.symbols[event.symbol as usize].ladders[owner.side_index()].best();
        let (resting, _) = self.leave(event.symbol, found);
        fates.take::<REPLACE>(event.time(), &resting);
        let entry = Entry {
            // Leaving may have freed the page that the new reference's slot was in.
            slot: self.find(event.symbol, event.new_order()).slot,
            order: event.new_order(),
            price: event.new_price(),
            qty: event.new_qty(),
            time_ns: event.time_ns,
        };
        self.enter(owner, entry, quality);
        let after = self.symbols[event.symbol as usize].ladders[owner.side_index()].best();
        Applied { resting: Some(resting), best_changed: before != after }
    }

    /// Puts an order at the end of its level's queue. Returns whether the best changed.
    #[inline(always)]
    fn enter(&mut self, owner: Owner, entry: Entry, quality: &mut Quality) -> bool {
        let side = owner.side_index();
        let key = key_of(side, entry.price.0);
        let ladder = &mut self.symbols[owner.symbol() as usize].ladders[side];
        let Ok(qty) = u32::try_from(entry.qty.0) else {
            quality.over_capacity += 1;
            return false;
        };
        let place = self.levels.find(ladder, key);
        let level_handle = match place {
            Place::Found(at) => self.levels.level_at(ladder, at),
            Place::Absent(at) => {
                let level = Level {
                    price: entry.price.0,
                    qty: 0,
                    head: NONE,
                    tail: NONE,
                    orders: 0,
                    owner: owner.0,
                };
                let Some(handle) = self.levels.open(ladder, at, key, level) else {
                    quality.over_capacity += 1;
                    return false;
                };
                handle
            }
        };
        let tail = self.levels.get(level_handle).tail;
        let order = Order {
            reference: entry.order.0,
            time_ns: entry.time_ns,
            qty,
            level_and_filled: level_handle,
            next: NONE,
            prev: tail,
        };
        let Some(handle) = self.orders.allocate(order) else {
            self.undo_enter(owner, level_handle, None, quality);
            return false;
        };
        let (orders, levels) = (&self.orders, &self.levels);
        let reference = entry.order.0;
        if !self.index.insert(entry.slot, owner.symbol(), reference, handle, orders, levels) {
            self.undo_enter(owner, level_handle, Some(handle), quality);
            return false;
        }
        // Slot 0 is no order: a link written there is never read, and saves an unforeseeable branch.
        self.orders.get_mut(tail).next = handle;
        let level = self.levels.get_mut(level_handle);
        level.head = select_unpredictable(level.head == NONE, handle, level.head);
        level.tail = handle;
        level.orders += 1;
        level.qty += u64::from(qty);
        match place {
            Place::Found(_) => ladder.resize_if_best(level_handle, level.qty),
            Place::Absent(at) => {
                let is_best = at + 1 == ladder.rungs.len();
                if is_best {
                    ladder.set_best(level_handle, level);
                }
                is_best
            }
        }
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

    /// Takes an order out of its queue, its level with it if it was the last one there. Returns what
    /// it was, and whether the best changed.
    #[inline(always)]
    fn leave(&mut self, symbol: u32, found: Found) -> (Resting, bool) {
        let order = *self.orders.get(found.handle);
        let level_handle = order.level();
        self.index.remove(found, symbol, order.reference);
        // As in `enter`: links of slot 0 are written and never read.
        self.orders.get_mut(order.prev).next = order.next;
        self.orders.get_mut(order.next).prev = order.prev;
        self.orders.release(found.handle);
        let level = self.levels.get_mut(level_handle);
        level.head = select_unpredictable(order.prev == NONE, order.next, level.head);
        level.tail = select_unpredictable(order.next == NONE, order.prev, level.tail);
        level.qty -= u64::from(order.qty);
        level.orders -= 1;
        let (owner, price, qty) = (Owner(level.owner), level.price, level.qty);
        let is_empty = level.orders == 0;
        let ladder = &mut self.symbols[symbol as usize].ladders[owner.side_index()];
        let best_changed = if is_empty {
            self.levels.close(ladder, key_of(owner.side_index(), price), level_handle);
            let was_best = level_handle == ladder.best_level;
            if was_best {
                let next_best = self.levels.best(ladder);
                ladder.set_best(next_best, self.levels.get(next_best));
            }
            was_best
        } else {
            ladder.resize_if_best(level_handle, qty)
        };
        let resting = Resting {
            side: owner.side(),
            price: Price(price),
            since: Nanos(order.time_ns),
            taken: Qty(u64::from(order.qty)),
            left: true,
            first_fill: false,
        };
        (resting, best_changed)
    }
}

/// Tells what an Execute or a Cancel did.
#[inline(always)]
fn tell_reduced<F: Fates>(event: &Event, fates: &mut F, resting: &Resting) {
    if event.kind == EXECUTE {
        fates.take::<EXECUTE>(event.time(), resting);
    } else {
        fates.take::<CANCEL>(event.time(), resting);
    }
}

/// Whether a side byte is the ask's; `None` for a byte that is no side.
///
/// Bid or ask is a coin's toss, so no branch may hang on it: `B` is 0x42 and `S` 0x42 + 17, and
/// 0 and 17 are the only numbers without bits outside 17 whose bits 0 and 4 are equal.
#[inline(always)]
fn is_ask(side: u8) -> Option<bool> {
    const { assert!(Side::Buy as u8 == 0x42 && Side::Sell as u8 == 0x42 + 17) };
    let from_bid = side.wrapping_sub(Side::Buy as u8);
    let is_side = (from_bid & !17) | ((from_bid ^ (from_bid >> 4)) & 1) == 0;
    is_side.then_some(from_bid & 1 == 1)
}

/// An order about to enter a queue.
#[derive(Clone, Copy)]
struct Entry {
    /// Where the index has looked for the reference in vain.
    slot: Slot,
    order: OrderRef,
    price: Price,
    qty: Qty,
    time_ns: i64,
}
