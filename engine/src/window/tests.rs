//! The windows against a slow model, at the ends of time, and through bytes.

mod bytes;
mod corrections;
mod limits;
mod model;
mod operator;
mod sliced;
mod sources;
mod valve;

use proptest::prelude::*;

use super::aggregate::Sum;
use super::operator::WindowOperator;
use super::output::Collected;
use super::settings::WindowSettings;
use super::{Assigner, Span, Tick, Trigger};

type Operator = WindowOperator<u32, Sum>;
type Results = Collected<u32, i64, i128>;

/// Something that happens to an operator.
#[derive(Clone, Copy, Debug)]
enum Step {
    Element {
        key: u32,
        value: i64,
        at: i64,
    },
    Watermark(i64),
    /// Encode, drop, decode.
    Snapshot,
}

/// An assigner with small parameters.
fn assigner() -> impl Strategy<Value = Assigner> {
    let span = 1i64..12;
    let offset = -11i64..12;
    prop_oneof![
        (span.clone(), offset.clone()).prop_map(|(size, offset)| {
            Assigner::tumbling(Span(size), Span(offset % size)).unwrap()
        }),
        (span.clone(), span.clone(), offset).prop_map(|(size, slide, offset)| {
            Assigner::sliding(Span(size), Span(slide), Span(offset % slide)).unwrap()
        }),
        span.prop_map(|gap| Assigner::session(Span(gap)).unwrap()),
        Just(Assigner::global()),
    ]
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let kind = prop_oneof![
        3 => Just(Trigger::event_time()),
        1 => Just(Trigger::end_of_stream()),
        2 => (1u64..5).prop_map(|count| Trigger::count(count).unwrap()),
        2 => (1i64..8).prop_map(|span| Trigger::continuous_event_time(Span(span)).unwrap()),
    ];
    (kind, any::<bool>()).prop_map(|(trigger, purging)| trigger.with_purging(purging))
}

/// Settings that can be made.
fn settings() -> impl Strategy<Value = WindowSettings> {
    let lateness = prop_oneof![Just(0i64), 0i64..15];
    (assigner(), trigger(), lateness, any::<bool>()).prop_filter_map(
        "the trigger cannot follow merging windows",
        |(assigner, trigger, lateness, late_output)| {
            let settings = WindowSettings::new(assigner, trigger).ok()?;
            let settings = settings.with_allowed_lateness(Span(lateness)).ok()?;
            Some(settings.with_late_output(late_output))
        },
    )
}

/// Elements and watermarks within a narrow stretch around 0, so that they meet.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let element = (0u32..3, -9i64..10, -40i64..41).prop_map(|(key, value, at)| Step::Element {
        key,
        value,
        at,
    });
    let step = prop_oneof![
        6 => element,
        2 => (-45i64..60).prop_map(Step::Watermark),
        1 => Just(Step::Snapshot),
    ];
    prop::collection::vec(step, 0..60)
}

/// The operator as its bytes make it.
fn through_bytes(operator: &Operator) -> Operator {
    let mut bytes = Vec::new();
    operator.encode(&mut bytes);
    Operator::decode(&bytes).unwrap()
}

/// The bytes of an operator.
fn bytes_of(operator: &Operator) -> Vec<u8> {
    let mut bytes = Vec::new();
    operator.encode(&mut bytes);
    bytes
}

/// Tumbling windows of `size` by event time.
fn tumbling(size: i64) -> WindowSettings {
    let assigner = Assigner::tumbling(Span(size), Span(0)).unwrap();
    WindowSettings::new(assigner, Trigger::event_time()).unwrap()
}

/// Adds an element that has to be taken.
fn add(operator: &mut Operator, key: u32, value: i64, at: i64) -> Results {
    let mut results = Results::default();
    operator.element(&key, value, Tick(at), &mut results).unwrap();
    results
}

/// Moves the watermark.
fn advance(operator: &mut Operator, watermark: i64) -> Results {
    let mut results = Results::default();
    operator.advance(Tick(watermark), &mut results);
    results
}
