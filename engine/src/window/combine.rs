//! Several outputs of one source (its partitions, splits, lines) become one watermark.
//!
//! Rules: Flink's `WatermarkOutputMultiplexer` and `CombinedWatermarkStatus`. The watermark is the
//! least of the outputs that are not idle, and never decreases; when all are idle it is the greatest
//! of all, and the source is idle. An output may report *immediately*, or *deferred* to the next
//! [`WatermarkCombiner::on_periodic_emit`]. Unlike the valve's inputs, outputs come and go, and one
//! that resumes holds the watermark at once, though it never takes it back. With no output nothing
//! is emitted; once all there were have gone, the source is idle. An output that has reported
//! nothing yet holds the watermark back, but is no sign of activity.

use std::collections::BTreeMap;

use thiserror::Error;

use super::encoding::{DecodeError, Reader, Stored};
use super::tick::Tick;
use super::watermark::{Signals, StreamSignal};
use crate::state::encode::Sink;

/// The name of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OutputId(pub u64);

/// A call that names an output wrongly. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutputError {
    /// There is none of the name.
    #[error("output {} is not registered", .0.0)]
    Unregistered(OutputId),
    /// There is one already.
    #[error("output {} is registered already", .0.0)]
    Registered(OutputId),
}

/// When a report counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// At once.
    Immediate,
    /// At the next periodic emission.
    Deferred,
}

/// What an output reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    Silent,
    Active,
    Idle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Partial {
    watermark: Tick,
    state: State,
}

/// Combines the watermarks of a changing set of outputs. O(n) a report that can move it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatermarkCombiner {
    outputs: BTreeMap<OutputId, Partial>,
    /// Whether there was ever an output.
    had_outputs: bool,
    /// The last watermark emitted, if any was.
    watermark: Option<Tick>,
    /// As last told downstream.
    idle: bool,
}

impl WatermarkCombiner {
    /// Without outputs.
    #[must_use]
    pub const fn new() -> Self {
        let outputs = BTreeMap::new();
        WatermarkCombiner { outputs, had_outputs: false, watermark: None, idle: false }
    }

    /// The last watermark that was emitted, if any was.
    #[must_use]
    pub const fn watermark(&self) -> Option<Tick> {
        self.watermark
    }

    /// Whether the source was last told to be idle.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Adds an output, which holds the watermark from the next report on.
    ///
    /// # Errors
    /// If there is one of that name.
    pub fn register(&mut self, output: OutputId) -> Result<(), OutputError> {
        if self.outputs.contains_key(&output) {
            return Err(OutputError::Registered(output));
        }
        self.outputs.insert(output, Partial { watermark: Tick::MIN, state: State::Silent });
        self.had_outputs = true;
        Ok(())
    }

    /// Removes an output. What that releases goes out with the next report. Returns whether there
    /// was one of that name.
    pub fn unregister(&mut self, output: OutputId) -> bool {
        self.outputs.remove(&output).is_some()
    }

