//! At the ends of time nothing wraps and nothing panics.

use super::*;
use crate::window::time_window::window_start;
use crate::window::{Arrival, Window, WindowError};

/// An instant at or near one of the ends, or anywhere.
fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![
        (0i64..20).prop_map(|past| i64::MIN + past),
        (0i64..20).prop_map(|short| i64::MAX - short),
        -20i64..20,
        any::<i64>(),
    ]
}

/// A span of any length, for which assigners of few windows to an element can be made.
fn wide_settings() -> impl Strategy<Value = WindowSettings> {
    let span = prop_oneof![1i64..20, (0i64..20).prop_map(|short| i64::MAX - short), 1..i64::MAX];
    let assigner = prop_oneof![
        (span.clone(), any::<i64>()).prop_filter_map("too great an offset", |(size, offset)| {
            Assigner::tumbling(Span(size), Span(offset % size)).ok()
        }),
        (1i64..20, span.clone(), any::<i64>()).prop_filter_map(
            "offset",
            |(ratio, slide, offset)| {
                let size = slide.saturating_mul(ratio);
                Assigner::sliding(Span(size), Span(slide), Span(offset % slide)).ok()
            }
        ),
        span.clone().prop_map(|gap| Assigner::session(Span(gap)).unwrap()),
        Just(Assigner::global()),
    ];
    let continuous =
        span.clone().prop_map(|span| Trigger::continuous_event_time(Span(span)).unwrap());
    (assigner, prop_oneof![trigger(), continuous], prop_oneof![Just(0), span]).prop_filter_map(
        "the trigger cannot follow merging windows",
        |(assigner, trigger, lateness)| {
            let settings = WindowSettings::new(assigner, trigger).ok()?;
            settings.with_allowed_lateness(Span(lateness)).ok()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_window_start_is_the_greatest_not_after_the_instant(
        at in instant(),
        offset in instant(),
        size in prop_oneof![1i64..20, 1..i64::MAX],
    ) {
        let start = i128::from(window_start(Tick(at), Span(offset), Span(size)).0);
        let (at, offset, size) = (i128::from(at), i128::from(offset), i128::from(size));
        prop_assert!(start <= at && at < start + size);
        // Cut off only where the true start is out of range.
        let cut = start == i128::from(i64::MIN);
        prop_assert!(cut || (start - offset) % size == 0);
    }

    #[test]
    fn windows_at_the_ends_hold_their_element(
        settings in wide_settings(),
        at in instant(),
    ) {
        let (at, assigner) = (Tick(at), settings.assigner());
        let mut last = None;
        for window in assigner.assign(at) {
            if let Window::Time(window) = window {
                prop_assert!(window.start <= at);
                prop_assert!(at < window.end || window.end == Tick::MAX);
            }
            prop_assert!(last.is_none_or(|last| window < last), "{} twice", window);
            last = Some(window);
        }
    }

    #[test]
    fn an_operator_at_the_ends_of_time_neither_panics_nor_loses_its_state_in_bytes(
        settings in wide_settings(),
        steps in prop::collection::vec((instant(), 0u32..2, any::<i64>(), 0..4), 0..25),
    ) {
        let mut operator = Operator::new(settings);
        let mut results = Results::default();
        for (at, key, value, what) in steps {
            if what == 0 {
                operator.advance(Tick(at), &mut results);
            } else {
                let arrival = operator.element(&key, value, Tick(at), &mut results);
                let no_timestamp = arrival == Err(WindowError::NoTimestamp);
                prop_assert!(!no_timestamp || at == i64::MIN);
            }
            let again = through_bytes(&operator);
            prop_assert_eq!(bytes_of(&again), bytes_of(&operator));
        }
        operator.advance(Tick::MAX, &mut results);
        for fired in results.fired {
            prop_assert_eq!(fired.timestamp, fired.window.max_timestamp());
        }
    }
}

#[test]
fn an_element_without_a_timestamp_is_refused_where_flink_refuses_it() {
    let mut operator = Operator::new(tumbling(10));
    let mut results = Results::default();
    let refused = operator.element(&0, 1, Tick::MIN, &mut results);
    assert_eq!(refused, Err(WindowError::NoTimestamp));
    assert_eq!(operator.counts().no_timestamp, 1);
    let settings = WindowSettings::new(Assigner::global(), Trigger::event_time()).unwrap();
    let taken = Operator::new(settings).element(&0, 1, Tick::MIN, &mut results);
    assert_eq!(taken, Ok(Arrival::Added));
}

#[test]
fn lateness_beyond_the_end_of_time_keeps_a_window_for_good() {
    let mut operator = Operator::new(tumbling(10).with_allowed_lateness(Span(i64::MAX)).unwrap());
    add(&mut operator, 0, 1, 5);
    assert_eq!(advance(&mut operator, i64::MAX - 1).fired.len(), 1);
    assert_eq!(add(&mut operator, 0, 1, 6).fired[0].result, 2);
    assert!(operator.holds_state());
}
