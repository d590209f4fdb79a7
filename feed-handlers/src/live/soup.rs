//! A SoupBinTCP feed at its socket: one connection, made again from the next message when it breaks.
//!
//! Messages of one read become packets of at most [`PACKET_BYTES`], so that they are journaled as those
//! of other feeds are. There are no gaps: a server that goes on with a later message than asked for, or
//! runs another session, is told and left, and asked again later.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use engine::packet::{Arrival, Packet};
use engine::units::{FeedId, Nanos, Sequence};
use mio::event::Event;
use mio::{Registry, Token};

use super::clock;
use super::tcp::{Link, TcpLink};
use super::{LiveNotice, NOTHING, SoupServer, SoupSettings, Spoken};
use crate::soupbintcp::{Client, ClientEvent, ClientSettings, Login, Reconnect, SessionName};
use crate::udp;

/// A packet is given out when it has so many bytes, or nothing more has come.
pub const PACKET_BYTES: usize = 1_400;

/// First and longest wait before a connection is tried again.
const RETRY_NS: (u64, u64) = (50_000_000, 5_000_000_000);

/// How long a connection may take to be made.
const CONNECT_NS: u64 = 3_000_000_000;

/// What a SoupBinTCP feed tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoupNotice {
    /// It is logged in.
    Connected {
        /// The server.
        server: SocketAddrV4,
        /// The session, without padding.
        session: String,
        /// The first message that will come.
        next: u64,
    },
    /// The connection was lost, or not had.
    Lost {
        /// The server.
        server: SocketAddrV4,
        /// Why.
        why: String,
    },
    /// Nothing has come for longer than heartbeats are apart.
    Stale,
    /// Something comes again.
    Fresh,
    /// The server runs another session than the one that is listened to.
    OtherSession {
        /// The one listened to.
        expected: String,
        /// The server's.
        found: String,
    },
    /// The session is over.
    Ended {
        /// One past the last message.
        next: u64,
    },
}

/// What a SoupBinTCP feed came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoupReport {
    /// Messages given out.
    pub messages: u64,
    /// The next one.
    pub next: u64,
    /// Whether the session is over.
    pub is_ended: bool,
    /// Logins that were accepted.
    pub connections: u64,
    /// Connections that were lost or not had.
    pub lost: u64,
    /// Of these, ended by bytes that are no SoupBinTCP.
    pub malformed: u64,
    /// How often the feed was stale.
    pub stale: u64,
}

/// See the module.
pub(super) struct SoupLive {
    id: FeedId,
    servers: Vec<SoupServer>,
    /// The server that is connected to, or tried next.
    server: usize,
    session: SessionName,
    client: Option<Client>,
    link: Option<TcpLink>,
    reconnect: Reconnect,
    /// When a connection is tried next, while there is none.
    retry_at: Nanos,
    /// Since when one is being made.
    connecting_since: Option<Nanos>,
    registry: Registry,
    token: Token,
    /// Bytes read that the client had no room for.
    rest: Vec<u8>,
    /// The packet that is being put together, or was given out.
    packet: Vec<u8>,
    first: u64,
    count: u64,
    is_given: bool,
    recv: Nanos,
    heard: Nanos,
    is_stale: bool,
    stale_ns: u64,
    report: SoupReport,
}

impl SoupLive {
    pub(super) fn new(
        id: FeedId,
        settings: &SoupSettings,
        registry: Registry,
        first_token: usize,
        now: Nanos,
    ) -> SoupLive {
        SoupLive {
            id,
            servers: settings.servers.clone(),
            server: 0,
            // The configuration has no other characters; one that has is the running session.
            session: SessionName::new(&settings.session).unwrap_or(SessionName::ACTIVE),
            client: None,
            link: None,
            reconnect: Reconnect::new(RETRY_NS.0, RETRY_NS.1),
            retry_at: now,
            connecting_since: None,
            registry,
            token: Token(first_token),
            rest: Vec::new(),
            packet: Vec::new(),
            first: settings.next.max(1),
            count: 0,
            is_given: false,
            recv: now,
            heard: now,
            is_stale: false,
            stale_ns: settings.stale_ns,
            report: SoupReport { next: settings.next.max(1), ..SoupReport::default() },
        }
    }

