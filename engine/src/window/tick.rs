//! Instants and spans of event time, in ticks of the stream's own unit.
//!
//! The engine's streams count nanoseconds since the UTC epoch, Flink's milliseconds; no rule here
//! depends on it. Arithmetic saturates: nothing wraps, and nothing panics.

use core::fmt;

/// An instant. Any `i64`; [`Tick::MIN`] as a watermark is "nothing known yet", [`Tick::MAX`] the end
/// of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Tick(pub i64);

impl Tick {
    /// The first instant, and the watermark before any other.
    pub const MIN: Tick = Tick(i64::MIN);
    /// The last instant, and the watermark that ends the input.
    pub const MAX: Tick = Tick(i64::MAX);

    /// This instant and `span` more, at most [`Tick::MAX`].
    #[inline]
    #[must_use]
    pub const fn plus(self, span: Span) -> Tick {
        Tick(self.0.saturating_add(span.0))
    }

    /// This instant and `span` less, at least [`Tick::MIN`].
    #[inline]
    #[must_use]
    pub const fn minus(self, span: Span) -> Tick {
        Tick(self.0.saturating_sub(span.0))
    }

    /// Ticks from `earlier` to this instant, cut to the range of `i64`.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Tick) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// An instant that was computed in more bits, cut to the range.
    #[inline]
    pub(crate) const fn from_wide(wide: i128) -> Tick {
        if wide < i64::MIN as i128 {
            Tick::MIN
        } else if wide > i64::MAX as i128 {
            Tick::MAX
        } else {
            Tick(wide as i64)
        }
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length of time, or an offset: a size, slide, gap, lateness, timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Span(pub i64);

impl Span {
    /// No time.
    pub const ZERO: Span = Span(0);
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
