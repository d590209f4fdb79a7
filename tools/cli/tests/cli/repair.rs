//! A session whose files were damaged: told, repaired when that is asked for, and gone on with to the
//! same end.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, names, verified, words};
use crate::support::{Run, arg, tapewatch, text};

const MESSAGES: usize = 25_000;

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

fn args_of(place: &Place, input: &Path, dir: &Path, mode: (&str, &str)) -> Vec<String> {
    let mut args = place.record(arg(input), dir, mode);
    // Segments as they are written, so that any byte of them can be changed.
    args.extend(words(&["--bar", "1s", "--set", "archive.compress=false"]));
    args
}

fn flip(file: &Path, at: impl FnOnce(usize) -> usize) {
    let mut bytes = fs::read(file).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_damaged_log_is_repaired_keeps_its_originals_and_goes_on_to_the_same_end() {
    let session = RandomSession::new(9, 20, MESSAGES);
    for (log, segment, at) in [("journal", 1, 2_usize), ("journal", 0, 300_000), ("output", 0, 2)] {
        let place = Place::new();
        let input = place.file("day.itch", session.bytes());
        let dir = place.path("session");
        let args = args_of(&place, &input, &dir, MODES[2]);
        let expected = end_of(&tapewatch(&args).ended_with(0), &dir);
        let file = dir.join(log).join(format!("{segment:08}.seg"));
        // In the middle, or in the seal.
        flip(&file, |length| if at == 2 { length / 2 } else { length - 50 });
        let damaged = fs::read(&file).unwrap();

        let before = names(&dir.join(log));
        tapewatch(&["journal", "repair", arg(&dir), "--dry-run"]).ended_with(1);
        assert_eq!(names(&dir.join(log)), before);
        assert_eq!(fs::read(&file).unwrap(), damaged);
        let run = tapewatch(&["journal", "repair", arg(&dir), "--json"]).ended_with(0);
        let repaired = run.json();
        let of = repaired["logs"].as_array().unwrap();
        let which = if log == "journal" { 0 } else { 1 };
        assert!(of[which]["fault"].is_object() && of[1 - which]["fault"].is_null(), "{repaired}");
        let kept = dir.join(log).join("damaged-1").join(format!("{segment:08}.seg"));
        assert_eq!(fs::read(kept).unwrap(), damaged);
        verified(&dir);
        tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
        // Once is enough.
        let again = tapewatch(&["journal", "repair", arg(&dir)]).ended_with(0);
        assert_eq!(again.stdout.matches("nothing is damaged").count(), 2, "{again:#?}");

        let mut resume = args;
        resume.push(String::from("--resume"));
        let run = tapewatch(&resume).ended_with(0);
        assert_eq!(end_of(&run, &dir), expected, "{log} {segment}");
        tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
    }
}

#[test]
fn a_session_without_its_description_gets_it_back_from_the_journal() {
    let session = RandomSession::new(9, 20, MESSAGES);
    let place = Place::new();
    let input = place.file("day.itch", session.bytes());
    let dir = place.path("session");
    let args = args_of(&place, &input, &dir, MODES[2]);
    let expected = end_of(&tapewatch(&args).ended_with(0), &dir);
    let journal = fs::read(dir.join("journal/00000000.seg")).unwrap();
    fs::remove_file(dir.join("session.toml")).unwrap();
    fs::write(dir.join("lock"), "pid = 4194305\n").unwrap();
    let mut resume = args;
    resume.push(String::from("--resume"));
    let run = tapewatch(&resume).ended_with(0);
    assert!(run.stderr.contains("process 4194305, which is gone"), "{run:#?}");
    assert_eq!(end_of(&run, &dir), expected);
    assert_eq!(fs::read(dir.join("journal/00000000.seg")).unwrap(), journal, "nothing anew");
    assert!(!dir.join("lock").exists());

    // Where the journal does not tell what it is of, it stays.
    fs::remove_file(dir.join("session.toml")).unwrap();
    flip(&dir.join("journal/00000000.seg"), |_| 140);
    let damaged = fs::read(dir.join("journal/00000000.seg")).unwrap();
    let run = tapewatch(&resume).ended_with(1);
    run.says(&["no session.toml", "cannot be restored"]);
    assert_eq!(fs::read(dir.join("journal/00000000.seg")).unwrap(), damaged);
}
