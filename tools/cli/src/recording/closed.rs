//! A session whose journal is closed: ended in order, described, and its lock given up.

use std::fs;
use std::path::PathBuf;

use engine::board::BoardReader;
use engine::journal::writer::{JournalEnd, JournalError};
use engine::log::tails::{LogStatistics, LogTails};
use serde_json::{Value, json};

use super::{failed, goes_on_unjournaled};
use crate::exit::Failure;
use crate::recording::archive::Archive;
use crate::recording::description::{Description, Recorded};
use crate::recording::dir::RecordingDir;
use crate::recording::kept::Kept;
use crate::replay::outputs::OutputSummary;

/// A session whose journal is closed: nothing more is accepted.
pub(crate) struct Closed {
    pub(super) ended: Result<JournalEnd, ClosedWithout>,
    pub(super) statistics: LogStatistics,
    pub(super) tails: Option<LogTails>,
    pub(super) kept: Option<Kept>,
    pub(super) archive: Archive,
    pub(super) dir: RecordingDir,
    pub(super) description: Description,
    pub(super) memory: Option<PathBuf>,
    pub(super) board: Option<PathBuf>,
}

/// Why a journal has no end.
pub(super) enum ClosedWithout {
    /// The run stopped before its input did: it is to be gone on with.
    Stopped,
    Failed(JournalError),
    Never(String),
    /// Not all that it holds has come again: it stays as it was, to be gone on with.
    Left,
}

/// What a recording came to.
#[derive(Clone, Debug)]
pub(crate) struct RecordingEnd {
    /// Why a log does not hold everything, where one does not.
    pub(crate) incomplete: Option<String>,
    /// Why segments stay as they were written, where they do.
    pub(crate) not_archived: Option<String>,
    /// For `summary.json`.
    pub(crate) json: Value,
}

impl Closed {
    pub(super) fn goes_on_unjournaled(&self) -> bool {
        goes_on_unjournaled(&self.description.config)
    }

    /// Whether the session's logs hold all that came; `outputs` is what the output log came to.
    pub(crate) fn holds_all(&self, outputs: &OutputSummary) -> bool {
        matches!(self.ended, Ok(JournalEnd::Complete(_)) | Err(ClosedWithout::Stopped))
            && outputs.incomplete.is_none()
    }

    /// Whether the journal failed where that ends the run, or the input was another one.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.ended, Err(ClosedWithout::Failed(_) | ClosedWithout::Left))
    }

    /// Ends the session: `session.toml` says how it came out. `whole` is whether the engine has taken
    /// all that was journaled and its digests are written; `over_capacity` is how often it met a limit; `outputs` is what the output
    /// log came to.
    ///
    /// Where a log has no end, `lock` stays if the session's memory does: it says where the last of what
    /// was accepted lies.
    pub(crate) fn end(
        self,
        whole: bool,
        over_capacity: u64,
        outputs: &OutputSummary,
    ) -> Result<RecordingEnd, Failure> {
        let Closed { ended, statistics, tails, kept, archive, dir, description, memory, board } =
            self;
        // Also where the journal has failed: memory that is on disk altogether is of no use any more.
        let is_left = matches!(ended, Err(ClosedWithout::Left));
        let is_archived =
            !is_left && tails.is_none_or(|tails| tails.archived() == tails.appended());
        // Of a copy of the session that another process goes on with it may be the other's.
        let is_ours = |board: &PathBuf| {
            BoardReader::attach(board).is_ok_and(|board| board.pid() == std::process::id())
        };
        if let Some(board) = board.filter(is_ours) {
            // Where logs lie beside it, the directory is not empty, and stays for now.
            let _ = fs::remove_file(&board);
            let _ = board.parent().map(fs::remove_dir);
        }
        let is_gone = memory.is_none_or(|memory| {
            if is_archived && !outputs.is_open {
                // Told by its being there.
                let _ = fs::remove_dir_all(&memory);
            }
            !memory.exists()
        });
        let (incomplete, seal) = match ended {
            Ok(JournalEnd::Complete(closed)) => (None, Some(closed)),
            Ok(JournalEnd::Incomplete(error)) => (Some(format!("cannot journal: {error}")), None),
            Err(ClosedWithout::Failed(error)) => return Err(failed(&error)),
            Err(ClosedWithout::Left) => return Err(left(kept.map_or(0, |kept| kept.left()))),
            Err(ClosedWithout::Never(why)) => (Some(why), None),
            Err(ClosedWithout::Stopped) => (None, None),
        };
        let incomplete = incomplete.or_else(|| outputs.incomplete.clone());
        let state = match &incomplete {
            None if whole && seal.is_some() && outputs.is_ended => Recorded::Complete,
            _ => Recorded::Incomplete,
        };
        // A process that dies over it leaves a session that is not complete yet: it is taken up again.
        let archived = archive.end(seal.is_some());
        dir.describe(&description.text(state, over_capacity))?;
        let mut json =
            json_of(&description, &statistics, seal.map(|closed| closed.seal.to_string()));
        json["archive"] = archived.json;
        if is_gone {
            dir.end()?;
        }
        Ok(RecordingEnd { incomplete, not_archived: archived.failure, json })
    }
}

fn left(packets: u64) -> Failure {
    Failure::usage(format_args!(
        "the input is not the one that the session was recorded from: it ends {packets} packet(s) before the journal does; give that input, whole"
    ))
}

fn json_of(description: &Description, statistics: &LogStatistics, seal: Option<String>) -> Value {
    let journal = &description.config.journal;
    json!({
        "id": description.id.to_string(),
        "place": journal.place.name(),
        "append": journal.append.name(),
        "sync": journal.sync.name(),
        "frames": statistics.frames,
        "bytes": statistics.bytes,
        "rolls": statistics.rolls,
        "waits": statistics.waits,
        "waited_ns": statistics.waited_ns,
        "seal": seal,
    })
}
