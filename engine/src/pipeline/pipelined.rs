//! The `pipelined` topology: the front on the caller's thread, each shard and the market on their own.
//!
//! ```text
//!  caller: source ─► journal ─► decoder ─► sequencer ─► router
//!                                                         │ ring of events, one a shard
//!                                          shard-0 … shard-N   books ─► prints ─► metrics
//!                                                         │ ring of signals, one a shard; progress
//!                                                       market
//! ```
//! Who may be full: a ring of events stops the router, a ring of signals its shard; both wait as the
//! configuration says and are counted in [`Stalls`]. Nothing is dropped.
//!
//! **End.** [`Pipelined::finish`] lets go of the rings; every stage works off what is left in its own,
//! from front to back, and hands back what it owns. **Failure.** A stage that panics lets go of its
//! rings as it unwinds: the stages before it see that nobody reads on and stop, those behind work off
//! what is left; `push` and `finish` say which stage it was. Dropped without `finish`, all threads end
//! by themselves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use crate::book::books::Limits;
use crate::detect::{Detectors, Settings};
use crate::event::Event;
use crate::market::{Market, MarketListener};
use crate::memory::MemoryError;
use crate::packet::{Packet, SnapshotItem};
use crate::pipeline::front::{Front, SecondStart};
use crate::pipeline::market_stage::MarketStage;
use crate::pipeline::merge::{Mark, Merge};
use crate::pipeline::named::Named;
use crate::pipeline::pin::{self, Core, PinError};
use crate::pipeline::router::Router;
use crate::pipeline::selection::Selection;
use crate::pipeline::sequencer::Sequencer;
use crate::pipeline::shard_stage::{EndedShard, ShardStage};
use crate::pipeline::stage::Decoder;
use crate::pipeline::stages::Stages;
use crate::ring::{RingError, RingGauge, WaitStrategy, Waiter, ring};
use crate::shard::{Observer, Shard, ShardPlace};
use crate::signal::Signal;
use crate::units::{FeedId, Sequence};
use crate::window::bars::BarSettings;

/// Names that may be on their way from the front to the market stage.
const RING_NAMES: usize = 1 << 10;

/// Shards at most.
pub const SHARDS_MAX: u32 = 64;

/// How the stages are laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Shards, 1 to [`SHARDS_MAX`].
    pub shards: u32,
    /// Bounds of each shard's memory.
    pub limits: Limits,
    /// The bars that each shard builds; the sequencer must have their time grid.
    pub bars: BarSettings,
    /// What each shard detects.
    pub detect: Settings,
    /// Live orders of each shard that memory is put behind before it starts.
    pub prefault_orders: usize,
    /// Events that a shard's ring holds; a power of two.
    pub ring_events: usize,
    /// Signals that a shard's ring holds; a power of two.
    pub ring_signals: usize,
    /// How the caller and the shards wait.
    pub wait: WaitStrategy,
    /// How the market stage waits.
    pub market_wait: WaitStrategy,
    /// A core for each shard; none to leave them to the kernel.
    pub shard_cores: Vec<Core>,
    /// A core for the market stage.
    pub market_core: Option<Core>,
}

impl Layout {
    /// The layout's shards, which have seen nothing, in the order of their index.
    ///
    /// # Errors
    /// If the layout cannot be, or the system refuses memory.
    pub fn shards(&self) -> Result<Vec<Shard>, LayoutError> {
        self.shards_with(Ok)
    }

    /// As [`Layout::shards`], each with what `own` adds to its detectors
    /// ([`Detectors::with_own`]): the same for all, since symbols are spread over them.
    ///
    /// # Errors
    /// As [`Layout::shards`].
    pub fn shards_with(
        &self,
        own: impl Fn(Detectors) -> Result<Detectors, MemoryError>,
    ) -> Result<Vec<Shard>, LayoutError> {
        self.check()?;
        let shard = |index| {
            let detectors = own(Detectors::new(&self.detect, self.limits.symbols_max)?)?;
            let shard = Shard::at(ShardPlace { index }, self.limits)?.with_bars(&self.bars)?;
            let mut shard = shard.with_detectors(detectors);
            shard.prefault(self.prefault_orders);
            Ok(shard)
        };
        (0..self.shards).map(shard).collect()
    }

