//! What the shard does as time passes: windows end and detectors are woken by feed time, samples, bars of
//! the metrics and prints that wait by the symbol's own.
//!
//! A part of [`Shard`], which alone calls it. What is due is told by one comparison a message.

use super::Shard;
use crate::event::Event;
use crate::prints::Print;
use crate::shard::Observer;
use crate::units::{Nanos, SymbolId};

impl Shard {
    /// Feed time has crossed a line of the time grid with this event. Returns whether windows may have
    /// been put out.
    #[inline]
    pub(super) fn pass_time(&mut self, event: &Event) -> bool {
        let time = event.time();
        self.feed_time = self.feed_time.max(time);
        let before = self.outbox.len();
        let has_lines = self.detectors.is_line_due(time);
        if self.bars.is_due(time) {
            let position = self.position(event);
            let (outbox, suspicion) = (&mut self.outbox, &self.suspicion);
            self.bars.close(time, |bar| {
                outbox.emit_bar(position, time, &suspicion.marked(bar));
            });
        } else {
            self.bars.pass(time);
            if !has_lines {
                return false;
            }
        }
        if has_lines {
            let middle = self.outbox.len();
            self.pass_detection_lines(event, time);
            if self.outbox.len() > middle {
                let from = self.outbox.first_at(self.position(event)).max(before);
                self.outbox.settle(from);
            }
        }
        self.outbox.len() > before
    }

    /// Applies an event before which windows were put out.
    #[cold]
    #[inline(never)]
    pub(super) fn apply_after_bars<O: Observer>(&mut self, event: &Event, observer: &mut O) {
        let middle = self.outbox.len();
        self.apply_at_its_time(event, observer);
        if self.outbox.len() > middle {
            let from = self.outbox.first_at(self.position(event));
            self.outbox.settle(from);
        }
    }

    /// To be called before a symbol's own time passes: looks at what is due by `time`.
    #[inline(always)]
    pub(super) fn pass_symbol_time(&mut self, symbol: SymbolId, time: Nanos) {
        if self.metrics[symbol.0 as usize].clock.is_due(time) {
            self.pass_deadlines(symbol, time);
        }
    }

    /// Ends the samples and bars of a symbol that end by `time`, and settles the prints that are due,
    /// all with the mid as it stands. About once a second of exchange time.
    #[inline(never)]
    pub(super) fn pass_deadlines(&mut self, symbol: SymbolId, time: Nanos) {
        let metrics = &mut self.metrics[symbol.0 as usize];
        metrics.pass_lines(time);
        if time.0 >= metrics.deadlines.print_ns {
            let (standing, scored) = (metrics.mid(), &mut metrics.scored);
            let settle = |print: &Print, before| scored.settle(print, before, standing);
            let due = self.prints.settle(symbol, time, standing, settle);
            metrics.deadlines.print_ns = due.map_or(i64::MAX, |due| due.0);
        }
        metrics.clock.set_deadline(metrics.deadlines.first());
    }
}
