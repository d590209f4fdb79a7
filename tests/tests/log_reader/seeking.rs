//! Getting near a sequence or a time.

use engine::log::frame::FrameTag;
use engine::log::reader::{AtTail, FramePosition, Next};
use engine::log::{LogKind, SegmentNumber};
use engine::units::{Nanos, Sequence};
use tapewatch_tests::logs::{LogImage, LogScript, SESSION};
use tapewatch_tests::random::Random;

use crate::{in_directory, open};

/// (feed, sequence, time) of each frame, in order.
type Frames = Vec<(u16, u64, i64)>;

/// Two feeds, times that go back now and then, four segments of which three are indexed.
fn log() -> (LogImage, Frames) {
    let mut random = Random::new(11);
    let mut log = LogScript::sized(LogKind::Output, SESSION, 1 << 20);
    let (mut frames, mut next, mut time) = (Vec::new(), [1, 5_000], 1_000_000_i64);
    for segment in 0..4 {
        while log.offset_bytes() < 600_000 {
            let feed = random.below(2) as u16;
            let sequence = next[usize::from(feed)];
            next[usize::from(feed)] += 1 + random.below(3);
            time += random.below(1_000) as i64;
            let (back, payload) =
                (random.below(3_000) as i64, vec![0; random.below(9_000) as usize]);
            let tag = FrameTag {
                kind: 9,
                flags: 0,
                feed,
                sequence: Sequence(sequence),
                time: Nanos(time - back),
            };
            log.frame(tag, &payload);
            frames.push((feed, sequence, time - back));
        }
        if segment < 3 {
            log.roll();
        }
    }
    (log.killed(b""), frames)
}

/// How near is near: a stride holds some 14 frames, and the places of the other feed are of no use.
const NEAR_FRAMES: usize = 100;

#[test]
fn no_frame_of_the_time_or_later_lies_before_the_place() {
    let (image, frames) = log();
    let directory = in_directory(&image);
    let mut reader = open(directory.path(), AtTail::Stop);
    let greatest = frames.iter().map(|frame| frame.2).max().unwrap();
    for step in 0..200 {
        let time = 1_000_000 + (greatest - 1_000_000) / 199 * step;
        reader.seek_near_time(Nanos(time)).unwrap();
        let left = rest(&mut reader);
        let before = &frames[..frames.len() - left.len()];
        assert_eq!(left, frames[before.len()..], "the frames behind are all there");
        assert!(before.iter().all(|frame| frame.2 < time));
        // In the last segment, which has no index, as near as its start.
        let first = frames.iter().position(|frame| frame.2 >= time).unwrap();
        let last_segment = frames.len() * 3 / 4 - NEAR_FRAMES;
        assert!(
            first.min(last_segment) < before.len() + NEAR_FRAMES,
            "{first} from {}",
            before.len()
        );
    }
}

#[test]
fn the_message_with_the_sequence_lies_at_or_behind_the_place() {
    let (image, frames) = log();
    let directory = in_directory(&image);
    let mut reader = open(directory.path(), AtTail::Stop);
    for (nth, &(feed, sequence, _)) in frames.iter().enumerate().step_by(7) {
        reader.seek_near_sequence(feed, Sequence(sequence)).unwrap();
        let left = rest(&mut reader);
        let from = frames.len() - left.len();
        assert_eq!(left, frames[from..]);
        assert!(from <= nth);
        assert!(
            nth.min(frames.len() * 3 / 4 - NEAR_FRAMES) < from + NEAR_FRAMES,
            "{nth} from {from}"
        );
    }
    reader.seek_near_sequence(7, Sequence(50)).unwrap();
    assert_eq!(rest(&mut reader), frames, "a feed that is not there");
}

#[test]
fn a_place_that_was_noted_is_found_again() {
    let (image, frames) = log();
    let directory = in_directory(&image);
    let mut reader = open(directory.path(), AtTail::Stop);
    let mut places: Vec<FramePosition> = Vec::new();
    while let Next::Frame(_, at) = reader.next().unwrap() {
        places.push(at);
    }
    for (nth, place) in places.iter().enumerate().rev().step_by(23) {
        reader.seek(*place).unwrap();
        assert_eq!(rest(&mut reader), frames[nth..]);
    }
    let absent = FramePosition::first_of(SegmentNumber(9));
    assert!(reader.seek(absent).is_err());
}

#[test]
fn positions_count_the_frames_of_a_segment_after_a_seek_too() {
    let (image, _) = log();
    let directory = in_directory(&image);
    let mut reader = open(directory.path(), AtTail::Stop);
    let mut noted = Vec::new();
    while let Next::Frame(_, at) = reader.next().unwrap() {
        noted.push(at);
    }
    reader.seek_near_time(Nanos(1_200_000)).unwrap();
    let Next::Frame(_, at) = reader.next().unwrap() else { panic!("no frame") };
    assert!(at > noted[0] && noted.contains(&at));
}

fn rest(reader: &mut engine::log::reader::LogReader<engine::log::storage::Directory>) -> Frames {
    let mut frames = Vec::new();
    while let Next::Frame(frame, _) = reader.next().unwrap() {
        frames.push((frame.tag.feed, frame.tag.sequence.0, frame.tag.time.0));
    }
    frames
}
