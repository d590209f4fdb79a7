//! `book`: the order book at any instant, against one worked by hand and against the plain reference
//! book fed message by message.

use std::fs;
use std::path::{Path, PathBuf};

use engine::packet::Packet;
use engine::pipeline::stage::{Cursor, Decoder as _, EventBatch};
use engine::units::{FeedId, Nanos, OrderRef, Sequence, Side, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::encode::Header;
use feed_handlers::itch50::fields::{Price4, Stock};
use serde_json::{Value, json};
use tapewatch_tests::random::Random;
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::reference::book::ReferenceBook;
use tapewatch_tests::session::RandomSession;
use tempfile::TempDir;

use crate::recording::{MODES, Place, names, verified};
use crate::running::Running;
use crate::support::{Csv, Feed, OPEN_NS, arg, file, scratch, shared, tapewatch, tapewatch_in};

/// Midnight of 2019-12-30 in New York.
const MIDNIGHT_NS: i64 = 1_577_682_000_000_000_000;

/// A time of that day as the command takes it.
fn instant(time_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(time_ns.into()).unwrap().to_string()
}

fn book(session: &Path, symbol: &str, at: &str, more: &[&str]) -> Value {
    let args = [&["book", arg(session), "--symbol", symbol, "--at", at, "--json"], more].concat();
    tapewatch(&args).ended_with(0).json()
}

/// Records BinaryFILE messages in small segments.
fn recorded(place: &Place, messages: &[u8]) -> PathBuf {
    let input = place.file("day.itch", messages);
    let session = place.path("session");
    let mut args = place.record(arg(&input), &session, ("disk", "inline"));
    args.extend(["--date", "2019-12-30"].map(String::from));
    tapewatch(&args).ended_with(0);
    session
}

/// The prefix of messages that all have a time of at most `at_ns`, taken by the reference market:
/// a symbol's book and the number of the last message.
fn reference(messages: &[u8], at_ns: i64, locate: u16) -> (ReferenceBook, u64) {
    let mut decoder = Itch50Decoder::new(Nanos(MIDNIGHT_NS)).unwrap();
    let (mut market, mut batch) = (ReferenceMarket::default(), EventBatch::new());
    let mut sequence = 0;
    for message in tapewatch_tests::capture::messages(messages) {
        let message = message.unwrap();
        let block = [&(message.len() as u16).to_be_bytes(), message].concat();
        let numbered = Sequence(sequence + 1);
        let packet =
            Packet { feed: FeedId(0), sequence: numbered, recv: Nanos(0), messages: &block };
        batch.clear();
        decoder.decode(&packet, &mut Cursor::default(), &mut batch);
        if batch.events().iter().any(|event| event.time_ns > at_ns) {
            break;
        }
        batch.events().iter().for_each(|event| market.apply(event));
        sequence += 1;
    }
    let symbol = market.symbol(SymbolId(locate.into()));
    (symbol.map(|symbol| symbol.book.clone()).unwrap_or_default(), sequence)
}

/// A side as the command's JSON has it, queues included.
fn side_json(book: &ReferenceBook, side: Side) -> Value {
    let levels = book.queues(side).map(|(price, queue)| {
        let size: u64 = queue.iter().map(|order| order.qty.0).sum();
        let orders = queue.iter().map(
            |order| json!({"order": order.order.0, "size": order.qty.0, "ts_ns": order.time.0}),
        );
        json!({
            "price": price.to_string(),
            "size": size,
            "orders": queue.len(),
            "queue": orders.collect::<Vec<_>>(),
        })
    });
    Value::Array(levels.collect())
}

/// Holds the command to the reference at one time.
#[track_caller]
fn check(session: &Path, messages: &[u8], symbol: &str, locate: u16, at_ns: i64) -> u64 {
    let found = book(session, symbol, &instant(at_ns), &["--orders", "--depth", "0"]);
    let (expected, sequence) = reference(messages, at_ns, locate);
    let told = (symbol, at_ns);
    assert_eq!(found["symbol"], symbol, "{told:?}");
    assert_eq!(found["at_ns"], at_ns, "{told:?}");
    assert_eq!(found["sequence"], sequence, "{told:?}");
    assert_eq!(found["bids"], side_json(&expected, Side::Buy), "{told:?}");
    assert_eq!(found["asks"], side_json(&expected, Side::Sell), "{told:?}");
    sequence
}

/// Four orders of AAA and one of BBB, 1 µs apart from 09:30:00.000002 on; message 4 takes 20 of order 1.
fn by_hand() -> Vec<u8> {
    let mut feed = Feed::new();
    feed.start_of_messages(); // 1
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000); // 2
    feed.add(2, "BBB", 1, Side::Sell, 50, 20_0200); // 3
    let head = feed.head(1); // 4
    feed.encoder.order_executed(head, OrderRef(1), 20, engine::units::MatchNumber(7));
    feed.add(1, "AAA", 2, Side::Buy, 30, 10_0000); // 5
    feed.add(1, "AAA", 3, Side::Sell, 70, 10_0100); // 6
    let head = feed.head(1); // 7: order 1 goes behind order 2
    feed.encoder.order_replaced(head, OrderRef(1), OrderRef(4), 60, Price4(10_0000));
    let head = feed.head(3); // 8: of a symbol that is never named
    feed.encoder.order_deleted(head, OrderRef(5));
    feed.encoder.into_bytes()
}

