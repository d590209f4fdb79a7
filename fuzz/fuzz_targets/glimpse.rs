#![no_main]
//! Any bytes as what a snapshot server sends, with and without a good login before them.
//!
//! A snapshot is complete or has failed once and then nothing more comes; its content stays within
//! its bound; the number that ends it is read as it is written.

use engine::units::{Nanos, Sequence};
use feed_handlers::glimpse::{
    GlimpseClient, GlimpseEvent, encode_snapshot_end, parse_snapshot_end,
};
use feed_handlers::soupbintcp::{ClientSettings, Login, SessionName, SoupPacket};
use libfuzzer_sys::fuzz_target;

const NOW: Nanos = Nanos(1_000);
/// Bytes of what is allowed for each unit of the input's byte for it.
const BOUND_BYTES: u64 = 8;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[choice, piece, bound], rest)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    if let Some(next) = parse_snapshot_end(rest) {
        assert_eq!(parse_snapshot_end(&encode_snapshot_end(next)), Some(next));
    }
    let mut stream = Vec::new();
    let session = SessionName::new("FUZZ").expect("a short name");
    if choice & 1 != 0 {
        let accepted = SoupPacket::LoginAccepted { session, next: 1 };
        accepted.encode(&mut stream).expect("a short packet");
    }
    if choice & 2 != 0 {
        // Messages that the bytes name rather than packets that they are.
        for message in rest.chunks(usize::from(choice >> 2) + 1) {
            SoupPacket::Sequenced(message).encode(&mut stream).expect("a short message");
        }
        let end = encode_snapshot_end(Sequence(u64::from(bound)));
        SoupPacket::Sequenced(&end).encode(&mut stream).expect("a short message");
    } else {
        stream.extend_from_slice(rest);
    }

    let login = Login::new("fuzz", "", SessionName::ACTIVE, 1).expect("short names");
    let bytes_max = u64::from(bound) * BOUND_BYTES;
    let mut client = GlimpseClient::new(login, ClientSettings::default(), bytes_max);
    client.connected(NOW);
    let (mut content, mut ends) = (0_u64, 0);
    for mut piece in stream.chunks(usize::from(piece) + 1) {
        while !piece.is_empty() {
            let taken = client.received(piece, NOW);
            assert!(taken > 0, "a drained client takes something");
            piece = &piece[taken..];
            while let Some(event) = client.next(NOW) {
                assert_eq!(ends, 0, "nothing comes after the end");
                match event {
                    GlimpseEvent::Item(message) => content += message.len() as u64,
                    GlimpseEvent::Complete { .. } | GlimpseEvent::Failed(_) => ends += 1,
                }
                assert!(content <= bytes_max);
            }
        }
    }
    assert_eq!(client.is_over(), ends == 1);
    assert_eq!(client.disconnected().is_some(), ends == 0);
    assert!(client.is_over());
});
