//! Numbers as text: exact prices, averages with all nine decimals, counts with thousands apart.
//!
//! What begins with `push` adds ASCII bytes to a line; it is for files with very many lines.

use engine::units::Price;

/// `price` with exactly nine decimals, as averages are written: `3.333333333`, `286.670000000`.
pub(crate) fn nine_decimals(price: Price) -> String {
    let magnitude = price.0.unsigned_abs();
    let sign = if price.0 < 0 { "-" } else { "" };
    let one = Price::ONE.unsigned_abs();
    format!("{sign}{}.{:09}", magnitude / one, magnitude % one)
}

/// Adds the digits of `value`.
pub(crate) fn push_number(line: &mut Vec<u8>, value: u128) {
    // Of 20 digits: what fills no 64 bits is put in two pieces, or three.
    const PIECE: u128 = 10_000_000_000_000_000_000;
    match u64::try_from(value) {
        Ok(value) => push_digits(line, value, 1),
        Err(_) => {
            push_number(line, value / PIECE);
            push_digits(line, (value % PIECE) as u64, 19);
        }
    }
}

/// Adds the digits of `value` behind its sign.
pub(crate) fn push_signed(line: &mut Vec<u8>, value: i64) {
    if value < 0 {
        line.push(b'-');
    }
    push_number(line, value.unsigned_abs().into());
}

/// Adds `value` × 1e-9 as an exact decimal without trailing zeros, as prices and sums are written.
pub(crate) fn push_exact(line: &mut Vec<u8>, value: i128) {
    push_nines(line, value);
    let zeros = line.iter().rev().take_while(|digit| **digit == b'0').count().min(9);
    let point = usize::from(zeros == 9);
    line.truncate(line.len() - zeros - point);
}

/// Adds `price` as [`nine_decimals`] writes it.
pub(crate) fn push_nine_decimals(line: &mut Vec<u8>, price: Price) {
    push_nines(line, price.0.into());
}

fn push_nines(line: &mut Vec<u8>, value: i128) {
    let one = u128::from(Price::ONE.unsigned_abs());
    let magnitude = value.unsigned_abs();
    if value < 0 {
        line.push(b'-');
    }
    let (whole, fraction) = match u64::try_from(magnitude) {
        Ok(short) => (u128::from(short / one as u64), short % one as u64),
        Err(_) => (magnitude / one, (magnitude % one) as u64),
    };
    push_number(line, whole);
    line.push(b'.');
    push_digits(line, fraction, 9);
}

/// Adds the digits of `value`, `least` of them at least.
fn push_digits(line: &mut Vec<u8>, value: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut from) = (value, digits.len());
    while rest > 0 {
        from -= 1;
        digits[from] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    line.extend_from_slice(&digits[from.min(digits.len() - least)..]);
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
    use engine::units::Notional;

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
    fn what_is_added_to_a_line_is_what_formatting_gives() {
        let pushed = |push: &dyn Fn(&mut Vec<u8>)| {
            let mut line = b"x".to_vec();
            push(&mut line);
            String::from_utf8(line).unwrap()
        };
        // Of every length, and full of zeros and nines where digits are carried or cut.
        let powers = (0..39).map(|power| 10u128.pow(power));
        let near = powers.flat_map(|power| [power - 1, power, power + 1, power * 3 / 2]);
        for value in near.chain([u128::MAX, 1 << 64, i128::MIN.unsigned_abs()]) {
            assert_eq!(pushed(&|line| push_number(line, value)), format!("x{value}"));
            for value in [value as i128, (value as i128).wrapping_neg()] {
                let exact = format!("x{}", Notional(value));
                assert_eq!(pushed(&|line| push_exact(line, value)), exact);
                let short = value as i64;
                assert_eq!(pushed(&|line| push_signed(line, short)), format!("x{short}"));
                let nine = format!("x{}", nine_decimals(Price(short)));
                assert_eq!(pushed(&|line| push_nine_decimals(line, Price(short))), nine);
            }
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
