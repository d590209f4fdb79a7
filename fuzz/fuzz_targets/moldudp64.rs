#![no_main]
//! Any bytes as a MoldUDP64 packet, and packets of any numbers on several lines through the arbiter.
//!
//! What comes out goes forwards without a hole: packets and gaps together are every message from the
//! first sequence seen to the last one told of, and each message is the one that was sent under its
//! number. Nothing that was received is unaccounted for.

use engine::packet::Arrival;
use engine::units::Nanos;
use feed_handlers::arbiter::{Arbiter, Limits, LineId};
use feed_handlers::moldudp64::{
    DownstreamPacket, Header, SessionId, encode_end_of_session, encode_packet,
};
use libfuzzer_sys::fuzz_target;

const SESSION: SessionId = SessionId(*b"000010059B");
const LINES: usize = 3;
const HEADER_BYTES: usize = size_of::<Header>();
/// Bytes that name a packet: line and kind, time, sequence (2), count, cut.
const STEP_BYTES: usize = 6;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, wait, packets_max, bytes_max], rest)) = bytes.split_first_chunk::<4>()
    else {
        return;
    };
    if choice == 0xFF {
        parse(rest);
        return;
    }
    let limits = Limits {
        hole_wait_ns: u64::from(wait),
        packets_max: usize::from(packets_max),
        bytes_max: usize::from(bytes_max) * 16,
    };
    // Streams at the start, in the middle and at the end of the number range.
    let base = [1, 1 << 40, u64::MAX - 40][usize::from(choice % 3)];
    let mut check = Check::new(limits);
    let mut now_ns = 0_i64;
    for step in rest.chunks_exact(STEP_BYTES) {
        let &[what, time, high, low, count, cut] = step else {
            break;
        };
        // Mostly forwards, at times back.
        now_ns += i64::from(time as i8) + 32;
        let distance = u64::from(u16::from_be_bytes([high & 0x03, low]));
        let sequence = if what & 0xf0 == 0xf0 { 0 } else { base.wrapping_add(distance) };
        let datagram = datagram(what, sequence, u16::from(count & 15), cut);
        if let Some(packet) = DownstreamPacket::parse(&datagram) {
            check.push(usize::from(what) % LINES, Nanos(now_ns), &packet);
        }
    }
    check.finish();
});

/// Whatever a datagram holds, its whole messages are inside it and nothing of it is lost.
fn parse(bytes: &[u8]) {
    let Some(packet) = DownstreamPacket::parse(bytes) else {
        assert!(bytes.len() < HEADER_BYTES);
        return;
    };
    assert_eq!(HEADER_BYTES + packet.messages.len() + packet.rest_bytes, bytes.len());
    let mut rest = packet.messages;
    for _ in 0..packet.whole {
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        rest = &rest[2 + length..];
    }
    assert!(rest.is_empty());
    assert!(packet.whole <= packet.kind.claimed());
    assert_eq!(packet.is_damaged(), packet.whole < packet.kind.claimed());
}

/// A datagram whose messages tell their own numbers; possibly cut short.
fn datagram(what: u8, sequence: u64, count: u16, cut: u8) -> Vec<u8> {
    let mut datagram = Vec::new();
    if what & 0x08 != 0 && count == 15 {
        encode_end_of_session(&mut datagram, SESSION, sequence);
        return datagram;
    }
    let numbers: Vec<[u8; 8]> =
        (0..u64::from(count)).map(|i| sequence.wrapping_add(i).to_be_bytes()).collect();
    let messages = numbers.iter().map(<[u8; 8]>::as_slice);
    encode_packet(&mut datagram, SESSION, sequence, messages).expect("few and short messages");
    if what & 0x0c == 0x0c {
        datagram.truncate(HEADER_BYTES + usize::from(cut));
    }
    datagram
}

struct Check {
    limits: Limits,
    arbiter: Arbiter,
    lines: Vec<LineId>,
    /// The first sequence seen, and one past the last one told of.
    stream: Option<(u64, u64)>,
    /// What must come out next; `None` until something is due.
    next: Option<u64>,
    received: u64,
    delivered: u64,
    unsequenced: u64,
    gap_messages: u64,
}

impl Check {
    fn new(limits: Limits) -> Self {
        let mut arbiter = Arbiter::new(limits);
        let lines = (0..LINES).map(|_| arbiter.add_line()).collect();
        Check {
            limits,
            arbiter,
            lines,
            stream: None,
            next: None,
            received: 0,
            delivered: 0,
            unsequenced: 0,
            gap_messages: 0,
        }
    }

    fn push(&mut self, line: usize, at: Nanos, packet: &DownstreamPacket<'_>) {
        let whole = u64::from(packet.whole);
        self.arbiter.push(self.lines[line], at, packet);
        if packet.sequence == 0 {
            if whole > 0 {
                let due = self.arbiter.next_due();
                let Some(Arrival::Packet(given)) = due else {
                    panic!("{due:?} instead of a packet without a number");
                };
                assert_eq!(given.messages, packet.messages);
                assert_eq!(given.sequence.0, self.delivered + self.unsequenced + 1);
                self.unsequenced += whole;
            }
        } else if let Some(end) = packet.sequence.checked_add(whole) {
            self.received += whole;
            let told = packet.sequence.saturating_add(u64::from(packet.kind.claimed()));
            let (_, known_end) = self.stream.get_or_insert((packet.sequence, packet.sequence));
            *known_end = (*known_end).max(end).max(told);
        }
        self.drain();
        assert!(self.arbiter.waiting_packets() <= self.limits.packets_max);
    }

    fn drain(&mut self) {
        let start = self.stream.map(|(start, _)| start);
        while let Some(arrival) = self.arbiter.next_due() {
            let next = self.next.or(start);
            match arrival {
                Arrival::Packet(packet) => {
                    assert_eq!(Some(packet.sequence.0), next, "a packet out of order");
                    let mut number = packet.sequence.0;
                    for message in packet.iter() {
                        assert_eq!(message, number.to_be_bytes(), "another number's message");
                        number += 1;
                    }
                    assert!(number > packet.sequence.0, "an empty packet");
                    self.delivered += number - packet.sequence.0;
                    self.next = Some(number);
                }
                Arrival::Gap { first, end, .. } => {
                    assert_eq!(Some(first.0), next, "a gap out of order");
                    assert!(first < end, "an empty gap");
                    self.gap_messages += end.0 - first.0;
                    self.next = Some(end.0);
                }
                other => panic!("an arbiter does not give {other:?}"),
            }
        }
    }

    fn finish(mut self) {
        self.arbiter.finish();
        self.drain();
        let told = self.stream.map_or(0, |(start, known_end)| known_end - start);
        assert_eq!(self.delivered + self.gap_messages, told, "not every message is accounted for");
        let statistics = self.arbiter.statistics();
        assert_eq!(statistics.delivered, self.delivered + self.unsequenced);
        assert_eq!(statistics.gap_messages, self.gap_messages);
        assert_eq!(self.received, self.delivered + statistics.duplicates + statistics.late);
        for line in &self.lines {
            let line = self.arbiter.line(*line);
            assert!(line.lost <= told && line.duplicates + line.late <= line.messages);
        }
    }
}
