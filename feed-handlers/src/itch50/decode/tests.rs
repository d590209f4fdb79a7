//! Events decoded from messages, against values worked by hand and against the messages' own views.

use bytemuck::Zeroable;
use engine::event::{Event, Flags, Kind, PRICE_NONE};
use engine::packet::Packet;
use engine::pipeline::stage::{BATCH_EVENTS_MAX, Cursor, Decoded, Decoder, EventBatch};
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Price, Sequence, Side, SymbolId};
use proptest::prelude::*;

use super::Itch50Decoder;
use crate::itch50::encode::{DirectoryEntry, Encoder, Header, Imbalance, PriceDiscovery};
use crate::itch50::fields::{Mpid, Price4, Price8, Stock};
use crate::itch50::messages::{MESSAGE_TYPES, Message, length_of};

const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);
const HEADER: Header = Header { locate: 13, tracking: 7, time_of_day_ns: 34_500_000_000_123 };
const AAPL: Stock = Stock(*b"AAPL    ");

/// Everything decoded from a run of length-prefixed messages, with where decoding stopped.
fn decode_all(decoder: &mut Itch50Decoder, messages: &[u8]) -> (Vec<Event>, Decoded) {
    let packet = Packet { feed: FeedId(0), sequence: Sequence(100), recv: Nanos(5), messages };
    let mut cursor = Cursor::default();
    let mut batch = EventBatch::new();
    let mut events = Vec::new();
    loop {
        batch.clear();
        let decoded = decoder.decode(&packet, &mut cursor, &mut batch);
        events.extend_from_slice(batch.events());
        if decoded != Decoded::BatchFull {
            return (events, decoded);
        }
    }
}

fn decoder() -> Itch50Decoder {
    Itch50Decoder::new(MIDNIGHT).unwrap()
}

/// The one event of a one-message packet.
fn event_of(encode: impl FnOnce(&mut Encoder)) -> Event {
    let mut encoder = Encoder::new();
    encode(&mut encoder);
    let (events, decoded) = decode_all(&mut decoder(), encoder.bytes());
    assert_eq!(decoded, Decoded::PacketDone);
    assert_eq!(events.len(), 1);
    let event = events[0];
    assert_eq!((event.sequence, event.recv_ns), (100, 5));
    assert_eq!(event.time_ns, MIDNIGHT.0 + 34_500_000_000_123);
    assert_eq!(event.symbol, 13);
    event
}

/// Kind, side, flags and words.
fn facts(event: Event) -> (Kind, u8, u16, [u64; 4]) {
    (event.kind().unwrap(), event.side, event.flags, event.words)
}

#[test]
fn order_messages_become_the_events_drawn_in_the_engine() {
    let price = Price4(2_866_700);
    let price_e9 = 286_670_000_000;
    let (one, two) = (OrderRef(u64::MAX - 1), OrderRef(3));
    let add = event_of(|e| e.add_order(HEADER, one, Side::Sell, 222, AAPL, price, None));
    assert_eq!(facts(add), (Kind::Add, b'S', 0, [one.0, price_e9, 222, 0]));
    let mpid = Mpid(*b"GSCO");
    let add = event_of(|e| e.add_order(HEADER, one, Side::Buy, 222, AAPL, price, Some(mpid)));
    assert_eq!(facts(add), (Kind::Add, b'B', 0, [one.0, price_e9, 222, 0x4753_434F]));
    let number = MatchNumber(u64::MAX);
    let executed = event_of(|e| e.order_executed(HEADER, one, u32::MAX, number));
    let words = [one.0, u64::MAX, u64::from(u32::MAX), PRICE_NONE];
    assert_eq!(facts(executed), (Kind::Execute, 0, Flags::PRINTABLE, words));
    for (printable, flags) in [(true, Flags::PRINTABLE), (false, 0)] {
        let executed = event_of(|e| {
            e.order_executed_with_price(HEADER, one, 9, MatchNumber(4), printable, price);
        });
        assert_eq!(facts(executed), (Kind::Execute, 0, flags, [one.0, 4, 9, price_e9]));
    }
    let cancelled = event_of(|e| e.order_cancelled(HEADER, one, 8));
    assert_eq!(facts(cancelled), (Kind::Cancel, 0, 0, [one.0, 0, 8, 0]));
    let deleted = event_of(|e| e.order_deleted(HEADER, one));
    assert_eq!(facts(deleted), (Kind::Delete, 0, 0, [one.0, 0, 0, 0]));
    let replaced = event_of(|e| e.order_replaced(HEADER, one, two, 77, Price4(u32::MAX)));
    let words = [one.0, 3, 4_294_967_295 * 100_000, 77];
    assert_eq!(facts(replaced), (Kind::Replace, 0, 0, words));
    let trade = event_of(|e| {
        e.trade(HEADER, OrderRef(0), Side::Buy, 50, AAPL, price, MatchNumber(6));
    });
    assert_eq!(facts(trade), (Kind::Trade, b'B', 0, [0, 6, 50, price_e9]));
}

