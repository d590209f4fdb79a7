//! A user's own detector, that of the example: what it writes down is evaluated as any other's.

#[path = "../../../../examples/own_detector.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod example;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{arg, scratch, tapewatch, text};

/// So many prints of one side in a row are an alert.
const PRINTS: u64 = 6;

fn objects(path: &Path) -> Vec<Value> {
    text(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A day on which momentum is ignited, by prints of one side: the session, and its labels, which name the own
/// detector.
fn labelled_day(dir: &TempDir) -> (PathBuf, PathBuf) {
    let day = dir.path().join("day");
    let simulate = ["simulate", "-q", "--seed", "7", "--symbols", "4", "--messages", "60000"];
    let inject = ["--inject", "momentum_ignition", "--out", arg(&day)];
    tapewatch(&[&simulate[..], &inject].concat()).ended_with(0);
    let staged = objects(&day.join("labels.jsonl")).into_iter();
    let labels =
        staged.filter(|label| label["detector"] == "momentum_ignition").map(|mut label| {
            label["detector"] = json!("one_sided_run");
            format!("{label}\n")
        });
    let path = dir.path().join("labels.jsonl");
    std::fs::write(&path, labels.collect::<String>()).unwrap();
    (day.join("session.itch"), path)
}

#[test]
fn its_alerts_are_written_down_and_evaluated_as_any_others() {
    let dir = scratch();
    let (session, labels) = labelled_day(&dir);
    let heard = example::run(&session, PRINTS).unwrap();
    let alerts = dir.path().join("alerts.jsonl");
    heard.alerts.write(&heard.words, std::fs::File::create(&alerts).unwrap()).unwrap();
    let args = ["evaluate", arg(&session), "--labels", arg(&labels), "--alerts", arg(&alerts)];
    let result = tapewatch(&[&args[..], &["--json", "-q", "--grace", "0s"]].concat());
    let result = result.ended_with(0).json();
    let rows = result["detectors"].as_array().unwrap();
    let row = rows.iter().find(|row| row["detector"] == "one_sided_run").unwrap();

    // Counted once more, line by line.
    let (labels, alerts) = (objects(&labels), objects(&alerts));
    let is_own =
        |alert: &&Value| alert["detector"] == "one_sided_run" && alert.get("retracted").is_none();
    let own: Vec<&Value> = alerts.iter().filter(is_own).collect();
    let at = |value: &Value, key: &str| value[key].as_i64().unwrap();
    let meet = |alert: &Value, label: &Value| {
        alert["symbol"] == label["symbol"]
            && at(alert, "start_ns") <= at(label, "end_ns")
            && at(alert, "end_ns") >= at(label, "start_ns")
    };
    let found = labels.iter().filter(|label| own.iter().any(|alert| meet(alert, label))).count();
    assert!(found > 0, "none of {}, {} alerts", labels.len(), own.len());
    assert_eq!(row["episodes"], labels.len());
    assert_eq!(row["episodes_found"], found);
    let hits = own.iter().filter(|alert| labels.iter().any(|label| meet(alert, label))).count();
    let of = |key: &str| row[key].as_u64().unwrap();
    assert_eq!(of("alerts") + of("alerts_repeated"), own.len() as u64, "{row}");
    assert_eq!(of("alerts_true") + of("alerts_repeated"), hits as u64, "{row}");
    // Its words are the example's, beside those of the engine's detectors.
    assert!(own.iter().all(|alert| alert["thresholds"] == json!({"prints": PRINTS})));
    assert!(own.iter().all(|alert| alert["figures"]["prints"].as_u64() >= Some(PRINTS)));
    assert!(alerts.len() > own.len(), "the engine's own detectors told nothing");
}
