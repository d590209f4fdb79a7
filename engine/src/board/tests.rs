//! The board from its making to its reading: the file's bytes by hand, and what cannot be attached to.

use std::fs;
use std::path::{Path, PathBuf};

use super::counters::{FeedCounts, Ingest, LineCounts, ShardCounts, label, text_of};
use super::histogram::Stage;
use super::kept::{CursorLag, Kept, RingDepth, ThreadTimes};
use super::reader::STALE_NS;
use super::stamps::{STAMPS_INLINE, STAMPS_THREADS, Stamp, stamps};
use super::symbol::{Detail, Quote, flags};
use super::*;
use crate::book::books::Limits;
use crate::clock::{Clock, Ticks};
use crate::event::{Event, Kind};
use crate::log::SessionId;
use crate::shard::{Observer as _, Shard, ShardPlace};
use crate::units::{FeedId, Nanos, Position, SymbolId};
use bytemuck::Zeroable;

const SIZE: BoardSize = BoardSize { shards: 1, feeds: 1, symbols_a_feed: 4 };
const ABOUT: About =
    About { session: SessionId(*b"0123456789abcdef"), started: Nanos(77), midnight: Nanos(11) };

fn made(directory: &Path) -> (Board, PathBuf) {
    let path = directory.join(FILE_NAME);
    (Board::create(&path, &ABOUT, &Clock::start(), SIZE).unwrap(), path)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn add(sequence: u64, symbol: u32, side: u8, price: i64, qty: u64) -> Event {
    let mut event = Event::zeroed();
    (event.sequence, event.time_ns, event.symbol) = (sequence, 1_000 + sequence as i64, symbol);
    (event.kind, event.side) = (Kind::Add as u8, side);
    event.words = [sequence, price as u64, qty, 0];
    event
}

#[test]
fn the_bytes_of_the_file_are_those_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let (board, path) = made(directory.path());
    let mut shard = Shard::new(Limits::default()).unwrap();
    let events = [add(1, 2, b'B', 990, 30), add(2, 2, b'S', 1_010, 40), add(3, 2, b'B', 980, 5)];
    let mut publisher =
        board.shard(ShardPlace { index: 0 }, Clock::start(), stamps(STAMPS_INLINE).reader(), false);
    publisher.before_run(&events, &shard);
    shard.apply_batch(&events, &mut ());
    publisher.after_run(&events, &shard);
    publisher.finish(&shard);
    let ingest = board.ingest();
    assert!(ingest.name(SymbolId(2), b"AAPL") && !ingest.name(SymbolId(4), b"MSFT"));
    ingest.end(Nanos(88));

    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, SIZE.bytes());
    assert_eq!(&bytes[..8], b"TWBOARD1");
    assert_eq!((word(&bytes, 8), word(&bytes, 16)), (1, SIZE.bytes()));
    assert_eq!(&bytes[24..40], b"0123456789abcdef");
    assert_eq!(word(&bytes, 40), u64::from(std::process::id()));
    assert_eq!([56, 64, 72, 80, 88, 96, 104].map(|at| word(&bytes, at)), [77, 11, 2, 88, 1, 4, 1]);
    assert_eq!([128, 136, 144].map(|at| word(&bytes, at)), [4_096, 1, 512], "first section");

    // Symbol 2: name, quote, detail, at the places of `layout`'s test.
    let name = &bytes[266_240 + 2 * 64..][..64];
    assert_eq!((word(name, 0), name[8], &name[9..13]), (2, 4, b"AAPL".as_slice()));
    let quote = &bytes[270_336 + 2 * 64..][..64];
    let expected = [2, 3, 1_003, 990, 30, 1_010, 40, flags::BID | flags::ASK | 3 << 32];
    assert_eq!([0, 8, 16, 24, 32, 40, 48, 56].map(|at| word(quote, at)), expected);
    let detail = &bytes[274_432 + 2 * 768..][..768];
    assert_eq!([0, 8, 16].map(|at| word(detail, at)), [2, 3, 1_003]);
    assert_eq!(word(detail, 8 + 13 * 8), 3, "adds");
    assert_eq!(word(detail, 8 + 18 * 8), 2 | 1 << 32, "levels");
    assert_eq!([256, 264, 272].map(|at| word(detail, at)), [990, 30, 1], "the best bid");
    assert_eq!([280, 288, 296].map(|at| word(detail, at)), [980, 5, 1], "the next");
    assert_eq!([304, 312, 320].map(|at| word(detail, at)), [0; 3], "there is no third");
    assert_eq!([496, 504, 512].map(|at| word(detail, at)), [1_010, 40, 1], "the best offer");
}

