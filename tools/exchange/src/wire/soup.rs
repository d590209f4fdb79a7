//! The session by SoupBinTCP: every message published, from the one a client asks for on.
//!
//! A client that asks for message 0 gets what is published next; one that asks for a message that is
//! not published yet is logged in at the next one there will be, as the login's answer tells. It
//! follows the day at its own speed from the store, a heartbeat each second of silence, and is told
//! the end of the session behind the last message. Another session than today's is not available.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use feed_handlers::soupbintcp::{Login, Reject, SessionName, SoupPacket};

use super::counts::Counters;
use super::packets::{is_for, put};
use super::publisher::HEARTBEAT;
use super::store::{Store, block_bytes};
use super::tcp::{Client, Serve, Then};

/// Bytes read from the store and sent at a time.
const PIECE_BYTES: usize = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Soup {
    pub(super) session: SessionName,
    pub(super) store: Arc<Store>,
    pub(super) counters: Arc<Counters>,
}

impl Serve for Soup {
    fn serve(&self, login: Login, client: &mut Client<'_>) -> io::Result<Then> {
        let mut packets = Vec::new();
        if !is_for(&login, self.session) {
            put(&mut packets, &SoupPacket::LoginRejected(Reject::NoSession));
            client.send(&packets)?;
            return Ok(Then::HangUp);
        }
        let published = self.store.progress().next;
        let mut next = match login.sequence {
            0 => published,
            sequence => sequence.min(published),
        };
        put(&mut packets, &SoupPacket::LoginAccepted { session: self.session, next });
        client.send(&packets)?;
        self.counters.soup_logins.add(1);
        let mut piece = Vec::new();
        while !client.has_left() {
            packets.clear();
            let progress = self.store.wait(next, HEARTBEAT);
            if progress.next > next {
                piece.clear();
                next += self.store.read(next, u64::MAX, PIECE_BYTES, &mut piece)?;
                put_messages(&mut packets, &piece);
            } else if progress.is_ended {
                put(&mut packets, &SoupPacket::EndOfSession);
                client.send(&packets)?;
                return Ok(Then::Wait);
            } else if progress.is_closed {
                // The day broke off: there is no end to tell.
                return Err(ErrorKind::UnexpectedEof.into());
            } else {
                put(&mut packets, &SoupPacket::ServerHeartbeat);
            }
            client.send(&packets)?;
        }
        Ok(Then::Wait)
    }
}

/// Appends each message of `messages`, which have their lengths before them, as a packet.
pub(super) fn put_messages(to: &mut Vec<u8>, messages: &[u8]) {
    let mut rest = messages;
    while let Some(bytes) = block_bytes(rest) {
        let (block, behind) = rest.split_at(bytes);
        put(to, &SoupPacket::Sequenced(&block[size_of::<u16>()..]));
        rest = behind;
    }
}
