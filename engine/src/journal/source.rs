//! A journal as a source of packets: replay from a session takes the same way as from a file.
//!
//! Owns its reader. Packets and gaps of one feed are given in the order, with the sequences and with
//! the receive times in which they were journaled; ticks are passed over, since only a live engine
//! acts on them. A torn tail is a good end: all that was accepted has been given, and
//! [`JournalSource::torn_tail`] tells of it.
//!
//! That a packet holds whole messages was seen to before it was journaled, and its checksum says that
//! it is that packet; so its messages are not walked once more. The walk would cost 2.5 ns a message of
//! 36 bytes, and make replay from a journal slower than from the file (390 ns a packet of 1,400 bytes,
//! 275 ns without, where the file takes 295). `verify` walks them, and a decoder leaves a torn one alone.

use crate::journal::record::{Record, RecordError};
use crate::journal::{FLAG_RESTARTS, RecordKind};
use crate::log::LogKind;
use crate::log::directories::LogDirectories;
use crate::log::error::LogError;
use crate::log::frame::Frame;
use crate::log::reader::{AtTail, FramePosition, LogReader, Step};
use crate::log::storage::Storage;
use crate::packet::{Arrival, Packet, Source};
use crate::units::Sequence;

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
    #[error("{file} at byte {}: sequence {} after {}", at.offset_bytes, found.0, last.0)]
    Backwards {
        /// The segment.
        file: String,
        /// Where in the journal.
        at: FramePosition,
        /// The record's.
        found: Sequence,
        /// Of the record before it.
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
    feed: u16,
    /// Sequence of the last packet or gap.
    last: Sequence,
    torn_tail: Option<TornTail>,
    /// Whether the journal's end was reached.
    is_ended: bool,
    /// Records of other feeds.
    passed_over: u64,
}

impl<S: Storage> JournalSource<S> {
    /// Opens a journal at its start, to give the packets of the feed with this number.
    ///
    /// # Errors
    /// There is no journal, or its first segment cannot be read.
    pub fn open(
        directories: LogDirectories<S>,
        feed: u16,
    ) -> Result<JournalSource<S>, JournalError> {
        Self::at_tail(directories, feed, AtTail::Stop)
    }

    /// The packets of a feed in a journal that is being written. Where it has no more so far, the source
    /// gives [`Arrival::End`], and is to be asked again unless [`JournalSource::is_ended`] says so.
    ///
    /// # Errors
    /// As [`JournalSource::open`].
    pub fn following(
        directories: LogDirectories<S>,
        feed: u16,
    ) -> Result<JournalSource<S>, JournalError> {
        Self::at_tail(directories, feed, AtTail::Wait)
    }

    fn at_tail(
        directories: LogDirectories<S>,
        feed: u16,
        at_tail: AtTail,
    ) -> Result<JournalSource<S>, JournalError> {
        let reader = LogReader::open(directories, LogKind::Journal, at_tail)?;
        let (torn_tail, is_ended) = (None, false);
        let last = Sequence(0);
        Ok(JournalSource { reader, feed, last, torn_tail, is_ended, passed_over: 0 })
    }

    /// Goes on at a frame whose place is known, behind a record of the feed with the sequence `last`.
    ///
    /// # Errors
    /// The segment is missing or cannot be read. What stands there is told by what comes next.
    pub fn start_from(
        &mut self,
        position: FramePosition,
        last: Sequence,
    ) -> Result<(), JournalError> {
        self.reader.seek(position)?;
        (self.last, self.torn_tail, self.is_ended) = (last, None, false);
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

    /// Sequence of the last packet or gap.
    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        self.last
    }

    /// The reader, to ask where it stands and whose journal it is.
    #[must_use]
    pub fn reader(&self) -> &LogReader<S> {
        &self.reader
    }

    /// Packets and gaps of other feeds that were passed over.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
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
    Gap { first: Sequence, end: Sequence },
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
            let is_of_feed = frame.tag.feed == self.feed;
            let (found, restarts) = (frame.tag.sequence, frame.tag.flags & FLAG_RESTARTS != 0);
            if is_of_feed && frame.tag.kind == RecordKind::Packet as u8 {
                self.follow(found, restarts)?;
                return Ok(Given::Packet);
            }
            match Record::read(&frame) {
                Ok(Record::Gap { first, end }) if is_of_feed => {
                    self.follow(found, restarts)?;
                    return Ok(Given::Gap { first, end });
                }
                Ok(Record::Packet(_) | Record::Gap { .. }) => self.passed_over += 1,
                Ok(Record::Session(_) | Record::Tick) => {}
                Ok(Record::SnapshotItem(_)) => {
                    return Err(self.unsupported(RecordKind::SnapshotItem));
                }
                Ok(Record::Parameters(_)) => return Err(self.unsupported(RecordKind::Parameters)),
                Ok(Record::Trade(_)) => return Err(self.unsupported(RecordKind::Trade)),
                Err(fault) => return Err(self.record(fault)),
            }
        }
    }

    /// Takes note of a record's sequence, which lies behind the last one's or says that it does not.
    #[inline]
    fn follow(&mut self, found: Sequence, restarts: bool) -> Result<(), JournalError> {
        let last = core::mem::replace(&mut self.last, found);
        if found <= last && last.0 != 0 && found.0 != 0 && !restarts {
            return Err(self.backwards(found, last));
        }
        Ok(())
    }

    #[cold]
    fn backwards(&mut self, found: Sequence, last: Sequence) -> JournalError {
        self.reader.give_again();
        let (file, at) = (self.reader.file().to_owned(), self.reader.position());
        JournalError::Backwards { file, at, found, last }
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
            Given::Packet => {
                let Frame { tag, payload, .. } = self.reader.given();
                Arrival::Packet(Packet {
                    sequence: tag.sequence,
                    recv: tag.time,
                    messages: payload,
                })
            }
            Given::Gap { first, end } => Arrival::Gap { first, end },
            Given::End => Arrival::End,
        })
    }
}