#[test]
fn crosses_breaks_and_auctions_become_the_events_drawn_in_the_engine() {
    let cross =
        event_of(|e| e.cross_trade(HEADER, 1 << 40, AAPL, Price4(10_000), MatchNumber(6), b'O'));
    assert_eq!(facts(cross), (Kind::Cross, 0, 0, [0x4F, 6, 1 << 40, 1_000_000_000]));
    let broken = event_of(|e| e.broken_trade(HEADER, MatchNumber(6)));
    assert_eq!(facts(broken), (Kind::Break, 0, 0, [0, 6, 0, 0]));
    let imbalance = Imbalance {
        paired: 1,
        imbalance: 2,
        direction: b'B',
        stock: AAPL,
        far: Price4(3),
        near: Price4(4),
        reference: Price4(5),
        cross_type: b'C',
        variation: b'L',
    };
    let auction = event_of(|e| e.net_order_imbalance(HEADER, &imbalance));
    let words = [1, 2, 3 << 32 | 4, 5 << 32 | 0x4243_4C00];
    assert_eq!(facts(auction), (Kind::Auction, 0, 0, words));
    let collar = event_of(|e| {
        e.auction_collar(HEADER, AAPL, Price4(1), Price4(2), Price4(3), 4);
    });
    assert_eq!(facts(collar), (Kind::AuctionCollar, 0, 0, [100_000, 200_000, 300_000, 4]));
    let discovery = PriceDiscovery {
        stock: AAPL,
        open_eligible: true,
        minimum: Price4(1),
        maximum: Price4(2),
        near: Price4(3),
        near_time_ns: 4,
        lower_collar: Price4(5),
        upper_collar: Price4(6),
    };
    let listing = event_of(|e| e.direct_listing(HEADER, &discovery));
    let near_time = (MIDNIGHT.0 + 4) as u64;
    let words = [1 << 32 | 2, 5 << 32 | 6, 3 << 32 | 0x59, near_time];
    assert_eq!(facts(listing), (Kind::DirectListing, 0, 0, words));
    let ipo = event_of(|e| e.ipo_quoting_period(HEADER, AAPL, 36_000, b'A', Price4(7)));
    let release = (MIDNIGHT.0 + 36_000_000_000_000) as u64;
    assert_eq!(facts(ipo), (Kind::IpoQuotation, 0, 0, [release, 0x41, 700_000, 0]));
}

#[test]
fn administrative_messages_become_the_events_drawn_in_the_engine() {
    let system = event_of(|e| e.system_event(HEADER, b'Q'));
    assert_eq!(facts(system), (Kind::SystemEvent, 0, 0, [0x51, 0, 0, 0]));
    let entry = DirectoryEntry {
        market_category: b'Q',
        financial_status: b'N',
        round_lot: 100,
        round_lots_only: false,
        issue_classification: b'C',
        issue_sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b'N',
        ipo: b' ',
        luld_tier: b'1',
        etp: b'Y',
        etp_leverage: 3,
        inverse: true,
        ..DirectoryEntry::common_stock(AAPL)
    };
    let directory = event_of(|e| e.stock_directory(HEADER, &entry));
    let words = [
        u64::from_be_bytes(*b"AAPL    "),
        100,
        u64::from_be_bytes(*b"QNNCZ PN"),
        u64::from(u32::from_be_bytes(*b" 1YY")) << 32 | 3,
    ];
    assert_eq!(facts(directory), (Kind::Directory, 0, 0, words));
    let action = event_of(|e| e.trading_action(HEADER, AAPL, b'H', *b"T1  "));
    let reason = u64::from(u32::from_be_bytes(*b"T1  "));
    assert_eq!(facts(action), (Kind::TradingAction, 0, 0, [0x48, reason, 0, 0]));
    let short = event_of(|e| e.short_sale_restriction(HEADER, AAPL, b'1'));
    assert_eq!(facts(short), (Kind::ShortSale, 0, 0, [0x31, 0, 0, 0]));
    let maker = event_of(|e| {
        e.market_participant_position(HEADER, Mpid(*b"GSCO"), AAPL, true, b'N', b'A');
    });
    let codes = u64::from(u32::from_be_bytes([0, b'Y', b'N', b'A']));
    assert_eq!(facts(maker), (Kind::MarketMaker, 0, 0, [0x4753_434F, codes, 0, 0]));
    let levels = event_of(|e| {
        e.circuit_breaker_levels(HEADER, [Price8(1), Price8(2), Price8(u64::MAX)]);
    });
    let words = [10, 20, i64::MAX as u64, 0];
    assert_eq!(facts(levels), (Kind::CircuitBreakerLevels, 0, 0, words));
    let status = event_of(|e| e.circuit_breaker_status(HEADER, b'2'));
    assert_eq!(facts(status), (Kind::CircuitBreakerStatus, 0, 0, [0x32, 0, 0, 0]));
    let halt = event_of(|e| e.operational_halt(HEADER, AAPL, b'X', b'H'));
    assert_eq!(facts(halt), (Kind::OperationalHalt, 0, 0, [0x58, 0x48, 0, 0]));
    let interest = event_of(|e| e.retail_interest(HEADER, AAPL, b'A'));
    assert_eq!(facts(interest), (Kind::RetailInterest, 0, 0, [0x41, 0, 0, 0]));
}

