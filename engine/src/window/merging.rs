//! Sessions that become one: which windows merge, and under which name their state is kept.
//!
//! Rules: Flink's `TimeWindow.mergeWindows` and `MergingWindowSet`. Windows in flight never touch: an
//! added window merges with all that it touches into their cover. An added window that one in flight
//! already covers changes nothing and is no merge. State stays under the name of the first window of
//! a group (by start, of those that had state), so that a growing session moves nothing.
//!
//! The operator asks `plan`; [`MergingWindowSet`] is the bookkeeping on its own.

use std::collections::BTreeMap;

use super::tick::Tick;
use super::time_window::{TimeWindow, Window};

/// What adding a window leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The window that then covers the added one.
    pub(super) result: TimeWindow,
    /// How many windows in flight it touches. They are those within `result`.
    pub(super) sources: usize,
    /// Whether windows in flight give way to a new one.
    pub(super) merges: bool,
}

/// What adding `window` to the windows that are the keys of `in_flight` leads to.
pub(super) fn plan<V>(in_flight: &BTreeMap<Window, V>, window: TimeWindow) -> Plan {
    let mut plan = Plan { result: window, sources: 0, merges: false };
    let mut covered = false;
    let last = Window::Time(TimeWindow::new(window.end, Tick::MAX));
    // They do not touch each other, so their ends rise with their starts.
    let touching = in_flight
        .range(..=last)
        .rev()
        .map_while(|(other, _)| other.time().filter(|other| window.intersects(*other)));
    for other in touching {
        plan.result = plan.result.cover(other);
        plan.sources += 1;
        covered = other == plan.result;
    }
    plan.merges = plan.sources > 1 || (plan.sources == 1 && !covered);
    plan
}

/// Removes and returns the first window in flight that lies within `result`.
pub(super) fn take_source<V>(
    in_flight: &mut BTreeMap<Window, V>,
    result: TimeWindow,
) -> Option<(TimeWindow, V)> {
    let first = Window::Time(TimeWindow::new(result.start, Tick::MIN));
    let (&window, _) = in_flight.range(first..).next()?;
    let source = window.time().filter(|source| source.end <= result.end)?;
    in_flight.remove(&window).map(|value| (source, value))
}

/// Windows that became one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The windows, by start.
    pub sources: Vec<TimeWindow>,
    /// Their cover.
    pub result: TimeWindow,
}

/// The groups of `windows` that touch and so become one, by start. A window that touches no other is
/// in none of them; equal windows are one.
#[must_use]
pub fn merge_windows(windows: &[TimeWindow]) -> Vec<Merge> {
    let mut sorted = windows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut groups: Vec<Merge> = Vec::new();
    for window in sorted {
        match groups.last_mut().filter(|group| group.result.intersects(window)) {
            Some(group) => {
                group.result = group.result.cover(window);
                group.sources.push(window);
            }
            None => groups.push(Merge { sources: vec![window], result: window }),
        }
    }
    groups.retain(|group| group.sources.len() > 1);
    groups
}

/// What adding a window to a [`MergingWindowSet`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The window that now covers the added one.
    pub result: TimeWindow,
    /// The windows in flight that gave way to `result`, by start; none if it was new or already
    /// there.
    pub sources: Vec<TimeWindow>,
    /// The names under which the state of `sources` was kept, but for the one that `result` keeps:
    /// their state is to be merged into that.
    pub state_sources: Vec<TimeWindow>,
}

impl Added {
    /// Whether windows in flight were joined.
    #[must_use]
    pub fn merged(&self) -> bool {
        !self.sources.is_empty()
    }
}

/// The windows in flight of one key, and the names under which their state is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergingWindowSet {
    in_flight: BTreeMap<Window, TimeWindow>,
}

impl MergingWindowSet {
    /// No windows.
    #[must_use]
    pub const fn new() -> Self {
        MergingWindowSet { in_flight: BTreeMap::new() }
    }

    /// Adds a window, merging it with those that it touches.
    pub fn add(&mut self, window: TimeWindow) -> Added {
        let Plan { result, sources: touching, merges } = plan(&self.in_flight, window);
        let mut added = Added { result, sources: Vec::new(), state_sources: Vec::new() };
        if touching == 0 {
            self.in_flight.insert(Window::Time(window), window);
        } else if merges {
            while let Some((source, state)) = take_source(&mut self.in_flight, result) {
                added.sources.push(source);
                added.state_sources.push(state);
            }
            let kept = (!added.state_sources.is_empty()).then(|| added.state_sources.remove(0));
            self.in_flight.insert(Window::Time(result), kept.unwrap_or(window));
        }
        added
    }

    /// The name under which the state of a window in flight is kept.
    #[must_use]
    pub fn state_window(&self, window: TimeWindow) -> Option<TimeWindow> {
        self.in_flight.get(&Window::Time(window)).copied()
    }

    /// Removes a window. Returns whether it was in flight.
    pub fn retire(&mut self, window: TimeWindow) -> bool {
        self.in_flight.remove(&Window::Time(window)).is_some()
    }

    /// The windows in flight, by start.
    pub fn windows(&self) -> impl Iterator<Item = TimeWindow> {
        self.in_flight.keys().filter_map(|window| window.time())
    }
}
