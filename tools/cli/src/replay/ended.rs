//! A run that has ended: what came of it, for the summary and the files, and how it is told.

use std::io;
use std::time::Duration;

use engine::pipeline::stage::Decoder as _;
use engine::shard::Shard;
use engine::units::{Nanos, SymbolId};
use serde_json::Value;

use crate::board::RunLatencies;
use crate::console::Console;
use crate::day::TradingDay;
use crate::exit::Failure;
use crate::memory::Resident;
use crate::output::alerts::{AlertWords, Alerts};
use crate::output::decimal::grouped;
use crate::output::late_windows::LateWindows;
use crate::output::metrics::{self, MetricsLine};
use crate::output::summary::{EngineFigures, Restarted, Summary};
use crate::output::symbols::{self, SymbolLine};
use crate::recording::RecordingEnd;
use crate::replay::engine::Finished;
use crate::replay::faults;
use crate::replay::hashes::HashCheck;
use crate::replay::heard::Heard;
use crate::replay::outputs::OutputSummary;
use crate::replay::pace::Pace;
use crate::replay::session::Setup;
use crate::replay::source::ReplaySource;
use crate::run::report::FeedsReport;

/// Gaps told one by one; further ones are only counted.
pub(super) const GAPS_TOLD_MAX: u64 = 10;

/// A run that has ended.
pub(crate) struct Ended<O> {
    /// The engine's parts.
    pub(crate) finished: Finished<O, Heard>,
    pub(super) source: ReplaySource,
    pub(super) setup: Setup,
    pub(super) day: TradingDay,
    pub(super) gaps: u64,
    pub(super) gap_messages: u64,
    pub(super) fault: Option<Failure>,
    pub(super) recorded: Option<RecordingEnd>,
    pub(super) outputs: OutputSummary,
    pub(crate) hash_check: Option<HashCheck>,
    /// What the follower did, for `summary.json`.
    pub(super) snapshots: Option<Value>,
    /// What its packets took, where there was a board.
    pub(super) latencies: Option<RunLatencies>,
    /// What the run went on from.
    pub(super) restarted: Option<Restarted>,
    pub(super) elapsed: Duration,
}

impl<O> Ended<O> {
    /// Tells what is no fault but worth knowing.
    pub(super) fn tell(&self, pace: &Pace, console: Console) {
        for line in self.source.details() {
            console.detail(&line);
        }
        if let Some(line) = self.source.torn() {
            console.note(&line);
        }
        if self.gaps > GAPS_TOLD_MAX {
            console.note(&format!(
                "{} gaps in all, {} messages lost",
                grouped(self.gaps),
                grouped(self.gap_messages)
            ));
        }
        let (late, late_ns_max) = pace.late();
        if pace.is_paced() {
            console.detail(&format!(
                "{} packet(s) were handed over more than 1 ms late, the latest by {:.3} ms",
                grouped(late),
                late_ns_max as f64 / 1e6
            ));
        }
        let stalls = self.finished.stalls;
        if stalls.router + stalls.shards > 0 {
            console.detail(&format!(
                "the router waited {} time(s) for room in a ring, the shards {}",
                grouped(stalls.router),
                grouped(stalls.shards)
            ));
        }
        if let Some(RecordingEnd { incomplete: Some(why), .. }) = &self.recorded {
            console.warning(&format!(
                "{why}; the run went on without its journal, and the session is marked incomplete"
            ));
        }
        if let Some(check) = &self.hash_check {
            if let Some(why) = &check.not_comparable {
                console.note(&format!("digests on record are not comparable: {why}"));
            }
            console.detail(&format!("{} digests equal those on record", grouped(check.equal)));
        }
    }

    /// What ended the input otherwise than well; a digest that is not the one on record comes last.
    pub(crate) fn fault(&self) -> Option<Failure> {
        self.fault.clone().or_else(|| faults::of_hashes(self.hash_check.as_ref()?))
    }

    /// What came of live feeds.
    pub(crate) fn feeds(&self) -> Option<&FeedsReport> {
        self.source.feeds()
    }

    /// What its packets took, for a log; `None` where there was no board.
    pub(crate) fn latency_log(&self) -> Option<io::Result<Vec<u8>>> {
        self.latencies.as_ref().map(|latencies| latencies.hlog(self.elapsed))
    }

    /// The alerts, and what their words come from; `None` where nothing is detected.
    pub(crate) fn alerts(&self) -> Option<(&Alerts, &AlertWords)> {
        let Heard { alerts, words, .. } = self.finished.market.listener();
        self.setup.config.detect.0.is_on().then_some((alerts, words))
    }

    /// The name of a symbol as results have it; `None` where it does not belong to them.
    pub(crate) fn written_name(&self, symbol: SymbolId) -> Option<String> {
        let name = self.finished.decoder.directory().name(symbol);
        self.setup.wanted.written(symbol, name)
    }

    /// One line a symbol seen, in order.
    pub(crate) fn symbol_lines(&self) -> Vec<SymbolLine> {
        let mut lines = Vec::new();
        self.each_symbol(|shard, symbol, name| {
            let (metrics, book) = (shard.metrics(symbol), shard.book(symbol));
            let is_suspect = shard.is_suspect(symbol);
            lines.push(SymbolLine { is_suspect, ..SymbolLine::of(symbol, name, metrics, &book) });
        });
        symbols::sort(&mut lines);
        lines
    }

