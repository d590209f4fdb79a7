//! The server's end of a connection: waits for a login, lets in or refuses, sends the sequence.
//!
//! The simulated exchange and tests drive it as a client is driven: bytes and time in
//! ([`Server::received`], [`Server::next`]), bytes to send out ([`Server::to_send`]). What waits to be
//! sent is bounded: [`Server::send_sequenced`] takes nothing more when a slow client has let too much
//! pile up, and the owner goes on where it left off.

use core::ops::Range;

use engine::units::Nanos;

use super::packet::{Login, Malformed, PACKET_BYTES_MAX, Reject, SessionName, SoupPacket};
use super::stream::{Inbox, Outbox};

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// A heartbeat is sent when nothing else was for so long, in nanoseconds.
    pub heartbeat_ns: u64,
    /// The client is given up when nothing came for so long, in nanoseconds.
    pub silence_ns: u64,
    /// The client has so long to log in, in nanoseconds.
    pub login_wait_ns: u64,
    /// Bytes waiting to be sent beyond which nothing more is taken.
    pub pending_bytes_max: usize,
}

/// A heartbeat a second, 15 s of silence and 30 s for the login, as the specification has them; 1 MiB
/// to be sent.
impl Default for ServerSettings {
    fn default() -> Self {
        ServerSettings {
            heartbeat_ns: 1_000_000_000,
            silence_ns: 15_000_000_000,
            login_wait_ns: 30_000_000_000,
            pending_bytes_max: 1 << 20,
        }
    }
}

