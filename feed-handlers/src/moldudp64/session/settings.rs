//! What a feed is told when it begins, and which times may change while it runs.

use engine::units::Sequence;

use crate::moldudp64::SessionId;

/// How a [`MoldFeed`](super::MoldFeed) is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// The session; `None` takes that of the first good packet.
    pub session: Option<SessionId>,
    /// The first message wanted: 1 to have the whole session, or the next one after a restart.
    /// `None`: the first packet opens no gap, unless there are snapshots: what was before it is then
    /// given up at once, and the books begin with a snapshot.
    pub next: Option<Sequence>,
    /// How many multicast lines there are.
    pub lines: usize,
    /// How many retransmission servers there are.
    pub servers: usize,
    /// Whether a snapshot can be fetched.
    pub has_snapshots: bool,
    /// Whether a gap before `next` was given up and is not healed: a snapshot is then fetched at once.
    pub is_suspect: bool,
    /// How much may wait or be under way.
    pub limits: FeedLimits,
    /// How long what may take.
    pub timings: Timings,
}

/// One line, no server, no snapshots, any session from its first packet on.
impl Default for FeedSettings {
    fn default() -> Self {
        FeedSettings {
            session: None,
            next: None,
            lines: 1,
            servers: 0,
            has_snapshots: false,
            is_suspect: false,
            limits: FeedLimits::default(),
            timings: Timings::default(),
        }
    }
}

/// How much may wait or be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedLimits {
    /// Most packets that wait for a hole to be filled or a snapshot to come.
    pub packets_max: usize,
    /// Most bytes of messages that wait.
    pub bytes_max: usize,
    /// Most bytes of a snapshot.
    pub snapshot_bytes_max: usize,
    /// Most messages of one request. Requests are made no longer than what the server's answers
    /// have held lately, so this matters to the first ones only.
    pub request_messages_max: u16,
    /// Most requests under way at once.
    pub requests_in_flight_max: usize,
    /// A packet without messages that claims more of them ahead of the stream than this is not believed
    /// at once.
    pub ahead_max: u64,
    /// The same of a packet that brings messages; and a hole that has more is not asked for.
    pub jump_max: u64,
}

/// 65,536 packets of 128 MiB, snapshots of 512 MiB, 32 requests of 1,000 messages; claims of 65,536
/// messages ahead, packets 10 M ahead.
impl Default for FeedLimits {
    fn default() -> Self {
        FeedLimits {
            packets_max: 65_536,
            bytes_max: 128 << 20,
            snapshot_bytes_max: 512 << 20,
            request_messages_max: 1_000,
            requests_in_flight_max: 32,
            ahead_max: 1 << 16,
            jump_max: 10_000_000,
        }
    }
}

/// How long what may take, in nanoseconds. May be changed while the feed runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long the lines have for a hole before it is asked for.
    pub reorder_wait_ns: u64,
    /// How long a hole may stand that nobody can be asked for.
    pub hole_wait_ns: u64,
    /// How long a server has for its answer.
    pub request_timeout_ns: u64,
    /// How often in a row a request may go unanswered, each time sent to the next server.
    pub tries_max: u32,
    /// After what silence a line is called silent while another brings packets.
    pub line_silent_ns: u64,
    /// After what silence of all lines the feed is called stale.
    pub stale_ns: u64,
    /// How long packets wait for a snapshot.
    pub snapshot_wait_ns: u64,
    /// How long after a failure the next snapshot is fetched.
    pub snapshot_retry_ns: u64,
}

/// 2 ms for reordering, 50 ms for a hole; 5 tries of 50 ms; silence after 1.5 s, when a heartbeat a
/// second is due; 10 s for a snapshot, tried again after 5 s.
impl Default for Timings {
    fn default() -> Self {
        Timings {
            reorder_wait_ns: 2_000_000,
            hole_wait_ns: 50_000_000,
            request_timeout_ns: 50_000_000,
            tries_max: 5,
            line_silent_ns: 1_500_000_000,
            stale_ns: 1_500_000_000,
            snapshot_wait_ns: 10_000_000_000,
            snapshot_retry_ns: 5_000_000_000,
        }
    }
}
