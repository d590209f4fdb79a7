//! `simulate --publish`: the exchange as a process of its own, heard by plain sockets.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::recording::words;
use crate::running::Running;
use crate::support::{arg, scratch, tapewatch, text};

/// Nothing takes longer than this unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A socket that hears a line, and its address.
fn ear() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let at = socket.local_addr().unwrap().to_string();
    (socket, at)
}

/// The blocks of all messages heard up to the end of the session, by the offsets of the
/// specification: session, sequence number (8 bytes), count, blocks.
fn listen(socket: UdpSocket) -> JoinHandle<(Vec<u8>, u64)> {
    thread::spawn(move || {
        let (mut blocks, mut datagram, mut next) = (Vec::new(), vec![0; 2_000], 1);
        loop {
            let bytes = socket.recv(&mut datagram).expect("a packet in time");
            let packet = &datagram[..bytes];
            assert_eq!(&packet[..10], b"DAY1      ");
            assert_eq!(u64::from_be_bytes(packet[10..18].try_into().unwrap()), next);
            match u16::from_be_bytes([packet[18], packet[19]]) {
                0xFFFF => return (blocks, next),
                count => next += u64::from(count),
            }
            blocks.extend_from_slice(&packet[20..]);
        }
    })
}

/// The arguments of a day on the two lines, all servers there.
fn published(lines: [&str; 2], addresses: &Path, more: &str) -> Vec<String> {
    let [a, b] = lines;
    let line = format!(
        "simulate --publish --symbols 12 --seed 5 --session DAY1 --line-a {a} --line-b {b} \
         --retransmit 127.0.0.1:0 --glimpse 127.0.0.1:0 --soup 127.0.0.1:0 --addresses {} --json {more}",
        arg(addresses)
    );
    words(&line.split_whitespace().collect::<Vec<_>>())
}

/// The addresses, as soon as they are there.
fn addresses(exchange: &mut Running, path: &Path) -> Value {
    let look = || serde_json::from_str(&fs::read_to_string(path).ok()?).ok();
    exchange.until("the addresses", look)
}

#[test]
fn a_published_day_is_heard_served_and_written() {
    let dir = scratch();
    let [out, plain, at] = ["out", "plain", "at.json"].map(|name| dir.path().join(name));
    let ((a, at_a), (b, at_b)) = (ear(), ear());
    let (a, b) = (listen(a), listen(b));
    let more = format!("--messages 20000 --rate 40000 --linger 2s --out {}", arg(&out));
    let mut exchange = Running::start(&published([&at_a, &at_b], &at, &more));
    let served = addresses(&mut exchange, &at);
    assert_eq!(served["lines"], serde_json::json!([at_a, at_b]));
    assert_eq!(served["session"], "DAY1      ");
    let (a, b) = (a.join().unwrap(), b.join().unwrap());
    assert_eq!((a.1, b.1), (20_001, 20_001));

    // While the end is told, the servers are still there: the last message once more.
    let asking = UdpSocket::bind("127.0.0.1:0").unwrap();
    asking.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = [&b"DAY1      "[..], &20_000_u64.to_be_bytes(), &5_u16.to_be_bytes()].concat();
    asking.send_to(&request, served["retransmit"].as_str().unwrap()).unwrap();
    let mut answer = [0; 2_000];
    let bytes = asking.recv(&mut answer).unwrap();
    assert!(a.0.ends_with(&answer[20..bytes]) && bytes > 22);
    for server in ["glimpse", "soup"] {
        let mut client = TcpStream::connect(served[server].as_str().unwrap()).unwrap();
        let login = format!("{:<6}{:<10}{:<10}{:>20}", "u", "p", "DAY1", 1);
        client.write_all(&[&b"\x00\x2fL"[..], login.as_bytes()].concat()).unwrap();
        let mut accepted = [0; 33];
        client.read_exact(&mut accepted).unwrap();
        assert_eq!(&accepted[..3], b"\x00\x1fA", "{server}");
    }

    let run = exchange.end().ended_with(0);
    let told = run.json();
    assert_eq!((&told["messages"], &told["is_whole_day"]), (&20_000.into(), &true.into()));
    for line in told["lines"].as_array().unwrap() {
        assert_eq!((&line["messages"], &line["dropped"]), (&20_000.into(), &0.into()), "{line}");
    }
    assert_eq!((&told["requests"], &told["retransmitted"]), (&1.into(), &1.into()));
    assert!(run.stderr.contains("line A") && run.stderr.contains("retransmission"), "{run:?}");

    // What was heard is what was written, and what is written without a wire.
    let plainly = ["simulate", "--symbols", "12", "--seed", "5", "--messages", "20000"];
    tapewatch(&[&plainly[..], &["--out", arg(&plain)]].concat()).ended_with(0);
    let itch = fs::read(out.join("session.itch")).unwrap();
    assert!(itch == fs::read(plain.join("session.itch")).unwrap());
    assert!(itch.strip_suffix(&[0, 0]).unwrap() == a.0 && a.0 == b.0);
    assert_eq!(text(&out.join("truth.csv")), text(&plain.join("truth.csv")));
}

