//! Writes a session's journal.
//!
//! One thread owns the [`Journal`] and appends each record before what it holds is decoded: inline
//! into the log's map, or by way of a ring to a journal thread. **Full**: see
//! [`LogWriter`] and [`ThreadedLogWriter`]; the appending thread waits, and that is counted.
//! **Failed**: the first error stays; what comes of it is [`OnError`].

use crate::journal::record::Record;
use crate::journal::source::{last_in_snapshot, replace_last};
use crate::journal::stand::FeedStands;
use crate::journal::{FLAG_RESTARTS, RecordKind, SNAPSHOT_FIRST, SNAPSHOT_LAST};
use crate::log::boot::BootId;
use crate::log::directories::LogDirectories;
use crate::log::failure::{AppendError, CreateError};
use crate::log::frame::{Frame, FrameTag};
use crate::log::options::{LogOptions, Place, SyncLevel};
use crate::log::reopen::{ReopenError, Reopened};
use crate::log::storage::{Directory, Storage};
use crate::log::tails::{LogStatistics, LogTails};
use crate::log::threaded::{ThreadOptions, ThreadedLogWriter};
use crate::log::writer::LogWriter;
use crate::log::{ClosedLog, LogKind, SessionId};
use crate::packet::{Packet, SnapshotItem};
use crate::units::{FeedId, Nanos, Sequence};

/// Which thread appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Append {
    /// The one that owns the [`Journal`].
    Inline,
    /// One of its own, behind a ring.
    Thread(ThreadOptions),
}

/// What an append that fails does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It is an error, and so is every later one.
    Stop,
    /// It and every later one do nothing: the session goes on and is marked incomplete.
    ContinueUnjournaled,
}

/// How a journal is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalOptions<S = Directory> {
    /// Where it lies.
    pub place: Place<S>,
    /// Which thread appends.
    pub append: Append,
    /// See [`LogOptions::segment_bytes`].
    pub segment_bytes: u64,
    /// See [`LogOptions::memory_bytes_max`].
    pub memory_bytes_max: u64,
    /// How durable.
    pub sync: SyncLevel,
    /// What a failure does.
    pub on_error: OnError,
}

impl<S> JournalOptions<S> {
    /// Those of the log beneath, which whoever looks after it without writing it needs too.
    #[must_use]
    pub fn of_log(self, session: SessionId) -> LogOptions<S> {
        LogOptions {
            kind: LogKind::Journal,
            session,
            incarnation: 0,
            place: self.place,
            segment_bytes: self.segment_bytes,
            memory_bytes_max: self.memory_bytes_max,
            sync: self.sync,
            boot: BootId::now(),
        }
    }
}

/// What reopening a journal has found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReopenedJournal {
    /// Of its log.
    pub log: Reopened,
    /// The session's description, its first record; `None` if there was no record, and the one given
    /// was appended.
    pub session_toml: Option<String>,
    /// Records that change the state: packets, gaps, pieces of snapshots; of the part that was not
    /// pruned, in which ticks and parameters may have been, too.
    pub counted: u64,
    /// The others but the first, of the same part.
    pub uncounted: u64,
    /// Where each feed stands behind them.
    pub stands: FeedStands,
    /// The texts of the changed configurations, in order.
    pub parameters: Vec<String>,
}

