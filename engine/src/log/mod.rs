//! Append-only logs of framed records: what the journal and the output log are made of.
//!
//! A log is a directory of segments, `00000000.seg` and on, numbered without a hole (from a later number
//! on where its front was pruned):
//!
//! ```text
//!  00000000.seg                                       00000001.seg            00000002.seg
//!  ├ header ┼ frame ┼ frame ┼ … ┼ roll ┼ seal ┤       ├ header ┼ frame ┼ …    ├ header ┼ 0 0 0 …
//!   closed: cut to its content, sealed, indexed        being written           prepared
//! ```
//! One writer appends; a frame counts from the moment its length is stored, last. When a segment is
//! full the writer ends it with a `Roll` frame and goes on in the one that the keeper, a cold thread,
//! has prepared under another name and published by rename. The keeper then cuts, seals and indexes
//! the closed segment. An orderly end writes an `End` frame, seals the last segment and removes what
//! was prepared.
//!
//! Readers use `pread` and check every frame's CRC-32C, so they may follow a log that is being
//! written, from any process, without a mapping that a cut file could tear away under them.
//!
//! | found at the end of the frames of segment n | means |
//! |---|---|
//! | `Roll` | go on in segment n + 1 |
//! | `End` | the log ended orderly |
//! | zeros, or a frame that is not whole, nothing whole after it, n + 1 absent or without frames | the writer is at work or died here: a torn tail |
//! | anything else | corruption, told with its place |
//!
//! - [`frame`], [`segment`], [`seal`], [`index`]: the formats, drawn and pinned
//! - [`storage`], [`directories`]: where the files lie
//! - [`writer`] appends, [`threaded`] on a thread of its own; [`options`] say where, [`tails`] how
//!   far it has come, [`failure`] what can go wrong
//! - [`mark`]: how much of it is certainly on disk; [`boot`]: in which start of the machine
//! - [`reopen`]: what becomes of a log whose writer died, so that another one goes on
//! - [`reader`]: frame by frame, while it is written or afterwards
//! - [`verify`]: whether anything was changed
//! - [`prune`] takes closed segments away from the front, [`pruned`] says which are gone
//! - [`archive`]: closed segments compressed and encrypted, read as they are

pub mod archive;
pub mod boot;
pub mod checksum;
pub mod directories;
pub mod error;
pub mod failure;
mod follow;
pub mod frame;
pub mod index;
mod keeper;
pub mod mark;
pub mod options;
pub mod position;
mod prepare;
pub mod prune;
pub mod pruned;
#[cfg(test)]
pub(crate) mod raw;
pub mod reader;
pub mod reopen;
mod rest;
pub mod seal;
pub mod segment;
pub mod storage;
pub mod tails;
pub mod threaded;
pub(crate) mod two_slots;
pub mod verify;
mod window;
pub mod writer;

pub use keeper::ClosedLog;

/// Identifies one session: random, chosen when its log is made. All segments carry it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

impl core::fmt::Display for SessionId {
    /// 32 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Numbers the segments of a log from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentNumber(pub u64);

impl SegmentNumber {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> SegmentNumber {
        SegmentNumber(self.0 + 1)
    }
}

/// What a log is for; part of its segments' headers, so that one is never read as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum LogKind {
    /// What arrived.
    Journal = 1,
    /// What came out.
    Output = 2,
}
