//! A session that lost messages and was healed by a snapshot: what every command tells of it, by hand.

use std::fs;
use std::path::{Path, PathBuf};

use engine::journal::source::JournalSource;
use engine::journal::writer::{Append, Journal, JournalOptions, OnError};
use engine::log::options::{Place, SyncLevel};
use engine::log::segment::SEGMENT_BYTES_MIN;
use engine::log::storage::Directory;
use engine::packet::{Packet, SnapshotItem};
use engine::units::{FeedId, Nanos, OrderRef, Sequence, Side};
use tempfile::TempDir;

use crate::recording::{directories, verified};
use crate::support::{Csv, Feed, arg, file, scratch, tapewatch};

const FEED: FeedId = FeedId(0);

/// How far a session went.
#[derive(Clone, Copy, PartialEq)]
enum Upto {
    /// Messages 4 to 9 were given up, and 10 came.
    Lost,
    /// The first piece of a snapshot came.
    Begun,
    /// The snapshot is whole, and message 11 came.
    Healed,
}

/// Message 1 starts the day, 2 and 3 are orders of AAA, 10 and 11 too. Of the messages that are lost one
/// takes order 1 out and one brings order 7, as the snapshot tells.
fn session(dir: &TempDir, name: &str, upto: Upto) -> PathBuf {
    let mut feed = Feed::new();
    feed.start_of_messages();
    let input = file(dir, &format!("{name}.itch"), feed.encoder.bytes());
    let session = dir.path().join(name);
    let args = ["replay", arg(&input), "--session", arg(&session), "--date", "2019-12-30"];
    tapewatch(&args).ended_with(0);
    // Its journal is written anew: a file loses nothing.
    let id = JournalSource::open(directories(&session)).unwrap().reader().session();
    let text = fs::read_to_string(session.join("session.toml")).unwrap();
    for folder in ["journal", "output", "snapshots"] {
        let _ = fs::remove_dir_all(session.join(folder));
    }
    fs::remove_file(session.join("hashes")).unwrap();
    // Without digests it is a session whose run did not end.
    let text = text.replacen("state = \"complete\"", "state = \"incomplete\"", 1);
    fs::write(session.join("session.toml"), &text).unwrap();
    let options = JournalOptions {
        place: Place::Disk { directory: Directory::new(session.join("journal")) },
        append: Append::Inline,
        segment_bytes: SEGMENT_BYTES_MIN,
        memory_bytes_max: 0,
        sync: SyncLevel::None,
        on_error: OnError::Stop,
    };
    let mut journal = Journal::create(options, id, &text).unwrap();
    let midnight_ns = 1_577_682_000_000_000_000;
    let recv = Nanos(midnight_ns + 34_200_000_000_000);
    let packet = |journal: &mut Journal, sequence, feed: &Feed| {
        let sequence = Sequence(sequence);
        let messages = feed.encoder.bytes();
        journal.append_packet(&Packet { feed: FEED, sequence, recv, messages }).unwrap();
    };
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000);
    feed.add(1, "AAA", 2, Side::Buy, 200, 9_0000);
    packet(&mut journal, 1, &feed);
    journal.append_gap(FEED, Sequence(4), Sequence(10), recv).unwrap();
    journal.append_tick(FEED, Sequence(9), recv).unwrap();
    feed.encoder.clear();
    feed.time_of_day_ns += 1_000_000;
    feed.add(1, "AAA", 8, Side::Sell, 80, 11_0000);
    packet(&mut journal, 10, &feed);
    let mut pieces = [Feed::new(), Feed::new()];
    pieces[0].start_of_messages();
    pieces[0].add(1, "AAA", 7, Side::Buy, 70, 10_5000);
    pieces[1].add(1, "AAA", 2, Side::Buy, 200, 9_0000);
    pieces[1].add(1, "AAA", 8, Side::Sell, 80, 11_0000);
    let count = [Upto::Lost, Upto::Begun, Upto::Healed].iter().position(|it| *it == upto).unwrap();
    for (at, piece) in pieces.iter().enumerate().take(count) {
        let (is_first, is_last) = (at == 0, at == 1);
        let (next, messages) = (Sequence(11), piece.encoder.bytes());
        let item = SnapshotItem { feed: FEED, next, recv, is_first, is_last, messages };
        journal.append_snapshot_item(&item).unwrap();
    }
    if upto == Upto::Healed {
        journal.append_parameters(FEED, Sequence(11), recv, "[feeds]\n").unwrap();
        feed.encoder.clear();
        feed.time_of_day_ns += 1_000_000;
        let head = feed.head(1);
        feed.encoder.order_deleted(head, OrderRef(7));
        packet(&mut journal, 11, &feed);
    }
    journal.close().unwrap();
    session
}

fn book(session: &Path, at: &str) -> (bool, u64, Vec<(String, u64)>) {
    let args = ["book", arg(session), "--symbol", "AAA", "--at", at, "--json"];
    let json = tapewatch(&args).ended_with(0).json();
    let level = |level: &serde_json::Value| {
        (level["price"].as_str().unwrap().to_owned(), level["size"].as_u64().unwrap())
    };
    let bids = json["bids"].as_array().unwrap().iter().map(level).collect();
    (json["suspect"].as_bool().unwrap(), json["sequence"].as_u64().unwrap(), bids)
}

