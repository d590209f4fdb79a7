//! A journal as a source of packets.

use engine::journal::RecordKind;
use engine::journal::record::RecordError;
use engine::journal::source::{JournalError, JournalSource, TornTail};
use engine::log::SegmentNumber;
use engine::log::frame::FrameTag;
use engine::log::reader::FramePosition;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Packet, Source};
use engine::units::{Nanos, Sequence};
use tapewatch_tests::logs::{LogImage, LogScript};
use tempfile::TempDir;

use crate::{disk, in_directory};

fn source(image: &LogImage, feed: u16) -> (TempDir, JournalSource<Directory>) {
    let directory = in_directory(image);
    let source = JournalSource::open(disk(directory.path()), feed).unwrap();
    (directory, source)
}

/// A journal with a bit of everything that is written.
fn script() -> LogScript {
    let mut journal = LogScript::journal();
    journal.packet(1, 10, &[b"abc", b"d"]);
    journal.record(RecordKind::Tick, 2, 15, b"").gap(3, 7, 20).roll();
    let tag = FrameTag {
        kind: RecordKind::Packet as u8,
        flags: 0,
        feed: 1,
        sequence: Sequence(1),
        time: Nanos(25),
    };
    journal.frame(tag, b"\0\x01Z").packet(7, 30, &[b"efg"]);
    journal
}

#[test]
fn packets_and_gaps_of_a_feed_come_as_they_were_journaled() {
    let (_directory, mut source) = source(&script().end(), 0);
    let packet = |sequence, recv, messages| {
        Arrival::Packet(Packet { sequence: Sequence(sequence), recv: Nanos(recv), messages })
    };
    assert_eq!(source.next().unwrap(), packet(1, 10, b"\0\x03abc\0\x01d".as_slice()));
    assert_eq!(source.next().unwrap(), Arrival::Gap { first: Sequence(3), end: Sequence(7) });
    assert_eq!(source.next().unwrap(), packet(7, 30, b"\0\x03efg".as_slice()));
    for _ in 0..2 {
        assert_eq!(source.next().unwrap(), Arrival::End);
    }
    assert_eq!(source.torn_tail(), None);

    let (_directory, mut source) = self::source(&script().end(), 1);
    assert_eq!(source.next().unwrap(), packet(1, 25, b"\0\x01Z".as_slice()));
    assert_eq!(source.next().unwrap(), Arrival::End);
}

#[test]
fn a_torn_tail_is_a_good_end_that_is_told() {
    let journal = script();
    let offset_bytes = journal.offset_bytes();
    let (_directory, mut source) = source(&journal.killed(b"torn"), 0);
    let mut packets = 0;
    while source.next().unwrap() != Arrival::End {
        packets += 1;
    }
    assert_eq!(packets, 3);
    let at = FramePosition { segment: SegmentNumber(1), offset_bytes, ordinal: 2 };
    assert_eq!(source.torn_tail(), Some(TornTail { at, torn_bytes: 4 }));
}

#[test]
fn a_frame_that_is_no_record_ends_the_source_with_its_place() {
    let mut journal = script();
    let bad = journal.offset_bytes();
    journal.record(RecordKind::Gap, 8, 40, b"half").packet(9, 50, &[b"never"]);
    let (_directory, mut source) = source(&journal.end(), 0);
    for _ in 0..3 {
        source.next().unwrap();
    }
    for _ in 0..2 {
        let error = source.next().expect_err("no record");
        let JournalError::Record { file, at, fault } = &error else { panic!("{error:?}") };
        assert!(file.ends_with("00000001.seg"), "{file}");
        assert_eq!(at.offset_bytes, bad);
        let kind = RecordKind::Gap;
        assert_eq!(*fault, RecordError::Size { kind, found: 4, expected: 8 });
    }
}

#[test]
fn records_that_would_change_the_state_are_not_passed_over() {
    for kind in [RecordKind::Parameters, RecordKind::SnapshotItem, RecordKind::Trade] {
        let mut journal = LogScript::journal();
        journal.record(kind, 1, 10, b"x = 1").packet(1, 10, &[b"x"]);
        let (_directory, mut source) = source(&journal.end(), 0);
        let error = source.next().expect_err("unsupported");
        assert!(
            matches!(error, JournalError::Unsupported { kind: found, .. } if found == kind),
            "{error:?}"
        );
    }
}
