//! `journal info`, `verify` and `dump`, and `tail`, over a small session worked by hand.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::fields::Price4;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Feed, OPEN_NS, arg, capture, file, scratch, tapewatch};

/// Seven messages of two symbols, one of an unknown type.
fn feed() -> Feed {
    let mut feed = Feed::new();
    feed.start_of_messages(); // 1
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000); // 2
    feed.add(2, "BBB", 1, Side::Sell, 50, 20_0200); // 3
    let head = feed.head(1); // 4
    feed.encoder.order_executed(head, OrderRef(1), 20, MatchNumber(7));
    feed.encoder.raw(b"?what"); // 5
    let head = feed.head(1); // 6
    feed.encoder.order_replaced(head, OrderRef(1), OrderRef(3), 80, Price4(9_9900));
    let head = feed.head(3); // 7: of a symbol that is never named
    feed.encoder.order_deleted(head, OrderRef(5));
    feed
}

/// Records the session.
fn recorded(dir: &TempDir) -> PathBuf {
    let input = file(dir, "day.itch", feed().encoder.bytes());
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session), "--date", "2019-12-30"])
        .ended_with(0);
    session
}

/// The time of message `sequence`: 1 µs apart, the unknown one has none of its own.
fn ts(sequence: u64) -> u64 {
    let ahead = sequence - u64::from(sequence > 5);
    1_577_682_000_000_000_000 + OPEN_NS + ahead * 1_000
}

