//! All timers of an operator, in the order in which they fall due: by time, key, window.
//!
//! Owned by the operator; those of one window stand with the window, too. The earliest time is kept
//! beside the queue, since a watermark moves far more often than a timer falls due: one that is short
//! of it costs a comparison.

use std::collections::BTreeSet;

use super::tick::Tick;
use super::time_window::Window;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct TimerQueue<K> {
    queue: BTreeSet<(Tick, K, Window)>,
    /// The time of the first; [`Tick::MAX`] if there is none.
    earliest: Tick,
}

impl<K: Ord> TimerQueue<K> {
    pub(super) const fn new() -> Self {
        TimerQueue { queue: BTreeSet::new(), earliest: Tick::MAX }
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether a timer may be due at `watermark`; if not, none is.
    #[inline]
    pub(super) fn is_due(&self, watermark: Tick) -> bool {
        self.earliest <= watermark
    }

    pub(super) fn insert(&mut self, at: Tick, key: K, window: Window) {
        self.earliest = self.earliest.min(at);
        self.queue.insert((at, key, window));
    }

    /// Drops a timer, if it is set.
    pub(super) fn remove(&mut self, at: Tick, key: K, window: Window) {
        self.queue.remove(&(at, key, window));
        if at == self.earliest {
            self.find_earliest();
        }
    }

    /// The first timer, taken out, if it is due at `watermark`.
    pub(super) fn pop_due(&mut self, watermark: Tick) -> Option<(Tick, K, Window)> {
        if !self.is_due(watermark) {
            return None;
        }
        let due = self.queue.pop_first();
        self.find_earliest();
        due
    }

    fn find_earliest(&mut self) {
        self.earliest = self.queue.first().map_or(Tick::MAX, |(at, _, _)| *at);
    }
}
