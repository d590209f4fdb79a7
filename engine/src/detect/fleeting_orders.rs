//! Fleeting orders: most of what is entered goes again within a moment, much more of it than usual.
//!
//! Counts the orders that their owners delete, and those of them that lived for a moment only, over about
//! ten seconds. Its condition is that there are many of them, and that the short-lived ones are far more than
//! their usual share would let expect. Short lives are normal market making: they only tell beside the
//! symbol's own usual share, and never much.
//!
//! Sources: Hasbrouck and Saar 2009, "Technology and liquidity provision: the blurring of traditional
//! definitions" (more than a third of limit orders gone within two seconds); today's moment is shorter.

use bytemuck::{Pod, Zeroable};

use crate::book::applied::Resting;
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::statistic::{Moments, decay};
use crate::event::{Event, Kind};
use crate::units::Nanos;

crate::parameters! {
    /// `detect.fleeting_orders`
    FleetingOrders {
        lifetime: Time = 50_000_000, 1_000..1e11, "Life up to which an order is fleeting.", "convention; Hasbrouck and Saar 2009: 2 s";
        deletes: Count = 200, 1..1000000, "Deletes in about ten seconds, at least.", "convention";
        sigmas: Ratio = 6, 1..1000, "Standard deviations above as many as are usual.", "convention";
        share: Ratio = 0.33, 0.01..1, "Part of the deletes that are fleeting, at least.", "Hasbrouck and Saar 2009: a third";
    }
}

/// The span over which is counted, as a time constant.
const SPAN_NS: f64 = 1e10;

/// How far the share wanders by itself, besides chance.
const WANDER: f64 = 0.05;

/// The least that is taken for a usual share.
const USUAL_MIN: f64 = 0.02;

/// Weight of a second in the usual share: some five minutes.
const WEIGHT: f64 = 1.0 / 256.0;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Fleeting ones and all of the running second.
    running: [u32; 2],
    /// Of the last seconds.
    recent: [f64; 2],
    /// Share of fleeting ones in a second.
    usual: Moments,
}

static SPEC: Spec = Spec {
    code: DetectorCode(4),
    name: "fleeting_orders",
    pattern: "fleeting orders",
    figures: &["deletes_per_10s", "fleeting_share", "usual_share", "sigmas"],
    thresholds: &["lifetime", "deletes", "sigmas", "share"],
    phases: Phases::CONTINUOUS,
    warm_up_seconds: 60,
    family: Family::Traffic,
};

impl FleetingOrders {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    /// Counts an order that its owner takes out: all that a message is to it.
    #[inline(always)]
    pub(super) fn learn(
        &self,
        state: &mut State,
        event: &Event,
        now: Nanos,
        resting: Option<&Resting>,
    ) {
        if event.kind == Kind::Delete as u8
            && let Some(resting) = resting
        {
            let life = now.0.saturating_sub(resting.since.0);
            let is_fleeting = life as f64 <= self.lifetime;
            let [fleeting, deletes] = state.running;
            state.running =
                [fleeting.saturating_add(u32::from(is_fleeting)), deletes.saturating_add(1)];
        }
    }

    fn judge(&self, state: &State, seen: &Seen<'_>) -> Option<Raised> {
        let [fleeting, deletes] = state.recent;
        if deletes < self.deletes / 2.0 || state.usual.samples() < 16 {
            return None;
        }
        let usual = state.usual.mean().clamp(USUAL_MIN, 1.0);
        let wander = WANDER * deletes;
        let sigma = (deletes * usual * (1.0 - usual) + wander * wander).sqrt();
        let sigmas = (fleeting - deletes * usual) / sigma;
        let share = fleeting / deletes;
        let level = (deletes / self.deletes).min(sigmas / self.sigmas).min(share / self.share);
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.since(SPAN_NS as i64),
            figures: [deletes, share, usual, sigmas],
            print: None,
        })
    }
}

