#![forbid(unsafe_code)]
//! What the fuzz targets share: bytes that come in small pieces, messages and logs that a few bytes
//! name.
//!
//! A target's input begins with a few bytes that choose what is done with the rest, so that a change
//! of one byte changes one thing. `examples/seeds.rs` writes inputs in these layouts.

pub mod bytes;
pub mod logs;
pub mod pieces;
pub mod steps;
