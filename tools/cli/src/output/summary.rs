//! `summary.json`: the whole run in one object, for `--out` and for `--json`.

use std::io::{self, Write};
use std::time::Duration;

use engine::state::{Section, StateHash};
use engine::units::{Nanos, Sequence};
use serde_json::{Map, Value, json};

use crate::day::TradingDay;
use crate::replay::bars::Told;
use crate::replay::hashes::HashCheck;

/// How the engine was laid out, and how often a stage waited for the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineFigures {
    /// `inline` or `pipelined`.
    pub(crate) topology: &'static str,
    /// Shards.
    pub(crate) shards: usize,
    /// How often a shard's ring of events was full.
    pub(crate) router_stalls: u64,
    /// How often a shard's ring of signals was full.
    pub(crate) shard_stalls: u64,
}

/// What came of the windows of all sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BarFigures {
    /// How late a print may come, in ns.
    pub(crate) lateness_ns: i64,
    /// By size, ascending.
    pub(crate) sizes: Vec<BarSize>,
}

/// What came of the windows of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BarSize {
    /// The size.
    pub(crate) size_ns: i64,
    /// Prints that came after the end of their window and were taken in.
    pub(crate) late: u64,
    /// Prints that came too late and were left out.
    pub(crate) dropped: u64,
    /// Breaks that corrected a window after its end.
    pub(crate) corrected: u64,
    /// Windows and lines.
    pub(crate) told: Told,
}

/// A snapshot that a run went on from, and how that went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restarted {
    /// The last message that it has.
    pub(crate) sequence: Sequence,
    /// Messages that it has, which were not applied again.
    pub(crate) messages: u64,
    /// Messages behind it that the journal had.
    pub(crate) recovered_messages: u64,
    /// Until the engine had its state.
    pub(crate) restored: Duration,
    /// From the command's begin until all that the journal had was applied.
    pub(crate) ready: Duration,
}

impl Restarted {
    fn json(&self) -> Value {
        json!({
            "sequence": self.sequence.0,
            "messages": self.messages,
            "recovered_messages": self.recovered_messages,
            "restored_s": self.restored.as_secs_f64(),
            "ready_s": self.ready.as_secs_f64(),
        })
    }
}

/// What a run did, in all.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    /// What was read: paths, formats, lines, counts.
    pub(crate) input: Value,
    /// The trading day.
    pub(crate) day: TradingDay,
    /// Messages, of any type.
    pub(crate) messages: u64,
    /// Messages by their type byte.
    pub(crate) by_type: Vec<(u8, u64)>,
    /// Least and greatest exchange time; `None` if no message had one.
    pub(crate) times: Option<(Nanos, Nanos)>,
    /// Symbols in the results.
    pub(crate) symbols: u64,
    /// Symbols in the results whose books are in doubt: messages of their feed were lost, and no
    /// snapshot of it came since.
    pub(crate) suspect_symbols: u64,
    /// Live orders of all symbols.
    pub(crate) orders_live: u64,
    /// What was wrong with the input, by cause.
    pub(crate) quality: Vec<(&'static str, u64)>,
    /// Windows over prints.
    pub(crate) bars: BarFigures,
    /// Why the input did not come to a good end.
    pub(crate) fault: Option<String>,
    /// The state after the last message.
    pub(crate) hash: StateHash,
    /// The engine.
    pub(crate) engine: EngineFigures,
    /// The journal, where the run was recorded.
    pub(crate) journal: Option<Value>,
    /// The output log, where the run was recorded.
    pub(crate) output_log: Option<Value>,
    /// The digests on record, where the input was a recorded session.
    pub(crate) hash_check: Option<HashCheck>,
    /// What the follower did, where there was one.
    pub(crate) snapshots: Option<Value>,
    /// What its packets took, stage by stage, where there was a board.
    pub(crate) latency: Option<Value>,
    /// The snapshot that the run went on from, if it did.
    pub(crate) restarted: Option<Restarted>,
    /// Time from the first packet to the last, of a clock here.
    pub(crate) elapsed: Duration,
    /// Most memory this process held.
    pub(crate) peak_rss_bytes: u64,
}

impl Summary {
    /// Messages that this run applied: those behind the snapshot that it went on from.
    fn applied(&self) -> u64 {
        self.messages - self.restarted.map_or(0, |restarted| restarted.messages).min(self.messages)
    }

    /// Messages per second of time here; 0 before any time has passed.
    pub(crate) fn messages_per_s(&self) -> f64 {
        ratio(self.applied() as f64, self.elapsed.as_secs_f64())
    }

    /// Time here per message; 0 without messages.
    pub(crate) fn ns_per_message(&self) -> f64 {
        ratio(self.elapsed.as_nanos() as f64, self.applied() as f64)
    }

