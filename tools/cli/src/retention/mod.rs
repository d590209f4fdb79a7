//! What of a session is kept: the oldest closed segments of its two logs go, by age or by size.
//!
//! `journal prune` calls it, and the upkeep of a recording whenever a segment has closed. It never takes
//! what somebody still needs ([`needed`]): of the journal what the newest snapshot is followed by, and all
//! of it where there is no snapshot; of the output log what the slowest consumer has not read. How a log
//! loses its front, and what a kill on the way leaves, is told in [`engine::log::prune`].
//!
//! One process prunes a session at a time, and none prunes one that goes on after a crash, as long as it
//! runs: what its logs hold is compared with what comes again. Both hold [`PruneLock`]. Any other running
//! session can be pruned.

pub(crate) mod needed;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::prune::{self, ClosedSegment, Prunable, PruneError, PruneReport};
use engine::log::pruned::Pruned;
use engine::log::storage::Directory;
use engine::log::{LogKind, SegmentNumber};
use engine::units::Nanos;

use crate::exit::{Failure, Status};
use crate::journal::verify::cannot_read;
use needed::Needed;

/// How much is kept. What either says goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Segments whose last message was received longer ago go; `None`: no age is too great.
    pub(crate) age: Option<Duration>,
    /// Segments go until both logs together have no more bytes; `None`: no size is too great.
    pub(crate) bytes: Option<u64>,
}

impl Keep {
    /// Whether anything may go.
    pub(crate) fn is_limited(&self) -> bool {
        self.age.is_some() || self.bytes.is_some()
    }
}

/// A session's logs.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    /// The session's directory.
    pub(crate) path: PathBuf,
    /// Where its journal lies.
    pub(crate) journal: LogDirectories<Directory>,
    /// Where its output log lies.
    pub(crate) output: LogDirectories<Directory>,
}

/// What is to become of one log.
#[derive(Clone, Debug)]
pub(crate) struct LogPlan {
    /// Which log.
    pub(crate) kind: LogKind,
    directories: LogDirectories<Directory>,
    prunable: Prunable,
    /// How many of the segments that could go may: nobody needs them.
    free: usize,
    /// How many do.
    goes: usize,
    /// Files of segments that went before, and are still there.
    pub(crate) left_over: u64,
    /// Why segments that are too old or too many stay.
    pub(crate) held: Option<String>,
}

impl LogPlan {
    /// The segments that go.
    pub(crate) fn removed(&self) -> &[ClosedSegment] {
        &self.prunable.segments[..self.goes]
    }

    /// Their bytes.
    pub(crate) fn removed_bytes(&self) -> u64 {
        self.removed().iter().map(|segment| segment.bytes).sum()
    }

    /// Bytes of the log as it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.prunable.bytes
    }

    /// The first segment that the log has now.
    pub(crate) fn first(&self) -> SegmentNumber {
        self.prunable.pruned.as_ref().map_or(SegmentNumber(0), |pruned| pruned.first_kept)
    }

    /// The first segment that stays.
    pub(crate) fn first_kept(&self) -> SegmentNumber {
        SegmentNumber(self.first().0 + self.goes as u64)
    }

    /// The next segment that would go.
    fn next(&self) -> Option<&ClosedSegment> {
        self.prunable.segments.get(self.goes)
    }

    fn may_go_on(&self) -> bool {
        self.goes < self.free
    }

    /// Takes the next segment away, if nobody needs it; else tells why it stays.
    fn take(&mut self, why_held: &str) -> bool {
        if self.may_go_on() {
            self.goes += 1;
            return true;
        }
        self.held.get_or_insert_with(|| why_held.to_owned());
        false
    }
}

/// Which segments go as of `now`. Changes nothing.
pub(crate) fn plan(
    logs: &Logs,
    keep: Keep,
    needed: &Needed,
    now: Nanos,
) -> Result<Vec<LogPlan>, Failure> {
    let mut plans = Vec::new();
    let of_log = [
        (LogKind::Journal, &logs.journal, Some(needed.journal)),
        (LogKind::Output, &logs.output, needed.output),
    ];
    for (kind, directories, first_needed) in of_log {
        let prunable = match prune::prunable(directories, kind) {
            Ok(prunable) => prunable,
            // A session that could not make its output log goes on without.
            Err(LogError::Empty { .. }) if kind == LogKind::Output => continue,
            Err(error) => return Err(cannot_read(&error)),
        };
        let mut told = prunable.pruned.as_ref().map_or(0, Pruned::user_frames);
        let is_free = |segment: &&ClosedSegment| {
            // The one that ends it is no output.
            told += segment.frames.saturating_sub(1);
            let is_told =
                kind == LogKind::Journal || needed.outputs_told.is_none_or(|most| told <= most);
            is_told && first_needed.is_none_or(|first| segment.number < first)
        };
        let free = prunable.segments.iter().take_while(is_free).count();
        plans.push(LogPlan {
            kind,
            directories: directories.clone(),
            free,
            goes: 0,
            left_over: prunable.left_over,
            held: None,
            prunable,
        });
    }
    if let Some(age) = keep.age {
        let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        let oldest = Nanos(now.0.saturating_sub(age_ns));
        for plan in &mut plans {
            while plan.next().is_some_and(|it| it.greatest_time.is_none_or(|time| time < oldest))
                && plan.take(needed.why(plan.kind))
            {}
        }
    }
    if let Some(bytes) = keep.bytes {
        shrink(&mut plans, bytes, needed);
    }
    Ok(plans)
}

