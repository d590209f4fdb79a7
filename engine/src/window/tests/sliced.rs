//! Folded elements give what the operator gives for each on its own, to the byte of a snapshot.

use super::*;
use crate::units::SymbolId;
use crate::window::{Aggregate as _, SlicedWindows, TimeWindow, Window};

/// What can happen to both.
#[derive(Clone, Copy, Debug)]
enum Act {
    Element { key: u32, value: i64, at: i64 },
    Retract { key: u32, value: i64, at: i64 },
    Watermark(i64),
    Snapshot,
}

/// Mostly elements, so that runs grow, and watermarks that creep past their ends.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let place = || (0u32..3, -9i64..10, -40i64..41);
    let act = prop_oneof![
        16 => place().prop_map(|(key, value, at)| Act::Element { key, value, at }),
        1 => place().prop_map(|(key, value, at)| Act::Retract { key, value, at }),
        3 => (-45i64..60).prop_map(Act::Watermark),
        1 => Just(Act::Snapshot),
    ];
    prop::collection::vec(act, 0..120)
}

/// Windows by event time that elements share, with small parameters.
fn shared_windows() -> impl Strategy<Value = WindowSettings> {
    let assigner = prop_oneof![
        (1i64..20).prop_map(|size| Assigner::tumbling(Span(size), Span(size / 3))),
        (1i64..20, 1i64..9, -8i64..9).prop_map(|(size, slide, off)| Assigner::sliding(
            Span(size),
            Span(slide),
            Span(off % slide)
        )),
    ];
    (assigner, 0i64..15, any::<bool>()).prop_map(|(assigner, lateness, purging)| {
        let trigger = Trigger::event_time().with_purging(purging);
        let settings = WindowSettings::new(assigner.unwrap(), trigger).unwrap();
        settings.with_allowed_lateness(Span(lateness)).unwrap()
    })
}

/// Plays `acts` to both, and compares after each.
fn play(settings: WindowSettings, acts: Vec<Act>) -> Result<(), TestCaseError> {
    let mut plain = WindowOperator::<SymbolId, Sum>::new(settings);
    let mut sliced = SlicedWindows::<Sum>::new(settings);
    let bytes = |operator: &WindowOperator<SymbolId, Sum>| {
        let mut bytes = Vec::new();
        operator.encode(&mut bytes);
        bytes
    };
    for (number, act) in acts.into_iter().chain([Act::Watermark(i64::MAX)]).enumerate() {
        let mut expected = Collected::default();
        let mut results = Collected::default();
        match act {
            Act::Element { key, value, at } => {
                let (key, at) = (SymbolId(key), Tick(at));
                let arrival = plain.element(&key, value, at, &mut expected);
                prop_assert_eq!(
                    sliced.element(key, value, at, &mut results),
                    arrival,
                    "{}",
                    number
                );
            }
            Act::Retract { key, value, at } => {
                let (key, at) = (SymbolId(key), Tick(at));
                let corrected = plain.retract(&key, &value, at, &mut expected);
                prop_assert_eq!(sliced.retract(key, &value, at, &mut results), corrected);
            }
            Act::Watermark(watermark) => {
                plain.advance(Tick(watermark), &mut expected);
                sliced.advance(Tick(watermark), &mut results);
            }
            Act::Snapshot => {
                prop_assert_eq!(bytes(sliced.operator()), bytes(&plain), "{}", number);
                sliced = SlicedWindows::over(WindowOperator::decode(&bytes(&plain)).unwrap());
            }
        }
        prop_assert_eq!(&results, &expected, "act {} {:?}", number, act);
        prop_assert_eq!(sliced.counts(), plain.counts());
        prop_assert_eq!(sliced.watermark(), plain.watermark());
    }
    prop_assert_eq!(bytes(sliced.operator()), bytes(&plain));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn folded_elements_give_what_single_ones_give(settings in shared_windows(), acts in acts()) {
        play(settings, acts)?;
    }

    #[test]
    fn every_trigger_and_assigner_gives_the_same_folded(settings in settings(), acts in acts()) {
        play(settings, acts)?;
    }

    #[test]
    fn at_the_limit_of_windows_the_same_elements_are_refused(
        settings in shared_windows(),
        windows_max in 1usize..8,
        acts in acts(),
    ) {
        play(settings.with_windows_max(windows_max).unwrap(), acts)?;
    }

    #[test]
    fn at_the_ends_of_time_folding_changes_nothing(
        settings in shared_windows(),
        ends in prop::collection::vec((0u32..2, -9i64..10, -40i64..41), 0..60),
    ) {
        let acts = ends.into_iter().map(|(key, value, near)| {
            Act::Element { key, value, at: near.wrapping_add(i64::MAX) }
        });
        play(settings, acts.collect())?;
    }
}

#[test]
fn elements_of_one_window_wait_in_their_run_until_a_timer_is_due() {
    let mut sliced = SlicedWindows::<Sum>::new(tumbling(10));
    let mut results = Collected::default();
    for (value, at) in [(1, 3), (2, 9), (3, 0)] {
        sliced.element(SymbolId(7), value, Tick(at), &mut results).unwrap();
        sliced.advance(Tick(at - 1), &mut results);
    }
    let merged = |sliced: &mut SlicedWindows<Sum>| {
        let window = Window::Time(TimeWindow::new(Tick(0), Tick(10)));
        sliced.operator.keys[&SymbolId(7)][&window].contents.map(|sum| sum.result())
    };
    // The first went to the operator, and opened the run of the others.
    assert_eq!(merged(&mut sliced), Some(1));
    sliced.operator();
    assert_eq!(merged(&mut sliced), Some(6));
    sliced.advance(Tick(9), &mut results);
    assert_eq!((results.fired.len(), results.fired[0].result), (1, 6));
}
