//! How packets become state: the stages of one feed, their order and their threads.
//!
//! ```text
//!  packet ─► decoder ─► batch of events ─► sequencer ─► selection ─► shard ─► observer
//!  └──────────────── front ─────────────────────────────────────┘      └─► signals ─► market
//! ```
//! - [`stage`]: what flows between the stages and the trait that a decoder implements
//! - `front`: decoder, [`sequencer`] (feed time, order) and [`selection`] (symbols asked for)
//! - [`inline`]: all stages as calls on one thread
//! - [`pipelined`]: the front on the caller's thread; `router` fills the rings of the shards,
//!   `shard_stage` works them off, `merge` brings the shards' signals into one order for
//!   `market_stage`
//! - [`stages`]: what a topology is assembled from, new or restored
//! - [`named`]: names of symbols on their way from the front to the market
//! - [`pin`]: threads on cores of their own

pub(crate) mod front;
pub mod inline;
mod market_stage;
mod merge;
pub mod named;
pub mod pin;
pub mod pipelined;
pub(crate) mod router;
pub mod selection;
pub mod sequencer;
mod shard_stage;
pub mod stage;
pub mod stages;

pub use front::SecondStart;
