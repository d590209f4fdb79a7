//! What a run's packets took, stage by stage, as its board has it at the end: for `summary.json`, and as
//! a log of HdrHistograms.

use std::io;
use std::time::{Duration, SystemTime};

use engine::board::BoardReader;
use engine::board::histogram::{Latencies, Stage, VALUE_NS_MAX};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::output::hlog::{self, Interval};
use crate::output::quantiles::QUANTILES;

/// Digits of the board's histograms.
const DIGITS: u8 = 2;

/// The latencies of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunLatencies {
    clock: &'static str,
    stages: Vec<(Stage, Latencies)>,
    /// Of each thread that recorded any.
    threads: Vec<(String, Stage, Latencies)>,
    /// Packets whose times of arrival were overwritten before a shard got to them.
    missed: u64,
}

impl RunLatencies {
    /// Those on a board of a run that has ended.
    pub(crate) fn of(board: &BoardReader) -> RunLatencies {
        let stages = Stage::ALL.into_iter().map(|stage| (stage, board.latencies(stage)));
        let shards = board.shard_counts().unwrap_or_default();
        RunLatencies {
            clock: board.clock(),
            stages: stages.filter(|(_, latencies)| latencies.samples() > 0).collect(),
            threads: board
                .latencies_by_thread()
                .into_iter()
                .filter(|(.., latencies)| latencies.samples() > 0)
                .collect(),
            missed: shards.iter().map(|shard| shard.stamps_missed).sum(),
        }
    }

    /// A line a thread and stage, of a run that ended just now and took so long.
    ///
    /// # Errors
    /// See [`hlog::text`].
    pub(crate) fn hlog(&self, elapsed: Duration) -> io::Result<Vec<u8>> {
        let began = SystemTime::now().checked_sub(elapsed).unwrap_or(SystemTime::UNIX_EPOCH);
        let histograms: Vec<(String, Histogram<u64>)> = self
            .threads
            .iter()
            .map(|(thread, stage, latencies)| {
                (format!("{thread}.{}", stage.name()), histogram(latencies))
            })
            .collect();
        let intervals = histograms.iter().map(|(tag, ns)| Interval {
            tag: tag.clone(),
            began: Duration::ZERO,
            elapsed,
            ns,
        });
        let comments =
            [format!("tapewatch: what packets took in ns by {}; greatest times in ms", self.clock)];
        hlog::text(began, &comments, intervals.collect())
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let stages = self
            .stages
            .iter()
            .map(|(stage, latencies)| (stage.name().to_owned(), Value::Object(figures(latencies))));
        json!({
            "clock": self.clock,
            "missed_packets": self.missed,
            "stages": stages.collect::<Map<_, _>>(),
        })
    }
}

/// What is told of latencies, for programs; of none there are no times.
pub(crate) fn figures(latencies: &Latencies) -> Map<String, Value> {
    let has_any = latencies.samples() > 0;
    let of_any = |value: Value| if has_any { value } else { Value::Null };
    let mut figures = Map::new();
    figures.insert("samples".to_owned(), json!(latencies.samples()));
    figures.insert("saturated".to_owned(), json!(latencies.saturated()));
    for (name, quantile) in QUANTILES {
        figures.insert(name.to_owned(), of_any(json!(latencies.quantile_ns(quantile))));
    }
    figures.insert("max_ns".to_owned(), of_any(json!(latencies.max_ns())));
    figures.insert("mean_ns".to_owned(), of_any(json!(latencies.mean_ns())));
    figures
}

/// The same as a histogram that can be written.
fn histogram(latencies: &Latencies) -> Histogram<u64> {
    // The bounds are constants that the histogram takes.
    let mut histogram = Histogram::new_with_bounds(1, VALUE_NS_MAX, DIGITS)
        .unwrap_or_else(|error| unreachable!("a histogram of constant bounds: {error}"));
    for (value_ns, count) in latencies.recorded() {
        histogram.saturating_record_n(value_ns, count);
    }
    histogram
}
