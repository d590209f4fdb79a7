//! Best bid and offer, as detectors compare them.

use crate::metrics::flow::SideQuote;
use crate::units::{Price, Side};

/// Price and shares of both sides. A side without orders has no shares and the worst price there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Best bid, 1e-9 units; `i64::MIN` for none.
    pub bid: i64,
    /// Shares there.
    pub bid_qty: u64,
    /// Best offer; `i64::MAX` for none.
    pub ask: i64,
    /// Shares there.
    pub ask_qty: u64,
}

impl Touch {
    /// Of the quotes of the metrics.
    #[inline(always)]
    #[must_use]
    pub(crate) fn of((bid, ask): (SideQuote, SideQuote)) -> Touch {
        // A key of 0 is none, and stands for these very prices.
        Touch {
            bid: (bid.key ^ 1 << 63) as i64,
            bid_qty: bid.qty,
            ask: (!ask.key ^ 1 << 63) as i64,
            ask_qty: ask.qty,
        }
    }

    /// Whether both sides have a price.
    #[inline(always)]
    #[must_use]
    pub const fn is_two_sided(&self) -> bool {
        self.bid != i64::MIN && self.ask != i64::MAX
    }

    /// Bid + ask, twice the mid; 0 without both.
    #[inline(always)]
    #[must_use]
    pub const fn doubled_mid(&self) -> i64 {
        if self.is_two_sided() { self.bid.saturating_add(self.ask) } else { 0 }
    }

    /// The mid, 1e-9 units; 0 without both sides.
    #[inline(always)]
    #[must_use]
    pub fn mid(&self) -> f64 {
        self.doubled_mid() as f64 / 2.0
    }

    /// Ask − bid, 1e-9 units; 0 without both sides.
    #[inline(always)]
    #[must_use]
    pub const fn spread(&self) -> i64 {
        if self.is_two_sided() { self.ask.saturating_sub(self.bid) } else { 0 }
    }

    /// Spread in basis points of the mid; 0 without both sides or a mid above 0.
    #[must_use]
    pub fn spread_bps(&self) -> f64 {
        let mid = self.mid();
        if mid > 0.0 { self.spread() as f64 / mid * 1e4 } else { 0.0 }
    }

    /// Best price of a side; `None` without orders there.
    #[inline(always)]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => (self.bid != i64::MIN).then_some(Price(self.bid)),
            Side::Sell => (self.ask != i64::MAX).then_some(Price(self.ask)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Qty;

    #[test]
    fn an_empty_side_has_no_price() {
        let bid = SideQuote::of(Side::Buy, Price(99), Qty(5));
        let ask = SideQuote::of(Side::Sell, Price(101), Qty(7));
        let both = Touch::of((bid, ask));
        assert_eq!(both, Touch { bid: 99, bid_qty: 5, ask: 101, ask_qty: 7 });
        assert_eq!((both.doubled_mid(), both.spread(), both.mid()), (200, 2, 100.0));
        assert_eq!(both.spread_bps(), 200.0);
        for one in [(bid, SideQuote::NONE), (SideQuote::NONE, ask)] {
            let touch = Touch::of(one);
            assert!(!touch.is_two_sided());
            assert_eq!((touch.doubled_mid(), touch.spread(), touch.spread_bps()), (0, 0, 0.0));
        }
        assert_eq!(Touch::of((SideQuote::NONE, ask)).best(Side::Buy), None);
        assert_eq!(both.best(Side::Sell), Some(Price(101)));
    }
}
