//! Evaporation of depth: the best five levels of a side hold a fraction of what they usually do, or nothing.
//!
//! Its condition is a side with less than a fraction of its median depth for a second, or without any order
//! for 100 ms. It is judged when the best quote is thin, when a second of the symbol ends, and when feed time
//! passes while a side is thin; between these looks a side that was thin is taken to have stayed so.
//!
//! A book that is thin every other minute does not evaporate: what the share of thin seconds was when it
//! began decides. The minutes after the opening and a halt are no measure, nor are hours without a market.
//!
//! Sources: CFTC and SEC, Findings regarding the market events of May 6, 2010.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.depth_evaporation`
    DepthEvaporation {
        remaining: Ratio = 0.1, 0.001..0.9, "Part of the side's median depth that is left, less than.", "convention";
        dwell: Time = 1e9, 1_000_000..6e10, "It stays so thin for so long.", "convention";
        empty: Time = 100_000_000, 1_000_000..6e10, "Or a side is without orders for so long.", "convention";
        habit: Ratio = 0.005, 0..1, "Share of the symbol's seconds that are so thin, at most; with more it is usual.", "calibrated on simulated sessions, seeds 1 to 3";
    }
}

/// What a second counts for in the share of thin ones.
const HABIT_WEIGHT: f64 = 1.0 / 1024.0;

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
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Bids and asks.
    sides: [SideState; 2],
    /// 1 while a side is thin or its best quote is.
    is_watched: u64,
    /// Share of seconds with a thin side.
    habit: f64,
    /// What that was when watching began.
    habit_before: f64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(12),
    name: "depth_evaporation",
    pattern: "evaporation of depth",
    figures: &["depth_shares", "median_shares", "thin_ns", "empty_ns"],
    thresholds: &["remaining", "dwell", "empty", "habit"],
    phases: Phases::CONTINUOUS,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

impl SideState {
    fn rest(&mut self) {
        (self.thin_ns, self.empty_ns) = (0, 0);
    }

    /// Takes in what the side holds now.
    fn take(&mut self, depth: u64, now_ns: i64, sequence: u64) {
        if depth >= self.limit {
            self.rest();
            return;
        }
        if self.thin_ns == 0 {
            (self.thin_ns, self.since_sequence) = (now_ns, sequence);
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
            state.is_watched = 0;
            return None;
        }
        if state.is_watched == 0 {
            state.habit_before = state.habit;
        }
        state.is_watched = 0;
        let now = seen.time.0;
        let best = [seen.touch.bid_qty, seen.touch.ask_qty];
        let mut worst: Option<Raised> = None;
        for (at, best) in best.into_iter().enumerate() {
            let side = &mut state.sides[at];
            // What is at the best price alone may be enough.
            let depth = if best >= side.limit { best } else { seen.depth(at) };
            side.take(depth, now, seen.sequence.0);
            if best < side.limit {
                state.is_watched = 1;
                self.wish(side, seen);
            }
            if let Some(raised) = self.raised(side, at, depth, seen)
                && worst.is_none_or(|worst| raised.level > worst.level)
            {
                worst = Some(raised);
            }
        }
        let mut raised = worst?;
        if state.habit_before > self.habit {
            raised.level = raised.level.min(0.99);
        }
        Some(raised)
    }

    /// Asks to be woken when a side that is thin, or may be, is to be looked at.
    fn wish(&self, side: &SideState, seen: &Seen<'_>) {
        let now = seen.time.0;
        let due = |from: i64, dwell: f64| {
            let due = from.saturating_add(dwell as i64);
            if from != 0 && due > now { due } else { now.saturating_add(AGAIN_NS) }
        };
        let thin = due(side.thin_ns, self.dwell);
        seen.wake_at(Nanos(thin.min(due(side.empty_ns, self.empty))));
    }

    fn raised(&self, side: &SideState, at: usize, depth: u64, seen: &Seen<'_>) -> Option<Raised> {
        if side.thin_ns == 0 {
            return None;
        }
        let long = |from: i64| {
            if from == 0 { 0.0 } else { seen.time.0.saturating_sub(from).max(0) as f64 }
        };
        let (thin_ns, empty_ns) = (long(side.thin_ns), long(side.empty_ns));
        let lack = side.limit as f64 / depth.max(1) as f64;
        let level = (empty_ns / self.empty).max(lack.min(thin_ns / self.dwell)).min(LEVEL_MAX);
        let since = Since { time: Nanos(side.thin_ns), sequence: Sequence(side.since_sequence) };
        let figures = [depth as f64, seen.profile.depth(at), thin_ns, empty_ns];
        (level >= 0.5).then_some(Raised { level, since, figures, print: None })
    }
}

impl Detector for DepthEvaporation {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let [bids, asks] = &state.sides;
        if seen.touch.bid_qty >= bids.limit
            && seen.touch.ask_qty >= asks.limit
            && state.is_watched == 0
        {
            return None;
        }
        self.judge(state, seen)
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let is_thin = |at: usize| second.depth[at] < state.sides[at].limit;
        let is_any_thin = is_thin(0) || is_thin(1);
        let raised =
            if is_any_thin || state.is_watched != 0 { self.judge(state, seen) } else { None };
        if SPEC.phases.has(seen.phase) {
            let is_thin = f64::from(u8::from(is_any_thin));
            state.habit += (is_thin - state.habit) * HABIT_WEIGHT;
        }
        for (at, side) in state.sides.iter_mut().enumerate() {
            // While it is thin, what is usual is what it was before.
            if side.thin_ns == 0 {
                side.limit = (self.remaining * seen.profile.depth(at)) as u64;
            }
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.is_watched == 0 { None } else { self.judge(state, seen) }
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "depth_evaporation";

    /// Past the opening: five levels of 400 shares on both sides, for 80 s with messages; the orders by side.
    fn market() -> (Rehearsal, [Vec<u64>; 2]) {
        let mut rehearsal =
            Rehearsal::with(&[("depth_evaporation", "habit", 0.02), ("", "opening", 0.0)]);
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
    fn levels_behind_the_best_may_go_first_and_last_and_one_alert_tells_of_all() {
        let (mut rehearsal, [bids, asks]) = market();
        rehearsal.cancel(asks[0], 350);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "the best alone is thin");
        let began = rehearsal.sequence();
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
    }

    #[test]
    fn a_side_that_comes_and_goes_all_day_is_usual() {
        let (mut rehearsal, [mut bids, _]) = market();
        for _ in 0..60 {
            bids.iter().for_each(|order| rehearsal.delete(*order));
            rehearsal.pass(1_400 * MS);
            bids = (0..5)
                .map(|level| rehearsal.add(Side::Buy, 100 * DOLLAR - level * CENT, 400))
                .collect();
            breathe(&mut rehearsal, 8);
        }
        // A second in ten is thin: told at first, then known.
        let opened = rehearsal.opened(NAME).len();
        assert!((1..30).contains(&opened), "{opened}");
    }

    #[test]
    fn in_a_halt_after_it_in_the_opening_and_at_the_end_it_is_not_armed() {
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
        let mut rehearsal = Rehearsal::with(&[("depth_evaporation", "habit", 0.02)]);
        rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 5, 400);
        breathe(&mut rehearsal, 80);
        let order = rehearsal.add(Side::Buy, 100 * DOLLAR, 400);
        rehearsal.delete(order);
        rehearsal.pass(SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
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
