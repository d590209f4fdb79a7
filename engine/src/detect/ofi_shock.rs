//! A shock of order flow: within a second, orders and trades push one way far more than they usually do.
//!
//! Looks at the order-flow imbalance of each second: what is added to and taken from the best bid and offer,
//! bids less offers. Its condition is so many standard deviations from the symbol's usual, at least what one
//! side usually shows, by several messages, and for half of the second: one large order that enters or leaves
//! is no flow, nor is what others do within the same moments. Orders that are entered and pulled add nothing,
//! but quotes that are stuffed at moving prices push it up: such alerts stand beside each other.
//!
//! Sources: Cont, Kukanov and Stoikov 2014, "The price impact of order book events".

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.ofi_shock`
    OfiShock {
        sigmas: Ratio = 25, 1..1000, "Standard deviations from the symbol's usual second.", "calibrated on simulated sessions, seeds 1 to 10; by convention 8";
        depth: Ratio = 6, 0.01..1000, "Shares of it beside what a side usually shows at five levels, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        slots: Count = 5, 0..10, "Tenths of the second that have messages, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        messages: Count = 5, 1..1000000, "Messages of orders in the second, at least.", "convention: one large order is no flow";
    }
}

/// The least standard deviation, shares.
const SIGMA_MIN: f64 = 100.0;

/// What is kept of a symbol: nothing but what the profile has.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(25),
    name: "ofi_shock",
    pattern: "a shock of order flow",
    figures: &["order_flow_shares", "sigmas", "times_usual_depth", "slots"],
    thresholds: &["sigmas", "depth", "slots", "messages"],
    phases: Phases::CONTINUOUS,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

impl OfiShock {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 3e9, ..Arming::default() }
    }
}

impl Detector for OfiShock {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn on_second(&self, _state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let flow = second.order_flow as f64;
        let usual = (seen.profile.depth(0) + seen.profile.depth(1)) / 2.0;
        let messages: u64 = second.counts.iter().map(|count| u64::from(*count)).sum();
        if usual <= 0.0
            || (messages as f64) < self.messages
            || 2.0 * flow.abs() < usual * self.depth
        {
            return None;
        }
        let slots = f64::from(seen.activity.busy_slots());
        if slots < self.slots {
            return None;
        }
        let times = flow.abs() / usual;
        let sigmas = seen.profile.order_flow().score(flow, SIGMA_MIN);
        let level = (sigmas.abs() / self.sigmas).min(times / self.depth);
        let ago_ns = seen.time.0.saturating_sub(second.end.0).saturating_add(1_000_000_000);
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.since(ago_ns),
            figures: [flow, sigmas, times, slots],
            print: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = BID + CENT;

    /// Continuous trading, about 1,500 shares at five levels of each side; seconds in which `qty` is added to the
    /// best bid and seconds in which it goes.
    fn market(qty: u64) -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[
            ("ofi_shock", "sigmas", 8.0),
            ("ofi_shock", "depth", 1.0),
            ("", "opening", 0.0),
        ]);
        rehearsal.fill(BID, ASK, 5, 300);
        for _ in 0..60 {
            let order = rehearsal.add(Side::Buy, BID, qty);
            rehearsal.pass(SECOND);
            rehearsal.delete(order);
            rehearsal.pass(SECOND);
        }
        rehearsal
    }

    /// So many orders in six tenths of a second; then the second ends with another message.
    fn push(rehearsal: &mut Rehearsal, side: Side, orders: usize, qty: u64) {
        push_for(rehearsal, side, orders, qty, 600 * MS);
    }

    /// So many orders within `span_ns`; then the second ends with another message.
    fn push_for(rehearsal: &mut Rehearsal, side: Side, orders: usize, qty: u64, span_ns: i64) {
        for _ in 0..orders {
            rehearsal.add(side, if side == Side::Buy { BID } else { ASK }, qty);
            rehearsal.wait(span_ns / orders as i64);
        }
        rehearsal.pass(SECOND);
        rehearsal.add(Side::Buy, 98 * DOLLAR, 100);
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        rehearsal.pass(10 * SECOND);
        assert_eq!(rehearsal.opened("ofi_shock").len(), rehearsal.closed("ofi_shock").len());
        rehearsal.opened("ofi_shock").len()
    }

    #[test]
    fn more_than_a_side_shows_within_a_second_is_a_shock() {
        for (orders, qty, expected) in [(17, 100, 1), (14, 100, 0), (4, 2_000, 0), (5, 2_000, 1)] {
            for side in [Side::Buy, Side::Sell] {
                let mut rehearsal = market(100);
                push(&mut rehearsal, side, orders, qty);
                assert_eq!(alerts(rehearsal), expected, "{orders} × {qty} {side:?}");
            }
        }
    }

    #[test]
    fn one_moment_is_no_flow_whatever_comes_in_it() {
        for (span_ns, expected) in [(0, 0), (300 * MS, 0), (600 * MS, 1)] {
            let mut rehearsal = market(100);
            push_for(&mut rehearsal, Side::Buy, 40, 1_000, span_ns);
            assert_eq!(alerts(rehearsal), expected, "{span_ns}");
        }
    }

    #[test]
    fn where_flow_is_wild_anyway_it_takes_more() {
        for (qty, expected) in [(700, 0), (1_000, 1)] {
            let mut rehearsal = market(1_000);
            // Standard deviation 1,000: 7 and 10 of them.
            push(&mut rehearsal, Side::Buy, 10, qty);
            assert_eq!(alerts(rehearsal), expected, "{qty}");
        }
    }

    #[test]
    fn what_is_entered_and_pulled_is_no_flow() {
        let mut rehearsal = market(100);
        for _ in 0..100 {
            let order = rehearsal.add(Side::Buy, BID, 1_000);
            rehearsal.wait(MS);
            rehearsal.delete(order);
        }
        rehearsal.pass(SECOND);
        rehearsal.add(Side::Buy, 98 * DOLLAR, 100);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn one_long_push_is_one_alert_from_its_first_second_on() {
        let mut rehearsal = market(100);
        let before = rehearsal.now();
        (0..4).for_each(|_| push(&mut rehearsal, Side::Buy, 40, 200));
        rehearsal.pass(10 * SECOND);
        let closed = rehearsal.closed("ofi_shock");
        assert_eq!(closed.len(), 1);
        assert!((before - 2 * SECOND..=before).contains(&closed[0].start.0), "{closed:?}");
    }

    #[test]
    fn in_the_opening_in_a_halt_and_behind_a_gap_there_is_none() {
        let mut rehearsal =
            Rehearsal::with(&[("ofi_shock", "sigmas", 8.0), ("ofi_shock", "depth", 1.0)]);
        rehearsal.fill(BID, ASK, 5, 300);
        push(&mut rehearsal, Side::Buy, 40, 1_000);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = market(100);
        rehearsal.action(b'H');
        push(&mut rehearsal, Side::Buy, 40, 1_000);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = market(100);
        rehearsal.lose(1_000);
        // What has changed meanwhile comes in one message or two.
        push(&mut rehearsal, Side::Buy, 2, 50_000);
        assert_eq!(alerts(rehearsal), 0);
    }
}
