//! Cases of a trigger on its own, with the timers and the memory of each window kept here.
//!
//! As in Flink's `TriggerTestHarness`: timers that are due at a watermark are taken first and then
//! handed to the trigger, so that one set meanwhile waits for the next watermark.

use std::collections::{BTreeMap, BTreeSet};

use engine::window::trigger::{Timers, TriggerState};
use engine::window::{Tick, TimeWindow, Trigger, TriggerResult, Window};
use serde_json::Value;

use crate::fields::{Case, Fields, Outcome, same, time_windows, window};
use crate::operator::trigger_of;

/// All timers and states of one trigger.
struct Bench {
    trigger: Trigger,
    watermark: Tick,
    timers: BTreeSet<(Tick, Window)>,
    states: BTreeMap<Window, TriggerState>,
}

/// The timers of one window.
struct OfWindow<'a> {
    window: Window,
    watermark: Tick,
    timers: &'a mut BTreeSet<(Tick, Window)>,
}

impl Timers for OfWindow<'_> {
    fn watermark(&self) -> Tick {
        self.watermark
    }

    fn register(&mut self, at: Tick) {
        self.timers.insert((at, self.window));
    }

    fn delete(&mut self, at: Tick) {
        self.timers.remove(&(at, self.window));
    }
}

impl Bench {
    /// What the trigger is called with for `window`.
    fn parts(&mut self, window: Window) -> (&mut TriggerState, OfWindow<'_>) {
        let state = self.states.entry(window).or_default();
        (state, OfWindow { window, watermark: self.watermark, timers: &mut self.timers })
    }

    fn element(&mut self, window: Window, at: Tick) -> TriggerResult {
        let trigger = self.trigger;
        let (state, mut timers) = self.parts(window);
        trigger.on_element(state, window, at, &mut timers)
    }

    /// The results of the timers that were due, by window.
    fn advance(&mut self, watermark: Tick) -> Vec<(Window, TriggerResult)> {
        self.watermark = self.watermark.max(watermark);
        let mut due = Vec::new();
        while self.timers.first().is_some_and(|(at, _)| *at <= self.watermark) {
            due.extend(self.timers.pop_first());
        }
        let trigger = self.trigger;
        let mut results = Vec::new();
        for (at, window) in due {
            let (state, mut timers) = self.parts(window);
            results.push((window, trigger.on_event_time(state, window, at, &mut timers)));
        }
        results
    }

    fn clear(&mut self, window: Window) {
        let trigger = self.trigger;
        let (state, mut timers) = self.parts(window);
        trigger.clear(state, window, &mut timers);
    }

    fn merge(&mut self, sources: &[TimeWindow], into: TimeWindow) {
        let (trigger, into) = (self.trigger, Window::Time(into));
        let mut merged = TriggerState::EMPTY;
        for &source in sources {
            let state = self.states.insert(Window::Time(source), TriggerState::EMPTY);
            merged.merge(state.unwrap_or_default());
        }
        let (state, mut timers) = self.parts(into);
        *state = merged;
        trigger.on_merge(state, into, &mut timers);
        for &source in sources {
            self.clear(Window::Time(source));
        }
    }
}

pub(crate) fn trigger(case: &mut Case<'_>) -> Outcome {
    let trigger = trigger_of(&mut case.params)?;
    let mut bench =
        Bench { trigger, watermark: Tick::MIN, timers: BTreeSet::new(), states: BTreeMap::new() };
    case.each_step(|step| {
        let of_window = step.optional("window").map(window).transpose()?;
        let results = act(&mut bench, step, of_window)?;
        if let Some(expected) = step.optional("result") {
            same("the result", Some(strongest(&results)), expected.as_str())?;
        }
        if let Some(expected) = step.optional_number("timers")? {
            let counted = |(_, window): &&(Tick, Window)| of_window.is_none_or(|of| of == *window);
            let set = bench.timers.iter().filter(counted).count();
            same("the number of timers", set as i64, expected)?;
        }
        Ok(())
    })
}

/// Does what a step says. Returns what the trigger answered, for `of_window` if that is given.
fn act(
    bench: &mut Bench,
    step: &mut Fields<'_>,
    of_window: Option<Window>,
) -> Result<Vec<TriggerResult>, String> {
    let mut results = Vec::new();
    if let Some(element) = step.optional("element") {
        let window = window(element)?;
        let start = window.time().map_or(Tick(0), |window| window.start);
        let at = step.optional_number("ts")?.map_or(start, Tick);
        results.push(bench.element(window, at));
    }
    if let Some(watermark) = step.optional_number("watermark")? {
        let answers = bench.advance(Tick(watermark));
        let asked = answers.iter().filter(|(window, _)| of_window.is_none_or(|of| of == *window));
        results.extend(asked.map(|(_, result)| *result));
    }
    if let Some(merge) = step.optional("merge") {
        let mut merge = Fields::of(merge, "merge")?;
        let sources = time_windows(merge.required("sources")?)?;
        bench.merge(&sources, merge.window("into")?);
        merge.end()?;
    }
    match step.optional("clear") {
        None => {}
        Some(Value::Null) => bench.clear(Window::Global),
        Some(windows) => {
            time_windows(windows)?.into_iter().for_each(|one| bench.clear(Window::Time(one)));
        }
    }
    Ok(results)
}

/// The name of the result that does most.
fn strongest(results: &[TriggerResult]) -> &'static str {
    if results.contains(&TriggerResult::FireAndPurge) {
        "fire_and_purge"
    } else if results.contains(&TriggerResult::Fire) {
        "fire"
    } else {
        "continue"
    }
}
