//! The engine in the topology that the configuration asks for.

use std::fs::File;

use engine::detect::Detectors;
use engine::journal::stand::FeedStand;
use engine::market::{Market, MarketListener};
use engine::packet::{Packet, SnapshotItem};
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pin;
use engine::pipeline::pipelined::{Pipelined, PipelinedParts, PushError, StageFailed, Stalls};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stages::Stages;
use engine::ring::RingGauge;
use engine::shard::{Observer, Shard, ShardPlace};
use engine::signal::Signal;
use engine::snapshot::Snapshot;
use engine::state::{SectionSums, StateHash, image, section_sums};
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;

use crate::config::{Config, Topology};
use crate::console::Console;
use crate::exit::Failure;
use crate::replay::faults;

/// The engine at work.
pub(crate) enum Engine<O, L> {
    /// All stages on this thread.
    Inline(Box<Inline<Itch50Decoder, O, L>>),
    /// The shards on threads of their own.
    Pipelined(Box<Pipelined<Itch50Decoder, O, L>>),
}

/// The engine after its work.
pub(crate) struct Finished<O, L> {
    /// The decoder.
    pub(crate) decoder: Itch50Decoder,
    /// The sequencer.
    pub(crate) sequencer: Sequencer,
    /// The shards, in the order of their index.
    pub(crate) shards: Vec<Shard>,
    /// Their observers, in the same order.
    pub(crate) observers: Vec<O>,
    /// The market, with who listens to it.
    pub(crate) market: Market<L>,
    /// How often a stage had to wait.
    pub(crate) stalls: Stalls,
    /// The state after the last message.
    pub(crate) hash: StateHash,
}

/// What an engine begins with.
pub(crate) struct Start<'a> {
    /// When the day began.
    pub(crate) midnight: Nanos,
    /// The symbols that are computed.
    pub(crate) selection: Selection,
    /// Whether it tells hash points.
    pub(crate) hash_points: bool,
    /// The state that it goes on from; `None`: the start of the session.
    pub(crate) from: Option<&'a Snapshot<File>>,
}

impl Start<'_> {
    /// The start of a session.
    pub(crate) fn of_day(midnight: Nanos, selection: Selection) -> Start<'static> {
        Start { midnight, selection, hash_points: true, from: None }
    }

    /// The stages of an engine under `config`, with the state that it goes on from.
    pub(crate) fn stages(
        self,
        config: &Config,
        shards: impl FnOnce() -> Result<Vec<Shard>, Failure>,
    ) -> Result<Stages<Itch50Decoder>, Failure> {
        let Start { midnight, selection, hash_points, from } = self;
        let decoder = Itch50Decoder::for_feeds(midnight, config.feed_count())
            .map_err(|error| faults::no_memory(&error))?;
        let hash_every = if hash_points { config.hashes.every_sequences } else { 0 };
        let sequencer = Sequencer::new(midnight)
            .with_hash_points(hash_every)
            .with_time_grid(config.bars().grid());
        let stages = Stages::new(decoder, sequencer, selection, shards()?);
        match from {
            None => Ok(stages),
            Some(snapshot) => image::restore(snapshot, stages)
                .map_err(|error| faults::not_restored(snapshot.name(), &error)),
        }
    }
}

/// The one shard of an inline engine.
pub(crate) fn inline_shard(config: &Config) -> Result<Vec<Shard>, Failure> {
    let detectors = Detectors::new(&config.detect.0, config.limits().symbols_max);
    let shard = Shard::new(config.limits()).and_then(|shard| shard.with_bars(&config.bars()));
    let shard = shard.and_then(|shard| Ok(shard.with_detectors(detectors?)));
    let mut shard = shard.map_err(|error| faults::no_memory(&error))?;
    shard.prefault(config.prefault_orders());
    Ok(vec![shard])
}

/// The engine after its work, its state not hashed yet.
pub(crate) struct Drained<O, L>(Finished<O, L>);

