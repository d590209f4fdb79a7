//! A histogram of durations by powers of two.
//!
//! ```text
//!  bucket 0: 0 ns     bucket b: 2^(b−1) ≤ ns < 2^b     bucket 63: 2^62 ns and more
//! ```
//! 64 counts of 32 bits, four cache lines, of which the durations of one symbol touch one or two. Full: a
//! count stays at 2^32 − 1. A quantile is off by less than its bucket's width: less than a factor of two.

use bytemuck::{Pod, Zeroable};

const BUCKETS: usize = 64;

/// See the module. All zero is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DurationHistogram {
    pub(crate) counts: [u32; BUCKETS],
}

impl DurationHistogram {
    /// No durations.
    pub const NONE: DurationHistogram = DurationHistogram { counts: [0; BUCKETS] };

    /// Counts a duration.
    #[inline(always)]
    pub fn add(&mut self, duration_ns: u64) {
        let bucket = (u64::BITS - duration_ns.leading_zeros()) as usize;
        let count = &mut self.counts[bucket.min(BUCKETS - 1)];
        *count = count.saturating_add(1);
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// The least duration that `percent` of 100 do not exceed, as far as the buckets tell: the one of
    /// rank ⌈percent × count / 100⌉, durations taken as spread evenly over their bucket, each in the
    /// middle of its share; in whole ns. `None` when empty.
    #[must_use]
    pub fn percentile_ns(&self, percent: u8) -> Option<u64> {
        let count = u128::from(self.count());
        let rank = (count * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut below = 0;
        for (bucket, &here) in self.counts.iter().enumerate() {
            let here = u128::from(here);
            if below + here >= rank {
                let floor = if bucket == 0 { 0 } else { 1_u128 << (bucket - 1) };
                // From 1 on, the bucket is as wide as its floor.
                let into = floor * (2 * (rank - below) - 1) / (2 * here);
                return u64::try_from(floor + into).ok();
            }
            below += here;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_below_a_power_of_two() {
        let mut histogram = DurationHistogram::NONE;
        for (duration, bucket) in
            [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1 << 61, 62), (1 << 62, 63), (u64::MAX, 63)]
        {
            let before = histogram.counts[bucket];
            histogram.add(duration);
            assert_eq!(histogram.counts[bucket], before + 1, "{duration}");
        }
        assert_eq!(histogram.count(), 8);
    }

    #[test]
    fn percentiles_worked_by_hand() {
        let mut histogram = DurationHistogram::NONE;
        assert_eq!(histogram.percentile_ns(50), None);
        // One of 0 ns, two in [4, 8), one in [1024, 2048).
        [0, 4, 7, 1_500].into_iter().for_each(|duration| histogram.add(duration));
        assert_eq!(histogram.percentile_ns(0), Some(0));
        assert_eq!(histogram.percentile_ns(25), Some(0));
        // Ranks 2 and 3: 4 + 4 × 1/4, 4 + 4 × 3/4. Rank 4: 1,024 + 1,024 / 2.
        assert_eq!(histogram.percentile_ns(50), Some(5));
        assert_eq!(histogram.percentile_ns(75), Some(7));
        assert_eq!(histogram.percentile_ns(76), Some(1_536));
        assert_eq!(histogram.percentile_ns(100), Some(1_536));
    }
}
