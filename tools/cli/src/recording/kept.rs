//! What the journal of a session that goes on holds already: it must come again, as it came.
//!
//! The input is read from its start. As long as the journal has records, what comes is held against
//! them, byte for byte, and not journaled again; the engine takes it as it did the first time. An input
//! that differs, or ends before the journal does, is another one.

use engine::journal::source::JournalSource;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Packet, Source as _};
use engine::units::Sequence;

use crate::exit::Failure;
use crate::replay::faults;

/// See the module.
pub(super) struct Kept {
    source: JournalSource<Directory>,
    /// Records that have not come again.
    left: u64,
}

impl Kept {
    /// The first `records` packets and gaps of a feed in the journal.
    pub(super) fn new(
        directories: LogDirectories<Directory>,
        feed: u16,
        records: u64,
    ) -> Result<Kept, Failure> {
        let source = JournalSource::open(directories, feed);
        Ok(Kept { source: source.map_err(|error| faults::of_journal(&error))?, left: records })
    }

    /// How many have not come again.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// A packet comes that is the next on record.
    pub(super) fn packet(&mut self, packet: &Packet<'_>) -> Result<(), Failure> {
        let first = packet.sequence;
        self.next(first, |arrival| match arrival {
            Arrival::Packet(kept) => kept == packet,
            Arrival::Gap { .. } | Arrival::End => false,
        })
    }

    /// A gap comes that is the next on record.
    pub(super) fn gap(&mut self, first: Sequence, end: Sequence) -> Result<(), Failure> {
        self.next(first, |arrival| *arrival == Arrival::Gap { first, end })
    }

    fn next(
        &mut self,
        sequence: Sequence,
        is_same: impl Fn(&Arrival<'_>) -> bool,
    ) -> Result<(), Failure> {
        let arrival = self.source.next().map_err(|error| faults::of_journal(&error))?;
        if is_same(&arrival) {
            self.left -= 1;
            return Ok(());
        }
        Err(Failure::usage(format_args!(
            "the input is not the one that the session was recorded from: at message {} the journal has something else; give that input, or record into another directory",
            sequence.0
        )))
    }
}
