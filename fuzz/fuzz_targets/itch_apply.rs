#![no_main]
//! Any bytes as messages, and messages of few orders and prices, through decoder, sequencer and shard.
//!
//! Events do not depend on how messages are packed, figures do not depend on how events are batched,
//! and every invariant of the books holds. With room enough, all of it equals the reference market of
//! the tests; with hardly any room, what does not fit is counted.

use std::collections::BTreeSet;

use engine::book::books::Limits;
use engine::event::Event;
use engine::metrics::quote::SpreadClock;
use engine::packet::Packet;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stage::{Cursor, Decoded, Decoder, EventBatch};
use engine::shard::Shard;
use engine::units::{FeedId, Nanos, Sequence, Side, SymbolId};
use feed_handlers::itch50::Encoder;
use feed_handlers::itch50::decode::{DecodeCounts, Itch50Decoder};
use fuzzing::steps;
use libfuzzer_sys::fuzz_target;
use tapewatch_tests::compare::difference;
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::subject::figures;

const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);
const ROOMY: Limits =
    Limits { orders_max: 1 << 14, levels_max: 1 << 14, symbols_max: 1 << 16, prints_max: 1 << 14 };
const CRAMPED: Limits = Limits { orders_max: 12, levels_max: 6, symbols_max: 4, prints_max: 5 };

fuzz_target!(
    init: {
        // A shard that lives for some hundred messages is not worth clearing huge pages for.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    },
    |bytes: &[u8]| run(bytes)
);

fn run(bytes: &[u8]) {
    let Some((&[choice, batch], rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let mut encoder = Encoder::new();
    let messages = if choice & 1 == 0 {
        rest
    } else {
        steps::write(rest, &mut encoder);
        encoder.bytes()
    };
    let whole = Packet { feed: FeedId(0), sequence: Sequence(1), recv: MIDNIGHT, messages };
    let (mut events, counts) = decode([whole]);
    let singles = pack_one_by_one(messages);
    let singles = (1..).zip(&singles).map(|(sequence, messages)| Packet {
        feed: FeedId(0),
        sequence: Sequence(sequence),
        recv: MIDNIGHT,
        messages,
    });
    let (events_singly, counts_singly) = decode(singles);
    assert_eq!((&events, counts), (&events_singly, counts_singly), "packed otherwise");

    let mut sequencer = Sequencer::new(MIDNIGHT);
    sequencer.stamp(&mut events);
    let limits = if choice & 2 == 0 { ROOMY } else { CRAMPED };
    apply(&events, limits, 1 + usize::from(batch));
}

/// Each whole message in a packet of its own.
fn pack_one_by_one(messages: &[u8]) -> Vec<Vec<u8>> {
    let packet = Packet { feed: FeedId(0), sequence: Sequence(1), recv: MIDNIGHT, messages };
    packet
        .iter()
        .map(|message| {
            let length = u16::try_from(message.len()).expect("its length was a u16");
            [&length.to_be_bytes(), message].concat()
        })
        .collect()
}

/// The events of `packets` up to a second start of day.
fn decode<'a>(packets: impl IntoIterator<Item = Packet<'a>>) -> (Vec<Event>, DecodeCounts) {
    let mut decoder = Itch50Decoder::new(MIDNIGHT).expect("memory for a decoder");
    let mut batch = EventBatch::new();
    let mut events = Vec::new();
    'packets: for packet in packets {
        let mut cursor = Cursor::default();
        loop {
            let before = cursor;
            batch.clear();
            let decoded = decoder.decode(&packet, &mut cursor, &mut batch);
            events.extend_from_slice(batch.events());
            match decoded {
                Decoded::PacketDone => break,
                Decoded::BatchFull => assert!(cursor.offset_bytes > before.offset_bytes),
                Decoded::SecondStart(sequence) => {
                    assert!(events.iter().all(|event| event.sequence < sequence.0));
                    break 'packets;
                }
            }
        }
    }
    assert!(events.is_sorted_by(|one, next| one.sequence < next.sequence));
    (events, decoder.counts().clone())
}

/// Applies the events one by one and in batches.
fn apply(events: &[Event], limits: Limits, batch: usize) {
    let mut single = Shard::new(limits).expect("memory for a shard");
    let mut market = (limits == ROOMY).then(ReferenceMarket::default);
    for event in events {
        single.apply(event, &mut ());
        if let Some(market) = &mut market {
            market.apply(event);
        }
    }
    if let Err(violation) = single.validate() {
        panic!("{violation}");
    }
    if let Some(market) = &market
        && let Err(what) = difference(&single, market)
    {
        panic!("not as the reference market: {what}");
    }
    let mut batched = Shard::new(limits).expect("memory for a shard");
    for events in events.chunks(batch) {
        batched.apply_batch(events, &mut ());
    }
    assert_eq!(batched.validate(), Ok(()));
    assert_eq!((single.quality(), single.phase()), (batched.quality(), batched.phase()));
    assert_eq!(single.books().order_count(), batched.books().order_count());
    let symbols: BTreeSet<SymbolId> = events.iter().map(Event::symbol).collect();
    for symbol in symbols {
        assert_eq!(figures(&single, symbol), figures(&batched, symbol));
        assert_eq!(spread(&single, symbol), spread(&batched, symbol));
        assert_eq!(queues(&single, symbol), queues(&batched, symbol));
    }
}

fn spread(shard: &Shard, symbol: SymbolId) -> SpreadClock {
    shard.metrics(symbol).spread_until(Nanos(MIDNIGHT.0 + Nanos::DAY))
}

/// Every order of a symbol's book, best first and first in time first.
fn queues(shard: &Shard, symbol: SymbolId) -> Vec<(Side, i64, u64, u64, i64)> {
    let book = shard.book(symbol);
    let mut orders = Vec::new();
    for side in [Side::Buy, Side::Sell] {
        for level in book.levels(side) {
            orders.extend(
                book.queue(level)
                    .map(|order| (side, level.price.0, order.order.0, order.qty.0, order.time.0)),
            );
        }
    }
    orders
}