fn dump(session: &Path, options: &[&str]) -> Vec<String> {
    let args = [&["journal", "dump", arg(session)], options].concat();
    let run = tapewatch(&args).ended_with(0);
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_dump_has_a_line_for_every_message_of_the_input() {
    let dir = scratch();
    let lines = dump(&recorded(&dir), &[]);
    let expected = [
        "1 2019-12-30T14:30:00.000001000Z S - event=O",
        "2 2019-12-30T14:30:00.000002000Z A AAA order=1 side=B price=10 size=100",
        "3 2019-12-30T14:30:00.000003000Z A BBB order=1 side=S price=20.02 size=50",
        "4 2019-12-30T14:30:00.000004000Z E AAA order=1 size=20 match=7",
        "5 2019-12-30T14:30:00.000006000Z ? - skipped=true length=5",
        "6 2019-12-30T14:30:00.000005000Z U AAA order=1 new_order=3 price=9.99 size=80",
        "7 2019-12-30T14:30:00.000006000Z D #3 order=5",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_dump_is_filtered_by_sequence_time_symbol_and_type() {
    let dir = scratch();
    let session = recorded(&dir);
    let sequences = |options: &[&str]| -> Vec<u64> {
        let lines = dump(&session, &[options, &["--json"]].concat());
        let values = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        values.map(|value| value["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(sequences(&["--symbol", "AAA"]), [2, 4, 6]);
    assert_eq!(sequences(&["--symbol", "#3,BBB"]), [3, 7]);
    assert_eq!(sequences(&["--type", "A,U"]), [2, 3, 6]);
    assert_eq!(sequences(&["--from-sequence", "3", "--to-sequence", "5"]), [3, 4, 5]);
    assert_eq!(sequences(&["--limit", "2"]), [1, 2]);
    let (from, to) = ("09:30:00.000003", "2019-12-30T14:30:00.000004Z");
    assert_eq!(sequences(&["--from-time", from, "--to-time", to]), [3, 4]);
    assert_eq!(sequences(&["--symbol", "AAA", "--type", "E", "--from-sequence", "5"]), [0; 0]);
    let wrong = ["journal", "dump", arg(&session), "--from-time", "noon"];
    tapewatch(&wrong).ended_with(2).says(&["--from-time noon", "HH:MM:SS"]);
}

#[test]
fn a_dump_as_json_has_times_types_and_fields() {
    let dir = scratch();
    let lines = dump(&recorded(&dir), &["--json", "--type", "U"]);
    let value: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        value,
        serde_json::json!({
            "sequence": 6, "ts_ns": ts(6), "recv_ns": ts(7), "type": "U", "symbol": "AAA",
            "order": 1, "new_order": 3, "price": "9.99", "size": 80,
        })
    );
}

#[test]
fn frames_are_shown_with_their_places() {
    let dir = scratch();
    let session = recorded(&dir);
    let lines = dump(&session, &["--frames"]);
    assert!(lines[0].starts_with("0:128 Session feed 0 sequence 0 "), "{lines:?}");
    assert!(lines[1].contains(" Packet feed 0 sequence 1 "), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

#[test]
fn gaps_of_a_capture_are_journaled_and_shown() {
    let dir = scratch();
    let message = {
        let mut feed = Feed::new();
        feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000);
        feed.encoder.into_bytes()
    };
    let pcap = capture(&[(0, 1, 1, &message), (100, 1, 5, &message)]);
    let input = file(&dir, "gap.pcap", &pcap);
    let session = dir.path().join("session");
    tapewatch(&["replay", arg(&input), "--session", arg(&session)]).ended_with(0);
    let lines = dump(&session, &[]);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[1], "2 gap: messages 2 to 4 were lost");
    let info = tapewatch(&["journal", "info", arg(&session), "--json"]).ended_with(0).json();
    assert_eq!((&info["gaps"], &info["gap_messages"]), (&1.into(), &3.into()));
    let again = tapewatch(&["replay", arg(&session), "--json"]).ended_with(0).json();
    assert_eq!(again["quality"]["gap_messages"], 3);
}

#[test]
fn info_and_verify_tell_what_the_journal_holds() {
    let dir = scratch();
    let session = recorded(&dir);
    let info = tapewatch(&["journal", "info", arg(&session), "--json"]).ended_with(0).json();
    assert_eq!(info["messages"], 7);
    assert_eq!((&info["first_sequence"], &info["last_sequence"]), (&1.into(), &7.into()));
    assert_eq!((&info["date"], &info["state"]), (&"2019-12-30".into(), &"complete".into()));
    assert_eq!(info["ended_orderly"], true);
    let report = tapewatch(&["journal", "verify", arg(&session), "--json"]).ended_with(0).json();
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!((&report["segments"], &report["torn_bytes"]), (&1.into(), &0.into()));
    // Session, packet, end.
    assert_eq!(report["frames"], 3);
    assert_eq!((&report["first_sequence"], &report["last_sequence"]), (&1.into(), &7.into()));
    assert_eq!(report["faults"], serde_json::json!([]));
    assert_eq!(report["hashes_checked"], 4);
}

#[test]
fn verify_finds_a_changed_byte_and_names_its_place() {
    let dir = scratch();
    let session = recorded(&dir);
    for name in ["journal/00000000.seg.zst", "journal/00000000.idx"] {
        let path = session.join(name);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[whole.len() / 2] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let run = tapewatch(&["journal", "verify", arg(&session), "--json"]).ended_with(1);
        run.says(&[name, "not what was written"]);
        let report = run.json();
        assert_eq!(report["ok"], false);
        assert!(report["faults"][0]["file"].as_str().unwrap().ends_with(name), "{report:#}");
        fs::write(&path, &whole).unwrap();
    }
    let hashes = session.join("hashes");
    let text = fs::read_to_string(&hashes).unwrap().replacen("7,books", "8,books", 1);
    fs::write(&hashes, text).unwrap();
    tapewatch(&["journal", "verify", arg(&session)]).ended_with(1).says(&["hashes", "line 2"]);
}

#[test]
fn what_is_no_session_is_told_in_one_line() {
    let dir = scratch();
    let none = dir.path().join("none");
    for act in [&["journal", "info"][..], &["journal", "verify"], &["journal", "dump"], &["tail"]] {
        let args = [act, &[arg(&none)]].concat();
        tapewatch(&args).ended_with(2).says(&["no session", "session.toml"]);
    }
}

#[test]
fn tail_shows_an_ended_session_from_its_start_and_ends() {
    let dir = scratch();
    let session = recorded(&dir);
    let run = tapewatch(&["tail", arg(&session), "--from-start", "--symbol", "AAA"]).ended_with(0);
    assert_eq!(run.stdout.lines().count(), 3, "{run:#?}");
    assert_eq!(run.stderr, "");
    assert_eq!(tapewatch(&["tail", arg(&session)]).ended_with(0).stdout, "");
}

#[test]
fn tail_follows_a_session_while_it_is_recorded() {
    let dir = scratch();
    let session = dir.path().join("session");
    // Half a second of feed time at a hundredth of its pace: the recording outlives the test.
    let messages =
        |from_ms: u32| (0..20).map(move |step| (from_ms + step * 25, 1, u64::from(1 + step)));
    let message = Feed::adds(1);
    let packets: Vec<_> = messages(0)
        .map(|(at_ms, group, sequence)| (at_ms, group, sequence, &message[..]))
        .collect();
    let input = file(&dir, "slow.pcap", &capture(&packets));
    let binary = env!("CARGO_BIN_EXE_tapewatch");
    let recording = ["replay", arg(&input), "--session", arg(&session), "--speed", "0.01x", "-q"];
    let mut recorder = Command::new(binary).args(recording).stdout(Stdio::null()).spawn().unwrap();
    while !session.join("session.toml").exists() {
        assert_eq!(recorder.try_wait().unwrap(), None, "the recording ended early");
        std::thread::yield_now();
    }
    let mut tail = Command::new(binary)
        .args(["tail", arg(&session), "--from-start", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&first["sequence"], &first["symbol"]), (&1.into(), &"AAA".into()));
    assert_eq!(recorder.try_wait().unwrap(), None, "it was shown while it was recorded");
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    // Its writer is gone: the tail ends by itself.
    assert!(tail.wait().unwrap().success());
    let memory = fs::read_to_string(session.join("lock")).unwrap();
    let memory = memory.lines().find_map(|line| line.strip_prefix("memory = \"")).unwrap();
    fs::remove_dir_all(PathBuf::from(memory.trim_end_matches('"')).parent().unwrap()).unwrap();
}
