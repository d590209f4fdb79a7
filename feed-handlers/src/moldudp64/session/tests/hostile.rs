//! Foreign bytes: counted, bounded, and the feed goes on.

use proptest::prelude::*;

use super::*;

fn of_session(session: &[u8; 10], first: u64) -> Vec<u8> {
    let mut datagram = datagram(first, 1);
    datagram[..10].copy_from_slice(session);
    datagram
}

#[test]
fn another_session_s_packets_are_counted_and_dropped() {
    let mut driven = Driven::new(settings());
    driven.line(0, &datagram(1, 1));
    for _ in 0..100 {
        (0..15).for_each(|_| driven.line(0, &of_session(b"SESSION  2", 2)));
        // The old session is not silent, so the new one is nobody's day.
        driven.line(1, &heartbeat(2));
    }
    assert_eq!(driven.feed.drops().foreign_session, 1_500);
    driven.line(0, &datagram(2, 1));
    assert_eq!(driven.take(), messages(1..3));
}

#[test]
fn sixteen_packets_of_a_new_session_in_a_row_end_an_old_one_that_is_silent() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    driven.line(0, &datagram(1, 1));
    driven.take();
    (0..100).for_each(|_| driven.line(0, &of_session(b"SESSION  2", 1)));
    assert_eq!(driven.take(), [], "the old one was heard just now");
    driven.pass_to(1_500 * MS);
    driven.take();
    (0..15).for_each(|_| driven.line(0, &of_session(b"SESSION  3", 1)));
    (0..15).for_each(|_| driven.line(0, &of_session(b"SESSION  2", 1)));
    driven.line(0, &of_session(b"SESSION  3", 1));
    (0..15).for_each(|_| driven.line(0, &of_session(b"\xFF\0SSION  2", 1)));
    assert_eq!(driven.take(), []);
    (0..15).for_each(|_| driven.line(0, &of_session(b"SESSION  3", 1)));
    let rolled = Out::Notice(Notice::DayRoll { session: SessionId(*b"SESSION  3") });
    assert_eq!(driven.take(), [rolled]);
    assert_eq!(driven.feed.state(), FeedState::Ended);
    driven.line(0, &datagram(4, 1));
    driven.pass_to(10_000 * MS);
    assert_eq!((driven.take(), driven.until), (vec![], None));
    assert_eq!(driven.feed.drops().after_end, 1);
}

#[test]
fn an_implausible_jump_needs_sixteen_packets_that_agree_while_the_known_stream_is_silent() {
    let far = 1_000_000_000;
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    driven.line(0, &datagram(1, 1));
    for _ in 0..10 {
        (0..15).for_each(|_| driven.line(0, &datagram(far, 1)));
        driven.line(0, &heartbeat(u64::MAX));
    }
    driven.line(1, &datagram(2, 1));
    assert_eq!(driven.take(), messages(1..3));
    assert_eq!(driven.feed.drops().implausible_jumps, 160);
    (0..100).for_each(|i| driven.line(0, &datagram(far + i, 1)));
    assert_eq!(driven.take(), [], "the known stream was heard just now");
    driven.line(1, &heartbeat(3));
    driven.pass_to(1_500 * MS);
    driven.take();
    (0..16).for_each(|i| driven.line(0, &datagram(far + i, 1)));
    let jumped = Notice::Jumped { from: Sequence(3), to: Sequence(far + 15) };
    let fresh = Notice::Fresh { silent_ns: 1_500 * MS as u64 };
    assert_eq!(driven.take(), [Out::Notice(jumped), Out::Notice(fresh)]);
    driven.pass_to(1_550 * MS);
    let out = driven.take();
    assert_eq!((out.len(), out.last()), (1_001, Some(&Out::Message(far + 15))), "never asked for");
    assert_eq!(driven.feed.statistics().gap_messages, far + 15 - 3);
}

