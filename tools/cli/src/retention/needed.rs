//! What of a session's logs somebody still needs.

use std::fs;
use std::io;
use std::path::Path;

use engine::log::directories::CURSORS_DIRECTORY;
use engine::log::error::LogError;
use engine::log::prune;
use engine::log::pruned::Pruned;
use engine::log::storage::Directory;
use engine::log::{LogKind, SegmentNumber, SessionId};
use engine::output::cursor::{self, CursorName};
use engine::snapshot::SnapshotHead;

use crate::exit::Failure;
use crate::journal::verify::cannot_read;
use crate::session_dir::SessionDir;

/// What is needed of a session's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    /// The first segment of the journal.
    pub(crate) journal: SegmentNumber,
    /// The first segment of the output log; `None`: any closed one may go.
    pub(crate) output: Option<SegmentNumber>,
    /// So many outputs were told before the newest snapshot: those behind come again, and are compared
    /// and counted.
    pub(crate) outputs_told: Option<u64>,
}

impl Needed {
    /// What is needed of the session `session` in `path`.
    pub(crate) fn of(path: &Path, session: SessionId) -> Result<Needed, Failure> {
        let newest = newest_snapshot(path, session)?;
        let oldest_cursor = oldest_cursor(path, session)?;
        Ok(Needed {
            // Without a snapshot all state comes from the journal's first message on.
            journal: newest.map_or(SegmentNumber(0), |head| head.next.segment),
            output: oldest_cursor,
            outputs_told: newest.map(|head| head.outputs),
        })
    }

    /// Why segments of a log stay that would go otherwise.
    pub(crate) fn why(&self, kind: LogKind) -> &'static str {
        match (kind, self.outputs_told) {
            (LogKind::Journal, None) => {
                "the journal stays whole: there is no valid snapshot that could stand in for its front"
            }
            (LogKind::Journal, Some(_)) => {
                "the newest snapshot is followed by what stays, or it is not closed yet"
            }
            (LogKind::Output, _) => {
                "a consumer has not read what stays, the newest snapshot is followed by it, or it is not closed yet"
            }
        }
    }
}

/// The newest snapshot of a session that is whole, and of which all that it has seen is closed.
fn newest_snapshot(path: &Path, session: SessionId) -> Result<Option<SnapshotHead>, Failure> {
    let dir = SessionDir::open(path)?;
    let shelf = dir.shelf()?;
    let closed = Closed::of(&dir)?;
    let reason_against = |head: &SnapshotHead| {
        if head.session != session {
            return Some(format!("it is of session {}", head.session));
        }
        // What is not closed yet a loss of power may take, and the snapshot is then ahead of it.
        (closed.journal.is_none_or(|last| head.next.segment > last)
            || head.outputs > closed.outputs)
            .then(|| String::from("what it has seen is not closed yet"))
    };
    let chosen = shelf.newest(reason_against).map_err(|error| {
        Failure::usage(format_args!(
            "cannot use the snapshots in {}: {error}; what they need cannot be told, so nothing is pruned",
            shelf.storage().path().display()
        ))
    })?;
    Ok(chosen.snapshot.map(|snapshot| *snapshot.head()))
}

/// What of a session's logs is closed, and so on the disk as a whole.
struct Closed {
    /// The last closed segment of the journal.
    journal: Option<SegmentNumber>,
    /// Outputs in closed segments, those of pruned ones included.
    outputs: u64,
}

impl Closed {
    fn of(dir: &SessionDir) -> Result<Closed, Failure> {
        let journal = prune::prunable(&dir.journal_directories()?, LogKind::Journal);
        let journal = journal.map_err(|error| cannot_read(&error))?;
        let outputs = match prune::prunable(&dir.output_directories()?, LogKind::Output) {
            Ok(output) => {
                let pruned = output.pruned.as_ref().map_or(0, Pruned::user_frames);
                let closed = output.segments.iter().chain(&output.last_closed);
                pruned + closed.map(|segment| segment.frames.saturating_sub(1)).sum::<u64>()
            }
            Err(LogError::Empty { .. }) => 0,
            Err(error) => return Err(cannot_read(&error)),
        };
        Ok(Closed { journal: journal.last_closed.map(|segment| segment.number), outputs })
    }
}

/// The segment of the output log in which the slowest consumer goes on.
fn oldest_cursor(path: &Path, session: SessionId) -> Result<Option<SegmentNumber>, Failure> {
    let directory = path.join("output").join(CURSORS_DIRECTORY);
    let cannot = |error: &dyn core::fmt::Display| {
        Failure::usage(format_args!(
            "{}: {error}; what a consumer needs cannot be told, so nothing is pruned",
            directory.display()
        ))
    };
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(&error)),
    };
    let storage = Directory::new(&directory);
    let mut oldest = None;
    for entry in entries {
        let name = entry.map_err(|error| cannot(&error))?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".cursor"));
        let Some(name) = name.and_then(|name| CursorName::new(name).ok()) else { continue };
        let state = cursor::read(&storage, &name, session).map_err(|error| cannot(&error))?;
        // A consumer whose cursor is damaged begins anew.
        let at = state.place().next.segment;
        oldest = Some(oldest.map_or(at, |oldest: SegmentNumber| oldest.min(at)));
    }
    Ok(oldest)
}
