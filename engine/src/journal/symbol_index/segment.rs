//! Finds the symbol index of a closed segment, or makes it of the segment.
//!
//! Several may do so at a time, while the journal is read or written: an index appears whole, by
//! rename, and whoever meets a damaged or another one makes it again. A directory that cannot be
//! written is no fault: what was made is used from memory. Of a segment that is not sealed there is
//! none.

use std::io;

use crate::failpoint;
use crate::journal::RecordKind;
use crate::journal::record::packet_of;
use crate::journal::symbol_index::{
    MessageKeys, SealedSegment, SymbolIndex, SymbolIndexBuilder, SymbolIndexError,
};
use crate::log::directories::{LogDirectories, read_whole};
use crate::log::error::LogError;
use crate::log::reader::{AtTail, FramePosition, LogReader, Next};
use crate::log::segment::symbol_index_name;
use crate::log::storage::{NEW, Storage, write_by_rename};
use crate::log::{LogKind, SegmentNumber, SessionId};

/// Most bytes of a file that is read: half a million symbols.
const BYTES_MAX: u64 = 16 << 20;

/// What stands beside a closed segment.
#[derive(Debug)]
pub enum Beside {
    /// Its index.
    Index(Box<SymbolIndex>),
    /// Nothing.
    Absent,
    /// A file that is not its index.
    Unusable(SymbolIndexError),
    /// A file that cannot be read.
    Unreadable(io::Error),
}

/// The index of a closed segment, and how it was come by.
#[derive(Debug)]
pub struct IndexedSegment {
    /// The index.
    pub index: SymbolIndex,
    /// How.
    pub origin: Origin,
}

/// How an index was come by.
#[derive(Debug)]
pub enum Origin {
    /// It stood beside the segment.
    Found,
    /// It was made, and stands there now.
    Kept,
    /// It was made, and was not to be kept.
    Made,
    /// It was made, and could not be kept.
    NotKept(io::Error),
}

/// What stands beside a closed segment where its symbol index does.
#[must_use]
pub fn beside<S: Storage, K: MessageKeys>(
    directories: &LogDirectories<S>,
    segment: &SealedSegment,
    feed: u16,
) -> Beside {
    let name = symbol_index_name(segment.number);
    match read_whole(directories.disk_directory(), &name, BYTES_MAX) {
        Ok(bytes) => match SymbolIndex::read(&bytes) {
            Ok(index) if index.belongs_to::<K>(segment, feed) => Beside::Index(Box::new(index)),
            Ok(_) => Beside::Unusable(SymbolIndexError::Stale),
            Err(error) => Beside::Unusable(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Beside::Absent,
        Err(error) => Beside::Unreadable(error),
    }
}

/// The index of segment `number` of a journal over the packets of `feed`; made where none can be used,
/// and then written beside the segment if `keeps`. `None`: the segment is not there or not sealed.
///
/// # Errors
/// The segment cannot be read, or is damaged.
pub fn index_segment<S: Storage + Clone, K: MessageKeys>(
    directories: &LogDirectories<S>,
    session: SessionId,
    number: SegmentNumber,
    feed: u16,
    keys: &K,
    keeps: bool,
) -> Result<Option<IndexedSegment>, LogError> {
    let Some(block) = directories.seal(session, LogKind::Journal, number)? else {
        return Ok(None);
    };
    let segment = SealedSegment::of(session, &block);
    if let Beside::Index(index) = beside::<S, K>(directories, &segment, feed) {
        return Ok(Some(IndexedSegment { index: *index, origin: Origin::Found }));
    }
    let index = build(directories, &segment, feed, keys)?;
    let origin = match keeps {
        false => Origin::Made,
        true => match keep(directories.disk_directory(), &index) {
            Ok(()) => Origin::Kept,
            Err(error) => Origin::NotKept(error),
        },
    };
    Ok(Some(IndexedSegment { index, origin }))
}

/// Reads a segment whole.
fn build<S: Storage + Clone, K: MessageKeys>(
    directories: &LogDirectories<S>,
    segment: &SealedSegment,
    feed: u16,
    keys: &K,
) -> Result<SymbolIndex, LogError> {
    let mut builder = SymbolIndexBuilder::new::<K>(segment, feed);
    let mut reader = LogReader::open(directories.clone(), LogKind::Journal, AtTail::Stop)?;
    reader.seek(FramePosition::first_of(segment.number))?;
    while let Next::Frame(frame, at) = reader.next()? {
        if at.segment != segment.number {
            break;
        }
        if frame.tag.feed != feed {
            continue;
        }
        match RecordKind::from_byte(frame.tag.kind) {
            Some(RecordKind::Packet) => builder.packet(at, &packet_of(&frame), keys),
            Some(RecordKind::Gap | RecordKind::SnapshotItem) => builder.of_all(at),
            _ => {}
        }
    }
    Ok(builder.finish())
}

/// Writes an index beside its segment.
fn keep<S: Storage>(directory: &S, index: &SymbolIndex) -> io::Result<()> {
    let name = symbol_index_name(index.segment().number);
    let bytes = index.to_bytes();
    failpoint::hit("symbols.index.before");
    match write_by_rename(directory, &name, &bytes, false) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a process that was killed; if another one is at it, its checksum tells.
            directory.remove(&format!("{name}{NEW}"))?;
            write_by_rename(directory, &name, &bytes, false)?;
        }
        written => written?,
    }
    failpoint::hit("symbols.index.after");
    Ok(())
}