#[test]
fn what_each_thread_publishes_a_reader_finds() {
    let directory = tempfile::tempdir().unwrap();
    let (board, path) = made(directory.path());
    let reader = BoardReader::attach(&path).unwrap();
    let (ingest, keeper) = (board.ingest(), board.keeper());
    let counts = Ingest { messages: 5, feed_time_ns: -3, ..Ingest::default() };
    ingest.count(&counts);
    let mut by_type = [0; 256];
    by_type[usize::from(b'A')] = 9;
    ingest.by_type(&by_type);
    let feed = FeedCounts { name: label("f0"), gaps_opened: 2, ..FeedCounts::default() };
    ingest.feed(0, &feed);
    ingest.feed(1, &feed);
    let line = LineCounts { name: label("f0/A"), lost: 7, ..LineCounts::default() };
    ingest.line(0, &line);
    ingest.line(layout::LINES_MAX, &line);
    let kept = Kept { heartbeat_ns: 100, archive_lag_bytes: 3, ..Kept::default() };
    keeper.keep(&kept);
    let thread = ThreadTimes { name: label("shard-0"), on_core_ns: 6, ..ThreadTimes::default() };
    keeper.threads(&[thread, thread]);
    keeper.threads(&[thread]);
    let ring = RingDepth { name: label("events-0"), depth: 4, ..RingDepth::default() };
    keeper.rings(&[ring]);
    let cursor = CursorLag { name: label("bars"), lag_bytes: 12, ..CursorLag::default() };
    keeper.cursors(&[cursor]);
    for ns in [10, 20, 30] {
        ingest.record(Stage::ReceivedAccepted, ns);
    }
    ingest.record(Stage::WireReceived, 400);

    assert_eq!(reader.ingest(), Ok(counts));
    assert_eq!(reader.by_type(), by_type);
    assert_eq!(reader.feed_counts(), Ok(vec![feed]));
    assert_eq!(reader.lines(), Ok(vec![line]));
    assert_eq!(reader.kept(), Ok(kept));
    assert_eq!(reader.threads(), Ok(vec![thread]), "the second slot is empty again");
    assert_eq!(reader.rings(), Ok(vec![ring]));
    assert_eq!(reader.cursors(), Ok(vec![cursor]));
    assert_eq!(reader.latencies(Stage::ReceivedAccepted).quantile_ns(0.5), 20);
    assert_eq!(reader.latencies(Stage::WireReceived).max_ns(), 400);
    assert_eq!(reader.latencies(Stage::WirePublished).samples(), 0);
    assert_eq!(text_of(&line.name), "f0/A");
    assert_eq!((reader.session(), reader.started()), (ABOUT.session, Nanos(77)));
}

