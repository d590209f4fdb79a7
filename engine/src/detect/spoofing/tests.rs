//! What is spoofing at a score of 50, and what is none.

use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
use crate::units::Side;

mod by_default;

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
