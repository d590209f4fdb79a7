//! How far a log has come, seen from other threads.
//!
//! The writer stores what is appended, the keeper what is archived and synced; anyone reads. Each
//! figure only grows. They are stored one by one: read together they may belong to neighbouring
//! frames, and a position never tells more than what is there.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::{io, thread};

use crate::log::failure::{Act, LogFailure};
use crate::log::position::Position;
use crate::units::Sequence;

/// Written at every append, so on lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Appended {
    position: AtomicU64,
    sequence: AtomicU64,
    frames: AtomicU64,
    records: AtomicU64,
}

/// Written by whoever hands records to the writer, before each of them.
#[derive(Default)]
#[repr(align(128))]
struct Handed {
    records: AtomicU64,
}

/// Written by the keeper, and by the writer when it rolls or syncs.
#[derive(Default)]
#[repr(align(128))]
struct Kept {
    archived: AtomicU64,
    synced: AtomicU64,
    closed_bytes: AtomicU64,
    rolls: AtomicU64,
    waits: AtomicU64,
    waited_ns: AtomicU64,
}

/// Read at every append, written once.
#[derive(Default)]
#[repr(align(128))]
struct Failing {
    /// Whether the writer must stop at once; else it stops when it needs a segment.
    stop: AtomicBool,
    /// Whether a record was refused, and so all that come later are.
    refuses: AtomicBool,
    failure: OnceLock<Arc<LogFailure>>,
}

struct Shared {
    appended: Appended,
    handed: Handed,
    kept: Kept,
    failing: Failing,
    /// Whether appended frames have yet to be carried to the log's directory.
    archives: bool,
}

/// See the module. Clones show the same log.
#[derive(Clone)]
pub struct LogTails {
    shared: Arc<Shared>,
}

/// What a log's writer has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStatistics {
    /// Frames appended, those that end segments included.
    pub frames: u64,
    /// Bytes of segments' headers and frames.
    pub bytes: u64,
    /// Segments that were full.
    pub rolls: u64,
    /// How often the writer found no segment prepared, or a full ring.
    pub waits: u64,
    /// For how long, altogether.
    pub waited_ns: u64,
}

impl LogTails {
    pub(super) fn new(archives: bool) -> LogTails {
        let (appended, handed, kept, failing) = Default::default();
        LogTails { shared: Arc::new(Shared { appended, handed, kept, failing, archives }) }
    }

    /// Behind the last frame that is appended: it is in the map and outlives the process.
    #[inline]
    #[must_use]
    pub fn appended(&self) -> Position {
        Position::from_word(self.shared.appended.position.load(Ordering::Acquire))
    }

    /// The sequence of that frame.
    #[inline]
    #[must_use]
    pub fn appended_sequence(&self) -> Sequence {
        Sequence(self.shared.appended.sequence.load(Ordering::Acquire))
    }

    /// Records that are appended: the frames of the log's user.
    #[inline]
    #[must_use]
    pub(crate) fn records(&self) -> u64 {
        self.shared.appended.records.load(Ordering::Acquire)
    }

    /// Records that were handed to the writer, appended or not, as far as its user tells. Who has what
    /// followed from a record sees a count that includes it.
    #[inline]
    #[must_use]
    pub(crate) fn handed(&self) -> u64 {
        self.shared.handed.records.load(Ordering::Acquire)
    }

    /// Whether none of the records that are handed over and not appended ever will be.
    #[inline]
    #[must_use]
    pub(crate) fn refuses(&self) -> bool {
        self.must_stop() || self.shared.failing.refuses.load(Ordering::Acquire)
    }

    /// Behind the last frame that stands in the log's directory on disk, as its files are read.
    #[inline]
    #[must_use]
    pub fn archived(&self) -> Position {
        if !self.shared.archives {
            return self.appended();
        }
        Position::from_word(self.shared.kept.archived.load(Ordering::Acquire))
    }

    /// Behind the last frame that outlives a loss of power. Without syncs it stays at the start.
    #[inline]
    #[must_use]
    pub fn synced(&self) -> Position {
        Position::from_word(self.shared.kept.synced.load(Ordering::Acquire))
    }

