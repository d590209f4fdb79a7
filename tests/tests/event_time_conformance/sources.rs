//! Cases of sources: when one is idle, and when it waits for its group.

use engine::window::Tick;
use engine::window::alignment::{AlignedSource, AlignmentError};
use engine::window::combine::OutputId;
use engine::window::idleness::IdlenessTimer;
use serde_json::Value;

use crate::fields::{Case, Fields, Outcome, number, same};

pub(crate) fn idleness(case: &mut Case<'_>) -> Outcome {
    let timeout = case.params.span("idle_timeout")?;
    let mut timer = IdlenessTimer::new(timeout).map_err(|error| error.to_string())?;
    let mut now = Tick(0);
    case.each_step(|step| {
        now = now.plus(step.span("advance")?);
        if step.flag("activity")? {
            timer.activity();
        }
        match step.optional_flag("check")? {
            Some(expected) => same("whether it is idle", timer.check_if_idle(now), expected),
            None => Ok(()),
        }
    })
}

/// A source and its splits: the first, and one more for each later one.
struct Source {
    aligned: AlignedSource,
    splits: u64,
}

impl Source {
    fn split(&mut self, new: bool) -> Result<OutputId, String> {
        if new || self.splits == 0 {
            self.splits += 1;
            let split = OutputId(self.splits);
            self.aligned.add_split(split).map_err(|error| error.to_string())?;
        }
        Ok(OutputId(if new { self.splits } else { 1 }))
    }

    /// A record at `at`, from the first split or a new one.
    fn record(&mut self, at: i64, new: bool, step: &mut Fields<'_>) -> Outcome {
        let split = self.split(new)?;
        let generates = step.optional_flag("generates_watermark")?.unwrap_or(true);
        let given = self.aligned.record(split, generates.then_some(Tick(at)));
        match step.optional("emits") {
            Some(Value::Null) => match given {
                Err(AlignmentError::Paused { .. } | AlignmentError::Finished) => Ok(()),
                other => Err(format!("asked for a record, it gives {other:?}")),
            },
            Some(expected) => same("the record given", given.map(|()| at), Ok(number(expected)?)),
            None => given.map_err(|error| error.to_string()),
        }
    }
}

pub(crate) fn alignment(case: &mut Case<'_>) -> Outcome {
    // How far the group's limit lies ahead is the group's to know; a case tells the limit itself.
    case.params.skip("max_drift_group");
    let mut source = Source { aligned: AlignedSource::new(), splits: 0 };
    case.each_step(|step| {
        if let Some(max_allowed) = step.optional_number("max_allowed")? {
            source.aligned.set_max_allowed(Tick(max_allowed));
        }
        // Says that nothing was assigned, which is how a source begins.
        let _without_split = step.flag("no_split")?;
        let mut asked = false;
        if let Some(at) = step.optional_number("emit")? {
            source.record(at, false, step)?;
            asked = true;
        }
        if let Some(at) = step.optional_number("new_split_emit")? {
            source.record(at, true, step)?;
            asked = true;
        }
        if step.flag("goes_idle")? {
            source.aligned.mark_idle();
        }
        if step.flag("no_more_splits")? {
            source.aligned.finish();
        }
        if let Some(emits) = step.optional("emits").filter(|_| !asked) {
            asked_without_record(&mut source, emits)?;
        }
        if let Some(reported) = step.optional("reported") {
            let expected = if reported.is_null() { None } else { Some(Tick(number(reported)?)) };
            same("what is reported", source.aligned.reported(), expected)?;
        }
        match step.optional_flag("available")? {
            Some(expected) => same("available", source.aligned.is_available(), expected),
            None => Ok(()),
        }
    })
}

/// The source is asked for a record, and the case does not say that there is one: it gives none
/// while it is paused or has no split; otherwise the record that the case says it gives.
fn asked_without_record(source: &mut Source, emits: &Value) -> Outcome {
    if !emits.is_null() {
        let split = source.split(false)?;
        let at = number(emits)?;
        let given = source.aligned.record(split, Some(Tick(at)));
        return same("the record given", given, Ok(()));
    }
    let before = source.aligned.clone();
    if source.splits == 0 || before.is_available() {
        // Nothing stands ready, so nothing comes.
        return Ok(());
    }
    let refused = source.aligned.record(OutputId(1), Some(Tick::MAX));
    same("whether a record is refused", refused.is_err(), true)?;
    same("the source that refused a record", &source.aligned, &before)
}
