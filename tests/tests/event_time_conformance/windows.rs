//! Cases of windows on their own: where they start, which an element gets, how they merge, and which
//! parameters are refused.

use std::collections::{BTreeMap, BTreeSet};

use engine::window::idleness::IdlenessTimer;
use engine::window::merging::{MergingWindowSet, merge_windows};
use engine::window::time_window::window_start as start_of;
use engine::window::watermark::BoundedOutOfOrderness;
use engine::window::{Assigner, SettingsError, Span, TimeWindow, Trigger, Window, WindowSettings};
use serde_json::Value;

use crate::fields::{Case, Fields, Outcome, each, same, time_window, time_windows, window};

/// Windows as a case writes them.
fn shown(windows: impl IntoIterator<Item = TimeWindow>) -> BTreeSet<TimeWindow> {
    windows.into_iter().collect()
}

pub(crate) fn window_start(case: &mut Case<'_>) -> Outcome {
    let (size, offset) = (case.params.span("size")?, case.params.span("offset")?);
    case.each_check(|check| {
        let (at, start) = (check.tick("ts")?, check.tick("start")?);
        same(&format!("the start for {at}"), start_of(at, offset, size), start)
    })
}

/// The assigner that an object with `type` describes.
pub(crate) fn assigner(fields: &mut Fields<'_>) -> Result<Result<Assigner, SettingsError>, String> {
    Ok(match fields.text("type")? {
        "tumbling" => Assigner::tumbling(fields.span("size")?, fields.span("offset")?),
        "sliding" => {
            let (size, slide) = (fields.span("size")?, fields.span("slide")?);
            Assigner::sliding(size, slide, fields.span("offset")?)
        }
        "session" => Assigner::session(fields.span("gap")?),
        "global" => Ok(Assigner::global()),
        unknown => return Err(format!("windows of type {unknown:?} are unknown")),
    })
}

/// The assigner of a case, which has to be a possible one.
pub(crate) fn assigner_of(params: &mut Fields<'_>) -> Result<Assigner, String> {
    let mut fields = Fields::of(params.required("window")?, "params.window")?;
    let assigner = assigner(&mut fields)?.map_err(|error| error.to_string())?;
    fields.end()?;
    Ok(assigner)
}

pub(crate) fn assign(case: &mut Case<'_>) -> Outcome {
    let assigner = assigner_of(&mut case.params)?;
    case.each_check(|check| {
        let at = check.tick("ts")?;
        let expected: Result<BTreeSet<Window>, String> =
            check.list("windows")?.iter().map(window).collect();
        let assigned: Vec<Window> = assigner.assign(at).collect();
        let distinct: BTreeSet<Window> = assigned.iter().copied().collect();
        same("the number of windows, of which none is twice", assigned.len(), distinct.len())?;
        same(&format!("the set of windows of {at}"), distinct, expected?)
    })
}

pub(crate) fn intersects(case: &mut Case<'_>) -> Outcome {
    case.each_check(|check| {
        let (a, b) = (check.window("a")?, check.window("b")?);
        let expected = check.required("result")?.as_bool();
        same(&format!("whether {a} and {b} intersect"), Some(a.intersects(b)), expected)?;
        same(&format!("whether {b} and {a} intersect"), Some(b.intersects(a)), expected)
    })
}

pub(crate) fn merge(case: &mut Case<'_>) -> Outcome {
    let windows: Result<Vec<TimeWindow>, String> =
        case.fields.list("windows")?.iter().map(time_window).collect();
    let merged: BTreeSet<(TimeWindow, BTreeSet<TimeWindow>)> =
        merge_windows(&windows?).into_iter().map(|one| (one.result, shown(one.sources))).collect();
    let mut expected = BTreeSet::new();
    each(case.fields.list("merges")?, "merge", |merge| {
        let sources = shown(time_windows(merge.required("sources")?)?);
        expected.insert((merge.window("result")?, sources));
        Ok(())
    })?;
    same("the merges", merged, expected)
}

pub(crate) fn merging_set(case: &mut Case<'_>) -> Outcome {
    // Says how the windows of the case came about; the windows stand by themselves.
    case.params.skip("gap");
    let mut set = MergingWindowSet::new();
    case.each_step(|step| {
        if let Some(retired) = step.optional("retire") {
            return retire(&mut set, retired);
        }
        let window = step.window("add")?;
        let added = set.add(window);
        if let Some(result) = step.optional("result") {
            same("the result", added.result, time_window(result)?)?;
        }
        if let Some(merged) = step.optional_flag("merged")? {
            same("merged", added.merged(), merged)?;
        }
        if let Some(sources) = step.optional("sources") {
            same("the sources", shown(added.sources), shown(time_windows(sources)?))?;
        }
        Ok(())
    })?;
    let Some(after) = case.fields.optional("after") else { return Ok(()) };
    let mut after = Fields::of(after, "after")?;
    if let Some(states) = after.optional("state_window") {
        let states = states.as_object().ok_or("state_window is no object")?;
        for (name, state) in states {
            let window: Value = serde_json::from_str(name).map_err(|error| error.to_string())?;
            let kept = set.state_window(time_window(&window)?);
            same(&format!("the state window of {name}"), kept, Some(time_window(state)?))?;
        }
    }
    if let Some(retired) = after.optional("retire") {
        retire(&mut set, retired)?;
    }
    if let Some(remaining) = after.optional("remaining") {
        same("what remains", shown(set.windows()), shown(time_windows(remaining)?))?;
    }
    after.end()
}

fn retire(set: &mut MergingWindowSet, windows: &Value) -> Outcome {
    for window in time_windows(windows)? {
        same(&format!("whether {window} was in flight"), set.retire(window), true)?;
    }
    Ok(())
}

pub(crate) fn invalid_params(case: &mut Case<'_>) -> Outcome {
    each(case.fields.list("rejected")?, "rejected entry", |entry| {
        let mut alone: BTreeMap<&str, Option<SettingsError>> = BTreeMap::new();
        if let Some(timeout) = entry.optional_number("idle_timeout")? {
            alone.insert("idle_timeout", IdlenessTimer::new(Span(timeout)).err());
        }
        if let Some(bound) = entry.optional_number("max_out_of_orderness")? {
            let refused = BoundedOutOfOrderness::new(Span(bound)).err();
            alone.insert("max_out_of_orderness", refused);
        }
        if let Some(lateness) = entry.optional_number("allowed_lateness")? {
            let settings = WindowSettings::new(Assigner::global(), Trigger::event_time());
            let refused =
                settings.and_then(|settings| settings.with_allowed_lateness(Span(lateness)));
            alone.insert("allowed_lateness", refused.err());
        }
        if alone.is_empty() {
            alone.insert("window", assigner(entry)?.err());
        }
        for (what, refused) in alone {
            if refused.is_none() {
                return Err(format!("the {what} was accepted"));
            }
        }
        Ok(())
    })
}
