//! What a board tells, as one JSON object: the names stay, units stand last in them.

use engine::board::Liveness;
use engine::board::counters::{FeedCounts, LineCounts, ShardCounts, text_of};
use engine::board::kept::{CursorLag, RingDepth};
use serde_json::{Map, Value, json};

use super::between::ThreadShares;
use super::quotes;
use super::report::Report;
use super::standing;
use crate::board::figures;
use crate::output::summary::type_text;

/// The object.
pub(crate) fn of(report: &Report) -> Value {
    let look = &report.look;
    let ingest = &look.ingest;
    let (stale_ns, ended_ns) = match look.liveness {
        Liveness::Stale(since_ns) => (Some(since_ns), None),
        Liveness::Ended(at) => (None, Some(at.0)),
        Liveness::Running | Liveness::Gone => (None, None),
    };
    let quality: Map<String, Value> =
        report.quality().iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
    let mut object = json!({
        "liveness": standing::word(look.liveness),
        "stale_ns": stale_ns,
        "session": look.engine.session.to_string(),
        "pid": look.engine.pid,
        "started_ns": look.engine.started.0,
        "ended_ns": ended_ns,
        "as_of_ns": look.as_of().0,
        "uptime_s": look.uptime_ns() as f64 / 1e9,
        "midnight_ns": look.engine.midnight.0,
        "clock": look.engine.clock,
        "recovering": ingest.is_recovering == 1,
        "feed_time_ns": look.feed_time().map(|time| time.0),
        "messages": ingest.messages,
        "packets": ingest.packets,
        "bytes": ingest.bytes,
        "position": ingest.position,
        "by_type": by_type(report),
        "rates": {
            "over_s": report.rates.over_s,
            "messages_per_s": report.rates.messages_per_s,
            "packets_per_s": report.rates.packets_per_s,
            "bytes_per_s": report.rates.bytes_per_s,
        },
        "symbols": look.symbols.len(),
        "names": ingest.names,
        "orders_live": look.orders(),
        "levels": look.levels(),
        "not_shown": ingest.not_shown,
        "quality": quality,
        "torn_packets": ingest.torn_packets,
        "gaps": ingest.gaps,
        "gap_messages": ingest.gap_messages,
        "snapshot_items": ingest.snapshot_items,
        "router_stalls": ingest.stalls,
        "feeds": look.feeds.iter().map(feed).collect::<Vec<_>>(),
        "lines": look.lines.iter().map(line).collect::<Vec<_>>(),
        "shards": look.shards.iter().map(shard).collect::<Vec<_>>(),
        "rings": look.rings.iter().map(ring).collect::<Vec<_>>(),
    });
    let rest = json!({
        "journal": journal(report),
        "output_log": { "outputs": look.kept.outputs, "position": look.kept.output_position },
        "snapshots": snapshots(report),
        "cursors": look.cursors.iter().map(cursor).collect::<Vec<_>>(),
        "threads": report.threads.iter().map(thread).collect::<Vec<_>>(),
        "latencies": latencies(report),
        "resident_bytes": look.kept.resident_bytes,
        "torn": look.torn,
    });
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
        if let Some(symbols) = &report.symbols {
            object.insert("quotes".to_owned(), symbols.iter().map(quotes::json_of).collect());
        }
    }
    object
}

fn by_type(report: &Report) -> Map<String, Value> {
    report.by_type().map(|(byte, count)| (type_text(byte), json!(count))).collect()
}

fn feed(feed: &FeedCounts) -> Value {
    json!({
        "name": text_of(&feed.name),
        "state": state_of(feed),
        "next_sequence": feed.next_sequence,
        "gaps_opened": feed.gaps_opened,
        "healed_by_line": feed.healed_by_line,
        "healed_by_retransmit": feed.healed_by_retransmit,
        "healed_by_snapshot": feed.healed_by_snapshot,
        "gaps_open": feed.gaps_open,
        "given_up_messages": feed.given_up_messages,
    })
}

/// The name of a feed's state; empty where it has none that is known.
pub(crate) fn state_of(feed: &FeedCounts) -> &'static str {
    usize::try_from(feed.state)
        .ok()
        .and_then(|at| FeedCounts::STATES.get(at))
        .copied()
        .unwrap_or("")
}

fn line(line: &LineCounts) -> Value {
    json!({
        "name": text_of(&line.name),
        "packets": line.packets,
        "messages": line.messages,
        "lost": line.lost,
        "duplicate": line.duplicates,
        "late": line.late,
        "kernel_drops": line.kernel_drops,
        "silences": line.silences,
        "datagrams": line.datagrams,
        "bytes": line.bytes,
    })
}

fn shard(shard: &ShardCounts) -> Value {
    json!({
        "position": shard.position,
        "events": shard.events,
        "runs": shard.runs,
        "quotes": shard.quotes,
        "details": shard.details,
        "details_due": shard.details_due,
        "not_shown": shard.not_shown,
        "orders": shard.orders,
        "levels": shard.levels,
        "symbols": shard.symbols,
        "stamps_missed": shard.stamps_missed,
        "busy_ns": shard.busy_ns,
        "thread": shard.thread,
    })
}

fn ring(ring: &RingDepth) -> Value {
    json!({
        "name": text_of(&ring.name),
        "capacity": ring.capacity,
        "depth": ring.depth,
        "depth_max": ring.depth_max,
        "passed": ring.passed,
        "stalls": ring.stalls,
    })
}

/// `null` where nothing is journaled.
fn journal(report: &Report) -> Value {
    let kept = &report.look.kept;
    if kept.is_journaled != 1 {
        return Value::Null;
    }
    let place = |[segment, offset_bytes]: [u64; 2]| json!({"segment": segment, "offset_bytes": offset_bytes});
    json!({
        "appended_sequence": kept.appended_sequence,
        "frames": kept.journal_frames,
        "bytes": kept.journal_bytes,
        "appended": place(kept.appended),
        "archived": place(kept.archived),
        "synced": place(kept.synced),
        "archive_lag_bytes": kept.archive_lag_bytes,
        "waits": kept.journal_waits,
        "waited_ns": kept.journal_waited_ns,
        "failed": kept.has_failed == 1,
    })
}

/// `null` before the first.
fn snapshots(report: &Report) -> Value {
    let kept = &report.look.kept;
    if kept.snapshot_position == 0 {
        return Value::Null;
    }
    json!({
        "position": kept.snapshot_position,
        "finished_ns": kept.snapshot_ns,
        "age_ns": report.snapshot_age_ns(),
        "follower_position": kept.follower_position,
    })
}

fn cursor(cursor: &CursorLag) -> Value {
    json!({
        "name": text_of(&cursor.name),
        "segment": cursor.segment,
        "offset_bytes": cursor.offset_bytes,
        "lag_bytes": cursor.lag_bytes,
    })
}

fn thread(thread: &ThreadShares) -> Value {
    json!({
        "name": thread.name,
        "thread": thread.thread,
        "core": thread.core,
        "busy_share": thread.busy,
        "idle_share": thread.idle,
        "on_core_share": thread.on_core,
        "blocked_share": thread.blocked,
        "waited_share": thread.waited,
    })
}

fn latencies(report: &Report) -> Vec<Value> {
    let of_stage = report.latencies.iter().map(|(stage, latencies)| {
        let mut object = Map::new();
        object.insert("stage".to_owned(), json!(stage.name()));
        object.extend(figures(latencies));
        Value::Object(object)
    });
    of_stage.collect()
}
