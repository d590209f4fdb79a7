//! The packets of one row, made before its clock starts: bytes, times and order are then fixed.
//!
//! ```text
//!  tape ─► before the row: as cut, not measured ─► the row: one message a packet, or as cut, each
//!                                                   message stamped with the time its packet is due at
//! ```
//! Each packet stands in one piece of memory as a datagram of MoldUDP64: the wire's path sends it, the
//! other takes the messages behind its header. What is before the row fills the books, so that it does not
//! measure an empty market; the first part of the row warms up and is not counted.

use engine::packet::{Packet, whole_messages};
use engine::units::{FeedId, Nanos, Sequence};
use feed_handlers::moldudp64::header::HEADER_BYTES;
use feed_handlers::moldudp64::{SessionId, encode_packet};

use super::cuts::Cut;
use super::open_loop::Due;
use super::rows::Packets;
use super::schedule::Schedule;
use super::stamp::{self, Stamps};
use crate::bench::input::Tape;
use crate::exit::Failure;

/// What the datagrams name as their session.
pub(super) const SESSION: SessionId = SessionId(*b"BENCHLAT01");

/// What of a tape is applied before a row begins: one message in so many.
pub(super) const BEFORE_PARTS: u64 = 8;

/// From a row's zero to its first packet: whoever sends has to hear of the zero.
pub(super) const LEAD_NS: u64 = 20_000_000;

/// How long a row warms up, ns, but for no more than one part of it in [`BEFORE_PARTS`].
pub(super) const WARM_UP_NS: u64 = 500_000_000;

/// See the module.
pub(super) struct Prepared {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// Packets before the row.
    before: usize,
    /// The row's first packet that counts.
    counted: usize,
    midnight: Nanos,
    stamps: Stamps,
    left_out: u64,
}

/// Where a packet begins, and what is known of it.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    sequence: u64,
    due_ns: u64,
}

impl Prepared {
    /// The row of `tape` that goes by `schedule` for `span_ns`, its warm-up included, or until the tape
    /// ends.
    ///
    /// # Errors
    /// The tape has no message for it.
    pub(super) fn new(
        tape: &Tape,
        cuts: &[Cut],
        packets: Packets,
        mut schedule: Schedule,
        span_ns: u64,
    ) -> Result<Prepared, Failure> {
        let first_cut =
            cuts.partition_point(|cut| cut.end_messages <= tape.messages / BEFORE_PARTS);
        let from = |cut: usize| if cut == 0 { 0 } else { cuts[cut - 1].end_bytes };
        let first = whole_messages(&tape.bytes[from(first_cut)..]);
        let first_ns = first.filter_map(stamp::time_of_day_ns).next().unwrap_or(0);
        let stamps = Stamps::of(first_ns, span_ns.saturating_add(LEAD_NS));
        let mut building = Building::new(tape, stamps);
        for (at, cut) in cuts.iter().enumerate() {
            let messages = &tape.bytes[from(at)..cut.end_bytes];
            if at < first_cut {
                building.push(messages, Stamp::Before);
                continue;
            }
            building.begin_row();
            let count = whole_messages(messages).count() as u64;
            let is_in_time = match packets {
                Packets::Recorded => {
                    let due_ns = schedule.next_ns(cut.recv, count);
                    building.push_due(messages, due_ns, span_ns)
                }
                Packets::Single => blocks(messages).all(|block| {
                    let due_ns = schedule.next_ns(cut.recv, 1);
                    building.push_due(block, due_ns, span_ns)
                }),
            };
            if !is_in_time {
                break;
            }
        }
        building.finish().ok_or_else(|| {
            Failure::usage(format_args!("{} has no messages: nothing to measure", tape.name))
        })
    }

