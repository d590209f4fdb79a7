//! One rule a test, with times and numbers worked by hand.

use super::*;
use crate::ledger::Outcome;

fn outcomes(driven: &Driven) -> Vec<(u64, u64, Outcome)> {
    let losses = driven.feed.ledger().losses();
    losses.map(|loss| (loss.first.0, loss.end.0, loss.outcome)).collect()
}

#[test]
fn packets_in_order_come_out_at_once_and_the_other_line_adds_nothing() {
    let mut driven = Driven::new(settings());
    assert_eq!(driven.feed.state(), FeedState::Unknown);
    driven.line(0, &datagram(1, 3));
    assert_eq!(driven.take(), messages(1..4));
    assert_eq!(driven.feed.state(), FeedState::Live);
    driven.line(1, &datagram(1, 3));
    driven.line(1, &datagram(3, 3));
    assert_eq!(driven.take(), messages(4..6));
    assert_eq!((driven.feed.line(1).duplicates, driven.feed.line(0).lost), (4, 2));
    assert_eq!(driven.feed.next_sequence(), Some(Sequence(6)));
}

#[test]
fn a_feed_without_a_wanted_sequence_begins_where_it_joins() {
    let mut driven = Driven::new(FeedSettings { next: None, session: None, ..settings() });
    driven.line(0, b"no packet");
    driven.line(0, &[&datagram(7, 1)[..], b"x"].concat());
    assert_eq!((driven.feed.drops().short_datagrams, driven.feed.drops().not_moldudp64), (1, 1));
    driven.line(0, &datagram(19_009_117, 2));
    let expected = [vec![Out::Notice(Notice::Session(SESSION))], messages(19_009_117..19_009_119)];
    assert_eq!(driven.take(), expected.concat());
    assert_eq!(driven.feed.session(), Some(SESSION));
    assert_eq!(driven.feed.state(), FeedState::Live);
}

#[test]
fn a_hole_without_servers_is_given_up_after_fifty_milliseconds() {
    let mut driven = Driven::new(settings());
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(3, 1));
    driven.pass_to(50 * MS - 1);
    assert_eq!(driven.take(), messages(1..2));
    assert_eq!(driven.feed.state(), FeedState::GapFill);
    driven.pass_to(50 * MS);
    assert_eq!(driven.take(), [lost(2..3), messages(3..4)].concat());
    assert_eq!(outcomes(&driven), [(2, 3, Outcome::GivenUp)]);
    driven.line(1, &datagram(2, 1));
    assert_eq!((driven.feed.statistics().late, driven.take()), (1, vec![]));
    assert_eq!(driven.feed.state(), FeedState::Live);
}

#[test]
fn a_hole_that_the_other_line_fills_in_time_is_no_loss() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(3, 1));
    driven.pass_to(2 * MS - 1);
    driven.line(1, &datagram(2, 1));
    driven.pass_to(100 * MS);
    assert_eq!(driven.take(), messages(1..4), "and nothing was asked for");
    assert_eq!(driven.feed.ledger().counts().opened, 0);
}

#[test]
fn a_hole_that_outlives_the_reordering_is_asked_for_and_healed_without_a_trace() {
    let mut driven = Driven::new(FeedSettings { servers: 2, ..settings() });
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(5, 2));
    driven.pass_to(2 * MS);
    let request = Out::Request { server: 0, first: 2, count: 3 };
    assert_eq!(driven.take(), [messages(1..2), vec![request]].concat());
    driven.server(0, &datagram(2, 3));
    assert_eq!(driven.take(), messages(2..7));
    assert_eq!(outcomes(&driven), [(2, 5, Outcome::Retransmission)]);
    let server = ServerStatistics { requests: 1, answers: 1, messages: 3, timeouts: 0 };
    assert_eq!(driven.feed.server(0), server);
    driven.pass_to(1_000 * MS);
    assert_eq!(driven.take(), []);
}

