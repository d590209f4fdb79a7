//! A window operator as bytes, and back.
//!
//! ```text
//!  operator   version u32 │ settings │ watermark i64 │ counts 10 × u64 │ keys u64 │ key …
//!  settings   assigner u8 │ its parameters i64 … │ trigger u8 │ its parameter u64 or i64
//!             │ purging u8 │ allowed lateness i64 │ late output u8 │ windows_max u64
//!  key        the key │ windows u64 │ window …                    keys ascending
//!  window     0 u8 │ start i64 │ end i64, or 1 u8 (global)        windows ascending
//!             │ contents or none │ count u64 │ fire_at or none │ revision u32
//!             │ timers u8 │ timer i64 …                           timers ascending
//! ```
//! Equal states have equal bytes, whatever order they came about in. Decoding accepts only what
//! encoding writes: settings that can be made, keys, windows and timers in order, sessions apart,
//! windows of the assigner's kind, no more than the limit, each with timers that it can have. A change
//! of this layout raises [`SNAPSHOT_VERSION`].

use std::collections::BTreeMap;

use super::aggregate::Aggregate;
use super::assign::{self, Assigner};
use super::encoding::{DecodeError, Reader, Stored, decode_versioned, encode_versioned};
use super::operator::{Panes, WindowCounts, WindowOperator};
use super::output::Revision;
use super::pane::{Pane, PaneTimers};
use super::settings::{SettingsError, WindowSettings};
use super::tick::{Span, Tick};
use super::time_window::{TimeWindow, Window};
use super::trigger::{self, Trigger, TriggerState};
use crate::state::encode::Sink;

/// Of the bytes drawn above: `WIN` and a number.
pub const SNAPSHOT_VERSION: u32 = u32::from_le_bytes(*b"WIN\x01");

impl<K: Ord + Clone + Stored, A: Aggregate> WindowOperator<K, A> {
    /// Writes the whole state.
    pub fn encode<S: Sink>(&self, sink: &mut S) {
        encode_versioned(SNAPSHOT_VERSION, self, sink);
    }

    /// The operator whose state `bytes` are.
    ///
    /// # Errors
    /// [`DecodeError`] if they are of another version or not exactly what [`Self::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_versioned(SNAPSHOT_VERSION, bytes)
    }
}

