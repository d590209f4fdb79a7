//! The session driven without a socket: by hand, over every interleaving, with servers and snapshots
//! that behave and that do not.

use engine::units::{Nanos, Sequence};

use super::*;
use crate::moldudp64::{encode_end_of_session, encode_heartbeat, encode_packet};

mod by_hand;
mod every_interleaving;
mod exchange;
mod hostile;
mod splice;

const MS: i64 = 1_000_000;
const SESSION: SessionId = SessionId(*b"SESSION  1");

/// What came out of a feed, copied.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Message(u64),
    Lost(u64),
    /// A piece of a snapshot: the next message, first, last, and its content.
    Piece(u64, bool, bool, Vec<u8>),
    Request {
        server: usize,
        first: u64,
        count: u16,
    },
    Fetch,
    Stop,
    Notice(Notice),
}

fn messages(range: core::ops::Range<u64>) -> Vec<Out> {
    range.map(Out::Message).collect()
}

fn lost(range: core::ops::Range<u64>) -> Vec<Out> {
    range.map(Out::Lost).collect()
}

/// A datagram of messages that tell their own numbers.
fn datagram(first: u64, count: u64) -> Vec<u8> {
    let numbers: Vec<[u8; 8]> = (first..first + count).map(u64::to_be_bytes).collect();
    let mut datagram = Vec::new();
    let messages = numbers.iter().map(<[u8; 8]>::as_slice);
    encode_packet(&mut datagram, SESSION, first, messages).unwrap();
    datagram
}

fn heartbeat(next: u64) -> Vec<u8> {
    let mut datagram = Vec::new();
    encode_heartbeat(&mut datagram, SESSION, next);
    datagram
}

fn end_of_session(next: u64) -> Vec<u8> {
    let mut datagram = Vec::new();
    encode_end_of_session(&mut datagram, SESSION, next);
    datagram
}

/// Two lines, message 1 wanted first, and whatever else a test sets.
fn settings() -> FeedSettings {
    FeedSettings {
        session: Some(SESSION),
        next: Some(Sequence(1)),
        lines: 2,
        ..FeedSettings::default()
    }
}

/// A feed and what came out of it.
struct Driven {
    feed: MoldFeed,
    now: Nanos,
    out: Vec<Out>,
    /// What the last `Wait` said.
    until: Option<Nanos>,
    /// The greatest number of packets that waited after a drain.
    waiting_max: usize,
}

impl Driven {
    fn new(settings: FeedSettings) -> Self {
        let feed = MoldFeed::new(settings);
        let mut driven =
            Driven { feed, now: Nanos(0), out: Vec::new(), until: None, waiting_max: 0 };
        driven.drain();
        driven
    }

    fn drain(&mut self) {
        let now = self.now;
        for step in 0.. {
            assert!(step < 1_000_000, "a feed comes to rest");
            match self.feed.next(now) {
                Step::Packet(packet) => {
                    assert!(packet.iter().count() > 0, "no empty packet is given out");
                    for (message, number) in packet.iter().zip(packet.sequence.0..) {
                        assert_eq!(message, number.to_be_bytes(), "content of {number}");
                        self.out.push(Out::Message(number));
                    }
                }
                Step::Gap { first, end } => {
                    assert!(first < end, "no empty gap is given out");
                    self.out.extend((first.0..end.0.min(first.0 + 1_000)).map(Out::Lost));
                }
                Step::SnapshotItem(piece) => {
                    let content = piece.messages.to_vec();
                    self.out.push(Out::Piece(piece.next.0, piece.is_first, piece.is_last, content));
                }
                Step::Request { server, request } => {
                    assert_eq!(request.session(), SESSION);
                    let (first, count) = (request.first(), request.count());
                    self.out.push(Out::Request { server, first, count });
                }
                Step::FetchSnapshot => self.out.push(Out::Fetch),
                Step::StopSnapshot => self.out.push(Out::Stop),
                Step::Notice(notice) => self.out.push(Out::Notice(notice)),
                Step::Wait { until } => {
                    assert!(until.is_none_or(|until| until > now), "a wait lies ahead: {until:?}");
                    self.until = until;
                    break;
                }
            }
        }
        self.waiting_max = self.waiting_max.max(self.feed.waiting_packets());
    }

    fn receive(&mut self, via: Via, datagram: &[u8]) {
        self.feed.receive(via, self.now, self.now, datagram);
        self.drain();
    }

    fn line(&mut self, line: usize, datagram: &[u8]) {
        self.receive(Via::Line(line), datagram);
    }

    fn server(&mut self, server: usize, datagram: &[u8]) {
        self.receive(Via::Server(server), datagram);
    }

    /// Lets time pass up to `to_ns`, with every wait on the way.
    fn pass_to(&mut self, to_ns: i64) {
        while let Some(until) = self.until.filter(|until| until.0 <= to_ns) {
            self.now = until;
            self.drain();
        }
        self.now = Nanos(to_ns);
        self.drain();
    }

    /// What has come out since the last call.
    fn take(&mut self) -> Vec<Out> {
        core::mem::take(&mut self.out)
    }

    /// As [`Driven::take`], the stream alone.
    fn take_stream(&mut self) -> Vec<Out> {
        let is_stream = |out: &Out| matches!(out, Out::Message(_) | Out::Lost(_) | Out::Piece(..));
        self.take().into_iter().filter(is_stream).collect()
    }
}
