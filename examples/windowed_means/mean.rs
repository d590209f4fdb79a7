//! What a window holds: sums that are exact, so that the mean is, and that add up in any order.

use engine::state::encode::Sink;
use engine::units::{Notional, Price, Qty};
use engine::window::encoding::{DecodeError, Reader, Stored};
use engine::window::{Aggregate, NotRetractable};

/// A trade, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// For how much apiece.
    pub price: Price,
    /// How many.
    pub quantity: Qty,
}

/// Trades of one symbol in one window. Sums of 2^64 trades fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mean {
    /// How many.
    pub trades: u64,
    /// Sum of their prices in 1e-9 of the currency unit.
    pub prices: i128,
    /// Sum of their quantities.
    pub quantity: u128,
}

impl Mean {
    /// The mean price, to 1e-9, half away from zero. `None` of no trades.
    #[must_use]
    pub fn price(&self) -> Option<Notional> {
        let trades = i128::from(self.trades);
        let (whole, rest) = (self.prices.checked_div(trades)?, self.prices.checked_rem(trades)?);
        let away = if rest.unsigned_abs() * 2 >= trades.unsigned_abs() { rest.signum() } else { 0 };
        Some(Notional(whole + away))
    }
}

impl Aggregate for Mean {
    type Value = Trade;
    type Result = Mean;

    const EMPTY: Self = Mean { trades: 0, prices: 0, quantity: 0 };

    #[inline]
    fn add(&mut self, trade: &Trade) {
        self.trades += 1;
        self.prices += i128::from(trade.price.0);
        self.quantity += u128::from(trade.quantity.0);
    }

    #[inline]
    fn merge(&mut self, other: Self) {
        self.trades += other.trades;
        self.prices += other.prices;
        self.quantity += other.quantity;
    }

    fn retract(&mut self, trade: &Trade) -> Result<(), NotRetractable> {
        self.trades = self.trades.saturating_sub(1);
        self.prices -= i128::from(trade.price.0);
        self.quantity = self.quantity.saturating_sub(u128::from(trade.quantity.0));
        Ok(())
    }

    fn result(&self) -> Mean {
        *self
    }
}

impl Stored for Mean {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let Mean { trades, prices, quantity } = *self;
        sink.u64(trades);
        sink.i128(prices);
        sink.i128(quantity.cast_signed());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (trades, prices) = (reader.u64()?, reader.i128()?);
        Ok(Mean { trades, prices, quantity: reader.i128()?.cast_unsigned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_rounded_half_away_from_zero() {
        for (prices, trades, mean) in [
            (5, 2, 3),
            (-5, 2, -3),
            (4, 3, 1),
            (-4, 3, -1),
            (2, 4, 1),
            (1, 4, 0),
            (-2, 4, -1),
            (6, 3, 2),
        ] {
            let all = Mean { trades, prices, quantity: 0 };
            assert_eq!(all.price(), Some(Notional(mean)), "{prices} / {trades}");
        }
        assert_eq!(Mean::EMPTY.price(), None);
    }
}
