//! What is layering by itself at a score of 50, what by default, and what is none.

use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
use crate::units::Side;

const BID: i64 = 100 * DOLLAR;
const ASK: i64 = BID + CENT;

/// The first order of [`market`].
const BEST_BID: u64 = 1;

/// Five levels of 300 shares a side, orders of 300 as usual, and as many seconds as warm it up; any
/// order of at least the usual size is large.
fn market() -> Rehearsal {
    let mut rehearsal =
        Rehearsal::with(&[("layering", "min_score", 50.0), ("layering", "size", 1.0)]);
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

/// Offers of so many shares, one on each of `levels` levels from the second on, with orders as usual
/// between them.
fn layers(rehearsal: &mut Rehearsal, levels: i64, each: u64) -> Vec<u64> {
    let mut orders = Vec::new();
    for level in 1..=levels {
        orders.push(rehearsal.add(Side::Sell, ASK + level * CENT, each));
        rehearsal.wait(20 * MS);
        (0..2).for_each(|_| _ = rehearsal.add(Side::Buy, 98 * DOLLAR, 300));
    }
    orders
}

fn pull(rehearsal: &mut Rehearsal, orders: Vec<u64>, step: i64) {
    for order in orders {
        rehearsal.delete(order);
        rehearsal.wait(step);
    }
    rehearsal.pass(3 * SECOND);
}

fn alerts(mut rehearsal: Rehearsal) -> usize {
    rehearsal.pass(90 * SECOND);
    assert_eq!(rehearsal.opened("layering").len(), rehearsal.closed("layering").len());
    rehearsal.opened("layering").len()
}

#[test]
fn without_benefit_it_takes_two_thirds_of_the_side() {
    // 3,000 of 1,500 left: 2 · 0.5; of four levels 2,728 / 1,500 · 0.5 · 1.1.
    for (levels, each, expected) in [(3, 1_000, 1), (3, 999, 0), (4, 682, 1), (4, 681, 0)] {
        let mut rehearsal = market();
        let orders = layers(&mut rehearsal, levels, each);
        rehearsal.wait(500 * MS);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{levels} × {each}");
    }
}

#[test]
fn half_of_the_side_will_do_where_the_other_side_was_executed_or_moved() {
    for (each, executed, moved, expected) in [
        (500, false, false, 0),
        (500, true, false, 1),
        (500, false, true, 1),
        (499, true, false, 0),
        (334, true, true, 1),
        (333, true, true, 0),
    ] {
        let mut rehearsal = market();
        let orders = layers(&mut rehearsal, 3, each);
        if executed {
            rehearsal.trade(Side::Buy, BID, 300);
        }
        if moved {
            rehearsal.delete(BEST_BID);
        }
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{each} {executed} {moved}");
    }
}

#[test]
fn two_levels_are_none_however_large_and_orders_as_usual_on_many_neither() {
    let mut rehearsal = Rehearsal::with(&[("layering", "min_score", 50.0)]);
    rehearsal.fill(BID, ASK, 5, 300);
    settled(&mut rehearsal);
    for (levels, each) in [(2, 10_000), (6, 800)] {
        for _ in 0..4 {
            let orders = layers(&mut rehearsal, levels, each);
            pull(&mut rehearsal, orders, MS);
        }
    }
    assert_eq!(alerts(rehearsal), 0);
}

#[test]
fn levels_are_pulled_step_by_step_within_a_second_and_no_slower() {
    for (step, expected) in [(199, 1), (201, 0)] {
        let mut rehearsal = market();
        let orders = layers(&mut rehearsal, 4, 1_500);
        pull(&mut rehearsal, orders, step * MS);
        assert_eq!(alerts(rehearsal), expected, "{step}");
    }
}

#[test]
fn what_is_repeated_is_one_alert_from_the_first_layer_on() {
    let mut rehearsal = market();
    let (before, sequence) = (rehearsal.now(), rehearsal.sequence());
    for _ in 0..5 {
        let orders = layers(&mut rehearsal, 5, 1_200);
        pull(&mut rehearsal, orders, 30 * MS);
    }
    rehearsal.pass(90 * SECOND);
    let closed = rehearsal.closed("layering");
    assert_eq!((closed.len(), rehearsal.opened("layering").len()), (1, 1));
    assert_eq!((closed[0].start.0, closed[0].first.0), (before, sequence + 1));
    assert_eq!(closed[0].figures, [5.0, 6_000.0, 4.0, 0.0]);
}

#[test]
fn quotes_that_are_renewed_are_none() {
    let mut rehearsal = market();
    // One side is back at once, over and over.
    let mut orders = layers(&mut rehearsal, 5, 1_200);
    for turn in 0..10 {
        rehearsal.wait(300 * MS);
        orders.into_iter().for_each(|order| rehearsal.delete(order));
        rehearsal.wait(50 * MS);
        orders = layers(&mut rehearsal, 5, 1_200 + turn);
    }
    rehearsal.pass(40 * SECOND);
    pull(&mut rehearsal, orders, MS);
    assert_eq!(rehearsal.opened("layering").len(), 0);
    // Both sides go.
    for _ in 0..5 {
        let mut orders = layers(&mut rehearsal, 5, 1_200);
        for level in 1..=5 {
            orders.push(rehearsal.add(Side::Buy, BID - level * CENT, 1_200));
        }
        pull(&mut rehearsal, orders, 10 * MS);
    }
    assert_eq!(alerts(rehearsal), 0);
}

#[test]
fn layers_that_follow_the_market_by_replaces_keep_their_time() {
    for (held, expected) in [(10, 1), (31_000, 0)] {
        let mut rehearsal = market();
        let orders = layers(&mut rehearsal, 3, 1_500);
        rehearsal.pass(held * MS);
        let orders: Vec<u64> = (2i64..)
            .zip(orders)
            .map(|(level, order)| rehearsal.replace(order, ASK + level * CENT, 1_500))
            .collect();
        rehearsal.wait(100 * MS);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{held}");
    }
}

#[test]
fn across_a_halt_or_a_cross_and_before_the_opening_nothing_counts() {
    for between in ["halt", "cross", "opening"] {
        let mut rehearsal = if between == "opening" {
            let mut rehearsal = Rehearsal::before_the_opening(&Default::default());
            rehearsal.action(b'T');
            rehearsal.fill(BID, ASK, 5, 300);
            settled(&mut rehearsal);
            rehearsal
        } else {
            market()
        };
        let orders = layers(&mut rehearsal, 5, 3_000);
        match between {
            "halt" => {
                rehearsal.action(b'H');
                rehearsal.action(b'T');
            }
            "cross" => _ = rehearsal.cross(b'H', BID, 100),
            _ => rehearsal.system(b'Q'),
        }
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), 0, "{between}");
    }
}

