//! How long it took, packet by packet: a histogram of fixed bounds, so that recording never allocates.
//!
//! **Full**: a time above the greatest bound counts as that bound, and is counted as saturated; the
//! greatest time stays exact. Nothing is put in that was not measured: an open loop has a time for every
//! packet, so there is nothing to correct.

use hdrhistogram::Histogram;
use serde_json::{Map, Value};

use crate::output::quantiles::QUANTILES;

/// Longest time that is recorded as it is: one minute.
pub(super) const LONGEST_NS: u64 = 60_000_000_000;

/// Digits to which a time is recorded.
const DIGITS: u8 = 3;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Times {
    ns: Histogram<u64>,
    /// Exact, where the histogram has three digits.
    max_ns: u64,
    saturated: u64,
}

impl Times {
    /// None yet. Every page of the histogram is touched, so that recording never faults.
    pub(super) fn new() -> Times {
        // The bounds are constants that the histogram takes.
        let mut ns = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS)
            .unwrap_or_else(|error| unreachable!("a histogram of constant bounds: {error}"));
        // Writes every count.
        ns.reset();
        Times { ns, max_ns: 0, saturated: 0 }
    }

    /// Records one.
    #[inline]
    pub(super) fn record(&mut self, ns: u64) {
        self.ns.saturating_record(ns);
        self.max_ns = self.max_ns.max(ns);
        self.saturated += u64::from(ns > LONGEST_NS);
    }

    /// How many were recorded.
    pub(super) fn samples(&self) -> u64 {
        self.ns.len()
    }

    /// How many of them were too long for the histogram.
    pub(super) fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The longest.
    pub(super) fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The time that is not exceeded by `quantile` (0 to 1) of all.
    pub(super) fn at(&self, quantile: f64) -> u64 {
        // The histogram gives the upper end of its class.
        self.ns.value_at_quantile(quantile).min(self.max_ns)
    }

    /// All of them.
    pub(super) fn histogram(&self) -> &Histogram<u64> {
        &self.ns
    }

    /// The quantiles and the longest, for programs.
    pub(super) fn json(&self) -> Map<String, Value> {
        let mut figures = Map::new();
        for (name, quantile) in QUANTILES {
            figures.insert(String::from(name), self.at(quantile).into());
        }
        figures.insert(String::from("max_ns"), self.max_ns.into());
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_too_long_to_record_is_counted_and_the_longest_stays_exact() {
        let mut times = Times::new();
        for ns in [100, LONGEST_NS, LONGEST_NS + 12_345] {
            times.record(ns);
        }
        assert_eq!((times.samples(), times.saturated()), (3, 1));
        assert_eq!(times.max_ns(), LONGEST_NS + 12_345);
        let told = times.at(0.999);
        assert!((LONGEST_NS..=LONGEST_NS + LONGEST_NS / 1_000).contains(&told), "{told}");
    }

    #[test]
    fn no_quantile_is_above_the_longest() {
        let mut times = Times::new();
        times.record(1_234_567);
        assert_eq!(times.at(0.5), 1_234_567);
        let json = Value::from(times.json());
        assert_eq!((&json["p9999_ns"], &json["max_ns"]), (&1_234_567.into(), &1_234_567.into()));
    }

    #[test]
    fn nothing_recorded_is_nothing_told() {
        let times = Times::new();
        assert_eq!((times.samples(), times.at(0.99), times.max_ns()), (0, 0, 0));
    }
}
