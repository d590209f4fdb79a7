//! Which bars are built, checked once.

use thiserror::Error;

use crate::pipeline::sequencer::TIME_GRID_NS;
use crate::window::tick::Span;

/// The least size of a bar, 1 µs, of which every size and lateness is a whole multiple: lines of the
/// time grid lie as close as the sizes ask for, and each costs every shard an event.
pub const BAR_STEP_NS: i64 = 1_000;

/// The greatest size and lateness: 36,525 days.
pub const BAR_NS_MAX: i64 = 36_525 * 86_400 * 1_000_000_000;

/// Sizes of bars and how late a print may be. Without sizes there are no bars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarSettings {
    /// Ascending, each once.
    sizes: Vec<Span>,
    lateness: Span,
}

/// What cannot be a setting of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BarSettingsError {
    /// No bar has this size.
    #[error("a bar of {size} ns: a size is 1 to {} µs, whole µs", BAR_NS_MAX / BAR_STEP_NS)]
    Size {
        /// As given.
        size: Span,
    },
    /// No lateness is this.
    #[error("a lateness of {lateness} ns: it is 0 to {} µs, whole µs", BAR_NS_MAX / BAR_STEP_NS)]
    Lateness {
        /// As given.
        lateness: Span,
    },
}

impl BarSettings {
    /// No bars.
    pub const NONE: BarSettings = BarSettings { sizes: Vec::new(), lateness: Span::ZERO };

    /// Bars of these sizes in ns, in any order, each counted once; a print may come `lateness` ns of
    /// feed time after the end of its window and still correct it.
    ///
    /// # Errors
    /// A size or the lateness is not in its range.
    pub fn new(sizes: &[Span], lateness: Span) -> Result<BarSettings, BarSettingsError> {
        let is_step = |span: Span| span.0 % BAR_STEP_NS == 0 && span.0 <= BAR_NS_MAX;
        if let Some(&size) = sizes.iter().find(|size| size.0 <= 0 || !is_step(**size)) {
            return Err(BarSettingsError::Size { size });
        }
        if lateness.0 < 0 || !is_step(lateness) {
            return Err(BarSettingsError::Lateness { lateness });
        }
        let mut sizes = sizes.to_vec();
        sizes.sort_unstable();
        sizes.dedup();
        Ok(BarSettings { sizes, lateness })
    }

    /// The sizes, ascending.
    #[must_use]
    pub fn sizes(&self) -> &[Span] {
        &self.sizes
    }

    /// How long after its window a print may come.
    #[must_use]
    pub fn lateness(&self) -> Span {
        self.lateness
    }

    /// Distance of the lines of the time grid under which a shard knows, to the nanosecond, whether a
    /// window has ended and whether a print is too late for it: the ends of all windows, and all ends
    /// plus the lateness, lie on such lines.
    #[must_use]
    pub fn grid(&self) -> Span {
        let spans = self.sizes.iter().chain((!self.sizes.is_empty()).then_some(&self.lateness));
        Span(spans.fold(TIME_GRID_NS, |grid, span| greatest_common_divisor(grid, span.0)))
    }
}

fn greatest_common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: i64 = 1_000;
    const MS: i64 = 1_000 * US;

    #[test]
    fn sizes_are_kept_ascending_and_once() {
        let sizes = [60_000 * MS, MS, 1_000 * MS, MS].map(Span);
        let settings = BarSettings::new(&sizes, Span::ZERO).expect("valid");
        assert_eq!(settings.sizes(), [MS, 1_000 * MS, 60_000 * MS].map(Span));
    }

    #[test]
    fn what_is_no_size_or_lateness_is_refused() {
        for size in [0, -MS, 1, US + 1, BAR_NS_MAX + US, i64::MAX, i64::MIN].map(Span) {
            let refused = BarSettings::new(&[Span(MS), size], Span::ZERO);
            assert_eq!(refused, Err(BarSettingsError::Size { size }));
        }
        for lateness in [-US, 1, BAR_NS_MAX + US].map(Span) {
            let refused = BarSettings::new(&[Span(MS)], lateness);
            assert_eq!(refused, Err(BarSettingsError::Lateness { lateness }));
        }
        assert!(BarSettings::new(&[Span(US), Span(BAR_NS_MAX)], Span(BAR_NS_MAX)).is_ok());
    }

    #[test]
    fn every_end_and_every_last_moment_for_a_print_lies_on_the_grid() {
        let grid = |sizes: &[i64], lateness: i64| {
            let sizes: Vec<Span> = sizes.iter().copied().map(Span).collect();
            BarSettings::new(&sizes, Span(lateness)).expect("valid").grid().0
        };
        assert_eq!(grid(&[], 0), MS);
        assert_eq!(grid(&[], 7 * US), MS);
        assert_eq!(grid(&[1_000 * MS, 60_000 * MS], 0), MS);
        assert_eq!(grid(&[1_000 * MS], 1_500 * US), 500 * US);
        assert_eq!(grid(&[300 * US, 1_000 * MS], 0), 100 * US);
        assert_eq!(grid(&[7 * US], 0), US);
    }
}
