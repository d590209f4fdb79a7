//! What a run under other parameters finds, against what was recorded, alert by alert.
//!
//! An alert is the same where its id is: the message that opened it, its detector, its symbol. One that opens by
//! another message is told as changed, with its id of before, where both have the detector and symbol and
//! overlap in time.

use std::collections::BTreeMap;

use engine::detect::{Alert, Change};
use serde_json::{Value, json};

use super::recorded::{RecordedAlerts, symbol_text};
use crate::config::Config;
use crate::exit::Failure;
use crate::journal::line::time_text;
use crate::output::alerts::{self, AlertWords, Alerts};
use crate::output::decimal::grouped;
use crate::session_dir::SessionDir;

/// The question: what if these parameters had been others?
pub(crate) struct WhatIf {
    recorded: RecordedAlerts,
    /// The keys that differ.
    keys: Vec<String>,
    /// The symbols that are computed; none for all.
    symbols: Vec<String>,
    /// Whether they are fewer than those recorded.
    is_narrower: bool,
}

impl WhatIf {
    /// The question that a replay of `session` asks which computes `symbols` under `config`; `None` if its
    /// detectors are those recorded.
    pub(crate) fn of(
        session: &SessionDir,
        config: &Config,
        symbols: &[String],
    ) -> Result<Option<WhatIf>, Failure> {
        let changes = session.config(&[])?.changes(config).into_iter().map(|change| change.path);
        let keys: Vec<String> = changes.filter(|path| path.starts_with("detect.")).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let is_narrower = symbols != session.symbols();
        let recorded = RecordedAlerts::of(session)?;
        Ok(Some(WhatIf { recorded, keys, symbols: symbols.to_vec(), is_narrower }))
    }

    /// How what was found differs from what was recorded.
    pub(crate) fn answer(&self, found: Option<(&Alerts, &AlertWords)>) -> Changed {
        let mut changed =
            Changed { keys: self.keys.clone(), lines: BTreeMap::new(), as_they_were: 0 };
        let found = found.into_iter().flat_map(|(alerts, words)| {
            alerts.iter().map(|(alert, name)| (words.id(alert), Side::of(words, alert, name)))
        });
        let mut found: BTreeMap<String, Side> = found.collect();
        for (id, alert, name) in self.recorded.iter() {
            if !self.is_computed(alert, name) {
                found.remove(&id);
                continue;
            }
            let before = Side::of(&self.recorded.words, alert, name);
            let line = match found.remove(&id) {
                None => Line::Gone(before),
                Some(now) if now == before => {
                    changed.as_they_were += 1;
                    continue;
                }
                Some(now) => Line::Changed { id_before: id.clone(), before, now },
            };
            changed.lines.insert(id, line);
        }
        // Of fewer symbols the market's alerts are others.
        found.retain(|_, now| !(self.is_narrower && now.symbol.is_empty()));
        changed.pair(&mut found);
        changed.lines.extend(found.into_iter().map(|(id, now)| (id, Line::Added(now))));
        changed
    }

    fn is_computed(&self, alert: &Alert, name: &[u8]) -> bool {
        let symbol = alerts::symbol(alert.symbol, name);
        !self.is_narrower || self.symbols.contains(&symbol)
    }
}

/// An alert as one of the runs has it.
#[derive(Clone, Debug, PartialEq)]
struct Side {
    detector: String,
    symbol: String,
    shown: String,
    start_ns: i64,
    end_ns: i64,
    score: f64,
    is_retracted: bool,
}

impl Side {
    fn of(words: &AlertWords, alert: &Alert, name: &[u8]) -> Side {
        Side {
            detector: words.detector(alert),
            symbol: alerts::symbol(alert.symbol, name),
            shown: symbol_text(alert, name),
            start_ns: alert.start.0,
            end_ns: alert.end.0,
            score: alert.score.get(),
            is_retracted: alert.change == Change::Retract,
        }
    }

