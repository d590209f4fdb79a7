//! What the two TCP servers share: clients come, log in, are served and go.
//!
//! ```text
//!  accept thread ─► client's thread: login ─► serve (writes)
//!                          └─► its ear (reads): heartbeats, logout, silence
//! ```
//! A client that does not log in within [`LOGIN_WAIT`], says nothing for [`SILENCE`] or sends what is
//! no packet is dropped and counted; so is one that takes nothing for [`SEND_WAIT`]. At most
//! [`CLIENTS_MAX`] are served at a time, others are turned away. What a client sends is bounded by the
//! length of one packet; what is sent to it waits in its own thread and holds nobody else up.
//!
//! When the exchange ends, clients that have not got everything yet are waited for a while; then all
//! are closed.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use feed_handlers::soupbintcp::Login;

use super::counts::Counters;
use super::packets::{FromClient, take};

/// A client has so long to log in.
pub const LOGIN_WAIT: Duration = Duration::from_secs(30);

/// A client that says nothing for so long, not even by a heartbeat, has gone.
pub const SILENCE: Duration = Duration::from_secs(15);

/// A client takes something within so long.
pub const SEND_WAIT: Duration = Duration::from_secs(30);

/// Clients of a server at a time.
pub const CLIENTS_MAX: usize = 64;

/// How long a client is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// Until it logs in.
    login: Duration,
    /// Until it says something.
    silence: Duration,
    /// Until it takes something.
    send: Duration,
}

/// What the protocol's servers have.
const PATIENCE: Patience = Patience { login: LOGIN_WAIT, silence: SILENCE, send: SEND_WAIT };

/// Before a client is accepted again where the last one could not be.
const ACCEPT_WAIT: Duration = Duration::from_millis(10);

/// Longest packet, its length included.
const PACKET_BYTES_MAX: usize = 2 + u16::MAX as usize;

/// How a kind of server serves a client that has logged in.
pub(super) trait Serve: Send + Sync + 'static {
    /// Serves it until it has got everything.
    fn serve(&self, login: Login, client: &mut Client<'_>) -> io::Result<Then>;
}

/// What becomes of a client that was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It has got everything, and goes when it wants to.
    Wait,
    /// It is turned away.
    HangUp,
}

#[derive(Debug)]
struct Shared {
    patience: Patience,
    is_closed: AtomicBool,
    clients: Mutex<Clients>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Clients {
    next: u64,
    connected: Vec<(u64, TcpStream)>,
    /// Those that have not got everything yet.
    busy: usize,
}

/// See the module. Dropped, it closes.
#[derive(Debug)]
pub(super) struct TcpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accept: Option<JoinHandle<()>>,
}

impl TcpServer {
    /// Listens at `at`, and serves whoever comes.
    pub(super) fn start(
        name: &'static str,
        at: SocketAddr,
        counters: &Arc<Counters>,
        serve: impl Serve,
    ) -> io::Result<TcpServer> {
        TcpServer::patient(name, at, counters, serve, PATIENCE)
    }

    fn patient(
        name: &'static str,
        at: SocketAddr,
        counters: &Arc<Counters>,
        serve: impl Serve,
        patience: Patience,
    ) -> io::Result<TcpServer> {
        let listener = TcpListener::bind(at)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(patience));
        let (of_thread, counters) = (Arc::clone(&shared), Arc::clone(counters));
        let work = move || accept_all(&listener, &of_thread, &counters, &serve);
        let accept = thread::Builder::new().name(String::from(name)).spawn(work)?;
        Ok(TcpServer { address, shared, accept: Some(accept) })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every client that has come has got everything, at most for `patience`.
    pub(super) fn finish(&self, patience: Duration) {
        let is_busy = |clients: &mut Clients| clients.busy > 0;
        let clients = self.shared.clients();
        let _ = self.shared.changed.wait_timeout_while(clients, patience, is_busy);
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then sees that it is to end.
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let _ = TcpStream::connect_timeout(&own, Duration::from_secs(1));
        if let Some(accept) = self.accept.take() {
            // A thread that panicked has told it.
            let _ = accept.join();
        }
    }
}

