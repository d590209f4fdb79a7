//! How a log is written: where, how large, how durable.

use core::num::NonZeroU64;
use core::time::Duration;

use crate::log::boot::BootId;
use crate::log::failure::CreateError;
use crate::log::segment::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use crate::log::{LogKind, SessionId};

/// Where the segment being written lies.
///
/// A write to a map of a file on disk can stall for milliseconds while the kernel writes its pages
/// back; one to a map of memory cannot. So the default of a journal is [`Place::Memory`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<S> {
    /// The segment's file on disk is mapped and written.
    Disk {
        /// Where the log lies.
        directory: S,
    },
    /// The segment is written in memory; the keeper carries it to disk at most some 10 ms later and
    /// uses the memory again. What a killed process had not carried yet stays in
    /// `memory_directory`, until the machine stops.
    Memory {
        /// A directory of a file system in memory, such as `/dev/shm`; removed at an orderly end.
        memory_directory: S,
        /// Where the log lies.
        directory: S,
    },
}

impl<S> Place<S> {
    /// Where the log lies.
    pub fn directory(&self) -> &S {
        match self {
            Place::Disk { directory } | Place::Memory { directory, .. } => directory,
        }
    }

    /// Where its active segments lie, if that is memory.
    pub fn memory_directory(&self) -> Option<&S> {
        match self {
            Place::Disk { .. } => None,
            Place::Memory { memory_directory, .. } => Some(memory_directory),
        }
    }
}

impl<S> Place<S> {
    /// Both directories, or the one there is; the one in memory first: what leaves it is on disk by
    /// then.
    pub(super) fn directories(&self) -> impl Iterator<Item = &S> {
        self.memory_directory().into_iter().chain([self.directory()])
    }
}

/// When what was appended is made to outlive a loss of power.
///
/// A killed process loses nothing at any level: pages belong to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncLevel {
    /// When the kernel sees fit.
    None,
    /// By the keeper, in the background, whenever one of both is reached.
    Interval {
        /// Longest time between two syncs while there is something to sync.
        period: Duration,
        /// Bytes appended since the last one; `None`: by time alone.
        bytes: Option<NonZeroU64>,
    },
    /// Before an append returns. A thread that appends for another syncs once for all that waits.
    Batch,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions<S> {
    /// What the log is for.
    pub kind: LogKind,
    /// Whose it is.
    pub session: SessionId,
    /// Which of the processes that write this log one after the other: 0 for a new log. Found by
    /// itself where a log is reopened.
    pub incarnation: u32,
    /// Where it lies.
    pub place: Place<S>,
    /// Size of a segment: a multiple of 4,096 from [`SEGMENT_BYTES_MIN`] to [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u64,
    /// With [`Place::Memory`], memory that segments take at most: two segments or more. When all of
    /// it waits to be archived, the writer waits too, and counts it.
    pub memory_bytes_max: u64,
    /// How durable.
    pub sync: SyncLevel,
    /// The machine's present start: [`BootId::now`], but for tests.
    pub boot: BootId,
}

impl<S> LogOptions<S> {
    /// Segments that may exist at a time without being closed and archived.
    pub(super) fn segments_max(&self) -> usize {
        match self.place {
            Place::Disk { .. } => DISK_SEGMENTS_MAX,
            Place::Memory { .. } => {
                (self.memory_bytes_max / self.segment_bytes).min(MEMORY_SEGMENTS_MAX) as usize
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), CreateError> {
        let refused = |option, given, must| Err(CreateError::Option { option, given, must });
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes)
            || !self.segment_bytes.is_multiple_of(4096)
        {
            let must = "a multiple of 4,096 from 256 KiB to 4 GiB";
            return refused("segment_bytes", self.segment_bytes, must);
        }
        if self.segments_max() < 2 {
            let must = "at least twice segment_bytes";
            return refused("memory_bytes_max", self.memory_bytes_max, must);
        }
        if matches!(self.sync, SyncLevel::Interval { period, .. } if period.is_zero()) {
            return refused("sync interval", 0, "more than 0 ns");
        }
        Ok(())
    }
}

/// On disk: the one being written, two prepared, and closed ones that wait for their seal.
const DISK_SEGMENTS_MAX: usize = 8;

/// In memory: a bound for queues, far beyond what is useful.
const MEMORY_SEGMENTS_MAX: u64 = 4096;
