//! What `stat` tells at once: a look, what came since the look before, and what takes longer to read.

use engine::board::BoardReader;
use engine::board::histogram::{Latencies, Stage};
use engine::quality::Quality;

use super::between::{self, Rates, ThreadShares};
use super::look::{self, Look};
use super::quotes::{Asked, Told};
use crate::exit::Failure;

/// See the module.
pub(crate) struct Report {
    /// The look.
    pub(crate) look: Look,
    /// Rates since the look before, or since the engine began.
    pub(crate) rates: Rates,
    /// Threads, of the same time.
    pub(crate) threads: Vec<ThreadShares>,
    /// Latencies of every stage, since the engine began.
    pub(crate) latencies: Vec<(Stage, Latencies)>,
    /// The symbols that were asked for; `None` where none were.
    pub(crate) symbols: Option<Vec<Told>>,
    /// Whether rates are of the time since another look.
    pub(crate) is_difference: bool,
    quality_of_symbols: Quality,
}

impl Report {
    /// Reads all of it.
    pub(crate) fn take(
        board: &BoardReader,
        asked: &Asked,
        before: Option<&Look>,
    ) -> Result<Report, Failure> {
        let look = Look::take(board, before);
        let symbols = asked.is_any().then(|| asked.of(board, &look)).transpose()?;
        Ok(Report {
            rates: Rates::of(before, &look),
            threads: between::threads(before, &look),
            latencies: look::latencies(board),
            symbols,
            is_difference: before.is_some(),
            quality_of_symbols: look::quality_of_symbols(board, &look.symbols),
            look,
        })
    }

    /// Of a look alone, in tests of what it is shown as.
    #[cfg(test)]
    pub(crate) fn of(look: Look, latencies: Vec<(Stage, Latencies)>) -> Report {
        Report {
            rates: Rates::of(None, &look),
            threads: between::threads(None, &look),
            latencies,
            symbols: None,
            is_difference: false,
            quality_of_symbols: Quality::default(),
            look,
        }
    }

    /// Every cause that `summary.json` counts.
    pub(crate) fn quality(&self) -> Vec<(&'static str, u64)> {
        self.look.quality(self.quality_of_symbols)
    }

    /// The types of which there are messages, and how many.
    pub(crate) fn by_type(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        let counts = (0..=u8::MAX).zip(self.look.by_type.iter().copied());
        counts.filter(|(_, count)| *count > 0)
    }

    /// How old the newest snapshot is; `None` before the first.
    pub(crate) fn snapshot_age_ns(&self) -> Option<u64> {
        let kept = &self.look.kept;
        let finished = engine::units::Nanos(kept.snapshot_ns);
        (kept.snapshot_position > 0).then(|| self.look.as_of().since_ns(finished))
    }
}

/// What only a live engine has, in every form that it is told in.
#[cfg(test)]
mod tests {
    use engine::board::counters::{FeedCounts, LineCounts, label};
    use engine::board::kept::CursorLag;

    use super::*;
    use crate::stat::{fixture, json, prometheus, text};

    fn live() -> Report {
        let mut look = fixture::look();
        look.lines = vec![LineCounts {
            name: label("itch/A"),
            packets: 1_234_567,
            lost: 12,
            kernel_drops: 3,
            ..LineCounts::default()
        }];
        let live = FeedCounts::STATES.iter().position(|state| *state == "live").unwrap();
        look.feeds = vec![FeedCounts {
            name: label("itch"),
            state: live as u64,
            gaps_opened: 5,
            healed_by_retransmit: 4,
            gaps_open: 1,
            ..FeedCounts::default()
        }];
        look.cursors =
            vec![CursorLag { name: label("bars"), lag_bytes: 4_096, ..CursorLag::default() }];
        (look.kept.is_journaled, look.kept.archive_lag_bytes) = (1, 1 << 20);
        // Finished 90 s after the engine began, which was 100 s ago.
        look.kept.snapshot_position = 77;
        look.kept.snapshot_ns = fixture::STARTED_NS + 90_000_000_000;
        look.torn = vec!["rings"];
        Report::of(look, latencies())
    }

    fn latencies() -> Vec<(Stage, Latencies)> {
        Stage::ALL.into_iter().map(|stage| (stage, Latencies::default())).collect()
    }

    #[test]
    fn people_are_told_of_lines_feeds_cursors_and_snapshots() {
        let text = text::of(&live());
        let has = |parts: &[&str]| {
            let is_it = |line: &&str| parts.iter().all(|part| line.contains(part));
            assert!(text.lines().any(|line| is_it(&line)), "no line with {parts:?} in {text}");
        };
        has(&["itch/A", "1,234,567", "12", "3"]);
        has(&["itch", "live", "5", "4", "1"]);
        has(&["bars", "4.10 kB"]);
        has(&["archive lag 1.05 MB"]);
        has(&["snapshot", "at position 77, 00:00:10 old"]);
        has(&["unreadable", "rings: being written when read"]);
        assert!(!text.contains("LATENCIES"), "nothing was measured: {text}");
    }

    #[test]
    fn programs_are_told_the_same_under_names_that_stay() {
        let json = json::of(&live());
        assert_eq!(json["lines"][0]["name"], "itch/A");
        assert_eq!(json["lines"][0]["kernel_drops"], 3);
        assert_eq!(json["feeds"][0]["state"], "live");
        assert_eq!(json["feeds"][0]["healed_by_retransmit"], 4);
        assert_eq!(json["cursors"][0]["lag_bytes"], 4_096);
        assert_eq!(json["journal"]["archive_lag_bytes"], 1 << 20);
        assert_eq!(json["snapshots"]["age_ns"], 10_000_000_000u64);
        assert_eq!(json["rings"][0]["depth_max"], 800);
        assert_eq!(json["torn"][0], "rings");
        assert_eq!(json["latencies"][0]["stage"], "wire_received");
        assert!(json["latencies"][0]["p999_ns"].is_null(), "of no samples there is no quantile");
        assert!(json["quotes"].is_null());
    }

    #[test]
    fn prometheus_is_told_by_line_feed_and_cursor() {
        let text = prometheus::of(&live());
        for line in [
            "tapewatch_line_packets_total{line=\"itch/A\"} 1234567",
            "tapewatch_feed_gaps_open{feed=\"itch\"} 1",
            "tapewatch_feed_gaps_healed_total{feed=\"itch\",by=\"retransmit\"} 4",
            "tapewatch_cursor_lag_bytes{cursor=\"bars\"} 4096",
            "tapewatch_ring_depth{ring=\"shard-0\"} 12",
            "tapewatch_snapshot_age_seconds 10",
            "tapewatch_up 1",
            "tapewatch_latency_seconds_bucket{stage=\"wire_received\",le=\"+Inf\"} 0",
        ] {
            assert!(text.lines().any(|of| of == line), "no {line} in {text}");
        }
    }
}
