//! Last, open, high, low, volume, notional, trades and VWAP of a symbol's tape.
//!
//! Which prints count is decided by the shard (README.md, symbols.csv); here they are summed,
//! exactly, and taken out exactly when broken. Fields are open to the crate for [`crate::state`].

use bytemuck::{Pod, Zeroable};

use crate::prints::{Extremes, Print, PrintKind};
use crate::units::{Notional, Price};

/// Sums over the prints that count. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TapeFigures {
    pub(crate) last: i64,
    pub(crate) open: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    pub(crate) trades: u64,
    pub(crate) reserved: u64,
    pub(crate) volume: u128,
    pub(crate) notional: i128,
    pub(crate) hidden_volume: u128,
    pub(crate) cross_volume: u128,
    pub(crate) broken_volume: u128,
}

impl TapeFigures {
    /// No prints.
    pub const NONE: TapeFigures = TapeFigures {
        last: 0,
        open: 0,
        high: 0,
        low: 0,
        trades: 0,
        reserved: 0,
        volume: 0,
        notional: 0,
        hidden_volume: 0,
        cross_volume: 0,
        broken_volume: 0,
    };

    /// Adds a print.
    #[inline]
    pub fn add(&mut self, print: &Print) {
        let price = print.price.0;
        let first = self.trades == 0;
        self.open = if first { price } else { self.open };
        self.high = if first { price } else { self.high.max(price) };
        self.low = if first { price } else { self.low.min(price) };
        self.last = price;
        self.trades += 1;
        let qty = u128::from(print.qty.0);
        self.volume += qty;
        self.notional = self.notional.wrapping_add(notional_of(print));
        match print.kind {
            PrintKind::Hidden => self.hidden_volume += qty,
            PrintKind::Cross => self.cross_volume += qty,
            PrintKind::Executed | PrintKind::ExecutedWithPrice => {}
        }
    }

    /// Takes a broken print out of everything but the hidden and cross volume, which stay gross.
    pub fn take_out(&mut self, print: &Print) {
        let qty = u128::from(print.qty.0);
        self.trades -= 1;
        self.volume -= qty;
        self.notional = self.notional.wrapping_sub(notional_of(print));
        self.broken_volume += qty;
    }

    /// Whether open, high, low or last may come from a print at `price`, so that its break may
    /// change them.
    #[must_use]
    pub fn rests_on(&self, price: Price) -> bool {
        [self.open, self.high, self.low, self.last].contains(&price.0)
    }

    /// Sets open, high, low and last after a break; `None` when no print is left.
    pub fn set_extremes(&mut self, extremes: Option<Extremes>) {
        let zero = Price(0);
        let e = extremes.unwrap_or(Extremes { open: zero, high: zero, low: zero, last: zero });
        (self.open, self.high, self.low, self.last) = (e.open.0, e.high.0, e.low.0, e.last.0);
    }

    fn of_prints(&self, price: i64) -> Option<Price> {
        (self.trades > 0).then_some(Price(price))
    }

    /// Price of the last print.
    #[must_use]
    pub fn last(&self) -> Option<Price> {
        self.of_prints(self.last)
    }

    /// Price of the first print.
    #[must_use]
    pub fn open(&self) -> Option<Price> {
        self.of_prints(self.open)
    }

    /// Highest price.
    #[must_use]
    pub fn high(&self) -> Option<Price> {
        self.of_prints(self.high)
    }

    /// Lowest price.
    #[must_use]
    pub fn low(&self) -> Option<Price> {
        self.of_prints(self.low)
    }

    /// How many prints count.
    #[must_use]
    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// Sum of shares.
    #[must_use]
    pub fn volume(&self) -> u128 {
        self.volume
    }

    /// Sum of price × shares.
    #[must_use]
    pub fn notional(&self) -> Notional {
        Notional(self.notional)
    }

    /// Shares of hidden executions, gross of breaks.
    #[must_use]
    pub fn hidden_volume(&self) -> u128 {
        self.hidden_volume
    }

    /// Shares of crosses, gross of breaks.
    #[must_use]
    pub fn cross_volume(&self) -> u128 {
        self.cross_volume
    }

    /// Shares that breaks took out.
    #[must_use]
    pub fn broken_volume(&self) -> u128 {
        self.broken_volume
    }

    /// Notional over volume in 1e-9 units, half away from zero; `None` where the volume is 0.
    #[must_use]
    pub fn vwap(&self) -> Option<Price> {
        let volume = i128::try_from(self.volume).ok().filter(|&volume| volume > 0)?;
        let magnitude = self.notional.unsigned_abs();
        let half_up = (magnitude + volume.unsigned_abs() / 2) / volume.unsigned_abs();
        // An average of prices lies between them, so it fits.
        i64::try_from(half_up).ok().map(|v| Price(if self.notional < 0 { -v } else { v }))
    }
}

/// Price × shares. One print is below 2^127; a sum can pass it only after 20,000 crosses of 2^64
/// shares at the highest price, and then wraps, so that breaks still take out what was put in.
fn notional_of(print: &Print) -> i128 {
    i128::from(print.price.0) * i128::from(print.qty.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{MatchNumber, Nanos, Qty};

    fn print(price: i64, qty: u64) -> Print {
        Print {
            match_number: MatchNumber(1),
            price: Price(price),
            qty: Qty(qty),
            time: Nanos(0),
            kind: PrintKind::Executed,
            aggressor: None,
        }
    }

    #[test]
    fn vwap_rounds_half_away_from_zero() {
        // (1 + 2) / 2 = 1.5 → 2; (1 + 1 + 2) / 3 = 1.33 → 1; with three parts 1.67 → 2.
        for (prints, expected) in [
            (&[(1, 1), (2, 1)][..], 2),
            (&[(1, 2), (2, 1)], 1),
            (&[(1, 1), (2, 2)], 2),
            (&[(-1, 1), (-2, 1)], -2),
        ] {
            let mut figures = TapeFigures::default();
            for &(price, qty) in prints {
                figures.add(&print(price, qty));
            }
            assert_eq!(figures.vwap(), Some(Price(expected)), "{prints:?}");
        }
    }

    #[test]
    fn a_tape_of_zero_sized_prints_has_prices_but_no_vwap() {
        let mut figures = TapeFigures::default();
        figures.add(&print(5, 0));
        assert_eq!((figures.last(), figures.trades()), (Some(Price(5)), 1));
        assert_eq!(figures.vwap(), None);
    }

    #[test]
    fn the_greatest_sizes_do_not_overflow() {
        let mut figures = TapeFigures::default();
        for _ in 0..1_000 {
            figures.add(&print(i64::from(u32::MAX) * 100_000, u64::MAX));
        }
        assert_eq!(figures.volume(), u128::from(u64::MAX) * 1_000);
        assert_eq!(figures.vwap(), Some(Price(i64::from(u32::MAX) * 100_000)));
    }
}