    pub(super) fn ready(&mut self, event: &Event) {
        if let Some(link) = &mut self.link {
            link.ready(event);
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.report.is_ended && self.count == 0
    }

    pub(super) fn deadline(&self) -> Option<Nanos> {
        if self.report.is_ended {
            return None;
        }
        let stale = (!self.is_stale).then(|| after(self.heard, self.stale_ns));
        let client = self.client.as_ref().and_then(Client::deadline);
        let retry = self.link.is_none().then_some(self.retry_at);
        let connected = self.connecting_since.map(|since| after(since, CONNECT_NS));
        [stale, client, retry, connected].into_iter().flatten().min()
    }

    pub(super) fn last(&self) -> Sequence {
        Sequence(self.report.next.saturating_sub(1))
    }

    pub(super) fn report(&self) -> SoupReport {
        self.report
    }

    pub(super) fn set_stale_ns(&mut self, stale_ns: u64) {
        self.stale_ns = stale_ns;
    }

    /// Whether there is something to do: bytes, or a time that has come.
    pub(super) fn pump(&mut self, now: Nanos) -> bool {
        if self.report.is_ended {
            return self.count > 0;
        }
        let is_due = self.deadline().is_some_and(|deadline| deadline <= now);
        is_due || self.link.as_ref().is_some_and(TcpLink::has_news) || !self.rest.is_empty()
    }

    /// The next step: takes in what has come and gives a packet of it.
    pub(super) fn step(
        &mut self,
        now: Nanos,
        notices: &mut VecDeque<(FeedId, LiveNotice)>,
    ) -> Spoken<'_> {
        if std::mem::take(&mut self.is_given) {
            self.packet.clear();
            self.first += self.count;
            self.count = 0;
        }
        let id = self.id;
        let mut tell = |notice| notices.push_back((id, LiveNotice::Soup(notice)));
        let is_more = self.move_on(now, &mut tell);
        if self.count > 0 && (!is_more || self.packet.len() >= PACKET_BYTES) {
            self.is_given = true;
            self.report.messages += self.count;
            self.report.next = self.first + self.count;
            return Spoken::Arrival(Arrival::Packet(Packet {
                feed: self.id,
                sequence: Sequence(self.first),
                recv: self.recv,
                messages: &self.packet,
            }));
        }
        if is_more { NOTHING } else { Spoken::Wait }
    }

    /// Moves connection and client on; `true` if there is more to do at once.
    fn move_on(&mut self, now: Nanos, tell: &mut impl FnMut(SoupNotice)) -> bool {
        if self.report.is_ended {
            return false;
        }
        if !self.is_stale && clock::until(now, after(self.heard, self.stale_ns)).is_zero() {
            self.is_stale = true;
            self.report.stale += 1;
            tell(SoupNotice::Stale);
        }
        if self.link.is_none() {
            if self.retry_at > now {
                return false;
            }
            return self.connect(now, tell);
        }
        match self.events(now, tell) {
            Some(is_more) => is_more || self.read(now, tell),
            None => false,
        }
    }

    fn connect(&mut self, now: Nanos, tell: &mut impl FnMut(SoupNotice)) -> bool {
        let SoupServer { address, username, password } = &self.servers[self.server];
        let next = self.first + self.count;
        let made = match Login::new(username, password, self.session, next) {
            Some(login) => TcpLink::connect(*address, &self.registry, self.token)
                .map(|link| (link, Client::new(login, ClientSettings::default())))
                .map_err(|error| error.to_string()),
            None => Err(String::from("user name or password are longer than a login has room for")),
        };
        match made {
            Ok((link, client)) => {
                self.rest.clear();
                (self.link, self.client) = (Some(link), Some(client));
                self.connecting_since = Some(now);
                false
            }
            Err(why) => {
                self.lose(why, now, tell);
                false
            }
        }
    }

