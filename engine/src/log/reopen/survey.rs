//! What a dead writer left, read by the reader's rules. Changes nothing.

use std::io;

use crate::log::directories::{LogDirectories, damaged};
use crate::log::error::{Damage, LogError};
use crate::log::frame::{FRAME_HEADER_BYTES, Frame};
use crate::log::options::LogOptions;
use crate::log::reader::{AtTail, FramePosition, LogReader, Next};
use crate::log::reopen::{Condition, Found, ReopenError};
use crate::log::segment::{SEGMENT_HEADER_BYTES, incarnation_of};
use crate::log::storage::Storage;
use crate::log::window::FRAME_BYTES_MAX;
use crate::log::{LogKind, SegmentNumber, SessionId};
use crate::units::{Nanos, Sequence};

/// How the frames end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Without an `End`.
    Torn {
        /// Behind them, not finished.
        torn_bytes: u64,
    },
    /// In order.
    End,
}

/// See the module.
pub(super) struct Survey {
    pub(super) frames: u64,
    pub(super) last_sequence: Sequence,
    pub(super) last_time: Nanos,
    pub(super) tail: Tail,
    /// The last segment with frames, a `Roll` or `End` among them.
    pub(super) last: Option<SegmentNumber>,
    /// Of the next process that writes the log.
    pub(super) incarnation: u32,
}

/// What reading to the end has come to.
struct ReadOn {
    frames: u64,
    last_sequence: Sequence,
    last_time: Nanos,
    tail: Tail,
    /// Where the frames end, and whether one of them closes the segment.
    end: FramePosition,
    is_closed: bool,
}