#[test]
fn layers_whose_ends_are_lost_are_not_pulled() {
    let mut rehearsal = market();
    for _ in 0..5 {
        layers(&mut rehearsal, 5, 3_000);
        rehearsal.lose(100);
        rehearsal.pass(5 * SECOND);
    }
    assert_eq!(alerts(rehearsal), 0);
}

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

/// Meanwhile 300 shares of bids are executed, the best bid goes by a cent, both or neither.
fn succeed(rehearsal: &mut Rehearsal, executed: bool, moved: bool) {
    match (executed, moved) {
        (true, true) => _ = rehearsal.execute(BEST_BID, 300),
        (false, true) => rehearsal.delete(BEST_BID),
        (true, false) => _ = rehearsal.trade(Side::Buy, BID, 300),
        (false, false) => {}
    }
}

#[test]
fn by_default_three_levels_are_pulled_with_a_success_or_again() {
    for (levels, each, executed, moved, times, expected) in [
        // 2,778 / 1,500 · (0.5 + 0.5), and 2,775.
        (3, 926, true, false, 1, 1),
        (3, 925, true, false, 1, 0),
        (3, 926, false, true, 1, 1),
        (3, 925, false, true, 1, 0),
        // Both: 2,700 / 1,500 · 1.5, of orders of three median ones.
        (3, 900, true, true, 1, 1),
        (3, 899, true, true, 1, 0),
        // Neither: size counts for 3 at most, 3 · 0.5; the second time 3,705 / 1,500 · 0.75, and 3,702.
        (3, 10_000, false, false, 1, 0),
        (3, 1_235, false, false, 2, 1),
        (3, 1_234, false, false, 2, 0),
        (2, 10_000, true, true, 1, 0),
    ] {
        let mut rehearsal = shipped(BID, ASK, 300);
        for _ in 0..times {
            let orders = layers(&mut rehearsal, levels, each);
            succeed(&mut rehearsal, executed, moved);
            pull(&mut rehearsal, orders, MS);
        }
        let what = format!("{levels} × {each} {executed} {moved} {times}");
        assert_eq!(alerts(rehearsal), expected, "{what}");
    }
}

#[test]
fn by_default_layers_lie_within_twenty_cents_or_ten_spreads() {
    for (spread, cents, expected) in [(1, 20, 1), (1, 21, 0), (4, 40, 1), (4, 41, 0)] {
        let ask = BID + spread * CENT;
        let mut rehearsal = shipped(BID, ask, 300);
        let mut orders = Vec::new();
        for level in [cents - 2, cents - 1, cents] {
            orders.push(rehearsal.add(Side::Sell, ask + level * CENT, 3_000));
            (0..2).for_each(|_| _ = rehearsal.add(Side::Buy, 98 * DOLLAR, 300));
        }
        rehearsal.wait(100 * MS);
        succeed(&mut rehearsal, true, true);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{spread} {cents}");
    }
}

