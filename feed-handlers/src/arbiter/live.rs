//! What a live session does with its arbiter beyond pushing and taking: it says where the stream
//! begins, decides itself which hole is given up when, and holds the stream back at a barrier while a
//! snapshot is on its way.

use engine::units::Nanos;

use super::{Arbiter, Limits, LineId, Origin, Stream};
use crate::gap::{Hole, Holes};
use crate::moldudp64::DownstreamPacket;

impl Arbiter {
    /// An arbiter that gives no hole up of itself.
    pub(crate) fn guided(packets_max: usize, bytes_max: usize) -> Self {
        let limits = Limits { hole_wait_ns: u64::MAX, packets_max, bytes_max };
        Arbiter { is_guided: true, ..Arbiter::new(limits) }
    }

    /// The stream begins at `next`, whatever is seen first: what is missing from there on is a hole.
    pub(crate) fn begin_at(&mut self, next: u64) {
        assert!(self.stream.is_none(), "Invariant: a stream begins once");
        self.stream = Some(Stream {
            start: next,
            expected: next,
            floor: next,
            known_end: next,
            lines_start: None,
        });
    }

    /// A packet was received at `recv`, told of at `now`; on a line, or else by retransmission.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        line: Option<LineId>,
        recv: Nanos,
        now: Nanos,
        packet: &DownstreamPacket<'_>,
    ) {
        self.now = self.now.max(now);
        self.take(Origin::default(), line, recv, packet);
    }

    /// Messages up to `end` exist, as a snapshot tells.
    pub(crate) fn tell_end(&mut self, end: u64, now: Nanos) {
        self.now = self.now.max(now);
        if let Some(stream) = &mut self.stream {
            self.holes.open(stream.known_end, end, self.now);
            stream.known_end = stream.known_end.max(end);
        }
    }

    /// Nothing from sequence `barrier` on is given out from now on; `u64::MAX` lifts it.
    pub(crate) fn set_barrier(&mut self, barrier: u64) {
        self.barrier = barrier;
    }

    /// The lowest hole is given up, as far as it lies below `end`; tells what was.
    pub(crate) fn give_up_below(&mut self, end: u64) -> Option<Hole> {
        let hole = self.holes.front().filter(|hole| hole.first < end)?;
        let hole = Hole { end: hole.end.min(end), ..hole };
        self.holes.fill(hole.first, hole.end);
        self.give_up(hole);
        Some(hole)
    }

    /// What is missing and not given up.
    #[inline]
    pub(crate) fn holes(&self) -> &Holes {
        &self.holes
    }

    /// The next sequence to give out; `None` before the stream begins.
    #[inline]
    pub(crate) fn expected(&self) -> Option<u64> {
        self.stream.map(|stream| stream.expected)
    }

    /// One past the last message known to exist; `None` before the stream begins.
    #[inline]
    pub(crate) fn known_end(&self) -> Option<u64> {
        self.stream.map(|stream| stream.known_end)
    }

    /// Whether it is the barrier that holds the stream back.
    pub(crate) fn is_dammed(&self) -> bool {
        let is_reached = |stream: Stream| stream.expected >= self.barrier;
        self.barrier < u64::MAX && self.stream.is_some_and(is_reached)
    }
}
