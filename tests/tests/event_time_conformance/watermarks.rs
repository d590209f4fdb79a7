//! Cases of watermarks: made from timestamps, combined from inputs, combined from outputs.

use std::collections::BTreeSet;

use engine::window::Tick;
use engine::window::combine::{OutputId, Reporting, WatermarkCombiner};
use engine::window::valve::{ChannelIndex, WatermarkValve};
use engine::window::watermark::{BoundedOutOfOrderness, Signals, StreamSignal};
use serde_json::{Value, json};

use crate::fields::{Case, Fields, Outcome, number, same};

pub(crate) fn watermark_generator(case: &mut Case<'_>) -> Outcome {
    let bound = case.params.span("max_out_of_orderness")?;
    let mut generators =
        vec![BoundedOutOfOrderness::new(bound).map_err(|error| error.to_string())?];
    if bound.0 == 0 {
        generators.push(BoundedOutOfOrderness::ascending());
    }
    let events = case.fields.list("events")?;
    let expected = case.fields.tick("watermark_on_periodic_emit")?;
    for mut generator in generators {
        for event in events {
            generator.on_event(Tick(number(event)?));
        }
        same("the watermark", generator.watermark(), expected)?;
    }
    Ok(())
}

/// Signals as a case writes them.
fn shown(signals: Signals) -> Vec<Value> {
    let shown = |signal| match signal {
        StreamSignal::Watermark(watermark) => json!(watermark.0),
        StreamSignal::Idle => json!("idle"),
        StreamSignal::Active => json!("active"),
    };
    signals.iter().map(shown).collect()
}

pub(crate) fn watermark_valve(case: &mut Case<'_>) -> Outcome {
    let channels = case.params.number("channels")?;
    let channels = u32::try_from(channels).map_err(|error| error.to_string())?;
    let mut valve = WatermarkValve::new(channels).map_err(|error| error.to_string())?;
    case.each_step(|step| {
        let channel = step.number("channel")?;
        let channel = ChannelIndex(u32::try_from(channel).map_err(|error| error.to_string())?);
        let signals = match (step.optional_number("watermark")?, step.optional("status")) {
            (Some(watermark), None) => valve.on_watermark(channel, Tick(watermark)),
            (None, Some(status)) => match status.as_str() {
                Some("idle") => valve.on_idle(channel),
                Some("active") => valve.on_active(channel),
                _ => return Err(format!("status {status} is unknown")),
            },
            _ => return Err("neither a watermark nor a status alone".to_owned()),
        };
        let out = shown(signals.map_err(|error| error.to_string())?);
        match step.optional("out") {
            Some(expected) => same("out", Value::Array(out), expected.clone()),
            None => Ok(()),
        }
    })
}

/// The outputs of a case, and what was last told downstream.
#[derive(Default)]
struct Outputs {
    combiner: WatermarkCombiner,
    registered: BTreeSet<OutputId>,
    watermark: Option<Tick>,
    idle: bool,
}

impl Outputs {
    /// Downstream, a watermark says by itself that the source is active.
    fn tell(&mut self, signals: Signals) {
        for signal in signals.iter() {
            self.idle = signal == StreamSignal::Idle;
            if let StreamSignal::Watermark(watermark) = signal {
                self.watermark = Some(watermark);
            }
        }
    }

    fn register(&mut self, output: OutputId) -> Outcome {
        self.registered.insert(output);
        self.combiner.register(output).map_err(|error| error.to_string())
    }

    /// What an output reports. One that was never registered is now; one that was unregistered has
    /// no say any more.
    fn report(&mut self, output: OutputId, step: &mut Fields<'_>) -> Outcome {
        let reporting = match step.text("mode")? {
            "immediate" => Reporting::Immediate,
            "deferred" => Reporting::Deferred,
            unknown => return Err(format!("mode {unknown:?} is unknown")),
        };
        if !self.registered.contains(&output) {
            self.register(output)?;
        }
        if let Some(watermark) = step.optional_number("emit")? {
            let told = self.combiner.on_watermark(output, Tick(watermark), reporting);
            self.tell(told.unwrap_or_default());
        }
        let told = match step.optional("mark").map(|mark| mark.as_str().unwrap_or("?")) {
            None => return Ok(()),
            Some("idle") => self.combiner.on_idle(output, reporting),
            Some("active") => self.combiner.on_active(output, reporting),
            Some(unknown) => return Err(format!("mark {unknown:?} is unknown")),
        };
        self.tell(told.unwrap_or_default());
        Ok(())
    }
}

fn output_id(value: &Value) -> Result<OutputId, String> {
    let id = u64::try_from(number(value)?).map_err(|error| error.to_string())?;
    Ok(OutputId(id))
}

pub(crate) fn watermark_combine(case: &mut Case<'_>) -> Outcome {
    let mut outputs = Outputs::default();
    case.each_step(|step| {
        if let Some(registered) = step.optional("register") {
            let alone = core::slice::from_ref(registered);
            let ids = registered.as_array().map_or(alone, Vec::as_slice);
            ids.iter().try_for_each(|id| outputs.register(output_id(id)?))?;
        }
        if let Some(unregistered) = step.optional("unregister") {
            outputs.combiner.unregister(output_id(unregistered)?);
        }
        if let Some(output) = step.optional("output") {
            outputs.report(output_id(output)?, step)?;
        }
        if step.flag("periodic_emit")? {
            let told = outputs.combiner.on_periodic_emit();
            outputs.tell(told);
        }
        if let Some(expected) = step.optional("expect_watermark") {
            let expected = if expected.is_null() { None } else { Some(Tick(number(expected)?)) };
            same("the watermark", outputs.watermark, expected)?;
            same("the combiner's own watermark", outputs.combiner.watermark(), expected)?;
        }
        if let Some(expected) = step.optional_flag("expect_idle")? {
            same("whether it is idle", outputs.idle, expected)?;
            same("whether the combiner is idle", outputs.combiner.is_idle(), expected)?;
        }
        Ok(())
    })
}
