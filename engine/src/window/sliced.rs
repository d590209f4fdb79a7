//! The window operator for fast streams: elements that share their windows are folded before they
//! reach it.
//!
//! ```text
//!  element ─► its symbol's run, if that is open and holds its time ── added to the run
//!             else ─► the operator, at once; if no window of it has passed, a run opens:
//!                     the slice of time around it in which every element has the same windows
//!  watermark short of the first timer ─► noted
//!            else ─► all runs are merged into their windows and closed; timers fire
//! ```
//! Results, their order, counts, refusals and snapshots are those of a [`WindowOperator`] that takes
//! the elements one by one. A run opens only behind an element that the operator took into windows
//! none of which has passed. Until a timer falls due such a window neither fires nor is dropped, so
//! whatever comes within the slice only adds to what it holds, and an [`Aggregate`] gives the same in
//! any order. Triggers that count, fire in between or follow merging windows have no runs: there every
//! element goes to the operator.
//!
//! An element within its run costs two comparisons and an addition. Keys are symbols, numbered from 0
//! up; those from [`RUN_KEYS_MAX`] on have no runs. Memory follows the greatest number below that.

use super::aggregate::Aggregate;
use super::assign::Kind as Assigned;
use super::correct::Corrected;
use super::operator::{Arrival, WindowCounts, WindowError, WindowOperator};
use super::output::Output;
use super::settings::WindowSettings;
use super::tick::{Span, Tick};
use super::time_window::window_start_wide;
use super::trigger::Kind as Triggered;
use crate::state::encode::Sink;
use crate::units::SymbolId;

/// Symbols with numbers below this have runs.
pub const RUN_KEYS_MAX: u32 = 1 << 20;

/// Elements of one symbol that were not merged into their windows yet.
#[derive(Clone, Debug)]
struct Run<A> {
    /// Where it begins.
    first: Tick,
    /// Its last instant; before `first` if it is closed.
    last: Tick,
    contents: A,
}

impl<A: Aggregate> Run<A> {
    const CLOSED: Run<A> = Run { first: Tick::MAX, last: Tick::MIN, contents: A::EMPTY };

    #[inline]
    fn holds(&self, at: Tick) -> bool {
        self.first <= at && at <= self.last
    }

    fn is_open(&self) -> bool {
        self.first <= self.last
    }
}

/// A stretch of time in which every element falls into the same windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    first: Tick,
    last: Tick,
    /// The last instant of that one of its windows which ends first.
    passes_at: Tick,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct SlicedWindows<A: Aggregate> {
    pub(super) operator: WindowOperator<SymbolId, A>,
    /// By symbol.
    runs: Vec<Run<A>>,
    /// Whose runs are open.
    open: Vec<SymbolId>,
}

impl<A: Aggregate + Clone> SlicedWindows<A> {
    /// Without windows, at watermark [`Tick::MIN`].
    #[must_use]
    pub const fn new(settings: WindowSettings) -> Self {
        Self::over(WindowOperator::new(settings))
    }

    /// Goes on from the state of an operator.
    #[must_use]
    pub const fn over(operator: WindowOperator<SymbolId, A>) -> Self {
        SlicedWindows { operator, runs: Vec::new(), open: Vec::new() }
    }

    /// The latest watermark.
    #[inline]
    #[must_use]
    pub const fn watermark(&self) -> Tick {
        self.operator.watermark()
    }

    /// What did not go the usual way.
    #[must_use]
    pub const fn counts(&self) -> WindowCounts {
        self.operator.counts()
    }

