//! Cases of the window operator: elements, watermarks, and snapshots in between.

use engine::window::{
    Aggregate, Arrival, Collected, Fired, SettingsError, Tick, Trigger, Window, WindowOperator,
    WindowSettings, aggregate::Sum,
};
use serde_json::Value;

use crate::fields::{Case, Fields, Outcome, each, number, same, window};
use crate::windows::assigner_of;

/// Keys are kept as the JSON text that they are, so that the text "1" is not the number 1.
type Operator = WindowOperator<String, Sum>;

type Results = Collected<String, i64, <Sum as Aggregate>::Result>;

/// The trigger that a case names; absent, the one by event time.
pub(crate) fn trigger_of(params: &mut Fields<'_>) -> Result<Trigger, String> {
    let trigger = match params.optional("trigger") {
        None => Ok(Trigger::event_time()),
        Some(Value::String(name)) => match name.as_str() {
            "event_time" => Ok(Trigger::event_time()),
            "end_of_stream" => Ok(Trigger::end_of_stream()),
            unknown => return Err(format!("trigger {unknown:?} is unknown")),
        },
        Some(parameterised) => {
            let mut fields = Fields::of(parameterised, "params.trigger")?;
            let trigger = if let Some(count) = fields.optional_number("count")? {
                // Less than 0 is refused as 0 is.
                Trigger::count(u64::try_from(count).unwrap_or(0))
            } else {
                Trigger::continuous_event_time(fields.span("continuous_event_time")?)
            };
            fields.end()?;
            trigger
        }
    };
    let purging = params.flag("purging")?;
    Ok(trigger.map_err(|error| error.to_string())?.with_purging(purging))
}

/// The operator of a case.
fn operator_of(params: &mut Fields<'_>) -> Result<Operator, String> {
    let (assigner, trigger) = (assigner_of(params)?, trigger_of(params)?);
    let lateness = params.span("allowed_lateness")?;
    let late_output = params.flag("late_side_output")?;
    if let Some(aggregate) = params.optional("aggregate") {
        same("the aggregate", aggregate.as_str(), Some("sum"))?;
    }
    let settings = WindowSettings::new(assigner, trigger)
        .and_then(|settings| settings.with_allowed_lateness(lateness))
        .map_err(|error: SettingsError| error.to_string())?;
    Ok(WindowOperator::new(settings.with_late_output(late_output)))
}

/// Encodes the whole state, drops the operator, and makes a new one of the bytes.
fn through_bytes(operator: Operator) -> Result<Operator, String> {
    let mut bytes = Vec::new();
    operator.encode(&mut bytes);
    drop(operator);
    let restored = Operator::decode(&bytes).map_err(|error| error.to_string())?;
    let mut again = Vec::new();
    restored.encode(&mut again);
    same("the state encoded again", again, bytes)?;
    Ok(restored)
}

pub(crate) fn operator(case: &mut Case<'_>) -> Outcome {
    // Taken out of its place while it is bytes.
    let mut operator = Some(operator_of(&mut case.params)?);
    case.each_step(|step| {
        let op = step.text("op")?;
        let mut results = Results::default();
        let current = operator.take().ok_or("the operator was lost in an earlier step")?;
        operator = Some(match op {
            "element" => element(step, current, &mut results)?,
            "watermark" => {
                let mut current = current;
                current.advance(step.tick("ts")?, &mut results);
                current
            }
            "snapshot_restore" => through_bytes(current)?,
            unknown => return Err(format!("op {unknown:?} is unknown")),
        });
        match step.optional("emit") {
            Some(emit) => check_emitted(results.fired, crate::fields::list(emit)?),
            None => check_emitted(results.fired, &[]),
        }
    })
}