    /// The symbols in doubt, with since when, in order.
    pub(crate) fn suspects(&self) -> Vec<(String, Nanos)> {
        let mut suspects = Vec::new();
        self.each_symbol(|shard, symbol, _| {
            suspects.extend(self.written_name(symbol).zip(shard.suspect_since(symbol)));
        });
        suspects.sort();
        suspects
    }

    /// The metrics of each symbol seen as of the last feed time, in order, behind a line for the
    /// columns' names.
    pub(crate) fn metrics_lines(&self) -> (MetricsLine, Vec<MetricsLine>) {
        let until = self.finished.sequencer.feed_time();
        let line = |shard: &Shard, symbol, name: Option<&[u8]>| {
            let metrics = shard.metrics_until(symbol, until);
            MetricsLine::of(symbol, name, &metrics, &shard.book(symbol))
        };
        let header = line(&self.finished.shards[0], SymbolId(0), None);
        let mut lines = Vec::new();
        self.each_symbol(|shard, symbol, name| lines.push(line(shard, symbol, name)));
        metrics::sort(&mut lines);
        (header, lines)
    }

    /// Hands each symbol that was seen and belongs to the results to `each`, with its shard and name.
    fn each_symbol(&self, mut each: impl FnMut(&Shard, SymbolId, Option<&[u8]>)) {
        let directory = self.finished.decoder.directory();
        for shard in &self.finished.shards {
            let numbers = 1..u32::try_from(shard.books().symbol_count()).unwrap_or(u32::MAX);
            for symbol in numbers.map(SymbolId) {
                let is_seen = shard.metrics(symbol).is_known();
                if is_seen && self.written_name(symbol).is_some() {
                    each(shard, symbol, directory.name(symbol));
                }
            }
        }
    }

    /// The names asked for that no symbol in `lines` has.
    pub(crate) fn missing(&self, lines: &[SymbolLine]) -> Vec<&str> {
        let written: Vec<&str> = lines.iter().map(|line| line.symbol.as_str()).collect();
        self.setup.wanted.missing(&written)
    }

    /// The run in all; `lines` are those of [`Ended::symbol_lines`], `late` those of
    /// [`Ended::late_windows`].
    pub(crate) fn summary(&self, lines: &[SymbolLine], late: Option<&LateWindows>) -> Summary {
        let counts = self.finished.decoder.counts();
        let by_type = (0u8..=255).zip(counts.by_type.iter().copied());
        let stalls = self.finished.stalls;
        Summary {
            input: self.source.json(),
            day: self.day,
            messages: counts.messages,
            by_type: by_type.filter(|(_, count)| *count > 0).collect(),
            times: self.finished.sequencer.first_and_last(),
            symbols: lines.len() as u64,
            suspect_symbols: lines.iter().filter(|line| line.is_suspect).count() as u64,
            orders_live: lines.iter().map(|line| line.orders).sum(),
            quality: self.quality(lines),
            bars: self.bar_figures(late),
            fault: self.fault().map(|failure| failure.line),
            hash: self.finished.hash,
            engine: EngineFigures {
                topology: self.setup.config.engine.topology.name(),
                shards: self.finished.shards.len(),
                router_stalls: stalls.router,
                shard_stalls: stalls.shards,
            },
            journal: self.recorded.as_ref().map(|recorded| recorded.json.clone()),
            output_log: self.outputs.json.clone(),
            hash_check: self.hash_check.clone(),
            snapshots: self.snapshots.clone(),
            latency: self.latencies.as_ref().map(RunLatencies::json),
            restarted: self.restarted,
            elapsed: self.elapsed,
            peak_rss_bytes: Resident::ask().peak_bytes,
        }
    }

    /// Every cause, 0 where it did not occur. What is wrong with the feed is counted over the whole
    /// input, what is wrong with an order or a print over the symbols in `lines`.
    fn quality(&self, lines: &[SymbolLine]) -> Vec<(&'static str, u64)> {
        let decoded = self.finished.decoder.counts();
        let sequencer = &self.finished.sequencer;
        let mut applied = engine::quality::Quality::default();
        for shard in &self.finished.shards {
            applied += shard.quality_of(SymbolId(0));
            for line in lines {
                applied += shard.quality_of(line.id);
            }
        }
        vec![
            ("unknown_type", decoded.unknown_type),
            ("bad_length", decoded.bad_length),
            ("unknown_order", applied.unknown_order),
            ("duplicate_order", applied.duplicate_order),
            ("negative_size", applied.negative_size),
            ("zero_size", applied.zero_size),
            ("unknown_match", applied.unknown_match),
            ("symbol_conflict", decoded.symbol_conflict),
            ("foreign_session", self.source.foreign_session()),
            ("time_backwards", sequencer.time_backwards()),
            ("future_time", sequencer.future_time()),
            ("gap_messages", self.gap_messages),
            ("crossed", applied.crossed),
            ("locked", applied.locked),
            ("bad_field", applied.bad_field),
            ("over_capacity", applied.over_capacity),
        ]
    }
}
