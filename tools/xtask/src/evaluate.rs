//! `cargo xtask evaluate`: the README's table of what the detectors are worth, on simulated days with
//! staged episodes.
//!
//! Each seed is a day; the days of a population are evaluated together, their counts added up. The seeds
//! are published with the table and are no detector's to be fitted on: thresholds come from other ones. A
//! second population of agents shows what of the figures was the first one's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::steps::{Failure, cargo, is_there, output, program, say, step, tell};
use crate::{markers, paths};

/// The days that are published, from the first seed to the last.
const SEEDS: (u64, u64) = (1_001, 1_020);
/// What each day has.
const MESSAGES: &str = "1000000";
const SYMBOLS: &str = "50";

/// The agents of the table, and those that it is held against.
const POPULATIONS: [&str; 2] = ["standard", "shifted"];

/// Where the pictures lie.
const PICTURES: &str = "benches/evaluate";

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let (seeds, writes) = asked(arguments)?;
    step("build", cargo(["build", "--release", "-p", "tapewatch"]))?;
    let scratch = Scratch::new()?;
    let mut results = Vec::new();
    for population in POPULATIONS {
        let days = simulated(&scratch, population, seeds)?;
        let is_table = population == POPULATIONS[0];
        let pictures = (writes && is_table).then(|| paths::root().join(PICTURES));
        results.push(evaluated(&days, population, pictures.as_deref())?);
        // Half a gigabyte; the other population's days need the room.
        days.iter().for_each(|day| drop(fs::remove_dir_all(day)));
    }
    let commit = output("commit", program("git", ["log", "-1", "--format=%h, %cs"]))?;
    let is_as_committed = program("git", ["diff", "--quiet", "HEAD", "--", ".", ":!README.md"]);
    let changed = if is_there(is_as_committed) { "" } else { ", with changes" };
    let date = output("date", program("date", ["-u", "+%Y-%m-%d"]))?;
    let conditions = format!(
        "Seeds {} to {}, {MESSAGES} messages and {SYMBOLS} symbols each, `--inject all`; commit {}{changed}; evaluated {}.",
        seeds.0,
        seeds.1,
        commit.trim(),
        date.trim()
    );
    let [standard, shifted] = &results[..] else {
        return Err(Failure::of("evaluate", "two populations were to be evaluated"));
    };
    let section = section(standard, shifted, &conditions);
    say(&section);
    if writes {
        let readme = paths::root().join("README.md");
        let failed = |error| Failure::of("README.md", error);
        let text = fs::read_to_string(&readme).map_err(failed)?;
        let text = markers::put(&text, "evaluate", "detectors", &section)
            .ok_or_else(|| Failure::of("README.md", "no markers for the detectors in it"))?;
        fs::write(&readme, text).map_err(failed)?;
    }
    Ok(())
}

/// The seeds, both ends included, and whether to write.
fn asked(arguments: &[&str]) -> Result<((u64, u64), bool), Failure> {
    let (mut seeds, mut writes, mut rest) = (SEEDS, false, arguments.iter());
    while let Some(argument) = rest.next() {
        match *argument {
            "--write" => writes = true,
            "--seeds" => {
                let given = rest.next().copied().unwrap_or_default();
                let ends = given.split_once("..").and_then(|(first, last)| {
                    Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?))
                });
                let wrong = || Failure::Usage(format!("--seeds takes A..B, not {given:?}"));
                seeds = ends.filter(|(first, last)| first <= last).ok_or_else(wrong)?;
            }
            other => return Err(Failure::Usage(format!("evaluate does not take {other:?}"))),
        }
    }
    Ok((seeds, writes))
}

