//! Prints that wait for the mid of five seconds later, first come first.
//!
//! Each tape has a cursor: all scored prints before it are settled or broken. A scored print is never
//! earlier than the one before it (what comes late is not scored), so the first that is not due yet
//! ends the search. Each print is passed once: over a day that is one step a print, and after a lull
//! at most the prints of its last five busy seconds, in rows of memory that lie side by side.

use super::record::{Print, Record};
use super::{BLOCK, Prints, Tape};
use crate::metrics::mid::DoubledMid;
use crate::units::{Nanos, SymbolId};

/// A print's effect on prices is looked at this long after it.
pub(crate) const HORIZON_NS: i64 = 5 * Nanos::SECOND;

/// When the mid after a print is known.
#[inline(always)]
#[must_use]
pub(crate) fn due(print_time: Nanos) -> Nanos {
    Nanos(print_time.0.saturating_add(HORIZON_NS))
}

impl Prints {
    /// Settles with `mid` the prints of a symbol that are due by `until`, and hands each to `each`
    /// with the mid before it. Returns when the next one is due.
    pub(crate) fn settle(
        &mut self,
        symbol: SymbolId,
        until: Nanos,
        mid: DoubledMid,
        mut each: impl FnMut(&Print, DoubledMid),
    ) -> Option<Nanos> {
        let mut tape = self.tapes.get(symbol.0 as usize).copied()?;
        let next = loop {
            let Some(index) = self.next_pending(&mut tape) else { break None };
            let record = &mut self.records[index];
            let due = due(Nanos(record.time_ns));
            if due > until {
                break Some(due);
            }
            record.after = mid.0;
            record.settled = 1;
            tape.pending_from += 1;
            each(&record.print(), DoubledMid(record.before));
        };
        self.tapes[symbol.0 as usize].pending_from = tape.pending_from;
        next
    }

    /// Hands to `each` the prints that [`Prints::settle`] would settle, and settles none.
    pub(crate) fn each_due(
        &self,
        symbol: SymbolId,
        until: Nanos,
        mut each: impl FnMut(&Print, DoubledMid),
    ) {
        let Some(mut tape) = self.tapes.get(symbol.0 as usize).copied() else { return };
        while let Some(index) = self.next_pending(&mut tape) {
            let record = &self.records[index];
            if due(Nanos(record.time_ns)) > until {
                break;
            }
            tape.pending_from += 1;
            each(&record.print(), DoubledMid(record.before));
        }
    }

    /// Moves the cursor of `tape` to the next print that waits, and gives its index.
    fn next_pending(&self, tape: &mut Tape) -> Option<usize> {
        let blocks = self.block_lists.get(&tape.blocks);
        let end = blocks.len().saturating_sub(1) * BLOCK + tape.in_last as usize;
        while (tape.pending_from as usize) < end {
            let at = tape.pending_from as usize;
            let index = blocks[at / BLOCK] as usize * BLOCK + at % BLOCK;
            let record: &Record = &self.records[index];
            if record.is_pending() {
                return Some(index);
            }
            tape.pending_from += 1;
        }
        None
    }
}
