//! Spread, mid, weighted mid, imbalance, depth and the time-weighted spread, worked by hand.

#![forbid(unsafe_code)]

use engine::metrics::quote::{Quote, depth};
use engine::units::Side::{Buy, Sell};
use engine::units::{Nanos, Price, SymbolId};
use tapewatch_tests::events::{At, add, cents, delete, replace, short_sale, trading};
use tapewatch_tests::subject::Subject;

const ONE: u32 = 1;
const TWO: u32 = 2;

fn quote(subject: &Subject) -> Option<Quote> {
    Quote::of(&subject.shard().book(SymbolId(ONE)))
}

/// ∫ spread dt in cents × ns, and the time it was taken over, up to `until_ns`.
fn spread_until(subject: &Subject, until_ns: i64) -> (i128, u64) {
    let clock = subject.spread_until(ONE, Nanos(until_ns));
    assert_eq!(clock.integral() % 10_000_000, 0);
    (clock.integral() / 10_000_000, clock.quoted_ns())
}

fn assert_close(actual: Option<f64>, expected: f64) {
    let actual = actual.expect("defined");
    assert!((actual - expected).abs() <= expected.abs() * 1e-12, "{actual} is not {expected}");
}

#[test]
fn the_figures_of_a_quote_follow_their_formulas() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 200));
    subject.send(add(ONE, 2, Buy, cents(10_00), 100));
    subject.send(add(ONE, 3, Sell, cents(10_10), 100));
    let quote = quote(&subject).expect("both sides");
    assert_eq!(quote.spread(), cents(10));
    assert_eq!(quote.mid_e9(), 10.05e9);
    // 10,000 × 0.10 / 10.05
    assert_close(quote.spread_bps(), 99.502_487_562_189_05);
    // (10.10 × 300 + 10.00 × 100) / 400: drawn to the offer, for the bid is the heavier side
    assert_close(quote.weighted_mid_e9(), 10.075e9);
    // (300 − 100) / 400
    assert_close(quote.queue_imbalance(), 0.5);
}

#[test]
fn a_mid_between_two_steps_is_exact() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, Price(10_000_000_000), 1));
    subject.send(add(ONE, 2, Sell, Price(10_000_000_001), 1));
    assert_eq!(quote(&subject).expect("both").mid_e9(), 10_000_000_000.5);
}

#[test]
fn a_one_sided_book_has_no_quote() {
    let mut subject = Subject::new();
    assert_eq!(quote(&subject), None);
    subject.send(add(ONE, 1, Buy, cents(10_00), 100));
    assert_eq!(quote(&subject), None);
    subject.send(add(ONE, 2, Sell, cents(10_10), 100));
    assert!(quote(&subject).is_some());
    subject.send(delete(ONE, 1));
    assert_eq!(quote(&subject), None);
}

#[test]
fn a_crossed_quote_has_a_negative_spread() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_05), 100));
    subject.send(add(ONE, 2, Sell, cents(10_00), 100));
    let quote = quote(&subject).expect("both sides");
    assert_eq!(quote.spread(), cents(-5));
    assert_eq!(quote.mid_e9(), 10.025e9);
}

#[test]
fn sizes_of_zero_leave_imbalance_and_weighted_mid_undefined() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 0));
    subject.send(add(ONE, 2, Sell, cents(10_10), 0));
    let empty = quote(&subject).expect("both sides");
    assert_eq!(empty.queue_imbalance(), None);
    assert_eq!(empty.weighted_mid_e9(), None);
    subject.send(add(ONE, 3, Sell, cents(10_10), 7));
    assert_eq!(quote(&subject).expect("both sides").queue_imbalance(), Some(-1.0));
}

#[test]
fn depth_sums_the_best_levels() {
    let mut subject = Subject::new();
    for (order, price, qty) in [(1, 10_00, 100), (2, 9_98, 1_000), (3, 9_99, 10), (4, 9_99, 20)] {
        subject.send(add(ONE, order, Buy, cents(price), qty));
    }
    let book = subject.shard().book(SymbolId(ONE));
    assert_eq!(depth(&book, Buy, 0), 0);
    assert_eq!(depth(&book, Buy, 1), 100);
    assert_eq!(depth(&book, Buy, 2), 130);
    assert_eq!(depth(&book, Buy, 3), 1_130);
    assert_eq!(depth(&book, Buy, 10), 1_130);
    assert_eq!(depth(&book, Sell, 10), 0);
}

