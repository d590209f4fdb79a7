//! Checks every invariant that joins index, orders, levels and ladders.
//!
//! For tests, fuzzing and `doctor`-like commands: walks everything, so it is no hot path. Nothing
//! that the wire can carry may ever make it fail.

use crate::book::books::Books;
use crate::book::levels::{Owner, key_of};
use crate::book::pool::NONE;

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
