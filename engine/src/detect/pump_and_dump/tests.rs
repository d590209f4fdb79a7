//! A rise and its fall, each at its thresholds, and what is neither.

use super::State;
use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, Rehearsal, SECOND};
use crate::units::Side;

const NAME: &str = "pump_and_dump";

struct Stock {
    rehearsal: Rehearsal,
    orders: [u64; 2],
}

impl Stock {
    /// An hour at `price` with 100 shares in ten seconds.
    fn new(price: i64) -> Stock {
        let mut rehearsal = Rehearsal::with(&[]);
        let orders = [
            rehearsal.add(Side::Buy, price - CENT, 100_000),
            rehearsal.add(Side::Sell, price + CENT, 100_000),
        ];
        let mut stock = Stock { rehearsal, orders };
        stock.move_to(price, price, 60, 100);
        stock
    }

    /// In so many minutes the mid goes from a price to another, every ten seconds `shares` print.
    fn move_to(&mut self, from: i64, to: i64, minutes: i64, shares: u64) {
        let steps = minutes * 6;
        for step in 1..=steps {
            self.step((from + (to - from) * step / steps) / CENT * CENT, shares);
        }
    }

    /// The mid is put at a price, `shares` print, ten seconds pass.
    fn step(&mut self, mid: i64, shares: u64) {
        self.orders.into_iter().for_each(|order| self.rehearsal.delete(order));
        self.orders = [
            self.rehearsal.add(Side::Buy, mid - CENT, 100_000),
            self.rehearsal.add(Side::Sell, mid + CENT, 100_000),
        ];
        self.rehearsal.execute(self.orders[1], shares);
        self.rehearsal.wait(10 * SECOND);
    }
}

#[test]
fn a_rise_by_a_third_on_much_volume_that_is_half_lost_is_one_alert() {
    for (why, price, percent, shares, back, alerts) in [
        ("a pump and dump", 4, 40, 1_000, 25, 1),
        ("not a third", 4, 28, 1_000, 28, 0),
        ("little volume", 4, 40, 300, 40, 0),
        ("it stays up", 4, 40, 1_000, 18, 0),
        ("no cheap stock", 12, 40, 1_000, 40, 0),
    ] {
        let mut stock = Stock::new(price * DOLLAR);
        let top = price * DOLLAR + price * percent * CENT;
        stock.move_to(price * DOLLAR, top, 30, shares);
        stock.move_to(top, top - price * back * CENT, 20, 300);
        let end = price * DOLLAR + price * (percent - back) * CENT;
        stock.move_to(end, end, 10, 100);
        let rehearsal = &mut stock.rehearsal;
        rehearsal.pass(2 * MINUTE);
        let (opened, closed) = (rehearsal.opened(NAME), rehearsal.closed(NAME));
        assert_eq!((opened.len(), closed.len()), (alerts, alerts), "{why}");
        for alert in opened {
            let [rise, ratio, retrace, peak] = alert.figures;
            assert!((rise - 0.4).abs() < 0.01 && (peak - 5.6).abs() < 0.011, "{alert:?}");
            assert!(ratio >= 5.0 && (0.5..0.6).contains(&retrace), "{alert:?}");
        }
    }
}

#[test]
fn a_rise_or_a_fall_of_half_a_day_is_none() {
    let mut stock = Stock::new(4 * DOLLAR);
    // By half in four hours, an eighth of the price in one.
    stock.move_to(4 * DOLLAR, 6 * DOLLAR, 240, 1_000);
    stock.move_to(6 * DOLLAR, 4 * DOLLAR, 30, 300);
    assert_eq!(stock.rehearsal.opened(NAME).len(), 0);
    let mut stock = Stock::new(4 * DOLLAR);
    stock.move_to(4 * DOLLAR, 5 * DOLLAR + 60 * CENT, 30, 1_000);
    stock.move_to(5 * DOLLAR + 55 * CENT, 5 * DOLLAR + 50 * CENT, 65, 300);
    stock.move_to(5 * DOLLAR + 50 * CENT, 4 * DOLLAR, 60, 100);
    assert_eq!(stock.rehearsal.opened(NAME).len(), 0);
}

#[test]
fn an_erroneous_print_a_cross_or_a_lost_stretch_is_no_peak() {
    let mut stock = Stock::new(4 * DOLLAR);
    stock.rehearsal.hidden(8 * DOLLAR, 50_000);
    stock.rehearsal.cross(b'H', 8 * DOLLAR, 100_000);
    stock.rehearsal.lose(10_000);
    stock.move_to(4 * DOLLAR, 4 * DOLLAR, 30, 100);
    assert_eq!(stock.rehearsal.opened(NAME).len(), 0);
}

