//! Pinging: many tiny executions of what is not displayed, to find out where it lies.
//!
//! Counts prints of a few shares against hidden orders or inside the spread. Its condition is so many of them
//! within a second, and that they are far more of the prints than is usual. Prints of one instant are one
//! order that sweeps, and count once. Small prints alone tell nothing: odd lots are the most there is in
//! high-priced names.
//!
//! Sources: SEC, Concept Release on Equity Market Structure, 34-61358 (2010), on order anticipation; O'Hara, Yao and Ye 2014,
//! "What's not there: odd lots and market data".

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SLOT_NS;
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::recent::Recent;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::statistic::Moments;
use crate::prints::{Print, PrintKind};

crate::parameters! {
    /// `detect.pinging`
    Pinging {
        rate: Count = 20, 1..100000, "Tiny prints of what is not displayed within a second.", "convention";
        lots: Ratio = 0.05, 0..1, "Shares of a tiny print, in round lots, at most.", "convention: 5 shares of 100";
        sigmas: Ratio = 6, 1..1000, "Standard deviations above as many of the prints as are usual.", "convention";
    }
}

/// How far the share wanders by itself, besides chance.
const WANDER: f64 = 0.05;

/// The least that is taken for a usual share.
const USUAL_MIN: f64 = 0.02;

/// Weight of a second in the usual share.
const WEIGHT: f64 = 1.0 / 256.0;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Tiny prints and all prints within the last second.
    tiny: Recent,
    all: Recent,
    /// When the last tiny one was.
    last_ns: i64,
    /// Tiny prints and all of the running second.
    running: [u32; 2],
    /// Share of tiny ones in a second.
    usual: Moments,
}

static SPEC: Spec = Spec {
    code: DetectorCode(23),
    name: "pinging",
    pattern: "pinging",
    figures: &["pings_per_s", "share_of_prints", "usual_share", "sigmas"],
    thresholds: &["rate", "lots", "sigmas"],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Traffic,
};

impl Pinging {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    fn is_ping(&self, seen: &Seen<'_>, print: &Print) -> bool {
        let (before, price) = (&seen.before, print.price.0);
        let is_inside = before.is_two_sided() && before.bid < price && price < before.ask;
        print.qty.0 as f64 <= self.lots * seen.metrics.lots.round_lot().0 as f64
            && (print.kind == PrintKind::Hidden || is_inside)
    }
}

