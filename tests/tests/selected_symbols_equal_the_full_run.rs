//! What `--symbols` computes of a symbol is what a run over all symbols computes of it, however the
//! feed is cut into packets and wherever the symbol is named.

use engine::book::books::Limits;
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::state::{StateHash, section_sums};
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Sequence, Side, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};
use tapewatch_tests::random::Random;

const SYMBOLS: u16 = 6;

fn stock(locate: u16) -> Stock {
    Stock([b'A' + locate as u8, b' ', b' ', b' ', b' ', b' ', b' ', b' '])
}

/// Orders of six symbols. Symbols are named by the adds only, some a long way into the session.
fn session() -> Encoder {
    let mut random = Random::new(11);
    let mut encoder = Encoder::new();
    for step in 0..4_000u64 {
        let locate = 1 + (random.below(u64::from(SYMBOLS))) as u16;
        let header = Header { locate, tracking: 0, time_of_day_ns: 34_200_000_000_000 + step };
        let order = OrderRef(random.below(40));
        let is_named = step > 600 * u64::from(locate);
        match random.below(8) {
            0..=3 if is_named => {
                let side = if random.next_u64() & 1 == 0 { Side::Buy } else { Side::Sell };
                let price = Price4(10_000 + (random.below(20)) as u32 * 100);
                encoder.add_order(header, order, side, 100, stock(locate), price, None);
            }
            0..=4 => encoder.order_deleted(header, order),
            5 => encoder.order_executed(header, order, 60, MatchNumber(step)),
            6 => encoder.order_cancelled(header, order, 10),
            _ => encoder.order_replaced(header, order, OrderRef(order.0 + 1), 70, Price4(10_100)),
        }
    }
    encoder
}

/// Every figure of a symbol, as text.
fn figures(shard: &Shard, symbol: SymbolId) -> String {
    let book = shard.book(symbol);
    let side = |side| {
        let queues = book.levels(side).map(|level| (level, book.queue(level).collect::<Vec<_>>()));
        format!(
            "{:?}",
            queues.collect::<Vec<_>>().iter().map(|(l, q)| (l.price, q)).collect::<Vec<_>>()
        )
    };
    let metrics = shard.metrics(symbol);
    format!(
        "{} {} {:?} {:?} {:?} {}",
        side(Side::Buy),
        side(Side::Sell),
        shard.quality_of(symbol),
        metrics.tape,
        metrics.spread_until(Nanos(34_300_000_000_000)),
        metrics.messages(),
    )
}

fn run(selection: Selection, packet_messages: usize) -> Inline<Itch50Decoder, ()> {
    let encoder = session();
    let shard = Shard::new(Limits::default()).unwrap();
    let decoder = Itch50Decoder::new(Nanos(0)).unwrap();
    let mut engine = Inline::new(decoder, Sequencer::new(Nanos(0)), selection, shard, ());
    let whole = Packet {
        feed: FeedId(0),
        sequence: Sequence(1),
        recv: Nanos(0),
        messages: encoder.bytes(),
    };
    let lengths: Vec<usize> = whole.iter().map(|message| 2 + message.len()).collect();
    let (mut at, mut sequence) = (0, 1);
    for lengths in lengths.chunks(packet_messages) {
        let end = at + lengths.iter().sum::<usize>();
        let messages = &encoder.bytes()[at..end];
        engine
            .push(&Packet {
                feed: FeedId(0),
                sequence: Sequence(sequence),
                recv: Nanos(0),
                messages,
            })
            .unwrap();
        sequence += lengths.len() as u64;
        at = end;
    }
    engine
}

#[test]
fn a_selection_has_one_state_whatever_the_packets() {
    let state = |packet_messages| {
        let name = stock(2).trimmed().to_vec();
        let engine = run(Selection::of(vec![name], 1 << 16), packet_messages);
        StateHash::of(&section_sums(engine.shard(), engine.sequencer().feed_time(), true))
    };
    let expected = state(1);
    for packet_messages in [2, 3, 40, 500] {
        assert_eq!(state(packet_messages), expected, "{packet_messages} a packet");
    }
}

#[test]
fn a_selected_symbol_has_the_figures_of_the_full_run_whatever_the_packets() {
    let all = run(Selection::all(), 40);
    for locate in 1..=SYMBOLS {
        let symbol = SymbolId(u32::from(locate));
        let expected = figures(all.shard(), symbol);
        assert!(all.shard().quality_of(symbol).unknown_order > 0);
        for packet_messages in [1, 3, 40, 500] {
            let name = stock(locate).trimmed().to_vec();
            let selected = run(Selection::of(vec![name], 1 << 16), packet_messages);
            assert_eq!(figures(selected.shard(), symbol), expected, "{packet_messages} a packet");
            assert!(
                selected.shard().metrics(SymbolId(u32::from(1 + locate % SYMBOLS))).messages()
                    < all.shard().metrics(SymbolId(u32::from(1 + locate % SYMBOLS))).messages(),
                "the other symbols are not computed to the end"
            );
        }
    }
}