#[test]
fn a_reader_knows_whether_the_engine_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let (board, path) = made(directory.path());
    let (ingest, keeper) = (board.ingest(), board.keeper());
    let reader = BoardReader::attach(&path).unwrap();
    let beat = 1_000_000_000_000;
    keeper.keep(&Kept { heartbeat_ns: beat, ..Kept::default() });
    assert_eq!(reader.liveness(Nanos(beat + STALE_NS)), Liveness::Running);
    assert_eq!(reader.liveness(Nanos(beat + STALE_NS + 1)), Liveness::Stale(STALE_NS + 1));
    ingest.end(Nanos(beat + 5));
    assert_eq!(reader.liveness(Nanos(beat)), Liveness::Ended(Nanos(beat + 5)));

    // The same file as a process that is gone has left it: no process has this start.
    let mut bytes = fs::read(&path).unwrap();
    bytes[48..56].copy_from_slice(&u64::MAX.to_ne_bytes());
    bytes[72..80].copy_from_slice(&1u64.to_ne_bytes());
    let left = directory.path().join("left");
    fs::write(&left, bytes).unwrap();
    assert_eq!(BoardReader::attach(&left).unwrap().liveness(Nanos(beat)), Liveness::Gone);
}

#[test]
fn what_is_no_board_is_told_and_never_read() {
    let directory = tempfile::tempdir().unwrap();
    let (board, path) = made(directory.path());
    let whole = fs::read(&path).unwrap();
    drop(board);
    let other = directory.path().join("other");
    let attach = |bytes: &[u8]| {
        fs::write(&other, bytes).unwrap();
        BoardReader::attach(&other).map(drop)
    };
    assert!(attach(&whole).is_ok());
    let changed = |at: usize, value: u64| {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
        bytes
    };
    assert!(matches!(attach(&[]), Err(AttachError::NoBoard { .. })));
    assert!(matches!(attach(&[0; 8192]), Err(AttachError::NoBoard { .. })));
    assert!(matches!(attach(&changed(8, 2)), Err(AttachError::Version { version: 2, .. })));
    assert!(matches!(attach(&whole[..whole.len() - 4096]), Err(AttachError::Damaged { .. })));
    // Any word of what says where things lie, another one.
    let places = (128..128 + 13 * 24).step_by(8).chain([16, 88, 96, 104]);
    for at in places {
        for value in [0, 1, 3, u64::MAX, 1 << 40] {
            if value != word(&whole, at) {
                let told = attach(&changed(at, value));
                assert!(matches!(told, Err(AttachError::Damaged { .. })), "{at}: {value} {told:?}");
            }
        }
    }
    let missing = BoardReader::attach(&directory.path().join("missing")).map(drop);
    assert!(matches!(missing, Err(AttachError::Io { .. })));
}

#[test]
fn a_directory_that_is_not_there_makes_no_board() {
    let path = Path::new("/nowhere/board");
    let error = Board::create(path, &ABOUT, &Clock::start(), SIZE).map(drop).unwrap_err();
    assert!(error.to_string().contains("/nowhere/board"), "{error}");
}

#[test]
fn latencies_are_recorded_of_the_packets_whose_events_came() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let clock = Clock::start();
    let size = BoardSize { shards: 2, feeds: 1, symbols_a_feed: 4 };
    let board = Board::create(&path, &ABOUT, &clock, size).unwrap();
    let mut writer = stamps(STAMPS_THREADS);
    let mut shard = Shard::at(ShardPlace { index: 1 }, Limits::default()).unwrap();
    let mut publisher = board.shard(ShardPlace { index: 1 }, clock, writer.reader(), true);
    let now = clock.now();
    // Packets of messages 1 to 2, 3, and 4 to 6; this shard gets 1 and 5.
    for (before, wire_ns) in [(0, Some(1_000_000)), (2, None), (3, Some(3_000_000))] {
        let (before, received) = (Position(before), Ticks(now.0));
        writer.write(&Stamp { before, received, accepted: received, wire_ns });
    }
    let events = [add(1, 1, b'B', 5, 5), add(5, 1, b'B', 6, 5)];
    publisher.before_run(&events, &shard);
    shard.apply_batch(&events, &mut ());
    publisher.after_run(&events, &shard);
    let reader = BoardReader::attach(&path).unwrap();
    for stage in [Stage::AcceptedApplied, Stage::AppliedPublished, Stage::ReceivedPublished] {
        assert_eq!(reader.latencies(stage).samples(), 2, "{stage:?}");
    }
    let wire = reader.latencies(Stage::WirePublished);
    assert_eq!(wire.samples(), 2);
    assert!(wire.quantile_ns(0.5) >= 1_000_000 && wire.max_ns() >= 3_000_000);
    let by_thread = reader.latencies_by_thread();
    let of_shard = by_thread
        .iter()
        .find(|(name, stage, _)| name == "shard-1" && *stage == Stage::WirePublished);
    assert_eq!(of_shard.unwrap().2, wire);
}