    fn check(&self) -> Result<(), LayoutError> {
        let (shards, cores) = (self.shards, self.shard_cores.len());
        if !(1..=SHARDS_MAX).contains(&shards) {
            return Err(LayoutError::Shards { shards });
        }
        if cores != 0 && cores != shards as usize {
            return Err(LayoutError::Cores { cores, shards });
        }
        Ok(())
    }
}

/// Why the stages cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// So many shards cannot be.
    #[error("{shards} shards were asked for; there can be 1 to {SHARDS_MAX}")]
    Shards {
        /// What was asked for.
        shards: u32,
    },
    /// Cores are named for some shards and not for others.
    #[error("{cores} cores are named for {shards} shards")]
    Cores {
        /// Cores named.
        cores: usize,
        /// Shards asked for.
        shards: u32,
    },
    /// A thread cannot be pinned.
    #[error("thread {thread}: {source}")]
    Pin {
        /// The thread's name.
        thread: String,
        /// Why.
        source: PinError,
    },
    /// The system gave no memory for a shard.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A ring cannot be made.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The system gave no thread.
    #[error("thread {thread} cannot be started: {source}")]
    Thread {
        /// The thread's name.
        thread: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A stage has failed; its thread is gone. A bug of ours or of an observer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {stage} stage panicked: {what}")]
pub struct StageFailed {
    /// The stage's thread.
    pub stage: String,
    /// Its last words.
    pub what: String,
}

/// Why a packet was not wholly taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It starts a second day; what stands before that was taken.
    #[error(transparent)]
    SecondStart(#[from] SecondStart),
    /// A stage has failed; [`Pipelined::finish`] tells which.
    #[error("a stage has failed")]
    StageFailed,
}

/// How often a stage had to wait for the one behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// The router, for room in a shard's ring.
    pub router: u64,
    /// The shards, for room in their rings of signals.
    pub shards: u64,
}

/// The stages after their work.
pub struct PipelinedParts<D, O, L> {
    /// The decoder.
    pub decoder: D,
    /// The sequencer.
    pub sequencer: Sequencer,
    /// The shards, in the order of their index.
    pub shards: Vec<Shard>,
    /// Their observers, in the same order.
    pub observers: Vec<O>,
    /// The market.
    pub market: Market<L>,
    /// How often a stage had to wait.
    pub stalls: Stalls,
}

/// A stage's thread and its name.
struct Running<T> {
    name: String,
    handle: JoinHandle<T>,
}

impl<T> Running<T> {
    fn join(self) -> Result<T, StageFailed> {
        self.handle.join().map_err(|payload| {
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            StageFailed { stage: self.name, what: text.unwrap_or_else(|| "no message".to_owned()) }
        })
    }
}

/// Starts a thread, pinned before it works.
fn start<T: Send + 'static>(
    name: String,
    core: Option<Core>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Running<T>, LayoutError> {
    let (tell, told) = mpsc::sync_channel(1);
    let spawned = Builder::new().name(name.clone()).spawn(move || {
        let pinned = core.map_or(Ok(()), pin::pin_current_thread);
        let _ = tell.send(pinned);
        work()
    });
    let handle = spawned.map_err(|source| LayoutError::Thread { thread: name.clone(), source })?;
    match told.recv() {
        Ok(Err(source)) => Err(LayoutError::Pin { thread: name, source }),
        // A thread that is gone without a word is told when it is joined.
        Ok(Ok(())) | Err(_) => Ok(Running { name, handle }),
    }
}

