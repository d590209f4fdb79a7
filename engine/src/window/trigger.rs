//! When a window fires: at its end, by count, periodically, at the end of the stream; purging or not.
//!
//! Rules: Flink's `EventTimeTrigger`, `CountTrigger`, `ContinuousEventTimeTrigger`,
//! `GlobalWindows.EndOfStreamTrigger` and `PurgingTrigger`. A trigger owns nothing: the operator
//! keeps a [`TriggerState`] a window and the timers, and calls
//!
//! ```text
//!  on_element      an element was added to the window
//!  on_event_time   a timer of the window is due
//!  on_merge        windows became this one; their states are in its state already
//!  clear           the window goes
//! ```
//! A timer set for an instant that the watermark has passed is due at the next watermark.

use super::settings::SettingsError;
use super::tick::{Span, Tick};
use super::time_window::Window;

/// How often a continuous trigger fires for one window and one watermark, at most, and two more.
///
/// Between two elements every firing repeats the one before. Where a watermark leaps over more
/// intervals than these, the trigger fires for the first and the last of them, and the others are
/// told to [`Timers::collapsed`]. At the end of the stream ([`Tick::MAX`]) the global window fires
/// once for all that is left. Flink would fire for each, however many.
pub const FIRINGS_MAX: i64 = 1 << 16;

/// What is to be done with a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerResult {
    /// Nothing.
    Continue,
    /// Emit its result.
    Fire,
    /// Emit its result and drop its contents.
    FireAndPurge,
}

impl TriggerResult {
    /// Whether the result is to be emitted.
    #[must_use]
    pub const fn fires(self) -> bool {
        matches!(self, TriggerResult::Fire | TriggerResult::FireAndPurge)
    }

    /// Whether the contents are to be dropped.
    #[must_use]
    pub const fn purges(self) -> bool {
        matches!(self, TriggerResult::FireAndPurge)
    }
}

/// The timers of one window, and the time.
pub trait Timers {
    /// The watermark.
    fn watermark(&self) -> Tick;

    /// Sets a timer; one that is set already stays as it is.
    fn register(&mut self, at: Tick);

    /// Drops a timer, if it is set.
    fn delete(&mut self, at: Tick);

    /// So many firings that would have repeated the one before were left out.
    fn collapsed(&mut self, firings: u64) {
        let _ = firings;
    }
}

/// What a trigger remembers of a window. Empty at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TriggerState {
    /// Elements since the last firing, of a count trigger.
    pub(super) count: u64,
    /// When a continuous trigger fires next.
    pub(super) fire_at: Option<Tick>,
}

impl TriggerState {
    /// Nothing remembered.
    pub const EMPTY: TriggerState = TriggerState { count: 0, fire_at: None };

    /// Takes in what was remembered of a window that became part of this one: counts are added, of
    /// the firings to come the earlier stays.
    pub fn merge(&mut self, other: TriggerState) {
        self.count = self.count.saturating_add(other.count);
        self.fire_at = match (self.fire_at, other.fire_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == TriggerState::EMPTY
    }
}

/// The parameters, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    EventTime,
    EndOfStream,
    Count(u64),
    Continuous(Span),
}

/// When windows fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    kind: Kind,
    purging: bool,
}

impl Trigger {
    /// Fires when the watermark reaches the window's last instant, and at once for each element
    /// that comes after that.
    #[must_use]
    pub const fn event_time() -> Self {
        Trigger { kind: Kind::EventTime, purging: false }
    }

    /// Fires when the watermark reaches the window's last instant, for an element that comes after
    /// that at the next watermark. Meant for the global window, whose last instant is
    /// [`Tick::MAX`]: it fires when the input ends, and only then. Cannot follow windows that merge.
    #[must_use]
    pub const fn end_of_stream() -> Self {
        Trigger { kind: Kind::EndOfStream, purging: false }
    }

    /// Fires with every `count` elements of a window. What is left when the window goes is not
    /// emitted.
    ///
    /// # Errors
    /// Unless `count` is at least 1.
    pub const fn count(count: u64) -> Result<Self, SettingsError> {
        match count {
            0 => Err(SettingsError::Count),
            count => Ok(Trigger { kind: Kind::Count(count), purging: false }),
        }
    }

    /// Fires at multiples of `interval` ticks from the window's first element on, and as
    /// [`Trigger::event_time`] does. The first firing is due at the multiple after that element; for
    /// elements before the epoch that is counted from the multiple above (Flink's `timestamp −
    /// timestamp % interval + interval`, which truncates towards zero). No firing is due later than
    /// the window's last instant. See [`FIRINGS_MAX`].
    ///
    /// # Errors
    /// Unless `0 < interval`.
    pub const fn continuous_event_time(interval: Span) -> Result<Self, SettingsError> {
        if interval.0 <= 0 {
            return Err(SettingsError::Interval { interval });
        }
        Ok(Trigger { kind: Kind::Continuous(interval), purging: false })
    }

