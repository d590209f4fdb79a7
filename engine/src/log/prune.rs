//! Takes closed segments away from the front of a log.
//!
//! ```text
//!  1. `pruned` says where the log begins from now on: written, synced, renamed, directory synced
//!  2. the files of the segments before that are removed, oldest first; directory synced
//! ```
//! **Killed before 1 is done**: nothing was pruned; an unfinished `pruned.new` may lie about. **Killed
//! behind it**: every reader begins at the first kept segment, whatever files before it are still there;
//! the next prune removes those, also if it has nothing else to do. So a log never has a hole that is not
//! on record. **Full**: the record needs a block; where there is none nothing is removed, and what the
//! system said is told.
//!
//! Only segments that are sealed and indexed can go, and of those the last one stays. So a log can be
//! pruned while it is written: its writer and keeper have done with all that goes. What was memory of a
//! segment that goes is the keeper's to use again, and is left alone. A reader
//! that is still behind what goes is told so ([`LogError::Pruned`]). Two processes must not prune one log
//! at a time, and none may while it is reopened: the caller sees to that. Which segments are still needed
//! is for the caller to know.

use std::collections::BTreeMap;
use std::io;

use crate::failpoint;
use crate::log::directories::{INDEX_BYTES_MAX, LogDirectories, Medium, path_of, read_whole};
use crate::log::error::LogError;
use crate::log::index::Index;
use crate::log::pruned::{PRUNED_NAME, Pruned};
use crate::log::reader::{AtTail, LogReader, Next};
use crate::log::seal::Seal;
use crate::log::segment::{index_name, number_of_any};
use crate::log::storage::{NEW, Storage, StoredFile, write_by_rename};
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::output::tally::Tally;
use crate::units::{Nanos, Sequence};

/// A segment that can be pruned, if nobody needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedSegment {
    /// Its number.
    pub number: SegmentNumber,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its frames, the one that ends it included.
    pub frames: u64,
    /// Of the last of them that has a sequence.
    pub last_sequence: Option<Sequence>,
    /// The greatest time of its frames; `None` if it has only the one that ends it.
    pub greatest_time: Option<Nanos>,
    /// Its seal.
    pub seal: Seal,
}

/// What a log has that can be pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prunable {
    /// Whose log it is.
    pub session: SessionId,
    /// What was pruned before.
    pub pruned: Option<Pruned>,
    /// What can be, from the first segment on without a hole.
    pub segments: Vec<ClosedSegment>,
    /// The closed segment behind them, which stays: something of a log always does.
    pub last_closed: Option<ClosedSegment>,
    /// Bytes of all files of the log, those that stay included.
    pub bytes: u64,
    /// Files of segments that were pruned before and not removed.
    pub left_over: u64,
}

/// What pruning has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PruneReport {
    /// The first segment that the log has now.
    pub first_kept: SegmentNumber,
    /// Files that were removed.
    pub removed_files: u64,
    /// Their bytes.
    pub removed_bytes: u64,
}

