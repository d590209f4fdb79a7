//! The output log: everything that came out, in order, as records over a [`log`](crate::log).
//!
//! ```text
//!  Market ──► OutputLog ──► segments ──► OutputReader ──► a consumer's files
//!                 └ waits until the cause is accepted        └──► its cursor
//! ```
//! The market stage alone appends, in the order in which it merges; consumers in any process read, each
//! by a [`cursor`] of its own name. A record is appended once what caused it is accepted
//! ([`release`]): so the log never tells of input that the journal has not. After a crash the session
//! is computed anew, and what the log holds already is compared instead of appended: each output stands
//! in it once. **Full**: outputs that wait fill a bounded queue, and then the market waits, which is
//! counted; a slow or absent consumer is waited for by nobody, as closed segments stay on disk.
//! **Torn**: an output is in the log whole or not at all, see [`log`](crate::log).
//!
//! | kind | record | `sequence` of the frame | payload |
//! |---|---|---|---|
//! | 1 | `Bar` | position of the message that caused it | as [`record`] draws it |
//! | 2 | `Gap` | first lost | `first`, u64, and `end`, u64: one past the last lost message |
//! | 3 | `Alert` | position of the message that caused it to be told | as [`record`] draws it |
//!
//! The frame's time is the feed time. Flag 1 says that the symbol was suspect; numbers are never reused.
//!
//! - [`record`]: what each payload must be
//! - [`release`]: when an output may be appended
//! - [`writer`]: appends, or compares with what is there
//! - [`reader`], [`cursor`]: reads, and notes how far
//! - [`alert_lines`], [`names`]: alerts and symbols as text, for people and `alerts.jsonl`

pub mod alert_lines;
pub mod cursor;
mod held;
pub mod names;
pub mod reader;
pub mod record;
pub mod release;
pub mod tally;
mod waiting;
pub mod writer;
