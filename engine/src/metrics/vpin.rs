//! Flow toxicity: VPIN, the volume-synchronised probability of informed trading (Easley, López de
//! Prado and O'Hara, "Flow toxicity and liquidity in a high-frequency world", 2012).
//!
//! ```text
//!  shares that traded ├── V ──┼── V ──┼── V ──┼ … ┼── V ──┼── open ┄
//!                       B − S   B − S   B − S       B − S
//!
//!  VPIN = Σ |B − S| / (50 V) over the last 50 full buckets, 0 to 1
//! ```
//! B and S are shares bought and sold by aggressors. An E or C has one: the opposite of the resting
//! order's side. A print without one (P, or a C whose order the book does not hold) goes by the quote
//! rule: above the mid before it ([`QuoteClock::before`](crate::metrics::clock::QuoteClock::before)) it
//! was bought, below sold; at the mid half and half, which moves no B − S, so there is no odd share to
//! give away. Without a mid before it, or late, it is left out, as crosses are. A print that is larger
//! than what the bucket has room for is split over as many as it fills.
//!
//! **V**. The literature's V is a fiftieth of a day's volume, which is not known during the day. So V
//! is 1,000 shares at first, and when 100 buckets are full, each two neighbours become one and V
//! doubles. Of T shares V is the least 1,000 × 2^d of which fewer than 100 fill: VPIN is over the last
//! 50 V of T shares, from half of them to nearly all. Buckets keep the sign of B − S, which two that
//! become one need: |B − S| of both is not the sum of theirs.
//!
//! A print costs an addition as a rule. Buckets that T shares ever fill are at most 50 × (2 + log2 (T /
//! 100,000)), some 1,000 in a large symbol's day. At the greatest V, of 9e18 shares, the older half of
//! 100 buckets makes room instead. A break takes nothing out, be the bucket open or full. It is a
//! figure and no alarm: beside volume and volatility it was found to foretell no turbulence (Andersen
//! and Bondarenko, "Assessing measures of order flow toxicity and early warning signals for market
//! turbulence", 2015).

use core::cmp::Ordering;

use bytemuck::{Pod, Zeroable};

use crate::metrics::mid::DoubledMid;
use crate::prints::Print;
use crate::units::{Qty, Side};

/// Full buckets that the figure is over.
pub const BUCKETS: usize = 50;

/// As many full buckets are made half as many.
pub(crate) const BUCKETS_END: usize = 2 * BUCKETS;

/// Shares of a bucket at first.
const SHARES_AT_FIRST: u64 = 1_000;

/// How often V can double so that B − S of a bucket fits.
pub(crate) const DOUBLINGS_MAX: u32 = 53;

const _: () = assert!(SHARES_AT_FIRST << DOUBLINGS_MAX < i64::MAX as u64);
const _: () = assert!(SHARES_AT_FIRST > (i64::MAX as u64) >> (DOUBLINGS_MAX + 1));

/// The shares of a bucket after so many doublings.
pub(crate) const fn shares_after(doublings: u32) -> u64 {
    SHARES_AT_FIRST << doublings
}

/// See the module. All zero is no print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct VolumeBuckets {
    /// How often V has doubled.
    pub(crate) doublings: u32,
    /// Full buckets, fewer than [`BUCKETS_END`]; [`BUCKETS`] at least once V has doubled.
    pub(crate) full: u32,
    /// Shares in the open bucket, fewer than V.
    pub(crate) filled: u64,
    /// B − S in the open bucket.
    pub(crate) signed: i64,
    /// B − S of the full buckets, the oldest first; 0 behind them.
    pub(crate) buckets: [i64; BUCKETS_END],
}

impl VolumeBuckets {
    /// No prints.
    pub const NONE: VolumeBuckets =
        VolumeBuckets { doublings: 0, full: 0, filled: 0, signed: 0, buckets: [0; BUCKETS_END] };

    /// Adds a print that is no cross; `before` is the mid before it, none if it is late.
    #[inline(always)]
    pub(crate) fn add(&mut self, print: &Print, before: DoubledMid) {
        if let Some(sign) = sign(print, before) {
            self.fill(print.qty, sign);
        }
    }

    /// Fills the open bucket with shares that move its B − S by `sign` each.
    #[inline(always)]
    fn fill(&mut self, qty: Qty, sign: i64) {
        let mut left = qty.0;
        loop {
            let room = self.bucket_shares().0 - self.filled;
            // Neither is more than V, which fits.
            let moved = sign * left.min(room) as i64;
            self.signed += moved;
            if left < room {
                self.filled += left;
                return;
            }
            left -= room;
            self.end_bucket();
        }
    }

