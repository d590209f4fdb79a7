//! `book` gives the same answer from a snapshot as from the start of the journal.

use std::fs;

use serde_json::Value;
use tapewatch_tests::random::Random;

use crate::support::{arg, scratch, tapewatch, text};

#[test]
fn a_book_is_the_same_from_a_snapshot_as_from_the_journal_alone() {
    let dir = scratch();
    let day = dir.path().join("day");
    let simulate = ["simulate", "--seed", "4", "--symbols", "9", "--messages", "60000"];
    tapewatch(&[&simulate[..], &["-q", "--out", arg(&day)]].concat()).ended_with(0);
    let record = |name: &str, every: &str| {
        let session = dir.path().join(name);
        let input = day.join("session.itch");
        let every = format!("snapshots.every_messages={every}");
        let set = ["--set", &every, "--set", "snapshots.keep=100", "--set", "journal.place=disk"];
        let args =
            ["replay", arg(&input), "--session", arg(&session), "--date", "2025-06-02", "-q"];
        tapewatch(&[&args[..], &set].concat()).ended_with(0);
        session
    };
    let (with, without) = (record("with", "4000"), record("without", "0"));
    assert!(!without.join("snapshots").exists());
    assert!(fs::read_dir(with.join("snapshots")).unwrap().count() > 10);
    let symbols: Vec<String> = text(&with.join("report/symbols.csv"))
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().to_owned())
        .collect();
    assert_eq!(symbols.len(), 9);
    let book = |session: &std::path::Path, symbol: &str, at: &str| {
        let args = ["book", arg(session), "--symbol", symbol, "--at", at];
        tapewatch(&[&args[..], &["--json", "--orders", "--depth", "0", "-v"]].concat())
    };
    let mut random = Random::new(3);
    let (mut from_snapshots, mut levels) = (0, 0);
    for _ in 0..60 {
        let symbol = &symbols[random.below(9) as usize];
        let ns = random.below(6 * 3_600_000_000_000) + 9 * 3_600_000_000_000;
        let (s, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
        let at = format!("{:02}:{:02}:{:02}.{rest:09}", s / 3600, s / 60 % 60, s % 60);
        let (from, alone) = (book(&with, symbol, &at), book(&without, symbol, &at));
        from_snapshots += u32::from(from.stderr.contains("the book begins at"));
        assert!(!alone.stderr.contains("the book begins at"));
        let (from, alone): (Value, Value) = (from.ended_with(0).json(), alone.ended_with(0).json());
        levels += from["bids"].as_array().unwrap().len();
        assert_eq!(from, alone, "{symbol} at {at}");
    }
    assert!(
        from_snapshots > 40 && levels > 200,
        "{from_snapshots} from snapshots, {levels} levels"
    );
    // A damaged one is told and passed over.
    for entry in fs::read_dir(with.join("snapshots")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let (from, alone) =
        (book(&with, &symbols[0], "14:00:00"), book(&without, &symbols[0], "14:00:00"));
    assert!(from.stderr.contains("a snapshot is passed over"), "{}", from.stderr);
    assert_eq!(from.ended_with(0).json(), alone.ended_with(0).json());
    // A session of some symbols: its snapshots have no others.
    let some = dir.path().join("some");
    let input = day.join("session.itch");
    let args = ["replay", arg(&input), "--session", arg(&some), "--symbols", &symbols[0], "-q"];
    let set = ["--date", "2025-06-02", "--set", "snapshots.every_messages=4000"];
    tapewatch(&[&args[..], &set].concat()).ended_with(0);
    let (from, alone) =
        (book(&some, &symbols[1], "14:00:00"), book(&without, &symbols[1], "14:00:00"));
    assert_eq!(from.ended_with(0).json(), alone.ended_with(0).json());
}
