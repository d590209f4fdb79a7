//! A journal as a source: replay from a session takes the same way as from a file.
//!
//! Owns its reader. Packets, gaps, pieces of snapshots and changed configurations of all feeds are given
//! in the order, with the sequences and with the receive times in which they were journaled; ticks are
//! passed over, since only a live engine acts on them. A torn tail is a good end: all that was accepted has been given, and
//! [`JournalSource::torn_tail`] tells of it.
//!
//! That a packet holds whole messages was seen to before it was journaled, and its checksum says that
//! it is that packet; so its messages are not walked once more. The walk would cost 2.5 ns a message of
//! 36 bytes, and make replay from a journal slower than from the file (390 ns a packet of 1,400 bytes,
//! 275 ns without, where the file takes 295). `verify` walks them, and a decoder leaves a torn one alone.

use crate::journal::record::{Record, RecordError, packet_of, snapshot_item_of};
use crate::journal::{FLAG_RESTARTS, RecordKind};
use crate::log::LogKind;
use crate::log::directories::LogDirectories;
use crate::log::error::LogError;
use crate::log::reader::{AtTail, FramePosition, LogReader, Step};
use crate::log::storage::Storage;
use crate::packet::{Arrival, Source};
use crate::units::{FeedId, Sequence};

/// Why a journal cannot be read as packets, or not further.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The log under it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A frame that is no record.
    #[error("{file} at byte {}: {fault}", at.offset_bytes)]
    Record {
        /// The segment.
        file: String,
        /// Where in the journal.
        at: FramePosition,
        /// What is wrong.
        fault: RecordError,
    },
    /// A record that does not lie behind the one before it, and does not say so.
    #[error("{file} at byte {}: sequence {} of feed {} after {}", at.offset_bytes, found.0, feed.0, last.0)]
    Backwards {
        /// The segment.
        file: String,
        /// Where in the journal.
        at: FramePosition,
        /// Whose record it is.
        feed: FeedId,
        /// The record's.
        found: Sequence,
        /// Of the feed's record before it.
        last: Sequence,
    },
    /// A record that changes the state in a way that this program does not know.
    #[error("{file} at byte {}: a {kind:?} record, which this program cannot replay", at.offset_bytes)]
    Unsupported {
        /// The segment.
        file: String,
        /// Where in the journal.
        at: FramePosition,
        /// What it is.
        kind: RecordKind,
    },
}

/// What a writer that died left behind the last whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where the next frame would begin.
    pub at: FramePosition,
    /// From there to the last byte that is not zero.
    pub torn_bytes: u64,
}

/// See the module.
pub struct JournalSource<S: Storage> {
    reader: LogReader<S>,
    /// By feed, the sequence before which none of its next packets or gaps may stand.
    last: Vec<Sequence>,
    torn_tail: Option<TornTail>,
    /// Whether the journal's end was reached.
    is_ended: bool,
}

impl<S: Storage> JournalSource<S> {
    /// Opens a journal at its start.
    ///
    /// # Errors
    /// There is no journal, or its first segment cannot be read.
    pub fn open(directories: LogDirectories<S>) -> Result<JournalSource<S>, JournalError> {
        Self::at_tail(directories, AtTail::Stop)
    }

    /// A journal that is being written. Where it has no more so far, the source
    /// gives [`Arrival::End`], and is to be asked again unless [`JournalSource::is_ended`] says so.
    ///
    /// # Errors
    /// As [`JournalSource::open`].
    pub fn following(directories: LogDirectories<S>) -> Result<JournalSource<S>, JournalError> {
        Self::at_tail(directories, AtTail::Wait)
    }

    fn at_tail(
        directories: LogDirectories<S>,
        at_tail: AtTail,
    ) -> Result<JournalSource<S>, JournalError> {
        let reader = LogReader::open(directories, LogKind::Journal, at_tail)?;
        let last = vec![Sequence(0)];
        Ok(JournalSource { reader, last, torn_tail: None, is_ended: false })
    }

    /// Goes on at a frame whose place is known. The first record of each feed from there on may have any
    /// sequence.
    ///
    /// # Errors
    /// The segment is missing or cannot be read. What stands there is told by what comes next.
    pub fn start_from(&mut self, position: FramePosition) -> Result<(), JournalError> {
        self.reader.seek(position)?;
        self.last.fill(Sequence(0));
        (self.torn_tail, self.is_ended) = (None, false);
        Ok(())
    }

    /// Where the next frame stands, or will: as long as no segment ends there.
    #[must_use]
    pub fn next_position(&self) -> FramePosition {
        self.reader.next_position()
    }

    /// Whether the journal ended in order where the source did.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// The reader, to ask where it stands and whose journal it is.
    #[must_use]
    pub fn reader(&self) -> &LogReader<S> {
        &self.reader
    }

    /// What was behind the last whole frame, once the source has ended there; `None` if the journal
    /// ended orderly.
    #[must_use]
    pub fn torn_tail(&self) -> Option<TornTail> {
        self.torn_tail
    }
}