impl Survey {
    /// Reads a whole log and shows `see` every frame. `None`: there is no segment.
    pub(super) fn of<S: Storage + Clone>(
        directories: &LogDirectories<S>,
        options: &LogOptions<S>,
        see: impl FnMut(&Frame<'_>) -> Result<(), String>,
    ) -> Result<Option<Survey>, ReopenError> {
        let listed = segments(directories)?;
        if listed.is_empty() {
            return Ok(None);
        }
        let (kind, expected) = (options.kind, options.session);
        let mut reader = LogReader::open(directories.clone(), kind, AtTail::Stop)?;
        if reader.session() != expected {
            let damage = Damage::Session { found: reader.session(), expected };
            return Err(damaged(reader.file(), 0, damage).into());
        }
        let read = read_on(&mut reader, see)?;
        let has_frames = read.end.offset_bytes > SEGMENT_HEADER_BYTES as u64;
        let last = match has_frames {
            true => Some(read.end.segment),
            false => read.end.segment.0.checked_sub(1).map(SegmentNumber),
        };
        check_tail(&reader, &read)?;
        check_copies(directories, kind, expected, last)?;
        let from = last.unwrap_or(SegmentNumber(0));
        let latest = listed.into_iter().filter(|number| *number >= from);
        let incarnation = next_incarnation(directories, kind, expected, latest)?;
        let ReadOn { frames, last_sequence, last_time, tail, .. } = read;
        Ok(Some(Survey { frames, last_sequence, last_time, tail, last, incarnation }))
    }
}

/// See [`look`](crate::log::reopen::look).
pub(super) fn look<S: Storage + Clone>(
    directories: &LogDirectories<S>,
    kind: LogKind,
) -> Result<Found, LogError> {
    if segments(directories)?.is_empty() {
        return Ok(Found::default());
    }
    let mut reader = LogReader::open(directories.clone(), kind, AtTail::Stop)?;
    let session = reader.session();
    // Frames of the sealed segments, by their seals.
    let mut sealed = Vec::new();
    loop {
        let number = SegmentNumber(sealed.len() as u64);
        let copies = directories.copies(number, kind, Some(session))?;
        let Some(seal) = copies.into_iter().next().and_then(|copy| copy.seal) else { break };
        sealed.push(seal.frames().saturating_sub(1));
    }
    // The last of them is read; those before it too, if it has no frame but the one that closes it.
    loop {
        sealed.pop();
        reader.seek(FramePosition::first_of(SegmentNumber(sealed.len() as u64)))?;
        let read = match read_on(&mut reader, |_| Ok(())) {
            Ok(read) => read,
            Err(ReopenError::Log(error)) => return Err(error),
            Err(_) => unreachable!("Invariant: nothing else refuses a frame"),
        };
        if read.frames == 0 && !sealed.is_empty() {
            continue;
        }
        check_tail(&reader, &read)?;
        let frames = sealed.iter().sum::<u64>() + read.frames;
        let (condition, torn_bytes) = match read.tail {
            Tail::End => (Condition::Finished, 0),
            Tail::Torn { torn_bytes } if frames == 0 => (Condition::Absent, torn_bytes),
            Tail::Torn { torn_bytes } => (Condition::Torn, torn_bytes),
        };
        return Ok(Found { condition, frames, last_sequence: read.last_sequence, torn_bytes });
    }
}

/// Numbers of all segments; none where there is no directory.
fn segments<S: Storage>(directories: &LogDirectories<S>) -> Result<Vec<SegmentNumber>, LogError> {
    match directories.segments() {
        Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        listed => listed,
    }
}

fn read_on<S: Storage>(
    reader: &mut LogReader<S>,
    mut see: impl FnMut(&Frame<'_>) -> Result<(), String>,
) -> Result<ReadOn, ReopenError> {
    let (mut frames, mut last_sequence, mut last_time) = (0, Sequence(0), Nanos(0));
    let (tail, offset_bytes) = loop {
        match reader.next()? {
            Next::Frame(frame, at) => {
                if let Err(what) = see(&frame) {
                    let (file, offset_bytes) = (reader.file().to_owned(), at.offset_bytes);
                    return Err(ReopenError::Refused { file, offset_bytes, what });
                }
                frames += 1;
                (last_sequence, last_time) = (frame.tag.sequence, frame.tag.time);
            }
            Next::TornTail { offset_bytes, torn_bytes, .. } => {
                break (Tail::Torn { torn_bytes }, offset_bytes);
            }
            Next::End => {
                let end = reader.position().offset_bytes + FRAME_HEADER_BYTES as u64;
                break (Tail::End, end);
            }
            Next::Wait => unreachable!("Invariant: a reader that stops at the tail never waits"),
        }
    };
    let at = reader.position();
    // The reader stays before a frame that closes the segment.
    let is_closed = offset_bytes > at.offset_bytes;
    let end = FramePosition { offset_bytes, ..at };
    Ok(ReadOn { frames, last_sequence, last_time, tail, end, is_closed })
}

/// What stands behind the last frame can be what a dying writer leaves, and the segment can be closed.
fn check_tail<S: Storage>(reader: &LogReader<S>, read: &ReadOn) -> Result<(), LogError> {
    let Tail::Torn { torn_bytes } = read.tail else { return Ok(()) };
    let end_bytes = read.end.offset_bytes;
    if torn_bytes > FRAME_BYTES_MAX as u64 {
        return Err(damaged(reader.file(), end_bytes, Damage::TornTooLong { bytes: torn_bytes }));
    }
    if !read.is_closed && reader.room_to_close(end_bytes).is_none() {
        return Err(damaged(reader.file(), end_bytes, Damage::NoRoom));
    }
    Ok(())
}

/// All copies of a segment are of one making, and no segment is sealed before the one before it.
fn check_copies<S: Storage>(
    directories: &LogDirectories<S>,
    kind: LogKind,
    session: SessionId,
    last: Option<SegmentNumber>,
) -> Result<(), LogError> {
    let mut unsealed = None;
    for number in (0..last.map_or(0, |last| last.0 + 1)).map(SegmentNumber) {
        let copies = directories.copies(number, kind, Some(session))?;
        let Some((best, others)) = copies.split_first() else {
            let damage = Damage::Missing { first: number, last: number };
            return Err(damaged(&directories.describe(), 0, damage));
        };
        let expected = best.header.epoch();
        for copy in others {
            let found = copy.header.epoch();
            if found != expected {
                return Err(damaged(&copy.name, 0, Damage::Epoch { found, expected }));
            }
        }
        match (best.seal, unsealed.take()) {
            (None, before) => unsealed = before.or_else(|| Some(best.name.clone())),
            (Some(_), None) => {}
            (Some(_), Some(before)) => {
                return Err(damaged(&before, 0, Damage::Unsealed { later: number }));
            }
        }
    }
    Ok(())
}

/// One more than that of the latest segments; 0 where none is known.
fn next_incarnation<S: Storage>(
    directories: &LogDirectories<S>,
    kind: LogKind,
    session: SessionId,
    latest: impl Iterator<Item = SegmentNumber>,
) -> Result<u32, LogError> {
    let mut greatest = None;
    for number in latest {
        for copy in directories.copies(number, kind, Some(session))? {
            greatest = greatest.max(incarnation_of(&copy.header));
        }
    }
    Ok(greatest.map_or(0, |greatest| greatest + 1))
}
