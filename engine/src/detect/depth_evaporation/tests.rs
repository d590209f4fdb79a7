//! Hand-made books under, at and over each threshold, and each trap.

use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
use crate::units::Side;

const NAME: &str = "depth_evaporation";

/// Past the opening: five levels of 400 shares on both sides, for 80 s with messages; the orders by side.
fn market() -> (Rehearsal, [Vec<u64>; 2]) {
    let mut rehearsal = Rehearsal::with(&[
        ("depth_evaporation", "withdrawn", 4.0),
        ("depth_evaporation", "remaining", 0.1),
        ("", "opening", 0.0),
    ]);
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
fn two_fifths_of_what_it_seldom_falls_below_are_thin_whatever_the_median_is() {
    // A large order stood for as long: the median is far above 2,000, the percentile rises slowly.
    for (shares, alerts) in [(350, 0), (250, 1)] {
        let mut rehearsal = Rehearsal::with(&[
            ("depth_evaporation", "withdrawn", 4.0),
            ("depth_evaporation", "remaining", 0.9),
            ("depth_evaporation", "seldom", 0.15),
            ("", "opening", 0.0),
        ]);
        let orders: Vec<u64> =
            (0..5).map(|at| rehearsal.add(Side::Buy, 100 * DOLLAR - at * CENT, 400)).collect();
        rehearsal.add(Side::Sell, 100 * DOLLAR + CENT, 4_000);
        breathe(&mut rehearsal, 80);
        // 0.15 of 2,000 are 300.
        orders[1..].iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.cancel(orders[0], 400 - shares);
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), alerts, "{shares}");
    }
}

#[test]
fn four_orders_must_be_withdrawn_within_the_second_in_which_it_began() {
    for (at_once, alerts) in [(3, 0), (4, 1)] {
        let (mut rehearsal, [bids, _]) = market();
        bids[1..5 - (at_once - 1)].iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(2 * SECOND);
        bids[5 - (at_once - 1)..].iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.cancel(bids[0], 360);
        rehearsal.pass(3 * SECOND);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), alerts, "{at_once}");
        opened.iter().for_each(|alert| assert_eq!(alert.figures[2], at_once as f64));
    }
}

#[test]
fn what_is_executed_is_not_withdrawn() {
    let (mut rehearsal, [bids, _]) = market();
    for order in bids {
        rehearsal.execute(order, 400);
    }
    rehearsal.pass(3 * SECOND);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
}

#[test]
fn a_large_order_that_leaves_takes_the_depth_of_no_one_else_with_it() {
    let (mut rehearsal, [_, asks]) = market();
    let large = rehearsal.add(Side::Sell, 100 * DOLLAR + CENT, 50_000);
    breathe(&mut rehearsal, 80);
    rehearsal.delete(large);
    // 1,600 of 52,000 are left, with three others gone; but seldom were there more than 2,000.
    rehearsal.delete(asks[4]);
    for order in [0, 1, 2] {
        rehearsal.cancel(asks[order], 1);
    }
    rehearsal.pass(3 * SECOND);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
}

#[test]
fn the_percentile_is_what_one_second_in_twenty_falls_below() {
    let mut side: super::SideState = bytemuck::Zeroable::zeroed();
    for second in 0..4_000 {
        side.learn(if second % 10 == 0 { 200.0 } else { 1_000.0 });
    }
    assert!(side.low < 400.0, "{side:?}: one in ten");
    for second in 0..4_000 {
        side.learn(if second % 50 == 0 { 200.0 } else { 1_000.0 });
    }
    assert!(side.low > 700.0, "{side:?}: one in fifty");
}

#[test]
fn levels_behind_the_best_may_go_first_or_after_it_and_one_alert_tells_of_all() {
    // The best stays thin as the others go: no quote changes, a second look tells.
    let (mut rehearsal, [bids, asks]) = market();
    let began = rehearsal.sequence();
    rehearsal.cancel(asks[0], 360);
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
    // Long after the best: that a second ends makes it look again.
    let (mut rehearsal, [_, asks]) = market();
    rehearsal.cancel(asks[0], 360);
    rehearsal.pass(5 * SECOND);
    assert_eq!(rehearsal.opened(NAME).len(), 0, "the best alone is thin");
    asks[1..].iter().for_each(|order| rehearsal.delete(*order));
    rehearsal.pass(900 * MS);
    assert_eq!(rehearsal.opened(NAME).len(), 0, "not for a second yet");
    rehearsal.pass(600 * MS);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn a_side_that_comes_and_goes_all_day_is_usual() {
    let (mut rehearsal, [mut bids, _]) = market();
    let mut told = Vec::new();
    for _ in 0..160 {
        bids[1..].iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.cancel(bids[0], 360);
        rehearsal.pass(1_400 * MS);
        rehearsal.delete(bids[0]);
        bids = (0..5)
            .map(|level| rehearsal.add(Side::Buy, 100 * DOLLAR - level * CENT, 400))
            .collect();
        breathe(&mut rehearsal, 8);
        told.push(rehearsal.opened(NAME).len());
    }
    // A second in ten is thin: told at first, then known.
    assert!(told[9] >= 9, "{told:?}");
    assert_eq!(told[129], told[159], "{told:?}");
}

#[test]
fn in_a_halt_after_it_at_the_end_and_in_the_first_minute_of_messages_it_is_not_armed() {
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
    // Of market hours: as the opening builds a book, and once it stands.
    for (seconds, alerts) in [(50, 0), (70, 1)] {
        let mut rehearsal = Rehearsal::with(&[]);
        let price = |at: i64| 100 * DOLLAR - at * CENT;
        let bids: Vec<u64> = (0..9).map(|at| rehearsal.add(Side::Buy, price(at), 400)).collect();
        rehearsal.add(Side::Sell, 100 * DOLLAR + CENT, 4_000);
        breathe(&mut rehearsal, seconds);
        bids.iter().for_each(|order| rehearsal.delete(*order));
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), alerts, "{seconds}");
    }
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
