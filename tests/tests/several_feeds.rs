//! Two feeds whose locates, sequences and order references are the same numbers, interleaved at random,
//! lead to the books that each has alone; and to one state in every topology and from the journal.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use engine::pipeline::stage::Decoder as _;
use engine::state::image;
use engine::units::{FeedId, Sequence, SymbolId};
use tapewatch_tests::arrivals::{Book, Came, Engine, Heard, Settings, Told, push, snapshot_of};
use tapewatch_tests::random::Random;
use tapewatch_tests::session::RandomSession;

const SYMBOLS: u16 = 7;
const ONE: FeedId = FeedId(0);
const OTHER: FeedId = FeedId(1);

fn symbols(feed: FeedId) -> Vec<SymbolId> {
    (1..=SYMBOLS).map(|locate| SymbolId::of(feed, locate)).collect()
}

fn settings() -> Settings {
    let symbols = [symbols(ONE), symbols(OTHER)].concat();
    Settings { feeds: 2, symbols, selected: Vec::new() }
}

/// A day of one feed: some packets lost and given up.
fn day(feed: FeedId, seed: u64) -> Vec<Came> {
    let (mut came, mut lost, mut random) = (Vec::new(), None, Random::new(seed));
    let session = RandomSession::new(seed, SYMBOLS, 2_500);
    session.packets(seed, 20, false, |packet| {
        if random.below(25) == 0 {
            lost = lost.or(Some(packet.sequence));
            return;
        }
        if let Some(first) = lost.take() {
            came.push(Came::Gap { feed, first, end: packet.sequence });
        }
        let messages = packet.messages.to_vec();
        came.push(Came::Packet { feed, sequence: packet.sequence, messages });
    });
    came
}

/// Both days as they come, by turns that a seed decides.
fn interleaved(one: &[Came], other: &[Came], seed: u64) -> Vec<Came> {
    let mut random = Random::new(seed);
    let (mut one, mut other) = (one.iter().cloned().peekable(), other.iter().cloned().peekable());
    let mut came = Vec::new();
    while one.peek().is_some() || other.peek().is_some() {
        let from = if random.below(2) == 0 { &mut one } else { &mut other };
        let run = 1 + random.below(4) as usize;
        came.extend(from.take(run));
    }
    came
}

fn books_alone(came: &[Came], symbols: Vec<SymbolId>) -> Vec<Book> {
    Settings { feeds: 2, symbols, selected: Vec::new() }.run(came).books
}

#[test]
fn each_feed_has_the_books_that_it_has_alone() {
    for seed in 1..=3 {
        let (one, other) = (day(ONE, seed), day(OTHER, seed + 100));
        let came = interleaved(&one, &other, seed);
        let alone = [books_alone(&one, symbols(ONE)), books_alone(&other, symbols(OTHER))].concat();
        let inline = settings().run(&came);
        assert_eq!(inline.books, alone, "seed {seed}");
        // The second feed's books are those of a first one.
        let as_first: Vec<Came> = day(ONE, seed + 100);
        let of_one = Settings { feeds: 1, symbols: symbols(ONE), selected: Vec::new() };
        assert_eq!(of_one.run(&as_first).books[..], alone[usize::from(SYMBOLS)..]);
        assert_eq!(inline.messages, messages(&one) + messages(&other));
        for shards in [1, 2, 3, 7] {
            assert_eq!(settings().pipelined(shards, &came), inline, "seed {seed}, {shards} shards");
        }
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(settings().from_journal(&came, directory.path()), inline, "seed {seed}");
    }
}

fn messages(came: &[Came]) -> u64 {
    let count = |came: &Came| match came.arrival() {
        engine::packet::Arrival::Packet(packet) => packet.iter().count() as u64,
        _ => 0,
    };
    came.iter().map(count).sum()
}

#[test]
fn positions_rise_by_one_a_message_whatever_the_sequences_of_the_feeds() {
    let packet = |feed, sequence, count| {
        let session = RandomSession::new(sequence, SYMBOLS, count);
        let messages = session.bytes().to_vec();
        Came::Packet { feed, sequence: Sequence(sequence), messages }
    };
    let came = [
        packet(ONE, 1_000, 3),
        packet(OTHER, u64::MAX - 10, 4),
        packet(OTHER, u64::MAX - 6, 2),
        packet(ONE, 1_003, 5),
        packet(OTHER, 1, 1),
        packet(ONE, 1_008, 1),
    ];
    let mut engine = settings().inline();
    let mut positions = Vec::new();
    for came in &came {
        push(&mut engine, &came.arrival());
        positions.push(engine.sequencer().position().0);
    }
    assert_eq!(positions, [1_002, 1_006, 1_008, 1_013, 1_014, 1_015]);
    assert_eq!(engine.next_sequence(ONE), Some(Sequence(1_009)));
    assert_eq!(engine.next_sequence(OTHER), Some(Sequence(2)));
    assert_eq!(engine.next_sequence(FeedId(2)), None);
}

