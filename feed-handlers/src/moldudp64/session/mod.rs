//! One MoldUDP64 session as a listener lives through it: datagrams of several lines and servers go
//! in, one stream of packets and orders to the driver come out.
//!
//! The driver tells of each datagram ([`MoldFeed::receive`]) and asks what follows
//! ([`MoldFeed::next`]) until it is told to wait. The feed knows no sockets and reads no clock: `now`
//! is the driver's and only rises; `recv` is when the datagram was received, and travels with the
//! packet.
//!
//! **A hole** is left to the lines for a while, then asked for at the retransmission servers
//! (`requests`), and given up where these fail: a gap comes out, and where snapshots can be had one
//! is fetched and spliced in (`recovery`). A hole that is healed in time leaves no trace in what
//! comes out. Each that outlived the reordering is in the [`Ledger`].
//!
//! **Foreign bytes** are counted and dropped (`gate`). **Full:** where more packets wait than may, the
//! oldest hole is given up at once; where they wait for a snapshot, it is given up instead.
//!
//! In steady state a packet costs one copy into a recycled buffer and no allocation.

use std::collections::VecDeque;

use engine::units::{Nanos, Sequence};
use hdrhistogram::Histogram;

use crate::arbiter::{Arbiter, Due, LineId, LineStatistics, StreamStatistics};
use crate::gap::Hole;
use crate::ledger::Ledger;
use crate::moldudp64::{DownstreamPacket, PacketKind, Request, SessionId};

mod gate;
mod lines;
mod recovery;
mod requests;
mod settings;
mod step;
mod timers;

#[cfg(test)]
mod tests;

pub use gate::DropCounts;
pub use settings::{FeedLimits, FeedSettings, Timings};
pub use step::{FeedState, Notice, SnapshotFailure, SnapshotPiece, Step, Via};

use gate::Doubts;
use lines::Lines;
use recovery::{Phase, Recovery};
use requests::Requests;

/// What became of the requests to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStatistics {
    /// Requests sent.
    pub requests: u64,
    /// Answers with something that was missing.
    pub answers: u64,
    /// Messages in these that were missing.
    pub messages: u64,
    /// Requests that were not answered in time.
    pub timeouts: u64,
}

/// A feed of one MoldUDP64 session. See the module.
pub struct MoldFeed {
    timings: Timings,
    limits: FeedLimits,
    has_snapshots: bool,
    session: Option<SessionId>,
    arbiter: Arbiter,
    line_ids: Vec<LineId>,
    lines: Lines,
    requests: Requests,
    recovery: Recovery,
    ledger: Ledger,
    doubts: Doubts,
    drops: DropCounts,
    notices: VecDeque<Notice>,
    /// What the first packet showed to have been sent before it.
    backfill_end: u64,
    /// Where the first packet was met of a feed that begins with a snapshot; until what was before it is
    /// given up.
    met_at: Option<u64>,
    /// Whether the feed begins with a snapshot, unless its first packet is the session's first.
    begins_late: bool,
    /// Holes before this one are in the ledger.
    watched_end: u64,
    /// The message before which the session ended, as a line told.
    session_end: Option<u64>,
    /// When a line last brought anything but that end, or brought it first.
    alive: Nanos,
    /// Whether that end is believed, and all before it was given out.
    is_over: bool,
    /// Another session has begun.
    rolled: bool,
    is_stale: bool,
    /// Whether the timers are to be seen to at once.
    is_due: bool,
    /// When the timers are to be seen to next.
    until: Option<Nanos>,
    /// When the feed was first asked for a step.
    started: Option<Nanos>,
    snapshots_done: u64,
    snapshots_failed: u64,
}

impl MoldFeed {
    /// A feed that has received nothing yet.
    #[must_use]
    pub fn new(settings: FeedSettings) -> Self {
        let limits = settings.limits;
        let mut arbiter = Arbiter::guided(limits.packets_max, limits.bytes_max);
        let line_ids = (0..settings.lines).map(|_| arbiter.add_line()).collect();
        // Sequence 0 would be an unsequenced message's.
        if let Some(next) = settings.next {
            arbiter.begin_at(next.0.max(1));
        }
        MoldFeed {
            timings: settings.timings,
            limits,
            has_snapshots: settings.has_snapshots,
            session: settings.session,
            arbiter,
            line_ids,
            lines: Lines::new(settings.lines),
            requests: Requests::new(settings.servers, &limits),
            recovery: match settings.is_suspect && settings.has_snapshots {
                true => Recovery::wanted(settings.next.map_or(0, |next| next.0)),
                false => Recovery::new(),
            },
            ledger: Ledger::default(),
            doubts: Doubts::default(),
            drops: DropCounts::default(),
            notices: VecDeque::new(),
            backfill_end: 0,
            met_at: None,
            begins_late: settings.next.is_none() && settings.has_snapshots,
            watched_end: 0,
            session_end: None,
            alive: Nanos(i64::MIN),
            is_over: false,
            rolled: false,
            is_stale: false,
            is_due: true,
            until: None,
            started: None,
            snapshots_done: 0,
            snapshots_failed: 0,
        }
    }