impl<O, L> Engine<O, L>
where
    O: Observer + Send + 'static,
    L: MarketListener + Send + 'static,
{
    /// Starts the engine.
    pub(crate) fn start(
        config: &Config,
        start: Start<'_>,
        observers: impl FnMut(ShardPlace) -> O,
        listener: L,
        console: Console,
    ) -> Result<Self, Failure> {
        Self::start_telling(config, start, observers, listener, console).map(|(engine, _)| engine)
    }

    /// As [`Engine::start`], with where the state that it goes on from stands with each feed.
    pub(crate) fn start_telling(
        config: &Config,
        start: Start<'_>,
        mut observers: impl FnMut(ShardPlace) -> O,
        listener: L,
        console: Console,
    ) -> Result<(Self, Vec<FeedStand>), Failure> {
        // Before any memory is touched.
        if config.threads.lock_memory
            && let Err(error) = engine::memory::lock::lock_all()
        {
            console.note(&format!(
                "memory is not locked: {error}; raise `ulimit -l` or run with CAP_IPC_LOCK"
            ));
        }
        let cores = config.cores(&pin::allowed_cores()).max(1);
        let pin = || match config.threads.ingest_core {
            Some(core) => {
                pin::pin_current_thread(core.into()).map_err(|error| faults::not_pinned(&error))
            }
            None => Ok(()),
        };
        let mut suspect = Vec::new();
        let mut see = |stages: &Stages<Itch50Decoder>| {
            let shard = stages.shards.first();
            let feeds = (0..config.feed_count()).map(|feed| SymbolId::of(FeedId(feed), 1));
            suspect = feeds.map(|any| shard.is_some_and(|shard| shard.is_suspect(any))).collect();
        };
        let engine = match config.engine.topology {
            Topology::Inline => {
                // Before memory is touched: it is then this core's.
                pin()?;
                let stages = start.stages(config, || inline_shard(config))?;
                see(&stages);
                let observer = observers(ShardPlace::default());
                Engine::Inline(Box::new(Inline::of(stages, observer, listener)))
            }
            Topology::Pipelined => {
                let (layout, note) = config.layout(cores);
                if let Some(note) = note {
                    console.note(&note);
                }
                let cannot = |error| faults::cannot_start(&error);
                let stages = start.stages(config, || layout.shards().map_err(cannot))?;
                see(&stages);
                let started = Pipelined::of(stages, &layout, observers, listener);
                let started = started.map_err(cannot)?;
                // After the stages have started: a thread begins on the cores of the one that starts it.
                pin()?;
                Engine::Pipelined(Box::new(started))
            }
        };
        let stand = |(feed, is_suspect)| FeedStand {
            next: engine.next_sequence(FeedId(feed)),
            is_suspect: Some(is_suspect),
        };
        let stands = (0u16..).zip(suspect).map(stand).collect();
        Ok((engine, stands))
    }

    /// The number of a feed's next message; `None` where nothing numbered of it has come.
    pub(crate) fn next_sequence(&self, feed: FeedId) -> Option<Sequence> {
        match self {
            Engine::Inline(engine) => engine.next_sequence(feed),
            Engine::Pipelined(engine) => engine.next_sequence(feed),
        }
    }

    /// Hands over a packet.
    #[inline]
    pub(crate) fn push(&mut self, packet: &Packet<'_>) -> Result<(), PushError> {
        match self {
            Engine::Inline(engine) => Ok(engine.push(packet)?),
            Engine::Pipelined(engine) => engine.push(packet),
        }
    }

    /// Hands over that the messages of a feed from `first` up to but not including `end` were given up.
    pub(crate) fn gap(
        &mut self,
        feed: FeedId,
        first: Sequence,
        end: Sequence,
    ) -> Result<(), PushError> {
        match self {
            Engine::Inline(engine) => {
                engine.gap(feed, first, end);
                Ok(())
            }
            Engine::Pipelined(engine) => engine.gap(feed, first, end),
        }
    }

    /// Hands over a piece of a snapshot of a feed.
    pub(crate) fn snapshot_item(&mut self, item: &SnapshotItem<'_>) -> Result<(), PushError> {
        match self {
            Engine::Inline(engine) => {
                engine.snapshot_item(item);
                Ok(())
            }
            Engine::Pipelined(engine) => engine.snapshot_item(item),
        }
    }

    /// The decoder.
    pub(crate) fn decoder(&self) -> &Itch50Decoder {
        match self {
            Engine::Inline(engine) => engine.decoder(),
            Engine::Pipelined(engine) => engine.decoder(),
        }
    }

    /// There is nothing to hand over at the moment: lets an observer on this thread use the time. Returns
    /// whether it has more to do.
    #[inline]
    pub(crate) fn idle(&mut self) -> bool {
        match self {
            Engine::Inline(engine) => engine.idle(),
            Engine::Pipelined(_) => false,
        }
    }

    /// How often a ring from this thread to the others was full.
    pub(crate) fn stalls(&self) -> u64 {
        match self {
            Engine::Inline(_) => 0,
            Engine::Pipelined(engine) => engine.stalls(),
        }
    }

    /// A look at every ring, with its name; once.
    pub(crate) fn take_gauges(&mut self) -> Vec<(String, RingGauge)> {
        match self {
            Engine::Inline(_) => Vec::new(),
            Engine::Pipelined(engine) => engine.take_gauges(),
        }
    }

    /// Packets with bytes behind their last whole message.
    pub(crate) fn torn_packets(&self) -> u64 {
        match self {
            Engine::Inline(engine) => engine.torn_packets(),
            Engine::Pipelined(engine) => engine.torn_packets(),
        }
    }

    /// The sequencer.
    pub(crate) fn sequencer(&self) -> &Sequencer {
        match self {
            Engine::Inline(engine) => engine.sequencer(),
            Engine::Pipelined(engine) => engine.sequencer(),
        }
    }

    /// Lets every stage work off what it has, and hashes the state.
    pub(crate) fn finish(self) -> Result<Finished<O, L>, StageFailed> {
        self.drain().map(Drained::hashed)
    }

    /// Lets every stage work off what it has.
    pub(crate) fn drain(self) -> Result<Drained<O, L>, StageFailed> {
        let finished = match self {
            Engine::Inline(engine) => {
                let InlineParts { decoder, sequencer, shard, observer, market } =
                    engine.into_parts();
                let (shards, observers) = (vec![shard], vec![observer]);
                let (stalls, hash) = (Stalls::default(), StateHash::of(&SectionSums::default()));
                Finished { decoder, sequencer, shards, observers, market, stalls, hash }
            }
            Engine::Pipelined(engine) => {
                let parts = engine.finish()?;
                let PipelinedParts { decoder, sequencer, shards, observers, market, stalls } =
                    parts;
                let hash = StateHash::of(&SectionSums::default());
                Finished { decoder, sequencer, shards, observers, market, stalls, hash }
            }
        };
        Ok(Drained(finished))
    }
}

