#![forbid(unsafe_code)]
//! A simulated exchange: a matching engine, agents that trade on it, and the day that comes of it.
//!
//! ```text
//!  Timetable, Rate ─► arrivals ─► agents ─► Market (matching) ─► Encoder: ITCH 5.0 messages
//!        ▲                          │  ▲        │
//!        └── messages so far ───────┘  └────────┴─► truth: books and tape as the matching engine has them
//! ```
//! Everything is a function of [`Settings`]: one seed, integers only, no clock, no hash map's order, no
//! floating point, so the same settings give the same bytes in every build and on every machine. No code
//! of the engine under test takes part: the books here are the exchange's own, so that a mistake in one
//! cannot hide in the other.
//!
//! - [`settings`]: what a day is made of, and what is refused
//! - `simulation`: the day from start of messages to end of messages
//! - `timetable`: when what happens; `rate`: how many messages by when
//! - `universe`: the securities and their temper; [`population`]: the agents' parameters
//! - `agents`: who trades; [`matching`]: who matches
//! - [`injection`]: episodes that are staged on a day, and their labels
//! - `calendar`: what is still to come, in order of time; `random`: all chance there is
//! - [`truth`]: the books by level and by order, to hold an engine's books against
//! - [`capture`]: the day as two lines of MoldUDP64 bring it, as a pcap file
//! - [`wire`]: the day on the wire: two lines of multicast, retransmission, snapshots, TCP
//!
//! How close to a real day it comes is stated and tested: `REALISM.md`.

mod agents;
mod calendar;
pub mod capture;
pub mod injection;
pub mod matching;
pub mod population;
mod random;
mod rate;
pub mod settings;
mod simulation;
mod timetable;
pub mod truth;
mod universe;
pub mod wire;

pub use settings::{Settings, SettingsError};
pub use simulation::Simulation;
pub use truth::{LevelLine, OrderLine};
