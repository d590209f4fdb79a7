#![no_main]
//! Any bytes as SoupBinTCP: as one packet, as what a server sends and as what a client sends.
//!
//! What is read is written again and read as the same. However a stream is cut, the events are the
//! same; messages are numbered without a hole; once a connection is over nothing more comes.

use engine::units::Nanos;
use feed_handlers::soupbintcp::{
    Client, ClientEvent, ClientSettings, Login, Server, ServerEvent, ServerSettings, SessionName,
    SoupPacket,
};
use libfuzzer_sys::fuzz_target;

const NOW: Nanos = Nanos(1_000);

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, piece], rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    match choice % 4 {
        0 => packet(rest),
        1 => server(rest, piece),
        // Before the login is answered, and after.
        2 => client(rest, piece),
        _ => {
            let session = SessionName::new("FUZZ").expect("a short name");
            let mut stream = Vec::new();
            let accepted = SoupPacket::LoginAccepted { session, next: u64::MAX - 4 };
            accepted.encode(&mut stream).expect("a short packet");
            stream.extend_from_slice(rest);
            client(&stream, piece);
        }
    }
});

fn packet(bytes: &[u8]) {
    let Ok(packet) = SoupPacket::parse(bytes) else {
        return;
    };
    let mut written = Vec::new();
    packet.encode(&mut written).expect("what was read can be written");
    assert_eq!(usize::from(u16::from_be_bytes([written[0], written[1]])), written.len() - 2);
    assert_eq!(SoupPacket::parse(&written[2..]), Ok(packet));
}

fn client(stream: &[u8], piece: u8) {
    let whole = client_events(stream, stream.len().max(1));
    let cut = client_events(stream, usize::from(piece) + 1);
    assert_eq!(whole, cut, "the same whatever the pieces");
}

fn client_events(stream: &[u8], piece: usize) -> Vec<String> {
    let login = Login::new("fuzz", "", SessionName::ACTIVE, 1).expect("short names");
    let settings = ClientSettings { packet_bytes_max: 1_000, ..ClientSettings::default() };
    let mut client = Client::new(login, settings);
    client.connected(NOW);
    let mut events = Vec::new();
    let mut expected = None;
    for mut piece in stream.chunks(piece) {
        while !piece.is_empty() {
            let taken = client.received(piece, NOW);
            assert!(taken > 0, "a drained client takes something");
            piece = &piece[taken..];
            while let Some(event) = client.next(NOW) {
                match event {
                    ClientEvent::LoggedIn { next, .. } => {
                        assert!(expected.is_none(), "let in twice");
                        expected = Some(next);
                    }
                    ClientEvent::Message { sequence, bytes } => {
                        assert!(bytes.len() < 1_000);
                        assert_eq!(Some(sequence), expected);
                        expected = Some(sequence.saturating_add(1));
                    }
                    _ => {}
                }
                events.push(format!("{event:?}"));
            }
        }
    }
    if client.is_over() {
        assert!(client.next(Nanos(i64::MAX)).is_none());
        assert!(client.deadline().is_none());
    } else {
        assert!(client.next(Nanos(i64::MAX)).is_some(), "silence ends it");
        assert!(client.is_over());
    }
    events
}

fn server(stream: &[u8], piece: u8) {
    let settings = ServerSettings { pending_bytes_max: 500, ..ServerSettings::default() };
    let mut server = Server::new(settings, NOW);
    let session = SessionName::new("FUZZ").expect("a short name");
    for mut piece in stream.chunks(usize::from(piece) + 1) {
        while !piece.is_empty() {
            let taken = server.received(piece, NOW);
            assert!(taken > 0, "a drained server takes something");
            piece = &piece[taken..];
            loop {
                let login = match server.next(NOW) {
                    Some(ServerEvent::LoginRequest(login)) => login,
                    Some(ServerEvent::ClientMessage(message)) => {
                        let message = message.to_vec();
                        let _ = server.send_sequenced(&message, NOW);
                        continue;
                    }
                    Some(_) => continue,
                    None => break,
                };
                server.accept(session, login.sequence, NOW);
            }
            assert!(server.to_send().len() < 500 + 70_000);
        }
    }
    let mut answers = server.to_send();
    while let Some((length, rest)) = answers.split_first_chunk::<2>() {
        let (packet, tail) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        assert!(SoupPacket::parse(packet).is_ok(), "a server writes what can be read");
        answers = tail;
    }
    assert!(answers.is_empty());
}
