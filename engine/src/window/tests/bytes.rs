//! A snapshot of damaged bytes is a typed error, or another state that was possible; never a panic.

use super::*;
use crate::window::encoding::{DecodeError, Stored, decode_versioned, encode_versioned};
use crate::window::snapshot::SNAPSHOT_VERSION;

fn worked(settings: WindowSettings, steps: Vec<Step>) -> Operator {
    let mut operator = Operator::new(settings);
    let mut results = Results::default();
    for step in steps {
        match step {
            Step::Element { key, value, at } => {
                operator.element(&key, value, Tick(at), &mut results).unwrap();
            }
            Step::Watermark(watermark) => operator.advance(Tick(watermark), &mut results),
            Step::Snapshot => {}
        }
    }
    operator
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn damaged_bytes_are_refused_or_are_another_whole_state(
        settings in settings(),
        steps in steps(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        watermark in -50i64..100,
    ) {
        let mut bytes = bytes_of(&worked(settings, steps));
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(mut operator) = Operator::decode(&bytes) {
            prop_assert_eq!(bytes_of(&operator), bytes);
            // And it works on, whatever it is.
            let mut results = Results::default();
            let _maybe_refused = operator.element(&1, 1, Tick(3), &mut results);
            let at = operator.watermark().0.max(watermark);
            operator.advance(Tick(at), &mut results);
        }
    }

    #[test]
    fn bytes_that_are_cut_off_or_go_on_are_refused(
        settings in settings(),
        steps in steps(),
        place in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes_of(&worked(settings, steps));
        let cut = place.index(bytes.len());
        let truncated = matches!(Operator::decode(&bytes[..cut]), Err(DecodeError::Truncated { .. }));
        prop_assert!(truncated, "cut at {}", cut);
        bytes.push(0);
        let trailing = matches!(Operator::decode(&bytes), Err(DecodeError::Trailing { bytes: 1, .. }));
        prop_assert!(trailing);
    }

    #[test]
    fn any_bytes_at_all_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut versioned = SNAPSHOT_VERSION.to_le_bytes().to_vec();
        versioned.extend_from_slice(&bytes);
        let _any = Operator::decode(&versioned).is_ok();
        let _any = decode_versioned::<String>(1, &bytes).is_ok();
    }
}

#[test]
fn a_snapshot_of_another_version_is_refused_by_its_version() {
    let mut bytes = bytes_of(&Operator::new(tumbling(10)));
    bytes[3] = 2;
    let given = u32::from_le_bytes(*b"WIN\x02");
    let refused = Operator::decode(&bytes).map(|_| ());
    assert_eq!(refused, Err(DecodeError::Version { given, expected: SNAPSHOT_VERSION }));
}

#[test]
fn the_bytes_of_a_small_state_are_the_drawn_ones() {
    let mut operator = Operator::new(tumbling(10).with_windows_max(7).unwrap());
    add(&mut operator, 3, 5, -1);
    let mut expected = b"WIN\x01".to_vec();
    let numbers = |numbers: &[i64]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    // Tumbling, size, offset; event time, not purging; lateness, no late output, the limit.
    expected.push(0);
    expected.extend(numbers(&[10, 0]));
    expected.extend([0, 0]);
    expected.extend(numbers(&[0]));
    expected.push(0);
    expected.extend(numbers(&[7]));
    // Watermark, counts, keys; the key, its windows.
    expected.extend(numbers(&[i64::MIN]));
    expected.extend(numbers(&[0; 10]));
    expected.extend(numbers(&[1]));
    expected.extend([3, 0, 0, 0]);
    expected.extend(numbers(&[1]));
    // [-10,0): a sum of 5, nothing counted, no firing to come, revision 0, one timer at -1.
    expected.push(0);
    expected.extend(numbers(&[-10, 0]));
    expected.push(1);
    expected.extend(5i128.to_le_bytes());
    expected.extend(numbers(&[0]));
    expected.push(0);
    expected.extend([0; 4]);
    expected.push(1);
    expected.extend(numbers(&[-1]));
    assert_eq!(bytes_of(&operator), expected);
}

#[test]
fn values_read_back_as_they_were() {
    fn back<T: Stored + PartialEq + core::fmt::Debug>(value: T) {
        let mut bytes = Vec::new();
        encode_versioned(9, &value, &mut bytes);
        assert_eq!(decode_versioned::<T>(9, &bytes), Ok(value));
    }
    back("AAPL".to_owned());
    back(String::new());
    back(Some(Tick(-5)));
    back(None::<Tick>);
    back(u64::MAX);
    back(Span(i64::MIN));
    back(crate::units::SymbolId(12));
}
