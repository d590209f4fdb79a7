//! What a message does besides to the book: print, break, tell of an auction, a round lot or a state.
//!
//! A part of [`Shard`], which alone calls it; a print is measured before the quote that it led to.

use super::{AUCTION, BREAK, CROSS, DIRECTORY, EXECUTE, Shard, TRADE, TRADING_ACTION};
use crate::book::applied::Applied;
use crate::event::Event;
use crate::prints::{Broken, Marks, Print, PrintKind};
use crate::signal::SignalKind;
use crate::units::{Nanos, Price, Qty, Side};
use crate::window::bars::Bar;

impl Shard {
    /// What the kinds in [`super::BESIDES_BOOK`] do there. Returns the print, and the print that was broken.
    pub(super) fn apply_besides_book(
        &mut self,
        event: &Event,
        applied: &Applied,
    ) -> (Option<Print>, Option<Print>) {
        match event.kind {
            EXECUTE => (self.execution(event, applied), None),
            TRADE | CROSS => (self.off_book_print(event), None),
            BREAK => (None, self.break_print(event)),
            TRADING_ACTION => {
                self.trading_action(event);
                (None, None)
            }
            AUCTION => {
                self.metrics[event.symbol as usize].auction.take_imbalance(event);
                (None, None)
            }
            DIRECTORY => {
                self.metrics[event.symbol as usize].lots.set_round_lot(Qty(event.words[1]));
                (None, None)
            }
            _ => (None, None),
        }
    }

    /// An execution of a displayed order: prints at its own price, or at the one sent.
    #[inline]
    fn execution(&mut self, event: &Event, applied: &Applied) -> Option<Print> {
        let sent = event.print_price();
        // An order that the book does not hold has no price, so without one sent there is no print.
        let price = sent.or(applied.resting.map(|resting| resting.price))?;
        if !event.is_printable() {
            if applied.resting.is_some() {
                self.keep_uncounted(event);
            }
            return None;
        }
        let kind = if sent.is_some() { PrintKind::ExecutedWithPrice } else { PrintKind::Executed };
        let aggressor = applied.resting.map(|resting| resting.side.opposite());
        Some(self.print(event, kind, price, aggressor))
    }

    /// A hidden execution or a cross. Neither touches the displayed book.
    #[inline]
    fn off_book_print(&mut self, event: &Event) -> Option<Print> {
        let price = Price(event.words[3] as i64);
        if event.kind == TRADE {
            // The feed sends `B` for every hidden execution since 2014: the side is unknown.
            return Some(self.print(event, PrintKind::Hidden, price, None));
        }
        if event.qty().0 == 0 {
            self.keep_uncounted(event);
            return None;
        }
        Some(self.print(event, PrintKind::Cross, price, None))
    }

    fn print(
        &mut self,
        event: &Event,
        kind: PrintKind,
        price: Price,
        aggressor: Option<Side>,
    ) -> Print {
        let print = Print {
            match_number: event.match_number(),
            price,
            qty: event.qty(),
            time: event.time(),
            kind,
            aggressor,
        };
        let mut marks = self.measure(event, &print);
        let is_behind = self.bars.is_on() && self.bars.is_behind(print.time);
        let mut over_capacity = 0;
        if is_behind {
            let arrival = self.bars.arrive_behind(print.time);
            over_capacity += u64::from(arrival.is_err());
            marks.arrival = arrival.unwrap_or(0);
        }
        let is_kept = self.prints.keep(event.symbol(), &print, &marks);
        over_capacity += u64::from(!is_kept);
        if over_capacity > 0 {
            self.qualities[event.symbol as usize].over_capacity += over_capacity;
        }
        if is_behind {
            self.add_behind(event, &print, is_kept);
        } else {
            self.bars.add(event.symbol(), &print);
        }
        print
    }

    /// Gives the bars a print whose window may have ended.
    #[cold]
    #[inline(never)]
    fn add_behind(&mut self, event: &Event, print: &Print, is_kept: bool) {
        let (position, time, outbox) = (self.position(event), self.feed_time, &mut self.outbox);
        let suspicion = &self.suspicion;
        let put_out = |bar: &Bar| outbox.emit_bar(position, time, &suspicion.marked(bar));
        let tape = is_kept.then_some(&self.prints);
        let added = self.bars.add_behind(event.symbol(), print, tape, put_out);
        self.qualities[event.symbol as usize].over_capacity += u64::from(added.is_err());
    }

    /// Takes a print into the metrics.
    #[inline]
    fn measure(&mut self, event: &Event, print: &Print) -> Marks {
        let symbol = event.symbol as usize;
        self.metrics[symbol].tape.add(print);
        if print.kind == PrintKind::Cross {
            self.metrics[symbol].auction.take_cross(event.code(), print.price, print.qty);
            return Marks::default();
        }
        self.pass_symbol_time(event.symbol(), event.time());
        self.metrics[symbol].take_print(print)
    }

    fn keep_uncounted(&mut self, event: &Event) {
        if !self.prints.keep_uncounted(event.symbol(), event.match_number()) {
            self.qualities[event.symbol as usize].over_capacity += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn break_print(&mut self, event: &Event) -> Option<Print> {
        match self.prints.break_match(event.symbol(), event.match_number()) {
            Broken::Print(print, marks) => {
                let metrics = &mut self.metrics[event.symbol as usize];
                if print.kind != PrintKind::Cross {
                    metrics.take_out_print(&print, &marks);
                }
                let tape = &mut metrics.tape;
                tape.take_out(&print);
                if tape.rests_on(print.price) {
                    tape.set_extremes(self.prints.extremes(event.symbol()));
                }
                if self.bars.is_on() {
                    self.take_out_of_bars(event, (print.time, marks.arrival));
                }
                Some(print)
            }
            Broken::Uncounted => None,
            Broken::Unknown => {
                self.qualities[event.symbol as usize].unknown_match += 1;
                None
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn take_out_of_bars(&mut self, event: &Event, print: (Nanos, u32)) {
        let (position, time, outbox) = (self.position(event), self.feed_time, &mut self.outbox);
        let suspicion = &self.suspicion;
        let put_out = |bar: &Bar| outbox.emit_bar(position, time, &suspicion.marked(bar));
        let taken = self.bars.take_out(event.symbol(), print, &self.prints, put_out);
        self.qualities[event.symbol as usize].over_capacity += u64::from(taken.is_err());
    }

    #[cold]
    #[inline(never)]
    fn trading_action(&mut self, event: &Event) {
        match event.code() {
            state @ (b'T' | b'H' | b'P' | b'Q') => {
                let symbol = event.symbol as usize;
                let before = self.metrics[symbol].trading_state().unwrap_or(0);
                if state != before {
                    // With the state, there may be a mid no more, or again.
                    let time = event.time();
                    self.pass_symbol_time(event.symbol(), time);
                    let metrics = &mut self.metrics[symbol];
                    metrics.clock.pass(time, metrics.mid());
                    metrics.set_trading_state(state);
                    let position = self.position(event);
                    let words = [u64::from(state), u64::from(before), 0, 0, 0];
                    let kind = SignalKind::TradingState;
                    self.outbox.emit(position, time, event.symbol(), kind, words);
                }
            }
            _ => self.qualities[event.symbol as usize].bad_field += 1,
        }
    }
}
