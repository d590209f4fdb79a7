//! The window operator: elements and watermarks in, results and late elements out.
//!
//! Rules: Flink's `WindowOperator`.
//!
//! ```text
//!  element    for each of its windows: late? skip : add, ask the trigger, arm the cleanup
//!             skipped by all and itself late: late output, or dropped; counted either way
//!  watermark  timers up to it, by (time, key, window): ask the trigger; at cleanup time drop the window
//! ```
//! A window is late, and its state dropped, when the watermark reaches its last instant plus the
//! allowed lateness; where that is [`Tick::MAX`] or more, never. A watermark behind the one before
//! is ignored. The global window is never late and never dropped.
//!
//! An element costs O(log n) for each of its windows, n being the keys, the windows of its key and
//! the timers. At [`WindowSettings::windows_max`] live windows an element that needs another is
//! refused before anything has changed.

use std::collections::BTreeMap;

use thiserror::Error;

use super::aggregate::Aggregate;
use super::assign::{Kind, Windows};
use super::merging::{self, Plan};
use super::output::{Late, Output};
use super::pane::{Pane, Surroundings};
use super::settings::WindowSettings;
use super::tick::Tick;
use super::time_window::{TimeWindow, Window};
use super::timers::TimerQueue;

/// An element or a correction that cannot be taken. Nothing has changed but a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WindowError {
    /// [`Tick::MIN`] stands for no timestamp where windows are tumbling or sliding.
    #[error("an element without a timestamp cannot be given to tumbling or sliding windows")]
    NoTimestamp,
    /// No room for another window.
    #[error("{windows_max} windows are live, and no more are allowed")]
    Full {
        /// The limit.
        windows_max: usize,
    },
    /// A session would merge into one whose state is dropped already.
    #[error("merging would make {window}, which is late at watermark {watermark}")]
    MergedWindowLate {
        /// The session after the merge.
        window: TimeWindow,
        /// The watermark.
        watermark: Tick,
    },
    /// A value is to be taken out of an aggregate that cannot do that.
    #[error("the aggregate cannot take a value out again")]
    NotRetractable,
}

/// What became of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Added to at least one window.
    Added,
    /// Late for all its windows; handed to the late output.
    Late,
    /// Late for all its windows; dropped.
    Dropped,
    /// In no window, and not late: between sliding windows that are shorter than their slide.
    Unassigned,
}

/// What did not go the usual way, since the operator was made. Part of its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Elements handed to the late output.
    pub late: u64,
    /// Late elements dropped (Flink's `numLateRecordsDropped`).
    pub late_dropped: u64,
    /// Windows that an element was too late for, while others took it.
    pub late_windows_skipped: u64,
    /// Elements that fell into no window.
    pub unassigned: u64,
    /// Elements refused for want of a timestamp.
    pub no_timestamp: u64,
    /// Elements refused at the limit of live windows.
    pub over_capacity: u64,
    /// Elements refused because sessions would have merged into the past.
    pub merged_late: u64,
    /// Watermarks ignored because they were behind the one before.
    pub watermarks_behind: u64,
    /// Firings left out at [`FIRINGS_MAX`](super::trigger::FIRINGS_MAX).
    pub firings_collapsed: u64,
    /// Retractions and corrections of elements of which no window is left.
    pub corrections_unmatched: u64,
}

/// The windows of one key.
pub(super) type Panes<A> = BTreeMap<Window, Pane<A>>;

/// See the module.
#[derive(Clone, Debug)]
pub struct WindowOperator<K, A: Aggregate> {
    pub(super) settings: WindowSettings,
    pub(super) watermark: Tick,
    pub(super) keys: BTreeMap<K, Panes<A>>,
    pub(super) timers: TimerQueue<K>,
    pub(super) windows_live: usize,
    pub(super) counts: WindowCounts,
}

impl<K: Ord + Clone, A: Aggregate> WindowOperator<K, A> {
    /// Without windows, at watermark [`Tick::MIN`].
    #[must_use]
    pub const fn new(settings: WindowSettings) -> Self {
        WindowOperator {
            settings,
            watermark: Tick::MIN,
            keys: BTreeMap::new(),
            timers: TimerQueue::new(),
            windows_live: 0,
            counts: ZERO_COUNTS,
        }
    }

    /// What it was made of.
    #[must_use]
    pub const fn settings(&self) -> &WindowSettings {
        &self.settings
    }

    /// The latest watermark; [`Tick::MIN`] before the first.
    #[must_use]
    pub const fn watermark(&self) -> Tick {
        self.watermark
    }

    /// What did not go the usual way.
    #[must_use]
    pub const fn counts(&self) -> WindowCounts {
        self.counts
    }