    /// `output` is at `watermark`, and so not idle. A watermark behind its last is ignored.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn on_watermark(
        &mut self,
        output: OutputId,
        watermark: Tick,
        reporting: Reporting,
    ) -> Result<Signals, OutputError> {
        let combined = self.watermark.unwrap_or(Tick::MIN);
        let partial = self.output(output)?;
        let resumes = partial.state == State::Idle;
        partial.state = State::Active;
        let rises = watermark > partial.watermark;
        partial.watermark = partial.watermark.max(watermark);
        let counts = resumes || (rises && watermark > combined);
        Ok(match reporting {
            Reporting::Immediate if counts => self.update(),
            Reporting::Immediate | Reporting::Deferred => Signals::NONE,
        })
    }

    /// `output` went idle.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn on_idle(
        &mut self,
        output: OutputId,
        reporting: Reporting,
    ) -> Result<Signals, OutputError> {
        self.set(output, State::Idle, reporting)
    }

    /// `output` is active again.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn on_active(
        &mut self,
        output: OutputId,
        reporting: Reporting,
    ) -> Result<Signals, OutputError> {
        self.set(output, State::Active, reporting)
    }

    /// Takes all deferred reports into account.
    pub fn on_periodic_emit(&mut self) -> Signals {
        self.update()
    }

    fn set(
        &mut self,
        output: OutputId,
        state: State,
        reporting: Reporting,
    ) -> Result<Signals, OutputError> {
        self.output(output)?.state = state;
        Ok(match reporting {
            Reporting::Immediate => self.update(),
            Reporting::Deferred => Signals::NONE,
        })
    }

    /// What is to be said downstream now.
    fn update(&mut self) -> Signals {
        if self.outputs.is_empty() {
            return Signals::new(None, self.tell_idle(self.had_outputs));
        }
        let not_idle = self.outputs.values().filter(|partial| partial.state != State::Idle);
        let least = not_idle.map(|partial| partial.watermark).min();
        let greatest = self.outputs.values().map(|partial| partial.watermark).max();
        let combined = least.or(greatest).unwrap_or(Tick::MIN);
        let mut watermark = None;
        if combined > self.watermark.unwrap_or(Tick::MIN) {
            self.watermark = Some(combined);
            watermark = Some(StreamSignal::Watermark(combined));
        }
        let all_idle = least.is_none();
        let any_active = self.outputs.values().any(|partial| partial.state == State::Active);
        // A watermark says by itself that the source is active.
        if watermark.is_some() && !all_idle {
            self.idle = false;
            return Signals::new(watermark, None);
        }
        let told = if all_idle {
            // And so has to be taken back if one went out.
            self.idle &= watermark.is_none();
            self.tell_idle(true)
        } else if any_active && self.idle {
            self.idle = false;
            Some(StreamSignal::Active)
        } else {
            None
        };
        Signals::new(watermark, told)
    }

    /// Says that the source is idle, if it is and that is news.
    fn tell_idle(&mut self, idle: bool) -> Option<StreamSignal> {
        let news = idle && !self.idle;
        self.idle |= idle;
        news.then_some(StreamSignal::Idle)
    }

    fn output(&mut self, output: OutputId) -> Result<&mut Partial, OutputError> {
        self.outputs.get_mut(&output).ok_or(OutputError::Unregistered(output))
    }
}

/// `had outputs u8 │ watermark or none │ idle u8 │ outputs u32 │ (id u64 │ watermark i64 │ state u8) …`
impl Stored for WatermarkCombiner {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let WatermarkCombiner { outputs, had_outputs, watermark, idle } = self;
        sink.u8(u8::from(*had_outputs));
        watermark.encode(sink);
        sink.u8(u8::from(*idle));
        sink.u32(outputs.len() as u32);
        for (id, &Partial { watermark, state }) in outputs {
            sink.u64(id.0);
            watermark.encode(sink);
            sink.u8(match state {
                State::Silent => 0,
                State::Active => 1,
                State::Idle => 2,
            });
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut combiner = WatermarkCombiner::new();
        combiner.had_outputs = reader.flag("whether there were outputs")?;
        combiner.watermark = Option::decode(reader)?;
        combiner.idle = reader.flag("whether the source is idle")?;
        for _ in 0..reader.u32()? {
            let id = OutputId(reader.u64()?);
            if combiner.outputs.last_key_value().is_some_and(|(last, _)| *last >= id) {
                return Err(reader.refuse("an output out of order"));
            }
            let watermark = Tick::decode(reader)?;
            let state = match reader.u8()? {
                0 => State::Silent,
                1 => State::Active,
                2 => State::Idle,
                _ => return Err(reader.refuse("an output's state")),
            };
            combiner.outputs.insert(id, Partial { watermark, state });
        }
        if !combiner.had_outputs && !combiner.outputs.is_empty() {
            return Err(reader.refuse("whether there were outputs"));
        }
        Ok(combiner)
    }
}
