//! `journal verify`: the output log, the digests by a replay, a seal noted elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, names};
use crate::support::{Run, arg, tapewatch, text};

/// A recorded session with bars, in segments as small as they come.
fn recorded(place: &Place, messages: usize) -> (PathBuf, Run) {
    let session = RandomSession::new(21, 20, messages);
    let input = place.file("day.itch", session.bytes());
    let dir = place.path("session");
    let mut args = place.record(arg(&input), &dir, MODES[0]);
    args.extend(["--bar", "1ms", "--bar", "5ms"].map(String::from));
    // Segments as they are written, so that any byte of them can be changed; `archived` has the others.
    args.extend(["--set", "archive.compress=false"].map(String::from));
    let run = tapewatch(&args).ended_with(0);
    (dir, run)
}

fn verify(session: &Path, more: &[&str]) -> Run {
    let mut args = vec!["journal", "verify", arg(session), "--json"];
    args.extend_from_slice(more);
    tapewatch(&args)
}

#[track_caller]
fn change(path: &Path, from: &str, to: &str) -> String {
    let before = text(path);
    let after = before.replacen(from, to, 1);
    assert_ne!(before, after, "no {from} in {}", path.display());
    fs::write(path, after).unwrap();
    before
}

#[test]
fn a_replay_finds_each_digest_and_the_report_to_be_those_of_the_journal() {
    let place = Place::new();
    let (dir, run) = recorded(&place, 20_000);
    let report = verify(&dir, &["--deep"]).ended_with(0).json();
    assert_eq!(report["ok"], true);
    assert_eq!(report["deep"]["messages"], 20_000);
    assert_eq!(report["deep"]["hashes_equal"], report["hashes_checked"]);
    assert!(report["deep"]["hashes_equal"].as_u64().unwrap() > 4 * 19);
    assert_eq!(report["deep"]["state_hash"], run.json()["state_hash"]);
    assert_eq!(report["deep"]["report_is_equal"], true);
    assert_eq!(report["deep"]["not_comparable"], serde_json::Value::Null);

    // A digest that reads well, and is not the state's: only a replay can tell.
    let hashes = dir.join("hashes");
    let line = text(&hashes).lines().nth(5).unwrap().to_owned();
    let last = line.chars().last().unwrap();
    let other = if last == '0' { '1' } else { '0' };
    let before = change(&hashes, &line, &format!("{}{other}", &line[..line.len() - 1]));
    verify(&dir, &[]).ended_with(0);
    let run = verify(&dir, &["--deep"]).ended_with(1);
    run.says(&["hashes", "the state is not the one recorded", "digest"]);
    assert_eq!(run.json()["ok"], false);
    fs::write(&hashes, before).unwrap();

    let summary = dir.join("report/summary.json");
    let hash = report["deep"]["state_hash"].as_str().unwrap();
    let before = change(&summary, hash, "0123456789abcdef");
    verify(&dir, &["--deep"]).ended_with(1).says(&["summary.json", "0123456789abcdef", hash]);
    fs::write(&summary, before).unwrap();
    // A report that lies elsewhere is not asked.
    fs::remove_file(&summary).unwrap();
    let report = verify(&dir, &["--deep"]).ended_with(0).json();
    assert_eq!(report["deep"]["report_is_equal"], serde_json::Value::Null);
}

#[test]
fn a_seal_that_was_noted_is_found_and_its_segment_told() {
    let place = Place::new();
    let (dir, run) = recorded(&place, 40_000);
    let last = run.json()["journal"]["seal"].as_str().unwrap().to_owned();
    let report = verify(&dir, &["--seal", &last]).ended_with(0).json();
    let segments = report["segments"].as_u64().unwrap();
    assert!(segments > 3);
    let by = |log: &str, segment: u64| serde_json::json!({ "log": log, "segment": segment, "pruned": false });
    assert_eq!(report["sealed_by"], by("journal", segments - 1));
    // The seal stands 56 bytes before the end of a segment's file.
    let seal_of = |name: &str| {
        let bytes = fs::read(dir.join(name)).unwrap();
        let seal = &bytes[bytes.len() - 56..][..32];
        seal.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    for (name, log) in [("journal/00000001.seg", "journal"), ("output/00000000.seg", "output")] {
        let report = verify(&dir, &["--seal", &seal_of(name)]).ended_with(0).json();
        let number = u64::from(log == "journal");
        assert_eq!(report["sealed_by"], by(log, number));
    }
    let people = tapewatch(&["journal", "verify", arg(&dir), "--seal", &last]).ended_with(0);
    assert!(people.stdout.contains(&format!("segment {} of the journal", segments - 1)));
    let other = "ab".repeat(32);
    let run = verify(&dir, &["--seal", &other]).ended_with(1);
    run.says(&["no segment", &other]);
    assert_eq!(run.json()["sealed_by"], serde_json::Value::Null);
    for wrong in ["ab", &"xy".repeat(32)] {
        verify(&dir, &["--seal", wrong]).ended_with(2).says(&["64 hexadecimal digits"]);
    }
}

#[test]
fn changed_bytes_of_closed_segments_of_either_log_are_found() {
    let place = Place::new();
    let (dir, _) = recorded(&place, 60);
    let (mut tried, stride) = (0, 37);
    for log in ["journal", "output"] {
        let file = dir.join(log).join("00000000.seg");
        let whole = fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(stride) {
            let mut bytes = whole.clone();
            bytes[at] = bytes[at].wrapping_add(1 + (at % 255) as u8);
            fs::write(&file, &bytes).unwrap();
            let run = tapewatch(&["journal", "verify", arg(&dir)]);
            // A changed version may be one that a newer program writes.
            let is_version = (8..12).contains(&at) && run.stderr.contains("newer tapewatch");
            assert!(run.status == Some(1) || is_version, "{log} byte {at}: {run:#?}");
            tried += 1;
        }
        fs::write(&file, &whole).unwrap();
    }
    assert!(tried > 60, "{tried}");
    verify(&dir, &[]).ended_with(0);
}

#[test]
fn a_damaged_output_log_cursor_or_description_is_told_with_its_file() {
    let place = Place::new();
    let (dir, _) = recorded(&place, 2_000);
    let report = verify(&dir, &[]).ended_with(0).json();
    assert_eq!(report["output"]["cursors"], 1, "{report:#}");
    assert_eq!(report["output"]["ended_orderly"], true);
    let bars = text(&dir.join("report/bars.csv")).lines().count() as u64 - 1;
    // An alert opens and ends.
    let alerts = text(&dir.join("report/alerts.jsonl")).lines().count() as u64;
    assert_eq!(report["output"]["records"], bars + 2 * alerts);
    for name in ["output/00000000.idx", "output/cursors/bars.csv.cursor"] {
        let file = dir.join(name);
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        bytes[20] ^= 4;
        fs::write(&file, &bytes).unwrap();
        verify(&dir, &[]).ended_with(1).says(&[name]);
        fs::write(&file, &whole).unwrap();
    }
    let output = dir.join("output/00000000.seg");
    let whole = fs::read(&output).unwrap();
    fs::remove_file(&output).unwrap();
    verify(&dir, &[]).ended_with(1).says(&["output"]);
    fs::write(&output, &whole).unwrap();
    let description = dir.join("session.toml");
    let before = change(&description, "on_error = \"stop\"", "on_error = \"continue-unjournaled\"");
    verify(&dir, &[]).ended_with(1).says(&["session.toml", "first record"]);
    fs::write(&description, before).unwrap();
    verify(&dir, &[]).ended_with(0);
    assert!(names(&dir.join("output")).contains(&String::from("cursors")));
}