#[test]
fn a_stream_that_has_told_its_end_does_not_jump_while_its_holes_are_asked_for() {
    let timings = Timings { tries_max: 1_000, ..Timings::default() };
    let mut driven = Driven::new(FeedSettings { servers: 1, timings, ..settings() });
    driven.line(0, &datagram(1, 1));
    driven.line(0, &end_of_session(4));
    driven.pass_to(1_600 * MS);
    driven.take();
    // Silent for longer than heartbeats are apart, and whoever talks agrees.
    (0..100).for_each(|i| driven.line(0, &datagram(1 << 40 | i, 1)));
    assert_eq!(driven.feed.drops().implausible_jumps, 100);
    driven.server(0, &datagram(2, 2));
    let ended = Out::Notice(Notice::Ended { next: Sequence(4) });
    assert_eq!(driven.take(), [messages(2..4), vec![ended]].concat());
    assert_eq!(driven.feed.state(), FeedState::Ended);
}

#[test]
fn a_packet_that_claims_more_than_it_holds_is_used_as_far_as_it_goes() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    let mut overclaiming = datagram(1, 2);
    overclaiming[18..20].copy_from_slice(&60_000_u16.to_be_bytes());
    driven.line(0, &overclaiming);
    let whole = datagram(3, 2);
    driven.line(0, &whole[..whole.len() - 1]);
    driven.line(0, &datagram(4, 1)[..21]);
    driven.line(0, &[&datagram(4, 1)[..], b"behind"].concat());
    driven.pass_to(1_000 * MS);
    assert_eq!(driven.take(), messages(1..5));
    assert_eq!((driven.feed.drops().damaged_packets, driven.feed.drops().trailing_bytes), (3, 1));
}

#[test]
fn a_server_s_packets_count_only_where_something_is_missing() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    driven.server(0, &datagram(1, 1));
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(3, 1));
    driven.server(0, &datagram(1, 1));
    driven.server(0, &datagram(4, 1));
    driven.server(0, &heartbeat(100));
    driven.server(0, &end_of_session(4));
    driven.server(0, &of_session(b"SESSION  2", 2));
    assert_eq!(driven.take(), messages(1..2));
    assert_eq!(driven.feed.drops().unasked_answers, 5);
    driven.server(0, &datagram(2, 1));
    assert_eq!(driven.take(), messages(2..4));
}

#[test]
fn a_word_of_a_hundred_thousand_messages_ahead_costs_nothing() {
    for claim in [heartbeat(100_000), end_of_session(100_000)] {
        let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
        driven.line(0, &datagram(1, 1));
        driven.line(0, &claim);
        driven.pass_to(1_000 * MS);
        driven.line(1, &datagram(2, 1));
        assert_eq!(driven.take(), messages(1..3));
        assert_eq!(driven.feed.state(), FeedState::Live);
    }
}

#[test]
fn an_end_that_others_tell_of_ends_nothing_while_the_stream_goes_on() {
    let mut driven = Driven::new(settings());
    for number in 1..20 {
        driven.line(0, &datagram(number, 1));
        driven.line(1, &datagram(number, 1));
        (0..50).for_each(|_| driven.line(0, &end_of_session(number + 1)));
        driven.pass_to(driven.now.0 + 900 * MS);
        driven.line(1, &heartbeat(number + 1));
        driven.pass_to(driven.now.0 + 900 * MS);
    }
    assert_eq!(driven.take(), messages(1..20));
    driven.line(1, &end_of_session(20));
    driven.pass_to(driven.now.0 + 1_500 * MS);
    assert_eq!(driven.take(), [Out::Notice(Notice::Ended { next: Sequence(20) })]);
}

