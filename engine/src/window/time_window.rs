//! `[start, end)`: what a window is, where one starts, which ones touch.
//!
//! Rules: Flink's `TimeWindow` and `GlobalWindow`. The last instant of a window is `end − 1`. Windows
//! that merely touch intersect, so two elements exactly one gap apart are one session. A start is
//! found by flooring, also before the epoch.

use core::fmt;

use super::tick::{Span, Tick};

/// The half-open interval `[start, end)`. The derived order is by start, then end.
///
/// Any pair is accepted; the assigners make only windows with `start <= end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeWindow {
    /// The first instant inside.
    pub start: Tick,
    /// The first instant outside.
    pub end: Tick,
}

impl TimeWindow {
    /// `[start, end)`.
    #[must_use]
    pub const fn new(start: Tick, end: Tick) -> Self {
        TimeWindow { start, end }
    }

    /// The last instant inside: `end − 1`, saturating.
    #[inline]
    #[must_use]
    pub const fn max_timestamp(self) -> Tick {
        self.end.minus(Span(1))
    }

    /// Whether the two share an instant or touch.
    #[inline]
    #[must_use]
    pub fn intersects(self, other: TimeWindow) -> bool {
        self.start <= other.end && self.end >= other.start
    }

    /// The least window that covers both.
    #[inline]
    #[must_use]
    pub fn cover(self, other: TimeWindow) -> TimeWindow {
        TimeWindow { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{},{})", self.start, self.end)
    }
}

/// What an element is assigned to: an interval, or the one window without ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// An interval of event time.
    Time(TimeWindow),
    /// All of time. Never late, never cleaned up.
    Global,
}

impl Window {
    /// The timestamp of this window's results: its last instant, [`Tick::MAX`] for the global one.
    #[inline]
    #[must_use]
    pub const fn max_timestamp(self) -> Tick {
        match self {
            Window::Time(window) => window.max_timestamp(),
            Window::Global => Tick::MAX,
        }
    }

    /// The interval, if it is one.
    #[must_use]
    pub const fn time(self) -> Option<TimeWindow> {
        match self {
            Window::Time(window) => Some(window),
            Window::Global => None,
        }
    }

    /// When the state of this window is dropped: `max_timestamp + lateness`, saturating. At
    /// [`Tick::MAX`] never. The global window has no lateness.
    #[inline]
    #[must_use]
    pub const fn cleanup_time(self, allowed_lateness: Span) -> Tick {
        match self {
            Window::Time(window) => window.max_timestamp().plus(allowed_lateness),
            Window::Global => Tick::MAX,
        }
    }
}

/// `[start,end)`, or `global`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Time(window) => window.fmt(f),
            Window::Global => f.write_str("global"),
        }
    }
}

/// The start of the window that holds `at`, among windows of `size` that start at `offset` and its
/// multiples of `size` away: the greatest such start not after `at`, at least [`Tick::MIN`].
///
/// A `size` of 0 or less is taken as 1: each instant starts its own window.
#[inline]
#[must_use]
pub fn window_start(at: Tick, offset: Span, size: Span) -> Tick {
    Tick::from_wide(window_start_wide(at, offset, size))
}

/// As [`window_start`], but not cut to the range.
#[inline]
pub(super) fn window_start_wide(at: Tick, offset: Span, size: Span) -> i128 {
    let size = size.0.max(1);
    let past_start = match at.0.checked_sub(offset.0) {
        Some(from_offset) => i128::from(from_offset.rem_euclid(size)),
        None => (i128::from(at.0) - i128::from(offset.0)).rem_euclid(i128::from(size)),
    };
    i128::from(at.0) - past_start
}
