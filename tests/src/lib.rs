//! What the tests that cross crates share: plain events, a plain market, the comparison of both
//! with the engine, logs and captures as bytes, one session run in many ways, readers that others wrote,
//! the shape of a market, and simulated days.
//!
//! The modules here are written from the rules of the interface alone. They are slow on purpose:
//! nothing in them is kept up to date in place that can be worked out again from what came before.

#![forbid(unsafe_code)]

pub mod appended;
pub mod arrivals;
pub mod bars;
pub mod capture;
pub mod compare;
pub mod compare_measures;
pub mod consumer;
pub mod detectors;
pub mod engines;
pub mod events;
pub mod itch5_reader;
pub mod log_fixture;
pub mod logs;
pub mod outputs;
pub mod power_loss;
pub mod random;
pub mod realism;
pub mod reference;
pub mod same_state;
pub mod session;
pub mod shape;
pub mod shared;
pub mod shown;
pub mod simulated;
pub mod subject;
pub mod tshark;
