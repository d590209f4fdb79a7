//! A network that means no good: the feed goes on, counts, and keeps no more than it may.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::thread::{self, JoinHandle};

use engine::units::{FeedId, Sequence};
use feed_handlers::live::soup::SoupNotice;
use feed_handlers::live::{LiveFeedSettings, LiveNotice, MoldSettings, SoupSettings};
use feed_handlers::moldudp64::session::{FeedLimits, FeedSettings, Notice, Timings};
use feed_handlers::moldudp64::{Header, PacketKind, Request, SessionId};
use tapewatch_tests::random::Random;

use crate::support::{
    Given, LOOPBACK, Listener, SESSION, end, groups, messages, packet, sender, server, settings,
};

const FEED: FeedId = FeedId(0);

fn v4(address: SocketAddr) -> SocketAddrV4 {
    let SocketAddr::V4(address) = address else { panic!("tests use IPv4") };
    address
}

/// Datagrams that no honest sender of this session sends.
fn hostile(random: &mut Random) -> Vec<u8> {
    let header = |session, sequence, kind| {
        bytemuck::bytes_of(&Header::new(session, sequence, kind)).to_vec()
    };
    let bytes = random.below(200) as usize;
    let noise: Vec<u8> = (0..bytes).map(|_| random.below(256) as u8).collect();
    let far = [u64::MAX, u64::MAX - 1, 1 << 63, 1 << 40][random.below(4) as usize];
    match random.below(7) {
        0 => noise,
        1 => header(SessionId(*b"OTHERSESS1"), 1 + random.below(50), PacketKind::Heartbeat),
        // Another session's messages, under numbers that are awaited.
        2 => {
            let mut other = packet(&messages(random.below(50) + 1..random.below(50) + 60));
            other[..10].copy_from_slice(b"OTHERSESS2");
            other
        }
        3 => header(SESSION, far, PacketKind::Heartbeat),
        4 => header(SESSION, far, PacketKind::EndOfSession),
        5 => [header(SESSION, far, PacketKind::Messages(65_534)), noise].concat(),
        // An absurd count and no message.
        _ => header(SESSION, 1 + random.below(100), PacketKind::Messages(60_000)),
    }
}

#[test]
fn noise_other_sessions_and_absurd_claims_change_nothing() {
    let lines = groups();
    let mold = settings(&lines);
    let feed = FeedSettings { session: Some(SESSION), next: Some(Sequence(1)), ..mold.feed };
    let mut listener = Listener::mold(MoldSettings { feed, ..mold });
    let (honest, hostile_sender) = (sender(), sender());
    let mut random = Random::new(7);
    let all = messages(1..201);
    for some in all.chunks(2) {
        for line in lines {
            for _ in 0..3 {
                hostile_sender.send_to(&hostile(&mut random), line).unwrap();
            }
            honest.send_to(&packet(some), line).unwrap();
        }
        // Taken at once, so that no socket's buffer runs over.
        let came = some[1].0 as usize;
        listener.until("messages", |it| it.given.len() >= came);
    }
    for line in lines {
        honest.send_to(&end(201), line).unwrap();
    }
    listener.until("end", |it| it.is_ended);
    assert_eq!(listener.messages(), all);
    let mold = listener.feeds.mold(FEED).unwrap();
    let drops = mold.drops();
    assert!(drops.foreign_session > 50 && drops.implausible_jumps > 50, "{drops:?}");
    assert!(drops.short_datagrams > 0 && drops.damaged_packets > 50, "{drops:?}");
    assert_eq!(mold.statistics().gaps, 0);
}

#[test]
fn what_waits_is_bounded_whatever_is_sent() {
    let lines = groups();
    let mold = settings(&lines[..1]);
    let limits = FeedLimits { packets_max: 50, bytes_max: 4_000, ..FeedLimits::default() };
    // Nothing is given up by time.
    let timings = Timings { hole_wait_ns: u64::MAX / 4, ..Timings::default() };
    let feed = FeedSettings { next: Some(Sequence(1)), limits, timings, ..mold.feed };
    let mut listener = Listener::mold(MoldSettings { feed, ..mold });
    let sender = sender();
    for number in 1..500u64 {
        // Every second message is missing.
        sender.send_to(&packet(&messages(2 * number..2 * number + 1)), lines[0]).unwrap();
        let received = |it: &Listener| it.feeds.mold(FEED).unwrap().line(0).packets >= number;
        listener.until("packet", received);
        let waiting = listener.feeds.mold(FEED).unwrap().waiting_packets();
        assert!(waiting <= 51, "{waiting} packets wait");
    }
    assert!(listener.given.iter().any(|given| matches!(given, Given::Gap(..))));
}