impl Detector for FleetingOrders {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_order(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        self.learn(state, seen.event, seen.time, seen.resting);
        None
    }

    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let [fleeting, deletes] = core::mem::take(&mut state.running).map(f64::from);
        let left = decay(1_000_000_000, SPAN_NS);
        state.recent = [state.recent[0] * left + fleeting, state.recent[1] * left + deletes];
        let raised = self.judge(state, seen);
        if deletes > 0.0 && seen.phase.is_usual() {
            state.usual.take(fleeting / deletes, WEIGHT);
        }
        let idle = decay(i64::from(second.idle) * 1_000_000_000, SPAN_NS);
        state.recent = state.recent.map(|count| count * idle);
        raised
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    /// So many orders a second, of which each `nth` lives for 10 ms and the others for 200.
    fn seconds(rehearsal: &mut Rehearsal, seconds: i64, rate: i64, nth: i64) {
        for _ in 0..seconds {
            let from = rehearsal.now();
            for at in 0..rate {
                let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
                // Orders overlap in no way: lives follow each other within the second.
                rehearsal.wait(if at % nth == 0 { 2 * MS } else { 51 * MS });
                rehearsal.delete(order);
            }
            let used = rehearsal.now() - from;
            rehearsal.pass((SECOND - used).max(MS));
        }
    }