#[test]
fn a_shard_that_begins_with_books_shows_them_and_one_that_is_idle_catches_up() {
    let directory = tempfile::tempdir().unwrap();
    let (board, path) = made(directory.path());
    let mut shard = Shard::new(Limits::default()).unwrap();
    shard.apply_batch(&[add(1, 1, b'B', 5, 5), add(2, 3, b'S', 9, 1)], &mut ());
    shard.apply_batch(&[add(3, 9, b'S', 9, 1)], &mut ());
    let mut publisher =
        board.shard(ShardPlace { index: 0 }, Clock::start(), stamps(STAMPS_INLINE).reader(), false);
    let reader = BoardReader::attach(&path).unwrap();
    assert_eq!(reader.quote(SymbolId(1)), Ok(None));
    assert!(!publisher.when_idle(&shard), "no detail is behind for long enough");
    let shown = |symbol| reader.detail(SymbolId(symbol)).unwrap().is_some();
    while !(shown(1) && shown(3)) {
        // Time passes.
        publisher.when_idle(&shard);
    }
    publisher.finish(&shard);
    let quote = reader.quote(SymbolId(3)).unwrap().unwrap();
    assert_eq!((quote.bid(), quote.ask().map(|ask| ask.0.0)), (None, Some(9)));
    let detail: Detail = reader.detail(SymbolId(1)).unwrap().unwrap();
    assert_eq!((detail.bids[0].price, detail.adds), (5, 1));
    let counts: ShardCounts = reader.shard_counts().unwrap()[0];
    assert_eq!((counts.quotes, counts.details, counts.details_due, counts.not_shown), (2, 2, 0, 1));
    assert_eq!((counts.orders, counts.levels, counts.suspect_feeds), (3, 3, 0));
    let shown = reader.symbols().unwrap();
    assert_eq!(shown.iter().map(|it| it.symbol.0).collect::<Vec<_>>(), [1, 3]);
    let none: Quote = Quote::default();
    assert_eq!((none.bid(), none.state(), FeedId(0)), (None, None, SymbolId(1).feed()));
}

#[test]
fn packets_of_two_feeds_in_one_run_each_have_their_times() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let clock = Clock::start();
    let size = BoardSize { shards: 1, feeds: 2, symbols_a_feed: 4 };
    let board = Board::create(&path, &ABOUT, &clock, size).unwrap();
    let mut writer = stamps(STAMPS_THREADS);
    let mut shard = Shard::new(Limits::default()).unwrap();
    let mut publisher = board.shard(ShardPlace { index: 0 }, clock, writer.reader(), true);
    let reader = BoardReader::attach(&path).unwrap();
    let now = clock.now();
    // Positions 1 and 2, which the second feed calls 900 and the first one 2; the third packet is the mark's
    // alone, and nothing of it is here yet.
    for before in [0, 1, 2, 3] {
        let (before, received) = (Position(before), now);
        writer.write(&Stamp { before, received, accepted: received, wire_ns: None });
    }
    let other = SymbolId::of(FeedId(1), 2).0;
    let rebase = |sequence: u64, offset: u64| {
        Event::rebase(crate::units::Sequence(sequence), Nanos(1_000), offset)
    };
    let run = [
        add(1, 1, b'B', 5, 5),
        rebase(900, 2u64.wrapping_sub(900)),
        add(900, other, b'B', 6, 5),
        rebase(3, 0),
        add(3, 1, b'B', 7, 5),
        Event::passing_time(crate::units::Sequence(4), Nanos(2_000)),
        rebase(901, 5u64.wrapping_sub(901)),
    ];
    publisher.before_run(&run, &shard);
    shard.apply_batch(&run, &mut ());
    publisher.after_run(&run, &shard);
    assert_eq!(reader.latencies(Stage::ReceivedPublished).samples(), 3);
    publisher.finish(&shard);
    let counts = reader.shard_counts().unwrap()[0];
    assert_eq!((counts.position, counts.stamps_missed), (3, 0));
    let shown: Vec<u32> = reader.symbols().unwrap().iter().map(|it| it.symbol.0).collect();
    assert_eq!(shown, [1, other]);
}

