//! Snapshots: where they go into the stream, and what becomes of those that are of no use.

use super::*;
use crate::ledger::Outcome;

fn with_snapshots() -> FeedSettings {
    FeedSettings { has_snapshots: true, ..settings() }
}

/// A feed that has given up message 2 of 1 to 3 and fetches a snapshot.
fn fetching() -> Driven {
    let mut driven = Driven::new(with_snapshots());
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(3, 1));
    driven.pass_to(50 * MS);
    assert_eq!(driven.take(), [messages(1..2), lost(2..3), vec![Out::Fetch]].concat());
    driven
}

fn piece(next: u64, content: &[u8]) -> Out {
    Out::Piece(next, true, true, content.to_vec())
}

fn done(next: u64) -> Out {
    Out::Notice(Notice::SnapshotDone { next: Sequence(next) })
}

fn failed(failure: SnapshotFailure) -> Out {
    Out::Notice(Notice::SnapshotFailed(failure))
}

#[test]
fn a_feed_met_in_the_middle_of_its_session_begins_with_a_snapshot() {
    let mut driven = Driven::new(FeedSettings { next: None, ..with_snapshots() });
    driven.line(0, &datagram(6, 2));
    assert_eq!(driven.take(), [lost(1..6), vec![Out::Fetch]].concat());
    driven.line(1, &datagram(8, 1));
    driven.feed.snapshot_message(b"A1");
    driven.feed.snapshot_end(Sequence(8), driven.now);
    driven.drain();
    let expected = [messages(6..8), vec![piece(8, b"\0\x02A1")], messages(8..9)].concat();
    assert_eq!(driven.take_stream(), expected);
    assert_eq!(driven.feed.ledger().counts().healed_by_snapshot, 1);
    // One that is met at its first message needs none.
    let mut driven = Driven::new(FeedSettings { next: None, ..with_snapshots() });
    driven.line(0, &datagram(1, 2));
    assert_eq!(driven.take(), messages(1..3));
}

/// Messages before `next`, the snapshot, the messages from it on: whether the snapshot begins before,
/// within, at the end of or after the packets that are held.
#[test]
fn the_snapshot_stands_between_the_messages_before_its_next_and_those_from_it_on() {
    for next in 3..=12 {
        let mut driven = fetching();
        // 3 is held; a packet of three, one of two, and none beyond 8 yet.
        driven.line(0, &datagram(4, 3));
        driven.line(1, &datagram(7, 2));
        assert_eq!(driven.take(), [], "held back");
        driven.feed.snapshot_message(b"A1");
        driven.feed.snapshot_message(b"A22");
        driven.feed.snapshot_end(Sequence(next), driven.now);
        driven.drain();
        driven.line(0, &datagram(9, 3));
        driven.line(0, &datagram(12, 1));
        let content = b"\0\x02A1\0\x03A22";
        let snapshot = vec![piece(next, content)];
        let expected = [messages(3..next), snapshot, messages(next..13)].concat();
        assert_eq!(driven.take_stream(), expected, "next is {next}");
        assert_eq!(driven.feed.snapshots(), (1, 0));
        let losses: Vec<_> = driven.feed.ledger().losses().map(|loss| loss.outcome).collect();
        assert_eq!(losses, [Outcome::Snapshot]);
        assert_eq!(driven.feed.state(), FeedState::Live);
    }
}