    /// The object of `summary.json`.
    pub(crate) fn json(&self) -> Value {
        let by_type: Map<String, Value> =
            self.by_type.iter().map(|&(byte, count)| (type_text(byte), json!(count))).collect();
        let quality: Map<String, Value> = self
            .quality
            .iter()
            .map(|&(cause, count)| (String::from(cause), json!(count)))
            .collect();
        let digest = |section: Section| {
            (section.name().to_owned(), json!(self.hash.section(section).to_string()))
        };
        let sections: Map<String, Value> = Section::ALL.into_iter().map(digest).collect();
        let hash_check = self.hash_check.as_ref().map(|check| {
            json!({
                "equal": check.equal,
                "mismatch": check.mismatch,
                "not_comparable": check.not_comparable,
            })
        });
        let sizes = self.bars.sizes.iter().map(|size| {
            json!({
                "size_ns": size.size_ns,
                "late": size.late,
                "dropped": size.dropped,
                "corrected": size.corrected,
                "windows": size.told.windows,
                "outputs": size.told.outputs,
            })
        });
        let bars = json!({
            "lateness_ns": self.bars.lateness_ns,
            "sizes": sizes.collect::<Vec<_>>(),
        });
        json!({
            "tapewatch": env!("CARGO_PKG_VERSION"),
            "input": self.input,
            "date": self.day.to_string(),
            "messages": self.messages,
            "by_type": by_type,
            "first_ts_ns": self.times.map(|(first, _)| first.0),
            "last_ts_ns": self.times.map(|(_, last)| last.0),
            "symbols": self.symbols,
            "suspect_symbols": self.suspect_symbols,
            "orders_live": self.orders_live,
            "quality": quality,
            "bars": bars,
            "fault": self.fault,
            "state_hash": self.hash.to_string(),
            "sections": sections,
            "hash_check": hash_check,
            "engine": {"topology": self.engine.topology, "shards": self.engine.shards},
            "stalls": {
                "router": self.engine.router_stalls,
                "shards": self.engine.shard_stalls,
            },
            "journal": self.journal,
            "output_log": self.output_log,
            "snapshots": self.snapshots,
            "latency": self.latency,
            "restarted_from": self.restarted.as_ref().map(Restarted::json),
            "elapsed_s": self.elapsed.as_secs_f64(),
            "messages_per_s": self.messages_per_s(),
            "ns_per_message": self.ns_per_message(),
            "peak_rss_bytes": self.peak_rss_bytes,
        })
    }

    /// Writes the object, indented, with a line break at its end.
    pub(crate) fn write(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, &self.json())?;
        out.write_all(b"\n")
    }
}

/// A message type as a key: itself where it is printable ASCII, `0xNN` otherwise.
pub(crate) fn type_text(byte: u8) -> String {
    match byte {
        b' '..=b'~' => String::from(char::from(byte)),
        _ => format!("0x{byte:02x}"),
    }
}

fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 { numerator / denominator } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Summary {
        Summary {
            input: json!({}),
            day: TradingDay::epoch(),
            messages: 0,
            by_type: Vec::new(),
            times: None,
            symbols: 0,
            suspect_symbols: 0,
            orders_live: 0,
            quality: vec![("unknown_type", 0)],
            bars: BarFigures::default(),
            fault: None,
            hash: StateHash::of(&engine::state::SectionSums::default()),
            engine: EngineFigures {
                topology: "inline",
                shards: 1,
                router_stalls: 0,
                shard_stalls: 0,
            },
            journal: None,
            output_log: None,
            hash_check: None,
            snapshots: None,
            latency: None,
            restarted: None,
            elapsed: Duration::ZERO,
            peak_rss_bytes: 0,
        }
    }

    #[test]
    fn the_keys_come_in_the_interfaces_order() {
        let json = empty().json();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "tapewatch",
                "input",
                "date",
                "messages",
                "by_type",
                "first_ts_ns",
                "last_ts_ns",
                "symbols",
                "suspect_symbols",
                "orders_live",
                "quality",
                "bars",
                "fault",
                "state_hash",
                "sections",
                "hash_check",
                "engine",
                "stalls",
                "journal",
                "output_log",
                "snapshots",
                "latency",
                "restarted_from",
                "elapsed_s",
                "messages_per_s",
                "ns_per_message",
                "peak_rss_bytes"
            ]
        );
    }

    #[test]
    fn a_run_without_messages_has_no_times_and_no_division_by_zero() {
        let json = empty().json();
        assert_eq!(json["first_ts_ns"], Value::Null);
        assert_eq!(json["messages_per_s"], 0.0);
        assert_eq!(json["ns_per_message"], 0.0);
    }

    #[test]
    fn a_type_that_is_no_printable_byte_is_written_in_hex() {
        let mut summary = empty();
        summary.by_type = vec![(0, 2), (b'A', 3), (0x7f, 1), (0xff, 4)];
        assert_eq!(summary.json()["by_type"].to_string(), r#"{"0x00":2,"A":3,"0x7f":1,"0xff":4}"#);
    }

    #[test]
    fn rates_follow_from_messages_and_time() {
        let mut summary = empty();
        summary.messages = 1_000;
        summary.elapsed = Duration::from_micros(50);
        assert!((summary.ns_per_message() - 50.0).abs() < 1e-9);
        assert!((summary.messages_per_s() - 20e6).abs() < 1.0);
        // What a snapshot held already took no time here.
        summary.restarted = Some(Restarted { messages: 500, ..Restarted::default() });
        assert!((summary.ns_per_message() - 100.0).abs() < 1e-9);
    }
}
