#![forbid(unsafe_code)]
//! What the benchmarks measure, and what they measure it with.
//!
//! ```text
//!  tape ─────► peers     other people's parsers, and the floor under all: a walk over the lengths
//!  (yardstick, stages    ours: framing, decode, books, metrics, each with those before it
//!   or made by
//!   exchange)  clock     wall and CPU time of a pass, so that a disturbed one is seen
//!              resident  memory as the kernel counts it
//!
//!  whole        the whole engine with a temporary_journal, inline and on two probed cores
//!  rings        our ring and other people's between two pinned threads, and the floor under them
//! ```
//! The Criterion benchmarks lie in `benches/`; the programs in `src/bin` print whole tables: `peers`
//! the parsers beside our stages in one run, `steady_state` what a message costs early and late in a
//! day at a constant number of live orders, `rings` the rings.
//!
//! [`appends`] takes payloads by our journal, by a bare copy and by `write(2)`; the program `journal`
//! prints what that costs and how late it may be.
//!
//! [`upkeep`] times what a hot thread feels of snapshots and compression beside it; the program `recovery`
//! prints that, and how long a restart takes.
//!
//! [`trades`] writes files of trades as text, over which the program `csv` runs the example's job.
//!
//! Every input is made before a clock starts, from a seed, and is the same on every machine.

pub mod appends;
pub mod clock;
pub mod exchange;
pub mod peers;
pub mod resident;
pub mod rings;
pub mod stages;
pub mod tape;
pub mod temporary_journal;
pub mod trades;
pub mod upkeep;
pub mod whole;
