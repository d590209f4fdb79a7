//! From the configuration to the engine's own types.

use std::time::Duration;

use engine::book::books::Limits;
use engine::pipeline::pin::Core as EngineCore;
use engine::pipeline::pipelined::Layout;
use engine::ring::WaitStrategy;
use engine::snapshot::MadeBy;
use engine::snapshot::follower::SnapshotEvery;
use engine::state::image::IMAGE_VERSION;
use engine::state::{Fingerprint, Section};
use engine::window::bars::BarSettings;

use super::model::{Config, Core, Snapshots, Wait};
use crate::recording::description::DECODER_VERSION;

/// How the market stage waits: it has little to do, and mostly no core of its own.
const MARKET_PERIOD: Duration = Duration::from_micros(200);

impl From<Core> for EngineCore {
    fn from(core: Core) -> EngineCore {
        EngineCore(usize::from(core.0))
    }
}

impl Config {
    /// Bounds of a shard's memory.
    pub(crate) fn limits(&self) -> Limits {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let limits = Limits {
            orders_max: size(self.limits.orders_max),
            levels_max: size(self.limits.levels_max),
            symbols_max: size(self.limits.symbols_max),
            prints_max: size(self.limits.prints_max),
        };
        limits.for_feeds(self.feed_count())
    }

    /// Feeds of a session: those that are configured; a file is one.
    pub(crate) fn feed_count(&self) -> u16 {
        u16::try_from(self.feeds.len()).unwrap_or(u16::MAX).max(1)
    }

    /// Live orders that memory is put behind before the first message.
    pub(crate) fn prefault_orders(&self) -> usize {
        usize::try_from(self.threads.prefault_orders).unwrap_or(usize::MAX)
    }

    /// The bars that each shard builds.
    pub(crate) fn bars(&self) -> BarSettings {
        BarSettings::new(&self.bars.sizes, self.bars.lateness).unwrap_or_else(|error| {
            unreachable!("Invariant: the keys take what the engine does: {error}")
        })
    }

    /// How threads wait.
    pub(crate) fn wait(&self) -> WaitStrategy {
        match self.threads.wait {
            Wait::BusySpin => WaitStrategy::BusySpin,
            Wait::SpinThenYield => WaitStrategy::SpinThenYield { spins: self.threads.spins },
            Wait::Park => WaitStrategy::Park,
            Wait::Interval => {
                WaitStrategy::Interval { period: Duration::from_micros(self.threads.interval_us) }
            }
        }
    }

    /// How many cores there are for this process: those of its mask, and those named for a thread that
    /// the mask hides, as it does isolated ones.
    pub(crate) fn cores(&self, allowed: &[EngineCore]) -> usize {
        let threads = &self.threads;
        let single = [threads.ingest_core, threads.market_core].into_iter().flatten();
        let named = single.chain(threads.shard_cores.iter().flatten().copied());
        let mut hidden: Vec<EngineCore> = named.map(EngineCore::from).collect();
        hidden.retain(|core| !allowed.contains(core));
        hidden.sort_unstable();
        hidden.dedup();
        allowed.len() + hidden.len()
    }

    /// How the stages are laid out on threads, on a host with so many cores for this process; and a
    /// line about what is different there from what was asked for.
    pub(crate) fn layout(&self, cores: usize) -> (Layout, Option<String>) {
        let shards = self.engine.shards;
        let hot = shards as usize + 1;
        let spins =
            matches!(self.wait(), WaitStrategy::BusySpin | WaitStrategy::SpinThenYield { .. });
        let is_short = spins && hot > cores;
        // Two threads that spin on one core only keep each other from working.
        let wait = if is_short { WaitStrategy::SpinThenYield { spins: 0 } } else { self.wait() };
        let note = is_short.then(|| {
            format!(
                "{hot} threads of the pipeline share {cores} core(s): they yield instead of spinning"
            )
        });
        let market_wait = match self.threads.market_core {
            Some(_) => wait,
            None => WaitStrategy::Interval { period: MARKET_PERIOD },
        };
        let cores = self.threads.shard_cores.iter().flatten();
        let layout = Layout {
            shards,
            limits: self.limits(),
            bars: self.bars(),
            detect: self.detect.0,
            prefault_orders: self.prefault_orders(),
            ring_events: self.ring.events as usize,
            ring_signals: self.ring.signals as usize,
            wait,
            market_wait,
            shard_cores: cores.copied().map(Into::into).collect(),
            market_core: self.threads.market_core.map(Into::into),
        };
        (layout, note)
    }