    /// The same trigger, which drops the window's contents whenever it fires, or keeps them.
    #[must_use]
    pub const fn with_purging(mut self, purging: bool) -> Self {
        self.purging = purging;
        self
    }

    /// Whether firing drops the contents.
    #[must_use]
    pub const fn purging(self) -> bool {
        self.purging
    }

    pub(super) const fn kind(self) -> Kind {
        self.kind
    }

    /// Whether this trigger can follow windows that merge.
    #[must_use]
    pub const fn can_merge(self) -> bool {
        !matches!(self.kind, Kind::EndOfStream)
    }

    /// An element at `at` was added to `window`.
    pub fn on_element(
        self,
        state: &mut TriggerState,
        window: Window,
        at: Tick,
        timers: &mut impl Timers,
    ) -> TriggerResult {
        let end = window.max_timestamp();
        let fires = match self.kind {
            Kind::EventTime | Kind::Continuous(_) if end <= timers.watermark() => true,
            Kind::EventTime | Kind::EndOfStream => {
                timers.register(end);
                false
            }
            Kind::Count(count) => {
                state.count = state.count.saturating_add(1);
                let reached = state.count >= count;
                if reached {
                    state.count = 0;
                }
                reached
            }
            Kind::Continuous(interval) => {
                timers.register(end);
                if state.fire_at.is_none() {
                    let multiple = Tick(at.0 - at.0 % interval.0);
                    fire_next(state, multiple, interval, end, timers);
                }
                false
            }
        };
        self.result(fires)
    }

    /// A timer of `window` is due, the one set for `at`.
    pub fn on_event_time(
        self,
        state: &mut TriggerState,
        window: Window,
        at: Tick,
        timers: &mut impl Timers,
    ) -> TriggerResult {
        let end = window.max_timestamp();
        let fires = match self.kind {
            Kind::EventTime | Kind::EndOfStream => at == end,
            Kind::Count(_) => false,
            Kind::Continuous(_) if at == end => true,
            Kind::Continuous(interval) if state.fire_at == Some(at) => {
                fire_after(state, window, at, interval, timers)
            }
            Kind::Continuous(_) => false,
        };
        self.result(fires)
    }

    /// `state` is what was remembered of the windows that became `window`.
    pub fn on_merge(self, state: &mut TriggerState, window: Window, timers: &mut impl Timers) {
        match self.kind {
            Kind::EventTime => {
                let end = window.max_timestamp();
                // Behind the watermark the next element fires at once; a timer would fire again.
                if end > timers.watermark() {
                    timers.register(end);
                }
            }
            Kind::Continuous(_) => {
                if let Some(at) = state.fire_at {
                    timers.register(at);
                }
            }
            Kind::EndOfStream | Kind::Count(_) => {}
        }
    }

    /// `window` goes: what was remembered of it, and its timers.
    ///
    /// As in Flink a continuous trigger leaves the timer of the window's last instant; the operator
    /// drops it with the window.
    pub fn clear(self, state: &mut TriggerState, window: Window, timers: &mut impl Timers) {
        match self.kind {
            Kind::EventTime => timers.delete(window.max_timestamp()),
            Kind::Continuous(_) => {
                if let Some(at) = state.fire_at {
                    timers.delete(at);
                }
            }
            Kind::EndOfStream | Kind::Count(_) => {}
        }
        *state = TriggerState::EMPTY;
    }

    const fn result(self, fires: bool) -> TriggerResult {
        match (fires, self.purging) {
            (false, _) => TriggerResult::Continue,
            (true, false) => TriggerResult::Fire,
            (true, true) => TriggerResult::FireAndPurge,
        }
    }
}

/// The next firing is an interval after `from`, but not after the window's `end`.
fn fire_next(
    state: &mut TriggerState,
    from: Tick,
    interval: Span,
    end: Tick,
    timers: &mut impl Timers,
) {
    let at = from.plus(interval).min(end);
    state.fire_at = Some(at);
    timers.register(at);
}

/// The firing that was due at `at`. Returns whether it fires, and sees to the next.
fn fire_after(
    state: &mut TriggerState,
    window: Window,
    at: Tick,
    interval: Span,
    timers: &mut impl Timers,
) -> bool {
    let (end, watermark) = (window.max_timestamp(), timers.watermark());
    if window == Window::Global && watermark == Tick::MAX {
        state.fire_at = Some(end);
        timers.register(end);
        return false;
    }
    let passed = watermark.min(end).since(at).0 / interval.0;
    let skipped = if passed > FIRINGS_MAX { passed - 1 } else { 0 };
    timers.collapsed(skipped.unsigned_abs());
    // At most the watermark, so it is in range.
    let from = at.plus(Span(interval.0.saturating_mul(skipped)));
    fire_next(state, from, interval, end, timers);
    true
}