fn by_hand_recorded(dir: &TempDir) -> PathBuf {
    let input = file(dir, "day.itch", &by_hand());
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session), "--date", "2019-12-30"])
        .ended_with(0);
    session
}

#[test]
fn a_book_is_that_of_the_messages_up_to_the_nanosecond() {
    let dir = scratch();
    let session = by_hand_recorded(&dir);
    let ts = |message: u64| MIDNIGHT_NS as u64 + OPEN_NS + message * 1_000;
    let empty = book(&session, "AAA", "09:30:00.000001999", &[]);
    assert_eq!((&empty["sequence"], &empty["bids"]), (&json!(1), &json!([])));
    let first = book(&session, "AAA", "09:30:00.000002", &["--orders"]);
    let queue = json!([{"order": 1, "size": 100, "ts_ns": ts(2)}]);
    let level = json!([{"price": "10", "size": 100, "orders": 1, "queue": queue}]);
    assert_eq!((&first["sequence"], &first["bids"]), (&json!(2), &level));
    // Another symbol's message is part of the prefix, and the execution is.
    assert_eq!(book(&session, "AAA", "09:30:00.000003", &[])["sequence"], 3);
    let taken = book(&session, "AAA", "09:30:00.000004", &[]);
    assert_eq!(taken["bids"], json!([{"price": "10", "size": 80, "orders": 1}]));
    let last = book(&session, "AAA", "10:00:00", &["--orders"]);
    let queue = json!([
        {"order": 2, "size": 30, "ts_ns": ts(5)},
        {"order": 4, "size": 60, "ts_ns": ts(7)},
    ]);
    assert_eq!(last["bids"], json!([{"price": "10", "size": 90, "orders": 2, "queue": queue}]));
    assert_eq!(last["asks"][0]["price"], "10.01");
    assert_eq!(last["sequence"], 8);
}

#[test]
fn a_table_shows_both_sides_and_with_orders_their_queues() {
    let dir = scratch();
    let session = by_hand_recorded(&dir);
    let shown = |more: &[&str]| {
        let args = ["book", arg(&session), "--symbol", "AAA", "--at", "09:30:00.000007"];
        tapewatch(&[&args, more].concat()).ended_with(0).stdout
    };
    let rows = |text: &str| -> Vec<Vec<String>> {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        text.lines().map(words).collect()
    };
    let table = rows(&shown(&[]));
    assert_eq!(table[0], ["AAA", "at", "2019-12-30T14:30:00.000007000Z,", "after", "message", "7"]);
    assert_eq!(table[1], ["orders", "size", "bid", "ask", "size", "orders"]);
    assert_eq!(table[2], ["2", "90", "10", "10.01", "70", "1"]);
    assert_eq!(table.len(), 3);
    let queues = rows(&shown(&["--orders"]));
    assert_eq!(queues[2], ["ask", "10.01", "70", "3", "2019-12-30T14:30:00.000006000Z"]);
    assert_eq!(queues[3], ["bid", "10", "30", "2", "2019-12-30T14:30:00.000005000Z"]);
    assert_eq!(queues[4], ["60", "4", "2019-12-30T14:30:00.000007000Z"]);
}