#[test]
fn holes_before_the_snapshot_s_next_are_not_asked_for() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..with_snapshots() });
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(3, 1));
    driven.pass_to(252 * MS);
    driven.take();
    // 5 and 6 are missing, 8 and 9 too; the snapshot begins at 6.
    driven.line(0, &datagram(4, 1));
    driven.line(0, &datagram(7, 1));
    driven.line(0, &datagram(10, 1));
    driven.feed.snapshot_message(b"A");
    driven.feed.snapshot_end(Sequence(6), driven.now);
    driven.drain();
    driven.pass_to(254 * MS);
    let asked = |first, count| Out::Request { server: 0, first, count };
    let out = driven.take();
    assert_eq!(out, [messages(3..5), vec![asked(6, 1), asked(8, 2)]].concat());
    driven.server(0, &datagram(8, 2));
    driven.server(0, &datagram(6, 1));
    driven.pass_to(302 * MS);
    let spliced = vec![done(6), piece(6, b"\0\x01A")];
    let mut out = driven.take();
    // The notice is told after the piece that completes it.
    out.sort_by_key(|out| matches!(out, Out::Notice(_)));
    let mut expected = [lost(5..6), spliced, messages(6..11)].concat();
    expected.sort_by_key(|out| matches!(out, Out::Notice(_)));
    assert_eq!(out, expected);
    assert_eq!(driven.feed.ledger().counts().open, 0);
}

#[test]
fn a_snapshot_ahead_waits_for_the_stream_and_then_does_without() {
    let mut driven = fetching();
    driven.feed.snapshot_message(b"A");
    driven.feed.snapshot_end(Sequence(6), driven.now);
    driven.drain();
    assert_eq!(driven.take_stream(), messages(3..4));
    driven.line(0, &datagram(4, 1));
    assert_eq!(driven.take_stream(), messages(4..5));
    driven.pass_to(100 * MS);
    assert_eq!(driven.take_stream(), [lost(5..6), vec![piece(6, b"\0\x01A")]].concat());
    driven.line(0, &datagram(5, 2));
    assert_eq!(driven.take_stream(), messages(6..7));
    assert_eq!(driven.feed.ledger().counts().open, 0);
}

#[test]
fn a_snapshot_older_than_the_gap_fails_and_another_is_fetched_later() {
    let mut driven = fetching();
    driven.feed.snapshot_message(b"A");
    driven.feed.snapshot_end(Sequence(2), driven.now);
    driven.drain();
    let too_old = SnapshotFailure::TooOld { next: Sequence(2), needed: Sequence(3) };
    assert_eq!(driven.take(), [vec![failed(too_old)], messages(3..4)].concat());
    // It goes on without one, with what the lines bring.
    driven.line(0, &datagram(4, 1));
    assert_eq!(driven.take(), messages(4..5));
    driven.pass_to(1_400 * MS);
    driven.line(0, &heartbeat(5));
    driven.line(1, &heartbeat(5));
    driven.pass_to(2_800 * MS);
    driven.line(0, &heartbeat(5));
    driven.line(1, &heartbeat(5));
    driven.take();
    for at in [4_200, 5_050] {
        driven.pass_to(at * MS);
        driven.line(0, &heartbeat(5));
        driven.line(1, &heartbeat(5));
    }
    assert_eq!(driven.take(), [Out::Fetch], "5 s later");
    driven.line(0, &datagram(5, 1));
    driven.feed.snapshot_end(Sequence(4), driven.now);
    driven.drain();
    let too_old = SnapshotFailure::TooOld { next: Sequence(4), needed: Sequence(5) };
    assert_eq!(
        driven.take(),
        [vec![failed(too_old)], messages(5..6)].concat(),
        "behind the stream"
    );
    assert_eq!(driven.feed.ledger().counts().open, 1);
}