/// What a client did. The last four end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent<'a> {
    /// The client wants to log in: [`Server::accept`] or [`Server::reject`] it.
    LoginRequest(Login),
    /// A message of the client's, unsequenced.
    ClientMessage(&'a [u8]),
    /// Text for people.
    Debug(&'a [u8]),
    /// The client wants to be let go.
    Logout,
    /// The client did not log in in time.
    LoginTimedOut,
    /// Nothing came for this long.
    Silent {
        /// How long, in nanoseconds.
        silent_ns: u64,
    },
    /// What came is no packet, or one that does not belong there.
    Malformed(Malformed),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Over,
    /// Until the login came.
    Waiting,
    /// Until the owner has decided on it.
    Deciding,
    LoggedIn,
}

/// An event whose bytes are still to be looked up.
enum Found {
    Whole(ServerEvent<'static>),
    Message(Range<usize>),
    Debug(Range<usize>),
}

/// A server's end of one connection. See the module.
pub struct Server {
    settings: ServerSettings,
    phase: Phase,
    inbox: Inbox,
    outbox: Outbox,
    last_received: Nanos,
    last_sent: Nanos,
}

impl Server {
    /// A client has connected at `now`.
    #[must_use]
    pub fn new(settings: ServerSettings, now: Nanos) -> Self {
        Server {
            settings,
            phase: Phase::Waiting,
            inbox: Inbox::new(PACKET_BYTES_MAX),
            outbox: Outbox::default(),
            last_received: now,
            last_sent: now,
        }
    }

    /// Bytes came; takes as many as there is room for and tells how many. It is all of them, or all
    /// that are left after [`Server::next`] was asked until there was nothing more.
    #[must_use]
    pub fn received(&mut self, bytes: &[u8], now: Nanos) -> usize {
        if self.phase == Phase::Over {
            return bytes.len();
        }
        if !bytes.is_empty() && self.phase != Phase::Waiting {
            self.last_received = now;
        }
        self.inbox.take(bytes)
    }

    /// What the client did next; `None` until more comes or [`Server::deadline`] has passed.
    pub fn next(&mut self, now: Nanos) -> Option<ServerEvent<'_>> {
        Some(match self.find(now)? {
            Found::Whole(event) => event,
            Found::Message(at) => ServerEvent::ClientMessage(self.inbox.bytes(at)),
            Found::Debug(at) => ServerEvent::Debug(self.inbox.bytes(at)),
        })
    }

    /// Lets the client in: the next message it gets is number `next` of `session`.
    ///
    /// # Panics
    /// If no login was asked for.
    pub fn accept(&mut self, session: SessionName, next: u64, now: Nanos) {
        assert_eq!(self.phase, Phase::Deciding, "Invariant: a login is asked for and then decided");
        self.phase = Phase::LoggedIn;
        self.push(&SoupPacket::LoginAccepted { session, next }, now);
    }

    /// Refuses the login. The connection is over once all is sent.
    ///
    /// # Panics
    /// If no login was asked for.
    pub fn reject(&mut self, reject: Reject, now: Nanos) {
        assert_eq!(self.phase, Phase::Deciding, "Invariant: a login is asked for and then decided");
        self.push(&SoupPacket::LoginRejected(reject), now);
        self.phase = Phase::Over;
    }

    /// Sends the next message of the sequence. Tells whether it was taken: not if the client is not
    /// logged in, if too much is still to be sent, or if it is longer than a packet.
    #[must_use]
    pub fn send_sequenced(&mut self, message: &[u8], now: Nanos) -> bool {
        let is_possible = self.phase == Phase::LoggedIn
            && self.outbox.pending().len() < self.settings.pending_bytes_max
            && self.outbox.push(&SoupPacket::Sequenced(message)).is_ok();
        if is_possible {
            self.last_sent = now;
        }
        is_possible
    }

    /// Tells the client that the session is over. The connection is over once all is sent.
    pub fn end_of_session(&mut self, now: Nanos) {
        if self.phase == Phase::LoggedIn {
            self.push(&SoupPacket::EndOfSession, now);
            self.phase = Phase::Over;
        }
    }

    /// What is to be sent now.
    #[must_use]
    pub fn to_send(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// The first `count` bytes of that were sent.
    ///
    /// # Panics
    /// If there were not so many.
    pub fn sent(&mut self, count: usize) {
        self.outbox.sent(count);
    }

    /// When to ask for events again though nothing came; `None` if time alone changes nothing.
    #[must_use]
    pub fn deadline(&self) -> Option<Nanos> {
        let after = |time: Nanos, wait_ns| Nanos(time.0.saturating_add_unsigned(wait_ns));
        let silent = after(self.last_received, self.settings.silence_ns);
        match self.phase {
            Phase::Over => None,
            Phase::Waiting => Some(after(self.last_received, self.settings.login_wait_ns)),
            Phase::Deciding => Some(silent),
            Phase::LoggedIn if self.outbox.pending().is_empty() => {
                Some(silent.min(after(self.last_sent, self.settings.heartbeat_ns)))
            }
            Phase::LoggedIn => Some(silent),
        }
    }

    /// Whether the client is logged in.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        self.phase == Phase::LoggedIn
    }

    /// Whether the connection is to be closed once [`Server::to_send`] is empty.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    fn push(&mut self, packet: &SoupPacket<'_>, now: Nanos) {
        let pushed = self.outbox.push(packet);
        assert!(pushed.is_ok(), "Invariant: a packet without a message is never too long");
        self.last_sent = now;
    }

    /// Ends the connection with `event`.
    fn end(&mut self, event: ServerEvent<'static>) -> Option<Found> {
        self.phase = Phase::Over;
        Some(Found::Whole(event))
    }

    fn find(&mut self, now: Nanos) -> Option<Found> {
        while self.phase != Phase::Over {
            let at = match self.inbox.next() {
                Ok(Some(at)) => at,
                Ok(None) => return self.find_by_time(now),
                Err(malformed) => return self.end(ServerEvent::Malformed(malformed)),
            };
            let payload = (at.start + 1).min(at.end)..at.end;
            let packet = match SoupPacket::parse(self.inbox.bytes(at)) {
                Ok(packet) => packet,
                Err(malformed) => return self.end(ServerEvent::Malformed(malformed)),
            };
            let kind = packet.kind();
            return match (self.phase, packet) {
                (_, SoupPacket::Debug(_)) => Some(Found::Debug(payload)),
                (Phase::Waiting, SoupPacket::LoginRequest(login)) => {
                    self.phase = Phase::Deciding;
                    self.last_received = now;
                    Some(Found::Whole(ServerEvent::LoginRequest(login)))
                }
                (Phase::Deciding | Phase::LoggedIn, SoupPacket::ClientHeartbeat) => continue,
                (Phase::Deciding | Phase::LoggedIn, SoupPacket::LogoutRequest) => {
                    self.end(ServerEvent::Logout)
                }
                (Phase::LoggedIn, SoupPacket::Unsequenced(_)) => Some(Found::Message(payload)),
                _ => self.end(ServerEvent::Malformed(Malformed::Misplaced { kind })),
            };
        }
        None
    }

    /// What time alone brings about.
    fn find_by_time(&mut self, now: Nanos) -> Option<Found> {
        let silent_ns = now.since_ns(self.last_received);
        match self.phase {
            Phase::Waiting if silent_ns >= self.settings.login_wait_ns => {
                self.end(ServerEvent::LoginTimedOut)
            }
            Phase::Deciding | Phase::LoggedIn if silent_ns >= self.settings.silence_ns => {
                self.end(ServerEvent::Silent { silent_ns })
            }
            Phase::LoggedIn => {
                let is_due = now.since_ns(self.last_sent) >= self.settings.heartbeat_ns;
                if is_due && self.outbox.pending().is_empty() {
                    self.push(&SoupPacket::ServerHeartbeat, now);
                }
                None
            }
            Phase::Waiting | Phase::Deciding | Phase::Over => None,
        }
    }
}
