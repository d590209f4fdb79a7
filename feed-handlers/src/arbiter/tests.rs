use engine::units::FeedId;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::moldudp64::SessionId;

const MS: i64 = 1_000_000;
const SESSION: SessionId = SessionId(*b"SESSION  1");

/// A packet by its parts; each message is its own number, so that content can be checked.
#[derive(Clone, Copy, Debug)]
struct Sent {
    line: usize,
    at_ns: i64,
    first: u64,
    whole: u16,
    kind: PacketKind,
}

impl Sent {
    fn messages(line: usize, at_ns: i64, first: u64, count: u16) -> Self {
        let kind = match count {
            0 => PacketKind::Heartbeat,
            count => PacketKind::Messages(count),
        };
        Sent { line, at_ns, first, whole: count, kind }
    }

    fn blocks(&self) -> Vec<u8> {
        let numbers = (0..u64::from(self.whole)).map(|i| self.first.wrapping_add(i));
        numbers.flat_map(block).collect()
    }
}

fn block(number: u64) -> Vec<u8> {
    [&[0, 8][..], &number.to_be_bytes()].concat()
}

/// What came out: a number and whether it was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    Message(u64),
    Lost(u64),
}

fn drain(arbiter: &mut Arbiter, out: &mut Vec<Out>) {
    while let Some(arrival) = arbiter.next_due() {
        match arrival {
            Arrival::Packet(packet) => {
                assert!(packet.iter().count() > 0, "no empty packet is given out");
                for (i, message) in packet.iter().enumerate() {
                    let number = packet.sequence.0 + i as u64;
                    assert_eq!(message, number.to_be_bytes(), "content of {number}");
                    out.push(Out::Message(number));
                }
            }
            Arrival::Gap { first, end, .. } => {
                assert!(first < end, "no empty gap is given out");
                out.extend((first.0..end.0).map(Out::Lost));
            }
            other => panic!("an arbiter does not give {other:?}"),
        }
    }
}

struct Run {
    out: Vec<Out>,
    lines: [LineStatistics; 2],
    arbiter: Arbiter,
}

fn run(limits: Limits, sent: &[Sent]) -> Run {
    let mut arbiter = Arbiter::new(limits);
    let lines = [arbiter.add_line(), arbiter.add_line()];
    let mut out = Vec::new();
    for packet in sent {
        let blocks = packet.blocks();
        let parsed = DownstreamPacket {
            session: SESSION,
            sequence: packet.first,
            kind: packet.kind,
            messages: &blocks,
            whole: packet.whole,
            rest_bytes: 0,
        };
        arbiter.push(lines[packet.line], Nanos(packet.at_ns), &parsed);
        drain(&mut arbiter, &mut out);
        assert!(arbiter.waiting_packets() <= limits.packets_max);
        assert!(arbiter.held.bytes() <= limits.bytes_max);
        assert!(arbiter.holes.len() <= limits.packets_max.max(1));
    }
    arbiter.finish();
    drain(&mut arbiter, &mut out);
    assert_eq!(arbiter.next_due(), None);
    Run { out, lines: lines.map(|line| arbiter.line(line)), arbiter }
}

fn messages(range: core::ops::Range<u64>) -> Vec<Out> {
    range.map(Out::Message).collect()
}

fn lost(range: core::ops::Range<u64>) -> Vec<Out> {
    range.map(Out::Lost).collect()
}

#[test]
fn the_first_sequence_seen_opens_no_gap() {
    let run = run(Limits::default(), &[Sent::messages(0, 0, 19_009_117, 38)]);
    assert_eq!(run.out, messages(19_009_117..19_009_155));
    assert_eq!(run.arbiter.statistics().gap_messages, 0);
}

