//! What a board tells, as Prometheus scrapes it.
//!
//! Units are base units, seconds and bytes, as is the custom there. Latencies are native histograms with
//! the bounds of [`BOUNDS_NS`]; a class of the board that a bound cuts counts above it, and is less than
//! 1 % wide.

use engine::board::Liveness;
use engine::board::counters::{FeedCounts, LineCounts, text_of};
use engine::board::histogram::Latencies;
use engine::board::kept::RingDepth;

use super::exposition::{Exposition, Kind};
use super::report::Report;
use super::standing;
use crate::output::summary::type_text;

/// Upper bounds of the buckets of a latency, ns.
const BOUNDS_NS: [u64; 22] = [
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// Nanoseconds of a second.
const SECOND_NS: f64 = 1e9;

/// All of it.
pub(crate) fn of(report: &Report) -> String {
    let mut text = Exposition::default();
    engine(&mut text, report);
    messages(&mut text, report);
    feeds(&mut text, &report.look.feeds);
    lines(&mut text, &report.look.lines);
    rings(&mut text, &report.look.rings);
    journal(&mut text, report);
    threads(&mut text, report);
    latencies(&mut text, report);
    text.finish()
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / SECOND_NS
}

fn engine(text: &mut Exposition, report: &Report) {
    use Kind::Gauge;
    let look = &report.look;
    let (session, pid) = (look.engine.session.to_string(), look.engine.pid.to_string());
    text.family("tapewatch_engine_info", Gauge, "The engine whose board this is.");
    let labels = [("session", &*session), ("pid", &*pid), ("clock", look.engine.clock)];
    text.sample(&labels, 1);
    text.family("tapewatch_up", Gauge, "1 while the engine runs and keeps its board up.");
    text.sample(&[], u8::from(look.liveness == Liveness::Running));
    text.family("tapewatch_liveness", Gauge, "1 for the state that the engine is in.");
    for state in ["running", "stale", "ended", "gone"] {
        text.sample(&[("state", state)], u8::from(standing::word(look.liveness) == state));
    }
    text.family("tapewatch_start_time_seconds", Gauge, "When the engine began, Unix time.");
    text.sample(&[], look.engine.started.0 as f64 / SECOND_NS);
    text.family("tapewatch_recovering", Gauge, "1 while the journal is computed once more.");
    text.sample(&[], look.ingest.is_recovering);
    if let Some(time) = look.feed_time() {
        text.family("tapewatch_feed_time_seconds", Gauge, "Feed time, Unix time.");
        text.sample(&[], time.0 as f64 / SECOND_NS);
    }
    text.family("tapewatch_resident_bytes", Gauge, "Bytes resident in memory.");
    text.sample(&[], look.kept.resident_bytes);
    text.family("tapewatch_symbols", Gauge, "Symbols seen or named.");
    text.sample(&[], look.symbols.len());
    text.family("tapewatch_orders_live", Gauge, "Live orders of all symbols.");
    text.sample(&[], look.orders());
    text.family("tapewatch_price_levels", Gauge, "Price levels of all symbols.");
    text.sample(&[], look.levels());
}

fn messages(text: &mut Exposition, report: &Report) {
    use Kind::Counter;
    let ingest = &report.look.ingest;
    text.family("tapewatch_messages_total", Counter, "Messages, by type.");
    for (byte, count) in report.by_type() {
        text.sample(&[("type", &type_text(byte))], count);
    }
    let counters = [
        ("tapewatch_packets_total", ingest.packets, "Packets taken."),
        ("tapewatch_message_bytes_total", ingest.bytes, "Bytes of the messages."),
        ("tapewatch_gaps_total", ingest.gaps, "Gaps that were passed."),
        ("tapewatch_gap_messages_total", ingest.gap_messages, "Messages in passed gaps."),
        ("tapewatch_snapshot_items_total", ingest.snapshot_items, "Pieces of snapshots taken."),
        ("tapewatch_torn_packets_total", ingest.torn_packets, "Packets with a cut message."),
        ("tapewatch_ingest_stalls_total", ingest.stalls, "Waits for room in a shard's ring."),
    ];
    for (name, count, help) in counters {
        text.family(name, Counter, help);
        text.sample(&[], count);
    }
    text.family("tapewatch_quality_total", Counter, "Messages amiss, by cause.");
    for (cause, count) in report.quality() {
        text.sample(&[("cause", cause)], count);
    }
}

fn feeds(text: &mut Exposition, feeds: &[FeedCounts]) {
    use Kind::{Counter, Gauge};
    let named = || feeds.iter().filter(|feed| feed.name[0] != 0);
    if named().next().is_none() {
        return;
    }
    let mut family = |name, kind, help, of: fn(&FeedCounts) -> u64| {
        text.family(name, kind, help);
        named().for_each(|feed| text.sample(&[("feed", &text_of(&feed.name))], of(feed)));
    };
    let opened = "Holes in the stream that were noticed.";
    family("tapewatch_feed_gaps_opened_total", Counter, opened, |feed| feed.gaps_opened);
    family("tapewatch_feed_gaps_open", Gauge, "Holes that are open.", |feed| feed.gaps_open);
    let given_up = "Messages that were given up.";
    family("tapewatch_feed_given_up_messages_total", Counter, given_up, |feed| {
        feed.given_up_messages
    });
    let next = "The number of the next message.";
    family("tapewatch_feed_next_sequence", Gauge, next, |feed| feed.next_sequence);
    text.family("tapewatch_feed_gaps_healed_total", Counter, "Holes that were filled, by what.");
    for feed in named() {
        let by = [
            ("line", feed.healed_by_line),
            ("retransmit", feed.healed_by_retransmit),
            ("snapshot", feed.healed_by_snapshot),
        ];
        for (by, count) in by {
            text.sample(&[("feed", &text_of(&feed.name)), ("by", by)], count);
        }
    }
}

fn lines(text: &mut Exposition, lines: &[LineCounts]) {
    type Of = fn(&LineCounts) -> u64;
    const FAMILIES: [(&str, &str, Of); 8] = [
        ("tapewatch_line_packets_total", "Packets received.", |line| line.packets),
        ("tapewatch_line_messages_total", "Their messages.", |line| line.messages),
        ("tapewatch_line_lost_total", "Messages that the line did not bring.", |line| line.lost),
        ("tapewatch_line_duplicates_total", "Messages brought before.", |line| line.duplicates),
        ("tapewatch_line_late_total", "Messages that came too late.", |line| line.late),
        ("tapewatch_line_kernel_drops_total", "Datagrams without room.", |line| line.kernel_drops),
        ("tapewatch_line_silences_total", "Times of silence.", |line| line.silences),
        ("tapewatch_line_bytes_total", "Bytes of datagrams.", |line| line.bytes),
    ];
    if lines.is_empty() {
        return;
    }
    for (name, help, of) in FAMILIES {
        text.family(name, Kind::Counter, help);
        for line in lines {
            text.sample(&[("line", &text_of(&line.name))], of(line));
        }
    }
}

fn rings(text: &mut Exposition, rings: &[RingDepth]) {
    type Of = fn(&RingDepth) -> u64;
    const FAMILIES: [(&str, Kind, &str, Of); 5] = [
        ("tapewatch_ring_capacity", Kind::Gauge, "Values that fit.", |ring| ring.capacity),
        ("tapewatch_ring_depth", Kind::Gauge, "Values in the ring.", |ring| ring.depth),
        ("tapewatch_ring_depth_max", Kind::Gauge, "The most found.", |ring| ring.depth_max),
        ("tapewatch_ring_passed_total", Kind::Counter, "Values passed.", |ring| ring.passed),
        ("tapewatch_ring_stalls_total", Kind::Counter, "Times found full.", |ring| ring.stalls),
    ];
    if rings.is_empty() {
        return;
    }
    for (name, kind, help, of) in FAMILIES {
        text.family(name, kind, help);
        for ring in rings {
            text.sample(&[("ring", &text_of(&ring.name))], of(ring));
        }
    }
}

fn journal(text: &mut Exposition, report: &Report) {
    use Kind::{Counter, Gauge};
    let kept = &report.look.kept;
    if kept.is_journaled == 1 {
        text.family("tapewatch_journal_bytes_total", Counter, "Bytes of the journal.");
        text.sample(&[], kept.journal_bytes);
        text.family("tapewatch_journal_frames_total", Counter, "Frames of the journal.");
        text.sample(&[], kept.journal_frames);
        text.family("tapewatch_journal_archive_lag_bytes", Gauge, "Appended, not archived.");
        text.sample(&[], kept.archive_lag_bytes);
        text.family("tapewatch_journal_waits_total", Counter, "Waits of the journal's writer.");
        text.sample(&[], kept.journal_waits);
        text.family("tapewatch_journal_waited_seconds_total", Counter, "Time of these waits.");
        text.sample(&[], seconds(kept.journal_waited_ns));
        text.family("tapewatch_journal_failed", Gauge, "1 once the journal has failed.");
        text.sample(&[], kept.has_failed);
        text.family("tapewatch_outputs_total", Counter, "Outputs appended.");
        text.sample(&[], kept.outputs);
    }
    if let Some(age_ns) = report.snapshot_age_ns() {
        text.family("tapewatch_snapshot_age_seconds", Gauge, "Age of the newest snapshot.");
        text.sample(&[], seconds(age_ns));
    }
    if !report.look.cursors.is_empty() {
        text.family("tapewatch_cursor_lag_bytes", Gauge, "Output that a cursor has ahead.");
        for cursor in &report.look.cursors {
            text.sample(&[("cursor", &text_of(&cursor.name))], cursor.lag_bytes);
        }
    }
}

fn threads(text: &mut Exposition, report: &Report) {
    let threads = &report.look.threads;
    if threads.is_empty() {
        return;
    }
    let mut family = |name, help, of: fn(&engine::board::kept::ThreadTimes) -> u64| {
        text.family(name, Kind::Counter, help);
        for thread in threads {
            let (name, number) = (text_of(&thread.name), thread.thread.to_string());
            text.sample(&[("thread", &name), ("tid", &number)], seconds(of(thread)));
        }
    };
    let help = "Time on a core.";
    family("tapewatch_thread_on_core_seconds_total", help, |thread| thread.on_core_ns);
    let help = "Time ready without a core.";
    family("tapewatch_thread_waited_seconds_total", help, |thread| thread.waited_ns);
    let look = &report.look;
    text.family("tapewatch_busy_seconds_total", Kind::Counter, "Time at work, by stage.");
    text.sample(&[("stage", "ingest")], seconds(look.ingest.busy_ns));
    for (number, shard) in look.shards.iter().enumerate() {
        text.sample(&[("stage", &format!("shard-{number}"))], seconds(shard.busy_ns));
    }
}

fn latencies(text: &mut Exposition, report: &Report) {
    text.family(
        "tapewatch_latency_seconds",
        Kind::Histogram,
        "Time of a packet between two stages of its way.",
    );
    for (stage, latencies) in &report.latencies {
        let samples = latencies.samples();
        let sum = latencies.mean_ns() * samples as f64 / SECOND_NS;
        text.histogram(&[("stage", stage.name())], &buckets(latencies), sum, samples);
    }
    text.family(
        "tapewatch_latency_saturated_total",
        Kind::Counter,
        "Latencies too long to be told apart.",
    );
    for (stage, latencies) in &report.latencies {
        text.sample(&[("stage", stage.name())], latencies.saturated());
    }
}

/// Samples up to each bound, the bounds in seconds.
fn buckets(latencies: &Latencies) -> Vec<(f64, u64)> {
    let mut recorded = latencies.recorded().peekable();
    let mut below = 0;
    let up_to = BOUNDS_NS.iter().map(|bound_ns| {
        while let Some((_, count)) = recorded.next_if(|(greatest, _)| greatest <= bound_ns) {
            below += count;
        }
        (*bound_ns as f64 / SECOND_NS, below)
    });
    up_to.collect()
}
