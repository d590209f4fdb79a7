//! The client's end of a connection: logs in, keeps the connection alive, counts the messages.
//!
//! ```text
//!  connected ──► logging in ── accepted ──► logged in
//!                     │                         │
//!                     └── refused, too late ────┴── end of session, silence, no packet ──► over
//! ```
//! The driver connects, tells so ([`Client::connected`]), hands over what it receives
//! ([`Client::received`]), asks for events until there are none ([`Client::next`]) and sends what is
//! to be sent ([`Client::to_send`]). Once over, all that comes is ignored; the driver closes the
//! connection, and [`Client::connected`] begins anew: in the session that it was in, from the first
//! message that has not come. When to try again is [`Reconnect`](super::Reconnect)'s business.
//!
//! Memory is bounded: by the greatest packet, and nothing piles up to be sent.

use core::ops::Range;

use engine::units::Nanos;

use super::packet::{Login, Malformed, PACKET_BYTES_MAX, Reject, SessionName, SoupPacket};
use super::stream::{Inbox, Outbox};

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// A heartbeat is sent when nothing else was for so long, in nanoseconds.
    pub heartbeat_ns: u64,
    /// The connection is given up when nothing came for so long, in nanoseconds.
    pub silence_ns: u64,
    /// The server has so long to answer the login, in nanoseconds.
    pub login_wait_ns: u64,
    /// Most bytes of a packet.
    pub packet_bytes_max: usize,
}

/// A heartbeat a second and 15 s of silence, as the specification has them; 15 s for the login; any
/// packet that the length field can tell.
impl Default for ClientSettings {
    fn default() -> Self {
        ClientSettings {
            heartbeat_ns: 1_000_000_000,
            silence_ns: 15_000_000_000,
            login_wait_ns: 15_000_000_000,
            packet_bytes_max: PACKET_BYTES_MAX,
        }
    }
}