/// A server of requests that does with each what it is told, until it is asked for a message it has
/// answered before or the test is over.
fn liar(answer: impl Fn(&Request, &mut Random) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddrV4 {
    let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    let address = v4(socket.local_addr().unwrap());
    // It ends with the process: nobody tells it that the test is over.
    let _: JoinHandle<()> = thread::spawn(move || {
        let (mut buffer, mut random) = ([0; 64], Random::new(1));
        while let Ok((bytes, from)) = socket.recv_from(&mut buffer) {
            let Some(request) = Request::parse(&buffer[..bytes]) else { continue };
            for packet in answer(&request, &mut random) {
                let _ = socket.send_to(&packet, from);
            }
        }
    });
    address
}

#[test]
fn servers_that_lie_or_are_silent_cost_time_and_an_honest_one_heals_the_hole() {
    let lines = groups();
    let garbage = liar(|_, random| (0..5).map(|_| hostile(random)).collect());
    let silent = liar(|_, _| Vec::new());
    let honest = liar(|request, _| {
        let first = request.first();
        vec![packet(&messages(first..first + u64::from(request.count())))]
    });
    let mold = settings(&lines);
    let timings = Timings { request_timeout_ns: 20_000_000, ..Timings::default() };
    let feed =
        FeedSettings { session: Some(SESSION), next: Some(Sequence(1)), timings, ..mold.feed };
    let servers = vec![garbage, silent, honest];
    let mut listener = Listener::mold(MoldSettings { servers, feed, ..mold });
    let sender = sender();
    for some in [messages(1..4), messages(9..12)] {
        sender.send_to(&packet(&some), lines[0]).unwrap();
    }
    sender.send_to(&end(12), lines[0]).unwrap();
    listener.until("end", |it| it.is_ended);
    assert_eq!(listener.messages(), messages(1..12));
    let mold = listener.feeds.mold(FEED).unwrap();
    assert_eq!(mold.ledger().counts().healed_by_retransmit, 1);
    assert!(mold.server(1).timeouts > 0, "{:?}", mold.server(1));
}

/// A TCP server that sends these bytes to whoever connects, and hangs up or stays.
fn blurts(bytes: &'static [u8], hangs_up: bool) -> SocketAddr {
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(bytes);
            if !hangs_up {
                open.push(stream);
            }
        }
    });
    address
}

#[test]
fn a_snapshot_server_that_sends_garbage_hangs_up_or_is_silent_holds_nothing_up_for_long() {
    let garbage: &[u8] = b"\xff\xffHTTP/1.1 400 Bad Request\r\n\r\n";
    // A login that is accepted, then a message that claims to end the snapshot far ahead.
    let forged: &[u8] = b"\0\x1fALIVETEST01                   1\0\x16SG18446744073709551615";
    for (bytes, hangs_up) in [(garbage, false), (b"", true), (b"", false), (forged, false)] {
        let lines = groups();
        let mold = settings(&lines);
        let timings = Timings {
            snapshot_wait_ns: 200_000_000,
            snapshot_retry_ns: 60_000_000_000,
            ..Timings::default()
        };
        let feed = FeedSettings { next: Some(Sequence(1)), timings, ..mold.feed };
        let snapshot = Some(server(blurts(bytes, hangs_up)));
        let mut listener = Listener::mold(MoldSettings { snapshot, feed, ..mold });
        let sender = sender();
        let all = messages(4..10);
        sender.send_to(&packet(&all), lines[0]).unwrap();
        listener.until("messages behind the gap", |it| it.given.len() == 7);
        assert_eq!(listener.given[0], Given::Gap(1, 4));
        let is_told = |it: &Listener| {
            let failed =
                |notice: &LiveNotice| matches!(notice, LiveNotice::Mold(Notice::SnapshotFailed(_)));
            it.notices.iter().any(failed)
        };
        listener.until("word of the failure", is_told);
        assert_eq!(listener.feeds.ledger(FEED).unwrap().counts().open, 1);
    }
}

#[test]
fn a_tcp_feed_leaves_a_server_that_talks_nonsense_and_goes_to_the_next() {
    let nonsense = server(blurts(b"\0\x00\x12\x34 what?", false));
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let good = server(listener.local_addr().unwrap());
    let serves = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut login = [0; 49];
        stream.read_exact(&mut login).unwrap();
        assert_eq!(&login[2..3], b"L");
        stream.write_all(b"\0\x1fA  LIVETEST                   1").unwrap();
        for (_, message) in messages(1..4) {
            let length = (message.len() as u16 + 1).to_be_bytes();
            stream.write_all(&[&length[..], b"S", &message].concat()).unwrap();
        }
        stream.write_all(b"\0\x01Z").unwrap();
        // Until the other side hangs up.
        let _ = stream.read(&mut login);
    });
    let settings = SoupSettings {
        servers: vec![nonsense, good],
        session: String::new(),
        next: 1,
        stale_ns: 1_500_000_000,
    };
    let mut listener = Listener::open(LiveFeedSettings::Soup(settings), false);
    listener.until("end", |it| it.is_ended);
    assert_eq!(listener.messages(), messages(1..4));
    let lost = |notice: &&LiveNotice| matches!(notice, LiveNotice::Soup(SoupNotice::Lost { .. }));
    assert_eq!(listener.notices.iter().filter(lost).count(), 1, "{:?}", listener.notices);
    serves.join().unwrap();
}
