//! `demo`: a whole run of a small day, what it says, and what it leaves.

use std::fs;

use serde_json::Value;

use crate::support::{Run, arg, scratch, tapewatch, tapewatch_in};

/// A demo of a small day with small segments, all of it in `dir`.
fn demo(dir: &tempfile::TempDir, more: &[&str]) -> Run {
    let memory = format!("journal.memory_dir={}", dir.path().join("memory").display());
    let mut args = vec!["demo", "--messages", "60000", "--symbols", "12", "--set", &memory];
    args.extend(["--set", "journal.segment_bytes=262144"]);
    args.extend(["--set", "journal.memory_bytes_max=4194304"]);
    args.extend(more);
    fs::create_dir_all(dir.path().join("memory")).unwrap();
    tapewatch_in(&args, &[("TMPDIR", arg(dir.path()))])
}

#[test]
fn a_day_is_verified_and_nothing_of_it_is_left() {
    let dir = scratch();
    let result = demo(&dir, &["--json", "--quiet"]).ended_with(0).json();
    assert_eq!(result["messages"], 60_000);
    assert_eq!(result["books_equal_truth"], true);
    assert_eq!(result["verified"], true);
    assert_eq!(result["faults"], Value::Array(vec![]));
    let gaps = &result["gaps"];
    for key in ["opened", "healed_by_retransmit", "healed_by_snapshot", "open"] {
        assert_eq!(gaps[key], 0, "{key}");
    }
    assert_eq!(result["suspect_symbols"], 0);
    let lines = result["lines"].as_array().unwrap();
    for (line, name) in lines.iter().zip(["A", "B"]) {
        assert_eq!((&line["name"], &line["lost"]), (&Value::from(name), &Value::from(0)), "{line}");
        assert!(line["packets"].as_u64().unwrap() > 100, "{line}");
    }
    assert_eq!(lines.len(), 2);
    assert_eq!(result["published"]["messages"], 60_000);
    let hash = result["state_hash"].as_str().unwrap();
    assert_eq!(hash.len(), 16);
    assert_eq!(result["lossless_state_hash"], hash);
    assert_eq!(result["journal_state_hash"], hash);
    assert!(result["truth"]["levels"].as_u64().unwrap() > 10, "{result}");
    assert!(result["journal"]["segments"].as_u64().unwrap() > 3, "{result}");
    assert!(result["journal"]["digests_equal"].as_u64().unwrap() >= 4, "{result}");
    let names = ["journal", "decode and apply", "both"];
    for (stage, name) in result["stages"].as_array().unwrap().iter().zip(names) {
        assert_eq!(stage["name"], name);
        let figures = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"]
            .map(|key| stage[key].as_u64().unwrap());
        assert!(figures.is_sorted() && figures[0] > 0, "{stage}");
    }
    let left = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 1, "the folder for memory alone");
    assert_eq!(fs::read_dir(dir.path().join("memory")).unwrap().count(), 0);
}

#[test]
fn the_state_is_the_one_that_a_replay_of_the_simulated_file_gives() {
    let dir = scratch();
    let result = demo(&dir, &["--json", "--seed", "9", "-q"]).ended_with(0).json();
    let out = dir.path().join("day");
    let mut args = vec!["simulate", "--messages", "60000", "--symbols", "12", "--seed", "9"];
    args.extend(["--out", arg(&out), "--quiet"]);
    tapewatch(&args).ended_with(0);
    let itch = out.join("session.itch");
    let date = result["settings"]["date"].as_str().unwrap();
    let replayed = tapewatch(&["replay", arg(&itch), "--date", date, "--json"]).ended_with(0);
    assert_eq!(replayed.json()["state_hash"], result["state_hash"]);
}

