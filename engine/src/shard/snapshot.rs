//! What a shard does with a snapshot of a feed: its content fills books that were emptied, and when it
//! ends, the quotes that it led to become the metrics'.
//!
//! A part of [`Shard`], which alone calls it. Time does not pass within a snapshot, and nothing of it is
//! counted as a message: it tells what is, not what happened. So lives of orders and order flow begin and
//! end with it, without a word of the change. Cold: some a day.

use super::{ADD, BREAK, DIRECTORY, Observer, Outcome, Shard, TRADING_ACTION};
use crate::event::Event;
use crate::signal::SignalKind;
use crate::units::{FeedId, Nanos, Position, Qty, SymbolId};

/// Symbols that came to be halted, paused or quoted only by a snapshot, and that ceased to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Halts {
    begun: u64,
    ended: u64,
}

impl Shard {
    /// The books of a feed are empty from here on, and suspect until the snapshot is whole.
    #[cold]
    #[inline(never)]
    pub(super) fn begin_snapshot(&mut self, event: &Event) {
        let feed = FeedId(event.words[0] as u16);
        self.suspicion.begin(feed, event.time());
        self.snapshot_time = event.time();
        for symbol in self.symbols_of(feed) {
            self.books.empty(symbol);
        }
    }

    /// Applies an event that a snapshot holds.
    #[cold]
    #[inline(never)]
    pub(super) fn apply_of_snapshot(&mut self, event: &Event) {
        if event.symbol == 0 {
            if !(ADD..=BREAK).contains(&event.kind) {
                self.apply_market_wide(event);
            }
            return;
        }
        let symbol = event.symbol as usize;
        if symbol >= self.metrics.len() && !self.admit(event.symbol()) {
            self.count_over_capacity();
            return;
        }
        self.metrics[symbol].note_known();
        match event.kind {
            ADD => {
                self.books.apply(event, &mut self.qualities[symbol]);
            }
            DIRECTORY => self.metrics[symbol].lots.set_round_lot(Qty(event.words[1])),
            TRADING_ACTION => self.state_of_snapshot(event),
            // Nothing else tells what is.
            _ => {}
        }
    }

    /// Takes over a trading state, from the feed time on at which the snapshot began.
    fn state_of_snapshot(&mut self, event: &Event) {
        let metrics = &mut self.metrics[event.symbol as usize];
        let state = event.code();
        if !matches!(state, b'T' | b'H' | b'P' | b'Q') || metrics.trading_state() == Some(state) {
            return;
        }
        let (was_halted, time) = (metrics.is_halted(), self.snapshot_time);
        self.pass_symbol_time(event.symbol(), time);
        let metrics = &mut self.metrics[event.symbol as usize];
        metrics.clock.pass(time, metrics.mid());
        metrics.set_trading_state(state);
        let is_halted = metrics.is_halted();
        self.halts.begun += u64::from(is_halted && !was_halted);
        self.halts.ended += u64::from(was_halted && !is_halted);
    }

    /// The snapshot has ended, whole or not: gives the metrics the quotes as they are.
    #[cold]
    #[inline(never)]
    pub(super) fn end_snapshot<O: Observer>(&mut self, event: &Event, observer: &mut O) {
        let feed = FeedId(event.words[0] as u16);
        let time = event.time();
        for symbol in self.symbols_of(feed) {
            let metrics = self.metrics(symbol);
            let quote = self.quote(symbol);
            if !metrics.is_known() || quote == (metrics.clock.bid, metrics.clock.ask) {
                continue;
            }
            self.pass_symbol_time(symbol, time);
            let (bid, ask) = quote;
            self.metrics[symbol.0 as usize].take_quote_of_snapshot(time, bid, ask);
            if O::ACTIVE {
                let changed = Event { symbol: symbol.0, ..*event };
                let outcome = Outcome { best_changed: true, ..Outcome::default() };
                observer.on_event(&changed, &outcome, self);
            }
        }
        if event.words[1] != 0 {
            self.suspicion.end(feed, time);
        }
        let Halts { begun, ended } = core::mem::take(&mut self.halts);
        if begun + ended > 0 {
            // Behind what the last message that the snapshot holds may have led to.
            let position = Position(self.position(event).0.wrapping_sub(1));
            let words = [begun, ended, u64::from(feed.0), 0, 0];
            self.outbox.emit(position, time, SymbolId(0), SignalKind::Halts, words);
        }
    }

    /// The symbols of a feed that have been met, in the order of their numbers.
    fn symbols_of(&self, feed: FeedId) -> impl Iterator<Item = SymbolId> + use<> {
        let first = u32::from(feed.0) * SymbolId::PER_FEED;
        let met = self.metrics.len() as u64;
        let end = (u64::from(first) + u64::from(SymbolId::PER_FEED)).min(met) as u32;
        (first.max(1)..end).map(SymbolId)
    }

    /// Whether the symbol's book is in doubt: messages of its feed were given up, and no snapshot of it
    /// has come whole since.
    #[inline]
    #[must_use]
    pub fn is_suspect(&self, symbol: SymbolId) -> bool {
        self.suspicion.is_on(symbol.feed())
    }

    /// Since when the symbol's book is in doubt, by feed time; `None` if it is not.
    #[must_use]
    pub fn suspect_since(&self, symbol: SymbolId) -> Option<Nanos> {
        self.suspicion.since(symbol.feed())
    }

    /// Symbols met whose books are in doubt.
    #[must_use]
    pub fn suspect_symbols(&self) -> u64 {
        let symbols = (1..self.metrics.len() as u32).map(SymbolId);
        symbols.filter(|it| self.is_suspect(*it) && self.metrics(*it).is_known()).count() as u64
    }
}