#[test]
fn the_second_line_s_packets_are_duplicates() {
    let sent = [
        Sent::messages(0, 0, 5, 2),
        Sent::messages(1, 1, 5, 2),
        Sent::messages(1, 2, 7, 1),
        Sent::messages(0, 3, 7, 1),
    ];
    let run = run(Limits::default(), &sent);
    assert_eq!(run.out, messages(5..8));
    assert_eq!(run.arbiter.statistics().duplicates, 3);
    let expected =
        LineStatistics { packets: 2, messages: 3, duplicates: 1, ..LineStatistics::default() };
    assert_eq!(run.lines[0], expected);
    assert_eq!(run.lines[1].duplicates, 2);
}

#[test]
fn an_overlapping_packet_is_applied_from_its_first_new_message() {
    let sent = [Sent::messages(0, 0, 1, 4), Sent::messages(1, 1, 3, 4)];
    let run = run(Limits::default(), &sent);
    assert_eq!(run.out, messages(1..7));
    assert_eq!(run.arbiter.statistics().duplicates, 2);
}

#[test]
fn a_packet_ahead_waits_until_the_other_line_fills_the_hole() {
    let sent =
        [Sent::messages(0, 0, 1, 1), Sent::messages(0, MS, 4, 2), Sent::messages(1, 2 * MS, 1, 3)];
    let run = run(Limits::default(), &sent);
    assert_eq!(run.out, messages(1..6));
    assert_eq!(run.lines[0].lost, 2);
    assert_eq!(run.lines[1].lost, 2, "4 and 5 came on the first line only");
}

#[test]
fn a_hole_filled_at_fifty_milliseconds_is_no_gap_and_a_nanosecond_later_it_is() {
    for (late_ns, filled) in [(50 * MS, true), (50 * MS + 1, false)] {
        let sent = [
            Sent::messages(0, 0, 1, 1),
            Sent::messages(0, 7, 3, 1),
            Sent::messages(1, 7 + late_ns, 2, 1),
        ];
        let run = run(Limits::default(), &sent);
        let statistics = run.arbiter.statistics();
        if filled {
            assert_eq!(run.out, messages(1..4));
            assert_eq!((statistics.gaps, statistics.late), (0, 0));
        } else {
            assert_eq!(run.out, [messages(1..2), lost(2..3), messages(3..4)].concat());
            assert_eq!((statistics.gap_messages, statistics.late), (1, 1));
            assert_eq!(run.lines[1].late, 1);
            assert_eq!(statistics.duplicates, 0);
        }
    }
}

#[test]
fn each_hole_waits_from_when_it_was_noticed() {
    let sent = [
        Sent::messages(0, 0, 1, 1),
        Sent::messages(0, 0, 3, 1),
        Sent::messages(0, 40 * MS, 5, 1),
        Sent::messages(1, 60 * MS, 3, 1),
        Sent::messages(1, 70 * MS, 4, 1),
    ];
    let run = run(Limits::default(), &sent);
    let expected = [messages(1..2), lost(2..3), messages(3..6)].concat();
    assert_eq!(run.out, expected);
}

#[test]
fn a_packet_that_begins_in_a_hole_given_up_counts_from_behind_it() {
    let sent =
        [Sent::messages(0, 0, 1, 1), Sent::messages(0, 0, 4, 1), Sent::messages(1, 51 * MS, 2, 5)];
    let run = run(Limits::default(), &sent);
    assert_eq!(run.out, [messages(1..2), lost(2..4), messages(4..7)].concat());
    let statistics = run.arbiter.statistics();
    assert_eq!((statistics.late, statistics.duplicates), (2, 1));
}

#[test]
fn time_is_the_greatest_seen_so_an_older_capture_time_undoes_nothing() {
    let sent = [
        Sent::messages(0, 100 * MS, 1, 1),
        Sent::messages(1, 0, 3, 1),
        Sent::messages(0, 120 * MS, 2, 1),
    ];
    assert_eq!(run(Limits::default(), &sent).out, messages(1..4));
}

