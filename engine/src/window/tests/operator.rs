//! The operator equals the model, keeps only live windows, and does not depend on the order of keys.

use super::model::Model;
use super::*;
use crate::window::{Arrival, Revision, SettingsError, TimeWindow, Window, WindowError};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_operator_emits_what_the_slow_model_emits(settings in settings(), steps in steps()) {
        let mut operator = Operator::new(settings);
        let mut model = Model::new(settings);
        for (number, step) in steps.into_iter().enumerate() {
            let mut results = Results::default();
            let mut expected = Vec::new();
            match step {
                Step::Element { key, value, at } => {
                    let arrival = operator.element(&key, value, Tick(at), &mut results);
                    let modelled = model.element(key, value, at, &mut expected);
                    prop_assert_eq!(arrival, Ok(modelled), "step {}", number);
                    let late = usize::from(modelled == Arrival::Late);
                    prop_assert_eq!(results.late.len(), late, "step {}", number);
                }
                Step::Watermark(watermark) => {
                    operator.advance(Tick(watermark), &mut results);
                    model.watermark(watermark, &mut expected);
                }
                Step::Snapshot => operator = through_bytes(&operator),
            }
            let sort = |fired: &mut Vec<crate::window::Fired<u32, i128>>| {
                fired.sort_by_key(|one| (one.key, one.window, one.revision));
            };
            sort(&mut results.fired);
            sort(&mut expected);
            prop_assert_eq!(&results.fired, &expected, "step {} {:?}", number, step);
            prop_assert_eq!(operator.windows_live(), model.windows_live(), "step {}", number);
        }
    }

    #[test]
    fn nothing_is_kept_of_windows_that_have_passed(settings in settings(), steps in steps()) {
        let mut operator = Operator::new(settings);
        let mut results = Results::default();
        for step in steps {
            if let Step::Element { key, value, at } = step {
                operator.element(&key, value, Tick(at), &mut results).unwrap();
            }
        }
        operator.advance(Tick(1_000), &mut results);
        if settings.assigner() != Assigner::global() {
            let left = (operator.windows_live(), operator.keys_live(), operator.timers_live());
            prop_assert_eq!(left, (0, 0, 0));
            prop_assert!(!operator.holds_state());
        }
        prop_assert_eq!(bytes_of(&operator), bytes_of(&operator.clone()));
    }

    #[test]
    fn before_the_first_watermark_the_order_of_elements_leaves_no_trace(
        assigner in assigner(),
        elements in prop::collection::vec((0u32..3, -9i64..10, -40i64..41), 0..30),
        rotation in 0usize..30,
    ) {
        let settings = WindowSettings::new(assigner, Trigger::event_time()).unwrap();
        let state_after = |elements: &[(u32, i64, i64)]| {
            let mut operator = Operator::new(settings);
            for &(key, value, at) in elements {
                add(&mut operator, key, value, at);
            }
            bytes_of(&operator)
        };
        let mut turned = elements.clone();
        turned.rotate_left(rotation % elements.len().max(1));
        turned.reverse();
        prop_assert_eq!(state_after(&elements), state_after(&turned));
    }
}

#[test]
fn results_come_by_time_then_key_then_window() {
    let assigner = Assigner::sliding(Span(4), Span(2), Span(0)).unwrap();
    let settings = WindowSettings::new(assigner, Trigger::event_time()).unwrap();
    let mut operator = Operator::new(settings);
    for (key, at) in [(9, 3), (1, 5), (9, 1), (1, 1)] {
        add(&mut operator, key, 1, at);
    }
    let order: Vec<_> =
        advance(&mut operator, 100).fired.iter().map(|one| (one.timestamp.0, one.key)).collect();
    assert_eq!(order, [(1, 1), (1, 9), (3, 1), (3, 9), (5, 1), (5, 9), (7, 1)]);
}

#[test]
fn a_session_that_grew_over_others_counts_its_revisions_on() {
    let assigner = Assigner::session(Span(10)).unwrap();
    let settings = WindowSettings::new(assigner, Trigger::event_time()).unwrap();
    let mut operator = Operator::new(settings.with_allowed_lateness(Span(100)).unwrap());
    add(&mut operator, 0, 1, 0);
    assert_eq!(advance(&mut operator, 9).fired[0].revision, Revision(0));
    assert_eq!(add(&mut operator, 0, 1, 0).fired[0].revision, Revision(1));
    // [12,22) stands apart; 8 joins the two into [0,22), which has not passed.
    add(&mut operator, 0, 1, 12);
    assert!(add(&mut operator, 0, 1, 8).fired.is_empty());
    let joined = advance(&mut operator, 21).fired;
    assert_eq!(joined[0].window, Window::Time(TimeWindow::new(Tick(0), Tick(22))));
    assert_eq!((joined.len(), joined[0].revision, joined[0].result), (1, Revision(2), 4));
}

