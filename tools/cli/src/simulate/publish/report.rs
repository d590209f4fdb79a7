//! What was published and served, for people and as JSON.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use exchange::Settings;
use exchange::wire::{Addresses, LineCounts, WireCounts};
use feed_handlers::moldudp64::SessionId;
use serde_json::{Value, json};

use super::address_file;
use crate::day::TradingDay;
use crate::output::decimal::grouped;
use crate::simulate::files::Written;

/// See the module.
pub(super) struct Report {
    /// What was asked for.
    pub(super) settings: Settings,
    /// The day.
    pub(super) day: TradingDay,
    /// Its name on the wire.
    pub(super) session: SessionId,
    /// Where it was.
    pub(super) addresses: Addresses,
    /// What became of it.
    pub(super) counts: WireCounts,
    /// A signal ended it.
    pub(super) interrupted: bool,
    /// Where it was written, and what, if it was.
    pub(super) directory: Option<PathBuf>,
    pub(super) written: Option<Written>,
    /// Time taken, the end told included.
    pub(super) elapsed: Duration,
}

/// The lines' names.
const NAMES: [&str; 2] = ["A", "B"];

impl Report {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let counts = &self.counts;
        let line = |(name, line): (&str, &LineCounts)| {
            json!({
                "name": name,
                "packets": line.packets,
                "messages": line.messages,
                "offered": line.offered,
                "dropped": line.dropped,
                "dropped_messages": line.dropped_messages,
                "duplicated": line.duplicated,
                "reordered": line.reordered,
            })
        };
        let lines: Vec<Value> = NAMES.into_iter().zip(&counts.lines).map(line).collect();
        json!({
            "tapewatch": env!("CARGO_PKG_VERSION"),
            "date": self.day.to_string(),
            "seed": self.settings.seed,
            "symbols": self.settings.symbols,
            "messages": counts.messages,
            "is_whole_day": counts.messages == self.settings.messages,
            "interrupted": self.interrupted,
            "addresses": address_file::json(&self.addresses, self.session),
            "lines": lines,
            "requests": counts.requests,
            "requests_answered": counts.requests_answered,
            "requests_dropped": counts.requests_dropped,
            "retransmitted": counts.retransmitted,
            "snapshots": counts.snapshots,
            "soup_logins": counts.soup_logins,
            "clients_dropped": counts.clients_dropped,
            "directory": self.directory.as_ref().map(|path| path.display().to_string()),
            "truth_levels": self.written.as_ref().map(|written| written.levels),
            "elapsed_s": self.elapsed.as_secs_f64(),
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let counts = &self.counts;
        let ended = match (self.interrupted, counts.messages == self.settings.messages) {
            (_, true) => "the whole day",
            (true, false) => "ended by a signal",
            (false, false) => "ended by --max-time",
        };
        let mut lines = vec![
            ("session", self.session.to_string()),
            ("messages", format!("{}, {ended}", grouped(counts.messages))),
        ];
        for (name, line) in ["line A", "line B"].into_iter().zip(&counts.lines) {
            let told = format!(
                "{} packets; on purpose {} lost, {} twice, {} held back",
                grouped(line.packets),
                grouped(line.dropped),
                grouped(line.duplicated),
                grouped(line.reordered)
            );
            lines.push((name, told));
        }
        let served = format!(
            "{} of {} requests ({} messages), {} snapshots, {} SoupBinTCP logins, {} clients dropped",
            grouped(counts.requests_answered),
            grouped(counts.requests),
            grouped(counts.retransmitted),
            grouped(counts.snapshots),
            grouped(counts.soup_logins),
            grouped(counts.clients_dropped)
        );
        lines.push(("served", served));
        if let (Some(directory), Some(written)) = (&self.directory, &self.written) {
            let told = format!(
                "{}: {} messages, {} levels",
                directory.display(),
                grouped(written.messages),
                grouped(written.levels)
            );
            lines.push(("written", told));
        }
        lines.push(("took", format!("{:.3} s, the end told included", self.elapsed.as_secs_f64())));
        let mut text = String::new();
        for (name, figure) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {figure}");
        }
        text
    }
}
