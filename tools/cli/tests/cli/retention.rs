//! `journal prune`, retention by configuration, and sessions whose front is gone.

use std::fs;
use std::path::{Path, PathBuf};

use engine::log::SessionId;
use engine::log::prune::prune;
use engine::log::storage::Directory;
use engine::log::{LogKind, SegmentNumber};
use engine::output::cursor::{Cursor, CursorName, CursorPlace, CursorSync};
use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, directories, names};
use crate::running::Running;
use crate::support::{Run, arg, tapewatch, text};

const BARS: [&str; 6] = ["--bar", "1ms", "--bar", "2ms", "--bar", "5ms"];

fn session() -> RandomSession {
    RandomSession::new(31, 20, 60_000)
}

/// A recorded session whose logs have several segments.
fn recorded(place: &Place) -> PathBuf {
    let input = place.file("day.itch", session().bytes());
    let dir = place.path("session");
    let mut args = place.record(arg(&input), &dir, MODES[0]);
    args.extend(BARS.map(String::from));
    tapewatch(&args).ended_with(0);
    assert!(segments(&dir, "journal").len() > 4 && segments(&dir, "output").len() > 2);
    dir
}

fn segments(dir: &Path, log: &str) -> Vec<String> {
    let mut names = names(&dir.join(log));
    names.retain(|name| name.ends_with(".seg.zst"));
    names
}

fn pruned(dir: &Path, more: &[&str]) -> Run {
    let mut args = vec!["journal", "prune", arg(dir), "--json"];
    args.extend_from_slice(more);
    tapewatch(&args)
}

#[test]
fn a_session_without_a_snapshot_keeps_its_journal_and_loses_what_no_consumer_needs() {
    let place = Place::new();
    let dir = recorded(&place);
    let before = [segments(&dir, "journal"), segments(&dir, "output")];
    let dry = pruned(&dir, &["--keep", "1s", "--dry-run"]).ended_with(0);
    dry.says(&["journal stays whole", "no valid snapshot"]);
    assert_eq!([segments(&dir, "journal"), segments(&dir, "output")], before);
    let dry = dry.json();
    assert_eq!(dry["logs"][0]["segments_removed"], 0);
    let goes = dry["logs"][1]["segments_removed"].as_u64().unwrap() as usize;
    assert_eq!(goes, before[1].len() - 1, "all but the last");

    let done = pruned(&dir, &["--keep-bytes", "0"]).ended_with(0).json();
    assert_eq!(done["logs"][1]["bytes_removed"], dry["logs"][1]["bytes_removed"]);
    assert_eq!(segments(&dir, "journal"), before[0]);
    assert_eq!(segments(&dir, "output"), before[1][goes..]);
    let report = tapewatch(&["journal", "verify", arg(&dir), "--json"]).ended_with(0).json();
    assert_eq!(report["output"]["pruned"]["first_segment"], goes);
    assert_eq!(report["output"]["cursors"], 1);
    let seal = report["output"]["pruned"]["seal"].as_str().unwrap();
    let by = tapewatch(&["journal", "verify", arg(&dir), "--json", "--seal", seal]).ended_with(0);
    assert_eq!(by.json()["sealed_by"]["pruned"], true);
    // The journal is whole: everything can be computed anew.
    tapewatch(&["replay", arg(&dir), "--json"]).ended_with(0);
    let again = pruned(&dir, &["--keep-bytes", "0"]).ended_with(0).json();
    assert_eq!(again["logs"][1]["segments_removed"], 0);
}

#[test]
fn what_is_young_or_small_enough_or_not_read_yet_stays() {
    let place = Place::new();
    let dir = recorded(&place);
    let before = segments(&dir, "output");
    let none = pruned(&dir, &["--keep", "100000d", "--keep-bytes", "1T"]).ended_with(0);
    assert_eq!(none.stderr, "");
    assert_eq!(none.json()["logs"][1]["segments_removed"], 0);
    // A consumer that has read nothing.
    let id = text(&dir.join("session.toml"));
    let id = id.lines().find_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"')).unwrap();
    let byte = |at: usize| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap();
    let id = SessionId(std::array::from_fn(byte));
    let cursors = Directory::new(dir.join("output/cursors"));
    let name = CursorName::new("slow").unwrap();
    let (mut cursor, _) = Cursor::open(&cursors, &name, id, CursorSync::None).unwrap();
    let held = pruned(&dir, &["--keep", "1s"]).ended_with(0);
    assert!(held.stderr.contains("a consumer has not read"), "{held:#?}");
    assert_eq!(segments(&dir, "output"), before);
    let mut place = CursorPlace::START;
    place.next.segment = SegmentNumber(1);
    cursor.update(&place).unwrap();
    pruned(&dir, &["--keep", "1s"]).ended_with(0);
    assert_eq!(segments(&dir, "output"), before[1..]);
    for wrong in [&[][..], &["--keep", "5"], &["--keep-bytes", "many"]] {
        pruned(&dir, wrong).ended_with(2);
    }
}

