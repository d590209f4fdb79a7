//! What is kept of one window of one key.
//!
//! Owned by the operator. The timers stand here, where they go with the window, and in the
//! operator's one queue of all timers, where they fall due.

use super::aggregate::Aggregate;
use super::output::{Fired, Output, Revision};
use super::settings::WindowSettings;
use super::tick::Tick;
use super::time_window::Window;
use super::timers::TimerQueue;
use super::trigger::{Timers, TriggerResult, TriggerState};

/// One window of one key.
#[derive(Clone, Debug)]
pub(super) struct Pane<A> {
    /// None if there were no elements since it was purged.
    pub(super) contents: Option<A>,
    pub(super) trigger: TriggerState,
    /// Of its next result.
    pub(super) revision: Revision,
    pub(super) timers: PaneTimers,
}

impl<A: Aggregate> Pane<A> {
    pub(super) const fn new() -> Self {
        Pane {
            contents: None,
            trigger: TriggerState::EMPTY,
            revision: Revision(0),
            timers: PaneTimers::NONE,
        }
    }

    /// Whether nothing would be lost with it, and nothing is due.
    fn is_empty(&self) -> bool {
        self.contents.is_none() && self.trigger.is_empty() && self.timers.as_slice().is_empty()
    }

    /// Takes in what was kept of a window that became part of this one, but its timers.
    pub(super) fn merge(&mut self, other: Pane<A>) {
        let Pane { contents, trigger, revision, timers: _ } = other;
        match (&mut self.contents, contents) {
            (Some(contents), Some(other)) => contents.merge(other),
            (contents @ None, other) => *contents = other,
            (Some(_), None) => {}
        }
        self.trigger.merge(trigger);
        self.revision = self.revision.max(revision);
    }

    /// Adds an element and does what the trigger says. Returns whether the window is to go.
    pub(super) fn add<K: Ord + Clone>(
        &mut self,
        (key, window): (&K, Window),
        value: &A::Value,
        at: Tick,
        around: &mut Surroundings<'_, K>,
        output: &mut impl Output<K, A>,
    ) -> bool {
        self.contents.get_or_insert(A::EMPTY).add(value);
        let (trigger, cleanup) = (around.settings.trigger(), around.cleanup_time(window));
        let mut context = around.context(key, window, &mut self.timers);
        let result = trigger.on_element(&mut self.trigger, window, at, &mut context);
        if cleanup != Tick::MAX {
            context.register(cleanup);
        }
        self.obey(result, (key, window), output)
    }

    /// A timer that was taken out of the queue. Returns whether the window is to go.
    pub(super) fn on_timer<K: Ord + Clone>(
        &mut self,
        (key, window): (&K, Window),
        at: Tick,
        around: &mut Surroundings<'_, K>,
        output: &mut impl Output<K, A>,
    ) -> bool {
        assert!(self.timers.remove(at), "Invariant: a timer in the queue is one of its window's");
        let trigger = around.settings.trigger();
        let mut context = around.context(key, window, &mut self.timers);
        let result = trigger.on_event_time(&mut self.trigger, window, at, &mut context);
        let gone = self.obey(result, (key, window), output);
        gone || (window.time().is_some() && at == around.cleanup_time(window))
    }

    /// Other windows became this one, whose state this one has.
    pub(super) fn on_merge<K: Ord + Clone>(
        &mut self,
        (key, window): (&K, Window),
        around: &mut Surroundings<'_, K>,
    ) {
        let trigger = around.settings.trigger();
        let mut context = around.context(key, window, &mut self.timers);
        trigger.on_merge(&mut self.trigger, window, &mut context);
    }

    /// Fires and purges. Returns whether nothing is left that a window is kept for.
    fn obey<K>(
        &mut self,
        result: TriggerResult,
        (key, window): (&K, Window),
        output: &mut impl Output<K, A>,
    ) -> bool {
        if result.fires() {
            self.fire(key, window, output);
        }
        if result.purges() {
            self.contents = None;
        }
        result.purges() && self.is_empty()
    }

    /// Emits the result, if there are contents.
    pub(super) fn fire<K>(&mut self, key: &K, window: Window, output: &mut impl Output<K, A>) {
        let Some(contents) = &self.contents else { return };
        let (timestamp, revision) = (window.max_timestamp(), self.revision);
        self.revision = Revision(revision.0.saturating_add(1));
        output.fired(Fired { key, window, timestamp, revision, result: contents.result() });
    }
}

/// The instants for which timers of one window are set: its end, the next periodic firing, the
/// cleanup. No more than these three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaneTimers {
    at: [Tick; PaneTimers::MAX],
    len: u8,
}

impl PaneTimers {
    /// How many there can be.
    pub(super) const MAX: usize = 3;

    pub(super) const NONE: PaneTimers = PaneTimers { at: [Tick(0); PaneTimers::MAX], len: 0 };

    pub(super) fn as_slice(&self) -> &[Tick] {
        &self.at[..usize::from(self.len)]
    }

    /// Returns whether it was not there.
    pub(super) fn insert(&mut self, at: Tick) -> bool {
        let len = usize::from(self.len);
        let new = !self.as_slice().contains(&at);
        if new {
            assert!(len < PaneTimers::MAX, "Invariant: a window has at most three timers");
            self.at[len] = at;
            self.len += 1;
        }
        new
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, at: Tick) -> bool {
        let found = self.as_slice().iter().position(|&set| set == at);
        if let Some(place) = found {
            self.len -= 1;
            self.at[place] = self.at[usize::from(self.len)];
        }
        found.is_some()
    }
}

/// What is around a window while something happens to it: the rest of the operator.
pub(super) struct Surroundings<'a, K> {
    pub(super) settings: &'a WindowSettings,
    pub(super) watermark: Tick,
    pub(super) queue: &'a mut TimerQueue<K>,
    pub(super) firings_collapsed: &'a mut u64,
}

impl<K> Surroundings<'_, K> {
    fn context<'s>(
        &'s mut self,
        key: &'s K,
        window: Window,
        own: &'s mut PaneTimers,
    ) -> PaneContext<'s, K> {
        let Surroundings { settings: _, watermark, queue, firings_collapsed } = self;
        PaneContext { watermark: *watermark, key, window, own, queue, firings_collapsed }
    }

    fn cleanup_time(&self, window: Window) -> Tick {
        window.cleanup_time(self.settings.allowed_lateness())
    }
}

/// The timers of one window while its trigger is called.
struct PaneContext<'a, K> {
    watermark: Tick,
    key: &'a K,
    window: Window,
    own: &'a mut PaneTimers,
    queue: &'a mut TimerQueue<K>,
    firings_collapsed: &'a mut u64,
}

impl<K: Ord + Clone> Timers for PaneContext<'_, K> {
    fn watermark(&self) -> Tick {
        self.watermark
    }

    fn register(&mut self, at: Tick) {
        if self.own.insert(at) {
            self.queue.insert(at, self.key.clone(), self.window);
        }
    }

    fn delete(&mut self, at: Tick) {
        if self.own.remove(at) {
            self.queue.remove(at, self.key.clone(), self.window);
        }
    }

    fn collapsed(&mut self, firings: u64) {
        *self.firings_collapsed = self.firings_collapsed.saturating_add(firings);
    }
}
