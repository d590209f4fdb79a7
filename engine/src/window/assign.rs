//! Which windows an element falls into: tumbling, sliding, session, global.
//!
//! Rules: Flink's `TumblingEventTimeWindows`, `SlidingEventTimeWindows`, `EventTimeSessionWindows`
//! and `GlobalWindows`. An assigner can only be made of parameters that Flink would take, and then
//! takes every timestamp but [`Tick::MIN`], which in Flink says that an element has none; sessions
//! and the global window take that too. Windows that reach past the range of [`Tick`] are cut to it.

use super::settings::SettingsError;
use super::tick::{Span, Tick};
use super::time_window::{TimeWindow, Window, window_start_wide};

/// At most so many sliding windows to an element: `size / slide`.
pub const WINDOWS_PER_ELEMENT_MAX: i64 = 10_000_000;

/// How elements are assigned to windows. Its parameters are in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigner(Kind);

/// The parameters, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One window after another.
    Tumbling { size: Span, offset: Span },
    /// A window of `size` starts every `slide`.
    Sliding { size: Span, slide: Span, offset: Span },
    /// A window ends `gap` after its last element.
    Session { gap: Span },
    /// One window.
    Global,
}

impl Assigner {
    /// Windows of `size`, one after another, of which one starts at `offset`.
    ///
    /// # Errors
    /// Unless `|offset| < size`.
    pub const fn tumbling(size: Span, offset: Span) -> Result<Self, SettingsError> {
        // Unsigned, for the offset of which the absolute value is no i64.
        if size.0 <= 0 || offset.0.unsigned_abs() >= size.0.unsigned_abs() {
            return Err(SettingsError::Tumbling { size, offset });
        }
        Ok(Assigner(Kind::Tumbling { size, offset }))
    }

    /// Windows of `size`, of which one starts every `slide`, and one at `offset`. `size` need not be
    /// a multiple of `slide`, and may be less: then some elements fall into no window.
    ///
    /// # Errors
    /// Unless `|offset| < slide`, `0 < size` and `size / slide <= WINDOWS_PER_ELEMENT_MAX`.
    pub const fn sliding(size: Span, slide: Span, offset: Span) -> Result<Self, SettingsError> {
        if size.0 <= 0
            || slide.0 <= 0
            || offset.0.unsigned_abs() >= slide.0.unsigned_abs()
            || size.0 / slide.0 > WINDOWS_PER_ELEMENT_MAX
        {
            return Err(SettingsError::Sliding { size, slide, offset });
        }
        Ok(Assigner(Kind::Sliding { size, slide, offset }))
    }

    /// A window for each run of elements that are at most `gap` apart.
    ///
    /// # Errors
    /// Unless `0 < gap`.
    pub const fn session(gap: Span) -> Result<Self, SettingsError> {
        if gap.0 <= 0 {
            return Err(SettingsError::Session { gap });
        }
        Ok(Assigner(Kind::Session { gap }))
    }

    /// One window for everything.
    #[must_use]
    pub const fn global() -> Self {
        Assigner(Kind::Global)
    }

    pub(super) const fn kind(self) -> Kind {
        self.0
    }

    /// Whether windows of this assigner merge.
    #[must_use]
    pub const fn merges(self) -> bool {
        matches!(self.0, Kind::Session { .. })
    }

    /// The windows of an element at `at`, the latest start first. None if `at` is [`Tick::MIN`] and
    /// windows are tumbling or sliding.
    #[must_use]
    pub fn assign(self, at: Tick) -> Windows {
        let time = |start, end| Windows(Remaining::One(Window::Time(TimeWindow { start, end })));
        match self.0 {
            Kind::Tumbling { .. } | Kind::Sliding { .. } if at == Tick::MIN => {
                Windows(Remaining::None)
            }
            Kind::Tumbling { size, offset } => {
                let start = window_start_wide(at, offset, size);
                time(Tick::from_wide(start), Tick::from_wide(start + i128::from(size.0)))
            }
            Kind::Sliding { size, slide, offset } => {
                let start = window_start_wide(at, offset, slide);
                let after = i128::from(at.0) - i128::from(size.0);
                let (size, slide) = (size.0.into(), slide.0.into());
                Windows(Remaining::Sliding { start, after, size, slide })
            }
            Kind::Session { gap } => time(at, at.plus(gap)),
            Kind::Global => Windows(Remaining::One(Window::Global)),
        }
    }
}

/// The windows of one element.
#[derive(Clone, Copy, Debug)]
pub struct Windows(Remaining);

#[derive(Clone, Copy, Debug)]
enum Remaining {
    None,
    One(Window),
    /// Starts from `start` down while they are greater than `after`; wide, so that no step of the
    /// way leaves the range.
    Sliding {
        start: i128,
        after: i128,
        size: i128,
        slide: i128,
    },
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        match &mut self.0 {
            Remaining::None => None,
            Remaining::One(window) => {
                let window = *window;
                self.0 = Remaining::None;
                Some(window)
            }
            Remaining::Sliding { start, after, size, slide } => {
                let from = *start;
                if from <= *after {
                    return None;
                }
                *start = from - *slide;
                let (start, end) = (Tick::from_wide(from), Tick::from_wide(from + *size));
                Some(Window::Time(TimeWindow { start, end }))
            }
        }
    }
}
