//! Figures of a symbol's best bid and offer: spread, mid, weighted mid, queue imbalance, depth.
//!
//! What follows from the book as it stands is computed when asked for ([`Quote`], [`depth`]). The
//! time-weighted spread must be kept as time passes ([`SpreadClock`]), in integers, so it is exact
//! and the same on every machine. Time is the greatest exchange time at which the symbol's spread
//! changed: it never goes back, and no other symbol moves it.
//!
//! Formulas: README.md, metrics.csv; queue imbalance as Gould and Bonart (arXiv 1512.03492).

use bytemuck::{Pod, Zeroable};

use crate::book::BookView;
use crate::book::view::Best;
use crate::units::{Nanos, Price, Side};

/// Both best prices of a symbol, where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid: Best,
    /// Best offer.
    pub ask: Best,
}

impl Quote {
    /// The quote of a book with orders on both sides.
    #[inline(always)]
    #[must_use]
    pub fn of(book: &BookView<'_>) -> Option<Quote> {
        Some(Quote { bid: book.best(Side::Buy)?, ask: book.best(Side::Sell)? })
    }

    /// Ask − bid; negative when crossed.
    #[inline(always)]
    #[must_use]
    pub fn spread(&self) -> Price {
        Price(self.ask.price.0.saturating_sub(self.bid.price.0))
    }

    /// Spread in basis points of the mid; `None` where the mid is not positive.
    #[must_use]
    pub fn spread_bps(&self) -> Option<f64> {
        let mid = self.mid_e9();
        (mid > 0.0).then(|| self.spread().0 as f64 / mid * 1e4)
    }

    /// The middle between bid and ask, in 1e-9 units. Half a unit is exact in the `f64` of any price
    /// below 4.5e6 currency units.
    #[must_use]
    pub fn mid_e9(&self) -> f64 {
        (i128::from(self.bid.price.0) + i128::from(self.ask.price.0)) as f64 / 2.0
    }

    /// The weighted mid (ask × bid size + bid × ask size) / (both sizes), in 1e-9 units; `None`
    /// where both sizes are zero.
    #[must_use]
    pub fn weighted_mid_e9(&self) -> Option<f64> {
        let (bid_qty, ask_qty) = (i128::from(self.bid.qty.0), i128::from(self.ask.qty.0));
        let total = bid_qty + ask_qty;
        let sum = i128::from(self.ask.price.0) * bid_qty + i128::from(self.bid.price.0) * ask_qty;
        (total > 0).then(|| sum as f64 / total as f64)
    }

    /// (bid size − ask size) / (bid size + ask size), −1 to 1; `None` where both are zero.
    #[must_use]
    pub fn queue_imbalance(&self) -> Option<f64> {
        let (bid, ask) = (i128::from(self.bid.qty.0), i128::from(self.ask.qty.0));
        (bid + ask > 0).then(|| (bid - ask) as f64 / (bid + ask) as f64)
    }
}

/// Shares in the best `levels_max` levels of a side.
#[must_use]
pub fn depth(book: &BookView<'_>, side: Side, levels_max: usize) -> u128 {
    book.levels(side).take(levels_max).map(|level| u128::from(level.qty.0)).sum()
}

/// The integral of the spread over the time in which bid and ask both stood, bid below ask. Fields are
/// open to the crate for [`crate::state`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SpreadClock {
    /// ∫ spread dt in 1e-9 currency units × ns.
    pub(crate) integral: i128,
    /// Time in which there was a spread, ns.
    pub(crate) quoted_ns: u64,
    /// Greatest exchange time passed so far.
    pub(crate) now_ns: i64,
    /// 1 once any time was seen, so that times before 1970 are times too.
    pub(crate) started: u64,
    pub(crate) reserved: u64,
}

impl SpreadClock {
    /// No spread yet, and no time passed.
    pub const NONE: SpreadClock =
        SpreadClock { integral: 0, quoted_ns: 0, now_ns: 0, started: 0, reserved: 0 };

    /// Lets time pass up to `time` with a spread of `spread_e9`, 0 for none. An earlier time passes
    /// nothing.
    pub fn pass(&mut self, time: Nanos, spread_e9: i64) {
        if spread_e9 > 0 {
            let elapsed_ns = time.since_ns(Nanos(self.now_ns));
            self.integral += i128::from(spread_e9) * i128::from(elapsed_ns);
            self.quoted_ns = self.quoted_ns.saturating_add(elapsed_ns);
        }
        self.now_ns = if self.started == 0 { time.0 } else { self.now_ns.max(time.0) };
        self.started = 1;
    }

    /// Time in which there was a spread.
    #[must_use]
    pub fn quoted_ns(&self) -> u64 {
        self.quoted_ns
    }

    /// ∫ spread dt in 1e-9 currency units × ns.
    #[must_use]
    pub fn integral(&self) -> i128 {
        self.integral
    }

    /// The time-weighted mean spread in 1e-9 units; `None` if there never was a spread.
    #[must_use]
    pub fn mean_e9(&self) -> Option<f64> {
        (self.quoted_ns > 0).then(|| self.integral as f64 / self.quoted_ns as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Qty;

    fn quote(bid: i64, bid_qty: u64, ask: i64, ask_qty: u64) -> Quote {
        Quote {
            bid: Best { price: Price(bid), qty: Qty(bid_qty) },
            ask: Best { price: Price(ask), qty: Qty(ask_qty) },
        }
    }

    #[test]
    fn figures_of_a_quote_worked_by_hand() {
        // Bid 10.00 × 300, ask 10.04 × 100: mid 10.02, spread 0.04 = 39.92 bp,
        // weighted mid (10.04 × 300 + 10.00 × 100) / 400 = 10.03, imbalance 200 / 400.
        let q = quote(10_000_000_000, 300, 10_040_000_000, 100);
        assert_eq!(q.spread(), Price(40_000_000));
        assert_eq!(q.mid_e9(), 10_020_000_000.0);
        assert!((q.spread_bps().unwrap() - 39.920_159_680).abs() < 1e-6);
        assert_eq!(q.weighted_mid_e9(), Some(10_030_000_000.0));
        assert_eq!(q.queue_imbalance(), Some(0.5));
        assert_eq!(quote(5, 0, 7, 0).queue_imbalance(), None);
        assert_eq!(quote(0, 1, 0, 1).spread_bps(), None);
    }

    #[test]
    fn the_mean_spread_weighs_by_time_and_leaves_out_what_has_no_spread() {
        let mut clock = SpreadClock::default();
        clock.pass(Nanos(100), 0);
        clock.pass(Nanos(130), 4); // spread 4 for 30 ns
        clock.pass(Nanos(140), 1); // spread 1 for 10 ns
        clock.pass(Nanos(1_145), 0); // one-sided or crossed for 1,005 ns
        clock.pass(Nanos(1_120), 2); // a time that goes back
        clock.pass(Nanos(1_165), 2); // spread 2 for 20 ns
        assert_eq!((clock.integral(), clock.quoted_ns()), (4 * 30 + 10 + 2 * 20, 60));
        assert_eq!(clock.mean_e9(), Some(170.0 / 60.0));
        let mut early = SpreadClock::default();
        early.pass(Nanos(-50), 0);
        early.pass(Nanos(-20), 2);
        assert_eq!(early.quoted_ns(), 30);
    }
}
