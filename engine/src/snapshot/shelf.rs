//! The snapshots of a session: `snapshots/`, one file each, called after the records that it holds.
//!
//! ```text
//!  00000000000000123456.snap        whole and durable
//!  00000000000000123456.snap.new    its writer is at it, or died
//! ```
//! The follower writes; a run that goes on, the replay of a pruned session and time travel read. The
//! newest that can be used is: of those that are damaged or cannot be used each is passed over and told,
//! down to none at all. When there are more than are kept, the oldest go.

use std::io;

use crate::failpoint;
use crate::log::storage::{NEW, Storage};
use crate::snapshot::layout::SnapshotHead;
use crate::snapshot::reader::{ENCRYPTED, Snapshot, SnapshotError};
use crate::snapshot::sealed::Sealing;
use crate::snapshot::writer::SnapshotWriter;

/// What the names of snapshots end with.
const EXTENSION: &str = "snap";

/// The snapshots in one directory.
#[derive(Clone, Debug)]
pub struct Shelf<S> {
    storage: S,
}

/// Snapshots that were looked at for one that can be used.
pub struct Chosen<F> {
    /// The newest that can be used; `None` if there is none.
    pub snapshot: Option<Snapshot<F>>,
    /// Why newer ones were passed over, newest first, each with its path.
    pub passed_over: Vec<String>,
}

impl<S: Storage> Shelf<S> {
    /// The snapshots in `storage`, which need not exist.
    #[must_use]
    pub fn new(storage: S) -> Shelf<S> {
        Shelf { storage }
    }

    /// The directory.
    #[must_use]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The records that each snapshot holds by its name, newest first.
    ///
    /// # Errors
    /// The directory cannot be listed. One that is absent holds none.
    pub fn list(&self) -> io::Result<Vec<u64>> {
        let names = match self.storage.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        let mut records: Vec<_> = names.iter().filter_map(|name| records_of(name)).collect();
        records.sort_unstable_by(|a, b| b.cmp(a));
        // Both forms of one, where a session has got a key.
        records.dedup();
        Ok(records)
    }

    /// Opens the snapshot after so many records.
    ///
    /// # Errors
    /// As [`Snapshot::open`]; also where it is not what its name says.
    pub fn open(&self, records: u64) -> Result<Snapshot<S::File>, SnapshotError> {
        let snapshot = Snapshot::open(&self.storage, &name_of(records))?;
        if snapshot.head().accepted.records != records {
            let source = io::Error::other(format!(
                "it holds {} records, and is called otherwise",
                snapshot.head().accepted.records
            ));
            return Err(SnapshotError::Io { file: snapshot.name().to_owned(), source });
        }
        Ok(snapshot)
    }

    /// The newest snapshot that is whole and of which `use_of` says no reason against it. All its parts
    /// are read.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn newest(
        &self,
        mut reason_against: impl FnMut(&SnapshotHead) -> Option<String>,
    ) -> io::Result<Chosen<S::File>> {
        let mut passed_over = Vec::new();
        for records in self.list()? {
            let opened = self.open(records).map_err(|error| error.to_string());
            let checked = opened.and_then(|snapshot| {
                if let Some(reason) = reason_against(snapshot.head()) {
                    return Err(format!("{}: {reason}", snapshot.name()));
                }
                snapshot.check().map_err(|error| error.to_string())?;
                Ok(snapshot)
            });
            match checked {
                Ok(snapshot) => return Ok(Chosen { snapshot: Some(snapshot), passed_over }),
                Err(reason) => passed_over.push(reason),
            }
        }
        Ok(Chosen { snapshot: None, passed_over })
    }

    /// Writes a snapshot with the parts that `write` gives. Returns how many bytes it has.
    ///
    /// # Errors
    /// What the system says; then nothing is left behind.
    pub(super) fn write(
        &self,
        head: &SnapshotHead,
        write: impl FnOnce(&mut SnapshotWriter<'_, S>) -> io::Result<()>,
    ) -> io::Result<u64> {
        self.storage.create_directory()?;
        let key = self.storage.archive_key();
        let mut name = name_of(head.accepted.records);
        if key.is_some() {
            name += ENCRYPTED;
        }
        failpoint::hit("snapshot.write.before");
        // One of a writer that died here before, or the same of the run before this one.
        remove_if_there(&self.storage, &format!("{name}{NEW}"))?;
        let seal = |file| Sealing::begin(file, key);
        let written = SnapshotWriter::begin(&self.storage, name.clone(), head, seal).and_then(
            |mut writer| {
                write(&mut writer)?;
                writer.finish()
            },
        );
        written.inspect_err(|_| {
            // What is to be told is why it could not be written.
            let _ = self.storage.remove(&format!("{name}{NEW}"));
        })
    }

    /// Removes all but the newest `keep` snapshots, and what writers left that died.
    ///
    /// # Errors
    /// What the system says.
    pub fn tidy(&self, keep: usize) -> io::Result<()> {
        for records in self.list()?.into_iter().skip(keep) {
            self.remove(records)?;
            failpoint::hit("snapshot.remove.after");
        }
        Ok(())
    }

    /// Removes what a run that goes on cannot come to: snapshots after more than `records`, and what a
    /// writer left that died. Returns how many snapshots that were.
    ///
    /// # Errors
    /// What the system says.
    pub fn cut(&self, records: u64) -> io::Result<u64> {
        let mut removed = 0;
        for later in self.list()?.into_iter().take_while(|later| *later > records) {
            self.remove(later)?;
            removed += 1;
        }
        let names = match self.storage.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(removed),
            names => names?,
        };
        for name in names.iter().filter(|name| is_unfinished(name)) {
            remove_if_there(&self.storage, name)?;
        }
        Ok(removed)
    }

    fn remove(&self, records: u64) -> io::Result<()> {
        let name = name_of(records);
        remove_if_there(&self.storage, &format!("{name}{ENCRYPTED}"))?;
        remove_if_there(&self.storage, &name)
    }
}

/// Whether a file of this name is one that its writer did not finish.
fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(NEW).is_some_and(|name| records_of(name).is_some())
}

fn name_of(records: u64) -> String {
    format!("{records:020}.{EXTENSION}")
}

fn records_of(name: &str) -> Option<u64> {
    let name = name.strip_suffix(ENCRYPTED).unwrap_or(name);
    let digits = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let is_one = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| digits.parse().ok()).flatten()
}

fn remove_if_there<S: Storage>(storage: &S, name: &str) -> io::Result<()> {
    match storage.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
