//! Puts closed segments into the form in which they are kept: one, or all that are closed.
//!
//! ```text
//!  NAME.seg ─► write NAME.seg.zst.new ─► sync ─► read back against the seal ─► rename ─► sync the directory ─► remove NAME.seg
//!                                              ▲                                                           ▲                 ▲
//!  killed here: begun anew                  written                                                     renamed           removed
//! ```
//! A segment is touched only when it is sealed and indexed, so its writer and keeper are done with it.
//! What is written must give the seal that ends the plain segment, so what is damaged is never put in its
//! place. Whatever a killed process leaves is settled here by the next one: an unfinished file is
//! removed, and where a segment stands there in two forms the archived one is proved before the plain one
//! goes, or written anew.
//!
//! One process at a time does this to a log.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, Write as _};
use std::sync::Arc;

use crate::failpoint;
use crate::log::archive::FileSink;
use crate::log::archive::damage::OpenError;
use crate::log::archive::encrypted::EncryptedWriter;
use crate::log::archive::key::ArchiveKey;
use crate::log::archive::seekable::SeekableWriter;
use crate::log::archive::segment_file::{SegmentFile, SegmentForm};
use crate::log::directories::seal_of;
use crate::log::seal::{SealBlock, Sealer};
use crate::log::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, number_of};
use crate::log::storage::{NEW, Storage, StoredFile};
use crate::log::{LogKind, SegmentNumber};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Bytes that a file has while nothing was written to it yet.
const FIRST_BYTES: u64 = 4096;

/// Least and most of [`ArchiveOptions::level`].
pub const LEVELS: core::ops::RangeInclusive<i32> = 1..=19;

/// How segments are kept.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// zstd's level, 1 to 19.
    pub level: i32,
    /// Encrypts them, if there is one.
    pub key: Option<Arc<ArchiveKey>>,
}

impl ArchiveOptions {
    /// The form that segments are given.
    #[must_use]
    pub fn form(&self) -> SegmentForm {
        match self.key {
            None => SegmentForm::Compressed,
            Some(_) => SegmentForm::Encrypted,
        }
    }
}

/// Why a segment stays plain.
#[derive(Debug, thiserror::Error)]
#[error("cannot archive {file}: {fault}")]
pub struct ArchiveError {
    /// The plain segment, or the directory.
    pub file: String,
    /// Why.
    #[source]
    pub fault: ArchiveFault,
}

/// See [`ArchiveError`].
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// The storage failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The content does not give its seal.
    #[error("its content is not what was sealed")]
    Seal,
    /// What was written was not there when it was read back.
    #[error("what was written cannot be read back: {0}")]
    ReadBack(OpenError),
    /// What was written gives other content.
    #[error("what was written gives other content when it is read back")]
    Differs,
}

/// What became of all closed segments of a log.
#[derive(Debug, Default)]
pub struct Compressed {
    /// Segments that were put into their form.
    pub segments: u64,
    /// Bytes that they had.
    pub plain_bytes: u64,
    /// Bytes that they have now.
    pub archived_bytes: u64,
    /// Segments that stay plain although they are closed.
    pub failures: u64,
    /// Why the first of them does.
    pub first_error: Option<ArchiveError>,
}

/// One segment in its new form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Archived {
    pub(super) plain_bytes: u64,
    pub(super) archived_bytes: u64,
}

/// Puts every closed segment of a log into the form in which it is kept. A segment that fails stays as it
/// is, and the others are gone on with, unless the storage is full.
pub fn compress_all<S: Storage>(disk: &S, kind: LogKind, options: &ArchiveOptions) -> Compressed {
    let mut done = Compressed::default();
    let archiving =
        Archiving { disk, kind, options, stops: &AtomicBool::new(false), spares_segments: 0 };
    let closed = archiving.remove_unfinished().and_then(|()| archiving.closed());
    let closed = closed.unwrap_or_else(|source| {
        let fault = ArchiveFault::Io(source);
        done.fail(ArchiveError { file: disk.describe(), fault });
        Vec::new()
    });
    for number in closed {
        match archiving.archive(number) {
            Ok(archived) => done.add(archived),
            Err(error) => {
                let is_full = error.is_full();
                done.fail(error);
                if is_full {
                    break;
                }
            }
        }
    }
    done
}

impl Compressed {
    fn add(&mut self, archived: Option<Archived>) {
        let Some(Archived { plain_bytes, archived_bytes }) = archived else { return };
        self.segments += 1;
        self.plain_bytes += plain_bytes;
        self.archived_bytes += archived_bytes;
    }

