use std::collections::BTreeMap;

use super::*;

/// Type, length and symbol offset as the specification's tables give them, typed in by hand.
const SPECIFIED: [(u8, usize, Option<usize>); 23] = [
    (b'S', 12, None),
    (b'R', 39, Some(11)),
    (b'H', 25, Some(11)),
    (b'Y', 20, Some(11)),
    (b'L', 26, Some(15)),
    (b'V', 35, None),
    (b'W', 12, None),
    (b'K', 28, Some(11)),
    (b'J', 35, Some(11)),
    (b'h', 21, Some(11)),
    (b'A', 36, Some(24)),
    (b'F', 40, Some(24)),
    (b'E', 31, None),
    (b'C', 36, None),
    (b'X', 23, None),
    (b'D', 19, None),
    (b'U', 35, None),
    (b'P', 44, Some(24)),
    (b'Q', 40, Some(19)),
    (b'B', 19, None),
    (b'I', 50, Some(28)),
    (b'N', 20, Some(11)),
    (b'O', 48, Some(11)),
];

#[test]
fn the_tables_know_the_23_types_with_their_lengths_and_no_other() {
    let specified: BTreeMap<u8, (usize, Option<usize>)> =
        SPECIFIED.iter().map(|&(kind, length, stock)| (kind, (length, stock))).collect();
    for type_byte in 0..=255 {
        let (length, stock) = match specified.get(&type_byte) {
            Some(&(length, stock)) => (Some(length), stock),
            None => (None, None),
        };
        assert_eq!(length_of(type_byte), length, "length of {type_byte:#04x}");
        assert_eq!(stock_offset_of(type_byte), stock, "symbol of {type_byte:#04x}");
    }
    assert_eq!(MESSAGE_LENGTHS.iter().filter(|&&length| length != 0).count(), 23);
    assert_eq!(MESSAGE_TYPES, SPECIFIED.map(|(type_byte, _, _)| type_byte));
}

#[test]
fn every_view_is_as_long_as_the_table_says() {
    for (type_byte, length, _) in SPECIFIED {
        let mut bytes = vec![0xa5; length];
        bytes[0] = type_byte;
        let message = Message::parse(&bytes).expect("type and length are right");
        assert_eq!(size_of_view(&message), length, "view of {}", type_byte as char);
        assert_eq!(message.head().message_type(), type_byte);
        assert_eq!(message.bytes(), bytes);
        assert_eq!(message.bytes().as_ptr(), bytes.as_ptr(), "nothing was copied");
    }
}

fn size_of_view(message: &Message<'_>) -> usize {
    match message {
        Message::SystemEvent(view) => size_of_val(*view),
        Message::StockDirectory(view) => size_of_val(*view),
        Message::TradingAction(view) => size_of_val(*view),
        Message::ShortSaleRestriction(view) => size_of_val(*view),
        Message::MarketParticipantPosition(view) => size_of_val(*view),
        Message::CircuitBreakerLevels(view) => size_of_val(*view),
        Message::CircuitBreakerStatus(view) => size_of_val(*view),
        Message::IpoQuotingPeriod(view) => size_of_val(*view),
        Message::AuctionCollar(view) => size_of_val(*view),
        Message::OperationalHalt(view) => size_of_val(*view),
        Message::AddOrder(view) => size_of_val(*view),
        Message::AddAttributedOrder(view) => size_of_val(*view),
        Message::OrderExecuted(view) => size_of_val(*view),
        Message::OrderExecutedWithPrice(view) => size_of_val(*view),
        Message::OrderCancelled(view) => size_of_val(*view),
        Message::OrderDeleted(view) => size_of_val(*view),
        Message::OrderReplaced(view) => size_of_val(*view),
        Message::Trade(view) => size_of_val(*view),
        Message::CrossTrade(view) => size_of_val(*view),
        Message::BrokenTrade(view) => size_of_val(*view),
        Message::NetOrderImbalance(view) => size_of_val(*view),
        Message::RetailInterest(view) => size_of_val(*view),
        Message::DirectListing(view) => size_of_val(*view),
    }
}

#[test]
fn any_other_length_of_a_known_type_is_refused_with_both_lengths() {
    for (type_byte, expected, _) in SPECIFIED {
        for actual in (1..expected).chain(expected + 1..=64) {
            let mut bytes = vec![0; actual];
            bytes[0] = type_byte;
            assert_eq!(
                Message::parse(&bytes),
                Err(MessageError::BadLength { type_byte, expected, actual })
            );
        }
    }
}

#[test]
fn any_other_type_is_refused_by_name_whatever_the_length() {
    for type_byte in (0..=255).filter(|&byte| length_of(byte).is_none()) {
        for length in 1..=64 {
            assert_eq!(
                Message::parse(&vec![type_byte; length]),
                Err(MessageError::UnknownType { type_byte })
            );
        }
    }
    assert_eq!(Message::parse(&[]), Err(MessageError::Empty));
}

#[test]
fn an_error_says_what_was_found_and_what_was_expected() {
    let torn = Message::parse(b"D1").expect_err("torn");
    assert_eq!(torn.to_string(), "a message of type 0x44 has 19 bytes, this one has 2");
    let unknown = Message::parse(&[0x07, 1, 2]).expect_err("unknown");
    assert_eq!(unknown.to_string(), "no message has type 0x07");
}

#[test]
fn codes_that_no_one_has_heard_of_pass_through() {
    let mut bytes = [0xff; 36];
    bytes[0] = b'A';
    let Ok(Message::AddOrder(add)) = Message::parse(&bytes) else { panic!("it is an add") };
    assert_eq!((add.side(), add.side_byte()), (None, 0xff));
    assert_eq!(add.head().time_of_day_ns(), (1 << 48) - 1);
    assert_eq!(add.shares().0, u64::from(u32::MAX));
    let mut bytes = [0xff; 36];
    bytes[0] = b'C';
    let Ok(Message::OrderExecutedWithPrice(executed)) = Message::parse(&bytes) else {
        panic!("it is an execution")
    };
    assert_eq!((executed.printable(), executed.is_printable()), (0xff, false));
}
