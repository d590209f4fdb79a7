//! Readers that spin, stop in mid-read and die see no torn value, and change nothing of the engine that
//! they look at.

#![forbid(unsafe_code)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use engine::board::stamps::{STAMPS_INLINE, stamps};
use engine::board::{About, Board, BoardReader, BoardSize, FILE_NAME, Liveness};
use engine::clock::Clock;
use engine::log::SessionId;
use engine::pipeline::inline::InlineParts;
use engine::shard::ShardPlace;
use engine::state::{StateHash, section_sums};
use engine::units::{Nanos, SymbolId};
use tapewatch_tests::engines::{hash_of, inline, packets, run_inline};
use tapewatch_tests::random::Random;
use tapewatch_tests::session::RandomSession;
use tapewatch_tests::shown::Expected;

const SYMBOLS: u16 = 20;
const MESSAGES: usize = 120_000;
const SEED: u64 = 8;

/// Packets between two acts of the parent.
const PACKETS_AN_ACT: u64 = 100;

/// What a reader suffers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing: it spins.
    Spins,
    /// It is stopped wherever it is, and goes on later.
    Stops,
    /// It is killed wherever it is, and another one takes its place.
    Dies,
}

struct Reader {
    fate: Fate,
    process: Child,
    told: BufReader<ChildStdout>,
    is_stopped: bool,
}

impl Reader {
    fn start(fate: Fate, board: &Path, expected: &Path) -> Reader {
        let mut process = Command::new(env!("CARGO_BIN_EXE_board_reader"))
            .args([board, expected])
            .arg(SYMBOLS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a reader");
        let mut told = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        told.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Reader { fate, process, told, is_stopped: false }
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(sent.success(), "{signal}");
    }

    /// Stops it where it is, or lets it go on.
    fn turn(&mut self) {
        self.signal(if self.is_stopped { "-CONT" } else { "-STOP" });
        self.is_stopped = !self.is_stopped;
    }

    fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it is gone");
    }

    /// Lets it end: how many values it saw whole.
    fn end(mut self) -> u64 {
        if self.is_stopped {
            self.turn();
        }
        drop(self.process.stdin.take());
        let mut told = String::new();
        self.told.read_to_string(&mut told).expect("its last words");
        let status = self.process.wait().expect("its end");
        assert!(status.success(), "{status}: {told}");
        let words: Vec<&str> = told.split_whitespace().collect();
        let ["whole", whole, "busy", _] = words[..] else { panic!("{told}") };
        whole.parse().expect("a number")
    }
}

