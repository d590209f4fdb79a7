use super::*;
use crate::soupbintcp::{SessionName, SoupPacket};

fn client(bytes_max: u64) -> GlimpseClient {
    let login = Login::new("scott", "tiger", SessionName::ACTIVE, 99).unwrap();
    let mut client = GlimpseClient::new(login, ClientSettings::default(), bytes_max);
    client.connected(Nanos(0));
    assert!(
        client.to_send().ends_with(b"                   1"),
        "from message 1 whatever was given"
    );
    client.sent(client.to_send().len());
    client
}

fn accepted(next: u64) -> SoupPacket<'static> {
    SoupPacket::LoginAccepted { session: SessionName::new("S").unwrap(), next }
}

fn events(client: &mut GlimpseClient, packets: &[SoupPacket<'_>]) -> Vec<String> {
    let mut bytes = Vec::new();
    packets.iter().for_each(|packet| packet.encode(&mut bytes).unwrap());
    let mut events = Vec::new();
    // In pieces, so that nothing relies on whole packets.
    for piece in bytes.chunks(7) {
        assert_eq!(client.received(piece, Nanos(1)), piece.len());
        while let Some(event) = client.next(Nanos(1)) {
            events.push(format!("{event:?}"));
        }
    }
    events
}

#[test]
fn the_end_of_a_snapshot_is_read_and_written_as_the_specification_draws_it() {
    let golden = b"G                1234";
    assert_eq!(&encode_snapshot_end(Sequence(1_234)), golden);
    assert_eq!(parse_snapshot_end(golden), Some(Sequence(1_234)));
    assert_eq!(parse_snapshot_end(b"G1234                "), Some(Sequence(1_234)));
    assert_eq!(parse_snapshot_end(b"G                12x4"), None);
    assert_eq!(parse_snapshot_end(&golden[..20]), None);
    assert_eq!(parse_snapshot_end(b"A                1234"), None);
}

#[test]
fn a_snapshot_is_its_messages_up_to_the_one_that_names_the_next() {
    let mut client = client(1_000);
    let end = encode_snapshot_end(Sequence(42));
    let packets = [
        accepted(1),
        SoupPacket::Sequenced(b"R one"),
        SoupPacket::ServerHeartbeat,
        SoupPacket::Sequenced(b"A two"),
        SoupPacket::Sequenced(&end),
        SoupPacket::Sequenced(b"A after"),
        SoupPacket::EndOfSession,
    ];
    let events = events(&mut client, &packets);
    let expected = [
        GlimpseEvent::Item(b"R one"),
        GlimpseEvent::Item(b"A two"),
        GlimpseEvent::Complete { next: Sequence(42) },
    ];
    assert_eq!(events, expected.map(|event| format!("{event:?}")));
    assert_eq!(client.to_send(), b"\0\x01O");
    assert_eq!((client.disconnected(), client.deadline()), (None, None));
}

#[test]
fn what_is_not_whole_fails_once_and_says_why() {
    let no_number = SoupPacket::Sequenced(b"G                   x");
    for (packets, failure) in [
        (
            vec![accepted(1), SoupPacket::Sequenced(b"A"), SoupPacket::EndOfSession],
            GlimpseFailure::EndOfSession,
        ),
        (vec![accepted(2)], GlimpseFailure::NotFromTheStart { next: 2 }),
        (vec![accepted(1), no_number], GlimpseFailure::NoSequence),
        (
            vec![SoupPacket::LoginRejected(Reject::NotAuthorized)],
            GlimpseFailure::Rejected(Reject::NotAuthorized),
        ),
        (
            vec![SoupPacket::Sequenced(b"A")],
            GlimpseFailure::Malformed(Malformed::Misplaced { kind: b'S' }),
        ),
        (
            vec![
                accepted(1),
                SoupPacket::Sequenced(&[b'A'; 60]),
                SoupPacket::Sequenced(&[b'A'; 41]),
            ],
            GlimpseFailure::TooLarge { bytes_max: 100 },
        ),
    ] {
        let mut client = client(100);
        let events = events(&mut client, &packets);
        assert_eq!(events.last(), Some(&format!("{:?}", GlimpseEvent::Failed(failure))));
        assert_eq!(events.iter().filter(|event| event.starts_with("Failed")).count(), 1);
        assert!(client.is_over());
    }
}

#[test]
fn a_lost_or_silent_connection_is_a_failure_until_the_snapshot_is_whole() {
    let mut lost = client(100);
    events(&mut lost, &[accepted(1), SoupPacket::Sequenced(b"A")]);
    assert_eq!(lost.disconnected(), Some(GlimpseFailure::Disconnected));
    assert_eq!(lost.next(Nanos(i64::MAX)), None);
    let mut silent = client(100);
    events(&mut silent, &[accepted(1)]);
    let silent_ns = 15_000_000_000;
    let failed = GlimpseEvent::Failed(GlimpseFailure::Silent { silent_ns });
    assert_eq!(silent.next(Nanos(1 + silent_ns as i64)), Some(failed));
    let mut unanswered = client(100);
    let failed = GlimpseEvent::Failed(GlimpseFailure::LoginTimedOut);
    assert_eq!(unanswered.next(unanswered.deadline().unwrap()), Some(failed));
}