impl<K: Ord + Clone + Stored, A: Aggregate> Stored for WindowOperator<K, A> {
    fn encode<S: Sink>(&self, sink: &mut S) {
        // The timers and the number of windows follow from the windows.
        let WindowOperator { settings, watermark, keys, timers: _, windows_live: _, counts } = self;
        settings.encode(sink);
        watermark.encode(sink);
        counts.encode(sink);
        sink.u64(keys.len() as u64);
        for (key, panes) in keys {
            key.encode(sink);
            sink.u64(panes.len() as u64);
            for (window, pane) in panes {
                window.encode(sink);
                pane.encode(sink);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let settings = WindowSettings::decode(reader)?;
        let mut operator = WindowOperator::new(settings);
        operator.watermark = Tick::decode(reader)?;
        operator.counts = WindowCounts::decode(reader)?;
        for _ in 0..reader.u64()? {
            let key = K::decode(reader)?;
            if operator.keys.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(reader.refuse("a key out of order"));
            }
            let room = settings.windows_max() - operator.windows_live;
            let panes = decode_panes(reader, &settings, room)?;
            operator.windows_live += panes.len();
            for (window, pane) in &panes {
                for &at in pane.timers.as_slice() {
                    operator.timers.insert(at, key.clone(), *window);
                }
            }
            operator.keys.insert(key, panes);
        }
        Ok(operator)
    }
}

/// The windows of one key: at least one, at most `room`.
fn decode_panes<A: Aggregate>(
    reader: &mut Reader<'_>,
    settings: &WindowSettings,
    room: usize,
) -> Result<Panes<A>, DecodeError> {
    let windows = reader.u64()?;
    if windows == 0 || windows > room as u64 {
        return Err(reader.refuse("the number of a key's windows"));
    }
    let mut panes: Panes<A> = BTreeMap::new();
    for _ in 0..windows {
        let window = Window::decode(reader)?;
        if !belongs(window, panes.last_key_value().map(|(last, _)| *last), settings.assigner()) {
            return Err(reader.refuse("a window"));
        }
        let pane = Pane::decode(reader)?;
        if !is_possible(window, &pane, settings) {
            return Err(reader.refuse("what is kept of a window"));
        }
        panes.insert(window, pane);
    }
    Ok(panes)
}

/// Whether a window can have these timers: its end, the next periodic firing, the cleanup. The last
/// is always set.
fn is_possible<A>(window: Window, pane: &Pane<A>, settings: &WindowSettings) -> bool {
    let end = window.max_timestamp();
    let cleanup = window.cleanup_time(settings.allowed_lateness());
    let periodic = pane.trigger.fire_at;
    let continuous = matches!(settings.trigger().kind(), trigger::Kind::Continuous(_));
    let timers = pane.timers.as_slice();
    periodic.is_none_or(|at| continuous && at <= end)
        && timers.iter().all(|at| *at == end || *at == cleanup || Some(*at) == periodic)
        && (cleanup == Tick::MAX || timers.contains(&cleanup))
}

/// Whether `window` can stand behind `last` among the windows of one key.
fn belongs(window: Window, last: Option<Window>, assigner: Assigner) -> bool {
    let global = assigner.kind() == assign::Kind::Global;
    let proper = window.time().is_none_or(|window| window.start <= window.end);
    let apart = match (last.and_then(Window::time), window.time()) {
        (Some(last), Some(window)) if assigner.merges() => !last.intersects(window),
        _ => last.is_none_or(|last| last < window),
    };
    proper && apart && global == window.time().is_none()
}

impl Stored for Window {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self {
            Window::Time(TimeWindow { start, end }) => {
                sink.u8(0);
                start.encode(sink);
                end.encode(sink);
            }
            Window::Global => sink.u8(1),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.flag("the kind of a window")? {
            return Ok(Window::Global);
        }
        let (start, end) = (Tick::decode(reader)?, Tick::decode(reader)?);
        Ok(Window::Time(TimeWindow { start, end }))
    }
}

impl<A: Aggregate> Stored for Pane<A> {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let Pane { contents, trigger, revision, timers } = self;
        contents.encode(sink);
        let TriggerState { count, fire_at } = trigger;
        sink.u64(*count);
        fire_at.encode(sink);
        sink.u32(revision.0);
        // In memory they stand as they were set.
        let mut at = [Tick::MAX; PaneTimers::MAX];
        let set = timers.as_slice();
        at[..set.len()].copy_from_slice(set);
        at[..set.len()].sort_unstable();
        sink.u8(set.len() as u8);
        at[..set.len()].iter().for_each(|at| at.encode(sink));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let contents = Option::decode(reader)?;
        let trigger = TriggerState { count: reader.u64()?, fire_at: Option::decode(reader)? };
        let revision = Revision(reader.u32()?);
        let mut pane = Pane { contents, trigger, revision, timers: PaneTimers::NONE };
        let timers = reader.u8()?;
        if usize::from(timers) > PaneTimers::MAX {
            return Err(reader.refuse("the number of timers"));
        }
        for _ in 0..timers {
            let at = Tick::decode(reader)?;
            if pane.timers.as_slice().last().is_some_and(|&last| last >= at) {
                return Err(reader.refuse("a timer out of order"));
            }
            pane.timers.insert(at);
        }
        Ok(pane)
    }
}

