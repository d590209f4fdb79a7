//! The life of an alert, as all detectors have it: when it opens, what holds it up, when it ends.
//!
//! Shown with prints off the market, whose level is the distance from a bid of 100 in dollars (1 % is the
//! threshold), and with symbols gone silent, which must be known for a while.

use crate::detect::phase::Phase;
use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
use crate::detect::{Alert, Change, Settings};
use crate::units::Side;

const NAME: &str = "off_market_print";

const BID: i64 = 100 * DOLLAR;

fn market_with(changes: &[(&str, &str, f64)]) -> Rehearsal {
    let mut rehearsal = Rehearsal::with(changes);
    rehearsal.fill(BID, BID + 2 * CENT, 5, 300);
    rehearsal.pass(2 * SECOND);
    rehearsal
}

fn market() -> Rehearsal {
    market_with(&[])
}

/// A print so far below the bid that the level is `hundredths` of a hundred.
fn print(rehearsal: &mut Rehearsal, hundredths: i64) -> u64 {
    rehearsal.hidden(BID - hundredths * CENT, 100)
}

#[test]
fn an_alert_opens_at_its_thresholds_and_not_before() {
    let mut rehearsal = market();
    print(&mut rehearsal, 99);
    assert_eq!(rehearsal.told(NAME), []);
    print(&mut rehearsal, 100);
    let opened = rehearsal.opened(NAME);
    assert_eq!(opened.len(), 1);
    let alert = opened[0];
    assert_eq!((alert.opened.0, alert.last.0), (rehearsal.sequence(), rehearsal.sequence()));
    assert_eq!((alert.start.0, alert.end.0), (rehearsal.now(), rehearsal.now()));
    assert_eq!((alert.symbol, alert.is_suspect), (rehearsal.symbol(), false));
}

#[test]
fn half_of_its_thresholds_holds_it_up_and_less_does_not() {
    for (hundredths, is_held) in [(50, true), (49, false)] {
        let mut rehearsal = market();
        print(&mut rehearsal, 150);
        let begun = (rehearsal.now(), rehearsal.sequence());
        for _ in 0..5 {
            rehearsal.pass(800 * MS);
            print(&mut rehearsal, hundredths);
        }
        let held = (rehearsal.now(), rehearsal.sequence());
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        let closed = rehearsal.closed(NAME);
        assert_eq!(closed.len(), 1);
        let last = if is_held { held } else { begun };
        assert_eq!((closed[0].end.0, closed[0].last.0), last, "{hundredths}");
        assert_eq!((closed[0].start.0, closed[0].first.0), begun);
        // The greatest level, 1.5, and its figures stay.
        assert_eq!(closed[0].score.get(), 66.6);
        assert_eq!(closed[0].figures[0], 98.5);
    }
}

#[test]
fn what_follows_within_the_cool_down_is_the_same_alert() {
    for (cool_down_s, alerts) in [(5, 1), (3, 2)] {
        let cool_down = cool_down_s as f64 * 1e9;
        let mut rehearsal = market_with(&[(NAME, "cool_down", cool_down)]);
        print(&mut rehearsal, 150);
        let first = rehearsal.sequence();
        rehearsal.pass(4 * SECOND);
        print(&mut rehearsal, 200);
        rehearsal.pass(10 * SECOND);
        let (opened, closed) = (rehearsal.opened(NAME), rehearsal.closed(NAME));
        assert_eq!((opened.len(), closed.len()), (alerts, alerts), "{cool_down_s}");
        assert_eq!((closed[0].opened.0, opened[0].opened.0), (first, first));
        assert_eq!(closed[alerts - 1].score.get(), 75.0);
    }
}

#[test]
fn an_alert_ends_as_time_passes_though_its_symbol_is_quiet() {
    let mut rehearsal = market();
    print(&mut rehearsal, 150);
    let last = rehearsal.sequence();
    // Another symbol's messages, until the cool-down is over and a line behind it has passed.
    rehearsal.pass(950 * MS);
    assert_eq!(rehearsal.closed(NAME).len(), 0);
    rehearsal.pass(200 * MS);
    let closed = rehearsal.closed(NAME);
    assert_eq!((closed.len(), closed[0].last.0), (1, last));
}

#[test]
fn it_is_told_once_whatever_time_is_jumped_over() {
    for jump in [30 * SECOND, 90 * MINUTE] {
        let mut rehearsal = market();
        print(&mut rehearsal, 150);
        rehearsal.wait(jump);
        rehearsal.turn_to(2);
        rehearsal.add(Side::Buy, BID, 100);
        assert_eq!((rehearsal.opened(NAME).len(), rehearsal.closed(NAME).len()), (1, 1));
        rehearsal.pass(MINUTE);
        assert_eq!(rehearsal.told(NAME).len(), 2);
    }
}

#[test]
fn it_opens_from_the_least_score_on_that_is_set_and_not_where_it_is_disabled() {
    // A level of 2 is a score of 75.
    for (name, value, alerts) in
        [("min_score", 75.0, 1), ("min_score", 75.1, 0), ("enabled", 0.0, 0), ("enabled", 1.0, 1)]
    {
        let mut rehearsal = market_with(&[(NAME, name, value)]);
        print(&mut rehearsal, 150);
        print(&mut rehearsal, 200);
        rehearsal.pass(5 * SECOND);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), alerts, "{name} {value}");
        assert_eq!(rehearsal.closed(NAME).len(), alerts);
    }
    let mut rehearsal = market_with(&[("", "enabled", 0.0)]);
    print(&mut rehearsal, 150);
    assert_eq!(rehearsal.told(NAME), []);
}