    /// The open bucket is full, and the next begins.
    #[cold]
    #[inline(never)]
    fn end_bucket(&mut self) {
        self.buckets[self.full as usize] = self.signed;
        self.full += 1;
        (self.filled, self.signed) = (0, 0);
        if self.full as usize == BUCKETS_END {
            self.halve();
        }
    }

    /// Makes 50 full buckets of 100.
    fn halve(&mut self) {
        if self.doublings < DOUBLINGS_MAX {
            for at in 0..BUCKETS {
                self.buckets[at] = self.buckets[2 * at] + self.buckets[2 * at + 1];
            }
            self.doublings += 1;
        } else {
            self.buckets.copy_within(BUCKETS.., 0);
        }
        self.buckets[BUCKETS..].fill(0);
        self.full = BUCKETS as u32;
    }

    /// V: the shares of a bucket.
    #[inline(always)]
    #[must_use]
    pub fn bucket_shares(&self) -> Qty {
        Qty(shares_after(self.doublings))
    }

    /// Full buckets of V shares, 0 to 99.
    #[must_use]
    pub fn full_buckets(&self) -> u32 {
        self.full
    }

    /// Σ |B − S| / (50 V) over the last 50 full buckets, 0 to 1; `None` with fewer.
    #[must_use]
    pub fn vpin(&self) -> Option<f64> {
        let full = self.full as usize;
        let last = &self.buckets[full.checked_sub(BUCKETS)?..full];
        let sum: u128 = last.iter().map(|signed| u128::from(signed.unsigned_abs())).sum();
        let all = BUCKETS as u128 * u128::from(self.bucket_shares().0);
        Some(sum as f64 / all as f64)
    }
}

