//! How long the stages take for a packet.
//!
//! From the moment the packet is cut and at hand: to the journal having it, and from there to all its
//! messages being applied to books and metrics. Time in the queue before is not in it, so this is the
//! engine's own time a packet, not what a packet waits under load. Each figure includes one read of
//! the clock.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::output::decimal::grouped;
use crate::output::quantiles::QUANTILES;
use crate::output::table;

/// Longest time that is recorded as it is.
const LONGEST_NS: u64 = 60_000_000_000;

/// Digits to which a time is recorded.
const DIGITS: u8 = 3;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    /// By stage: journal, apply, both.
    stages: [Stage; 3],
    busy: Duration,
}

#[derive(Clone, Debug)]
struct Stage {
    name: &'static str,
    times_ns: Histogram<u64>,
}

impl Latencies {
    /// None yet.
    pub(super) fn new() -> Latencies {
        let stage = |name| {
            // The bounds are constants that the histogram takes.
            let times_ns = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS)
                .unwrap_or_else(|error| unreachable!("a histogram of constant bounds: {error}"));
            Stage { name, times_ns }
        };
        let stages = ["journal", "decode and apply", "both"].map(stage);
        Latencies { stages, busy: Duration::ZERO }
    }

    /// A packet was at hand, journaled and applied at these times.
    #[inline]
    pub(super) fn record(&mut self, at_hand: Instant, journaled: Instant, applied: Instant) {
        let both = applied.duration_since(at_hand);
        let times = [journaled.duration_since(at_hand), applied.duration_since(journaled), both];
        for (stage, time) in self.stages.iter_mut().zip(times) {
            let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            stage.times_ns.saturating_record(time_ns);
        }
        self.busy += both;
    }

    /// Packets.
    pub(super) fn packets(&self) -> u64 {
        self.stages[0].times_ns.len()
    }

    /// All that the engine worked, journal included.
    pub(super) fn busy(&self) -> Duration {
        self.busy
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let of = |stage: &Stage| {
            let mut object = json!({"name": stage.name});
            for (name, quantile) in QUANTILES {
                object[name] = json!(stage.at(quantile));
            }
            object["max_ns"] = json!(stage.times_ns.max());
            object
        };
        self.stages.iter().map(of).collect()
    }

    /// A table for people.
    pub(super) fn text(&self) -> String {
        let rows = self.stages.iter().map(|stage| {
            let [p50, p90, p99, p999, p9999] =
                QUANTILES.map(|(_, quantile)| grouped(stage.at(quantile)));
            [String::from(stage.name), p50, p90, p99, p999, p9999, grouped(stage.times_ns.max())]
        });
        let header = ["ns a packet", "p50", "p90", "p99", "p99.9", "p99.99", "max"];
        table::aligned(&header, rows, &[0])
    }
}

impl Stage {
    fn at(&self, quantile: f64) -> u64 {
        // The histogram gives the upper end of its class.
        self.times_ns.value_at_quantile(quantile).min(self.times_ns.max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_own_time_and_both_have_the_sum() {
        let mut latencies = Latencies::new();
        let start = Instant::now();
        for ns in 1..=100 {
            let journaled = start + Duration::from_nanos(ns);
            latencies.record(start, journaled, journaled + Duration::from_nanos(1_000));
        }
        let json = latencies.json();
        let figure = |stage: usize, key: &str| json[stage][key].as_u64().unwrap();
        assert_eq!((figure(0, "p50_ns"), figure(0, "max_ns")), (50, 100));
        assert_eq!((figure(1, "p50_ns"), figure(1, "p9999_ns")), (1_000, 1_000));
        assert_eq!(figure(2, "max_ns"), 1_100);
        assert_eq!(latencies.packets(), 100);
        assert_eq!(latencies.busy(), Duration::from_nanos(100 * 1_000 + 5_050));
    }
}