#[test]
fn what_cannot_be_decoded_is_counted_and_uses_up_its_sequence() {
    let mut encoder = Encoder::new();
    encoder.order_deleted(HEADER, OrderRef(1));
    encoder.raw(b"z unknown");
    encoder.raw(&[b'D'; 18]); // one byte short
    encoder.raw(&[b'R'; 40]); // one byte long
    encoder.raw(&[0xff; 300]); // unknown, and longer than a window
    encoder.order_deleted(HEADER, OrderRef(2));
    let mut decoder = decoder();
    let (events, _) = decode_all(&mut decoder, encoder.bytes());
    let seen: Vec<(u64, u64)> = events.iter().map(|e| (e.sequence, e.words[0])).collect();
    assert_eq!(seen, [(100, 1), (105, 2)]);
    let counts = decoder.counts();
    assert_eq!((counts.messages, counts.unknown_type, counts.bad_length), (6, 2, 2));
    let of = |type_byte: u8| counts.by_type[usize::from(type_byte)];
    assert_eq!((of(b'D'), of(b'R'), of(b'z'), of(0xff)), (3, 1, 1, 1));
    assert_eq!(counts.by_type.iter().sum::<u64>(), 6);
}

#[test]
fn an_empty_message_has_a_bad_length_and_no_type() {
    let mut encoder = Encoder::new();
    encoder.order_deleted(HEADER, OrderRef(1));
    let bytes = [&[0, 0], encoder.bytes(), &[0, 0]].concat();
    let mut decoder = decoder();
    let (events, _) = decode_all(&mut decoder, &bytes);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].sequence, 101);
    assert_eq!((decoder.counts().messages, decoder.counts().bad_length), (3, 2));
    assert_eq!(decoder.counts().by_type.iter().sum::<u64>(), 1);
}

#[test]
fn names_are_learnt_once_from_any_message_and_never_for_locate_zero() {
    let other = Stock(*b"MSFT    ");
    let mut encoder = Encoder::new();
    let of = |locate| Header { locate, ..HEADER };
    encoder.order_deleted(of(1), OrderRef(1));
    encoder.add_order(of(1), OrderRef(1), Side::Buy, 1, AAPL, Price4(1), None);
    encoder.add_order(of(1), OrderRef(2), Side::Buy, 1, AAPL, Price4(1), None);
    encoder.trading_action(of(1), other, b'T', *b"    ");
    encoder.trade(of(1), OrderRef(0), Side::Buy, 1, other, Price4(1), MatchNumber(1));
    encoder.cross_trade(of(2), 1, other, Price4(1), MatchNumber(2), b'O');
    encoder.add_order(of(0), OrderRef(2), Side::Buy, 1, AAPL, Price4(1), None);
    encoder.add_order(of(3), OrderRef(2), Side::Buy, 1, Stock([b' '; 8]), Price4(1), None);
    let mut decoder = decoder();
    decode_all(&mut decoder, encoder.bytes());
    let name = |locate| decoder.directory().name(SymbolId(locate));
    assert_eq!(name(1), Some(&b"AAPL"[..]));
    assert_eq!(name(2), Some(&b"MSFT"[..]));
    assert_eq!((name(0), name(3)), (None, None));
    assert_eq!(decoder.counts().symbol_conflict, 2);
}

