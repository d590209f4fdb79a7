#![no_main]
//! Any datagrams of two lines and two servers, any snapshots, any passing of time, through a MoldUDP64
//! session.
//!
//! What comes out goes forwards without a hole: each message is the one sent under its number, and
//! packets and gaps follow each other. A snapshot is given out in one go, where the stream has come to
//! its next message. What waits is bounded, waits lie ahead, and time alone brings everything to rest.

use engine::units::{Nanos, Sequence};
use feed_handlers::moldudp64::session::{FeedLimits, FeedSettings, MoldFeed, Step, Timings, Via};
use feed_handlers::moldudp64::{Header, SessionId, encode_end_of_session, encode_packet};
use libfuzzer_sys::fuzz_target;

const SESSION: SessionId = SessionId(*b"000010059B");
/// Bytes that name a step: what, time, sequence (2), count, cut.
const STEP_BYTES: usize = 6;
const HEADER_BYTES: usize = size_of::<Header>();
/// A message of a sender that does not number them.
const UNNUMBERED: &[u8] = b"no number";
const SECOND: i64 = 1_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, packets_max, bytes_max], rest)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    // Streams at the start, in the middle and at the end of the number range.
    let base = [1, 1 << 40, u64::MAX - 400][usize::from(choice % 3)];
    let packets_max = usize::from(packets_max);
    let settings = FeedSettings {
        session: (choice & 0x10 == 0).then_some(SESSION),
        next: (choice & 0x20 == 0).then_some(Sequence(base)),
        lines: 2,
        servers: if choice & 0x40 == 0 { 2 } else { 0 },
        has_snapshots: choice & 0x80 == 0,
        limits: FeedLimits {
            packets_max,
            bytes_max: usize::from(bytes_max) * 16,
            snapshot_bytes_max: 200,
            request_messages_max: 20,
            requests_in_flight_max: 4,
            ahead_max: 100,
            jump_max: 1_000,
        },
        timings: Timings { tries_max: 3, snapshot_wait_ns: 300_000_000, ..Timings::default() },
        ..FeedSettings::default()
    };
    let mut check = Check::new(settings);
    for step in rest.chunks_exact(STEP_BYTES) {
        let &[what, time, high, low, count, cut] = step else {
            break;
        };
        // Up to 65 ms, so that every wait is met.
        check.pass(i64::from(time) * i64::from(time) * 1_000);
        let distance = u64::from(u16::from_be_bytes([high & 0x01, low]));
        let sequence = if what & 0xF0 == 0xF0 { 0 } else { base.wrapping_add(distance) };
        match what & 0x0F {
            13 => check.feed.snapshot_message(&step[..usize::from(count % 6)]),
            14 => check.feed.snapshot_end(Sequence(sequence), check.now),
            15 if count & 1 == 0 => check.feed.snapshot_failed("refused", check.now),
            15 => {
                let next = check.feed.next_sequence().unwrap_or_default();
                let ahead = u64::from(cut % 8);
                check.feed.snapshot_end(Sequence(next.0.saturating_add(ahead)), check.now);
            }
            via => {
                let via = match via % 4 {
                    2 if choice & 0x40 == 0 => Via::Server(0),
                    3 if choice & 0x40 == 0 => Via::Server(1),
                    line => Via::Line(usize::from(line % 2)),
                };
                let datagram = datagram(what, sequence, count, cut);
                check.feed.receive(via, check.now, check.now, &datagram);
            }
        }
        check.drain();
        assert!(check.feed.waiting_packets() <= packets_max);
    }
    check.pass(100 * SECOND);
    assert_eq!(check.feed.waiting_packets(), 0);
    assert!(!check.is_giving && !check.feed.ledger().is_waiting());
    let counts = check.feed.ledger().counts();
    let healed = counts.healed_by_line + counts.healed_by_retransmit + counts.healed_by_snapshot;
    assert_eq!(counts.opened, healed + counts.open);
});

/// A datagram whose messages tell their own numbers; possibly of another session, cut short or
/// claiming more.
fn datagram(what: u8, sequence: u64, count: u8, cut: u8) -> Vec<u8> {
    let mut datagram = Vec::new();
    if count == 0xFF {
        encode_end_of_session(&mut datagram, SESSION, sequence);
        return datagram;
    }
    let numbers: Vec<[u8; 8]> =
        (0..u64::from(count & 15)).map(|i| sequence.wrapping_add(i).to_be_bytes()).collect();
    let numbered = |number| if sequence == 0 { UNNUMBERED } else { <[u8; 8]>::as_slice(number) };
    let messages = numbers.iter().map(numbered);
    encode_packet(&mut datagram, SESSION, sequence, messages).expect("few and short messages");
    match what & 0xE0 {
        0xA0 => datagram.truncate(usize::from(cut)),
        0xC0 => {
            let claimed = u16::from(cut) << 8 | 1;
            datagram[HEADER_BYTES - 2..HEADER_BYTES].copy_from_slice(&claimed.to_be_bytes());
        }
        0x80 => datagram[9] = cut,
        _ => {}
    }
    datagram
}

struct Check {
    feed: MoldFeed,
    now: Nanos,
    until: Option<Nanos>,
    /// What must come out next; `None` until something has.
    next: Option<u64>,
    is_giving: bool,
}

impl Check {
    fn new(settings: FeedSettings) -> Self {
        let next = settings.next.map(|next| next.0);
        let feed = MoldFeed::new(settings);
        let mut check = Check { feed, now: Nanos(0), until: None, next, is_giving: false };
        check.drain();
        check
    }

    /// Lets time pass, with every wait on the way.
    fn pass(&mut self, wait_ns: i64) {
        let to = Nanos(self.now.0 + wait_ns);
        while let Some(until) = self.until.filter(|until| *until <= to) {
            assert!(until > self.now, "a wait lies ahead");
            self.now = until;
            self.drain();
        }
        self.now = to;
        self.drain();
    }

    fn drain(&mut self) {
        for step in 0.. {
            assert!(step < 100_000, "a feed comes to rest");
            match self.feed.next(self.now) {
                Step::Packet(packet) => {
                    assert!(!self.is_giving, "a packet within a snapshot");
                    assert!(packet.iter().next().is_some(), "an empty packet");
                    for (message, number) in packet.iter().zip(packet.sequence.0..) {
                        if message != UNNUMBERED {
                            assert!(self.next.is_none_or(|next| next == number), "out of order");
                            assert_eq!(message, number.to_be_bytes(), "another number's message");
                            self.next = Some(number + 1);
                        }
                    }
                }
                Step::Gap { first, end } => {
                    assert!(!self.is_giving, "a gap within a snapshot");
                    assert!(self.next.is_none_or(|next| next == first.0), "a gap out of order");
                    assert!(first < end, "an empty gap");
                    self.next = Some(end.0);
                }
                Step::SnapshotItem(piece) => {
                    assert_eq!(piece.is_first, !self.is_giving);
                    assert!(self.next.is_none_or(|next| next == piece.next.0), "out of place");
                    assert!(piece.messages.len() <= 200);
                    self.is_giving = !piece.is_last;
                }
                Step::Request { server, request } => {
                    assert!(server < 2 && (1..=20).contains(&request.count()));
                    assert!(request.session() == SESSION || self.feed.session().is_some());
                }
                Step::FetchSnapshot | Step::StopSnapshot | Step::Notice(_) => {}
                Step::Wait { until } => {
                    self.until = until;
                    return;
                }
            }
        }
    }
}
