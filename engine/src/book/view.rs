//! Reading one symbol's book: best prices, levels best first, queues oldest first.
//!
//! A view borrows the books and costs nothing to make; it can be taken after any event.

use crate::book::books::{Books, SymbolBook};
use crate::book::levels::{Ladder, Level, LevelStore};
use crate::book::orders::OrderPool;
use crate::book::pool::NONE;
use crate::units::{Nanos, OrderRef, Price, Qty, Side, SymbolId};

/// One symbol's book. A symbol never seen has an empty one.
#[derive(Clone, Copy)]
pub struct BookView<'a> {
    books: &'a Books,
    ladders: Option<&'a [Ladder; 2]>,
}

/// Totals of one price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// The price.
    pub price: Price,
    /// Shares resting there.
    pub qty: Qty,
    /// Orders resting there.
    pub orders: u32,
    handle: u32,
}

/// One resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its reference.
    pub order: OrderRef,
    /// Shares left.
    pub qty: Qty,
    /// When it took its place in the queue (exchange time).
    pub time: Nanos,
}

/// Best price of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// The price.
    pub price: Price,
    /// Shares resting there.
    pub qty: Qty,
}

impl Books {
    /// The book of a symbol.
    #[inline(always)]
    #[must_use]
    pub fn book(&self, symbol: SymbolId) -> BookView<'_> {
        let ladders = self.symbols.get(symbol.0 as usize).map(|SymbolBook { ladders }| ladders);
        BookView { books: self, ladders }
    }
}

impl<'a> BookView<'a> {
    #[inline(always)]
    fn ladder(&self, side: Side) -> Option<&'a Ladder> {
        self.ladders.map(|ladders| &ladders[usize::from(side == Side::Sell)])
    }

    fn level(&self, handle: u32) -> LevelView {
        let Level { price, qty, orders, .. } = *self.books.levels.get(handle);
        LevelView { price: Price(price), qty: Qty(qty), orders, handle }
    }

    /// Bids and asks, and where their levels and orders live, for a walk over every field of them.
    pub(crate) fn parts(&self) -> Option<(&'a [Ladder; 2], &'a LevelStore, &'a OrderPool)> {
        // The index follows from the orders; of the batch nothing outlives a call.
        let Books { index: _, orders, levels, symbols: _, batch: _ } = self.books;
        Some((self.ladders?, levels, orders))
    }

    /// The best price of a side; one cache line serves both sides.
    #[inline(always)]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Best> {
        let ladder = self.ladder(side)?;
        if ladder.best_level == NONE {
            return None;
        }
        Some(Best { price: Price(ladder.best_price), qty: Qty(ladder.best_qty) })
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl DoubleEndedIterator<Item = LevelView> + use<'a> {
        let view = *self;
        let rungs = self.ladder(side).map_or(&[][..], |ladder| self.books.levels.rungs(ladder));
        rungs.iter().rev().map(move |rung| view.level(rung.level))
    }

    /// The orders of a level, first in time first.
    pub fn queue(&self, level: LevelView) -> impl Iterator<Item = OrderView> + use<'a> {
        let books = self.books;
        let mut handle = books.levels.get(level.handle).head;
        core::iter::from_fn(move || {
            if handle == NONE {
                return None;
            }
            let order = books.orders.get(handle);
            handle = order.next;
            Some(OrderView {
                order: OrderRef(order.reference),
                qty: Qty(u64::from(order.qty)),
                time: Nanos(order.time_ns),
            })
        })
    }

    /// How many price levels a side has.
    #[must_use]
    pub fn level_count(&self, side: Side) -> usize {
        self.ladder(side).map_or(0, |ladder| ladder.rungs.len())
    }

    /// How many orders rest on both sides. Walks the levels.
    #[must_use]
    pub fn order_count(&self) -> u64 {
        let count = |side| self.levels(side).map(|level| u64::from(level.orders)).sum::<u64>();
        count(Side::Buy) + count(Side::Sell)
    }
}
