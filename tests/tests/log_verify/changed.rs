//! What no writer leaves, besides single bits, and how it is told.

use std::fs;

use engine::journal::RecordKind;
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::segment::{index_name, segment_name};
use engine::log::storage::Directory;
use engine::log::verify::{FAULTS_MAX, verify};
use engine::log::{LogKind, SegmentNumber};
use tapewatch_tests::logs::{FileImage, LogImage, LogScript, SESSION};

use crate::{faults, in_directory, report, script};

#[test]
fn a_missing_segment_in_the_middle_is_told() {
    let mut image = script().end();
    image.files.remove(&segment_name(SegmentNumber(1)));
    let found = report(&image);
    let whats: Vec<_> = found.faults.iter().map(|fault| fault.what.as_str()).collect();
    assert_eq!(whats, ["an index without its segment", "segments 1 to 1 are missing"]);
    assert_eq!(found.segments, 2);
}

#[test]
fn a_segment_exchanged_for_another_honest_one_breaks_the_chain() {
    let mut image = script().end();
    let mut other = LogScript::journal();
    other.packet(1, 10, &[b"xyz", b"d"]).gap(3, 7, 20).roll();
    let other = other.killed(b"");
    for name in [segment_name(SegmentNumber(0)), index_name(SegmentNumber(0))] {
        image.files.insert(name.clone(), other.files[&name].clone());
    }
    let found = report(&image);
    let offset = image.files["00000001.seg"].size_bytes - 128;
    let what = "the seal does not continue that of the segment before";
    assert_eq!(faults(&found), [("00000001.seg", offset, what)]);
}

#[test]
fn the_check_goes_on_after_a_fault() {
    let mut journal = script();
    let bad = journal.offset_bytes();
    journal.packet(11, 50, &[b"changed"]).packet(12, 60, &[b"good"]);
    let next = bad + 48;
    let mut image = journal.end();
    image.segment(0).bytes[200] ^= 4;
    image.segment(2).bytes[bad as usize + 35] ^= 1;
    let found = report(&image);
    let told = faults(&found);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].0, "00000000.seg");
    assert_eq!((told[1].0, told[1].1), ("00000002.seg", bad));
    assert!(told[1].2.contains(&format!("a whole frame follows at byte {next}")), "{told:?}");
    assert_eq!(found.frames, 9, "all but the two that are bad, and two more");
    assert_eq!(found.last_sequence, Some(engine::units::Sequence(12)));
}

#[test]
fn sequences_that_go_back_and_records_that_are_none_are_told_once() {
    let mut journal = LogScript::journal();
    journal.packet(5, 10, &[b"a", b"b"]);
    let back = journal.offset_bytes();
    journal.packet(6, 20, &[b"c"]).packet(7, 30, &[b"d"]);
    journal.packet(0, 35, &[b"unsequenced"]);
    let tick = journal.offset_bytes();
    journal.record(RecordKind::Tick, 3, 40, b"");
    let torn = journal.offset_bytes();
    journal.record(RecordKind::Packet, 8, 50, b"\0\x05x");
    let gap = journal.offset_bytes();
    journal.gap(9, 9, 60);
    let found = report(&journal.end());
    let name = "00000000.seg";
    assert_eq!(
        faults(&found),
        [
            (name, back, "sequence 6 of feed 0, of which sequence 7 was due"),
            (name, tick, "sequence 4 of feed 0, of which sequence 8 was due"),
            (name, torn, "a packet of 3 bytes ends within the message at its byte 0"),
            (name, gap, "a gap from sequence 9 to before 9"),
        ]
    );
}

#[test]
fn a_journal_begins_with_its_session() {
    let mut journal = LogScript::new(LogKind::Journal, SESSION);
    journal.packet(1, 10, &[b"a"]);
    let found = report(&journal.end());
    let what = "the first record of a journal is its session, this one has kind 2";
    assert_eq!(faults(&found), [("00000000.seg", 128, what)]);
}

#[test]
fn frames_behind_the_end_of_the_log_are_told() {
    let mut journal = script();
    journal.next_as_it_is().packet(11, 50, &[b"late"]);
    let late = journal.killed(b"").files.remove("00000003.seg").unwrap();
    let mut image = script().end();
    image.files.insert("00000003.seg".to_owned(), late);
    let found = report(&image);
    let told = faults(&found);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "00000002.seg");
    assert!(told[0].2.contains("the log ended here"), "{told:?}");
}

#[test]
fn frames_behind_a_closing_frame_are_told() {
    let mut journal = script();
    journal.roll_unsealed();
    let mut image = journal.killed(b"");
    let first = image.segment(2).bytes[128..176].to_vec();
    image.segment(2).bytes.extend(first);
    let found = report(&image);
    let told = faults(&found);
    assert_eq!((told.len(), told[0].0), (1, "00000002.seg"));
    assert!(told[0].2.contains("the segment is closed here"), "{told:?}");
}

