//! The usual line, eight bytes at a time.
//!
//! ```text
//!  AAPL,1577716500123456789,286.67,100⏎          AAPL,2019-12-30T14:35:00.123456789Z,286.67,100⏎
//!  └ word: where is the comma, is a quote before it    └ the second before's bytes: its value again
//! ```
//! Nothing is decided here that [`super::line`] would decide otherwise: a line is read whole and right
//! or left to it, with `None`. Left are quotes, faults, signs, symbols of 16 bytes or more, prices of more
//! than 7 digits or 8 decimals, quantities of more than 8 digits, and what the bytes at hand cut off.

use engine::units::{Nanos, Price, Qty};

use super::time::{self, SECOND_BYTES};

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
const ZERO_DIGITS: u64 = u64::from_le_bytes([b'0'; 8]);

const POWERS_OF_TEN: [u64; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// A line that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SwiftLine {
    /// The symbol is the line's first bytes, so many.
    pub(super) symbol_bytes: usize,
    pub(super) time: Nanos,
    pub(super) price: Price,
    pub(super) quantity: Qty,
    /// Bytes of the line, its end included.
    pub(super) bytes: usize,
}

/// The last `YYYY-MM-DDTHH:MM:SS` that was read: most stamps begin like the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastSecond {
    stamp: [u8; SECOND_BYTES],
    since_epoch_s: i64,
}

impl LastSecond {
    /// Where time begins, before any was read.
    pub(super) const EPOCH: LastSecond =
        LastSecond { stamp: *b"1970-01-01T00:00:00", since_epoch_s: 0 };

    #[inline]
    fn read(&mut self, stamp: &[u8; SECOND_BYTES]) -> Option<i64> {
        if *stamp != self.stamp {
            *self = LastSecond { stamp: *stamp, since_epoch_s: time::second(stamp).ok()? };
        }
        Some(self.since_epoch_s)
    }
}

/// Reads the line that `bytes` begin with.
#[inline]
pub(super) fn parse(bytes: &[u8], last: &mut LastSecond) -> Option<SwiftLine> {
    let symbol_bytes = symbol_bytes(bytes)?;
    let (time, at) = instant(bytes, symbol_bytes + 1, last)?;
    let (price, at) = price(bytes, at)?;
    let (quantity, at) = digits(bytes, at)?;
    let end_bytes = match *bytes.get(at..at + 2)? {
        [b'\n', _] => 1,
        [b'\r', b'\n'] => 2,
        _ => return None,
    };
    Some(SwiftLine { symbol_bytes, time, price, quantity: Qty(quantity), bytes: at + end_bytes })
}

/// The eight bytes at `at`, the first one lowest.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// The high bits of the bytes that are `byte`. Right for the lowest, and missing none; above it there
/// may be more.
#[inline]
const fn matches(word: u64, byte: u8) -> u64 {
    let zeroed = word ^ (ONES * byte as u64);
    zeroed.wrapping_sub(ONES) & !zeroed & HIGH_BITS
}

/// Bytes before the first comma: 1 to 15, without a quote or a line end.
#[inline]
fn symbol_bytes(bytes: &[u8]) -> Option<usize> {
    let low = word(bytes, 0)?;
    let (commas, odd) = (matches(low, b','), odd_in_symbol(low));
    if commas != 0 {
        // Bits below the comma's; what is odd above it is another field's.
        let before = commas.trailing_zeros();
        let is_plain = odd.trailing_zeros() > before;
        return (is_plain && before > 7).then_some(before as usize / 8);
    }
    let high = word(bytes, 8)?;
    let before = matches(high, b',').trailing_zeros();
    let is_plain = odd == 0 && odd_in_symbol(high).trailing_zeros() > before;
    (is_plain && before < u64::BITS).then_some(8 + before as usize / 8)
}

/// The high bits of quotes and line ends.
#[inline]
const fn odd_in_symbol(word: u64) -> u64 {
    matches(word, b'"') | matches(word, b'\n') | matches(word, b'\r')
}

/// How many of the first bytes of `word` are digits.
#[inline]
const fn leading_digits(word: u64) -> usize {
    // A digit has 3 above, and stays below 4 when 6 is added. A carry from a byte that is no digit
    // reaches only those behind it.
    let high = word & (ONES * 0xf0);
    let carried = word.wrapping_add(ONES * 6) & (ONES * 0xf0);
    let others = (high ^ (ONES * 0x30)) | (carried ^ (ONES * 0x30));
    (others.trailing_zeros() / 8) as usize
}

