//! What stands between the README's markers: a row a detector, all together last.
//!
//! Three tables: what is found of the plainer episodes, beside the other population and the baselines; what
//! all episodes come to and what becomes of every alert; what is raised on days without any episode.

use serde_json::Value;

/// From which severity on the first table has episodes.
const SEVERITY_MIN: f64 = 0.5;

/// The parts of the day that have a column; what a symbol is in otherwise is told together.
const PHASES: [&str; 5] = ["pre", "opening", "continuous", "closing", "post"];

/// What the days came to, by `tapewatch evaluate --json`: the standard population's, then the shifted one's.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub(super) staged: [Value; 2],
    pub(super) plain: [Value; 2],
}

/// See the module.
pub(super) fn section(results: &Results, pictures: &str, conditions: &str) -> String {
    let Results { staged: [standard, shifted], plain } = results;
    let days = |result: &Value| result["symbol_days"].as_f64().unwrap_or(f64::NAN).round();
    let baselines = baselines(standard);
    let rules: Vec<String> =
        baselines.iter().map(|(name, rule)| format!("`{name}`: {rule}.")).collect();
    format!(
        "Episodes of severity {SEVERITY_MIN} and more, and false alerts a symbol-day, in all and in continuous trading. Behind it the same \
         seeds with other agents (`--population shifted`), thresholds unchanged; then precision and recall of the baselines \
         against the same episodes, with the first agents:\n\n{}\n\n{}\n\n\
         All {} episodes, with the first agents, in {} symbol-days of 6.5 h of one symbol, beside {} innocent look-alikes. In brackets the \
         95 % interval (Wilson); strict: precision with what innocents excuse, repeated and open before taken for false; AP: average \
         precision over all scores; –: not defined, as a precision where nothing fired:\n\n{}\n\n\
         ![Recall by severity]({pictures}/recall_by_severity.svg)\n\n\
         ![Precision and recall]({pictures}/precision_recall.svg)\n\n\
         ![False alerts by detector]({pictures}/false_alerts.svg)\n\n\
         Days on which nothing was staged, {} and {} symbol-days: alerts a symbol-day, by the part of the day they were raised in:\n\n\
         {}\n\n{conditions}",
        of_severity(standard, shifted, &baselines),
        rules.join("\n"),
        standard["overall"]["episodes"],
        days(standard),
        standard["innocents"],
        of_all(standard),
        days(&plain[0]),
        days(&plain[1]),
        of_plain_days(plain, &names(&[standard, shifted, &plain[0], &plain[1]])),
    )
}

/// The detectors of results, by name, all together last.
fn names<'a>(results: &[&'a Value]) -> Vec<&'a str> {
    let lists = results.iter().filter_map(|result| result["detectors"].as_array()).flatten();
    let mut names: Vec<&str> = lists.map(|row| text(row, "detector")).collect();
    names.sort_unstable();
    names.dedup();
    names.push("all");
    names
}

/// A detector's row, or that of all together; null if it is not there.
fn row<'a>(result: &'a Value, name: &str) -> &'a Value {
    if name == "all" {
        return &result["overall"];
    }
    let mut rows = result["detectors"].as_array().into_iter().flatten();
    rows.find(|row| row["detector"] == name).unwrap_or(&Value::Null)
}

/// A baseline's row against a detector's episodes.
fn baseline_row<'a>(result: &'a Value, baseline: &str, name: &str) -> &'a Value {
    let mut rows = result["baselines"].as_array().into_iter().flatten();
    rows.find(|row| row["baseline"] == baseline && row["detector"] == name).unwrap_or(&Value::Null)
}

/// The baselines of a result with their rules, each once.
fn baselines(result: &Value) -> Vec<(&str, &str)> {
    let mut baselines = Vec::new();
    for row in result["baselines"].as_array().into_iter().flatten() {
        let baseline = (text(row, "baseline"), text(row, "rule"));
        if !baselines.contains(&baseline) {
            baselines.push(baseline);
        }
    }
    baselines
}

/// What a row comes to from [`SEVERITY_MIN`] on.
fn severe(row: &Value) -> &Value {
    let mut list = row["by_severity"].as_array().into_iter().flatten();
    list.find(|of| of["severity_min"] == SEVERITY_MIN).unwrap_or(&Value::Null)
}

/// The plainer episodes: both populations, and the baselines.
fn of_severity(standard: &Value, shifted: &Value, baselines: &[(&str, &str)]) -> String {
    let own = ["found", "recall", "precision", "F1", "false a day", "continuous"];
    let mut header = vec![String::from("detector")];
    header.extend(own.map(String::from));
    header.extend(own.map(|column| format!("shifted: {column}")));
    header.extend(baselines.iter().map(|(name, _)| format!("`{name}` P / R")));
    let rows = names(&[standard, shifted]).into_iter().map(|name| {
        let mut cells = vec![name.to_owned()];
        for result in [standard, shifted] {
            let row = row(result, name);
            let of = severe(row);
            let continuous = &row["false_alerts_by_phase"]["continuous"]["per_symbol_day"];
            cells.extend([
                part(&of["episodes_found"], &of["episodes"]),
                share(&of["recall"]),
                share(&of["precision"]),
                share(&of["f1"]),
                rate(&row["false_alerts_per_symbol_day"]),
                rate(continuous),
            ]);
        }
        cells.extend(baselines.iter().map(|(baseline, _)| {
            let of = severe(baseline_row(standard, baseline, name));
            format!("{} / {}", share(&of["precision"]), share(&of["recall"]))
        }));
        cells
    });
    table(&header, rows)
}

