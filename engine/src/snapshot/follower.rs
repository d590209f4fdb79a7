//! The follower: an engine of its own over the journal, which takes a snapshot every so often.
//!
//! Owns its reader, its engine and what it has counted; nobody else touches them. It follows a journal
//! that is being written, from any process, and stops where that ends. **Late**: it is as far behind as
//! it is, nobody waits for it. **Full**: a snapshot that cannot be written is told and leaves nothing
//! behind; the next one is tried. Records that change nothing take part in nothing. **Torn**: what the journal's writer left unfinished is not read.

use std::io;
use std::time::{Duration, Instant};

use crate::journal::source::{JournalError, JournalSource};
use crate::log::SessionId;
use crate::log::storage::Storage;
use crate::market::MarketListener;
use crate::packet::{Arrival, Source as _};
use crate::pipeline::SecondStart;
use crate::pipeline::inline::Inline;
use crate::pipeline::stage::Decoder;
use crate::snapshot::accepted::Accepted;
use crate::snapshot::layout::{MadeBy, SnapshotHead};
use crate::snapshot::shelf::Shelf;
use crate::state::{SectionSums, StateHash, image, section_sums};
use crate::units::Nanos;

/// When snapshots are taken: whenever one of these is reached. All off: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotEvery {
    /// Messages since the last one; 0 for none.
    pub messages: u64,
    /// Bytes of packets since the last one; 0 for none.
    pub bytes: u64,
    /// Time since the last one, by the clock.
    pub period: Option<Duration>,
}

impl SnapshotEvery {
    /// Whether there will be any.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.messages > 0 || self.bytes > 0 || self.period.is_some()
    }
}

/// Hears what the follower's engine tells.
pub trait FollowerListener: MarketListener {
    /// Outputs told since the listener was made that go into the output log.
    fn outputs(&self) -> u64;

    /// A snapshot is to be named: what was written of what was told, digests say, is made durable
    /// before, since a run that goes on from the snapshot is not told it again.
    ///
    /// # Errors
    /// What the system says; there is no snapshot then.
    fn make_durable(&mut self) -> io::Result<()>;
}

/// A snapshot that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is of.
    pub head: SnapshotHead,
    /// Bytes that it has.
    pub size_bytes: u64,
    /// How long it took to write.
    pub took: Duration,
}

/// What a step came to.
#[derive(Debug)]
pub enum Followed {
    /// A record was taken.
    Record,
    /// There is nothing yet.
    Nothing,
    /// The journal has ended in order.
    End,
    /// A record was taken, and a snapshot behind it.
    Snapshot(Taken),
    /// A record was taken; the snapshot behind it could not be written. The next one is tried.
    NoSnapshot(io::Error),
}

/// Why the follower cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It holds a second day. No run journals beyond the packet with it.
    #[error(transparent)]
    SecondStart(#[from] SecondStart),
}

/// See the module.
pub struct Follower<S: Storage, D, L> {
    source: JournalSource<S>,
    engine: Inline<D, (), L>,
    shelf: Shelf<S>,
    every: SnapshotEvery,
    keep: usize,
    session: SessionId,
    made_by: MadeBy,
    accepted: Accepted,
    /// Outputs told before the listener was made.
    outputs_before: u64,
    since: Since,
}

/// What came since the last snapshot.
struct Since {
    messages: u64,
    bytes: u64,
    at: Instant,
}

/// What a follower goes on from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowFrom {
    /// What the engine has taken.
    pub accepted: Accepted,
    /// Outputs that it has told.
    pub outputs: u64,
}

