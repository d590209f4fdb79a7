//! The three steps of an ignition, each at its thresholds, and what interrupts them.

use super::State;
use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, Rehearsal, SECOND};
use crate::units::Side;

const NAME: &str = "momentum_ignition";

/// A market whose quote, 4 cents wide, is put where a test wants it, second by second.
struct Quoted {
    rehearsal: Rehearsal,
    orders: [u64; 2],
    mid: i64,
}

impl Quoted {
    /// 300 s in which the mid goes a cent to and fro and each side trades 50 shares a second.
    fn new() -> Quoted {
        let mut quoted = Quoted::before();
        for second in 0..300 {
            quoted.second(100 * DOLLAR + second % 2 * CENT, 50, 50);
        }
        quoted
    }

    fn before() -> Quoted {
        let mut rehearsal = Rehearsal::with(&[("", "opening", 0.0), ("", "reopening", 0.0)]);
        let mid = 100 * DOLLAR;
        let orders = [
            rehearsal.add(Side::Buy, mid - 2 * CENT, 10_000),
            rehearsal.add(Side::Sell, mid + 2 * CENT, 10_000),
        ];
        Quoted { rehearsal, orders, mid }
    }

    /// The same with a mid that stays.
    fn still() -> Quoted {
        let mut quoted = Quoted::before();
        (0..300).for_each(|_| quoted.second(100 * DOLLAR, 50, 50));
        quoted
    }

    /// The quote goes to a mid, so much is bought and sold there, a second passes.
    fn second(&mut self, mid: i64, bought: u64, sold: u64) {
        self.orders.into_iter().for_each(|order| self.rehearsal.delete(order));
        self.mid = mid;
        self.orders = [
            self.rehearsal.add(Side::Buy, mid - 2 * CENT, 10_000),
            self.rehearsal.add(Side::Sell, mid + 2 * CENT, 10_000),
        ];
        if bought > 0 {
            self.rehearsal.execute(self.orders[1], bought);
        }
        if sold > 0 {
            self.rehearsal.execute(self.orders[0], sold);
        }
        self.rehearsal.pass(SECOND);
    }

    /// A push of `cents` in five seconds with so much bought and sold in each, and the way back by
    /// `back` in ten.
    fn pushed(mut self, cents: i64, bought: u64, sold: u64, back: i64) -> Rehearsal {
        let start = self.mid;
        for step in 1..=5 {
            self.second(start + cents * CENT * step / 5, bought, sold);
        }
        let top = self.mid;
        for step in 1..=10 {
            self.second(top - back * CENT * step / 10, 10, 10);
        }
        for _ in 0..10 {
            self.second(self.mid, 50, 50);
        }
        self.rehearsal
    }
}

#[test]
fn a_one_sided_burst_a_move_and_its_reversal_are_one_alert() {
    for (cents, bought, sold, back) in [(50, 2_000, 100, 40), (-50, 100, 2_000, -40)] {
        let rehearsal = Quoted::new().pushed(cents, bought, sold, back);
        let (opened, closed) = (rehearsal.opened(NAME), rehearsal.closed(NAME));
        assert_eq!((opened.len(), closed.len()), (1, 1));
        let [burst, moved, part, undone] = opened[0].figures;
        assert!(burst >= 5.0 && moved >= 5.0 && undone >= 0.5, "{opened:?}");
        assert!((part - cents as f64 / 10_000.0).abs() < 3e-4, "{opened:?}");
        // From the burst on.
        assert!(opened[0].end.0 - opened[0].start.0 > 8 * SECOND);
    }
}

#[test]
fn without_any_of_the_three_there_is_none() {
    for (why, cents, bought, sold, back) in [
        ("little volume", 50, 60, 0, 40),
        ("both sides", 50, 2_000, 1_000, 40),
        ("hardly a move", 3, 2_000, 0, 3),
        ("no reversal", 50, 2_000, 0, 20),
        ("the other way", -50, 2_000, 0, -40),
    ] {
        let rehearsal = Quoted::new().pushed(cents, bought, sold, back);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "{why}");
    }
}

#[test]
fn a_reversal_that_comes_late_is_another_story() {
    for (seconds, alerts) in [(60, 1), (125, 0)] {
        let mut quoted = Quoted::new();
        let start = quoted.mid;
        for step in 1..=5 {
            quoted.second(start + 10 * CENT * step, 2_000, 0);
        }
        for _ in 0..seconds {
            quoted.second(start + 50 * CENT, 50, 50);
        }
        for _ in 0..3 {
            quoted.second(start, 50, 50);
        }
        assert_eq!(quoted.rehearsal.opened(NAME).len(), alerts, "{seconds}");
    }
}

#[test]
fn a_halt_or_an_auction_within_it_ends_it() {
    let mut quoted = Quoted::new();
    let start = quoted.mid;
    for step in 1..=5 {
        quoted.second(start + 10 * CENT * step, 2_000, 0);
    }
    quoted.rehearsal.action(b'H');
    quoted.rehearsal.pass(10 * SECOND);
    quoted.rehearsal.cross(b'H', start, 50_000);
    quoted.rehearsal.action(b'T');
    for _ in 0..20 {
        quoted.second(start, 50, 50);
    }
    assert_eq!(quoted.rehearsal.opened(NAME).len(), 0);
}