    /// A datagram came by `via`, received at `recv`, told of at `now`.
    ///
    /// # Panics
    /// If there is no such line or server, or [`MoldFeed::next`] was not asked until it said to wait.
    pub fn receive(&mut self, via: Via, recv: Nanos, now: Nanos, datagram: &[u8]) {
        let Some(mut packet) = DownstreamPacket::parse(datagram) else {
            self.drops.short_datagrams += 1;
            return;
        };
        if !self.admits(via, &packet, now) {
            return;
        }
        if packet.is_damaged() {
            // What it lacks is not believed to exist until another packet tells so.
            packet.kind = match packet.whole {
                0 => return,
                whole => PacketKind::Messages(whole),
            };
        }
        let end = packet.sequence.saturating_add(u64::from(packet.whole));
        // Messages without numbers fill nothing.
        let may_fill = packet.sequence > 0 && !self.arbiter.holes().is_empty();
        match via {
            Via::Line(line) => {
                self.hear(line, now);
                if packet.whole > 0 {
                    self.lines.copy_came(line, packet.sequence, recv);
                }
                self.note_place(&packet, now);
                if self.begins_late && packet.sequence > 0 {
                    self.begins_late = false;
                    self.met_at = Some(packet.sequence).filter(|first| *first > 1);
                }
                if may_fill {
                    self.note_fill(packet.sequence, end, None, now);
                }
                self.arbiter.receive(Some(self.line_ids[line]), recv, now, &packet);
            }
            Via::Server(server) => {
                self.note_fill(packet.sequence, end, Some(server), now);
                self.arbiter.receive(None, recv, now, &packet);
            }
        }
        if may_fill {
            self.requests.filled(packet.sequence, end, self.arbiter.holes());
        }
        // With nothing missing before or now there is nothing to see to.
        self.is_due |= may_fill || !self.arbiter.holes().is_empty();
    }

