//! Observations by value, each with a weight: a count, or the time for which the value stood.

use std::borrow::Cow;

/// See the module. Two can be added up.
///
/// Values are kept as they come and put in order once there are as many again; a tree would take half of
/// the time that a session's measure takes.
#[derive(Clone, Debug, Default)]
pub struct Weighted {
    /// By value, each once.
    ordered: Vec<(u64, u64)>,
    /// As they came.
    recent: Vec<(u64, u64)>,
}

const RECENT_MIN: usize = 4_096;

impl Weighted {
    /// Notes a value.
    pub fn add(&mut self, value: u64, weight: u64) {
        if weight > 0 {
            self.recent.push((value, weight));
            if self.recent.len() >= self.ordered.len().max(RECENT_MIN) {
                self.settle();
            }
        }
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Weighted) {
        self.recent.extend_from_slice(&other.ordered);
        self.recent.extend_from_slice(&other.recent);
        self.settle();
    }

    /// Puts all in order, so that reading does not have to.
    pub fn settle(&mut self) {
        self.ordered.append(&mut self.recent);
        self.ordered.sort_unstable_by_key(|&(value, _)| value);
        self.ordered.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 += if is_same { next.1 } else { 0 };
            is_same
        });
    }

    /// Values and their weights, by value.
    #[must_use]
    pub fn entries(&self) -> Cow<'_, [(u64, u64)]> {
        if self.recent.is_empty() {
            return Cow::Borrowed(&self.ordered);
        }
        let mut all = self.clone();
        all.settle();
        Cow::Owned(all.ordered)
    }

    /// The weight of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ordered.iter().chain(&self.recent).map(|&(_, weight)| weight).sum()
    }

    /// The share of weight that is on values of which `holds` is true.
    pub fn share(&self, holds: impl Fn(u64) -> bool) -> Option<f64> {
        let all = self.ordered.iter().chain(&self.recent);
        let part: u64 = all.filter(|(value, _)| holds(*value)).map(|&(_, weight)| weight).sum();
        ratio(part as f64, self.total() as f64)
    }

    /// The least value that has at least the share `of` of all weight at or below it.
    #[must_use]
    pub fn quantile(&self, of: f64) -> Option<f64> {
        let wanted = of * self.total() as f64;
        let mut below = 0;
        self.entries().iter().find_map(|&(value, weight)| {
            below += weight;
            (below as f64 >= wanted).then_some(value as f64)
        })
    }

    /// The weighted mean.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let all = self.ordered.iter().chain(&self.recent);
        let sum: u128 = all.map(|&(value, weight)| u128::from(value) * u128::from(weight)).sum();
        ratio(sum as f64, self.total() as f64)
    }

    /// The standard deviation (of all, not of a sample) over the mean.
    #[must_use]
    pub fn coefficient_of_variation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let square = |&(value, weight): &(u64, u64)| (value as f64 - mean).powi(2) * weight as f64;
        let variance = self.entries().iter().map(square).sum::<f64>() / self.total() as f64;
        ratio(variance.sqrt(), mean)
    }
}

/// `part / whole`, where there is a whole.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_few_values_are_those_worked_out_by_hand() {
        let mut values = Weighted::default();
        [(9, 1), (1, 1), (4, 1), (1, 1)]
            .into_iter()
            .for_each(|(value, weight)| values.add(value, weight));
        values.add(100, 0);
        assert_eq!(values.total(), 4);
        assert_eq!(*values.entries(), [(1, 2), (4, 1), (9, 1)]);
        assert_eq!(values.mean(), Some(3.75));
        // Squares off the mean: 2 × 2.75², 0.25², 5.25², together 42.75, a fourth of it 10.6875.
        let expected = 10.6875_f64.sqrt() / 3.75;
        assert_eq!(values.coefficient_of_variation(), Some(expected));
        let quantiles = [0.1, 0.5, 0.51, 0.75, 1.0].map(|of| values.quantile(of));
        assert_eq!(quantiles, [1.0, 1.0, 4.0, 4.0, 9.0].map(Some));
        assert_eq!(values.share(|value| value < 9), Some(0.75));
        assert_eq!(Weighted::default().quantile(0.5), None);
        assert_eq!(Weighted::default().share(|_| true), None);
    }
}
