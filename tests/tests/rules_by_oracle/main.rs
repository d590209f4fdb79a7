//! The detectors of what rules say are exact: on simulated days with staged episodes they raise the alerts
//! that a slow direct look at the messages says, each of them and no other.
//!
//! Here stands each rule once more, read from what it says and not from the detector: on lists of messages
//! and the standard library's maps, with nothing kept up to date that can be looked up again. The seeds
//! are none that a threshold was set by.
//!
//! - `day`: a day's messages, the alerts of the engine; a day of which messages were lost
//! - `moments`: what was known at each message: quote, print, phase
//! - `life`: what becomes of a condition as time passes; the comparison
//! - the other files: a detector each

mod clearly_erroneous;
mod day;
mod halt;
mod life;
mod locked_crossed;
mod luld_proximity;
mod moments;
mod noii_swing;
mod off_market_print;
mod stale_symbol;
