//! What the demo came to: figures, and the verdict in plain words.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use exchange::wire::WireCounts;
use serde_json::{Value, json};

use crate::bench::host::Host;
use crate::demo::Plan;
use crate::demo::checks::{Checks, Run};
use crate::demo::live::{Counted, Figures};
use crate::demo::truth::Compared;
use crate::output::decimal::grouped;
use crate::run::report::losses_json;

/// See the module.
pub(super) struct Report {
    pub(super) plan: Plan,
    /// The live part.
    pub(super) figures: Figures,
    /// What the exchange published.
    pub(super) published: WireCounts,
    /// Its books beside the exchange's.
    pub(super) books: Compared,
    pub(super) checks: Checks,
    /// Where the session stays.
    pub(super) kept: Option<PathBuf>,
    /// All that the demo took.
    pub(super) elapsed: Duration,
    pub(super) peak_rss_bytes: u64,
}

impl Report {
    /// Everything that is not as it must be, in words; none if all is verified.
    pub(super) fn faults(&self) -> Vec<String> {
        let Report { figures, books, checks, .. } = self;
        let mut faults = Vec::new();
        if let Some(difference) = &books.difference {
            faults.push(format!("the books are not the exchange's: {difference}"));
        }
        let lossless = figures.counted.gaps == 0;
        let runs = [("the journal", &checks.replay, true)].into_iter().chain([(
            "all that was published",
            &checks.stream,
            lossless,
        )]);
        for (name, run, is_equal) in runs {
            if is_equal && run.hash != figures.hash {
                let (live, other) = (figures.hash, run.hash);
                faults.push(format!("the state from {name} is {other}, live it was {live}"));
            }
        }
        let Counted { gap_messages, .. } = figures.counted;
        let published = self.published.messages;
        for (name, messages, lost) in [
            ("live", figures.messages, gap_messages),
            ("from the journal", checks.replay.messages, gap_messages),
            ("from all that was published", checks.stream.messages, 0),
        ] {
            if messages + lost != published {
                faults.push(format!(
                    "{messages} messages {name} and {lost} given up, {published} were published"
                ));
            }
        }
        if let Some(open) = figures.feeds.open("") {
            faults.push(open.line);
        }
        faults.extend(figures.incomplete.iter().cloned());
        faults.extend(checks.replay_fault.iter().cloned());
        faults.extend(checks.journal.fault.iter().cloned());
        if !checks.journal.ended_orderly {
            faults.push(String::from("the journal has no end"));
        }
        faults
    }

    fn messages_per_s(&self) -> f64 {
        per_s(self.figures.messages, self.figures.elapsed)
    }

    /// What the engine worked for a message, journal included.
    fn busy_ns_per_message(&self) -> f64 {
        ns_each(self.figures.counted.latencies.busy(), self.figures.messages)
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let Report { plan, figures, books, checks, .. } = self;
        let faults = self.faults();
        let run = |run: &Run| {
            json!({
                "messages": run.messages,
                "elapsed_s": run.elapsed.as_secs_f64(),
                "messages_per_s": per_s(run.messages, run.elapsed),
            })
        };
        json!({
            "messages": figures.messages,
            "books_equal_truth": books.difference.is_none(),
            "gaps": losses_json(figures.feeds.losses()),
            "suspect_symbols": figures.suspect_symbols,
            "state_hash": figures.hash.to_string(),
            "lossless_state_hash": checks.stream.hash.to_string(),
            "journal_state_hash": checks.replay.hash.to_string(),
            "lines": figures.feeds.lines_json(),
            "feeds": figures.feeds.feeds_json(),
            "published": {
                "messages": self.published.messages,
                "packets": self.published.lines.map(|line| line.packets),
                "dropped": self.published.lines.map(|line| line.dropped),
                "reordered": self.published.lines.map(|line| line.reordered),
                "requests": self.published.requests,
                "retransmitted": self.published.retransmitted,
                "snapshots": self.published.snapshots,
            },
            "verified": faults.is_empty(),
            "faults": faults,
            "truth": {
                "levels": books.levels,
                "symbols": books.symbols,
                "difference": books.difference,
            },
            "settings": {
                "seed": plan.settings.seed,
                "symbols": plan.settings.symbols,
                "date": plan.day.to_string(),
            },
            "orders_live": figures.counted.orders,
            "orders_live_max": figures.counted.orders_max,
            "messages_per_s": self.messages_per_s(),
            "ns_per_message": ns_each(figures.elapsed, figures.messages),
            "busy_ns_per_message": self.busy_ns_per_message(),
            "packets": figures.counted.latencies.packets(),
            "stages": figures.counted.latencies.json(),
            "replay": run(&checks.replay),
            "stream": run(&checks.stream),
            "journal": {
                "frames": checks.journal.frames,
                "segments": checks.journal.segments,
                "digests_equal": checks.digests_equal,
            },
            "elapsed_s": self.elapsed.as_secs_f64(),
            "peak_rss_bytes": self.peak_rss_bytes,
            "session": self.kept.as_ref().map(|kept| kept.display().to_string()),
            "host": Host::look().json(),
        })
    }