impl<O, L> Drained<O, L> {
    /// Hashes the state, which over a day's books takes a while.
    pub(crate) fn hashed(self) -> Finished<O, L> {
        let Drained(mut finished) = self;
        let mut sums = SectionSums::default();
        for shard in &finished.shards {
            let owns_market = shard.place().owns_market();
            sums += section_sums(shard, finished.sequencer.feed_time(), owns_market);
        }
        finished.hash = StateHash::of(&sums);
        finished
    }
}

impl<A, B, L> Finished<(A, B), L> {
    /// The same with the first of each shard's two observers, and the second ones.
    pub(crate) fn split(self) -> (Finished<A, L>, Vec<B>) {
        let Finished { decoder, sequencer, shards, observers, market, stalls, hash } = self;
        let (observers, others) = observers.into_iter().unzip();
        (Finished { decoder, sequencer, shards, observers, market, stalls, hash }, others)
    }
}

impl<O, L: MarketListener> Finished<O, L> {
    /// The input has ended: puts out all open windows and tells them, in the order of all shards'
    /// signals. What the shards hold of windows after that is no state of the session any more.
    pub(crate) fn close_windows(&mut self) {
        let (last, time) = (self.sequencer.position(), self.sequencer.feed_time());
        let mut signals = Vec::new();
        for shard in &mut self.shards {
            shard.end_of_input(last, time);
            signals.extend_from_slice(shard.outbox().signals());
            shard.outbox().clear();
        }
        // Stable: a shard's own order stays where a key counts no further.
        signals.sort_by_key(Signal::key);
        for signal in &signals {
            self.market.take(signal);
        }
        self.market.end_of_input(last, time);
        self.market.turn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::market::{Cause, HashPoint};
    use engine::units::{MatchNumber, OrderRef, Position, Side};
    use engine::window::bars::Bar;
    use engine::window::tick::Span;
    use feed_handlers::itch50::encode::{Encoder, Header};
    use feed_handlers::itch50::fields::{Price4, Stock};

    /// What was told: position, symbol, end, size, revision.
    #[derive(Default)]
    struct Told(Vec<(u64, u32, i64, i64, u32)>, usize);

    impl MarketListener for Told {
        fn on_hash_point(&mut self, _point: &HashPoint) {}

        fn on_bar(&mut self, cause: &Cause, bar: &Bar, name: &[u8]) {
            assert_eq!(name, format!("S{}", bar.symbol.0).as_bytes());
            let (end, size) = (bar.end.0, bar.end.0 - bar.start.0);
            self.0.push((cause.position.0, bar.symbol.0, end, size, bar.revision));
        }

        fn on_turn(&mut self) {
            self.1 = self.0.len();
        }
    }

    const SECOND_NS: u64 = 1_000_000_000;

    /// Prints of nine symbols over three seconds.
    fn prints() -> Vec<u8> {
        let mut encoder = Encoder::new();
        for at in 0..54u16 {
            let locate = 1 + at * 5 % 9;
            let stock = Stock::new(&format!("S{locate}")).unwrap();
            let time_of_day_ns = u64::from(at) * SECOND_NS / 18;
            let header = Header { locate, tracking: 0, time_of_day_ns };
            let number = MatchNumber(u64::from(at));
            encoder.trade(header, OrderRef(0), Side::Buy, 1, stock, Price4(10_000), number);
        }
        encoder.into_bytes()
    }

    fn told(set: &[&str]) -> Told {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        let mut config = Config::load(None, &set).unwrap();
        config.bars.sizes = vec![Span(1_000_000_000), Span(60_000_000_000)];
        let silent = Console::new(true, false);
        let (all, nobody) = (Selection::all(), |_: ShardPlace| ());
        let start = Start::of_day(Nanos(0), all);
        let started = Engine::start(&config, start, nobody, Told::default(), silent);
        let mut engine = started.unwrap();
        let messages = prints();
        let packet = Packet {
            feed: FeedId(0),
            sequence: Sequence(1),
            recv: Nanos(0),
            messages: messages.as_slice(),
        };
        engine.push(&packet).unwrap();
        let mut finished = engine.finish().unwrap();
        let before = finished.market.listener().0.len();
        // Those of the first two seconds have ended by themselves.
        assert_eq!(before, 18);
        finished.close_windows();
        assert_eq!(finished.sequencer.position(), Position(54));
        std::mem::take(finished.market.listener_mut())
    }

    #[test]
    fn the_end_of_input_closes_the_windows_of_all_shards_in_one_order() {
        let inline = told(&[]);
        let rest = &inline.0[18..];
        // Behind the last message, by symbol, then end.
        let second = SECOND_NS as i64;
        let expected: Vec<_> = (1..=9u32)
            .flat_map(|symbol| {
                [(55, symbol, 3 * second, second, 0), (55, symbol, 60 * second, 60 * second, 0)]
            })
            .collect();
        assert_eq!(rest, expected);
        assert_eq!(inline.1, inline.0.len(), "the market was told that this is all");
        for shards in ["engine.shards=1", "engine.shards=2", "engine.shards=3"] {
            let pipelined = told(&["engine.topology=pipelined", shards]);
            assert_eq!(pipelined.0, inline.0, "{shards}");
        }
    }
}
