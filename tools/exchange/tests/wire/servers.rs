//! The servers: retransmission, the session by TCP, snapshots.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use engine::units::Side;
use exchange::Simulation;
use exchange::wire::{Ended, Pace, Share, Wire, WireSettings};

use crate::books::{Books, levels_of};
use crate::clients::{Client, accepted};
use crate::heard::{Ear, PATIENCE, parse};
use crate::{ANY, SESSION, day, settings, written};

/// A day whose servers are there, and which ends only when it is told to.
fn served(messages: u64, change: impl Fn(&mut WireSettings)) -> Wire {
    let ears = [Ear::unicast(), Ear::unicast()];
    let mut settings = WireSettings {
        retransmit: Some(ANY.into()),
        glimpse: Some(ANY.into()),
        soup: Some(ANY.into()),
        linger: Duration::from_secs(600),
        ..settings(day(messages), &ears)
    };
    change(&mut settings);
    Wire::start(settings).unwrap()
}

/// Waits until so many messages are published.
fn published(wire: &Wire, messages: u64) {
    let progress = wire.store().wait(messages, PATIENCE);
    assert!(progress.next > messages);
}

fn released(wire: Wire) -> Ended {
    wire.release();
    wire.join().unwrap()
}

fn request(session: &[u8; 10], first: u64, count: u16) -> Vec<u8> {
    [&session[..], &first.to_be_bytes(), &count.to_be_bytes()].concat()
}