/// 1 where a print's shares were bought by the aggressor, −1 sold, 0 half and half; `None` where that
/// can't be told.
#[inline(always)]
fn sign(print: &Print, before: DoubledMid) -> Option<i64> {
    match print.aggressor {
        Some(Side::Buy) => Some(1),
        Some(Side::Sell) => Some(-1),
        None if !before.is_some() => None,
        None => Some(match (2 * i128::from(print.price.0)).cmp(&i128::from(before.0)) {
            Ordering::Greater => 1,
            Ordering::Less => -1,
            Ordering::Equal => 0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prints::PrintKind;
    use crate::units::{MatchNumber, Nanos, Price};

    fn print(price: i64, qty: u64, aggressor: Option<Side>) -> Print {
        Print {
            match_number: MatchNumber(1),
            price: Price(price),
            qty: Qty(qty),
            time: Nanos(0),
            kind: PrintKind::Executed,
            aggressor,
        }
    }

    /// Adds prints of known aggressors; minus for sold.
    fn filled(buckets: &mut VolumeBuckets, signed: impl IntoIterator<Item = i64>) {
        for shares in signed {
            let side = if shares < 0 { Side::Sell } else { Side::Buy };
            buckets.add(&print(1, shares.unsigned_abs(), Some(side)), DoubledMid::NONE);
        }
    }

    #[test]
    fn a_hundred_buckets_worked_by_hand() {
        let mut buckets = VolumeBuckets::NONE;
        assert_eq!((buckets.bucket_shares(), buckets.vpin()), (Qty(1_000), None));
        // 700 − 300; then 100 sold of a print of 2,100 that fills two more and leaves nothing.
        filled(&mut buckets, [700, -300, 900, -2_100]);
        assert_eq!(
            (buckets.buckets[..4].to_vec(), buckets.full),
            (vec![400, 800, -1_000, -1_000], 4)
        );
        // 47 that are balanced, the last but for ten shares.
        filled(&mut buckets, (0..45).flat_map(|_| [500, -500]));
        assert_eq!((buckets.full_buckets(), buckets.vpin()), (49, None));
        filled(&mut buckets, [500, -490]);
        assert_eq!((buckets.vpin(), buckets.filled, buckets.signed), (None, 990, 10));
        filled(&mut buckets, [-10]);
        // (400 + 800 + 1,000 + 1,000 + 0) / 50,000.
        assert_eq!(buckets.vpin(), Some(0.064));
        // The first three go for balanced ones.
        filled(&mut buckets, (0..3).flat_map(|_| [500, -500]));
        assert_eq!((buckets.full_buckets(), buckets.vpin()), (53, Some(0.02)));
        // Bought and sold in turn: all toxic, and as neighbours become one, not at all.
        filled(&mut buckets, (0..46).map(|at| if at % 2 == 0 { 1_000 } else { -1_000 }));
        assert_eq!((buckets.full_buckets(), buckets.vpin()), (99, Some(46.0 / 50.0)));
        filled(&mut buckets, [-1_000]);
        assert_eq!((buckets.full_buckets(), buckets.bucket_shares()), (50, Qty(2_000)));
        // 400 + 800, −2,000; 48 pairs, of which those from the 53rd bucket on are shifted by one: the
        // first of them has a balanced one and 1,000 bought, the last two sold.
        assert_eq!(buckets.buckets[..2], [1_200, -2_000]);
        assert_eq!((buckets.buckets[26], buckets.buckets[49]), (1_000, -2_000));
        assert_eq!(buckets.vpin(), Some((1_200.0 + 2_000.0 + 1_000.0 + 2_000.0) / 100_000.0));
    }

    #[test]
    fn a_print_without_an_aggressor_goes_by_the_mid_before_it() {
        // The mid is 10.5.
        let (mid, late) = (DoubledMid(21), DoubledMid::NONE);
        for (price, mid, aggressor, expected) in [
            (11, mid, None, (7, 7)),
            (10, mid, None, (7, -7)),
            (10, DoubledMid(20), None, (7, 0)),
            (-10, mid, None, (7, -7)),
            (i64::MAX, DoubledMid(u64::MAX), None, (7, -7)),
            (11, late, None, (0, 0)),
            (11, late, Some(Side::Sell), (7, -7)),
            (11, mid, Some(Side::Sell), (7, -7)),
            (10, mid, Some(Side::Buy), (7, 7)),
        ] {
            let mut buckets = VolumeBuckets::NONE;
            buckets.add(&print(price, 7, aggressor), mid);
            assert_eq!((buckets.filled, buckets.signed), expected, "{price} {mid:?} {aggressor:?}");
        }
    }

    /// V, full buckets and the figure of prints: their shares lie one behind the other on a line, and
    /// each bucket is a stretch of it.
    fn worked_out(prints: &[(u64, i64)]) -> (u128, u128, Option<f64>) {
        let all: u128 = prints.iter().map(|&(qty, _)| u128::from(qty)).sum();
        let mut v = 1_000;
        while all / v >= 100 {
            v *= 2;
        }
        let full = all / v;
        let signed = |bucket: u128| -> i128 {
            let (mut start, mut signed) = (0, 0);
            for &(qty, sign) in prints {
                let end = start + u128::from(qty);
                let common = end.min((bucket + 1) * v).saturating_sub(start.max(bucket * v));
                signed += i128::from(sign) * common as i128;
                start = end;
            }
            signed
        };
        let vpin = full.checked_sub(50).map(|first| {
            let sum: u128 = (first..full).map(|bucket| signed(bucket).unsigned_abs()).sum();
            sum as f64 / (50 * v) as f64
        });
        (v, full, vpin)
    }

    #[test]
    fn random_prints_give_what_is_worked_out_from_all_of_them() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for sizes in [1, 300, 5_000, 1_000_000, 1 << 31] {
            let (mut buckets, mut prints) = (VolumeBuckets::NONE, Vec::new());
            for at in 0..1_500 {
                let (qty, sign) = (random(sizes + 1), random(3) as i64 - 1);
                prints.push((qty, sign));
                buckets.add(&print(10 + sign, qty, None), DoubledMid(20));
                if at % 100 == 99 {
                    let (v, full) =
                        (buckets.bucket_shares().0.into(), buckets.full_buckets().into());
                    assert_eq!((v, full, buckets.vpin()), worked_out(&prints), "{sizes}, {at}");
                }
            }
        }
    }

    #[test]
    fn the_greatest_sizes_fill_no_more_buckets_than_their_logarithm_and_do_not_overflow() {
        let mut buckets = VolumeBuckets::NONE;
        for _ in 0..2_000 {
            filled(&mut buckets, [i64::MIN, i64::MAX]);
            buckets.add(&print(1, u64::MAX, Some(Side::Buy)), DoubledMid::NONE);
        }
        assert_eq!(buckets.bucket_shares(), Qty(shares_after(DOUBLINGS_MAX)));
        assert!((BUCKETS..BUCKETS_END).contains(&(buckets.full as usize)));
        let last = &buckets.buckets[..buckets.full as usize];
        assert!(last.iter().all(|signed| signed.unsigned_abs() <= buckets.bucket_shares().0));
        assert!(buckets.vpin().is_some_and(|vpin| 0.0 < vpin && vpin <= 1.0));
    }
}
