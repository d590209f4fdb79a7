//! All metrics of one symbol, in one record without pointers.
//!
//! The first cache line is touched by every message of the symbol. A change of the best bid or offer
//! touches the second, and the third once a second; an order that is executed or leaves, two of the
//! lives'; a print, what is behind them. An order that enters behind the best touches no more than the first. Fields are open to the
//! crate for [`crate::state`], which reads them all; nobody else writes them.

use bytemuck::{Pod, Zeroable};

use crate::event::Kind;
use crate::metrics::auction::AuctionFigures;
use crate::metrics::clock::{Deadlines, QuoteClock, next_line};
use crate::metrics::flow::{AggressorFlow, SideQuote};
use crate::metrics::impact::{BAR_NS, PriceImpact};
use crate::metrics::lifetime::OrderLives;
use crate::metrics::lots::OddLots;
use crate::metrics::mid::DoubledMid;
use crate::metrics::quote::SpreadClock;
use crate::metrics::spread::ScoredPrints;
use crate::metrics::variance::{MidVariance, SAMPLE_NS};
use crate::metrics::volume::TapeFigures;
use crate::metrics::vpin::VolumeBuckets;
use crate::prints::pending;
use crate::prints::{Marks, Print};
use crate::units::{Nanos, Price};

/// Where messages that concern no displayed order are counted, behind the kinds 1 to 5 that do.
const OTHER_KINDS: usize = 5;

const _: () = assert!(Kind::Add as usize == 1 && Kind::Replace as usize == OTHER_KINDS);

/// How bid and ask stand to each other, as a byte of [`SymbolMetrics`].
mod crossing {
    /// One is missing, or bid < ask.
    pub(super) const NONE: u8 = 0;
    /// Bid = ask.
    pub(super) const LOCKED: u8 = 1;
    /// Bid > ask.
    pub(super) const CROSSED: u8 = 2;
}

/// See the module. All zero is a symbol of which nothing was seen.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct SymbolMetrics {
    /// Messages by the number of their kind less 1, all kinds from 6 on together.
    pub(crate) by_kind: [u64; OTHER_KINDS + 1],
    /// Messages that changed price or size of the best bid or offer.
    pub(crate) quote_changes: u64,
    /// The last trading action, 0 if none was seen; see [`SymbolMetrics::trading_state`].
    pub(crate) state: u8,
    /// How bid and ask stand; follows from the quote.
    pub(crate) crossing: u8,
    /// 1 where a snapshot has told of the symbol before any message did; follows from its being met.
    pub(crate) known: u8,
    pub(crate) reserved: [u8; 5],
    /// The quote, the symbol's time, and the order-flow imbalance.
    pub clock: QuoteClock,
    /// When samples, bars and prints are due.
    pub(crate) deadlines: Deadlines,
    /// Realised variance of the mid.
    pub variance: MidVariance,
    /// Lives and fills of displayed orders.
    pub lives: OrderLives,
    /// Figures of the prints that count.
    pub tape: TapeFigures,
    /// The time-weighted spread.
    pub(crate) spread: SpreadClock,
    /// Shares by the side of the aggressor.
    pub flow: AggressorFlow,
    /// Odd lots.
    pub lots: OddLots,
    /// Effective and realised spread.
    pub scored: ScoredPrints,
    /// Price impact of trades.
    pub impact: PriceImpact,
    /// Imbalances and official crosses.
    pub auction: AuctionFigures,
    /// Flow toxicity.
    pub vpin: VolumeBuckets,
    pub(crate) padding: [u64; 5],
}

const _: () = {
    assert!(size_of::<SymbolMetrics>() == 34 * 64);
    assert!(core::mem::offset_of!(SymbolMetrics, clock) == 64);
    assert!(core::mem::offset_of!(SymbolMetrics, deadlines) == 128);
    assert!(core::mem::offset_of!(SymbolMetrics, lives) == 192);
};

impl QuoteClock {
    /// How bid and ask stand to each other.
    #[inline(always)]
    pub(crate) fn crossing(&self) -> u8 {
        match self.spread() {
            Some(Price(0)) => crossing::LOCKED,
            Some(Price(..0)) => crossing::CROSSED,
            _ => crossing::NONE,
        }
    }
}

