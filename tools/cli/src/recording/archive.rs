//! What becomes of a session's closed segments: archived while it is recorded, the rest at its end.
//!
//! A thread of the engine does it ([`Archiver`]). A segment that cannot be archived stays as it was
//! written, which is told once, at the end, and is no fault of the session.

use std::path::Path;
use std::sync::Arc;

use engine::log::LogKind;
use engine::log::archive::archiver::{ArchiveStatus, Archiver};
use engine::log::archive::compress::{ArchiveOptions, compress_all};
use engine::log::archive::key::ArchiveKey;
use engine::log::storage::{Directory, Storage as _};
use engine::snapshot::Shelf;
use serde_json::{Value, json};

use crate::config::Config;
use crate::recording::dir::RecordingDir;
use crate::recording::follower;

/// See the module. Dropped, it leaves what is not archived.
pub(super) struct Archive {
    journal: Directory,
    output: Directory,
    /// `None` where segments stay as they are written.
    options: Option<ArchiveOptions>,
    thread: Option<Archiver>,
}

/// What the archive of a session came to.
pub(super) struct Archived {
    /// Why segments stay as they were written, where they do.
    pub(super) failure: Option<String>,
    /// For `summary.json`; `null` where there is none.
    pub(super) json: Value,
}

impl Archive {
    /// Of the session in `dir`; nothing is done yet.
    pub(super) fn new(
        config: &Config,
        key: Option<Arc<ArchiveKey>>,
        dir: &RecordingDir,
    ) -> Archive {
        let of = |path| Directory::new(path).with_key(key.clone());
        let (journal, output) = (of(dir.journal()), of(dir.output()));
        let level = i32::try_from(config.archive.level).unwrap_or(1);
        let options = config.archive.compress.then_some(ArchiveOptions { level, key });
        Archive { journal, output, options, thread: None }
    }

    /// The journal's directory on disk, with the key.
    pub(super) fn journal(&self) -> Directory {
        self.journal.clone()
    }

    /// The output log's.
    pub(super) fn output(&self) -> Directory {
        self.output.clone()
    }

    /// The snapshots of the session in `path`, with the key.
    pub(super) fn shelf(&self, path: &Path) -> Shelf<Directory> {
        follower::shelf(path, self.journal.archive_key().cloned())
    }

    fn logs(&self) -> [(LogKind, Directory); 2] {
        [(LogKind::Journal, self.journal()), (LogKind::Output, self.output())]
    }

    /// The same, at work. Without a thread all is left to the end.
    pub(super) fn started(mut self) -> Archive {
        if let Some(options) = &self.options {
            self.thread = Archiver::start(self.logs().into(), options.clone()).ok();
        }
        self
    }

    /// Stops; where the logs have their `ends`, it archives what is left first.
    pub(super) fn end(mut self, ends: bool) -> Archived {
        let Some(options) = &self.options else {
            return Archived { failure: None, json: Value::Null };
        };
        let mut status = self.thread.take().map_or_else(ArchiveStatus::default, Archiver::stop);
        let mut failure = None;
        if ends {
            for (kind, directory) in self.logs() {
                let rest = compress_all(&directory, kind, options);
                status.segments += rest.segments;
                status.plain_bytes += rest.plain_bytes;
                status.archived_bytes += rest.archived_bytes;
                status.failures += rest.failures;
                // What failed before and is done now is of no account.
                failure = failure.or(rest.first_error.map(|error| error.to_string()));
            }
        }
        let json = json!({
            "segments": status.segments,
            "plain_bytes": status.plain_bytes,
            "archived_bytes": status.archived_bytes,
            "failures": status.failures,
        });
        Archived { failure, json }
    }
}