#[test]
fn by_default_a_layer_is_a_tenth_of_its_side_where_orders_are_small() {
    // A tenth of 1,500 shares, where three median orders of 40 are less; 16 of them on four levels.
    for (each, expected) in [(150, 1), (149, 0)] {
        let mut rehearsal = shipped(BID, ASK, 40);
        let mut orders = Vec::new();
        for at in 0..16 {
            (0..40).for_each(|_| _ = rehearsal.add(Side::Buy, 98 * DOLLAR, 40));
            orders.push(rehearsal.add(Side::Sell, ASK + (1 + at % 4) * CENT, each));
        }
        rehearsal.wait(100 * MS);
        succeed(&mut rehearsal, true, true);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{each}");
    }
}

#[test]
fn by_default_what_is_pulled_is_worth_fifty_thousand() {
    // With both successes it takes 1.2346 of it: 2,052 at 10.02, 10.03 and 10.04 are 61,745; of 2,051 61,715.
    for (each, expected) in [(2_052, 1), (2_051, 0)] {
        let bid = 10 * DOLLAR;
        let mut rehearsal = shipped(bid, bid + CENT, 300);
        let mut orders = Vec::new();
        for level in [2, 3, 4] {
            orders.push(rehearsal.add(Side::Sell, bid + level * CENT, each));
            (0..2).for_each(|_| _ = rehearsal.add(Side::Buy, 8 * DOLLAR, 300));
        }
        rehearsal.wait(100 * MS);
        succeed(&mut rehearsal, true, true);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{each}");
    }
}

#[test]
fn by_default_a_layer_of_which_a_twentieth_was_executed_is_none() {
    for (filled, expected) in [(49, 1), (50, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let orders = layers(&mut rehearsal, 3, 1_000);
        succeed(&mut rehearsal, true, true);
        rehearsal.execute(orders[1], filled);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{filled}");
    }
}

#[test]
fn by_default_pulls_follow_each_other_within_a_fifth_of_a_second_and_for_one_at_most() {
    for (step, expected) in [(199, 1), (200, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let orders = layers(&mut rehearsal, 3, 1_000);
        succeed(&mut rehearsal, true, true);
        pull(&mut rehearsal, orders, step * MS);
        assert_eq!(alerts(rehearsal), expected, "{step}");
    }
    // The seventh of them comes 1,194 ms after the first.
    let mut rehearsal = shipped(BID, ASK, 300);
    let orders = layers(&mut rehearsal, 7, 1_000);
    succeed(&mut rehearsal, true, true);
    pull(&mut rehearsal, orders, 199 * MS);
    let opened = rehearsal.opened("layering");
    assert_eq!((opened.len(), opened[0].figures[..2].to_vec()), (1, vec![6.0, 6_000.0]));
}

#[test]
fn by_default_a_life_of_more_than_five_seconds_counts_in_proportion_and_of_thirty_not() {
    // 3 · 1.5 · 5 s / 12.15 s is 1.852.
    for (age, expected) in [(12_149, 1), (12_151, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let added = rehearsal.now();
        let orders = layers(&mut rehearsal, 3, 2_000);
        rehearsal.wait(added + age * MS - rehearsal.now());
        succeed(&mut rehearsal, true, true);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{age}");
    }
    // What lived for 30 s is a time before: 3,900 / 1,500 · 0.75, or 0.5.
    for (late, expected) in [(0, 1), (41 * MS, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let added = rehearsal.now();
        let orders = layers(&mut rehearsal, 3, 1_300);
        rehearsal.pass(added + 30 * SECOND + late - rehearsal.now());
        pull(&mut rehearsal, orders, 0);
        assert_eq!(rehearsal.opened("layering").len(), 0);
        let orders = layers(&mut rehearsal, 3, 1_300);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{late}");
    }
}

#[test]
fn by_default_a_quarter_pulled_on_the_other_side_makes_it_a_renewal() {
    for (bid, expected) in [(1_500, 1), (1_501, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let mut orders = layers(&mut rehearsal, 3, 2_000);
        orders.push(rehearsal.add(Side::Buy, BID - 2 * CENT, bid));
        rehearsal.wait(20 * MS);
        succeed(&mut rehearsal, true, true);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{bid}");
    }
}

#[test]
fn by_default_a_minute_is_how_long_a_time_before_supports_it() {
    for (late, expected) in [(0, 1), (MS, 0)] {
        let mut rehearsal = shipped(BID, ASK, 300);
        let begun = rehearsal.now();
        let orders = layers(&mut rehearsal, 3, 1_300);
        pull(&mut rehearsal, orders, MS);
        rehearsal.pass(begun + 60 * SECOND + late - rehearsal.now());
        let orders = layers(&mut rehearsal, 3, 1_300);
        pull(&mut rehearsal, orders, MS);
        assert_eq!(alerts(rehearsal), expected, "{late}");
    }
}