    /// As [`WindowOperator::element`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn element(
        &mut self,
        key: SymbolId,
        value: A::Value,
        at: Tick,
        output: &mut impl Output<SymbolId, A>,
    ) -> Result<Arrival, WindowError> {
        match self.runs.get_mut(key.0 as usize).filter(|run| run.holds(at)) {
            Some(run) => {
                run.contents.add(&value);
                Ok(Arrival::Added)
            }
            None => self.element_outside_runs(key, value, at, output),
        }
    }

    /// As [`WindowOperator::advance`].
    #[inline]
    pub fn advance(&mut self, watermark: Tick, output: &mut impl Output<SymbolId, A>) {
        if self.operator.timers.is_due(watermark) {
            self.settle();
        }
        self.operator.advance(watermark, output);
    }

    /// As [`WindowOperator::retract`].
    ///
    /// # Errors
    /// As there.
    pub fn retract(
        &mut self,
        key: SymbolId,
        value: &A::Value,
        at: Tick,
        output: &mut impl Output<SymbolId, A>,
    ) -> Result<Corrected, WindowError> {
        self.settle();
        self.operator.retract(&key, value, at, output)
    }

    /// The operator with everything merged into its windows.
    pub fn operator(&mut self) -> &WindowOperator<SymbolId, A> {
        self.settle();
        &self.operator
    }

    /// Writes the whole state: the bytes of [`WindowOperator::encode`].
    pub fn encode<S: Sink>(&mut self, sink: &mut S) {
        self.operator().encode(sink);
    }

    /// An element that no run holds; opens one around it if that can be.
    #[inline(never)]
    fn element_outside_runs(
        &mut self,
        key: SymbolId,
        value: A::Value,
        at: Tick,
        output: &mut impl Output<SymbolId, A>,
    ) -> Result<Arrival, WindowError> {
        let arrival = self.operator.element(&key, value, at, output)?;
        let slice = slice(self.operator.settings(), at);
        if let Some(slice) = slice.filter(|slice| slice.passes_at > self.watermark())
            && arrival == Arrival::Added
            && key.0 < RUN_KEYS_MAX
        {
            self.open_run(key, slice);
        }
        Ok(arrival)
    }

    fn open_run(&mut self, key: SymbolId, slice: Slice) {
        let index = key.0 as usize;
        if index >= self.runs.len() {
            self.runs.resize(index + 1, Run::CLOSED);
        }
        let run = &mut self.runs[index];
        if run.is_open() {
            merge_run(&mut self.operator, key, run);
        } else {
            self.open.push(key);
        }
        (run.first, run.last) = (slice.first, slice.last);
    }

    /// Merges all runs into their windows and closes them.
    #[inline(never)]
    fn settle(&mut self) {
        for key in self.open.drain(..) {
            merge_run(&mut self.operator, key, &mut self.runs[key.0 as usize]);
        }
    }
}

/// Merges a run into its windows and closes it.
fn merge_run<A: Aggregate + Clone>(
    operator: &mut WindowOperator<SymbolId, A>,
    key: SymbolId,
    run: &mut Run<A>,
) {
    let Run { first, last: _, contents } = std::mem::replace(run, Run::CLOSED);
    let panes = operator.keys.get_mut(&key);
    let Some(panes) = panes else {
        unreachable!("Invariant: the windows of an open run are live");
    };
    for window in operator.settings.assigner().assign(first) {
        let Some(pane) = panes.get_mut(&window) else {
            unreachable!("Invariant: the windows of an open run are live");
        };
        pane.contents.get_or_insert(A::EMPTY).merge(contents.clone());
    }
}

/// The slice of `at`; none if elements cannot be folded, or if it is near the ends of time, where
/// windows are cut.
fn slice(settings: &WindowSettings, at: Tick) -> Option<Slice> {
    let (size, slide, offset) = match settings.assigner().kind() {
        Assigned::Tumbling { size, offset } => (size, size, offset),
        Assigned::Sliding { size, slide, offset } => (size, slide, offset),
        Assigned::Session { .. } | Assigned::Global => return None,
    };
    if settings.trigger().kind() != Triggered::EventTime {
        return None;
    }
    // The windows change where one starts and where one ends; both happen once a slide.
    let started = window_start_wide(at, offset, slide);
    let after_end =
        Span((i128::from(offset.0) + i128::from(size.0)).rem_euclid(slide.0.into()) as i64);
    let ended = window_start_wide(at, after_end, slide);
    let slide = i128::from(slide.0);
    let (next_start, next_end) = (started + slide, ended + slide);
    let uncut = |wide: i128| i64::try_from(wide).ok().map(Tick);
    uncut(started.min(ended) - i128::from(size.0))?;
    uncut(next_start.max(next_end) + i128::from(size.0))?;
    Some(Slice {
        first: uncut(started.max(ended))?,
        last: uncut(next_start.min(next_end) - 1)?,
        passes_at: uncut(next_end - 1)?,
    })
}