#[test]
fn books_that_a_snapshot_empties_are_shown_empty() {
    let directory = tempfile::tempdir().unwrap();
    let (board, path) = made(directory.path());
    let mut shard = Shard::new(Limits::default()).unwrap();
    let events = [add(1, 1, b'B', 5, 5), add(2, 2, b'S', 9, 1)];
    let stamps = stamps(STAMPS_INLINE);
    let mut publisher =
        board.shard(ShardPlace { index: 0 }, Clock::start(), stamps.reader(), false);
    publisher.before_run(&events, &shard);
    shard.apply_batch(&events, &mut ());
    publisher.after_run(&events, &shard);
    let reader = BoardReader::attach(&path).unwrap();
    let quote = |symbol| reader.quote(SymbolId(symbol)).unwrap().unwrap();
    assert!(quote(1).bid().is_some() && quote(2).ask().is_some());
    let mark = Event::snapshot_begin(FeedId(0), crate::units::Sequence(3), Nanos(2_000));
    shard.apply(&mark, &mut ());
    publisher.when_idle(&shard);
    assert_eq!((quote(1).bid(), quote(2).ask()), (None, None));
    assert_eq!(quote(1).sequence, 1, "its last message is the one that it had");
    publisher.finish(&shard);
    assert_eq!(reader.shard_counts().unwrap()[0].suspect_feeds, 1);
}

/// A record whose words are numbered in their order, as a reader written elsewhere has them.
fn numbered<T: bytemuck::Pod>(words: usize) -> T {
    let words: Vec<u64> = (1..=words as u64).collect();
    bytemuck::pod_read_unaligned(bytemuck::cast_slice(&words))
}

