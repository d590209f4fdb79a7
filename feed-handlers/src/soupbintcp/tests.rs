//! Both ends against each other and against bytes written by hand, without a socket.

use engine::units::Nanos;
use proptest::prelude::*;

use super::packet::PACKET_BYTES_MAX;
use super::*;

const SECOND: i64 = 1_000_000_000;

fn session(name: &str) -> SessionName {
    SessionName::new(name).unwrap()
}

fn login(session: SessionName, sequence: u64) -> Login {
    Login::new("scott", "tiger", session, sequence).unwrap()
}

fn client(sequence: u64) -> Client {
    Client::new(login(SessionName::ACTIVE, sequence), ClientSettings::default())
}

fn bytes_of(packets: &[SoupPacket<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    packets.iter().for_each(|packet| packet.encode(&mut bytes).unwrap());
    bytes
}

/// All events, as text that keeps nothing borrowed.
fn feed(client: &mut Client, mut bytes: &[u8], now: Nanos) -> Vec<String> {
    let mut events = Vec::new();
    loop {
        let taken = client.received(bytes, now);
        bytes = &bytes[taken..];
        while let Some(event) = client.next(now) {
            events.push(format!("{event:?}"));
        }
        if bytes.is_empty() {
            return events;
        }
        assert!(taken > 0, "a drained client takes something");
    }
}

fn take_all(client: &mut Client) -> Vec<u8> {
    let bytes = client.to_send().to_vec();
    client.sent(bytes.len());
    bytes
}

/// A client that is logged in from message `next` on.
fn logged_in(next: u64, now: Nanos) -> Client {
    let mut client = client(next);
    client.connected(now);
    take_all(&mut client);
    let accepted = bytes_of(&[SoupPacket::LoginAccepted { session: session("S1"), next }]);
    assert_eq!(feed(&mut client, &accepted, now).len(), 1);
    client
}

#[test]
fn a_client_logs_in_and_numbers_the_messages_itself() {
    let mut client = client(7);
    assert!(client.is_over() && client.deadline().is_none());
    client.connected(Nanos(0));
    let expected = [b"\0\x2FLscott ", &b"tiger     "[..], &[b' '; 10], &[b' '; 19], b"7"].concat();
    assert_eq!(take_all(&mut client), expected);
    let stream = bytes_of(&[
        SoupPacket::Debug(b"hello"),
        SoupPacket::LoginAccepted { session: session("S1"), next: 7 },
        SoupPacket::Sequenced(b"a"),
        SoupPacket::ServerHeartbeat,
        SoupPacket::Unsequenced(b"u"),
        SoupPacket::Sequenced(b""),
        SoupPacket::EndOfSession,
        SoupPacket::Sequenced(b"after the end"),
    ]);
    let events = feed(&mut client, &stream, Nanos(1));
    let expected = [
        ClientEvent::Debug(b"hello"),
        ClientEvent::LoggedIn { session: session("S1"), next: 7, is_other_session: false },
        ClientEvent::Message { sequence: 7, bytes: b"a" },
        ClientEvent::Unsequenced(b"u"),
        ClientEvent::Message { sequence: 8, bytes: b"" },
        ClientEvent::EndOfSession { next: 9 },
    ];
    assert_eq!(events, expected.map(|event| format!("{event:?}")));
    assert!(client.is_over());
}

#[test]
fn the_next_connection_asks_for_the_first_message_that_has_not_come() {
    let mut client = logged_in(5, Nanos(0));
    let messages = bytes_of(&[SoupPacket::Sequenced(b"a"), SoupPacket::Sequenced(b"b")]);
    // The second is torn by the loss of the connection.
    assert_eq!(feed(&mut client, &messages[..messages.len() - 1], Nanos(1)).len(), 1);
    client.connected(Nanos(2));
    let mut login = Vec::new();
    SoupPacket::LoginRequest(self::login(session("S1"), 6)).encode(&mut login).unwrap();
    assert_eq!(take_all(&mut client), login);
    let other = SoupPacket::LoginAccepted { session: session("S2"), next: 1 };
    let events = feed(&mut client, &bytes_of(&[other, SoupPacket::Sequenced(b"c")]), Nanos(3));
    let expected = [
        ClientEvent::LoggedIn { session: session("S2"), next: 1, is_other_session: true },
        ClientEvent::Message { sequence: 1, bytes: b"c" },
    ];
    assert_eq!(events, expected.map(|event| format!("{event:?}")));
}

#[test]
fn a_client_keeps_the_connection_alive_and_notices_silence() {
    let mut client = logged_in(1, Nanos(0));
    assert_eq!(client.deadline(), Some(Nanos(SECOND)));
    assert_eq!(client.next(Nanos(SECOND - 1)), None);
    assert_eq!(client.to_send(), b"");
    assert_eq!(client.next(Nanos(SECOND)), None);
    assert_eq!(client.to_send(), b"\0\x01R");
    // Nothing piles up while the socket takes nothing.
    assert_eq!(client.next(Nanos(5 * SECOND)), None);
    assert_eq!(take_all(&mut client), b"\0\x01R");
    assert_eq!(feed(&mut client, b"\0\x01H", Nanos(6 * SECOND)), [""; 0]);
    take_all(&mut client);
    assert_eq!(client.next(Nanos(21 * SECOND - 1)), None);
    let silent = ClientEvent::Silent { silent_ns: 15 * SECOND as u64 };
    assert_eq!(client.next(Nanos(21 * SECOND)), Some(silent));
    assert!(client.is_over());
    assert_eq!(client.next(Nanos(99 * SECOND)), None);
}

#[test]
fn a_login_without_an_answer_or_refused_is_told_once() {
    let mut client = client(1);
    client.connected(Nanos(0));
    assert_eq!(client.deadline(), Some(Nanos(15 * SECOND)));
    assert_eq!(client.next(Nanos(15 * SECOND)), Some(ClientEvent::LoginTimedOut));
    client.connected(Nanos(20 * SECOND));
    let events = feed(&mut client, b"\0\x02JS\0\x01H", Nanos(20 * SECOND));
    assert_eq!(events, ["Rejected(NoSession)"]);
    assert!(client.is_over());
}

#[test]
fn what_does_not_belong_there_ends_the_connection() {
    for (bytes, what) in [
        (&b"\0\0"[..], "Malformed(Empty)"),
        (b"\0\x01X", "Malformed(UnknownType(88))"),
        (b"\0\x01S", "Malformed(Misplaced { kind: 83 })"),
        (b"\0\x01O", "Malformed(Misplaced { kind: 79 })"),
        (b"\0\x03JAA", "Malformed(WrongLength { kind: 74, bytes: 2 })"),
    ] {
        let mut client = client(1);
        client.connected(Nanos(0));
        assert_eq!(feed(&mut client, bytes, Nanos(0)), [what]);
        assert!(client.is_over());
    }
    let settings = ClientSettings { packet_bytes_max: 100, ..ClientSettings::default() };
    let mut client = Client::new(login(SessionName::ACTIVE, 1), settings);
    client.connected(Nanos(0));
    let too_long = "Malformed(TooLong { bytes: 101, bytes_max: 100 })";
    assert_eq!(feed(&mut client, b"\0\x65", Nanos(0)), [too_long], "told before it has come");
}

#[test]
fn both_ends_agree_from_login_to_end_of_session() {
    let mut now = Nanos(0);
    let mut server = Server::new(ServerSettings::default(), now);
    let mut client = client(2);
    client.connected(now);
    let mut came = Vec::new();
    let mut sent = 2_u64;
    while !(client.is_over() && came.last().is_some_and(|event: &String| event.starts_with("End")))
    {
        now = Nanos(now.0 + SECOND / 3);
        let to_server = take_all(&mut client);
        assert_eq!(server.received(&to_server, now), to_server.len());
        let mut asked = None;
        while let Some(event) = server.next(now) {
            match event {
                ServerEvent::LoginRequest(login) => asked = Some(login),
                other => panic!("{other:?}"),
            }
        }
        if let Some(login) = asked {
            assert_eq!((login.username(), login.password()), (&b"scott"[..], &b"tiger"[..]));
            server.accept(session("DAY"), login.sequence, now);
        } else if server.is_logged_in() && now.0 > 20 * SECOND {
            if sent < 5 {
                assert!(server.send_sequenced(&sent.to_be_bytes(), now));
                sent += 1;
            } else {
                server.end_of_session(now);
            }
        }
        let to_client = server.to_send().to_vec();
        server.sent(to_client.len());
        came.extend(feed(&mut client, &to_client, now));
    }
    assert!(server.is_over());
    assert_eq!(came.len(), 5, "{came:?}");
    assert!(came[3].contains("sequence: 4"));
    assert_eq!(came[4], "EndOfSession { next: 5 }");
}

#[test]
fn a_server_drops_who_is_silent_wrong_or_asks_to_go() {
    let settings = ServerSettings::default();
    let mut late = Server::new(settings, Nanos(0));
    assert_eq!(late.deadline(), Some(Nanos(30 * SECOND)));
    assert_eq!(late.received(b"\0", Nanos(29 * SECOND)), 1);
    assert_eq!(late.next(Nanos(30 * SECOND)), Some(ServerEvent::LoginTimedOut));

    let mut wrong = Server::new(settings, Nanos(0));
    assert_eq!(wrong.received(b"\0\x02Ux", Nanos(0)), 4);
    let misplaced = ServerEvent::Malformed(Malformed::Misplaced { kind: b'U' });
    assert_eq!(wrong.next(Nanos(0)), Some(misplaced));

    let mut server = Server::new(settings, Nanos(0));
    let request = bytes_of(&[
        SoupPacket::LoginRequest(login(SessionName::ACTIVE, 0)),
        SoupPacket::ClientHeartbeat,
    ]);
    assert_eq!(server.received(&request, Nanos(0)), request.len());
    assert!(matches!(server.next(Nanos(0)), Some(ServerEvent::LoginRequest(_))));
    assert!(!server.send_sequenced(b"too early", Nanos(0)));
    server.accept(session("S"), 9, Nanos(0));
    server.sent(server.to_send().len());
    assert_eq!(server.next(Nanos(SECOND)), None);
    assert_eq!(server.to_send(), b"\0\x01H");
    assert_eq!(server.received(b"\0\x02Ux\0\x01O", Nanos(SECOND)), 7);
    assert_eq!(server.next(Nanos(SECOND)), Some(ServerEvent::ClientMessage(b"x")));
    assert_eq!(server.next(Nanos(SECOND)), Some(ServerEvent::Logout));
    assert!(server.is_over());

    let mut refusing = Server::new(settings, Nanos(0));
    assert_eq!(refusing.received(&request, Nanos(0)), request.len());
    assert!(refusing.next(Nanos(0)).is_some());
    refusing.reject(Reject::NotAuthorized, Nanos(0));
    assert_eq!((refusing.to_send(), refusing.is_over()), (&b"\0\x02JA"[..], true));
}

#[test]
fn a_slow_client_lets_nothing_pile_up_beyond_the_bound() {
    let settings = ServerSettings { pending_bytes_max: 1_000, ..ServerSettings::default() };
    let mut server = Server::new(settings, Nanos(0));
    let request = bytes_of(&[SoupPacket::LoginRequest(login(SessionName::ACTIVE, 1))]);
    assert_eq!(server.received(&request, Nanos(0)), request.len());
    assert!(server.next(Nanos(0)).is_some());
    server.accept(session("S"), 1, Nanos(0));
    let taken = (0..1_000).take_while(|_| server.send_sequenced(&[7; 97], Nanos(0))).count();
    assert_eq!(taken, 10);
    assert!(server.to_send().len() < 1_100);
    server.sent(500);
    assert!(server.send_sequenced(&[7; 97], Nanos(0)));
    assert!(!server.send_sequenced(&[7; PACKET_BYTES_MAX], Nanos(0)), "longer than a packet");
}

proptest! {
    /// However the stream is cut, the events are the same.
    #[test]
    fn pieces_of_any_size_give_the_same_events(
        packets in prop::collection::vec((0_u8..6, prop::collection::vec(any::<u8>(), 0..300)), 0..40),
        pieces in prop::collection::vec(1_usize..500, 1..20),
    ) {
        let packets: Vec<SoupPacket<'_>> = packets.iter().map(|(kind, bytes)| match kind {
            0 => SoupPacket::ServerHeartbeat,
            1 => SoupPacket::Debug(bytes),
            2 => SoupPacket::Unsequenced(bytes),
            _ => SoupPacket::Sequenced(bytes),
        }).collect();
        let stream = bytes_of(&packets);
        let mut whole = logged_in(1, Nanos(0));
        let expected = feed(&mut whole, &stream, Nanos(1));
        let mut cut = logged_in(1, Nanos(0));
        let (mut rest, mut events) = (&stream[..], Vec::new());
        for piece in pieces.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, tail) = rest.split_at(rest.len().min(*piece));
            events.extend(feed(&mut cut, piece, Nanos(1)));
            rest = tail;
        }
        prop_assert_eq!(events, expected);
        let sequenced = packets.iter().filter(|p| matches!(p, SoupPacket::Sequenced(_))).count();
        prop_assert_eq!(cut.login().sequence, 1 + sequenced as u64);
    }

    /// Any bytes end in events, never in a panic, and both ends stay bounded.
    #[test]
    fn any_bytes_are_events_or_malformed(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(1), Just(b'S'), Just(b'H')], 0..400),
        is_logged_in in any::<bool>(),
    ) {
        let mut client = if is_logged_in { logged_in(1, Nanos(0)) } else { client(1) };
        if !is_logged_in { client.connected(Nanos(0)); }
        feed(&mut client, &bytes, Nanos(1));
        let mut server = Server::new(ServerSettings::default(), Nanos(0));
        prop_assert_eq!(server.received(&bytes, Nanos(0)), bytes.len());
        while server.next(Nanos(0)).is_some() {}
    }
}