    fn fail(&mut self, error: ArchiveError) {
        self.failures += 1;
        self.first_error.get_or_insert(error);
    }
}

impl ArchiveError {
    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(&self.fault, ArchiveFault::Io(error) if error.kind() == io::ErrorKind::StorageFull)
    }
}

/// What is done to the segments of one log.
pub(super) struct Archiving<'a, S> {
    pub(super) disk: &'a S,
    pub(super) kind: LogKind,
    pub(super) options: &'a ArchiveOptions,
    /// Whether to leave everything as it is.
    pub(super) stops: &'a AtomicBool,
    /// Segments for which room is left on the disk: those that a writer may need meanwhile.
    pub(super) spares_segments: u64,
}

/// A plain segment, and its seal if it has one.
struct Plain<F> {
    file: F,
    bytes: u64,
    /// Bytes that it had while it was written.
    segment_bytes: u64,
    seal: Option<SealBlock>,
}

impl<S: Storage> Archiving<'_, S> {
    /// Removes what a killed process has not finished.
    pub(super) fn remove_unfinished(&self) -> io::Result<()> {
        for name in self.disk.list()? {
            let of_segment = name.strip_suffix(NEW).and_then(SegmentForm::of_name);
            if of_segment.is_some_and(|(_, form)| form != SegmentForm::Plain) {
                self.disk.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Segments that are closed and plain, in order: those with an index, which comes after the seal.
    pub(super) fn closed(&self) -> io::Result<Vec<SegmentNumber>> {
        let names = self.disk.list()?;
        let indexed: std::collections::BTreeSet<_> =
            names.iter().filter_map(|name| number_of(name, "idx")).collect();
        let plain = names.iter().filter_map(|name| number_of(name, "seg"));
        let mut closed: Vec<_> = plain.filter(|number| indexed.contains(number)).collect();
        closed.sort_unstable();
        Ok(closed)
    }

    /// Puts one segment into its form. `None` where there is nothing to do: it is not sealed, or was taken
    /// away, or this is to stop.
    pub(super) fn archive(&self, number: SegmentNumber) -> Result<Option<Archived>, ArchiveError> {
        let name = SegmentForm::Plain.name(number);
        let archived = self.try_archive(number, &name);
        match archived {
            // Somebody has removed it meanwhile.
            Err(ArchiveFault::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            archived => archived.map_err(|fault| ArchiveError {
                file: format!("{}/{name}", self.disk.describe()),
                fault,
            }),
        }
    }

    fn try_archive(
        &self,
        number: SegmentNumber,
        name: &str,
    ) -> Result<Option<Archived>, ArchiveFault> {
        let plain = self.open_plain(name)?;
        let spared_bytes = self.spares_segments.saturating_mul(plain.segment_bytes);
        if spared_bytes > 0 && self.disk.available_bytes()? < spared_bytes {
            let what = "less room than is left to the log's writer";
            return Err(io::Error::new(io::ErrorKind::StorageFull, what).into());
        }
        let archived_bytes = match (self.already_archived(number, plain.seal.as_ref()), &plain.seal)
        {
            (Some(bytes), _) => bytes,
            (None, None) => return Ok(None),
            (None, Some(seal)) => match self.write(number, &plain.file, seal)? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        failpoint::hit(self.kind.failpoints().archive_renamed);
        self.disk.remove(name)?;
        failpoint::hit(self.kind.failpoints().archive_removed);
        self.disk.sync_directory()?;
        Ok(Some(Archived { plain_bytes: plain.bytes, archived_bytes }))
    }

    fn open_plain(&self, name: &str) -> Result<Plain<S::File>, ArchiveFault> {
        let file = self.disk.open(name)?;
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let filled = file.read_at(&mut bytes, 0)?;
        let (seal, segment_bytes) = match SegmentHeader::read(&bytes[..filled]) {
            Ok(header) => (seal_of(&file, &header)?, header.segment_bytes()),
            Err(_) => (None, 0),
        };
        Ok(Plain { bytes: file.size_bytes()?, segment_bytes, file, seal })
    }

    /// Bytes of the archived form, if it stands there already, gives its own seal, and the plain one has
    /// no other: a power cut may have taken the plain one's content, which is synced as its log is.
    fn already_archived(&self, number: SegmentNumber, plain: Option<&SealBlock>) -> Option<u64> {
        let form = self.options.form();
        let file = self.disk.open(&form.name(number)).ok()?;
        let bytes = file.size_bytes().ok()?;
        let opened = SegmentFile::open(file, form, self.options.key.as_ref()).ok()?;
        let mut header = [0; SEGMENT_HEADER_BYTES];
        opened.read_at(&mut header, 0).ok()?;
        let header = SegmentHeader::read(&header).ok().filter(|own| own.number() == number)?;
        let seal = seal_of(&opened, &header).ok()??;
        let is_same = plain.is_none_or(|plain| *plain == seal);
        (is_same && self.gives(&opened, &seal).ok()? == Some(true)).then_some(bytes)
    }

    /// Writes the new form, proves it and gives it its name. Tells its bytes; `None` if this is to stop.
    fn write(
        &self,
        number: SegmentNumber,
        plain: &S::File,
        seal: &SealBlock,
    ) -> Result<Option<u64>, ArchiveFault> {
        let form = self.options.form();
        let name = form.name(number);
        let new = format!("{name}{NEW}");
        let written = self.write_new(&new, plain, seal).and_then(|is_whole| {
            if !is_whole {
                return Ok(None);
            }
            let file = self.disk.open(&new)?;
            let bytes = file.size_bytes()?;
            let opened = SegmentFile::open(file, form, self.options.key.as_ref());
            match self.gives(&opened.map_err(ArchiveFault::ReadBack)?, seal)? {
                Some(true) => {}
                Some(false) => return Err(ArchiveFault::Differs),
                None => return Ok(None),
            }
            failpoint::hit(self.kind.failpoints().archive_written);
            self.disk.rename(&new, &name)?;
            Ok(Some(bytes))
        });
        if !matches!(written, Ok(Some(_))) {
            // What is to be told is why it failed; what is left is removed at the next start.
            let _ = self.disk.remove(&new);
        }
        if let Ok(Some(_)) = written {
            self.disk.sync_directory()?;
        }
        written
    }

    /// Writes a plain segment's content to a new file. Whether it did to the end.
    fn write_new(
        &self,
        new: &str,
        plain: &S::File,
        seal: &SealBlock,
    ) -> Result<bool, ArchiveFault> {
        let file = match self.disk.create(new, FIRST_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.remove(new)?;
                self.disk.create(new, FIRST_BYTES)?
            }
            created => created?,
        };
        let level = self.options.level;
        let file = match &self.options.key {
            None => {
                let sink =
                    self.copy(plain, seal, SeekableWriter::new(FileSink::new(file), level)?)?;
                sink.map(FileSink::finish)
            }
            Some(key) => {
                let sink = EncryptedWriter::create(file, key)?;
                let sink = self.copy(plain, seal, SeekableWriter::new(sink, level)?)?;
                sink.map(EncryptedWriter::finish)
            }
        };
        let Some(file) = file else { return Ok(false) };
        file?.sync_data()?;
        Ok(true)
    }

    /// Compresses a plain segment, which must give its seal. `None` if this is to stop.
    fn copy<W: io::Write>(
        &self,
        plain: &S::File,
        seal: &SealBlock,
        mut to: SeekableWriter<W>,
    ) -> Result<Option<W>, ArchiveFault> {
        let Some(whole) = self.walk(plain, seal, |bytes| to.write_all(bytes))? else {
            return Ok(None);
        };
        if !whole {
            return Err(ArchiveFault::Seal);
        }
        Ok(Some(to.finish()?))
    }

    /// Whether a file gives the content that `seal` seals, and the seal behind it; `None` if this is to stop.
    fn gives<F: StoredFile>(&self, file: &F, seal: &SealBlock) -> io::Result<Option<bool>> {
        self.walk(file, seal, |_| Ok(()))
    }

    /// Shows all bytes of a segment to `see`. Whether they are what `seal` seals; `None` if this is to stop.
    fn walk<F: StoredFile>(
        &self,
        file: &F,
        seal: &SealBlock,
        mut see: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Option<bool>> {
        let content_bytes = seal.content_bytes();
        let mut sealer = Sealer::default();
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut at_bytes = 0;
        while at_bytes < content_bytes {
            if self.stops.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let left = usize::try_from(content_bytes - at_bytes).unwrap_or(usize::MAX);
            let part = &mut buffer[..left.min(CHUNK_BYTES)];
            if file.read_at(part, at_bytes)? < part.len() {
                return Ok(Some(false));
            }
            sealer.content(part);
            see(part)?;
            at_bytes += part.len() as u64;
        }
        let block = bytemuck::bytes_of(seal);
        let end_bytes = content_bytes + block.len() as u64;
        let mut found = vec![0; block.len()];
        file.read_at(&mut found, content_bytes)?;
        see(&found)?;
        let expected = sealer.seal(seal.number(), seal.frames(), seal.previous());
        let is_whole = expected == *seal && found == block && file.size_bytes()? == end_bytes;
        Ok(Some(is_whole))
    }
}
