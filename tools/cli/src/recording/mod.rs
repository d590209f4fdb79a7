//! Records a session: its directory, its journal, its hashes.
//!
//! Whoever drives the engine hands every packet here before the engine sees it. What the journal does
//! when it fails is configuration: the run ends, or goes on and the session is marked incomplete.

pub(crate) mod description;
pub(crate) mod dir;

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use engine::journal::writer::{Append, Journal, JournalEnd, JournalError, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::failure::CreateError;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::tails::LogStatistics;
use engine::log::threaded::ThreadOptions;
use engine::output::release::Acceptance;
use engine::packet::Packet;
use engine::units::{Nanos, Sequence};
use serde_json::{Value, json};

use crate::config::{self, Config};
use crate::exit::{Failure, Status};
use crate::recording::description::{Description, Recorded};
use crate::recording::dir::RecordingDir;

/// The only feed of a session so far.
const FEED: u16 = 0;

/// Bytes of the ring to a journal thread.
const JOURNAL_RING_BYTES: usize = 4 << 20;

/// A session being recorded. Dropped before [`Recording::keep`], it leaves nothing; between that and
/// [`Recording::end`], what a kill leaves.
pub(crate) struct Recording {
    /// Or why there is none, where the session goes on without.
    journal: Result<Journal, String>,
    /// After the journal: it is gone when the directory is tidied up.
    dir: RecordingDir,
    description: Description,
    /// The session's directory in memory.
    memory: Option<PathBuf>,
}

/// What a recording came to.
#[derive(Clone, Debug)]
pub(crate) struct RecordingEnd {
    /// Why the journal does not hold everything, where it does not.
    pub(crate) incomplete: Option<String>,
    /// For `summary.json`.
    pub(crate) json: Value,
}

impl Recording {
    /// Makes the session in `path`.
    pub(crate) fn begin(path: &Path, description: Description) -> Result<Recording, Failure> {
        let mut dir = RecordingDir::create(path)?;
        let config = &description.config.journal;
        let directory = Directory::new(dir.journal());
        let memory = match config.place {
            config::Place::Disk => None,
            config::Place::Memory => {
                Some(config.memory_dir.join(format!("tapewatch-{}", description.id)))
            }
        };
        let place = match &memory {
            None => Place::Disk { directory },
            Some(memory) => {
                let memory_directory = Directory::new(memory.join("journal"));
                Place::Memory { memory_directory, directory }
            }
        };
        dir.tell_writer(memory.as_deref())?;
        let text = description.text(Recorded::Recording, 0);
        let options = options(&description.config, place);
        let goes_on = config.on_error == config::OnError::ContinueUnjournaled;
        let journal = match Journal::create(options, description.id, &text) {
            Ok(journal) => Ok(journal),
            // As if it had failed at the first record.
            Err(error @ JournalError::Create(CreateError::Failed(_))) if goes_on => {
                Err(error.to_string())
            }
            Err(error) => return Err(cannot_make(&error)),
        };
        dir.describe(&text)?;
        Ok(Recording { journal, dir, description, memory })
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &RecordingDir {
        &self.dir
    }

    /// Where segments are appended to.
    pub(crate) fn written_in(&self) -> PathBuf {
        self.memory.as_ref().map_or_else(|| self.dir.journal(), |memory| memory.join("journal"))
    }

    /// The run has started: what comes is kept, however it ends.
    pub(crate) fn keep(&mut self) {
        self.dir.keep();
    }

    /// How far the session is accepted.
    pub(crate) fn acceptance(&self) -> Acceptance {
        // Where it could not be made, the session goes on as if it had failed at the first record.
        self.journal.as_ref().map_or_else(|_| Acceptance::unjournaled(), Acceptance::appended)
    }

    /// Journals a packet, before the engine sees it.
    #[inline]
    pub(crate) fn packet(&mut self, packet: &Packet<'_>) -> Result<(), Failure> {
        let Ok(journal) = &mut self.journal else {
            return Ok(());
        };
        journal.append_packet(packet, FEED).map_err(|error| failed(&error))
    }

    /// Journals a range that was given up.
    pub(crate) fn gap(
        &mut self,
        first: Sequence,
        end: Sequence,
        time: Nanos,
    ) -> Result<(), Failure> {
        let Ok(journal) = &mut self.journal else {
            return Ok(());
        };
        journal.append_gap(first, end, time, FEED).map_err(|error| failed(&error))
    }

    /// Ends the session: its journal is closed and sealed, and `session.toml` says how it came out.
    /// `whole` is whether the engine has taken all that was journaled; `over_capacity` is how often
    /// it met a limit.
    ///
    /// Where the journal has failed, `lock` stays if the session's memory does: it says where the last
    /// of what was accepted lies.
    pub(crate) fn end(self, whole: bool, over_capacity: u64) -> Result<RecordingEnd, Failure> {
        let Recording { dir, journal, description, memory } = self;
        let statistics = journal.as_ref().map(Journal::statistics).unwrap_or_default();
        let tails = journal.as_ref().ok().map(|journal| journal.tails().clone());
        let ended = journal.map(Journal::close);
        // Also where the journal has failed: memory that is on disk altogether is of no use any more.
        let is_archived = tails.is_none_or(|tails| tails.archived() == tails.appended());
        let is_gone = memory.is_none_or(|memory| {
            if is_archived {
                // Told by its being there.
                let _ = fs::remove_dir_all(&memory);
            }
            !memory.exists()
        });
        let (incomplete, seal) = match ended {
            Ok(Ok(JournalEnd::Complete(closed))) => (None, Some(closed)),
            Ok(Ok(JournalEnd::Incomplete(error))) => {
                (Some(format!("cannot journal: {error}")), None)
            }
            Ok(Err(error)) => return Err(failed(&error)),
            Err(never_made) => (Some(never_made), None),
        };
        let state = match &incomplete {
            None if whole => Recorded::Complete,
            _ => Recorded::Incomplete,
        };
        dir.describe(&description.text(state, over_capacity))?;
        let json = json_of(&description, &statistics, seal.map(|closed| closed.seal.to_string()));
        if is_gone {
            dir.end()?;
        }
        Ok(RecordingEnd { incomplete, json })
    }
}

fn options(config: &Config, place: Place<Directory>) -> JournalOptions {
    let journal = &config.journal;
    let append = match journal.append {
        config::Append::Inline => Append::Inline,
        config::Append::Thread => Append::Thread(ThreadOptions {
            ring_bytes: JOURNAL_RING_BYTES,
            wait: config.wait(),
            core: config.threads.journal_core.map(Into::into),
        }),
    };
    let sync = match journal.sync {
        config::Sync::Nothing => SyncLevel::None,
        config::Sync::Batch => SyncLevel::Batch,
        config::Sync::Interval => SyncLevel::Interval {
            period: std::time::Duration::from_millis(journal.sync_interval_ms),
            bytes: NonZeroU64::new(journal.sync_interval_bytes),
        },
    };
    let on_error = match journal.on_error {
        config::OnError::Stop => OnError::Stop,
        config::OnError::ContinueUnjournaled => OnError::ContinueUnjournaled,
    };
    JournalOptions {
        place,
        append,
        segment_bytes: journal.segment_bytes,
        memory_bytes_max: journal.memory_bytes_max,
        sync,
        on_error,
    }
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

/// A fresh id, from the system's random numbers.
pub(crate) fn new_id() -> Result<SessionId, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::no(format_args!(
            "the system gives no random numbers for a session's id: {error}; run where /dev/urandom can be read"
        ))
    })?;
    Ok(SessionId(bytes))
}

fn cannot_make(error: &JournalError) -> Failure {
    let (status, advice) = match error {
        JournalError::Create(CreateError::Pin(_)) => {
            (Status::Usage, "name another in threads.journal_core, `tapewatch doctor` shows them")
        }
        JournalError::Create(CreateError::Directory { .. } | CreateError::Exists { .. }) => {
            (Status::Usage, "name another with --session, or in journal.memory_dir")
        }
        JournalError::Create(CreateError::Option { .. } | CreateError::Ring(_)) => {
            (Status::Usage, "see `tapewatch config print`")
        }
        JournalError::Create(CreateError::Thread { .. }) => {
            (Status::No, "raise the limit on processes")
        }
        JournalError::Reopen(_) => (Status::No, "`tapewatch journal verify` tells more"),
        JournalError::Create(CreateError::Failed(_)) | JournalError::Append(_) => (
            Status::No,
            "make room, or set journal.segment_bytes, journal.memory_bytes_max or journal.memory_dir",
        ),
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

fn failed(error: &JournalError) -> Failure {
    Failure::no(format_args!(
        "{error}; what was accepted before is journaled and processed; make room and record again, or set journal.on_error=continue-unjournaled"
    ))
}