/// The oldest segments of all logs go until no more than `bytes` are left.
fn shrink(plans: &mut [LogPlan], bytes: u64, needed: &Needed) {
    let left = |plans: &[LogPlan]| {
        plans.iter().map(|plan| plan.bytes() - plan.removed_bytes()).sum::<u64>()
    };
    while left(plans) > bytes {
        let time = |plan: &&mut LogPlan| plan.next().and_then(|segment| segment.greatest_time);
        let oldest = plans.iter_mut().filter(|plan| plan.may_go_on()).min_by_key(time);
        let Some(oldest) = oldest else { break };
        oldest.take(needed.why(oldest.kind));
    }
    if left(plans) > bytes {
        for plan in plans.iter_mut().filter(|plan| plan.next().is_some()) {
            plan.take(needed.why(plan.kind));
        }
    }
}

/// Makes durable what is left of the session in `path` once the front of its logs is gone: a loss of power
/// must not take the rest of them, or a snapshot that stands in for what was pruned.
pub(crate) fn make_durable(path: &Path) -> Result<(), Failure> {
    let sync = |directory: &Path| -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                match File::open(entry.path()) {
                    // Carried, archived or used anew meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    file => file?.sync_data()?,
                }
            }
        }
        File::open(directory)?.sync_all()
    };
    for name in ["journal", "output", "output/cursors", "snapshots", ""] {
        let directory = path.join(name);
        match sync(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::no(format_args!(
                    "cannot make {} durable: {error}; nothing was pruned",
                    directory.display()
                )));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Does what a plan says. What is left is made durable before ([`make_durable`]).
pub(crate) fn carry_out(plan: &LogPlan) -> Result<PruneReport, Failure> {
    prune::prune(&plan.directories, plan.kind, plan.first_kept()).map_err(|error| failed(&error))
}

/// What pruning came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Of each log that had anything to remove.
    pub(crate) reports: Vec<PruneReport>,
    /// Whether more would have gone if nobody needed it.
    pub(crate) is_held: bool,
}

/// Prunes a session as of `now`. To be called by a cold thread: it
/// reads the headers of all closed segments.
pub(crate) fn apply(
    logs: &Logs,
    keep: Keep,
    needed: &Needed,
    now: Nanos,
) -> Result<Applied, Failure> {
    let _lock = PruneLock::take(&logs.path)?;
    let plans = plan(logs, keep, needed, now)?;
    if plans.iter().any(|plan| plan.goes > 0) {
        make_durable(&logs.path)?;
    }
    let due = plans.iter().filter(|plan| plan.goes > 0 || plan.left_over > 0);
    let reports = due.map(carry_out).collect::<Result<_, _>>()?;
    Ok(Applied { reports, is_held: plans.iter().any(|plan| plan.held.is_some()) })
}

/// The time, by which the age of segments is told. Not a thing that any result depends on.
pub(crate) fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Held by whoever prunes a session, or goes on with it. Goes with the process.
#[derive(Debug)]
pub(crate) struct PruneLock {
    _directory: File,
}

impl PruneLock {
    /// Takes the lock of the session in `path`.
    pub(crate) fn take(path: &Path) -> Result<PruneLock, Failure> {
        let journal = path.join("journal");
        let cannot = |error: &dyn core::fmt::Display| {
            Failure::usage(format_args!(
                "cannot lock {}: {error}; check the path and its permissions",
                journal.display()
            ))
        };
        let directory = File::open(&journal).map_err(|error| cannot(&error))?;
        match directory.try_lock() {
            Ok(()) => Ok(PruneLock { _directory: directory }),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(format_args!(
                "{} is being pruned, or gone on with after a crash, by another process; prune it when that has ended",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(cannot(&error)),
        }
    }
}

/// Refuses to begin a session's journal at its first message where that was pruned.
pub(crate) fn refuse_pruned(
    path: &Path,
    journal: &LogDirectories<Directory>,
    what: &str,
) -> Result<(), Failure> {
    match journal.pruned() {
        // What cannot be read is told by whoever reads the journal.
        Ok(None) | Err(_) => Ok(()),
        Ok(Some(pruned)) => Err(Failure::usage(format_args!(
            "{}: its first {} segment(s), up to message {}, were pruned, so it cannot be {what} from its start, and no snapshot stands in for them; restore the segments from a copy",
            path.display(),
            pruned.first_kept.0,
            pruned.last_sequence.0
        ))),
    }
}

fn failed(error: &PruneError) -> Failure {
    let (status, advice) = match error {
        PruneError::Log(error) => return cannot_read(error),
        PruneError::NotClosed { .. } => (Status::No, "prune again when it is"),
        PruneError::Write { .. } => (Status::No, "nothing was removed; make room and prune again"),
        PruneError::Remove { .. } => (Status::No, "the session is whole without it; prune again"),
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

#[cfg(test)]
mod tests;
