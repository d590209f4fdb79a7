//! Price bands of each tier and price, how the reference follows, limit states.

use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, Rehearsal, SECOND};
use crate::detect::{Change, Settings};
use crate::units::Side;

const NAME: &str = "luld_proximity";
const OPEN: i64 = 100 * DOLLAR;

/// A symbol of a tier that has opened at a price, without orders.
fn opened(tier: u8, price: i64) -> Rehearsal {
    let mut rehearsal = Rehearsal::with(&[]);
    rehearsal.directory(tier, b'N', 0);
    rehearsal.cross(b'O', price, 10_000);
    rehearsal.pass(SECOND);
    rehearsal
}

#[test]
fn nine_tenths_of_the_way_to_the_band_of_its_tier_and_price_are_near() {
    let tick = CENT / 100;
    for (tier, price, width) in [
        (b'1', OPEN, 5 * DOLLAR),
        (b'2', OPEN, 10 * DOLLAR),
        (b'1', 2 * DOLLAR, 40 * CENT),
        (b'2', DOLLAR / 2, 15 * CENT),
        (b'2', DOLLAR / 10, 75 * CENT / 10),
    ] {
        for sign in [-1, 1] {
            for (away, alerts) in [(width * 9 / 10 - tick, 0), (width * 9 / 10 + tick, 1)] {
                let mut rehearsal = opened(tier, price);
                rehearsal.hidden(price + sign * away, 100);
                let told = rehearsal.opened(NAME);
                assert_eq!(told.len(), alerts, "{price} {away}");
                for alert in told {
                    assert_eq!(alert.figures[1], price as f64 / 1e9);
                    assert_eq!(alert.figures[3], 0.0);
                }
            }
        }
    }
}

