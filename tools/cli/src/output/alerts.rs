//! `alerts.jsonl`: a line an alert, in its final state, in order of id.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::detect::spec::Spec;
use engine::detect::{Alert, Change, Settings};
use engine::units::{FeedId, SymbolId};
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::output::names;

/// What an alert's words come from: feeds, detectors and their parameters.
#[derive(Clone, Debug)]
pub(crate) struct AlertWords {
    feeds: Vec<String>,
    settings: Settings,
    specs: Vec<&'static Spec>,
}

impl AlertWords {
    /// Under a configuration.
    pub(crate) fn of(config: &Config) -> AlertWords {
        let live = config.feeds.iter().map(|feed| feed.name.as_str().to_owned());
        let mut feeds: Vec<String> = live.collect();
        if feeds.is_empty() {
            feeds.push(config.feed.name.as_str().to_owned());
        }
        AlertWords { feeds, settings: config.detect.0, specs: Settings::specs() }
    }

    fn feed(&self, feed: FeedId) -> &str {
        self.feeds.get(usize::from(feed.0)).map_or("f", String::as_str)
    }

    /// `<feed>-<sequence>-<detector>-<locate>`: the message that opened it, the detector, the symbol.
    pub(crate) fn id(&self, alert: &Alert) -> String {
        let feed = self.feed(alert.symbol.feed());
        let (code, locate) = (alert.code.0, alert.symbol.locate());
        format!("{feed}-{:016x}-{code:02x}-{locate:04x}", alert.opened.0)
    }

    fn spec(&self, alert: &Alert) -> Option<&'static Spec> {
        self.specs.iter().copied().find(|spec| spec.code == alert.code)
    }

    /// What the detector is called; a user's own by its number.
    pub(crate) fn detector(&self, alert: &Alert) -> String {
        match self.spec(alert) {
            Some(spec) => spec.name.to_owned(),
            None => format!("own_{}", alert.code.0),
        }
    }

    /// The alert as it stands; an empty name is none.
    pub(crate) fn json(&self, alert: &Alert, name: &[u8]) -> Value {
        let spec = self.spec(alert);
        let figures: Map<String, Value> = spec.map_or_else(
            || {
                (0..)
                    .zip(alert.figures)
                    .map(|(at, it)| (format!("figure_{at}"), number(it)))
                    .collect()
            },
            |spec| {
                let named = spec.figures.iter().zip(alert.figures);
                named.map(|(name, value)| ((*name).to_owned(), number(value))).collect()
            },
        );
        let thresholds: Map<String, Value> = spec
            .into_iter()
            .flat_map(|spec| self.settings.thresholds(spec))
            .map(|(name, value)| (name.to_owned(), number(value)))
            .collect();
        let is_retracted = alert.change == Change::Retract;
        let mut line = json!({
            "id": self.id(alert),
            "detector": self.detector(alert),
            "symbol": symbol(alert.symbol, name),
            "start_ns": alert.start.0,
            "end_ns": alert.end.0,
            "score": number(alert.score.get()),
            "phase": alert.phase.name(),
            "figures": figures,
            "thresholds": thresholds,
            "evidence": {"first_sequence": alert.first.0, "last_sequence": alert.last.0},
            "pattern": spec.map(|spec| format!("pattern consistent with {}", spec.pattern)),
        });
        if let Some(line) = line.as_object_mut() {
            if alert.is_suspect {
                line.insert(String::from("suspect"), json!(true));
            }
            if is_retracted {
                line.insert(String::from("retracted"), json!(true));
            }
        }
        line
    }
}

/// A symbol as lines have it; the market as a whole has no name.
pub(crate) fn symbol(symbol: SymbolId, name: &[u8]) -> String {
    if symbol.locate() == 0 {
        return String::new();
    }
    names::text((!name.is_empty()).then_some(name), symbol)
}

/// A figure: whole where it is whole; what is no number is none.
fn number(value: f64) -> Value {
    const WHOLE_MAX: f64 = 9e15;
    if value.fract() == 0.0 && value.abs() < WHOLE_MAX {
        // Exact, by the two conditions.
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// The alerts of a run, each as it stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts {
    /// By id.
    by_id: BTreeMap<String, (Alert, Box<[u8]>)>,
}

impl Alerts {
    /// Takes what was told of an alert last.
    pub(crate) fn take(&mut self, words: &AlertWords, alert: &Alert, name: &[u8]) {
        self.by_id.insert(words.id(alert), (*alert, name.into()));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All, in order of id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Alert, &[u8])> {
        self.by_id.values().map(|(alert, name)| (alert, &**name))
    }

    /// Writes a line each.
    pub(crate) fn write(&self, words: &AlertWords, mut out: impl Write) -> io::Result<()> {
        for (alert, name) in self.iter() {
            writeln!(out, "{}", words.json(alert, name))?;
        }
        Ok(())
    }
}
