//! Shares as arguments give them: `2%`, `0.05%`, `0`.

use exchange::wire::Share;

/// Digits behind the point: a share is in millionths.
const DECIMALS: usize = 4;

/// Reads a percentage from 0 % to 100 %; 0 needs no sign.
pub(crate) fn parse(text: &str) -> Result<Share, String> {
    let wrong = || String::from("a share is a percentage from 0% to 100%, such as `2%` or `0.05%`");
    if text == "0" {
        return Ok(Share::NONE);
    }
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |part: &str, digits_max| {
        (1..=digits_max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(whole, 3) || !is_number(fraction, DECIMALS) {
        return Err(wrong());
    }
    let digits = format!("{whole}{fraction:0<DECIMALS$}");
    let millionths = digits.parse().ok().and_then(Share::of_millionths);
    millionths.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_to_a_millionth() {
        for (text, millionths) in [
            ("2%", 20_000),
            ("0.05%", 500),
            ("0.0001%", 1),
            ("100%", 1_000_000),
            ("100.0%", 1_000_000),
            ("0%", 0),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(Share::of_millionths(millionths).unwrap()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "%",
            "2",
            "0.02",
            "-1%",
            "101%",
            "100.0001%",
            "2 %",
            ".5%",
            "5.%",
            "0.00001%",
            "1e1%",
            "1000%",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
