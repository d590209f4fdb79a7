//! ITCH messages that seven bytes name, chosen so that they meet: few symbols, references and prices.
//!
//! ```text
//!  0    1          2       3       4       5      6      7
//!  ├ what ┼ where ┼ order ┼ price ┼ shares ┼ match ┼ time ┤
//! ```
//! `where` has the locate in its low bits and above them how references are spread: densely, over
//! many index pages, or at the ends of the number range.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};

/// Bytes of a step.
pub const STEP_BYTES: usize = 7;

/// Writes the messages that `bytes` name; what is left at the end names none.
pub fn write(bytes: &[u8], encoder: &mut Encoder) {
    let mut time_of_day_ns = 34_200_000_000_000_u64;
    for step in bytes.chunks_exact(STEP_BYTES) {
        let &[what, place, order, price, shares, match_number, time] = step else {
            break;
        };
        // Mostly forwards, at times back.
        time_of_day_ns = time_of_day_ns.saturating_add_signed(i64::from(time as i8) + 64);
        let header = Header { locate: 1 + u16::from(place & 3), tracking: 0, time_of_day_ns };
        let reference = |number: u8| OrderRef(spread(place >> 2, number));
        let stock = Stock([b'A' + (place & 3), b' ', b' ', b' ', b' ', b' ', b' ', b' ']);
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
