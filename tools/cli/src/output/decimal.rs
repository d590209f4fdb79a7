//! Numbers as text: prices with all nine decimals, counts with thousands apart.

use engine::units::Price;

/// `price` with exactly nine decimals, as averages are written: `3.333333333`, `286.670000000`.
pub(crate) fn nine_decimals(price: Price) -> String {
    let magnitude = price.0.unsigned_abs();
    let sign = if price.0 < 0 { "-" } else { "" };
    let one = Price::ONE.unsigned_abs();
    format!("{sign}{}.{:09}", magnitude / one, magnitude % one)
}

/// A count with commas between thousands, for people.
pub(crate) fn grouped(count: impl Into<u128>) -> String {
    let digits = count.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
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
    fn an_average_keeps_all_nine_decimals() {
        for (price, text) in [
            (0, "0.000000000"),
            (3_333_333_333, "3.333333333"),
            (286_670_000_000, "286.670000000"),
            (-1, "-0.000000001"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(nine_decimals(Price(price)), text);
        }
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
