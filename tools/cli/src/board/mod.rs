//! The board of a recorded run: made beside the session's memory, filled while the run lasts.
//!
//! ```text
//!  ingest thread ─► Watch ─► counts, lines, names, arrival stamps ─► shards' publishers
//!  cold thread   ─► Keeper ─► journal, output log, rings, threads, cursors
//! ```
//! [`Watch`] is what the ingest thread calls at each arrival; without a board each call is one branch.
//! A board that cannot be made is told and missed by nobody else: the run goes on without.

mod feeds;
mod keeper;
mod latencies;
mod watch;

pub(crate) use keeper::Kept;
pub(crate) use latencies::{RunLatencies, figures};
pub(crate) use watch::{Watch, now_unix};
