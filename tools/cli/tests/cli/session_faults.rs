//! Sessions that cannot be written or read as they are: one clear line each, and all before the fault is
//! processed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, names, replayed};
use crate::support::{Run, arg, tapewatch, text};

const MESSAGES: usize = 20_000;

/// A recorded session in small segments.
fn recorded(place: &Place) -> PathBuf {
    let session = RandomSession::new(10, 20, MESSAGES);
    let input = place.file("day.itch", session.bytes());
    let dir = place.path("session");
    let mut args = place.record(arg(&input), &dir, MODES[0]);
    // Segments as they are written, so that any byte of them can be changed; `archived` has the others.
    args.extend(["--set", "archive.compress=false"].map(String::from));
    tapewatch(&args).ended_with(0);
    dir
}

fn replay(dir: &Path) -> Run {
    tapewatch(&["replay", arg(dir), "--json"])
}

/// Changes a file as text.
#[track_caller]
fn change(path: &Path, from: &str, to: &str) {
    let before = text(path);
    let after = before.replacen(from, to, 1);
    assert_ne!(before, after, "no {from} in {}", path.display());
    fs::write(path, after).unwrap();
}

/// Changes bytes of a file.
fn change_bytes(path: &Path, change: impl FnOnce(&mut [u8])) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_a_matter_of_usage() {
    let place = Place::new();
    let input = place.file("day.itch", RandomSession::new(10, 20, 100).bytes());
    // Not even root may write here, and not below a file.
    for dir in ["/proc/session", "/proc/self/a/session", arg(&input.join("session"))] {
        let run = tapewatch(&place.record(arg(&input), Path::new(dir), MODES[0])).ended_with(2);
        run.says(&["cannot write to the session directory", dir, "--session"]);
        assert_eq!(run.stdout, "");
    }
    let dir = place.path("session");
    let mut args = place.record(arg(&input), &dir, MODES[0]);
    args.extend(["--set", "journal.memory_dir=/proc"].map(String::from));
    let run = tapewatch(&args).ended_with(2);
    run.says(&["cannot make a journal: cannot use /proc/tapewatch-", "journal.memory_dir"]);
    assert!(!dir.exists(), "{:?}", names(&dir));
}

#[test]
fn what_is_no_session_is_told_as_such() {
    let place = Place::new();
    for (dir, parts) in [
        (place.path("absent"), &["absent", "no session"][..]),
        (place.path("foreign"), &["foreign", "no session.toml", "--session"]),
    ] {
        if parts[0] == "foreign" {
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("notes.txt"), "mine").unwrap();
        }
        let run = tapewatch(&["replay", arg(&dir), "--format", "session"]).ended_with(2);
        run.says(parts);
    }
    // A directory cannot be anything else, so nobody has to say what it is.
    let foreign = place.path("foreign");
    replay(&foreign).ended_with(2).says(&["foreign", "no session.toml"]);
}