    fn is_same_at_another_message(&self, other: &Side) -> bool {
        self.detector == other.detector
            && self.symbol == other.symbol
            && self.start_ns <= other.end_ns
            && other.start_ns <= self.end_ns
    }

    fn json(&self, id: &str) -> Value {
        json!({
            "id": id, "detector": self.detector, "symbol": self.symbol, "start_ns": self.start_ns,
            "end_ns": self.end_ns, "score": self.score, "retracted": self.is_retracted,
        })
    }

    fn text(&self, id: &str) -> String {
        let start = time_text(engine::units::Nanos(self.start_ns));
        format!("{id} {} {} {start}", self.detector, self.shown)
    }
}

/// What became of an alert.
enum Line {
    Added(Side),
    Gone(Side),
    Changed { id_before: String, before: Side, now: Side },
}

/// See the module.
pub(crate) struct Changed {
    keys: Vec<String>,
    /// By id.
    lines: BTreeMap<String, Line>,
    as_they_were: u64,
}

impl Changed {
    /// Takes from `found` what is there already under an id of before: an alert that opens by another message.
    fn pair(&mut self, found: &mut BTreeMap<String, Side>) {
        let mut pairs = Vec::new();
        for (id, line) in &self.lines {
            let Line::Gone(before) = line else { continue };
            let same = found.iter().find(|(_, now)| before.is_same_at_another_message(now));
            if let Some((now_id, _)) = same {
                let now_id = now_id.clone();
                pairs.extend(found.remove(&now_id).map(|now| (id.clone(), now_id, now)));
            }
        }
        for (id_before, id, now) in pairs {
            if let Some(Line::Gone(before)) = self.lines.remove(&id_before) {
                self.lines.insert(id, Line::Changed { id_before, before, now });
            }
        }
    }

    /// As the fields of an object.
    pub(crate) fn json(&self) -> Value {
        let (mut added, mut gone, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for (id, line) in &self.lines {
            match line {
                Line::Added(now) => added.push(now.json(id)),
                Line::Gone(before) => gone.push(before.json(id)),
                Line::Changed { id_before, before, now } => {
                    let mut object = now.json(id);
                    object["before"] = before.json(id_before);
                    changed.push(object);
                }
            }
        }
        json!({
            "keys": self.keys, "added": added, "gone": gone, "changed": changed,
            "as_they_were": self.as_they_were,
        })
    }

    /// A line each, and one with the counts.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("\nalerts under another {}\n", self.keys.join(", "));
        let mut counts = [0u64; 3];
        for (id, line) in &self.lines {
            let (at, line) = match line {
                Line::Added(now) => (0, format!("+ {} {:.1}\n", now.text(id), now.score)),
                Line::Gone(before) => (1, format!("- {} {:.1}\n", before.text(id), before.score)),
                Line::Changed { id_before, before, now } => {
                    (2, changed_text(id, now, id_before, before))
                }
            };
            text += &line;
            counts[at] += 1;
        }
        let [added, gone, changed] = counts.map(grouped);
        let same = grouped(self.as_they_were);
        text + &format!("{added} new, {gone} gone, {changed} changed, {same} as they were\n")
    }
}

/// What is other of an alert that both runs have.
fn changed_text(id: &str, now: &Side, id_before: &str, before: &Side) -> String {
    let mut text = format!("~ {} {:.1}", now.text(id), now.score);
    if id != id_before {
        text += &format!(", opened as {id_before}");
    }
    if now.score != before.score {
        text += &format!(", was {:.1}", before.score);
    }
    let time = |ns| time_text(engine::units::Nanos(ns));
    if now.start_ns != before.start_ns {
        text += &format!(", began {}", time(before.start_ns));
    }
    if now.end_ns != before.end_ns {
        text += &format!(", ends {}, was {}", time(now.end_ns), time(before.end_ns));
    }
    if now.is_retracted != before.is_retracted {
        text += if now.is_retracted { ", retracted" } else { ", no longer retracted" };
    }
    text + "\n"
}
