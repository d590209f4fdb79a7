//! What a board tells, as a table for people.

use std::fmt::Write as _;

use engine::board::counters::text_of;
use engine::units::Nanos;

use super::figure::{bytes_text, ns_text, percent, short, uptime};
use super::json::state_of;
use super::quotes;
use super::report::Report;
use super::standing;
use crate::exit::one_line;
use crate::journal::line::time_text;
use crate::output::decimal::grouped;
use crate::output::quantiles::{QUANTILES, TITLES};
use crate::output::summary::type_text;
use crate::output::table::{aligned, wrapped};

/// Width of a figure's text.
const WIDTH: usize = 100;

/// All of it.
pub(crate) fn of(report: &Report) -> String {
    let mut text = String::new();
    for (name, figure) in head(report).into_iter().chain(positions(report)) {
        for (row, part) in wrapped(&figure, WIDTH).into_iter().enumerate() {
            let name = if row == 0 { name } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {part}");
        }
    }
    let mut section = |name: &str, table: Option<String>| {
        if let Some(table) = table {
            let _ = write!(text, "\n{name}\n{table}");
        }
    };
    section("FEEDS", feeds(report));
    section("LINES", lines(report));
    section("RINGS", rings(report));
    section("THREADS", threads(report));
    section("CURSORS", cursors(report));
    section("LATENCIES", latencies(report));
    section("SYMBOLS", report.symbols.as_deref().map(quotes::text_of));
    text
}

/// Who it is, and what has come.
fn head(report: &Report) -> Vec<(&'static str, String)> {
    let look = &report.look;
    let ingest = &look.ingest;
    let about = format!(
        "{}{}, pid {}, up {}, started {}, {} shard{}, {} clock",
        standing::word(look.liveness),
        if ingest.is_recovering == 1 { " (recovering)" } else { "" },
        look.engine.pid,
        uptime(look.uptime_ns()),
        time_text(look.engine.started),
        look.engine.shards,
        if look.engine.shards == 1 { "" } else { "s" },
        look.engine.clock,
    );
    let mut head = vec![("session", look.engine.session.to_string()), ("engine", about)];
    if let Some(banner) = standing::banner(look) {
        head.push(("", banner));
    }
    if !look.torn.is_empty() {
        head.push(("unreadable", format!("{}: being written when read", look.torn.join(", "))));
    }
    let feed_time = look.feed_time().map_or_else(|| "none yet".to_owned(), time_text);
    head.push(("feed time", feed_time));
    let sums = format!(
        "{} in {} packets, {}",
        grouped(ingest.messages),
        grouped(ingest.packets),
        bytes_text(ingest.bytes as f64)
    );
    head.push(("messages", sums));
    let types = report.by_type().map(|(byte, n)| format!("{} {}", type_text(byte), grouped(n)));
    head.push(("by type", types.collect::<Vec<_>>().join("  ")));
    let rates = format!(
        "{} messages/s, {} packets/s, {}/s {}",
        short(report.rates.messages_per_s),
        short(report.rates.packets_per_s),
        bytes_text(report.rates.bytes_per_s),
        if report.is_difference {
            format!("over {:.1} s", report.rates.over_s)
        } else {
            "since the start".to_owned()
        }
    );
    head.push(("rates", rates));
    let books = format!(
        "{} symbols, {} orders on {} levels",
        grouped(look.symbols.len() as u64),
        grouped(look.orders()),
        grouped(look.levels())
    );
    head.push(("books", books));
    let faults: Vec<String> = report
        .quality()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(cause, count)| format!("{cause} {}", grouped(*count)))
        .collect();
    let quality = if faults.is_empty() { "nothing amiss".to_owned() } else { faults.join("  ") };
    head.push(("quality", quality));
    let gaps = format!(
        "{} passed, {} messages in them, {} pieces of snapshots taken",
        grouped(ingest.gaps),
        grouped(ingest.gap_messages),
        grouped(ingest.snapshot_items)
    );
    head.push(("gaps", gaps));
    head
}