#[test]
fn a_signal_ends_the_day_behind_what_was_published() {
    let dir = scratch();
    let [out, at] = ["out", "at.json"].map(|name| dir.path().join(name));
    for signal in [Signal::INT, Signal::TERM] {
        let ((a, at_a), (_b, at_b)) = (ear(), ear());
        let more = format!("--messages 4000000000 --rate 20000 --linger 200ms --out {}", arg(&out));
        let mut exchange = Running::start(&published([&at_a, &at_b], &at, &more));
        let served = addresses(&mut exchange, &at);
        assert!(served["soup"].is_string());
        // Something is published.
        a.peek(&mut [0; 20]).unwrap();
        let a = listen(a);
        exchange.signal(signal);
        let run = exchange.end().ended_with(0);
        let told = run.json();
        assert_eq!((&told["interrupted"], &told["is_whole_day"]), (&true.into(), &false.into()));
        let (blocks, next) = a.join().unwrap();
        assert_eq!(told["messages"], next - 1);
        let itch = fs::read(out.join("session.itch")).unwrap();
        assert!(itch.strip_suffix(&[0, 0]).unwrap() == blocks);
        fs::remove_file(&at).unwrap();
    }
}

#[test]
fn what_is_lost_on_purpose_is_counted_and_the_day_may_end_early() {
    let dir = scratch();
    let at = dir.path().join("at.json");
    let ((_a, at_a), (_b, at_b)) = (ear(), ear());
    let more = "--messages 1000000 --rate 30000 --max-time 1s --linger 100ms --loss-a 20% --burst-a 4 \
                --duplicate-b 10% --reorder-b 10% --delay-b 2ms";
    let run = tapewatch(&published([&at_a, &at_b], &at, more)).ended_with(0);
    let told = run.json();
    let messages = told["messages"].as_u64().unwrap();
    assert!((10_000..60_000).contains(&messages), "{told}");
    let count = |line: usize, key: &str| told["lines"][line][key].as_u64().unwrap();
    assert!(count(0, "dropped") > 20 && count(1, "duplicated") > 20 && count(1, "reordered") > 20);
    assert_eq!((count(0, "duplicated"), count(1, "dropped")), (0, 0));
    assert_eq!(count(0, "messages") + count(0, "dropped_messages"), messages);
    for line in [0, 1] {
        let sum = count(line, "offered") - count(line, "dropped") + count(line, "duplicated");
        assert_eq!(count(line, "packets"), sum);
    }
}

#[test]
fn what_cannot_be_published_is_told() {
    let dir = scratch();
    let out = dir.path().join("out");
    for (args, told) in [
        ("simulate --publish --loss-a 200%", "percentage from 0% to 100%"),
        ("simulate --publish --session far-too-long-a-name", "one to ten"),
        ("simulate --publish --rate 0", "--rate"),
        ("simulate --publish --rate 5 --speed 2x", "--speed"),
        ("simulate --publish --line-a nowhere", "--line-a"),
        ("simulate --publish --messages 5", "5 messages with 100 symbols"),
        ("simulate --publish --interface 203.0.113.9", "cannot open a line at 239.192.12.1:26477"),
        ("simulate --publish --retransmit 203.0.113.9:1", "retransmission server at 203.0.113.9:1"),
        ("simulate --publish --pcap", "--out"),
        ("simulate --retransmit 127.0.0.1:0", "--publish"),
    ] {
        tapewatch(&args.split(' ').collect::<Vec<_>>()).ended_with(2).says(&[told]);
    }
    let without = ["simulate", "--out", arg(&out), "--loss-a", "1%"];
    tapewatch(&without).ended_with(2).says(&["--publish"]);
    assert!(!out.exists());
}
