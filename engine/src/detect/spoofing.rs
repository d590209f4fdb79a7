//! Spoofing: large orders shown near the best price and pulled before they trade, to move the other side.
//!
//! Looks at orders that are large for the symbol and for what its side shows. Those of one side pulled
//! within a moment are judged together once it shows whether they come back: how large they were beside what
//! is left, how soon they went, whether the *other* side's best price moved away from them and its resting
//! orders were executed meanwhile, and whether the same was done on that side before. A single pull stays
//! below the threshold, whatever its size, unless the other side both moved and traded.
//!
//! Traps: removing an order moves its own side's best price, so that says nothing. A market maker pulls both
//! sides, or comes back with the same size. A replace keeps an order's history; one far away is a pull. An
//! order that was executed in part was meant to trade. Where large orders are pulled all day long, as on the
//! busiest symbols, only what is done oftener than that counts as again. After a halt or a cross nothing
//! before it counts.
//!
//! Sources: Lee, Eom and Park 2013 (orders of twice the usual size, withdrawn); Fabre and Challet,
//! arXiv 2504.15908 (a third of all large orders could spoof: size alone says little); CFTC v. Oystacher
//! 2015, CFTC v. Nav Sarao Futures 2015; Regulation (EU) 596/2014, article 12.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::large_orders::{Large, LargeOrders, Turn};
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::withdrawal::{Withdrawal, ends_what_was};
use crate::event::Event;
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.spoofing`
    Spoofing {
        size: Ratio = 5, 1..10000, "Shares of a large order, in the symbol's median orders, at least.", "between Lee, Eom and Park 2013 (2 times the mean order) and convention (10 times)";
        of_depth: Ratio = 0.25, 0..100, "Shares of a large order beside what its side usually shows at five levels, at least.", "convention";
        cents: Count = 15, 0..1000000, "Cents from the best price of its side at which an order enters, at most.", "Lee, Eom and Park 2013: 6 ticks and more; convention";
        spreads: Ratio = 5, 0..1000, "Or so many usual spreads from it.", "convention";
        notional: Money = 50_000, 0..1e12, "Price × shares of what is pulled together, at least.", "convention";
        depth: Ratio = 1, 0.01..1000, "Shares pulled for each that its side still shows at five levels.", "convention: half of the side";
        filled: Ratio = 0.05, 0..1, "Part of an order that is executed, below which it was not meant to trade.", "convention";
        life: Time = 5e9, 1_000_000..36e11, "Up to this life it counts in full; then less, in proportion.", "convention";
        life_max: Time = 30e9, 1_000_000..36e11, "Orders that lived longer are none of it.", "convention";
        together: Time = 200_000_000, 1_000_000..1e10, "Pulls within this are judged together, at its end; what comes back or goes on the other side by then counts.", "convention";
        asymmetry: Ratio = 4, 1..1000, "Times as many shares pulled as on the other side.", "convention, against quotes being renewed";
        repetition: Time = 60e9, 1_000_000..36e11, "What is done again on a side within this supports it.", "convention";
    }
}

/// Earlier times that are kept of a side.
const TIMES: usize = 4;

/// What a pull counts for by itself; 1 opens an alert.
const BASE: f64 = 0.5;

/// What it adds that orders of the other side were executed, that the other side moved, each.
const SUPPORT: f64 = 0.25;

/// What each earlier time adds that is not habit, three at most.
const AGAIN: f64 = 0.3;

/// Weight of a minute in how often large orders are usually pulled: some twenty minutes.
const HABIT_WEIGHT: f64 = 1.0 / 20.0;

/// Minutes after which nothing of a habit is left.
const HABIT_MINUTES: i64 = 200;

/// A minute, ns.
const MINUTE_NS: i64 = 60_000_000_000;

/// What size alone may do at most.
const SIZE_MAX: f64 = 1.25;

/// One time that large orders were pulled.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Time {
    /// When they were pulled; 0 for none.
    at_ns: i64,
    /// When the first of them entered, and with which message.
    added_ns: i64,
    added_sequence: u64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// When what is being pulled is judged; 0 where nothing is.
    due_ns: i64,
    orders: LargeOrders,
    /// Bids and offers that are being pulled.
    withdrawn: [Withdrawal; 2],
    /// Earlier times by side, the latest first.
    times: [[Time; TIMES]; 2],
    /// The minute at hand, and how often large orders were pulled in it.
    minute: i64,
    in_minute: u64,
    /// How often they usually are in a minute, the one at hand left out.
    habit: f64,
}

impl State {
    /// Counts a pull at a time; how often there is one in a minute by habit.
    fn habit(&mut self, now_ns: i64) -> f64 {
        let minute = now_ns.div_euclid(MINUTE_NS);
        let passed = minute.saturating_sub(self.minute).clamp(0, HABIT_MINUTES);
        for _ in 0..passed {
            let count = core::mem::take(&mut self.in_minute) as f64;
            self.habit += HABIT_WEIGHT * (count - self.habit);
        }
        self.minute = minute;
        self.in_minute = self.in_minute.saturating_add(1);
        if self.habit > 0.0 { self.habit } else { 0.0 }
    }
}

static SPEC: Spec = Spec {
    code: DetectorCode(5),
    name: "spoofing",
    pattern: "spoofing",
    figures: &["pulled_shares", "times_depth", "opposite_executed_shares", "times_before"],
    thresholds: &["size", "depth", "notional", "filled", "life", "asymmetry", "repetition"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Orders,
};

impl Spoofing {
    /// How it is armed unless that is set: what is repeated is one alert.
    #[must_use]
    pub fn arming() -> Arming {
        // Calibrated on simulated sessions, seeds 1 to 3: three times, or twice and with success.
        Arming { cool_down: 60e9, min_score: 73.0, ..Arming::default() }
    }

    /// Whether a message has to be looked at.
    #[inline(always)]
    pub(super) fn is_concerned(&self, state: &State, event: &Event, order_qty: f64) -> bool {
        state.due_ns != 0 || state.orders.is_concerned(event, self.size * order_qty)
    }

    #[inline(always)]
    fn large(&self) -> Large {
        let Spoofing { size, of_depth, cents, spreads, filled, .. } = *self;
        Large { size, of_depth, cents, spreads, filled }
    }

    #[cold]
    #[inline(never)]
    fn note(&self, state: &mut State, seen: &Seen<'_>, turn: Turn) {
        match turn {
            Turn::Entered(place) => {
                let one = state.orders.get_mut(place);
                let withdrawn = &mut state.withdrawn[one.side()];
                if withdrawn.is_some() {
                    withdrawn.come_back(one);
                }
            }
            Turn::Pulled(one) => {
                let age = seen.time.0.saturating_sub(one.time_ns);
                if age as f64 > self.life_max {
                    return;
                }
                state.withdrawn[one.side()].pull(&one, &state.orders, seen);
                if state.due_ns == 0 {
                    state.due_ns = seen.time.0.saturating_add(self.together as i64).max(1);
                    seen.wake_at(Nanos(state.due_ns));
                }
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        state.due_ns = 0;
        let [bids, offers] = core::mem::replace(&mut state.withdrawn, Zeroable::zeroed());
        let side = usize::from(offers.qty > bids.qty);
        let (it, other) = if side == 0 { (bids, offers) } else { (offers, bids) };
        let depth = it.times_left(seen, side);
        let size = (depth / self.depth).min(it.notional * 1e-9 / self.notional.max(1.0));
        if !it.is_some() || (other.qty as f64) * self.asymmetry > it.qty as f64 || size < 0.5 {
            return None;
        }
        let earliest = it.last_ns.saturating_sub(self.repetition as i64);
        let before = state.times[side].iter().take(TIMES - 1);
        let (mut since, mut times) = (it.since(), 0);
        for time in before.filter(|time| time.at_ns != 0 && time.at_ns >= earliest) {
            times += 1;
            let Time { added_ns, added_sequence, .. } = *time;
            since = Since { time: Nanos(added_ns), sequence: Sequence(added_sequence) };
        }
        let first = it.since();
        let habit = state.habit(seen.time.0) * self.repetition / MINUTE_NS as f64;
        state.times[side].rotate_right(1);
        state.times[side][0] =
            Time { at_ns: it.last_ns, added_ns: first.time.0, added_sequence: first.sequence.0 };
        let shown_for = (self.life / it.age_ns() as f64).min(1.0);
        let support = BASE
            + SUPPORT * it.benefit(seen)
            + SUPPORT * it.moved_spreads(seen)
            + AGAIN * (f64::from(times) - habit).max(0.0);
        let level = size.sqrt().min(SIZE_MAX) * support * shown_for;
        (level >= 0.5).then_some(Raised {
            level,
            since,
            figures: [it.qty as f64, depth, f64::from(it.gained), f64::from(times)],
            print: None,
        })
    }
}

impl Detector for Spoofing {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_order(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let is_due = state.due_ns != 0 && seen.time.0 >= state.due_ns;
        let raised = if is_due { self.judge(state, seen) } else { None };
        if let Some(turn) = state.orders.take(seen, &self.large()) {
            self.note(state, seen, turn);
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.due_ns == 0 {
            return None;
        }
        if seen.time.0 < state.due_ns {
            // It was another's time.
            seen.wake_at(Nanos(state.due_ns));
            return None;
        }
        self.judge(state, seen)
    }

    #[inline(always)]
    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if ends_what_was(seen) {
            *state = State::zeroed();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = BID + CENT;

    /// The first order of [`market`].
    const BEST_BID: u64 = 1;

    /// Five levels of 300 shares a side, orders of 300 as usual, and as many seconds as warm it up.
    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[("spoofing", "min_score", 50.0)]);
        rehearsal.fill(BID, ASK, 5, 300);
        settled(&mut rehearsal);
        rehearsal
    }

    fn settled(rehearsal: &mut Rehearsal) {
        for _ in 0..70 {
            rehearsal.add(Side::Buy, 98 * DOLLAR, 300);
            rehearsal.pass(SECOND);
        }
    }

    /// Some orders as usual, so that the median stays where it is.
    fn usual(rehearsal: &mut Rehearsal) {
        (0..4).for_each(|_| _ = rehearsal.add(Side::Buy, 98 * DOLLAR, 300));
    }

    /// An offer of so many shares, pulled after half a second; then five seconds pass.
    fn once(rehearsal: &mut Rehearsal, qty: u64) {
        usual(rehearsal);
        let order = rehearsal.add(Side::Sell, ASK + CENT, qty);
        rehearsal.wait(500 * MS);
        rehearsal.delete(order);
        rehearsal.pass(5 * SECOND);
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        rehearsal.pass(90 * SECOND);
        assert_eq!(rehearsal.opened("spoofing").len(), rehearsal.closed("spoofing").len());
        rehearsal.opened("spoofing").len()
    }

    #[test]
    fn one_pulled_order_is_none_however_large() {
        for qty in [1_500, 15_000, 150_000] {
            let mut rehearsal = market();
            once(&mut rehearsal, qty);
            assert_eq!(alerts(rehearsal), 0);
        }
    }

    #[test]
    fn a_second_time_counts_from_25_16_of_the_depth_and_a_third_from_less() {
        // √(2,344 / 1,500) · (0.5 + 0.3) ≥ 1, of 2,343 below; a third time √1 · (0.5 + 0.6).
        for (qty, times, expected) in [(2_344, 2, 1), (2_343, 2, 0), (1_500, 2, 0), (1_500, 3, 1)] {
            let mut rehearsal = market();
            (0..times).for_each(|_| once(&mut rehearsal, qty));
            assert_eq!(alerts(rehearsal), expected, "{qty} × {times}");
        }
    }

    #[test]
    fn what_is_repeated_is_one_alert_from_the_first_order_on() {
        let mut rehearsal = market();
        let (before, sequence) = (rehearsal.now(), rehearsal.sequence());
        (0..8).for_each(|_| once(&mut rehearsal, 3_000));
        rehearsal.pass(90 * SECOND);
        let closed = rehearsal.closed("spoofing");
        assert_eq!((closed.len(), rehearsal.opened("spoofing").len()), (1, 1));
        // Behind four orders as usual.
        assert_eq!((closed[0].start.0, closed[0].first.0), (before, sequence + 5));
        // √2 · is above 1.25; three times before: 1.25 · 1.4 = 1.75.
        assert_eq!(closed[0].figures, [3_000.0, 2.0, 0.0, 3.0]);
    }

    /// An offer stands while the best bid is executed, so that the bid falls by a cent, and is pulled.
    fn with_benefit(rehearsal: &mut Rehearsal, qty: u64, falls: bool) {
        let order = rehearsal.add(Side::Sell, ASK + CENT, qty);
        rehearsal.wait(100 * MS);
        if falls {
            rehearsal.execute(BEST_BID, 300);
        } else {
            rehearsal.trade(Side::Buy, BID, 300);
        }
        rehearsal.wait(100 * MS);
        rehearsal.delete(order);
        rehearsal.pass(5 * SECOND);
    }

    #[test]
    fn one_time_counts_where_the_other_side_was_executed_and_moved() {
        for (qty, falls, expected) in [(1_500, true, 1), (15_000, false, 0)] {
            let mut rehearsal = market();
            with_benefit(&mut rehearsal, qty, falls);
            assert_eq!(alerts(rehearsal), expected, "{qty} {falls}");
        }
    }

    #[test]
    fn where_its_own_side_trades_as_much_there_is_no_benefit() {
        let mut rehearsal = market();
        let order = rehearsal.add(Side::Sell, ASK + CENT, 3_000);
        rehearsal.wait(100 * MS);
        rehearsal.trade(Side::Buy, BID, 300);
        rehearsal.trade(Side::Sell, ASK, 300);
        rehearsal.delete(BEST_BID);
        rehearsal.delete(order);
        // √2 · is above 1.25; it moved: 1.25 · 0.75 is below 1.
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn quotes_that_are_renewed_are_none() {
        // Both sides pulled and shown again; one side pulled and back at once.
        for both in [true, false] {
            let mut rehearsal = market();
            for _ in 0..10 {
                usual(&mut rehearsal);
                let offer = rehearsal.add(Side::Sell, ASK + CENT, 3_000);
                let bid = both.then(|| rehearsal.add(Side::Buy, BID - CENT, 3_000));
                rehearsal.wait(500 * MS);
                rehearsal.delete(offer);
                rehearsal.wait(20 * MS);
                match bid {
                    Some(bid) => rehearsal.delete(bid),
                    None => {
                        let back = rehearsal.add(Side::Sell, ASK + 2 * CENT, 3_000);
                        rehearsal.pass(40 * SECOND);
                        rehearsal.delete(back);
                    }
                }
                rehearsal.pass(SECOND);
            }
            assert_eq!(alerts(rehearsal), 0, "{both}");
        }
    }

    #[test]
    fn a_replace_keeps_an_orders_history_and_one_far_away_is_a_pull() {
        for (away, expected) in [(20 * CENT, 1), (CENT, 0)] {
            let mut rehearsal = market();
            for _ in 0..3 {
                usual(&mut rehearsal);
                let order = rehearsal.add(Side::Sell, ASK + CENT, 3_000);
                rehearsal.wait(200 * MS);
                let order = rehearsal.replace(order, ASK + 2 * CENT, 3_000);
                rehearsal.wait(200 * MS);
                let order = rehearsal.replace(order, ASK + 2 * CENT + away, 3_000);
                rehearsal.pass(35 * SECOND);
                // By now it is too old to be pulled.
                rehearsal.delete(order);
                rehearsal.pass(SECOND);
            }
            // Times lie 36 s apart: each has one before it, and √2 · 0.8 is above 1 by the cap of 1.25.
            assert_eq!(alerts(rehearsal), expected, "{away}");
        }
    }

    #[test]
    fn orders_that_trade_that_stay_or_are_small_or_far_are_none() {
        let mut rehearsal = market();
        for _ in 0..5 {
            let traded = rehearsal.add(Side::Sell, ASK, 3_000);
            rehearsal.execute(traded, 150);
            let small = rehearsal.add(Side::Sell, ASK, 1_400);
            let far = rehearsal.add(Side::Sell, ASK + 16 * CENT, 3_000);
            rehearsal.wait(300 * MS);
            [traded, small, far].into_iter().for_each(|order| rehearsal.delete(order));
            let stays = rehearsal.add(Side::Sell, ASK, 3_000);
            rehearsal.pass(31 * SECOND);
            rehearsal.delete(stays);
            rehearsal.pass(SECOND);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn a_cancel_down_to_a_fifth_is_a_pull() {
        for (left, expected) in [(600, 1), (601, 0)] {
            let mut rehearsal = market();
            for _ in 0..3 {
                usual(&mut rehearsal);
                let order = rehearsal.add(Side::Sell, ASK, 3_000);
                rehearsal.wait(100 * MS);
                rehearsal.cancel(order, 1_000);
                rehearsal.cancel(order, 2_000 - left);
                rehearsal.pass(5 * SECOND);
                rehearsal.execute(order, left);
            }
            // √(3,000 / 2,100) · (0.5 + 0.6) is above 1 the third time.
            assert_eq!(alerts(rehearsal), expected, "{left}");
        }
    }

    #[test]
    fn across_a_halt_or_a_cross_nothing_counts() {
        for cross in [false, true] {
            let mut rehearsal = market();
            once(&mut rehearsal, 3_000);
            let order = rehearsal.add(Side::Sell, ASK, 3_000);
            if cross {
                rehearsal.cross(b'H', BID, 100);
            } else {
                rehearsal.action(b'H');
                rehearsal.action(b'T');
            }
            rehearsal.delete(order);
            rehearsal.pass(SECOND);
            assert_eq!(alerts(rehearsal), 0);
        }
    }

    #[test]
    fn before_the_opening_it_is_not_armed() {
        let mut rehearsal = Rehearsal::before_the_opening(&Default::default());
        rehearsal.action(b'T');
        rehearsal.fill(BID, ASK, 5, 300);
        settled(&mut rehearsal);
        (0..5).for_each(|_| once(&mut rehearsal, 5_000));
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn an_order_whose_end_was_lost_is_no_pull() {
        let mut rehearsal = market();
        for _ in 0..5 {
            rehearsal.add(Side::Sell, ASK + 10 * CENT, 3_000);
            rehearsal.wait(100 * MS);
            rehearsal.lose(1_000);
            rehearsal.pass(5 * SECOND);
        }
        assert_eq!(alerts(rehearsal), 0);
    }
}
