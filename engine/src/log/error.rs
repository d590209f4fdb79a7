//! Why a log cannot be read, or not further: what, in which file, at which byte.

use std::io;

use crate::log::archive::damage::ContainerFault;
use crate::log::archive::key::KeyFault;
use crate::log::frame::BrokenFrame;
use crate::log::position::Position;
use crate::log::pruned::PrunedError;
use crate::log::segment::SegmentHeaderError;
use crate::log::{LogKind, SegmentNumber, SessionId};

/// A log cannot be read, or not further. All before the place has been given out.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The storage failed.
    #[error("cannot read {file}: {source}")]
    Io {
        /// The file or directory.
        file: String,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// There is no segment.
    #[error("{directory} holds no segment of a log")]
    Empty {
        /// Where it should be.
        directory: String,
    },
    /// Written by a newer program.
    #[error("{file} has format version {found}, this program reads up to {known}")]
    Newer {
        /// The segment.
        file: String,
        /// Its version.
        found: u32,
        /// The greatest that is known.
        known: u32,
    },
    /// An archived segment is encrypted, and its key is not there.
    #[error("cannot read {file}: {fault}")]
    Locked {
        /// The segment.
        file: String,
        /// What is wrong with the key.
        fault: KeyFault,
    },
    /// What is wanted was pruned: nothing is damaged, and it is gone.
    #[error("segment {} of {directory} was pruned; the log begins with segment {}", wanted.0, first.0)]
    Pruned {
        /// Where the log lies.
        directory: String,
        /// The segment that is wanted.
        wanted: SegmentNumber,
        /// The first that is kept.
        first: SegmentNumber,
    },
    /// Something stands there that no writer leaves, whenever it is killed.
    #[error("{file} at byte {offset_bytes}: {damage}")]
    Damaged {
        /// The segment.
        file: String,
        /// Where in it.
        offset_bytes: u64,
        /// What is wrong.
        damage: Damage,
    },
}

/// What is wrong with a log at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The segment's header.
    #[error(transparent)]
    Header(#[from] SegmentHeaderError),
    /// The record of what was pruned.
    #[error(transparent)]
    Pruned(#[from] PrunedError),
    /// A segment of another session.
    #[error("a segment of session {found} in the log of session {expected}")]
    Session {
        /// The segment's.
        found: SessionId,
        /// The log's.
        expected: SessionId,
    },
    /// A segment under another's name.
    #[error("segment {} under the name of segment {}", found.0, expected.0)]
    Number {
        /// As its header says.
        found: SegmentNumber,
        /// As its name says.
        expected: SegmentNumber,
    },
    /// A log of another kind.
    #[error("a log of kind {found:?} where one of kind {expected:?} is wanted")]
    Kind {
        /// The segment's.
        found: LogKind,
        /// The one asked for.
        expected: LogKind,
    },
    /// Segments are absent.
    #[error("segments {} to {} are missing", first.0, last.0)]
    Missing {
        /// The first.
        first: SegmentNumber,
        /// The last.
        last: SegmentNumber,
    },
    /// A bad frame before good ones.
    #[error("{broken}, and a whole frame follows at byte {next_bytes}")]
    Frame {
        /// What is wrong with it.
        broken: BrokenFrame,
        /// Where the next whole frame stands.
        next_bytes: u64,
    },
    /// Nothing before good frames.
    #[error("nothing was published here, and a whole frame follows at byte {next_bytes}")]
    Hole {
        /// Where the next whole frame stands.
        next_bytes: u64,
    },
    /// A file that was cut, as closed segments are, without a frame that closes it.
    #[error("the file ends at byte {size_bytes} without a frame that closes the segment")]
    Cut {
        /// Size of the file.
        size_bytes: u64,
    },
    /// As [`Damage::Cut`], where the bytes that should be the last frame are none.
    #[error("{broken}, and no frame closes the segment, though its file is cut")]
    CutFrame {
        /// What is wrong with it.
        broken: BrokenFrame,
    },
    /// A segment that was left without a frame that closes it, and then frames in a later one.
    #[error("no frame closes the segment, and segment {} has frames", later.0)]
    Unfinished {
        /// The first later segment with frames.
        later: SegmentNumber,
    },
    /// A segment without a seal before one that has one.
    #[error("the segment is not sealed, and segment {} is", later.0)]
    Unsealed {
        /// The sealed one.
        later: SegmentNumber,
    },
    /// Two copies of a segment that no one writer has made.
    #[error("a copy with epoch {found:#010x} beside one with epoch {expected:#010x}")]
    Epoch {
        /// Of this copy.
        found: u32,
        /// Of the other one.
        expected: u32,
    },
    /// Something behind the last whole frame that is no part of a frame.
    #[error("{bytes} bytes behind the frames are not zero, more than a torn frame has")]
    TornTooLong {
        /// From the end of the frames to the last byte that is not zero.
        bytes: u64,
    },
    /// Frames where a writer leaves room to close the segment.
    #[error("the frames leave no room for the one that closes the segment")]
    NoRoom,
    /// Whole frames behind the one that closes a segment.
    #[error("the segment is closed here, and a whole frame follows at byte {next_bytes}")]
    BehindEnd {
        /// Where the first of them stands.
        next_bytes: u64,
    },
    /// Frames in a segment behind the end of the log.
    #[error("the log ends here in order, and segment {} has frames", later.0)]
    AfterEnd {
        /// The first segment with frames.
        later: SegmentNumber,
    },
    /// A seal that does not stand where the frames end.
    #[error("the frames end here, and the seal says that they end at byte {content_bytes}")]
    SealedAt {
        /// Where, by the seal.
        content_bytes: u64,
    },
    /// What a sync had made durable is gone.
    #[error(
        "the frames end here, and by {} all up to segment {} byte {} was durable",
        crate::log::mark::MARK_NAME, durable.segment().0, durable.offset_bytes()
    )]
    NotDurable {
        /// Before this place all was durable.
        durable: Position,
    },
    /// An archived segment's container.
    #[error("{0}")]
    Container(ContainerFault),
    /// The frame that closes a segment has a payload.
    #[error("the frame that closes the segment has a payload of {bytes} bytes")]
    Closing {
        /// The payload's.
        bytes: usize,
    },
}