impl<S: Storage, D: Decoder, L: FollowerListener> Follower<S, D, L> {
    /// A follower whose engine has the state of `from`, and whose source stands behind that.
    ///
    /// `keep` snapshots are kept, two at least: the newest may be damaged.
    pub fn new(
        source: JournalSource<S>,
        engine: Inline<D, (), L>,
        shelf: Shelf<S>,
        every: SnapshotEvery,
        keep: usize,
        made_by: MadeBy,
        from: FollowFrom,
    ) -> Self {
        let messages = engine.sequencer().position().0;
        let FollowFrom { accepted, outputs } = from;
        Follower {
            session: source.reader().session(),
            source,
            engine,
            shelf,
            every,
            keep: keep.max(2),
            made_by,
            accepted,
            outputs_before: outputs,
            since: Since { messages, bytes: 0, at: Instant::now() },
        }
    }

    /// Takes the next record, and a snapshot where one is due behind it.
    ///
    /// # Errors
    /// The journal cannot be read, or holds a second day.
    pub fn step(&mut self) -> Result<Followed, FollowError> {
        let arrival = self.source.next()?;
        self.accepted.take(&arrival);
        match arrival {
            Arrival::Packet(packet) => {
                self.since.bytes += packet.messages.len() as u64;
                self.engine.push(&packet)?;
            }
            Arrival::Gap { feed, first, end } => self.engine.gap(feed, first, end),
            Arrival::SnapshotItem(item) => {
                self.since.bytes += item.messages.len() as u64;
                self.engine.snapshot_item(&item);
            }
            Arrival::Tick { .. } | Arrival::Parameters(_) | Arrival::Idle => {}
            Arrival::End => {
                return Ok(match self.source.is_ended() {
                    true => Followed::End,
                    false => Followed::Nothing,
                });
            }
        }
        // Within a feed's snapshot there is no state to go on from.
        if !self.is_due() || self.engine.is_in_snapshot() {
            return Ok(Followed::Record);
        }
        Ok(self.take())
    }

    fn is_due(&self) -> bool {
        let SnapshotEvery { messages, bytes, period } = self.every;
        let come = self.engine.sequencer().position().0.wrapping_sub(self.since.messages);
        (messages > 0 && come >= messages)
            || (bytes > 0 && self.since.bytes >= bytes)
            || period.is_some_and(|period| come > 0 && self.since.at.elapsed() >= period)
    }

    #[cold]
    fn take(&mut self) -> Followed {
        let began = Instant::now();
        let head = self.head();
        let durable = self.engine.market_mut().listener_mut().make_durable();
        let engine = &self.engine;
        let written =
            durable.and_then(|()| self.shelf.write(&head, |writer| image::write(engine, writer)));
        let messages = engine.sequencer().position().0;
        self.since = Since { messages, bytes: 0, at: Instant::now() };
        let written = written.and_then(|size_bytes| {
            self.shelf.tidy(self.keep)?;
            Ok(size_bytes)
        });
        match written {
            Ok(size_bytes) => Followed::Snapshot(Taken { head, size_bytes, took: began.elapsed() }),
            Err(error) => Followed::NoSnapshot(error),
        }
    }

    fn head(&self) -> SnapshotHead {
        let sequencer = self.engine.sequencer();
        SnapshotHead {
            session: self.session,
            accepted: self.accepted,
            next: self.source.next_position(),
            messages: self.engine.decoder().messages(),
            outputs: self.outputs_before + self.engine.market().listener().outputs(),
            last_sequence: sequencer.last_sequence(),
            position: sequencer.position(),
            feed_time: sequencer.feed_time(),
            last_time: sequencer.first_and_last().map_or(Nanos(i64::MIN), |(_, last)| last),
            state_hash: self.state_hash().state().0,
            made_by: self.made_by,
        }
    }

    /// The hash of the state as it is.
    #[must_use]
    pub fn state_hash(&self) -> StateHash {
        let mut sums = SectionSums::default();
        sums += section_sums(self.engine.shard(), self.engine.sequencer().feed_time(), true);
        StateHash::of(&sums)
    }

    /// Records that were taken.
    #[must_use]
    pub fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Inline<D, (), L> {
        &self.engine
    }

    /// The engine, taken out.
    #[must_use]
    pub fn into_engine(self) -> Inline<D, (), L> {
        self.engine
    }
}
