//! The `inline` topology: decoder, sequencer, shard and market as plain calls on the caller's thread.
//!
//! The lowest latency, and the reference that every other topology must equal. A packet is pushed in
//! and, when the call returns, every message of it has been applied and observed.

use crate::event::Event;
use crate::market::{Market, MarketListener, MarketState};
use crate::packet::{Packet, SnapshotItem};
use crate::pipeline::front::{EventSink, Front, FrontParts, SecondStart};
use crate::pipeline::named::Named;
use crate::pipeline::selection::Selection;
use crate::pipeline::sequencer::Sequencer;
use crate::pipeline::stage::Decoder;
use crate::pipeline::stages::Stages;
use crate::shard::{Observer, Shard};
use crate::units::{FeedId, Sequence};

/// See the module.
pub struct Inline<D, O, L = ()> {
    front: Front<D>,
    back: Back<O, L>,
}

/// What stands behind the front.
struct Back<O, L> {
    shard: Shard,
    observer: O,
    market: Market<L>,
}

impl<O: Observer, L: MarketListener> EventSink for Back<O, L> {
    #[inline]
    fn events(&mut self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        if O::RUNS {
            self.observer.before_run(events, &self.shard);
        }
        self.shard.apply_batch(events, &mut self.observer);
        if O::RUNS {
            self.observer.after_run(events, &self.shard);
        }
        self.take_signals();
    }

    fn mark(&mut self, mark: &Event) {
        self.shard.apply(mark, &mut self.observer);
        self.take_signals();
    }

    fn named(&mut self, named: &Named) {
        self.market.learn(named);
    }
}

impl<O: Observer, L: MarketListener> Back<O, L> {
    #[inline]
    fn take_signals(&mut self) {
        if !self.shard.outbox().signals().is_empty() {
            self.hand_over_signals();
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_over_signals(&mut self) {
        for signal in self.shard.outbox().signals() {
            self.market.take(signal);
        }
        self.shard.outbox().clear();
        self.market.turn();
    }
}

/// The stages after their work.
pub struct InlineParts<D, O, L> {
    /// The decoder.
    pub decoder: D,
    /// The sequencer.
    pub sequencer: Sequencer,
    /// The shard.
    pub shard: Shard,
    /// Its observer.
    pub observer: O,
    /// The market.
    pub market: Market<L>,
}

impl<D: Decoder, O: Observer> Inline<D, O> {
    /// Joins the stages, with nobody listening to the market.
    #[must_use]
    pub fn new(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        shard: Shard,
        observer: O,
    ) -> Self {
        Inline::with_listener(decoder, sequencer, selection, shard, observer, ())
    }
}

impl<D: Decoder, O: Observer, L: MarketListener> Inline<D, O, L> {
    /// Joins the stages.
    #[must_use]
    pub fn with_listener(
        decoder: D,
        sequencer: Sequencer,
        selection: Selection,
        shard: Shard,
        observer: O,
        listener: L,
    ) -> Self {
        let stages = Stages::new(decoder, sequencer, selection, vec![shard]);
        Inline::of(stages, observer, listener)
    }

    /// Joins stages, which may have been restored.
    ///
    /// # Panics
    /// If there is not exactly one shard.
    #[must_use]
    pub fn of(stages: Stages<D>, observer: O, listener: L) -> Self {
        let Stages { decoder, sequencer, selection, shards, front, next, market } = stages;
        let Ok([shard]) = <[Shard; 1]>::try_from(shards) else {
            panic!("Invariant: the inline topology has one shard");
        };
        let front = Front::new(decoder, sequencer, selection, front, next);
        Inline { front, back: Back { shard, observer, market: Market::of(1, market, listener) } }
    }

    /// The stages between two packets.
    pub(crate) fn parts(&self) -> (FrontParts<'_, D>, &Shard, &MarketState) {
        // The observer is the user's.
        let Back { shard, observer: _, market } = &self.back;
        (self.front.parts(), shard, market.state())
    }

    /// Applies every message of a packet.
    ///
    /// # Errors
    /// If the packet starts a second day; what stands before that has been applied.
    #[inline]
    pub fn push(&mut self, packet: &Packet<'_>) -> Result<(), SecondStart> {
        self.front.push(packet, &mut self.back)
    }

    /// The messages of a feed from `first` up to but not including `end` were given up as lost.
    pub fn gap(&mut self, feed: FeedId, first: Sequence, end: Sequence) {
        self.front.gap(feed, first, end, &mut self.back);
    }

    /// Takes a piece of a snapshot of a feed.
    pub fn snapshot_item(&mut self, item: &SnapshotItem<'_>) {
        self.front.snapshot_item(item, &mut self.back);
    }

    /// There is nothing to apply at the moment: lets the observer use the time. Returns whether it has
    /// more to do.
    pub fn idle(&mut self) -> bool {
        let Back { shard, observer, .. } = &mut self.back;
        O::RUNS && observer.when_idle(shard)
    }

    /// Whether a snapshot has begun and not ended: then there can be no image of the engine.
    #[must_use]
    pub fn is_in_snapshot(&self) -> bool {
        self.front.is_in_snapshot()
    }

    /// The number behind the last message of a feed that was taken, given up or in a snapshot; `None`
    /// where none had a number.
    #[must_use]
    pub fn next_sequence(&self, feed: FeedId) -> Option<Sequence> {
        self.front.next_sequence(feed)
    }

    /// Takes the stages apart.
    #[must_use]
    pub fn into_parts(self) -> InlineParts<D, O, L> {
        let Inline { front, back } = self;
        InlineParts {
            decoder: front.decoder,
            sequencer: front.sequencer,
            shard: back.shard,
            observer: back.observer,
            market: back.market,
        }
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

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.back.shard
    }

    /// The observer.
    #[must_use]
    pub fn observer(&self) -> &O {
        &self.back.observer
    }

    /// The observer, to be changed or flushed.
    pub fn observer_mut(&mut self) -> &mut O {
        &mut self.back.observer
    }

    /// The market.
    #[must_use]
    pub fn market(&self) -> &Market<L> {
        &self.back.market
    }

    /// The market, to reach its listener.
    pub fn market_mut(&mut self) -> &mut Market<L> {
        &mut self.back.market
    }
}
