//! GLIMPSE 5.0: the state of a market as a sequence of ITCH messages, over SoupBinTCP (*Nasdaq
//! GLIMPSE*, version 5.0).
//!
//! A client logs in for message 1 and is sent the session's events, directory and trading states and
//! an add for each live order, as the ITCH feed would; the last message is the snapshot message:
//!
//! ```text
//!  0     1                                    21
//!  ├ G ┼ sequence number (20 ASCII digits) ┤
//! ```
//! with the number of the ITCH feed's message to go on with. [`GlimpseClient`] is driven as a
//! SoupBinTCP client is. It keeps nothing of the content: each message is handed on as it comes, and
//! only [`GlimpseEvent::Complete`] says that the snapshot is whole. It has at most as many bytes as
//! allowed; whoever wants a second one makes a new client.

use engine::units::{Nanos, Sequence};
use thiserror::Error;

use crate::soupbintcp::packet::{number, parse_number};
use crate::soupbintcp::{Client, ClientEvent, ClientSettings, Login, Malformed, Reject};

/// Type of the message that ends a snapshot.
pub const SNAPSHOT_END: u8 = b'G';

/// Bytes of the message that ends a snapshot.
pub const SNAPSHOT_END_BYTES: usize = 21;

/// The message that ends a snapshot: the feed goes on with message `next`.
#[must_use]
pub fn encode_snapshot_end(next: Sequence) -> [u8; SNAPSHOT_END_BYTES] {
    let mut message = [SNAPSHOT_END; SNAPSHOT_END_BYTES];
    message[1..].copy_from_slice(&number(next.0));
    message
}

/// The number in a message that ends a snapshot; `None` if it is another message or has none.
#[must_use]
pub fn parse_snapshot_end(message: &[u8]) -> Option<Sequence> {
    let (&SNAPSHOT_END, digits) = message.split_first()? else {
        return None;
    };
    parse_number(digits.try_into().ok()?).map(Sequence)
}

/// What happened while a snapshot is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlimpseEvent<'a> {
    /// The next ITCH message of the snapshot.
    Item(&'a [u8]),
    /// The snapshot is whole: the feed goes on with this message.
    Complete {
        /// Number of the first message of the feed that the snapshot does not hold.
        next: Sequence,
    },
    /// There will be no snapshot on this connection.
    Failed(GlimpseFailure),
}

/// Why a snapshot was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GlimpseFailure {
    /// The server refused the login.
    #[error("the snapshot server refused the login: {0:?}")]
    Rejected(Reject),
    /// The server did not answer the login in time.
    #[error("the snapshot server did not answer the login in time")]
    LoginTimedOut,
    /// Nothing came for too long.
    #[error("the snapshot server was silent for {silent_ns} ns")]
    Silent {
        /// How long, in nanoseconds.
        silent_ns: u64,
    },
    /// The server sends from another message than the first.
    #[error("the snapshot server begins with message {next} instead of 1")]
    NotFromTheStart {
        /// The message it begins with.
        next: u64,
    },
    /// The server ended the session before the snapshot was whole.
    #[error("the snapshot server ended the session before the snapshot was whole")]
    EndOfSession,
    /// What came is no SoupBinTCP.
    #[error("the snapshot server sent what is no SoupBinTCP: {0}")]
    Malformed(Malformed),
    /// The message that should end the snapshot has no number.
    #[error("the message that ends the snapshot has no sequence number")]
    NoSequence,
    /// The snapshot has more bytes than allowed.
    #[error("the snapshot has more than {bytes_max} bytes")]
    TooLarge {
        /// How many are allowed.
        bytes_max: u64,
    },
    /// The connection was lost before the snapshot was whole.
    #[error("the connection was lost before the snapshot was whole")]
    Disconnected,
}

/// Fetches one snapshot. See the module.
pub struct GlimpseClient {
    client: Client,
    bytes_max: u64,
    bytes: u64,
    is_over: bool,
}

/// What an event of the connection means for the snapshot.
enum Meaning {
    Nothing,
    Item,
    Complete(Sequence),
    Failed(GlimpseFailure),
}