#[test]
fn count_and_purge_on_sessions_add_up_when_they_merge() {
    // WindowOperatorTest.testSessionWindowsWithCountTrigger: three and three elements, joined by a
    // seventh, fire at a count of four.
    let assigner = Assigner::session(Span(3_000)).unwrap();
    let trigger = Trigger::count(4).unwrap().with_purging(true);
    let mut operator = Operator::new(WindowSettings::new(assigner, trigger).unwrap());
    for (value, at) in [(1, 10), (2, 1_000), (3, 2_500), (1, 6_000), (2, 6_500), (3, 7_000)] {
        assert!(add(&mut operator, 1, value, at).fired.is_empty());
    }
    let fired = add(&mut operator, 1, 10, 4_500).fired;
    assert_eq!(fired[0].window, Window::Time(TimeWindow::new(Tick(10), Tick(10_000))));
    assert_eq!((fired.len(), fired[0].result), (1, 22));
}

#[test]
fn at_the_limit_of_windows_an_element_is_refused_whole() {
    let assigner = Assigner::sliding(Span(4), Span(2), Span(0)).unwrap();
    let settings = WindowSettings::new(assigner, Trigger::event_time()).unwrap();
    let mut operator = Operator::new(settings.with_windows_max(3).unwrap());
    add(&mut operator, 0, 1, 1);
    let before = bytes_of(&operator);
    let mut results = Results::default();
    // One window of key 0 is there, one would fit: but not the two of another key.
    let refused = operator.element(&1, 1, Tick(1), &mut results);
    assert_eq!(refused, Err(WindowError::Full { windows_max: 3 }));
    assert_eq!(operator.counts().over_capacity, 1);
    assert_eq!((operator.windows_live(), operator.keys_live()), (2, 1));
    // But for the count nothing has changed.
    assert_eq!(before.len(), bytes_of(&operator).len());
    add(&mut operator, 0, 1, 3);
    assert_eq!(operator.windows_live(), 3);
    // What is there already takes more, and what passes makes room.
    add(&mut operator, 0, 1, 2);
    advance(&mut operator, 1);
    assert_eq!(operator.windows_live(), 2);
}

#[test]
fn a_continuous_trigger_cannot_be_made_to_fire_without_end() {
    let trigger = Trigger::continuous_event_time(Span(1)).unwrap();
    let mut operator = Operator::new(WindowSettings::new(Assigner::global(), trigger).unwrap());
    add(&mut operator, 0, 7, 0);
    let leap = advance(&mut operator, 1 << 40).fired;
    assert!(leap.iter().all(|one| one.result == 7));
    assert_eq!(leap.len(), 2);
    // It fired at 1 and at 2^40.
    assert_eq!(operator.counts().firings_collapsed, (1 << 40) - 2);
    let end = advance(&mut operator, i64::MAX).fired;
    assert_eq!(end.len(), 1);
    // Within the bound every interval fires.
    add(&mut operator, 1, 7, 0);
    let mut operator = Operator::new(WindowSettings::new(Assigner::global(), trigger).unwrap());
    add(&mut operator, 0, 7, 0);
    assert_eq!(advance(&mut operator, 1_000).fired.len(), 1_000);
}

#[test]
fn settings_that_nothing_can_work_with_are_refused() {
    let refused = |result: Result<Assigner, SettingsError>| result.unwrap_err();
    for (size, offset) in [(0, 0), (-1, 0), (10, 10), (10, -10), (10, i64::MIN), (i64::MIN, 0)] {
        refused(Assigner::tumbling(Span(size), Span(offset)));
    }
    for (size, slide, offset) in [
        (0, 1, 0),
        (-2, 1, 0),
        (2, 0, 0),
        (2, -1, 0),
        (20, 10, 12),
        (20, 10, -10),
        (i64::MAX, 1, 0),
    ] {
        refused(Assigner::sliding(Span(size), Span(slide), Span(offset)));
    }
    refused(Assigner::session(Span(0)));
    assert_eq!(Trigger::count(0), Err(SettingsError::Count));
    assert!(Trigger::continuous_event_time(Span(0)).is_err());
    let session = Assigner::session(Span(1)).unwrap();
    let error = WindowSettings::new(session, Trigger::end_of_stream());
    assert_eq!(error, Err(SettingsError::TriggerCannotMerge));
    assert!(tumbling(1).with_allowed_lateness(Span(-1)).is_err());
    assert!(tumbling(1).with_windows_max(0).is_err());
}