    /// Takes the client's events into the packet until that is full or there are none; `None` where
    /// the connection is over.
    fn events(&mut self, now: Nanos, tell: &mut impl FnMut(SoupNotice)) -> Option<bool> {
        let mut over = None;
        while self.packet.len() < PACKET_BYTES
            && over.is_none()
            && let Some(event) = self.client.as_mut()?.next(now)
        {
            match event {
                ClientEvent::Message { sequence, bytes } => {
                    if sequence != self.first + self.count {
                        over = Some(format!("the server goes on with message {sequence}"));
                        continue;
                    }
                    // A login alone is no success: whoever lets in and hangs up is not asked at once.
                    self.reconnect.succeeded();
                    // A packet's length field has 16 bits.
                    let length = (bytes.len() as u16).to_be_bytes();
                    self.packet.extend_from_slice(&length);
                    self.packet.extend_from_slice(bytes);
                    self.count += 1;
                }
                ClientEvent::LoggedIn { session, next, is_other_session } => {
                    let expected = self.session;
                    if expected != SessionName::ACTIVE && (is_other_session || session != expected)
                    {
                        let (expected, found) = (expected.to_string(), session.to_string());
                        tell(SoupNotice::OtherSession { expected, found });
                        over = Some(String::from("it runs another session"));
                        continue;
                    }
                    if next != self.first + self.count {
                        over = Some(format!(
                            "the server begins with message {next} instead of {}",
                            self.first + self.count
                        ));
                        continue;
                    }
                    self.session = session;
                    self.report.connections += 1;
                    tell(SoupNotice::Connected {
                        server: self.servers[self.server].address,
                        session: session.to_string(),
                        next,
                    });
                }
                ClientEvent::Unsequenced(_) | ClientEvent::Debug(_) => {}
                ClientEvent::EndOfSession { next } => {
                    self.report.is_ended = true;
                    (self.link, self.client) = (None, None);
                    tell(SoupNotice::Ended { next });
                    return Some(false);
                }
                ClientEvent::Rejected(reject) => {
                    over = Some(format!("the login was refused: {reject:?}"));
                }
                ClientEvent::LoginTimedOut => {
                    over = Some(String::from("the login was not answered in time"));
                }
                ClientEvent::Silent { silent_ns } => {
                    over = Some(format!("nothing came for {:.1} s", silent_ns as f64 / 1e9));
                }
                ClientEvent::Malformed(malformed) => {
                    self.report.malformed += 1;
                    over = Some(malformed.to_string());
                }
            }
        }
        if let Some(why) = over {
            self.lose(why, now, tell);
            return None;
        }
        Some(self.packet.len() >= PACKET_BYTES)
    }

    /// Reads once and writes what is to be sent; `true` if something came.
    fn read(&mut self, now: Nanos, tell: &mut impl FnMut(SoupNotice)) -> bool {
        let (Some(link), Some(client)) = (&mut self.link, &mut self.client) else { return false };
        let mut lost = None;
        let (mut has_come, mut is_more) = (false, false);
        if !self.rest.is_empty() {
            let taken = client.received(&self.rest, now);
            self.rest.drain(..taken);
            has_come = taken > 0;
        } else {
            match link.look() {
                Link::Nothing => {}
                Link::Connected => {
                    client.connected(now);
                    self.connecting_since = None;
                    is_more = true;
                }
                Link::Bytes(bytes) => {
                    let taken = client.received(bytes, now);
                    self.rest.extend_from_slice(&bytes[taken..]);
                    (self.recv, self.heard) = (udp::now(), now);
                    has_come = true;
                }
                Link::Closed(error) => lost = Some(error.to_string()),
            }
        }
        if has_come && std::mem::take(&mut self.is_stale) {
            tell(SoupNotice::Fresh);
        }
        match link.write(client.to_send()) {
            Ok(count) => client.sent(count),
            Err(error) => lost = lost.or(Some(error.to_string())),
        }
        if lost.is_none()
            && let Some(since) = self.connecting_since
            && clock::until(now, after(since, CONNECT_NS)).is_zero()
        {
            lost = Some(String::from("it does not take the connection"));
        }
        if let Some(why) = lost {
            self.lose(why, now, tell);
        }
        has_come || is_more
    }

    /// The connection is of no use any more: the next server is tried after a while.
    fn lose(&mut self, why: String, now: Nanos, tell: &mut impl FnMut(SoupNotice)) {
        let server = self.servers[self.server].address;
        (self.link, self.client, self.connecting_since) = (None, None, None);
        self.rest.clear();
        self.report.lost += 1;
        self.retry_at = self.reconnect.failed(now);
        self.server = (self.server + 1) % self.servers.len();
        tell(SoupNotice::Lost { server, why });
    }
}

fn after(time: Nanos, wait_ns: u64) -> Nanos {
    Nanos(time.0.saturating_add_unsigned(wait_ns))
}
