//! Alerts as a table for people, or as the lines of `alerts.jsonl`.

use engine::detect::{Alert, Change};

use super::recorded::{RecordedAlerts, symbol_text};
use crate::journal::line::time_text;
use crate::output::alerts;
use crate::output::decimal::grouped;
use crate::output::table::aligned;

/// Which alerts are shown; empty lists choose all.
pub(super) struct Choice<'a> {
    /// By detector.
    pub(super) detectors: &'a [String],
    /// By symbol as results name it.
    pub(super) symbols: &'a [String],
    /// By score.
    pub(super) score_min: Option<f64>,
}

impl Choice<'_> {
    fn has(&self, recorded: &RecordedAlerts, alert: &Alert, name: &[u8]) -> bool {
        let is_one_of = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        is_one_of(self.detectors, &recorded.words.detector(alert))
            && is_one_of(self.symbols, &alerts::symbol(alert.symbol, name))
            && self.score_min.is_none_or(|least| alert.score.get() >= least)
    }
}

/// A line of JSON each.
pub(super) fn json(recorded: &RecordedAlerts, choice: &Choice<'_>) -> String {
    let mut text = String::new();
    for (_, alert, name) in recorded.iter() {
        if choice.has(recorded, alert, name) {
            text += &recorded.words.json(alert, name).to_string();
            text.push('\n');
        }
    }
    text
}

/// A table, and how many there are.
pub(super) fn text(recorded: &RecordedAlerts, choice: &Choice<'_>) -> String {
    let all = recorded.alerts.len();
    let mut shown = 0u64;
    let rows = recorded.iter().filter(|(_, alert, name)| choice.has(recorded, alert, name));
    let rows = rows.map(|(id, alert, name)| {
        shown += 1;
        [
            id,
            recorded.words.detector(alert),
            symbol_text(alert, name),
            time_text(alert.start),
            length_text(alert),
            format!("{:.1}", alert.score.get()),
            alert.phase.name().to_owned(),
            state_text(alert),
        ]
    });
    let header = ["id", "detector", "symbol", "start", "seconds", "score", "phase", ""];
    let table = aligned(&header, rows, &[0, 1, 2, 3, 6, 7]);
    match (shown, all as u64) {
        (_, 0) => String::from("no alerts\n"),
        (0, all) => format!("none of the {} alert(s) is of that kind\n", grouped(all)),
        (shown, all) if shown < all => {
            format!("{table}{} of {} alerts\n", grouped(shown), grouped(all))
        }
        (shown, _) => format!("{table}{} alert(s)\n", grouped(shown)),
    }
}

/// How long its condition was seen, in seconds.
fn length_text(alert: &Alert) -> String {
    const MS_NS: u64 = 1_000_000;
    let length_ms = alert.end.0.abs_diff(alert.start.0) / MS_NS;
    format!("{}.{:03}", grouped(length_ms / 1_000), length_ms % 1_000)
}

/// What is to be known of it besides.
pub(super) fn state_text(alert: &Alert) -> String {
    let state = match alert.change {
        Change::Open => "open",
        Change::Close => "",
        Change::Retract => "retracted",
    };
    let doubt = if alert.is_suspect { "suspect" } else { "" };
    format!("{state} {doubt}").trim().to_owned()
}
