//! A journal as a source of packets.

use engine::journal::RecordKind;
use engine::journal::record::RecordError;
use engine::journal::source::{JournalError, JournalSource, TornTail};
use engine::log::SegmentNumber;
use engine::log::frame::FrameTag;
use engine::log::reader::FramePosition;
use engine::log::storage::Directory;
use engine::packet::{Arrival, Packet, SnapshotItem, Source};
use engine::units::{FeedId, Nanos, Sequence};
use tapewatch_tests::logs::{LogImage, LogScript};
use tempfile::TempDir;

use crate::{disk, in_directory};

fn source(image: &LogImage) -> (TempDir, JournalSource<Directory>) {
    let directory = in_directory(image);
    let source = JournalSource::open(disk(directory.path())).unwrap();
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

fn packet_of(feed: u16, sequence: u64, recv: i64, messages: &[u8]) -> Arrival<'_> {
    let (feed, sequence, recv) = (FeedId(feed), Sequence(sequence), Nanos(recv));
    Arrival::Packet(Packet { feed, sequence, recv, messages })
}

#[test]
fn what_arrived_comes_as_it_was_journaled_whatever_the_feed() {
    let (_directory, mut source) = source(&script().end());
    assert_eq!(source.next().unwrap(), packet_of(0, 1, 10, b"\0\x03abc\0\x01d"));
    let gap = Arrival::Gap { feed: FeedId(0), first: Sequence(3), end: Sequence(7) };
    assert_eq!(source.next().unwrap(), gap);
    assert_eq!(source.next().unwrap(), packet_of(1, 1, 25, b"\0\x01Z"));
    assert_eq!(source.next().unwrap(), packet_of(0, 7, 30, b"\0\x03efg"));
    for _ in 0..2 {
        assert_eq!(source.next().unwrap(), Arrival::End);
    }
    assert_eq!(source.torn_tail(), None);
}

#[test]
fn pieces_of_a_snapshot_and_changed_configurations_come_in_their_place() {
    let mut journal = script();
    journal.record(RecordKind::SnapshotItem, 9, 35, b"\x01\0\x01R");
    journal.record(RecordKind::SnapshotItem, 9, 36, b"\x02\0\x01A\0\x01A");
    journal.record(RecordKind::Parameters, 9, 37, b"x = 1").packet(9, 38, &[b"q"]);
    let (_directory, mut source) = source(&journal.end());
    for _ in 0..4 {
        source.next().unwrap();
    }
    let first = SnapshotItem {
        feed: FeedId(0),
        next: Sequence(9),
        recv: Nanos(35),
        is_first: true,
        is_last: false,
        messages: b"\0\x01R",
    };
    assert_eq!(source.next().unwrap(), Arrival::SnapshotItem(first));
    let messages = b"\0\x01A\0\x01A";
    let last = SnapshotItem { recv: Nanos(36), is_first: false, is_last: true, messages, ..first };
    assert_eq!(source.next().unwrap(), Arrival::SnapshotItem(last));
    assert_eq!(source.next().unwrap(), Arrival::Parameters("x = 1"));
    assert_eq!(source.next().unwrap(), packet_of(0, 9, 38, b"\0\x01q"));
    assert_eq!(source.next().unwrap(), Arrival::End);
}

#[test]
fn each_feed_rises_by_itself_and_a_snapshot_reaches_as_far_as_its_feed() {
    // The feed's last packet begins with message 7: a snapshot may be of all before 8, not of less.
    for (kind, feed, sequence, payload, is_fine) in [
        (RecordKind::Packet, 0, 7, b"\0\x01x".as_slice(), false),
        (RecordKind::Packet, 1, 7, b"\0\x01x", true),
        (RecordKind::Packet, 1, 1, b"\0\x01x", false),
        (RecordKind::Packet, 2, 1, b"\0\x01x", true),
        (RecordKind::SnapshotItem, 0, 8, b"\x03", true),
        (RecordKind::SnapshotItem, 0, 7, b"\x03", false),
        (RecordKind::SnapshotItem, 2, 1, b"\x03", true),
    ] {
        let mut journal = script();
        let (sequence, time) = (Sequence(sequence), Nanos(40));
        journal.frame(FrameTag { kind: kind as u8, flags: 0, feed, sequence, time }, payload);
        let (_directory, mut source) = source(&journal.end());
        for _ in 0..4 {
            source.next().unwrap();
        }
        let next = source.next();
        let is_refused = matches!(
            next,
            Err(JournalError::Backwards { feed: of, found, .. })
                if of == FeedId(feed) && found == sequence
        );
        assert_eq!(is_refused, !is_fine, "{kind:?} {sequence:?} of feed {feed}: {next:?}");
        assert_eq!(next.is_ok(), is_fine);
    }
}

#[test]
fn a_torn_tail_is_a_good_end_that_is_told() {
    let journal = script();
    let offset_bytes = journal.offset_bytes();
    let (_directory, mut source) = source(&journal.killed(b"torn"));
    let mut packets = 0;
    while source.next().unwrap() != Arrival::End {
        packets += 1;
    }
    assert_eq!(packets, 4);
    let at = FramePosition { segment: SegmentNumber(1), offset_bytes, ordinal: 2 };
    assert_eq!(source.torn_tail(), Some(TornTail { at, torn_bytes: 4 }));
}

#[test]
fn a_frame_that_is_no_record_ends_the_source_with_its_place() {
    let mut journal = script();
    let bad = journal.offset_bytes();
    journal.record(RecordKind::Gap, 8, 40, b"half").packet(9, 50, &[b"never"]);
    let (_directory, mut source) = source(&journal.end());
    for _ in 0..4 {
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
    let mut journal = LogScript::journal();
    journal.record(RecordKind::Trade, 1, 10, b"x = 1").packet(1, 10, &[b"x"]);
    let (_directory, mut source) = source(&journal.end());
    let error = source.next().expect_err("unsupported");
    let kind = RecordKind::Trade;
    assert!(
        matches!(error, JournalError::Unsupported { kind: found, .. } if found == kind),
        "{error:?}"
    );
}
