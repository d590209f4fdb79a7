//! Text of a fixed width: what is longer is cut, and seen to be.

use engine::units::Price;

use crate::output::decimal::grouped;
use crate::stat::figure::short_count;

/// `text` on the left of `width` columns.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width))
}

/// `text` on the right of `width` columns.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{:>width$}", cut(text, width))
}

/// `text`, its end replaced by `…` where it does not fit.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain((width > 0).then_some('…')).collect()
}

/// A count in `width` columns: exact where it fits, else in thousands or more.
pub(super) fn count(count: u64, width: usize) -> String {
    let exact = grouped(count);
    let text = if exact.len() <= width { exact } else { short_count(count) };
    right(&text, width)
}

/// A price, exact, with two decimals at least.
pub(super) fn price_text(price: Price) -> String {
    let text = price.to_string();
    match text.split_once('.') {
        None => format!("{text}.00"),
        Some((_, decimals)) if decimals.len() == 1 => format!("{text}0"),
        Some(_) => text,
    }
}

/// A price in `width` columns; empty where there is none.
pub(super) fn price(price: Option<Price>, width: usize) -> String {
    right(&price.map_or_else(String::new, price_text), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_seen_to_be() {
        assert_eq!(left("AAPL", 6), "AAPL  ");
        assert_eq!(right("123", 5), "  123");
        assert_eq!(right("1234567", 5), "1234…");
        assert_eq!((left("x", 0), right("xy", 1)), (String::new(), String::from("…")));
    }

    #[test]
    fn prices_line_up_at_two_decimals_and_stay_exact() {
        for (value, text) in [
            (100_000_000_000, "100.00"),
            (286_600_000_000, "286.60"),
            (286_670_000_000, "286.67"),
            (100_000, "0.0001"),
        ] {
            assert_eq!(price_text(Price(value)), text);
        }
        assert_eq!(price(None, 3), "   ");
    }

    #[test]
    fn a_count_is_exact_as_long_as_it_fits() {
        assert_eq!(count(1_234_567, 9), "1,234,567");
        assert_eq!(count(1_234_567, 8), "  1.23 M");
    }
}