#[test]
fn a_heartbeat_or_an_end_of_session_opens_a_hole() {
    for kind in [PacketKind::Heartbeat, PacketKind::EndOfSession] {
        let tells = Sent { kind, ..Sent::messages(0, MS, 4, 0) };
        let filled = [Sent::messages(0, 0, 1, 1), tells, Sent::messages(1, 2 * MS, 2, 2)];
        let filled = run(Limits::default(), &filled);
        assert_eq!(filled.out, messages(1..4));
        let open = run(Limits::default(), &[Sent::messages(0, 0, 1, 1), tells]);
        assert_eq!(open.out, [messages(1..2), lost(2..4)].concat());
        assert_eq!(open.lines[0].lost, 2);
        assert_eq!(open.arbiter.end_of_session(), kind == PacketKind::EndOfSession);
    }
}

#[test]
fn a_heartbeat_as_the_first_packet_sets_the_expectation_and_opens_no_gap() {
    let sent = [Sent::messages(0, 0, 9, 0), Sent::messages(0, 1, 10, 1)];
    let followed = run(Limits::default(), &sent);
    assert_eq!(followed.out, [lost(9..10), messages(10..11)].concat());
    let alone = run(Limits::default(), &[Sent::messages(0, 0, 9, 0)]);
    assert_eq!(alone.out, []);
}

#[test]
fn what_a_damaged_packet_claims_but_does_not_hold_is_a_hole_for_the_other_line() {
    let damaged = Sent { kind: PacketKind::Messages(5), ..Sent::messages(0, 0, 1, 2) };
    let healed = run(Limits::default(), &[damaged, Sent::messages(1, MS, 1, 5)]);
    assert_eq!(healed.out, messages(1..6));
    assert_eq!((healed.lines[0].lost, healed.lines[1].lost), (3, 0));
    let alone = run(Limits::default(), &[damaged]);
    assert_eq!(alone.out, [messages(1..3), lost(3..6)].concat());
}

#[test]
fn sequence_zero_is_always_delivered_and_numbered_by_count() {
    let sent = [Sent::messages(0, 0, 0, 0), Sent::messages(0, 0, 0, 2), Sent::messages(1, 0, 0, 2)];
    let mut arbiter = Arbiter::new(Limits::default());
    let line = arbiter.add_line();
    let mut sequences = Vec::new();
    for packet in sent {
        let blocks = packet.blocks();
        let parsed = DownstreamPacket {
            session: SESSION,
            sequence: 0,
            kind: packet.kind,
            messages: &blocks,
            whole: packet.whole,
            rest_bytes: 0,
        };
        arbiter.push(line, Nanos(0), &parsed);
        while let Some(arrival) = arbiter.next_due() {
            let Arrival::Packet(packet) = arrival else { panic!("{arrival:?}") };
            assert_eq!(packet.iter().count(), 2);
            sequences.push(packet.sequence.0);
        }
    }
    assert_eq!(sequences, [1, 3]);
    let statistics = arbiter.statistics();
    assert_eq!((statistics.delivered, statistics.duplicates), (4, 0));
}

#[test]
fn a_full_buffer_gives_up_the_oldest_hole_only() {
    let limits = Limits { packets_max: 2, ..Limits::default() };
    let sent = [
        Sent::messages(0, 0, 1, 1),
        Sent::messages(0, 0, 3, 1),
        Sent::messages(0, 0, 5, 1),
        Sent::messages(0, 0, 7, 1),
        Sent::messages(1, 0, 2, 1),
        Sent::messages(1, 0, 4, 1),
    ];
    let by_packets = run(limits, &sent);
    let expected = [messages(1..2), lost(2..3), messages(3..6), lost(6..7), messages(7..8)];
    assert_eq!(by_packets.out, expected.concat());
    let limits = Limits { bytes_max: 29, ..Limits::default() };
    assert_eq!(run(limits, &sent).out, expected.concat());
}

#[test]
fn heartbeats_alone_cannot_fill_the_memory() {
    let limits = Limits { packets_max: 3, ..Limits::default() };
    let sent: Vec<_> = (1..200).map(|i| Sent::messages(0, i, 2 * i as u64, 0)).collect();
    assert_eq!(run(limits, &sent).out, lost(2..398));
}