#[test]
fn an_unanswered_request_goes_to_the_next_server_in_turn_and_is_given_up_after_five() {
    let mut driven = Driven::new(FeedSettings { servers: 2, ..settings() });
    driven.line(0, &datagram(1, 1));
    driven.line(0, &datagram(3, 1));
    driven.take();
    let mut asked = Vec::new();
    for at in [2, 52, 102, 152, 202] {
        driven.pass_to(at * MS);
        let out = driven.take();
        let [Out::Request { server, first: 2, count: 1 }] = out[..] else {
            panic!("{out:?} at {at} ms")
        };
        asked.push(server);
    }
    assert_eq!(asked, [0, 1, 0, 1, 0]);
    driven.pass_to(252 * MS - 1);
    assert_eq!(driven.take(), []);
    driven.pass_to(252 * MS);
    assert_eq!(driven.take(), [lost(2..3), messages(3..4)].concat());
    assert_eq!((driven.feed.server(0).timeouts, driven.feed.server(1).timeouts), (3, 2));
}

#[test]
fn what_an_answer_left_out_is_asked_for_at_once_in_requests_as_long_as_the_answer() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    driven.line(0, &datagram(2_501, 1));
    assert_eq!(driven.feed.state(), FeedState::Backfill);
    driven.pass_to(2 * MS);
    let asked = |first, count| Out::Request { server: 0, first, count };
    assert_eq!(driven.take(), [asked(1, 1_000), asked(1_001, 1_000), asked(2_001, 500)]);
    driven.server(0, &datagram(1, 40));
    let out = driven.take();
    assert_eq!(out[..40], messages(1..41));
    let asked_now: Vec<_> = out[40..].to_vec();
    assert_eq!(asked_now.len(), 24, "960 in forties");
    assert_eq!((&asked_now[0], &asked_now[23]), (&asked(41, 40), &asked(961, 40)));
}

#[test]
fn requests_under_way_are_bounded_and_the_lowest_come_first() {
    let limits = FeedLimits { requests_in_flight_max: 3, ..FeedLimits::default() };
    let mut driven = Driven::new(FeedSettings { servers: 1, limits, ..settings() });
    for first in [2, 4, 6, 8, 10] {
        driven.line(0, &datagram(first, 1));
    }
    driven.pass_to(2 * MS);
    let asked = |first| Out::Request { server: 0, first, count: 1 };
    assert_eq!(driven.take(), [asked(1), asked(3), asked(5)]);
    driven.server(0, &datagram(3, 1));
    assert_eq!(driven.take(), [asked(7)]);
    driven.line(1, &datagram(1, 1));
    assert_eq!(driven.take(), [messages(1..5), vec![asked(9)]].concat());
}

#[test]
fn the_lowest_hole_is_asked_for_though_all_requests_are_those_of_higher_ones() {
    let limits = FeedLimits {
        requests_in_flight_max: 2,
        jump_max: 20,
        ahead_max: 20,
        ..FeedLimits::default()
    };
    let mut driven = Driven::new(FeedSettings { servers: 1, limits, ..settings() });
    driven.line(0, &datagram(1, 1));
    driven.pass_to(1_500 * MS);
    // Too long to be asked for until a line has brought its middle; two short ones behind it.
    (0..16).for_each(|_| driven.line(0, &datagram(40, 1)));
    driven.line(0, &datagram(42, 1));
    driven.line(0, &datagram(44, 1));
    driven.pass_to(1_510 * MS);
    driven.take();
    driven.line(1, &datagram(20, 1));
    let out = driven.take();
    let asked = Out::Request { server: 0, first: 2, count: 18 };
    assert_eq!(out, [asked]);
    driven.server(0, &datagram(2, 18));
    let asked = Out::Request { server: 0, first: 21, count: 19 };
    assert_eq!(driven.take(), [messages(2..21), vec![asked]].concat());
}

#[test]
fn sequences_at_the_end_of_their_range_are_asked_for_without_overflow() {
    let max = u64::MAX;
    let next = Some(Sequence(max - 9));
    let mut driven = Driven::new(FeedSettings { servers: 1, next, ..settings() });
    driven.line(0, &datagram(max - 2, 1));
    driven.line(0, &heartbeat(max));
    driven.pass_to(2 * MS);
    let asked = |first, count| Out::Request { server: 0, first, count };
    assert_eq!(driven.take(), [asked(max - 9, 7), asked(max - 1, 1)]);
    // Messages beyond the greatest number: not even the first of them is believed.
    let mut wrapping = datagram(max - 9, 5);
    wrapping[10..18].copy_from_slice(&(max - 3).to_be_bytes());
    driven.server(0, &wrapping);
    driven.line(0, &wrapping);
    assert_eq!((driven.take(), driven.feed.drops().implausible_jumps), (vec![], 2));
    driven.server(0, &datagram(max - 9, 7));
    driven.server(0, &datagram(max - 1, 1));
    assert_eq!(driven.take(), messages(max - 9..max));
    assert_eq!(driven.feed.waiting_packets(), 0);
}

