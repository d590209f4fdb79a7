//! Where the segments of one log lie: on disk, or on disk and in memory.
//!
//! A memory-backed log is written in memory; an archiver carries closed segments to disk under their
//! own names and then takes the copy in memory away for another use. So a segment may stand in either
//! place, or in both, and move while it is read. On disk it may stand there plain, archived, or both
//! while it is [archived](crate::log::archive). A sealed copy goes before one that is not, a copy in
//! memory before one on disk, which is as long or longer, and a plain one before an archived one.

use std::io;
use std::sync::Arc;

use crate::log::archive::damage::{ContainerDamage, OpenError};
use crate::log::archive::key::ArchiveKey;
use crate::log::archive::segment_file::{SegmentFile, SegmentForm};
use crate::log::error::{Damage, LogError};
use crate::log::index::{INDEX_ENTRY_BYTES, Index};
use crate::log::options::Place;
use crate::log::pruned::{PRUNED_BYTES_MAX, PRUNED_NAME, Pruned, PrunedError};
use crate::log::seal::{SEAL_BYTES, SealBlock};
use crate::log::segment::{
    LOG_FORMAT_VERSION, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SegmentHeader, SegmentHeaderError,
    index_name,
};
use crate::log::storage::{Storage, StoredFile};
use crate::log::{LogKind, SegmentNumber, SessionId};

/// Most bytes of an index's file: a segment of 4 GiB has 65,536 entries.
pub(super) const INDEX_BYTES_MAX: u64 = 4096 + 65_536 * INDEX_ENTRY_BYTES as u64;

/// Directory beside the segments of an output log in which its readers keep how far they have come.
pub const CURSORS_DIRECTORY: &str = "cursors";

/// How often a segment that moves away while it is opened is looked for again.
const OPEN_TRIES: u32 = 4;

/// The directories of one log.
#[derive(Clone, Debug)]
pub struct LogDirectories<S> {
    disk: S,
    memory: Option<S>,
    /// Decrypts what is encrypted.
    key: Option<Arc<ArchiveKey>>,
}

/// One of the two directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Medium {
    /// Where segments are kept.
    Disk,
    /// Where they are written.
    Memory,
}

/// One copy of a segment, opened.
pub(super) struct SegmentCopy<F> {
    pub(super) file: SegmentFile<F>,
    /// Its path, as messages name it.
    pub(super) name: String,
    pub(super) header: SegmentHeader,
    /// The seal that ends it, if it is sealed.
    pub(super) seal: Option<SealBlock>,
}

impl<S: Storage> LogDirectories<S> {
    /// A log in one directory.
    #[must_use]
    pub fn disk(disk: S) -> LogDirectories<S> {
        LogDirectories::new(disk, None)
    }

    /// A log that is, or was, written in `memory` and carried to `disk`. Either may not exist.
    #[must_use]
    pub fn disk_and_memory(disk: S, memory: S) -> LogDirectories<S> {
        LogDirectories::new(disk, Some(memory))
    }

    fn new(disk: S, memory: Option<S>) -> LogDirectories<S> {
        let key = disk.archive_key().cloned();
        LogDirectories { disk, memory, key }
    }

    /// The same directories, in which encrypted segments are read with `key`. Without this they are with
    /// that of the directory on disk, if it has one.
    #[must_use]
    pub fn with_key(self, key: Option<Arc<ArchiveKey>>) -> LogDirectories<S> {
        LogDirectories { key, ..self }
    }

    /// Decrypts what is encrypted.
    pub(super) fn key(&self) -> Option<&Arc<ArchiveKey>> {
        self.key.as_ref()
    }

    /// Where a log that is written at a place lies.
    #[must_use]
    pub fn of(place: &Place<S>) -> LogDirectories<S>
    where
        S: Clone,
    {
        LogDirectories::new(place.directory().clone(), place.memory_directory().cloned())
    }

    /// The directories, the one in memory first: what leaves it is on disk by then.
    pub(super) fn each(&self) -> impl Iterator<Item = (Medium, &S)> {
        let memory = self.memory.iter().map(|memory| (Medium::Memory, memory));
        memory.chain([(Medium::Disk, &self.disk)])
    }

