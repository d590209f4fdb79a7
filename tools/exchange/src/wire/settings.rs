//! What goes on the wire, where to, how fast and how badly.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use feed_handlers::moldudp64::SessionId;

use super::impairment::{Impairment, Share};
use super::pace::Pace;
use crate::injection::Families;
use crate::settings::Settings;

/// Most bytes of a datagram's payload where nothing else is said: with 28 bytes of UDP and IP it
/// stays below an Ethernet's 1,500.
pub const PAYLOAD_BYTES: usize = 1_400;

/// How long the end of the session is repeated where nothing else is said.
pub const LINGER: Duration = Duration::from_secs(5);

/// One of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Where its packets go: a multicast group, or one host.
    pub to: SocketAddrV4,
    /// What happens to them on the way.
    pub impairment: Impairment,
}

impl LineSettings {
    /// A line that loses nothing.
    #[must_use]
    pub const fn to(to: SocketAddrV4) -> LineSettings {
        LineSettings { to, impairment: Impairment::NONE }
    }
}

/// What goes on the wire. Ports of servers may be 0: the system then gives one, which
/// [`Wire::addresses`](super::Wire::addresses) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireSettings {
    /// The day. Its messages are an upper bound where `max_time` ends it earlier.
    pub simulation: Settings,
    /// What is staged on it.
    pub episodes: Families,
    /// The session that every packet names.
    pub session: SessionId,
    /// Lines A and B.
    pub lines: [LineSettings; 2],
    /// The interface that the lines leave by.
    pub interface: Ipv4Addr,
    /// Routers that multicast packets may pass, plus 1; 0 keeps them on this host.
    pub ttl: u8,
    /// Most bytes of a packet, its header included.
    pub payload_bytes_max: usize,
    /// When each message is published.
    pub pace: Pace,
    /// Where retransmission requests are answered, if they are.
    pub retransmit: Option<SocketAddr>,
    /// Share of the requests that are heard and not answered.
    pub retransmit_loss: Share,
    /// Where snapshots are given, if they are.
    pub glimpse: Option<SocketAddr>,
    /// Where the session is given by SoupBinTCP, if it is.
    pub soup: Option<SocketAddr>,
    /// How long the end of the session is repeated, and the servers stay.
    pub linger: Duration,
    /// Whether nothing is published before [`Wire::begin`](super::Wire::begin) says so. The servers are
    /// there by then, so that who is told their addresses can listen from the first message on.
    pub is_held: bool,
    /// The day is ended after so long, at a message boundary.
    pub max_time: Option<Duration>,
    /// Where what was published is kept as a plain ITCH file (BinaryFILE, with its end mark); else
    /// it is kept in a temporary file that nobody sees.
    pub itch: Option<PathBuf>,
}

impl WireSettings {
    /// The day at full speed on two lines without loss, on this host, with no servers.
    #[must_use]
    pub fn new(simulation: Settings, session: SessionId, lines: [SocketAddrV4; 2]) -> WireSettings {
        WireSettings {
            simulation,
            episodes: Families::NONE,
            session,
            lines: lines.map(LineSettings::to),
            interface: Ipv4Addr::LOCALHOST,
            ttl: 0,
            payload_bytes_max: PAYLOAD_BYTES,
            pace: Pace::Max,
            retransmit: None,
            retransmit_loss: Share::NONE,
            glimpse: None,
            soup: None,
            linger: LINGER,
            is_held: false,
            max_time: None,
            itch: None,
        }
    }
}
