//! Durations as arguments and the configuration give them: `6h30m`, `90s`, `50ms`, `1m30s`.

use std::time::Duration;

/// The units, the longest first, and their nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads whole numbers, each with its unit, longer units first and none twice.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        String::from(
            "a duration is whole numbers with their units d, h, m, s, ms, us, ns, such as `6h30m` or `50ms`",
        )
    };
    let (mut rest, mut units, mut sum_ns) = (text, &UNITS[..], 0u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let place = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part_ns = number.checked_mul(units[place].1);
        let sum = part_ns.and_then(|part_ns| sum_ns.checked_add(part_ns));
        sum_ns = sum.ok_or("a duration of more than 584 years")?;
        (rest, units) = (behind, &units[place + 1..]);
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Duration::from_nanos(sum_ns)) }
}

/// `duration` as [`parse`] reads it, in as few parts as it has: `6h30m`, `0s`.
pub(crate) fn text(duration: Duration) -> String {
    let mut rest_ns = duration.as_nanos();
    let mut text = String::new();
    for (unit, unit_ns) in UNITS {
        let count = rest_ns / u128::from(unit_ns);
        if count > 0 {
            text += &format!("{count}{unit}");
            rest_ns %= u128::from(unit_ns);
        }
    }
    if text.is_empty() { String::from("0s") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_add_up_and_are_told_the_same_way() {
        for (given, ns) in [
            ("6h30m", 23_400_000_000_000),
            ("1d12h", 129_600_000_000_000),
            ("1m30s", 90_000_000_000),
            ("50ms", 50_000_000),
            ("1s1ms1us1ns", 1_001_001_001),
            ("0s", 0),
        ] {
            let duration = Duration::from_nanos(ns);
            assert_eq!(parse(given), Ok(duration), "{given}");
            assert_eq!(text(duration), given);
        }
        assert_eq!(parse("90s"), parse("1m30s"));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "1s1s",
            "1s1h",
            "1h1d",
            "1D",
            "1 s",
            "1sec",
            "1é",
            "99999999999999999999s",
            "600000000h",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
