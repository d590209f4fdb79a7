//! Retractions and corrections: an element that was taken before is taken out, or its value changed.
//!
//! Flink has no such call; these are its rules for late elements carried over. A window that is kept
//! is changed in place; if it has fired, it fires again at once with the next revision. One that is
//! cleaned up, or was purged, is left alone and counted. A session stays as long as it is: taking an
//! element out does not split it. Timers and what triggers count do not change.

use std::collections::BTreeMap;

use super::aggregate::{Aggregate, NotRetractable};
use super::assign::Kind;
use super::merging;
use super::operator::{WindowError, WindowOperator};
use super::output::Output;
use super::tick::Tick;
use super::time_window::{TimeWindow, Window};

/// How far a retraction or a correction reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    /// Windows that were changed; 0 if none of the element's is left.
    pub windows: u32,
    /// How many of them fired again.
    pub fired: u32,
}

impl<K: Ord + Clone, A: Aggregate> WindowOperator<K, A> {
    /// Takes out an element that was added with this `key`, `value` and `at`. Whether it was is not
    /// checked.
    ///
    /// # Errors
    /// [`WindowError::NotRetractable`] if the aggregate cannot; nothing has changed.
    pub fn retract(
        &mut self,
        key: &K,
        value: &A::Value,
        at: Tick,
        output: &mut impl Output<K, A>,
    ) -> Result<Corrected, WindowError> {
        self.change(key, at, |contents| contents.retract(value), output)
    }

    /// Changes the value of an element that was added with this `key`, `old` and `at`. Whether it
    /// was is not checked.
    ///
    /// # Errors
    /// [`WindowError::NotRetractable`] if the aggregate cannot; nothing has changed.
    pub fn correct(
        &mut self,
        key: &K,
        old: &A::Value,
        new: &A::Value,
        at: Tick,
        output: &mut impl Output<K, A>,
    ) -> Result<Corrected, WindowError> {
        self.change(key, at, |contents| contents.correct(old, new), output)
    }

    /// Changes the contents of each window that is left of an element at `at`.
    fn change(
        &mut self,
        key: &K,
        at: Tick,
        change: impl Fn(&mut A) -> Result<(), NotRetractable>,
        output: &mut impl Output<K, A>,
    ) -> Result<Corrected, WindowError> {
        let assigner = self.settings.assigner();
        let mut corrected = Corrected::default();
        if let Some(panes) = self.keys.get_mut(key) {
            let mut change_in = |window: Window, panes: &mut BTreeMap<Window, _>| {
                change_pane(key, window, panes, &change, &mut corrected, output)
            };
            match assigner.kind() {
                Kind::Session { gap } => {
                    let plan = merging::plan(panes, TimeWindow::new(at, at.plus(gap)));
                    if plan.sources == 1 && !plan.merges {
                        change_in(Window::Time(plan.result), panes)?;
                    }
                }
                Kind::Tumbling { .. } | Kind::Sliding { .. } | Kind::Global => {
                    for window in assigner.assign(at) {
                        change_in(window, panes)?;
                    }
                }
            }
        }
        if corrected.windows == 0 {
            self.counts.corrections_unmatched += 1;
        }
        Ok(corrected)
    }
}

/// Changes the contents of one window, if it is there and has any.
fn change_pane<K, A: Aggregate>(
    key: &K,
    window: Window,
    panes: &mut BTreeMap<Window, super::pane::Pane<A>>,
    change: &impl Fn(&mut A) -> Result<(), NotRetractable>,
    corrected: &mut Corrected,
    output: &mut impl Output<K, A>,
) -> Result<(), WindowError> {
    let Some(pane) = panes.get_mut(&window) else { return Ok(()) };
    let Some(contents) = &mut pane.contents else { return Ok(()) };
    change(contents).map_err(|NotRetractable| WindowError::NotRetractable)?;
    corrected.windows += 1;
    if pane.revision.0 > 0 {
        pane.fire(key, window, output);
        corrected.fired += 1;
    }
    Ok(())
}
