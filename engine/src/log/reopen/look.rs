//! A look at a log without reading it whole: by the reader's rules, which know of no loss of power.

use crate::log::directories::{LogDirectories, damaged};
use crate::log::error::{Damage, LogError};
use crate::log::frame::FRAME_HEADER_BYTES;
use crate::log::pruned::Pruned;
use crate::log::reader::{AtTail, FramePosition, LogReader, Next};
use crate::log::reopen::survey::segments;
use crate::log::reopen::{Condition, Found};
use crate::log::storage::Storage;
use crate::log::window::FRAME_BYTES_MAX;
use crate::log::{LogKind, SegmentNumber};
use crate::units::Sequence;

/// How the frames end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// Without an `End`.
    Torn {
        /// Behind them, not finished.
        torn_bytes: u64,
    },
    /// In order.
    End,
}

/// What reading to the end has come to.
struct ReadOn {
    frames: u64,
    last_sequence: Sequence,
    tail: Tail,
    /// Where the frames end, and whether one of them closes the segment.
    end: FramePosition,
    is_closed: bool,
}

/// See [`look`](crate::log::reopen::look()).
pub(super) fn look<S: Storage + Clone>(
    directories: &LogDirectories<S>,
    kind: LogKind,
) -> Result<Found, LogError> {
    let pruned = directories.pruned()?;
    if segments(directories)?.is_empty() && pruned.is_none() {
        return Ok(Found::default());
    }
    let pruned = pruned.as_ref();
    let first = pruned.map_or(0, |pruned| pruned.first_kept.0);
    let pruned_frames = pruned.map_or(0, Pruned::user_frames);
    let mut reader = LogReader::open(directories.clone(), kind, AtTail::Stop)?;
    let session = reader.session();
    // Frames of the sealed segments, by their seals.
    let mut sealed = Vec::new();
    loop {
        let number = SegmentNumber(first + sealed.len() as u64);
        let copies = directories.copies(number, kind, Some(session))?;
        let Some(seal) = copies.into_iter().next().and_then(|copy| copy.seal) else { break };
        sealed.push(seal.frames().saturating_sub(1));
    }
    // The last of them is read; those before it too, if it has no frame but the one that closes it.
    loop {
        sealed.pop();
        reader.seek(FramePosition::first_of(SegmentNumber(first + sealed.len() as u64)))?;
        let read = read_on(&mut reader)?;
        if read.frames == 0 && !sealed.is_empty() {
            continue;
        }
        check_tail(&reader, &read)?;
        let frames = pruned_frames + sealed.iter().sum::<u64>() + read.frames;
        let last_sequence = match (read.frames, pruned) {
            (0, Some(pruned)) => pruned.last_sequence,
            _ => read.last_sequence,
        };
        let (condition, torn_bytes) = match read.tail {
            Tail::End => (Condition::Finished, 0),
            Tail::Torn { torn_bytes } if frames == 0 => (Condition::Absent, torn_bytes),
            Tail::Torn { torn_bytes } => (Condition::Torn, torn_bytes),
        };
        return Ok(Found { condition, frames, pruned_frames, last_sequence, torn_bytes });
    }
}

fn read_on<S: Storage>(reader: &mut LogReader<S>) -> Result<ReadOn, LogError> {
    let (mut frames, mut last_sequence) = (0, Sequence(0));
    let (tail, offset_bytes) = loop {
        match reader.next()? {
            Next::Frame(frame, _) => {
                frames += 1;
                last_sequence = frame.tag.sequence;
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
    Ok(ReadOn { frames, last_sequence, tail, end, is_closed })
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
