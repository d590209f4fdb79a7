//! Generators, idleness and alignment beyond what the conformance cases ask.

use super::*;
use crate::window::alignment::{AlignedSource, AlignmentError, AlignmentGroup, SourceId};
use crate::window::combine::OutputId;
use crate::window::encoding::{decode_versioned, encode_versioned};
use crate::window::idleness::{IdlenessTimer, WatermarksWithIdleness};
use crate::window::watermark::{BoundedOutOfOrderness, StreamSignal};

proptest! {
    #[test]
    fn a_bounded_watermark_is_the_greatest_less_the_bound_and_one(
        bound in prop_oneof![0i64..20, 0..=i64::MAX],
        events in prop::collection::vec(prop_oneof![-20i64..20, any::<i64>()], 0..20),
    ) {
        let mut generator = BoundedOutOfOrderness::new(Span(bound)).unwrap();
        let mut least = generator.watermark();
        prop_assert_eq!(least, Tick::MIN);
        for &event in &events {
            generator.on_event(Tick(event));
            prop_assert!(generator.watermark() >= least);
            least = generator.watermark();
        }
        let greatest = events.iter().max().map_or(i128::MIN, |&event| i128::from(event));
        let exact = greatest.saturating_sub(i128::from(bound) + 1);
        prop_assert_eq!(i128::from(least.0), exact.max(i128::from(i64::MIN)));
        let mut bytes = Vec::new();
        encode_versioned(1, &generator, &mut bytes);
        prop_assert_eq!(decode_versioned::<BoundedOutOfOrderness>(1, &bytes), Ok(generator));
    }
}

#[test]
fn a_stream_is_idle_at_the_first_probe_strictly_beyond_the_timeout() {
    // FLINK-40503: timeout 10, a probe every 5, the last element at 4.
    let mut timer = IdlenessTimer::new(Span(10)).unwrap();
    timer.activity();
    let idle: Vec<bool> =
        [5, 10, 15, 20, 25, 30].map(|now| timer.check_if_idle(Tick(now))).to_vec();
    assert_eq!(idle, [false, false, false, false, true, true]);
}

#[test]
fn time_spent_held_back_does_not_make_a_stream_idle() {
    let mut timer = IdlenessTimer::new(Span(10)).unwrap();
    assert!(!timer.check_if_idle(Tick(0)));
    timer.pause(Tick(5));
    assert!(!timer.check_if_idle(Tick(500)));
    timer.resume(Tick(1_000));
    assert!(!timer.check_if_idle(Tick(1_005)));
    assert!(timer.check_if_idle(Tick(1_006)));
    let mut bytes = Vec::new();
    encode_versioned(1, &timer, &mut bytes);
    assert_eq!(decode_versioned::<IdlenessTimer>(1, &bytes), Ok(timer));
}

#[test]
fn going_idle_is_said_once_and_an_element_ends_it() {
    let timer = IdlenessTimer::new(Span(10)).unwrap();
    let mut watermarks = WatermarksWithIdleness::new(BoundedOutOfOrderness::ascending(), timer);
    watermarks.on_event(Tick(100));
    let at = |now| StreamSignal::Watermark(Tick(now));
    assert_eq!(watermarks.on_periodic_emit(Tick(0)), Some(at(99)));
    assert_eq!(watermarks.on_periodic_emit(Tick(1)), Some(at(99)));
    assert_eq!(watermarks.on_periodic_emit(Tick(12)), Some(StreamSignal::Idle));
    assert_eq!(watermarks.on_periodic_emit(Tick(13)), None);
    watermarks.on_event(Tick(200));
    assert_eq!(watermarks.on_periodic_emit(Tick(14)), Some(at(199)));
}

#[test]
fn a_source_waits_for_the_slowest_of_its_group_and_no_longer() {
    let mut group = AlignmentGroup::new(Span(100)).unwrap();
    assert_eq!(group.max_allowed(), Tick::MAX);
    let split = OutputId(0);
    let (mut fast, mut slow) = (AlignedSource::new(), AlignedSource::new());
    for (source, id, at) in [(&mut fast, 0, 1_000), (&mut slow, 1, 800)] {
        source.add_split(split).unwrap();
        assert_eq!(source.reported(), None);
        source.record(split, Some(Tick(at))).unwrap();
        group.report(SourceId(id), source.reported().unwrap());
    }
    fast.set_max_allowed(group.max_allowed());
    let refused = fast.record(split, Some(Tick(1_001)));
    let (watermark, max_allowed) = (Tick(1_000), Tick(900));
    assert_eq!(refused, Err(AlignmentError::Paused { watermark, max_allowed }));
    assert_eq!(fast.reported(), Some(Tick(1_000)));
    // Exactly at the limit it goes on.
    slow.record(split, Some(Tick(900))).unwrap();
    group.report(SourceId(1), slow.reported().unwrap());
    fast.set_max_allowed(group.max_allowed());
    assert!(fast.is_available());
    // An idle or finished source holds nobody.
    slow.mark_idle();
    group.report(SourceId(1), slow.reported().unwrap());
    assert_eq!(group.max_allowed(), Tick(1_100));
    slow.finish();
    assert_eq!(slow.record(split, None), Err(AlignmentError::Finished));
    group.leave(SourceId(0));
    assert_eq!(group.max_allowed(), Tick::MAX);
    let mut bytes = Vec::new();
    encode_versioned(1, &fast, &mut bytes);
    assert_eq!(decode_versioned::<AlignedSource>(1, &bytes), Ok(fast));
}