#[test]
fn a_halt_within_it_does_not_hide_it() {
    let mut stock = Stock::new(4 * DOLLAR);
    stock.move_to(4 * DOLLAR, 5 * DOLLAR + 60 * CENT, 30, 1_000);
    stock.rehearsal.action(b'P');
    stock.rehearsal.pass(5 * MINUTE);
    stock.rehearsal.action(b'T');
    stock.move_to(5 * DOLLAR + 60 * CENT, 4 * DOLLAR, 10, 500);
    assert_eq!(stock.rehearsal.opened(NAME).len(), 1);
}

#[test]
fn any_bytes_are_a_state() {
    for byte in [0xffu8, 0x7f, 0x80] {
        let mut state: State = bytemuck::cast([byte; size_of::<State>()]);
        for number in [7, i64::MIN, i64::MAX] {
            state.roll(number);
            let _ = (state.least(), state.volume_ratio_from(number));
        }
    }
    assert_eq!(size_of::<State>(), 120);
}

#[test]
fn rise_fall_volume_and_price_count_from_their_very_thresholds_on() {
    // Prices in cents: from, to within half an hour, and back.
    for (why, from, to, shares, back, alerts) in [
        ("30 %", 400, 520, 1_000, 460, 1),
        ("29.75 %", 400, 519, 1_000, 459, 0),
        ("half of the rise", 400, 560, 1_000, 480, 1),
        ("less than half", 400, 560, 1_000, 481, 0),
        // The rise takes four whole slots, an hour of 100 shares every ten seconds is before it.
        ("five times the volume", 400, 560, 500, 470, 1),
        ("less volume", 400, 560, 499, 470, 0),
        ("below ten", 999, 1_400, 1_000, 1_100, 1),
        ("ten", 1_000, 1_400, 1_000, 1_100, 0),
    ] {
        let (from, to, back) = (from * CENT, to * CENT, back * CENT);
        let mut stock = Stock::new(from);
        stock.move_to(from, to, 30, shares);
        stock.move_to(to, back, 20, 300);
        stock.move_to(back, back, 10, 100);
        assert_eq!(stock.rehearsal.opened(NAME).len(), alerts, "{why}");
    }
}

#[test]
fn the_fall_comes_within_an_hour_after_the_peak() {
    // The peak is seen with the first step behind it; the last one is seen ten seconds after it.
    for (steps, alerts) in [(359, 1), (360, 0)] {
        let mut stock = Stock::new(4 * DOLLAR);
        stock.move_to(4 * DOLLAR, 5 * DOLLAR + 60 * CENT, 30, 1_000);
        (0..steps).for_each(|_| stock.step(5 * DOLLAR + 59 * CENT, 300));
        (0..5).for_each(|_| stock.step(4 * DOLLAR + 50 * CENT, 300));
        assert_eq!(stock.rehearsal.opened(NAME).len(), alerts, "{steps}");
    }
}

#[test]
fn the_rise_is_of_the_eight_slots_at_hand() {
    // 4 up to a slot of 7.5 minutes, then 4.60 for six slots or seven; 5.25 is 31 % of the one, 14 of the other.
    for (slots, alerts) in [(6, 1), (7, 0)] {
        let mut stock = Stock::new(4 * DOLLAR);
        (0..slots * 45).for_each(|_| stock.step(4 * DOLLAR + 60 * CENT, 1_000));
        (0..5).for_each(|_| stock.step(5 * DOLLAR + 25 * CENT, 1_000));
        (0..5).for_each(|_| stock.step(4 * DOLLAR + 40 * CENT, 300));
        assert_eq!(stock.rehearsal.opened(NAME).len(), alerts, "{slots}");
    }
}

#[test]
fn on_a_first_day_there_is_no_volume_that_it_would_be_many_times_of() {
    let mut rehearsal = Rehearsal::with(&[]);
    let orders = [
        rehearsal.add(Side::Buy, 4 * DOLLAR - CENT, 100_000),
        rehearsal.add(Side::Sell, 4 * DOLLAR + CENT, 100_000),
    ];
    let mut stock = Stock { rehearsal, orders };
    stock.move_to(4 * DOLLAR, 8 * DOLLAR, 30, 5_000);
    stock.move_to(8 * DOLLAR, 4 * DOLLAR, 30, 1_000);
    assert_eq!(stock.rehearsal.opened(NAME).len(), 0);
}

#[test]
fn news_that_lifts_a_price_for_good_is_none() {
    let mut stock = Stock::new(4 * DOLLAR);
    stock.move_to(4 * DOLLAR, 6 * DOLLAR, 10, 10_000);
    // To and fro above the half of it, for two hours.
    for _ in 0..12 {
        stock.move_to(6 * DOLLAR, 5 * DOLLAR + 10 * CENT, 5, 2_000);
        stock.move_to(5 * DOLLAR + 10 * CENT, 6 * DOLLAR, 5, 2_000);
    }
    assert_eq!(stock.rehearsal.opened(NAME).len(), 0);
}