impl Stored for WindowCounts {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let WindowCounts {
            late,
            late_dropped,
            late_windows_skipped,
            unassigned,
            no_timestamp,
            over_capacity,
            merged_late,
            watermarks_behind,
            firings_collapsed,
            corrections_unmatched,
        } = *self;
        sink.u64(late);
        sink.u64(late_dropped);
        sink.u64(late_windows_skipped);
        sink.u64(unassigned);
        sink.u64(no_timestamp);
        sink.u64(over_capacity);
        sink.u64(merged_late);
        sink.u64(watermarks_behind);
        sink.u64(firings_collapsed);
        sink.u64(corrections_unmatched);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(WindowCounts {
            late: reader.u64()?,
            late_dropped: reader.u64()?,
            late_windows_skipped: reader.u64()?,
            unassigned: reader.u64()?,
            no_timestamp: reader.u64()?,
            over_capacity: reader.u64()?,
            merged_late: reader.u64()?,
            watermarks_behind: reader.u64()?,
            firings_collapsed: reader.u64()?,
            corrections_unmatched: reader.u64()?,
        })
    }
}

impl Stored for WindowSettings {
    fn encode<S: Sink>(&self, sink: &mut S) {
        self.assigner().encode(sink);
        self.trigger().encode(sink);
        self.allowed_lateness().encode(sink);
        sink.u8(u8::from(self.late_output()));
        sink.u64(self.windows_max() as u64);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (assigner, trigger) = (Assigner::decode(reader)?, Trigger::decode(reader)?);
        let allowed_lateness = Span::decode(reader)?;
        let late_output = reader.flag("the late output")?;
        let windows_max = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        let settings = WindowSettings::new(assigner, trigger)
            .and_then(|settings| settings.with_allowed_lateness(allowed_lateness))
            .and_then(|settings| settings.with_windows_max(windows_max));
        let refuse = |_: SettingsError| reader.refuse("the settings");
        settings.map(|settings| settings.with_late_output(late_output)).map_err(refuse)
    }
}

impl Stored for Assigner {
    fn encode<S: Sink>(&self, sink: &mut S) {
        let (tag, parameters): (u8, &[Span]) = match self.kind() {
            assign::Kind::Tumbling { size, offset } => (0, &[size, offset]),
            assign::Kind::Sliding { size, slide, offset } => (1, &[size, slide, offset]),
            assign::Kind::Session { gap } => (2, &[gap]),
            assign::Kind::Global => (3, &[]),
        };
        sink.u8(tag);
        parameters.iter().for_each(|parameter| parameter.encode(sink));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let assigner = match reader.u8()? {
            0 => Assigner::tumbling(Span::decode(reader)?, Span::decode(reader)?),
            1 => {
                let (size, slide) = (Span::decode(reader)?, Span::decode(reader)?);
                Assigner::sliding(size, slide, Span::decode(reader)?)
            }
            2 => Assigner::session(Span::decode(reader)?),
            3 => Ok(Assigner::global()),
            _ => return Err(reader.refuse("the assigner")),
        };
        assigner.map_err(|_| reader.refuse("the assigner's parameters"))
    }
}

impl Stored for Trigger {
    fn encode<S: Sink>(&self, sink: &mut S) {
        match self.kind() {
            trigger::Kind::EventTime => sink.u8(0),
            trigger::Kind::EndOfStream => sink.u8(1),
            trigger::Kind::Count(count) => {
                sink.u8(2);
                sink.u64(count);
            }
            trigger::Kind::Continuous(interval) => {
                sink.u8(3);
                interval.encode(sink);
            }
        }
        sink.u8(u8::from(self.purging()));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let trigger = match reader.u8()? {
            0 => Ok(Trigger::event_time()),
            1 => Ok(Trigger::end_of_stream()),
            2 => Trigger::count(reader.u64()?),
            3 => Trigger::continuous_event_time(Span::decode(reader)?),
            _ => return Err(reader.refuse("the trigger")),
        };
        let trigger = trigger.map_err(|_| reader.refuse("the trigger's parameter"))?;
        Ok(trigger.with_purging(reader.flag("purging")?))
    }
}