/// See the module.
pub struct Pipelined<D, O, L> {
    front: Front<D>,
    router: Router,
    shards: Vec<Running<EndedShard<O>>>,
    market: Running<Market<L>>,
    /// Of every ring, with its name; until they are taken.
    gauges: Vec<(String, RingGauge)>,
}

impl<D, O, L> Pipelined<D, O, L>
where
    D: Decoder,
    O: Observer + Send + 'static,
    L: MarketListener + Send + 'static,
{
    /// Starts the stages. `observers` has one for each shard, `listener` hears the market.
    ///
    /// # Errors
    /// What the layout asks for and this host or its kernel does not give.
    pub fn start(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        layout: &Layout,
        observers: impl FnMut(ShardPlace) -> O,
        listener: L,
    ) -> Result<Self, LayoutError> {
        let stages = Stages::new(decoder, sequencer, selection, layout.shards()?);
        Self::of(stages, layout, observers, listener)
    }

    /// Starts stages that may have been restored; their shards are [`Layout::shards`] or
    /// [`Layout::shards_with`] a user's own detectors.
    ///
    /// # Errors
    /// As [`Pipelined::start`].
    ///
    /// # Panics
    /// If there are not as many shards as the layout has.
    pub fn of(
        stages: Stages<D>,
        layout: &Layout,
        mut observers: impl FnMut(ShardPlace) -> O,
        listener: L,
    ) -> Result<Self, LayoutError> {
        layout.check()?;
        let Stages { decoder, sequencer, selection, shards: made, front, next, market: state } =
            stages;
        let count = layout.shards;
        assert!(
            made.len() == count as usize,
            "Invariant: there are as many shards as the layout has"
        );
        let stop = Arc::new(AtomicBool::new(false));
        let (frontier, waiter) = (Mark::shared(), Waiter::new(layout.wait));
        let market_waiter = Waiter::new(layout.market_wait);
        let mut lanes = Vec::new();
        let mut inputs = Vec::new();
        let mut shards = Vec::new();
        let mut gauges = Vec::new();
        for (index, shard) in (0..count).zip(made) {
            let place = ShardPlace { index };
            assert!(shard.place() == place, "Invariant: shards come in the order of their index");
            let (mut events_in, mut events_out) = ring::<Event>(layout.ring_events)?;
            let (mut signals_in, mut signals_out) = ring::<Signal>(layout.ring_signals)?;
            let (progress, shard_waiter) = (Mark::shared(), Waiter::new(layout.wait));
            gauges.push((format!("events-{index}"), events_in.gauge()));
            gauges.push((format!("signals-{index}"), signals_in.gauge()));
            events_in.wake_with(shard_waiter.waker());
            events_out.wake_with(waiter.waker());
            signals_in.wake_with(market_waiter.waker());
            signals_out.wake_with(shard_waiter.waker());
            lanes.push((events_in, shard_waiter.waker()));
            inputs.push((signals_out, Arc::clone(&progress)));
            let stage = ShardStage {
                shard,
                observer: observers(place),
                events: events_out,
                signals: signals_in,
                frontier: Arc::clone(&frontier),
                progress,
                waiter: shard_waiter,
                market: market_waiter.waker(),
                stop: Arc::clone(&stop),
                stalls: 0,
            };
            let core = layout.shard_cores.get(index as usize).copied();
            shards.push(start(format!("shard-{index}"), core, move || stage.run())?);
        }
        let symbols_max = layout.limits.symbols_max;
        let (mut names_in, mut names_out) = ring::<Named>(RING_NAMES)?;
        gauges.push(("names".to_owned(), names_in.gauge()));
        names_in.wake_with(market_waiter.waker());
        names_out.wake_with(waiter.waker());
        let stage = MarketStage {
            merge: Merge::new(inputs.into_iter()),
            names: names_out,
            market: Market::of(count, state, listener),
            waiter: market_waiter,
        };
        let market = start("market".to_owned(), layout.market_core, move || stage.run())?;
        let (lanes, offset) = (lanes.into_iter(), sequencer.offset());
        Ok(Pipelined {
            front: Front::new(decoder, sequencer, selection, front, next),
            router: Router::new(lanes, symbols_max, names_in, frontier, waiter, stop, offset),
            shards,
            market,
            gauges,
        })
    }

    /// A look at every ring, with its name; once.
    pub fn take_gauges(&mut self) -> Vec<(String, RingGauge)> {
        std::mem::take(&mut self.gauges)
    }

    /// How often a ring from this thread to the others was full.
    #[must_use]
    pub fn stalls(&self) -> u64 {
        self.router.stalls()
    }

    /// Hands every message of a packet to its shard. When the call returns, the events are in the
    /// rings; they are applied soon after.
    ///
    /// # Errors
    /// If the packet starts a second day (what stands before that was handed over), or a stage failed.
    #[inline]
    pub fn push(&mut self, packet: &Packet<'_>) -> Result<(), PushError> {
        let pushed = self.front.push(packet, &mut self.router);
        self.router.settle(self.front.sequencer.position());
        // A stage that is gone is noticed with the next packet, however empty the rings are.
        if self.router.is_broken() || self.market.handle.is_finished() {
            return Err(PushError::StageFailed);
        }
        Ok(pushed?)
    }

    /// The messages of a feed from `first` up to but not including `end` were given up as lost.
    ///
    /// # Errors
    /// If a stage failed.
    pub fn gap(&mut self, feed: FeedId, first: Sequence, end: Sequence) -> Result<(), PushError> {
        self.front.gap(feed, first, end, &mut self.router);
        self.router.settle(self.front.sequencer.position());
        if self.router.is_broken() { Err(PushError::StageFailed) } else { Ok(()) }
    }

    /// Hands over a piece of a snapshot of a feed.
    ///
    /// # Errors
    /// If a stage failed.
    pub fn snapshot_item(&mut self, item: &SnapshotItem<'_>) -> Result<(), PushError> {
        self.front.snapshot_item(item, &mut self.router);
        self.router.settle(self.front.sequencer.position());
        if self.router.is_broken() { Err(PushError::StageFailed) } else { Ok(()) }
    }

    /// The number behind the last message of a feed that was taken, given up or in a snapshot; `None`
    /// where none had a number.
    #[must_use]
    pub fn next_sequence(&self, feed: FeedId) -> Option<Sequence> {
        self.front.next_sequence(feed)
    }

    /// The decoder.
    #[must_use]
    pub fn decoder(&self) -> &D {
        &self.front.decoder
    }

    /// Packets with bytes behind their last whole message, which were left out.
    #[must_use]
    pub fn torn_packets(&self) -> u64 {
        self.front.torn_packets()
    }

    /// The sequencer.
    #[must_use]
    pub fn sequencer(&self) -> &Sequencer {
        &self.front.sequencer
    }

    /// Lets every stage work off what it has, and takes the stages apart.
    ///
    /// # Errors
    /// The first stage that had failed.
    pub fn finish(self) -> Result<PipelinedParts<D, O, L>, StageFailed> {
        let Pipelined { front, router, shards, market, gauges: _ } = self;
        let mut stalls = Stalls { router: router.stalls(), shards: 0 };
        drop(router);
        let shards: Vec<_> = shards.into_iter().map(Running::join).collect();
        let market = market.join()?;
        let (mut ended, mut observers) = (Vec::new(), Vec::new());
        for shard in shards {
            let EndedShard { shard, observer, stalls: waited } = shard?;
            stalls.shards += waited;
            ended.push(shard);
            observers.push(observer);
        }
        Ok(PipelinedParts {
            decoder: front.decoder,
            sequencer: front.sequencer,
            shards: ended,
            observers,
            market,
            stalls,
        })
    }
}