/// Why a log was not pruned, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// It cannot be read, or is damaged. Nothing was changed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A segment that was to go cannot: it is not closed, sealed and indexed, or the last such
    /// one. Nothing was changed.
    #[error("segment {} of {directory} is not closed yet, or the last that is", segment.0)]
    NotClosed {
        /// Where.
        directory: String,
        /// The segment.
        segment: SegmentNumber,
    },
    /// What is to go could not be put on record. Nothing was removed.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The record.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be removed. Those before it are gone; another attempt goes on.
    #[error("cannot remove {file}: {source}")]
    Remove {
        /// The file, or the directory that could not be synced.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Looks at what could be pruned. Changes nothing.
///
/// # Errors
/// The log cannot be read.
pub fn prunable<S: Storage + Clone>(
    directories: &LogDirectories<S>,
    kind: LogKind,
) -> Result<Prunable, LogError> {
    let session = LogReader::open(directories.clone(), kind, AtTail::Stop)?.session();
    let pruned = directories.pruned_of(kind, session)?;
    let first = pruned.as_ref().map_or(SegmentNumber(0), |pruned| pruned.first_kept);
    let (mut by_number, mut left_over, mut bytes) = (BTreeMap::<_, u64>::new(), 0, 0);
    for (medium, name) in directories.names()? {
        let Some(number) = number_of_any(&name) else { continue };
        if medium == Medium::Disk {
            let file_bytes = size_of(storage_of(directories, medium), &name)?;
            left_over += u64::from(number < first);
            *by_number.entry(number).or_default() += file_bytes;
            bytes += file_bytes;
        }
    }
    let mut segments = Vec::new();
    for number in (first.0..).map(SegmentNumber) {
        let Some(segment) = closed(directories, kind, session, number)? else { break };
        let bytes = by_number.get(&number).copied().unwrap_or(0);
        segments.push(ClosedSegment { bytes, ..segment });
    }
    // Something of the log stays, whatever becomes of its writer.
    let last_closed = segments.pop();
    Ok(Prunable { session, pruned, segments, last_closed, bytes, left_over })
}

/// Takes away all segments before `first_kept`.
///
/// # Errors
/// One of them is not closed; what the system says.
pub fn prune<S: Storage + Clone>(
    directories: &LogDirectories<S>,
    kind: LogKind,
    first_kept: SegmentNumber,
) -> Result<PruneReport, PruneError> {
    let Prunable { session, pruned, segments, .. } = prunable(directories, kind)?;
    let first = pruned.as_ref().map_or(SegmentNumber(0), |pruned| pruned.first_kept);
    let end = SegmentNumber(first.0 + segments.len() as u64);
    if first_kept > end {
        return Err(PruneError::NotClosed { directory: directories.describe(), segment: end });
    }
    if first_kept > first {
        let removed = &segments[..(first_kept.0 - first.0) as usize];
        let first_record = match (kind, &pruned) {
            (LogKind::Output, pruned) => tally(directories, pruned.as_ref(), first_kept)?,
            (LogKind::Journal, Some(pruned)) => pruned.first_record.clone(),
            (LogKind::Journal, None) => first_record(directories)?,
        };
        let record = added_up(session, kind, pruned.as_ref(), removed, first_record);
        tell(storage_of(directories, Medium::Disk), &record)?;
    }
    failpoint::hit(kind.failpoints().prune_told);
    remove_before(directories, kind, first_kept.max(first))
}

/// A segment, if it is sealed and indexed.
fn closed<S: Storage>(
    directories: &LogDirectories<S>,
    kind: LogKind,
    session: SessionId,
    number: SegmentNumber,
) -> Result<Option<ClosedSegment>, LogError> {
    // A copy that has a seal is the one on disk, and whole.
    let Some(seal) = directories
        .copies(number, kind, Some(session))?
        .into_iter()
        .next()
        .and_then(|copy| copy.seal)
    else {
        return Ok(None);
    };
    let disk = storage_of(directories, Medium::Disk);
    let name = index_name(number);
    let index = match read_whole(disk, &name, INDEX_BYTES_MAX) {
        Ok(bytes) => Index::read(&bytes).ok().filter(|index| index.session() == session),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(LogError::Io { file: path_of(disk, &name), source }),
    };
    Ok(index.filter(|index| index.frames() == seal.frames()).map(|index| ClosedSegment {
        number,
        bytes: 0,
        frames: seal.frames(),
        last_sequence: index.sequences().map(|(_, last)| last),
        greatest_time: index.times().map(|(_, greatest)| greatest),
        seal: seal.seal(),
    }))
}

/// What is on record once `removed` is gone too.
fn added_up(
    session: SessionId,
    kind: LogKind,
    before: Option<&Pruned>,
    removed: &[ClosedSegment],
    first_record: Vec<u8>,
) -> Pruned {
    let last = removed.last().expect("Invariant: something is to be removed");
    let sequence = removed.iter().rev().find_map(|segment| segment.last_sequence);
    let time = removed.iter().filter_map(|segment| segment.greatest_time).max();
    let earlier = before.map(|before| before.greatest_time);
    Pruned {
        session,
        kind,
        first_kept: last.number.next(),
        frames: before.map_or(0, |before| before.frames)
            + removed.iter().map(|segment| segment.frames).sum::<u64>(),
        last_sequence: sequence
            .or(before.map(|before| before.last_sequence))
            .unwrap_or(Sequence(0)),
        greatest_time: time.max(earlier).unwrap_or(Nanos(0)),
        seal: last.seal,
        first_record,
    }
}

/// Payload of a journal's first frame: its session's description.
fn first_record<S: Storage + Clone>(directories: &LogDirectories<S>) -> Result<Vec<u8>, LogError> {
    let mut reader = LogReader::open(directories.clone(), LogKind::Journal, AtTail::Stop)?;
    match reader.next()? {
        Next::Frame(frame, _) => Ok(frame.payload.to_vec()),
        // A closed segment that has only the frame that ends it.
        Next::TornTail { .. } | Next::End | Next::Wait => Ok(Vec::new()),
    }
}

/// What an output log has told before `first_kept`.
fn tally<S: Storage + Clone>(
    directories: &LogDirectories<S>,
    before: Option<&Pruned>,
    first_kept: SegmentNumber,
) -> Result<Vec<u8>, LogError> {
    let mut tally = before.and_then(|before| Tally::read(&before.first_record)).unwrap_or_default();
    let mut reader = LogReader::open(directories.clone(), LogKind::Output, AtTail::Stop)?;
    while let Next::Frame(frame, at) = reader.next()? {
        if at.segment >= first_kept {
            break;
        }
        tally.take(&frame);
    }
    Ok(tally.to_bytes())
}

/// Puts what is pruned on record, so that it outlives a loss of power.
fn tell<S: Storage>(disk: &S, record: &Pruned) -> Result<(), PruneError> {
    let new = format!("{PRUNED_NAME}{NEW}");
    let written = match disk.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        // Absent, or left by one that died here.
        _ => write_by_rename(disk, PRUNED_NAME, &record.to_bytes(), true),
    };
    written.map_err(|source| PruneError::Write { file: path_of(disk, PRUNED_NAME), source })
}

