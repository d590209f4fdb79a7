//! The panels below the table: lines and gaps, rings and the journal, threads, latencies. Each fits 60
//! columns; what has no line of its own is counted.

use engine::board::counters::text_of;
use ratatui::text::{Line, Span};

use super::Palette;
use super::cells::{count, left, right};
use crate::stat::figure::{bytes_text, ns_text, percent, short_count};
use crate::stat::state_of;
use crate::top::readings::Readings;
use crate::top::state::Panel;

/// The lines of a panel, at most `height`; `is_alone` names the others too.
pub(super) fn lines(
    panel: Panel,
    is_alone: bool,
    readings: &Readings,
    height: usize,
    palette: Palette,
) -> Vec<Line<'static>> {
    let (heading, mut rows) = match panel {
        Panel::Lines => of_lines(readings),
        Panel::Rings => of_rings(readings),
        Panel::Threads => of_threads(readings),
        Panel::Latency => of_latencies(readings),
    };
    let mut lines = vec![title(panel, is_alone, palette), Line::styled(heading, palette.heading())];
    let room = height.saturating_sub(lines.len());
    if rows.len() > room && room > 0 {
        let more = rows.len() - (room - 1);
        rows.truncate(room - 1);
        rows.push(format!("… {more} more: `tapewatch stat` shows all"));
    }
    lines.extend(rows.into_iter().map(Line::raw));
    lines.truncate(height);
    lines
}

fn title(panel: Panel, is_alone: bool, palette: Palette) -> Line<'static> {
    if !is_alone {
        return Line::styled(name(panel), palette.title());
    }
    let mut spans = Vec::new();
    for of in Panel::ALL {
        let style = if of == panel { palette.selected() } else { palette.title() };
        spans.extend([Span::styled(format!(" {} ", name(of)), style), Span::raw(" ")]);
    }
    Line::from(spans)
}

fn name(panel: Panel) -> &'static str {
    match panel {
        Panel::Lines => "lines & gaps",
        Panel::Rings => "rings & journal",
        Panel::Threads => "threads",
        Panel::Latency => "latency",
    }
}

/// Feeds and their lines below one heading: a feed's row tells how its holes were filled.
fn of_lines(readings: &Readings) -> (String, Vec<String>) {
    let look = readings.last();
    let heading = format!(
        "{}{}{}{}{}{}",
        left("LINE", 12),
        right("PACKETS", 10),
        right("LOST", 10),
        right("DUPLICATE", 12),
        right("LATE", 7),
        right("DROPS", 8)
    );
    let mut rows: Vec<String> = look
        .lines
        .iter()
        .map(|line| {
            format!(
                "{}{}{}{}{}{}",
                left(&text_of(&line.name), 12),
                count(line.packets, 10),
                count(line.lost, 10),
                count(line.duplicates, 12),
                count(line.late, 7),
                count(line.kernel_drops, 8)
            )
        })
        .collect();
    if rows.is_empty() {
        rows.push("no lines: nothing is live here".to_owned());
    }
    for feed in look.feeds.iter().filter(|feed| feed.name[0] != 0) {
        let figures = [feed.healed_by_line, feed.healed_by_retransmit, feed.healed_by_snapshot];
        let [line, retransmit, snapshot] = figures.map(short_count);
        rows.push(format!(
            "{} {}: {} holes, by line {line} retr. {retransmit} snap. {snapshot}, {} open",
            text_of(&feed.name),
            state_of(feed),
            short_count(feed.gaps_opened),
            short_count(feed.gaps_open),
        ));
    }
    (heading, rows)
}

fn of_rings(readings: &Readings) -> (String, Vec<String>) {
    let look = readings.last();
    let heading = format!(
        "{}{}{}{}{}",
        left("RING", 16),
        right("DEPTH", 9),
        right("MAX", 9),
        right("OF", 10),
        right("STALLS", 10)
    );
    let kept = &look.kept;
    let mut rows = Vec::new();
    if kept.is_journaled == 1 {
        rows.push(format!(
            "journal {}{}, lag {}, {} waits",
            bytes_text(kept.journal_bytes as f64),
            if kept.has_failed == 1 { " FAILED" } else { "" },
            bytes_text(kept.archive_lag_bytes as f64),
            short_count(kept.journal_waits)
        ));
    } else {
        rows.push("no journal".to_owned());
    }
    rows.extend(look.rings.iter().map(|ring| {
        format!(
            "{}{}{}{}{}",
            left(&text_of(&ring.name), 16),
            count(ring.depth, 9),
            count(ring.depth_max, 9),
            count(ring.capacity, 10),
            count(ring.stalls, 10)
        )
    }));
    if look.rings.is_empty() {
        rows.push("no rings: the stages are calls on one thread".to_owned());
    }
    (heading, rows)
}

fn of_threads(readings: &Readings) -> (String, Vec<String>) {
    let heading = format!(
        "{}{}{}{}{}",
        left("THREAD", 20),
        right("CORE", 5),
        right("BUSY", 9),
        right("IDLE", 9),
        right("BLOCKED", 9)
    );
    let share = |share: Option<f64>| right(&share.map_or_else(|| "-".to_owned(), percent), 9);
    let rows = readings.threads().into_iter().map(|thread| {
        format!(
            "{}{}{}{}{}",
            left(&thread.name, 20),
            right(&thread.core.to_string(), 5),
            share(thread.busy),
            share(thread.idle),
            share(Some(thread.blocked))
        )
    });
    (heading, rows.collect())
}

fn of_latencies(readings: &Readings) -> (String, Vec<String>) {
    let (latencies, is_recent) = readings.latencies();
    let of = if is_recent { "LAST 10 S" } else { "ALL ALONG" };
    let names = ["P50", "P99", "P99.9", "MAX"].map(|name| right(name, 10));
    let heading = format!("{}{}", left(of, 19), names.concat());
    let sampled = latencies.iter().filter(|(_, latencies)| latencies.samples() > 0);
    let mut rows: Vec<String> = sampled
        .map(|(stage, latencies)| {
            let quantiles = [0.5, 0.99, 0.999].map(|quantile| latencies.quantile_ns(quantile));
            let [p50, p99, p999] = quantiles.map(|ns| right(&ns_text(ns), 10));
            let max = right(&ns_text(latencies.max_ns()), 10);
            format!("{}{p50}{p99}{p999}{max}", left(stage.name(), 19))
        })
        .collect();
    if rows.is_empty() {
        rows.push("nothing was measured yet".to_owned());
    }
    (heading, rows)
}
