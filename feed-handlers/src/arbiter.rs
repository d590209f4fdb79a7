//! Lines into one stream: puts the packets of a numbered feed, received on several lines, in order.
//!
//! The caller tells of each packet with its line and capture time ([`Arbiter::push`]), then takes
//! what is now due until there is nothing more ([`Arbiter::next_due`]). The arbiter reads no clock and
//! knows no sockets, so captures and live lines drive the same code. What it keeps is copied, once a
//! packet that has anything new; buffers are recycled.
//!
//! **Order.** The first sequence seen opens no gap. What the stream already has is dropped and
//! counted; a packet that overlaps it is applied from its first new message. A packet ahead of the
//! stream waits in the reorder buffer.
//!
//! **Late.** A hole that no line fills within [`Limits::hole_wait_ns`] of capture time is given up as
//! a gap; messages that come after that are counted as late and dropped. Time is the greatest capture
//! time seen, over all lines.
//!
//! **Full.** When the buffer passes its bounds in packets or bytes, or there are more holes than
//! packets may wait, the oldest hole is given up at once.
//!
//! **Torn.** A packet that claims more messages than it holds gives its whole ones; the rest is a hole
//! that another line may fill. Heartbeats and ends of session tell the next sequence, so they can
//! open a hole too.
//!
//! Sequence 0 means that the sender does not number its messages: they are given out at once, are
//! never duplicates and open no gap; their number is the count of messages given out so far plus 1.

use engine::packet::{Arrival, Packet};
use engine::units::{FeedId, Nanos, Sequence};

use crate::gap::{Hole, Holes};
use crate::moldudp64::{DownstreamPacket, PacketKind};

mod held;
mod line;
mod live;

#[cfg(test)]
mod tests;

use held::{Held, HeldPackets, skip_messages};
use line::Line;
pub use line::LineStatistics;

/// How long a hole may stand, and how much may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Capture time within which a hole must be filled, in nanoseconds.
    pub hole_wait_ns: u64,
    /// Most packets that wait.
    pub packets_max: usize,
    /// Most bytes of messages that wait.
    pub bytes_max: usize,
}

/// 50 ms; 16,384 packets, which at 1,400 bytes is just under 32 MiB.
impl Default for Limits {
    fn default() -> Self {
        Limits { hole_wait_ns: 50_000_000, packets_max: 16_384, bytes_max: 32 * 1024 * 1024 }
    }
}

/// A line of an [`Arbiter`], as [`Arbiter::add_line`] gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineId(usize);

/// What has become of the stream so far, in messages unless named otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStatistics {
    /// Given out.
    pub delivered: u64,
    /// Given up, in gaps that were given out.
    pub gap_messages: u64,
    /// Gaps given out.
    pub gaps: u64,
    /// Dropped because the stream already had them.
    pub duplicates: u64,
    /// Dropped because they came after they were given up, or precede the first sequence seen.
    pub late: u64,
    /// Packets dropped because their last sequence would pass the range of `u64`.
    pub overflowing_packets: u64,
}

/// Where a packet was read, for the caller's own use: the arbiter only hands it back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Number of the input.
    pub(crate) input: usize,
    /// Byte of that input.
    pub(crate) offset_bytes: u64,
}

/// What [`Arbiter::settle`] decided to give out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Gap {
        first: Sequence,
        end: Sequence,
    },
    /// The lent buffer from `start` on.
    Packet {
        sequence: Sequence,
        recv: Nanos,
        start: usize,
    },
}

/// The next sequence to give out, and what is known beyond it.
#[derive(Clone, Copy)]
struct Stream {
    /// The first sequence seen.
    start: u64,
    /// The next one to give out.
    expected: u64,
    /// Below it everything is given out, held or given up; what comes for it is old.
    floor: u64,
    /// One past the last message that is known to exist.
    known_end: u64,
    /// The first sequence that a line brought or told of: from there on lines are held to account.
    lines_start: Option<u64>,
}

/// Puts the packets of one feed in order. See the module.
pub struct Arbiter {
    limits: Limits,
    lines: Vec<Line>,
    now: Nanos,
    stream: Option<Stream>,
    /// Missing between `floor` and `known_end`.
    holes: Holes,
    held: HeldPackets,
    /// Nothing from this sequence on is given out; `u64::MAX` is none.
    barrier: u64,
    /// Given up, not yet given out.
    due: Holes,
    /// Given up lately, to tell late messages from duplicates; the oldest are forgotten.
    given_up: Holes,
    /// A packet without sequence, not yet given out.
    unsequenced: Option<Held>,
    /// What the last arrival borrows.
    lent: Vec<u8>,
    lent_origin: Origin,
    statistics: StreamStatistics,
    end_of_session: bool,
    finished: bool,
    drained: bool,
    /// Whether the owner itself gives holes up, also where too much waits.
    is_guided: bool,
}

