//! A journal as a live engine writes it, removed after its use.
//!
//! It lies in memory unless another place is named, appends inline and syncs nothing. As many segments
//! as it keeps ready are there before it is handed out, as they are in a live engine. A killed process
//! leaves it behind, in a folder `tapewatch-bench-PID`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use engine::journal::writer::{Append, Journal, JournalEnd, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::Directory;
use engine::log::tails::LogStatistics;
use engine::packet::Packet;

use crate::whole::Failed;

/// Segments that a journal has ready before it is written: the first and those that wait behind it.
const SEGMENTS_READY: usize = 3;

/// How long that is waited for.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Where a journal lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalPlace {
    /// There is none.
    None,
    /// Segments are appended to where they stay.
    There(PathBuf),
    /// Segments are appended to in `memory`; the keeper carries them to `directory`.
    Carried {
        /// A directory of a file system in memory.
        memory: PathBuf,
        /// Where the session stays.
        directory: PathBuf,
    },
}

/// See the module.
pub struct TemporaryJournal {
    journal: Option<Journal>,
    roots: Vec<PathBuf>,
}

impl TemporaryJournal {
    /// A fresh one, with all segments ready that it keeps ready. Its keeper may run on the cores that
    /// the calling thread may.
    ///
    /// # Errors
    /// If there is no room, or no segments come.
    pub fn new(place: &JournalPlace) -> Result<Self, Failed> {
        let name = format!("tapewatch-bench-{}", std::process::id());
        let (place, roots) = match place {
            JournalPlace::None => return Ok(TemporaryJournal { journal: None, roots: Vec::new() }),
            JournalPlace::There(directory) => {
                let root = directory.join(name);
                let directory = Directory::new(root.join("journal"));
                (Place::Disk { directory }, vec![root])
            }
            JournalPlace::Carried { memory, directory } => {
                let (memory, disk) = (memory.join(&name), directory.join(name + "-session"));
                let place = Place::Memory {
                    memory_directory: Directory::new(memory.join("journal")),
                    directory: Directory::new(disk.join("journal")),
                };
                (place, vec![memory, disk])
            }
        };
        let written = place.memory_directory().unwrap_or(place.directory()).path().to_owned();
        let options = JournalOptions {
            place,
            append: Append::Inline,
            segment_bytes: 64 << 20,
            memory_bytes_max: 1 << 30,
            sync: SyncLevel::None,
            on_error: OnError::Stop,
        };
        let mut made = TemporaryJournal { journal: None, roots };
        made.journal = Some(Journal::create(options, SessionId([7; 16]), "")?);
        wait_until_ready(&written)?;
        Ok(made)
    }

    /// Appends a packet, where there is a journal. A failure stays, and is told by
    /// [`TemporaryJournal::end`].
    #[inline(always)]
    pub fn append(&mut self, packet: &Packet<'_>) {
        if let Some(journal) = &mut self.journal {
            let _ = journal.append_packet(packet);
        }
    }

    /// Seals and removes the journal; tells what it did.
    ///
    /// # Errors
    /// If anything was not appended.
    pub fn end(mut self) -> Result<LogStatistics, Failed> {
        let Some(journal) = self.journal.take() else {
            return Ok(LogStatistics::default());
        };
        let statistics = journal.statistics();
        match journal.close()? {
            JournalEnd::Complete(_) => Ok(statistics),
            JournalEnd::Incomplete(why) => Err(why.into()),
        }
    }
}

impl Drop for TemporaryJournal {
    fn drop(&mut self) {
        // Before its files.
        drop(self.journal.take());
        for root in &self.roots {
            // What is left behind is seen, and does no harm.
            let _ = fs::remove_dir_all(root);
        }
    }
}

/// Waits until a journal's directory shows that its keeper has prepared what it prepares.
fn wait_until_ready(written: &Path) -> io::Result<()> {
    let until = Instant::now() + READY_WITHIN;
    loop {
        let entries = fs::read_dir(written)?.filter_map(Result::ok);
        let is_segment = |entry: &fs::DirEntry| entry.path().extension() == Some("seg".as_ref());
        if entries.filter(is_segment).count() >= SEGMENTS_READY {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(io::Error::other("the journal's segments were not prepared in time"));
        }
        thread::sleep(Duration::from_millis(1));
    }
}
