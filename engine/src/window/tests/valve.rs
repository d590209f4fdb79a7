//! The valve and the combiner against direct computations over all inputs.

use super::*;
use crate::window::combine::{OutputError, OutputId, Reporting, WatermarkCombiner};
use crate::window::encoding::{decode_versioned, encode_versioned};
use crate::window::valve::{ChannelIndex, NoSuchChannel, WatermarkValve};
use crate::window::watermark::{Signals, StreamSignal};

#[derive(Clone, Copy, Debug)]
enum Input {
    Watermark(i64),
    Idle,
    Active,
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => (-20i64..20).prop_map(Input::Watermark),
        1 => Just(Input::Idle),
        1 => Just(Input::Active),
    ]
}

/// What is known of an input, and the rules applied to all of them each time.
#[derive(Clone, Copy)]
struct Known {
    watermark: i64,
    active: bool,
    aligned: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_valve_is_the_least_of_active_aligned_inputs(
        channels in 1usize..5,
        inputs in prop::collection::vec((0usize..5, input()), 0..60),
    ) {
        let mut valve = WatermarkValve::new(channels as u32).unwrap();
        let mut known = vec![Known { watermark: i64::MIN, active: true, aligned: true }; channels];
        let mut out = i64::MIN;
        for (channel, input) in inputs {
            let index = ChannelIndex((channel % channels) as u32);
            let this = &mut known[channel % channels];
            let was_idle = valve.is_idle();
            let signals = match input {
                Input::Watermark(watermark) => {
                    if this.active {
                        this.watermark = this.watermark.max(watermark);
                    }
                    valve.on_watermark(index, Tick(watermark))
                }
                Input::Idle => {
                    this.active = false;
                    valve.on_idle(index)
                }
                Input::Active => {
                    this.active = true;
                    valve.on_active(index)
                }
            };
            for one in &mut known {
                one.aligned = one.active && (one.aligned || one.watermark >= out);
            }
            let all_idle = known.iter().all(|one| !one.active);
            let aligned = known.iter().filter(|one| one.aligned).map(|one| one.watermark).min();
            let flushed = known.iter().map(|one| one.watermark).max().filter(|_| all_idle);
            let next = aligned.or(flushed).unwrap_or(out);
            let mut expected = Vec::new();
            if was_idle && !all_idle {
                expected.push(StreamSignal::Active);
            }
            if next > out {
                out = next;
                expected.push(StreamSignal::Watermark(Tick(next)));
            }
            if all_idle && !was_idle {
                expected.push(StreamSignal::Idle);
            }
            prop_assert_eq!(signals.unwrap().iter().collect::<Vec<_>>(), expected);
            prop_assert_eq!(valve.watermark(), Tick(out));
            let mut bytes = Vec::new();
            encode_versioned(1, &valve, &mut bytes);
            prop_assert_eq!(&decode_versioned::<WatermarkValve>(1, &bytes).unwrap(), &valve);
        }
    }

    #[test]
    fn the_combiner_never_goes_back_and_ends_at_the_greatest_when_all_are_idle(
        reports in prop::collection::vec((0u64..4, input(), any::<bool>()), 0..60),
    ) {
        let mut combiner = WatermarkCombiner::new();
        (0..4).for_each(|id| combiner.register(OutputId(id)).unwrap());
        let mut greatest = [i64::MIN; 4];
        let mut last = None;
        let mut check = |signals: Signals| {
            for signal in signals.iter() {
                if let StreamSignal::Watermark(watermark) = signal {
                    assert!(last.is_none_or(|last| last < watermark));
                    last = Some(watermark);
                }
            }
        };
        for (id, input, deferred) in reports {
            let mode = if deferred { Reporting::Deferred } else { Reporting::Immediate };
            let id = OutputId(id);
            check(match input {
                Input::Watermark(watermark) => {
                    let place = &mut greatest[id.0 as usize];
                    *place = watermark.max(*place);
                    combiner.on_watermark(id, Tick(watermark), mode).unwrap()
                }
                Input::Idle => combiner.on_idle(id, mode).unwrap(),
                Input::Active => combiner.on_active(id, mode).unwrap(),
            });
            let mut bytes = Vec::new();
            encode_versioned(1, &combiner, &mut bytes);
            prop_assert_eq!(&decode_versioned::<WatermarkCombiner>(1, &bytes).unwrap(), &combiner);
        }
        for id in 0..4 {
            check(combiner.on_idle(OutputId(id), Reporting::Immediate).unwrap());
        }
        prop_assert!(combiner.is_idle());
        let reached = greatest.into_iter().max().filter(|&watermark| watermark > i64::MIN);
        prop_assert_eq!(combiner.watermark(), reached.map(Tick));
    }
}

#[test]
fn a_channel_or_output_that_is_not_there_is_an_error_that_names_it() {
    let mut valve = WatermarkValve::new(2).unwrap();
    let refused = valve.on_watermark(ChannelIndex(2), Tick(1));
    assert_eq!(refused, Err(NoSuchChannel { channel: ChannelIndex(2), channels: 2 }));
    assert!(WatermarkValve::new(0).is_err());
    let mut combiner = WatermarkCombiner::new();
    let refused = combiner.on_watermark(OutputId(7), Tick(1), Reporting::Immediate);
    assert_eq!(refused, Err(OutputError::Unregistered(OutputId(7))));
    combiner.register(OutputId(7)).unwrap();
    assert_eq!(combiner.register(OutputId(7)), Err(OutputError::Registered(OutputId(7))));
    assert!(combiner.unregister(OutputId(7)) && !combiner.unregister(OutputId(7)));
}

#[test]
fn an_idle_source_that_still_advances_is_told_to_be_idle_again() {
    let mut combiner = WatermarkCombiner::new();
    combiner.register(OutputId(0)).unwrap();
    combiner.on_idle(OutputId(0), Reporting::Immediate).unwrap();
    combiner.on_watermark(OutputId(0), Tick(3), Reporting::Deferred).unwrap();
    combiner.on_idle(OutputId(0), Reporting::Deferred).unwrap();
    let told: Vec<StreamSignal> = combiner.on_periodic_emit().iter().collect();
    assert_eq!(told, [StreamSignal::Watermark(Tick(3)), StreamSignal::Idle]);
}
