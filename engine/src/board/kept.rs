//! What the keeper puts on the board: a cold thread that looks at what other threads publish anyway, ten
//! times a second, so that no hot thread has to. Each slot is a seqlock; the keeper alone writes them.

use bytemuck::{Pod, Zeroable};

use super::counters::LABEL_BYTES;
use super::layout::fills_lines;

/// The journal, the output log, the snapshots, and that the engine is there at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Kept {
    /// Wall-clock time of these figures, UTC epoch ns: the engine's heartbeat.
    pub heartbeat_ns: i64,
    /// 1: the session is journaled, and the words below mean something.
    pub is_journaled: u64,
    /// Sequence of the journal's last frame.
    pub appended_sequence: u64,
    /// Bytes of the journal's frames and headers.
    pub journal_bytes: u64,
    /// Frames of the journal.
    pub journal_frames: u64,
    /// Segment and offset behind the last frame.
    pub appended: [u64; 2],
    /// … up to which all is on the disk's file.
    pub archived: [u64; 2],
    /// … up to which all is synced.
    pub synced: [u64; 2],
    /// Bytes that are appended and not archived.
    pub archive_lag_bytes: u64,
    /// How often the journal's writer waited for a segment, or for room in its ring.
    pub journal_waits: u64,
    /// For how long, ns.
    pub journal_waited_ns: u64,
    /// Position of the last output that was appended; 0 before the first.
    pub output_position: u64,
    /// Frames of the output log: outputs, and the log's own.
    pub outputs: u64,
    /// Position of the newest snapshot; 0 where there is none.
    pub snapshot_position: u64,
    /// When it was finished, UTC epoch ns.
    pub snapshot_ns: i64,
    /// Position that the follower has come to.
    pub follower_position: u64,
    /// Bytes resident in memory.
    pub resident_bytes: u64,
    /// 1: the journal has failed.
    pub has_failed: u64,
    /// 0.
    pub reserved: [u64; 42],
}

impl Default for Kept {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}

/// Time that the kernel gave a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ThreadTimes {
    /// Its name; empty where the slot is not in use.
    pub name: [u8; LABEL_BYTES],
    /// Its number as the kernel has it.
    pub thread: u64,
    /// Time on a core, ns.
    pub on_core_ns: u64,
    /// Time that it was ready and had none, ns.
    pub waited_ns: u64,
    /// Wall-clock time of these figures, UTC epoch ns.
    pub at_ns: i64,
    /// The core that it ran on last.
    pub core: u64,
    /// 0.
    pub reserved: [u64; 7],
}

/// How full a ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RingDepth {
    /// Its name; empty where the slot is not in use.
    pub name: [u8; LABEL_BYTES],
    /// Values that fit.
    pub capacity: u64,
    /// Values in it.
    pub depth: u64,
    /// The most that a look has found.
    pub depth_max: u64,
    /// Values that went through.
    pub passed: u64,
    /// How often its producer found it full.
    pub stalls: u64,
    /// 0.
    pub reserved: [u64; 7],
}

/// How far a reader of the output log is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CursorLag {
    /// The cursor's name; empty where the slot is not in use.
    pub name: [u8; LABEL_BYTES],
    /// Segment of the first output that it has not acknowledged.
    pub segment: u64,
    /// Byte in it.
    pub offset_bytes: u64,
    /// Bytes of the output log behind it, what segments have at their ends included.
    pub lag_bytes: u64,
    /// 0.
    pub reserved: [u64; 9],
}

const _: () = {
    assert!(fills_lines::<Kept>(8));
    assert!(fills_lines::<ThreadTimes>(2));
    assert!(fills_lines::<RingDepth>(2));
    assert!(fills_lines::<CursorLag>(2));
};
