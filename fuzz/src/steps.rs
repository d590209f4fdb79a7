//! ITCH messages that seven bytes name, chosen so that they meet: few symbols, references and prices.
//!
//! ```text
//!  0    1          2       3       4       5      6      7
//!  ├ what ┼ where ┼ order ┼ price ┼ shares ┼ match ┼ time ┤
//! ```
//! `where` has the locate in its low bits and above them how references are spread: densely, over
//! many index pages, or at the ends of the number range.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{Encoder, Header, Imbalance, Price4, Stock};

/// Bytes of a step.
pub const STEP_BYTES: usize = 7;

/// Writes the messages that `bytes` name; what is left at the end names none.
pub fn write(bytes: &[u8], encoder: &mut Encoder) {
    let mut clock = Clock { time_of_day_ns: 34_200_000_000_000, unit_ns: 1 };
    for step in bytes.as_chunks().0 {
        clock.pass(step);
        message(step, &clock, encoder);
    }
}

/// As [`write`], but time passes in units of `unit_ns`, and some trading actions are system events and
/// imbalances in their place: what detectors look at takes seconds, and depends on the phase of a day.
pub fn write_day(bytes: &[u8], unit_ns: i64, encoder: &mut Encoder) {
    let mut clock = Clock { time_of_day_ns: 34_200_000_000_000, unit_ns };
    for step in bytes.as_chunks().0 {
        clock.pass(step);
        match step[0] & 0x8f {
            0x8f => notice(step, &clock, encoder),
            _ => message(step, &clock, encoder),
        }
    }
}

struct Clock {
    time_of_day_ns: u64,
    unit_ns: i64,
}

impl Clock {
    fn pass(&mut self, &[.., time]: &[u8; STEP_BYTES]) {
        // Mostly forwards, at times back.
        let units = i64::from(time as i8) + 64;
        let passed_ns = units.saturating_mul(self.unit_ns);
        self.time_of_day_ns = self.time_of_day_ns.saturating_add_signed(passed_ns);
    }

    fn header(&self, locate: u16) -> Header {
        Header { locate, tracking: 0, time_of_day_ns: self.time_of_day_ns }
    }
}

fn stock(place: u8) -> Stock {
    Stock([b'A' + (place & 3), b' ', b' ', b' ', b' ', b' ', b' ', b' '])
}

/// A system event or an imbalance.
fn notice(step: &[u8; STEP_BYTES], clock: &Clock, encoder: &mut Encoder) {
    let &[what, place, order, price, shares, near, _] = step;
    if what & 0x40 == 0 {
        return encoder.system_event(clock.header(0), b"SQMEC"[usize::from(what >> 4 & 7) % 5]);
    }
    let at = |price: u8| Price4(1_000_000 + u32::from(price) * 100);
    let imbalance = Imbalance {
        paired: u64::from(shares) * 100,
        imbalance: u64::from(order) * 100,
        direction: b"BSNO"[usize::from(place >> 2 & 3)],
        stock: stock(place),
        far: at(price),
        near: at(near),
        reference: at(price),
        cross_type: b"OCHI"[usize::from(what >> 4 & 3)],
        variation: b'L',
    };
    encoder.net_order_imbalance(clock.header(1 + u16::from(place & 3)), &imbalance);
}

fn message(step: &[u8; STEP_BYTES], clock: &Clock, encoder: &mut Encoder) {
    let &[what, place, order, price, shares, match_number, _] = step;
    let header = clock.header(1 + u16::from(place & 3));
    let reference = |number: u8| OrderRef(spread(place >> 2, number));
    let stock = stock(place);
    let price4 = Price4(1_000_000 + u32::from(price) * 100);
    let side = if what & 0x80 == 0 { Side::Buy } else { Side::Sell };
    let shares = if shares == 255 { u32::MAX } else { u32::from(shares) };
    let match_number = MatchNumber(u64::from(match_number));
    match what & 0x0f {
        0..=4 => {
            encoder.add_order(header, reference(order), side, shares, stock, price4, None);
        }
        5 | 6 => encoder.order_executed(header, reference(order), shares, match_number),
        7 => encoder.order_executed_with_price(
            header,
            reference(order),
            shares,
            match_number,
            what & 0x40 != 0,
            price4,
        ),
        8 => encoder.order_cancelled(header, reference(order), shares),
        9 => encoder.order_deleted(header, reference(order)),
        10 | 11 => encoder.order_replaced(
            header,
            reference(order),
            reference(order.wrapping_add(what >> 4)),
            shares,
            price4,
        ),
        12 => encoder.trade(header, OrderRef(0), side, shares, stock, price4, match_number),
        13 => {
            let cross_type = b"OCHI"[usize::from(what >> 6)];
            let shares = u64::from(shares) << (what >> 4 & 3);
            encoder.cross_trade(header, shares, stock, price4, match_number, cross_type);
        }
        14 => encoder.broken_trade(header, match_number),
        _ => {
            let state = b"TTTHPQZT"[usize::from(what >> 4 & 7)];
            encoder.trading_action(header, stock, state, *b"    ");
        }
    }
}

/// The reference that `number` stands for.
fn spread(how: u8, number: u8) -> u64 {
    let number = u64::from(number);
    match how & 7 {
        0..=2 => 1 + number,
        3 => 1_000_000 + number * 37,
        4 => number * 4_096,
        5 => number << 40,
        6 => u64::MAX - number,
        _ => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}
