//! All chance there is: a stream of 64-bit numbers from a seed, and integer distributions over it.
//!
//! Nothing here is a floating-point number, so no rounding can differ between machines. Logarithms
//! come from a table that is computed when the crate is compiled, bit by bit.

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

/// Standard deviation of [`Random::bell`].
pub(crate) const BELL_SIGMA: i64 = 37_837;

/// The natural logarithm of 2 in 2^-32 units.
const LN_2_Q32: u64 = 2_977_044_472;

/// log2(1 + i / 256) in 2^-32 units, for i from 0 to 256.
const LOG2_Q32: [u64; 257] = {
    let mut table = [0; 257];
    let mut i = 0;
    while i <= 256 {
        table[i] = log2_q32((256 + i as u64) << 54);
        i += 1;
    }
    table
};

/// log2 of `x` × 2^-62, which is from 1 to 2, in 2^-32 units: one binary digit a squaring.
const fn log2_q32(x: u64) -> u64 {
    let (mut x, mut log, mut digit) = (x as u128, 0_u64, 1_u64 << 32);
    if x >= 1 << 63 {
        return digit;
    }
    while digit > 1 {
        digit >>= 1;
        x = (x * x) >> 62;
        if x >= 1 << 63 {
            x >>= 1;
            log += digit;
        }
    }
    log
}

impl Random {
    /// The stream numbered `stream` of a seed. Streams of one seed have nothing to do with each other.
    #[must_use]
    pub(crate) const fn new(seed: u64, stream: u64) -> Random {
        let mut mixed = Random { state: seed };
        let start = mixed.next_u64() ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mut random = Random { state: start };
        random.next_u64();
        random
    }

    /// The next 64 bits.
    #[inline]
    pub(crate) const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, 0 if that is 0. Its bias is below `bound` × 2^-64.
    #[inline]
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    ///
    /// # Panics
    /// If `high` is below `low`.
    #[inline]
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "Invariant: an interval is not empty");
        low + self.below(high - low + 1)
    }

    /// Whether something of `per_10_000` chances in 10,000 comes to pass.
    #[inline]
    pub(crate) const fn chance(&mut self, per_10_000: u32) -> bool {
        self.below(10_000) < per_10_000 as u64
    }

    /// Exponentially distributed with this mean; at most 45 times the mean.
    #[inline]
    pub(crate) const fn exponential(&mut self, mean: u64) -> u64 {
        let bits = self.next_u64() | 1;
        let zeros = bits.leading_zeros();
        let mantissa = bits << zeros;
        let at = (mantissa >> 55) as usize & 255;
        let (low, high) = (LOG2_Q32[at], LOG2_Q32[at + 1]);
        let within = (mantissa >> 23) & 0xffff_ffff;
        let fraction = low + (((high - low) as u128 * within as u128) >> 32) as u64;
        // −log2 of a number in (0, 1].
        let log2_q32 = (((zeros as u64) + 1) << 32) - fraction;
        let ln_q32 = ((log2_q32 as u128 * LN_2_Q32 as u128) >> 32) as u64;
        ((mean as u128 * ln_q32 as u128) >> 32) as u64
    }

    /// From 2^`low` up to 2^`high`, each doubling as likely as the next.
    ///
    /// # Panics
    /// If `high` is not above `low`, or above 63.
    #[inline]
    pub(crate) const fn doubling(&mut self, low: u32, high: u32) -> u64 {
        assert!(low < high && high < 64, "Invariant: there are doublings to choose from");
        let exponent = low as u64 + self.below((high - low) as u64);
        (1 << exponent) + self.below(1 << exponent)
    }

    /// About normally distributed around 0 with standard deviation [`BELL_SIGMA`]: the sum of four
    /// uniform numbers, within ±131,072.
    #[inline]
    pub(crate) const fn bell(&mut self) -> i64 {
        let bits = self.next_u64();
        let sum =
            (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
        sum as i64 - 131_070
    }

    /// One of the odds' indexes, each as likely as it weighs.
    #[inline]
    pub(crate) fn pick<const N: usize>(&mut self, odds: &Odds<N>) -> usize {
        let drawn = (self.next_u64() >> 32) as u32;
        odds.upto.iter().filter(|&&upto| upto <= drawn).count().min(N - 1)
    }
}

/// Weights made ready for drawing: how much of 2^32 lies up to and with each index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Odds<const N: usize> {
    upto: [u32; N],
}

impl<const N: usize> Odds<N> {
    /// The odds of these weights.
    ///
    /// # Panics
    /// If all weights are 0.
    #[must_use]
    pub(crate) fn new(weights: &[u32; N]) -> Odds<N> {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        assert!(total > 0, "Invariant: something can be drawn");
        let mut sum = 0;
        Odds {
            upto: weights.map(|weight| {
                sum += u64::from(weight);
                ((sum << 32) / total).min(u64::from(u32::MAX)) as u32
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_is_pinned() {
        // The published first outputs of SplitMix64 for state 0.
        let mut random = Random { state: 0 };
        let first = [random.next_u64(), random.next_u64()];
        assert_eq!(first, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        assert_ne!(Random::new(1, 0).next_u64(), Random::new(1, 1).next_u64());
        assert_ne!(Random::new(1, 0).next_u64(), Random::new(2, 0).next_u64());
    }

    #[test]
    fn the_table_of_logarithms_is_right_to_its_last_digits() {
        for (i, &entry) in LOG2_Q32.iter().enumerate() {
            let exact = (1.0 + i as f64 / 256.0).log2() * 4_294_967_296.0;
            assert!((entry as f64 - exact).abs() < 4.0, "{i}: {entry} is not {exact}");
        }
    }

    #[test]
    fn exponential_numbers_have_their_mean_and_their_quantiles() {
        let mut random = Random::new(7, 0);
        let mut drawn: Vec<u64> = (0..100_000).map(|_| random.exponential(1_000_000)).collect();
        drawn.sort_unstable();
        let mean = drawn.iter().sum::<u64>() / 100_000;
        assert!((985_000..1_015_000).contains(&mean), "{mean}");
        // The median is ln 2 of the mean, the 99th percentile ln 100.
        assert!((680_000..706_000).contains(&drawn[50_000]), "{}", drawn[50_000]);
        assert!((4_450_000..4_770_000).contains(&drawn[99_000]), "{}", drawn[99_000]);
        assert!(drawn[99_999] < 45_000_000);
    }

    #[test]
    fn bell_numbers_have_their_deviation() {
        let mut random = Random::new(3, 1);
        let drawn: Vec<i64> = (0..100_000).map(|_| random.bell()).collect();
        let mean = drawn.iter().sum::<i64>() / 100_000;
        let variance = drawn.iter().map(|x| x * x).sum::<i64>() / 100_000;
        assert!(mean.abs() < 500, "{mean}");
        assert!((variance.isqrt() - BELL_SIGMA).abs() < 400, "{}", variance.isqrt());
    }

    #[test]
    fn doublings_are_equally_likely_and_weights_are_kept() {
        let mut random = Random::new(11, 0);
        let mut counts = [0_u32; 4];
        for _ in 0..40_000 {
            let drawn = random.doubling(10, 14);
            assert!((1 << 10..1 << 14).contains(&drawn));
            counts[drawn.ilog2() as usize - 10] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        let mut drawn = [0_u32; 3];
        let odds = Odds::new(&[1, 0, 3]);
        (0..10_000).for_each(|_| drawn[random.pick(&odds)] += 1);
        assert!(drawn[1] == 0 && (2_300..2_700).contains(&drawn[0]), "{drawn:?}");
    }
}
