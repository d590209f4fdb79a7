//! How far trades move the price: Kyle's lambda and Amihud's illiquidity, over bars of ten seconds.
//!
//! A bar reaches from one line of the ten-second grid to the next, [start, end). Its move is that of
//! the mid from the quote just before its start to the quote just before its end; a bar without both
//! mids, or one that time entered after its start, is no observation.
//!
//! ```text
//!  Kyle    λ = Cov(Δm, x) / Var(x)        x = shares bought − shares sold by aggressors;
//!                                         bars with a print that has an aggressor
//!  Amihud  mean of |ln(m / m')| / value   value = Σ price × shares of E, C with Y and P;
//!                                         bars with a value
//! ```
//! The moments of Kyle's regression have equal weights over the first 360 bars (an hour of bars that
//! all trade) and forget from there on: each bar then weighs 1/360 when it comes. Bars stand as they
//! were measured: a break takes nothing out of them. A late print counts in the bar at hand.

use bytemuck::{Pod, Zeroable};

use crate::metrics::mid::DoubledMid;
use crate::prints::Print;
use crate::units::{Nanos, Price, Side};

/// Length of a bar.
pub const BAR_NS: i64 = 10 * Nanos::SECOND;

/// Bars over which the moments of Kyle's regression reach.
pub const KYLE_BARS: u64 = 360;

/// The bar at hand and what the finished ones came to. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct PriceImpact {
    /// Shares bought − shares sold in the bar at hand.
    pub(crate) signed: i128,
    /// Σ price × shares in the bar at hand, 1e-9 currency units.
    pub(crate) value: i128,
    /// Prints with an aggressor in the bar at hand.
    pub(crate) aggressive: u64,
    /// Twice the mid just before the bar at hand, 0 for none.
    pub(crate) start: u64,
    pub(crate) reserved: u64,
    /// Bars in Kyle's regression.
    pub(crate) kyle_bars: u64,
    pub(crate) mean_signed: f64,
    /// Mean of the move of twice the mid, 1e-9 currency units.
    pub(crate) mean_move: f64,
    pub(crate) variance: f64,
    pub(crate) covariance: f64,
    /// Bars in Amihud's mean.
    pub(crate) amihud_bars: u64,
    /// Σ |r| / value, value in 1e-9 currency units.
    pub(crate) amihud: f64,
}

impl PriceImpact {
    /// No bars.
    pub const NONE: PriceImpact = PriceImpact {
        signed: 0,
        value: 0,
        aggressive: 0,
        start: 0,
        reserved: 0,
        kyle_bars: 0,
        mean_signed: 0.0,
        mean_move: 0.0,
        variance: 0.0,
        covariance: 0.0,
        amihud_bars: 0,
        amihud: 0.0,
    };

    /// Adds a print that is no cross to the bar at hand.
    #[inline(always)]
    pub(crate) fn add(&mut self, print: &Print) {
        let qty = i128::from(print.qty.0);
        let value = i128::from(print.price.0).wrapping_mul(qty);
        self.value = self.value.wrapping_add(value);
        let signed = match print.aggressor {
            Some(Side::Buy) => qty,
            Some(Side::Sell) => -qty,
            None => return,
        };
        self.signed = self.signed.wrapping_add(signed);
        self.aggressive += 1;
    }

    /// The bar at hand ends, and the next begins, with `standing` as the mid.
    pub(crate) fn end_bar(&mut self, standing: DoubledMid) {
        let start = DoubledMid(self.start);
        if start.is_some() && standing.is_some() {
            if self.aggressive > 0 {
                self.observe_flow(start, standing);
            }
            if self.value > 0 {
                self.amihud += standing.log_return(start).abs() / self.value as f64;
                self.amihud_bars += 1;
            }
        }
        (self.signed, self.value, self.aggressive) = (0, 0, 0);
        self.start = standing.0;
    }