impl SymbolMetrics {
    /// A symbol of which nothing was seen.
    pub const EMPTY: SymbolMetrics = SymbolMetrics {
        by_kind: [0; OTHER_KINDS + 1],
        quote_changes: 0,
        state: 0,
        crossing: crossing::NONE,
        known: 0,
        reserved: [0; 5],
        clock: QuoteClock::NONE,
        deadlines: Deadlines::NONE,
        variance: MidVariance::NONE,
        lives: OrderLives::NONE,
        tape: TapeFigures::NONE,
        spread: SpreadClock::NONE,
        flow: AggressorFlow::NONE,
        lots: OddLots::NONE,
        scored: ScoredPrints::NONE,
        impact: PriceImpact::NONE,
        auction: AuctionFigures::NONE,
        vpin: VolumeBuckets::NONE,
        padding: [0; 5],
    };

    /// Counts a message by the number of its kind.
    #[inline(always)]
    pub fn count(&mut self, kind: u8) {
        self.by_kind[usize::from(kind.wrapping_sub(1)).min(OTHER_KINDS)] += 1;
    }

    /// Takes over the best bid and offer after a change of them. What is due by `time` must have been
    /// looked at.
    #[inline(always)]
    pub(crate) fn take_quote(&mut self, time: Nanos, bid: SideQuote, ask: SideQuote) {
        let before = self.spread_now();
        let QuoteClock { bid: old_bid, ask: old_ask, .. } = self.clock;
        self.clock.pass(time, self.mid());
        let flow = old_bid.flow_to(&bid).wrapping_sub(old_ask.flow_to(&ask));
        let flow = if self.is_halted() { 0 } else { flow };
        self.clock.order_flow = self.clock.order_flow.wrapping_add(flow);
        (self.clock.bid, self.clock.ask) = (bid, ask);
        self.quote_changes += 1;
        if old_bid.key != bid.key || old_ask.key != ask.key {
            self.take_spread(time, before);
        }
    }

    /// The spread may be another than `before`.
    #[inline(always)]
    fn take_spread(&mut self, time: Nanos, before: i64) {
        self.crossing = self.clock.crossing();
        if self.spread_now() != before {
            self.spread.pass(time, before);
        }
    }

    /// Takes over the best bid and offer that a snapshot led to: the spread and the mid are others from
    /// `time` on, but nothing flowed.
    pub(crate) fn take_quote_of_snapshot(&mut self, time: Nanos, bid: SideQuote, ask: SideQuote) {
        let before = self.spread_now();
        self.clock.pass(time, self.mid());
        (self.clock.bid, self.clock.ask) = (bid, ask);
        self.take_spread(time, before);
    }

    /// A snapshot tells of the symbol.
    pub(crate) fn note_known(&mut self) {
        self.known = u8::from(self.messages() == 0);
    }

    /// Takes in a print that is no cross; how it entered the figures. What is due by its time must have
    /// been looked at, and the quote must be the one before it.
    #[inline(always)]
    pub(crate) fn take_print(&mut self, print: &Print) -> Marks {
        let late = self.clock.is_past(print.time);
        self.clock.pass(print.time, self.mid());
        self.impact.add(print);
        let before = if late { DoubledMid::NONE } else { self.clock.before() };
        self.vpin.add(print, before);
        let mut marks = Marks { odd_lot: self.lots.add(print.qty), ..Marks::default() };
        if let Some(aggressor) = print.aggressor {
            self.flow.add(aggressor, print.qty);
            if before.is_some() {
                marks.before = before;
                self.scored.score(print, before);
                self.deadlines.print_ns = self.deadlines.print_ns.min(pending::due(print.time).0);
                self.clock.set_deadline(self.deadlines.first());
            }
        }
        marks
    }

    /// Takes out a broken print that is no cross, as it had entered the figures.
    pub(crate) fn take_out_print(&mut self, print: &Print, marks: &Marks) {
        self.lots.take_out(marks.odd_lot);
        if let Some(aggressor) = print.aggressor {
            self.flow.take_out(aggressor, print.qty);
        }
        self.scored.take_out(print, marks);
    }

    /// Lets samples and bars that end by `time` end, or time begin. [`crate::shard`] settles prints
    /// besides.
    #[inline(always)]
    pub(crate) fn pass_lines(&mut self, time: Nanos) {
        let standing = self.mid();
        let Deadlines { sample_ns, bar_ns, print_ns: _ } = self.deadlines;
        if !self.clock.has_begun() {
            let (sample_ns, bar_ns) = (next_line(time, SAMPLE_NS), next_line(time, BAR_NS));
            self.deadlines = Deadlines { sample_ns, bar_ns, print_ns: i64::MAX };
        } else if time.0 >= sample_ns {
            let more = time.0.abs_diff(sample_ns) / SAMPLE_NS.unsigned_abs();
            self.variance.take(standing, more + 1);
            self.deadlines.sample_ns = next_line(time, SAMPLE_NS);
            if time.0 >= bar_ns {
                self.impact.end_bar(standing);
                self.deadlines.bar_ns = next_line(time, BAR_NS);
            }
        }
    }