#[test]
fn a_session_that_is_kept_can_be_replayed() {
    let dir = scratch();
    let kept = dir.path().join("kept");
    let run = demo(&dir, &["--keep", arg(&kept)]).ended_with(0);
    for part in [
        "verified: the books equal the exchange's own, ",
        "live, from the journal, and from all that was published",
        "verified: the journal, ",
        "digests on record",
        "M a second",
        "p99.99",
        "kept in",
    ] {
        assert!(run.stdout.contains(part), "no {part} in {}", run.stdout);
    }
    assert!(!run.stdout.contains("NOT"), "{}", run.stdout);
    let replayed = tapewatch(&["replay", arg(&kept), "--json"]).ended_with(0).json();
    let hash = replayed["state_hash"].as_str().unwrap();
    assert!(run.stdout.contains(&format!("state {hash} live")), "{hash}: {}", run.stdout);
    let verified = tapewatch(&["journal", "verify", arg(&kept), "--json"]).ended_with(0).json();
    assert_eq!(verified["ok"], true);
    // What is there already is not touched.
    let again = demo(&dir, &["--keep", arg(&kept), "-q"]).ended_with(2);
    again.says(&["already holds a session", "name another place with --keep"]);
    assert!(!again.stderr.contains("directory"), "the words of a recording: {again:#?}");
}

#[test]
fn where_stderr_is_no_terminal_plain_lines_tell_how_far_it_is() {
    let dir = scratch();
    let run = demo(&dir, &[]).ended_with(0);
    assert!(run.stderr.contains("replaying the journal"), "{run:#?}");
    assert!(run.stderr.lines().all(|line| line.starts_with("tapewatch: note: ")), "{run:#?}");
    assert!(!run.stderr.contains('\u{1b}'), "{run:#?}");
}

#[test]
fn what_it_cannot_do_is_told_in_one_line() {
    let dir = scratch();
    demo(&dir, &["--seconds", "1"]).ended_with(2).says(&["--seconds"]);
    demo(&dir, &["--set", "engine.topology=pipelined"]).ended_with(2).says(&["inline"]);
    let few = tapewatch(&["demo", "--messages", "5"]).ended_with(2);
    few.says(&["5 messages with 200 symbols"]);
    let nowhere = dir.path().join("no-such-folder");
    let run = tapewatch_in(&["demo", "-q"], &[("TMPDIR", arg(&nowhere))]).ended_with(2);
    run.says(&["no-such-folder", "TMPDIR"]);
}

/// Two lossy lines, whose losses often meet.
const LOSSY: [&str; 9] =
    ["--json", "-q", "--loss-a", "20%", "--loss-b", "20%", "--reorder", "1%", "--rate=100000"];

#[test]
fn what_both_lines_lose_is_retransmitted_and_leaves_no_trace() {
    let dir = scratch();
    let result = demo(&dir, &LOSSY).ended_with(0).json();
    let gaps = &result["gaps"];
    assert!(gaps["healed_by_retransmit"].as_u64().unwrap() > 5, "{gaps}");
    assert_eq!((&gaps["healed_by_snapshot"], &gaps["open"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(result["state_hash"], result["lossless_state_hash"]);
    assert_eq!(result["books_equal_truth"], true);
    for line in result["lines"].as_array().unwrap() {
        assert!(line["lost"].as_u64().unwrap() > 1_000, "{line}");
    }
}

#[test]
fn without_retransmission_snapshots_heal_the_books() {
    let dir = scratch();
    let result = demo(&dir, &[&LOSSY[..], &["--no-retransmit"]].concat()).ended_with(0).json();
    let gaps = &result["gaps"];
    assert!(gaps["healed_by_snapshot"].as_u64().unwrap() > 0, "{gaps}");
    assert_eq!((&gaps["open"], &result["suspect_symbols"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(result["books_equal_truth"], true);
    assert_eq!(result["journal_state_hash"], result["state_hash"]);
}

#[test]
fn without_any_help_books_stay_suspect_and_that_is_told() {
    let dir = scratch();
    let none = ["--no-retransmit", "--no-snapshot"];
    let run = demo(&dir, &[&LOSSY[..], &none].concat()).ended_with(1);
    let result = run.json();
    assert!(result["gaps"]["open"].as_u64().unwrap() > 0, "{}", result["gaps"]);
    assert_eq!(result["suspect_symbols"], 12);
    assert_eq!(result["verified"], false);
    run.says(&["gap(s) are open at the end", "suspect"]);
}
