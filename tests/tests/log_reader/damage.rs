//! What no writer leaves, whenever it is killed, is told with its place and never skipped.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use engine::log::directories::LogDirectories;
use engine::log::error::{Damage, LogError};
use engine::log::frame::{BrokenFrame, FrameTag, KIND_ROLL};
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::segment::{SegmentHeader, SegmentHeaderError, segment_name};
use engine::log::storage::Directory;
use engine::log::{LogKind, SegmentNumber, SessionId};
use tapewatch_tests::logs::{LogImage, LogScript, SESSION};

use crate::{Ended, disk, in_directory, read, sequences, tag};

fn script() -> LogScript {
    LogScript::new(LogKind::Output, SESSION)
}

/// The damage that ends the reading of a log, its file and offset, and what was given before.
fn damage(image: &LogImage) -> (Vec<u64>, String, u64, Damage) {
    let (given, ended) = read(image);
    match ended {
        Ended::Failed(LogError::Damaged { file, offset_bytes, damage }) => {
            let file = file.rsplit('/').next().unwrap_or_default().to_owned();
            (sequences(&given), file, offset_bytes, damage)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_frame_before_a_good_one_is_damage_at_its_place() {
    let mut log = script();
    log.frame(tag(1), b"one");
    let bad = log.offset_bytes();
    log.frame(tag(2), b"two");
    let good = log.offset_bytes();
    log.frame(tag(3), b"three");
    let mut image = log.killed(b"");
    image.segment(0).bytes[bad as usize + 33] ^= 1;
    let (given, file, offset_bytes, damage) = damage(&image);
    assert_eq!((given, file.as_str(), offset_bytes), (vec![1], "00000000.seg", bad));
    assert!(
        matches!(damage, Damage::Frame { broken: BrokenFrame::Crc { .. }, next_bytes } if next_bytes == good),
        "{damage:?}"
    );
}

#[test]
fn nothing_before_a_good_frame_is_damage_at_its_place() {
    let mut log = script();
    let hole = log.offset_bytes();
    log.frame(tag(1), &[7; 100]);
    let good = log.offset_bytes();
    log.frame(tag(2), b"two");
    let mut image = log.killed(b"");
    image.segment(0).bytes[hole as usize..good as usize].fill(0);
    let (given, _, offset_bytes, damage) = damage(&image);
    assert_eq!((given, offset_bytes), (vec![], hole));
    assert_eq!(damage, Damage::Hole { next_bytes: good });
}

#[test]
fn a_segment_left_open_before_one_with_frames_is_damage() {
    let mut log = script();
    log.frame(tag(1), b"one");
    let end = log.offset_bytes();
    log.next_as_it_is().next_as_it_is().frame(tag(2), b"two");
    let (given, file, offset_bytes, damage) = damage(&log.killed(b""));
    assert_eq!((given, file.as_str(), offset_bytes), (vec![1], "00000000.seg", end));
    assert_eq!(damage, Damage::Unfinished { later: SegmentNumber(2) });
}

#[test]
fn a_missing_segment_is_told_wherever_it_is_missing() {
    let mut log = script();
    for sequence in 1..=4 {
        log.frame(tag(sequence), b"x").roll();
    }
    let whole = log.end();
    for missing in [0, 2] {
        let mut image = whole.clone();
        image.files.remove(&segment_name(SegmentNumber(missing)));
        let (given, _, _, damage) = damage(&image);
        assert_eq!(given.len() as u64, missing);
        let missing = SegmentNumber(missing);
        assert_eq!(damage, Damage::Missing { first: missing, last: missing });
    }
}

#[test]
fn a_cut_file_without_its_last_frame_is_damage() {
    let mut log = script();
    log.frame(tag(1), b"one");
    let end = log.offset_bytes();
    let mut image = log.end();
    image.segment(0).bytes.truncate(end as usize);
    image.segment(0).size_bytes = end;
    let (given, _, offset_bytes, found) = damage(&image);
    assert_eq!((given, offset_bytes, found), (vec![1], end, Damage::Cut { size_bytes: end }));
}

#[test]
fn a_closing_frame_with_a_payload_is_damage() {
    let mut log = script();
    log.frame(FrameTag { kind: KIND_ROLL, ..tag(1) }, b"x");
    let (_, _, _, damage) = damage(&log.killed(b""));
    assert_eq!(damage, Damage::Closing { bytes: 1 });
}

#[test]
fn segments_of_another_session_kind_or_number_are_refused() {
    let rolled = || {
        let mut log = script();
        log.frame(tag(1), b"one").roll().frame(tag(2), b"two");
        log.end()
    };
    let other = |kind, session, number| {
        let header = SegmentHeader::new(session, kind, SegmentNumber(number), 5, 1 << 18);
        bytemuck::bytes_of(&header).to_vec()
    };
    let stranger = SessionId([9; 16]);
    for (header, expected) in [
        (
            other(LogKind::Output, stranger, 1),
            Damage::Session { found: stranger, expected: SESSION },
        ),
        (
            other(LogKind::Journal, SESSION, 1),
            Damage::Kind { found: LogKind::Journal, expected: LogKind::Output },
        ),
        (
            other(LogKind::Output, SESSION, 7),
            Damage::Number { found: SegmentNumber(7), expected: SegmentNumber(1) },
        ),
    ] {
        let mut image = rolled();
        image.segment(1).bytes[..128].copy_from_slice(&header);
        let (given, file, offset_bytes, damage) = damage(&image);
        assert_eq!((given, file.as_str(), offset_bytes), (vec![1], "00000001.seg", 0));
        assert_eq!(damage, expected);
    }
}

#[test]
fn a_newer_version_is_told_from_a_changed_one() {
    let mut log = script();
    log.frame(tag(1), b"one");
    let mut image = log.end();
    image.segment(0).bytes[8] = 2;
    let (_, _, _, damage) = damage(&image);
    assert_eq!(damage, Damage::Header(SegmentHeaderError::Version { found: 2 }));
    // A newer program's checksum is over its own version.
    let header = &mut image.segment(0).bytes[..128];
    let crc = engine::log::checksum::crc32c(&header[..124]);
    header[124..].copy_from_slice(&crc.to_le_bytes());
    let (_, ended) = read(&image);
    assert!(matches!(ended, Ended::Failed(LogError::Newer { found: 2, .. })), "{ended:?}");
}

#[test]
fn an_empty_and_an_absent_directory_are_told_apart() {
    let directory = in_directory(&LogImage::default());
    let refused = |path| {
        LogReader::open(disk(path), LogKind::Output, AtTail::Stop).err().expect("nothing there")
    };
    assert!(matches!(refused(directory.path()), LogError::Empty { .. }));
    let absent = directory.path().join("absent");
    assert!(
        matches!(refused(&absent), LogError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
}

#[test]
fn a_flipped_bit_never_changes_what_is_given() {
    let mut log = script();
    log.frame(tag(1), b"one").roll().frame(tag(2), b"second").frame(tag(3), b"");
    let whole = log.end();
    let (expected, _) = read(&whole);
    let directory = in_directory(&whole);
    for (name, file) in whole.files.iter().filter(|(name, _)| name.ends_with(".seg")) {
        let in_place = OpenOptions::new().write(true).open(directory.path().join(name)).unwrap();
        for bit in 0..file.bytes.len() * 8 {
            let flipped = file.bytes[bit / 8] ^ (1 << (bit % 8));
            in_place.write_all_at(&[flipped], bit as u64 / 8).unwrap();
            let opened = LogReader::open(disk(directory.path()), LogKind::Output, AtTail::Stop);
            let (given, ended) = match opened {
                Ok(mut reader) => crate::drain(&mut reader),
                Err(error) => (Vec::new(), Ended::Failed(error)),
            };
            assert!(expected.starts_with(&given), "{name}, bit {bit}: {given:?}");
            // A flip in the seal is for verify to find; any other ends the reading here.
            let content = file.bytes.len() - 128;
            let expects_end = bit / 8 >= content;
            assert_eq!(
                matches!(ended, Ended::Orderly),
                expects_end,
                "{name}, bit {bit}: {ended:?}"
            );
            assert!(!matches!(ended, Ended::Torn { .. }), "{name}, bit {bit}: {ended:?}");
            in_place.write_all_at(&file.bytes[bit / 8..][..1], bit as u64 / 8).unwrap();
        }
    }
}

#[test]
fn a_damaged_copy_is_passed_over_for_a_good_one() {
    let mut log = script();
    log.frame(tag(1), b"one").frame(tag(2), b"two");
    let good = in_directory(&log.clone().killed(b""));
    let mut image = log.killed(b"");
    image.segment(0).bytes[140] ^= 1;
    let bad = in_directory(&image);
    for (first, second) in [(&good, &bad), (&bad, &good)] {
        let directories = LogDirectories::disk_and_memory(
            Directory::new(first.path()),
            Directory::new(second.path()),
        );
        let mut reader = LogReader::open(directories, LogKind::Output, AtTail::Stop).unwrap();
        let mut given = 0;
        while let Next::Frame(..) = reader.next().unwrap() {
            given += 1;
        }
        assert_eq!(given, 2);
    }
}
