//! Watermarks from the timestamps of elements.
//!
//! Rules: Flink's `BoundedOutOfOrdernessWatermarks` and `AscendingTimestampsWatermarks`. A watermark
//! `t` says that no elements at or before `t` are expected any more. A generator is asked
//! periodically; it costs nothing per element but a comparison.

use super::encoding::{DecodeError, Reader, Stored};
use super::settings::SettingsError;
use super::tick::{Span, Tick};
use crate::state::encode::Sink;

/// What flows downstream besides elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamSignal {
    /// No elements at or before this are expected any more.
    Watermark(Tick),
    /// Nothing is expected to flow; whoever waits for this stream is to stop waiting.
    Idle,
    /// Elements and watermarks flow again.
    Active,
}

/// Up to two signals, in order: what one input can cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals([Option<StreamSignal>; 2]);

impl Signals {
    /// None.
    pub const NONE: Signals = Signals([None, None]);

    pub(super) const fn new(first: Option<StreamSignal>, second: Option<StreamSignal>) -> Self {
        Signals([first, second])
    }

    /// The signals, in order.
    pub fn iter(&self) -> impl Iterator<Item = StreamSignal> {
        self.0.into_iter().flatten()
    }
}

/// The watermark `greatest timestamp − bound − 1`: elements may be up to `bound` ticks behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedOutOfOrderness {
    bound: Span,
    /// Begins where the watermark is [`Tick::MIN`], so that it is never less.
    greatest: Tick,
}

impl BoundedOutOfOrderness {
    /// A generator that has seen nothing.
    ///
    /// # Errors
    /// Unless `bound` is at least 0.
    pub const fn new(bound: Span) -> Result<Self, SettingsError> {
        if bound.0 < 0 {
            return Err(SettingsError::OutOfOrderness { bound });
        }
        Ok(BoundedOutOfOrderness { bound, greatest: Tick::MIN.plus(bound).plus(Span(1)) })
    }

    /// A generator for elements in order: those at the greatest timestamp may still come.
    #[must_use]
    pub const fn ascending() -> Self {
        BoundedOutOfOrderness { bound: Span::ZERO, greatest: Tick::MIN.plus(Span(1)) }
    }

    /// An element at `at` came.
    #[inline]
    pub fn on_event(&mut self, at: Tick) {
        self.greatest = self.greatest.max(at);
    }

    /// The watermark as of now; [`Tick::MIN`] before the first element. Never decreases.
    #[inline]
    #[must_use]
    pub const fn watermark(&self) -> Tick {
        self.greatest.minus(self.bound).minus(Span(1))
    }
}

impl Stored for BoundedOutOfOrderness {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let BoundedOutOfOrderness { bound, greatest } = self;
        bound.encode(sink);
        greatest.encode(sink);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut generator = BoundedOutOfOrderness::new(Span::decode(reader)?)
            .map_err(|_| reader.refuse("the out-of-orderness"))?;
        let greatest = Tick::decode(reader)?;
        if greatest < generator.greatest {
            return Err(reader.refuse("the greatest timestamp"));
        }
        generator.greatest = greatest;
        Ok(generator)
    }
}