    /// What follows; to be asked until it says to wait.
    pub fn next(&mut self, now: Nanos) -> Step<'_> {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return Step::Notice(notice);
            }
            if let Some(order) = self.next_order() {
                return order;
            }
            if let Phase::Giving { .. } = self.recovery.phase {
                return Step::SnapshotItem(self.give_piece(now));
            }
            if let Some(end) = self.met_at.take() {
                // Nobody asks for all that was before, and the books begin with a snapshot.
                let before = Hole { first: 1, end, opened: now };
                self.ledger.watch(before);
                self.ledger.give_up(before, now);
                self.gap_given(end, now);
                return Step::Gap { first: Sequence(1), end: Sequence(end) };
            }
            match self.arbiter.settle() {
                Some(due @ Due::Packet { .. }) => {
                    let engine::packet::Arrival::Packet(packet) = self.arbiter.arrival(due) else {
                        unreachable!("Invariant: a due packet arrives as a packet");
                    };
                    return Step::Packet(packet);
                }
                Some(Due::Gap { first, end }) => {
                    // The end, or the place of a snapshot, may be reached by it.
                    self.is_due = true;
                    self.gap_given(end.0, now);
                    return Step::Gap { first, end };
                }
                None => {}
            }
            if self.arbiter.is_over_full() && self.make_room(now) {
                continue;
            }
            if self.is_due || self.until.is_some_and(|until| now >= until) {
                self.see_to_timers(now);
                continue;
            }
            if let Some((server, first, count)) = self.requests.next_to_send(now)
                && let Some(session) = self.session
            {
                self.until = None;
                self.is_due = true;
                return Step::Request { server, request: Request::new(session, first, count) };
            }
            return Step::Wait { until: self.until };
        }
    }

    /// Changes how long what may take, from now on.
    pub fn set_timings(&mut self, timings: Timings) {
        self.timings = timings;
        self.is_due = true;
    }

    /// Where the feed stands.
    #[must_use]
    pub fn state(&self) -> FeedState {
        if self.rolled {
            return FeedState::Ended;
        }
        let (Some(expected), Some(_)) = (self.arbiter.expected(), self.session) else {
            return FeedState::Unknown;
        };
        if self.is_ended() {
            FeedState::Ended
        } else if self.lines.last().is_none() {
            FeedState::Unknown
        } else if self.recovery.is_under_way() {
            FeedState::GapFill
        } else if expected < self.backfill_end {
            FeedState::Backfill
        } else if self.ledger.is_waiting() {
            FeedState::GapFill
        } else {
            FeedState::Live
        }
    }

    /// The session, once known.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The next message to come out; `None` before the stream has begun.
    #[must_use]
    pub fn next_sequence(&self) -> Option<Sequence> {
        self.arbiter.expected().map(Sequence)
    }

    /// What has become of the stream so far.
    #[must_use]
    pub fn statistics(&self) -> StreamStatistics {
        self.arbiter.statistics()
    }

    /// What a line has brought so far.
    ///
    /// # Panics
    /// If there is no such line.
    #[must_use]
    pub fn line(&self, line: usize) -> LineStatistics {
        self.arbiter.line(self.line_ids[line])
    }

    /// By how much a line's copies came before the other's, in nanoseconds; `None` before any did.
    ///
    /// # Panics
    /// If there is no such line.
    #[must_use]
    pub fn line_lead_ns(&self, line: usize) -> Option<&Histogram<u64>> {
        self.lines.lead(line)
    }

    /// How often a line fell silent while another brought packets.
    ///
    /// # Panics
    /// If there is no such line.
    #[must_use]
    pub fn line_silences(&self, line: usize) -> u64 {
        self.lines.silences(line)
    }

    /// How many retransmission servers there are.
    #[must_use]
    pub fn servers(&self) -> usize {
        self.requests.servers()
    }

    /// What became of the requests to a server.
    ///
    /// # Panics
    /// If there is no such server.
    #[must_use]
    pub fn server(&self, server: usize) -> ServerStatistics {
        self.requests.statistics(server)
    }

    /// The datagrams that were not used, or not whole.
    #[must_use]
    pub fn drops(&self) -> DropCounts {
        self.drops
    }

    /// What was missing for longer than lines take to reorder, and what became of it.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many snapshots were spliced in, and how many failed.
    #[must_use]
    pub fn snapshots(&self) -> (u64, u64) {
        (self.snapshots_done, self.snapshots_failed)
    }

    /// Packets that wait for a hole or a snapshot.
    #[must_use]
    pub fn waiting_packets(&self) -> usize {
        self.arbiter.waiting_packets()
    }

    /// Notes where the stream begins and ends, as a line's packet tells.
    #[inline]
    fn note_place(&mut self, packet: &DownstreamPacket<'_>, now: Nanos) {
        if packet.kind != PacketKind::EndOfSession {
            self.alive = now;
        }
        if packet.sequence == 0 {
            return;
        }
        if self.backfill_end == 0 {
            self.backfill_end = packet.sequence;
            self.is_due = true;
        }
        if packet.kind == PacketKind::EndOfSession {
            let known_end = self.arbiter.known_end().unwrap_or(0);
            if packet.sequence >= known_end && self.session_end != Some(packet.sequence) {
                self.alive = now;
                self.session_end = Some(packet.sequence);
                self.is_due = true;
            }
        }
    }

    /// Tells the ledger and the requests what is about to be filled.
    fn note_fill(&mut self, first: u64, end: u64, server: Option<usize>, now: Nanos) {
        let holes = self.arbiter.holes();
        let hole = holes.first_from(first).filter(|hole| hole.first < end);
        self.ledger.fill(first, end, server.is_some(), now, |first, end| holes.overlap(first, end));
        if let Some(server) = server {
            let new = holes.overlap(first, end);
            self.requests.answered(server, first, end, new, hole);
        }
    }

    #[inline]
    fn tell(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }

    /// Another session has begun: what is still missing is given up.
    fn roll(&mut self, session: SessionId, now: Nanos) {
        self.rolled = true;
        self.tell(Notice::DayRoll { session });
        self.abandon_recovery();
        while let Some(hole) = self.arbiter.holes().front() {
            self.give_up(hole.end, now);
        }
        self.is_due = true;
    }

    /// Whether the session is over and all of it was given out.
    #[inline]
    fn is_ended(&self) -> bool {
        self.rolled || self.is_over
    }

    /// Whether all was given out up to an end that a line told of, and nothing more heals it.
    fn is_at_end(&self) -> bool {
        let is_healing = self.recovery.is_under_way() || self.recovery.has_last_try();
        self.is_all_given() && !is_healing
    }

    /// Whether all was given out up to an end that a line told of, healed or not.
    fn is_all_given(&self) -> bool {
        self.session_end.is_some()
            && self.arbiter.expected() == self.session_end
            && self.arbiter.known_end() == self.session_end
    }

    /// More waits than may: the oldest hole is given up. Tells whether there was one.
    #[cold]
    fn make_room(&mut self, now: Nanos) -> bool {
        let is_made = !self.arbiter.is_dammed() && self.give_up(u64::MAX, now).is_some();
        if is_made {
            self.tell(Notice::BufferFull);
        }
        // Behind a barrier it is the snapshot that is given up.
        self.is_due |= self.arbiter.is_dammed();
        is_made
    }

    /// The ledger watches `hole`, as far as it does not yet.
    fn watch(&mut self, hole: Hole) {
        let first = hole.first.max(self.watched_end);
        if first < hole.end {
            self.ledger.watch(Hole { first, ..hole });
            self.watched_end = hole.end;
        }
    }

    /// Gives the lowest hole up, as far as it lies below `end`; tells whether there was one.
    fn give_up(&mut self, end: u64, now: Nanos) -> Option<Hole> {
        let hole = self.arbiter.give_up_below(end)?;
        self.watch(hole);
        self.ledger.give_up(hole, now);
        self.requests.forget_below(hole.end, self.arbiter.holes());
        Some(hole)
    }
}

/// `wait_ns` after `time`.
#[inline]
fn after(time: Nanos, wait_ns: u64) -> Nanos {
    Nanos(time.0.saturating_add_unsigned(wait_ns))
}
