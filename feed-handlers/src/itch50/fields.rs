//! Values of single ITCH fields (specification section 3, data types), as they stand on the wire.
//!
//! Text given by a caller is checked here once, so that what is encoded is always well formed; text
//! from the wire is taken as it is, since the feed may hold anything.

use core::fmt;

use engine::units::{MatchNumber, OrderRef, Price, Qty, Side};
use thiserror::Error;

/// Why a text does not fit a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The text has more bytes than the field.
    #[error("{actual} bytes of text do not fit a field of {max}")]
    TooLong {
        /// Bytes of the field.
        max: usize,
        /// Bytes of the text.
        actual: usize,
    },
    /// A byte is not printable ASCII (0x20 to 0x7e).
    #[error("byte {byte:#04x} at offset {offset} of the text is not printable ASCII")]
    NotPrintable {
        /// Where in the text, from 0.
        offset: usize,
        /// The byte found there.
        byte: u8,
    },
}

/// Pads `text` with spaces to `N` bytes.
const fn padded<const N: usize>(text: &str) -> Result<[u8; N], FieldError> {
    let text = text.as_bytes();
    if text.len() > N {
        return Err(FieldError::TooLong { max: N, actual: text.len() });
    }
    let mut bytes = [b' '; N];
    let mut offset = 0;
    while offset < text.len() {
        let byte = text[offset];
        if byte < 0x20 || byte > 0x7e {
            return Err(FieldError::NotPrintable { offset, byte });
        }
        bytes[offset] = byte;
        offset += 1;
    }
    Ok(bytes)
}

/// A security symbol of up to 8 characters, padded with spaces on the right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Stock(pub [u8; 8]);

impl Stock {
    /// The symbol `text`, padded. Case is kept; an empty text gives a blank field.
    ///
    /// # Errors
    /// `text` has more than 8 bytes, or one that is not printable ASCII.
    pub const fn new(text: &str) -> Result<Stock, FieldError> {
        match padded(text) {
            Ok(bytes) => Ok(Stock(bytes)),
            Err(error) => Err(error),
        }
    }

    /// The symbol's bytes without the padding.
    #[must_use]
    pub const fn trimmed(&self) -> &[u8] {
        without_padding(&self.0)
    }
}

/// A market participant's identifier of up to 4 characters, padded with spaces on the right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Mpid(pub [u8; 4]);

impl Mpid {
    /// The identifier `text`, padded. Case is kept; an empty text gives a blank field.
    ///
    /// # Errors
    /// `text` has more than 4 bytes, or one that is not printable ASCII.
    pub const fn new(text: &str) -> Result<Mpid, FieldError> {
        match padded(text) {
            Ok(bytes) => Ok(Mpid(bytes)),
            Err(error) => Err(error),
        }
    }

    /// The identifier's bytes without the padding.
    #[must_use]
    pub const fn trimmed(&self) -> &[u8] {
        without_padding(&self.0)
    }
}

/// `bytes` up to the last one that is no space.
const fn without_padding(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

/// Without the padding; what is not printable ASCII is escaped.
impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.trimmed().escape_ascii())
    }
}

impl fmt::Debug for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stock({self})")
    }
}

/// Without the padding; what is not printable ASCII is escaped.
impl fmt::Display for Mpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.trimmed().escape_ascii())
    }
}

impl fmt::Debug for Mpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mpid({self})")
    }
}

/// A price in 1e-4 of a dollar, `Price(4)` on the wire. Nasdaq sends at most 200,000.0000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Price4(pub u32);

impl From<Price4> for Price {
    fn from(price: Price4) -> Price {
        Price::from_e4(price.0)
    }
}

/// A price in 1e-8 of a dollar, `Price(8)` on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Price8(pub u64);

/// Gives the value that a field's bytes stand for; any bytes have one.
pub(super) trait FromWire<Wire> {
    /// The value of `wire`.
    fn from_wire(wire: Wire) -> Self;
}

/// One row a kind of field: the bytes, the value, how one becomes the other.
macro_rules! from_wire {
    ($($wire:ty => $value:ty, $convert:expr;)*) => {
        $(impl FromWire<$wire> for $value {
            #[inline]
            fn from_wire(wire: $wire) -> $value {
                $convert(wire)
            }
        })*
    };
}

from_wire! {
    u8 => u8, |code| code;
    [u8; 2] => [u8; 2], |code| code;
    [u8; 4] => [u8; 4], |code| code;
    u8 => Option<Side>, Side::from_byte;
    [u8; 4] => u32, u32::from_be_bytes;
    [u8; 8] => u64, u64::from_be_bytes;
    [u8; 4] => Qty, |wire| Qty(u64::from(u32::from_be_bytes(wire)));
    [u8; 8] => Qty, |wire| Qty(u64::from_be_bytes(wire));
    [u8; 8] => OrderRef, |wire| OrderRef(u64::from_be_bytes(wire));
    [u8; 8] => MatchNumber, |wire| MatchNumber(u64::from_be_bytes(wire));
    [u8; 4] => Price, |wire| Price::from_e4(u32::from_be_bytes(wire));
    [u8; 8] => Price, |wire| Price::from_e8_saturating(u64::from_be_bytes(wire));
    [u8; 8] => Stock, Stock;
    [u8; 4] => Mpid, Mpid;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_padded_and_printed_without_its_padding() {
        assert_eq!(Stock::new("BRK.A").map(|stock| stock.0), Ok(*b"BRK.A   "));
        assert_eq!(Stock::new("ABCDEFGH").map(|stock| stock.0), Ok(*b"ABCDEFGH"));
        assert_eq!(Stock(*b"BRK.A   ").to_string(), "BRK.A");
        assert_eq!(Stock(*b"A B     ").to_string(), "A B");
        assert_eq!(Stock([b' '; 8]).to_string(), "");
        assert_eq!(Mpid::new("GSCO").map(|mpid| mpid.0), Ok(*b"GSCO"));
        assert_eq!(Mpid::new("UB").map(|mpid| mpid.0), Ok(*b"UB  "));
        assert_eq!(Mpid(*b"UB  ").to_string(), "UB");
    }

    #[test]
    fn text_that_does_not_fit_is_refused_and_the_reason_says_where() {
        assert_eq!(Stock::new("ABCDEFGHI"), Err(FieldError::TooLong { max: 8, actual: 9 }));
        assert_eq!(Mpid::new("NSDQX"), Err(FieldError::TooLong { max: 4, actual: 5 }));
        assert_eq!(Stock::new("AB\n"), Err(FieldError::NotPrintable { offset: 2, byte: 0x0a }));
        assert_eq!(Stock::new("é"), Err(FieldError::NotPrintable { offset: 0, byte: 0xc3 }));
        assert_eq!(Mpid::new("\x7f"), Err(FieldError::NotPrintable { offset: 0, byte: 0x7f }));
    }

    #[test]
    fn a_symbol_with_foreign_bytes_prints_them_escaped() {
        assert_eq!(Stock([b'A', 0, 0xff, b' ', b' ', b' ', b' ', b' ']).to_string(), r"A\x00\xff");
    }
}