#[test]
fn sequences_at_the_end_of_their_range_neither_overflow_nor_panic() {
    let max = u64::MAX;
    let sent = [
        Sent::messages(0, 0, max - 4, 2),
        Sent::messages(0, 0, max - 1, 1),
        Sent::messages(1, 0, max, 1),
        Sent::messages(1, 0, max - 1, 9),
        Sent::messages(1, 0, max, 0),
        Sent { kind: PacketKind::Messages(65_534), ..Sent::messages(1, 0, max - 2, 1) },
    ];
    let run = run(Limits::default(), &sent);
    assert_eq!(run.out, messages(max - 4..max));
    assert_eq!(run.arbiter.statistics().overflowing_packets, 2);
}

#[test]
fn a_jump_over_the_whole_range_is_one_gap() {
    let mut arbiter = Arbiter::new(Limits::default());
    let line = arbiter.add_line();
    for packet in [Sent::messages(0, 0, 1, 1), Sent::messages(0, 0, u64::MAX, 0)] {
        let blocks = packet.blocks();
        let parsed = DownstreamPacket {
            session: SESSION,
            sequence: packet.first,
            kind: packet.kind,
            messages: &blocks,
            whole: packet.whole,
            rest_bytes: 0,
        };
        arbiter.push(line, Nanos(0), &parsed);
        while arbiter.next_due().is_some() {}
    }
    arbiter.finish();
    let gap = Arrival::Gap { feed: FeedId(0), first: Sequence(2), end: Sequence(u64::MAX) };
    assert_eq!(arbiter.next_due(), Some(gap));
    assert_eq!(arbiter.statistics().gap_messages, u64::MAX - 2);
    assert_eq!(arbiter.line(line).lost, u64::MAX - 2);
}

/// The arbiter's rules message by message, without buffers or bounds: slow and plain.
#[derive(Default)]
struct Reference {
    now: i64,
    start: Option<u64>,
    expected: u64,
    known_end: u64,
    have: BTreeMap<u64, bool>, // true: here, false: given up
    noticed: BTreeMap<u64, i64>,
    out: Vec<Out>,
    duplicates: u64,
    late: u64,
    brought: [std::collections::BTreeSet<u64>; 2],
}

impl Reference {
    fn push(&mut self, sent: &Sent) {
        self.now = self.now.max(sent.at_ns);
        let expired = |at: &i64| self.now - at > 50 * MS;
        let given_up: Vec<u64> =
            self.noticed.iter().filter(|(_, at)| expired(at)).map(|(n, _)| *n).collect();
        for number in given_up {
            self.noticed.remove(&number);
            self.have.insert(number, false);
        }
        let start = *self.start.get_or_insert(sent.first);
        if self.expected == 0 {
            self.expected = start;
            self.known_end = start;
        }
        for number in sent.first..sent.first + u64::from(sent.whole) {
            self.brought[sent.line].insert(number);
            match self.have.get(&number) {
                _ if number < start => self.late += 1,
                Some(true) => self.duplicates += 1,
                Some(false) => self.late += 1,
                None => {
                    self.have.insert(number, true);
                    self.noticed.remove(&number);
                }
            }
        }
        let end = sent.first + u64::from(sent.kind.claimed().max(sent.whole));
        for number in self.known_end..end.max(self.known_end) {
            if !self.have.contains_key(&number) {
                self.noticed.insert(number, self.now);
            }
        }
        self.known_end = self.known_end.max(end);
        self.give_out();
    }

    fn give_out(&mut self) {
        while let Some(here) = self.have.get(&self.expected) {
            self.out.push(match here {
                true => Out::Message(self.expected),
                false => Out::Lost(self.expected),
            });
            self.expected += 1;
        }
    }

    fn finish(&mut self) {
        for (number, _) in core::mem::take(&mut self.noticed) {
            self.have.insert(number, false);
        }
        self.give_out();
    }