impl GlimpseClient {
    /// A client for a snapshot of at most `bytes_max` bytes. The login's sequence is taken as 1.
    #[must_use]
    pub fn new(mut login: Login, settings: ClientSettings, bytes_max: u64) -> Self {
        login.sequence = 1;
        let client = Client::new(login, settings);
        GlimpseClient { client, bytes_max, bytes: 0, is_over: false }
    }

    /// A connection was made.
    pub fn connected(&mut self, now: Nanos) {
        self.client.connected(now);
    }

    /// The connection was lost, or not had at all. Tells whether that is a failure: after the end of
    /// the snapshot it is none.
    pub fn disconnected(&mut self) -> Option<GlimpseFailure> {
        let is_failure = !core::mem::replace(&mut self.is_over, true);
        is_failure.then_some(GlimpseFailure::Disconnected)
    }

    /// Bytes came; as [`Client::received`].
    #[must_use]
    pub fn received(&mut self, bytes: &[u8], now: Nanos) -> usize {
        if self.is_over { bytes.len() } else { self.client.received(bytes, now) }
    }

    /// What happened next; `None` until more comes or [`GlimpseClient::deadline`] has passed. After
    /// `Complete` or `Failed` there is nothing more, and the logout may be sent.
    pub fn next(&mut self, now: Nanos) -> Option<GlimpseEvent<'_>> {
        while !self.is_over {
            match Self::meaning(self.client.next(now)?, &mut self.bytes, self.bytes_max) {
                Meaning::Nothing => {}
                Meaning::Item => return Some(GlimpseEvent::Item(self.client.last_message())),
                Meaning::Complete(next) => {
                    self.is_over = true;
                    self.client.logout(now);
                    return Some(GlimpseEvent::Complete { next });
                }
                Meaning::Failed(failure) => {
                    self.is_over = true;
                    return Some(GlimpseEvent::Failed(failure));
                }
            }
        }
        None
    }

    /// What is to be sent now.
    #[must_use]
    pub fn to_send(&self) -> &[u8] {
        self.client.to_send()
    }

    /// The first `count` bytes of that were sent.
    ///
    /// # Panics
    /// If there were not so many.
    pub fn sent(&mut self, count: usize) {
        self.client.sent(count);
    }

    /// When to ask for events again though nothing came; `None` if time alone changes nothing.
    #[must_use]
    pub fn deadline(&self) -> Option<Nanos> {
        if self.is_over { None } else { self.client.deadline() }
    }

    /// Whether the snapshot is whole or has failed: the connection is to be closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn meaning(event: ClientEvent<'_>, bytes: &mut u64, bytes_max: u64) -> Meaning {
        match event {
            ClientEvent::LoggedIn { next: 1, .. }
            | ClientEvent::Debug(_)
            | ClientEvent::Unsequenced(_) => Meaning::Nothing,
            ClientEvent::LoggedIn { next, .. } => {
                Meaning::Failed(GlimpseFailure::NotFromTheStart { next })
            }
            ClientEvent::Message { bytes: message, .. } => {
                if message.first() == Some(&SNAPSHOT_END) {
                    return match parse_snapshot_end(message) {
                        Some(next) => Meaning::Complete(next),
                        None => Meaning::Failed(GlimpseFailure::NoSequence),
                    };
                }
                *bytes += message.len() as u64;
                if *bytes > bytes_max {
                    return Meaning::Failed(GlimpseFailure::TooLarge { bytes_max });
                }
                Meaning::Item
            }
            ClientEvent::EndOfSession { .. } => Meaning::Failed(GlimpseFailure::EndOfSession),
            ClientEvent::Rejected(reject) => Meaning::Failed(GlimpseFailure::Rejected(reject)),
            ClientEvent::LoginTimedOut => Meaning::Failed(GlimpseFailure::LoginTimedOut),
            ClientEvent::Silent { silent_ns } => {
                Meaning::Failed(GlimpseFailure::Silent { silent_ns })
            }
            ClientEvent::Malformed(malformed) => {
                Meaning::Failed(GlimpseFailure::Malformed(malformed))
            }
        }
    }
}

#[cfg(test)]
mod tests;
