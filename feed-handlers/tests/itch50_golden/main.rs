//! Golden bytes of every ITCH 5.0 message, put together by hand from the tables of the
//! specification, field by field. The encoder must write exactly these, and the parser must read the
//! values that stand beside them.

mod administrative;
mod auctions;
mod orders;
mod trades;

use feed_handlers::itch50::{Encoder, Header, Stock};

/// Locate 0x1234, tracking number 0x5678, 09:30:00.000000001.
const HEADER: Header = Header {
    locate: 4_660,
    tracking: 22_136,
    time_of_day_ns: 34_200_000_000_001,
};
/// [`HEADER`] as it stands behind the type byte.
const HEAD: &str = "1234 5678 1f1aced9f001";
const AAPL: Stock = Stock(*b"AAPL    ");
const BRK: Stock = Stock(*b"BRK.A   ");

/// The bytes that rows of hexadecimal digits spell.
fn bytes(rows: &[&str]) -> Vec<u8> {
    let digits: Vec<u8> = rows
        .iter()
        .flat_map(|row| row.chars())
        .filter(|digit| *digit != ' ')
        .map(|digit| digit.to_digit(16).expect("a hexadecimal digit") as u8)
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in {rows:?}");
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Asserts that `write` writes `golden` and nothing else, framed by its length.
fn assert_written(golden: &[u8], write: impl FnOnce(&mut Encoder)) {
    let mut encoder = Encoder::new();
    write(&mut encoder);
    assert_eq!(encoder.last_message(), Some(golden));
    assert_eq!(encoder.bytes()[..2], (golden.len() as u16).to_be_bytes());
    assert_eq!(encoder.bytes().len(), 2 + golden.len());
}

/// Binds the view that `golden` parses to, after checking what every message begins with.
macro_rules! parsed {
    ($golden:expr, $variant:ident) => {{
        let message = Message::parse($golden).expect("golden bytes are a message");
        assert_eq!(message.head().message_type(), $golden[0]);
        assert_eq!(message.head().locate(), 4_660);
        assert_eq!(message.head().symbol(), engine::units::SymbolId(4_660));
        assert_eq!(message.head().tracking(), 22_136);
        assert_eq!(message.head().time_of_day_ns(), 34_200_000_000_001);
        let Message::$variant(view) = message else {
            panic!("{message:?} is of another type");
        };
        view
    }};
}
use parsed;
