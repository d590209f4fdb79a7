//! Checks every invariant that joins index, orders, levels and ladders.
//!
//! For tests, fuzzing and `doctor`-like commands: walks everything, or everything of one symbol, so it
//! is no hot path. Nothing that the wire can carry may ever make it fail.

use crate::book::books::Books;
use crate::book::levels::{Owner, key_of};
use crate::book::pool::NONE;
use crate::units::SymbolId;

/// An invariant that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Rungs out of order, or the same price twice.
    #[error("symbol {symbol}: the ladder of side {side} is not sorted at rung {rung}")]
    Unsorted {
        /// The symbol's number.
        symbol: u32,
        /// 0 bids, 1 asks.
        side: usize,
        /// Position in the ladder.
        rung: usize,
    },
    /// A level whose price, symbol or side is not that of the rung that names it.
    #[error("symbol {symbol}: level {level} does not belong to the rung that names it")]
    ForeignLevel {
        /// The symbol's number.
        symbol: u32,
        /// The level's handle.
        level: u32,
    },
    /// A level's totals are not the sums of its queue, or the queue's links are broken.
    #[error("symbol {symbol}: level {level} does not add up with its queue")]
    BadQueue {
        /// The symbol's number.
        symbol: u32,
        /// The level's handle.
        level: u32,
    },
    /// An order that the index does not find, or finds elsewhere.
    #[error("symbol {symbol}: order {reference} is not where the index says")]
    Unindexed {
        /// The symbol's number.
        symbol: u32,
        /// The order's reference.
        reference: u64,
    },
    /// The copy of the best level in the ladder is stale.
    #[error("symbol {symbol}: the best price of side {side} is not its best level")]
    StaleBest {
        /// The symbol's number.
        symbol: u32,
        /// 0 bids, 1 asks.
        side: usize,
    },
    /// The counts of orders in queues, pool and index, or of levels in ladders and pool, differ.
    #[error(
        "counts differ: {queued} orders queued, {pooled} in the pool, {indexed} in the index; {rungs} rungs, {levels} levels"
    )]
    Counts {
        /// Orders met in queues.
        queued: u64,
        /// Orders in the pool.
        pooled: u64,
        /// Orders in the index.
        indexed: u64,
        /// Rungs met in ladders.
        rungs: u64,
        /// Levels in the pool.
        levels: u64,
    },
}

impl Books {
    /// Checks every invariant.
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn validate(&self) -> Result<(), Violation> {
        let (mut queued, mut rungs) = (0, 0);
        for symbol in 0..self.symbols.len() as u32 {
            for side in 0..2 {
                rungs += self.symbols[symbol as usize].ladders[side].rungs.len() as u64;
                queued += self.validate_side(symbol, side)?;
            }
        }
        let pooled = u64::from(self.orders.live());
        let indexed = self.index.len();
        let levels = u64::from(self.levels.live());
        if queued != pooled || queued != indexed || rungs != levels {
            return Err(Violation::Counts { queued, pooled, indexed, rungs, levels });
        }
        Ok(())
    }

    /// Checks every invariant of one symbol's book. A symbol never seen has none. What counts over all
    /// symbols is left to [`Books::validate`].
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn validate_symbol(&self, symbol: SymbolId) -> Result<(), Violation> {
        if (symbol.0 as usize) < self.symbols.len() {
            self.validate_side(symbol.0, 0)?;
            self.validate_side(symbol.0, 1)?;
        }
        Ok(())
    }

    /// Returns the number of orders on the side.
    fn validate_side(&self, symbol: u32, side: usize) -> Result<u64, Violation> {
        let ladder = &self.symbols[symbol as usize].ladders[side];
        let rungs = self.levels.rungs(ladder);
        let mut queued = 0;
        for (at, rung) in rungs.iter().enumerate() {
            if at > 0 && rungs[at - 1].key >= rung.key {
                return Err(Violation::Unsorted { symbol, side, rung: at });
            }
            let level = self.levels.get(rung.level);
            let owner = Owner(level.owner);
            if owner.symbol() != symbol
                || owner.side_index() != side
                || key_of(side, level.price) != rung.key
            {
                return Err(Violation::ForeignLevel { symbol, level: rung.level });
            }
            queued += self.validate_queue(symbol, rung.level)?;
        }
        let best = rungs.last().map_or(NONE, |rung| rung.level);
        let level = self.levels.get(best);
        let figures = if best == NONE { (0, 0) } else { (level.price, level.qty) };
        if ladder.best_level != best || (ladder.best_price, ladder.best_qty) != figures {
            return Err(Violation::StaleBest { symbol, side });
        }
        Ok(queued)
    }