    /// One more bar in the moments, each bar's weight 1/n of those so far.
    fn observe_flow(&mut self, start: DoubledMid, end: DoubledMid) {
        self.kyle_bars += 1;
        let weight = 1.0 / self.kyle_bars.min(KYLE_BARS) as f64;
        let signed = self.signed as f64 - self.mean_signed;
        let moved = (i128::from(end.0) - i128::from(start.0)) as f64 - self.mean_move;
        self.mean_signed += weight * signed;
        self.mean_move += weight * moved;
        self.variance = (1.0 - weight) * (self.variance + weight * signed * signed);
        self.covariance = (1.0 - weight) * (self.covariance + weight * signed * moved);
    }

    /// Bars in Kyle's regression.
    #[must_use]
    pub fn kyle_bars(&self) -> u64 {
        self.kyle_bars
    }

    /// Kyle's lambda in currency units a share; `None` where signed volume did not vary.
    #[must_use]
    pub fn kyle_lambda(&self) -> Option<f64> {
        let doubled_unit = 2.0 * Price::ONE as f64;
        (self.variance > 0.0).then(|| self.covariance / self.variance / doubled_unit)
    }

    /// Bars in Amihud's mean.
    #[must_use]
    pub fn amihud_bars(&self) -> u64 {
        self.amihud_bars
    }

    /// Amihud's illiquidity: the mean of |r| a currency unit traded; `None` without a bar.
    #[must_use]
    pub fn amihud(&self) -> Option<f64> {
        let bars = self.amihud_bars;
        (bars > 0).then(|| self.amihud / bars as f64 * Price::ONE as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prints::PrintKind;
    use crate::units::{MatchNumber, Qty};

    fn print(dollars: i64, qty: u64, aggressor: Option<Side>) -> Print {
        Print {
            match_number: MatchNumber(1),
            price: Price(dollars * Price::ONE),
            qty: Qty(qty),
            time: Nanos(0),
            kind: PrintKind::Executed,
            aggressor,
        }
    }

    fn dollars(mid: u64) -> DoubledMid {
        DoubledMid(2 * mid * Price::ONE as u64)
    }

    #[test]
    fn three_bars_worked_by_hand() {
        let mut impact = PriceImpact::NONE;
        // In the bar that time entered late: no observation.
        impact.add(&print(100, 1_000, Some(Side::Buy)));
        impact.end_bar(dollars(100));
        // +300 and 100 → 103; −100 and 103 → 102; hidden alone and 102 → 104.
        impact.add(&print(100, 400, Some(Side::Buy)));
        impact.add(&print(100, 100, Some(Side::Sell)));
        impact.end_bar(dollars(103));
        impact.add(&print(103, 100, Some(Side::Sell)));
        impact.end_bar(dollars(102));
        impact.add(&print(100, 10, None));
        impact.end_bar(dollars(104));
        assert_eq!((impact.kyle_bars(), impact.amihud_bars()), (2, 3));
        // Two points: the slope (3 − −1) / (300 − −100).
        assert!((impact.kyle_lambda().unwrap() - 0.01).abs() < 1e-15);
        let up = 1.03_f64.ln() / 50_000.0;
        let down = (103.0_f64 / 102.0).ln() / 10_300.0;
        let hidden = (104.0_f64 / 102.0).ln() / 1_000.0;
        assert!((impact.amihud().unwrap() - (up + down + hidden) / 3.0).abs() < 1e-15);
        // A bar without prints, and one at whose end there is no mid: nothing.
        let before = impact;
        impact.end_bar(dollars(90));
        impact.add(&print(90, 10, Some(Side::Buy)));
        impact.end_bar(DoubledMid::NONE);
        impact.add(&print(90, 10, Some(Side::Buy)));
        impact.end_bar(dollars(90));
        assert_eq!(impact.kyle_lambda(), before.kyle_lambda());
        assert_eq!(impact.amihud(), before.amihud());
    }

    #[test]
    fn flow_that_never_varies_has_no_lambda() {
        let mut impact = PriceImpact::NONE;
        impact.end_bar(dollars(10));
        assert_eq!((impact.kyle_lambda(), impact.amihud()), (None, None));
        for bar in 2..5 {
            impact.add(&print(10, 100, Some(Side::Buy)));
            impact.end_bar(dollars(10 + bar as u64));
        }
        assert_eq!((impact.kyle_bars(), impact.kyle_lambda()), (3, None));
    }
}
