//! Simulated days of one population: made one after the other, evaluated together, then removed.
//!
//! They lie in a folder for temporary files (`TMPDIR`), which goes with its owner; the days of one population
//! at a time, some 31 MB each.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::steps::{Failure, output, program, tell};

/// What each day has.
pub(super) const MESSAGES: &str = "1000000";
pub(super) const SYMBOLS: &str = "50";

/// Seeds from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seeds {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Seeds {
    /// From `A..B`, both included.
    pub(super) fn parse(text: &str) -> Option<Seeds> {
        let (first, last) = text.split_once("..")?;
        let seeds = Seeds { first: first.parse().ok()?, last: last.parse().ok()? };
        (seeds.first <= seeds.last).then_some(seeds)
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.first, self.last)
    }
}

/// A folder that goes with its owner.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Scratch, Failure> {
        let name = format!("tapewatch-evaluate-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).map_err(|error| Failure::of("a folder for the days", error))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The days of a population.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    pub(super) seeds: Seeds,
    pub(super) population: &'static str,
    /// Whether every kind of episode is staged in them, or nothing is.
    pub(super) is_staged: bool,
}

impl Days {
    /// What the detectors make of them together.
    pub(super) fn evaluated(
        &self,
        tapewatch: &Path,
        scratch: &Scratch,
        pictures: Option<&Path>,
    ) -> Result<Value, Failure> {
        let start = Instant::now();
        let Seeds { first, last } = self.seeds;
        let mut days = Vec::new();
        for seed in first..=last {
            let day = scratch.0.join(format!("day-{seed}"));
            tell(&format!("── simulate: {self}, seed {seed} of {first} to {last}"));
            self.simulate(tapewatch, seed, &day)?;
            days.push(day);
        }
        tell(&format!("── evaluate: {self}, {} day(s)", days.len()));
        let mut evaluate = program(tapewatch, ["evaluate", "--json", "--quiet"]);
        evaluate.args(days.iter().map(|day| day.join("session.itch")));
        for day in &days {
            evaluate.arg("--labels").arg(day.join("labels.jsonl"));
        }
        if let Some(pictures) = pictures {
            evaluate.arg("--plots").arg(pictures);
        }
        let text = output("evaluate", evaluate)?;
        // The next population's days need the room.
        for day in &days {
            fs::remove_dir_all(day).map_err(|error| Failure::of("a day", error))?;
        }
        tell(&format!("── {self}: {:.1} s", start.elapsed().as_secs_f64()));
        serde_json::from_str(&text).map_err(|error| Failure::of("evaluate", error))
    }

    fn simulate(&self, tapewatch: &Path, seed: u64, day: &Path) -> Result<(), Failure> {
        let mut simulate = program(tapewatch, ["simulate", "--quiet"]);
        simulate.args(["--population", self.population]);
        simulate.args(["--messages", MESSAGES, "--symbols", SYMBOLS]);
        if self.is_staged {
            simulate.args(["--inject", "all"]);
        }
        simulate.arg("--seed").arg(seed.to_string()).arg("--out").arg(day);
        output("simulate", simulate).map(drop)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let staged = if self.is_staged { "staged" } else { "plain" };
        write!(f, "{}, {staged}", self.population)
    }
}