/// What is given next, without its bytes.
enum Given {
    Packet,
    Gap { feed: FeedId, first: Sequence, end: Sequence },
    SnapshotItem,
    Parameters,
    End,
}

impl<S: Storage> JournalSource<S> {
    #[inline]
    fn step(&mut self) -> Result<Given, JournalError> {
        loop {
            match self.reader.step()? {
                Step::Frame => {}
                Step::Torn { offset_bytes, torn_bytes } => {
                    let at = FramePosition { offset_bytes, ..self.reader.position() };
                    self.torn_tail = Some(TornTail { at, torn_bytes });
                    return Ok(Given::End);
                }
                Step::End => {
                    self.is_ended = true;
                    return Ok(Given::End);
                }
                Step::Wait => return Ok(Given::End),
            }
            let frame = self.reader.given();
            let feed = FeedId(frame.tag.feed);
            let (found, restarts) = (frame.tag.sequence, frame.tag.flags & FLAG_RESTARTS != 0);
            if frame.tag.kind == RecordKind::Packet as u8 {
                self.follow(feed, found, restarts)?;
                return Ok(Given::Packet);
            }
            match Record::read(&frame) {
                Ok(Record::Gap { first, end }) => {
                    self.follow(feed, found, restarts)?;
                    return Ok(Given::Gap { feed, first, end });
                }
                Ok(Record::SnapshotItem(item)) => {
                    self.follow_snapshot(feed, item.next, restarts)?;
                    return Ok(Given::SnapshotItem);
                }
                Ok(Record::Parameters(_)) => return Ok(Given::Parameters),
                Ok(Record::Packet(_) | Record::Session(_) | Record::Tick) => {}
                Ok(Record::Trade(_)) => return Err(self.unsupported(RecordKind::Trade)),
                Err(fault) => return Err(self.record(fault)),
            }
        }
    }

    /// Takes note of a record's sequence, which lies behind the feed's last one or says that it does not.
    #[inline]
    fn follow(
        &mut self,
        feed: FeedId,
        found: Sequence,
        restarts: bool,
    ) -> Result<(), JournalError> {
        let last = replace_last(&mut self.last, feed, found);
        if found <= last && last.0 != 0 && found.0 != 0 && !restarts {
            return Err(self.backwards(feed, found, last));
        }
        Ok(())
    }

    /// Takes note of how far a snapshot reaches: as far as the feed's last record, or farther.
    fn follow_snapshot(
        &mut self,
        feed: FeedId,
        next: Sequence,
        restarts: bool,
    ) -> Result<(), JournalError> {
        let found = last_in_snapshot(next);
        let last = replace_last(&mut self.last, feed, found);
        if found < last && !restarts {
            return Err(self.backwards(feed, next, last));
        }
        Ok(())
    }

    #[cold]
    fn backwards(&mut self, feed: FeedId, found: Sequence, last: Sequence) -> JournalError {
        self.reader.give_again();
        let (file, at) = (self.reader.file().to_owned(), self.reader.position());
        JournalError::Backwards { file, at, feed, found, last }
    }

    fn unsupported(&mut self, kind: RecordKind) -> JournalError {
        self.reader.give_again();
        let (file, at) = (self.reader.file().to_owned(), self.reader.position());
        JournalError::Unsupported { file, at, kind }
    }

    fn record(&mut self, fault: RecordError) -> JournalError {
        self.reader.give_again();
        let (file, at) = (self.reader.file().to_owned(), self.reader.position());
        JournalError::Record { file, at, fault }
    }
}

impl<S: Storage> Source for JournalSource<S> {
    type Error = JournalError;

    #[inline]
    fn next(&mut self) -> Result<Arrival<'_>, JournalError> {
        Ok(match self.step()? {
            Given::Packet => Arrival::Packet(packet_of(&self.reader.given())),
            Given::Gap { feed, first, end } => Arrival::Gap { feed, first, end },
            Given::SnapshotItem => match snapshot_item_of(&self.reader.given()) {
                Ok(item) => Arrival::SnapshotItem(item),
                Err(fault) => unreachable!("Invariant: the record was read before: {fault}"),
            },
            Given::Parameters => match core::str::from_utf8(self.reader.given().payload) {
                Ok(text) => Arrival::Parameters(text),
                Err(fault) => unreachable!("Invariant: the record was read before: {fault}"),
            },
            Given::End => Arrival::End,
        })
    }
}

/// The last message that a snapshot holds, whose next one is `next`.
#[inline]
pub(super) fn last_in_snapshot(next: Sequence) -> Sequence {
    Sequence(next.0.saturating_sub(1))
}

/// Takes a feed's sequence in place of its last one.
#[inline]
pub(super) fn replace_last(last: &mut Vec<Sequence>, feed: FeedId, sequence: Sequence) -> Sequence {
    let at = usize::from(feed.0);
    if at >= last.len() {
        last.resize(at + 1, Sequence(0));
    }
    core::mem::replace(&mut last[at], sequence)
}