    /// Windows of all keys that are kept: until their cleanup, contents or not.
    #[must_use]
    pub const fn windows_live(&self) -> usize {
        self.windows_live
    }

    /// Keys that have a live window.
    #[must_use]
    pub fn keys_live(&self) -> usize {
        self.keys.len()
    }

    /// Timers that are set.
    #[must_use]
    pub fn timers_live(&self) -> usize {
        self.timers.len()
    }

    /// Whether anything is held that a later result could depend on: contents, what a trigger
    /// remembers, or a session that others could merge into.
    #[must_use]
    pub fn holds_state(&self) -> bool {
        let merges = self.settings.assigner().merges();
        let held = |pane: &Pane<A>| merges || pane.contents.is_some() || !pane.trigger.is_empty();
        self.keys.values().flat_map(BTreeMap::values).any(held)
    }

    /// Takes an element of `key` at `at`.
    ///
    /// # Errors
    /// [`WindowError`] if it cannot be taken; it is counted, and nothing else has changed.
    pub fn element(
        &mut self,
        key: &K,
        value: A::Value,
        at: Tick,
        output: &mut impl Output<K, A>,
    ) -> Result<Arrival, WindowError> {
        let windows = self.settings.assigner().assign(at);
        let added = match self.settings.assigner().kind() {
            Kind::Session { gap } => {
                let window = TimeWindow::new(at, at.plus(gap));
                self.add_to_session(key, &value, at, window, output)?
            }
            Kind::Tumbling { .. } | Kind::Sliding { .. } if at == Tick::MIN => {
                self.counts.no_timestamp += 1;
                return Err(WindowError::NoTimestamp);
            }
            Kind::Tumbling { .. } | Kind::Sliding { .. } | Kind::Global => {
                self.add_to_windows(key, &value, at, windows, output)?
            }
        };
        if added {
            return Ok(Arrival::Added);
        }
        // In no window at all, or late for each of them.
        if at.plus(self.settings.allowed_lateness()) > self.watermark {
            self.counts.unassigned += 1;
            return Ok(Arrival::Unassigned);
        }
        if self.settings.late_output() {
            self.counts.late += 1;
            output.late(Late { key, value, at });
            Ok(Arrival::Late)
        } else {
            self.counts.late_dropped += 1;
            Ok(Arrival::Dropped)
        }
    }

    /// No elements at or before `watermark` are expected any more. Fires and drops what is due. One
    /// that is behind the watermark before is counted and ignored.
    #[inline]
    pub fn advance(&mut self, watermark: Tick, output: &mut impl Output<K, A>) {
        if watermark < self.watermark {
            self.counts.watermarks_behind += 1;
            return;
        }
        self.watermark = watermark;
        while let Some((at, key, window)) = self.timers.pop_due(watermark) {
            self.on_timer(at, &key, window, output);
        }
    }

    /// Whether the state of `window` is dropped already, or would be.
    fn is_late(&self, window: Window) -> bool {
        self.settings.is_late(window, self.watermark)
    }

    /// Returns whether a window took the element.
    fn add_to_windows(
        &mut self,
        key: &K,
        value: &A::Value,
        at: Tick,
        windows: Windows,
        output: &mut impl Output<K, A>,
    ) -> Result<bool, WindowError> {
        self.check_room_for(key, windows)?;
        // The latest to end comes first: if that one is late, all are.
        let mut all = windows;
        if all.next().is_none_or(|window| self.is_late(window)) {
            return Ok(false);
        }
        let WindowOperator { settings, watermark, keys, timers, windows_live, counts } = self;
        // Looked up first: most elements find their key, and then it is not copied.
        let panes = match keys.get_mut(key) {
            Some(panes) => panes,
            None => keys.entry(key.clone()).or_default(),
        };
        let mut around = Surroundings {
            settings,
            watermark: *watermark,
            queue: timers,
            firings_collapsed: &mut counts.firings_collapsed,
        };
        for window in windows {
            if around.settings.is_late(window, around.watermark) {
                counts.late_windows_skipped += 1;
                continue;
            }
            let before = panes.len();
            let pane = panes.entry(window).or_insert_with(Pane::new);
            if pane.add((key, window), value, at, &mut around, output) {
                // Nothing of it is left, no timer either.
                panes.remove(&window);
            }
            *windows_live = *windows_live + panes.len() - before;
        }
        if panes.is_empty() {
            keys.remove(key);
        }
        Ok(true)
    }