#[test]
fn a_segment_behind_an_unfinished_one_is_told() {
    let mut journal = script();
    let end = journal.offset_bytes();
    journal.next_as_it_is().packet(11, 50, &[b"j"]);
    let found = report(&journal.killed(b""));
    let what = "no frame closes the segment, and segment 3 has frames";
    assert_eq!(faults(&found), [("00000002.seg", end, what)]);
}

#[test]
fn bytes_too_far_behind_the_frames_for_a_torn_one_are_told() {
    let mut image = script().killed(b"");
    let file = image.segment(2);
    file.bytes.resize(200_000, 0);
    file.bytes.push(1);
    let found = report(&image);
    let told = faults(&found);
    assert_eq!((told.len(), told[0].0, told[0].1), (1, "00000002.seg", 200_000));
}

#[test]
fn strange_files_are_told() {
    let mut image = script().end();
    for name in ["notes.txt", "1.seg", "00000009.idx"] {
        image.files.insert(name.to_owned(), FileImage::of(b"x".to_vec()));
    }
    let directory = in_directory(&image);
    fs::create_dir(directory.path().join("more")).unwrap();
    let found = crate::check(directory.path());
    let names: Vec<_> = faults(&found).into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(names, ["1.seg", "more", "notes.txt", "00000009.idx"]);
    assert_eq!(found.frames, 9);
}

#[test]
fn an_index_that_is_missing_before_one_that_is_not_is_told() {
    let mut image = script().end();
    image.files.remove(&index_name(SegmentNumber(1)));
    let found = report(&image);
    let what = "it is missing, and a later segment has its index";
    assert_eq!(faults(&found), [("00000001.idx", 0, what)]);
}

#[test]
fn copies_that_differ_are_told() {
    let journal = script();
    let disk = in_directory(&journal.clone().killed(b""));
    let mut other = LogScript::journal();
    other.packet(1, 10, &[b"abd", b"d"]);
    let memory = in_directory(&other.killed(b""));
    let directories =
        LogDirectories::disk_and_memory(Directory::new(disk.path()), Directory::new(memory.path()));
    let found = verify(&directories, LogKind::Journal).unwrap();
    let told = faults(&found);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].2.contains("it differs here from"), "{told:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault_and_a_log_that_cannot_is_an_error() {
    let directory = in_directory(&script().end());
    let path = directory.path().join("00000001.seg");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let found = crate::check(directory.path());
    assert!(
        faults(&found)
            .iter()
            .any(|(name, _, what)| *name == "00000001.seg" && what.contains("read"))
    );
    let refused = |path: &std::path::Path| {
        let directories = LogDirectories::disk(Directory::new(path));
        verify(&directories, LogKind::Journal).expect_err("no log")
    };
    assert!(matches!(refused(&directory.path().join("absent")), LogError::Io { .. }));
    assert!(matches!(refused(in_directory(&LogImage::default()).path()), LogError::Empty { .. }));
}

#[test]
fn a_newer_version_is_an_error_and_no_fault() {
    let mut image = script().end();
    let header = &mut image.segment(1).bytes[..128];
    header[8] = 2;
    let crc = engine::log::checksum::crc32c(&header[..124]);
    header[124..].copy_from_slice(&crc.to_le_bytes());
    let directory = in_directory(&image);
    let directories = LogDirectories::disk(Directory::new(directory.path()));
    let error = verify(&directories, LogKind::Journal).expect_err("newer");
    assert!(matches!(error, LogError::Newer { found: 2, .. }), "{error}");
}

#[test]
fn faults_without_end_are_counted_and_not_kept() {
    let mut journal = LogScript::sized(LogKind::Journal, SESSION, 1 << 20);
    journal.record(RecordKind::Session, 0, 0, b"");
    for _ in 0..FAULTS_MAX + 500 {
        journal.gap(9, 9, 60);
    }
    let found = report(&journal.end());
    assert_eq!((found.faults.len(), found.faults_left_out), (FAULTS_MAX, 500));
}

#[test]
fn holes_without_end_are_given_up() {
    let mut journal = LogScript::sized(LogKind::Journal, SESSION, 1 << 20);
    journal.record(RecordKind::Session, 0, 0, b"");
    let first = journal.offset_bytes() as usize;
    for sequence in 1..10_000 {
        journal.packet(sequence, 0, &[b"x"]);
    }
    let mut image = journal.end();
    for nth in (0..10_000).step_by(2).take(4_000) {
        image.segment(0).bytes[first + nth * 40 + 20] ^= 1;
    }
    let found = report(&image);
    assert_eq!(found.faults.len(), FAULTS_MAX);
}
