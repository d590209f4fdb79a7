//! Snapshots: the state of a session at one place of its journal, so that a restart, a replay or a look
//! into the past need not begin at its start.
//!
//! ```text
//!  journal ─► follower: an engine of its own ─┬─► hashes
//!                                             └─► snapshots/%020d.snap, every so many messages
//!  restart  = newest snapshot that can be used + the journal behind it
//! ```
//! The hot threads have no part in it: the follower reads what they have journaled, on a cold thread, and
//! is as far behind as it is. A snapshot is written under another name, made durable, and named; so it
//! is whole or not there. One that is damaged, of another configuration or version is passed over.
//!
//! - [`accepted`]: what of a session was taken, in a few numbers
//! - [`layout`]: the bytes, drawn
//! - `writer`, [`reader`]: one snapshot
//! - [`shelf`]: all of a session
//! - [`follower`]: who writes them

pub mod accepted;
pub mod follower;
pub mod layout;
pub mod reader;
mod sealed;
pub mod shelf;
mod writer;

pub use accepted::Accepted;
pub use layout::{MadeBy, SnapshotHead};
pub use reader::{Snapshot, SnapshotError};
pub use shelf::{Chosen, Shelf};

#[cfg(test)]
mod tests;
