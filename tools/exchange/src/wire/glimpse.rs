//! Snapshots by GLIMPSE 5.0: a client logs in and gets the books as they are then.
//!
//! The messages of a snapshot (see `orders`) come as sequenced data, then `G`:
//!
//! ```text
//!  0     1                                        21
//!  ├ 'G' ┼ number of the first message behind it, text, padded with spaces on the left ┤
//! ```
//! Whoever applies the feed's messages from that number on to the snapshot has the books of the feed.
//! Each login gets a snapshot of its own, from its first message on, whatever number it asks for. The
//! publisher takes it between two acts and goes on; sending is this server's work.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};

use engine::units::Sequence;
use feed_handlers::glimpse::encode_snapshot_end;
use feed_handlers::soupbintcp::{Login, Reject, SessionName, SoupPacket};

use super::counts::Counters;
use super::orders::{Order, Snapshot};
use super::packets::{is_for, put};
use super::publisher::HEARTBEAT;
use super::soup::put_messages;
use super::tcp::{Client, Serve, Then};

/// Bytes that are sent at a time.
const PIECE_BYTES: usize = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Glimpse {
    pub(super) session: SessionName,
    pub(super) orders: Sender<Order>,
    pub(super) counters: Arc<Counters>,
}

impl Serve for Glimpse {
    fn serve(&self, login: Login, client: &mut Client<'_>) -> io::Result<Then> {
        let mut packets = Vec::new();
        if !is_for(&login, self.session) {
            put(&mut packets, &SoupPacket::LoginRejected(Reject::NoSession));
            client.send(&packets)?;
            return Ok(Then::HangUp);
        }
        put(&mut packets, &SoupPacket::LoginAccepted { session: self.session, next: 1 });
        client.send(&packets)?;
        let snapshot = self.taken(client)?;
        packets.clear();
        put_messages(&mut packets, &snapshot.messages);
        let last = encode_snapshot_end(Sequence(snapshot.next));
        put(&mut packets, &SoupPacket::Sequenced(&last));
        for piece in packets.chunks(PIECE_BYTES) {
            client.send(piece)?;
        }
        self.counters.snapshots.add(1);
        Ok(Then::Wait)
    }
}

impl Glimpse {
    /// A snapshot, as soon as the publisher has taken one.
    fn taken(&self, client: &mut Client<'_>) -> io::Result<Arc<Snapshot>> {
        let over = || io::Error::from(ErrorKind::UnexpectedEof);
        let (answer, taken) = mpsc::channel();
        self.orders.send(Order::Snapshot(answer)).map_err(|_| over())?;
        loop {
            match taken.recv_timeout(HEARTBEAT) {
                Ok(snapshot) => return Ok(snapshot),
                Err(RecvTimeoutError::Disconnected) => return Err(over()),
                Err(RecvTimeoutError::Timeout) => {
                    let mut heartbeat = Vec::new();
                    put(&mut heartbeat, &SoupPacket::ServerHeartbeat);
                    client.send(&heartbeat)?;
                }
            }
        }
    }
}
