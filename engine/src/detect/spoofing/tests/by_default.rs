//! Each threshold at the value that it has by default, and just beside it.

use super::{ASK, BEST_BID, BID, alerts, usual};
use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
use crate::units::Side;

/// As shipped: alerts open from a score of 73 on, that is a level of 1.852. Five levels of 300 shares a side
/// from `bid` and `ask` on, and orders of `each` as usual, far below.
fn shipped(bid: i64, ask: i64, each: u64) -> Rehearsal {
    let mut rehearsal = Rehearsal::with(&[]);
    rehearsal.fill(bid, ask, 5, 300);
    for _ in 0..70 {
        rehearsal.add(Side::Buy, bid - 2 * DOLLAR, each);
        rehearsal.pass(SECOND);
    }
    rehearsal
}

/// Orders of one side that are shown together and pulled.
struct Act {
    /// Price and shares of each offer.
    offers: Vec<(i64, u64)>,
    /// How long they are shown.
    age: i64,
    /// Whether 300 shares of bids are executed meanwhile, and whether the best bid goes by a cent.
    executed: bool,
    moved: bool,
}

impl Act {
    fn of(qty: u64) -> Act {
        Act { offers: vec![(ASK + CENT, qty)], age: 200 * MS, executed: true, moved: true }
    }

    /// The offers, shown and supported, to be pulled.
    fn show(&self, rehearsal: &mut Rehearsal, best: u64) -> Vec<u64> {
        let mut orders = Vec::new();
        for (price, qty) in &self.offers {
            usual(rehearsal);
            orders.push(rehearsal.add(Side::Sell, *price, *qty));
        }
        rehearsal.wait(self.age - MS);
        match (self.executed, self.moved) {
            (true, true) => _ = rehearsal.execute(best, 300),
            (false, true) => rehearsal.delete(best),
            (true, false) => _ = rehearsal.trade(Side::Buy, BID, 300),
            (false, false) => {}
        }
        rehearsal.wait(MS);
        orders
    }

    /// Shows and pulls them; five seconds pass. The best bid after it.
    fn play(&self, rehearsal: &mut Rehearsal, bid: i64, best: u64) -> u64 {
        let orders = self.show(rehearsal, best);
        orders.into_iter().for_each(|order| rehearsal.delete(order));
        let best = if self.moved { rehearsal.add(Side::Buy, bid, 300) } else { best };
        rehearsal.pass(5 * SECOND);
        best
    }
}

/// Plays so many times on a shipped market; the alerts.
fn played(act: &Act, times: usize) -> usize {
    let mut rehearsal = shipped(BID, ASK, 300);
    let mut best = BEST_BID;
    (0..times).for_each(|_| best = act.play(&mut rehearsal, BID, best));
    alerts(rehearsal)
}

#[test]
fn by_default_it_takes_the_third_time_with_both_successes_and_the_fourth_with_one() {
    // Size counts for 1.25 at most. Times before it, 0.3 each: 1.25 · (1 + 0.3), (1 + 0.6); with one of
    // the two (0.75 + 0.6), (0.75 + 0.9); with neither (0.5 + 0.9).
    for (executed, moved, times, expected) in [
        (true, true, 2, 0),
        (true, true, 3, 1),
        (true, false, 3, 0),
        (true, false, 4, 1),
        (false, true, 3, 0),
        (false, true, 4, 1),
        (false, false, 8, 0),
    ] {
        let act = Act { executed, moved, ..Act::of(3_000) };
        assert_eq!(played(&act, times), expected, "{executed} {moved} {times}");
    }
}

