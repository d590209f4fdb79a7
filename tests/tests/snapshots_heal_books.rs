//! Books that lost messages are the exchange's again behind a snapshot, order by order and from then on;
//! and whatever comes of it is the same in every topology and from the journal.

#![forbid(unsafe_code)]

use engine::packet::Packet;
use engine::state::image;
use engine::units::{FeedId, Sequence, SymbolId};
use std::collections::BTreeMap;
use tapewatch_tests::arrivals::{Came, Ended, Engine, Settings, Told, book_of, push, snapshot_of};
use tapewatch_tests::random::Random;
use tapewatch_tests::session::{RandomSession, stock};

const SYMBOLS: u16 = 9;
const FEED: FeedId = FeedId(0);

fn settings() -> Settings {
    let symbols = (1..=u32::from(SYMBOLS)).map(SymbolId).collect();
    Settings { feeds: 1, symbols, selected: Vec::new() }
}

fn owned(packet: &Packet<'_>) -> Came {
    let Packet { feed, sequence, messages, .. } = *packet;
    Came::Packet { feed, sequence, messages: messages.to_vec() }
}

/// A day as it was sent, and as it came: packets were lost and given up, and a snapshot healed it.
struct Day {
    sent: Vec<Came>,
    came: Vec<Came>,
    /// Where in `came` the snapshot ends, and which packet of `sent` came next.
    healed: (usize, usize),
}

fn day(seed: u64) -> Day {
    let session = RandomSession::new(seed, SYMBOLS, 3_000);
    let mut sent = Vec::new();
    session.packets(seed, 20, false, |packet| sent.push(owned(packet)));
    let mut random = Random::new(seed ^ 0xabc);
    let lost = 20 + random.below(60) as usize;
    // Some packets come behind those that were lost, before the snapshot does.
    let end = lost + 1 + random.below(40) as usize;
    let splice = end + random.below(30) as usize;
    let mut came = sent[..lost].to_vec();
    came.push(Came::Gap { feed: FEED, first: first_of(&sent[lost]), end: first_of(&sent[end]) });
    came.extend_from_slice(&sent[end..splice]);
    let mut lossless = settings().inline();
    sent[..splice].iter().for_each(|packet| push(&mut lossless, &packet.arrival()));
    let next = first_of(&sent[splice]);
    let pieces = 1 + random.below(5) as usize;
    came.extend(snapshot_of(&lossless, &settings().symbols, next, pieces));
    let healed = (came.len(), splice);
    came.extend_from_slice(&sent[splice..]);
    Day { sent, came, healed }
}

fn first_of(came: &Came) -> Sequence {
    let Came::Packet { sequence, .. } = came else { panic!("{came:?}") };
    *sequence
}

fn assert_books_equal(engine: &Engine, lossless: &Engine, of: &str) {
    for symbol in settings().symbols {
        let (book, expected) = (book_of(engine.shard(), symbol), book_of(lossless.shard(), symbol));
        assert_eq!(book, expected, "{of}: {symbol:?}");
        let state = |engine: &Engine| engine.shard().metrics(symbol).trading_state();
        assert_eq!(state(engine), state(lossless), "{of}: state of {symbol:?}");
    }
}

#[test]
fn behind_a_snapshot_every_book_is_that_of_the_lossless_stream() {
    for seed in 1..=12 {
        let Day { sent, came, healed: (snapshot_end, splice) } = day(seed);
        let (mut engine, mut lossless) = (settings().inline(), settings().inline());
        let begun = came.iter().position(|it| matches!(it, Came::Snapshot { .. })).unwrap();
        let gap = came.iter().position(|it| matches!(it, Came::Gap { .. })).unwrap();
        for (at, came) in came[..snapshot_end].iter().enumerate() {
            assert_eq!(engine.shard().is_suspect(SymbolId(3)), at > gap, "seed {seed}, {at}");
            assert_eq!(engine.is_in_snapshot(), at > begun, "seed {seed}, {at}");
            push(&mut engine, &came.arrival());
        }
        assert!(!engine.shard().is_suspect(SymbolId(3)) && !engine.is_in_snapshot());
        assert_eq!(engine.shard().suspect_symbols(), 0);
        sent[..splice].iter().for_each(|packet| push(&mut lossless, &packet.arrival()));
        assert_books_equal(&engine, &lossless, &format!("seed {seed} at the splice"));
        assert_eq!(engine.sequencer().position(), lossless.sequencer().position());
        assert_eq!(engine.next_sequence(FEED), lossless.next_sequence(FEED));
        for (packet, sent) in came[snapshot_end..].iter().zip(&sent[splice..]) {
            push(&mut engine, &packet.arrival());
            push(&mut lossless, &sent.arrival());
            assert_books_equal(&engine, &lossless, &format!("seed {seed} behind {packet:?}"));
        }
        engine.shard().validate().unwrap();
    }
}

#[test]
fn nothing_of_a_snapshot_is_counted_but_what_comes_of_its_orders_is() {
    let Day { came, healed: (snapshot_end, _), .. } = day(3);
    let begun = came.iter().position(|it| matches!(it, Came::Snapshot { .. })).unwrap();
    let mut engine = settings().inline();
    came[..begun].iter().for_each(|came| push(&mut engine, &came.arrival()));
    let figures = |engine: &Engine| {
        let of = |symbol: SymbolId| {
            let metrics = *engine.shard().metrics(symbol);
            let counts = (metrics.messages(), metrics.adds(), metrics.quote_changes());
            (counts, metrics.order_flow_imbalance(), metrics.lives, metrics.tape)
        };
        let symbols: Vec<_> = settings().symbols.into_iter().map(of).collect();
        let sequencer = engine.sequencer();
        let times = (sequencer.feed_time(), sequencer.first_and_last(), sequencer.future_time());
        (symbols, times, engine.decoder().counts().clone(), engine.shard().quality())
    };
    let before = figures(&engine);
    let crossed = engine.shard().quality();
    came[begun..snapshot_end].iter().for_each(|came| push(&mut engine, &came.arrival()));
    assert_eq!(figures(&engine), before);
    assert_eq!(engine.shard().quality(), crossed);
    came[snapshot_end..].iter().for_each(|came| push(&mut engine, &came.arrival()));
    let lives = engine.shard().metrics(SymbolId(1)).lives;
    assert!(lives.lifetimes.count() > before.0[0].2.lifetimes.count());
}

