//! Logs without damage: ended in order, or by a killed writer.

use engine::log::LogKind;
use engine::log::SegmentNumber;
use engine::log::frame::{FRAME_HEADER_BYTES, KIND_ROLL, PAYLOAD_BYTES_MAX};
use engine::log::segment::{SEGMENT_BYTES_MIN, segment_name};
use tapewatch_tests::logs::{LogScript, SESSION};
use tapewatch_tests::random::Random;

use crate::{Ended, read, sequences, tag};

fn script() -> LogScript {
    LogScript::new(LogKind::Output, SESSION)
}

#[test]
fn a_closed_log_is_read_to_its_end_across_segments() {
    let mut log = script();
    log.frame(tag(1), b"one").frame(tag(2), b"").roll().roll().frame(tag(3), b"three");
    let (given, ended) = read(&log.end());
    let expected = [(1, b"one".to_vec()), (2, vec![]), (3, b"three".to_vec())];
    assert_eq!(given, expected);
    assert!(matches!(ended, Ended::Orderly), "{ended:?}");
}

#[test]
fn frames_of_all_sizes_are_read_across_many_buffers() {
    let mut random = Random::new(3);
    let mut log = LogScript::sized(LogKind::Output, SESSION, 4 << 20);
    let mut written = Vec::new();
    for segment in 0..2 {
        while log.offset_bytes() < 3 << 20 {
            let sequence = written.len() as u64 + 1;
            let size = match random.below(20) {
                0 => PAYLOAD_BYTES_MAX as u64,
                1 => random.below(PAYLOAD_BYTES_MAX as u64),
                _ => random.below(3_000),
            };
            let payload: Vec<u8> = (0..size).map(|i| (i * sequence) as u8).collect();
            log.frame(tag(sequence), &payload);
            written.push((sequence, payload));
        }
        if segment == 0 {
            log.roll();
        }
    }
    let (given, ended) = read(&log.clone().end());
    assert!(given == written, "{} of {} frames", given.len(), written.len());
    assert!(matches!(ended, Ended::Orderly), "{ended:?}");
    let offset = log.offset_bytes();
    let (given, ended) = read(&log.killed(b""));
    assert!(given == written, "{} of {} frames", given.len(), written.len());
    assert!(
        matches!(ended, Ended::Torn { segment: 1, offset_bytes, torn_bytes: 0 } if offset_bytes == offset),
        "{ended:?}"
    );
}

#[test]
fn a_frame_torn_at_any_byte_is_cut_off_and_told() {
    let mut log = script();
    log.frame(tag(1), b"one").roll().frame(tag(2), b"two");
    let next = log.frame_bytes(&tag(3), b"never accepted");
    // The zeros that fill the frame up are there from the start: it is whole without them.
    let written = next.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    assert_eq!(written, FRAME_HEADER_BYTES + 14);
    for cut in 0..=written {
        let (given, ended) = read(&log.clone().killed(&next[..cut]));
        let torn =
            next[..cut].iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        let whole = cut == written;
        assert_eq!(sequences(&given), if whole { vec![1, 2, 3] } else { vec![1, 2] }, "{cut}");
        let end = log.offset_bytes() + if whole { next.len() as u64 } else { 0 };
        let Ended::Torn { segment: 1, offset_bytes, torn_bytes } = ended else {
            panic!("cut at {cut}: {ended:?}");
        };
        let torn = if whole { 0 } else { torn };
        assert_eq!((offset_bytes, torn_bytes), (end, torn), "cut at {cut}");
    }
}

#[test]
fn a_frame_whose_length_was_not_stored_yet_is_torn_off() {
    let mut log = script();
    log.frame(tag(1), b"one");
    let mut next = log.frame_bytes(&tag(2), b"not yet");
    next[..4].fill(0);
    let (given, ended) = read(&log.killed(&next));
    assert_eq!(sequences(&given), [1]);
    assert!(matches!(ended, Ended::Torn { torn_bytes: 39, .. }), "{ended:?}");
}

#[test]
fn what_an_earlier_use_of_the_memory_left_is_no_frame() {
    let mut old = script();
    old.roll();
    let stale: Vec<u8> =
        (7..9).flat_map(|sequence| old.frame_bytes(&tag(sequence), b"stale")).collect();
    let mut log = script();
    log.frame(tag(1), b"one");
    let (given, ended) = read(&log.killed(&stale));
    assert_eq!(sequences(&given), [1]);
    assert!(matches!(ended, Ended::Torn { torn_bytes: 77, .. }), "{ended:?}");
}

#[test]
fn a_writer_killed_between_two_segments_left_a_torn_tail_of_nothing() {
    let mut log = script();
    log.frame(tag(1), b"one").roll_unsealed();
    let roll_end = {
        let mut same = script();
        same.frame(tag(1), b"one")
            .frame(engine::log::frame::FrameTag { kind: KIND_ROLL, ..tag(1) }, b"");
        same.offset_bytes()
    };
    let mut image = log.killed(b"");
    // The next segment is there without a frame.
    let (given, ended) = read(&image);
    assert_eq!(sequences(&given), [1]);
    let expected = SegmentNumber(1);
    assert!(
        matches!(ended, Ended::Torn { segment, torn_bytes: 0, .. } if segment == expected.0),
        "{ended:?}"
    );
    // And when it is not.
    image.files.remove(&segment_name(SegmentNumber(1)));
    let (given, ended) = read(&image);
    assert_eq!(sequences(&given), [1]);
    assert!(
        matches!(ended, Ended::Torn { segment: 0, offset_bytes, torn_bytes: 0 } if offset_bytes == roll_end),
        "{ended:?}"
    );
}

#[test]
fn prepared_segments_behind_a_torn_tail_are_no_damage() {
    let mut log = script();
    log.frame(tag(1), b"one").next_as_it_is().next_as_it_is();
    let (given, ended) = read(&log.killed(b""));
    assert_eq!(sequences(&given), [1]);
    assert!(matches!(ended, Ended::Torn { segment: 0, torn_bytes: 0, .. }), "{ended:?}");
}

#[test]
fn a_segment_may_be_filled_to_its_last_byte() {
    let mut log = script();
    let left = SEGMENT_BYTES_MIN as usize - log.offset_bytes() as usize - 160;
    let first = (left / 2) & !7;
    log.frame(tag(1), &vec![1; first - 32]).frame(tag(2), &vec![2; left - first - 32]);
    let image = log.end();
    let (name, file) = image.files.last_key_value().unwrap();
    assert_eq!((name.as_str(), file.size_bytes), ("00000000.seg", SEGMENT_BYTES_MIN));
    let (given, ended) = read(&image);
    assert_eq!(sequences(&given), [1, 2]);
    assert!(matches!(ended, Ended::Orderly), "{ended:?}");
}