    fn validate_queue(&self, symbol: u32, level_handle: u32) -> Result<u64, Violation> {
        let bad = Err(Violation::BadQueue { symbol, level: level_handle });
        let level = self.levels.get(level_handle);
        let (mut qty, mut orders, mut prev, mut handle) = (0u64, 0u32, NONE, level.head);
        while handle != NONE {
            let order = self.orders.get(handle);
            if order.prev != prev || order.level() != level_handle || orders == level.orders {
                return bad;
            }
            let found = self.index.find(symbol, order.reference, &self.orders, &self.levels);
            if found.handle != handle {
                return Err(Violation::Unindexed { symbol, reference: order.reference });
            }
            qty += u64::from(order.qty);
            orders += 1;
            prev = handle;
            handle = order.next;
        }
        if orders == 0 || orders != level.orders || qty != level.qty || prev != level.tail {
            return bad;
        }
        Ok(u64::from(orders))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::books::Limits;
    use crate::event::{Event, Kind};
    use crate::quality::Quality;
    use crate::units::Side;

    /// Two symbols with two bids and an ask each.
    fn books() -> Books {
        let mut books = Books::new(Limits::default()).unwrap();
        for symbol in [1, 2] {
            assert!(books.admit(SymbolId(symbol)));
            for (order, side, price) in
                [(1, Side::Buy, 100), (2, Side::Buy, 99), (3, Side::Sell, 101)]
            {
                let words = [u64::from(symbol) * 10 + order, price, 5, 0];
                let (kind, side) = (Kind::Add as u8, side.byte());
                let event = Event { symbol, kind, side, words, ..bytemuck::Zeroable::zeroed() };
                books.apply(&event, &mut Quality::default());
            }
        }
        books
    }

    #[test]
    fn sound_books_pass_and_so_does_a_symbol_never_seen() {
        let books = books();
        assert_eq!(books.validate(), Ok(()));
        assert_eq!([1, 2, 99].map(|symbol| books.validate_symbol(SymbolId(symbol))), [Ok(()); 3]);
    }

    #[test]
    fn what_is_wrong_in_a_book_is_found_in_the_whole_and_in_that_book_alone() {
        type Damage = fn(&mut Books);
        let damages: [(Damage, Violation); 4] = [
            (
                |books| books.symbols[2].ladders[0].best_qty += 1,
                Violation::StaleBest { symbol: 2, side: 0 },
            ),
            (
                |books| {
                    let level = books.symbols[2].ladders[1].best_level;
                    books.levels.get_mut(level).qty += 1;
                },
                Violation::BadQueue { symbol: 2, level: best_ask(&books()) },
            ),
            (
                |books| {
                    let level = books.symbols[2].ladders[1].best_level;
                    books.levels.get_mut(level).price += 1;
                },
                Violation::ForeignLevel { symbol: 2, level: best_ask(&books()) },
            ),
            (
                |books| {
                    let level = books.symbols[2].ladders[1].best_level;
                    let order = books.levels.get(level).head;
                    books.orders.get_mut(order).reference = 77;
                },
                Violation::Unindexed { symbol: 2, reference: 77 },
            ),
        ];
        for (damage, violation) in damages {
            let mut books = books();
            damage(&mut books);
            assert_eq!(books.validate(), Err(violation));
            assert_eq!(books.validate_symbol(SymbolId(2)), Err(violation));
            assert_eq!(books.validate_symbol(SymbolId(1)), Ok(()));
        }
    }

    fn best_ask(books: &Books) -> u32 {
        books.symbols[2].ladders[1].best_level
    }
}
