//! A shard's end of the board: publishes what a packet changed once the packet is applied.
//!
//! It is an [`Observer`] of runs of events, on the shard's thread. After a run it publishes the quote of
//! each symbol that the run touched, once, and records how long the run's packets took. A symbol's
//! detail follows: after [`DETAIL_IDLE_NS`] where the shard has nothing else to do, else after
//! [`DETAIL_EVERY_NS`], at most [`DETAILS_A_RUN`] a run. A detail is twelve lines, so that showing each at
//! once would throw the books out of the first cache: single packets at 1 M a second took 90 ns
//! longer with it.
//!
//! The clock is read twice a run, and once more where a ring is in front of the shard: 12 ns each. A packet
//! that comes in parts (of more than 128 messages, or cut by the end of a ring) counts with its first
//! part, and one that several shards have something of, once a shard.
//!
//! **Full**: symbols past the board's last slot are counted and not shown. **Late**: details wait in the
//! order in which they became due; each symbol waits once. It allocates when it is made and never after,
//! reads the clock, and changes nothing that the engine computes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::counters::{COUNTS_EVERY_NS, ShardCounts};
use super::histogram::{self, STAGES_SHARD, Stage};
use super::stamps::{Stamp, StampReader};
use super::symbol::{Detail, LEVELS_MAX, Quote, ShownLevel, flags};
use super::writer::Shared;
use crate::book::BookView;
use crate::clock::{Clock, Ticks};
use crate::event::{Control, Event};
use crate::shard::{Observer, Outcome, Shard};
use crate::units::{FeedId, Position, Price, Side, SymbolId};

/// How long a detail may be behind its quote while the shard is busy.
pub const DETAIL_EVERY_NS: u64 = 50_000_000;

/// How long where it is not.
pub const DETAIL_IDLE_NS: u64 = 10_000_000;

/// Details published after a run of events, at most.
pub const DETAILS_A_RUN: u32 = 2;

/// Feeds that have a bit in [`ShardCounts::suspect_feeds`].
const FEED_BITS: u16 = 64;

/// See the module.
pub struct ShardPublisher {
    board: Arc<Shared>,
    shard: u32,
    clock: Clock,
    stamps: StampReader,
    /// The run in which a slot was published last.
    run_of: Box<[u64]>,
    /// Symbols whose detail is to be published, and since when it is behind.
    due: VecDeque<(SymbolId, Ticks)>,
    is_due: Box<[bool]>,
    counts: ShardCounts,
    /// Feeds that the board has.
    feeds: u16,
    /// Whether events come by a ring; else a packet's stamp tells when its run began.
    has_ring: bool,
    /// When the run at hand began, or the one before it ended.
    begun: Ticks,
    busy_ticks: u64,
    counted: Ticks,
    counts_every_ticks: u64,
    detail_every_ticks: u64,
    detail_idle_ticks: u64,
    /// Position − sequence of events before the run at hand.
    offset: u64,
    /// Marks of snapshots when all symbols were published last.
    snapshot_marks: u64,
    /// Whether what the shard began with is published.
    has_begun: bool,
    /// Whether counts have changed since they were published.
    has_news: bool,
}

impl ShardPublisher {
    pub(super) fn new(
        board: Arc<Shared>,
        shard: u32,
        clock: Clock,
        stamps: StampReader,
        has_ring: bool,
    ) -> ShardPublisher {
        let symbols = board.symbols();
        let feeds = board.feeds();
        ShardPublisher {
            board,
            shard,
            stamps,
            // No run: the first one has the number 1, and what there was before it 0.
            run_of: vec![u64::MAX; symbols].into_boxed_slice(),
            due: VecDeque::with_capacity(symbols),
            is_due: vec![false; symbols].into_boxed_slice(),
            counts: ShardCounts::default(),
            feeds,
            has_ring,
            begun: Ticks::default(),
            busy_ticks: 0,
            counted: Ticks::default(),
            counts_every_ticks: clock.ticks_of_ns(COUNTS_EVERY_NS),
            detail_every_ticks: clock.ticks_of_ns(DETAIL_EVERY_NS),
            detail_idle_ticks: clock.ticks_of_ns(DETAIL_IDLE_NS),
            clock,
            offset: 0,
            snapshot_marks: 0,
            has_begun: false,
            has_news: true,
        }
    }