#[test]
fn a_time_that_is_not_of_the_day_is_the_feeds_and_a_second_day_ends_the_first() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages(); // 1
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000); // 2
    let late = Header { time_of_day_ns: 90_000_000_000_000, ..feed.head(1) }; // 3
    let (stock, price) = (Stock::new("AAA").unwrap(), Price4(10_0000));
    feed.encoder.add_order(late, OrderRef(2), Side::Buy, 50, stock, price, None);
    feed.start_of_messages(); // 4
    feed.add(1, "AAA", 3, Side::Buy, 70, 10_0000); // 5
    let input = file(&dir, "day.itch", feed.encoder.bytes());
    let session = dir.path().join("session");
    let args = ["replay", arg(&input), "--session", arg(&session), "--date", "2019-12-30"];
    tapewatch(&args).ended_with(2);
    let ts = MIDNIGHT_NS as u64 + OPEN_NS + 2_000;
    let queue = json!([
        {"order": 1, "size": 100, "ts_ns": ts},
        {"order": 2, "size": 50, "ts_ns": ts},
    ]);
    for at in ["09:30:00.000002", "10:00:00", "23:59:59.999999999"] {
        let found = book(&session, "AAA", at, &["--orders"]);
        assert_eq!((&found["sequence"], &found["bids"][0]["queue"]), (&json!(3), &queue), "{at}");
    }
}

#[test]
fn a_depth_limits_both_sides_and_tells_what_it_hides() {
    let dir = scratch();
    let input = file(&dir, "day.itch", &Feed::adds(60));
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session)]).ended_with(0);
    let levels =
        |more: &[&str]| book(&session, "AAA", "12:00:00", more)["bids"].as_array().unwrap().len();
    assert_eq!(levels(&[]), 10);
    assert_eq!(levels(&["--depth", "3"]), 3);
    assert_eq!(levels(&["--depth", "0"]), 50);
    let args = ["book", arg(&session), "--symbol", "AAA", "--at", "12:00:00", "--depth", "3"];
    let text = tapewatch(&args).ended_with(0).stdout;
    assert!(text.contains("47 more bid and 0 more ask levels"), "{text}");
}

#[test]
fn what_cannot_be_answered_is_told_in_one_line() {
    let dir = scratch();
    let session = by_hand_recorded(&dir);
    let asked = |symbol: &str, at: &str| {
        tapewatch(&["book", arg(&session), "--symbol", symbol, "--at", at])
    };
    asked("AAB", "10:00:00").ended_with(2).says(&["no symbol", "AAB", "did you mean AAA?"]);
    asked("ZZZZZZZZ", "10:00:00").ended_with(2).says(&["no symbol", "ZZZZZZZZ", "symbols.csv"]);
    asked("#1", "10:00:00").ended_with(2).says(&["locate 1 has a name", "did you mean AAA?"]);
    asked("#9", "10:00:00").ended_with(2).says(&["no symbol", "#9"]);
    asked("AAA", "noon").ended_with(2).says(&["--at noon", "RFC 3339"]);
    let before = asked("AAA", "09:30:00").ended_with(0);
    before.says(&["note", "first message", "after --at"]);
    assert!(before.stdout.ends_with("before the first message\nno orders\n"), "{before:#?}");
    let after = asked("#3", "10:00:00").ended_with(0);
    after.says(&["note", "ends at 2019-12-30T14:30:00.000008000Z"]);
    assert!(after.stdout.ends_with("after message 8\nno orders\n"), "{after:#?}");
    let nothing = scratch();
    tapewatch(&["book", arg(nothing.path()), "--symbol", "A", "--at", "10:00:00"])
        .ended_with(2)
        .says(&["no session"]);
}