#[test]
fn the_phase_arms_it_and_stands_in_the_alert() {
    let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
    let one = |rehearsal: &mut Rehearsal| {
        let before = rehearsal.opened(NAME).len();
        print(rehearsal, 150);
        rehearsal.pass(5 * SECOND);
        let opened = rehearsal.opened(NAME);
        opened.get(before).map(|alert: &Alert| alert.phase)
    };
    rehearsal.action(b'T');
    rehearsal.fill(BID, BID + 2 * CENT, 5, 300);
    assert_eq!(one(&mut rehearsal), None, "before market hours");
    rehearsal.system(b'Q');
    let opened = rehearsal.now();
    assert_eq!(one(&mut rehearsal), Some(Phase::Opening));
    rehearsal.pass(opened + 15 * MINUTE - rehearsal.now() - SECOND);
    assert_eq!(one(&mut rehearsal), Some(Phase::Opening));
    assert_eq!(one(&mut rehearsal), Some(Phase::Continuous));
    rehearsal.action(b'H');
    assert_eq!(one(&mut rehearsal), None, "halted");
    let resumed = rehearsal.now();
    rehearsal.action(b'T');
    assert_eq!(one(&mut rehearsal), None, "reopening");
    rehearsal.pass(resumed + 5 * MINUTE - rehearsal.now());
    assert_eq!(one(&mut rehearsal), Some(Phase::Continuous));
    rehearsal.imbalance(b'C', b'B', 100, 100, 1_000_000);
    assert_eq!(one(&mut rehearsal), Some(Phase::Closing));
    rehearsal.system(b'M');
    assert_eq!(one(&mut rehearsal), None, "after market hours");
}

#[test]
fn an_alert_that_is_open_is_held_up_in_a_phase_in_which_none_would_open() {
    let mut rehearsal = market();
    print(&mut rehearsal, 150);
    rehearsal.pass(500 * MS);
    rehearsal.system(b'M');
    print(&mut rehearsal, 300);
    let held = rehearsal.now();
    rehearsal.pass(5 * SECOND);
    let closed = rehearsal.closed(NAME);
    assert_eq!((closed.len(), closed[0].end.0, closed[0].phase), (1, held, Phase::Opening));
    assert_eq!(closed[0].figures[0], 97.0);
}

#[test]
fn what_needs_to_be_known_first_is_told_only_then() {
    for (seconds, alerts) in [(118, 0), (123, 1)] {
        let mut rehearsal = Rehearsal::with(&[]);
        for _ in 0..seconds * 4 {
            rehearsal.add(Side::Buy, BID, 100);
            rehearsal.pass(250 * MS);
        }
        rehearsal.pass(30 * SECOND);
        assert_eq!(rehearsal.opened("stale_symbol").len(), alerts, "{seconds}");
    }
}

#[test]
fn the_end_of_input_ends_what_is_open() {
    let mut rehearsal = market();
    for symbol in [1, 2, 3] {
        rehearsal.turn_to(symbol);
        rehearsal.action(b'T');
        if symbol > 1 {
            rehearsal.fill(BID, BID + 2 * CENT, 5, 300);
        }
        print(&mut rehearsal, 150);
    }
    rehearsal.end();
    let closed = rehearsal.closed(NAME);
    assert_eq!(closed.iter().map(|alert| alert.symbol.0).collect::<Vec<u32>>(), [1, 2, 3]);
    assert!(closed.iter().all(|alert| alert.end.0 == rehearsal.now()));
}

#[test]
fn a_print_that_is_broken_takes_its_alert_back_and_no_other() {
    let mut rehearsal = market();
    let first = print(&mut rehearsal, 150);
    rehearsal.pass(5 * SECOND);
    let second = print(&mut rehearsal, 150);
    rehearsal.break_print(first);
    let told: Vec<Change> = rehearsal.told(NAME).iter().map(|alert| alert.change).collect();
    assert_eq!(told, [Change::Open, Change::Close, Change::Open, Change::Retract]);
    assert_eq!(rehearsal.told(NAME)[3].opened.0, first);
    // The one that is open: it does not end any more.
    rehearsal.break_print(second);
    rehearsal.pass(5 * SECOND);
    let told = rehearsal.told(NAME);
    assert_eq!((told.len(), told[4].change, told[4].opened.0), (5, Change::Retract, second));
}

#[test]
fn equal_input_gives_an_equal_digest_and_an_alert_is_part_of_it() {
    let day = |changes: &[(&str, &str, f64)], hundredths: i64| {
        let mut rehearsal = market_with(changes);
        print(&mut rehearsal, hundredths);
        rehearsal
    };
    let (one, other) = (day(&[], 150), day(&[], 150));
    assert_eq!(one.digest(), other.digest());
    // The same messages, without an alert.
    let silent = day(&[(NAME, "min_score", 100.0)], 150);
    assert!(one.opened(NAME).len() == 1 && silent.opened(NAME).is_empty());
    assert_ne!(one.digest(), silent.digest());
    assert_ne!(day(&[], 160).digest(), one.digest());
    let mut later = day(&[], 150);
    later.pass(5 * SECOND);
    assert_ne!(later.digest(), one.digest());
}

#[test]
fn each_alert_of_a_symbol_has_a_message_of_its_own() {
    let mut rehearsal = market();
    for _ in 0..20 {
        print(&mut rehearsal, 150);
        rehearsal.pass(1_500 * MS);
    }
    let mut opened: Vec<u64> = rehearsal.opened(NAME).iter().map(|alert| alert.opened.0).collect();
    assert_eq!(opened.len(), 20);
    opened.dedup();
    assert_eq!(opened.len(), 20);
    assert!(opened.is_sorted());
}