/// Why a journal is not written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It was not made.
    #[error("cannot make a journal: {0}")]
    Create(#[from] CreateError),
    /// It was not reopened.
    #[error("cannot reopen the journal: {0}")]
    Reopen(#[from] ReopenError),
    /// A record was not appended. It says the same again at each later one.
    #[error("cannot journal: {0}")]
    Append(#[from] AppendError),
}

/// How a journal ended.
#[derive(Clone, Debug)]
pub enum JournalEnd {
    /// It holds all that was appended, sealed.
    Complete(ClosedLog),
    /// It failed, and the session went on without it ([`OnError::ContinueUnjournaled`]).
    Incomplete(AppendError),
}

/// Feeds whose last sequence is kept without allocation after the start.
const FEEDS_AT_FIRST: usize = 64;

/// See the module.
pub struct Journal {
    appender: Appender,
    tails: LogTails,
    /// Records handed to the appender, appended or not.
    handed: u64,
    on_error: OnError,
    sync: SyncLevel,
    /// The first failure.
    failure: Option<AppendError>,
    /// Sequence of the last packet or gap, by feed; of a snapshot that of the last message in it.
    last: Vec<Sequence>,
    /// A piece of a snapshot behind its flags. Only where there is one.
    piece: Vec<u8>,
}

enum Appender {
    Inline(LogWriter),
    Thread(ThreadedLogWriter),
}

impl Journal {
    /// Makes the journal of a new session. `session_toml` describes the session and becomes the first
    /// record.
    ///
    /// # Errors
    /// If there is a log already, no room, no thread; if the description is longer than a frame can
    /// hold.
    pub fn create<S>(
        options: JournalOptions<S>,
        session: SessionId,
        session_toml: &str,
    ) -> Result<Journal, JournalError>
    where
        S: Storage + 'static,
        S::File: 'static,
    {
        let (append, on_error, sync) = (options.append, options.on_error, options.sync);
        let log = options.of_log(session);
        let appender = match append {
            Append::Inline => Appender::Inline(LogWriter::create(log)?),
            Append::Thread(thread) => Appender::Thread(ThreadedLogWriter::create(log, thread)?),
        };
        let last = Vec::with_capacity(FEEDS_AT_FIRST);
        let mut journal = Journal::over(appender, on_error, sync, last);
        journal.append_session(session_toml)?;
        Ok(journal)
    }

    /// Goes on with the journal of a session whose writer is gone, as [`LogWriter::reopen`] does with
    /// its log. Where there is none, or none with a whole record, it is made as by
    /// [`Journal::create`]; otherwise `session_toml` is not used, and [`ReopenedJournal::session_toml`]
    /// is what the caller may compare it with. Reads the whole journal once.
    ///
    /// # Errors
    /// As [`LogWriter::reopen`]; if its first record is no session's description, and then nothing
    /// was changed.
    pub fn reopen<S>(
        options: JournalOptions<S>,
        session: SessionId,
        session_toml: &str,
    ) -> Result<(Journal, ReopenedJournal), JournalError>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
    {
        let (append, on_error, sync) = (options.append, options.on_error, options.sync);
        let log = options.of_log(session);
        let mut last = Vec::with_capacity(FEEDS_AT_FIRST);
        // The first record of a journal whose front was pruned is kept beside it.
        let mut found = first_record_pruned(&LogDirectories::of(&log.place))?;
        let (mut counted, mut uncounted) = (0, 0);
        let mut stands = FeedStands::default();
        let mut parameters = Vec::new();
        let see = |frame: &Frame<'_>| {
            if found.is_none() {
                let text = match Record::read(frame) {
                    Ok(Record::Session(text)) => text.to_owned(),
                    Ok(_) => return Err("the first record is no session's description".to_owned()),
                    Err(fault) => return Err(fault.to_string()),
                };
                found = Some(text);
            }
            let FrameTag { kind, feed, sequence, .. } = frame.tag;
            let kind = RecordKind::from_byte(kind);
            if let Some(kind) = kind.filter(|kind| kind.is_counted()) {
                let is_snapshot = kind == RecordKind::SnapshotItem;
                let sequence = if is_snapshot { last_in_snapshot(sequence) } else { sequence };
                replace_last(&mut last, FeedId(feed), sequence);
                counted += 1;
                match Record::read(frame) {
                    Ok(record) => stands.see(FeedId(feed), &record),
                    Err(fault) => return Err(fault.to_string()),
                }
            } else if kind != Some(RecordKind::Session) {
                uncounted += 1;
                if let Ok(Record::Parameters(text)) = Record::read(frame) {
                    parameters.push(text.to_owned());
                }
            }
            Ok(())
        };
        let (appender, log) = match append {
            Append::Inline => {
                let (writer, log) = LogWriter::reopen_reading(log, see)?;
                (Appender::Inline(writer), log)
            }
            Append::Thread(thread) => {
                let (writer, log) = ThreadedLogWriter::reopen_reading(log, thread, see)?;
                (Appender::Thread(writer), log)
            }
        };
        let mut journal = Journal::over(appender, on_error, sync, last);
        if found.is_none() {
            journal.append_session(session_toml)?;
        }
        Ok((
            journal,
            ReopenedJournal { log, session_toml: found, counted, uncounted, stands, parameters },
        ))
    }

    fn over(
        appender: Appender,
        on_error: OnError,
        sync: SyncLevel,
        last: Vec<Sequence>,
    ) -> Journal {
        let tails = appender.tails().clone();
        let piece = Vec::new();
        Journal { appender, tails, handed: 0, on_error, sync, failure: None, last, piece }
    }

    fn append_session(&mut self, session_toml: &str) -> Result<(), AppendError> {
        self.hand_over();
        let tag = record(RecordKind::Session, FeedId(0), Sequence(0), Nanos(0));
        self.appender.append(&tag, session_toml.as_bytes())
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// As [`LogWriter::append`], with [`OnError::Stop`].
    #[inline]
    pub fn append_packet(&mut self, packet: &Packet<'_>) -> Result<(), JournalError> {
        let mut tag = record(RecordKind::Packet, packet.feed, packet.sequence, packet.recv);
        tag.flags = self.flags_of(packet.feed, packet.sequence);
        self.append(&tag, packet.messages)
    }

    /// Appends that messages `first` up to but not including `end` of a feed were given up at `time`.
    ///
    /// # Errors
    /// As [`Journal::append_packet`].
    pub fn append_gap(
        &mut self,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
        time: Nanos,
    ) -> Result<(), JournalError> {
        let mut tag = record(RecordKind::Gap, feed, first, time);
        tag.flags = self.flags_of(feed, first);
        self.append(&tag, &end.0.to_le_bytes())
    }

    /// Appends a piece of a snapshot.
    ///
    /// # Errors
    /// As [`Journal::append_packet`].
    pub fn append_snapshot_item(&mut self, item: &SnapshotItem<'_>) -> Result<(), JournalError> {
        let SnapshotItem { feed, next, recv, is_first, is_last, messages } = *item;
        let mut tag = record(RecordKind::SnapshotItem, feed, next, recv);
        let found = last_in_snapshot(next);
        let last = replace_last(&mut self.last, feed, found);
        tag.flags = if found < last { FLAG_RESTARTS } else { 0 };
        let first = if is_first { SNAPSHOT_FIRST } else { 0 };
        let mut piece = core::mem::take(&mut self.piece);
        piece.clear();
        piece.push(first | if is_last { SNAPSHOT_LAST } else { 0 });
        piece.extend_from_slice(messages);
        let appended = self.append(&tag, &piece);
        self.piece = piece;
        appended
    }

    /// Appends a changed configuration, which holds from the message `next` of a feed on, at `time`.
    ///
    /// # Errors
    /// As [`Journal::append_packet`].
    pub fn append_parameters(
        &mut self,
        feed: FeedId,
        next: Sequence,
        time: Nanos,
        toml: &str,
    ) -> Result<(), JournalError> {
        self.append(&record(RecordKind::Parameters, feed, next, time), toml.as_bytes())
    }

    /// Appends that it is `time` and nothing came after the message `last` of a feed.
    ///
    /// # Errors
    /// As [`Journal::append_packet`].
    pub fn append_tick(
        &mut self,
        feed: FeedId,
        last: Sequence,
        time: Nanos,
    ) -> Result<(), JournalError> {
        self.append(&record(RecordKind::Tick, feed, last, time), &[])
    }

    /// Whether `sequence` lies behind that of the feed's last record.
    #[inline]
    fn flags_of(&mut self, feed: FeedId, sequence: Sequence) -> u8 {
        let last = replace_last(&mut self.last, feed, sequence);
        if last.0 != 0 && sequence <= last { FLAG_RESTARTS } else { 0 }
    }

    #[inline]
    fn append(&mut self, tag: &FrameTag, payload: &[u8]) -> Result<(), JournalError> {
        self.hand_over();
        if self.failure.is_some() {
            return self.failed();
        }
        match self.appender.append(tag, payload) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.tails.refuse();
                self.failure = Some(error);
                self.failed()
            }
        }
    }

    /// Counts the next record, before it is appended.
    #[inline(always)]
    fn hand_over(&mut self) {
        self.handed += 1;
        self.tails.hand(self.handed);
    }

    #[cold]
    fn failed(&self) -> Result<(), JournalError> {
        match (&self.failure, self.on_error) {
            (Some(error), OnError::Stop) => Err(JournalError::Append(error.clone())),
            (_, OnError::ContinueUnjournaled) | (None, _) => Ok(()),
        }
    }

    /// Whether everything was appended so far; on a journal thread, as far as that has told.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failure.is_none()
    }

    /// Why not everything was.
    #[must_use]
    pub fn failure(&self) -> Option<&AppendError> {
        self.failure.as_ref()
    }

    /// How far the journal has come, for other threads: what is appended, archived, synced.
    #[must_use]
    pub fn tails(&self) -> &LogTails {
        &self.tails
    }

    /// Whether a record is appended before the call that hands it over returns.
    pub(crate) fn is_inline(&self) -> bool {
        matches!(self.appender, Appender::Inline(_))
    }

    /// What a failure does.
    pub(crate) fn on_error(&self) -> OnError {
        self.on_error
    }

    /// How durable it is.
    pub(crate) fn sync_level(&self) -> SyncLevel {
        self.sync
    }

    /// What has been done so far.
    #[must_use]
    pub fn statistics(&self) -> LogStatistics {
        self.tails().statistics()
    }

    /// Bytes that wait in the ring to the journal thread; 0 inline.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        match &self.appender {
            Appender::Inline(_) => 0,
            Appender::Thread(writer) => writer.waiting_bytes(),
        }
    }

    /// Ends the journal in order, see [`LogWriter::close`]. Dropped without, it recovers as after a
    /// kill.
    ///
    /// # Errors
    /// If it has failed, now or before, with [`OnError::Stop`].
    pub fn close(self) -> Result<JournalEnd, JournalError> {
        let closed = match self.appender {
            Appender::Inline(writer) => writer.close(),
            Appender::Thread(writer) => writer.close(),
        };
        let failure = match (closed, self.failure) {
            (Ok(closed), None) => return Ok(JournalEnd::Complete(closed)),
            (_, Some(first)) => first,
            (Err(failure), None) => AppendError::Failed(failure),
        };
        match self.on_error {
            OnError::Stop => Err(JournalError::Append(failure)),
            OnError::ContinueUnjournaled => Ok(JournalEnd::Incomplete(failure)),
        }
    }
}

impl Appender {
    fn tails(&self) -> &LogTails {
        match self {
            Appender::Inline(writer) => writer.tails(),
            Appender::Thread(writer) => writer.tails(),
        }
    }

    #[inline]
    fn append(&mut self, tag: &FrameTag, payload: &[u8]) -> Result<(), AppendError> {
        match self {
            Appender::Inline(writer) => writer.append(tag, payload).map(|_position| ()),
            Appender::Thread(writer) => writer.append(tag, payload),
        }
    }
}

/// The session's description, where the segment that held it was pruned.
fn first_record_pruned<S: Storage>(
    directories: &LogDirectories<S>,
) -> Result<Option<String>, ReopenError> {
    let text = |record| String::from_utf8(record).unwrap_or_default();
    Ok(directories.pruned()?.map(|pruned| text(pruned.first_record)))
}

#[inline]
fn record(kind: RecordKind, feed: FeedId, sequence: Sequence, time: Nanos) -> FrameTag {
    FrameTag { kind: kind as u8, flags: 0, feed: feed.0, sequence, time }
}

#[cfg(test)]
mod tests;