fn bids(of: &[(&str, u64)]) -> Vec<(String, u64)> {
    of.iter().map(|(price, size)| ((*price).to_owned(), *size)).collect()
}

#[test]
fn a_book_is_suspect_from_a_gap_to_the_end_of_a_snapshot() {
    let dir = scratch();
    let [lost, begun, healed] = [Upto::Lost, Upto::Begun, Upto::Healed]
        .map(|upto| session(&dir, &format!("to-{}", upto as u8), upto));
    let wrong = bids(&[("10", 100), ("9", 200)]);
    let (before, between, late) = ("09:30:00.0005", "09:30:00.0015", "09:31:00");
    // The gap stands behind message 3, whatever the time.
    assert_eq!(book(&lost, before), (true, 3, wrong.clone()));
    assert_eq!(book(&lost, late), (true, 10, wrong));
    assert_eq!(book(&begun, late), (true, 10, bids(&[("10.5", 70)])));
    let right = bids(&[("10.5", 70), ("9", 200)]);
    assert_eq!(book(&healed, between), (false, 10, right));
    assert_eq!(book(&healed, late), (false, 11, bids(&[("9", 200)])));
    let args = ["book", arg(&begun), "--symbol", "AAA", "--at", late];
    let text = tapewatch(&args).ended_with(0).stdout;
    assert!(text.contains("\nsuspect: messages of its feed were lost"), "{text}");
}

#[test]
fn a_replay_tells_suspect_symbols_and_is_the_same_from_a_copy_of_the_session() {
    let dir = scratch();
    for (upto, suspect) in [(Upto::Lost, 1), (Upto::Begun, 1), (Upto::Healed, 0)] {
        let session = session(&dir, &format!("s-{}", upto as u8), upto);
        let out = dir.path().join(format!("out-{}", upto as u8));
        let copy = dir.path().join(format!("copy-{}", upto as u8));
        let args = ["replay", arg(&session), "--out", arg(&out), "--json", "--session", arg(&copy)];
        let run = tapewatch(&args);
        let json = run.json();
        assert_eq!(json["suspect_symbols"], suspect, "{run:#?}");
        assert_eq!(
            (&json["messages"], &json["quality"]["gap_messages"]),
            (&{ if upto == Upto::Healed { 5.into() } else { 4.into() } }, &6.into())
        );
        // Neither adds nor types count what a snapshot holds.
        assert_eq!(json["by_type"]["A"], 3);
        let symbols = Csv::read(&out.join("symbols.csv"));
        assert_eq!(symbols.field(0, "adds"), "3");
        assert_eq!(symbols.field(0, "orders"), ["3", "1", "2"][upto as usize]);
        let text = tapewatch(&["replay", arg(&session)]).stdout;
        assert_eq!(text.contains("AAA*"), suspect > 0, "{text}");
        assert_eq!(text.contains("suspect      1 symbols"), suspect > 0, "{text}");
        let pipelined = ["--set", "engine.topology=pipelined", "--set", "engine.shards=3"];
        let args = [&["replay", arg(&copy), "--json"][..], &pipelined].concat();
        let again = tapewatch(&args).ended_with(0).json();
        assert_eq!(again["state_hash"], json["state_hash"]);
        assert_eq!(again["suspect_symbols"], suspect);
        assert_eq!(again["hash_check"]["mismatch"], serde_json::Value::Null);
        verified(&copy);
    }
}

#[test]
fn a_dump_shows_what_a_snapshot_holds_and_an_export_leaves_it_out_and_says_so() {
    let dir = scratch();
    let session = session(&dir, "session", Upto::Healed);
    let dump = tapewatch(&["journal", "dump", arg(&session)]).ended_with(0).stdout;
    let lines: Vec<&str> = dump.lines().collect();
    assert_eq!(lines.len(), 3 + 1 + 1 + 4 + 1, "{dump}");
    assert_eq!(lines[3], "4 gap: messages 4 to 9 were lost");
    assert!(lines[6].starts_with("11 ") && lines[6].contains(" A AAA snapshot order=7"), "{dump}");
    let json = tapewatch(&["journal", "dump", arg(&session), "--json"]).ended_with(0).stdout;
    assert_eq!(json.lines().filter(|line| line.contains("\"snapshot\":true")).count(), 4);
    let tail = tapewatch(&["tail", arg(&session), "--from-start"]).ended_with(0).stdout;
    assert_eq!(tail, dump);
    let frames = tapewatch(&["journal", "dump", arg(&session), "--frames"]).ended_with(0).stdout;
    assert_eq!(frames.lines().filter(|line| line.contains(" SnapshotItem feed 0 ")).count(), 2);
    let info = tapewatch(&["journal", "info", arg(&session), "--json"]).ended_with(0).json();
    let counts = ["packets", "messages", "gaps", "feed_snapshots", "snapshot_items", "ticks"];
    assert_eq!(counts.map(|name| info[name].as_u64().unwrap()), [3, 5, 1, 1, 2, 1]);
    assert_eq!(info["parameters"], 1);
    verified(&session);
    let out = dir.path().join("x.itch");
    let args = ["journal", "export", arg(&session), "--out", arg(&out)];
    let run = tapewatch(&args).ended_with(0);
    assert!(run.stderr.contains("2 piece(s) of snapshots are left out"), "{run:#?}");
    assert!(run.stdout.starts_with("5 message(s)"), "{run:#?}");
}