    /// Publishes all that is behind: to be called when no more events come.
    pub fn finish(&mut self, shard: &Shard) {
        self.begin(shard);
        if shard.snapshot_marks() != self.snapshot_marks {
            self.publish_all(shard);
        }
        while self.publish_next_detail(shard) {}
        self.count(shard);
    }

    /// Publishes what the shard begins with: a restored one has books already.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, shard: &Shard) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        self.counts.thread = thread_id();
        self.publish_all(shard);
    }

    /// Publishes all that is known: at the beginning, and where a snapshot has changed books without an
    /// event of their symbols.
    #[cold]
    #[inline(never)]
    fn publish_all(&mut self, shard: &Shard) {
        self.snapshot_marks = shard.snapshot_marks();
        self.counts.runs += 1;
        for symbol in (1..shard.books().symbol_count() as u32).map(SymbolId) {
            if shard.metrics(symbol).is_known() {
                let slot = self.board.slot_of(symbol);
                let last = slot.map_or((0, 0), |slot| self.board.last_message(slot));
                self.touch(symbol, shard, last, self.clock.now());
            }
        }
    }

    /// Publishes the quote of a symbol, where this run has not yet; `last` is the sequence and the time of
    /// its last message, 0 where it is not known.
    #[inline(always)]
    fn touch(&mut self, symbol: SymbolId, shard: &Shard, last: (u64, i64), now: Ticks) {
        let Some(slot) = self.board.slot_of(symbol) else {
            self.counts.not_shown += 1;
            return;
        };
        if self.run_of[slot] == self.counts.runs {
            return;
        }
        self.run_of[slot] = self.counts.runs;
        self.board.publish_quote(slot, &quote(symbol, shard, last));
        self.counts.quotes += 1;
        if !self.is_due[slot] {
            self.is_due[slot] = true;
            self.due.push_back((symbol, now));
        }
    }

    /// Publishes the detail that has waited longest; `false` where none waits.
    fn publish_next_detail(&mut self, shard: &Shard) -> bool {
        let Some((symbol, _)) = self.due.pop_front() else { return false };
        if let Some(slot) = self.board.slot_of(symbol) {
            self.is_due[slot] = false;
            let last = self.board.last_message(slot);
            self.board.publish_detail(slot, &detail(symbol, shard, last));
            self.counts.details += 1;
        }
        true
    }

    /// Whether a detail has been behind for so long.
    #[inline(always)]
    fn is_due(&self, now: Ticks, after_ticks: u64) -> bool {
        let oldest = self.due.front();
        oldest.is_some_and(|(_, since)| now.0.saturating_sub(since.0) >= after_ticks)
    }

    #[cold]
    #[inline(never)]
    fn publish_due_details(&mut self, shard: &Shard, now: Ticks) {
        for _ in 0..DETAILS_A_RUN {
            if !self.is_due(now, self.detail_every_ticks) {
                break;
            }
            self.publish_next_detail(shard);
        }
    }

    /// Publishes the counts.
    #[cold]
    #[inline(never)]
    fn count(&mut self, shard: &Shard) {
        let suspect = (0..self.feeds)
            .filter(|feed| shard.is_suspect(SymbolId::of(FeedId(*feed), 1)))
            .fold(0, |bits, feed| bits | 1u64 << feed.min(FEED_BITS - 1));
        self.counts = ShardCounts {
            feed_time_ns: shard.feed_time().0,
            details_due: self.due.len() as u64,
            orders: u64::from(shard.books().order_count()),
            levels: u64::from(shard.books().level_count()),
            symbols: shard.books().symbol_count() as u64,
            phase: shard.phase() as u64,
            suspect_feeds: suspect,
            busy_ns: self.clock.ns_between(Ticks(0), Ticks(self.busy_ticks)),
            quality: shard.quality_of(SymbolId(0)),
            stamps_missed: self.stamps.missed(),
            ..self.counts
        };
        self.board.publish_shard(self.shard, &self.counts);
        self.has_news = false;
    }

    /// Records how long the packets took of which events were in the run.
    #[inline]
    fn record(&mut self, events: &[Event], shard: &Shard, applied: Ticks, published: Ticks) {
        let mut offset = self.offset;
        let positions = events.iter().filter_map(move |event| {
            if event.is_control() {
                // What comes behind it is numbered in another way.
                if event.kind == Control::Rebase as u8 {
                    offset = event.words[0];
                }
                return None;
            }
            Some(Position(event.sequence.wrapping_add(offset)))
        });
        // There are marks in a ring's runs alone.
        let last = match self.has_ring {
            // From the front: the numbering changes on the way.
            true => positions.clone().fold(None, |_, position| Some(position)),
            false => events.last().map(|last| shard.position(last)),
        };
        let mut next = positions.peekable();
        let (Some(first), Some(last)) = (next.peek().copied(), last) else { return };
        self.counts.position = last.0;
        self.stamps.pass_to(first);
        let mut stamp = self.stamps.peek().filter(|stamp| stamp.before < last);
        while let Some(of) = stamp {
            self.stamps.take();
            let following = self.stamps.peek().filter(|stamp| stamp.before < last);
            let until = following.map_or(last, |following| following.before);
            while next.next_if(|position| *position <= of.before).is_some() {}
            // Of a packet whose events all went to other shards there is nothing here.
            if next.peek().is_some_and(|position| *position <= until) {
                self.record_packet(&of, applied, published);
            }
            stamp = following;
        }
    }

    #[inline(always)]
    fn record_packet(&mut self, stamp: &Stamp, applied: Ticks, published: Ticks) {
        if !self.has_ring {
            self.begun = stamp.accepted;
        }
        let between = |from, to| self.clock.ns_between(from, to);
        let received_published = between(stamp.received, published);
        self.record_stage(Stage::AcceptedApplied, between(stamp.accepted, applied));
        self.record_stage(Stage::AppliedPublished, between(applied, published));
        self.record_stage(Stage::ReceivedPublished, received_published);
        if let Some(wire_ns) = stamp.wire_ns {
            self.record_stage(Stage::WirePublished, wire_ns.saturating_add(received_published));
        }
    }

    #[inline(always)]
    fn record_stage(&self, stage: Stage, ns: u64) {
        let at = STAGES_SHARD.iter().position(|one| *one == stage).unwrap_or(0);
        histogram::record(self.board.latency_of_shard(self.shard, at), ns);
    }
}

