//! The result for programs.
//!
//! What is not defined is `null`: a precision where nothing fired, a recall where nothing was staged.

use serde_json::{Map, Value, json};

use super::figures::{Counts, Figures};
use super::matching::Outcome;
use super::pool::{ALL, Pool};
use super::statistics::CONFIDENCE;

/// The parts of a day, in its order, and what a symbol may be in instead; a phase of another name is told
/// behind them.
const PHASES: [&str; 8] =
    ["pre", "opening", "continuous", "closing", "post", "halted", "reopening", "unknown"];

/// See the module.
pub(super) fn result(pool: &Pool, grace_ns: i64) -> Value {
    let row = |key: &str, name: &str, outcome: &Outcome| {
        let mut row = Map::new();
        row.insert(String::from(key), json!(name));
        row.append(&mut figures(&Figures::of(outcome), pool.symbol_days));
        row
    };
    let detectors = pool.detectors.iter();
    let detectors: Vec<Map<String, Value>> =
        detectors.map(|(detector, outcome)| row("detector", detector, outcome)).collect();
    let mut baselines = Vec::new();
    for (baseline, rule, outcomes) in pool.baselines() {
        for (detector, outcome) in outcomes {
            let mut entry = Map::new();
            entry.insert(String::from("baseline"), json!(baseline));
            entry.insert(String::from("rule"), json!(rule));
            entry.append(&mut row("detector", detector, outcome));
            baselines.push(entry);
        }
    }
    json!({
        "detectors": detectors,
        "overall": row("detector", ALL, &pool.overall()),
        "baselines": baselines,
        "symbol_days": pool.symbol_days,
        "sessions": pool.sessions,
        "messages": pool.messages,
        "innocents": pool.innocents,
        "grace_ns": grace_ns,
        "confidence": CONFIDENCE,
    })
}

/// The figures of one row.
fn figures(figures: &Figures, symbol_days: f64) -> Map<String, Value> {
    let Counts { episodes, episodes_found, alerts, alerts_true, .. } = figures.counts;
    let per_day = |count: u64| (symbol_days > 0.0).then(|| count as f64 / symbol_days);
    let by_severity: Vec<Value> =
        figures.by_severity.iter().map(|of| severity(figures, of)).collect();
    let curve: Vec<Value> = figures
        .sweep
        .iter()
        .map(|point| {
            json!({"score_min": point.score_min, "precision": point.precision, "recall": point.recall})
        })
        .collect();
    let by_phase: Map<String, Value> = phases(figures)
        .map(|(phase, count)| {
            (phase.to_owned(), json!({"alerts": count, "per_symbol_day": per_day(count)}))
        })
        .collect();
    let value = json!({
        "episodes": episodes,
        "episodes_found": episodes_found,
        "alerts": alerts,
        "alerts_true": alerts_true,
        "precision": figures.counts.precision(),
        "recall": figures.counts.recall(),
        "f1": figures.counts.f1(),
        "delay_us_p50": figures.delay_us_p50,
        "delay_events_p50": figures.delay_events_p50,
        "false_alerts_per_symbol_day": per_day(figures.counts.alerts_false()),
        "by_severity": by_severity,
        "false_alerts_by_phase": by_phase,
        "precision_strict": figures.precision_strict(&figures.counts),
        "precision_interval": interval(figures.counts.precision_interval()),
        "recall_interval": interval(figures.counts.recall_interval()),
        "average_precision": figures.average_precision(),
        "pr_curve": curve,
        "alerts_repeated": figures.counts.alerts_repeated,
        "alerts_open_before": figures.counts.alerts_open_before,
        "alerts_excused": figures.excused.total(),
        "alerts_excused_on_innocents": figures.excused.on_innocents,
        "alerts_excused_on_market": figures.excused.on_market,
        "alerts_retracted": figures.retracted,
        "alerts_on_innocents": figures.on_innocents,
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn severity(figures: &Figures, (severity_min, counts): &(f64, Counts)) -> Value {
    json!({
        "severity_min": severity_min,
        "episodes": counts.episodes,
        "episodes_found": counts.episodes_found,
        "alerts": counts.alerts,
        "alerts_true": counts.alerts_true,
        "precision": counts.precision(),
        "precision_strict": figures.precision_strict(counts),
        "recall": counts.recall(),
        "f1": counts.f1(),
        "alerts_repeated": counts.alerts_repeated,
        "alerts_open_before": counts.alerts_open_before,
    })
}

fn interval(interval: Option<(f64, f64)>) -> Value {
    interval.map_or(Value::Null, |(low, high)| json!([low, high]))
}

/// False alerts of every part of the day, in its order, and of phases of other names.
fn phases(figures: &Figures) -> impl Iterator<Item = (&str, u64)> {
    let counts = &figures.false_by_phase;
    let named = PHASES.map(|phase| (phase, counts.get(phase).copied().unwrap_or(0)));
    let others = counts.iter().filter(|(phase, _)| !PHASES.contains(&phase.as_str()));
    named.into_iter().chain(others.map(|(phase, count)| (phase.as_str(), *count)))
}
