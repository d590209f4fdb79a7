//! Which datagrams of those received belong to the session and can be believed.
//!
//! Everybody can send to a multicast group and to a port, so nothing is taken on trust: another
//! session's packets, packets implausibly far ahead and answers that nobody asked for are counted and
//! dropped. Only agreement over [`AGREEMENT`] packets in a row, while the known stream is silent for
//! longer than its heartbeats are apart, makes the feed believe that the stream has jumped, or that
//! another session has begun: whoever else talks cannot keep the known stream from being heard. A stream
//! whose end was told does not jump any more: it is silent because it is over.

use super::{MoldFeed, Notice, Via};
use crate::moldudp64::{DownstreamPacket, PacketKind, SessionId};
use engine::units::{Nanos, Sequence};

/// How many packets in a row must agree on what one is not believed.
pub(super) const AGREEMENT: u32 = 16;

/// A first sequence from here on is not believed at once.
const FIRST_MAX: u64 = 1 << 48;

/// Datagrams that were not used, by cause, and those that were not whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts {
    /// Too short to have a header.
    pub short_datagrams: u64,
    /// Of another session.
    pub foreign_session: u64,
    /// Before any session was known, and not good enough to name one.
    pub not_moldudp64: u64,
    /// Claims more messages than it holds. Its whole ones were used; what it lacks is not believed
    /// to exist until another packet tells so.
    pub damaged_packets: u64,
    /// Has bytes behind its messages. Its messages were used.
    pub trailing_bytes: u64,
    /// Ahead of the stream by more than is believed, or with messages beyond the greatest number.
    pub implausible_jumps: u64,
    /// Without a number, in a feed that has them.
    pub unnumbered: u64,
    /// From a server, and nothing that was missing.
    pub unasked_answers: u64,
    /// After the session's end by day roll.
    pub after_end: u64,
}

/// What has been seen in a row of what is not believed yet.
#[derive(Default)]
pub(super) struct Doubts {
    /// Where the last packet far ahead began, and how many agreed so far.
    jump: Option<(u64, u32)>,
    /// The last foreign session, and how many packets in a row carried it.
    session: Option<(SessionId, u32)>,
}

impl MoldFeed {
    /// Whether `packet` is used. Counts why not.
    #[inline]
    pub(super) fn admits(&mut self, via: Via, packet: &DownstreamPacket<'_>, now: Nanos) -> bool {
        if self.rolled {
            self.drops.after_end += 1;
            return false;
        }
        let is_known = match self.session {
            Some(session) => session == packet.session || self.is_foreign(via, packet, now),
            None => self.adopts(via, packet),
        };
        if !is_known || self.session != Some(packet.session) {
            return false;
        }
        if packet.sequence.checked_add(u64::from(packet.whole)).is_none() {
            self.drops.implausible_jumps += 1;
            return false;
        }
        if packet.is_damaged() {
            self.drops.damaged_packets += 1;
        } else if packet.rest_bytes > 0 {
            self.drops.trailing_bytes += 1;
        }
        match via {
            Via::Line(_) => {
                self.doubts.session = None;
                match packet.sequence {
                    0 => self.is_unnumbered(),
                    _ => self.is_near(packet, now),
                }
            }
            Via::Server(_) => self.is_asked(packet),
        }
    }

    /// The packet is of another session than the feed's.
    #[cold]
    fn is_foreign(&mut self, via: Via, packet: &DownstreamPacket<'_>, now: Nanos) -> bool {
        self.drops.foreign_session += 1;
        if matches!(via, Via::Server(_)) || !packet.session.is_plausible() || !packet.is_exact() {
            return false;
        }
        let count = match self.doubts.session {
            Some((session, count)) if session == packet.session => count.saturating_add(1),
            _ => 1,
        };
        self.doubts.session = Some((packet.session, count));
        if count >= AGREEMENT && self.is_silent(now) {
            self.roll(packet.session, now);
        }
        false
    }

    /// No session is known yet: the first good packet of a line names it.
    #[cold]
    fn adopts(&mut self, via: Via, packet: &DownstreamPacket<'_>) -> bool {
        let is_blank = packet.session == SessionId([0; 10]) && packet.kind == PacketKind::Heartbeat;
        let is_good = packet.is_exact() && packet.session.is_plausible() && !is_blank;
        if matches!(via, Via::Server(_)) || !is_good {
            self.drops.not_moldudp64 += 1;
            return false;
        }
        self.session = Some(packet.session);
        self.tell(Notice::Session(packet.session));
        true
    }

    /// Whether messages without numbers are this feed's: once it has numbered ones they are not.
    fn is_unnumbered(&mut self) -> bool {
        let known_end = self.arbiter.known_end();
        let is_numbered =
            self.arbiter.expected().is_some_and(|next| next > 1 || known_end > Some(next));
        self.drops.unnumbered += u64::from(is_numbered);
        !is_numbered
    }

    /// Whether the packet is not implausibly far ahead, or enough of them agree.
    #[inline]
    fn is_near(&mut self, packet: &DownstreamPacket<'_>, now: Nanos) -> bool {
        let reach = packet.sequence.saturating_add(u64::from(packet.whole));
        let bound = match self.arbiter.known_end() {
            // A word alone costs nothing: whoever brings messages, or the first of all, is heard sooner.
            Some(known_end) if packet.whole > 0 || self.lines.last().is_none() => {
                known_end.saturating_add(self.limits.jump_max)
            }
            Some(known_end) => known_end.saturating_add(self.limits.ahead_max),
            None => FIRST_MAX,
        };
        if reach <= bound {
            self.doubts.jump = None;
            return true;
        }
        self.is_jump_believed(packet.sequence, now)
    }

    #[cold]
    fn is_jump_believed(&mut self, sequence: u64, now: Nanos) -> bool {
        let count = match self.doubts.jump {
            Some((last, count)) if last.abs_diff(sequence) <= self.limits.ahead_max => {
                count.saturating_add(1)
            }
            _ => 1,
        };
        // A stream that has told its end is silent by right, also while holes of it are asked for.
        let has_told_end =
            self.session_end.is_some() && self.session_end == self.arbiter.known_end();
        if count < AGREEMENT || has_told_end || !self.is_silent(now) {
            self.doubts.jump = Some((sequence, count));
            self.drops.implausible_jumps += 1;
            return false;
        }
        self.doubts.jump = None;
        let from = Sequence(self.arbiter.known_end().unwrap_or(0));
        self.tell(Notice::Jumped { from, to: Sequence(sequence) });
        true
    }

    /// Whether nothing of the known stream has come for longer than its heartbeats are apart.
    fn is_silent(&self, now: Nanos) -> bool {
        let heard = self.lines.last().or(self.started);
        heard.is_some_and(|heard| now.since_ns(heard) >= self.timings.stale_ns)
    }

    /// Whether a server's packet brings something that is missing.
    fn is_asked(&mut self, packet: &DownstreamPacket<'_>) -> bool {
        let end = packet.sequence.saturating_add(u64::from(packet.whole));
        let is_asked = packet.sequence > 0
            && matches!(packet.kind, PacketKind::Messages(_))
            && self.arbiter.holes().overlap(packet.sequence, end) > 0;
        self.drops.unasked_answers += u64::from(!is_asked);
        is_asked
    }
}
