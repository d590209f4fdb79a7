//! Reads the board for the screen: each look all counters and quotes, and no more of the rest than is
//! shown or due.

use std::time::{Duration, Instant};

use engine::board::BoardReader;
use engine::units::SymbolId;

use super::readings::Readings;
use crate::stat::look::{self, Look, detail_of};

/// How often what is much to read is read: all details, all latencies.
const MUCH_EVERY: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Watcher {
    board: BoardReader,
    readings: Readings,
    much_at: Instant,
}

impl Watcher {
    /// Takes the first look.
    pub(super) fn new(board: BoardReader) -> Watcher {
        let look = Look::take(&board, None);
        let much_at = look.taken;
        let mut watcher = Watcher { board, readings: Readings::new(look), much_at };
        watcher.take_much();
        watcher
    }

    /// What was read so far.
    pub(super) fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Takes another look.
    pub(super) fn look(&mut self) {
        let look = Look::take(&self.board, Some(self.readings.last()));
        let taken = look.taken;
        self.readings.take(look);
        if taken.duration_since(self.much_at) >= MUCH_EVERY {
            self.much_at = taken;
            self.take_much();
        }
    }

    /// Sees whether the engine is there, and nothing else.
    pub(super) fn see_whether_it_lives(&mut self) {
        self.readings.set_liveness(self.board.liveness(look::now()));
    }

    /// Reads the details of the symbols that are shown.
    pub(super) fn read_details(&mut self, shown: &[SymbolId]) {
        for symbol in shown {
            if let Some(detail) = detail_of(&self.board, *symbol) {
                self.readings.take_detail(*symbol, detail);
            }
        }
    }

    fn take_much(&mut self) {
        self.readings.take_latencies(self.much_at, look::latencies(&self.board));
        let is_behind = |symbol: SymbolId, sequence: u64| {
            self.readings.detail(symbol).is_none_or(|detail| detail.sequence != sequence)
        };
        let quotes = self.readings.last().symbols.iter();
        let behind = quotes.filter(|shown| is_behind(shown.symbol, shown.quote.sequence));
        let behind: Vec<SymbolId> = behind.map(|shown| shown.symbol).collect();
        self.read_details(&behind);
        self.readings.sum_quality();
    }
}
