//! A session that is killed anywhere and begun again, and a consumer of what comes out that is killed too: each
//! output is in the log once, in its order, and in the consumer's file once.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use engine::journal::RecordKind;
use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::frame::FrameTag;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::verify::verify;
use engine::output::reader::{NextOutput, OutputReader};
use engine::output::record::OutputRecord;
use tapewatch_tests::outputs::{PACKETS, Told, outputs, place};

/// What the session tells altogether, as records.
fn expected() -> Vec<String> {
    let told = (1..=PACKETS).flat_map(outputs).map(|(cause, told)| {
        let record = match told {
            Told::Bar(bar) => OutputRecord::Bar { cause, bar, name: Some(b"TEST") },
            Told::Gap(first, end) => {
                OutputRecord::Gap { feed: cause.feed, time: cause.time, first, end }
            }
        };
        record.to_string()
    });
    told.collect()
}

/// Runs one process; tells whether it was killed. It must not end otherwise than killed or done.
fn is_killed(role: &str, root: &Path, failpoint: Option<&str>) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_output_session"));
    command.arg(role).arg(root).env_remove("TAPEWATCH_FAILPOINT");
    if let Some(failpoint) = failpoint {
        command.env("TAPEWATCH_FAILPOINT", failpoint);
    }
    let output = command.output().expect("a process");
    let error = String::from_utf8_lossy(&output.stderr);
    match output.status.signal() {
        Some(signal) => assert_eq!(signal, 9, "{error}"),
        None => assert!(output.status.success(), "{role} at {failpoint:?}: {error}"),
    }
    output.status.signal().is_some()
}

/// The last frame of a log with one of these kinds; none where there is none.
fn last_tag(root: &Path, log: &str, kind: LogKind, kinds: &[u8]) -> Option<FrameTag> {
    let directories = LogDirectories::of(&place(root, log));
    let mut reader = LogReader::open(directories, kind, AtTail::Stop).ok()?;
    let mut last = None;
    while let Next::Frame(frame, _) = reader.next().expect("a sound log") {
        last = Some(frame.tag).filter(|tag| kinds.contains(&tag.kind)).or(last);
    }
    last
}

/// No output is there whose cause is not.
fn assert_accepted(root: &Path) {
    let caused = last_tag(root, "output", LogKind::Output, &[1, 2]);
    let journaled = last_tag(root, "journal", LogKind::Journal, &[RecordKind::Packet as u8]);
    let [caused, journaled] = [caused, journaled].map(|tag| tag.map(|tag| tag.sequence));
    assert!(caused <= journaled, "{caused:?} came out, {journaled:?} is journaled");
}

fn assert_complete(root: &Path) {
    let lines = std::fs::read_to_string(root.join("lines")).expect("the consumer's file");
    assert!(lines.lines().eq(expected()), "each output once");
    let report = verify(&LogDirectories::of(&place(root, "output")), LogKind::Output);
    let report = report.expect("a log");
    assert_eq!(report.faults, []);
    assert!(report.ended_orderly && report.segments > 2);
}

/// Kills a role at a failpoint as often as it gets on by that, at most some times, and lets the other one
/// run between; then lets both end.
fn killed_at(role: &str, failpoint: &str) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let root = root.path();
    let mut kills = 0;
    for _ in 0..4 {
        let at = |own: &str| Some(failpoint).filter(|_| own == role);
        let is_writer_killed = is_killed("write", root, at("write"));
        assert_accepted(root);
        let is_consumer_killed = is_killed("consume", root, at("consume"));
        kills += u32::from(is_writer_killed) + u32::from(is_consumer_killed);
    }
    assert!(kills > 0, "{failpoint} was never hit");
    assert!(!is_killed("write", root, None) && !is_killed("consume", root, None));
    assert_complete(root);
}

#[test]
fn a_session_killed_while_it_releases_outputs_has_each_of_them_once() {
    for name in ["output.release.before", "output.release.after"] {
        for hit in [1, 2, 1_500, 5_800] {
            killed_at("write", &format!("{name}@{hit}"));
        }
    }
}

#[test]
fn a_session_killed_while_its_output_log_appends_rolls_or_ends_has_each_output_once() {
    for failpoint in [
        "output.append.before@1",
        "output.append.before@1500",
        "output.append.after@1",
        "output.append.after@1500",
        "output.roll.before@1",
        "output.roll.after@2",
        "output.keep.sealed@1",
        "output.end.after@1",
    ] {
        killed_at("write", failpoint);
    }
}

#[test]
fn a_session_killed_while_its_journal_appends_or_ends_has_each_output_once() {
    for failpoint in
        ["journal.append.before@700", "journal.append.after@2500", "journal.end.after@1"]
    {
        killed_at("write", failpoint);
    }
}

#[test]
fn a_consumer_killed_while_it_moves_its_cursor_has_each_output_once() {
    for name in ["output.cursor.before", "output.cursor.after"] {
        for hit in [1, 2, 40] {
            killed_at("consume", &format!("{name}@{hit}"));
        }
    }
}

/// Follows the log over the deaths of its writers, to its end.
fn follow(root: &Path, is_over: &AtomicBool) -> Vec<String> {
    let directories = LogDirectories::of(&place(root, "output"));
    let mut reader = loop {
        match OutputReader::open(directories.clone(), AtTail::Wait) {
            Ok(reader) => break reader,
            Err(error) => assert!(!is_over.load(Ordering::Acquire), "{error}"),
        }
        thread::yield_now();
    };
    let mut lines = Vec::new();
    loop {
        let was_over = is_over.load(Ordering::Acquire);
        match reader.next().expect("a sound log") {
            NextOutput::Record(record, _) => lines.push(record.to_string()),
            NextOutput::End => return lines,
            NextOutput::Wait => {
                assert!(!was_over, "it has an end");
                thread::yield_now();
            }
            NextOutput::TornTail { .. } => panic!("a follower waits"),
        }
    }
}

#[test]
fn a_consumer_that_follows_over_the_deaths_of_writers_gets_each_output_once() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let (root, is_over) = (root.path(), AtomicBool::new(false));
    thread::scope(|scope| {
        let follower = scope.spawn(|| follow(root, &is_over));
        let mut kills = 0;
        while is_killed("write", root, Some("output.append.after@900")) {
            kills += 1;
        }
        assert!(kills >= 5, "{kills} kills");
        is_over.store(true, Ordering::Release);
        assert!(follower.join().expect("it follows") == expected());
    });
}
