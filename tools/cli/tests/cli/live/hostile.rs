//! Others that talk on the feed's groups, and servers that lie: counted, and of no effect.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tapewatch_tests::random::Random;

use crate::live::{Day, Engine, mold};
use crate::recording::{Place, journaled};

/// The exchange's session in these tests.
const SESSION: &[u8; 10] = b"REAL      ";

/// The greatest count, which is no count: the end of the session.
const END: u16 = 0xFFFF;

/// Somebody who sends until dropped.
struct Intruder {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Intruder {
    /// Sends what `make` makes, a burst at a time, to both groups.
    fn start(
        lines: &[String; 2],
        mut make: impl FnMut(&mut Random) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Intruder {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, lines) = (Arc::clone(&is_over), lines.clone());
        let thread = thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut random = Random::new(7);
            while !over.load(Ordering::Relaxed) {
                for datagram in make(&mut random) {
                    for line in &lines {
                        socket.send_to(&datagram, line).unwrap();
                    }
                }
                // The host's time is for the feed, too.
                thread::sleep(Duration::from_millis(2));
            }
        });
        Intruder { is_over, thread: Some(thread) }
    }
}

impl Drop for Intruder {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking());
    }
}

fn packet(session: &[u8; 10], sequence: u64, count: u16, blocks: &[u8]) -> Vec<u8> {
    let header = [&session[..], &sequence.to_be_bytes(), &count.to_be_bytes()].concat();
    [&header[..], blocks].concat()
}

fn any_bytes(random: &mut Random) -> Vec<u8> {
    let length = random.below(200) as usize;
    (0..length).map(|_| random.below(256) as u8).collect()
}

/// Random bytes, other sessions, counts that the bytes do not bear out, sequences far beyond the day.
fn foreign(random: &mut Random) -> Vec<Vec<u8>> {
    // Nothing that the engine would take for a message of the day.
    let block = b"\x00\x05HELLO";
    let kind = random.below(9);
    let one = |random: &mut Random| match kind {
        0 => any_bytes(random),
        1 => packet(b"OTHER     ", 1 + random.below(30_000), 1, block),
        2 => packet(b"OTHER     ", random.below(30_000), END, b""),
        3 => packet(SESSION, 1 + random.below(30_000), 60_000, b"\x00"),
        4 => packet(SESSION, u64::MAX - random.below(70_000), 1, block),
        5 => packet(SESSION, u64::MAX - random.below(3), END, b""),
        6 => packet(SESSION, 1 << 40, 0, b""),
        7 => packet(SESSION, (1 << 40) + random.below(100), 0xFFFE, b"\xFF\xFF"),
        _ => packet(SESSION, 1_000_000 + random.below(100), random.below(2) as u16 * END, b""),
    };
    // Many of one kind in a row, which bear each other out.
    (0..50).map(|_| one(random)).collect()
}

/// A retransmission server that answers every request, never with what was asked for.
fn lying_server() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    // It ends with the test's process.
    thread::spawn(move || {
        let (mut request, mut random) = ([0; 64], Random::new(3));
        while let Ok((bytes, from)) = socket.recv_from(&mut request) {
            let lies = [
                any_bytes(&mut random),
                request[..bytes].to_vec(),
                packet(b"OTHER     ", 1, 1, b"\x00\x01A"),
                packet(SESSION, 1 << 50, 5, b"\x00\x01A"),
                packet(SESSION, 0, END, b""),
                packet(SESSION, u64::MAX, 1, b"\x00\x01A"),
            ];
            for lie in lies {
                // Whoever asked may be gone.
                let _ = socket.send_to(&lie, from);
            }
        }
    });
    at
}

/// A retransmission server that never answers; it is there as long as what is given back first.
fn silent_server() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    (socket, at)
}

/// A snapshot server that answers every login with bytes of no protocol.
fn lying_snapshots() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut random = Random::new(5);
        for client in listener.incoming() {
            let mut client = client.unwrap();
            // Whoever asked may be gone.
            let _ = client.read(&mut [0; 64]);
            let _ = client.write_all(&any_bytes(&mut random));
        }
    });
    at
}

#[test]
fn foreign_datagrams_and_lying_servers_change_nothing() {
    let place = Place::new();
    let day = Day::new(71, 10, 20_000);
    let lossless = day.lossless(&place);
    let (_silent, silent) = silent_server();
    let bad = "--loss-a 3% --loss-b 3% --reorder-a 1% --rate 5000 --session REAL";
    let exchange = day.publish(&place, &format!("{bad} --retransmit 127.0.0.1:0"));
    let servers = [lying_server(), silent, exchange.server("retransmit").to_owned()];
    let more = format!(
        "session = \"REAL\"\nretransmission = {servers:?}\nsnapshot = {:?}\nrequest_tries_max = 300",
        lying_snapshots()
    );
    let engine = Engine::new(&place, &[mold(&day.lines, &more)]);
    let mut running = engine.start();
    running.until("messages", || journaled(&engine.session).filter(|count| *count > 0));
    let intruder = Intruder::start(&day.lines, foreign);
    let run = running.end();
    drop(intruder);
    let run = run.ended_with(0);
    let came_to = engine.came_to(&run);
    assert_eq!(came_to, lossless);
    engine.is_sound(&place, &came_to);

    let summary = run.json();
    let feed = &summary["input"]["feeds"][0];
    for key in ["short_datagrams", "foreign_session", "damaged_packets", "implausible_jumps"] {
        assert!(feed[key].as_u64().unwrap() > 20, "{key}: {feed}");
    }
    let servers = feed["servers"].as_array().unwrap();
    assert!(servers[2]["messages"].as_u64().unwrap() > 0, "{feed}");
    assert_eq!((&servers[0]["messages"], &servers[1]["messages"]), (&0.into(), &0.into()));
    assert_eq!(summary["input"]["gaps"]["given_up_messages"], 0);
}

#[test]
fn a_snapshot_server_that_lies_is_told_and_the_feed_goes_on() {
    let place = Place::new();
    let day = Day::new(72, 10, 10_000);
    let more = format!(
        "snapshot = {:?}\nsnapshot_retry = \"100ms\"\nhole_wait = \"20ms\"",
        lying_snapshots()
    );
    let engine = Engine::new(&place, &[mold(&day.lines, &more)]);
    let running = engine.start_listening();
    let exchange = day.publish(&place, "--loss-a 10% --loss-b 10% --rate 5000");
    let run = running.end().ended_with(1);
    drop(exchange);
    assert!(run.stderr.contains("no snapshot: "), "{run:?}");
    assert!(run.stderr.contains("gap(s) are open at the end"), "{run:?}");
    let summary = run.json();
    let feed = &summary["input"]["feeds"][0];
    assert!(feed["snapshots_failed"].as_u64().unwrap() > 0 && feed["snapshots"] == 0, "{feed}");
    let missing = summary["quality"]["gap_messages"].as_u64().unwrap();
    assert_eq!(feed["messages"].as_u64().unwrap() + missing, 10_000, "{feed}");
    engine.is_sound(&place, &engine.came_to(&run));
}