#[test]
fn a_session_whose_front_is_gone_says_so_where_it_is_needed_and_verifies() {
    let place = Place::new();
    let dir = recorded(&place);
    let info = || tapewatch(&["journal", "info", arg(&dir), "--json"]).ended_with(0).json();
    let whole = info();
    prune(&directories(&dir), LogKind::Journal, SegmentNumber(3)).unwrap();
    let report = tapewatch(&["journal", "verify", arg(&dir), "--json"]).ended_with(0).json();
    assert_eq!(report["pruned"]["first_segment"], 3, "{report:#}");
    let last = report["pruned"]["last_sequence"].as_u64().unwrap();
    let left = info();
    assert!(left["first_sequence"].as_u64().unwrap() > last);
    assert_eq!(left["last_sequence"], whole["last_sequence"]);
    let dump = tapewatch(&["journal", "dump", arg(&dir), "--limit", "1", "--json"]).ended_with(0);
    assert_eq!(dump.json()["sequence"], left["first_sequence"]);

    let told = format!("up to message {last}, were pruned");
    let input = place.path("day.itch");
    let mut resumed = place.record(arg(&input), &dir, MODES[0]);
    resumed.push(String::from("--resume"));
    resumed.extend(BARS.map(String::from));
    tapewatch(&["replay", arg(&dir)]).ended_with(2).says(&[&told, "snapshot"]);
    tapewatch(&["journal", "verify", arg(&dir), "--deep"]).ended_with(2).says(&[&told]);
    tapewatch(&resumed).ended_with(2).says(&[&told]);
    // As if its writer had died.
    let description = dir.join("session.toml");
    let died = text(&description).replacen("\"complete\"", "\"recording\"", 1);
    fs::write(&description, &died).unwrap();
    tapewatch(&resumed).ended_with(2).says(&[&told, "gone on with"]);
    assert_eq!(text(&description), died);

    for end in ["seg.zst", "idx"] {
        fs::remove_file(dir.join(format!("journal/00000004.{end}"))).unwrap();
    }
    tapewatch(&["journal", "verify", arg(&dir)])
        .ended_with(1)
        .says(&["segments 4 to 4 are missing"]);
}

#[test]
fn a_recording_prunes_as_it_is_configured_and_gives_the_same_results() {
    let place = Place::new();
    let whole = recorded(&place);
    let dir = place.path("pruned");
    let mut args = place.record("-", &dir, MODES[0]);
    args.extend(BARS.map(String::from));
    args.extend(["--set", "retention.keep_bytes=1"].map(String::from));
    let mut running = Running::start(&args);
    let (session, end) = (session(), session().bytes().len() - (100 << 10));
    running.feed(&session.bytes()[..end]).unwrap();
    running.until("a pruned output log", || fs::metadata(dir.join("output/pruned")).ok());
    running.feed(&session.bytes()[end..]).unwrap();
    running.close_input();
    let run = running.end().ended_with(0);
    assert_eq!(run.stderr, "");
    assert!(segments(&dir, "output")[0] != "00000000.seg.zst");
    let report = tapewatch(&["journal", "verify", arg(&dir), "--json"]).ended_with(0).json();
    assert!(report["output"]["pruned"]["first_segment"].as_u64() > Some(0), "{report:#}");
    let [ours, theirs] = [&dir, &whole].map(|dir| text(&dir.join("report/bars.csv")));
    assert!(ours == theirs);
}

#[test]
fn a_killed_session_goes_on_from_its_snapshot_after_its_front_was_pruned() {
    for mode in MODES {
        let place = Place::new();
        let input = place.file("day.itch", session().bytes());
        let snapshots = ["--set", "snapshots.every_messages=10000"];
        let args = |input: &str, dir: &Path| {
            let mut args = place.record(input, dir, mode);
            args.extend(BARS.map(String::from));
            args.extend(snapshots.map(String::from));
            args
        };
        let (whole, dir) = (place.path("whole"), place.path("session"));
        tapewatch(&args(arg(&input), &whole)).ended_with(0);
        let mut running = Running::start(&args("-", &dir));
        running.feed(&session().bytes()[..session().bytes().len() - (200 << 10)]).unwrap();
        let is_whole = |name: &String| name.ends_with(".snap");
        running.until("two snapshots", || {
            let names = fs::read_dir(dir.join("snapshots")).ok()?.flatten();
            let names = names.filter_map(|entry| entry.file_name().into_string().ok());
            (names.filter(is_whole).count() >= 2).then_some(())
        });
        let running_pruned = pruned(&dir, &["--keep", "1s"]).ended_with(0).json();
        running.kill();
        let logs = &running_pruned["logs"];
        assert!(logs[0]["segments_removed"].as_u64() > Some(0), "{mode:?}: {running_pruned:#}");
        pruned(&dir, &["--keep-bytes", "0"]).ended_with(0);
        let report = tapewatch(&["journal", "verify", arg(&dir), "--json"]).ended_with(0).json();
        assert!(report["pruned"]["first_segment"].as_u64() > Some(0), "{report:#}");
        let mut again = args(arg(&input), &dir);
        again.push(String::from("--resume"));
        tapewatch(&again).ended_with(0);
        tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
        for name in ["bars.csv", "symbols.csv"] {
            let [ours, theirs] = [&dir, &whole].map(|dir| text(&dir.join("report").join(name)));
            assert!(ours == theirs, "{mode:?}: {name}");
        }
        let summary = |dir: &Path| -> serde_json::Value {
            serde_json::from_str(&text(&dir.join("report/summary.json"))).unwrap()
        };
        let (ours, theirs) = (summary(&dir), summary(&whole));
        for key in ["state_hash", "messages", "bars", "by_type", "quality"] {
            assert_eq!(ours[key], theirs[key], "{mode:?}: {key}");
        }
        // Without a snapshot nothing stands in for what is gone.
        fs::remove_dir_all(dir.join("snapshots")).unwrap();
        tapewatch(&["replay", arg(&dir)]).ended_with(2).says(&["were pruned"]);
    }
}