/// How far journal, output log and snapshots are.
fn positions(report: &Report) -> Vec<(&'static str, String)> {
    let kept = &report.look.kept;
    let mut all = Vec::new();
    if kept.is_journaled == 1 {
        let place = |[segment, offset]: [u64; 2]| format!("{segment}:{}", grouped(offset));
        let journal = format!(
            "{} frames, {}, to sequence {}{}",
            grouped(kept.journal_frames),
            bytes_text(kept.journal_bytes as f64),
            kept.appended_sequence,
            if kept.has_failed == 1 { "  FAILED" } else { "" }
        );
        let carried = format!(
            "appended {}  archived {}  synced {}  (segment:byte)  archive lag {}",
            place(kept.appended),
            place(kept.archived),
            place(kept.synced),
            bytes_text(kept.archive_lag_bytes as f64)
        );
        let waits =
            format!("{} times, {}", grouped(kept.journal_waits), ns_text(kept.journal_waited_ns));
        all.extend([("journal", journal), ("", carried), ("waited", waits)]);
        let outputs =
            format!("{} outputs, to position {}", grouped(kept.outputs), kept.output_position);
        all.push(("output log", outputs));
        let snapshot = report.snapshot_age_ns().map_or_else(
            || "none yet".to_owned(),
            |age_ns| {
                format!(
                    "at position {}, {} old ({}), follower at {}",
                    kept.snapshot_position,
                    uptime(age_ns),
                    time_text(Nanos(kept.snapshot_ns)),
                    kept.follower_position
                )
            },
        );
        all.push(("snapshot", snapshot));
    } else {
        all.push(("journal", "none".to_owned()));
    }
    all.push(("memory", format!("{} resident", bytes_text(kept.resident_bytes as f64))));
    all
}

fn feeds(report: &Report) -> Option<String> {
    let header =
        ["feed", "state", "next", "gaps", "line", "retransmit", "snapshot", "open", "given up"];
    let rows = report.look.feeds.iter().filter(|feed| feed.name[0] != 0).map(|feed| {
        [
            label(&feed.name),
            state_of(feed).to_owned(),
            feed.next_sequence.to_string(),
            grouped(feed.gaps_opened),
            grouped(feed.healed_by_line),
            grouped(feed.healed_by_retransmit),
            grouped(feed.healed_by_snapshot),
            grouped(feed.gaps_open),
            grouped(feed.given_up_messages),
        ]
    });
    some(&header, rows.collect(), &[0, 1])
}

fn lines(report: &Report) -> Option<String> {
    let header = ["line", "packets", "messages", "lost", "duplicate", "late", "drops", "silences"];
    let rows = report.look.lines.iter().map(|line| {
        [
            label(&line.name),
            grouped(line.packets),
            grouped(line.messages),
            grouped(line.lost),
            grouped(line.duplicates),
            grouped(line.late),
            grouped(line.kernel_drops),
            grouped(line.silences),
        ]
    });
    some(&header, rows.collect(), &[0])
}

fn rings(report: &Report) -> Option<String> {
    let header = ["ring", "capacity", "depth", "depth max", "passed", "stalls"];
    let rows = report.look.rings.iter().map(|ring| {
        [
            label(&ring.name),
            grouped(ring.capacity),
            grouped(ring.depth),
            grouped(ring.depth_max),
            grouped(ring.passed),
            grouped(ring.stalls),
        ]
    });
    some(&header, rows.collect(), &[0])
}

fn threads(report: &Report) -> Option<String> {
    let header = ["thread", "number", "core", "busy", "idle", "blocked", "waited"];
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    let rows = report.threads.iter().map(|thread| {
        [
            thread.name.clone(),
            thread.thread.to_string(),
            thread.core.to_string(),
            share(thread.busy),
            share(thread.idle),
            percent(thread.blocked),
            percent(thread.waited),
        ]
    });
    some(&header, rows.collect(), &[0])
}

fn cursors(report: &Report) -> Option<String> {
    let header = ["cursor", "at segment", "byte", "lag"];
    let rows = report.look.cursors.iter().map(|cursor| {
        [
            label(&cursor.name),
            cursor.segment.to_string(),
            grouped(cursor.offset_bytes),
            bytes_text(cursor.lag_bytes as f64),
        ]
    });
    some(&header, rows.collect(), &[0])
}

fn latencies(report: &Report) -> Option<String> {
    let [p50, p90, p99, p999, p9999] = TITLES;
    let header = ["stage", "samples", p50, p90, p99, p999, p9999, "max", "saturated"];
    let sampled = report.latencies.iter().filter(|(_, latencies)| latencies.samples() > 0);
    let rows = sampled.map(|(stage, latencies)| {
        let [p50, p90, p99, p999, p9999] =
            QUANTILES.map(|(_, quantile)| ns_text(latencies.quantile_ns(quantile)));
        [
            stage.name().to_owned(),
            grouped(latencies.samples()),
            p50,
            p90,
            p99,
            p999,
            p9999,
            ns_text(latencies.max_ns()),
            grouped(latencies.saturated()),
        ]
    });
    some(&header, rows.collect(), &[0])
}

/// A name on the board, which does nothing to a terminal.
fn label(label: &[u8]) -> String {
    one_line(&text_of(label))
}

/// A table; `None` of nothing.
fn some<const N: usize>(
    header: &[&str; N],
    rows: Vec<[String; N]>,
    left: &[usize],
) -> Option<String> {
    (!rows.is_empty()).then(|| aligned(header, rows.into_iter(), left))
}