#[test]
fn every_topology_and_the_journal_lead_to_the_same() {
    for seed in 20..26 {
        let Day { came, .. } = day(seed);
        let inline = settings().run(&came);
        assert!(inline.told.iter().any(|told| matches!(told, Told::Point(_))));
        let suspect = |told: &&Told| matches!(told, Told::Bar(_, bar, _) if bar.is_suspect);
        let certain = |told: &&Told| matches!(told, Told::Bar(_, bar, _) if !bar.is_suspect);
        assert!(inline.told.iter().filter(suspect).count() > 3, "seed {seed}");
        assert!(inline.told.iter().filter(certain).count() > 3, "seed {seed}");
        for shards in [1, 2, 3, 7] {
            assert_alike(&settings().pipelined(shards, &came), &inline, seed);
        }
        let directory = tempfile::tempdir().unwrap();
        assert_alike(&settings().from_journal(&came, directory.path()), &inline, seed);
    }
}

fn assert_alike(ended: &Ended, expected: &Ended, seed: u64) {
    for (told, expected) in ended.told.iter().zip(&expected.told) {
        assert_eq!(told, expected, "seed {seed}");
    }
    assert_eq!(ended, expected, "seed {seed}");
}

#[test]
fn selected_symbols_heal_as_those_of_a_run_over_all() {
    let Day { came, .. } = day(31);
    let all = settings().run(&came);
    let some = Settings { selected: vec![stock(2).trimmed().to_vec()], ..settings() };
    let ended = some.run(&came);
    assert_eq!(ended.books[1], all.books[1]);
    assert_ne!(ended.books, all.books);
    for shards in [1, 3] {
        assert_alike(&some.pipelined(shards, &came), &ended, 31);
    }
}

#[test]
fn a_snapshot_that_does_not_come_whole_leaves_its_feed_suspect() {
    for seed in 40..46 {
        let Day { mut came, healed: (snapshot_end, _), .. } = day(seed);
        let begun = came.iter().position(|it| matches!(it, Came::Snapshot { .. })).unwrap();
        // Its last piece is missing, whatever was in it.
        if snapshot_end - begun == 1 {
            continue;
        }
        came.remove(snapshot_end - 1);
        let inline = settings().run(&came);
        assert_eq!(inline.suspect_symbols, u64::from(SYMBOLS));
        for shards in [1, 3] {
            assert_alike(&settings().pipelined(shards, &came), &inline, seed);
        }
        // Without its first piece, the others are none.
        came.remove(begun);
        let none: Vec<Came> =
            came.iter().filter(|came| !matches!(came, Came::Snapshot { .. })).cloned().collect();
        assert_eq!(settings().run(&came).books, settings().run(&none).books);
    }
}

#[test]
fn a_session_may_begin_with_a_snapshot() {
    let Day { sent, .. } = day(50);
    let splice = 70;
    let mut lossless = settings().inline();
    sent[..splice].iter().for_each(|packet| push(&mut lossless, &packet.arrival()));
    let next = first_of(&sent[splice]);
    let mut came = snapshot_of(&lossless, &settings().symbols, next, 3);
    came.extend_from_slice(&sent[splice..]);
    sent[splice..].iter().for_each(|packet| push(&mut lossless, &packet.arrival()));
    let inline = settings().run(&came);
    assert_eq!(inline.books, settings().end(lossless).books);
    for shards in [1, 2, 7] {
        assert_alike(&settings().pipelined(shards, &came), &inline, 50);
    }
}

#[test]
fn an_engine_goes_on_from_an_image_with_its_doubts() {
    let Day { came, healed: (snapshot_end, _), .. } = day(60);
    let gap = came.iter().position(|it| matches!(it, Came::Gap { .. })).unwrap();
    let whole = settings().run(&came);
    for at in [gap, gap + 1, gap + 2, snapshot_end, snapshot_end + 20] {
        let mut engine = settings().inline();
        came[..at].iter().for_each(|came| push(&mut engine, &came.arrival()));
        if engine.is_in_snapshot() {
            continue;
        }
        let mut bytes = BTreeMap::new();
        let Ok(()) = image::write(&engine, &mut bytes);
        let told = settings().end(engine).told;
        let stages = image::restore(&bytes, settings().stages(vec![settings().shard()])).unwrap();
        let mut engine = Engine::of(stages, (), tapewatch_tests::arrivals::Heard::default());
        assert_eq!(engine.shard().is_suspect(SymbolId(1)), at > gap && at < snapshot_end, "{at}");
        came[at..].iter().for_each(|came| push(&mut engine, &came.arrival()));
        let ended = settings().end(engine);
        assert_eq!((ended.hash, &ended.books), (whole.hash, &whole.books), "{at}");
        // What the first has told up to there, but for the windows that its end has closed.
        let rest = &whole.told[whole.told.len() - ended.told.len()..];
        assert_eq!(ended.told, rest, "{at}, {} told before", told.len());
    }
}
