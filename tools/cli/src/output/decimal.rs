//! Exact quotients of money as text: nine decimals, half away from zero.

/// `numerator_e9 / denominator` with nine decimals, rounded half away from zero; empty for a
/// denominator of 0.
///
/// `numerator_e9` counts 1e-9 of the currency unit, as [`engine::units::Notional`] does.
pub(crate) fn quotient_e9(numerator_e9: i128, denominator: u128) -> String {
    let Some((whole, fraction)) = rounded_e9(numerator_e9, denominator) else {
        return String::new();
    };
    let sign = if numerator_e9 < 0 && (whole, fraction) != (0, 0) {
        "-"
    } else {
        ""
    };
    format!("{sign}{whole}.{fraction:09}")
}

/// Whole units and 1e-9 units of the magnitude of `numerator_e9 / denominator`.
fn rounded_e9(numerator_e9: i128, denominator: u128) -> Option<(u128, u128)> {
    let magnitude = numerator_e9.unsigned_abs();
    let quotient = magnitude.checked_div(denominator)?;
    let remainder = magnitude % denominator;
    // Half or more of the denominator, without doubling what might be large.
    let rounded = quotient + u128::from(remainder >= denominator - remainder);
    Some((rounded / 1_000_000_000, rounded % 1_000_000_000))
}

/// A count with commas between thousands, for people.
pub(crate) fn grouped(count: impl Into<u128>) -> String {
    let digits = count.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotient_has_nine_decimals_rounded_half_away_from_zero() {
        for (numerator_e9, denominator, text) in [
            (0, 7, "0.000000000"),
            (1_000_000_000, 3, "0.333333333"),
            (2_000_000_000, 3, "0.666666667"),
            (1, 2, "0.000000001"),
            (3, 2, "0.000000002"),
            (-1, 2, "-0.000000001"),
            (-1, 3, "0.000000000"),
            (1, 3, "0.000000000"),
            (286_670_000_000, 1, "286.670000000"),
            (i128::MAX, 1, "170141183460469231731687303715.884105727"),
            (i128::MIN, u128::from(u64::MAX), "-9223372036.854775809"),
        ] {
            assert_eq!(quotient_e9(numerator_e9, denominator), text);
        }
    }

    #[test]
    fn a_quotient_by_nothing_is_empty() {
        assert_eq!(quotient_e9(5, 0), "");
    }

    #[test]
    fn thousands_are_grouped() {
        for (count, text) in [
            (0u64, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (49_947, "49,947"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }
}
