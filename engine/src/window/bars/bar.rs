//! A bar: what one window of one symbol holds, as it leaves the engine.

use crate::units::{Nanos, Notional, Price, SymbolId};

/// The figures of a window `[start, end)` of a symbol's prints that count.
///
/// The first output of a window has revision 0; each correction is the whole figure anew, with the
/// next revision. Opening and closing price are the first and last in the order of the feed, as on
/// the tape. Of no prints (all of them broken after the first output) `trades` is 0, and the prices
/// mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Whose it is.
    pub symbol: SymbolId,
    /// The window's start, UTC epoch ns; it belongs to the window.
    pub start: Nanos,
    /// The window's end, UTC epoch ns; it does not.
    pub end: Nanos,
    /// How many outputs of the window came before this one.
    pub revision: u32,
    /// Price of the first print.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Price of the last print.
    pub close: Price,
    /// How many prints.
    pub trades: u64,
    /// Sum of shares.
    pub volume: u128,
    /// Sum of price × shares.
    pub notional: Notional,
    /// Sum of prices, in 1e-9 units.
    pub price_sum: i128,
    /// Whether the symbol's book was in doubt at any time of the window, as far as was known when it was
    /// told: messages may be missing in it.
    pub is_suspect: bool,
}

impl Bar {
    /// The mean of the prints' prices in 1e-9 units, half away from zero; `None` without a print.
    #[must_use]
    pub fn avg_price(&self) -> Option<Price> {
        mean(self.price_sum, u128::from(self.trades))
    }

    /// Notional over volume in 1e-9 units, half away from zero; `None` where the volume is 0.
    #[must_use]
    pub fn vwap(&self) -> Option<Price> {
        mean(self.notional.0, self.volume)
    }
}

/// `sum / count`, half away from zero; `None` for no count, and for a mean that is no price: no sum
/// of prices has one.
fn mean(sum: i128, count: u128) -> Option<Price> {
    let magnitude = sum.unsigned_abs();
    let (quotient, rest) = (magnitude.checked_div(count)?, magnitude.checked_rem(count)?);
    // Twice the rest might not fit.
    let rounded = quotient + u128::from(rest >= count - rest);
    let mean = i64::try_from(rounded).ok()?;
    Some(Price(if sum < 0 { -mean } else { mean }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_rounded_half_away_from_zero() {
        for (sum, count, expected) in [
            (0, 1, 0),
            (1, 2, 1),
            (-1, 2, -1),
            (1, 3, 0),
            (2, 3, 1),
            (-4, 3, -1),
            (-5, 3, -2),
            (5, 2, 3),
            (4, 5, 1),
            (2, 5, 0),
        ] {
            assert_eq!(mean(sum, count), Some(Price(expected)), "{sum} / {count}");
        }
        assert_eq!(mean(7, 0), None);
        assert_eq!(mean(i128::MAX, u128::MAX), Some(Price(0)));
        assert_eq!(mean(i128::MAX, 1), None);
    }
}
