//! One live feed as data: `[[feeds]]`. What each key means stands in [`feed_keys`](super::feed_keys).

use std::net::{Ipv4Addr, SocketAddrV4};

use engine::window::tick::Span;

use super::model::{Choice, FeedName, choice};

/// Most feeds of a session: a symbol's number has room for 65,536 symbols of each.
pub(crate) const FEEDS_MAX: usize = 16;

/// Most lines of a feed.
pub(crate) const LINES_MAX: usize = 8;

/// Most servers of one kind.
pub(crate) const SERVERS_MAX: usize = 8;

/// Characters of a MoldUDP64 or SoupBinTCP session.
pub(crate) const SESSION_CHARACTERS_MAX: u64 = 10;

/// `[[feeds]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveFeed {
    pub(crate) name: FeedName,
    pub(crate) protocol: Protocol,
    pub(crate) lines: Vec<SocketAddrV4>,
    pub(crate) interface: Ipv4Addr,
    pub(crate) source: Option<Ipv4Addr>,
    pub(crate) receive_buffer_bytes: u64,
    pub(crate) session: String,
    pub(crate) start: StartAt,
    pub(crate) retransmission: Vec<SocketAddrV4>,
    pub(crate) snapshot: Option<SocketAddrV4>,
    pub(crate) servers: Vec<SocketAddrV4>,
    pub(crate) username: String,
    pub(crate) password_env: String,
    pub(crate) timing: Timing,
    pub(crate) packets_max: u64,
    pub(crate) bytes_max: u64,
    pub(crate) request_messages_max: u32,
    pub(crate) requests_in_flight_max: u32,
}

/// What of a feed may be changed while it is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) reorder_wait: Span,
    pub(crate) hole_wait: Span,
    pub(crate) request_timeout: Span,
    pub(crate) request_tries_max: u32,
    pub(crate) snapshot_wait: Span,
    pub(crate) snapshot_retry: Span,
    pub(crate) line_silent: Span,
    pub(crate) stale: Span,
}

choice! {
    /// How a feed is carried.
    Protocol {
        MoldUdp64 = "moldudp64": "datagrams on multicast lines, with gaps to be repaired",
        SoupBinTcp = "soupbintcp": "one TCP connection, from any message on",
    }
}

choice! {
    /// With which message a session begins.
    StartAt {
        FirstSeen = "first-seen": "the first that comes; with a snapshot server, its books first",
        Beginning = "beginning": "message 1: up to 10 million that were before are asked for",
    }
}

const MS: i64 = 1_000_000;

impl Default for Timing {
    fn default() -> Self {
        Timing {
            reorder_wait: Span(2 * MS),
            hole_wait: Span(50 * MS),
            request_timeout: Span(50 * MS),
            request_tries_max: 5,
            snapshot_wait: Span(10_000 * MS),
            snapshot_retry: Span(1_000 * MS),
            line_silent: Span(1_500 * MS),
            stale: Span(1_500 * MS),
        }
    }
}

impl Default for LiveFeed {
    fn default() -> Self {
        LiveFeed {
            name: FeedName::default(),
            protocol: Protocol::MoldUdp64,
            lines: Vec::new(),
            interface: Ipv4Addr::UNSPECIFIED,
            source: None,
            receive_buffer_bytes: 8 << 20,
            session: String::new(),
            start: StartAt::FirstSeen,
            retransmission: Vec::new(),
            snapshot: None,
            servers: Vec::new(),
            username: String::new(),
            password_env: String::new(),
            timing: Timing::default(),
            packets_max: 1 << 18,
            bytes_max: 256 << 20,
            request_messages_max: 1_000,
            requests_in_flight_max: 32,
        }
    }
}

impl LiveFeed {
    /// What a person calls it.
    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }
}
