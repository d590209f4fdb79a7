//! Reads one snapshot, part by part. Every byte that is handed out was checked.

use std::io;

use crate::log::archive::encrypted::EncryptedFile;
use crate::log::checksum::crc32c;
use crate::log::storage::{Storage, StoredFile};
use crate::snapshot::layout::{
    ENTRY_BYTES, Entry, LayoutError, SNAPSHOT_HEADER_BYTES, SnapshotHead, Trailer,
};
use crate::snapshot::sealed::Sealed;
use crate::state::image::{ImageSource, Part, PartKind};
use crate::units::SymbolId;

/// Entries that a snapshot may have: eight kinds of every symbol that a locate can number, and to spare.
const ENTRIES_MAX: u64 = 1 << 24;

/// What the name of an encrypted snapshot has behind that of one that is not.
pub const ENCRYPTED: &str = ".enc";

/// A snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The storage failed.
    #[error("{file}: {source}")]
    Io {
        /// The snapshot.
        file: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is encrypted, and there is no key.
    #[error("{file}: it is encrypted, and no key was given")]
    NoKey {
        /// The snapshot.
        file: String,
    },
    /// Its bytes are not those that were written.
    #[error("{file} at byte {offset_bytes}: {fault}")]
    Damaged {
        /// The snapshot.
        file: String,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong.
        fault: LayoutError,
    },
}

/// See the module.
pub struct Snapshot<F> {
    file: Sealed<F>,
    name: String,
    head: SnapshotHead,
    entries: Vec<Entry>,
    size_bytes: u64,
}

impl<F: StoredFile> Snapshot<F> {
    /// Opens the snapshot called `name`, or `name` and [`ENCRYPTED`]: its header and entries are checked,
    /// its parts are when they are read.
    ///
    /// # Errors
    /// It is damaged, of a newer version, cannot be read, or is encrypted and the storage has not its key.
    pub fn open<S: Storage<File = F>>(storage: &S, name: &str) -> Result<Self, SnapshotError> {
        let path = format!("{}/{name}", storage.describe());
        match storage.open(name) {
            Ok(file) => Self::over(Sealed::Plain(file), path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let encrypted = format!("{path}{ENCRYPTED}");
                let file = storage.open(&format!("{name}{ENCRYPTED}"));
                let file = file.map_err(|source| io_error(&encrypted, source))?;
                let Some(key) = storage.archive_key() else {
                    return Err(SnapshotError::NoKey { file: encrypted });
                };
                let opened = EncryptedFile::open(file, key)
                    .map_err(|error| io_error(&encrypted, error.into()))?;
                Self::over(Sealed::Encrypted(Box::new(opened)), encrypted)
            }
            Err(source) => Err(io_error(&path, source)),
        }
    }

    fn over(file: Sealed<F>, name: String) -> Result<Self, SnapshotError> {
        let failed = |source| io_error(&name, source);
        let size_bytes = file.size_bytes().map_err(failed)?;
        let damaged = |offset_bytes, fault| {
            Err(SnapshotError::Damaged { file: name.clone(), offset_bytes, fault })
        };
        let mut header = [0; SNAPSHOT_HEADER_BYTES];
        let filled = file.read_at(&mut header, 0).map_err(failed)?;
        let head = match SnapshotHead::read(&header[..filled]) {
            Ok(head) => head,
            Err(fault) => return damaged(0, fault),
        };
        let least_bytes = (SNAPSHOT_HEADER_BYTES + ENTRY_BYTES) as u64;
        if size_bytes < least_bytes {
            return damaged(0, LayoutError::Short { bytes: size_bytes, expected: least_bytes });
        }
        let trailer_bytes = size_bytes - ENTRY_BYTES as u64;
        let mut trailer = [0; ENTRY_BYTES];
        file.read_at(&mut trailer, trailer_bytes).map_err(failed)?;
        let trailer = match Trailer::read(&trailer, size_bytes) {
            Ok(trailer) if trailer.entries <= ENTRIES_MAX => trailer,
            Ok(Trailer { entries: found, .. }) => {
                return damaged(trailer_bytes, LayoutError::Field { field: "entries", found });
            }
            Err(fault) => return damaged(trailer_bytes, fault),
        };
        let mut entries = vec![bytemuck::Zeroable::zeroed(); trailer.entries as usize];
        let table: &mut [u8] = bytemuck::cast_slice_mut::<Entry, u8>(&mut entries);
        file.read_at(table, trailer.table_bytes).map_err(failed)?;
        let (found, expected) = (trailer.table_crc32c, crc32c(table));
        if found != expected {
            return damaged(
                trailer.table_bytes,
                LayoutError::Crc { piece: "entries", found, expected },
            );
        }
        if let Some(fault) = fault_of(&entries, trailer.table_bytes) {
            return damaged(trailer.table_bytes, fault);
        }
        Ok(Snapshot { file, name, head, entries, size_bytes })
    }