/// Times of the messages of a day and between them, some of which go back, and both ends.
fn times(messages: &[u8], random: &mut Random, count: usize) -> Vec<i64> {
    let time_of = |message: &[u8]| {
        let since = message.get(5..11).map_or([0; 6], |bytes| bytes.try_into().unwrap());
        let [a, b, c, d, e, f] = since;
        MIDNIGHT_NS + i64::from_be_bytes([0, 0, a, b, c, d, e, f])
    };
    let all: Vec<i64> = tapewatch_tests::capture::messages(messages)
        .map(|message| time_of(message.unwrap()))
        .collect();
    let mut some: Vec<i64> = (0..count)
        .map(|_| all[random.below(all.len() as u64) as usize] + random.below(3) as i64 - 1)
        .collect();
    some.extend([all[0] - 1, *all.iter().max().unwrap(), MIDNIGHT_NS + Nanos::DAY]);
    some
}

#[test]
fn a_book_is_the_references_at_any_time_of_a_day_that_is_hard_on_an_engine() {
    let place = Place::new();
    let day = RandomSession::new(3, 6, 40_000);
    let session = recorded(&place, day.bytes());
    let mut random = Random::new(8);
    let mut ends = Vec::new();
    for at_ns in times(day.bytes(), &mut random, 40) {
        let locate = 1 + random.below(6) as u16;
        let name = format!("A{}", char::from(b'A' + locate as u8));
        ends.push(check(&session, day.bytes(), &name, locate, at_ns));
    }
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 20, "prefixes of many lengths: {ends:?}");
    let kept = names(&session.join("journal"));
    let count = |end: &str| kept.iter().filter(|name| name.ends_with(end)).count();
    assert!(count(".seg.zst") > 4, "{kept:?}");
    assert_eq!(count(".sym"), count(".seg.zst"), "{kept:?}");
    verified(&session);
}

#[test]
fn a_simulated_days_last_books_are_those_of_the_exchange_and_of_the_replay() {
    let place = Place::new();
    let out = place.path("day");
    let simulate = ["simulate", "--seed", "5", "--symbols", "7", "--messages", "40000"];
    tapewatch(&[&simulate, &["--out", arg(&out)][..]].concat()).ended_with(0);
    let day = fs::read(out.join("session.itch")).unwrap();
    let session = place.path("session");
    let mut args = place.record(arg(&out.join("session.itch")), &session, ("memory", "inline"));
    args.extend(["--date", "2019-12-30", "--out", arg(&place.path("out"))].map(String::from));
    tapewatch(&args).ended_with(0);
    let symbols = Csv::read(&place.path("out").join("symbols.csv"));
    let truth = Csv::read(&out.join("truth.csv"));
    let mut random = Random::new(4);
    for row in 0..symbols.records.len() {
        let field = |column| symbols.field(row, column);
        let name = field("symbol");
        let found = book(&session, name, "23:59:59", &["--depth", "0"]);
        for (side, letter, best, size, levels) in [
            ("bids", "B", "bid", "bid_size", "bid_levels"),
            ("asks", "S", "ask", "ask_size", "ask_levels"),
        ] {
            let shown = found[side].as_array().unwrap();
            assert_eq!(shown.len().to_string(), field(levels), "{name}");
            if let Some(first) = shown.first() {
                assert_eq!(first["price"], field(best), "{name}");
                assert_eq!(first["size"].to_string(), field(size), "{name}");
            }
            let mut told: Vec<[String; 3]> = (0..truth.records.len())
                .filter(|row| truth.field(*row, "symbol") == name)
                .filter(|row| truth.field(*row, "side") == letter)
                .map(|row| ["price", "size", "orders"].map(|c| truth.field(row, c).to_owned()))
                .collect();
            let mut seen: Vec<[String; 3]> = shown
                .iter()
                .map(|level| {
                    let price = level["price"].as_str().unwrap().to_owned();
                    [price, level["size"].to_string(), level["orders"].to_string()]
                })
                .collect();
            told.sort();
            seen.sort();
            assert_eq!(seen, told, "{name} {side}");
        }
        let locate = field("locate").parse().unwrap();
        let whole = &day[..day.len() - 2];
        for at_ns in times(whole, &mut random, 3) {
            check(&session, whole, name, locate, at_ns);
        }
    }
}

