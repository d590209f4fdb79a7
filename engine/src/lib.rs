//! The deterministic core of Tapewatch: what happens between a feed's packets and its results.
//!
//! One event type flows in ([`event::Event`]); everything derived from it is a pure function of the
//! events and their order. This crate knows no exchange format: sources and decoders live in
//! `feed-handlers` and implement the traits of [`packet`] and [`pipeline`].

pub mod board;
pub mod book;
pub mod clock;
pub mod detect;
pub mod directory;
pub mod event;
pub mod failpoint;
pub mod journal;
pub mod log;
pub mod market;
pub mod memory;
pub mod metrics;
pub mod output;
pub mod packet;
pub mod pipeline;
pub mod prints;
pub mod quality;
pub mod ring;
pub mod shard;
pub mod signal;
pub mod snapshot;
pub mod state;
pub mod suspicion;
pub mod units;
pub mod window;
