//! Which messages are prints, and what prints add up to, worked by hand from the interface's rules.

#![forbid(unsafe_code)]
// Cents read as dollars_cents.
#![allow(clippy::inconsistent_digit_grouping)]

use engine::units::Side::{Buy, Sell};
use engine::units::{Notional, Price};
use tapewatch_tests::events::{
    add, cancel, cents, cross, delete, execute, execute_at, execute_unprinted, hidden, replace,
};
use tapewatch_tests::subject::Subject;

const ONE: u32 = 1;
const TWO: u32 = 2;

/// A notional in whole cents.
fn sum_of_cents(cents: i128) -> Notional {
    Notional(cents * 10_000_000)
}

#[test]
fn an_execution_prints_at_the_resting_orders_price() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute(ONE, 1, 30, 900));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, Some(cents(20_00)));
    assert_eq!(metrics.volume, 30);
    assert_eq!(metrics.trades, 1);
    assert_eq!(metrics.notional, sum_of_cents(30 * 20_00));
    assert_eq!(metrics.hidden_volume, 0);
    assert_eq!(metrics.cross_volume, 0);
}

#[test]
fn an_execution_after_a_replace_prints_at_the_new_price() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(replace(ONE, 1, 2, cents(20_50), 80));
    subject.send(execute(ONE, 2, 80, 900));
    assert_eq!(subject.metrics(ONE).last, Some(cents(20_50)));
    assert_eq!(subject.metrics(ONE).notional, sum_of_cents(80 * 20_50));
}

#[test]
fn an_execution_with_price_prints_at_its_own_price() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute_at(ONE, 1, 30, 900, cents(19_50)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, Some(cents(19_50)));
    assert_eq!(metrics.volume, 30);
    assert_eq!(metrics.notional, sum_of_cents(30 * 19_50));
}

#[test]
fn an_unprintable_execution_changes_the_book_only() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute_unprinted(ONE, 1, 30, 900, cents(19_50)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, None);
    assert_eq!(metrics.volume, 0);
    assert_eq!(metrics.trades, 0);
    assert_eq!(metrics.notional, Notional(0));
    assert_eq!(metrics.executions, 1);
    assert_eq!(subject.levels(ONE, Sell), [(cents(20_00), 70, 1)]);
}

#[test]
fn a_hidden_trade_prints_and_is_hidden_volume() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 40, 900, cents(15_25)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, Some(cents(15_25)));
    assert_eq!(metrics.volume, 40);
    assert_eq!(metrics.trades, 1);
    assert_eq!(metrics.notional, sum_of_cents(40 * 15_25));
    assert_eq!(metrics.hidden_volume, 40);
    assert_eq!(metrics.cross_volume, 0);
    assert_eq!(metrics.executions, 0, "only E and C are executions");
}

#[test]
fn a_cross_with_shares_prints_and_is_cross_volume() {
    let mut subject = Subject::new();
    subject.send(cross(ONE, 5_000, 900, cents(15_00)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, Some(cents(15_00)));
    assert_eq!(metrics.open, Some(cents(15_00)));
    assert_eq!(metrics.volume, 5_000);
    assert_eq!(metrics.trades, 1);
    assert_eq!(metrics.cross_volume, 5_000);
    assert_eq!(metrics.hidden_volume, 0);
}

#[test]
fn a_cross_without_shares_is_no_print() {
    let mut subject = Subject::new();
    subject.send(cross(ONE, 0, 900, cents(15_00)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, None);
    assert_eq!(metrics.trades, 0);
    assert_eq!(metrics.cross_volume, 0);
}

#[test]
fn a_cross_of_more_than_32_bits_of_shares_counts_whole() {
    let mut subject = Subject::new();
    subject.send(cross(ONE, 5_000_000_000, 900, cents(15_00)));
    assert_eq!(subject.metrics(ONE).volume, 5_000_000_000);
    assert_eq!(subject.metrics(ONE).cross_volume, 5_000_000_000);
    assert_eq!(subject.metrics(ONE).notional, sum_of_cents(5_000_000_000 * 15_00));
}

#[test]
fn open_high_low_and_last_follow_the_prints_in_order() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 1, cents(10_00)));
    subject.send(hidden(ONE, 10, 2, cents(12_00)));
    subject.send(hidden(ONE, 10, 3, cents(9_00)));
    subject.send(hidden(ONE, 10, 4, cents(11_00)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.open, Some(cents(10_00)));
    assert_eq!(metrics.high, Some(cents(12_00)));
    assert_eq!(metrics.low, Some(cents(9_00)));
    assert_eq!(metrics.last, Some(cents(11_00)));
    assert_eq!(metrics.volume, 40);
    assert_eq!(metrics.trades, 4);
    assert_eq!(metrics.notional, sum_of_cents(10 * (10_00 + 12_00 + 9_00 + 11_00)));
}