/// Removes the files of all segments before the first that is kept.
fn remove_before<S: Storage>(
    directories: &LogDirectories<S>,
    kind: LogKind,
    first_kept: SegmentNumber,
) -> Result<PruneReport, PruneError> {
    let mut report = PruneReport { first_kept, removed_files: 0, removed_bytes: 0 };
    let mut names: Vec<_> = directories
        .names()?
        .into_iter()
        .filter(|(medium, _)| *medium == Medium::Disk)
        .filter_map(|(_, name)| Some((number_of_any(&name)?, name)))
        .filter(|(number, ..)| *number < first_kept)
        .collect();
    names.sort_unstable();
    let disk = storage_of(directories, Medium::Disk);
    for (_, name) in &names {
        let bytes = size_of(disk, name)?;
        match disk.remove(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => {
                return Err(PruneError::Remove { file: path_of(disk, name), source });
            }
            Ok(()) => {}
        }
        report.removed_files += 1;
        report.removed_bytes += bytes;
        failpoint::hit(kind.failpoints().prune_removed);
    }
    if !names.is_empty() {
        let synced = disk.sync_directory();
        synced.map_err(|source| PruneError::Remove { file: disk.describe(), source })?;
    }
    Ok(report)
}

fn storage_of<S: Storage>(directories: &LogDirectories<S>, medium: Medium) -> &S {
    let found = directories.each().find(|(each, _)| *each == medium);
    found.expect("Invariant: a listed name lies in a directory of the log").1
}

/// Bytes of a file; 0 if it has gone since it was listed.
fn size_of<S: Storage>(storage: &S, name: &str) -> Result<u64, LogError> {
    match storage.open(name).and_then(|file| file.size_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(LogError::Io { file: path_of(storage, name), source }),
        Ok(bytes) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