#[test]
fn progress_gives_a_long_hole_its_patience_back() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    driven.line(0, &datagram(10, 1));
    // A server that sends one message each 200 ms: four tries each time, never five.
    for (number, at) in (1..10).zip(1..) {
        driven.pass_to(200 * at * MS);
        driven.server(0, &datagram(number, 1));
    }
    assert_eq!(driven.take_stream(), messages(1..11));
    assert_eq!(outcomes(&driven), [(1, 10, Outcome::Retransmission)]);
}

#[test]
fn heartbeats_and_the_end_of_session_open_holes() {
    for tells in [heartbeat(4), end_of_session(4)] {
        let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
        driven.line(0, &datagram(1, 1));
        driven.line(0, &tells);
        driven.pass_to(2 * MS);
        let request = Out::Request { server: 0, first: 2, count: 2 };
        assert_eq!(driven.take(), [messages(1..2), vec![request]].concat());
        assert_eq!(driven.feed.state(), FeedState::GapFill);
        driven.server(0, &datagram(2, 2));
        assert_eq!(driven.take(), messages(2..4));
        driven.pass_to(1_400 * MS);
        assert_eq!((driven.take(), driven.feed.state()), (vec![], FeedState::Live));
        driven.line(0, &tells);
        driven.pass_to(1_500 * MS);
        let is_end = tells == end_of_session(4);
        let ended = is_end.then_some(Out::Notice(Notice::Ended { next: Sequence(4) }));
        // Of the other line nothing was heard.
        let silent = (!is_end).then_some(Out::Notice(Notice::LineSilent { line: 1, since: None }));
        assert_eq!(driven.take(), ended.into_iter().chain(silent).collect::<Vec<_>>());
        let state = if is_end { FeedState::Ended } else { FeedState::Live };
        assert_eq!(driven.feed.state(), state);
        driven.line(0, &tells);
        driven.pass_to(1_600 * MS);
        assert_eq!(driven.take(), [], "told once");
    }
}

#[test]
fn a_session_that_ends_with_a_hole_is_over_once_the_hole_is_given_up() {
    let mut driven = Driven::new(settings());
    driven.line(0, &datagram(1, 1));
    driven.line(0, &end_of_session(3));
    driven.pass_to(10_000 * MS);
    let ended = Out::Notice(Notice::Ended { next: Sequence(3) });
    assert_eq!(driven.take(), [messages(1..2), lost(2..3), vec![ended]].concat());
    assert_eq!(driven.until, None, "nothing is waited for any longer");
}

#[test]
fn a_silent_line_and_a_stale_feed_are_told_once_and_so_are_their_ends() {
    let mut driven = Driven::new(settings());
    driven.line(0, &datagram(1, 1));
    driven.pass_to(1_000 * MS);
    driven.line(0, &heartbeat(2));
    driven.take();
    driven.pass_to(1_500 * MS);
    let silent = Out::Notice(Notice::LineSilent { line: 1, since: None });
    assert_eq!(driven.take(), [silent]);
    driven.pass_to(2_500 * MS - 1);
    assert_eq!(driven.take(), []);
    driven.pass_to(9_000 * MS);
    let stale = Out::Notice(Notice::Stale { since: Nanos(1_000 * MS) });
    assert_eq!(driven.take(), [stale]);
    driven.line(1, &heartbeat(2));
    let fresh = Out::Notice(Notice::Fresh { silent_ns: 8_000 * MS as u64 });
    assert_eq!(driven.take(), [fresh, Out::Notice(Notice::LineBack { line: 1 })]);
    let silent = Notice::LineSilent { line: 0, since: Some(Nanos(1_000 * MS)) };
    driven.pass_to(10_000 * MS);
    driven.line(1, &heartbeat(2));
    driven.pass_to(10_500 * MS - 1);
    assert_eq!(driven.take(), [], "it has its time after a silence of all");
    driven.pass_to(10_500 * MS);
    assert_eq!(driven.take(), [Out::Notice(silent)]);
    assert_eq!((driven.feed.line_silences(0), driven.feed.line_silences(1)), (1, 1));
}