#[test]
fn in_the_opening_it_is_not_armed_and_a_gap_is_no_burst() {
    let mut quoted = Quoted::new();
    quoted.rehearsal.lose(100_000);
    quoted.rehearsal.pass(MINUTE);
    let rehearsal = quoted.pushed(50, 100, 0, 40);
    assert_eq!(rehearsal.opened(NAME).len(), 0);
    let mut rehearsal = Rehearsal::with(&[]);
    let mid = 100 * DOLLAR;
    let orders = [
        rehearsal.add(Side::Buy, mid - 2 * CENT, 10_000),
        rehearsal.add(Side::Sell, mid + 2 * CENT, 10_000),
    ];
    let mut quoted = Quoted { rehearsal, orders, mid };
    for second in 0..300 {
        quoted.second(100 * DOLLAR + second % 2 * CENT, 50, 50);
    }
    assert_eq!(quoted.pushed(50, 2_000, 0, 40).opened(NAME).len(), 0);
    assert_eq!(size_of::<State>(), 128);
}

/// A burst of a second with so much bought and sold, then the mid goes by `up` (1e-9 units) after so many
/// seconds since the burst began, back by `back` after so many; the alerts.
fn told(
    mut quoted: Quoted,
    (bought, sold): (u64, u64),
    (up, after): (i64, i64),
    (back, until): (i64, i64),
) -> Vec<crate::detect::Alert> {
    let start = quoted.mid;
    quoted.second(start, bought, sold);
    // A burst is of five seconds, of which this was the last: it began four before its end.
    (5..after).for_each(|_| quoted.second(start, 50, 50));
    (after..until).for_each(|_| quoted.second(start + up, 50, 50));
    (0..10).for_each(|_| quoted.second(start + up - back, 50, 50));
    quoted.rehearsal.opened(NAME)
}

const UP: i64 = 40 * CENT;

#[test]
fn four_fifths_of_one_side_are_a_burst_and_less_is_none() {
    // With 200 of each side in the four seconds before it: 4,800 of 6,000, and of 6,001.
    for (sold, alerts) in [(1_000, 1), (1_001, 0)] {
        let told = told(Quoted::still(), (4_600, sold), (UP, 8), (UP, 12));
        assert_eq!(told.len(), alerts, "{sold}");
    }
}

#[test]
fn five_deviations_of_volume_are_a_burst_and_less_is_none() {
    // What the volume's mean and deviation are is told by two bursts that are large enough.
    let sigmas = |bought: u64| {
        let told = told(Quoted::still(), (bought, 0), (UP, 8), (UP, 12));
        told.first().map(|alert| alert.figures[0])
    };
    let (less, more) = (sigmas(4_000).unwrap(), sigmas(8_000).unwrap());
    let sigma = 4_000.0 / (more - less);
    let least = (4_000.0 - (less - 5.0) * sigma).ceil() as u64;
    // Of more than the 400 shares before it four fifths are of one side.
    assert!((700..3_900).contains(&least), "{least}");
    assert!(sigmas(least + 1).is_some_and(|sigmas| (5.0..5.1).contains(&sigmas)));
    assert_eq!(sigmas(least - 1), None);
}

#[test]
fn five_deviations_and_three_cents_are_a_move_and_less_is_none() {
    // A mid that goes a cent to and fro has a deviation that the figure of a large move tells.
    let figure = |up: i64| {
        let told = told(Quoted::new(), (4_000, 0), (up, 8), (up, 12));
        told.first().map(|alert| alert.figures[1])
    };
    let large = figure(UP).unwrap();
    // Before the burst the mid was a cent lower.
    let least = ((UP + CENT) as f64 * 5.0 / large) as i64 - CENT;
    assert!((5 * CENT..35 * CENT).contains(&least), "{least}");
    assert!(figure(least + 10_000).is_some_and(|sigmas| (5.0..5.01).contains(&sigmas)));
    assert_eq!(figure(least - 10_000), None);
    // Where nothing ever moves, three cents it must be.
    for (up, alerts) in [(3 * CENT, 1), (3 * CENT - 1_000, 0)] {
        let told = told(Quoted::still(), (4_000, 0), (up, 8), (up, 12));
        assert_eq!(told.len(), alerts, "{up}");
    }
}

#[test]
fn half_of_the_way_back_is_a_reversal_and_less_is_none() {
    for (back, alerts) in [(UP / 2, 1), (UP / 2 - 1_000, 0)] {
        let told = told(Quoted::still(), (4_000, 0), (UP, 8), (back, 12));
        assert_eq!(told.len(), alerts, "{back}");
    }
}

#[test]
fn the_move_takes_thirty_seconds_at_most_and_the_reversal_two_minutes() {
    for (after, until, alerts) in [(30, 40, 1), (31, 40, 0), (8, 120, 1), (8, 121, 0)] {
        let told = told(Quoted::still(), (4_000, 0), (UP, after), (UP, until));
        assert_eq!(told.len(), alerts, "{after} {until}");
    }
}
