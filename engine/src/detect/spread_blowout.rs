//! Blow-out of the spread: it stands far wider than it usually does, and stays so.
//!
//! Its condition is a spread of five times its median, of twice its 99th percentile and of 50 basis points,
//! for half a second without a break; feed time that passes suffices, no message of the symbol is needed.
//! The percentile is learnt second by second while the spread is no such.
//!
//! Not meant: the minutes after the opening and a halt, when spreads find their width; a side without
//! orders; and stubs, quotes so far off that nobody means them to trade.
//!
//! Sources: CFTC and SEC, Findings regarding the market events of May 6, 2010, for the pattern and the stub
//! quotes; the percentile by Ma, Muthukrishnan and Sandler 2013 (Frugal-1U).

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::episode::HOLD_LEVEL;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.spread_blowout`
    SpreadBlowout {
        medians: Ratio = 5, 1..1000, "Times the symbol's median spread.", "convention";
        percentiles: Ratio = 2, 1..1000, "Times the 99th percentile of the symbol's spread.", "convention";
        width_min: BasisPoints = 50, 0..10000, "Basis points of the mid, at least.", "convention";
        dwell: Time = 500_000_000, 1_000_000..6e10, "It stands so long without a break.", "convention";
        stub: BasisPoints = 5000, 1..20000, "A wider one is of stubs and no spread.", "CFTC and SEC 2010: stub quotes";
    }
}

/// One step of the percentile.
const STEP: f64 = 0.02;

/// How often one that lasts is looked at though nothing comes.
const AGAIN_NS: i64 = 500_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The 99th percentile of the spread at the end of a second, 1e-9 units.
    percentile: f64,
    /// The spread that is too wide; 0 while that is not known.
    limit: i64,
    /// Since when it has been; 0 while it is not.
    since_ns: i64,
    /// From which message on.
    since_sequence: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(11),
    name: "spread_blowout",
    pattern: "a blow-out of the spread",
    figures: &["spread_bps", "median_bps", "percentile_bps", "duration_ns"],
    thresholds: &["medians", "percentiles", "width_min", "dwell"],
    phases: Phases::CONTINUOUS,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

impl SpreadBlowout {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    /// What is too wide, by what was usual before the second at hand.
    fn limit(&self, state: &State, seen: &Seen<'_>) -> i64 {
        let (median, mid) = (seen.profile.spread(), seen.touch.mid());
        if !(median > 0.0 && mid > 0.0) {
            return state.limit;
        }
        let usual = (self.medians * median).max(self.percentiles * state.percentile);
        usual.max(self.width_min * mid / 1e4) as i64
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let (touch, now) = (seen.touch, seen.time.0);
        let width_bps = touch.spread_bps();
        if state.limit <= 0
            || width_bps <= 0.0
            || width_bps > self.stub
            || !SPEC.phases.has(seen.phase)
        {
            state.since_ns = 0;
            return None;
        }
        let breadth = touch.spread() as f64 / state.limit as f64;
        if state.since_ns == 0 {
            if breadth >= 1.0 {
                (state.since_ns, state.since_sequence) = (now, seen.sequence.0);
                seen.wake_at(Nanos(now.saturating_add(self.dwell as i64)));
            }
            return None;
        }
        let stood = now.saturating_sub(state.since_ns).max(0) as f64;
        let hold = if stood < self.dwell { 1.0 } else { HOLD_LEVEL };
        if breadth < hold {
            state.since_ns = 0;
            return None;
        }
        if stood < self.dwell {
            seen.wake_at(Nanos(state.since_ns.saturating_add(self.dwell as i64)));
            return None;
        }
        seen.wake_at(Nanos(now.saturating_add(AGAIN_NS)));
        let in_bps = width_bps / touch.spread() as f64;
        Some(Raised {
            level: breadth,
            since: Since { time: Nanos(state.since_ns), sequence: Sequence(state.since_sequence) },
            figures: [width_bps, seen.profile.spread() * in_bps, state.percentile * in_bps, stood],
            print: None,
        })
    }
}

impl State {
    /// Takes the spread at the end of a second into the percentile.
    fn learn(&mut self, spread: f64) {
        if spread <= 0.0 {
            return;
        }
        let percentile = self.percentile;
        self.percentile = if spread > percentile && percentile > 0.0 {
            (percentile * (1.0 + STEP * 0.99)).min(spread)
        } else if percentile > 0.0 {
            (percentile * (1.0 - STEP * 0.01)).max(spread)
        } else {
            spread
        };
    }
}

impl Detector for SpreadBlowout {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if seen.touch.spread() < state.limit && state.since_ns == 0 {
            return None;
        }
        self.judge(state, seen)
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let raised = if state.since_ns == 0 { None } else { self.judge(state, seen) };
        state.limit = self.limit(state, seen);
        if state.since_ns == 0 && seen.phase.is_usual() {
            state.learn(second.touch.spread() as f64);
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.since_ns == 0 { None } else { self.judge(state, seen) }
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "spread_blowout";

    /// Past the opening: a bid at 100 and an ask at 100.10, unchanged for 80 s with messages; the ask.
    fn market() -> (Rehearsal, u64) {
        let mut rehearsal = Rehearsal::with(&[("", "opening", 0.0)]);
        rehearsal.add(Side::Buy, 100 * DOLLAR, 500);
        let ask = rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        rehearsal.add(Side::Sell, 200 * DOLLAR, 500);
        breathe(&mut rehearsal, 80);
        (rehearsal, ask)
    }

    /// Messages far from the best, one a second.
    fn breathe(rehearsal: &mut Rehearsal, seconds: i64) {
        for _ in 0..seconds {
            let order = rehearsal.add(Side::Buy, 50 * DOLLAR, 100);
            rehearsal.pass(SECOND / 2);
            rehearsal.delete(order);
            rehearsal.pass(SECOND / 2);
        }
    }

    /// The best ask goes to `ask`, and after `for_ns` back; alerts that have opened.
    fn widened(ask: i64, for_ns: i64) -> Rehearsal {
        let (mut rehearsal, old) = market();
        let wide = rehearsal.add(Side::Sell, ask, 500);
        rehearsal.delete(old);
        rehearsal.pass(for_ns);
        rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        rehearsal.delete(wide);
        breathe(&mut rehearsal, 5);
        rehearsal
    }

    #[test]
    fn five_times_the_median_and_half_a_percent_for_half_a_second_fires() {
        // Five times 10 cents is 50 cents, a few more are 50 bp of the mid.
        for (ask, alerts) in [(55, 1), (50, 0), (49, 0), (300, 1)] {
            let rehearsal = widened(100 * DOLLAR + ask * CENT, SECOND);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{ask}");
            assert_eq!(rehearsal.closed(NAME).len(), alerts, "{ask}");
        }
    }

    #[test]
    fn it_must_stand_half_a_second_and_no_message_is_needed_for_that() {
        assert_eq!(widened(101 * DOLLAR, 390 * MS).opened(NAME).len(), 0);
        let rehearsal = widened(101 * DOLLAR, 700 * MS);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        let stood = opened[0].figures[3];
        assert!((500e6..=600e6).contains(&stood), "at the next line of 100 ms: {stood}");
        // 1.00 on a mid of 100.50.
        assert!((opened[0].figures[0] - 99.502).abs() < 0.001, "{opened:?}");
    }

    #[test]
    fn a_break_begins_anew() {
        let (mut rehearsal, old) = market();
        rehearsal.add(Side::Sell, 101 * DOLLAR, 500);
        rehearsal.delete(old);
        for _ in 0..5 {
            rehearsal.pass(350 * MS);
            let narrow = rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 100);
            rehearsal.wait(MS);
            rehearsal.delete(narrow);
        }
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_long_one_is_one_alert_from_its_first_message_on() {
        let (mut rehearsal, old) = market();
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        rehearsal.delete(old);
        let (began, at) = (rehearsal.sequence(), rehearsal.now());
        rehearsal.pass(10 * SECOND);
        let ended = rehearsal.now();
        rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        breathe(&mut rehearsal, 5);
        let closed = rehearsal.closed(NAME);
        assert_eq!((rehearsal.opened(NAME).len(), closed.len()), (1, 1));
        assert_eq!((closed[0].first.0, closed[0].start.0), (began, at));
        assert!(ended - closed[0].end.0 <= 600 * MS);
    }

    #[test]
    fn one_side_alone_and_stubs_have_no_spread() {
        let (mut rehearsal, old) = market();
        rehearsal.delete(old);
        rehearsal.pass(5 * SECOND);
        // 100 and 200: 66 % of the mid.
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_spread_that_is_often_so_wide_is_usual() {
        let mut percentile = State { percentile: 10.0, limit: 0, since_ns: 0, since_sequence: 0 };
        for second in 0..20_000 {
            percentile.learn(if second % 30 == 0 { 60.0 } else { 10.0 });
        }
        assert!(percentile.percentile > 45.0, "{percentile:?}: more than one in a hundred");
        for second in 0..20_000 {
            percentile.learn(if second % 400 == 0 { 60.0 } else { 10.0 });
        }
        assert!(percentile.percentile < 20.0, "{percentile:?}: fewer than one in a hundred");
    }

    #[test]
    fn in_a_halt_after_it_and_in_the_opening_it_is_not_armed() {
        let (mut rehearsal, old) = market();
        rehearsal.action(b'H');
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        rehearsal.delete(old);
        rehearsal.pass(10 * SECOND);
        rehearsal.action(b'T');
        rehearsal.pass(4 * MINUTE);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.add(Side::Buy, 100 * DOLLAR, 500);
        let ask = rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        breathe(&mut rehearsal, 80);
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        rehearsal.delete(ask);
        breathe(&mut rehearsal, 10);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_gap_is_no_dwell_of_what_stands_only_after_it() {
        let (mut rehearsal, old) = market();
        rehearsal.lose(1_000);
        rehearsal.pass(5 * SECOND);
        rehearsal.add(Side::Sell, 101 * DOLLAR, 500);
        rehearsal.delete(old);
        rehearsal.pass(300 * MS);
        rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }
}
