//! A session whose files were damaged: told, repaired when that is asked for, and gone on with to the
//! same end.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tapewatch_tests::session::RandomSession;

use crate::archived::{KEYS, Kept, key_file};
use crate::recording::{MODES, Place, names, words};
use crate::support::{Run, arg, tapewatch, text};

const MESSAGES: usize = 60_000;

/// What must be equal in the end.
fn end_of(run: &Run, dir: &Path) -> (Value, String, String) {
    let summary = run.json();
    let report = dir.join("report");
    (
        summary["state_hash"].clone(),
        text(&report.join("symbols.csv")),
        text(&report.join("bars.csv")),
    )
}

/// Segments of so many bytes that a damaged archived one has parts before the damage.
fn args_of(place: &Place, input: &Path, dir: &Path, kept: Kept) -> Vec<String> {
    let mut args = place.record(arg(input), dir, MODES[2]);
    for arg in &mut args {
        *arg = arg.replace("segment_bytes=262144", "segment_bytes=1048576");
        *arg = arg.replace("memory_bytes_max=1048576", "memory_bytes_max=4194304");
    }
    args.extend(kept.settings(place));
    args.extend(words(&["--bar", "1ms"]));
    args
}

fn segment_of(dir: &Path, log: &str, number: u64, kept: Kept) -> PathBuf {
    dir.join(log).join(format!("{number:08}{}", kept.extension()))
}

fn flip(file: &Path, at: impl FnOnce(usize) -> usize) {
    let mut bytes = fs::read(file).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn resumed(args: &[String]) -> Run {
    tapewatch(&[args, &[String::from("--resume")]].concat())
}

/// Where a byte is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Front,
    Middle,
    /// In a plain segment the seal, in an archived one what stands behind its parts.
    End,
}

/// What is left of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Some,
    All,
}

/// Damages one segment of a session that is kept so, repairs it and goes on.
fn is_repaired(kept: Kept, (log, segment): (&str, u64), at: At, left: Left) {
    let what = format!("{kept:?} {log} {segment} {at:?}");
    let place = Place::new();
    let input = place.file("day.itch", RandomSession::new(9, 20, MESSAGES).bytes());
    let dir = place.path("session");
    let args = args_of(&place, &input, &dir, kept);
    let expected = end_of(&tapewatch(&args).ended_with(0), &dir);
    let file = segment_of(&dir, log, segment, kept);
    flip(&file, |length| match at {
        At::Front => 100,
        At::Middle => length / 2,
        At::End => length - 50,
    });
    let damaged = fs::read(&file).unwrap();

    let before = names(&dir.join(log));
    tapewatch(&["journal", "repair", arg(&dir), "--dry-run"]).ended_with(1);
    assert_eq!(names(&dir.join(log)), before, "{what}");
    assert_eq!(fs::read(&file).unwrap(), damaged, "{what}");
    let run = tapewatch(&["journal", "repair", arg(&dir), "--json"]).ended_with(0);
    let logs = run.json()["logs"].as_array().unwrap().clone();
    let damaged_logs: Vec<&Value> = logs.iter().filter(|log| log["fault"].is_object()).collect();
    let [repaired] = damaged_logs[..] else { panic!("{what}: {run:#?}") };
    assert_eq!(repaired["fault"]["file"], arg(&file), "{what}");
    assert_eq!(repaired["cut"], left != Left::All, "{what}: {repaired}");
    let kept_file = dir.join(log).join("damaged-1").join(file.file_name().unwrap());
    assert_eq!(fs::read(kept_file).unwrap(), damaged, "{what}");
    let plain = segment_of(&dir, log, segment, Kept::Plain);
    assert_eq!(plain.exists(), left != Left::Nothing, "{what}: {:?}", names(&dir.join(log)));
    assert!(kept == Kept::Plain || !file.exists(), "{what}");
    tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
    // Once is enough.
    let again = tapewatch(&["journal", "repair", arg(&dir)]).ended_with(0);
    assert_eq!(again.stdout.matches("nothing is damaged").count(), 2, "{what}: {again:#?}");

    let run = resumed(&args).ended_with(0);
    assert_eq!(end_of(&run, &dir), expected, "{what}");
    tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
}

