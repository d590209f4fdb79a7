//! Journals that ended in order.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use engine::log::seal::Seal;
use engine::log::segment::segment_name;
use engine::log::{LogKind, SegmentNumber};
use engine::units::Sequence;
use tapewatch_tests::logs::{LogScript, SESSION};

use crate::{check, faults, in_directory, report, script};

#[test]
fn a_journal_that_ended_in_order_is_told_whole() {
    let image = script().end();
    let found = report(&image);
    assert_eq!(faults(&found), []);
    assert!(found.is_ok() && found.ended_orderly);
    assert_eq!(found.session, Some(SESSION));
    // Session, 2 packets and tick, gap, 2 rolls, packet, end.
    assert_eq!((found.frames, found.segments, found.sealed_segments), (9, 3, 3));
    let sequences = (found.first_sequence, found.last_sequence);
    assert_eq!(sequences, (Some(Sequence(1)), Some(Sequence(10))));
    assert_eq!(found.reached, Some(Sequence(10)));
    assert_eq!((found.torn_bytes, found.unfinished_files), (0, 0));
    let last = &image.files[&segment_name(SegmentNumber(2))].bytes;
    let seal = Seal(last[last.len() - 56..last.len() - 24].try_into().unwrap());
    assert_eq!(found.last_seal, Some((SegmentNumber(2), seal)));
}

#[test]
fn a_journal_reaches_as_far_as_its_last_gap_and_its_last_snapshot() {
    let reached = |script: LogScript| {
        let found = report(&script.end());
        assert_eq!(faults(&found), []);
        assert_eq!(found.last_sequence, Some(Sequence(10)), "of a message");
        found.reached
    };
    let mut journal = script();
    journal.gap(11, 15, 50);
    assert_eq!(reached(journal), Some(Sequence(14)));
    let mut journal = script();
    // First and last piece in one: it holds all before message 21.
    journal.record(engine::journal::RecordKind::SnapshotItem, 21, 50, b"\x03");
    assert_eq!(reached(journal), Some(Sequence(20)));
}

#[test]
fn every_flipped_bit_of_a_journal_that_ended_in_order_is_found() {
    let image = script().end();
    let directory = in_directory(&image);
    assert_eq!(image.files.len(), 6, "three segments and their indexes");
    let mut flips = 0;
    for (name, file) in &image.files {
        // In place: to write the file anew would make the file system flush it, each time.
        let in_place = OpenOptions::new().write(true).open(directory.path().join(name)).unwrap();
        for bit in 0..file.bytes.len() * 8 {
            let flipped = file.bytes[bit / 8] ^ (1 << (bit % 8));
            in_place.write_all_at(&[flipped], bit as u64 / 8).unwrap();
            let report = check(directory.path());
            assert!(!report.is_ok(), "{name}, bit {bit}");
            let named = report.faults.iter().any(|fault| fault.file.ends_with(name.as_str()));
            assert!(named, "{name}, bit {bit}: {:?}", report.faults);
            flips += 1;
            in_place.write_all_at(&file.bytes[bit / 8..][..1], bit as u64 / 8).unwrap();
        }
    }
    assert!(flips > 10_000, "{flips}");
    assert!(check(directory.path()).is_ok());
}

#[test]
fn a_journal_that_ended_in_order_and_was_cut_anywhere_is_not_whole() {
    let image = script().end();
    let directory = in_directory(&image);
    for (name, file) in &image.files {
        let in_place = OpenOptions::new().write(true).open(directory.path().join(name)).unwrap();
        for cut in (0..file.bytes.len()).rev() {
            in_place.set_len(cut as u64).unwrap();
            let report = check(directory.path());
            // Without its seal, the last segment is one whose writer died before he sealed it; that
            // its index is there gives it away.
            assert!(!report.is_ok(), "{name} cut at {cut}");
        }
        in_place.write_all_at(&file.bytes, 0).unwrap();
    }
}

#[test]
fn a_log_that_is_no_journal_has_frames_of_any_kind() {
    let mut log = LogScript::new(LogKind::Output, SESSION);
    let tag = engine::log::frame::FrameTag {
        kind: 200,
        flags: 7,
        feed: 3,
        sequence: Sequence(5),
        time: engine::units::Nanos(-1),
    };
    log.frame(tag, b"anything");
    let directory = in_directory(&log.end());
    let directories = engine::log::directories::LogDirectories::disk(
        engine::log::storage::Directory::new(directory.path()),
    );
    let found = engine::log::verify::verify(&directories, LogKind::Output).unwrap();
    assert_eq!(faults(&found), []);
    assert_eq!(found.last_sequence, Some(Sequence(5)));
    let as_journal = engine::log::verify::verify(&directories, LogKind::Journal).unwrap();
    assert!(!as_journal.is_ok());
}
