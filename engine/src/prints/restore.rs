//! A symbol's tape made anew from its records in the order of their arrival.
//!
//! Blocks, summaries, the table of numbers that did not rise and where the prints begin that wait
//! follow from the records: each is kept again as it was kept first.

use super::record::Record;
use super::{BLOCK, Prints};
use crate::units::SymbolId;

impl Prints {
    /// Whether no record of the symbol is kept.
    pub(crate) fn is_empty(&self, symbol: SymbolId) -> bool {
        self.records(symbol).0 == 0
    }

    /// Keeps a record as it was kept before, behind those of its symbol that are there; `false` if
    /// there is no room.
    pub(crate) fn restore(&mut self, symbol: SymbolId, record: Record) -> bool {
        if !self.append(symbol, record) {
            return false;
        }
        // The place of a print that waits is looked for once, the first time that prints are settled;
        // until then the cursor stands before all that were settled or never waited.
        if !record.is_pending() {
            let tape = &mut self.tapes[symbol.0 as usize];
            let before = (tape.blocks.len() - 1) * BLOCK + tape.in_last as usize - 1;
            if tape.pending_from as usize == before {
                tape.pending_from += 1;
            }
        }
        true
    }
}
