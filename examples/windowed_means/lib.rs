#![forbid(unsafe_code)]
//! The textbook job of a streaming engine: mean price and total quantity by symbol, in windows of
//! event time.
//!
//! ```text
//!  csv   rows ─► names ─┐                                   ┌─► lines ─► means.csv
//!                       ├─► job: watermark, sliced windows ─┤
//!  itch  prints ────────┘    of mean                        └─► late, counted
//! ```
//! [`job`] is the pipeline, whatever feeds it: [`csv`] trades as text, [`itch`] the eligible prints of
//! an exchange's day. The program `windowed_means` is this library and its arguments; the benchmark
//! `csv` runs it in process.

pub mod csv;
pub mod itch;
pub mod job;
pub mod lines;
pub mod mean;
pub mod names;
pub mod summary;