    /// Past the opening phase, with one in ten of some orders that go within a moment.
    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.pass(15 * MINUTE);
        seconds(&mut rehearsal, 80, 10, 10);
        rehearsal
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        rehearsal.pass(30 * SECOND);
        rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
        rehearsal.pass(30 * SECOND);
        let opened = rehearsal.opened("fleeting_orders").len();
        assert_eq!(opened, rehearsal.closed("fleeting_orders").len());
        opened
    }

    #[test]
    fn many_more_fleeting_orders_than_usual_are_one_alert() {
        let mut rehearsal = market();
        seconds(&mut rehearsal, 20, 100, 1);
        let closed = {
            rehearsal.pass(60 * SECOND);
            rehearsal.closed("fleeting_orders")
        };
        assert_eq!(closed.len(), 1);
        let [deletes, share, usual, sigmas] = closed[0].figures;
        assert!(deletes >= 200.0 && share > 0.8 && usual < 0.2 && sigmas > 6.0, "{closed:?}");
    }

    #[test]
    fn few_of_them_are_none() {
        // 100 of them within a second, and 10 more each second with one that is fleeting.
        let mut rehearsal = market();
        seconds(&mut rehearsal, 1, 80, 1);
        seconds(&mut rehearsal, 10, 1, 1);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn a_symbol_whose_orders_are_always_fleeting_raises_none() {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.pass(15 * MINUTE);
        seconds(&mut rehearsal, 120, 100, 1);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn many_orders_of_usual_lives_raise_none() {
        let mut rehearsal = market();
        // 60 a second, one in ten for a moment: held open side by side.
        for _ in 0..20 {
            for _ in 0..6 {
                let orders: Vec<u64> =
                    (0..9).map(|_| rehearsal.add(Side::Buy, 99 * DOLLAR, 100)).collect();
                rehearsal.wait(60 * MS);
                orders.into_iter().for_each(|order| rehearsal.delete(order));
                let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
                rehearsal.delete(order);
            }
            rehearsal.pass(600 * MS);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn in_the_opening_and_in_a_halt_it_is_not_armed() {
        let mut rehearsal = Rehearsal::with(&[]);
        seconds(&mut rehearsal, 80, 10, 10);
        seconds(&mut rehearsal, 10, 100, 1);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = market();
        rehearsal.action(b'H');
        seconds(&mut rehearsal, 10, 100, 1);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn what_a_gap_hides_is_not_counted() {
        let mut rehearsal = market();
        rehearsal.lose(100_000);
        seconds(&mut rehearsal, 10, 10, 10);
        assert_eq!(alerts(rehearsal), 0);
    }

    /// Past the opening phase, where one in ten orders is fleeting or none; then so long without an order
    /// that of what was deleted before nothing counts.
    fn forgetful(one_in_ten: bool) -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.pass(15 * MINUTE);
        for _ in 0..80 {
            let fleeting = usize::from(one_in_ten);
            a_second(&mut rehearsal, fleeting, 10 - fleeting, 60 * MS);
        }
        rehearsal.pass(200 * SECOND);
        rehearsal.pass(SECOND - rehearsal.now() % SECOND);
        rehearsal
    }

    /// A second in which so many orders are deleted that lived for no time, and for `life_ns`.
    fn a_second(rehearsal: &mut Rehearsal, at_once: usize, later: usize, life_ns: i64) {
        let orders: Vec<u64> =
            (0..later).map(|_| rehearsal.add(Side::Buy, 99 * DOLLAR, 100)).collect();
        rehearsal.wait(life_ns);
        orders.into_iter().for_each(|order| rehearsal.delete(order));
        for _ in 0..at_once {
            let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
            rehearsal.delete(order);
        }
        rehearsal.pass(SECOND - life_ns);
    }

    #[test]
    fn its_thresholds_count_from_their_very_values_on() {
        for (why, one_in_ten, at_once, later, life_ns, expected) in [
            ("200 deletes", true, 200, 0, 0, 1),
            ("199 deletes", true, 199, 0, 0, 0),
            ("lives of 50 ms", true, 0, 200, 50 * MS, 1),
            ("lives of more", true, 0, 200, 50 * MS + 1, 0),
            // A tenth is usual: 20 of 200, and √(200 · 0.1 · 0.9 + 10²) = 10.86, six times that is 65.2.
            ("86 of 200", true, 86, 114, 60 * MS, 1),
            ("85 of 200", true, 85, 115, 60 * MS, 0),
            // None is usual, which counts as 2 %: 20 + 6 · √(1,000 · 0.02 · 0.98 + 50²) = 321 of 1,000.
            ("33.1 %", false, 331, 669, 60 * MS, 1),
            ("32.9 %", false, 329, 671, 60 * MS, 0),
        ] {
            let mut rehearsal = forgetful(one_in_ten);
            a_second(&mut rehearsal, at_once, later, life_ns);
            assert_eq!(alerts(rehearsal), expected, "{why}");
        }
    }

    #[test]
    fn it_is_armed_again_five_minutes_after_a_halt_and_its_auction() {
        let mut rehearsal = forgetful(true);
        rehearsal.action(b'H');
        a_second(&mut rehearsal, 300, 0, 0);
        rehearsal.cross(b'H', 99 * DOLLAR, 50_000);
        rehearsal.action(b'T');
        a_second(&mut rehearsal, 300, 0, 0);
        rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
        assert_eq!(rehearsal.opened("fleeting_orders").len(), 0);
        rehearsal.pass(300 * SECOND);
        a_second(&mut rehearsal, 300, 0, 0);
        assert_eq!(alerts(rehearsal), 1);
    }

    #[test]
    fn a_cross_deletes_no_orders() {
        for (deletes, expected) in [(199, 0), (200, 1)] {
            let mut rehearsal = forgetful(true);
            rehearsal.imbalance(b'C', b'B', 10_000, 500, 990_000);
            rehearsal.cross(b'C', 99 * DOLLAR, 50_000);
            a_second(&mut rehearsal, deletes, 0, 0);
            assert_eq!(alerts(rehearsal), expected, "{deletes}");
        }
    }

    #[test]
    fn deletes_of_orders_that_a_gap_has_hidden_tell_no_life() {
        let mut rehearsal = forgetful(true);
        rehearsal.lose(400);
        (1..=400).for_each(|hidden| rehearsal.delete(1_000_000 + hidden));
        rehearsal.pass(SECOND);
        assert_eq!(alerts(rehearsal), 0);
    }
}
