//! What a trade break takes out, worked by hand from the interface's rules.

#![forbid(unsafe_code)]
// Cents read as dollars_cents.
#![allow(clippy::inconsistent_digit_grouping)]

use engine::units::Side::{Buy, Sell};
use engine::units::{Notional, Price};
use tapewatch_tests::events::{
    add, break_of, cents, cross, execute, execute_at, execute_unprinted, hidden,
};
use tapewatch_tests::subject::Subject;

const ONE: u32 = 1;
const TWO: u32 = 2;

/// Prints 1 to 4 at 10, 12, 9 and 11: open 1, high 2, low 3, last 4.
fn four_prints() -> Subject {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 1, cents(10_00)));
    subject.send(hidden(ONE, 20, 2, cents(12_00)));
    subject.send(hidden(ONE, 30, 3, cents(9_00)));
    subject.send(hidden(ONE, 40, 4, cents(11_00)));
    subject
}

/// open, high, low, last in cents.
fn prices(subject: &Subject) -> [Option<i64>; 4] {
    let metrics = subject.metrics(ONE);
    [metrics.open, metrics.high, metrics.low, metrics.last]
        .map(|price| price.map(|price| price.0 / 10_000_000))
}

/// trades, volume, broken volume, and notional in cents.
fn sums(subject: &Subject) -> (u64, u128, u128, i128) {
    let metrics = subject.metrics(ONE);
    let Notional(notional) = metrics.notional;
    assert_eq!(notional % 10_000_000, 0, "all prices here are whole cents");
    (metrics.trades, metrics.volume, metrics.broken_volume, notional / 10_000_000)
}

#[test]
fn a_break_of_the_first_print_gives_the_open_to_the_second() {
    let mut subject = four_prints();
    assert_eq!(sums(&subject), (4, 100, 0, 100_00 + 240_00 + 270_00 + 440_00));
    subject.send(break_of(ONE, 1));
    assert_eq!(prices(&subject), [Some(12_00), Some(12_00), Some(9_00), Some(11_00)]);
    assert_eq!(sums(&subject), (3, 90, 10, 240_00 + 270_00 + 440_00));
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn a_break_of_the_highest_print_lowers_the_high() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 2));
    assert_eq!(prices(&subject), [Some(10_00), Some(11_00), Some(9_00), Some(11_00)]);
    assert_eq!(sums(&subject), (3, 80, 20, 100_00 + 270_00 + 440_00));
}

#[test]
fn a_break_of_the_lowest_print_raises_the_low() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 3));
    assert_eq!(prices(&subject), [Some(10_00), Some(12_00), Some(10_00), Some(11_00)]);
    assert_eq!(sums(&subject), (3, 70, 30, 100_00 + 240_00 + 440_00));
}

#[test]
fn a_break_of_the_last_print_gives_last_to_the_one_before() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 4));
    assert_eq!(prices(&subject), [Some(10_00), Some(12_00), Some(9_00), Some(9_00)]);
    assert_eq!(sums(&subject), (3, 60, 40, 100_00 + 240_00 + 270_00));
}

#[test]
fn breaks_of_the_last_prints_one_after_the_other_go_back_to_the_first() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 3));
    subject.send(break_of(ONE, 4));
    assert_eq!(prices(&subject), [Some(10_00), Some(12_00), Some(10_00), Some(12_00)]);
    subject.send(break_of(ONE, 2));
    assert_eq!(prices(&subject), [Some(10_00); 4]);
    assert_eq!(sums(&subject), (1, 10, 90, 100_00));
}

#[test]
fn when_every_print_is_broken_nothing_is_left() {
    let mut subject = four_prints();
    for number in [2, 4, 1, 3] {
        subject.send(break_of(ONE, number));
    }
    assert_eq!(prices(&subject), [None; 4]);
    assert_eq!(sums(&subject), (0, 0, 100, 0));
    assert_eq!(subject.vwap(ONE), None);
    subject.send(hidden(ONE, 5, 5, cents(8_00)));
    assert_eq!(prices(&subject), [Some(8_00); 4]);
    assert_eq!(sums(&subject), (1, 5, 100, 40_00));
}