    /// When snapshots are taken.
    pub(crate) fn snapshot_every(&self) -> SnapshotEvery {
        let Snapshots { every_messages, every_bytes, every_ms, keep: _ } = self.snapshots;
        SnapshotEvery {
            messages: every_messages,
            bytes: every_bytes,
            period: (every_ms > 0).then(|| Duration::from_millis(every_ms)),
        }
    }

    /// What must be equal for a snapshot to be one of this configuration and program.
    pub(crate) fn made_by(&self, symbols: &[String]) -> MadeBy {
        MadeBy {
            fingerprints: self.fingerprints(symbols).map(|fingerprint| fingerprint.0),
            state_versions: Section::ALL.map(Section::state_version),
            image_version: IMAGE_VERSION,
            decoder_version: DECODER_VERSION,
        }
    }

    /// What the state of each section depends on besides the events, in the order of
    /// [`Section::ALL`]. `symbols` are those computed, none for all.
    pub(crate) fn fingerprints(&self, symbols: &[String]) -> [Fingerprint; Section::COUNT] {
        let Limits { orders_max, levels_max, symbols_max, prints_max } = self.limits();
        let mut symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
        symbols.sort_unstable();
        symbols.dedup();
        let text = format!(
            "decoder={DECODER_VERSION} orders_max={orders_max} levels_max={levels_max} symbols_max={symbols_max} \
             prints_max={prints_max} symbols={}",
            symbols.join(",")
        );
        let bars = self.bars();
        let detect = &self.detect.0;
        let detectors =
            if detect.is_on() { format!("{text}\n{}", detect.text()) } else { text.clone() };
        let sizes: Vec<String> = bars.sizes().iter().map(ToString::to_string).collect();
        let windows = match sizes.is_empty() {
            true => text.clone(),
            false => format!("{text} bars_ns={} lateness_ns={}", sizes.join(","), bars.lateness()),
        };
        Section::ALL.map(|section| match section {
            Section::Windows => Fingerprint::of(&windows),
            Section::Detectors => Fingerprint::of(&detectors),
            _ => Fingerprint::of(&text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::window::tick::Span;

    #[test]
    fn threads_that_have_no_core_each_yield_and_say_so() {
        let mut config = Config::default();
        config.engine.shards = 3;
        let (layout, note) = config.layout(4);
        assert_eq!((layout.wait, note), (config.wait(), None));
        let (layout, note) = config.layout(3);
        assert_eq!(layout.wait, WaitStrategy::SpinThenYield { spins: 0 });
        assert!(note.unwrap().contains("4 threads"));
        config.threads.wait = Wait::Park;
        assert_eq!(config.layout(1).0.wait, WaitStrategy::Park);
    }

    #[test]
    fn isolated_cores_count_where_they_are_named() {
        let mut config = Config::default();
        let mask = [EngineCore(0), EngineCore(1)];
        assert_eq!(config.cores(&mask), 2);
        config.threads.ingest_core = Some(Core(1));
        config.threads.shard_cores = Some(vec![Core(2), Core(3), Core(2)]);
        assert_eq!(config.cores(&mask), 4);
        config.threads.market_core = Some(Core(4));
        assert_eq!(config.cores(&mask), 5);
    }

    #[test]
    fn only_the_windows_depend_on_bars_whatever_their_order() {
        let of = |sizes: &[i64], lateness| {
            let mut config = Config::default();
            config.bars.sizes = sizes.iter().copied().map(Span).collect();
            config.bars.lateness = Span(lateness);
            config.fingerprints(&[])
        };
        let windows = Section::ALL.iter().position(|one| *one == Section::Windows).unwrap();
        let (plain, bars) = (of(&[], 0), of(&[60_000_000_000, 1_000_000_000], 0));
        for at in 0..Section::COUNT {
            assert_eq!(plain[at] == bars[at], at != windows, "{:?}", Section::ALL[at]);
        }
        assert_eq!(bars, of(&[1_000_000_000, 60_000_000_000, 1_000_000_000], 0));
        assert_ne!(bars, of(&[1_000_000_000], 0));
        assert_ne!(bars, of(&[1_000_000_000, 60_000_000_000], 1_000));
        // Without bars nothing can be late.
        assert_eq!(plain, of(&[], 1_000));
    }

    #[test]
    fn a_fingerprint_follows_the_symbols_whatever_their_order() {
        let config = Config::default();
        let of = |names: &[&str]| {
            config.fingerprints(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(of(&["A", "B"]), of(&["B", "A", "B"]));
        assert_ne!(of(&["A"]), of(&[]));
        let fewer = Config {
            limits: super::super::model::Limits { orders_max: 9, ..config.limits.clone() },
            ..config.clone()
        };
        assert_ne!(fewer.fingerprints(&[]), config.fingerprints(&[]));
    }
}
