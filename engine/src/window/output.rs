//! What comes out of an operator: results of windows that fired, and elements that were late.
//!
//! The operator calls an [`Output`] while it works; nothing is kept. A result has an identity, (key,
//! window, revision), which replay gives again: revisions of a window rise from 0 with each of its
//! results, so a higher one replaces the lower. A session that grew by merging goes on from the
//! highest revision of its parts: a revision above 0 replaces whatever was emitted of the key for
//! windows within the result's window. A window that was purged goes on counting while it is kept;
//! a purged global window is not kept.

use super::aggregate::Aggregate;
use super::tick::Tick;
use super::time_window::Window;

/// How many results came before this one. Stays at the greatest `u32`, should it get there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Revision(pub u32);

/// A result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired<K, R> {
    /// Whose it is.
    pub key: K,
    /// The window that fired.
    pub window: Window,
    /// The result's own time: the last instant of the window.
    pub timestamp: Tick,
    /// Rises with each result of the window.
    pub revision: Revision,
    /// The whole figure as it now is, not what changed.
    pub result: R,
}

/// An element that was late for all its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late<K, V> {
    /// Whose it is.
    pub key: K,
    /// As given.
    pub value: V,
    /// As given.
    pub at: Tick,
}

/// Takes what an operator emits, in order.
pub trait Output<K, A: Aggregate> {
    /// A window fired.
    fn fired(&mut self, fired: Fired<&K, A::Result>);

    /// An element was late for all its windows, and late elements are asked for.
    fn late(&mut self, late: Late<&K, A::Value>);
}

/// Keeps what is emitted, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected<K, V, R> {
    /// Results.
    pub fired: Vec<Fired<K, R>>,
    /// Late elements.
    pub late: Vec<Late<K, V>>,
}

impl<K, V, R> Default for Collected<K, V, R> {
    fn default() -> Self {
        Collected { fired: Vec::new(), late: Vec::new() }
    }
}

impl<K: Clone, A: Aggregate> Output<K, A> for Collected<K, A::Value, A::Result> {
    fn fired(&mut self, fired: Fired<&K, A::Result>) {
        let Fired { key, window, timestamp, revision, result } = fired;
        self.fired.push(Fired { key: key.clone(), window, timestamp, revision, result });
    }

    fn late(&mut self, late: Late<&K, A::Value>) {
        let Late { key, value, at } = late;
        self.late.push(Late { key: key.clone(), value, at });
    }
}