impl Observer for ShardPublisher {
    const ACTIVE: bool = false;
    const RUNS: bool = true;

    fn on_event(&mut self, _event: &Event, _outcome: &Outcome, _shard: &Shard) {}

    #[inline]
    fn before_run(&mut self, events: &[Event], shard: &Shard) {
        if !self.has_begun {
            self.begin(shard);
        }
        // A reader may have the lines: they come over while the run is applied.
        for event in events {
            if let Some(slot) = self.board.slot_of(event.symbol()) {
                self.board.prefetch_quote(slot);
            }
        }
        self.offset = shard.offset();
        // Without a ring a run begins when its packet is accepted, which a stamp tells.
        self.begun = if self.has_ring { self.clock.now() } else { Ticks(u64::MAX) };
    }

    #[inline]
    fn after_run(&mut self, events: &[Event], shard: &Shard) {
        let applied = self.clock.now();
        self.counts.runs += 1;
        // From behind: what is met first of a symbol is its last message.
        for event in events.iter().rev() {
            if event.symbol != 0 {
                self.touch(event.symbol(), shard, (event.sequence, event.time_ns), applied);
            }
        }
        let published = self.clock.now();
        self.counts.events += events.len() as u64;
        self.record(events, shard, applied, published);
        self.busy_ticks += published.0.saturating_sub(self.begun.0);
        self.has_news = true;
        if shard.snapshot_marks() != self.snapshot_marks {
            self.publish_all(shard);
        }
        if self.is_due(published, self.detail_every_ticks) {
            self.publish_due_details(shard, published);
        }
        if published.0.wrapping_sub(self.counted.0) >= self.counts_every_ticks {
            self.counted = published;
            self.count(shard);
        }
    }

