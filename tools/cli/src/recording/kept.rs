//! What the journal of a session that goes on holds already: it must come again, as it came.
//!
//! The input is read from its start. What the session's snapshot has seen is counted and digested, and
//! at the snapshot's place both must be what it says; the journal is not looked at. Behind that, as long
//! as the journal has records, what comes is held against them, byte for byte, and not journaled again;
//! the engine takes it as it did the first time. An input that differs, or ends before the journal does,
//! is another one.

use engine::journal::source::JournalSource;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Packet, SnapshotItem, Source as _};
use engine::snapshot::{Accepted, SnapshotHead};
use engine::units::{FeedId, Sequence};

use crate::exit::Failure;
use crate::recording::Taken;
use crate::replay::faults;

/// See the module.
pub(super) struct Kept {
    source: JournalSource<Directory>,
    /// What came so far, until that is what the snapshot has seen.
    before: Option<Before>,
    /// Records that have not come again.
    left: u64,
}

/// What comes before a snapshot.
struct Before {
    came: Accepted,
    seen: Accepted,
}

impl Kept {
    /// The first `records` packets, gaps and pieces of snapshots in the journal, of which `snapshot` has
    /// seen the first.
    pub(super) fn new(
        directories: LogDirectories<Directory>,
        records: u64,
        snapshot: Option<&SnapshotHead>,
    ) -> Result<Kept, Failure> {
        let source = JournalSource::open(directories);
        let mut source = source.map_err(|error| faults::of_journal(&error))?;
        let before = match snapshot {
            Some(head) => {
                let found = source.start_from(head.next);
                found.map_err(|error| faults::of_journal(&error))?;
                let (came, seen) = (Accepted::default(), head.accepted);
                (seen.records > 0).then_some(Before { came, seen })
            }
            None => None,
        };
        Ok(Kept { source, before, left: records })
    }

    /// How many have not come again.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// A packet comes that is the next on record.
    #[inline]
    pub(super) fn packet(&mut self, packet: &Packet<'_>) -> Result<Taken, Failure> {
        if self.before.is_some() {
            return self.before_snapshot(&Arrival::Packet(*packet));
        }
        let first = packet.sequence;
        self.next(first, |arrival| match arrival {
            Arrival::Packet(kept) => kept == packet,
            _ => false,
        })
    }

    /// A gap comes that is the next on record.
    pub(super) fn gap(
        &mut self,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
    ) -> Result<Taken, Failure> {
        if self.before.is_some() {
            return self.before_snapshot(&Arrival::Gap { feed, first, end });
        }
        self.next(first, |arrival| *arrival == Arrival::Gap { feed, first, end })
    }

    /// A piece of a snapshot comes that is the next on record.
    pub(super) fn snapshot_item(&mut self, item: &SnapshotItem<'_>) -> Result<Taken, Failure> {
        let arrival = Arrival::SnapshotItem(*item);
        if self.before.is_some() {
            return self.before_snapshot(&arrival);
        }
        self.next(item.next, |kept| *kept == arrival)
    }

    fn before_snapshot(&mut self, arrival: &Arrival<'_>) -> Result<Taken, Failure> {
        let Some(Before { came, seen }) = &mut self.before else {
            return Ok(Taken::Yes);
        };
        came.take(arrival);
        self.left -= 1;
        if came.records == seen.records {
            if came != seen {
                return Err(Failure::usage(format_args!(
                    "the input is not the one that the session was recorded from: its first {} packets and gaps are not those of the journal; give that input, or record into another directory",
                    seen.records
                )));
            }
            self.before = None;
        }
        Ok(Taken::Before)
    }

    fn next(
        &mut self,
        sequence: Sequence,
        is_same: impl Fn(&Arrival<'_>) -> bool,
    ) -> Result<Taken, Failure> {
        let arrival = loop {
            match self.source.next().map_err(|error| faults::of_journal(&error))? {
                // They are in the journal where they came, and change no state.
                Arrival::Parameters(_) => {}
                arrival => break arrival,
            }
        };
        if is_same(&arrival) {
            self.left -= 1;
            return Ok(Taken::Yes);
        }
        Err(Failure::usage(format_args!(
            "the input is not the one that the session was recorded from: at message {} the journal has something else; give that input, or record into another directory",
            sequence.0
        )))
    }
}
