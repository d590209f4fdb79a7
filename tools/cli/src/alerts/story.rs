//! An explained alert for people: what it is, its figures beside the thresholds, the book before, message
//! by message, and the book after.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::evidence::EvidenceLine;
use super::explain::{Explained, ShownBy};
use super::list::state_text;
use crate::exit::one_line;
use crate::journal::line::time_text;
use crate::output::decimal::grouped;
use crate::output::table::aligned;

impl Explained {
    /// The whole story.
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        text += &figures(&self.json);
        match &self.shown {
            ShownBy::Market(made) => {
                text.push('\n');
                text += &made.text();
            }
            ShownBy::Messages { before, after, lines, left_out } => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\nbefore: {}\n", before.text);
                text += &messages(lines, *left_out);
                let _ = write!(text, "\nafter: {}", after.text);
            }
        }
        text
    }

    fn head(&self) -> String {
        let word = |name: &str| self.json[name].as_str().unwrap_or_default();
        let alert = &self.alert;
        let state = state_text(alert);
        let state = if state.is_empty() { state } else { format!(", {state}") };
        format!(
            "{}: {} of {}, score {:.1}, {}{state}\n{}\nfrom {} to {}, messages {} to {}, opened by {}\n\n",
            word("id"),
            word("detector"),
            one_line(&self.symbol),
            alert.score.get(),
            word("phase"),
            word("pattern"),
            time_text(alert.start),
            time_text(alert.end),
            alert.first.0,
            alert.last.0,
            alert.opened.0
        )
    }
}

/// Figures, each beside the threshold whose name it begins with; then the other thresholds.
fn figures(alert: &Value) -> String {
    let none = Map::new();
    let part = |name: &str| alert[name].as_object().unwrap_or(&none);
    let mut thresholds: Vec<(&String, &Value)> = part("thresholds").iter().collect();
    let mut rows = Vec::new();
    for (name, value) in part("figures") {
        let near = (0..thresholds.len())
            .filter(|at| name.starts_with(thresholds[*at].0.as_str()))
            .max_by_key(|at| thresholds[*at].0.len());
        let (threshold, at) = match near.map(|at| thresholds.remove(at)) {
            Some((threshold, at)) => (threshold.clone(), figure(at)),
            None => Default::default(),
        };
        rows.push([name.clone(), figure(value), threshold, at]);
    }
    let others = thresholds.into_iter();
    rows.extend(
        others.map(|(name, value)| [String::new(), String::new(), name.clone(), figure(value)]),
    );
    aligned(&["figure", "", "threshold", ""], rows.into_iter(), &[0, 2])
}

/// A figure for people: whole, or with four decimals at most.
fn figure(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if !value.is_i64() => {
            let text = format!("{number:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => value.to_string(),
    }
}

/// The messages, a line each.
fn messages(lines: &[EvidenceLine], (left_out, before): (usize, usize)) -> String {
    if lines.is_empty() {
        return String::from("no message of the symbol\n");
    }
    let header = [
        "",
        "sequence",
        "time",
        "",
        "order",
        "side",
        "price",
        "shares",
        "what it did",
        "bid",
        "ask",
    ];
    let mut rows: Vec<[String; 11]> = lines.iter().map(row).collect();
    if left_out > 0 {
        let mut gap = <[String; 11]>::default();
        gap[0] = String::from("…");
        gap[2] = format!("{} more; --max-lines 0 shows all", grouped(left_out as u64));
        rows.insert(before.min(rows.len()), gap);
    }
    aligned(&header, rows.into_iter(), &[0, 2, 3, 5, 8])
}

fn row(line: &EvidenceLine) -> [String; 11] {
    let best = |at: usize| match &line.best[at] {
        Some((price, size)) => format!("{price} × {}", grouped(*size)),
        None => String::new(),
    };
    let shares = [line.field("size"), line.field("taken")];
    let shares = shares.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    [
        line.marks.join(" "),
        line.sequence.0.to_string(),
        time_text(line.time),
        line.message_type.clone(),
        line.field("order"),
        line.field("side"),
        line.field("price"),
        shares,
        said(line),
        best(0),
        best(1),
    ]
}

/// What it did; of a message that concerns no order, what it says.
fn said(line: &EvidenceLine) -> String {
    if !line.did.is_empty() {
        return line.did.clone();
    }
    let shown = ["order", "side", "price", "size"];
    let others = line.fields.keys().filter(|name| !shown.contains(&name.as_str()));
    let others = others.map(|name| format!("{name}={}", line.field(name)));
    one_line(&others.collect::<Vec<_>>().join(" "))
}
