//! The floor of the same cores in the same run: how long the host itself keeps a spinning thread away.
//!
//! Measured before the rows and after them, by `bench hiccup`'s own means. Where both differ the host was
//! not the same all the time, and neither were the rows.

use std::time::Duration;

use serde_json::Value;

use crate::bench::hiccup::{self, Hiccups};
use crate::exit::Failure;
use crate::output::decimal::grouped;
use crate::output::hlog::Interval;

/// The floor before and after the rows, core by core.
#[derive(Clone, Debug)]
pub(super) struct Floor {
    before: Look,
    after: Look,
    /// Both, of the engine's core.
    engine: Hiccups,
}

/// The floor at one time.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Since the run began.
    began: Duration,
    cores: Vec<Hiccups>,
}

impl Look {
    /// Measures `cores` at the same time; the engine's is the first.
    pub(super) fn take(cores: &[u16], began: Duration, each: Duration) -> Result<Look, Failure> {
        Ok(Look { began, cores: hiccup::measure(cores, each)? })
    }
}

impl Floor {
    /// Of the same cores, in the same order; the engine's is the first.
    pub(super) fn of(before: Look, after: Look) -> Floor {
        let (Some(first), Some(second)) = (before.cores.first(), after.cores.first()) else {
            unreachable!("Invariant: the floor is measured on the engine's core at least")
        };
        let mut engine = first.clone();
        engine.add(second);
        Floor { before, after, engine }
    }

    /// That of the engine's core.
    pub(super) fn engine(&self) -> &Hiccups {
        &self.engine
    }

    /// For programs: that of the engine's core, and all of them.
    pub(super) fn json(&self) -> Value {
        let all = |look: &Look| look.cores.iter().map(Hiccups::json).collect::<Value>();
        let mut floor = self.engine.json();
        floor["before"] = all(&self.before);
        floor["after"] = all(&self.after);
        floor
    }

    /// The histograms of both times and all cores, for a log.
    pub(super) fn intervals(&self) -> impl Iterator<Item = Interval<'_>> {
        [&self.before, &self.after].into_iter().flat_map(|look| {
            look.cores.iter().map(|core| Interval {
                tag: format!("floor.core-{}", core.core()),
                began: look.began,
                elapsed: core.elapsed(),
                ns: core.gaps_ns(),
            })
        })
    }

    /// Rows of a table: when, on which core, and the figures.
    pub(super) fn rows(&self) -> impl Iterator<Item = [String; 8]> {
        let when = [("before", &self.before), ("after", &self.after)];
        when.into_iter().flat_map(|(when, look)| {
            look.cores.iter().map(move |core| {
                let at = |quantile| grouped(core.quantile_ns(quantile));
                [
                    format!("floor {when}, core {}", core.core()),
                    at(0.5),
                    at(0.9),
                    at(0.99),
                    at(0.999),
                    at(0.9999),
                    grouped(core.max_ns()),
                    format!("{:.1} s", core.elapsed().as_secs_f64()),
                ]
            })
        })
    }
}
