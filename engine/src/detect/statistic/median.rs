//! A running median that steps towards each sample (Frugal-1U: Ma, Muthukrishnan and Sandler 2013,
//! arXiv 1407.1121), by a factor instead of by 1, so that it serves any scale.

use bytemuck::{Pod, Zeroable};

/// See the module. Of positive samples; 0 until the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Median {
    estimate: f64,
}

/// The factor of one step: a change of the level tenfold is followed within 60 samples.
const STEP: f64 = 0.04;

impl Median {
    /// Takes a sample; what is not above 0 is none.
    #[inline(always)]
    pub fn take(&mut self, sample: f64) {
        if sample <= 0.0 || sample.is_nan() {
            return;
        }
        let estimate = self.estimate;
        self.estimate = if estimate <= 0.0 {
            sample
        } else if sample > estimate {
            (estimate * (1.0 + STEP)).min(sample)
        } else {
            (estimate * (1.0 - STEP)).max(sample)
        };
    }

    /// The median so far; 0 before the first sample.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> f64 {
        self.estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_near_the_median_and_stays_whatever_the_tail() {
        let mut median = Median::default();
        let mut state = 7u64;
        for round in 0..5_000u32 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Uniform from 1 to 200, and one in ten a hundred times as much.
            let sample = (1 + (state >> 33) % 200) as f64;
            median.take(if round % 10 == 0 { sample * 100.0 } else { sample });
            if round > 500 {
                assert!((60.0..190.0).contains(&median.get()), "{round}: {}", median.get());
            }
        }
    }

    #[test]
    fn what_is_no_sample_changes_nothing() {
        let mut median = Median::default();
        for none in [0.0, -1.0, f64::NAN] {
            median.take(none);
        }
        assert_eq!(median.get(), 0.0);
        median.take(100.0);
        median.take(0.0);
        assert_eq!(median.get(), 100.0);
        median.take(101.0);
        assert_eq!(median.get(), 101.0, "no further than the sample");
    }
}
