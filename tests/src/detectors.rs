//! Detectors that find something in any feed, so that tests of topologies, images and logs have alerts.

use engine::detect::parameter::{Arming, Parameter, Parameters as _, Unit};
use engine::detect::{Detectors, Settings};
use engine::shard::Shard;

/// What is changed of the defaults. Nothing is the opening or the reopening of a market, alerts end soon, and
/// every threshold is near the least, as far as usual samples do not then have to be above themselves.
const SENSITIVE: &[(&str, &str, f64)] = &[
    ("", "opening", 0.0),
    ("", "reopening", 0.0),
    ("quote_stuffing", "rate", 3.0),
    ("quote_stuffing", "rate_min", 2.0),
    ("quote_stuffing", "pulled", 0.0),
    ("quote_stuffing", "executed", 1.0),
    ("quote_stuffing", "lifetime", 1e10),
    ("quote_stuffing", "cool_down", 1e6),
    ("flickering_quote", "returns", 1.0),
    ("flickering_quote", "dwell", 1e10),
    ("flickering_quote", "share", 0.0),
    ("flickering_quote", "cool_down", 1e8),
    ("fleeting_orders", "lifetime", 1e9),
    ("fleeting_orders", "deletes", 1.0),
    ("fleeting_orders", "sigmas", 1.0),
    ("fleeting_orders", "share", 0.01),
    ("spoofing", "min_score", 50.0),
    ("spoofing", "size", 1.0),
    ("spoofing", "of_depth", 0.0),
    ("spoofing", "cents", 1e6),
    ("spoofing", "notional", 0.0),
    ("spoofing", "depth", 0.01),
    ("spoofing", "filled", 1.0),
    ("spoofing", "life", 36e11),
    ("spoofing", "life_max", 36e11),
    ("spoofing", "asymmetry", 1.0),
    ("layering", "min_score", 50.0),
    ("layering", "size", 1.0),
    ("layering", "of_depth", 0.0),
    ("layering", "cents", 1e6),
    ("layering", "levels", 2.0),
    ("layering", "notional", 0.0),
    ("layering", "depth", 0.01),
    ("layering", "filled", 1.0),
    ("layering", "together", 1e10),
    ("layering", "span", 1e10),
    ("layering", "life", 36e11),
    ("layering", "life_max", 36e11),
    ("layering", "asymmetry", 1.0),
    ("momentum_ignition", "one_sided", 0.5),
    ("momentum_ignition", "volume_sigmas", 0.0),
    ("momentum_ignition", "move_sigmas", 0.5),
    ("momentum_ignition", "ticks_min", 0.0),
    ("momentum_ignition", "reversal", 0.05),
    ("mini_flash_crash", "changes", 2.0),
    ("mini_flash_crash", "move_min", 0.0001),
    ("mini_flash_crash", "timestamps", 1.0),
    ("mini_flash_crash", "cool_down", 1e8),
    ("price_jump", "move_min", 0.0001),
    ("price_jump", "ticks_min", 1.0),
    ("price_jump", "sigmas", 1.0),
    ("price_jump", "prints", 0.0),
    ("price_jump", "dwell", 1e6),
    ("volume_spike", "ratio", 1.0),
    ("volume_spike", "sigmas", 0.0),
    ("volume_spike", "prints", 1.0),
    ("volume_spike", "notional_min", 0.0),
    ("spread_blowout", "medians", 1.0),
    ("spread_blowout", "percentiles", 0.0),
    ("spread_blowout", "width_min", 0.0),
    ("spread_blowout", "dwell", 1e6),
    ("spread_blowout", "withdrawn", 0.0),
    ("depth_evaporation", "remaining", 0.9),
    ("depth_evaporation", "dwell", 1e6),
    ("depth_evaporation", "empty", 1e6),
    ("depth_evaporation", "seldom", 10.0),
    ("depth_evaporation", "withdrawn", 0.0),
    ("book_imbalance", "imbalance", 0.01),
    ("book_imbalance", "depth", 0.0),
    ("locked_crossed", "dwell", 1e3),
    ("off_market_print", "distance", 0.0001),
    ("off_market_print", "distance_min", 0.0),
    ("clearly_erroneous", "to_25", 0.001),
    ("clearly_erroneous", "to_50", 0.001),
    ("clearly_erroneous", "above_50", 0.001),
    ("clearly_erroneous", "spreads", 0.1),
    ("clearly_erroneous", "distance_min", 0.0),
    ("luld_proximity", "near", 0.1),
    ("luld_proximity", "tier_1", 0.001),
    ("luld_proximity", "tier_2", 0.001),
    ("luld_proximity", "to_3", 0.001),
    ("stale_symbol", "expected", 1.0),
    ("stale_symbol", "rate_min", 0.01),
    ("stale_symbol", "silence_min", 1e9),
    ("stale_symbol", "longest", 1.0),
    ("marking_the_close", "move_min", 0.0001),
    ("marking_the_close", "sigmas", 0.0),
    ("marking_the_close", "volume_ratio", 0.1),
    ("marking_the_close", "net", 0.01),
    ("pump_and_dump", "rise", 0.01),
    ("pump_and_dump", "volume_ratio", 0.0),
    ("pump_and_dump", "retrace", 0.05),
    ("pump_and_dump", "price_max", 1e5),
    ("pump_and_dump", "window", 6e10),
    ("pinging", "rate", 1.0),
    ("pinging", "lots", 1.0),
    ("pinging", "sigmas", 1.0),
    ("pinging", "cool_down", 1e8),
    ("noii_swing", "swing", 0.01),
    ("noii_swing", "flip", 0.01),
    ("noii_swing", "shares_min", 1.0),
    ("ofi_shock", "sigmas", 1.0),
    ("ofi_shock", "depth", 0.01),
    ("ofi_shock", "messages", 1.0),
    ("ofi_shock", "slots", 0.0),
    ("tape_painting", "prints", 2.0),
    ("tape_painting", "age", 1e10),
    ("tape_painting", "turns", 0.0),
    ("tape_painting", "share", 0.0),
    ("tape_painting", "cool_down", 1e8),
    ("message_burst", "ratio", 1.0),
    ("message_burst", "messages_min", 1.0),
    ("message_burst", "warm_up", 1.0),
    ("message_burst", "cool_down", 1e6),
    ("market_cluster", "symbols", 2.0),
    ("market_cluster", "cool_down", 1e6),
];

/// Parameters under which a few messages are enough.
///
/// # Panics
/// If a detector has no such parameter any more.
#[must_use]
pub fn sensitive() -> Settings {
    let mut settings = Settings::default();
    for (detector, name, value) in SENSITIVE {
        let place = settings.value_mut(detector, name);
        *place.unwrap_or_else(|| panic!("{detector} has no {name}")) = *value;
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
