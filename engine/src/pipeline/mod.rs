//! How packets become state: the stages of one feed and the order in which they run.
//!
//! ```text
//!  packet ─► decoder ─► batch of events ─► sequencer ─► selection ─► shard ─► observer
//! ```
//! [`stage`] has what flows between the stages and the trait a decoder implements; [`sequencer`]
//! owns feed time; [`selection`] drops symbols not asked for; [`inline`] runs all on one thread.

pub mod inline;
pub mod selection;
pub mod sequencer;
pub mod stage;
