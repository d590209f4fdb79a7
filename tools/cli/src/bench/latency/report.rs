//! The result, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::floor::Floor;
use super::plot::{self, Curve};
use super::prepared::WARM_UP_NS;
use super::row::{Row, WireFigures};
use crate::bench::host::Host;
use crate::bench::pipeline::end_point;
use crate::config::Config;
use crate::output::decimal::grouped;
use crate::output::hlog::{self, Interval};
use crate::output::quantiles::QUANTILES;
use crate::output::table;

/// All that was measured, and under which conditions.
pub(super) struct Report {
    pub(super) input: String,
    pub(super) messages: u64,
    pub(super) config: Config,
    /// Where the journal's segments lie.
    pub(super) written_in: String,
    pub(super) memory_locked: bool,
    /// The engine's core, and the sender's where there was one.
    pub(super) cores: Vec<u16>,
    pub(super) seconds: u64,
    pub(super) start: SystemTime,
    pub(super) rows: Vec<Row>,
    pub(super) floor: Floor,
    pub(super) host: Host,
}

impl Report {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let Config { engine, journal, .. } = &self.config;
        json!({
            "rows": self.rows.iter().map(Row::json).collect::<Value>(),
            "hiccup": self.floor.json(),
            "end_point": end_point(&self.config),
            "input": self.input,
            "messages": self.messages,
            "seconds": self.seconds,
            "warm_up_s": WARM_UP_NS as f64 / 1e9,
            "cores": {"engine": self.cores.first(), "sender": self.cores.get(1)},
            "memory_locked": self.memory_locked,
            "engine": {
                "topology": engine.topology.name(),
                "journal": {
                    "place": journal.place.name(),
                    "append": journal.append.name(),
                    "sync": journal.sync.name(),
                    "segment_bytes": journal.segment_bytes,
                    "written_in": self.written_in,
                },
            },
            "host": self.host.json(),
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let header = [
            "ns a packet",
            "packets",
            "due/s",
            "out/s",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "p99.99",
            "max",
            "measured",
        ];
        let rows = self.rows.iter().map(line);
        let floor = self.floor.rows().map(|[name, p50, p90, p99, p999, p9999, max, seconds]| {
            let none = String::new;
            [name, none(), none(), none(), p50, p90, p99, p999, p9999, max, seconds]
        });
        let mut text = table::aligned(&header, rows.chain(floor), &[0, 1]);
        for line in self.remarks() {
            text.push_str(&line);
            text.push('\n');
        }
        for line in self.host.lines() {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// What has to be known to read the table.
    fn remarks(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.rows.iter().any(|row| !row.is_reached()) {
            lines.push(String::from(
                "! the rate was not reached: the latencies are those of a growing queue, or of what was not lost",
            ));
        }
        for row in &self.rows {
            if let Some(remark) = row.wire.as_ref().and_then(|wire| remark(row, wire)) {
                lines.push(remark);
            }
            if row.times.saturated() > 0 {
                let count = grouped(row.times.saturated());
                lines.push(format!("{}: {count} packet(s) above one minute", row.tag()));
            }
            if let Some(why) = &row.session.incomplete {
                lines.push(format!("{}: not all is journaled: {why}", row.tag()));
            }
        }
        let sender = match self.cores.get(1) {
            Some(sender) => format!(", sender on core {sender}"),
            None => String::new(),
        };
        let Config { engine, journal, .. } = &self.config;
        lines.extend([
            format!("open loop, from when a packet was due to {}", end_point(&self.config)),
            format!(
                "up to {} s a row, less where the input ends, behind up to {} ms of warm-up that is not counted; floor: time in gaps between two reads of the clock",
                self.seconds,
                WARM_UP_NS / 1_000_000
            ),
            format!("{}: {} messages", self.input, grouped(self.messages)),
            format!(
                "{} on core {}{sender}; memory {}; journal in {}, append {}, sync {}",
                engine.topology.name(),
                self.cores.first().map_or_else(String::new, ToString::to_string),
                if self.memory_locked { "locked" } else { "not locked" },
                self.written_in,
                journal.append.name(),
                journal.sync.name(),
            ),
        ]);
        lines
    }

    /// The log of all rows' histograms.
    ///
    /// # Errors
    /// Those of [`hlog::text`].
    pub(super) fn hlog(&self) -> std::io::Result<Vec<u8>> {
        let rows = self.rows.iter().map(|row| Interval {
            tag: row.tag(),
            began: row.began,
            elapsed: row.elapsed,
            ns: row.times.histogram(),
        });
        let intervals = rows.chain(self.floor.intervals()).collect();
        let comments = [
            format!("tapewatch bench latency, {}", self.input),
            format!("ns from when a packet was due to {}", end_point(&self.config)),
        ];
        hlog::text(self.start, &comments, intervals)
    }

    /// The picture.
    pub(super) fn svg(&self) -> String {
        let rows = self.rows.iter().map(|row| Curve {
            label: format!(
                "{} {}{}",
                row.way.name(),
                row.load,
                if row.is_reached() { "" } else { " (not reached)" }
            ),
            ns: row.times.histogram(),
            max_ns: row.times.max_ns(),
            is_floor: false,
        });
        let floor = self.floor.engine();
        let floor = Curve {
            label: format!("floor of core {}", floor.core()),
            ns: floor.gaps_ns(),
            max_ns: floor.max_ns(),
            is_floor: true,
        };
        let curves: Vec<Curve<'_>> = rows.chain([floor]).collect();
        plot::svg(&format!("Latency under an open loop: {}", self.input), &curves)
    }
}

/// A row of the table.
fn line(row: &Row) -> [String; 11] {
    let [p50, p90, p99, p999, p9999] =
        QUANTILES.map(|(_, quantile)| grouped(row.times.at(quantile)));
    let mark = if row.is_reached() { "" } else { " !" };
    [
        String::from(row.way.name()),
        row.load.to_string(),
        grouped(row.rate_per_s),
        format!("{}{mark}", grouped(row.achieved_per_s)),
        p50,
        p90,
        p99,
        p999,
        p9999,
        grouped(row.times.max_ns()),
        grouped(row.times.samples()),
    ]
}

/// What the wire did to a row, where that is worth a line.
fn remark(row: &Row, wire: &WireFigures) -> Option<String> {
    if row.is_reached() {
        return None;
    }
    let mut text = format!(
        "{}: {} messages sent, {} lost, {} datagram(s) dropped by the kernel (buffer of {} KiB)",
        row.tag(),
        grouped(wire.sent_messages),
        grouped(wire.lost_messages),
        grouped(wire.kernel_drops),
        wire.buffer_bytes >> 10,
    );
    // Writing to a string cannot fail.
    let _ = write!(text, "; the sender's own p99 {} ns", grouped(wire.sender.at(0.99)));
    Some(text)
}

/// Where the journal of `config` is appended to, whose sessions lie in `place`.
pub(super) fn written_in(config: &Config, place: &Path) -> String {
    let path = match config.journal.place {
        crate::config::Place::Disk => place,
        crate::config::Place::Memory => &config.journal.memory_dir,
    };
    path.display().to_string()
}