#[test]
fn without_a_print_there_is_no_price_and_no_vwap() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.open, None);
    assert_eq!(metrics.high, None);
    assert_eq!(metrics.low, None);
    assert_eq!(metrics.last, None);
    assert_eq!(subject.vwap(ONE), None);
}

#[test]
fn vwap_has_nine_decimals_rounded_half_away_from_zero() {
    // 1 × 10.00 and 2 × 10.01: 30.02 / 3 = 10.00666666666…
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 1, 1, cents(10_00)));
    subject.send(hidden(ONE, 2, 2, cents(10_01)));
    assert_eq!(subject.vwap(ONE), Some(Price(10_006_666_667)));
    // 2 × 10.000000000 and 1 × 10.000000001: a third of the last digit, rounded down.
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 2, 1, Price(10_000_000_000)));
    subject.send(hidden(ONE, 1, 2, Price(10_000_000_001)));
    assert_eq!(subject.vwap(ONE), Some(Price(10_000_000_000)));
    // 1 × 10.000000000 and 1 × 10.000000001: exactly half, away from zero.
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 1, 1, Price(10_000_000_000)));
    subject.send(hidden(ONE, 1, 2, Price(10_000_000_001)));
    assert_eq!(subject.vwap(ONE), Some(Price(10_000_000_001)));
    // The same below zero.
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 1, 1, Price(-1)));
    subject.send(hidden(ONE, 1, 2, Price(-2)));
    assert_eq!(subject.vwap(ONE), Some(Price(-2)));
}

#[test]
fn vwap_is_undefined_while_all_prints_are_of_no_shares() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 0, 1, cents(10_00)));
    assert_eq!(subject.metrics(ONE).trades, 1);
    assert_eq!(subject.vwap(ONE), None);
}

#[test]
fn a_zero_size_execution_prints() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute(ONE, 1, 0, 900));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, Some(cents(20_00)));
    assert_eq!(metrics.trades, 1);
    assert_eq!(metrics.volume, 0);
    assert_eq!(subject.levels(ONE, Sell), [(cents(20_00), 100, 1)]);
    subject.send(execute_at(ONE, 1, 0, 901, cents(21_00)));
    assert_eq!(subject.metrics(ONE).last, Some(cents(21_00)));
    assert_eq!(subject.metrics(ONE).trades, 2);
    assert_eq!(subject.quality().zero_size, 0, "zero_size counts A, F and U");
}

#[test]
fn a_printable_execution_with_price_of_an_unknown_order_still_prints() {
    let mut subject = Subject::new();
    subject.send(execute_at(ONE, 99, 30, 900, cents(19_50)));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, Some(cents(19_50)));
    assert_eq!(metrics.volume, 30);
    assert_eq!(metrics.trades, 1);
    assert_eq!(metrics.executions, 1);
    assert_eq!(subject.quality().unknown_order, 1);
}

#[test]
fn an_execution_of_an_unknown_order_is_no_print() {
    let mut subject = Subject::new();
    subject.send(execute(ONE, 99, 30, 900));
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.last, None);
    assert_eq!(metrics.volume, 0);
    assert_eq!(metrics.trades, 0);
    assert_eq!(metrics.executions, 1);
    assert_eq!(subject.quality().unknown_order, 1);
}

