//! Where a bench keeps its input and records its sessions.
//!
//! In the memory that the journal is configured to use, where that has room for all of it; else in
//! a temporary folder, which goes with its owner (SIGKILL and a second Ctrl-C leave it). The room
//! is looked at once, before anything is written.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::Journal;
use crate::exit::Failure;
use crate::room;

/// Segments that may be there beside the messages: the open ones, and those prepared.
const SPARE_SEGMENTS: u64 = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct BenchPlace {
    path: PathBuf,
    /// What goes away, where it is a temporary folder.
    temporary: Option<TempDir>,
}

impl BenchPlace {
    /// The directory that was named.
    pub(super) fn named(path: &Path) -> BenchPlace {
        BenchPlace { path: path.to_owned(), temporary: None }
    }

    /// The memory of `journal`, or a temporary folder where that has no room for `needed_bytes`.
    pub(super) fn with_room(journal: &Journal, needed_bytes: u64) -> Result<BenchPlace, Failure> {
        if room::free_bytes(&journal.memory_dir) >= needed_bytes {
            return Ok(BenchPlace::named(&journal.memory_dir));
        }
        let made = tempfile::Builder::new().prefix("tapewatch-bench-").tempdir();
        let temporary = made.map_err(|error| {
            Failure::usage(format_args!(
                "cannot make a folder in {}: {error}; set TMPDIR to one that can be written, or name one with --session-dir",
                std::env::temp_dir().display()
            ))
        })?;
        Ok(BenchPlace { path: temporary.path().to_owned(), temporary: Some(temporary) })
    }

    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the memory had no room.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

/// The input, a session and another one that is being recorded, each with an eighth for its frames.
pub(super) fn two_sessions_bytes(input_bytes: u64, segment_bytes: u64) -> u64 {
    let session_bytes = input_bytes.saturating_add(input_bytes / 8);
    input_bytes
        .saturating_add(session_bytes)
        .saturating_add(session_of_bytes(session_bytes, segment_bytes))
}

/// A session whose journal has so many bytes, and the segments at hand.
pub(super) fn session_of_bytes(journal_bytes: u64, segment_bytes: u64) -> u64 {
    journal_bytes.saturating_add(segment_bytes.saturating_mul(SPARE_SEGMENTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_two_sessions_and_the_segments_at_hand_need_room() {
        assert_eq!(two_sessions_bytes(800, 10), 800 + 2 * 900 + 40);
        assert_eq!(two_sessions_bytes(u64::MAX, 1), u64::MAX);
    }
}