    fn lost(&self, line: usize) -> u64 {
        let start = self.start.unwrap_or(0);
        let known = start..self.known_end;
        known.filter(|n| !self.brought[line].contains(n)).count() as u64
    }
}

prop_compose! {
    fn any_sent()(
        line in 0_usize..2, step_ms in 0_i64..30, back_ms in 0_i64..10,
        first in 1_u64..40, whole in 0_u16..5, torn in prop::option::weighted(0.2, 1_u16..4),
    ) -> (i64, Sent) {
        let mut sent = Sent::messages(line, -back_ms * MS, first, whole);
        if let Some(torn) = torn {
            sent.kind = PacketKind::Messages(whole + torn);
        }
        (step_ms, sent)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_packets_come_out_as_the_rules_say_message_by_message(
        steps in prop::collection::vec(any_sent(), 0..40),
    ) {
        let mut now = 1_000 * MS;
        let sent: Vec<Sent> = steps.into_iter().map(|(step_ms, sent)| {
            now += step_ms * MS;
            Sent { at_ns: now + sent.at_ns, ..sent }
        }).collect();
        let mut reference = Reference::default();
        sent.iter().for_each(|sent| reference.push(sent));
        reference.finish();
        let run = run(Limits::default(), &sent);
        prop_assert_eq!(&run.out, &reference.out);
        let statistics = run.arbiter.statistics();
        prop_assert_eq!(statistics.duplicates, reference.duplicates);
        prop_assert_eq!(statistics.late, reference.late);
        let seen = [0, 1].map(|line| sent.iter().any(|sent| sent.line == line));
        for (line, seen) in seen.into_iter().enumerate() {
            let lost = if seen { reference.lost(line) } else { 0 };
            prop_assert_eq!(run.lines[line].lost, lost, "line {}", line);
        }
    }

    /// Two lines carry one stream in packets cut apart; each loses, repeats and reorders. Whatever
    /// the bounds, gaps and messages partition the range; within them nothing that came is lost.
    #[test]
    fn gaps_and_messages_partition_the_range_and_what_came_is_not_lost(
        cuts in prop::collection::vec((1_u16..4, 0_u8..4, 0_u8..4), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        packets_max in prop_oneof![Just(usize::MAX), 0_usize..4],
    ) {
        // Per packet: its line A and line B copies: 0 none, 1 and 2 once, 3 twice.
        let mut sent = Vec::new();
        let mut first = 1;
        for (count, a, b) in &cuts {
            for (line, copies) in [(0, *a), (1, *b)] {
                let copies = match copies { 0 => 0, 1 | 2 => 1, _ => 2 };
                sent.extend((0..copies).map(|_| Sent::messages(line, 0, first, *count)));
            }
            first += u64::from(*count);
        }
        for (i, other) in order.iter().enumerate() {
            if sent.len() > 1 {
                let (i, other) = (1 + i % (sent.len() - 1), 1 + other.index(sent.len() - 1));
                sent.swap(i, other);
            }
        }
        let came: std::collections::BTreeSet<u64> = sent.iter()
            .flat_map(|sent| sent.first..sent.first + u64::from(sent.whole)).collect();
        let limits = Limits { packets_max, bytes_max: usize::MAX, ..Limits::default() };
        let out = run(limits, &sent).out;
        let numbers: Vec<u64> = out.iter().map(|out| match out { Out::Message(n) | Out::Lost(n) => *n }).collect();
        match (came.first(), came.last()) {
            (Some(first), Some(last)) => {
                prop_assert!(numbers.iter().copied().eq(*first..=*last), "{:?}", numbers);
            }
            _ => prop_assert!(numbers.is_empty()),
        }
        for out in &out {
            match out {
                Out::Message(n) => prop_assert!(came.contains(n)),
                Out::Lost(n) => prop_assert!(packets_max < 4 || !came.contains(n), "{n} came"),
            }
        }
    }
}
