//! Evaporation of depth: the best five levels of a side hold a fraction of what they usually do, or nothing.
//!
//! Its condition is a side with less than a fifth of its median depth and two fifths of what it seldom falls
//! below (the 5th percentile, learnt second by second) for a second, or without any order for 100 ms, as
//! owners took several orders out within the second in which that began. It is judged when the best quote
//! becomes thin, when a second of the symbol ends, a fifth of a second after both, since what lies behind a
//! thin best may go after it, and at each quote while a side is thin; between these looks a side that was thin is
//! taken to have stayed so.
//!
//! Not meant: a large order that leaves and was most of the depth; what is thin since it was executed; a book
//! that is thin every other minute, which the percentile knows; the minute of messages in which depth builds up,
//! those after a halt, and hours without a market.
//!
//! Sources: CFTC and SEC, Findings regarding the market events of May 6, 2010; the percentile by Ma,
//! Muthukrishnan and Sandler 2013 (Frugal-1U).

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SLOT_NS;
use crate::detect::detector::Detector;
use crate::detect::episode::HOLD_LEVEL;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::touch::Touch;
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.depth_evaporation`
    DepthEvaporation {
        remaining: Ratio = 0.2, 0.001..0.9, "Part of the side's median depth that is left, less than.", "calibrated on simulated sessions, seeds 1 to 10";
        seldom: Ratio = 0.4, 0.001..10, "Part of the 5th percentile of the side's depth that is left, less than.", "calibrated on simulated sessions, seeds 1 to 10";
        withdrawn: Count = 8, 0..10000, "Orders withdrawn within the second in which it began, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        dwell: Time = 1e9, 1_000_000..6e10, "It stays so thin for so long.", "convention";
        empty: Time = 100_000_000, 1_000_000..6e10, "Or a side is without orders for so long.", "convention";
    }
}

/// One step of the percentile.
const STEP: f64 = 0.05;

/// Which percentile it is.
const SELDOM: f64 = 0.05;

/// How long after its beginning orders count as withdrawn with it.
const WITHDRAWAL_NS: i64 = 2 * SLOT_NS;

/// A level is not told beyond this.
const LEVEL_MAX: f64 = 50.0;

/// How often a thin side is looked at though nothing comes.
const AGAIN_NS: i64 = 500_000_000;

/// What is kept of a side.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct SideState {
    /// Less than so many shares are thin; 0 while that is not known.
    limit: u64,
    /// Since when it has been; 0 while it is not.
    thin_ns: i64,
    /// Since when it has been empty; 0 while it is not.
    empty_ns: i64,
    /// From which message on it was thin.
    since_sequence: u64,
    /// Orders that their owners withdrew as it became thin.
    withdrawn: u64,
    /// The 5th percentile of the depth at the end of a second, shares.
    low: f64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Bids and asks.
    sides: [SideState; 2],
    /// What is awaited: nothing, the second look at a best quote that was thin, or that no side is thin.
    watch: u64,
}

/// What [`State::watch`] says.
mod watch {
    pub(super) const NOTHING: u64 = 0;
    pub(super) const SECOND_LOOK: u64 = 1;
    pub(super) const THIN: u64 = 2;
}

static SPEC: Spec = Spec {
    code: DetectorCode(12),
    name: "depth_evaporation",
    pattern: "evaporation of depth",
    figures: &["depth_shares", "median_shares", "withdrawn_orders", "thin_ns"],
    thresholds: &["remaining", "seldom", "withdrawn", "dwell"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

impl SideState {
    fn rest(&mut self) {
        (self.thin_ns, self.empty_ns) = (0, 0);
    }

    /// Takes the depth at the end of a second into the percentile.
    fn learn(&mut self, depth: f64) {
        let low = self.low;
        self.low = if depth < low {
            (low * (1.0 - STEP * (1.0 - SELDOM))).max(depth)
        } else if low > 0.0 {
            (low * (1.0 + STEP * SELDOM)).min(depth)
        } else {
            depth
        };
    }

    /// Takes in what the side holds now.
    fn take(&mut self, depth: u64, now_ns: i64, sequence: u64) {
        if depth >= self.limit {
            self.rest();
            return;
        }
        if self.thin_ns == 0 {
            (self.thin_ns, self.since_sequence) = (now_ns, sequence);
            self.withdrawn = 0;
        }
        if depth > 0 {
            self.empty_ns = 0;
        } else if self.empty_ns == 0 {
            self.empty_ns = now_ns;
        }
    }
}

impl DepthEvaporation {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if !SPEC.phases.has(seen.phase) {
            state.sides.iter_mut().for_each(SideState::rest);
            state.watch = watch::NOTHING;
            return None;
        }
        state.watch = watch::NOTHING;
        let now = seen.time.0;
        let best = [seen.touch.bid_qty, seen.touch.ask_qty];
        let mut worst: Option<Raised> = None;
        for (at, best) in best.into_iter().enumerate() {
            let side = &mut state.sides[at];
            // What is at the best price alone may be enough.
            let depth = if best >= side.limit { best } else { seen.depth(at) };
            side.take(depth, now, seen.sequence.0);
            if side.thin_ns == 0 {
                continue;
            }
            state.watch = watch::THIN;
            if now.saturating_sub(side.thin_ns) < 2 * WITHDRAWAL_NS {
                let withdrawn = seen.activity.withdrawn_last_second().into();
                side.withdrawn = side.withdrawn.max(withdrawn);
            }
            let raised = self.raised(side, at, depth, seen);
            self.wish(side, raised.is_some(), seen);
            if let Some(raised) = raised
                && worst.is_none_or(|worst| raised.level > worst.level)
            {
                worst = Some(raised);
            }
        }
        worst
    }

    /// The best quote is thin, or a side was: what lies behind the best may go after it.
    #[cold]
    #[inline(never)]
    fn look(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let raised = self.judge(state, seen);
        let is_short = |at: usize, best: u64| best < state.sides[at].limit;
        let is_thin = is_short(0, seen.touch.bid_qty) || is_short(1, seen.touch.ask_qty);
        if state.watch == watch::NOTHING && is_thin {
            self.look_later(state, seen);
        }
        raised
    }

    /// Asks for a second look.
    #[cold]
    #[inline(never)]
    fn look_later(&self, state: &mut State, seen: &Seen<'_>) {
        if SPEC.phases.has(seen.phase) {
            state.watch = watch::SECOND_LOOK;
            seen.wake_at(Nanos(seen.time.0.saturating_add(WITHDRAWAL_NS)));
        }
    }

    /// Asks to be woken when a side that is thin is to be looked at.
    fn wish(&self, side: &SideState, is_raised: bool, seen: &Seen<'_>) {
        let now = seen.time.0;
        let spans = [
            (side.thin_ns, WITHDRAWAL_NS),
            (side.thin_ns, self.dwell as i64),
            (side.empty_ns, self.empty as i64),
        ];
        let due = spans.into_iter().filter(|(from_ns, _)| *from_ns != 0);
        let due = due.map(|(from_ns, span_ns)| from_ns.saturating_add(span_ns));
        // What holds up an alert is looked at though nothing comes.
        let again = is_raised.then(|| now.saturating_add(AGAIN_NS));
        if let Some(next) = due.filter(|due_ns| *due_ns > now).chain(again).min() {
            seen.wake_at(Nanos(next));
        }
    }

    fn raised(&self, side: &SideState, at: usize, depth: u64, seen: &Seen<'_>) -> Option<Raised> {
        let long = |from: i64| {
            if from == 0 { 0.0 } else { seen.time.0.saturating_sub(from).max(0) as f64 }
        };
        let (thin_ns, empty_ns) = (long(side.thin_ns), long(side.empty_ns));
        let lack = side.limit as f64 / depth.max(1) as f64;
        let evaporated = (empty_ns / self.empty).max(lack.min(thin_ns / self.dwell));
        let withdrawn = side.withdrawn as f64;
        let level = evaporated.min(withdrawn / self.withdrawn.max(f64::MIN_POSITIVE));
        let since = Since { time: Nanos(side.thin_ns), sequence: Sequence(side.since_sequence) };
        let figures = [depth as f64, seen.profile.depth(at), withdrawn, thin_ns];
        let level = level.min(LEVEL_MAX);
        (level >= HOLD_LEVEL).then_some(Raised { level, since, figures, print: None })
    }

    /// Whether a quote is thin, or a side was; a second look that is awaited comes by itself.
    #[inline(always)]
    pub(super) fn is_quote_of_concern(&self, state: &State, touch: &Touch) -> bool {
        let [bids, asks] = &state.sides;
        let is_thin = touch.bid_qty < bids.limit || touch.ask_qty < asks.limit;
        state.watch != watch::SECOND_LOOK && (is_thin || state.watch != watch::NOTHING)
    }
}

impl Detector for DepthEvaporation {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if self.is_quote_of_concern(state, &seen.touch) { self.look(state, seen) } else { None }
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let is_thin = |at: usize| second.depth[at] < state.sides[at].limit;
        let is_looked_at = is_thin(0) || is_thin(1) || state.watch == watch::THIN;
        let raised = if is_looked_at { self.judge(state, seen) } else { None };
        if state.watch == watch::NOTHING
            && (second.touch.bid_qty < state.sides[0].limit
                || second.touch.ask_qty < state.sides[1].limit)
        {
            // The message at hand may be the first of those by which all behind a thin best goes.
            self.look_later(state, seen);
        }
        for (at, side) in state.sides.iter_mut().enumerate() {
            // While it is thin, what is usual is what it was before.
            if side.thin_ns == 0 {
                let usual = self.remaining * seen.profile.depth(at);
                side.limit = usual.min(self.seldom * side.low) as u64;
            }
            if seen.phase.is_usual() {
                side.learn(second.depth[at] as f64);
            }
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.watch == watch::NOTHING { None } else { self.judge(state, seen) }
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "depth_evaporation";

    /// Past the opening: five levels of 400 shares on both sides, for 80 s with messages; the orders by side.
    fn market() -> (Rehearsal, [Vec<u64>; 2]) {
        let mut rehearsal = Rehearsal::with(&[
            ("depth_evaporation", "withdrawn", 4.0),
            ("depth_evaporation", "remaining", 0.1),
            ("", "opening", 0.0),
        ]);
        let mut orders = [Vec::new(), Vec::new()];
        for level in 0..5 {
            orders[0].push(rehearsal.add(Side::Buy, 100 * DOLLAR - level * CENT, 400));
            orders[1].push(rehearsal.add(Side::Sell, 100 * DOLLAR + (level + 1) * CENT, 400));
        }
        breathe(&mut rehearsal, 80);
        (rehearsal, orders)
    }

    fn breathe(rehearsal: &mut Rehearsal, seconds: i64) {
        for _ in 0..seconds {
            // A sixth level: no part of the depth.
            let order = rehearsal.add(Side::Buy, 50 * DOLLAR, 100);
            rehearsal.pass(SECOND / 2);
            rehearsal.delete(order);
            rehearsal.pass(SECOND / 2);
        }
    }

    /// Of bids so many shares stay at the best price, for so long.
    fn thinned(shares: u64, for_ns: i64) -> Rehearsal {
        let (mut rehearsal, [bids, _]) = market();
        bids[1..].iter().for_each(|order| rehearsal.delete(*order));
        if shares == 0 {
            rehearsal.delete(bids[0]);
        } else {
            rehearsal.cancel(bids[0], 400 - shares);
        }
        rehearsal.pass(for_ns);
        for level in 0..5 {
            rehearsal.add(Side::Buy, 100 * DOLLAR - level * CENT, 400);
        }
        breathe(&mut rehearsal, 6);
        rehearsal
    }

    #[test]
    fn less_than_a_tenth_of_the_usual_depth_for_a_second_fires() {
        // A tenth of 2,000 is 200.
        for (shares, for_ns, alerts) in [
            (199, 1_200 * MS, 1),
            (200, 1_200 * MS, 0),
            (300, 5 * SECOND, 0),
            (40, 890 * MS, 0),
            (40, 3 * SECOND, 1),
        ] {
            let rehearsal = thinned(shares, for_ns);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{shares} for {for_ns}");
            assert_eq!(rehearsal.closed(NAME).len(), alerts, "{shares} for {for_ns}");
        }
    }

    #[test]
    fn an_empty_side_fires_after_100_ms_of_feed_time_without_a_message() {
        assert_eq!(thinned(0, 90 * MS).opened(NAME).len(), 0);
        let rehearsal = thinned(0, 300 * MS);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        let [depth, median, _, empty_ns] = opened[0].figures;
        assert_eq!((depth, median), (0.0, 2_000.0));
        assert!((100e6..=200e6).contains(&empty_ns), "{empty_ns}");
    }

    #[test]
    fn two_fifths_of_what_it_seldom_falls_below_are_thin_whatever_the_median_is() {
        // A large order stood for as long: the median is far above 2,000, the percentile rises slowly.
        for (shares, alerts) in [(350, 0), (250, 1)] {
            let mut rehearsal = Rehearsal::with(&[
                ("depth_evaporation", "withdrawn", 4.0),
                ("depth_evaporation", "remaining", 0.9),
                ("depth_evaporation", "seldom", 0.15),
                ("", "opening", 0.0),
            ]);
            let orders: Vec<u64> =
                (0..5).map(|at| rehearsal.add(Side::Buy, 100 * DOLLAR - at * CENT, 400)).collect();
            rehearsal.add(Side::Sell, 100 * DOLLAR + CENT, 4_000);
            breathe(&mut rehearsal, 80);
            // 0.15 of 2,000 are 300.
            orders[1..].iter().for_each(|order| rehearsal.delete(*order));
            rehearsal.cancel(orders[0], 400 - shares);
            rehearsal.pass(3 * SECOND);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{shares}");
        }
    }

    #[test]
    fn four_orders_must_be_withdrawn_within_the_second_in_which_it_began() {
        for (at_once, alerts) in [(3, 0), (4, 1)] {
            let (mut rehearsal, [bids, _]) = market();
            bids[1..5 - (at_once - 1)].iter().for_each(|order| rehearsal.delete(*order));
            rehearsal.pass(2 * SECOND);
            bids[5 - (at_once - 1)..].iter().for_each(|order| rehearsal.delete(*order));
            rehearsal.cancel(bids[0], 360);
            rehearsal.pass(3 * SECOND);
            let opened = rehearsal.opened(NAME);
            assert_eq!(opened.len(), alerts, "{at_once}");
            opened.iter().for_each(|alert| assert_eq!(alert.figures[2], at_once as f64));
        }
    }

    #[test]
    fn what_is_executed_is_not_withdrawn() {
        let (mut rehearsal, [bids, _]) = market();
        for order in bids {
            rehearsal.execute(order, 400);
        }
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_large_order_that_leaves_takes_the_depth_of_no_one_else_with_it() {
        let (mut rehearsal, [_, asks]) = market();
        let large = rehearsal.add(Side::Sell, 100 * DOLLAR + CENT, 50_000);
        breathe(&mut rehearsal, 80);
        rehearsal.delete(large);
        // 1,600 of 52,000 are left, with three others gone; but seldom were there more than 2,000.
        rehearsal.delete(asks[4]);
        for order in [0, 1, 2] {
            rehearsal.cancel(asks[order], 1);
        }
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn the_percentile_is_what_one_second_in_twenty_falls_below() {
        let mut side: super::SideState = bytemuck::Zeroable::zeroed();
        for second in 0..4_000 {
            side.learn(if second % 10 == 0 { 200.0 } else { 1_000.0 });
        }
        assert!(side.low < 400.0, "{side:?}: one in ten");
        for second in 0..4_000 {
            side.learn(if second % 50 == 0 { 200.0 } else { 1_000.0 });
        }
        assert!(side.low > 700.0, "{side:?}: one in fifty");
    }

    #[test]
    fn levels_behind_the_best_may_go_first_or_after_it_and_one_alert_tells_of_all() {
        // The best stays thin as the others go: no quote changes, a second look tells.
        let (mut rehearsal, [bids, asks]) = market();
        let began = rehearsal.sequence();
        rehearsal.cancel(asks[0], 360);
        asks[1..].iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(10 * SECOND);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1, "the best quote did not change");
        assert!(opened[0].first.0 > began);
        rehearsal.delete(bids[0]);
        rehearsal.pass(4 * SECOND);
        for level in 0..5 {
            rehearsal.add(Side::Sell, 100 * DOLLAR + (level + 1) * CENT, 400);
        }
        breathe(&mut rehearsal, 6);
        assert_eq!((rehearsal.opened(NAME).len(), rehearsal.closed(NAME).len()), (1, 1));
        // Long after the best: that a second ends makes it look again.
        let (mut rehearsal, [_, asks]) = market();
        rehearsal.cancel(asks[0], 360);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "the best alone is thin");
        asks[1..].iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(900 * MS);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "not for a second yet");
        rehearsal.pass(600 * MS);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn a_side_that_comes_and_goes_all_day_is_usual() {
        let (mut rehearsal, [mut bids, _]) = market();
        let mut told = Vec::new();
        for _ in 0..160 {
            bids[1..].iter().for_each(|order| rehearsal.delete(*order));
            rehearsal.cancel(bids[0], 360);
            rehearsal.pass(1_400 * MS);
            rehearsal.delete(bids[0]);
            bids = (0..5)
                .map(|level| rehearsal.add(Side::Buy, 100 * DOLLAR - level * CENT, 400))
                .collect();
            breathe(&mut rehearsal, 8);
            told.push(rehearsal.opened(NAME).len());
        }
        // A second in ten is thin: told at first, then known.
        assert!(told[9] >= 9, "{told:?}");
        assert_eq!(told[129], told[159], "{told:?}");
    }

    #[test]
    fn in_a_halt_after_it_at_the_end_and_in_the_first_minute_of_messages_it_is_not_armed() {
        let (mut rehearsal, [bids, _]) = market();
        rehearsal.action(b'H');
        bids.iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(10 * SECOND);
        rehearsal.action(b'T');
        rehearsal.pass(4 * MINUTE);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let (mut rehearsal, [bids, _]) = market();
        rehearsal.cross(b'C', 100 * DOLLAR, 10_000);
        rehearsal.system(b'M');
        bids.iter().for_each(|order| rehearsal.delete(*order));
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        // Of market hours: as the opening builds a book, and once it stands.
        for (seconds, alerts) in [(50, 0), (70, 1)] {
            let mut rehearsal = Rehearsal::with(&[]);
            let price = |at: i64| 100 * DOLLAR - at * CENT;
            let bids: Vec<u64> =
                (0..9).map(|at| rehearsal.add(Side::Buy, price(at), 400)).collect();
            rehearsal.add(Side::Sell, 100 * DOLLAR + CENT, 4_000);
            breathe(&mut rehearsal, seconds);
            bids.iter().for_each(|order| rehearsal.delete(*order));
            rehearsal.pass(3 * SECOND);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{seconds}");
        }
    }

    #[test]
    fn a_gap_is_no_dwell_of_what_is_thin_only_after_it() {
        let (mut rehearsal, [bids, _]) = market();
        rehearsal.lose(1_000);
        rehearsal.pass(5 * SECOND);
        bids.iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(50 * MS);
        rehearsal.add(Side::Buy, 100 * DOLLAR, 400);
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }
}