fn asking(wire: &Wire) -> UdpSocket {
    let socket = UdpSocket::bind(ANY).unwrap();
    socket.connect(wire.addresses().retransmit.unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

#[test]
fn every_message_can_be_asked_for_again_and_comes_as_it_was_published() {
    let wire = served(6_000, |_| {});
    published(&wire, 6_000);
    let socket = asking(&wire);
    let (mut next, mut again, mut answers) = (1, Vec::new(), 0);
    let mut datagram = vec![0; 65_536];
    while next <= 6_000 {
        socket.send(&request(&SESSION.0, next, 500)).unwrap();
        let bytes = socket.recv(&mut datagram).unwrap();
        let packet = parse(&datagram[..bytes]);
        assert_eq!(packet.sequence, next);
        assert!(bytes <= 1_400 && packet.count > 0);
        next += u64::from(packet.count);
        again.extend(packet.messages);
        answers += 1;
    }
    assert!(again == written(&day(6_000)));
    // What has no answer, and then what has one.
    for wrong in [
        request(b"OTHER     ", 1, 1),
        request(&SESSION.0, 6_001, 1),
        request(&SESSION.0, 0, 1),
        b"short".to_vec(),
        vec![b'x'; 40],
    ] {
        socket.send(&wrong).unwrap();
    }
    socket.send(&request(&SESSION.0, 42, 1)).unwrap();
    let bytes = socket.recv(&mut datagram).unwrap();
    let packet = parse(&datagram[..bytes]);
    assert_eq!((packet.sequence, packet.count), (42, 1));
    let counts = released(wire).counts;
    assert_eq!((counts.requests, counts.requests_answered), (answers + 6, answers + 1));
    assert_eq!((counts.retransmitted, counts.requests_dropped), (6_001, 0));
}

#[test]
fn a_share_of_the_requests_is_not_answered_on_purpose() {
    let wire = served(2_000, |settings| settings.retransmit_loss = Share::percent(100));
    published(&wire, 2_000);
    let socket = asking(&wire);
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    socket.send(&request(&SESSION.0, 1, 1)).unwrap();
    let until = Instant::now() + PATIENCE;
    while wire.counts().requests_dropped == 0 {
        assert!(socket.recv(&mut [0; 100]).is_err() && Instant::now() < until);
    }
    let counts = released(wire).counts;
    assert_eq!((counts.requests, counts.requests_answered, counts.requests_dropped), (1, 0, 1));
}

#[test]
fn the_session_by_tcp_is_what_was_published_from_any_message_on() {
    let wire = served(6_000, |_| {});
    published(&wire, 6_000);
    let soup = wire.addresses().soup.unwrap();
    let expected = written(&day(6_000));
    for (wanted, next) in [(1, 1), (4_567, 4_567), (6_000, 6_000), (0, 6_001), (9_999, 6_001)] {
        for session in ["", "WIRETEST"] {
            let mut client = Client::log_in(soup, session, wanted);
            assert_eq!(accepted(&client.next_told()), (String::from("  WIRETEST"), next));
            assert!(client.messages(None) == expected[next as usize - 1..]);
            client.send(b'O', b"");
            assert_eq!(client.next(), None, "a client that logs out is let go");
        }
    }
    let mut stranger = Client::log_in(soup, "YESTERDAY", 1);
    assert_eq!(stranger.next(), Some((b'J', b"S".to_vec())));
    assert_eq!(stranger.next(), None);
    let mut rude = Client::connect(soup);
    rude.send(b'X', b"");
    assert_eq!(rude.next(), None);
    let counts = released(wire).counts;
    assert_eq!((counts.soup_logins, counts.clients_dropped), (10, 2));
}

#[test]
fn clients_follow_the_day_and_one_that_reads_nothing_holds_nobody_up() {
    let wire = served(300_000, |settings| settings.pace = Pace::MessagesPerSecond(150_000));
    let soup = wire.addresses().soup.unwrap();
    // It reads nothing until the end: more messages than the buffers between take.
    let mut slow = Client::log_in(soup, "", 1);
    let mut following: Vec<_> = (0..3).map(|_| Client::log_in(soup, "", 1)).collect();
    let following: Vec<_> = following
        .drain(..)
        .map(|mut client| {
            std::thread::spawn(move || {
                accepted(&client.next_told());
                client.messages(None)
            })
        })
        .collect();
    let expected = written(&day(300_000));
    for client in following {
        assert!(client.join().unwrap() == expected);
    }
    published(&wire, 300_000);
    accepted(&slow.next_told());
    assert!(slow.messages(None) == expected, "it is only late");
    released(wire);
}

#[test]
fn a_silent_server_still_beats() {
    let wire = served(6_000, |settings| settings.pace = Pace::Times { num: 1, den: 1_000_000 });
    published(&wire, 1);
    let mut client = Client::log_in(wire.addresses().soup.unwrap(), "", 0);
    assert_eq!(accepted(&client.next().unwrap()).1, 2);
    for _ in 0..2 {
        assert_eq!(client.next(), Some((b'H', Vec::new())));
    }
    released(wire);
}

/// A snapshot taken now: its messages, and the number of the first message behind it.
fn snapshot(wire: &Wire) -> (Vec<Vec<u8>>, u64) {
    let mut client = Client::log_in(wire.addresses().glimpse.unwrap(), "", 1);
    assert_eq!(accepted(&client.next_told()), (String::from("  WIRETEST"), 1));
    let mut messages = client.messages(Some(b'G'));
    let last = messages.pop().unwrap();
    assert_eq!(last.len(), 21);
    let next = std::str::from_utf8(&last[1..]).unwrap().trim_start().parse().unwrap();
    (messages, next)
}

#[test]
fn a_snapshot_and_what_follows_it_are_the_books_whenever_it_is_taken() {
    let wire = served(60_000, |settings| settings.pace = Pace::MessagesPerSecond(60_000));
    let mut snapshots = Vec::new();
    for at in [1, 20, 3_000, 17_000, 41_000, 60_000] {
        published(&wire, at);
        let (messages, next) = snapshot(&wire);
        assert!(next > at, "{next}");
        snapshots.push((messages, next));
    }
    let counts_of_snapshots = snapshots.len() as u64;
    let ended = released(wire);
    let truth = levels_of(&ended.simulation);
    let expected = written(&day(60_000));
    assert!(truth.len() > 20);
    for (messages, next) in snapshots {
        let mut books = Books::default();
        let time_of = |message: &[u8]| message[5..11].to_vec();
        for message in &messages {
            assert_eq!(time_of(message), time_of(&expected[next as usize - 2]), "of the snapshot");
            books.apply(message);
        }
        for message in &expected[next as usize - 1..] {
            books.apply(message);
        }
        assert_eq!(books.levels(), truth, "from {next} on");
    }
    assert_eq!(ended.counts.snapshots, counts_of_snapshots);
}

#[test]
fn a_snapshot_tells_orders_in_priority_and_the_latest_of_each_security() {
    let wire = served(60_000, |_| {});
    published(&wire, 60_000);
    let (messages, next) = snapshot(&wire);
    assert_eq!(next, 60_001);
    let kinds: Vec<u8> = messages.iter().map(|message| message[0]).collect();
    let mut without_repeats = kinds.clone();
    without_repeats.dedup();
    let told = String::from_utf8(without_repeats).unwrap();
    assert!(told.starts_with("SRHY") && told.ends_with('A'), "{told}");
    let count = |kind| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!((count(b'S'), count(b'R'), count(b'Y'), count(b'H')), (1, 6, 6, 6));

    // The latest of each, its time aside.
    let expected = written(&day(60_000));
    for message in messages.iter().filter(|message| b"RYHhN".contains(&message[0])) {
        let is_same = |other: &&Vec<u8>| other[..3] == message[..3];
        let latest = expected.iter().rev().find(is_same).unwrap();
        assert_eq!((&latest[..5], &latest[11..]), (&message[..5], &message[11..]));
    }
    // Orders: all of them, as the exchange has them, the oldest of a price first.
    let ended = released(wire);
    let references = messages.iter().filter(|message| message[0] == b'A');
    let references: Vec<[u8; 8]> =
        references.map(|message| message[11..19].try_into().unwrap()).collect();
    let own: Vec<[u8; 8]> =
        ended.simulation.orders().map(|order| order.reference.0.to_be_bytes()).collect();
    assert!(own.len() > 100 && references == own);
}

#[test]
fn the_orders_of_the_exchange_add_up_to_its_levels_all_day() {
    let mut simulation = Simulation::new(&day(30_000)).unwrap();
    let mut encoder = feed_handlers::itch50::Encoder::new();
    let mut step = 0;
    while simulation.advance(&mut encoder) {
        encoder.clear();
        step += 1;
        if step % 1_000 != 0 {
            continue;
        }
        let mut levels: HashMap<_, (u64, u32)> = HashMap::new();
        let mut last: Option<exchange::OrderLine> = None;
        for order in simulation.orders() {
            let key = (order.stock.0, order.side == Side::Sell, order.price.0);
            let level = levels.entry(key).or_default();
            *level = (level.0 + u64::from(order.size), level.1 + 1);
            if let Some(last) =
                last.filter(|last| (last.locate, last.side) == (order.locate, order.side))
            {
                let is_worse = match order.side {
                    Side::Buy => order.price < last.price,
                    Side::Sell => order.price > last.price,
                };
                let is_younger = order.price == last.price;
                assert!(is_worse || is_younger, "{last:?} before {order:?}");
            }
            last = Some(order);
        }
        assert_eq!(levels, levels_of(&simulation));
    }
    assert!(step > 20_000);
}