#[test]
fn hostile_readers_see_no_torn_value_and_change_nothing() {
    let session = RandomSession::new(SEED, SYMBOLS, MESSAGES);
    let alone = run_inline(session.bytes(), SEED, ());
    let lossless = run_inline(session.bytes(), SEED, Expected::default());
    let expected = lossless.observer();
    assert!(expected.len() > MESSAGES / 4, "{} states", expected.len());

    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory in memory");
    let (path, states) = (directory.path().join(FILE_NAME), directory.path().join("expected"));
    expected.write(&states).expect("room");
    let clock = Clock::start();
    let size = BoardSize { shards: 1, feeds: 1, symbols_a_feed: 100 };
    let about = About { session: SessionId([8; 16]), started: Nanos(1), midnight: Nanos(0) };
    let board = Board::create(&path, &about, &clock, size).expect("a board");
    let ingest = board.ingest();
    let stamps = stamps(STAMPS_INLINE);
    let publisher = board.shard(ShardPlace { index: 0 }, clock, stamps.reader(), false);

    let fates =
        [[Fate::Spins; 3].as_slice(), [Fate::Stops; 3].as_slice(), [Fate::Dies; 2].as_slice()];
    let fates = fates.concat();
    assert_eq!(fates.len(), 8);
    let mut readers: Vec<Reader> =
        fates.into_iter().map(|fate| Reader::start(fate, &path, &states)).collect();
    let mut engine = inline(publisher);
    let (mut random, mut pushed, mut deaths, mut stops) = (Random::new(SEED), 0u64, 0, 0);
    packets(session.bytes(), 1, SEED, |packet| {
        engine.push(packet).expect("it is one day");
        // What a shard on a thread of its own does when its ring is empty.
        engine.idle();
        pushed += 1;
        if pushed % PACKETS_AN_ACT > 0 {
            return;
        }
        let at = random.below(readers.len() as u64) as usize;
        match readers[at].fate {
            Fate::Spins => {}
            Fate::Stops => {
                readers[at].turn();
                stops += 1;
            }
            Fate::Dies => {
                readers[at].kill();
                readers[at] = Reader::start(Fate::Dies, &path, &states);
                deaths += 1;
            }
        }
    });
    assert!(deaths > 3 && stops > 3, "{deaths} deaths, {stops} stops");
    assert_eq!(hash_of(&engine), hash_of(&alone), "readers change no state");
    let InlineParts { shard, mut observer, sequencer, .. } = engine.into_parts();
    observer.finish(&shard);
    ingest.end(Nanos(2));

    let last = BoardReader::attach(&path).expect("it is there");
    assert_eq!(last.liveness(Nanos(i64::MAX)), Liveness::Ended(Nanos(2)));
    for symbol in (1..=u32::from(SYMBOLS)).map(SymbolId) {
        let quote = last.quote(symbol).expect("nobody writes").expect("it was seen");
        let detail = last.detail(symbol).expect("nobody writes").expect("it was seen");
        assert!(expected.has_quote(symbol, &quote) && expected.has_detail(symbol, &detail));
        assert_eq!(quote.messages(), shard.metrics(symbol).messages() as u32);
        assert_eq!((detail.sequence, detail.time_ns), (quote.sequence, quote.time_ns));
        assert_eq!(detail.quality, shard.quality_of(symbol));
    }
    for reader in readers {
        assert!(reader.end() > 0, "each has seen something");
    }
    let sums = section_sums(&shard, sequencer.feed_time(), true);
    assert_eq!(StateHash::of(&sums), hash_of(&alone));
}

#[test]
fn a_torn_value_would_be_noticed() {
    let session = RandomSession::new(SEED, SYMBOLS, 5_000);
    let run = run_inline(session.bytes(), SEED, Expected::default());
    let (expected, directory) = (run.observer(), tempfile::tempdir().expect("a directory"));
    let path = directory.path().join(FILE_NAME);
    let clock = Clock::start();
    let size = BoardSize { shards: 1, feeds: 1, symbols_a_feed: 100 };
    let about = About { session: SessionId([8; 16]), started: Nanos(1), midnight: Nanos(0) };
    let board = Board::create(&path, &about, &clock, size).expect("a board");
    let stamps = stamps(STAMPS_INLINE);
    let publisher = board.shard(ShardPlace { index: 0 }, clock, stamps.reader(), false);
    let parts = run_inline(session.bytes(), SEED, publisher).into_parts();
    let mut publisher = parts.observer;
    publisher.finish(&parts.shard);
    let reader = BoardReader::attach(&path).expect("it is there");
    let of = |symbol| reader.quote(SymbolId(symbol)).expect("nobody writes").expect("seen");
    let (one, other) = (of(1), of(2));
    assert!(expected.has_quote(SymbolId(1), &one));
    let torn = [
        engine::board::symbol::Quote { ask_qty: one.ask_qty + 1, ..one },
        engine::board::symbol::Quote { sequence: other.sequence, ..one },
        engine::board::symbol::Quote { flags: one.flags ^ (1 << 32), ..one },
        other,
    ];
    for quote in torn {
        assert!(!expected.has_quote(SymbolId(1), &quote), "{quote:?}");
    }
    let detail = reader.detail(SymbolId(1)).expect("nobody writes").expect("seen");
    assert!(expected.has_detail(SymbolId(1), &detail));
    let mut torn = detail;
    torn.bids[0].qty += 1;
    assert!(!expected.has_detail(SymbolId(1), &torn));
    torn = engine::board::symbol::Detail { deletes: detail.deletes + 1, ..detail };
    assert!(!expected.has_detail(SymbolId(1), &torn));
}
