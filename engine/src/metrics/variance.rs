//! Realised variance and bipower variation of the mid, sampled once a second.
//!
//! The grid's lines are the whole seconds of exchange time. The sample at a line is the mid of the
//! quote that stood just before it, none where there was no mid. r is the logarithm of a sample over
//! the one before; no return reaches over a line without a mid, so a halt's move is not in it:
//!
//! ```text
//!  realised variance Σ r²        bipower variation π/2 × Σ |r| × |r before it|
//! ```
//! (Barndorff-Nielsen and Shephard 2004: without jumps both estimate the same.) A stretch without
//! change costs the same as one second. A break changes nothing here: prints move no mid.

use bytemuck::{Pod, Zeroable};
use core::f64::consts::FRAC_PI_2;

use crate::metrics::mid::DoubledMid;
use crate::units::Nanos;

/// Distance of the grid's lines.
pub const SAMPLE_NS: i64 = Nanos::SECOND;

/// Sums over the samples so far. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct MidVariance {
    /// The last sample, doubled; 0 if it had no mid.
    pub(crate) last: u64,
    /// |r| at the last sample; below 0 if there is a sample but no return.
    pub(crate) last_move: f64,
    pub(crate) squares: f64,
    pub(crate) products: f64,
    pub(crate) returns: u32,
    pub(crate) pairs: u32,
}

/// `last_move` of a sample behind a line without a mid.
const NO_RETURN: f64 = -1.0;

impl MidVariance {
    /// No samples.
    pub const NONE: MidVariance =
        MidVariance { last: 0, last_move: 0.0, squares: 0.0, products: 0.0, returns: 0, pairs: 0 };

    /// Takes `lines` samples in a row, at least 1, all of the same mid. Counts of samples stay at
    /// 2^32 − 1, which is 136 years.
    #[inline(always)]
    pub(crate) fn take(&mut self, mid: DoubledMid, lines: u64) {
        self.sample(mid);
        if lines > 1 && mid.is_some() {
            // The lines behind the first one: returns of 0, whose products are 0.
            let more = u32::try_from(lines - 1).unwrap_or(u32::MAX);
            let pairs = if self.last_move < 0.0 { more - 1 } else { more };
            self.returns = self.returns.saturating_add(more);
            self.pairs = self.pairs.saturating_add(pairs);
            self.last_move = 0.0;
        }
    }

    #[inline(always)]
    fn sample(&mut self, mid: DoubledMid) {
        if self.last == 0 || !mid.is_some() {
            (self.last, self.last_move) = (mid.0, NO_RETURN);
            return;
        }
        let log_return = mid.log_return(DoubledMid(self.last));
        let size = log_return.abs();
        self.squares += log_return * log_return;
        self.returns = self.returns.saturating_add(1);
        if self.last_move >= 0.0 {
            self.products += size * self.last_move;
            self.pairs = self.pairs.saturating_add(1);
        }
        (self.last, self.last_move) = (mid.0, size);
    }

    /// How many returns there are.
    #[must_use]
    pub fn returns(&self) -> u32 {
        self.returns
    }

    /// How many pairs of neighbouring returns there are.
    #[must_use]
    pub fn pairs(&self) -> u32 {
        self.pairs
    }

    /// Σ r²; `None` without a return.
    #[must_use]
    pub fn realised(&self) -> Option<f64> {
        (self.returns > 0).then_some(self.squares)
    }

    /// π/2 × Σ |r| × |r before it|; `None` without two returns in a row.
    #[must_use]
    pub fn bipower(&self) -> Option<f64> {
        (self.pairs > 0).then_some(self.products * FRAC_PI_2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_worked_by_hand() {
        let mut variance = MidVariance::NONE;
        // Line 1: 1,000. Line 2: 1,010. Lines 3, 4, 5: 1,010 still. Line 6: 1,000.
        variance.take(DoubledMid(1_000), 1);
        assert_eq!((variance.returns(), variance.realised()), (0, None));
        variance.take(DoubledMid(1_010), 1);
        let up = 1.01_f64.ln();
        assert!((variance.realised().unwrap() - up * up).abs() < 1e-15);
        assert_eq!((variance.returns(), variance.bipower()), (1, None));
        variance.take(DoubledMid(1_010), 3);
        assert_eq!((variance.returns(), variance.pairs(), variance.bipower()), (4, 3, Some(0.0)));
        variance.take(DoubledMid(1_000), 1);
        // Line 7: 990. The moves of 6 and 7 are neighbours.
        variance.take(DoubledMid(990), 1);
        let (down, further) = (1.01_f64.ln(), (1_000.0_f64 / 990.0).ln());
        let expected = FRAC_PI_2 * down * further;
        assert!((variance.bipower().unwrap() - expected).abs() < 1e-15);
        assert_eq!((variance.returns(), variance.pairs()), (6, 5));
        // Lines 8 and 9 have no mid, line 10 has, line 11 is the first return again.
        variance.take(DoubledMid::NONE, 2);
        variance.take(DoubledMid(500), 1);
        assert_eq!((variance.returns(), variance.pairs()), (6, 5));
        variance.take(DoubledMid(500), 1);
        assert_eq!((variance.returns(), variance.pairs()), (7, 5));
    }

    #[test]
    fn samples_at_once_are_as_many_as_samples_one_by_one() {
        for first in [DoubledMid::NONE, DoubledMid(7), DoubledMid(9)] {
            let (mut at_once, mut singly) = (MidVariance::NONE, MidVariance::NONE);
            for variance in [&mut at_once, &mut singly] {
                variance.take(first, 1);
            }
            for mid in [9, 0, 9, 11, 9] {
                at_once.take(DoubledMid(mid), 50);
                (0..50).for_each(|_| singly.take(DoubledMid(mid), 1));
                assert_eq!(at_once, singly);
            }
        }
    }
}