#[test]
fn the_words_of_records_stand_in_their_order() {
    let Quote { sequence, time_ns, bid_price, bid_qty, ask_price, ask_qty, flags } = numbered(7);
    let signed = [time_ns, bid_price, ask_price].map(|word| word as u64);
    assert_eq!((signed, [sequence, bid_qty, ask_qty, flags]), ([2, 3, 5], [1, 4, 6, 7]));
    let detail: Detail = numbered(95);
    let figures = [
        detail.sequence,
        detail.time_ns as u64,
        detail.last as u64,
        detail.open as u64,
        detail.high as u64,
        detail.low as u64,
        detail.trades,
        detail.volume,
        detail.notional_low,
        detail.notional_high,
        detail.hidden_volume,
        detail.cross_volume,
        detail.broken_volume,
        detail.adds,
        detail.executions,
        detail.cancels,
        detail.deletes,
        detail.replaces,
        detail.levels,
        detail.quote_changes,
        detail.quality.unknown_order,
        detail.quality.duplicate_order,
        detail.quality.negative_size,
        detail.quality.zero_size,
        detail.quality.unknown_match,
        detail.quality.crossed,
        detail.quality.locked,
        detail.quality.bad_field,
        detail.quality.over_capacity,
    ];
    assert_eq!(figures.to_vec(), (1..=29).collect::<Vec<u64>>());
    let ingest: Ingest = numbered(63);
    let figures = [
        ingest.packets,
        ingest.messages,
        ingest.bytes,
        ingest.position,
        ingest.feed_time_ns as u64,
        ingest.counted_ns as u64,
        ingest.gaps,
        ingest.gap_messages,
        ingest.snapshot_items,
        ingest.unknown_type,
        ingest.bad_length,
        ingest.symbol_conflict,
        ingest.foreign_session,
        ingest.time_backwards,
        ingest.future_time,
        ingest.torn_packets,
        ingest.names,
        ingest.stalls,
        ingest.busy_ns,
        ingest.thread,
        ingest.is_recovering,
        ingest.not_shown,
    ];
    assert_eq!(figures.to_vec(), (1..=22).collect::<Vec<u64>>());
    let shard: ShardCounts = numbered(63);
    let figures = [
        shard.position,
        shard.feed_time_ns as u64,
        shard.events,
        shard.runs,
        shard.quotes,
        shard.details,
        shard.details_due,
        shard.not_shown,
        shard.orders,
        shard.levels,
        shard.symbols,
        shard.phase,
        shard.suspect_feeds,
        shard.busy_ns,
        shard.thread,
    ];
    assert_eq!(figures.to_vec(), (1..=15).collect::<Vec<u64>>());
    assert_eq!((shard.quality.unknown_order, shard.stamps_missed), (16, 25));
    let kept: Kept = numbered(63);
    let figures = [
        kept.heartbeat_ns as u64,
        kept.is_journaled,
        kept.appended_sequence,
        kept.journal_bytes,
        kept.journal_frames,
        kept.appended[0],
        kept.appended[1],
        kept.archived[0],
        kept.archived[1],
        kept.synced[0],
        kept.synced[1],
        kept.archive_lag_bytes,
        kept.journal_waits,
        kept.journal_waited_ns,
        kept.output_position,
        kept.outputs,
        kept.snapshot_position,
        kept.snapshot_ns as u64,
        kept.follower_position,
        kept.resident_bytes,
        kept.has_failed,
    ];
    assert_eq!(figures.to_vec(), (1..=21).collect::<Vec<u64>>());
    // Behind a name of three words.
    let feed: FeedCounts = numbered(15);
    let figures = [
        feed.next_sequence,
        feed.gaps_opened,
        feed.healed_by_line,
        feed.healed_by_retransmit,
        feed.healed_by_snapshot,
        feed.gaps_open,
        feed.given_up_messages,
        feed.state,
    ];
    assert_eq!(figures.to_vec(), (4..=11).collect::<Vec<u64>>());
    let line: LineCounts = numbered(31);
    let figures = [
        line.packets,
        line.messages,
        line.lost,
        line.duplicates,
        line.late,
        line.kernel_drops,
        line.silences,
        line.datagrams,
        line.bytes,
    ];
    assert_eq!(figures.to_vec(), (4..=12).collect::<Vec<u64>>());
    let thread: ThreadTimes = numbered(15);
    let figures =
        [thread.thread, thread.on_core_ns, thread.waited_ns, thread.at_ns as u64, thread.core];
    assert_eq!(figures.to_vec(), (4..=8).collect::<Vec<u64>>());
    let ring: RingDepth = numbered(15);
    let figures = [ring.capacity, ring.depth, ring.depth_max, ring.passed, ring.stalls];
    assert_eq!(figures.to_vec(), (4..=8).collect::<Vec<u64>>());
    let cursor: CursorLag = numbered(15);
    assert_eq!([cursor.segment, cursor.offset_bytes, cursor.lag_bytes], [4, 5, 6]);
}

#[test]
fn lines_of_a_feed_with_a_long_name_are_told_apart() {
    use super::counters::line_label;
    assert_eq!(text_of(&line_label("sim", 0)), "sim/A");
    assert_eq!(text_of(&line_label(&"x".repeat(30), 1)), format!("{}/B", "x".repeat(22)));
}
