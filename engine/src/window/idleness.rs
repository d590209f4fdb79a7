//! When a stream without elements counts as idle, so that others need not wait for it.
//!
//! Rules: Flink's `WatermarksWithIdleness`, FLIP-471 and FLINK-40503. Idleness is tested when a
//! watermark is due, and measured on a processing clock that the caller reads and hands in. The
//! first test after an element sees that there was one; the next that sees none starts the timer;
//! the stream is idle once strictly more than the timeout has passed since. With a timeout T and a
//! test every P that is T to T + 3 P after the last element. Time during which the stream was held
//! back, by a full queue or by alignment, does not count: [`IdlenessTimer::pause`].

use super::encoding::{DecodeError, Reader, Stored};
use super::settings::SettingsError;
use super::tick::{Span, Tick};
use super::watermark::{BoundedOutOfOrderness, StreamSignal};
use crate::state::encode::Sink;

/// Tells whether a stream is idle. Its ticks are those of the clock handed in, which does not go
/// back; the timeout is in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlenessTimer {
    timeout: Span,
    /// Elements came since the last test.
    active: bool,
    /// The first test that saw no element, if the last did not see any.
    quiet_since: Option<Tick>,
    paused_since: Option<Tick>,
}

impl IdlenessTimer {
    /// A timer that has not been started.
    ///
    /// # Errors
    /// Unless `timeout` is more than 0.
    pub const fn new(timeout: Span) -> Result<Self, SettingsError> {
        if timeout.0 <= 0 {
            return Err(SettingsError::IdleTimeout { timeout });
        }
        Ok(IdlenessTimer { timeout, active: false, quiet_since: None, paused_since: None })
    }

    /// An element came.
    pub fn activity(&mut self) {
        self.active = true;
    }

    /// The test, which also starts and stops the timer.
    pub fn check_if_idle(&mut self, now: Tick) -> bool {
        // While paused, time stands.
        let now = self.paused_since.unwrap_or(now);
        if self.active {
            self.active = false;
            self.quiet_since = None;
            return false;
        }
        let since = *self.quiet_since.get_or_insert(now);
        now.since(since) > self.timeout
    }

    /// The stream is held back from now on.
    pub fn pause(&mut self, now: Tick) {
        self.paused_since.get_or_insert(now);
    }

    /// The stream is no longer held back: the time since [`IdlenessTimer::pause`] did not pass.
    pub fn resume(&mut self, now: Tick) {
        let Some(paused_since) = self.paused_since.take() else { return };
        let paused = now.since(paused_since);
        self.quiet_since = self.quiet_since.map(|since| since.plus(paused));
    }
}

impl Stored for IdlenessTimer {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let IdlenessTimer { timeout, active, quiet_since, paused_since } = self;
        timeout.encode(sink);
        sink.u8(u8::from(*active));
        quiet_since.encode(sink);
        paused_since.encode(sink);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let timer = IdlenessTimer::new(Span::decode(reader)?);
        let timer = timer.map_err(|_| reader.refuse("the idle timeout"))?;
        Ok(IdlenessTimer {
            active: reader.flag("activity")?,
            quiet_since: Option::decode(reader)?,
            paused_since: Option::decode(reader)?,
            ..timer
        })
    }
}

/// Watermarks of bounded out-of-orderness, and the test whether the stream is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarksWithIdleness {
    watermarks: BoundedOutOfOrderness,
    timer: IdlenessTimer,
    idle: bool,
}

impl WatermarksWithIdleness {
    /// Watermarks of `watermarks` while `timer` does not find the stream idle.
    #[must_use]
    pub const fn new(watermarks: BoundedOutOfOrderness, timer: IdlenessTimer) -> Self {
        WatermarksWithIdleness { watermarks, timer, idle: false }
    }

    /// An element at `at` came.
    pub fn on_event(&mut self, at: Tick) {
        self.watermarks.on_event(at);
        self.timer.activity();
        self.idle = false;
    }

    /// A watermark is due, at `now` by the processing clock: the watermark; or that the stream went
    /// idle, once; or nothing, while it is.
    pub fn on_periodic_emit(&mut self, now: Tick) -> Option<StreamSignal> {
        if !self.timer.check_if_idle(now) {
            return Some(StreamSignal::Watermark(self.watermarks.watermark()));
        }
        let went_idle = !self.idle;
        self.idle = true;
        went_idle.then_some(StreamSignal::Idle)
    }

    /// The timer, to pause and resume it.
    pub fn timer(&mut self) -> &mut IdlenessTimer {
        &mut self.timer
    }
}