#[test]
fn an_equal_print_keeps_the_high_and_the_low_when_the_other_is_broken() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 1, cents(12_00)));
    subject.send(hidden(ONE, 10, 2, cents(9_00)));
    subject.send(hidden(ONE, 10, 3, cents(12_00)));
    subject.send(hidden(ONE, 10, 4, cents(9_00)));
    subject.send(hidden(ONE, 10, 5, cents(10_00)));
    subject.send(break_of(ONE, 1));
    subject.send(break_of(ONE, 4));
    assert_eq!(prices(&subject), [Some(9_00), Some(12_00), Some(9_00), Some(10_00)]);
}

#[test]
fn a_break_takes_out_a_print_of_every_kind() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute(ONE, 1, 10, 1));
    subject.send(execute_at(ONE, 1, 20, 2, cents(19_00)));
    subject.send(hidden(ONE, 30, 3, cents(18_00)));
    subject.send(cross(ONE, 40, 4, cents(17_00)));
    assert_eq!(sums(&subject), (4, 100, 0, 200_00 + 380_00 + 540_00 + 680_00));
    subject.send(break_of(ONE, 1));
    assert_eq!(sums(&subject), (3, 90, 10, 380_00 + 540_00 + 680_00));
    subject.send(break_of(ONE, 2));
    assert_eq!(sums(&subject), (2, 70, 30, 540_00 + 680_00));
    subject.send(break_of(ONE, 4));
    assert_eq!(sums(&subject), (1, 30, 70, 540_00));
    subject.send(break_of(ONE, 3));
    assert_eq!(sums(&subject), (0, 0, 100, 0));
    assert_eq!(subject.quality().unknown_match, 0);
    assert_eq!(subject.levels(ONE, Sell), [(cents(20_00), 70, 1)]);
}

#[test]
fn hidden_and_cross_volume_stay_gross_of_breaks() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 30, 3, cents(18_00)));
    subject.send(cross(ONE, 40, 4, cents(17_00)));
    subject.send(break_of(ONE, 3));
    subject.send(break_of(ONE, 4));
    assert_eq!(subject.metrics(ONE).hidden_volume, 30);
    assert_eq!(subject.metrics(ONE).cross_volume, 40);
    assert_eq!(subject.metrics(ONE).broken_volume, 70);
    assert_eq!(subject.metrics(ONE).volume, 0);
}

#[test]
fn a_break_gives_no_shares_back_to_the_book() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100));
    subject.send(execute(ONE, 1, 100, 1));
    subject.send(break_of(ONE, 1));
    assert_eq!(subject.order_count(ONE), 0);
    assert_eq!(subject.metrics(ONE).executions, 1);
}

#[test]
fn a_break_of_an_unknown_match_changes_nothing() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 99));
    assert_eq!(subject.quality().unknown_match, 1);
    assert_eq!(sums(&subject).0, 4);
    assert_eq!(sums(&subject).2, 0);
}

#[test]
fn a_second_break_of_a_print_changes_nothing() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 2));
    subject.send(break_of(ONE, 2));
    assert_eq!(subject.quality().unknown_match, 1);
    assert_eq!(sums(&subject), (3, 80, 20, 100_00 + 270_00 + 440_00));
}

#[test]
fn a_break_of_an_unprinted_execution_changes_nothing_and_is_no_unknown_match() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute(ONE, 1, 10, 1));
    subject.send(execute_unprinted(ONE, 1, 20, 2, cents(19_00)));
    subject.send(break_of(ONE, 2));
    assert_eq!(sums(&subject), (1, 10, 0, 200_00));
    assert_eq!(prices(&subject), [Some(20_00); 4]);
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn a_break_of_a_cross_without_shares_changes_nothing_and_is_no_unknown_match() {
    let mut subject = Subject::new();
    subject.send(cross(ONE, 0, 1, cents(17_00)));
    subject.send(break_of(ONE, 1));
    assert_eq!(sums(&subject), (0, 0, 0, 0));
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn a_break_of_an_execution_that_found_no_order_is_an_unknown_match() {
    let mut subject = Subject::new();
    subject.send(execute(ONE, 99, 10, 1));
    subject.send(break_of(ONE, 1));
    assert_eq!(subject.quality().unknown_order, 1);
    assert_eq!(subject.quality().unknown_match, 1);
}

#[test]
fn a_break_of_a_print_with_price_that_found_no_order_takes_it_out() {
    let mut subject = Subject::new();
    subject.send(execute_at(ONE, 99, 10, 1, cents(10_00)));
    subject.send(break_of(ONE, 1));
    assert_eq!(sums(&subject), (0, 0, 10, 0));
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn a_break_takes_out_an_over_size_print_as_it_was_sent() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute(ONE, 1, 250, 1));
    subject.send(break_of(ONE, 1));
    assert_eq!(sums(&subject), (0, 0, 250, 0));
}