    /// The windows of an element are all taken or none.
    fn check_room_for(&mut self, key: &K, windows: Windows) -> Result<(), WindowError> {
        let windows_max = self.settings.windows_max();
        let room = windows_max - self.windows_live;
        // The usual case, without looking any window up.
        if windows.take(room.saturating_add(1)).count() <= room {
            return Ok(());
        }
        let panes = self.keys.get(key);
        let is_new = |window: &Window| {
            !self.is_late(*window) && panes.is_none_or(|panes| !panes.contains_key(window))
        };
        if windows.filter(is_new).count() > room {
            self.counts.over_capacity += 1;
            return Err(WindowError::Full { windows_max });
        }
        Ok(())
    }

    /// Returns whether the element was taken, into `window` or what that merged into.
    fn add_to_session(
        &mut self,
        key: &K,
        value: &A::Value,
        at: Tick,
        window: TimeWindow,
        output: &mut impl Output<K, A>,
    ) -> Result<bool, WindowError> {
        let plan = match self.keys.get(key) {
            Some(panes) => merging::plan(panes, window),
            None => Plan { result: window, sources: 0, merges: false },
        };
        let result = Window::Time(plan.result);
        if self.is_late(result) {
            if plan.merges {
                self.counts.merged_late += 1;
                let (window, watermark) = (plan.result, self.watermark);
                return Err(WindowError::MergedWindowLate { window, watermark });
            }
            return Ok(false);
        }
        let windows_max = self.settings.windows_max();
        if plan.sources == 0 && self.windows_live == windows_max {
            self.counts.over_capacity += 1;
            return Err(WindowError::Full { windows_max });
        }
        if plan.merges {
            self.merge_sessions(key, plan.result);
        }
        let (panes, mut around, windows_live) = self.parts(key);
        *windows_live += usize::from(plan.sources == 0);
        let pane = panes.entry(result).or_insert_with(Pane::new);
        if pane.add((key, result), value, at, &mut around, output) {
            self.drop_window(key, result);
        }
        Ok(true)
    }

    /// Makes one window of all those of `key` that lie within `result`.
    fn merge_sessions(&mut self, key: &K, result: TimeWindow) {
        let (panes, mut around, windows_live) = self.parts(key);
        let before = panes.len();
        let mut merged = Pane::new();
        while let Some((source, pane)) = merging::take_source(panes, result) {
            for &at in pane.timers.as_slice() {
                around.queue.remove(at, key.clone(), Window::Time(source));
            }
            merged.merge(pane);
        }
        let window = Window::Time(result);
        merged.on_merge((key, window), &mut around);
        panes.insert(window, merged);
        *windows_live -= before - panes.len();
    }

    /// A timer that was taken out of the queue.
    fn on_timer(&mut self, at: Tick, key: &K, window: Window, output: &mut impl Output<K, A>) {
        let (panes, mut around, _) = self.parts(key);
        let Some(pane) = panes.get_mut(&window) else {
            unreachable!("Invariant: the timers of a window go with it");
        };
        if pane.on_timer((key, window), at, &mut around, output) {
            self.drop_window(key, window);
        }
    }

    /// The windows of a key, which gets an empty set of them if it had none; what is around them;
    /// and the number of windows of all keys.
    fn parts(&mut self, key: &K) -> (&mut Panes<A>, Surroundings<'_, K>, &mut usize) {
        let WindowOperator { settings, watermark, keys, timers, windows_live, counts } = self;
        // Looked up first: most elements find their key, and then it is not copied.
        if !keys.contains_key(key) {
            keys.insert(key.clone(), BTreeMap::new());
        }
        let Some(panes) = keys.get_mut(key) else {
            unreachable!("Invariant: the key was inserted if it was absent");
        };
        let around = Surroundings {
            settings,
            watermark: *watermark,
            queue: timers,
            firings_collapsed: &mut counts.firings_collapsed,
        };
        (panes, around, windows_live)
    }

    /// Drops a window, its timers, and its key if that has no other.
    fn drop_window(&mut self, key: &K, window: Window) {
        let Some(panes) = self.keys.get_mut(key) else { return };
        let Some(pane) = panes.remove(&window) else { return };
        for &at in pane.timers.as_slice() {
            self.timers.remove(at, key.clone(), window);
        }
        self.windows_live -= 1;
        if panes.is_empty() {
            self.keys.remove(key);
        }
    }
}

const ZERO_COUNTS: WindowCounts = WindowCounts {
    late: 0,
    late_dropped: 0,
    late_windows_skipped: 0,
    unassigned: 0,
    no_timestamp: 0,
    over_capacity: 0,
    merged_late: 0,
    watermarks_behind: 0,
    firings_collapsed: 0,
    corrections_unmatched: 0,
};
