//! The tape by itself: breaks, match numbers in any order, a full tape.

use super::*;
use crate::units::{Nanos, Qty, Side};

const SYMBOL: SymbolId = SymbolId(3);

fn print(number: u64, price: i64) -> Print {
    Print {
        match_number: MatchNumber(number),
        price: Price(price),
        qty: Qty(10),
        time: Nanos(number as i64),
        kind: PrintKind::Executed,
        aggressor: Some(Side::Buy),
    }
}

fn tape() -> Prints {
    Prints::new(16, 1 << 20).unwrap()
}

#[test]
fn breaking_the_high_brings_back_the_next_highest_across_blocks() {
    let mut prints = tape();
    for number in 0..1_000 {
        assert!(prints.keep(
            SYMBOL,
            &print(number, 1_000 + (number as i64 * 37) % 500),
            &Marks::default()
        ));
    }
    let mut left: Vec<u64> = (0..1_000).collect();
    while left.len() > 1 {
        let prices = |n: &u64| 1_000 + (*n as i64 * 37) % 500;
        let extremes = prints.extremes(SYMBOL).unwrap();
        assert_eq!(extremes.high.0, left.iter().map(prices).max().unwrap());
        assert_eq!(extremes.low.0, left.iter().map(prices).min().unwrap());
        assert_eq!(extremes.open.0, prices(&left[0]));
        assert_eq!(extremes.last.0, prices(left.last().unwrap()));
        let number = left.remove((left.len() * 7) / 11);
        assert_eq!(
            prints.break_match(SYMBOL, MatchNumber(number)),
            Broken::Print(print(number, prices(&number)), Marks::default())
        );
        assert_eq!(prints.break_match(SYMBOL, MatchNumber(number)), Broken::Unknown);
    }
    assert!(matches!(prints.break_match(SYMBOL, MatchNumber(left[0])), Broken::Print(..)));
    assert_eq!(prints.extremes(SYMBOL), None);
}

#[test]
fn match_numbers_in_any_order_are_found() {
    let mut prints = tape();
    let numbers: Vec<u64> =
        (0..2_000u64).map(|i| (i * 7_919) % 2_003).chain([u64::MAX, 1 << 40]).collect();
    for &number in &numbers {
        assert!(prints.keep(SYMBOL, &print(number, number as i64 & 0xFFFF), &Marks::default()));
    }
    for &number in &numbers {
        assert!(matches!(prints.break_match(SYMBOL, MatchNumber(number)), Broken::Print(..)));
    }
    assert_eq!(prints.break_match(SYMBOL, MatchNumber(2_500)), Broken::Unknown);
    assert_eq!(prints.break_match(SymbolId(4), MatchNumber(5)), Broken::Unknown);
}

#[test]
fn a_repeated_match_number_names_its_latest_print() {
    let mut prints = tape();
    for price in [1, 2] {
        assert!(prints.keep(SYMBOL, &print(9, price), &Marks::default()));
    }
    let Broken::Print(broken, _) = prints.break_match(SYMBOL, MatchNumber(9)) else { panic!() };
    assert_eq!(broken.price, Price(2));
    assert_eq!(prints.break_match(SYMBOL, MatchNumber(9)), Broken::Unknown);
}

#[test]
fn an_uncounted_match_is_known_but_breaks_nothing() {
    let mut prints = tape();
    assert!(prints.keep_uncounted(SYMBOL, MatchNumber(1)));
    assert_eq!(prints.break_match(SYMBOL, MatchNumber(1)), Broken::Uncounted);
    assert_eq!(prints.break_match(SYMBOL, MatchNumber(1)), Broken::Uncounted);
    assert_eq!(prints.extremes(SYMBOL), None);
}

#[test]
fn a_full_tape_refuses_without_harm() {
    let mut prints = Prints::new(16, BLOCK).unwrap();
    for number in 0..BLOCK as u64 {
        assert!(prints.keep(SYMBOL, &print(number, 5), &Marks::default()));
    }
    assert!(!prints.keep(SYMBOL, &print(1_000, 5), &Marks::default()));
    assert_eq!(prints.break_match(SYMBOL, MatchNumber(1_000)), Broken::Unknown);
}
