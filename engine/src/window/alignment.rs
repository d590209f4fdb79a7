//! Sources that wait for each other: none reads far ahead of the slowest of its group.
//!
//! Rules: the alignment of Flink's `SourceOperator` and `SourceCoordinator` (FLIP-182). Each source
//! reports the watermark of its splits, combined; the group answers with the least report plus the
//! greatest drift; a source that is beyond that pauses. An idle source reports [`Tick::MAX`], so as
//! not to hold the group, and its former watermark when it resumes. One that has finished reports
//! [`Tick::MAX`] and never pauses. One that has made no watermark reports nothing.

use std::collections::BTreeMap;

use thiserror::Error;

use super::combine::{OutputError, OutputId, Reporting, WatermarkCombiner};
use super::encoding::{DecodeError, Reader, Stored};
use super::settings::SettingsError;
use super::tick::{Span, Tick};
use crate::state::encode::Sink;

/// A record that an aligned source may not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AlignmentError {
    /// It is to wait.
    #[error("the source is at {watermark} and may go to {max_allowed} until the group catches up")]
    Paused {
        /// Its watermark.
        watermark: Tick,
        /// The group's limit.
        max_allowed: Tick,
    },
    /// It said that there would be no more.
    #[error("the source has finished")]
    Finished,
    /// It names a split wrongly.
    #[error(transparent)]
    Split(#[from] OutputError),
}

/// One source of an alignment group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignedSource {
    splits: WatermarkCombiner,
    max_allowed: Tick,
    idle: bool,
    finished: bool,
}

impl Default for AlignedSource {
    fn default() -> Self {
        Self::new()
    }
}

impl AlignedSource {
    /// Without splits, and without a limit until the group tells one.
    #[must_use]
    pub const fn new() -> Self {
        AlignedSource {
            splits: WatermarkCombiner::new(),
            max_allowed: Tick::MAX,
            idle: false,
            finished: false,
        }
    }

    /// Adds a split.
    ///
    /// # Errors
    /// If there is one of that name.
    pub fn add_split(&mut self, split: OutputId) -> Result<(), AlignmentError> {
        Ok(self.splits.register(split)?)
    }

    /// A split has ended. Returns whether there was one of that name.
    pub fn remove_split(&mut self, split: OutputId) -> bool {
        self.splits.unregister(split)
    }

    /// The next record comes from `split`; `watermark` is what it makes, if it makes any.
    ///
    /// # Errors
    /// [`AlignmentError`] if the source is to give none; nothing has changed.
    pub fn record(
        &mut self,
        split: OutputId,
        watermark: Option<Tick>,
    ) -> Result<(), AlignmentError> {
        if self.finished {
            return Err(AlignmentError::Finished);
        }
        if !self.is_available() {
            let (watermark, max_allowed) = (self.watermark(), self.max_allowed);
            return Err(AlignmentError::Paused { watermark, max_allowed });
        }
        // That it is idle or active is kept here; what goes downstream is another's to tell.
        let _signals = match watermark {
            Some(watermark) => self.splits.on_watermark(split, watermark, Reporting::Immediate)?,
            None => self.splits.on_active(split, Reporting::Immediate)?,
        };
        self.idle = false;
        Ok(())
    }

    /// There is nothing to read for now.
    pub fn mark_idle(&mut self) {
        self.idle = true;
    }

    /// There will be nothing more to read.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The group's limit.
    pub fn set_max_allowed(&mut self, max_allowed: Tick) {
        self.max_allowed = max_allowed;
    }

    /// What the source reports to its group: nothing before its first watermark.
    #[must_use]
    pub fn reported(&self) -> Option<Tick> {
        if self.finished {
            return Some(Tick::MAX);
        }
        let watermark = self.splits.watermark()?;
        Some(if self.idle { Tick::MAX } else { watermark })
    }

    /// Whether the source may give its next record, or, finished, that there is none.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.finished || self.watermark() <= self.max_allowed
    }

    /// [`Tick::MIN`] before the first.
    fn watermark(&self) -> Tick {
        self.splits.watermark().unwrap_or(Tick::MIN)
    }
}

impl Stored for AlignedSource {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let AlignedSource { splits, max_allowed, idle, finished } = self;
        splits.encode(sink);
        max_allowed.encode(sink);
        sink.u8(u8::from(*idle));
        sink.u8(u8::from(*finished));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(AlignedSource {
            splits: WatermarkCombiner::decode(reader)?,
            max_allowed: Tick::decode(reader)?,
            idle: reader.flag("whether the source is idle")?,
            finished: reader.flag("whether the source has finished")?,
        })
    }
}

/// The name of a source in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct SourceId(pub u32);

/// The group: collects reports, answers with the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlignmentGroup {
    max_drift: Span,
    reports: BTreeMap<SourceId, Tick>,
}

impl AlignmentGroup {
    /// A group whose sources may be `max_drift` ticks ahead of the slowest.
    ///
    /// # Errors
    /// Unless `max_drift` is at least 0.
    pub const fn new(max_drift: Span) -> Result<Self, SettingsError> {
        if max_drift.0 < 0 {
            return Err(SettingsError::Drift { max_drift });
        }
        Ok(AlignmentGroup { max_drift, reports: BTreeMap::new() })
    }

    /// A source reports its watermark.
    pub fn report(&mut self, source: SourceId, watermark: Tick) {
        self.reports.insert(source, watermark);
    }

    /// A source leaves the group.
    pub fn leave(&mut self, source: SourceId) {
        self.reports.remove(&source);
    }

    /// How far sources may go: the least report plus the drift; [`Tick::MAX`] without reports.
    #[must_use]
    pub fn max_allowed(&self) -> Tick {
        let least = self.reports.values().min();
        least.map_or(Tick::MAX, |least| least.plus(self.max_drift))
    }
}
