//! Hand-made quotes under, at and over each threshold, and each trap.

use super::{State, beyond};
use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
use crate::detect::settings::Settings;
use crate::detect::touch::Touch;
use crate::units::Side;

const NAME: &str = "price_jump";

/// A quote of 100 at 100.02 that moves a cent to and fro for 80 s; its orders.
fn market() -> (Rehearsal, [u64; 2]) {
    // Armed again as soon as a halt ends.
    let mut rehearsal = Rehearsal::with(&[
        ("price_jump", "sigmas", 8.0),
        ("price_jump", "move_min", 0.005),
        ("", "reopening", 0.0),
    ]);
    let mut orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
    for second in 0..80 {
        let bid = 100 * DOLLAR + second % 2 * CENT;
        orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
        rehearsal.pass(SECOND);
    }
    (rehearsal, orders)
}

/// A new quote in place of an old one, whose sides never meet.
fn quote(rehearsal: &mut Rehearsal, old: Option<[u64; 2]>, bid: i64, ask: i64) -> [u64; 2] {
    for order in old.into_iter().flatten() {
        rehearsal.delete(order);
    }
    [rehearsal.add(Side::Buy, bid, 500), rehearsal.add(Side::Sell, ask, 500)]
}

/// So many prints, and then a new quote of two cents in place of an old one.
fn jump(rehearsal: &mut Rehearsal, old: [u64; 2], prints: u64, bid: i64) -> [u64; 2] {
    trade(rehearsal, prints, bid);
    quote(rehearsal, Some(old), bid, bid + 2 * CENT)
}

fn trade(rehearsal: &mut Rehearsal, prints: u64, price: i64) {
    for _ in 0..prints {
        rehearsal.hidden(price, 100);
    }
}

fn breathe(rehearsal: &mut Rehearsal, seconds: i64) {
    for _ in 0..seconds {
        let order = rehearsal.add(Side::Buy, 50 * DOLLAR, 100);
        rehearsal.pass(SECOND / 2);
        rehearsal.delete(order);
        rehearsal.pass(SECOND / 2);
    }
}

#[test]
fn a_quote_that_moves_by_half_a_percent_and_eight_sigma_has_jumped() {
    // The last quote was 100.01 at 100.03, the mid changes by 1 bp a second: 8 sigma are 8 bp.
    for (cents, alerts) in [(49, 0), (53, 1), (-49, 0), (-53, 1), (300, 1)] {
        let (mut rehearsal, orders) = market();
        jump(&mut rehearsal, orders, 5, 100 * DOLLAR + (1 + cents) * CENT);
        breathe(&mut rehearsal, 15);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), alerts, "{cents}");
        assert_eq!(rehearsal.closed(NAME).len(), alerts, "one jump is one alert");
        for alert in opened {
            assert_eq!(alert.figures[0] > 0.0, cents > 0);
            assert!((alert.figures[0].abs() - cents.abs() as f64 / 10_000.0).abs() < 2e-4);
        }
    }
}

#[test]
fn it_must_stand_there_half_a_second_and_no_message_is_needed_for_that() {
    for (for_ns, alerts) in [(400 * MS, 0), (700 * MS, 1)] {
        let (mut rehearsal, orders) = market();
        let away = jump(&mut rehearsal, orders, 5, 101 * DOLLAR);
        rehearsal.pass(for_ns);
        assert_eq!(rehearsal.opened(NAME).len(), alerts, "{for_ns}");
        quote(&mut rehearsal, Some(away), 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
        breathe(&mut rehearsal, 15);
        // What jumped back has jumped, too, and is of the same alert.
        assert_eq!(rehearsal.opened(NAME).len(), alerts, "{for_ns}");
    }
}

#[test]
fn three_prints_must_come_with_it() {
    for (prints, alerts) in [(0, 0), (2, 0), (3, 1)] {
        let (mut rehearsal, orders) = market();
        jump(&mut rehearsal, orders, prints, 101 * DOLLAR);
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.opened(NAME).len(), alerts, "{prints}");
    }
    let (mut rehearsal, orders) = market();
    // Long before they are no part of it.
    trade(&mut rehearsal, 5, 100 * DOLLAR + CENT);
    breathe(&mut rehearsal, 4);
    jump(&mut rehearsal, orders, 2, 101 * DOLLAR);
    breathe(&mut rehearsal, 3);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
}