#[test]
fn a_break_takes_out_a_print_of_no_shares() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 1, cents(10_00)));
    subject.send(hidden(ONE, 0, 2, cents(30_00)));
    assert_eq!(subject.metrics(ONE).high, Some(cents(30_00)));
    subject.send(break_of(ONE, 2));
    assert_eq!(sums(&subject), (1, 10, 0, 100_00));
    assert_eq!(prices(&subject), [Some(10_00); 4]);
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn match_numbers_belong_to_their_symbol() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 7, cents(10_00)));
    subject.send(break_of(TWO, 7));
    assert_eq!(subject.quality().unknown_match, 1);
    assert_eq!(sums(&subject), (1, 10, 0, 100_00));
    subject.send(hidden(TWO, 99, 7, cents(50_00)));
    subject.send(break_of(ONE, 7));
    assert_eq!(sums(&subject), (0, 0, 10, 0));
    assert_eq!(subject.metrics(TWO).volume, 99);
    assert_eq!(subject.metrics(TWO).broken_volume, 0);
    assert_eq!(subject.quality().unknown_match, 1);
}

#[test]
fn a_match_number_used_twice_names_its_latest_print() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 7, cents(10_00)));
    subject.send(hidden(ONE, 20, 7, cents(11_00)));
    subject.send(break_of(ONE, 7));
    assert_eq!(sums(&subject), (1, 10, 20, 100_00));
    assert_eq!(prices(&subject), [Some(10_00); 4]);
    subject.send(break_of(ONE, 7));
    assert_eq!(sums(&subject), (1, 10, 20, 100_00));
    assert_eq!(subject.quality().unknown_match, 1, "it is already broken");
}

#[test]
fn a_broken_match_number_can_be_printed_and_broken_again() {
    let mut subject = Subject::new();
    subject.send(hidden(ONE, 10, 7, cents(10_00)));
    subject.send(break_of(ONE, 7));
    subject.send(hidden(ONE, 20, 7, cents(11_00)));
    assert_eq!(sums(&subject), (1, 20, 10, 220_00));
    subject.send(break_of(ONE, 7));
    assert_eq!(sums(&subject), (0, 0, 30, 0));
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn unprinted_legs_of_a_cross_do_not_hide_its_print() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100));
    subject.send(execute_unprinted(ONE, 1, 50, 7, cents(20_00)));
    subject.send(cross(ONE, 100, 7, cents(20_00)));
    subject.send(execute_unprinted(ONE, 1, 50, 7, cents(20_00)));
    subject.send(break_of(ONE, 7));
    assert_eq!(sums(&subject), (0, 0, 100, 0));
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn any_u64_is_a_match_number() {
    let mut subject = Subject::new();
    let numbers = [0, u64::MAX, u64::MAX - 1, 1 << 63, 1];
    for number in numbers {
        subject.send(hidden(ONE, 10, number, cents(10_00)));
    }
    assert_eq!(sums(&subject), (5, 50, 0, 500_00));
    for number in numbers {
        subject.send(break_of(ONE, number));
    }
    assert_eq!(sums(&subject), (0, 0, 50, 0));
    assert_eq!(subject.quality().unknown_match, 0);
}

#[test]
fn vwap_forgets_a_broken_print() {
    let mut subject = four_prints();
    subject.send(break_of(ONE, 4));
    // (100 + 240 + 270) / 60 = 10.1666…
    assert_eq!(subject.vwap(ONE), Some(Price(10_166_666_667)));
}
