//! The mid as the metrics use it: twice the mid, so that it is an integer.
//!
//! A symbol has a mid while both its sides stand, 0 < bid < ask, and it is not halted, paused or
//! quoted only. A crossed, locked or one-sided book has none, nor has one before an auction that
//! ends a halt: what is measured against the mid is then not measured.

use crate::units::Price;

/// Bid + ask in 1e-9 currency units; 0 is no mid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct DoubledMid(pub u64);

impl DoubledMid {
    /// No mid.
    pub const NONE: DoubledMid = DoubledMid(0);

    /// Of a bid and an ask; none unless 0 < bid < ask.
    #[inline(always)]
    #[must_use]
    pub const fn of(bid: Price, ask: Price) -> DoubledMid {
        // Neither has its sign bit set, so the sum fits.
        DoubledMid(if 0 < bid.0 && bid.0 < ask.0 { bid.0 as u64 + ask.0 as u64 } else { 0 })
    }

    /// Whether there is a mid.
    #[inline(always)]
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// ln(self / earlier); 0 where they are equal. Both must be mids.
    ///
    /// Small moves, nearly all there are, by the series of 2 artanh z with z = (self − earlier) /
    /// (self + earlier), whose first term left out is below 2^-60 of the sum; larger ones by `libm`.
    /// Neither is the platform's: the same bits on every machine.
    #[inline(always)]
    #[must_use]
    pub fn log_return(self, earlier: DoubledMid) -> f64 {
        let change = self.0.wrapping_sub(earlier.0) as i64 as f64;
        let z = change / (self.0 as f64 + earlier.0 as f64);
        let z2 = z * z;
        if z2 < SMALL && (self.0 | earlier.0) >> 63 == 0 {
            return 2.0 * z * (1.0 + z2 * (1.0 / 3.0 + z2 * (1.0 / 5.0 + z2 * (1.0 / 7.0))));
        }
        large_log_return(self, earlier)
    }
}

/// Square of the greatest z for which the series is used: moves of some 0.4 %.
const SMALL: f64 = 1.0 / (512.0 * 512.0);

#[cold]
#[inline(never)]
fn large_log_return(later: DoubledMid, earlier: DoubledMid) -> f64 {
    let change = i128::from(later.0) - i128::from(earlier.0);
    libm::log1p(change as f64 / earlier.0 as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_positive_uncrossed_pair_has_a_mid() {
        for (bid, ask, doubled) in [
            (10, 13, 23),
            (10, 10, 0),
            (11, 10, 0),
            (0, 10, 0),
            (-5, 10, 0),
            (i64::MAX - 1, i64::MAX, u64::MAX - 2),
        ] {
            assert_eq!(DoubledMid::of(Price(bid), Price(ask)), DoubledMid(doubled));
        }
    }

    #[test]
    fn a_log_return_is_that_of_the_ratio() {
        let (from, to) = (DoubledMid(20_000), DoubledMid(20_002));
        // ln(1.0001) = 0.0001 − 0.0001² / 2 + 0.0001³ / 3 − 0.0001⁴ / 4
        let expected = 1e-4 - 5e-9 + 1e-12 / 3.0 - 2.5e-17;
        assert!((to.log_return(from) - expected).abs() < 1e-18);
        assert_eq!(to.log_return(to), 0.0);
        // On both sides of where the series ends, and where the top bit is set.
        for (from, to) in [
            (1_000_000, 1_003_913),
            (1_000_000, 1_003_914),
            (1_000_000, 996_101),
            (1_000_000, 996_102),
            (1 << 40, (1 << 40) + 1),
            (u64::MAX - 5, u64::MAX),
            (3, u64::MAX),
        ] {
            let exact = if to > from {
                ((to - from) as f64 / from as f64).ln_1p()
            } else {
                (-((from - to) as f64) / from as f64).ln_1p()
            };
            let here = DoubledMid(to).log_return(DoubledMid(from));
            assert!((here - exact).abs() <= exact.abs() * 1e-14, "{from} {to}: {here} {exact}");
        }
        assert!((DoubledMid(1).log_return(DoubledMid(2)) + core::f64::consts::LN_2).abs() < 1e-15);
    }
}
