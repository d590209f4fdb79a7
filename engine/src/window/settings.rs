//! What an operator is made of, checked before it is made.

use thiserror::Error;

use super::assign::Assigner;
use super::tick::{Span, Tick};
use super::time_window::Window;
use super::trigger::Trigger;

/// Parameters that no window operator, watermark generator or idleness test can work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Tumbling windows.
    #[error("tumbling windows need |offset| < size; size {size}, offset {offset} were given")]
    Tumbling {
        /// As given.
        size: Span,
        /// As given.
        offset: Span,
    },
    /// Sliding windows.
    #[error(
        "sliding windows need |offset| < slide, 0 < size and size / slide <= 10000000; \
         size {size}, slide {slide}, offset {offset} were given"
    )]
    Sliding {
        /// As given.
        size: Span,
        /// As given.
        slide: Span,
        /// As given.
        offset: Span,
    },
    /// Sessions.
    #[error("session windows need 0 < gap; gap {gap} was given")]
    Session {
        /// As given.
        gap: Span,
    },
    /// A trigger that counts to nothing.
    #[error("a count trigger needs a count of at least 1; 0 was given")]
    Count,
    /// A trigger that fires all the time.
    #[error("a continuous trigger needs 0 < interval; {interval} was given")]
    Interval {
        /// As given.
        interval: Span,
    },
    /// Lateness into the past.
    #[error("allowed lateness must be at least 0; {allowed_lateness} was given")]
    Lateness {
        /// As given.
        allowed_lateness: Span,
    },
    /// A trigger that cannot follow its windows.
    #[error("session windows merge, and the end-of-stream trigger cannot")]
    TriggerCannotMerge,
    /// No room for any window.
    #[error("the limit of live windows must be at least 1; 0 was given")]
    NoWindows,
    /// A watermark ahead of its elements.
    #[error("out-of-orderness must be at least 0; {bound} was given")]
    OutOfOrderness {
        /// As given.
        bound: Span,
    },
    /// Idle before it began.
    #[error("an idle timeout must be more than 0; {timeout} was given")]
    IdleTimeout {
        /// As given.
        timeout: Span,
    },
    /// A valve that nothing can flow through.
    #[error("a watermark valve needs at least one channel")]
    NoChannels,
    /// A group that no source could stay in.
    #[error("the drift of an alignment group must be at least 0; {max_drift} was given")]
    Drift {
        /// As given.
        max_drift: Span,
    },
}

/// Live windows of all keys together, unless set: 2^20.
pub const WINDOWS_MAX_DEFAULT: usize = 1 << 20;

/// What a [`WindowOperator`](super::WindowOperator) does. Cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSettings {
    assigner: Assigner,
    trigger: Trigger,
    allowed_lateness: Span,
    late_output: bool,
    windows_max: usize,
}

impl WindowSettings {
    /// Windows of `assigner`, fired by `trigger`; no lateness, no late output, at most
    /// [`WINDOWS_MAX_DEFAULT`] live windows.
    ///
    /// # Errors
    /// [`SettingsError::TriggerCannotMerge`] if windows merge and the trigger cannot.
    pub const fn new(assigner: Assigner, trigger: Trigger) -> Result<Self, SettingsError> {
        if assigner.merges() && !trigger.can_merge() {
            return Err(SettingsError::TriggerCannotMerge);
        }
        let (allowed_lateness, windows_max) = (Span::ZERO, WINDOWS_MAX_DEFAULT);
        Ok(WindowSettings { assigner, trigger, allowed_lateness, late_output: false, windows_max })
    }

    /// Keeps a window `allowed_lateness` ticks beyond its last instant. The global window needs none.
    ///
    /// # Errors
    /// Unless it is at least 0.
    pub const fn with_allowed_lateness(
        mut self,
        allowed_lateness: Span,
    ) -> Result<Self, SettingsError> {
        if allowed_lateness.0 < 0 {
            return Err(SettingsError::Lateness { allowed_lateness });
        }
        self.allowed_lateness = allowed_lateness;
        Ok(self)
    }

    /// Whether elements that are late for all their windows are handed out, or dropped. Both are
    /// counted.
    #[must_use]
    pub const fn with_late_output(mut self, late_output: bool) -> Self {
        self.late_output = late_output;
        self
    }

    /// At most `windows_max` live windows, those of all keys together. An element that needs more is
    /// refused whole and counted.
    ///
    /// # Errors
    /// Unless it is at least 1.
    pub const fn with_windows_max(mut self, windows_max: usize) -> Result<Self, SettingsError> {
        if windows_max == 0 {
            return Err(SettingsError::NoWindows);
        }
        self.windows_max = windows_max;
        Ok(self)
    }

    /// How elements are assigned to windows.
    #[must_use]
    pub const fn assigner(&self) -> Assigner {
        self.assigner
    }

    /// When windows fire.
    #[must_use]
    pub const fn trigger(&self) -> Trigger {
        self.trigger
    }

    /// How long windows are kept beyond their last instant, in ticks.
    #[must_use]
    pub const fn allowed_lateness(&self) -> Span {
        self.allowed_lateness
    }

    /// Whether late elements are handed out.
    #[must_use]
    pub const fn late_output(&self) -> bool {
        self.late_output
    }

    /// The greatest number of live windows.
    #[must_use]
    pub const fn windows_max(&self) -> usize {
        self.windows_max
    }

    /// Whether the state of `window` is dropped at `watermark`.
    #[inline]
    pub(super) const fn is_late(&self, window: Window, watermark: Tick) -> bool {
        window.time().is_some() && window.cleanup_time(self.allowed_lateness).0 <= watermark.0
    }
}