impl Detector for Pinging {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let print = seen.print?;
        state.all.count(seen.time, SLOT_NS);
        state.running[1] = state.running[1].saturating_add(1);
        if !self.is_ping(seen, print) || state.last_ns == seen.time.0 {
            return None;
        }
        state.last_ns = seen.time.0;
        state.tiny.count(seen.time, SLOT_NS);
        state.running[0] = state.running[0].saturating_add(1);
        let pings = f64::from(state.tiny.sum(seen.time, SLOT_NS));
        if pings < self.rate / 2.0 {
            return None;
        }
        let all = f64::from(state.all.sum(seen.time, SLOT_NS)).max(1.0);
        let usual = state.usual.mean().clamp(USUAL_MIN, 1.0);
        let wander = WANDER * all;
        let sigmas = (pings - all * usual) / (all * usual * (1.0 - usual) + wander * wander).sqrt();
        let level = (pings / self.rate).min(sigmas / self.sigmas);
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.since(1_000_000_000),
            figures: [pings, pings / all, usual, sigmas],
            print: None,
        })
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, _second: &Second) -> Option<Raised> {
        let [tiny, all] = core::mem::take(&mut state.running).map(f64::from);
        if all > 0.0 && seen.phase.is_usual() {
            state.usual.take(tiny / all, WEIGHT);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = BID + 4 * CENT;

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(BID, ASK, 5, 300);
        for _ in 0..20 {
            rehearsal.trade(Side::Buy, BID, 100);
            rehearsal.pass(SECOND);
        }
        rehearsal
    }

    fn pings(rehearsal: &mut Rehearsal, pings: usize, qty: u64, step: i64) {
        for _ in 0..pings {
            rehearsal.hidden(BID + CENT, qty);
            rehearsal.wait(step);
        }
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("pinging").len(), rehearsal.closed("pinging").len());
        rehearsal.opened("pinging").len()
    }

    #[test]
    fn twenty_tiny_hidden_prints_within_a_second_are_pinging() {
        for (count, qty, step, expected) in [
            (20, 5, 10 * MS, 1),
            (19, 5, 10 * MS, 0),
            (40, 6, 10 * MS, 0),
            (100, 5, 60 * MS, 0),
            (200, 1, 20 * MS, 1),
        ] {
            let mut rehearsal = market();
            pings(&mut rehearsal, count, qty, step);
            assert_eq!(alerts(rehearsal), expected, "{count} × {qty}");
        }
    }

    #[test]
    fn one_order_that_sweeps_is_one_ping() {
        let mut rehearsal = market();
        for _ in 0..10 {
            pings(&mut rehearsal, 30, 5, 0);
            rehearsal.wait(90 * MS);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn tiny_prints_of_what_is_displayed_are_none_unless_inside_the_spread() {
        for (at, expected) in [(false, 0), (true, 1)] {
            let mut rehearsal = market();
            let order = rehearsal.add(Side::Buy, BID, 1_000);
            for _ in 0..40 {
                match at {
                    true => rehearsal.execute_at(order, 1, BID + CENT),
                    false => rehearsal.execute(order, 1),
                };
                rehearsal.wait(10 * MS);
            }
            assert_eq!(alerts(rehearsal), expected);
        }
    }

    #[test]
    fn where_most_prints_are_tiny_and_hidden_anyway_they_tell_nothing() {
        let mut rehearsal = market();
        for _ in 0..400 {
            pings(&mut rehearsal, 15, 5, 10 * MS);
            rehearsal.pass(SECOND);
        }
        // Four fifths of the prints by now: of 30 some 24 are usual.
        pings(&mut rehearsal, 30, 5, 10 * MS);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn in_a_halt_and_before_the_opening_it_is_not_armed_and_a_gap_is_no_burst() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        pings(&mut rehearsal, 100, 5, 5 * MS);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = Rehearsal::before_the_opening(&Default::default());
        pings(&mut rehearsal, 100, 5, 5 * MS);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = market();
        pings(&mut rehearsal, 15, 5, 5 * MS);
        rehearsal.lose(1_000);
        rehearsal.wait(SECOND);
        pings(&mut rehearsal, 15, 5, 5 * MS);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn so_many_of_the_prints_must_be_tiny_that_six_deviations_are_reached() {
        // 2 % are usual at least. Of 58 prints that is 1.16, and √(58 · 0.02 · 0.98 + 2.9²) = 3.09: 20 are
        // 6.10 of them above; of 59 they are 5.99.
        for (others, expected) in [(38, 1), (39, 0)] {
            let mut rehearsal = market();
            rehearsal.pass(2 * SECOND);
            (0..others).for_each(|_| _ = rehearsal.hidden(BID + CENT, 100));
            pings(&mut rehearsal, 20, 5, 10 * MS);
            assert_eq!(alerts(rehearsal), expected, "{others}");
        }
    }

    #[test]
    fn odd_lots_of_what_is_displayed_are_none_however_many() {
        let mut rehearsal = market();
        for at in 0..500 {
            rehearsal.trade(if at % 2 == 0 { Side::Buy } else { Side::Sell }, BID, 1);
            rehearsal.wait(2 * MS);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn crosses_are_no_pings_and_after_a_halt_it_is_not_armed_for_five_minutes() {
        let mut rehearsal = market();
        rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
        pings(&mut rehearsal, 19, 5, 10 * MS);
        for _ in 0..20 {
            rehearsal.cross(b'C', BID + CENT, 5);
            rehearsal.wait(MS);
        }
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened("pinging").len(), 0);
        rehearsal.action(b'H');
        rehearsal.cross(b'H', BID, 5_000);
        rehearsal.action(b'T');
        pings(&mut rehearsal, 50, 5, 10 * MS);
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened("pinging").len(), 0);
        rehearsal.pass(300 * SECOND);
        pings(&mut rehearsal, 50, 5, 10 * MS);
        assert_eq!(alerts(rehearsal), 1);
    }
}
