//! Detectors that find something in any feed, so that tests of topologies, images and logs have alerts.

use engine::detect::parameter::{Arming, Parameter, Parameters as _, Unit};
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

/// Every parameter that a detector has, with the detector's name.
fn all() -> Vec<(&'static str, Parameter)> {
    let of = |detector| {
        let own = Settings::tables(detector).map(|(_, own)| own).unwrap_or_default();
        Arming::TABLE.iter().chain(own).map(move |parameter| (detector, *parameter))
    };
    Settings::names().into_iter().flat_map(of).collect()
}

/// Changes parameters within their ranges. Of each three bytes two name a parameter, and the third a value: 0 is
/// the least, 255 the greatest.
///
/// # Panics
/// If a parameter that a table names cannot be set.
pub fn change(settings: &mut Settings, changes: &[u8]) {
    let all = all();
    for change in changes.chunks_exact(CHANGE_BYTES) {
        let &[low, high, value] = change else { break };
        let (detector, parameter) = all[usize::from(u16::from_le_bytes([low, high])) % all.len()];
        let Parameter { name, unit, min, max, .. } = parameter;
        let part = f64::from(value) / 255.0;
        // Thresholds are met by what is small: most values lie near the least.
        let between = min + (max - min) * part * part * part;
        let value = match unit {
            Unit::Count | Unit::Time | Unit::Shares | Unit::Flag => between.ceil().min(max),
            Unit::Ratio | Unit::Money | Unit::BasisPoints | Unit::Score => between,
        };
        let place = settings.value_mut(detector, name);
        *place.unwrap_or_else(|| panic!("{detector} has no {name}")) = value;
    }
}

/// Bytes of a change of parameters.
pub const CHANGE_BYTES: usize = 3;

/// The shard, with these detectors.
///
/// # Panics
/// If the system refuses memory.
#[must_use]
pub fn detecting(shard: Shard, settings: &Settings) -> Shard {
    let symbols_max = shard.symbols_max();
    shard.with_detectors(Detectors::new(settings, symbols_max).expect("memory for detectors"))
}
