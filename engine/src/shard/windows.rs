//! The bars of a shard as others see them: which are built, what became of them, their bytes.

use super::Shard;
use crate::memory::mapped_vec::MemoryError;
use crate::pipeline::stage::BATCH_EVENTS_MAX;
use crate::units::{Nanos, Position, SymbolId};
use crate::window::bars::{AmendedWindow, BarCounts, BarSettings, Bars};
use crate::window::encoding::DecodeError;

impl Shard {
    /// The shard, which is to build these bars. The sequencer in front of it must have their time grid
    /// ([`Sequencer::with_time_grid`](crate::pipeline::sequencer::Sequencer::with_time_grid)).
    ///
    /// # Errors
    /// If the system refuses the address range.
    ///
    /// # Panics
    /// If the shard has seen anything.
    pub fn with_bars(mut self, settings: &BarSettings) -> Result<Self, MemoryError> {
        assert!(
            self.metrics.is_empty(),
            "Invariant: what is computed is settled before the first event"
        );
        let symbols_max = self.metrics.capacity();
        self.bars = Bars::new(settings, symbols_max)?;
        // Once all open windows at most, and what a batch of prints opens or corrects.
        let windows = symbols_max + 2 * BATCH_EVENTS_MAX;
        self.outbox.reserve_bars(windows.saturating_mul(self.bars.sizes()));
        Ok(self)
    }

    /// The input has ended: puts out all open windows, and ends all alerts. They stand at the position behind that of the
    /// last message. No event may come after that, and what is digested now is no state of the session.
    pub fn end_of_input(&mut self, last: Position, time: Nanos) {
        let (outbox, suspicion) = (&mut self.outbox, &self.suspicion);
        let position = Position(last.0.saturating_add(1));
        self.bars.close_all(|bar| outbox.emit_bar(position, time, &suspicion.marked(bar)));
        self.detectors.end_all(position, time, &mut self.outbox);
        let from = self.outbox.first_at(position);
        self.outbox.settle(from);
    }

    /// What happened to the windows of each size of bars after their end, in the order of sizes.
    #[must_use]
    pub fn bar_counts(&self) -> Vec<BarCounts> {
        self.bars.counts()
    }

    /// The windows to which anything happened after their end.
    pub fn amended_windows(&self) -> impl Iterator<Item = AmendedWindow> {
        self.bars.amended()
    }

    /// The windows of a symbol as bytes (`window/bars/stored.rs` draws them): what the walk over state
    /// gives of them.
    #[must_use]
    pub fn stored_windows(&self, symbol: SymbolId) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.bars.encode(symbol, &self.prints, &mut bytes);
        bytes
    }

    /// Puts stored windows in the place of a symbol's. Tape and feed time must be those under which the
    /// bytes were written.
    ///
    /// # Errors
    /// If these are no windows under this shard's sizes.
    pub fn restore_windows(&mut self, symbol: SymbolId, bytes: &[u8]) -> Result<(), DecodeError> {
        self.bars.restore(symbol, &mut self.prints, bytes)
    }
}