#[test]
fn without_a_tier_there_are_no_bands_and_without_a_directory_they_are_wide() {
    let mut rehearsal = opened(b' ', OPEN);
    rehearsal.hidden(150 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    let mut rehearsal = Rehearsal::with(&[]);
    rehearsal.cross(b'O', OPEN, 10_000);
    rehearsal.hidden(108 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    rehearsal.hidden(109 * DOLLAR + CENT, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
    // A fund that moves thrice as much has thrice the band.
    let mut rehearsal = Rehearsal::with(&[]);
    rehearsal.directory(b'2', b'Y', 3);
    rehearsal.cross(b'O', OPEN, 10_000);
    rehearsal.hidden(126 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    rehearsal.hidden(128 * DOLLAR, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn the_reference_follows_the_mean_of_five_minutes_once_it_is_a_percent_away() {
    let mut rehearsal = opened(b'1', OPEN);
    // 0.9 % above for six minutes, then 2 %: from the slot after on the mean is over a percent away.
    for _ in 0..36 {
        rehearsal.hidden(OPEN + 90 * CENT, 100);
        rehearsal.pass(10 * SECOND);
    }
    rehearsal.hidden(OPEN + 450 * CENT + CENT, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
    assert_eq!(rehearsal.opened(NAME)[0].figures[1], 100.0);
    rehearsal.pass(MINUTE);
    for _ in 0..60 {
        rehearsal.hidden(OPEN + 2 * DOLLAR, 100);
        rehearsal.pass(10 * SECOND);
    }
    rehearsal.hidden(OPEN + 450 * CENT + CENT, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
    rehearsal.hidden(OPEN + 680 * CENT, 100);
    let told = rehearsal.opened(NAME);
    assert_eq!(told.len(), 2);
    // The print that was near counts in it, too.
    assert!((101.9..102.2).contains(&told[1].figures[1]), "{told:?}");
}

#[test]
fn the_mean_is_of_all_five_minutes_up_to_the_end_of_a_slot() {
    let mut rehearsal = opened(b'1', OPEN);
    // A hundred at 104 in the first half minute, then one at 100 in each of nine: the mean stays above 103.6.
    for _ in 0..100 {
        rehearsal.hidden(OPEN + 4 * DOLLAR, 100);
    }
    for _ in 0..9 {
        rehearsal.pass(30 * SECOND);
        rehearsal.hidden(OPEN, 100);
    }
    rehearsal.pass(30 * SECOND);
    rehearsal.hidden(99 * DOLLAR, 100);
    let told = rehearsal.opened(NAME);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].figures[1], 104.0);
    // A slot later the hundred are longer ago.
    rehearsal.pass(30 * SECOND);
    rehearsal.hidden(99 * DOLLAR, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn a_slot_whose_end_nobody_saw_renews_the_reference_as_any_other() {
    let mut rehearsal = opened(b'1', OPEN);
    for _ in 0..3 {
        rehearsal.hidden(OPEN + 4 * DOLLAR, 100);
    }
    // The symbol is silent until long after its prints are forgotten.
    rehearsal.pass(6 * MINUTE);
    rehearsal.hidden(99 * DOLLAR, 100);
    let told = rehearsal.opened(NAME);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].figures[1], 104.0);
}

#[test]
fn a_limit_state_is_found_as_time_passes_and_weighs_more_the_longer_it_lasts() {
    let mut rehearsal = opened(b'1', OPEN);
    rehearsal.add(Side::Sell, 106 * DOLLAR, 100);
    let bid = rehearsal.add(Side::Buy, 105 * DOLLAR, 100);
    rehearsal.pass(SECOND);
    // The symbol's next second shows it, then it is quiet.
    rehearsal.add(Side::Buy, 90 * DOLLAR, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
    rehearsal.pass(15 * SECOND);
    rehearsal.delete(bid);
    rehearsal.pass(10 * SECOND);
    let closed = rehearsal.closed(NAME);
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].figures[..3], [105.0, 100.0, 1.0]);
    assert!((14e9..=15e9).contains(&closed[0].figures[3]), "{closed:?}");
    // 1/0.9 and a second: 2.11.
    assert!((74.0..=77.0).contains(&closed[0].score.get()), "{closed:?}");
}

#[test]
fn a_halt_takes_the_reference_away_and_its_cross_sets_it() {
    let mut rehearsal = opened(b'1', OPEN);
    rehearsal.action(b'P');
    rehearsal.pass(MINUTE);
    rehearsal.cross(b'H', 120 * DOLLAR, 5_000);
    rehearsal.action(b'T');
    rehearsal.hidden(121 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    rehearsal.hidden(126 * DOLLAR, 100);
    assert_eq!(rehearsal.opened(NAME)[0].figures[..3], [126.0, 120.0, 1.0]);
}

#[test]
fn before_market_hours_there_are_no_bands_and_in_the_closing_run_those_of_tier_1_are_double() {
    let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
    rehearsal.directory(b'1', b'N', 0);
    for step in 0..30 {
        rehearsal.hidden(OPEN + step * DOLLAR, 100);
        rehearsal.pass(10 * SECOND);
    }
    assert_eq!(rehearsal.told(NAME), []);
    let mut rehearsal = opened(b'1', OPEN);
    rehearsal.imbalance(b'C', b'B', 1_000, 100, 1_000_000);
    rehearsal.pass(SECOND);
    rehearsal.hidden(105 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    rehearsal.hidden(110 * DOLLAR, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn without_a_cross_the_first_half_minute_of_prints_is_the_reference() {
    let mut rehearsal = Rehearsal::with(&[]);
    rehearsal.directory(b'1', b'N', 0);
    rehearsal.hidden(OPEN, 100);
    rehearsal.pass(SECOND);
    rehearsal.hidden(200 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    rehearsal.lose(500);
    rehearsal.pass(MINUTE);
    rehearsal.hidden(150 * DOLLAR, 100);
    assert_eq!(rehearsal.told(NAME), []);
    rehearsal.hidden(143 * DOLLAR, 100);
    assert_eq!(rehearsal.opened(NAME).len(), 1);
}

#[test]
fn a_break_of_the_print_takes_the_alert_back() {
    let mut rehearsal = opened(b'1', OPEN);
    let number = rehearsal.hidden(95 * DOLLAR, 100);
    rehearsal.break_print(number);
    assert_eq!(rehearsal.told(NAME).last().map(|alert| alert.change), Some(Change::Retract));
}
