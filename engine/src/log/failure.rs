//! What can go wrong while a log is written.
//!
//! A failure stays: the log takes nothing more, says the same each time, and what it accepted before
//! is as it was. Nothing is tried twice: after a failed `fdatasync` nobody could tell what is safe.

use std::io;
use std::sync::Arc;

use crate::log::SegmentNumber;
use crate::log::frame::PAYLOAD_BYTES_MAX;
use crate::pipeline::pin::PinError;
use crate::ring::RingError;

/// What the log was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Making the next segment: file, blocks, memory, header, name.
    Prepare,
    /// Carrying what was appended in memory to the disk.
    Archive,
    /// Ending a segment that a dead writer left open.
    End,
    /// Making what was appended durable.
    Sync,
    /// Noting how much of it is.
    Mark,
    /// Ending a full segment: cut, seal.
    Seal,
    /// Writing a closed segment's index.
    Index,
    /// Removing what an ended log does not need.
    Remove,
    /// None of it: a thread of the log has panicked.
    Run,
}

impl core::fmt::Display for Act {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Act::Prepare => "prepare",
            Act::Archive => "archive to",
            Act::End => "end",
            Act::Sync => "sync",
            Act::Mark => "note what is durable of",
            Act::Seal => "seal",
            Act::Index => "write the index of",
            Act::Remove => "remove",
            Act::Run => "go on with",
        })
    }
}

/// Why a log takes nothing more.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {act} segment {} in {directory}: {source}", segment.0)]
pub struct LogFailure {
    /// What it was doing.
    pub act: Act,
    /// With which segment.
    pub segment: SegmentNumber,
    /// Where.
    pub directory: String,
    /// What the system said.
    #[source]
    pub source: Arc<io::Error>,
}

/// Why a frame was not appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// A frame cannot hold so much; the log goes on.
    #[error("a payload of {bytes} bytes; a frame holds at most {PAYLOAD_BYTES_MAX}")]
    PayloadTooLong {
        /// Bytes given.
        bytes: usize,
    },
    /// The log has failed, now or before, and stays so.
    #[error(transparent)]
    Failed(#[from] Arc<LogFailure>),
}

/// Why a log was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is a log already.
    #[error("{directory} already holds a log: {name}")]
    Exists {
        /// Where.
        directory: String,
        /// A segment that is there.
        name: String,
    },
    /// An option has a value that cannot be.
    #[error("{option} is {given}, it must be {must}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its value.
        given: u64,
        /// What is allowed.
        must: &'static str,
    },
    /// The directory cannot be made or listed.
    #[error("cannot use {directory}: {source}")]
    Directory {
        /// Where.
        directory: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No thread.
    #[error("cannot start the thread {name}: {source}")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No ring to the thread that appends.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// That thread is not on its core.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The first segment cannot be prepared.
    #[error(transparent)]
    Failed(#[from] Arc<LogFailure>),
}
