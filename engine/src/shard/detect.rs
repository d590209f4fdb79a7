//! What a shard shows its detectors, and when.
//!
//! A part of [`Shard`], which alone calls it.

use super::Shard;
use crate::detect::{Detectors, Done, Shown};
use crate::event::Event;
use crate::signal::SignalKind;
use crate::units::{Nanos, Position, Sequence, SymbolId};

impl Shard {
    /// The shard, with these detectors, made for as many symbols.
    ///
    /// # Panics
    /// If the shard has seen anything.
    #[must_use]
    pub fn with_detectors(mut self, detectors: Detectors) -> Self {
        assert!(
            self.metrics.is_empty(),
            "Invariant: what is computed is settled before the first event"
        );
        self.detectors = detectors;
        if self.detectors.is_on() {
            self.outbox.reserve(DETECTIONS);
        }
        self
    }

    /// The detectors.
    #[must_use]
    pub fn detectors(&self) -> &Detectors {
        &self.detectors
    }

    /// Ends the second of a symbol before an event behind it.
    #[cold]
    #[inline(never)]
    pub(super) fn end_second(&mut self, event: &Event) {
        let shown = Shown {
            position: self.position(event),
            sequence: self.detectors.number(event, self.position(event)),
            event,
            metrics: &self.metrics[event.symbol as usize],
            books: &self.books,
            is_suspect: self.suspicion.is_on(event.symbol().feed()),
        };
        self.detectors.end_second(&shown, &mut self.outbox);
    }

    /// Shows an event that has been applied, and begun, and that may concern a detector.
    #[inline(never)]
    pub(super) fn detect(&mut self, event: &Event, done: &Done<'_>) {
        let shown = Shown {
            position: self.position(event),
            sequence: self.detectors.number(event, self.position(event)),
            event,
            metrics: &self.metrics[event.symbol as usize],
            books: &self.books,
            is_suspect: self.suspicion.is_on(event.symbol().feed()),
        };
        self.detectors.on_event(&shown, done, &mut self.outbox);
    }

    /// Lines of feed time pass with this event: wakes who wished to be woken, and tells the rate of messages.
    #[cold]
    #[inline(never)]
    pub(super) fn pass_detection_lines(&mut self, event: &Event, time: Nanos) {
        let position = self.position(event);
        let sequence = self.detectors.number(event, position);
        while let Some(line) = self.detectors.take_line(time) {
            self.tell_rate(sequence, position, line);
            let mut from = SymbolId(0);
            while let Some(symbol) = self.detectors.woken(from) {
                from = SymbolId(symbol.0 + 1);
                if symbol.0 as usize >= self.metrics.len() {
                    continue;
                }
                let passing = Event { symbol: symbol.0, ..*event };
                let shown = Shown {
                    position,
                    sequence: self.detectors.number_when_woken(symbol, sequence),
                    event: &passing,
                    metrics: &self.metrics[symbol.0 as usize],
                    books: &self.books,
                    is_suspect: self.suspicion.is_on(symbol.feed()),
                };
                self.detectors.wake(&shown, line, &mut self.outbox);
            }
        }
    }

    fn tell_rate(&mut self, sequence: Sequence, position: Position, line: Nanos) {
        let messages = self.detectors.take_messages();
        if messages > 0 {
            let words = [messages, line.0 as u64, sequence.0, 0, 0];
            self.outbox.emit(position, line, SymbolId(0), SignalKind::Rate, words);
        }
    }
}

/// Signals for which there is room at once without growing.
const DETECTIONS: usize = 1 << 14;