#[test]
fn by_default_an_order_is_large_from_its_very_thresholds_on() {
    // Five median orders of 300; √(1,500 / 1,500) · (1 + 0.9).
    assert_eq!((played(&Act::of(1_500), 4), played(&Act::of(1_499), 4)), (1, 0));
    // 15 cents from the best offer.
    for (cents, expected) in [(15, 1), (16, 0)] {
        let offers = vec![(ASK + cents * CENT, 3_000)];
        assert_eq!(played(&Act { offers, ..Act::of(0) }, 4), expected, "{cents}");
    }
    // Five usual spreads of four cents.
    for (cents, expected) in [(20, 1), (21, 0)] {
        let ask = BID + 4 * CENT;
        let mut rehearsal = shipped(BID, ask, 300);
        let act = Act { offers: vec![(ask + cents * CENT, 3_000)], ..Act::of(0) };
        let mut best = BEST_BID;
        (0..4).for_each(|_| best = act.play(&mut rehearsal, BID, best));
        assert_eq!(alerts(rehearsal), expected, "{cents} of four");
    }
}

#[test]
fn by_default_an_order_is_a_quarter_of_its_side_where_orders_are_small() {
    // A quarter of 1,500 shares, where five median orders of 50 are less; eight of them are pulled.
    for (qty, expected) in [(375, 1), (374, 0)] {
        let mut rehearsal = shipped(BID, ASK, 50);
        let mut best = BEST_BID;
        for _ in 0..4 {
            let orders: Vec<u64> = (0..8)
                .map(|_| {
                    (0..10).for_each(|_| _ = rehearsal.add(Side::Buy, 98 * DOLLAR, 50));
                    rehearsal.add(Side::Sell, ASK + CENT, qty)
                })
                .collect();
            rehearsal.wait(200 * MS);
            rehearsal.execute(best, 300);
            orders.into_iter().for_each(|order| rehearsal.delete(order));
            best = rehearsal.add(Side::Buy, BID, 300);
            rehearsal.pass(5 * SECOND);
        }
        assert_eq!(alerts(rehearsal), expected, "{qty}");
    }
}