impl Arbiter {
    /// An arbiter without lines that has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Arbiter {
            limits,
            lines: Vec::new(),
            now: Nanos(i64::MIN),
            stream: None,
            holes: Holes::default(),
            held: HeldPackets::default(),
            barrier: u64::MAX,
            due: Holes::default(),
            given_up: Holes::default(),
            unsequenced: None,
            lent: Vec::new(),
            lent_origin: Origin::default(),
            statistics: StreamStatistics::default(),
            end_of_session: false,
            finished: false,
            drained: true,
            is_guided: false,
        }
    }

    /// Adds a line.
    pub fn add_line(&mut self) -> LineId {
        self.lines.push(Line::default());
        LineId(self.lines.len() - 1)
    }

    /// A packet was received on `line` at capture time `at`. Session ids are not looked at.
    ///
    /// # Panics
    /// If `line` is another arbiter's, or [`Arbiter::next_due`] was not asked until it gave `None`.
    #[inline]
    pub fn push(&mut self, line: LineId, at: Nanos, packet: &DownstreamPacket<'_>) {
        self.push_from(Origin::default(), line, at, packet);
    }

    /// As [`Arbiter::push`]; [`Arbiter::origin`] tells `origin` again once the packet is given out.
    #[inline]
    pub(crate) fn push_from(
        &mut self,
        origin: Origin,
        line: LineId,
        at: Nanos,
        packet: &DownstreamPacket<'_>,
    ) {
        self.advance(at);
        self.take(origin, Some(line), at, packet);
    }

    /// As [`Arbiter::push_from`], at the time that was told before; without a line the packet counts
    /// for none.
    #[inline]
    fn take(
        &mut self,
        origin: Origin,
        line: Option<LineId>,
        at: Nanos,
        packet: &DownstreamPacket<'_>,
    ) {
        assert!(self.drained, "Invariant: what is due is taken before the next packet");
        self.drained = false;
        if let Some(line) = line {
            self.lines[line.0].count_packet(packet.whole);
        }
        self.end_of_session |= packet.kind == PacketKind::EndOfSession;
        if packet.sequence == 0 {
            self.take_unsequenced(origin, at, packet);
            return;
        }
        let first = packet.sequence;
        let Some(end) = first.checked_add(u64::from(packet.whole)) else {
            self.statistics.overflowing_packets += 1;
            return;
        };
        let stream = self.stream.get_or_insert(Stream {
            start: first,
            expected: first,
            floor: first,
            known_end: first,
            lines_start: None,
        });
        if let Some(line) = line {
            let start = *stream.lines_start.get_or_insert(first);
            self.lines[line.0].cover(start, first, end, self.now);
        }

        let from = first.max(stream.floor);
        let (mut new, mut late) = (0, 0);
        if first < from {
            let old_end = end.min(from);
            late = self.given_up.overlap(first, old_end);
            late += old_end.min(stream.start).saturating_sub(first);
        }
        if from < end {
            new = self.holes.fill(from, end.min(stream.known_end).max(from));
            self.holes.open(stream.known_end, from, self.now);
            new += end.saturating_sub(stream.known_end.max(from));
            stream.known_end = stream.known_end.max(end);
        }
        let claimed_end = first.saturating_add(u64::from(packet.kind.claimed()));
        self.holes.open(stream.known_end, claimed_end, self.now);
        stream.known_end = stream.known_end.max(claimed_end);

        let duplicates = (end - first) - new - late;
        self.statistics.late += late;
        self.statistics.duplicates += duplicates;
        if let Some(line) = line {
            self.lines[line.0].count_old(duplicates, late);
        }
        if new > 0 {
            let messages = skip_messages(packet.messages, from - first);
            let held = self.held.copy(origin, from, end, at, messages);
            self.held.hold(held);
        }
    }

    /// No further packet will come: what still waits is given out, remaining holes as gaps.
    pub fn finish(&mut self) {
        self.finished = true;
        self.drained = false;
    }

    /// What is due next; `None` until the next packet.
    #[inline]
    pub fn next_due(&mut self) -> Option<Arrival<'_>> {
        let due = self.settle()?;
        Some(self.arrival(due))
    }

    /// Decides what is due next. What it is can be had from [`Arbiter::arrival`] until the next call.
    #[inline]
    pub(crate) fn settle(&mut self) -> Option<Due> {
        if let Some(held) = self.unsequenced.take() {
            return Some(self.lend(held.first, held));
        }
        while let Some(stream) = &mut self.stream {
            let expected = stream.expected;
            // There is nothing at the greatest number that a barrier could hold back.
            if expected >= self.barrier && self.barrier < u64::MAX {
                break;
            }
            if let Some(gap) = self.due.front()
                && gap.first == expected
            {
                let end = gap.end.min(self.barrier);
                self.due.fill(expected, end);
                stream.expected = end;
                self.statistics.gaps += 1;
                self.statistics.gap_messages += end - expected;
                return Some(Due::Gap { first: Sequence(expected), end: Sequence(end) });
            }
            if self.held.first().is_some_and(|first| first <= expected)
                && let Some(mut held) = self.held.pop_front()
            {
                if held.end <= expected {
                    self.held.recycle(held.messages);
                    continue;
                }
                if held.end > self.barrier {
                    self.held.keep_from(self.barrier, &mut held);
                }
                stream.expected = held.end;
                stream.floor = stream.floor.max(held.end);
                return Some(self.lend(expected, held));
            }
            if self.is_guided || self.holes.is_empty() || !(self.finished || self.is_over_full()) {
                break;
            }
            self.give_up_oldest();
        }
        self.drained = true;
        None
    }

    /// What [`Arbiter::settle`] decided last.
    #[inline]
    pub(crate) fn arrival(&self, due: Due) -> Arrival<'_> {
        match due {
            Due::Gap { first, end } => Arrival::Gap { feed: FeedId(0), first, end },
            Due::Packet { sequence, recv, start } => Arrival::Packet(Packet {
                feed: FeedId(0),
                sequence,
                recv,
                messages: &self.lent[start..],
            }),
        }
    }

    /// Where the packet given out last was read.
    pub(crate) fn origin(&self) -> Origin {
        self.lent_origin
    }

    /// What has become of the stream so far.
    #[must_use]
    pub fn statistics(&self) -> StreamStatistics {
        self.statistics
    }

    /// What has become of a line so far.
    ///
    /// # Panics
    /// If `line` is another arbiter's.
    #[must_use]
    pub fn line(&self, line: LineId) -> LineStatistics {
        let known_end = self.stream.map(|stream| stream.known_end);
        self.lines[line.0].statistics(known_end)
    }

    /// Whether any line has told the end of the session.
    #[must_use]
    pub fn end_of_session(&self) -> bool {
        self.end_of_session
    }

    /// Packets that wait for a hole to be filled.
    #[must_use]
    pub fn waiting_packets(&self) -> usize {
        self.held.len()
    }

    /// Moves the time on and gives up the holes that have stood too long.
    #[inline]
    fn advance(&mut self, at: Nanos) {
        self.now = self.now.max(at);
        while let Some(hole) = self.holes.front()
            && self.now.since_ns(hole.opened) > self.limits.hole_wait_ns
        {
            self.give_up_oldest();
        }
    }

    #[cold]
    fn give_up_oldest(&mut self) {
        if let Some(hole) = self.holes.pop_front() {
            self.give_up(hole);
        }
    }

    /// `hole` was the lowest one and is no longer waited for.
    fn give_up(&mut self, hole: Hole) {
        self.due.open(hole.first, hole.end, hole.opened);
        self.given_up.open(hole.first, hole.end, hole.opened);
        if self.given_up.len() > self.limits.packets_max {
            self.given_up.pop_front();
        }
        if let Some(stream) = &mut self.stream {
            stream.floor = stream.floor.max(hole.end);
        }
    }

    /// Whether more waits than may.
    #[inline]
    pub(crate) fn is_over_full(&self) -> bool {
        self.held.len() > self.limits.packets_max
            || self.held.bytes() > self.limits.bytes_max
            || self.holes.len().max(self.due.len()) > self.limits.packets_max.max(1)
    }

    fn take_unsequenced(&mut self, origin: Origin, recv: Nanos, packet: &DownstreamPacket<'_>) {
        if packet.whole == 0 {
            return;
        }
        let first = self.statistics.delivered + 1;
        let end = first + u64::from(packet.whole);
        let held = self.held.copy(origin, first, end, recv, packet.messages);
        self.unsequenced = Some(held);
    }

    /// Lends the messages of `held` from number `from` on.
    #[inline]
    fn lend(&mut self, from: u64, held: Held) -> Due {
        let before = core::mem::replace(&mut self.lent, held.messages);
        self.held.recycle(before);
        self.lent_origin = held.origin;
        self.statistics.delivered += held.end - from;
        let messages = skip_messages(&self.lent, from - held.first);
        Due::Packet {
            sequence: Sequence(from),
            recv: held.recv,
            start: self.lent.len() - messages.len(),
        }
    }
}