#[test]
fn apples_book_is_the_references_at_any_time() {
    let Some(input) = shared("itch50/aapl_20191230_0935_std.itch50") else { return };
    let messages = fs::read(&input).unwrap();
    let place = Place::new();
    let session = recorded(&place, &messages);
    let locate = u16::from_be_bytes([messages[3], messages[4]]);
    let mut random = Random::new(6);
    for at_ns in times(&messages, &mut random, 25) {
        check(&session, &messages, "AAPL", locate, at_ns);
    }
    // As the data's index tells it.
    let last = book(&session, "AAPL", "09:40:00", &["--depth", "0"]);
    let (bids, asks) = (last["bids"].as_array().unwrap(), last["asks"].as_array().unwrap());
    assert_eq!((bids.len(), asks.len()), (68, 109));
    assert_eq!((&bids[0]["price"], &bids[0]["size"]), (&json!("286.67"), &json!(222)));
    assert_eq!((&asks[0]["price"], &asks[0]["size"]), (&json!("286.73"), &json!(100)));
}

/// Copies a directory and all in it.
fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_book_from_a_snapshot_is_the_one_from_the_journals_start() {
    let place = Place::new();
    let day = RandomSession::new(14, 6, 40_000);
    let input = place.file("day.itch", day.bytes());
    let session = place.path("session");
    let mut args = place.record(arg(&input), &session, ("disk", "inline"));
    args.extend(["--date", "2019-12-30", "--set", "snapshots.every_messages=5000"].map(Into::into));
    args.extend(["--set", "snapshots.keep=100"].map(Into::into));
    tapewatch(&args).ended_with(0);
    let begins_at = |at_ns: i64| {
        let at = instant(at_ns);
        let args = ["book", arg(&session), "--symbol", "AB", "--at", &at, "-v"];
        let told = tapewatch(&args).ended_with(0).stderr;
        told.contains("the book begins at").then_some(told)
    };
    let mut random = Random::new(15);
    let mut from_snapshots = 0;
    for at_ns in times(day.bytes(), &mut random, 25) {
        from_snapshots += u32::from(begins_at(at_ns).is_some());
        let locate = 1 + random.below(6) as u16;
        let name = format!("A{}", char::from(b'A' + locate as u8));
        check(&session, day.bytes(), &name, locate, at_ns);
    }
    assert!(from_snapshots > 10, "{from_snapshots}");
    // The front of the journal pruned, what is behind the snapshots is answered all the same.
    let end_ns = MIDNIGHT_NS + Nanos::DAY;
    let pruned = place.path("pruned");
    copied(&session, &pruned);
    tapewatch(&["journal", "prune", arg(&pruned), "--keep-bytes", "1"]).ended_with(0);
    assert!(!pruned.join("journal/00000000.seg").exists());
    check(&pruned, day.bytes(), "AB", 1, end_ns);
    let before = instant(MIDNIGHT_NS);
    let args = ["book", arg(&pruned), "--symbol", "AB", "--at", &before];
    tapewatch(&args).ended_with(2).says(&["pruned"]);
    // With every snapshot damaged the journal answers.
    for name in names(&session.join("snapshots")) {
        let path = session.join("snapshots").join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes.iter_mut().for_each(|byte| *byte ^= 0x10);
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(begins_at(end_ns), None);
    check(&session, day.bytes(), "AB", 1, end_ns);
}

#[test]
fn a_damaged_or_foreign_symbol_index_is_made_again_and_is_no_fault_of_the_journal() {
    let place = Place::new();
    let day = RandomSession::new(9, 6, 30_000);
    let session = recorded(&place, day.bytes());
    let end_ns = MIDNIGHT_NS + Nanos::DAY;
    check(&session, day.bytes(), "AB", 1, end_ns);
    let path = |number: u32| session.join(format!("journal/{number:08}.sym"));
    let whole = fs::read(path(0)).unwrap();
    let mut flipped = whole.clone();
    flipped[1_000] ^= 1;
    let other = fs::read(path(1)).unwrap();
    for damaged in [&flipped[..], &whole[..500], &[], &other] {
        fs::write(path(0), damaged).unwrap();
        let run = tapewatch(&["journal", "verify", arg(&session)]).ended_with(0);
        run.says(&["note", "00000000.sym"]);
        check(&session, day.bytes(), "AB", 1, end_ns);
        assert_eq!(fs::read(path(0)).unwrap(), whole, "made again");
    }
    // One that a killed process was writing.
    fs::remove_file(path(0)).unwrap();
    fs::write(session.join("journal/00000000.sym.new"), b"half").unwrap();
    check(&session, day.bytes(), "AB", 1, end_ns);
    assert_eq!(fs::read(path(0)).unwrap(), whole);
    let run = tapewatch(&["journal", "verify", arg(&session)]).ended_with(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_book_that_is_killed_at_an_index_leaves_a_session_that_is_whole() {
    let place = Place::new();
    let day = RandomSession::new(13, 6, 20_000);
    let session = recorded(&place, day.bytes());
    let args = ["book", arg(&session), "--symbol", "AB", "--at", "23:59:59"];
    for (name, hit) in [
        ("symbols.index.before", 1),
        ("symbols.index.after", 1),
        ("symbols.index.before", 2),
        ("symbols.index.after", 1),
    ] {
        let failpoint = format!("{name}@{hit}");
        let run = tapewatch_in(&args, &[("TAPEWATCH_FAILPOINT", &failpoint)]);
        assert_eq!(run.status, None, "killed: {run:#?}");
        run.says(&[name]);
        verified(&session);
    }
    check(&session, day.bytes(), "AB", 1, MIDNIGHT_NS + Nanos::DAY);
    verified(&session);
}

#[test]
fn a_session_whose_index_cannot_be_kept_is_read_all_the_same() {
    let place = Place::new();
    let day = RandomSession::new(10, 6, 20_000);
    let session = recorded(&place, day.bytes());
    // Not even the superuser can put a file in the place of a directory.
    let place = session.join("journal/00000000.sym");
    fs::create_dir(&place).unwrap();
    check(&session, day.bytes(), "AC", 2, MIDNIGHT_NS + Nanos::DAY);
    check(&session, day.bytes(), "AD", 3, MIDNIGHT_NS + Nanos::DAY);
    assert!(place.is_dir());
    let kept = names(&session.join("journal"));
    assert!(!kept.iter().any(|name| name.ends_with(".new")), "{kept:?}");
}

#[test]
fn a_session_that_is_recorded_or_was_killed_is_answered_as_far_as_it_goes() {
    let day = RandomSession::new(12, 6, 30_000);
    let bytes = day.bytes();
    for mode in MODES {
        let place = Place::new();
        let session = place.path("session");
        let mut args = place.record("-", &session, mode);
        args.extend(["--date", "2019-12-30"].map(String::from));
        let mut recording = Running::start(&args);
        recording.feed(&bytes[..bytes.len() - 10_000]).unwrap();
        // All but what the pipe holds was read; half of it is journaled soon, or already.
        let half = recording.until("half of it", || {
            let journaled = crate::recording::journaled(&session)?;
            (journaled > 10_000).then_some(journaled)
        });
        let at_ns = times(day.prefix(half as usize / 2), &mut Random::new(1), 1)[0];
        check(&session, bytes, "AB", 1, at_ns);
        let kept = names(&session.join("journal"));
        assert!(!kept.iter().any(|name| name.ends_with(".sym")), "{kept:?}");
        recording.kill();
        check(&session, bytes, "AB", 1, at_ns);
        let last = book(&session, "AB", "23:59:59", &["--orders", "--depth", "0"]);
        let sequence = last["sequence"].as_u64().unwrap();
        assert_eq!(Some(sequence), crate::recording::journaled(&session), "{mode:?}");
        let (expected, _) = reference(day.prefix(sequence as usize), i64::MAX, 1);
        assert_eq!(last["bids"], side_json(&expected, Side::Buy), "{mode:?}");
        assert_eq!(last["asks"], side_json(&expected, Side::Sell), "{mode:?}");
    }
}