#[test]
fn a_damaged_plain_log_is_repaired_keeps_its_originals_and_goes_on_to_the_same_end() {
    for log in [("journal", 0), ("journal", 1), ("output", 0)] {
        is_repaired(Kept::Plain, log, At::Middle, Left::Some);
    }
    is_repaired(Kept::Plain, ("journal", 0), At::End, Left::All);
}

#[test]
fn a_damaged_compressed_log_is_repaired_up_to_the_damage() {
    for log in [("journal", 0), ("journal", 1), ("output", 0)] {
        is_repaired(Kept::Compressed, log, At::Middle, Left::Some);
    }
    for log in [("journal", 1), ("output", 0)] {
        is_repaired(Kept::Compressed, log, At::Front, Left::Nothing);
        // All of it can be read, only not where it stands.
        is_repaired(Kept::Compressed, log, At::End, Left::All);
    }
}

#[test]
fn a_damaged_encrypted_log_is_repaired_up_to_the_damage() {
    for log in [("journal", 0), ("journal", 1), ("output", 0)] {
        is_repaired(Kept::Encrypted, log, At::Middle, Left::Some);
    }
    is_repaired(Kept::Encrypted, ("journal", 0), At::End, Left::Some);
    is_repaired(Kept::Encrypted, ("journal", 1), At::Front, Left::Nothing);
}

#[test]
fn without_its_key_a_damaged_log_is_left_as_it_is() {
    let place = Place::new();
    let input = place.file("day.itch", RandomSession::new(9, 20, MESSAGES).bytes());
    let dir = place.path("session");
    tapewatch(&args_of(&place, &input, &dir, Kept::Encrypted)).ended_with(0);
    let file = segment_of(&dir, "journal", 0, Kept::Encrypted);
    flip(&file, |length| length / 2);
    let (before, damaged) = (names(&dir.join("journal")), fs::read(&file).unwrap());
    let key = key_file(&place, KEYS[1]);
    let repair = ["journal", "repair", arg(&dir)];
    tapewatch(&repair).ended_with(2).says(&["another key", "encryption.key_file"]);
    fs::remove_file(&key).unwrap();
    tapewatch(&repair).ended_with(2).says(&[arg(&key), "No such file"]);
    assert_eq!(names(&dir.join("journal")), before);
    assert_eq!(fs::read(&file).unwrap(), damaged);
    // With it, it can be repaired.
    key_file(&place, KEYS[0]);
    tapewatch(&repair).ended_with(0);
    tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
}

#[test]
fn a_session_without_its_description_gets_it_back_from_the_journal() {
    let session = RandomSession::new(9, 20, MESSAGES);
    let place = Place::new();
    let input = place.file("day.itch", session.bytes());
    let dir = place.path("session");
    let args = args_of(&place, &input, &dir, Kept::Compressed);
    let segment = segment_of(&dir, "journal", 0, Kept::Compressed);
    let expected = end_of(&tapewatch(&args).ended_with(0), &dir);
    let journal = fs::read(&segment).unwrap();
    fs::remove_file(dir.join("session.toml")).unwrap();
    fs::write(dir.join("lock"), "pid = 4194305\n").unwrap();
    let run = resumed(&args).ended_with(0);
    assert!(run.stderr.contains("process 4194305, which is gone"), "{run:#?}");
    assert_eq!(end_of(&run, &dir), expected);
    assert_eq!(fs::read(&segment).unwrap(), journal, "nothing anew");
    assert!(!dir.join("lock").exists());

    // Where the journal does not tell what it is of, it stays.
    fs::remove_file(dir.join("session.toml")).unwrap();
    flip(&segment, |_| 140);
    let damaged = fs::read(&segment).unwrap();
    let run = resumed(&args).ended_with(1);
    run.says(&["no session.toml", "cannot be restored"]);
    assert_eq!(fs::read(&segment).unwrap(), damaged);
}
