//! Effective and realised spread: what aggressors paid, and what of it lasted for five seconds.
//!
//! A print of a displayed order is scored by the mid m of the quote that stood strictly before its
//! time ([`crate::metrics::clock`]), and by the mid m5 that stood just before five seconds later; D is
//! 1 where the aggressor bought, −1 where he sold:
//!
//! ```text
//!  effective 2·D·(p − m)      realised 2·D·(p − m5)      in basis points: 1e4 × it / m
//! ```
//! Not scored are prints without a mid before them (see [`crate::metrics::mid`]), prints whose time
//! lies before the symbol's, and for the realised spread those without a mid five seconds later.
//! Means are weighted, in currency by shares, in basis points by shares × m: both are quotients of the
//! integers kept here, so a break takes its print out exactly.

use bytemuck::{Pod, Zeroable};

use crate::metrics::mid::DoubledMid;
use crate::prints::{Marks, Print};
use crate::units::Side;

/// Sums over scored prints. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SpreadSums {
    /// Σ shares × D × (2p − 2m), in 1e-9 currency units: twice the half-spread paid.
    pub(crate) paid: i128,
    /// Σ shares × 2m of the mids before, in 1e-9 currency units.
    pub(crate) value: i128,
    /// Σ shares.
    pub(crate) shares: u128,
}

impl SpreadSums {
    /// No prints.
    pub const NONE: SpreadSums = SpreadSums { paid: 0, value: 0, shares: 0 };

    /// Shares of the prints that are scored.
    #[must_use]
    pub fn shares(&self) -> u128 {
        self.shares
    }

    /// The sum of shares × spread, in 1e-9 currency units × shares.
    #[must_use]
    pub fn paid_e9(&self) -> i128 {
        self.paid
    }

    /// The mean spread a share in 1e-9 currency units; `None` without shares.
    #[must_use]
    pub fn mean_e9(&self) -> Option<f64> {
        (self.shares > 0).then(|| self.paid as f64 / self.shares as f64)
    }

    /// The mean spread in basis points of the mids before; `None` without shares.
    #[must_use]
    pub fn mean_bps(&self) -> Option<f64> {
        (self.value > 0).then(|| self.paid as f64 / self.value as f64 * 2e4)
    }

    /// What a print adds: its spread against `mid`, its value by the mid before it. Both products fit
    /// in 128 bits; a sum may wrap only with sizes that no feed has, and a break wraps it back.
    #[inline(always)]
    fn of(print: &Print, before: DoubledMid, mid: DoubledMid) -> SpreadSums {
        let qty = i128::from(print.qty.0);
        let above = 2 * i128::from(print.price.0) - i128::from(mid.0);
        let paid = match print.aggressor {
            Some(Side::Sell) => -above,
            _ => above,
        };
        SpreadSums {
            paid: qty.wrapping_mul(paid),
            value: qty.wrapping_mul(i128::from(before.0)),
            shares: u128::from(print.qty.0),
        }
    }

    #[inline(always)]
    fn add(&mut self, one: &SpreadSums) {
        self.paid = self.paid.wrapping_add(one.paid);
        self.value = self.value.wrapping_add(one.value);
        self.shares = self.shares.wrapping_add(one.shares);
    }

    fn take_out(&mut self, one: &SpreadSums) {
        self.paid = self.paid.wrapping_sub(one.paid);
        self.value = self.value.wrapping_sub(one.value);
        self.shares = self.shares.wrapping_sub(one.shares);
    }
}

/// Both spreads of a symbol. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ScoredPrints {
    /// Against the mid before.
    pub effective: SpreadSums,
    /// Against the mid five seconds later.
    pub realised: SpreadSums,
}

impl ScoredPrints {
    /// No prints.
    pub const NONE: ScoredPrints =
        ScoredPrints { effective: SpreadSums::NONE, realised: SpreadSums::NONE };

    /// Scores a print by the mid before it, which there must be.
    #[inline(always)]
    pub(crate) fn score(&mut self, print: &Print, before: DoubledMid) {
        self.effective.add(&SpreadSums::of(print, before, before));
    }

    /// Scores a print five seconds later, if there is a mid then.
    #[inline(always)]
    pub(crate) fn settle(&mut self, print: &Print, before: DoubledMid, after: DoubledMid) {
        if after.is_some() {
            self.realised.add(&SpreadSums::of(print, before, after));
        }
    }

    /// Takes out a broken print as it was scored.
    pub(crate) fn take_out(&mut self, print: &Print, marks: &Marks) {
        let Marks { before, after, odd_lot: _, arrival: _ } = *marks;
        if before.is_some() {
            self.effective.take_out(&SpreadSums::of(print, before, before));
            if let Some(after) = after.filter(|after| after.is_some()) {
                self.realised.take_out(&SpreadSums::of(print, before, after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prints::PrintKind;
    use crate::units::{MatchNumber, Nanos, Price, Qty};

    fn print(price: i64, qty: u64, aggressor: Side) -> Print {
        Print {
            match_number: MatchNumber(1),
            price: Price(price),
            qty: Qty(qty),
            time: Nanos(0),
            kind: PrintKind::Executed,
            aggressor: Some(aggressor),
        }
    }

    #[test]
    fn spreads_of_three_prints_worked_by_hand() {
        // Bid 10.00, ask 10.04: mid 10.02. Bought 300 at 10.04, then the mid is 10.03; sold 100 at
        // 9.99 while the mid was 10.01, then the mid is gone; sold 100 at 10.00, then 9.98.
        const CENT: i64 = 10_000_000;
        let mid = |cents: u64| DoubledMid(2 * cents * CENT as u64);
        let [a, b, c] = [(1_004, 300, Side::Buy), (999, 100, Side::Sell), (1_000, 100, Side::Sell)]
            .map(|(cents, qty, side)| print(cents * CENT, qty, side));
        let mut scored = ScoredPrints::NONE;
        scored.score(&a, mid(1_002));
        scored.settle(&a, mid(1_002), mid(1_003));
        scored.score(&b, mid(1_001));
        scored.settle(&b, mid(1_001), DoubledMid::NONE);
        scored.score(&c, mid(1_002));
        scored.settle(&c, mid(1_002), mid(998));
        // Effective 4 × 300 + 4 × 100 + 4 × 100 cents over 500 shares; realised 2 × 300 − 4 × 100
        // over 400 shares.
        assert_eq!(scored.effective.mean_e9(), Some(4.0 * CENT as f64));
        assert_eq!((scored.realised.shares(), scored.realised.paid_e9()), (400, 200 * 10_000_000));
        // 1e4 × 2,000 / (300 × 1,002 + 100 × 1,001 + 100 × 1,002)
        let bps = scored.effective.mean_bps().unwrap();
        assert!((bps - 1e4 * 2_000.0 / 500_900.0).abs() < 1e-9);
        // Broken ones leave as they came: settled, settled without a mid, not settled.
        let marks = |before, after| Marks { before, after, odd_lot: false, arrival: 0 };
        scored.take_out(&a, &marks(mid(1_002), Some(mid(1_003))));
        scored.take_out(&b, &marks(mid(1_001), Some(DoubledMid::NONE)));
        let mut only_c = ScoredPrints::NONE;
        only_c.score(&c, mid(1_002));
        only_c.settle(&c, mid(1_002), mid(998));
        assert_eq!(scored, only_c);
        scored.score(&a, mid(1_002));
        scored.take_out(&a, &marks(mid(1_002), None));
        assert_eq!(scored, only_c);
    }
}