/// The value of the first `count` bytes of `word`, which are digits, from 1 to 8.
#[inline]
const fn value(word: u64, count: usize) -> u64 {
    // Bytes shifted in are zeros before the number.
    let digits = (word.wrapping_sub(ZERO_DIGITS) & (ONES * 0x0f)) << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// One to eight digits at `at` and what stands behind them.
#[inline]
fn digits(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = word(bytes, at)?;
    let count = leading_digits(word);
    (count > 0).then(|| (value(word, count), at + count))
}

/// The instant at `at`, and where the field behind it begins.
#[inline]
fn instant(bytes: &[u8], at: usize, last: &mut LastSecond) -> Option<(Nanos, usize)> {
    let first = word(bytes, at)?;
    if leading_digits(first) == 8 { whole_ns(bytes, at, first) } else { stamp(bytes, at, last) }
}

/// Eight to 18 digits, or 19 that fit.
#[inline]
fn whole_ns(bytes: &[u8], at: usize, first: u64) -> Option<(Nanos, usize)> {
    let second = word(bytes, at + 8)?;
    let count = leading_digits(second);
    let (ns, end) = if count < 8 {
        let low = if count == 0 { 0 } else { value(second, count) };
        (value(first, 8) * POWERS_OF_TEN[count] + low, at + 8 + count)
    } else {
        let high = value(first, 8) * POWERS_OF_TEN[8] + value(second, 8);
        let third = word(bytes, at + 16)?;
        match leading_digits(third) {
            // As all times since 2001 have: a place that is known before the digits are looked at.
            3 => (high * 1_000 + value(third, 3), at + 19),
            0 => (high, at + 16),
            count @ (1 | 2) => (high * POWERS_OF_TEN[count] + value(third, count), at + 16 + count),
            _ => return None,
        }
    };
    let ns = i64::try_from(ns).ok()?;
    (*bytes.get(end)? == b',').then_some((Nanos(ns), end + 1))
}

/// RFC 3339.
#[inline]
fn stamp(bytes: &[u8], at: usize, last: &mut LastSecond) -> Option<(Nanos, usize)> {
    let rest = bytes.get(at..)?;
    let (stamp, rest) = rest.split_first_chunk::<SECOND_BYTES>()?;
    let mut second = last.read(stamp)?;
    let (fraction_ns, mut end) = fraction(rest)?;
    match *rest.get(end)? {
        b'Z' | b'z' => end += 1,
        b'+' | b'-' => {
            second -= time::offset_s(rest.get(end..end + 6)?).ok()?;
            end += 6;
        }
        _ => return None,
    }
    let ns = second.checked_mul(Nanos::SECOND)?.checked_add(fraction_ns)?;
    (*rest.get(end)? == b',').then_some((Nanos(ns), at + SECOND_BYTES + end + 1))
}

/// The decimals of a second that `rest` may begin with, in ns, and where they end.
#[inline]
fn fraction(rest: &[u8]) -> Option<(i64, usize)> {
    if *rest.first()? != b'.' {
        return Some((0, 0));
    }
    let fraction = word(rest, 1)?;
    let count = leading_digits(fraction);
    let ninth = rest.get(9)?.wrapping_sub(b'0');
    let (ns, end) = match count {
        0 => return None,
        // A place that is known before the digits are looked at.
        8 if ninth < 10 => (value(fraction, 8) * 10 + u64::from(ninth), 10),
        count => (value(fraction, count) * POWERS_OF_TEN[9 - count], 1 + count),
    };
    Some((ns as i64, end))
}

/// The price at `at`, and where the field behind it begins.
#[inline]
fn price(bytes: &[u8], at: usize) -> Option<(Price, usize)> {
    let (whole, end) = digits(bytes, at)?;
    if end - at > 7 {
        return None;
    }
    let whole = whole as i64 * Price::ONE;
    match *bytes.get(end)? {
        b',' => Some((Price(whole), end + 1)),
        b'.' => {
            let (decimals, behind) = digits(bytes, end + 1)?;
            let scale = POWERS_OF_TEN[9 - (behind - end - 1)];
            let price = Price(whole + (decimals * scale) as i64);
            (*bytes.get(behind)? == b',').then_some((price, behind + 1))
        }
        _ => None,
    }
}
