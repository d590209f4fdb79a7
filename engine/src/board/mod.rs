//! The board: what a running engine shows, in a mapped file that any process may read.
//!
//! ```text
//!  shard ─► quotes, details, counts, latencies ┐
//!  ingest thread ─► counts, lines, names ──────┼─► file in tmpfs ─► readers, as many as like
//!  keeper ─► journal, rings, threads, cursors ─┘
//! ```
//! Each slot has one writer and is overwritten: the board holds what is, not what was. Writers never wait;
//! a reader costs them a cache line's way to another core at most, and cannot write. Nothing that the
//! engine computes depends on it.
//!
//! - [`layout`]: the file, drawn and pinned; [`symbol`], [`counters`], [`kept`], [`histogram`]: its records
//! - [`seqlock`]: how a slot is published and read
//! - [`writer`]: the file's making, and an end for each thread; [`publisher`]: a shard's end;
//!   [`stamps`]: when packets arrived, from the ingest thread to the shards
//! - [`reader`]: whoever looks; [`process`]: whether there is still an engine behind it

pub mod counters;
pub mod histogram;
pub mod kept;
pub mod layout;
pub mod process;
pub mod publisher;
pub mod reader;
pub mod seqlock;
pub mod stamps;
pub mod symbol;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod writer;

pub use layout::BoardSize;
pub use publisher::{ShardPublisher, thread_id};
pub use reader::{AttachError, BoardReader, Liveness};
pub use writer::{About, Board, BoardError};

/// Name of the board's file in a session's directory in memory.
pub const FILE_NAME: &str = "board";

/// Where a run stands, as the header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum RunState {
    /// It has begun.
    Running = 1,
    /// It has ended in order: nothing changes any more.
    Ended = 2,
}
