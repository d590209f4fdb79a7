//! What a run's packets took, stage by stage, as its board has it at the end: for `summary.json`.

use engine::board::BoardReader;
use engine::board::histogram::{Latencies, Stage};
use serde_json::{Map, Value, json};

/// The latencies of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunLatencies {
    clock: &'static str,
    stages: Vec<(Stage, Latencies)>,
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
            missed: shards.iter().map(|shard| shard.stamps_missed).sum(),
        }
    }

    /// Each stage that was recorded.
    pub(crate) fn stages(&self) -> &[(Stage, Latencies)] {
        &self.stages
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let stages = self.stages.iter().map(|(stage, latencies)| {
            let at = |quantile| latencies.quantile_ns(quantile);
            let figures = json!({
                "samples": latencies.samples(),
                "p50_ns": at(0.5),
                "p90_ns": at(0.9),
                "p99_ns": at(0.99),
                "p999_ns": at(0.999),
                "p9999_ns": at(0.9999),
                "max_ns": latencies.max_ns(),
                "mean_ns": latencies.mean_ns(),
                "saturated": latencies.saturated(),
            });
            (stage.name().to_owned(), figures)
        });
        json!({
            "clock": self.clock,
            "missed_packets": self.missed,
            "stages": stages.collect::<Map<_, _>>(),
        })
    }
}
