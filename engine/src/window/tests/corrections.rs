//! Retractions and corrections of elements.

use super::*;
use crate::window::aggregate::Max;
use crate::window::correct::Corrected;
use crate::window::{Revision, WindowError};

fn kept() -> Operator {
    Operator::new(tumbling(10).with_allowed_lateness(Span(20)).unwrap())
}

#[test]
fn a_retraction_from_a_window_that_has_fired_emits_the_whole_result_again() {
    let mut operator = kept();
    add(&mut operator, 0, 5, 1);
    add(&mut operator, 0, 7, 2);
    assert_eq!(advance(&mut operator, 9).fired[0].result, 12);
    let mut results = Results::default();
    let reached = operator.retract(&0, &5, Tick(1), &mut results).unwrap();
    assert_eq!(reached, Corrected { windows: 1, fired: 1 });
    assert_eq!((results.fired[0].revision, results.fired[0].result), (Revision(1), 7));
    let mut results = Results::default();
    operator.correct(&0, &7, &8, Tick(2), &mut results).unwrap();
    assert_eq!((results.fired[0].revision, results.fired[0].result), (Revision(2), 8));
}

#[test]
fn a_retraction_from_a_window_that_has_not_fired_is_silent() {
    let mut operator = kept();
    add(&mut operator, 0, 5, 1);
    add(&mut operator, 0, 7, 2);
    let mut results = Results::default();
    let reached = operator.retract(&0, &5, Tick(1), &mut results).unwrap();
    assert_eq!(reached, Corrected { windows: 1, fired: 0 });
    assert!(results.fired.is_empty());
    let first = advance(&mut operator, 9).fired;
    assert_eq!((first[0].revision, first[0].result), (Revision(0), 7));
}

#[test]
fn a_retraction_that_comes_too_late_is_counted_and_changes_nothing() {
    let mut operator = kept();
    add(&mut operator, 0, 5, 1);
    advance(&mut operator, 29);
    let mut results = Results::default();
    let reached = operator.retract(&0, &5, Tick(1), &mut results).unwrap();
    assert_eq!(reached, Corrected::default());
    assert!(results.fired.is_empty());
    assert_eq!(operator.counts().corrections_unmatched, 1);
}

#[test]
fn a_retraction_reaches_each_sliding_window_and_the_session_it_lies_in() {
    let sliding = Assigner::sliding(Span(6), Span(2), Span(0)).unwrap();
    let mut operator = Operator::new(WindowSettings::new(sliding, Trigger::event_time()).unwrap());
    add(&mut operator, 0, 5, 1);
    let mut results = Results::default();
    let reached = operator.retract(&0, &5, Tick(1), &mut results).unwrap();
    assert_eq!(reached.windows, 3);

    let session = Assigner::session(Span(6)).unwrap();
    let mut operator = Operator::new(WindowSettings::new(session, Trigger::event_time()).unwrap());
    add(&mut operator, 0, 5, 1);
    add(&mut operator, 0, 2, 4);
    let reached = operator.retract(&0, &5, Tick(1), &mut results).unwrap();
    assert_eq!(reached.windows, 1);
    // No element at 20 ever came, nor any of key 1.
    assert_eq!(operator.retract(&0, &5, Tick(20), &mut results).unwrap().windows, 0);
    assert_eq!(operator.retract(&1, &5, Tick(1), &mut results).unwrap().windows, 0);
    assert_eq!(advance(&mut operator, 100).fired[0].result, 2);
}

#[test]
fn a_greatest_value_cannot_be_taken_out() {
    let mut operator = WindowOperator::<u32, Max>::new(tumbling(10));
    let mut results = Collected::default();
    operator.element(&0, 5, Tick(1), &mut results).unwrap();
    operator.element(&0, 3, Tick(1), &mut results).unwrap();
    let refused = operator.retract(&0, &5, Tick(1), &mut results);
    assert_eq!(refused, Err(WindowError::NotRetractable));
    operator.advance(Tick(9), &mut results);
    assert_eq!(results.fired[0].result, Some(5));
}

proptest! {
    #[test]
    fn adding_and_retracting_leaves_the_result_that_never_adding_gives(
        kept_elements in prop::collection::vec((-9i64..10, -40i64..41), 1..20),
        retracted in prop::collection::vec(0usize..20, 0..5),
        size in 1i64..12,
    ) {
        let settings = tumbling(size);
        let (mut with, mut without) = (Operator::new(settings), Operator::new(settings));
        for &(value, at) in &kept_elements {
            add(&mut with, 0, value, at);
            add(&mut without, 0, value, at);
        }
        for place in retracted {
            // Something passing, beside an element that stays.
            let (_, at) = kept_elements[place % kept_elements.len()];
            add(&mut with, 0, 1_000, at);
            with.retract(&0, &1_000, Tick(at), &mut Results::default()).unwrap();
        }
        prop_assert_eq!(bytes_of(&with), bytes_of(&without));
    }
}