fn element(
    step: &mut Fields<'_>,
    mut operator: Operator,
    results: &mut Results,
) -> Result<Operator, String> {
    let key = step.required("key")?.to_string();
    let (value, at) = (step.number("value")?, step.tick("ts")?);
    let late = step.flag("late")?;
    let dropped_before = operator.counts().late_dropped;
    let arrival = operator.element(&key, value, at, results).map_err(|error| error.to_string())?;
    let dropped = operator.counts().late_dropped - dropped_before;
    let handed_out: Vec<_> =
        results.late.iter().map(|late| (late.key.clone(), late.value, late.at)).collect();
    let side_output = operator.settings().late_output();
    same("whether it is late", matches!(arrival, Arrival::Late | Arrival::Dropped), late)?;
    let expected = if late && side_output { vec![(key, value, at)] } else { Vec::new() };
    same("the late output", handed_out, expected)?;
    same("the number dropped", dropped, u64::from(late && !side_output))?;
    Ok(operator)
}

/// A result that a case expects. A field that it does not name is not checked.
#[derive(Debug)]
struct Expected {
    key: Option<String>,
    sum: Option<i128>,
    window: Option<Window>,
    timestamp: Option<Tick>,
}

impl Expected {
    fn matches(&self, fired: &Fired<String, i128>) -> bool {
        self.key.as_ref().is_none_or(|key| *key == fired.key)
            && self.sum.is_none_or(|sum| sum == fired.result)
            && self.window.is_none_or(|window| window == fired.window)
            && self.timestamp.is_none_or(|timestamp| timestamp == fired.timestamp)
    }

    /// How many fields it names.
    fn named(&self) -> usize {
        [self.key.is_some(), self.sum.is_some(), self.window.is_some(), self.timestamp.is_some()]
            .into_iter()
            .filter(|named| *named)
            .count()
    }
}

/// As multisets.
fn check_emitted(emitted: Vec<Fired<String, i128>>, expected: &[Value]) -> Outcome {
    let mut wanted = Vec::new();
    each(expected, "result", |result| {
        wanted.push(Expected {
            key: result.optional("key").map(Value::to_string),
            sum: result.optional_number("sum")?.map(i128::from),
            window: result.optional("window").map(window).transpose()?,
            timestamp: result.optional_number("ts")?.map(Tick),
        });
        Ok(())
    })?;
    // Those that say most choose first.
    wanted.sort_by_key(|expected| core::cmp::Reverse(expected.named()));
    let (mut left, mut missing) = (emitted, Vec::new());
    for expected in wanted {
        match left.iter().position(|fired| expected.matches(fired)) {
            Some(place) => drop(left.remove(place)),
            None => missing.push(expected),
        }
    }
    if left.is_empty() && missing.is_empty() {
        return Ok(());
    }
    let left: Vec<String> = left
        .iter()
        .map(|fired| {
            let Fired { key, window, timestamp, revision: _, result } = fired;
            format!("{key} sum {result} {window} at {timestamp}")
        })
        .collect();
    Err(format!("emitted but not expected: {left:?}; expected but not emitted: {missing:?}"))
}

pub(crate) fn state_lifetime(case: &mut Case<'_>) -> Outcome {
    let mut operator = operator_of(&mut case.params)?;
    let element_at = case.fields.tick("element_ts")?;
    let mut results = Results::default();
    let arrival = operator.element(&"key".to_owned(), 1, element_at, &mut results);
    same("what became of the element", arrival, Ok(Arrival::Added))?;
    let presence = case.fields.required("state_present_at_watermark")?;
    let presence = presence.as_object().ok_or("state_present_at_watermark is no object")?;
    let mut checks = Vec::new();
    for (watermark, present) in presence {
        let text = Value::String(watermark.clone());
        let watermark = watermark.parse().or_else(|_| number(&text))?;
        let present = present.as_bool().ok_or("presence is neither true nor false")?;
        checks.push((watermark, present));
    }
    checks.sort_unstable();
    for (watermark, present) in checks {
        operator.advance(Tick(watermark), &mut results);
        same(&format!("state present at {watermark}"), operator.holds_state(), present)?;
        // Nothing may be left behind a window; one that was purged is kept until its cleanup.
        if !present && !operator.settings().trigger().purging() {
            let left = (operator.windows_live(), operator.timers_live());
            same("windows and timers left", left, (0, 0))?;
        }
    }
    Ok(())
}