#[test]
fn the_print_of_an_over_size_execution_counts_as_sent() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute(ONE, 1, 250, 900));
    assert_eq!(subject.metrics(ONE).volume, 250);
    assert_eq!(subject.metrics(ONE).notional, sum_of_cents(250 * 20_00));
    assert_eq!(subject.order_count(ONE), 0);
    assert_eq!(subject.quality().negative_size, 1);
    subject.send(add(ONE, 2, Sell, cents(20_00), 100));
    subject.send(execute_at(ONE, 2, 101, 901, cents(21_00)));
    assert_eq!(subject.metrics(ONE).volume, 351);
    assert_eq!(subject.metrics(ONE).last, Some(cents(21_00)));
    assert_eq!(subject.quality().negative_size, 2);
}

#[test]
fn prints_belong_to_their_symbol() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 1, cents(10_00)));
    subject.send(hidden(TWO, 20, 1, cents(50_00)));
    assert_eq!(subject.metrics(ONE).volume, 10);
    assert_eq!(subject.metrics(ONE).last, Some(cents(10_00)));
    assert_eq!(subject.metrics(TWO).volume, 20);
    assert_eq!(subject.metrics(TWO).last, Some(cents(50_00)));
}

#[test]
fn messages_are_counted_by_symbol_whether_they_applied_or_not() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100));
    subject.send(add(ONE, 1, Buy, cents(10_00), 100)); // duplicate
    subject.send(execute(ONE, 1, 1, 900));
    subject.send(execute(ONE, 99, 1, 901)); // unknown
    subject.send(execute_at(ONE, 1, 1, 902, cents(10_00)));
    subject.send(execute_unprinted(ONE, 1, 1, 903, cents(10_00)));
    subject.send(execute_unprinted(ONE, 99, 1, 904, cents(10_00))); // unknown
    subject.send(cancel(ONE, 1, 1));
    subject.send(cancel(ONE, 99, 1)); // unknown
    subject.send(replace(ONE, 1, 2, cents(10_00), 100));
    subject.send(replace(ONE, 99, 3, cents(10_00), 100)); // unknown
    subject.send(replace(ONE, 2, 2, cents(10_00), 100));
    subject.send(delete(ONE, 2));
    subject.send(delete(ONE, 2)); // unknown
    subject.send(delete(TWO, 2)); // unknown, of the other symbol
    let metrics = subject.metrics(ONE);
    assert_eq!(metrics.adds, 2);
    assert_eq!(metrics.executions, 5);
    assert_eq!(metrics.cancels, 2);
    assert_eq!(metrics.replaces, 3);
    assert_eq!(metrics.deletes, 2);
    let metrics = subject.metrics(TWO);
    assert_eq!(metrics.deletes, 1);
    assert_eq!(metrics.adds, 0);
    assert_eq!(subject.quality().unknown_order, 6);
    assert_eq!(subject.quality().duplicate_order, 1);
}

#[test]
fn volume_and_notional_stay_exact_beyond_64_bits() {
    // 4 crosses of 2^63 − 1 shares at 200,000.0000 each.
    let shares = i64::MAX as u64;
    let mut subject = Subject::new();
    for number in 0..4 {
        subject.send(cross(ONE, shares, number, cents(200_000_00)));
    }
    assert_eq!(subject.metrics(ONE).volume, 4 * u128::from(shares));
    assert_eq!(subject.metrics(ONE).notional, sum_of_cents(4 * i128::from(shares) * 200_000_00));
    assert_eq!(subject.vwap(ONE), Some(Price(20_000_0000_000_000)));
}

#[test]
fn a_notional_beyond_any_sum_stops_nothing() {
    // The largest cross that a feed can send, often enough to pass 128 bits of notional.
    let mut subject = Subject::new();
    let largest = cross(ONE, u64::MAX, 1, Price::from_e4(u32::MAX));
    for _ in 0..22_000 {
        subject.apply(&largest);
    }
    assert_eq!(subject.metrics(ONE).trades, 22_000);
    assert_eq!(subject.metrics(ONE).volume, 22_000 * u128::from(u64::MAX));
    assert_eq!(subject.metrics(ONE).last, Some(Price::from_e4(u32::MAX)));
    let _whatever = subject.vwap(ONE);
}