/// A folder that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Failure> {
        let path = paths::target().join(format!("evaluate-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| Failure::of("a folder", error))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tapewatch() -> Command {
    let nothing: [&str; 0] = [];
    program(paths::target().join("release/tapewatch"), nothing)
}

/// The days of a population, each in a folder of its own.
fn simulated(
    scratch: &Scratch,
    population: &str,
    (first, last): (u64, u64),
) -> Result<Vec<PathBuf>, Failure> {
    let mut days = Vec::new();
    for seed in first..=last {
        let day = scratch.0.join(format!("{population}-{seed}"));
        tell(&format!("── simulate: {population}, seed {seed}"));
        let mut simulate = tapewatch();
        simulate.args(["simulate", "--quiet", "--inject", "all", "--population", population]);
        simulate.args(["--messages", MESSAGES, "--symbols", SYMBOLS]);
        simulate.arg("--seed").arg(seed.to_string()).arg("--out").arg(&day);
        output("simulate", simulate)?;
        days.push(day);
    }
    Ok(days)
}

/// What the detectors make of these days together.
fn evaluated(
    days: &[PathBuf],
    population: &str,
    pictures: Option<&Path>,
) -> Result<Value, Failure> {
    tell(&format!("── evaluate: {population}, {} day(s)", days.len()));
    let mut evaluate = tapewatch();
    evaluate.args(["evaluate", "--json", "--quiet"]);
    evaluate.args(days.iter().map(|day| day.join("session.itch")));
    for day in days {
        evaluate.arg("--labels").arg(day.join("labels.jsonl"));
    }
    if let Some(pictures) = pictures {
        evaluate.arg("--plots").arg(pictures);
    }
    let text = output("evaluate", evaluate)?;
    serde_json::from_str(&text).map_err(|error| Failure::of("evaluate", error))
}

/// What stands between the markers.
fn section(standard: &Value, shifted: &Value, conditions: &str) -> String {
    let number = |key: &str| standard[key].as_f64().unwrap_or(f64::NAN);
    let rules: Vec<String> = rules(standard)
        .into_iter()
        .map(|(baseline, rule)| format!("`{baseline}`: {rule}."))
        .collect();
    format!(
        "{}\n\n{} episodes in {} symbol-days of 6.5 h of one symbol, {} innocent look-alikes. In brackets the 95 % interval (Wilson); \
         AP: average precision over all scores; –: not defined, as a precision where nothing fired.\n{}\n\n\
         ![Recall by severity]({PICTURES}/recall_by_severity.svg)\n\n\
         ![Precision and recall]({PICTURES}/precision_recall.svg)\n\n\
         ![False alerts by detector]({PICTURES}/false_alerts.svg)\n\n\
         The same seeds with other agents (`--population shifted`), thresholds unchanged:\n\n{}\n\n{conditions}",
        detectors(standard),
        standard["overall"]["episodes"],
        number("symbol_days").round(),
        standard["innocents"],
        rules.join("\n"),
        populations(standard, shifted),
    )
}

/// The detectors of a result, all together last.
fn rows(result: &Value) -> impl Iterator<Item = &Value> {
    result["detectors"].as_array().into_iter().flatten().chain([&result["overall"]])
}

/// A detector's name in a row.
fn name(row: &Value) -> &str {
    row["detector"].as_str().unwrap_or_default()
}

/// The baselines of a result with their rules, each once.
fn rules(result: &Value) -> Vec<(&str, &str)> {
    let mut rules = Vec::new();
    for row in result["baselines"].as_array().into_iter().flatten() {
        let rule = (row["baseline"].as_str(), row["rule"].as_str());
        if let (Some(baseline), Some(rule)) = rule
            && !rules.contains(&(baseline, rule))
        {
            rules.push((baseline, rule));
        }
    }
    rules
}

/// Every detector, with the baselines held against the same episodes beside it.
fn detectors(result: &Value) -> String {
    let baselines = rules(result);
    let mut text = String::from(
        "| detector | found | true alerts | precision | recall | F1 | AP | recall at severity ≥ 0.3 | ≥ 0.5 | ≥ 0.7 | delay p50 | events | false a symbol-day |",
    );
    for (baseline, _) in &baselines {
        text += &format!(" `{baseline}` P / R |");
    }
    text += &format!("\n|---|{}\n", "---:|".repeat(12 + baselines.len()));
    for row in rows(result) {
        let at = |place: usize| share(&row["by_severity"][place]["recall"]);
        let delay = row["delay_us_p50"].as_f64().map_or_else(dash, delay);
        let events = row["delay_events_p50"].as_f64();
        let false_alerts = row["false_alerts_per_symbol_day"].as_f64();
        let cells = [
            name(row).to_owned(),
            format!("{} of {}", row["episodes_found"], row["episodes"]),
            format!("{} of {}", row["alerts_true"], row["alerts"]),
            with_interval(row, "precision"),
            with_interval(row, "recall"),
            share(&row["f1"]),
            share(&row["average_precision"]),
            at(1),
            at(2),
            at(3),
            delay,
            events.map_or_else(dash, |events| format!("{events:.0}")),
            false_alerts.map_or_else(dash, |rate| format!("{rate:.3}")),
        ];
        text += &format!("| {} |", cells.join(" | "));
        for (baseline, _) in &baselines {
            let list = result["baselines"].as_array().into_iter().flatten();
            let mut same = list.filter(|other| other["baseline"] == *baseline);
            let held = same.find(|other| other["detector"] == row["detector"]);
            let told = held.map_or_else(dash, |held| {
                format!("{} / {}", share(&held["precision"]), share(&held["recall"]))
            });
            text += &format!(" {told} |");
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// Precision, recall and F1 of both populations side by side.
fn populations(standard: &Value, shifted: &Value) -> String {
    let mut text = String::from(
        "| detector | precision | shifted | recall | shifted | F1 | shifted | false a symbol-day | shifted |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows(standard) {
        let other = rows(shifted).find(|other| name(other) == name(row)).unwrap_or(&Value::Null);
        let mut cells = vec![name(row).to_owned()];
        for key in ["precision", "recall", "f1"] {
            cells.extend([row, other].map(|of| share(&of[key])));
        }
        cells.extend([row, other].map(|of| {
            let rate = of["false_alerts_per_symbol_day"].as_f64();
            rate.map_or_else(dash, |rate| format!("{rate:.3}"))
        }));
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text.trim_end().to_owned()
}

fn dash() -> String {
    String::from("–")
}

fn share(value: &Value) -> String {
    value.as_f64().map_or_else(dash, |share| format!("{share:.2}"))
}

/// A share of a row with the interval beside it.
fn with_interval(row: &Value, key: &str) -> String {
    let bounds = &row[format!("{key}_interval")];
    match (bounds[0].as_f64(), bounds[1].as_f64()) {
        (Some(low), Some(high)) => format!("{} [{low:.2}, {high:.2}]", share(&row[key])),
        _ => share(&row[key]),
    }
}

fn delay(us: f64) -> String {
    if us >= 1e6 {
        format!("{:.2} s", us / 1e6)
    } else if us >= 1e3 {
        format!("{:.1} ms", us / 1e3)
    } else {
        format!("{us:.0} µs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(detector: &str, found: u64, precision: Value) -> Value {
        let by_severity: Vec<Value> =
            [0.9, 0.91, 0.92, 0.93].iter().map(|recall| json!({"recall": recall})).collect();
        json!({
            "detector": detector, "episodes": 20, "episodes_found": found, "alerts": 19, "alerts_true": 18,
            "precision": precision, "precision_interval": [0.75, 0.99], "recall": 0.9,
            "recall_interval": [0.7, 0.97], "f1": 0.92, "average_precision": 0.88,
            "by_severity": by_severity, "delay_us_p50": 12_345.6, "delay_events_p50": 42.0,
            "false_alerts_per_symbol_day": 0.001,
        })
    }

    fn result(precision: Value) -> Value {
        let mut baseline = row("spoofing", 3, json!(0.024));
        baseline["baseline"] = json!("message_rate");
        baseline["rule"] = json!("many messages");
        json!({
            "detectors": [row("spoofing", 18, precision)], "overall": row("all", 18, json!(0.95)),
            "baselines": [baseline], "symbol_days": 1_000.2, "innocents": 7,
        })
    }

    #[test]
    fn a_detector_is_a_row_with_the_baselines_behind_it() {
        let table = detectors(&result(json!(0.95)));
        let expected = "| spoofing | 18 of 20 | 18 of 19 | 0.95 [0.75, 0.99] | 0.90 [0.70, 0.97] | 0.92 | 0.88 \
                        | 0.91 | 0.92 | 0.93 | 12.3 ms | 42 | 0.001 | 0.02 / 0.90 |";
        assert!(table.contains(expected), "{table}");
        assert!(table.lines().next().unwrap().ends_with("| `message_rate` P / R |"), "{table}");
        let columns = |line: &str| line.matches('|').count();
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines.iter().all(|line| columns(line) == columns(lines[0])), "{table}");
        assert!(lines[3].starts_with("| all | 18 of 20 |") && lines[3].ends_with("| – |"));
    }

    #[test]
    fn what_is_not_defined_is_a_dash_and_not_zero() {
        let mut silent = result(Value::Null);
        for key in ["precision_interval", "f1", "delay_us_p50", "delay_events_p50"] {
            silent["detectors"][0][key] = Value::Null;
        }
        let table = detectors(&silent);
        let line = table.lines().nth(2).unwrap();
        assert!(line.contains("| 18 of 19 | – | 0.90 [0.70, 0.97] | – |"), "{line}");
        assert!(line.contains("| – | – | 0.001 |"), "{line}");
    }

    #[test]
    fn both_populations_stand_side_by_side_under_their_conditions() {
        let section = section(&result(json!(0.95)), &result(json!(0.5)), "Seeds 1 to 2.");
        assert!(section.contains("| spoofing | 0.95 | 0.50 | 0.90 | 0.90 |"), "{section}");
        assert!(section.contains("20 episodes in 1000 symbol-days"), "{section}");
        assert!(section.contains("`message_rate`: many messages."), "{section}");
        assert!(section.ends_with("Seeds 1 to 2."), "{section}");
    }

    #[test]
    fn seeds_are_given_by_their_ends() {
        assert_eq!(asked(&[]).unwrap(), (SEEDS, false));
        assert_eq!(asked(&["--write", "--seeds", "5..7"]).unwrap(), ((5, 7), true));
        assert_eq!(asked(&["--seeds", "5..5"]).unwrap(), ((5, 5), false));
        for wrong in [&["--seeds"][..], &["--seeds", "7..5"], &["--seeds", "5"], &["--fast"]] {
            assert!(matches!(asked(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }

    #[test]
    fn the_readme_has_the_markers_of_the_detectors() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        assert!(markers::put(&readme, "evaluate", "detectors", "").is_some());
    }
}