    /// The mid as it stands; see [`crate::metrics::mid`].
    #[inline(always)]
    #[must_use]
    pub fn mid(&self) -> DoubledMid {
        if self.is_halted() { DoubledMid::NONE } else { self.clock.quoted_mid() }
    }

    /// The spread as it stands, in 1e-9 units; 0 while there is none.
    #[inline(always)]
    fn spread_now(&self) -> i64 {
        self.clock.spread().map_or(0, |spread| spread.0.max(0))
    }

    /// The time-weighted spread up to its last change, or as far as time was let pass.
    #[must_use]
    pub fn spread(&self) -> &SpreadClock {
        &self.spread
    }

    /// The time-weighted spread up to `until`, the quote unchanged since its last change.
    #[must_use]
    pub fn spread_until(&self, until: Nanos) -> SpreadClock {
        let mut clock = self.spread;
        clock.pass(until, self.spread_now());
        clock
    }

    /// Whether the book is crossed, as it stands.
    #[inline(always)]
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.crossing == crossing::CROSSED
    }

    /// Whether the book is locked, as it stands.
    #[inline(always)]
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.crossing == crossing::LOCKED
    }

    /// Order-flow imbalance at the best level, shares; see [`crate::metrics::flow`].
    #[must_use]
    pub fn order_flow_imbalance(&self) -> i64 {
        self.clock.order_flow
    }

    /// Messages that changed price or size of the best bid or offer.
    #[must_use]
    pub fn quote_changes(&self) -> u64 {
        self.quote_changes
    }

    /// (cancels + deletes) / executions, by messages; `None` without an execution.
    #[must_use]
    pub fn cancel_to_trade(&self) -> Option<f64> {
        let (off, executions) = (self.cancels() + self.deletes(), self.executions());
        (executions > 0).then(|| off as f64 / executions as f64)
    }

    /// Adds / executions, by messages; `None` without an execution.
    #[must_use]
    pub fn order_to_trade(&self) -> Option<f64> {
        let executions = self.executions();
        (executions > 0).then(|| self.adds() as f64 / executions as f64)
    }

    /// Shares of hidden executions / shares of executions, crosses left out, gross of breaks; `None`
    /// without any.
    #[must_use]
    pub fn hidden_share(&self) -> Option<f64> {
        let all = self.tape.volume() + self.tape.broken_volume();
        let all = all.saturating_sub(self.tape.cross_volume());
        (all > 0).then(|| self.tape.hidden_volume() as f64 / all as f64)
    }

    /// Messages that enter a displayed order, applied or not.
    #[must_use]
    pub fn adds(&self) -> u64 {
        self.by_kind[Kind::Add as usize - 1]
    }

    /// Messages that execute a displayed order, applied or not.
    #[must_use]
    pub fn executions(&self) -> u64 {
        self.by_kind[Kind::Execute as usize - 1]
    }

    /// Messages that cancel a displayed order in part, applied or not.
    #[must_use]
    pub fn cancels(&self) -> u64 {
        self.by_kind[Kind::Cancel as usize - 1]
    }

    /// Messages that delete a displayed order, applied or not.
    #[must_use]
    pub fn deletes(&self) -> u64 {
        self.by_kind[Kind::Delete as usize - 1]
    }

    /// Messages that replace a displayed order, applied or not.
    #[must_use]
    pub fn replaces(&self) -> u64 {
        self.by_kind[Kind::Replace as usize - 1]
    }

    /// Messages of any kind.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// Whether a message or a snapshot told of the symbol.
    #[inline]
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.messages() > 0 || self.known > 0
    }

    /// Whether the last trading action was `T`.
    #[inline(always)]
    #[must_use]
    pub fn is_trading(&self) -> bool {
        self.state == b'T'
    }

    /// Whether the last trading action was a halt, a pause, or quotation only. A symbol of which none
    /// was seen counts as trading: a file may begin in the middle of a day.
    #[inline(always)]
    #[must_use]
    pub fn is_halted(&self) -> bool {
        matches!(self.state, b'H' | b'P' | b'Q')
    }

    /// Notes a trading action.
    pub fn set_trading_state(&mut self, state: u8) {
        self.state = state;
    }

    /// The last trading action seen: `T` trading, `H` halted, `P` paused, `Q` quotation only.
    #[must_use]
    pub fn trading_state(&self) -> Option<u8> {
        (self.state != 0).then_some(self.state)
    }
}