#[test]
fn a_feed_that_never_began_is_stale_too() {
    let mut driven = Driven::new(settings());
    driven.pass_to(1_500 * MS);
    assert_eq!(driven.take(), [Out::Notice(Notice::Stale { since: Nanos(0) })]);
}

#[test]
fn the_lead_of_the_line_that_came_first_is_measured_between_equal_packets() {
    let mut driven = Driven::new(settings());
    let mut copy = |line: usize, at_ns: i64, datagram: &[u8]| {
        driven.feed.receive(Via::Line(line), Nanos(at_ns), Nanos(at_ns), datagram);
        driven.now = Nanos(at_ns);
        driven.drain();
    };
    copy(0, 0, &datagram(1, 2));
    copy(1, 700, &datagram(1, 2));
    copy(1, 1_000, &heartbeat(3));
    copy(1, 2_000, &datagram(3, 1));
    copy(0, 2_050, &datagram(3, 1));
    copy(0, 2_060, &datagram(3, 1));
    // Line A was read first, and line B's copy had come before.
    driven.feed.receive(Via::Line(0), Nanos(3_090), Nanos(3_100), &datagram(4, 1));
    driven.now = Nanos(3_100);
    driven.drain();
    driven.feed.receive(Via::Line(1), Nanos(3_060), Nanos(3_100), &datagram(4, 1));
    driven.drain();
    let a = driven.feed.line_lead_ns(0).unwrap();
    assert_eq!((a.len(), a.max() / 10), (1, 70));
    let b = driven.feed.line_lead_ns(1).unwrap();
    assert_eq!((b.len(), b.max(), b.min()), (2, 50, 30));
}

#[test]
fn a_full_buffer_gives_the_oldest_hole_up_and_says_so() {
    let limits = FeedLimits { packets_max: 2, ..FeedLimits::default() };
    let mut driven = Driven::new(FeedSettings { servers: 1, limits, ..settings() });
    for first in [1, 3, 5, 7] {
        driven.line(0, &datagram(first, 1));
    }
    let full = vec![Out::Notice(Notice::BufferFull)];
    let expected = [messages(1..2), full, lost(2..3), messages(3..4)].concat();
    assert_eq!(driven.take(), expected);
    assert_eq!(outcomes(&driven), [(2, 3, Outcome::GivenUp)]);
}

#[test]
fn messages_without_numbers_pass_only_where_none_has_one() {
    let mut unsequenced = datagram(1, 3);
    unsequenced[10..18].fill(0);
    for next in [None, Some(Sequence(1))] {
        let mut driven = Driven::new(FeedSettings { next, ..settings() });
        driven.line(0, &unsequenced);
        assert_eq!(driven.take(), messages(1..4), "numbered by what was given out");
    }
    let mut driven = Driven::new(settings());
    driven.line(0, &datagram(2, 1));
    driven.pass_to(2 * MS);
    driven.line(0, &unsequenced);
    assert_eq!(driven.take(), []);
    assert_eq!(outcomes(&driven), [(1, 2, Outcome::Waiting)], "it fills nothing");
    assert_eq!(driven.feed.drops().unnumbered, 1);
    driven.pass_to(50 * MS);
    assert_eq!(driven.take(), [lost(1..2), messages(2..3)].concat());
}

#[test]
fn timings_may_change_while_a_hole_stands() {
    let mut driven = Driven::new(settings());
    driven.line(0, &datagram(2, 1));
    driven.pass_to(20 * MS);
    let timings = Timings { hole_wait_ns: 30 * MS as u64, ..Timings::default() };
    driven.feed.set_timings(timings);
    driven.drain();
    assert_eq!(driven.until, Some(Nanos(30 * MS)));
    driven.pass_to(30 * MS);
    assert_eq!(driven.take(), [lost(1..2), messages(2..3)].concat());
}
