//! What a [`MoldFeed`](super::MoldFeed) tells its driver: what came out, and what to do.

use engine::packet::Packet;
use engine::units::{Nanos, Sequence};

use crate::moldudp64::{Request, SessionId};

/// Where a datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// The multicast line with this number, from 0.
    Line(usize),
    /// The retransmission server with this number, from 0.
    Server(usize),
}

/// Where a feed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedState {
    /// No packet of its session has come yet.
    Unknown,
    /// What was sent before the first packet is being asked for.
    Backfill,
    /// All that is known to exist has been given out, or waits for a line only.
    Live,
    /// A hole is asked for, or a snapshot is fetched or waited for.
    GapFill,
    /// The session has ended and all of it was given out, or another session has begun.
    Ended,
}

/// The next thing that a feed has for its driver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// The next messages of the feed.
    Packet(Packet<'a>),
    /// Messages `first` up to but not including `end` were given up as lost.
    Gap {
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
    /// A piece of a snapshot, at the place of the stream where it belongs.
    SnapshotItem(SnapshotPiece<'a>),
    /// Send this to the retransmission server `server`.
    Request {
        /// The server.
        server: usize,
        /// What to send.
        request: Request,
    },
    /// Fetch a snapshot; its messages are told by `snapshot_message`, its end by `snapshot_end`, and
    /// that it cannot be had by `snapshot_failed`.
    FetchSnapshot,
    /// Fetch it no longer: the packets that waited for it go on without it.
    StopSnapshot,
    /// Something worth telling.
    Notice(Notice),
    /// Nothing until the next datagram or this time.
    Wait {
        /// When to ask again though nothing came; `None` if time alone changes nothing.
        until: Option<Nanos>,
    },
}

/// A piece of a snapshot: the first one empties the books, the last one completes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPiece<'a> {
    /// Number of the first live message behind the snapshot.
    pub next: Sequence,
    /// When the snapshot was spliced in.
    pub recv: Nanos,
    /// Whether it is the first piece.
    pub is_first: bool,
    /// Whether it is the last piece.
    pub is_last: bool,
    /// Whole length-prefixed messages, as in a packet; may be none.
    pub messages: &'a [u8],
}

/// What happened to a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No session was configured; the feed follows this one from here on.
    Session(SessionId),
    /// No packet has come on any line since this time though heartbeats are due.
    Stale {
        /// When the last one came.
        since: Nanos,
    },
    /// Packets come again after the feed was stale.
    Fresh {
        /// How long nothing came.
        silent_ns: u64,
    },
    /// This line brings nothing while another one does.
    LineSilent {
        /// The line.
        line: usize,
        /// When it last brought a packet; `None` if it never did.
        since: Option<Nanos>,
    },
    /// This line brings packets again.
    LineBack {
        /// The line.
        line: usize,
    },
    /// Sixteen packets in a row agreed that the stream is far ahead of what was known.
    Jumped {
        /// One past what was known.
        from: Sequence,
        /// Where the stream is.
        to: Sequence,
    },
    /// The buffer was full, and the oldest hole was given up for it.
    BufferFull,
    /// A snapshot was fetched and spliced in before this message.
    SnapshotDone {
        /// The first live message behind it.
        next: Sequence,
    },
    /// No snapshot was had; the feed goes on without one and tries again later.
    SnapshotFailed(SnapshotFailure),
    /// The session ended before this message, and all of it was given out.
    Ended {
        /// One past the last message.
        next: Sequence,
    },
    /// Another session has begun while this one is silent.
    DayRoll {
        /// The new session.
        session: SessionId,
    },
}

/// Why a snapshot was of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotFailure {
    /// The driver could not fetch it.
    NotFetched(&'static str),
    /// It is older than what was already given out, or than the end of the gap that it should heal.
    TooOld {
        /// The first message behind it.
        next: Sequence,
        /// The first message that it had to come before at the earliest.
        needed: Sequence,
    },
    /// It claims to be implausibly far ahead.
    TooNew {
        /// The first message behind it.
        next: Sequence,
    },
    /// It has more bytes than allowed, or a message of impossible length.
    TooLarge,
    /// It took longer than allowed.
    TooLong,
    /// More packets came in the meantime than may wait.
    BufferFull,
}