    /// Why the log takes nothing more, if so.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<LogFailure>> {
        self.shared.failing.failure.get().cloned()
    }

    /// Why a thread of the log ended early. It has always kept a failure before.
    pub(super) fn failure_or_panic(&self) -> Arc<LogFailure> {
        self.failure().unwrap_or_else(|| {
            Arc::new(LogFailure {
                act: Act::Run,
                segment: self.appended().segment(),
                directory: "(unknown)".to_owned(),
                source: Arc::new(io::Error::other("its thread has ended")),
            })
        })
    }

    /// What has been done so far.
    #[must_use]
    pub fn statistics(&self) -> LogStatistics {
        let (appended, kept) = (&self.shared.appended, &self.shared.kept);
        LogStatistics {
            frames: appended.frames.load(Ordering::Relaxed),
            bytes: kept.closed_bytes.load(Ordering::Relaxed) + self.appended().offset_bytes(),
            rolls: kept.rolls.load(Ordering::Relaxed),
            waits: kept.waits.load(Ordering::Relaxed),
            waited_ns: kept.waited_ns.load(Ordering::Relaxed),
        }
    }

    /// By the writer, behind each frame.
    #[inline(always)]
    pub(super) fn append(&self, position: Position, sequence: Sequence, frames: u64) {
        let appended = &self.shared.appended;
        appended.frames.store(frames, Ordering::Relaxed);
        appended.sequence.store(sequence.0, Ordering::Release);
        appended.position.store(position.word(), Ordering::Release);
    }

    /// By the writer, behind each frame of its user.
    #[inline(always)]
    pub(super) fn record(&self, records: u64) {
        self.shared.appended.records.store(records, Ordering::Release);
    }

    /// By the writer's user, before it hands over the record that makes so many.
    #[inline(always)]
    pub(crate) fn hand(&self, records: u64) {
        self.shared.handed.records.store(records, Ordering::Release);
    }

    /// By whoever appends, once a record was refused for good.
    #[cold]
    pub(crate) fn refuse(&self) {
        self.shared.failing.refuses.store(true, Ordering::Release);
    }

    /// By the writer, when it has left a segment with so many bytes.
    pub(super) fn roll(&self, closed_bytes: u64) {
        self.shared.kept.closed_bytes.fetch_add(closed_bytes, Ordering::Relaxed);
        self.shared.kept.rolls.fetch_add(1, Ordering::Relaxed);
    }

    /// By whoever appends, when it had to wait.
    pub(super) fn wait(&self, ns: u64) {
        self.shared.kept.waits.fetch_add(1, Ordering::Relaxed);
        self.shared.kept.waited_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub(super) fn archive(&self, position: Position) {
        self.shared.kept.archived.fetch_max(position.word(), Ordering::Release);
    }

    pub(super) fn sync(&self, position: Position) {
        self.shared.kept.synced.fetch_max(position.word(), Ordering::Release);
    }

    /// Whether the writer must stop though it has room; then there is a failure.
    #[inline(always)]
    pub(super) fn must_stop(&self) -> bool {
        // Acquire, which costs nothing here: who sees the flag sees the failure.
        self.shared.failing.stop.load(Ordering::Acquire)
    }

    /// Keeps the first failure. With `stop` the writer's next append gives it, else the next that
    /// needs a segment.
    pub(super) fn fail(&self, failure: LogFailure, stop: bool) -> Arc<LogFailure> {
        let first = self.shared.failing.failure.get_or_init(|| Arc::new(failure)).clone();
        if stop {
            self.shared.failing.stop.store(true, Ordering::Release);
        }
        first
    }
}

/// Makes a panic of a log's thread its failure, as it ends that thread.
pub(super) struct PanicIsFailure {
    thread: &'static str,
    tails: LogTails,
    directory: String,
}

impl PanicIsFailure {
    pub(super) fn new(thread: &'static str, tails: &LogTails, directory: &str) -> PanicIsFailure {
        PanicIsFailure { thread, tails: tails.clone(), directory: directory.to_owned() }
    }
}

impl Drop for PanicIsFailure {
    fn drop(&mut self) {
        if thread::panicking() {
            let what = format!("its thread {} has panicked", self.thread);
            let failure = LogFailure {
                act: Act::Run,
                segment: self.tails.appended().segment(),
                directory: core::mem::take(&mut self.directory),
                source: Arc::new(io::Error::other(what)),
            };
            self.tails.fail(failure, true);
        }
    }
}

impl core::fmt::Debug for LogTails {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LogTails")
            .field("appended", &self.appended())
            .field("archived", &self.archived())
            .field("synced", &self.synced())
            .field("failure", &self.failure())
            .finish()
    }
}
