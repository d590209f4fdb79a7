//! The engine in the topology that the configuration asks for.

use engine::market::MarketListener;
use engine::packet::Packet;
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pin;
use engine::pipeline::pipelined::{Pipelined, PipelinedParts, PushError, StageFailed, Stalls};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::{Observer, Shard, ShardPlace};
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::Nanos;
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
    /// Who listened to the market.
    pub(crate) listener: L,
    /// How often a stage had to wait.
    pub(crate) stalls: Stalls,
    /// The state after the last message.
    pub(crate) hash: StateHash,
}

/// The engine after its work, its state not hashed yet.
pub(crate) struct Drained<O, L>(Finished<O, L>);

impl<O, L> Engine<O, L>
where
    O: Observer + Send + 'static,
    L: MarketListener + Send + Default + 'static,
{
    /// Starts the engine for the day that began at `midnight`.
    pub(crate) fn start(
        config: &Config,
        midnight: Nanos,
        selection: Selection,
        mut observers: impl FnMut(ShardPlace) -> O,
        listener: L,
        console: Console,
    ) -> Result<Self, Failure> {
        let refused = |error| faults::no_memory(&error);
        let decoder = Itch50Decoder::new(midnight).map_err(refused)?;
        let sequencer = Sequencer::new(midnight).with_hash_points(config.hashes.every_sequences);
        // Before any memory is touched.
        if config.threads.lock_memory
            && let Err(error) = engine::memory::lock::lock_all()
        {
            console.note(&format!(
                "memory is not locked: {error}; raise `ulimit -l` or run with CAP_IPC_LOCK"
            ));
        }
        let cores = pin::allowed_cores().len().max(1);
        let pin = || match config.threads.ingest_core {
            Some(core) => {
                pin::pin_current_thread(core.into()).map_err(|error| faults::not_pinned(&error))
            }
            None => Ok(()),
        };
        match config.engine.topology {
            Topology::Inline => {
                // Before memory is touched: it is then this core's.
                pin()?;
                let mut shard = Shard::new(config.limits()).map_err(refused)?;
                shard.prefault(config.prefault_orders());
                let observer = observers(ShardPlace::default());
                Ok(Engine::Inline(Box::new(Inline::with_listener(
                    decoder, sequencer, selection, shard, observer, listener,
                ))))
            }
            Topology::Pipelined => {
                let (layout, note) = config.layout(cores);
                if let Some(note) = note {
                    console.note(&note);
                }
                let started =
                    Pipelined::start(decoder, sequencer, selection, &layout, observers, listener);
                let started = started.map_err(|error| faults::cannot_start(&error))?;
                // After the stages have started: a thread begins on the cores of the one that starts it.
                pin()?;
                Ok(Engine::Pipelined(Box::new(started)))
            }
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

    /// The decoder.
    pub(crate) fn decoder(&self) -> &Itch50Decoder {
        match self {
            Engine::Inline(engine) => engine.decoder(),
            Engine::Pipelined(engine) => engine.decoder(),
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
                let InlineParts { decoder, sequencer, shard, observer, mut market } =
                    engine.into_parts();
                let listener = std::mem::take(market.listener_mut());
                let (shards, observers) = (vec![shard], vec![observer]);
                let (stalls, hash) = (Stalls::default(), StateHash::of(&SectionSums::default()));
                Finished { decoder, sequencer, shards, observers, listener, stalls, hash }
            }
            Engine::Pipelined(engine) => {
                let parts = engine.finish()?;
                let PipelinedParts { decoder, sequencer, shards, observers, mut market, stalls } =
                    parts;
                let listener = std::mem::take(market.listener_mut());
                let hash = StateHash::of(&SectionSums::default());
                Finished { decoder, sequencer, shards, observers, listener, stalls, hash }
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