/// What happened on a connection. The last six end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent<'a> {
    /// The server let the client in.
    LoggedIn {
        /// The session that it is in.
        session: SessionName,
        /// Number of the next message. It may be beyond the one asked for.
        next: u64,
        /// Whether another session had been asked for by its name.
        is_other_session: bool,
    },
    /// The next message of the session.
    Message {
        /// Its number.
        sequence: u64,
        /// The message.
        bytes: &'a [u8],
    },
    /// A message outside the sequence.
    Unsequenced(&'a [u8]),
    /// Text for people.
    Debug(&'a [u8]),
    /// The session is over: there is no message from this number on.
    EndOfSession {
        /// One past the last message.
        next: u64,
    },
    /// The server refused the login.
    Rejected(Reject),
    /// The server did not answer the login in time.
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
    LoggingIn,
    LoggedIn,
}

/// An event whose bytes are still to be looked up.
enum Found {
    Whole(ClientEvent<'static>),
    Message(u64, Range<usize>),
    Unsequenced(Range<usize>),
    Debug(Range<usize>),
}

/// A client. See the module.
pub struct Client {
    login: Login,
    settings: ClientSettings,
    phase: Phase,
    inbox: Inbox,
    outbox: Outbox,
    last_received: Nanos,
    last_sent: Nanos,
    /// Where the message is that was given out last.
    last_message: Range<usize>,
}

impl Client {
    /// A client that is not connected.
    #[must_use]
    pub fn new(login: Login, settings: ClientSettings) -> Self {
        Client {
            login,
            settings,
            phase: Phase::Over,
            inbox: Inbox::new(settings.packet_bytes_max.min(PACKET_BYTES_MAX)),
            outbox: Outbox::default(),
            last_received: Nanos(0),
            last_sent: Nanos(0),
            last_message: 0..0,
        }
    }

    /// A connection was made: the login is to be sent.
    pub fn connected(&mut self, now: Nanos) {
        self.inbox.clear();
        self.outbox.clear();
        self.phase = Phase::LoggingIn;
        self.last_received = now;
        self.push(&SoupPacket::LoginRequest(self.login), now);
    }

    /// Bytes came; takes as many as there is room for and tells how many. It is all of them, or all
    /// that are left after [`Client::next`] was asked until there was nothing more.
    #[must_use]
    pub fn received(&mut self, bytes: &[u8], now: Nanos) -> usize {
        if self.phase == Phase::Over {
            return bytes.len();
        }
        if !bytes.is_empty() {
            self.last_received = now;
        }
        self.inbox.take(bytes)
    }

    /// What happened next; `None` until more comes or [`Client::deadline`] has passed.
    pub fn next(&mut self, now: Nanos) -> Option<ClientEvent<'_>> {
        Some(match self.find(now)? {
            Found::Whole(event) => event,
            Found::Message(sequence, at) => {
                ClientEvent::Message { sequence, bytes: self.inbox.bytes(at) }
            }
            Found::Unsequenced(at) => ClientEvent::Unsequenced(self.inbox.bytes(at)),
            Found::Debug(at) => ClientEvent::Debug(self.inbox.bytes(at)),
        })
    }

    /// The message that was given out last, until more is received.
    pub(crate) fn last_message(&self) -> &[u8] {
        self.inbox.bytes(self.last_message.clone())
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
        match self.phase {
            Phase::Over => None,
            Phase::LoggingIn => Some(after(self.last_sent, self.settings.login_wait_ns)),
            Phase::LoggedIn => {
                let silent = after(self.last_received, self.settings.silence_ns);
                let is_free = self.outbox.pending().is_empty();
                let heartbeat = is_free.then(|| after(self.last_sent, self.settings.heartbeat_ns));
                Some(heartbeat.map_or(silent, |heartbeat| heartbeat.min(silent)))
            }
        }
    }

    /// Asks the server to let go. It closes the connection; what comes until then still counts.
    pub fn logout(&mut self, now: Nanos) {
        if self.phase != Phase::Over {
            self.push(&SoupPacket::LogoutRequest, now);
        }
    }

    /// Whether the connection is of no use any longer, or there is none yet.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// What the next connection will log in with: the session it was in, and the first message that
    /// has not come.
    #[must_use]
    pub fn login(&self) -> Login {
        self.login
    }

    fn push(&mut self, packet: &SoupPacket<'_>, now: Nanos) {
        let pushed = self.outbox.push(packet);
        assert!(pushed.is_ok(), "Invariant: a packet without a message is never too long");
        self.last_sent = now;
    }

    /// Ends the connection with `event`.
    fn end(&mut self, event: ClientEvent<'static>) -> Option<Found> {
        self.phase = Phase::Over;
        Some(Found::Whole(event))
    }

    fn find(&mut self, now: Nanos) -> Option<Found> {
        while self.phase != Phase::Over {
            let at = match self.inbox.next() {
                Ok(Some(at)) => at,
                Ok(None) => return self.find_by_time(now),
                Err(malformed) => return self.end(ClientEvent::Malformed(malformed)),
            };
            let payload = (at.start + 1).min(at.end)..at.end;
            let packet = match SoupPacket::parse(self.inbox.bytes(at)) {
                Ok(packet) => packet,
                Err(malformed) => return self.end(ClientEvent::Malformed(malformed)),
            };
            let kind = packet.kind();
            return match (self.phase, packet) {
                (_, SoupPacket::Debug(_)) => Some(Found::Debug(payload)),
                (_, SoupPacket::ServerHeartbeat) => continue,
                (Phase::LoggingIn, SoupPacket::LoginAccepted { session, next }) => {
                    Some(Found::Whole(self.let_in(session, next)))
                }
                (Phase::LoggingIn, SoupPacket::LoginRejected(reject)) => {
                    self.end(ClientEvent::Rejected(reject))
                }
                (Phase::LoggedIn, SoupPacket::Sequenced(_)) => {
                    let sequence = self.login.sequence;
                    self.login.sequence = sequence.saturating_add(1);
                    self.last_message = payload.clone();
                    Some(Found::Message(sequence, payload))
                }
                (Phase::LoggedIn, SoupPacket::Unsequenced(_)) => Some(Found::Unsequenced(payload)),
                (Phase::LoggedIn, SoupPacket::EndOfSession) => {
                    let next = self.login.sequence;
                    self.end(ClientEvent::EndOfSession { next })
                }
                _ => self.end(ClientEvent::Malformed(Malformed::Misplaced { kind })),
            };
        }
        None
    }

    fn let_in(&mut self, session: SessionName, next: u64) -> ClientEvent<'static> {
        let asked = self.login.session;
        let is_other_session = asked != SessionName::ACTIVE && asked != session;
        self.phase = Phase::LoggedIn;
        self.login.session = session;
        self.login.sequence = next;
        ClientEvent::LoggedIn { session, next, is_other_session }
    }

    /// What time alone brings about.
    fn find_by_time(&mut self, now: Nanos) -> Option<Found> {
        let silent_ns = now.since_ns(self.last_received);
        match self.phase {
            Phase::LoggingIn if now.since_ns(self.last_sent) >= self.settings.login_wait_ns => {
                self.end(ClientEvent::LoginTimedOut)
            }
            Phase::LoggedIn if silent_ns >= self.settings.silence_ns => {
                self.end(ClientEvent::Silent { silent_ns })
            }
            Phase::LoggedIn => {
                let is_due = now.since_ns(self.last_sent) >= self.settings.heartbeat_ns;
                if is_due && self.outbox.pending().is_empty() {
                    self.push(&SoupPacket::ClientHeartbeat, now);
                }
                None
            }
            Phase::LoggingIn | Phase::Over => None,
        }
    }
}