#[test]
fn a_description_of_a_newer_version_or_damaged_is_told_with_its_file() {
    for (from, to, parts) in [
        ("format_version = 1", "format_version = 2", &["format version 2", "newer tapewatch"][..]),
        ("protocol = \"itch50\"", "protocol = \"pitch\"", &["protocol \"pitch\""]),
        ("[session]", "[session", &["restore the file"]),
        ("date = \"", "date = \"x", &["date"]),
        ("orders_max", "orders_mxa", &["orders_mxa", "orders_max"]),
    ] {
        let place = Place::new();
        let dir = recorded(&place);
        change(&dir.join("session.toml"), from, to);
        let run = replay(&dir).ended_with(2);
        run.says(&["session.toml"]);
        run.says(parts);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_journal_of_a_newer_version_is_told_with_its_segment() {
    let place = Place::new();
    let dir = recorded(&place);
    // The version stands behind the magic; where a newer one has its checksum is not known.
    change_bytes(&dir.join("journal/00000000.seg"), |bytes| {
        bytes[8] = 2;
        bytes[124..128].fill(0);
    });
    let run = replay(&dir).ended_with(2);
    run.says(&["00000000.seg", "format version 2", "newer tapewatch"]);
}

#[test]
fn a_session_without_its_journal_cannot_be_read() {
    let place = Place::new();
    let dir = recorded(&place);
    for name in names(&dir.join("journal")) {
        fs::remove_file(dir.join("journal").join(name)).unwrap();
    }
    let run = replay(&dir).ended_with(2);
    run.says(&[arg(&dir.join("journal")), "holds no segment of a log"]);
}

#[test]
fn a_changed_byte_is_told_with_its_place_and_all_before_it_is_processed() {
    let place = Place::new();
    let dir = recorded(&place);
    let segment = dir.join("journal/00000001.seg");
    let half = fs::metadata(&segment).unwrap().len() / 2;
    change_bytes(&segment, |bytes| bytes[half as usize] ^= 0x10);
    let out = place.path("out");
    let run = tapewatch(&["replay", arg(&dir), "--json", "--out", arg(&out)]).ended_with(1);
    run.says(&["00000001.seg at byte ", "CRC-32C", "journal verify"]);
    let told = run.stderr.split("at byte ").nth(1).unwrap();
    let offset: u64 = told.split(':').next().unwrap().parse().unwrap();
    assert!(offset <= half && half < offset + 2_000, "{offset} of the frame, {half} changed");

    let messages = run.json()["messages"].as_u64().unwrap();
    assert!(messages > 1_000 && messages < MESSAGES as u64, "{messages}");
    let session = RandomSession::new(10, 20, MESSAGES);
    let input = place.file("prefix", session.prefix(usize::try_from(messages).unwrap()));
    let (direct, _) = replayed(&input, &[], &place.path("direct"));
    assert_eq!(text(&out.join("symbols.csv")), direct.symbols);
    assert_eq!(run.json()["state_hash"], direct.state_hash);
}

#[test]
fn a_missing_segment_is_told() {
    let place = Place::new();
    let dir = recorded(&place);
    fs::remove_file(dir.join("journal/00000001.seg")).unwrap();
    let run = replay(&dir).ended_with(1);
    run.says(&["segments 1 to 1 are missing", "journal verify"]);
    assert!(run.json()["messages"].as_u64().unwrap() > 1_000);
}

#[test]
fn a_digest_that_is_not_the_one_on_record_is_told_with_sequence_and_section() {
    let place = Place::new();
    let dir = recorded(&place);
    // The last digit of the metrics digest after message 2,048.
    let lines = text(&dir.join("hashes"));
    let line = lines.lines().find(|line| line.starts_with("2048,metrics,")).unwrap();
    let digit = if line.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{digit}", &line[..line.len() - 1]);
    change(&dir.join("hashes"), line, &wrong);
    let run = replay(&dir).ended_with(1);
    run.says(&["after message 2048 the metrics digest", &wrong[wrong.len() - 16..]]);
    // The rest was compared, and all was processed.
    let summary = run.json();
    assert_eq!(summary["messages"], MESSAGES);
    let digests = lines.lines().count() as u64 - 1;
    assert_eq!(summary["hash_check"]["equal"], digests - 1);
}

#[test]
fn digests_that_cannot_be_read_are_told_with_their_line() {
    let place = Place::new();
    let dir = recorded(&place);
    change(&dir.join("hashes"), "\n2048,books,", "\n2048,boots,");
    let run = replay(&dir).ended_with(1);
    run.says(&[arg(&dir.join("hashes")), "line 6", "boots"]);
    assert_eq!(run.json()["messages"], MESSAGES);
}

#[test]
fn under_other_limits_or_symbols_digests_are_not_comparable_and_that_is_no_fault() {
    let place = Place::new();
    let dir = recorded(&place);
    let other_limits = ["--set", "limits.orders_max=1000000"];
    let other_symbols = ["--symbols", "AB,AC"];
    for other in [other_limits, other_symbols] {
        let run = tapewatch(&["replay", arg(&dir), "--json", other[0], other[1]]).ended_with(0);
        run.says(&["note: digests on record are not comparable"]);
        let check = &run.json()["hash_check"];
        assert_eq!((&check["equal"], &check["mismatch"]), (&Value::from(0), &Value::Null));
        assert!(check["not_comparable"].is_string());
    }
    // How the work is laid out is of no account.
    let args = ["--topology", "pipelined", "--shards", "3", "--set", "ring.events=64"];
    let (_, run) = replayed(&dir, &args, &place.path("out"));
    assert_eq!(run.json()["hash_check"]["not_comparable"], Value::Null);
    assert_eq!(run.stderr, "");
}
