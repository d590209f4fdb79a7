//! Mean and variance, exponentially weighted by sample.

use bytemuck::{Pod, Zeroable};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Moments {
    mean: f64,
    variance: f64,
    /// Samples, as far as they are counted.
    samples: u64,
}

/// Samples of which each counts the same, before old ones count less.
const EVEN: u64 = 16;

/// How far from the mean a sample may count once there are [`EVEN`], in standard deviations: so that one
/// burst does not blind the score for the next.
const SIGMAS_MAX: f64 = 5.0;

impl Moments {
    /// How many standard deviations `sample` is from the mean before it; 0 with fewer than 16 samples.
    /// `floor` is the least standard deviation that is divided by.
    #[inline]
    #[must_use]
    pub fn score(&self, sample: f64, floor: f64) -> f64 {
        if self.samples < EVEN {
            return 0.0;
        }
        (sample - self.mean) / self.sigma().max(floor)
    }

    /// Takes a sample: in the long run each counts `weight`, the first ones evenly.
    #[inline]
    pub fn take(&mut self, sample: f64, weight: f64) {
        let is_warm = self.samples >= EVEN;
        let mut away = sample - self.mean;
        if is_warm {
            let most = SIGMAS_MAX * self.sigma();
            // Nothing varies yet: then anything counts.
            if most > 0.0 {
                away = away.clamp(-most, most);
            }
        }
        let weight = if is_warm { weight } else { 1.0 / (self.samples + 1) as f64 };
        self.mean += weight * away;
        self.variance = (1.0 - weight) * (self.variance + weight * away * away);
        self.samples = self.samples.saturating_add(1);
    }

    /// The mean.
    #[inline]
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation.
    #[inline]
    #[must_use]
    pub fn sigma(&self) -> f64 {
        // Whatever the bytes are: no clamp between NaN.
        let sigma = self.variance.max(0.0).sqrt();
        if sigma.is_finite() { sigma } else { 0.0 }
    }

    /// Samples taken.
    #[inline]
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_samples_give_their_mean_and_variance() {
        let samples = [3.0, 7.0, 7.0, 19.0, -4.0, 2.5];
        let mut moments = Moments::default();
        samples.iter().for_each(|sample| moments.take(*sample, 0.01));
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        let variance =
            samples.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>() / samples.len() as f64;
        assert!((moments.mean() - mean).abs() < 1e-12);
        assert!((moments.sigma() - variance.sqrt()).abs() < 1e-12);
        assert_eq!(moments.score(1e9, 0.0), 0.0, "too few to score by");
    }

    #[test]
    fn an_outlier_is_scored_before_it_counts_and_then_counts_no_more_than_five_sigma() {
        let mut moments = Moments::default();
        (0..400).for_each(|at| moments.take(if at % 2 == 0 { 9.0 } else { 11.0 }, 0.02));
        let (mean, sigma) = (moments.mean(), moments.sigma());
        assert!((mean - 10.0).abs() < 0.1 && (sigma - 1.0).abs() < 0.05);
        let score = moments.score(1_010.0, 0.0);
        assert!(score > 900.0, "{score}");
        moments.take(1_010.0, 0.02);
        assert!(moments.mean() < mean + 0.02 * 5.0 * sigma + 1e-9);
        assert!(moments.score(1_010.0, 0.0) > 500.0);
        assert_eq!(moments.score(12.0, 100.0), (12.0 - moments.mean()) / 100.0);
    }

    #[test]
    fn any_bytes_are_taken() {
        for bytes in [[0xffu8; 24], [0x7f; 24], [0x80; 24]] {
            let mut moments: Moments = bytemuck::cast(bytes);
            moments.take(1.0, 0.5);
            let _ = moments.score(2.0, 1.0);
        }
    }
}
