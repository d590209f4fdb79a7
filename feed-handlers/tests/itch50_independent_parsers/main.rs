//! Two published ITCH parsers beside ours, since one author's encoder and parser could share one
//! misreading of the specification.
//!
//! A session of random values is encoded. Our parser must read the values given (`own_reader`),
//! `itchy` must read them too (`itchy_reader`), and `itch5` must agree with our parser on every field
//! (`tapewatch_tests::itch5_reader`), of that session and of recorded ones.

mod itchy_reader;
mod own_reader;
mod session;

use feed_handlers::itch50::messages::MESSAGE_TYPES;
use feed_handlers::itch50::{Encoder, Message, MessageError, length_of};
use proptest::prelude::*;
use tapewatch_tests::itch5_reader;
use tapewatch_tests::shared::shared;

/// Bytes of no meaning, half of them with a type that exists and a length near its own.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let typed = (prop::sample::select(&MESSAGE_TYPES[..]), 0..3_usize)
        .prop_flat_map(|(type_byte, off_by)| {
            let length = length_of(type_byte).expect("the type exists") + off_by - 1;
            (Just(type_byte), prop::collection::vec(any::<u8>(), length))
        })
        .prop_map(|(type_byte, mut bytes)| {
            bytes[0] = type_byte;
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..64), typed]
}

proptest! {
    #[test]
    fn our_parser_reads_every_value_that_was_encoded(session in session::any_session()) {
        let mut encoder = Encoder::new();
        session.write_types_known_to_all(&mut encoder);
        session.write_types_unknown_to_itchy(&mut encoder);
        let types = own_reader::assert_reads(&session, encoder.bytes());
        prop_assert_eq!(types, "SRHYLVWKJAFECXDUPQBINhO");
    }

    #[test]
    fn itchy_reads_every_value_that_was_encoded(session in session::any_session()) {
        let mut encoder = Encoder::new();
        session.write_types_known_to_all(&mut encoder);
        let types = itchy_reader::assert_reads(&session, encoder.bytes());
        prop_assert_eq!(types, "SRHYLVWKJAFECXDUPQBIN");
    }

    #[test]
    fn itch5_agrees_with_our_parser_on_every_field(session in session::any_session()) {
        let mut encoder = Encoder::new();
        session.write_types_known_to_all(&mut encoder);
        session.write_types_unknown_to_itchy(&mut encoder);
        let counts = itch5_reader::assert_agrees(encoder.bytes());
        prop_assert_eq!((counts.len(), counts.values().sum::<u64>()), (23, 23));
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in any_bytes()) {
        let type_byte = bytes.first().copied();
        match Message::parse(&bytes) {
            Ok(message) => {
                prop_assert_eq!(message.bytes(), &bytes[..]);
                prop_assert_eq!(type_byte.and_then(length_of), Some(bytes.len()));
            }
            Err(MessageError::Empty) => prop_assert!(bytes.is_empty()),
            Err(MessageError::UnknownType { type_byte: named }) => {
                prop_assert_eq!(type_byte, Some(named));
                prop_assert_eq!(length_of(named), None);
            }
            Err(MessageError::BadLength { type_byte: named, expected, actual }) => {
                prop_assert_eq!(type_byte, Some(named));
                prop_assert_eq!(length_of(named), Some(expected));
                prop_assert_eq!(actual, bytes.len());
                prop_assert_ne!(actual, expected);
            }
        }
    }
}

#[test]
fn itch5_agrees_with_our_parser_on_recorded_messages() {
    for (name, messages) in
        [("nasdaq_20191230_0930_1000.itch50", 1_000), ("aapl_20191230_0935_std.itch50", 49_947)]
    {
        if let Some(file) = shared(&format!("itch50/{name}")) {
            let bytes = std::fs::read(file).expect("it can be read");
            let counts = itch5_reader::assert_agrees(&bytes);
            assert_eq!(counts.values().sum::<u64>(), messages, "{name}");
        }
    }
}
