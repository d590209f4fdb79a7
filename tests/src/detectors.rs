//! Detectors that find something in any feed, so that tests of topologies, images and logs have alerts.

use engine::detect::{Detectors, Settings};
use engine::shard::Shard;

/// Parameters under which a few messages are enough.
///
/// # Panics
/// If a detector has no such parameter any more.
#[must_use]
pub fn sensitive() -> Settings {
    let mut settings = Settings::default();
    let changes = [
        ("quote_stuffing", "rate", 3.0),
        ("quote_stuffing", "rate_min", 2.0),
        ("quote_stuffing", "pulled", 0.0),
        ("quote_stuffing", "executed", 1.0),
        ("quote_stuffing", "lifetime", 1e10),
        ("quote_stuffing", "cool_down", 1e6),
        ("message_burst", "ratio", 1.0),
        ("message_burst", "messages_min", 1.0),
        ("message_burst", "warm_up", 1.0),
        ("message_burst", "cool_down", 1e6),
        ("market_cluster", "symbols", 2.0),
        ("market_cluster", "cool_down", 1e6),
    ];
    for (detector, name, value) in changes {
        let place = settings.value_mut(detector, name);
        *place.unwrap_or_else(|| panic!("{detector} has no {name}")) = value;
    }
    settings
}

/// The shard, with these detectors.
///
/// # Panics
/// If the system refuses memory.
#[must_use]
pub fn detecting(shard: Shard, settings: &Settings) -> Shard {
    let symbols_max = shard.symbols_max();
    shard.with_detectors(Detectors::new(settings, symbols_max).expect("memory for detectors"))
}