    #[inline]
    fn when_idle(&mut self, shard: &Shard) -> bool {
        if !self.has_begun {
            self.begin(shard);
        }
        if shard.snapshot_marks() != self.snapshot_marks {
            self.publish_all(shard);
        }
        let now = self.clock.now();
        if self.is_due(now, self.detail_idle_ticks) {
            self.has_news = true;
            return self.publish_next_detail(shard);
        }
        if self.has_news && now.0.wrapping_sub(self.counted.0) >= self.counts_every_ticks / 10 {
            self.counted = now;
            self.count(shard);
        }
        false
    }
}

/// A symbol's quote as its shard has it.
#[inline(always)]
fn quote(symbol: SymbolId, shard: &Shard, (sequence, time_ns): (u64, i64)) -> Quote {
    let (book, metrics) = (shard.book(symbol), shard.metrics(symbol));
    let (bid, ask) = (book.best(Side::Buy), book.best(Side::Sell));
    let shown = |is_there, flag| if is_there { flag } else { 0 };
    let (bid_price, bid_qty) = bid.map_or((0, 0), |best| (best.price.0, best.qty.0));
    let (ask_price, ask_qty) = ask.map_or((0, 0), |best| (best.price.0, best.qty.0));
    let flags = u64::from(metrics.trading_state().unwrap_or(0))
        | shown(bid.is_some(), flags::BID)
        | shown(ask.is_some(), flags::ASK)
        | metrics.messages() << flags::MESSAGES_SHIFT;
    Quote { sequence, time_ns, bid_price, bid_qty, ask_price, ask_qty, flags }
}

/// A symbol's detail as its shard has it.
fn detail(symbol: SymbolId, shard: &Shard, (sequence, time_ns): (u64, i64)) -> Detail {
    let (book, metrics) = (shard.book(symbol), shard.metrics(symbol));
    let tape = &metrics.tape;
    let price = |price: Option<Price>| price.map_or(0, |price| price.0);
    let shares = |shares: u128| u64::try_from(shares).unwrap_or(u64::MAX);
    let levels = |side| book.level_count(side) as u64;
    let notional = tape.notional().0;
    Detail {
        sequence,
        time_ns,
        last: price(tape.last()),
        open: price(tape.open()),
        high: price(tape.high()),
        low: price(tape.low()),
        trades: tape.trades(),
        volume: shares(tape.volume()),
        notional_low: notional as u64,
        notional_high: (notional >> 64) as u64,
        hidden_volume: shares(tape.hidden_volume()),
        cross_volume: shares(tape.cross_volume()),
        broken_volume: shares(tape.broken_volume()),
        adds: metrics.adds(),
        executions: metrics.executions(),
        cancels: metrics.cancels(),
        deletes: metrics.deletes(),
        replaces: metrics.replaces(),
        levels: levels(Side::Buy) | levels(Side::Sell) << 32,
        quote_changes: metrics.quote_changes(),
        quality: shard.quality_of(symbol),
        bids: shown(&book, Side::Buy),
        asks: shown(&book, Side::Sell),
        ..Detail::default()
    }
}

/// The best levels of a side, best first.
fn shown(book: &BookView<'_>, side: Side) -> [ShownLevel; LEVELS_MAX] {
    let mut shown = [ShownLevel::default(); LEVELS_MAX];
    for (place, level) in shown.iter_mut().zip(book.levels(side)) {
        *place =
            ShownLevel { price: level.price.0, qty: level.qty.0, orders: u64::from(level.orders) };
    }
    shown
}

/// The calling thread's number as the kernel has it.
#[must_use]
pub fn thread_id() -> u64 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs().into()
}
