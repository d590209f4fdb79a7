//! What a detector answers: that its condition holds, how much, and what shows it.

use crate::detect::spec::FIGURES_MAX;
use crate::units::{MatchNumber, Nanos, Sequence};

/// A detector's condition holds now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raised {
    /// How far its figures are beyond the thresholds: 1 at them. An alert opens from 1 on and is held up
    /// from one half on.
    pub level: f64,
    /// Since when, and from which message on that shows.
    pub since: Since,
    /// By [`Spec::figures`](crate::detect::spec::Spec::figures).
    pub figures: [f64; FIGURES_MAX],
    /// The print that shows it, where it is one: if that is broken, the alert is retracted.
    pub print: Option<MatchNumber>,
}

/// A place in the symbol's past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// When.
    pub time: Nanos,
    /// Which message.
    pub sequence: Sequence,
}

/// Score of an alert, 0 to 100 in tenths: 50 at the thresholds, 75 at twice as much, 87.5 at four times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u16);

impl Score {
    /// The greatest, in tenths.
    const MAX: u16 = 1_000;

    /// Of a level: 100 · (1 − 1/(2 level)) from 1 on, 50 · level below.
    #[must_use]
    pub fn of_level(level: f64) -> Score {
        let score = if level >= 1.0 { 1_000.0 - 500.0 / level } else { 500.0 * level };
        // A cast saturates, and makes 0 of what is no number.
        Score((score as u16).min(Score::MAX))
    }

    /// Of tenths; `None` of more than there are.
    #[must_use]
    pub const fn from_tenths(tenths: u16) -> Option<Score> {
        if tenths <= Score::MAX { Some(Score(tenths)) } else { None }
    }

    /// In tenths, 0 to 1,000.
    #[must_use]
    pub const fn tenths(self) -> u16 {
        self.0
    }

    /// As a number, 0 to 100.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_50_at_the_thresholds_and_rises_towards_100() {
        let tenths = |level| Score::of_level(level).tenths();
        assert_eq!([0.0, 0.5, 1.0, 2.0, 4.0].map(tenths), [0, 250, 500, 750, 875]);
        assert_eq!([f64::NAN, -3.0, f64::INFINITY, 1e300].map(tenths), [0, 0, 1_000, 1_000]);
        assert_eq!(Score::from_tenths(1_000).map(Score::get), Some(100.0));
        assert_eq!(Score::from_tenths(1_001), None);
    }
}
