//! Prices and quantities from their digits, exact.

use engine::units::{Price, Qty};

use super::fault::Cause;

/// The decimals that a price can have.
const DECIMALS: usize = 9;

/// Whether these are digits, and any at all.
fn are_digits(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

/// The value of digits; none if it passes the range of `u64`.
pub(super) fn unsigned(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

/// A whole number with or without `-` before it. The outer `None`: it is none; the inner: it passes
/// the range of `i64`.
pub(super) fn signed(field: &[u8]) -> Option<Option<i64>> {
    let (is_negative, digits) = sign(field);
    are_digits(digits).then(|| {
        let magnitude = i128::from(unsigned(digits)?);
        i64::try_from(if is_negative { -magnitude } else { magnitude }).ok()
    })
}

/// Whether `-` stands before it, and the rest.
fn sign(field: &[u8]) -> (bool, &[u8]) {
    match field.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, field),
    }
}

/// Whole part and decimals of what has digits, and maybe a point with digits behind it.
fn parts(unsigned: &[u8]) -> Option<(&[u8], &[u8])> {
    let point = unsigned.iter().position(|byte| *byte == b'.');
    let (whole, decimals) = match point {
        Some(point) => (&unsigned[..point], Some(&unsigned[point + 1..])),
        None => (unsigned, None),
    };
    let is_decimal = are_digits(whole) && decimals.is_none_or(are_digits);
    is_decimal.then_some((whole, decimals.unwrap_or_default()))
}

/// A price: digits, maybe `-` before them, maybe a point and digits behind. Zeros beyond the ninth
/// decimal change nothing and are taken.
pub(super) fn price(field: &[u8]) -> Result<Price, Cause> {
    let (is_negative, rest) = sign(field);
    let (whole, decimals) = parts(rest).ok_or(Cause::NotADecimal)?;
    let (kept, beyond) = decimals.split_at(decimals.len().min(DECIMALS));
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(Cause::PriceTooFine);
    }
    let scale = 10_i128.pow((DECIMALS - kept.len()) as u32);
    let fraction = i128::from(unsigned(kept).unwrap_or(0)) * scale;
    let whole = i128::from(unsigned(whole).ok_or(Cause::PriceRange)?);
    let magnitude = whole * i128::from(Price::ONE) + fraction;
    let value = if is_negative { -magnitude } else { magnitude };
    i64::try_from(value).map(Price).map_err(|_| Cause::PriceRange)
}

/// A quantity: digits.
pub(super) fn quantity(field: &[u8]) -> Result<Qty, Cause> {
    if are_digits(field) {
        return unsigned(field).map(Qty).ok_or(Cause::QuantityRange);
    }
    let (is_negative, rest) = sign(field);
    Err(match parts(rest) {
        Some(_) if is_negative => Cause::QuantityNegative,
        Some(_) => Cause::QuantityFractional,
        None => Cause::NotAnInteger,
    })
}
