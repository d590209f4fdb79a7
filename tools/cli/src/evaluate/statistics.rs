//! The few statistics that figures are told by.

/// How sure an interval is.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The quantile of the normal distribution that leaves half of the rest of [`CONFIDENCE`] above it.
const Z: f64 = 1.959_963_984_540_054;

/// `part / whole`; nothing where there is nothing to be part of.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Wilson's interval for the share that `part` of `whole` tells of; nothing where `whole` is 0. It stays
/// within 0 and 1, and is of use for small counts (Wilson 1927; Brown, Cai, DasGupta 2001).
pub(super) fn wilson(part: u64, whole: u64) -> Option<(f64, f64)> {
    let share = share(part, whole)?;
    let n = whole as f64;
    let shrink = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / shrink;
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / shrink;
    // Rounding must not take what is exact at either end.
    let low = if part == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if part == whole { 1.0 } else { (middle + half).min(1.0) };
    Some((low, high))
}

/// The harmonic mean of precision and recall; 0 where both are, nothing where one is not defined.
pub(super) fn f1(precision: Option<f64>, recall: Option<f64>) -> Option<f64> {
    let (precision, recall) = (precision?, recall?);
    let sum = precision + recall;
    Some(if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 })
}

/// The middle value, or the mean of the two in the middle; nothing where there are none.
pub(super) fn median(mut values: Vec<u64>) -> Option<f64> {
    values.sort_unstable();
    let half = values.len() / 2;
    let upper = *values.get(half)? as f64;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some((values[half - 1] as f64 + upper) / 2.0)
}

/// The area under precision over recall as average precision: Σ (Rₖ − Rₖ₋₁) · Pₖ over falling thresholds
/// k, with R₀ = 0. Each point is (recall, precision); nothing where there is none.
pub(super) fn average_precision(points: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let sum = |(before, area): (f64, f64), (recall, precision): (f64, f64)| {
        (recall, area + (recall - before) * precision)
    };
    let mut points = points.into_iter().peekable();
    points.peek()?;
    Some(points.fold((0.0, 0.0), sum).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_the_published_one() {
        let near = |given: Option<(f64, f64)>, low: f64, high: f64| {
            let (from, to) = given.unwrap();
            assert!((from - low).abs() < 5e-5 && (to - high).abs() < 5e-5, "{from} {to}");
        };
        // Newcombe 1998, table I, method 3 (score without continuity correction).
        near(wilson(81, 263), 0.2553, 0.3662);
        near(wilson(15, 148), 0.0624, 0.1605);
        near(wilson(0, 20), 0.0, 0.1611);
        near(wilson(1, 29), 0.0061, 0.1718);
        near(wilson(20, 20), 1.0 - 0.1611, 1.0);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn average_precision_of_a_case_worked_by_hand() {
        // Recall 0.25, 0.5, 0.5, 0.75 at precision 1, 1, 2/3, 3/4.
        let points = [(0.25, 1.0), (0.5, 1.0), (0.5, 2.0 / 3.0), (0.75, 0.75)];
        let expected = 0.25 + 0.25 + 0.0 + 0.25 * 0.75;
        assert!((average_precision(points).unwrap() - expected).abs() < 1e-12);
        assert_eq!(average_precision([]), None);
    }

    #[test]
    fn what_is_not_defined_is_nothing_and_not_zero() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(0, 3), Some(0.0));
        assert_eq!(f1(None, Some(0.0)), None);
        assert_eq!(f1(Some(0.0), Some(0.0)), Some(0.0));
        assert_eq!(f1(Some(0.5), Some(1.0)), Some(2.0 / 3.0));
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![9, 1, 5]), Some(5.0));
        assert_eq!(median(vec![8, 1, 5, 2]), Some(3.5));
    }
}