/// All episodes, and what became of every alert.
fn of_all(result: &Value) -> String {
    let header = [
        "detector",
        "found",
        "recall",
        "true alerts",
        "precision",
        "strict",
        "F1",
        "AP",
        "false",
        "of them on innocents",
        "excused by innocents",
        "by a market-wide label",
        "by episodes",
        "repeated",
        "open before",
        "delay p50, ms",
        "messages",
    ];
    let rows = names(&[result]).into_iter().map(|name| {
        let row = row(result, name);
        let number = |key: &str| row[key].as_u64().unwrap_or(0);
        let apart = ["alerts_excused_on_innocents", "alerts_excused_on_market"].map(number);
        let by_episodes = number("alerts_excused").saturating_sub(apart.iter().sum());
        let alerts_false = number("alerts").saturating_sub(number("alerts_true"));
        let delay_us = row["delay_us_p50"].as_f64();
        let events = row["delay_events_p50"].as_f64();
        vec![
            name.to_owned(),
            part(&row["episodes_found"], &row["episodes"]),
            with_interval(row, "recall"),
            part(&row["alerts_true"], &row["alerts"]),
            with_interval(row, "precision"),
            share(&row["precision_strict"]),
            share(&row["f1"]),
            share(&row["average_precision"]),
            alerts_false.to_string(),
            count(&row["alerts_on_innocents"]),
            count(&row["alerts_excused_on_innocents"]),
            count(&row["alerts_excused_on_market"]),
            by_episodes.to_string(),
            count(&row["alerts_repeated"]),
            count(&row["alerts_open_before"]),
            delay_us.map_or_else(dash, |us| format!("{:.1}", us / 1e3)),
            events.map_or_else(dash, |events| format!("{events:.0}")),
        ]
    });
    table(&header, rows)
}

/// Alerts a symbol-day where nothing was staged, by the part of the day; of the shifted population in all and
/// in continuous trading. A detector that raised nothing has zeros.
fn of_plain_days(plain: &[Value; 2], names: &[&str]) -> String {
    let own = ["a day", "pre", "opening", "continuous", "closing", "post", "other"];
    let header = [&["detector"], &own[..], &["shifted: a day", "shifted: continuous"]].concat();
    let rows = names.iter().map(|name| {
        let [standard, shifted] = [&plain[0], &plain[1]].map(|result| Rates::of(result, name));
        let mut cells = vec![(*name).to_owned(), three_decimals(standard.all)];
        cells.extend(standard.by_phase.map(three_decimals));
        cells.push(three_decimals(standard.other));
        cells.extend([shifted.all, shifted.by_phase[2]].map(three_decimals));
        cells
    });
    table(&header, rows)
}

/// Alerts a symbol-day.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    all: f64,
    /// In order of [`PHASES`].
    by_phase: [f64; 5],
    other: f64,
}

impl Rates {
    fn of(result: &Value, name: &str) -> Rates {
        let row = row(result, name);
        let phases = row["false_alerts_by_phase"].as_object();
        let alerts = |of: &Value| of["alerts"].as_u64().unwrap_or(0);
        let in_phase = |phase: &str| alerts(&row["false_alerts_by_phase"][phase]);
        let all: u64 = phases.into_iter().flat_map(|phases| phases.values()).map(alerts).sum();
        let named = PHASES.map(in_phase);
        let days = result["symbol_days"].as_f64().unwrap_or(f64::NAN);
        Rates {
            all: all as f64 / days,
            by_phase: named.map(|alerts| alerts as f64 / days),
            other: (all - named.iter().sum::<u64>()) as f64 / days,
        }
    }
}

/// A table of these columns, the first one to the left.
fn table<S: AsRef<str>>(header: &[S], rows: impl Iterator<Item = Vec<String>>) -> String {
    let header: Vec<&str> = header.iter().map(AsRef::as_ref).collect();
    let rule = format!("|---|{}", "---:|".repeat(header.len() - 1));
    let mut lines = vec![format!("| {} |", header.join(" | ")), rule];
    lines.extend(rows.map(|cells| format!("| {} |", cells.join(" | "))));
    lines.join("\n")
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

fn dash() -> String {
    String::from("–")
}

fn three_decimals(rate: f64) -> String {
    if rate.is_finite() { format!("{rate:.3}") } else { dash() }
}

fn rate(value: &Value) -> String {
    value.as_f64().map_or_else(dash, three_decimals)
}

fn count(value: &Value) -> String {
    value.as_u64().map_or_else(dash, |count| count.to_string())
}

/// `18 of 20`.
fn part(part: &Value, whole: &Value) -> String {
    if whole.is_null() { dash() } else { format!("{} of {}", count(part), count(whole)) }
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

#[cfg(test)]
mod tests;
