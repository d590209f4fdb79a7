//! Writes a session's journal.
//!
//! One thread owns the [`Journal`] and appends each record before what it holds is decoded: inline
//! into the log's map, or by way of a ring to a journal thread. **Full**: see
//! [`LogWriter`] and [`ThreadedLogWriter`]; the appending thread waits, and that is counted.
//! **Failed**: the first error stays; what comes of it is [`OnError`].

use crate::journal::record::Record;
use crate::journal::{FLAG_RESTARTS, RecordKind};
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
use crate::packet::Packet;
use crate::units::{Nanos, Sequence};

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
    /// Sequence of the last packet or gap, by feed.
    last: Vec<Sequence>,
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
        let see = |frame: &Frame<'_>| {
            if found.is_none() {
                let text = match Record::read(frame) {
                    Ok(Record::Session(text)) => text.to_owned(),
                    Ok(_) => return Err("the first record is no session's description".to_owned()),
                    Err(fault) => return Err(fault.to_string()),
                };
                found = Some(text);
            }
            let is_numbered = [RecordKind::Packet as u8, RecordKind::Gap as u8];
            if is_numbered.contains(&frame.tag.kind) {
                replace_last(&mut last, frame.tag.feed, frame.tag.sequence);
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
        Ok((journal, ReopenedJournal { log, session_toml: found }))
    }

    fn over(
        appender: Appender,
        on_error: OnError,
        sync: SyncLevel,
        last: Vec<Sequence>,
    ) -> Journal {
        let tails = appender.tails().clone();
        Journal { appender, tails, handed: 0, on_error, sync, failure: None, last }
    }

    fn append_session(&mut self, session_toml: &str) -> Result<(), AppendError> {
        self.hand_over();
        let tag = record(RecordKind::Session, 0, Sequence(0), Nanos(0));
        self.appender.append(&tag, session_toml.as_bytes())
    }

    /// Appends a packet of a feed.
    ///
    /// # Errors
    /// As [`LogWriter::append`], with [`OnError::Stop`].
    #[inline]
    pub fn append_packet(&mut self, packet: &Packet<'_>, feed: u16) -> Result<(), JournalError> {
        let mut tag = record(RecordKind::Packet, feed, packet.sequence, packet.recv);
        tag.flags = self.flags_of(feed, packet.sequence);
        self.append(&tag, packet.messages)
    }

    /// Appends that messages `first` up to but not including `end` of a feed were given up at `time`.
    ///
    /// # Errors
    /// As [`Journal::append_packet`].
    pub fn append_gap(
        &mut self,
        first: Sequence,
        end: Sequence,
        time: Nanos,
        feed: u16,
    ) -> Result<(), JournalError> {
        let mut tag = record(RecordKind::Gap, feed, first, time);
        tag.flags = self.flags_of(feed, first);
        self.append(&tag, &end.0.to_le_bytes())
    }

    /// Appends that it is `time` and nothing came after the message `last` of a feed.
    ///
    /// # Errors
    /// As [`Journal::append_packet`].
    pub fn append_tick(
        &mut self,
        last: Sequence,
        time: Nanos,
        feed: u16,
    ) -> Result<(), JournalError> {
        self.append(&record(RecordKind::Tick, feed, last, time), &[])
    }

    /// Whether `sequence` lies behind that of the feed's last record.
    #[inline]
    fn flags_of(&mut self, feed: u16, sequence: Sequence) -> u8 {
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

/// Takes a feed's sequence in place of its last one.
#[inline]
fn replace_last(last: &mut Vec<Sequence>, feed: u16, sequence: Sequence) -> Sequence {
    let at = usize::from(feed);
    if at >= last.len() {
        last.resize(at + 1, Sequence(0));
    }
    core::mem::replace(&mut last[at], sequence)
}

#[inline]
fn record(kind: RecordKind, feed: u16, sequence: Sequence, time: Nanos) -> FrameTag {
    FrameTag { kind: kind as u8, flags: 0, feed, sequence, time }
}

#[cfg(test)]
mod tests;
