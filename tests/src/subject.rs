//! The engine's shard as the tests drive and question it.
//!
//! A thin cover: it numbers events, checks `validate()` after each, and gives answers as plain
//! tuples that a test can write down. Everything it says is the engine's own.

use engine::book::books::Limits;
use engine::event::Event;
use engine::metrics::quote::SpreadClock;
use engine::quality::Quality;
use engine::shard::Shard;
use engine::units::{Nanos, Notional, Price, Side, SymbolId};

/// Price, shares, orders.
pub type Level = (Price, u64, u32);

/// Order reference, shares left, time in ns.
pub type Resting = (u64, u64, i64);

/// What `symbols.csv` says of a symbol's prints and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of symbols.csv, under their names")]
pub struct Figures {
    pub last: Option<Price>,
    pub open: Option<Price>,
    pub high: Option<Price>,
    pub low: Option<Price>,
    pub volume: u128,
    pub trades: u64,
    pub notional: Notional,
    pub adds: u64,
    pub executions: u64,
    pub cancels: u64,
    pub deletes: u64,
    pub replaces: u64,
    pub hidden_volume: u128,
    pub cross_volume: u128,
    pub broken_volume: u128,
    pub state: Option<u8>,
}

/// A shard under test.
pub struct Subject {
    shard: Shard,
    sequence: u64,
}

impl Subject {
    /// A shard that has seen nothing.
    ///
    /// # Panics
    /// If its memory can't be had.
    #[must_use]
    pub fn new() -> Self {
        Subject { shard: Shard::new(Limits::default()).expect("memory for a shard"), sequence: 0 }
    }

    /// Applies the event with the next sequence and checks every invariant.
    ///
    /// # Panics
    /// If the shard's invariants are broken.
    pub fn send(&mut self, event: Event) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.apply(&Event { sequence, ..event });
        self.assert_valid();
    }

    /// Applies the event as it is.
    pub fn apply(&mut self, event: &Event) {
        self.shard.apply(event, &mut ());
    }

    /// Applies a batch as it is.
    pub fn apply_batch(&mut self, events: &[Event]) {
        self.shard.apply_batch(events, &mut ());
    }

    /// Checks every invariant of every book.
    ///
    /// # Panics
    /// If one is broken.
    pub fn assert_valid(&self) {
        if let Err(violation) = self.shard.validate() {
            panic!("after sequence {}: {violation:?}", self.sequence);
        }
    }

    /// The shard itself.
    #[must_use]
    pub const fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The counters of bad input.
    #[must_use]
    pub fn quality(&self) -> Quality {
        self.shard.quality()
    }

    /// The figures of a symbol.
    #[must_use]
    pub fn metrics(&self, symbol: u32) -> Figures {
        figures(&self.shard, SymbolId(symbol))
    }

    /// The time-weighted spread of a symbol.
    #[must_use]
    pub fn spread_until(&self, symbol: u32, until: Nanos) -> SpreadClock {
        self.shard.metrics(SymbolId(symbol)).spread_until(until)
    }

    /// Price and shares of the best level of a side.
    #[must_use]
    pub fn best(&self, symbol: u32, side: Side) -> Option<(Price, u64)> {
        let best = self.shard.book(SymbolId(symbol)).best(side);
        best.map(|level| (level.price, level.qty.0))
    }

    /// The levels of a side, best first.
    #[must_use]
    pub fn levels(&self, symbol: u32, side: Side) -> Vec<Level> {
        let levels = self.shard.book(SymbolId(symbol)).levels(side);
        levels.map(|level| (level.price, level.qty.0, level.orders)).collect()
    }

    /// The orders of one level, first come first; none if there is no such level.
    #[must_use]
    pub fn queue(&self, symbol: u32, side: Side, price: Price) -> Vec<Resting> {
        let book = self.shard.book(SymbolId(symbol));
        let level = book.levels(side).find(|level| level.price == price);
        let queue = level.into_iter().flat_map(|level| book.queue(level));
        queue.map(|resting| (resting.order.0, resting.qty.0, resting.time.0)).collect()
    }

    /// How many levels a side has.
    #[must_use]
    pub fn level_count(&self, symbol: u32, side: Side) -> usize {
        self.shard.book(SymbolId(symbol)).level_count(side)
    }

    /// How many orders of a symbol are live.
    #[must_use]
    pub fn order_count(&self, symbol: u32) -> usize {
        self.shard.book(SymbolId(symbol)).order_count() as usize
    }

    /// The volume-weighted mean price of a symbol, rounded to 1e-9.
    #[must_use]
    pub fn vwap(&self, symbol: u32) -> Option<Price> {
        self.shard.metrics(SymbolId(symbol)).tape.vwap()
    }
}

impl Default for Subject {
    fn default() -> Self {
        Self::new()
    }
}

/// The figures of a symbol of `shard`.
#[must_use]
pub fn figures(shard: &Shard, symbol: SymbolId) -> Figures {
    let metrics = shard.metrics(symbol);
    let tape = &metrics.tape;
    Figures {
        last: tape.last(),
        open: tape.open(),
        high: tape.high(),
        low: tape.low(),
        volume: tape.volume(),
        trades: tape.trades(),
        notional: tape.notional(),
        adds: metrics.adds(),
        executions: metrics.executions(),
        cancels: metrics.cancels(),
        deletes: metrics.deletes(),
        replaces: metrics.replaces(),
        hidden_volume: tape.hidden_volume(),
        cross_volume: tape.cross_volume(),
        broken_volume: tape.broken_volume(),
        state: metrics.trading_state(),
    }
}
