//! A small exchange with lossy lines, servers and snapshots, in simulated time: whatever is lost on
//! the way, the stream is whole in the end.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// Bytes of messages that a server's answer holds.
const ANSWER_BYTES: u64 = 1_400;

/// What an exchange does to a listener.
#[derive(Clone, Copy, Debug)]
struct Impairments {
    /// Of 256: packets lost a line, requests lost, answers lost.
    line_loss: u8,
    server_loss: u8,
    /// Of 256: packets sent twice, packets that come up to 3 ms late.
    repeated: u8,
    delayed: u8,
}

/// A seeded source of chance; a test's, so any will do.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn happens(&mut self, of_256: u8) -> bool {
        self.next() >> 20 & 0xFF < u64::from(of_256)
    }
}

struct Exchange {
    chance: Chance,
    impairments: Impairments,
    /// Sent, not yet arrived: when, by whom, what.
    under_way: VecDeque<(i64, Via, Vec<u8>)>,
    published: u64,
}

impl Exchange {
    fn send(&mut self, at: i64, via: Via, loss: u8, datagram: &[u8]) {
        let copies = if self.chance.happens(self.impairments.repeated) { 2 } else { 1 };
        for _ in 0..copies {
            if self.chance.happens(loss) {
                continue;
            }
            let late = self.chance.happens(self.impairments.delayed);
            let delay = if late { (self.chance.next() % 3_000_000) as i64 } else { 20_000 };
            let place = self.under_way.partition_point(|(when, ..)| *when <= at + delay);
            self.under_way.insert(place, (at + delay, via, datagram.to_vec()));
        }
    }

    fn publish(&mut self, at: i64) {
        let count = 1 + self.chance.next() % 4;
        let packet = datagram(self.published + 1, count);
        self.published += count;
        for line in 0..2 {
            self.send(at, Via::Line(line), self.impairments.line_loss, &packet);
        }
    }

    fn answer(&mut self, at: i64, server: usize, first: u64, count: u16) {
        if self.chance.happens(self.impairments.server_loss) || first > self.published {
            return;
        }
        let count = u64::from(count).min(self.published + 1 - first).min(ANSWER_BYTES / 10);
        let loss = self.impairments.server_loss;
        self.send(at + 50_000, Via::Server(server), loss, &datagram(first, count));
    }
}

/// Runs `packets` packets through a feed to the end of the session.
fn run(settings: FeedSettings, impairments: Impairments, seed: u64, packets: u32) -> Driven {
    let mut exchange = Exchange {
        chance: Chance(seed | 1),
        impairments,
        under_way: VecDeque::new(),
        published: 0,
    };
    let mut driven = Driven::new(settings);
    let mut answered = 0;
    for tick in 0..2_000_000_i64 {
        let at = tick * 100_000;
        if tick < i64::from(packets) {
            exchange.publish(at);
        } else if tick % 100 == 0 {
            let end = end_of_session(exchange.published + 1);
            (0..2).for_each(|line| exchange.send(at, Via::Line(line), 0, &end));
        }
        while let Some((when, via, datagram)) = exchange.under_way.pop_front() {
            if when > at {
                exchange.under_way.push_front((when, via, datagram));
                break;
            }
            driven.pass_to(when.max(driven.now.0));
            driven.receive(via, &datagram);
        }
        driven.pass_to(at);
        while let Some(out) = driven.out.get(answered) {
            answered += 1;
            match *out {
                Out::Request { server, first, count } => exchange.answer(at, server, first, count),
                Out::Fetch => {
                    let next = Sequence(exchange.published + 1);
                    driven.feed.snapshot_message(b"whole");
                    driven.feed.snapshot_end(next, driven.now);
                    driven.drain();
                }
                _ => {}
            }
        }
        if driven.feed.state() == FeedState::Ended {
            let ended = Notice::Ended { next: Sequence(exchange.published + 1) };
            assert!(driven.out.contains(&Out::Notice(ended)));
            return driven;
        }
    }
    panic!("the session does not end");
}

fn any_impairments() -> impl Strategy<Value = Impairments> {
    (0_u8..100, 0_u8..60, 0_u8..60, 0_u8..120).prop_map(
        |(line_loss, server_loss, repeated, delayed)| Impairments {
            line_loss,
            server_loss,
            repeated,
            delayed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Lines and servers lose up to a third: with patient requests the stream is the lossless one.
    #[test]
    fn with_retransmission_a_lossless_stream_comes_out(
        impairments in any_impairments(), seed in any::<u64>(),
    ) {
        let timings = Timings { tries_max: 1_000, ..Timings::default() };
        let driven = run(FeedSettings { servers: 2, timings, ..settings() }, impairments, seed, 300);
        let mut driven = driven;
        let end = driven.feed.next_sequence().unwrap().0;
        prop_assert_eq!(driven.take_stream(), messages(1..end));
        let counts = driven.feed.ledger().counts();
        prop_assert_eq!(counts.opened, counts.healed_by_line + counts.healed_by_retransmit);
    }

    /// Without servers: each gap is followed by a snapshot that begins after it, and none is open at
    /// the end.
    #[test]
    fn with_snapshots_every_gap_is_healed(
        impairments in any_impairments(), seed in any::<u64>(),
    ) {
        let mut driven =
            run(FeedSettings { has_snapshots: true, ..settings() }, impairments, seed, 300);
        let counts = driven.feed.ledger().counts();
        prop_assert_eq!(counts.open, 0, "{:?}", counts);
        let mut next = 1;
        let mut is_suspect = false;
        for out in driven.take_stream() {
            match out {
                Out::Message(number) => { prop_assert_eq!(number, next); next += 1; }
                Out::Lost(number) => { prop_assert_eq!(number, next); next += 1; is_suspect = true; }
                Out::Piece(at, ..) => { prop_assert_eq!(at, next); is_suspect = false; }
                _ => {}
            }
        }
        prop_assert!(!is_suspect);
    }
}

/// After a restart the feed is far behind: hundreds of thousands of messages are asked for while the
/// live ones wait, as fast as answers of one datagram allow.
#[test]
fn a_long_backfill_is_done_in_few_round_trips() {
    let mut driven = Driven::new(FeedSettings { servers: 1, ..settings() });
    let end = 300_001;
    driven.line(0, &datagram(end, 1));
    driven.pass_to(2 * MS);
    let (mut trips, mut requests) = (0, 0);
    while driven.feed.state() == FeedState::Backfill {
        trips += 1;
        let asked = driven.take().into_iter().filter_map(|out| match out {
            Out::Request { first, count, .. } => Some((first, u64::from(count))),
            _ => None,
        });
        driven.now = Nanos(driven.now.0 + 100_000);
        for (first, count) in asked.collect::<Vec<_>>() {
            requests += 1;
            driven.server(0, &datagram(first, count.min(ANSWER_BYTES / 10)));
        }
        assert!(trips < 1_000, "{:?} after {requests} requests", driven.feed.next_sequence());
    }
    assert_eq!(driven.feed.next_sequence(), Some(Sequence(end + 1)));
    assert!(requests < 3_000, "{requests} for at least {}", end / 140);
    assert!(trips < 150, "{trips} round trips");
    assert_eq!(driven.feed.ledger().counts().healed_by_retransmit, 1);
}