    /// For people: figures, then the verdict.
    pub(super) fn text(&self) -> String {
        let mut text = self.figures_text();
        text.push('\n');
        let faults = self.faults();
        for fault in &faults {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "NOT verified: {fault}");
        }
        if faults.is_empty() {
            text += &self.verdict_text();
        }
        if let Some(kept) = &self.kept {
            let kept = kept.display();
            let _ = writeln!(text, "kept in {kept}; try: tapewatch replay {kept}");
        }
        text
    }

    fn figures_text(&self) -> String {
        let Report { plan, figures, checks, .. } = self;
        let packets = figures.counted.latencies.packets().max(1);
        let lines = [
            (
                "exchange",
                format!(
                    "{} symbols, seed {}, one trading day, up to {} live orders",
                    grouped(plan.settings.symbols),
                    plan.settings.seed,
                    grouped(figures.counted.orders_max)
                ),
            ),
            (
                "live",
                format!(
                    "{} messages in {:.2} s over the wire: {:.2} M a second",
                    grouped(figures.messages),
                    figures.elapsed.as_secs_f64(),
                    self.messages_per_s() / 1e6
                ),
            ),
            (
                "engine",
                format!(
                    "{:.1} ns a message of its own time, journal included, waiting left out",
                    self.busy_ns_per_message()
                ),
            ),
            (
                "replay",
                format!(
                    "{:.2} M messages a second from the journal, beside another run",
                    per_s(checks.replay.messages, checks.replay.elapsed) / 1e6
                ),
            ),
            (
                "in all",
                format!(
                    "{:.1} s, {:.0} MB of memory at most",
                    self.elapsed.as_secs_f64(),
                    self.peak_rss_bytes as f64 / 1e6
                ),
            ),
        ];
        let mut text = String::new();
        for (name, figure) in lines {
            let _ = writeln!(text, "{name:<10} {figure}");
        }
        let _ = write!(
            text,
            "\n{}at hand until journaled, then until applied; {} packets of {:.1} messages on average\n",
            figures.counted.latencies.text(),
            grouped(figures.counted.latencies.packets()),
            figures.messages as f64 / packets as f64
        );
        text += &figures.feeds.text();
        for line in Host::look().lines() {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn verdict_text(&self) -> String {
        let Report { figures, books, checks, .. } = self;
        let same = match figures.counted.gaps {
            0 => "live, from the journal, and from all that was published",
            _ => {
                "live and from the journal; messages were given up, and snapshots healed the books"
            }
        };
        format!(
            "verified: the books equal the exchange's own, {} levels of {} symbols\n\
             verified: state {} {same}\n\
             verified: the journal, {} frames in {} segment(s), and {} digests on record\n",
            grouped(books.levels),
            grouped(books.symbols),
            figures.hash,
            grouped(checks.journal.frames),
            grouped(checks.journal.segments),
            grouped(checks.digests_equal),
        )
    }
}

fn per_s(messages: u64, elapsed: Duration) -> f64 {
    messages as f64 / elapsed.as_secs_f64().max(1e-9)
}

fn ns_each(time: Duration, messages: u64) -> f64 {
    time.as_nanos() as f64 / messages.max(1) as f64
}