#[test]
fn a_second_start_of_messages_ends_the_session_before_it() {
    let start = Header { locate: 0, ..HEADER };
    let mut encoder = Encoder::new();
    encoder.system_event(start, b'O');
    encoder.system_event(start, b'S');
    encoder.order_deleted(HEADER, OrderRef(1));
    encoder.system_event(start, b'O');
    encoder.order_deleted(HEADER, OrderRef(2));
    let mut decoder = decoder();
    let (events, decoded) = decode_all(&mut decoder, encoder.bytes());
    assert_eq!(decoded, Decoded::SecondStart(Sequence(103)));
    assert_eq!(events.len(), 3);
    assert_eq!(decoder.counts().messages, 3);
}

#[test]
fn a_long_packet_is_decoded_batch_by_batch_without_loss() {
    let mut encoder = Encoder::new();
    for order in 0..1_000 {
        encoder.order_deleted(HEADER, OrderRef(order));
    }
    let packet = Packet {
        feed: FeedId(0),
        sequence: Sequence(1),
        recv: Nanos(0),
        messages: encoder.bytes(),
    };
    let (mut cursor, mut batch) = (Cursor::default(), EventBatch::new());
    let mut decoder = decoder();
    assert_eq!(decoder.decode(&packet, &mut cursor, &mut batch), Decoded::BatchFull);
    assert_eq!(batch.events().len(), BATCH_EVENTS_MAX);
    assert_eq!(cursor.messages, BATCH_EVENTS_MAX as u64);
    let (events, _) = decode_all(&mut self::decoder(), encoder.bytes());
    let orders: Vec<u64> = events.iter().map(|event| event.words[0]).collect();
    assert_eq!(orders, (0..1_000).collect::<Vec<_>>());
}

#[test]
fn a_message_torn_off_at_the_end_of_a_packet_is_left_alone() {
    let mut encoder = Encoder::new();
    encoder.order_deleted(HEADER, OrderRef(1));
    let whole = encoder.bytes().len();
    encoder.raw(&[b'A'; 200]);
    for end in whole..encoder.bytes().len() {
        let mut decoder = decoder();
        let (events, decoded) = decode_all(&mut decoder, &encoder.bytes()[..end]);
        assert_eq!((events.len(), decoded), (1, Decoded::PacketDone));
        assert_eq!(decoder.counts().messages, 1);
    }
}

#[test]
fn the_greatest_time_of_the_wire_does_not_overflow() {
    let late = Header { time_of_day_ns: (1 << 48) - 1, ..HEADER };
    let mut encoder = Encoder::new();
    encoder.order_deleted(late, OrderRef(1));
    encoder.trading_action(late, AAPL, b'T', *b"    ");
    let (events, _) = decode_all(&mut decoder(), encoder.bytes());
    assert!(events.iter().all(|event| event.time_ns == MIDNIGHT.0 + (1 << 48) - 1));
}

/// What the views say of an order message, word by word.
fn expected_words(message: &Message<'_>) -> Option<(Kind, u8, bool, [u64; 4])> {
    let price = |price: Price| price.0 as u64;
    Some(match message {
        Message::AddOrder(m) => {
            let words = [m.order().0, price(m.price()), m.shares().0, 0];
            (Kind::Add, m.side_byte(), false, words)
        }
        Message::AddAttributedOrder(m) => {
            let mpid = u64::from(u32::from_be_bytes(m.attribution().0));
            let words = [m.order().0, price(m.price()), m.shares().0, mpid];
            (Kind::Add, m.side_byte(), false, words)
        }
        Message::OrderExecuted(m) => {
            let words = [m.order().0, m.match_number().0, m.shares().0, PRICE_NONE];
            (Kind::Execute, 0, true, words)
        }
        Message::OrderExecutedWithPrice(m) => {
            let words = [m.order().0, m.match_number().0, m.shares().0, price(m.price())];
            (Kind::Execute, 0, m.is_printable(), words)
        }
        Message::OrderCancelled(m) => (Kind::Cancel, 0, false, [m.order().0, 0, m.shares().0, 0]),
        Message::OrderDeleted(m) => (Kind::Delete, 0, false, [m.order().0, 0, 0, 0]),
        Message::OrderReplaced(m) => {
            let words = [m.original_order().0, m.new_order().0, price(m.price()), m.shares().0];
            (Kind::Replace, 0, false, words)
        }
        Message::Trade(m) => {
            let words = [m.order().0, m.match_number().0, m.shares().0, price(m.price())];
            (Kind::Trade, m.side_byte(), false, words)
        }
        _ => return None,
    })
}