    /// What it is of, and how far that had come.
    #[must_use]
    pub fn head(&self) -> &SnapshotHead {
        &self.head
    }

    /// Its path, as messages name it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the file; of an encrypted one, of what it holds.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Reads and checks every part.
    ///
    /// # Errors
    /// One is damaged or cannot be read.
    pub fn check(&self) -> Result<(), SnapshotError> {
        let mut bytes = Vec::new();
        self.entries.iter().try_for_each(|entry| self.read_entry(entry, &mut bytes))
    }

    fn read_entry(&self, entry: &Entry, into: &mut Vec<u8>) -> Result<(), SnapshotError> {
        // No more than the file has: the entries were checked against it.
        into.resize(entry.size_bytes as usize, 0);
        let filled = self.file.read_at(into, entry.offset_bytes);
        let filled = filled.map_err(|source| io_error(&self.name, source))?;
        let (found, expected) = (entry.crc32c, crc32c(&into[..filled]));
        if found == expected && filled == into.len() {
            return Ok(());
        }
        let (file, offset_bytes) = (self.name.clone(), entry.offset_bytes);
        let fault = LayoutError::Crc { piece: "part", found, expected };
        Err(SnapshotError::Damaged { file, offset_bytes, fault })
    }
}

/// What is wrong with a table of entries, of which the parts end at `end_bytes`.
fn fault_of(entries: &[Entry], end_bytes: u64) -> Option<LayoutError> {
    let is_in_order = |two: &[Entry]| {
        let [a, b] = two else { return true };
        (a.kind, a.symbol) < (b.kind, b.symbol)
    };
    if !entries.windows(2).all(is_in_order) {
        return Some(LayoutError::Field { field: "order of entries", found: 0 });
    }
    entries.iter().find_map(|entry| {
        let end = entry.offset_bytes.checked_add(entry.size_bytes);
        let lies_within = end.is_some_and(|end| end <= end_bytes);
        let (field, found) = ("size_bytes", entry.size_bytes);
        (!lies_within || entry.reserved != 0).then_some(LayoutError::Field { field, found })
    })
}

impl<F: StoredFile> ImageSource for Snapshot<F> {
    type Error = SnapshotError;

    /// Parts of a kind that this program does not know are left out.
    fn parts(&self) -> impl Iterator<Item = Part> {
        self.entries.iter().filter_map(|entry| {
            let kind = PartKind::from_number(u16::try_from(entry.kind).ok()?)?;
            Some(Part { kind, symbol: SymbolId(entry.symbol) })
        })
    }

    fn read(&self, part: Part, into: &mut Vec<u8>) -> Result<bool, SnapshotError> {
        into.clear();
        let key = (part.kind as u32, part.symbol.0);
        let found = self.entries.binary_search_by_key(&key, |entry| (entry.kind, entry.symbol));
        match found {
            Ok(at) => self.read_entry(&self.entries[at], into).map(|()| true),
            Err(_) => Ok(false),
        }
    }
}

fn io_error(file: &str, source: io::Error) -> SnapshotError {
    SnapshotError::Io { file: file.to_owned(), source }
}
