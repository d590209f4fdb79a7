use std::net::UdpSocket;
use std::time::Duration;

use mio::{Events, Poll};

use super::*;

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn settings(address: SocketAddrV4) -> UdpSettings {
    UdpSettings { address, interface: LOOPBACK, source: None, receive_buffer_bytes: 1 << 20 }
}

fn unicast() -> UdpReceiver {
    UdpReceiver::open(&settings(SocketAddrV4::new(LOOPBACK, 0))).unwrap()
}

/// Sends to multicast groups by way of loopback.
fn sender() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_multicast_if_v4(&LOOPBACK).unwrap();
    socket.set_multicast_loop_v4(true).unwrap();
    socket.bind(&SocketAddr::from((LOOPBACK, 0)).into()).unwrap();
    socket.into()
}

/// A port that nobody uses at the moment.
fn free_port() -> u16 {
    UdpSocket::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap().port()
}

/// All that comes until `count` datagrams have, awaited by readiness.
fn received(receiver: &mut UdpReceiver, count: usize) -> Vec<Vec<u8>> {
    let mut poll = Poll::new().unwrap();
    poll.registry().register(receiver, Token(0), Interest::READABLE).unwrap();
    let (mut events, mut datagrams) = (Events::with_capacity(4), Vec::new());
    while datagrams.len() < count {
        match receiver.receive().unwrap() {
            0 => {
                poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
                assert!(!events.is_empty(), "{} of {count} datagrams came", datagrams.len());
            }
            batch => datagrams.extend((0..batch).map(|at| receiver.datagram(at).bytes.to_vec())),
        }
    }
    poll.registry().deregister(receiver).unwrap();
    datagrams
}

#[test]
fn datagrams_come_whole_in_order_and_with_the_kernels_time() {
    let mut receiver = unicast();
    let from = sender();
    let before = now();
    let sent: Vec<Vec<u8>> = (0..100u32).map(|i| vec![i as u8; 1 + 13 * i as usize]).collect();
    for datagram in &sent {
        from.send_to(datagram, receiver.local_address()).unwrap();
    }
    assert_eq!(received(&mut receiver, sent.len()), sent);
    let last = receiver.datagram(0);
    let kernel_time = last.kernel_time.expect("the kernel stamps what it takes in");
    assert!(before <= kernel_time && kernel_time <= receiver.received());
    assert!(!last.is_cut);
    let counts = receiver.counts();
    assert_eq!((counts.datagrams, counts.kernel_drops), (100, 0));
    assert_eq!(counts.bytes, sent.iter().map(|datagram| datagram.len() as u64).sum::<u64>());
    assert!(counts.batches < 100, "{} system calls", counts.batches);
}

#[test]
fn a_group_is_joined_on_the_interface_and_other_groups_on_its_port_stay_outside() {
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 192, 71, 1), free_port());
    let other = SocketAddrV4::new(Ipv4Addr::new(239, 192, 71, 2), group.port());
    let mut receiver = UdpReceiver::open(&settings(group)).unwrap();
    let mut second = UdpReceiver::open(&settings(group)).unwrap();
    let mut of_other = UdpReceiver::open(&settings(other)).unwrap();
    let from = sender();
    from.send_to(b"elsewhere", other).unwrap();
    from.send_to(b"here", group).unwrap();
    assert_eq!(received(&mut receiver, 1), [b"here"]);
    assert_eq!(received(&mut second, 1), [b"here"]);
    assert_eq!(received(&mut of_other, 1), [b"elsewhere"]);
}

#[test]
fn a_source_that_was_not_chosen_is_not_heard() {
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 192, 71, 3), free_port());
    let chosen = UdpSettings { source: Some(LOOPBACK), ..settings(group) };
    let another = UdpSettings { source: Some(Ipv4Addr::new(127, 0, 0, 9)), ..settings(group) };
    let mut hears = UdpReceiver::open(&chosen).unwrap();
    let mut deaf = UdpReceiver::open(&another).unwrap();
    sender().send_to(b"one", group).unwrap();
    assert_eq!(received(&mut hears, 1), [b"one"]);
    assert_eq!(deaf.receive().unwrap(), 0);
}

#[test]
fn what_the_kernel_drops_is_counted_exactly() {
    let mut receiver = UdpReceiver::open(&UdpSettings {
        receive_buffer_bytes: 4_096,
        ..settings(SocketAddrV4::new(LOOPBACK, 0))
    })
    .unwrap();
    let from = sender();
    let mut sent = 0;
    for round in 0..5 {
        for _ in 0..200 {
            from.send_to(&[round; 1_000], receiver.local_address()).unwrap();
            sent += 1;
        }
        // The last round's drops have no datagram behind them that could tell.
        while receiver.receive().unwrap() > 0 {}
    }
    let drops = receiver.kernel_drops().expect("/proc/net/udp is there");
    let counts = receiver.counts();
    assert!(drops > 0 && counts.datagrams > 0);
    assert_eq!(counts.datagrams + drops, sent);
    assert_eq!(counts.kernel_drops, drops);
}

#[test]
fn a_datagram_told_of_drops_after_one_that_was_not_still_has_its_time() {
    let mut receiver = UdpReceiver::open(&UdpSettings {
        receive_buffer_bytes: 4_096,
        ..settings(SocketAddrV4::new(LOOPBACK, 0))
    })
    .unwrap();
    let from = sender();
    let mut told = Vec::new();
    for _ in 0..6 {
        for _ in 0..100 {
            from.send_to(&[7; 900], receiver.local_address()).unwrap();
        }
        loop {
            let count = receiver.receive().unwrap();
            if count == 0 {
                break;
            }
            told.push((0..count).all(|at| receiver.datagram(at).kernel_time.is_some()));
        }
    }
    assert!(receiver.counts().kernel_drops > 0, "datagrams told of drops");
    assert!(told.ends_with(&[true, true]), "{told:?}");
}

#[test]
fn a_datagram_longer_than_is_taken_says_so() {
    let mut receiver = unicast();
    let from = sender();
    from.send_to(&[1; DATAGRAM_BYTES_MAX + 1], receiver.local_address()).unwrap();
    assert_eq!(received(&mut receiver, 1)[0].len(), DATAGRAM_BYTES_MAX);
    assert!(receiver.datagram(0).is_cut);
    assert_eq!(receiver.counts().cut, 1);
}

#[test]
fn the_buffer_is_what_the_system_gives() {
    let receiver = unicast();
    assert!(receiver.buffer_bytes() >= 200_000, "{}", receiver.buffer_bytes());
    let error = UdpReceiver::open(&settings(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 200), 1)));
    let told = error.err().expect("no such address").to_string();
    assert!(told.starts_with("cannot bind a socket for 192.0.2.200:1: "), "{told}");
}

#[test]
fn a_count_that_is_older_than_the_one_told_changes_nothing_and_one_that_wraps_does() {
    let (mut counts, mut told) = (UdpCounts::default(), 0);
    for (drops, all) in [(20, 20), (10, 20), (25, 25), (25, 25)] {
        count_drops(&mut counts, &mut told, drops);
        assert_eq!(counts.kernel_drops, all);
    }
    told = u32::MAX - 1;
    count_drops(&mut counts, &mut told, 2);
    assert_eq!(counts.kernel_drops, 29);
}

#[test]
fn drops_are_read_from_the_kernels_table() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n \
                 1085: 0100007F:A2C1 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 12\n";
    assert_eq!(drops_of(table, 4_711), Some(12));
    assert_eq!(drops_of(table, 4_712), None);
    assert_eq!(drops_of("", 1), None);
}