proptest! {
    /// The table and the views are two readings of one message; whatever its bytes and wherever in
    /// a packet it stands, they must agree.
    #[test]
    fn the_table_reads_what_the_views_read(
        picks in prop::collection::vec((0..MESSAGE_TYPES.len(), any::<[u8; 49]>()), 1..20),
    ) {
        let mut encoder = Encoder::new();
        let mut messages = Vec::new();
        for (pick, body) in picks {
            let type_byte = MESSAGE_TYPES[pick];
            let mut bytes = vec![type_byte];
            bytes.extend_from_slice(&body[..length_of(type_byte).unwrap() - 1]);
            if type_byte == b'S' {
                bytes[11] = b'Q';
            }
            encoder.raw(&bytes);
            messages.push(bytes);
        }
        let (events, decoded) = decode_all(&mut decoder(), encoder.bytes());
        prop_assert_eq!(decoded, Decoded::PacketDone);
        prop_assert_eq!(events.len(), messages.len());
        for (event, bytes) in events.iter().zip(&messages) {
            let message = Message::parse(bytes).unwrap();
            let head = message.head();
            prop_assert_eq!(event.symbol, u32::from(head.locate()));
            prop_assert_eq!(event.time_ns, MIDNIGHT.0 + head.time_of_day_ns() as i64);
            if let Some((kind, side, printable, words)) = expected_words(&message) {
                let seen = (event.kind, event.side, event.is_printable(), event.words);
                prop_assert_eq!(seen, (kind as u8, side, printable, words));
            }
        }
    }

    /// Any bytes as a packet: decoding ends, and every event stands for one message.
    #[test]
    fn any_bytes_decode_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut decoder = decoder();
        let (events, decoded) = decode_all(&mut decoder, &bytes);
        let counts = decoder.counts();
        if decoded == Decoded::PacketDone {
            let skipped = counts.unknown_type + counts.bad_length;
            prop_assert_eq!(counts.messages, events.len() as u64 + skipped);
        }
        prop_assert!(events.iter().all(|event| *event != Event::zeroed()));
    }
}

/// A decoder that has counted and learnt something of every kind.
fn busy_decoder() -> Itch50Decoder {
    let mut decoder = decoder();
    let mut encoder = Encoder::new();
    encoder.system_event(Header { locate: 0, ..HEADER }, b'O');
    encoder.stock_directory(HEADER, &DirectoryEntry::common_stock(AAPL));
    // A name padded with zeros, another one for a symbol that has one, an unknown type, a short one.
    let zeros = Stock(*b"ZINC\0\0\0\0");
    encoder.trading_action(Header { locate: 20, ..HEADER }, zeros, b'T', *b"    ");
    encoder.short_sale_restriction(HEADER, zeros, b'0');
    encoder.raw(b"?");
    encoder.raw(b"D");
    decode_all(&mut decoder, encoder.bytes());
    decoder
}

fn stored(decoder: &Itch50Decoder) -> Vec<u8> {
    let mut bytes = Vec::new();
    decoder.store(&mut bytes);
    bytes
}

#[test]
fn a_decoder_goes_on_from_its_bytes() {
    let mut busy = busy_decoder();
    let bytes = stored(&busy);
    let mut restored = decoder();
    restored.restore(&bytes).unwrap();
    assert_eq!((stored(&restored), restored.counts()), (bytes.clone(), busy.counts()));
    let mut encoder = Encoder::new();
    for (locate, stock) in [(13, AAPL), (20, Stock(*b"ZINC    ")), (20, AAPL), (21, AAPL)] {
        encoder.trading_action(Header { locate, ..HEADER }, stock, b'H', *b"    ");
    }
    encoder.system_event(Header { locate: 0, ..HEADER }, b'O');
    let [one, other] =
        [&mut busy, &mut restored].map(|decoder| decode_all(decoder, encoder.bytes()));
    assert_eq!(one, other);
    assert_eq!(one.1, Decoded::SecondStart(Sequence(104)));
    assert_eq!((stored(&restored), restored.counts()), (stored(&busy), busy.counts()));
    assert_eq!(restored.counts().symbol_conflict, 2);
}

#[test]
fn bytes_that_no_decoder_of_the_day_wrote_are_refused() {
    let bytes = stored(&busy_decoder());
    for end in 0..bytes.len() {
        assert!(decoder().restore(&bytes[..end]).is_err(), "{end}");
    }
    assert!(decoder().restore(&[&bytes[..], &[0]].concat()).is_err());
    let mut tomorrow = Itch50Decoder::new(Nanos(MIDNIGHT.0 + Nanos::DAY)).unwrap();
    assert!(tomorrow.restore(&bytes).is_err());
    for bit in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        let mut decoder = decoder();
        if decoder.restore(&turned).is_ok() {
            assert_eq!(stored(&decoder), turned, "bit {bit}");
        }
    }
}