impl Shared {
    fn new(patience: Patience) -> Shared {
        let (is_closed, clients) = (AtomicBool::new(false), Mutex::default());
        Shared { patience, is_closed, clients, changed: Condvar::new() }
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes a client in, if there is room and it is still there.
    fn admit(&self, stream: &TcpStream) -> Option<u64> {
        let mut clients = self.clients();
        if clients.connected.len() >= CLIENTS_MAX {
            return None;
        }
        let id = clients.next;
        clients.connected.push((id, stream.try_clone().ok()?));
        clients.next += 1;
        clients.busy += 1;
        Some(id)
    }

    /// A client has got all that it will.
    fn is_served(&self) {
        self.clients().busy -= 1;
        self.changed.notify_all();
    }

    fn forget(&self, id: u64) {
        self.clients().connected.retain(|one| one.0 != id);
    }
}

/// The work of the thread that accepts.
fn accept_all(listener: &TcpListener, shared: &Shared, counters: &Counters, serve: &impl Serve) {
    thread::scope(|scope| {
        while !shared.is_closed.load(Ordering::SeqCst) {
            let Ok((stream, _)) = listener.accept() else {
                // A client that has gone again, or no more descriptors: others may still come.
                thread::sleep(ACCEPT_WAIT);
                continue;
            };
            let Some(id) = shared.admit(&stream) else {
                counters.clients_dropped.add(1);
                continue;
            };
            let work = move || {
                let is_dropped = attend(stream, shared, serve);
                // What the exchange itself closes is no fault of the client's.
                if is_dropped && !shared.is_closed.load(Ordering::SeqCst) {
                    counters.clients_dropped.add(1);
                }
                shared.forget(id);
            };
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                counters.clients_dropped.add(1);
                shared.is_served();
                shared.forget(id);
            }
        }
        for (_, stream) in &shared.clients().connected {
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
}

/// A client from its coming to its going; whether it had to be dropped.
fn attend(stream: TcpStream, shared: &Shared, serve: &impl Serve) -> bool {
    let has_left = AtomicBool::new(false);
    let mut client = Client { stream, has_left: &has_left };
    let mut received = Vec::new();
    let login = client.login(shared.patience, &mut received);
    let ear = client.stream.try_clone();
    let (Ok(login), Ok(ear)) = (login, ear) else {
        shared.is_served();
        client.hang_up();
        return true;
    };
    thread::scope(|scope| {
        let ear = scope.spawn(|| {
            let is_polite = listen(&ear, received, shared.patience.silence);
            has_left.store(true, Ordering::SeqCst);
            // Whoever writes to it need not go on.
            let _ = ear.shutdown(Shutdown::Both);
            is_polite
        });
        let served = serve.serve(login, &mut client);
        shared.is_served();
        let is_dropped = match served {
            Ok(Then::Wait) => false,
            Ok(Then::HangUp) => true,
            Err(_) => !has_left.load(Ordering::SeqCst),
        };
        if is_dropped {
            client.hang_up();
        }
        let is_polite = ear.join().unwrap_or(false);
        is_dropped || !is_polite
    })
}

/// Reads what a client sends until it goes: in order, or silent or damaged.
fn listen(mut stream: &TcpStream, mut received: Vec<u8>, silence: Duration) -> bool {
    if stream.set_read_timeout(Some(silence)).is_err() {
        return false;
    }
    loop {
        while let Some((packet, bytes)) = take(&received) {
            received.drain(..bytes);
            match packet {
                FromClient::Logout => return true,
                FromClient::Alive => {}
                FromClient::Login(_) | FromClient::Damaged => return false,
            }
        }
        match read_some(&mut stream, &mut received) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// Reads what there is, 0 bytes at the end.
fn read_some(stream: &mut &TcpStream, to: &mut Vec<u8>) -> io::Result<usize> {
    let mut piece = [0; 4_096];
    loop {
        match stream.read(&mut piece) {
            Ok(bytes) => {
                // A packet that is not whole is shorter than this: `take` takes all others.
                debug_assert!(to.len() < PACKET_BYTES_MAX, "Invariant: one packet is waited for");
                to.extend_from_slice(&piece[..bytes]);
                return Ok(bytes);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A client as a server sees it.
#[derive(Debug)]
pub(super) struct Client<'a> {
    stream: TcpStream,
    has_left: &'a AtomicBool,
}

impl Client<'_> {
    /// The client's login request; what it sent behind it stays in `received`.
    fn login(&mut self, patience: Patience, received: &mut Vec<u8>) -> io::Result<Login> {
        let until = Instant::now() + patience.login;
        self.stream.set_write_timeout(Some(patience.send))?;
        // Packets are put together before they are sent.
        self.stream.set_nodelay(true)?;
        loop {
            while let Some((packet, bytes)) = take(received) {
                received.drain(..bytes);
                match packet {
                    FromClient::Login(login) => return Ok(login),
                    FromClient::Alive => {}
                    FromClient::Logout | FromClient::Damaged => {
                        return Err(ErrorKind::InvalidData.into());
                    }
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            if read_some(&mut &self.stream, received)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Sends packets whole; waits while the client takes nothing.
    pub(super) fn send(&mut self, packets: &[u8]) -> io::Result<()> {
        self.stream.write_all(packets)
    }

    /// Whether it has gone, or is to go.
    pub(super) fn has_left(&self) -> bool {
        self.has_left.load(Ordering::SeqCst)
    }

    fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &[u8] = b"\x00\x2fL                                             1";

    /// Sends so many bytes to whoever logs in.
    struct Bytes(usize);

    impl Serve for Bytes {
        fn serve(&self, _: Login, client: &mut Client<'_>) -> io::Result<Then> {
            client.send(&vec![7; self.0])?;
            Ok(Then::Wait)
        }
    }

    /// A server with one patience that is short, and a client of it that sends `sent`.
    fn served(
        bytes: usize,
        patience: Patience,
        sent: &[u8],
    ) -> (TcpServer, Arc<Counters>, TcpStream) {
        let counters = Arc::new(Counters::default());
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = TcpServer::patient("test", at, &counters, Bytes(bytes), patience).unwrap();
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(sent).unwrap();
        (server, counters, client)
    }

    const SHORT: Duration = Duration::from_millis(50);

    /// Everything that the server sends until it hangs up.
    fn taken(client: &mut TcpStream) -> usize {
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut taken = Vec::new();
        client.read_to_end(&mut taken).unwrap();
        taken.len()
    }

    /// Waits until a client is counted as dropped.
    fn is_counted(counters: &Counters) {
        let until = Instant::now() + Duration::from_secs(60);
        while counters.read().clients_dropped == 0 {
            assert!(Instant::now() < until, "nobody is dropped");
            thread::yield_now();
        }
        assert_eq!(counters.read().clients_dropped, 1);
    }

    #[test]
    fn who_does_not_log_in_is_silent_or_takes_nothing_is_dropped() {
        assert_eq!(LOGIN.len(), 49);
        let login = Patience { login: SHORT, ..PATIENCE };
        let silence = Patience { silence: SHORT, ..PATIENCE };
        for (patience, sent, got) in
            [(login, &b""[..], 0), (login, b"\x00\x01R", 0), (silence, LOGIN, 3)]
        {
            let (server, counters, mut client) = served(3, patience, sent);
            assert_eq!(taken(&mut client), got);
            is_counted(&counters);
            drop(server);
        }
        // More than all buffers between hold.
        let (server, counters, _client) =
            served(64 << 20, Patience { send: SHORT, ..PATIENCE }, LOGIN);
        server.finish(Duration::from_secs(60));
        is_counted(&counters);
    }

    #[test]
    fn a_client_that_keeps_the_rules_is_served_and_goes_uncounted() {
        let (server, counters, mut client) = served(1_000_000, PATIENCE, LOGIN);
        let mut all = vec![0; 1_000_000];
        client.read_exact(&mut all).unwrap();
        client.write_all(b"\x00\x01R\x00\x01O").unwrap();
        assert_eq!(taken(&mut client), 0);
        drop(server);
        assert_eq!(counters.read().clients_dropped, 0);
    }

    #[test]
    fn more_clients_than_there_is_room_for_are_turned_away() {
        let (server, counters, _first) = served(1, PATIENCE, LOGIN);
        let more: Vec<TcpStream> =
            (1..CLIENTS_MAX).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
        let mut last = TcpStream::connect(server.address()).unwrap();
        assert_eq!(taken(&mut last), 0);
        assert_eq!((more.len(), counters.read().clients_dropped), (CLIENTS_MAX - 1, 1));
    }
}