#[test]
fn doubt_and_its_end_are_of_one_feed() {
    let (one, other) = (day(ONE, 7), day(OTHER, 8));
    let is_gap = |came: &&Came| matches!(came, Came::Gap { .. });
    assert!(one.iter().filter(is_gap).count() > 1 && other.iter().filter(is_gap).count() > 1);
    // The other feed loses nothing here; the first is healed while the other goes on.
    let whole = other.iter().filter(|came| !is_gap(came)).cloned().collect::<Vec<_>>();
    let mut lossless = settings().inline();
    one.iter().for_each(|came| push(&mut lossless, &came.arrival()));
    let next = lossless.next_sequence(ONE).unwrap();
    let mut came = interleaved(&one, &whole[..60], 9);
    let before = settings().run(&came);
    assert_eq!(before.suspect_symbols, u64::from(SYMBOLS));
    let pieces = snapshot_of(&lossless, &symbols(ONE), next, 5);
    assert_eq!(pieces.len(), 5);
    for (piece, packet) in pieces.into_iter().zip(&whole[60..]) {
        came.push(piece);
        came.push(packet.clone());
    }
    let inline = settings().run(&came);
    assert_eq!(inline.suspect_symbols, 0);
    let expected = books_alone(&one, symbols(ONE));
    assert_eq!(inline.books[..usize::from(SYMBOLS)], expected);
    for told in &inline.told {
        if let Told::Bar(_, bar, _) = told {
            assert!(!bar.is_suspect || bar.symbol.feed() == ONE, "{bar:?}");
        }
    }
    for shards in [1, 2, 7] {
        assert_eq!(settings().pipelined(shards, &came), inline, "{shards} shards");
    }
}

#[test]
fn a_day_starts_once_in_each_feed_and_symbols_keep_their_names_apart() {
    use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Stock};
    let start = |feed, name: &[u8; 8], sequence| {
        let mut encoder = Encoder::new();
        let header = Header { locate: 0, tracking: 0, time_of_day_ns: 5 };
        encoder.system_event(header, b'O');
        let entry = DirectoryEntry::common_stock(Stock(*name));
        encoder.stock_directory(Header { locate: 3, ..header }, &entry);
        let messages = encoder.into_bytes();
        Came::Packet { feed, sequence: Sequence(sequence), messages }
    };
    let mut engine = settings().inline();
    push(&mut engine, &start(ONE, b"ALPHA   ", 1).arrival());
    push(&mut engine, &start(OTHER, b"BETA    ", 1).arrival());
    let directory = engine.decoder().directory();
    assert_eq!(directory.name(SymbolId::of(ONE, 3)), Some(&b"ALPHA"[..]));
    assert_eq!(directory.name(SymbolId::of(OTHER, 3)), Some(&b"BETA"[..]));
    assert_eq!(engine.decoder().counts().symbol_conflict, 0);
    let mut bytes = BTreeMap::new();
    let Ok(()) = image::write(&engine, &mut bytes);
    let stages = image::restore(&bytes, settings().stages(vec![settings().shard()])).unwrap();
    let restored = Engine::of(stages, (), Heard::default());
    for (mut engine, of) in [(engine, "the engine"), (restored, "the restored")] {
        for feed in [ONE, OTHER] {
            let again = start(feed, b"GAMMA   ", 3);
            let engine::packet::Arrival::Packet(packet) = again.arrival() else { unreachable!() };
            let second = engine.push(&packet).expect_err(of);
            assert_eq!(second.sequence, Sequence(3), "{of}");
        }
    }
}

#[test]
fn packets_of_a_feed_that_there_is_not_are_counted_and_left_out() {
    let (one, other) = (day(ONE, 11), day(FeedId(5), 12));
    let came = interleaved(&one, &other, 13);
    let packets = other.iter().filter(|came| matches!(came, Came::Packet { .. })).count() as u64;
    let mut engine = settings().inline();
    came.iter().for_each(|came| push(&mut engine, &came.arrival()));
    assert_eq!(engine.decoder().counts().foreign_packets, packets);
    let ended = settings().end(engine);
    assert_eq!(ended.books[..usize::from(SYMBOLS)], books_alone(&one, symbols(ONE)));
    assert_eq!(ended.messages, messages(&one));
    assert_eq!(settings().pipelined(3, &came), ended);
}

#[test]
fn an_engine_of_two_feeds_goes_on_from_an_image_at_any_place() {
    let (one, other) = (day(ONE, 21), day(OTHER, 22));
    let came = interleaved(&one, &other, 23);
    let whole = settings().run(&came);
    for at in [0, 1, 5, 77, 200, came.len() - 1] {
        let mut engine = settings().inline();
        came[..at].iter().for_each(|came| push(&mut engine, &came.arrival()));
        let mut bytes = BTreeMap::new();
        let Ok(()) = image::write(&engine, &mut bytes);
        let stages = image::restore(&bytes, settings().stages(vec![settings().shard()])).unwrap();
        let mut engine = Engine::of(stages, (), Heard::default());
        came[at..].iter().for_each(|came| push(&mut engine, &came.arrival()));
        let ended = settings().end(engine);
        assert_eq!((ended.hash, ended.messages), (whole.hash, whole.messages), "{at}");
        let rest = &whole.told[whole.told.len() - ended.told.len()..];
        assert_eq!((&ended.told[..], ended.position), (rest, whole.position), "{at}");
    }
    let one_feed = Settings { feeds: 1, ..settings() };
    let mut bytes = BTreeMap::new();
    let Ok(()) = image::write(&settings().inline(), &mut bytes);
    assert!(image::restore(&bytes, one_feed.stages(vec![one_feed.shard()])).is_err());
}