    /// Packets before the row, then those of the row.
    pub(super) fn before(&self) -> impl Iterator<Item = Packet<'_>> {
        (0..self.before).map(|at| self.packet(at))
    }

    /// The packets of the row.
    #[inline]
    pub(super) fn row(&self) -> impl Iterator<Item = Due<Packet<'_>>> {
        (self.before..self.packets()).map(|at| self.due(at, self.packet(at)))
    }

    /// The same as datagrams.
    #[inline]
    pub(super) fn datagrams(&self) -> impl Iterator<Item = Due<&[u8]>> {
        (self.before..self.packets()).map(|at| self.due(at, self.datagram(at)))
    }

    /// Number of the row's first message.
    pub(super) fn first_sequence(&self) -> Sequence {
        Sequence(self.spans[self.before].sequence)
    }

    /// Messages of the row's first `packets`.
    pub(super) fn messages_of(&self, packets: usize) -> u64 {
        self.spans[self.before + packets].sequence - self.first_sequence().0
    }

    /// Packets of the row.
    pub(super) fn row_packets(&self) -> usize {
        self.packets() - self.before
    }

    /// Packets of the row that warm up.
    pub(super) fn warm_up_packets(&self) -> usize {
        self.counted - self.before
    }

    /// Messages that are too short for a time: they are left out.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The times in the messages.
    pub(super) fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// When the first packet that counts is due, ns since the row's zero.
    pub(super) fn first_counted_ns(&self) -> u64 {
        self.spans[self.counted].due_ns
    }

    /// When the last packet is due.
    pub(super) fn last_ns(&self) -> u64 {
        self.spans[self.packets() - 1].due_ns
    }

    /// The last span is where the next packet would begin.
    fn packets(&self) -> usize {
        self.spans.len() - 1
    }

    #[inline]
    fn due<T>(&self, at: usize, packet: T) -> Due<T> {
        Due { at_ns: self.spans[at].due_ns, is_counted: at >= self.counted, packet }
    }

    #[inline]
    fn datagram(&self, at: usize) -> &[u8] {
        &self.bytes[self.spans[at].start as usize..self.spans[at + 1].start as usize]
    }

    #[inline]
    fn packet(&self, at: usize) -> Packet<'_> {
        let Span { sequence, due_ns, .. } = self.spans[at];
        let recv = self.midnight.0 + self.stamps.base_ns() as i64 + due_ns as i64;
        Packet {
            feed: FeedId(0),
            sequence: Sequence(sequence),
            recv: Nanos(recv),
            messages: &self.datagram(at)[HEADER_BYTES..],
        }
    }
}

/// The messages of a packet, each with its length before it.
fn blocks(messages: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    whole_messages(messages).map(move |message| {
        let begin = from;
        from += size_of::<u16>() + message.len();
        &messages[begin..from]
    })
}

/// What the messages of a packet are stamped with.
#[derive(Clone, Copy)]
enum Stamp {
    /// Their own time, but none behind the row's zero: they are before it.
    Before,
    /// When the packet is due, ns since the row's zero.
    Due(u64),
}

/// A row in the making.
struct Building {
    prepared: Prepared,
    has_begun: bool,
    next: u64,
    /// The packet that is stamped.
    packet: Vec<u8>,
}

impl Building {
    fn new(tape: &Tape, stamps: Stamps) -> Building {
        let prepared = Prepared {
            bytes: Vec::new(),
            spans: Vec::new(),
            before: 0,
            counted: 0,
            midnight: tape.midnight(),
            stamps,
            left_out: 0,
        };
        Building { prepared, has_begun: false, next: 1, packet: Vec::new() }
    }

    /// What is pushed from now on is of the row.
    fn begin_row(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.prepared.before = self.prepared.spans.len();
        }
    }

    /// Adds a packet due `due_ns` after the first; false, and nothing is added, where the row is over.
    fn push_due(&mut self, messages: &[u8], due_ns: u64, span_ns: u64) -> bool {
        let is_in_time = due_ns < span_ns;
        if is_in_time {
            self.push(messages, Stamp::Due(LEAD_NS + due_ns));
        }
        is_in_time
    }

    fn push(&mut self, messages: &[u8], stamp: Stamp) {
        let Building { prepared, packet, next, .. } = self;
        packet.clear();
        let mut count = 0;
        for message in whole_messages(messages) {
            let Some(own_ns) = stamp::time_of_day_ns(message) else {
                prepared.left_out += 1;
                continue;
            };
            packet.extend_from_slice(&(message.len() as u16).to_be_bytes());
            let begin = packet.len();
            packet.extend_from_slice(message);
            let base_ns = prepared.stamps.base_ns();
            match stamp {
                Stamp::Before => stamp::set_time_of_day(&mut packet[begin..], own_ns.min(base_ns)),
                Stamp::Due(due_ns) => prepared.stamps.set_due(&mut packet[begin..], due_ns),
            }
            count += 1;
        }
        if count == 0 {
            return;
        }
        let due_ns = if let Stamp::Due(due_ns) = stamp { due_ns } else { 0 };
        prepared.spans.push(Span { start: prepared.bytes.len() as u64, sequence: *next, due_ns });
        encode_packet(&mut prepared.bytes, SESSION, *next, whole_messages(packet))
            .expect("Invariant: a packet of an input has lengths and a count of 16 bits");
        *next += count;
    }

    /// The row; `None` where it has no packet.
    fn finish(self) -> Option<Prepared> {
        let Building { mut prepared, has_begun, next, .. } = self;
        let packets = prepared.spans.len();
        if !has_begun || packets == prepared.before {
            return None;
        }
        let row = &prepared.spans[prepared.before..];
        let (first_ns, last_ns) = (row[0].due_ns, row[row.len() - 1].due_ns);
        let warm_up_ns = WARM_UP_NS.min((last_ns - first_ns) / BEFORE_PARTS);
        let warm = row.partition_point(|span| span.due_ns < first_ns + warm_up_ns);
        prepared.counted = prepared.before + warm;
        let start = prepared.bytes.len() as u64;
        prepared.spans.push(Span { start, sequence: next, due_ns: last_ns });
        Some(prepared)
    }
}

#[cfg(test)]
mod tests;