    /// The one on disk, where what is made of a segment is kept beside it.
    #[must_use]
    pub fn disk_directory(&self) -> &S {
        &self.disk
    }

    /// The block that ends the best copy of a segment; `None` where there is none, or it is not sealed.
    ///
    /// # Errors
    /// There are copies, and none can be read or belongs to the log.
    pub fn seal(
        &self,
        session: SessionId,
        kind: LogKind,
        number: SegmentNumber,
    ) -> Result<Option<SealBlock>, LogError> {
        let copies = self.copies(number, kind, Some(session))?;
        Ok(copies.into_iter().next().and_then(|copy| copy.seal))
    }

    /// Both directories, as messages name them.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.memory {
            Some(memory) => format!("{} or {}", self.disk.describe(), memory.describe()),
            None => self.disk.describe(),
        }
    }

    /// Names of all files and where they lie. A directory that does not exist has none.
    ///
    /// # Errors
    /// A directory cannot be listed, or neither exists.
    pub fn names(&self) -> Result<Vec<(Medium, String)>, LogError> {
        let mut names = Vec::new();
        let (mut listed, mut absent) = (false, None);
        for (place, storage) in self.each() {
            match storage.list() {
                Ok(found) => {
                    listed = true;
                    names.extend(found.into_iter().map(|name| (place, name)));
                }
                Err(source) => {
                    let is_absent = source.kind() == io::ErrorKind::NotFound;
                    let error = LogError::Io { file: storage.describe(), source };
                    if !is_absent {
                        return Err(error);
                    }
                    absent = Some(error);
                }
            }
        }
        match absent {
            Some(error) if !listed => Err(error),
            _ => Ok(names),
        }
    }

    /// What was taken away from the front of the log, if anything was.
    ///
    /// # Errors
    /// The record of it cannot be read.
    pub fn pruned(&self) -> Result<Option<Pruned>, LogError> {
        let name = path_of(&self.disk, PRUNED_NAME);
        let bytes = match read_whole(&self.disk, PRUNED_NAME, PRUNED_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error(&name, source)),
        };
        match Pruned::read(&bytes) {
            Ok(pruned) => Ok(Some(pruned)),
            Err(PrunedError::Version { found }) if found > LOG_FORMAT_VERSION => {
                Err(LogError::Newer { file: name, found, known: LOG_FORMAT_VERSION })
            }
            Err(fault) => Err(damaged(&name, 0, Damage::Pruned(fault))),
        }
    }

    /// As [`LogDirectories::pruned`], of the log that is read.
    ///
    /// # Errors
    /// As that; it is another log's.
    pub(super) fn pruned_of(
        &self,
        kind: LogKind,
        session: SessionId,
    ) -> Result<Option<Pruned>, LogError> {
        let pruned = self.pruned()?;
        let wrong = pruned.as_ref().and_then(|pruned| {
            if pruned.kind != kind {
                Some(Damage::Kind { found: pruned.kind, expected: kind })
            } else if pruned.session != session {
                Some(Damage::Session { found: pruned.session, expected: session })
            } else {
                None
            }
        });
        match wrong {
            Some(damage) => Err(damaged(&path_of(&self.disk, PRUNED_NAME), 0, damage)),
            None => Ok(pruned),
        }
    }

    /// The first segment that the log has: 0 unless its front was pruned.
    ///
    /// # Errors
    /// As [`LogDirectories::pruned`].
    pub fn first(&self) -> Result<SegmentNumber, LogError> {
        Ok(self.pruned()?.map_or(SegmentNumber(0), |pruned| pruned.first_kept))
    }

    /// Why the segments `first` to `last` are not there: they were pruned, or are missing.
    pub(super) fn absent(&self, first: SegmentNumber, last: SegmentNumber) -> LogError {
        match self.first() {
            Ok(kept) if first < kept => {
                LogError::Pruned { directory: self.describe(), wanted: first, first: kept }
            }
            Ok(_) => damaged(&self.describe(), 0, Damage::Missing { first, last }),
            Err(error) => error,
        }
    }

    /// Numbers of all segments, ascending. One that was pruned is none of them, also where its file has
    /// not been removed yet.
    ///
    /// # Errors
    /// As [`LogDirectories::names`] and [`LogDirectories::pruned`].
    pub fn segments(&self) -> Result<Vec<SegmentNumber>, LogError> {
        let names = self.names()?;
        let first = self.first()?;
        let segments = names.iter().filter_map(|(_, name)| SegmentForm::of_name(name));
        let mut numbers: Vec<_> = segments.map(|(number, _)| number).collect();
        numbers.retain(|number| *number >= first);
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// Bytes of all segments as they were written, as far as that can be told.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        let numbers = self.segments().unwrap_or_default().into_iter();
        let size = |number| {
            let mut forms = SegmentForm::ALL.into_iter();
            forms.find_map(|form| {
                let file = |(_, storage)| self.open_file(storage, form, number).ok().flatten();
                self.each().filter_map(file).find_map(|file| file.size_bytes().ok())
            })
        };
        numbers.filter_map(size).sum()
    }

    /// The index of a segment, if there is one that can be read and is that segment's.
    #[must_use]
    pub fn index(&self, session: SessionId, number: SegmentNumber) -> Option<Index> {
        let read = |(_, storage): (Medium, &S)| {
            let bytes = read_whole(storage, &index_name(number), INDEX_BYTES_MAX).ok()?;
            let index = Index::read(&bytes).ok()?;
            (index.session() == session && index.number() == number).then_some(index)
        };
        self.each().find_map(read)
    }

    /// The copies of a segment that can be read, the best first; none if there is none.
    ///
    /// # Errors
    /// There are copies, and none can be read or belongs to the log.
    pub(super) fn copies(
        &self,
        number: SegmentNumber,
        kind: LogKind,
        session: Option<SessionId>,
    ) -> Result<Vec<SegmentCopy<S::File>>, LogError> {
        let mut tries = 1;
        loop {
            let (mut copies, mut failure) = (Vec::new(), None);
            for (_, storage) in self.each() {
                match self.open_copy(storage, SegmentForm::Plain, number, kind, session) {
                    Ok(copy) => copies.extend(copy),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            // After the plain one, which is removed once these are there.
            for form in [SegmentForm::Compressed, SegmentForm::Encrypted] {
                match self.open_copy(&self.disk, form, number, kind, session) {
                    Ok(copy) => copies.extend(copy),
                    // Beside a plain one that is sealed it is not needed.
                    Err(_) if copies.iter().any(|copy: &SegmentCopy<_>| copy.seal.is_some()) => {}
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            // Stable: memory stands before disk, plain before archived.
            copies.sort_by_key(|copy| copy.seal.is_none());
            match failure {
                Some(error) if copies.is_empty() => {
                    // A segment in memory may be taken for another use between its opening and the
                    // reading of its header; the next look finds it on disk.
                    if tries == OPEN_TRIES || self.memory.is_none() {
                        return Err(error);
                    }
                    tries += 1;
                }
                _ => return Ok(copies),
            }
        }
    }
}

impl<S: Storage> LogDirectories<S> {
    /// The file of a segment in one of the directories, in one form; `None` if there is none.
    pub(super) fn open_file(
        &self,
        storage: &S,
        form: SegmentForm,
        number: SegmentNumber,
    ) -> Result<Option<SegmentFile<S::File>>, LogError> {
        let file = match storage.open(&form.name(number)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(LogError::Io { file: path_of(storage, &form.name(number)), source });
            }
        };
        let opened = SegmentFile::open(file, form, self.key.as_ref());
        opened.map(Some).map_err(|error| open_error(&path_of(storage, &form.name(number)), error))
    }

    /// The copy of a segment in one of the directories, in one form; `None` if there is none.
    pub(super) fn open_copy(
        &self,
        storage: &S,
        form: SegmentForm,
        number: SegmentNumber,
        kind: LogKind,
        session: Option<SessionId>,
    ) -> Result<Option<SegmentCopy<S::File>>, LogError> {
        let Some(file) = self.open_file(storage, form, number)? else { return Ok(None) };
        let name = path_of(storage, &form.name(number));
        let header = read_header(&file, &name)?;
        belongs(&header, number, kind, session).map_err(|damage| damaged(&name, 0, damage))?;
        let seal = seal_of(&file, &header).map_err(|source| io_error(&name, source))?;
        Ok(Some(SegmentCopy { file, name, header, seal }))
    }
}

/// The first `SEGMENT_HEADER_BYTES` of a file as a header.
pub(super) fn read_header<F: StoredFile>(file: &F, name: &str) -> Result<SegmentHeader, LogError> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    let filled = file.read_at(&mut bytes, 0).map_err(|source| io_error(name, source))?;
    SegmentHeader::read(&bytes[..filled]).map_err(|fault| match fault {
        SegmentHeaderError::Version { found }
            if found > LOG_FORMAT_VERSION && !is_an_own_version_changed(&bytes) =>
        {
            LogError::Newer { file: name.to_owned(), found, known: LOG_FORMAT_VERSION }
        }
        fault => damaged(name, 0, Damage::Header(fault)),
    })
}

/// Whether a header of a newer version is one of a known version in which the version was changed.
fn is_an_own_version_changed(header: &[u8; SEGMENT_HEADER_BYTES]) -> bool {
    (1..=LOG_FORMAT_VERSION).any(|version| {
        let mut own = *header;
        own[SEGMENT_MAGIC.len()..][..4].copy_from_slice(&version.to_le_bytes());
        SegmentHeader::read(&own).is_ok()
    })
}

/// Whether a header is that of the segment `number` of the log.
pub(super) fn belongs(
    header: &SegmentHeader,
    number: SegmentNumber,
    kind: LogKind,
    session: Option<SessionId>,
) -> Result<(), Damage> {
    if let Some(found) = header.log_kind().filter(|found| *found != kind) {
        return Err(Damage::Kind { found, expected: kind });
    }
    if let Some(expected) = session.filter(|session| *session != header.session()) {
        return Err(Damage::Session { found: header.session(), expected });
    }
    if header.number() != number {
        return Err(Damage::Number { found: header.number(), expected: number });
    }
    Ok(())
}

/// The seal that ends the file, if one does. Only [`verify`](crate::log::verify) asks whether it is
/// the content's.
pub(super) fn seal_of<F: StoredFile>(
    file: &F,
    header: &SegmentHeader,
) -> io::Result<Option<SealBlock>> {
    let size_bytes = file.size_bytes()?;
    let Some(content_bytes) = size_bytes.checked_sub(SEAL_BYTES as u64) else {
        return Ok(None);
    };
    let mut bytes = [0; SEAL_BYTES];
    let filled = file.read_at(&mut bytes, content_bytes)?;
    let seal = SealBlock::read(&bytes[..filled]);
    Ok(seal
        .ok()
        .filter(|seal| seal.number() == header.number() && seal.content_bytes() == content_bytes))
}

/// All bytes of a file.
pub(crate) fn read_whole<S: Storage>(
    storage: &S,
    name: &str,
    bytes_max: u64,
) -> io::Result<Vec<u8>> {
    let file = storage.open(name)?;
    let size_bytes = file.size_bytes()?;
    if size_bytes > bytes_max {
        let message = format!("{size_bytes} bytes, more than the {bytes_max} it may have");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let mut bytes = vec![0; usize::try_from(size_bytes).unwrap_or(usize::MAX)];
    let filled = file.read_at(&mut bytes, 0)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// The path of a file, as messages name it.
pub(super) fn path_of<S: Storage>(storage: &S, name: &str) -> String {
    format!("{}/{name}", storage.describe())
}

/// An error in reading a file: of the storage, or of the container that it is in.
pub(super) fn io_error(name: &str, source: io::Error) -> LogError {
    open_error(name, OpenError::from(source))
}

/// An error in opening a file that may be a container.
pub(super) fn open_error(name: &str, error: OpenError) -> LogError {
    let file = name.to_owned();
    match error {
        OpenError::Io(source) => LogError::Io { file, source },
        OpenError::Damaged(ContainerDamage { offset_bytes, fault }) => {
            LogError::Damaged { file, offset_bytes, damage: Damage::Container(fault) }
        }
        OpenError::Newer { found, known } => LogError::Newer { file, found, known },
        OpenError::Key(fault) => LogError::Locked { file, fault },
    }
}

pub(super) fn damaged(name: &str, offset_bytes: u64, damage: Damage) -> LogError {
    LogError::Damaged { file: name.to_owned(), offset_bytes, damage }
}