#[test]
fn a_snapshot_that_cannot_be_had_releases_what_waited() {
    for failure in [
        SnapshotFailure::NotFetched("refused"),
        SnapshotFailure::TooNew { next: Sequence(u64::MAX) },
        SnapshotFailure::TooLong,
        SnapshotFailure::TooLarge,
        SnapshotFailure::BufferFull,
    ] {
        let mut driven = Driven::new(FeedSettings {
            limits: FeedLimits { packets_max: 3, snapshot_bytes_max: 6, ..FeedLimits::default() },
            timings: Timings { snapshot_wait_ns: 100 * MS as u64, ..Timings::default() },
            ..with_snapshots()
        });
        driven.line(0, &datagram(2, 1));
        driven.pass_to(50 * MS);
        driven.take();
        driven.feed.snapshot_message(b"AAA");
        let mut is_stopped = true;
        let mut end = 3;
        match failure {
            SnapshotFailure::NotFetched(why) => {
                is_stopped = false;
                driven.feed.snapshot_failed(why, driven.now);
            }
            SnapshotFailure::TooNew { next } => {
                is_stopped = false;
                driven.feed.snapshot_end(next, driven.now);
            }
            SnapshotFailure::TooLong => driven.pass_to(150 * MS),
            SnapshotFailure::TooLarge => driven.feed.snapshot_message(b"AA"),
            _ => {
                end = 7;
                (3..end).for_each(|first| driven.line(0, &datagram(first, 1)));
            }
        }
        driven.drain();
        let mut out = driven.take();
        out.sort_by_key(|out| matches!(out, Out::Message(_)));
        let mut expected = vec![failed(failure)];
        expected.extend(is_stopped.then_some(Out::Stop));
        expected.extend(messages(2..end));
        assert_eq!(out, expected);
        // What still comes of it is ignored.
        driven.feed.snapshot_message(b"A");
        driven.feed.snapshot_end(Sequence(9), driven.now);
        driven.drain();
        assert_eq!((driven.take(), driven.feed.snapshots()), (vec![], (0, 1)));
    }
}

#[test]
fn a_large_snapshot_comes_in_pieces_and_an_empty_one_in_one() {
    let mut driven = fetching();
    let message = [7_u8; 1_000];
    (0..150).for_each(|_| driven.feed.snapshot_message(&message));
    driven.feed.snapshot_end(Sequence(4), driven.now);
    driven.drain();
    let pieces: Vec<_> = driven
        .take()
        .into_iter()
        .filter_map(|out| match out {
            Out::Piece(next, is_first, is_last, content) => {
                assert!(next == 4 && content.len() <= 60 * 1024);
                Some((is_first, is_last, content.len() / 1_002))
            }
            _ => None,
        })
        .collect();
    assert_eq!(pieces, [(true, false, 61), (false, false, 61), (false, true, 28)]);
    let mut empty = fetching();
    empty.feed.snapshot_end(Sequence(4), empty.now);
    empty.drain();
    assert_eq!(empty.take_stream(), [messages(3..4), vec![piece(4, b"")]].concat());
}

#[test]
fn a_gap_after_the_snapshot_needs_another_one() {
    let mut driven = fetching();
    driven.line(0, &datagram(5, 1));
    driven.pass_to(150 * MS);
    driven.feed.snapshot_end(Sequence(4), driven.now);
    driven.drain();
    let expected =
        [messages(3..4), vec![piece(4, b"")], vec![done(4)], lost(4..5), vec![Out::Fetch]];
    assert_eq!(driven.take(), expected.concat());
    assert_eq!(driven.feed.state(), FeedState::GapFill);
    assert_eq!(driven.feed.ledger().counts().open, 1);
}

#[test]
fn a_gap_within_the_snapshot_s_reach_is_healed_by_it() {
    let mut driven = fetching();
    driven.line(0, &datagram(5, 1));
    driven.pass_to(150 * MS);
    driven.feed.snapshot_end(Sequence(6), driven.now);
    driven.drain();
    let expected = [messages(3..4), lost(4..5), messages(5..6), vec![piece(6, b""), done(6)]];
    assert_eq!(driven.take(), expected.concat());
    assert_eq!(driven.feed.ledger().counts().open, 0);
}

#[test]
fn a_new_day_stops_the_fetching() {
    let mut driven = fetching();
    let mut other = datagram(1, 1);
    other[..10].copy_from_slice(b"SESSION  2");
    driven.pass_to(2_000 * MS);
    driven.take();
    (0..16).for_each(|_| driven.line(0, &other));
    let rolled = Notice::DayRoll { session: SessionId(*b"SESSION  2") };
    let expected = [vec![Out::Notice(rolled), Out::Stop], messages(3..4)].concat();
    assert_eq!(driven.take(), expected);
}
