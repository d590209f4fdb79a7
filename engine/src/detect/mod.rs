//! Detectors of market abuse and of trouble in a market: what each looks for, and the life of an alert.
//!
//! ```text
//!  Shard ─► Detectors ─► a detector's hooks ─► Raised ─► Episode ─► signals ─► Desk (market stage) ─► Alert
//!             record a symbol: activity, profile, states               clusters, suppression, retraction
//! ```
//! Each detector is a file of its own. It is shown what happens to a symbol ([`seen`]) and what is usual for
//! it ([`profile`]), keeps a few bytes, and answers whether its condition holds ([`raised`]). Hysteresis,
//! cool-down, warm-up and phases are the same for all ([`episode`], `set`). All times are the
//! exchange's; nothing is random; no function of the platform's libm is called: the same messages raise the
//! same alerts on every machine, in every topology.
//!
//! The feed is anonymous: no detector knows who sent an order. An alert says "pattern consistent with …".
//!
//! - [`detector`]: the trait, also for a user's own; [`spec`]: names, codes, phases; [`settings`]: parameters;
//!   [`catalogue`]: the detectors of an engine with their names and thresholds
//! - `record`, [`activity`], [`profile`], [`statistic`]: what is kept of a symbol
//! - `set`: all detectors of a shard at work; `wheel`: who is to be woken when
//! - `desk`: alerts of the whole market; [`alert`]: what is told
//! - `large_orders`, `withdrawal`, `recent`: what several detectors keep of orders and of time
//! - what concerns the venue: [`message_burst`], [`market_cluster`]
//! - what concerns a symbol: the other files, each named as its detector

pub mod activity;
pub mod alert;
pub mod catalogue;
pub(crate) mod desk;
pub mod detector;
pub mod episode;
pub mod large_orders;
#[cfg(test)]
mod life;
mod own;
pub mod parameter;
pub mod phase;
pub mod profile;
pub mod raised;
pub mod recent;
mod record;
#[cfg(test)]
pub(crate) mod rehearsal;
pub mod seen;
mod set;
pub mod settings;
mod sparse;
pub mod spec;
pub mod statistic;
mod stored;
pub mod touch;
mod wheel;
pub mod withdrawal;

pub mod book_imbalance;
pub mod clearly_erroneous;
pub mod depth_evaporation;
pub mod fleeting_orders;
pub mod flickering_quote;
pub mod halt;
pub mod layering;
pub mod locked_crossed;
pub mod luld_proximity;
pub mod market_cluster;
pub mod marking_the_close;
pub mod message_burst;
pub mod mini_flash_crash;
pub mod momentum_ignition;
pub mod noii_swing;
pub mod off_market_print;
pub mod ofi_shock;
pub mod pinging;
pub mod price_jump;
pub mod pump_and_dump;
pub mod quote_stuffing;
pub mod spoofing;
pub mod spread_blowout;
pub mod stale_symbol;
pub mod tape_painting;
pub mod volume_spike;

pub use alert::{Alert, Change};
pub use catalogue::Catalogue;
pub(crate) use desk::Desk;
pub use detector::Detector;
pub use set::Detectors;
pub(crate) use set::{Done, Shown};
pub use settings::Settings;
pub(crate) use stored::DetectCommon;
