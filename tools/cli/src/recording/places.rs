//! Where a session's two logs lie, and how they are written, by its configuration.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::journal::writer::{Append, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::threaded::ThreadOptions;
use engine::output::writer::OutputOptions;

use crate::config::{self, Config};

/// Bytes of the ring to a journal thread.
const JOURNAL_RING_BYTES: usize = 4 << 20;

/// Outputs that may wait for their causes to be accepted. A second of the busiest bars is some ten
/// thousand.
const OUTPUTS_WAITING_MAX: usize = 1 << 16;

/// Segments of the output log in memory: one being written, two prepared, one being carried to disk.
const OUTPUT_SEGMENTS_IN_MEMORY: u64 = 4;

/// How often the output log is synced where the journal is at every batch: outputs can be computed
/// anew from what the journal has.
const OUTPUT_SYNC_PERIOD: Duration = Duration::from_millis(10);

/// The directory in memory of a session under this configuration, if it has one.
pub(super) fn memory(config: &Config, id: SessionId) -> Option<PathBuf> {
    match config.journal.place {
        config::Place::Disk => None,
        config::Place::Memory => Some(in_memory(config, id)),
    }
}

/// The board of a run of a session under this configuration, if it has one. It lies in memory wherever
/// the logs do.
pub(super) fn board(config: &Config, id: SessionId) -> Option<PathBuf> {
    config.board.enabled.then(|| in_memory(config, id).join(engine::board::FILE_NAME))
}

/// Where what a session has in memory lies.
fn in_memory(config: &Config, id: SessionId) -> PathBuf {
    config.journal.memory_dir.join(format!("tapewatch-{id}"))
}

/// The place of the log called `name` that lies in `directory` on disk.
fn place(memory: Option<&Path>, name: &str, directory: Directory) -> Place<Directory> {
    match memory {
        None => Place::Disk { directory },
        Some(memory) => {
            Place::Memory { memory_directory: Directory::new(memory.join(name)), directory }
        }
    }
}

/// How the journal in `directory` is written.
pub(super) fn of_journal(
    config: &Config,
    memory: Option<&Path>,
    directory: Directory,
) -> JournalOptions {
    let journal = &config.journal;
    let append = match journal.append {
        config::Append::Inline => Append::Inline,
        config::Append::Thread => Append::Thread(ThreadOptions {
            ring_bytes: JOURNAL_RING_BYTES,
            wait: config.wait(),
            core: config.threads.journal_core.map(Into::into),
        }),
    };
    let on_error = match journal.on_error {
        config::OnError::Stop => OnError::Stop,
        config::OnError::ContinueUnjournaled => OnError::ContinueUnjournaled,
    };
    JournalOptions {
        place: place(memory, "journal", directory),
        append,
        segment_bytes: journal.segment_bytes,
        memory_bytes_max: journal.memory_bytes_max,
        sync: sync(config, SyncLevel::Batch),
        on_error,
    }
}

/// How the output log in `directory` is written: where the journal is, and as durable.
pub(super) fn of_output(
    config: &Config,
    memory: Option<&Path>,
    directory: Directory,
) -> OutputOptions {
    let segment_bytes = config.output.segment_bytes;
    OutputOptions {
        place: place(memory, "output", directory),
        segment_bytes,
        memory_bytes_max: OUTPUT_SEGMENTS_IN_MEMORY * segment_bytes,
        sync: sync(config, SyncLevel::Interval { period: OUTPUT_SYNC_PERIOD, bytes: None }),
        waiting_max: OUTPUTS_WAITING_MAX,
    }
}

/// The configured level of durability, `batch` being what "batch" asks for.
fn sync(config: &Config, batch: SyncLevel) -> SyncLevel {
    match config.journal.sync {
        config::Sync::Nothing => SyncLevel::None,
        config::Sync::Batch => batch,
        config::Sync::Interval => SyncLevel::Interval {
            period: Duration::from_millis(config.journal.sync_interval_ms),
            bytes: NonZeroU64::new(config.journal.sync_interval_bytes),
        },
    }
}
