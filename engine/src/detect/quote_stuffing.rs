//! Quote stuffing: orders entered and pulled, or replaced, by the hundreds within a second, hardly any traded.
//!
//! Looks at the last second (ten slots of 100 ms) of the symbol's messages of orders. Its condition is a
//! rate far above what is usual, or above an absolute one, of which nearly half are pulls and hardly any
//! executions, the orders that leave having lived for a moment only.
//!
//! Sources: Nanex 4022 (1,000 and more a stock and second); Egginton, Van Ness and Van Ness 2016 (20 standard
//! deviations above the usual rate); Gao, Mizrach and Özturk.

use bytemuck::{Pod, Zeroable};

use crate::book::applied::Resting;
use crate::detect::activity::{Activity, lane};
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::Nanos;

crate::parameters! {
    /// `detect.quote_stuffing`
    QuoteStuffing {
        rate: Count = 1000, 1..1000000, "Messages of orders in a second that are too many for any symbol.", "Nanex 4022";
        rate_min: Count = 200, 1..1000000, "Messages of orders in a second, at least, however unusual.", "convention";
        sigmas: Ratio = 20, 1..1000, "Standard deviations above the symbol's usual second.", "Egginton, Van Ness and Van Ness 2016";
        pulled: Ratio = 0.45, 0..1, "Share of pulls and replaces among adds, pulls and replaces; 0.5: every order is pulled.", "convention";
        executed: Ratio = 0.02, 0..1, "Executions a message of orders, at most.", "convention";
        lifetime: Time = 50_000_000, 1_000..1e10, "Median life of orders that leave, at most.", "convention";
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// A running median of the lives of the last orders that left, ns.
    lifetime_ns: f64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(1),
    name: "quote_stuffing",
    pattern: "quote stuffing",
    figures: &["messages_per_s", "sigmas", "pulled_share", "lifetime_ns"],
    thresholds: &["rate", "rate_min", "sigmas", "pulled", "executed", "lifetime"],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Traffic,
};

/// How fast the median of lives follows: within some hundred orders over any scale.
const LIFE_STEP: f64 = 0.1;

impl QuoteStuffing {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    /// Whether a message has to be judged; where it has not, [`QuoteStuffing::learn`] is all there is to do.
    #[inline(always)]
    pub(super) fn is_concerned(&self, state: &State, activity: &Activity) -> bool {
        // A busy symbol's orders live: one step of the median does not bring it there.
        !self.are_few(activity) && state.lifetime_ns * (1.0 - LIFE_STEP) <= self.lifetime
    }

    /// Learns the life of an order that leaves.
    #[inline(always)]
    pub(super) fn learn(&self, state: &mut State, now: Nanos, resting: Option<&Resting>) {
        if let Some(resting) = resting
            && resting.left
        {
            let life = now.0.saturating_sub(resting.since.0).max(1) as f64;
            let up = life > state.lifetime_ns;
            state.lifetime_ns =
                (state.lifetime_ns.max(1.0)) * if up { 1.0 + LIFE_STEP } else { 1.0 - LIFE_STEP };
        }
    }

    /// Fewer than half of what opens, from which on an alert is held up.
    #[inline(always)]
    fn are_few(&self, activity: &Activity) -> bool {
        f64::from(activity.orders_last_second()) < self.rate_min / 2.0
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &State, seen: &Seen<'_>) -> Option<Raised> {
        let count = |lane| f64::from(seen.activity.last_second(lane));
        let (adds, off) = (count(lane::ADDS), count(lane::OFF));
        let (replaces, executions) = (count(lane::REPLACES), count(lane::EXECUTIONS));
        let orders = adds + off + replaces + executions;
        let pulled = (off + replaces) / (adds + off + replaces).max(1.0);
        if pulled < self.pulled || executions > self.executed * orders {
            return None;
        }
        let sigmas = seen.profile.rate().score(orders, 1.0);
        let level = (orders / self.rate).max((sigmas / self.sigmas).min(orders / self.rate_min));
        Some(Raised {
            level,
            since: seen.since(1_000_000_000),
            figures: [orders, sigmas, pulled, state.lifetime_ns],
            print: None,
        })
    }
}

impl Detector for QuoteStuffing {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_order(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        self.learn(state, seen.time, seen.resting);
        if self.are_few(seen.activity) || state.lifetime_ns > self.lifetime {
            return None;
        }
        self.judge(state, seen)
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::units::Side;

    /// Orders entered and pulled after `life_ns`, evenly over a second.
    fn stuffed(rehearsal: &mut Rehearsal, orders: i64, life_ns: i64) {
        let step = SECOND / orders;
        for _ in 0..orders {
            let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
            rehearsal.wait(life_ns);
            rehearsal.delete(order);
            rehearsal.wait(step - life_ns);
        }
    }

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 5, 300);
        rehearsal.pass(20 * SECOND);
        rehearsal
    }

    #[test]
    fn a_thousand_messages_a_second_that_are_pulled_at_once_are_stuffing_and_fewer_are_not() {
        for (orders, alerts) in [(520, 1), (480, 0)] {
            let mut rehearsal = market();
            let before = rehearsal.now();
            stuffed(&mut rehearsal, orders, 100_000);
            rehearsal.pass(5 * SECOND);
            let opened = rehearsal.opened("quote_stuffing");
            assert_eq!(opened.len(), alerts, "{orders}");
            let closed = rehearsal.closed("quote_stuffing");
            assert_eq!(closed.len(), alerts);
            for alert in closed {
                assert!(
                    alert.start.0 >= before - 20 * SECOND && alert.end.0 <= before + 2 * SECOND
                );
                assert!(alert.figures[0] >= 1_000.0, "{alert:?}");
                assert_eq!(alert.opened, opened[0].opened);
            }
        }
    }

    #[test]
    fn one_burst_of_many_seconds_is_one_alert() {
        let mut rehearsal = market();
        (0..8).for_each(|_| stuffed(&mut rehearsal, 900, 50_000));
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 1);
        assert_eq!(rehearsal.closed("quote_stuffing").len(), 1);
    }

    #[test]
    fn orders_that_live_or_trade_are_no_stuffing() {
        let mut rehearsal = market();
        // Entered all at once, pulled after 80 ms.
        for _ in 0..10 {
            let orders: Vec<u64> =
                (0..100).map(|_| rehearsal.add(Side::Buy, 99 * DOLLAR, 100)).collect();
            rehearsal.wait(80 * MS);
            orders.into_iter().for_each(|order| rehearsal.delete(order));
        }
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
        // A busy market: every tenth is executed.
        for at in 0..700 {
            let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
            if at % 10 == 0 {
                rehearsal.execute(order, 100);
            } else {
                rehearsal.delete(order);
            }
            rehearsal.wait(MS);
        }
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
    }

    #[test]
    fn a_quiet_symbol_is_stuffed_by_fewer_messages() {
        let mut rehearsal = market();
        for _ in 0..60 {
            rehearsal.add(Side::Buy, 98 * DOLLAR, 100);
            rehearsal.pass(SECOND);
        }
        stuffed(&mut rehearsal, 150, 100_000);
        rehearsal.pass(5 * SECOND);
        let opened = rehearsal.opened("quote_stuffing");
        assert_eq!(opened.len(), 1);
        assert!(opened[0].figures[1] > 20.0, "{opened:?}");
    }

    #[test]
    fn in_a_halt_it_is_not_armed() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        (0..3).for_each(|_| stuffed(&mut rehearsal, 900, 50_000));
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
    }

    #[test]
    fn what_is_caught_up_after_a_gap_is_no_burst() {
        let mut rehearsal = market();
        rehearsal.lose(1_000_000);
        // A message every 5 ms of exchange time, however fast they come.
        stuffed(&mut rehearsal, 100, 5 * MS);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
    }

    /// Alerts of so many orders that enter alone, pairs of an order that enters and goes, and orders that
    /// are executed whole, all within 900 ms.
    fn alerts_of(alone: usize, pairs: usize, executed: usize) -> usize {
        let mut rehearsal = market();
        let step = 900 * MS / (alone + pairs + executed) as i64;
        for at in 0..alone + executed {
            let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
            if at >= alone {
                rehearsal.execute(order, 100);
            }
            rehearsal.wait(step);
        }
        for _ in 0..pairs {
            let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
            rehearsal.delete(order);
            rehearsal.wait(step);
        }
        rehearsal.pass(5 * SECOND);
        rehearsal.opened("quote_stuffing").len()
    }

    #[test]
    fn its_rate_and_shares_count_from_their_very_thresholds_on() {
        // 1,000 messages and 998.
        assert_eq!((alerts_of(0, 500, 0), alerts_of(0, 499, 0)), (1, 0));
        // 450 of 1,000 are pulls, and 449 of 1,001.
        assert_eq!((alerts_of(100, 450, 0), alerts_of(103, 449, 0)), (1, 0));
        // 20 of 1,000 are executions, and 21.
        assert_eq!((alerts_of(0, 480, 20), alerts_of(0, 479, 21)), (1, 0));
    }

    #[test]
    fn orders_that_live_for_some_fifty_milliseconds_are_the_limit() {
        // The running median comes within a tenth of the lives.
        for (life_ms, alerts) in [(45, 1), (60, 0)] {
            let mut rehearsal = market();
            let mut orders = std::collections::VecDeque::new();
            for at in 0..900 {
                orders.push_back(rehearsal.add(Side::Buy, 99 * DOLLAR, 100));
                if at >= life_ms {
                    rehearsal.delete(orders.pop_front().unwrap());
                }
                rehearsal.wait(MS);
            }
            rehearsal.pass(5 * SECOND);
            assert_eq!(rehearsal.opened("quote_stuffing").len(), alerts, "{life_ms}");
        }
    }

    #[test]
    fn a_quiet_symbol_takes_two_hundred_messages_and_a_lively_one_twenty_deviations() {
        // A message a second as a rule, which does not vary: by deviations anything would do.
        for (pairs, alerts) in [(100, 1), (99, 0)] {
            let mut rehearsal = market();
            for _ in 0..60 {
                rehearsal.add(Side::Buy, 98 * DOLLAR, 100);
                rehearsal.pass(SECOND);
            }
            stuffed(&mut rehearsal, pairs, 100_000);
            rehearsal.pass(5 * SECOND);
            assert_eq!(rehearsal.opened("quote_stuffing").len(), alerts, "{pairs}");
        }
        // 10 and 30 in turn: 20 and a deviation of 10, so 220. They wander by some hundredths.
        for (pairs, alerts) in [(113, 1), (107, 0)] {
            let mut rehearsal = market();
            for second in 0..120 {
                let orders = if second % 2 == 0 { 10 } else { 30 };
                (0..orders).for_each(|_| _ = rehearsal.add(Side::Buy, 98 * DOLLAR, 100));
                rehearsal.pass(SECOND);
            }
            rehearsal.pass(2 * SECOND);
            stuffed(&mut rehearsal, pairs, 100_000);
            rehearsal.pass(5 * SECOND);
            assert_eq!(rehearsal.opened("quote_stuffing").len(), alerts, "{pairs}");
        }
    }

    #[test]
    fn what_is_busy_all_day_long_is_no_stuffing() {
        // 600 messages a second, all orders pulled at once, as of funds that follow an index.
        let mut rehearsal = market();
        for second in 0..60 {
            stuffed(&mut rehearsal, 280 + second % 5 * 10, 100_000);
        }
        stuffed(&mut rehearsal, 450, 100_000);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
    }

    #[test]
    fn before_the_opening_and_for_five_minutes_after_a_halt_it_is_not_armed() {
        let mut rehearsal = Rehearsal::before_the_opening(&Default::default());
        rehearsal.action(b'T');
        stuffed(&mut rehearsal, 900, 50_000);
        rehearsal.cross(b'O', 100 * DOLLAR, 50_000);
        rehearsal.pass(2 * SECOND);
        rehearsal.system(b'Q');
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
        let mut rehearsal = market();
        rehearsal.action(b'H');
        rehearsal.pass(SECOND);
        rehearsal.cross(b'H', 100 * DOLLAR, 50_000);
        rehearsal.action(b'T');
        stuffed(&mut rehearsal, 900, 50_000);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 0);
        rehearsal.pass(300 * SECOND);
        stuffed(&mut rehearsal, 900, 50_000);
        assert_eq!(rehearsal.opened("quote_stuffing").len(), 1);
    }

    #[test]
    fn crosses_and_imbalances_are_no_messages_of_orders_and_do_not_hide_them() {
        for (pairs, alerts) in [(499, 0), (500, 1)] {
            let mut rehearsal = market();
            rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
            for at in 0..pairs {
                let order = rehearsal.add(Side::Buy, 99 * DOLLAR, 100);
                rehearsal.delete(order);
                if at % 10 == 0 {
                    rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
                }
                if at == 250 {
                    rehearsal.cross(b'C', 100 * DOLLAR, 50_000);
                }
                rehearsal.wait(MS);
            }
            rehearsal.pass(5 * SECOND);
            assert_eq!(rehearsal.opened("quote_stuffing").len(), alerts, "{pairs}");
        }
    }
}