#[test]
fn in_a_restless_symbol_half_a_percent_is_nothing() {
    let mut rehearsal =
        Rehearsal::with(&[("price_jump", "sigmas", 8.0), ("price_jump", "move_min", 0.005)]);
    let mut orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
    // 20 cents to and fro: 20 bp a second, 8 sigma are 1.6 %.
    for second in 0..80 {
        let bid = 100 * DOLLAR + second % 2 * 20 * CENT;
        orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
        rehearsal.pass(SECOND);
    }
    let bid = 101 * DOLLAR + 20 * CENT;
    orders = jump(&mut rehearsal, orders, 5, bid);
    breathe(&mut rehearsal, 10);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
    jump(&mut rehearsal, orders, 5, bid + 2 * DOLLAR);
    breathe(&mut rehearsal, 2);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn a_spread_that_widens_and_a_bounce_are_no_jump() {
    let (mut rehearsal, orders) = market();
    let wide = quote(&mut rehearsal, Some(orders), 95 * DOLLAR, 105 * DOLLAR);
    breathe(&mut rehearsal, 5);
    for trade in 0..20i64 {
        rehearsal.hidden(96 * DOLLAR + trade % 2 * 8 * DOLLAR, 100);
        breathe(&mut rehearsal, 1);
    }
    // One side comes back alone, and goes.
    rehearsal.add(Side::Sell, 100 * DOLLAR + 3 * CENT, 100);
    breathe(&mut rehearsal, 5);
    rehearsal.delete(wide[0]);
    breathe(&mut rehearsal, 5);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
}

#[test]
fn a_sweep_of_one_side_is_a_jump_once_the_other_side_follows() {
    let (mut rehearsal, [bid, ask]) = market();
    rehearsal.add(Side::Sell, 101 * DOLLAR + 2 * CENT, 500);
    for _ in 0..5 {
        rehearsal.execute(ask, 100);
    }
    breathe(&mut rehearsal, 8);
    assert_eq!(rehearsal.opened(NAME).len(), 0, "100.01 at 101.02");
    rehearsal.delete(bid);
    rehearsal.add(Side::Buy, 101 * DOLLAR, 500);
    breathe(&mut rehearsal, 2);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn prints_away_from_the_quote_are_no_jump_broken_or_not() {
    let (mut rehearsal, orders) = market();
    let numbers: Vec<u64> = (0..5).map(|_| rehearsal.hidden(103 * DOLLAR, 100)).collect();
    breathe(&mut rehearsal, 3);
    numbers.iter().for_each(|number| rehearsal.break_print(*number));
    breathe(&mut rehearsal, 3);
    assert_eq!(rehearsal.told(NAME).len(), 0);
    // Broken ones do not come with anything.
    jump(&mut rehearsal, orders, 2, 101 * DOLLAR);
    breathe(&mut rehearsal, 3);
    assert_eq!(rehearsal.told(NAME).len(), 0);
}

#[test]
fn a_slow_way_there_is_no_jump() {
    let (mut rehearsal, mut orders) = market();
    for step in 1..=100 {
        rehearsal.hidden(100 * DOLLAR, 100);
        let bid = 100 * DOLLAR + step * 2 * CENT;
        orders = quote(&mut rehearsal, Some(orders), bid, bid + 2 * CENT);
        rehearsal.pass(SECOND);
    }
    // Nor are steps of 0.4 percent, each of which stands.
    for step in 1..=5 {
        orders = jump(&mut rehearsal, orders, 5, 102 * DOLLAR + step * 40 * CENT);
        breathe(&mut rehearsal, 2);
    }
    assert_eq!(rehearsal.opened(NAME).len(), 0);
}

#[test]
fn nothing_is_compared_across_a_halt_the_opening_or_minutes_in_which_no_quote_stood() {
    let (mut rehearsal, orders) = market();
    rehearsal.action(b'H');
    rehearsal.pass(2 * SECOND);
    let orders = quote(&mut rehearsal, Some(orders), 120 * DOLLAR, 120 * DOLLAR + CENT);
    rehearsal.cross(b'H', 120 * DOLLAR, 10_000);
    rehearsal.action(b'T');
    trade(&mut rehearsal, 5, 120 * DOLLAR);
    breathe(&mut rehearsal, 10);
    assert_eq!(rehearsal.opened(NAME).len(), 0, "a halt");
    orders.iter().for_each(|order| rehearsal.delete(*order));
    rehearsal.pass(301 * SECOND);
    trade(&mut rehearsal, 5, 90 * DOLLAR);
    quote(&mut rehearsal, None, 90 * DOLLAR, 90 * DOLLAR + CENT);
    breathe(&mut rehearsal, 10);
    assert_eq!(rehearsal.opened(NAME).len(), 0, "five minutes without a quote");
    let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
    let orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 2 * CENT);
    breathe(&mut rehearsal, 90);
    rehearsal.system(b'Q');
    rehearsal.cross(b'O', 120 * DOLLAR, 10_000);
    jump(&mut rehearsal, orders, 5, 120 * DOLLAR);
    breathe(&mut rehearsal, 10);
    assert_eq!(rehearsal.opened(NAME).len(), 0, "the opening");
}

#[test]
fn a_quote_of_which_one_side_came_nearer_is_where_it_was() {
    let mut rehearsal = Rehearsal::with(&[("price_jump", "horizon", 60e9), ("", "reopening", 0.0)]);
    let mut orders = quote(&mut rehearsal, None, 100 * DOLLAR, 100 * DOLLAR + 60 * CENT);
    breathe(&mut rehearsal, 80);
    // Half a dollar nearer on one side alone: what stands now is what the next is compared with.
    orders =
        quote(&mut rehearsal, Some(orders), 100 * DOLLAR + 50 * CENT, 100 * DOLLAR + 60 * CENT);
    breathe(&mut rehearsal, 100);
    jump(&mut rehearsal, orders, 5, 102 * DOLLAR);
    breathe(&mut rehearsal, 2);
    let opened = rehearsal.opened(NAME);
    assert_eq!(opened.len(), 1);
    assert!((0.0135..0.0145).contains(&opened[0].figures[0]), "{opened:?}");
}

#[test]
fn a_book_that_is_quiet_for_minutes_stands_and_may_jump() {
    let (mut rehearsal, orders) = market();
    rehearsal.pass(400 * SECOND);
    jump(&mut rehearsal, orders, 5, 101 * DOLLAR);
    rehearsal.pass(SECOND);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn a_gap_in_which_the_price_hardly_moved_is_no_jump() {
    let (mut rehearsal, orders) = market();
    rehearsal.lose(1_000);
    jump(&mut rehearsal, orders, 5, 100 * DOLLAR);
    breathe(&mut rehearsal, 10);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
}

#[test]
fn how_far_a_quote_is_beyond_another_is_what_both_sides_have_moved() {
    let quote = super::Quote { bid: 100, ask: 102, until_ns: 1, prints: 0 };
    let of = |bid, ask| beyond(&quote, &Touch { bid, bid_qty: 1, ask, ask_qty: 1 });
    assert_eq!([of(105, 106), of(105, 105), of(90, 95)], [4, 3, -7]);
    assert_eq!([of(90, 102), of(90, 110), of(100, 102), of(101, 101)], [0; 4]);
    let far = super::Quote { bid: i64::MIN, ask: i64::MAX, until_ns: 1, prints: 0 };
    for (bid, ask) in [(1, -1), (i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
        let _ = beyond(&far, &Touch { bid, bid_qty: 1, ask, ask_qty: 1 });
    }
    assert_eq!(size_of::<State>(), 80);
}
