//! Groups that no other test uses, plain senders, and a listener that collects.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use engine::packet::{Arrival, Source as _};
use engine::units::{FeedId, Sequence};
use feed_handlers::live::{
    LiveFeedSettings, LiveFeeds, LiveNotice, LiveSettings, MoldSettings, SoupServer,
};
use feed_handlers::moldudp64::SessionId;
use feed_handlers::moldudp64::session::FeedSettings;
use feed_handlers::udp::UdpSettings;
use socket2::{Domain, Protocol, Socket, Type};

pub(crate) const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub(crate) const SESSION: SessionId = SessionId(*b"LIVETEST01");

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

static GROUPS: AtomicU8 = AtomicU8::new(1);

/// Two groups and a port that nobody else uses. Processes of a test run differ by the port.
pub(crate) fn groups() -> [SocketAddrV4; 2] {
    let port = UdpSocket::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap().port();
    let third = GROUPS.fetch_add(1, Ordering::Relaxed);
    [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 192, third, last), port))
}

/// A socket that sends to groups by way of loopback.
pub(crate) fn sender() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_multicast_if_v4(&LOOPBACK).unwrap();
    socket.bind(&SocketAddr::from((LOOPBACK, 0)).into()).unwrap();
    socket.into()
}

/// A feed on `lines`, without servers.
pub(crate) fn settings(lines: &[SocketAddrV4]) -> MoldSettings {
    let udp = |address: &SocketAddrV4| UdpSettings {
        address: *address,
        interface: LOOPBACK,
        source: None,
        receive_buffer_bytes: 4 << 20,
    };
    MoldSettings {
        lines: lines.iter().map(udp).collect(),
        servers: Vec::new(),
        snapshot: None,
        is_suspect: false,
        feed: FeedSettings::default(),
    }
}

/// A server at `address` that nobody needs to log in to.
pub(crate) fn server(address: SocketAddr) -> SoupServer {
    let SocketAddr::V4(address) = address else { panic!("tests use IPv4") };
    SoupServer { address, username: String::from("test"), password: String::from("test") }
}

/// What a feed has given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Message(u64, Vec<u8>),
    Gap(u64, u64),
    /// Next live message, first, last, messages.
    Snapshot(u64, bool, bool, Vec<Vec<u8>>),
}

pub(crate) struct Listener {
    pub(crate) feeds: LiveFeeds,
    pub(crate) given: Vec<Given>,
    pub(crate) notices: Vec<LiveNotice>,
    pub(crate) ticks: Vec<Sequence>,
    pub(crate) is_ended: bool,
}

impl Listener {
    pub(crate) fn open(feed: LiveFeedSettings, busy_poll: bool) -> Listener {
        let settings = LiveSettings { feeds: vec![feed], busy_poll };
        let feeds = LiveFeeds::open(&settings).unwrap();
        let (given, notices, ticks) = (Vec::new(), Vec::new(), Vec::new());
        Listener { feeds, given, notices, ticks, is_ended: false }
    }

    pub(crate) fn mold(settings: MoldSettings) -> Listener {
        Listener::open(LiveFeedSettings::Mold(Box::new(settings)), false)
    }

    /// Takes what comes until `is_done`, which is asked after each arrival.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_done: impl Fn(&Listener) -> bool) {
        let start = Instant::now();
        while !is_done(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "no {what} within {PATIENCE:?}: {:?}",
                self.notices
            );
            self.take();
        }
    }

    /// One arrival.
    pub(crate) fn take(&mut self) {
        match self.feeds.next().unwrap() {
            Arrival::Packet(packet) => {
                assert_eq!(packet.feed, FeedId(0));
                let numbered = (packet.sequence.0..).zip(packet.iter());
                let given =
                    numbered.map(|(number, message)| Given::Message(number, message.to_vec()));
                self.given.extend(given);
            }
            Arrival::Gap { first, end, .. } => self.given.push(Given::Gap(first.0, end.0)),
            Arrival::SnapshotItem(item) => self.given.push(Given::Snapshot(
                item.next.0,
                item.is_first,
                item.is_last,
                item.iter().map(<[u8]>::to_vec).collect(),
            )),
            Arrival::Tick { last, .. } => self.ticks.push(last),
            Arrival::Idle => {
                while let Some((_, notice)) = self.feeds.next_notice() {
                    self.notices.push(notice);
                }
            }
            Arrival::End => self.is_ended = true,
            Arrival::Parameters(_) => unreachable!("nobody gives any"),
        }
    }

    /// The messages given, which must be all that was given.
    #[track_caller]
    pub(crate) fn messages(&self) -> Vec<(u64, Vec<u8>)> {
        let message = |given: &Given| match given {
            Given::Message(number, message) => (*number, message.clone()),
            other => panic!("{other:?} among the messages"),
        };
        self.given.iter().map(message).collect()
    }
}

/// Numbered messages that tell apart.
pub(crate) fn messages(numbers: std::ops::Range<u64>) -> Vec<(u64, Vec<u8>)> {
    numbers.map(|number| (number, format!("message {number}").into_bytes())).collect()
}

/// A packet of these messages.
pub(crate) fn packet(messages: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut packet = Vec::new();
    let first = messages.first().map_or(0, |first| first.0);
    let bytes = messages.iter().map(|(_, message)| message.as_slice());
    feed_handlers::moldudp64::encode_packet(&mut packet, SESSION, first, bytes).unwrap();
    packet
}

/// The packet that ends the session before `next`.
pub(crate) fn end(next: u64) -> Vec<u8> {
    let mut packet = Vec::new();
    feed_handlers::moldudp64::encode_end_of_session(&mut packet, SESSION, next);
    packet
}
