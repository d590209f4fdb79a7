//! What was simulated and written, for people and as JSON.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use exchange::Settings;
use serde_json::{Map, Value, json};

use crate::day::TradingDay;
use crate::memory::Resident;
use crate::output::decimal::grouped;
use crate::output::summary::type_text;
use crate::simulate::files::Written;
use crate::span;

/// See the module.
pub(super) struct Summary {
    /// What was asked for.
    pub(super) settings: Settings,
    /// Who traded.
    pub(super) population: &'static str,
    /// The day.
    pub(super) day: TradingDay,
    /// Where it was written.
    pub(super) directory: PathBuf,
    /// What was written.
    pub(super) written: Written,
    /// Time taken, writing included.
    pub(super) elapsed: Duration,
}

impl Summary {
    /// The types that occur, and how often.
    fn by_type(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        let counts = (0u8..=255).zip(self.written.by_type);
        counts.filter(|(_, count)| *count > 0).map(|(byte, count)| (type_text(byte), count))
    }

    fn messages_per_s(&self) -> f64 {
        self.written.messages as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let Settings { seed, symbols, messages: _, continuous_ns } = self.settings;
        let by_type: Map<String, Value> =
            self.by_type().map(|(byte, count)| (byte, json!(count))).collect();
        let capture = self
            .written
            .capture
            .map(|capture| json!({"packets": capture.packets, "bytes": capture.bytes}));
        json!({
            "tapewatch": env!("CARGO_PKG_VERSION"),
            "directory": self.directory.display().to_string(),
            "date": self.day.to_string(),
            "seed": seed,
            "symbols": symbols,
            "population": self.population,
            "duration_ns": continuous_ns,
            "messages": self.written.messages,
            "by_type": by_type,
            "bytes": self.written.itch_bytes,
            "capture": capture,
            "truth_levels": self.written.levels,
            "labels": self.written.labels,
            "elapsed_s": self.elapsed.as_secs_f64(),
            "messages_per_s": self.messages_per_s(),
            "peak_rss_bytes": Resident::ask().peak_bytes,
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Settings { seed, symbols, messages: _, continuous_ns } = self.settings;
        let by_type: Vec<String> =
            self.by_type().map(|(byte, count)| format!("{byte} {}", grouped(count))).collect();
        let mut lines = vec![
            ("date", self.day.to_string()),
            ("seed", seed.to_string()),
            ("symbols", grouped(symbols)),
            ("population", String::from(self.population)),
            ("trading", span::text(Duration::from_nanos(continuous_ns))),
            ("messages", grouped(self.written.messages)),
            ("by type", by_type.join("  ")),
            ("bytes", grouped(self.written.itch_bytes)),
        ];
        if let Some(capture) = self.written.capture {
            let told = format!(
                "{} packets on two lines, {} bytes",
                grouped(capture.packets),
                grouped(capture.bytes)
            );
            lines.push(("capture", told));
        }
        lines
            .push(("final books", format!("{} levels in truth.csv", grouped(self.written.levels))));
        if self.written.labels > 0 {
            let told = format!("{} in labels.jsonl", grouped(self.written.labels));
            lines.push(("labels", told));
        }
        lines.push((
            "took",
            format!(
                "{:.3} s, {:.2} M messages/s, writing included",
                self.elapsed.as_secs_f64(),
                self.messages_per_s() / 1e6
            ),
        ));
        lines.push((
            "replay it",
            format!(
                "tapewatch replay {} --date {}",
                self.directory.join("session.itch").display(),
                self.day
            ),
        ));
        let mut text = String::new();
        for (name, figure) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {figure}");
        }
        text
    }
}