#[test]
fn the_mean_spread_is_weighted_by_the_time_it_stood() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(100));
    assert_eq!(spread_until(&subject, 150), (0, 0));
    subject.send(add(ONE, 2, Sell, cents(10_10), 100).at(200)); // 10 cents from here
    assert_eq!(spread_until(&subject, 200), (0, 0));
    assert_eq!(spread_until(&subject, 250), (500, 50));
    subject.send(add(ONE, 3, Sell, cents(10_04), 100).at(500)); // 4 cents
    subject.send(add(ONE, 4, Sell, cents(10_20), 100).at(550)); // behind: still 4
    subject.send(delete(ONE, 3).at(600)); // 10 cents again
    subject.send(delete(ONE, 2).at(700)); // 20 cents
    subject.send(delete(ONE, 1).at(750)); // one side: none
    subject.send(add(ONE, 5, Buy, cents(10_15), 100).at(900)); // 5 cents
    // 300 × 10 + 100 × 4 + 100 × 10 + 50 × 20 + 100 × 5
    assert_eq!(spread_until(&subject, 1_000), (5_900, 650));
    let clock = subject.spread_until(ONE, Nanos(1_000));
    // 5,900 / 650 cents
    assert_close(clock.mean_e9(), 90_769_230.769_230_77);
}

#[test]
fn crossed_and_locked_time_has_no_spread() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(0));
    subject.send(add(ONE, 2, Sell, cents(10_02), 100).at(0));
    subject.send(add(ONE, 3, Buy, cents(10_02), 100).at(10)); // locked
    subject.send(replace(ONE, 3, 4, cents(10_03), 100).at(20)); // crossed
    subject.send(delete(ONE, 4).at(50));
    assert_eq!(spread_until(&subject, 60), (2 * 10 + 2 * 10, 20));
}

#[test]
fn a_spread_counts_whatever_the_trading_state() {
    let mut subject = Subject::new();
    subject.send(trading(ONE, b'H').at(0));
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(0));
    subject.send(add(ONE, 2, Sell, cents(10_02), 100).at(0));
    assert_eq!(spread_until(&subject, 100), (200, 100));
}

#[test]
fn a_symbol_that_never_had_two_sides_has_no_mean_spread() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(100));
    assert_eq!(subject.spread_until(ONE, Nanos(900)).mean_e9(), None);
}

#[test]
fn time_that_goes_back_takes_nothing_off_the_spread() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(100));
    subject.send(add(ONE, 2, Sell, cents(10_10), 100).at(100));
    subject.send(add(ONE, 3, Sell, cents(10_04), 100).at(500));
    subject.send(delete(ONE, 3).at(300)); // late: 10 cents from 500 on
    assert_eq!(spread_until(&subject, 300), (400 * 10, 400));
    assert_eq!(spread_until(&subject, 600), (400 * 10 + 100 * 10, 500));
}

#[test]
fn only_a_change_of_the_spread_moves_the_time_of_the_spread() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(100));
    subject.send(add(ONE, 2, Sell, cents(10_10), 100).at(100));
    subject.send(short_sale(ONE).at(500));
    subject.send(add(ONE, 3, Sell, cents(10_04), 100).at(300));
    assert_eq!(spread_until(&subject, 600), (200 * 10 + 300 * 4, 500));
}

#[test]
fn times_before_1970_are_times() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(-1_000));
    subject.send(add(ONE, 2, Sell, cents(10_10), 100).at(-900));
    assert_eq!(spread_until(&subject, 100), (1_000 * 10, 1_000));
}

#[test]
fn each_symbol_has_its_own_spread() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(0));
    subject.send(add(TWO, 1, Buy, cents(20_00), 100).at(0));
    subject.send(add(TWO, 2, Sell, cents(20_50), 100).at(10));
    subject.send(add(ONE, 2, Sell, cents(10_01), 100).at(20));
    assert_eq!(spread_until(&subject, 100), (80, 80));
    let two = subject.spread_until(TWO, Nanos(100));
    assert_eq!((two.integral(), two.quoted_ns()), (90 * 500_000_000, 90));
}
