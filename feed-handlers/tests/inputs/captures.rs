//! Captures made by hand: lines, sessions, gaps and what is passed over.

use engine::packet::{Arrival, Source as _};
use engine::units::Nanos;
use feed_handlers::input::{FaultClass, Format, InputError};
use feed_handlers::moldudp64::{SessionId, encode_end_of_session, encode_heartbeat, encode_packet};
use proptest::prelude::*;

use crate::feed::{Feed, open, pcap_header, pcap_record, pull, read, udp_frame};

const SESSION: SessionId = SessionId(*b"000010059B");
const OTHER: SessionId = SessionId(*b"000010059C");
const MS: u64 = 1_000_000;

/// Messages `first` up to `end`, each holding its own number.
fn packet(session: SessionId, first: u64, end: u64) -> Vec<u8> {
    let messages: Vec<[u8; 8]> = (first..end).map(u64::to_be_bytes).collect();
    let mut payload = Vec::new();
    encode_packet(&mut payload, session, first, messages.iter().map(|m| &m[..])).unwrap();
    payload
}

/// A capture of (time in ms, line, payload).
fn capture(datagrams: &[(u64, u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = pcap_header();
    for (at_ms, line, payload) in datagrams {
        let frame = udp_frame(*line, payload);
        file.extend(pcap_record(at_ms * MS, &frame, frame.len()));
    }
    file
}

fn numbers(feed: &Feed) -> Vec<u64> {
    let messages = feed.messages();
    for (number, message) in &messages {
        assert_eq!(message[..], number.to_be_bytes());
    }
    messages.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn two_lines_in_two_files_give_each_message_once_in_order() {
    let a = capture(&[(1, 1, packet(SESSION, 1, 3)), (3, 1, packet(SESSION, 5, 6))]);
    let b = capture(&[(2, 2, packet(SESSION, 1, 5)), (4, 2, packet(SESSION, 5, 7))]);
    let mut source = open(&[&a, &b], Format::Auto).unwrap();
    assert_eq!(source.first_capture_time(), Some(Nanos(MS as i64)));
    let (feed, error) = pull(&mut source);
    assert!(error.is_none());
    assert_eq!(numbers(&feed), [1, 2, 3, 4, 5, 6]);
    let times: Vec<i64> = feed.packets.iter().map(|packet| packet.1 / MS as i64).collect();
    assert_eq!(times, [1, 2, 3, 4], "receive time is the capture time");
    let lines = source.lines();
    let statistics: Vec<_> = lines
        .iter()
        .map(|l| (l.statistics.packets, l.statistics.lost, l.statistics.duplicates))
        .collect();
    assert_eq!(statistics, [(2, 3, 0), (2, 0, 3)]);
    assert_eq!(source.counts().duplicate_messages, 3);
}

#[test]
fn a_hole_no_line_fills_is_a_gap_and_no_fault() {
    let file = capture(&[
        (0, 1, packet(SESSION, 1, 2)),
        (1, 1, packet(SESSION, 4, 5)),
        (60, 1, packet(SESSION, 5, 6)),
        (61, 2, packet(SESSION, 2, 4)),
    ]);
    let mut source = open(&[&file], Format::Auto).unwrap();
    let (feed, error) = pull(&mut source);
    assert!(error.is_none());
    assert_eq!(numbers(&feed), [1, 4, 5]);
    assert_eq!(feed.gaps, [(2, 4, 1)]);
    let counts = source.counts();
    assert_eq!((counts.gaps, counts.gap_messages, counts.late_messages), (1, 2, 2));
}

#[test]
fn another_session_ends_the_input_after_all_before_it() {
    let mut heartbeat = Vec::new();
    encode_heartbeat(&mut heartbeat, OTHER, 1);
    for foreign in [packet(OTHER, 3, 4), heartbeat] {
        let first = [(0, 1, packet(SESSION, 1, 2)), (1, 1, packet(SESSION, 3, 4))];
        let offset_bytes = capture(&first).len() as u64;
        let rest = [(2, 2, foreign), (3, 1, packet(SESSION, 4, 5))];
        let file = capture(&[&first[..], &rest].concat());
        let mut source = open(&[&file], Format::Auto).unwrap();
        let (feed, error) = pull(&mut source);
        assert_eq!(numbers(&feed), [1, 3], "what waited for a hole is written too");
        assert_eq!(feed.gaps, [(2, 3, 1)]);
        let error = error.unwrap();
        assert_eq!(error.class(), FaultClass::WrongInput);
        assert!(error.to_string().contains("session `000010059C`, the feed's is `000010059B`"));
        let InputError::ForeignSession { offset_bytes: at, established, found, .. } = error else {
            panic!("{error}")
        };
        assert_eq!((at, established, found), (offset_bytes, SESSION, OTHER));
        assert_eq!(source.counts().foreign_session, 1);
    }
}

#[test]
fn what_looks_like_a_heartbeat_before_the_feed_is_no_session_of_its_own() {
    let noise = |sequence| {
        let mut payload = Vec::new();
        encode_heartbeat(&mut payload, SessionId(*b"keep alive"), sequence);
        payload
    };
    let feed = [(60, 1, packet(SESSION, 1, 3)), (61, 1, packet(SESSION, 3, 4))];
    let before = [(0, 7, noise(1)), (1, 7, noise(9)), (59, 7, noise(9))];
    let mut source = open(&[&capture(&[&before[..], &feed].concat())], Format::Auto).unwrap();
    let (alone, _) = read(&[&capture(&feed)]);
    let (with_noise, error) = pull(&mut source);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(with_noise, alone, "no packet and no gap of the noise");
    assert_eq!(source.session(), Some(SESSION));
    assert_eq!(source.lines().len(), 1);
    let counts = source.counts();
    assert_eq!((counts.not_moldudp64, counts.foreign_session, counts.gaps), (3, 0, 0));
}

#[test]
fn heartbeats_of_the_feed_itself_count_from_the_first() {
    let heartbeat = |next| {
        let mut payload = Vec::new();
        encode_heartbeat(&mut payload, SESSION, next);
        payload
    };
    let beats = [
        (0, 1, heartbeat(5)),
        (60, 1, heartbeat(7)),
        (120, 1, heartbeat(9)),
        (180, 1, heartbeat(9)),
    ];
    let feed = [(181, 1, packet(SESSION, 9, 10))];
    for (file, packets) in [(capture(&[&beats[..], &feed].concat()), 1), (capture(&beats), 0)] {
        let mut source = open(&[&file], Format::Auto).unwrap();
        let (feed, error) = pull(&mut source);
        assert!(error.is_none(), "{error:?}");
        assert_eq!((feed.packets.len(), &feed.gaps[..]), (packets, &[(5, 9, 0)][..]));
        assert_eq!((source.counts().gaps, source.counts().gap_messages), (1, 4));
        assert_eq!((source.session(), source.lines().len()), (Some(SESSION), 1));
    }
}

#[test]
fn one_group_in_two_captures_is_two_lines_and_the_place_of_each_packet_is_known() {
    let a = capture(&[(1, 1, packet(SESSION, 1, 2)), (4, 1, packet(SESSION, 4, 5))]);
    let b = capture(&[
        (2, 1, packet(SESSION, 1, 2)),
        (3, 1, packet(SESSION, 3, 4)),
        (5, 1, packet(SESSION, 2, 3)),
    ]);
    let mut source = open(&[&a, &b], Format::Auto).unwrap();
    assert!(source.packet_origin().is_none());
    let mut places = Vec::new();
    while let Ok(Arrival::Packet(packet)) = source.next() {
        let sequence = packet.sequence.0;
        let origin = source.packet_origin().unwrap();
        places.push((sequence, origin.input.to_owned(), origin.offset_bytes));
    }
    let record = ((capture(&[(1, 1, packet(SESSION, 1, 2))]).len()) - 24) as u64;
    let expected =
        [(1, "0", 24), (2, "1", 24 + 2 * record), (3, "1", 24 + record), (4, "0", 24 + record)];
    assert_eq!(places, expected.map(|(sequence, file, at)| (sequence, file.to_owned(), at)));
    let lines = source.lines();
    let shown: Vec<_> = lines.iter().map(|l| (&*l.capture, l.statistics.packets)).collect();
    assert_eq!(shown, [("0", 2), ("1", 3)]);
    assert_eq!(lines[0].destination, lines[1].destination);
}

#[test]
fn what_is_no_plausible_packet_is_counted_and_passed_over() {
    let mut longer = packet(OTHER, 1, 2);
    longer.push(0);
    let mut torn = packet(OTHER, 1, 2);
    torn.pop();
    let binary = packet(SessionId(*b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a"), 1, 2);
    let others = [longer, torn, binary, b"short".to_vec(), vec![], vec![0; 20]];
    let mut datagrams = vec![(0, 1, vec![0; 20]), (0, 1, packet(SESSION, 1, 2))];
    datagrams.extend(others.map(|other| (1, 1, other)));
    datagrams.push((2, 1, packet(SESSION, 2, 3)));
    let mut file = capture(&datagrams);
    let mut tcp = udp_frame(1, b"data");
    tcp[23] = 6;
    let mut fragment = udp_frame(1, b"data");
    fragment[20] = 0x20;
    let arp = [&[0; 12][..], &[0x08, 0x06], &[0; 28]].concat();
    for frame in [tcp, fragment, arp, vec![0; 13]] {
        file.extend(pcap_record(3 * MS, &frame, frame.len()));
    }
    let mut source = open(&[&file], Format::Auto).unwrap();
    let (feed, error) = pull(&mut source);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(numbers(&feed), [1, 2]);
    let counts = source.counts();
    assert_eq!(counts.not_moldudp64, 7);
    assert_eq!((counts.non_udp, counts.fragments, counts.malformed), (2, 1, 1));
    assert_eq!((counts.frames, counts.datagrams), (13, 9));
}

#[test]
fn a_damaged_packet_gives_its_whole_messages_and_the_fault_comes_last() {
    let mut torn = packet(SESSION, 2, 5);
    torn.truncate(torn.len() - 3);
    let before = [(0, 1, packet(SESSION, 1, 2))];
    let offset_bytes = capture(&before).len() as u64;
    let after = [(1, 1, torn), (2, 1, packet(SESSION, 5, 6))];
    let healed = [(3, 2, packet(SESSION, 2, 5))];
    for (file, expected, gaps) in [
        (capture(&[&before[..], &after].concat()), &[1, 2, 3, 5][..], 1),
        (capture(&[&before[..], &after, &healed].concat()), &[1, 2, 3, 4, 5], 0),
    ] {
        let (feed, error) = read(&[&file]);
        assert_eq!(numbers(&feed), expected);
        assert_eq!(feed.gaps.len(), gaps);
        let Some(InputError::Damaged { offset_bytes: at, .. }) = error else { panic!("{error:?}") };
        assert_eq!(at, offset_bytes);
    }
}

#[test]
fn a_datagram_that_the_capture_cut_off_gives_its_whole_messages_and_a_fault() {
    let mut file = capture(&[(0, 1, packet(SESSION, 1, 2))]);
    let offset_bytes = file.len() as u64;
    let frame = udp_frame(1, &packet(SESSION, 2, 5));
    file.extend(pcap_record(MS, &frame[..frame.len() - 1], frame.len()));
    let mut source = open(&[&file], Format::Auto).unwrap();
    let (feed, error) = pull(&mut source);
    assert_eq!(numbers(&feed), [1, 2, 3]);
    let Some(InputError::Damaged { offset_bytes: at, .. }) = error else { panic!("{error:?}") };
    assert_eq!(at, offset_bytes);
    assert_eq!(source.counts().damaged_packets, 1);
}

#[test]
fn a_capture_torn_in_the_middle_stops_and_the_others_go_on() {
    let mut torn = capture(&[(0, 1, packet(SESSION, 1, 2)), (2, 1, packet(SESSION, 3, 4))]);
    torn.truncate(torn.len() - 1);
    let good = capture(&[(1, 2, packet(SESSION, 2, 4)), (5, 2, packet(SESSION, 4, 5))]);
    for files in [[&torn[..], &good], [&good, &torn]] {
        let (feed, error) = read(&files);
        assert_eq!(numbers(&feed), [1, 2, 3, 4]);
        let error = error.unwrap();
        assert_eq!(error.class(), FaultClass::Damaged, "{error}");
    }
    let (feed, error) = read(&[&pcap_header()[..23], &good]);
    assert_eq!(numbers(&feed), [2, 3, 4]);
    assert_eq!(error.unwrap().class(), FaultClass::Damaged);
}

#[test]
fn an_empty_capture_ends_well_and_one_without_a_feed_does_not() {
    assert_eq!(read(&[&pcap_header()]).1.map(|e| e.to_string()), None);
    let mut frames = pcap_header();
    frames.extend(pcap_record(0, &[0; 60], 60));
    let error = read(&[&frames]).1.unwrap();
    assert!(matches!(error, InputError::NoFeed { frames: 1, datagrams: 0, .. }), "{error}");
    let good = capture(&[(1, 2, packet(SESSION, 2, 4))]);
    assert!(read(&[&frames, &good]).1.is_none(), "one file may be of something else");
}

#[test]
fn an_end_of_session_is_seen_and_opens_the_last_hole() {
    let mut end = Vec::new();
    encode_end_of_session(&mut end, SESSION, 4);
    let file = capture(&[(0, 1, packet(SESSION, 1, 3)), (1, 1, end)]);
    let mut source = open(&[&file], Format::Auto).unwrap();
    let (feed, error) = pull(&mut source);
    assert!(error.is_none() && source.end_of_session());
    assert_eq!(feed.gaps, [(3, 4, 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_line_s_losses_are_healed_by_the_other_however_the_files_are_cut(
        sizes in prop::collection::vec(1_u64..5, 1..20),
        losses in prop::collection::vec(0_u8..3, 20),
        skew_ms in 0_u64..40,
        by_line in any::<bool>(),
    ) {
        let (mut first, mut a, mut b) = (1, Vec::new(), Vec::new());
        for (i, size) in sizes.iter().enumerate() {
            let sent = packet(SESSION, first, first + size);
            // The first packet comes on both lines, each later one at least on one.
            if i == 0 || losses[i] != 1 { a.push((i as u64, 1, sent.clone())); }
            if i == 0 || losses[i] != 2 { b.push((i as u64 + skew_ms, 2, sent)); }
            first += size;
        }
        let (feed, error) = if by_line {
            read(&[&capture(&a), &capture(&b)])
        } else {
            let mut all = [a, b].concat();
            all.sort_by_key(|(at_ms, line, _)| (*at_ms, *line));
            read(&[&capture(&all)])
        };
        prop_assert!(error.is_none());
        prop_assert!(numbers(&feed).into_iter().eq(1..first));
        prop_assert!(feed.gaps.is_empty());
    }
}