#[test]
fn by_default_what_is_pulled_is_as_much_as_is_left_and_worth_fifty_thousand() {
    // The fourth time with both: 1.9 · √x is 1.852 where x is 0.950. 1,500 of 1,579 left, and of 1,580.
    for (more, expected) in [(79, 1), (80, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        rehearsal.add(Side::Sell, ASK, more);
        let mut best = BEST_BID;
        (0..4).for_each(|_| best = Act::of(1_500).play(&mut rehearsal, BID, best));
        assert_eq!(alerts(rehearsal), expected, "{more}");
    }
    // 4,741 at 10.02 are 47,505.
    for (qty, expected) in [(4_741, 1), (4_740, 0)] {
        let bid = 10 * DOLLAR;
        let mut rehearsal = shipped(bid, bid + CENT, 300);
        let mut best = BEST_BID;
        for _ in 0..4 {
            (0..4).for_each(|_| _ = rehearsal.add(Side::Buy, 8 * DOLLAR, 300));
            let order = rehearsal.add(Side::Sell, bid + 2 * CENT, qty);
            rehearsal.wait(200 * MS);
            rehearsal.execute(best, 300);
            rehearsal.delete(order);
            best = rehearsal.add(Side::Buy, bid, 300);
            rehearsal.pass(5 * SECOND);
        }
        assert_eq!(alerts(rehearsal), expected, "{qty}");
    }
}

/// Three plain times of both successes, so that a fourth opens an alert unless something is amiss.
fn three_times() -> (Rehearsal, u64) {
    let mut rehearsal = shipped(BID, ASK, 300);
    let mut best = BEST_BID;
    let act = Act { moved: false, ..Act::of(3_000) };
    (0..3).for_each(|_| best = act.play(&mut rehearsal, BID, best));
    assert_eq!(rehearsal.opened("spoofing").len(), 0);
    (rehearsal, best)
}

#[test]
fn by_default_a_twentieth_that_was_executed_was_meant_to_trade() {
    for (filled, expected) in [(149, 1), (150, 0)] {
        let (mut rehearsal, best) = three_times();
        let orders = Act::of(3_000).show(&mut rehearsal, best);
        rehearsal.execute(orders[0], filled);
        rehearsal.delete(orders[0]);
        rehearsal.pass(SECOND);
        assert_eq!(alerts(rehearsal), expected, "{filled}");
    }
}

#[test]
fn by_default_a_life_of_more_than_five_seconds_counts_in_proportion_and_of_thirty_not() {
    // 1.25 · 1.9 · 5 s / 6.412 s is 1.852.
    for (age, expected) in [(6_412, 1), (6_413, 0)] {
        assert_eq!(played(&Act { age: age * MS, ..Act::of(3_000) }, 4), expected, "{age}");
    }
    // Three that lived for 30 s are times before a young one.
    for (late, expected) in [(0, 1), (MS, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let mut orders = Vec::new();
        for at in 0..3 {
            usual(&mut rehearsal);
            orders.push(rehearsal.add(Side::Sell, ASK + (10 + at) * CENT, 3_000));
            rehearsal.pass(5 * SECOND);
        }
        rehearsal.pass(15 * SECOND + late);
        for order in orders {
            rehearsal.delete(order);
            rehearsal.pass(5 * SECOND);
        }
        assert_eq!(rehearsal.opened("spoofing").len(), 0);
        Act::of(3_000).play(&mut rehearsal, BID, BEST_BID);
        assert_eq!(alerts(rehearsal), expected, "{late}");
    }
}

#[test]
fn by_default_what_comes_back_within_a_fifth_of_a_second_was_not_pulled() {
    for (ms, expected) in [(199, 0), (200, 1)] {
        let (mut rehearsal, best) = three_times();
        let orders = Act::of(3_000).show(&mut rehearsal, best);
        rehearsal.delete(orders[0]);
        usual(&mut rehearsal);
        rehearsal.wait(ms * MS);
        rehearsal.add(Side::Sell, ASK + CENT, 3_000);
        rehearsal.pass(SECOND);
        assert_eq!(alerts(rehearsal), expected, "{ms}");
    }
}

#[test]
fn by_default_a_quarter_pulled_on_the_other_side_makes_it_a_renewal() {
    for (qty, expected) in [(1_500, 1), (1_501, 0)] {
        let (mut rehearsal, best) = three_times();
        let orders = Act::of(6_000).show(&mut rehearsal, best);
        usual(&mut rehearsal);
        let bid = rehearsal.add(Side::Buy, BID - CENT, qty);
        rehearsal.wait(100 * MS);
        rehearsal.delete(orders[0]);
        rehearsal.delete(bid);
        rehearsal.pass(SECOND);
        assert_eq!(alerts(rehearsal), expected, "{qty}");
    }
}

#[test]
fn by_default_a_minute_is_how_long_a_time_before_supports_it() {
    // The fourth time with one success, less three of the minute before by a twentieth as habit:
    // 1.25 · (0.75 + 0.3 · 2.85), of the third 1.25 · (0.75 + 0.3 · 1.85).
    for (late, expected) in [(0, 1), (MS, 0)] {
        let act = Act { moved: false, ..Act::of(3_000) };
        let mut rehearsal = shipped(BID, ASK, 300);
        let begun = rehearsal.now();
        (0..3).for_each(|_| _ = act.play(&mut rehearsal, BID, BEST_BID));
        rehearsal.pass(begun + 60 * SECOND + late - rehearsal.now());
        act.play(&mut rehearsal, BID, BEST_BID);
        assert_eq!(alerts(rehearsal), expected, "{late}");
    }
}

#[test]
fn large_orders_that_a_sweep_takes_are_not_pulled() {
    let mut rehearsal = shipped(BID, ASK, 300);
    for _ in 0..6 {
        usual(&mut rehearsal);
        let orders = [1, 2, 3].map(|level| rehearsal.add(Side::Sell, ASK + level * CENT, 3_000));
        rehearsal.wait(100 * MS);
        rehearsal.trade(Side::Buy, BID, 300);
        orders.into_iter().for_each(|order| _ = rehearsal.execute(order, 3_000));
        rehearsal.pass(5 * SECOND);
    }
    assert_eq!(alerts(rehearsal), 0);
}
