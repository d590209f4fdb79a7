//! `alerts.jsonl`: a line an alert, in its final state, in order of id. FORMATS.md says what stands in it.
//!
//! A [`MarketListener`](crate::market::MarketListener) gives each alert that it hears to [`Alerts`], which keeps
//! what was told of it last and writes all of them at the end. Memory is as much as there are alerts.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::detect::catalogue::{Catalogue, Described};
use crate::detect::{Alert, Change};
use crate::output::names;
use crate::units::{FeedId, SymbolId};

/// What an alert's words come from: feeds, detectors and their parameters.
#[derive(Clone, Debug)]
pub struct AlertWords {
    feeds: Vec<String>,
    catalogue: Catalogue,
}

impl AlertWords {
    /// Of feeds by their names, and of the engine's detectors.
    #[must_use]
    pub fn new(feeds: Vec<String>, catalogue: Catalogue) -> AlertWords {
        AlertWords { feeds, catalogue }
    }

    fn feed(&self, feed: FeedId) -> &str {
        self.feeds.get(usize::from(feed.0)).map_or("f", String::as_str)
    }

    /// `<feed>-<sequence>-<detector>-<locate>`: the message that opened it, the detector, the symbol.
    #[must_use]
    pub fn id(&self, alert: &Alert) -> String {
        let feed = self.feed(alert.symbol.feed());
        let (code, locate) = (alert.code.0, alert.symbol.locate());
        format!("{feed}-{:016x}-{code:02x}-{locate:04x}", alert.opened.0)
    }

    /// What the detector is called; one that is not known, a user's own in another program, by its number.
    #[must_use]
    pub fn detector(&self, alert: &Alert) -> String {
        match self.catalogue.get(alert.code) {
            Some(described) => described.spec.name.to_owned(),
            None => format!("own_{}", alert.code.0),
        }
    }

    /// The alert as it stands; an empty name is none.
    #[must_use]
    pub fn json(&self, alert: &Alert, name: &[u8]) -> Value {
        let described = self.catalogue.get(alert.code);
        let figures: Map<String, Value> = match described {
            Some(Described { spec, .. }) => {
                let named = spec.figures.iter().zip(alert.figures);
                named.map(|(name, value)| ((*name).to_owned(), number(value))).collect()
            }
            None => {
                let numbered = (0..).zip(alert.figures);
                numbered.map(|(at, value)| (format!("figure_{at}"), number(value))).collect()
            }
        };
        let thresholds = described.map(|it| &*it.thresholds).unwrap_or_default();
        let thresholds: Map<String, Value> =
            thresholds.iter().map(|(name, value)| ((*name).to_owned(), number(*value))).collect();
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
            "pattern": described.map(|it| format!("pattern consistent with {}", it.spec.pattern)),
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
#[must_use]
pub fn symbol(symbol: SymbolId, name: &[u8]) -> String {
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
pub struct Alerts {
    /// By id.
    by_id: BTreeMap<String, (Alert, Box<[u8]>)>,
}

impl Alerts {
    /// Takes what was told of an alert last.
    pub fn take(&mut self, words: &AlertWords, alert: &Alert, name: &[u8]) {
        self.by_id.insert(words.id(alert), (*alert, name.into()));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (&Alert, &[u8])> {
        self.by_id.values().map(|(alert, name)| (alert, &**name))
    }

    /// Writes a line each.
    ///
    /// # Errors
    /// If a line cannot be written.
    pub fn write(&self, words: &AlertWords, mut out: impl Write) -> io::Result<()> {
        for (alert, name) in self.iter() {
            writeln!(out, "{}", words.json(alert, name))?;
        }
        Ok(())
    }
}
