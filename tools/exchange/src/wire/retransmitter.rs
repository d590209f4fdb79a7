//! The retransmission server: MoldUDP64 requests in, packets of what was published out.
//!
//! An answer is one downstream packet to where the request came from: whole messages from the first
//! one on, as many as were asked for, are published and fit one packet. Whoever wants more asks again.
//! There is no answer to another session's request, to one for no message, or for messages that are
//! not published yet; nor to a share of the requests on purpose. While the end of the session is told,
//! requests are answered still.
//!
//! One thread reads and answers in turn; requests that come faster wait in the kernel's buffer, and
//! are lost when it is full, as datagrams are.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use feed_handlers::moldudp64::SessionId;
use feed_handlers::moldudp64::header::{HEADER_BYTES, Header, MESSAGES_MAX, PacketKind};
use feed_handlers::moldudp64::request::{REQUEST_BYTES, Request};

use super::counts::Counters;
use super::impairment::{Share, chance};
use super::line::send;
use super::store::Store;
use crate::random::Random;

/// How often the server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// What the server answers from, and how.
#[derive(Clone, Debug)]
pub(super) struct Answering {
    pub(super) session: SessionId,
    pub(super) store: Arc<Store>,
    pub(super) counters: Arc<Counters>,
    pub(super) payload_bytes_max: usize,
    /// Share of the requests that are not answered, and where its chance comes from.
    pub(super) loss: Share,
    pub(super) seed: u64,
}

/// See the module. Dropped, it ends.
#[derive(Debug)]
pub(super) struct Retransmitter {
    address: SocketAddr,
    is_closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Retransmitter {
    /// Opens the server's socket and begins to answer.
    pub(super) fn start(at: SocketAddr, answering: Answering) -> io::Result<Retransmitter> {
        let socket = UdpSocket::bind(at)?;
        socket.set_read_timeout(Some(LOOK))?;
        let address = socket.local_addr()?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let work = move || answer_all(&socket, &answering, &closed);
        let thread = thread::Builder::new().name(String::from("retransmit")).spawn(work)?;
        Ok(Retransmitter { address, is_closed, thread: Some(thread) })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Retransmitter {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told it.
            let _ = thread.join();
        }
    }
}

fn answer_all(socket: &UdpSocket, answering: &Answering, is_closed: &AtomicBool) {
    let mut random = Random::new(answering.seed, 0x5e7);
    // A byte more than a request has, to know one that is too long.
    let (mut request, mut answer) = ([0; REQUEST_BYTES + 1], Vec::new());
    while !is_closed.load(Ordering::Relaxed) {
        let (bytes, from) = match socket.recv_from(&mut request) {
            Ok(received) => received,
            // Nobody asked for a while, or whoever did has gone.
            Err(error) if is_passing(&error) => continue,
            Err(_) => return,
        };
        answering.counters.requests.add(1);
        if chance(&mut random, answering.loss) {
            answering.counters.requests_dropped.add(1);
            continue;
        }
        answer.clear();
        let count = answering.answer(&request[..bytes], &mut answer);
        // A client that cannot be reached asks again.
        if count > 0 && send(socket, &answer, from).is_ok() {
            answering.counters.requests_answered.add(1);
            answering.counters.retransmitted.add(count);
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
    )
}

impl Answering {
    /// Appends the answer to `request` to `to`, and says how many messages it has; without any,
    /// there is none.
    fn answer(&self, request: &[u8], to: &mut Vec<u8>) -> u64 {
        let request = Request::parse(request).filter(|request| request.session() == self.session);
        let Some(request) = request else { return 0 };
        let first = request.first();
        let wanted = u64::from(request.count().min(MESSAGES_MAX));
        to.resize(HEADER_BYTES, 0);
        let room = self.payload_bytes_max - HEADER_BYTES;
        // What was published and cannot be read again is as lost as ever.
        let count = self.store.read(first, wanted, room, to).unwrap_or(0);
        let kind = u16::try_from(count).map_or(PacketKind::Heartbeat, PacketKind::Messages);
        let header = Header::new(self.session, first, kind);
        to[..HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(&header));
        count
    }
}

#[cfg(test)]
mod tests {
    use feed_handlers::moldudp64::DownstreamPacket;

    use super::*;

    const SESSION: SessionId = SessionId(*b"TEST      ");

    /// 100 messages of 50 bytes published, packets of 300 bytes.
    fn answering() -> Answering {
        let store = Store::new(None).unwrap();
        for number in 1..=100_u8 {
            let mut block = vec![0, 50];
            block.extend([number; 50]);
            store.append(&block).unwrap();
        }
        Answering {
            session: SESSION,
            store: Arc::new(store),
            counters: Arc::default(),
            payload_bytes_max: 300,
            loss: Share::NONE,
            seed: 1,
        }
    }

    fn asked(session: &[u8; 10], first: u64, wanted: u16) -> Option<(u64, Vec<u8>)> {
        let mut request = session.to_vec();
        request.extend(first.to_be_bytes());
        request.extend(wanted.to_be_bytes());
        let mut answer = Vec::new();
        let count = answering().answer(&request, &mut answer);
        let packet = DownstreamPacket::parse(&answer).filter(|_| count > 0)?;
        assert!(packet.is_exact() && u64::from(packet.whole) == count);
        assert_eq!(packet.session, SESSION);
        Some((packet.sequence, packet.messages.chunks(52).map(|block| block[2]).collect()))
    }

    #[test]
    fn an_answer_has_what_was_asked_for_is_published_and_fits_one_packet() {
        assert_eq!(asked(&SESSION.0, 7, 3), Some((7, vec![7, 8, 9])));
        assert_eq!(asked(&SESSION.0, 7, 60_000), Some((7, vec![7, 8, 9, 10, 11])), "280 bytes");
        assert_eq!(asked(&SESSION.0, 99, 0xFFFF), Some((99, vec![99, 100])));
    }

    #[test]
    fn there_is_no_answer_to_what_nobody_can_ask_for() {
        for (session, first, wanted) in [
            (b"OTHER     ", 1, 1),
            (b"TEST\0\0\0\0\0\0", 1, 1),
            (&SESSION.0, 0, 5),
            (&SESSION.0, 101, 1),
            (&SESSION.0, u64::MAX, 0xFFFF),
            (&SESSION.0, 1, 0),
        ] {
            assert_eq!(asked(session, first, wanted), None, "{first} {wanted}");
        }
        for bytes in [0, 19, 21] {
            assert_eq!(answering().answer(&vec![b'T'; bytes], &mut Vec::new()), 0);
        }
    }
}
