//! What live feeds are opened with.

use std::net::SocketAddrV4;

use crate::moldudp64::session::FeedSettings;
use crate::udp::UdpSettings;

/// All live feeds of a session.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// In the order of their numbers.
    pub feeds: Vec<LiveFeedSettings>,
    /// Whether the thread looks again and again while no packet comes, instead of sleeping.
    pub busy_poll: bool,
}

/// One feed.
#[derive(Clone, Debug)]
pub enum LiveFeedSettings {
    /// Datagrams on lines.
    Mold(Box<MoldSettings>),
    /// One connection.
    Soup(SoupSettings),
}

/// A MoldUDP64 feed.
#[derive(Clone, Debug)]
pub struct MoldSettings {
    /// Its lines.
    pub lines: Vec<UdpSettings>,
    /// Its retransmission servers.
    pub servers: Vec<SocketAddrV4>,
    /// Its snapshot server, if there is one.
    pub snapshot: Option<SoupServer>,
    /// Whether the books begin as suspect: a gap was given up before a restart.
    pub is_suspect: bool,
    /// What is followed, and how patiently. Numbers of lines and servers follow from the above.
    pub feed: FeedSettings,
}

/// A server that is spoken to by SoupBinTCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoupServer {
    /// Where it is.
    pub address: SocketAddrV4,
    /// Who logs in: up to 6 characters.
    pub username: String,
    /// The password: up to 10 characters.
    pub password: String,
}

/// A SoupBinTCP feed.
#[derive(Clone, Debug)]
pub struct SoupSettings {
    /// Its servers, tried in turn.
    pub servers: Vec<SoupServer>,
    /// The session; empty for the one that is running.
    pub session: String,
    /// The first message wanted.
    pub next: u64,
    /// How long nothing may come before the feed is stale, in ns.
    pub stale_ns: u64,
}