/// A datagram of numbers that a few bytes name, and now and then of any bytes.
fn any_datagram() -> impl Strategy<Value = (Via, Vec<u8>)> {
    let via = (0_usize..4).prop_map(|i| if i < 2 { Via::Line(i) } else { Via::Server(i - 2) });
    let near = (1_u64..300, 0_u64..20).prop_map(|(first, count)| datagram(first, count));
    let far = (prop_oneof![Just(u64::MAX), Just(1 << 40), Just(60_000_000)], 0_u64..40);
    let far = far.prop_map(|(base, back)| heartbeat(base - back));
    let torn = (1_u64..300, 0_usize..80).prop_map(|(first, cut)| {
        let mut datagram = datagram(first, 5);
        datagram.truncate(cut);
        datagram
    });
    let claims = (1_u64..300, any::<u16>()).prop_map(|(first, count)| {
        let mut datagram = datagram(first, 1);
        datagram[18..20].copy_from_slice(&count.to_be_bytes());
        datagram
    });
    let other =
        (0_u8..3, 1_u64..300).prop_map(|(name, first)| of_session(&[b'0' + name; 10], first));
    let bytes = prop::collection::vec(any::<u8>(), 0..60);
    (via, prop_oneof![4 => near, 1 => far, 1 => torn, 1 => claims, 1 => other, 1 => bytes])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever comes, when and from whom: what comes out goes forwards without a hole, what waits is
    /// bounded, and in the end the feed is at rest.
    #[test]
    fn any_datagrams_leave_a_stream_without_holes_and_bounded_memory(
        steps in prop::collection::vec((0_i64..120, any_datagram(), 0_u8..20), 0..150),
        packets_max in 1_usize..40,
        has_snapshots in any::<bool>(),
        joins in any::<bool>(),
    ) {
        let limits = FeedLimits {
            packets_max, bytes_max: 2_000, snapshot_bytes_max: 100, ..FeedLimits::default()
        };
        let timings = Timings {
            snapshot_wait_ns: 300 * MS as u64, snapshot_retry_ns: 200 * MS as u64,
            ..Timings::default()
        };
        let next = (!joins).then_some(Sequence(1));
        let mut driven = Driven::new(FeedSettings {
            servers: 2, has_snapshots, next, limits, timings, ..settings()
        });
        for (step_ms, (via, datagram), snapshot) in steps {
            driven.pass_to(driven.now.0 + step_ms * MS);
            driven.receive(via, &datagram);
            match snapshot {
                0..5 => driven.feed.snapshot_message(&datagram),
                5 | 6 => driven.feed.snapshot_end(Sequence(u64::from(snapshot) * 30), driven.now),
                7 => driven.feed.snapshot_end(
                    driven.feed.next_sequence().unwrap_or_default(), driven.now,
                ),
                8 => driven.feed.snapshot_failed("refused", driven.now),
                _ => {}
            }
            driven.drain();
            prop_assert!(driven.feed.waiting_packets() <= packets_max);
        }
        driven.pass_to(driven.now.0 + 60_000 * MS);
        prop_assert_eq!(driven.feed.waiting_packets(), 0);
        let mut next = if joins { None } else { Some(1) };
        // Of a gap only the beginning is told.
        let (mut inside, mut behind_gap) = (false, false);
        for out in driven.take_stream() {
            match out {
                Out::Message(number) | Out::Lost(number) => {
                    prop_assert!(!inside, "a snapshot is given in one go");
                    let follows = |next| next == number || behind_gap && next < number;
                    prop_assert!(next.is_none_or(follows), "{number} after {next:?}");
                    next = Some(number + 1);
                    behind_gap = matches!(out, Out::Lost(_));
                }
                Out::Piece(at, is_first, is_last, _) => {
                    prop_assert!(next == Some(at) || behind_gap);
                    next = Some(at);
                    behind_gap = false;
                    prop_assert_eq!(is_first, !inside);
                    inside = !is_last;
                }
                _ => {}
            }
        }
        prop_assert!(!inside);
        let counts = driven.feed.ledger().counts();
        prop_assert_eq!(
            counts.opened,
            counts.healed_by_line + counts.healed_by_retransmit + counts.healed_by_snapshot
                + counts.open
        );
        prop_assert!(!driven.feed.ledger().is_waiting());
    }
}
