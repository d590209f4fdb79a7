//! A recorded run that is killed and gone on with puts out each bar once, and tells of each alert once.
//!
//! A hundred kills: at every named place around appends, releases, segment rolls and moves of the
//! cursor, each of which must have been hit, and at random moments. Sessions are killed several times
//! over, in both topologies, in memory and on disk, with the journal appended inline and on a thread of
//! its own. In the end `bars.csv` must be that of an undisturbed run, byte for byte, and so must be the
//! state, the other outputs and what the output log tells of alerts.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tapewatch_tests::random::Random;

use crate::killed_day::{Day, Kill, OUTPUTS, alerts_told, hashes, killed};
use crate::support::{arg, tapewatch, text};

/// Kills in all.
const KILLS: usize = 100;

/// What is killed: each place several times over, most of them while the session is young, so that
/// there is enough left for the next.
fn kills() -> Vec<Kill> {
    let places = [
        "journal.append.before",
        "journal.append.after",
        "journal.roll.before",
        "journal.roll.after",
        "output.append.before",
        "output.append.after",
        "output.roll.before",
        "output.roll.after",
        "output.release.before",
        "output.release.after",
        "output.cursor.before",
        "output.cursor.after",
    ];
    let mut random = Random::new(11);
    let mut kills = Vec::new();
    while kills.len() < KILLS {
        for place in places {
            // A roll takes some hundred appends; of the others there are plenty in what is left.
            let hit = match place {
                _ if place.contains(".roll.") => 1,
                _ if place.contains(".cursor.") => 1,
                _ if place.starts_with("journal") => 1 + random.below(40),
                _ => 1 + random.below(300),
            };
            kills.push(Kill::At(place, hit));
        }
        kills.extend([0, 1].map(|_| Kill::Grown(1 + random.below(40_000))));
    }
    kills.truncate(KILLS);
    kills
}

/// Kills a run when its file of bars has something, which it reads at a pace so that most is to come.
fn killed_early(args: &[String], session: &Path) {
    let slow: Vec<String> =
        args.iter().cloned().chain(["--speed", "20000x"].map(String::from)).collect();
    assert!(killed(&slow, session, Kill::Grown(40_000)));
}

#[test]
fn a_cursor_ahead_of_what_a_power_cut_left_of_the_log_does_not_lose_a_bar() {
    let day = Day::new();
    let expected = day.outputs(&day.dir.path().join("undisturbed"));
    let session = day.dir.path().join("session");
    let settings = ["journal.place=disk", "output.segment_bytes=4194304"];
    let mut args = day.args(&session, &settings);
    args.push(String::from("--resume"));
    killed_early(&args, &session);
    // The disk has the file and the cursor, and of the log only the first page.
    let segment = fs::OpenOptions::new().write(true).open(session.join("output/00000000.seg"));
    let segment = segment.unwrap();
    let bytes = segment.metadata().unwrap().len();
    segment.set_len(4_096).unwrap();
    segment.set_len(bytes).unwrap();
    // Also where the run that goes on dies before it has written a line.
    let died = killed(&args, &session, Kill::At("output.append.before", 1));
    assert!(died);
    tapewatch(&args).ended_with(0);
    assert_eq!(day.outputs(&session), expected);
}

#[test]
fn an_interruption_before_all_has_come_again_that_was_put_out_leaves_the_session_to_go_on() {
    let day = Day::new();
    let expected = day.outputs(&day.dir.path().join("undisturbed"));
    let session = day.dir.path().join("session");
    let mut args = day.args(&session, &["journal.place=disk", "journal.segment_bytes=4194304"]);
    args.push(String::from("--resume"));
    killed_early(&args, &session);
    // A power cut took most of the journal, and nothing of the output log.
    let segment = fs::OpenOptions::new().write(true).open(session.join("journal/00000000.seg"));
    let segment = segment.unwrap();
    let bytes = segment.metadata().unwrap().len();
    // The session's description, which is first, is more than a page.
    segment.set_len(16_384).unwrap();
    segment.set_len(bytes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
    command.args(&args).args(["--speed", "4000x"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let appended = || {
        let journal = fs::read(session.join("journal/00000001.seg")).unwrap_or_default();
        journal.get(4_096..8_192).is_some_and(|page| page.iter().any(|&byte| byte != 0))
    };
    while !appended() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    tapewatch(&args).ended_with(0);
    assert_eq!(day.outputs(&session), expected);
}

#[test]
fn a_session_that_was_interrupted_and_killed_while_it_ended_ends_where_its_journal_does() {
    let day = Day::new();
    let session = day.dir.path().join("session");
    let mut args = day.args(&session, &[]);
    args.push(String::from("--resume"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
    command.args(&args).args(["--speed", "20000x"]).stdin(Stdio::null()).stdout(Stdio::null());
    command.env("TAPEWATCH_FAILPOINT", "journal.end.after@1").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let bars = session.join("report/bars.csv");
    while fs::metadata(&bars).map_or(0, |metadata| metadata.len()) < 40_000 {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    // The input has more than the session had by then, which is no other input.
    args.retain(|arg| arg != "--quiet");
    let run = tapewatch(&args).ended_with(0);
    for note in ["which is gone; it is taken over", "had ended in order here"] {
        assert!(run.stderr.contains(note), "{run:#?}");
    }
    let again = day.dir.path().join("again");
    tapewatch(&["replay", arg(&session), "--quiet", "--out", arg(&again)]).ended_with(0);
    let [report, again] = [session.join("report"), again].map(|dir| text(&dir.join("bars.csv")));
    assert!(report == again && report.lines().count() > 300);
}

#[test]
fn a_hundred_kills_leave_each_bar_once() {
    let day = Day::new();
    let expected = day.outputs(&day.dir.path().join("undisturbed"));
    let expected_hashes = hashes(&day.dir.path().join("undisturbed"));
    let expected_alerts = alerts_told(&day.dir.path().join("undisturbed"), None);
    let modes: [&[&str]; 4] = [
        &[],
        &["journal.place=disk", "journal.append=thread"],
        &["engine.topology=pipelined", "engine.shards=2", "journal.append=thread"],
        &[
            "journal.place=disk",
            "journal.sync=interval",
            "journal.sync_interval_ms=1",
            "output.release=synced",
        ],
    ];
    let mut hit = std::collections::BTreeSet::new();
    let (mut kills, mut sessions) = (kills().into_iter(), 0);
    let mut count = 0;
    while kills.len() > 0 {
        let session: PathBuf = day.dir.path().join(format!("session-{sessions}"));
        let mut args = day.args(&session, modes[sessions % modes.len()]);
        args.push(String::from("--resume"));
        // Five kills a session, and then to the end.
        for kill in kills.by_ref().take(5) {
            if killed(&args, &session, kill) {
                count += 1;
                if let Kill::At(place, _) = kill {
                    hit.insert(place);
                }
            }
        }
        tapewatch(&args).ended_with(0);
        let outputs = day.outputs(&session);
        for (name, (output, expected)) in OUTPUTS.iter().zip(outputs.iter().zip(&expected)) {
            assert!(output == expected, "session {sessions}: {name} is another");
        }
        assert_eq!(hashes(&session), expected_hashes, "session {sessions}");
        assert_eq!(alerts_told(&session, None), expected_alerts, "session {sessions}");
        // Both logs are whole, and the session replays to the digests on record.
        tapewatch(&["journal", "verify", arg(&session), "--quiet"]).ended_with(0);
        // Finished: written once more, the same.
        tapewatch(&args).ended_with(0);
        assert_eq!(day.outputs(&session)[0], expected[0], "session {sessions}, once more");
        fs::remove_dir_all(&session).unwrap();
        sessions += 1;
    }
    assert_eq!(hit.len(), 12, "{hit:?}");
    assert!(count >= KILLS * 9 / 10, "{count} kills of {KILLS}");
    // Nothing stays in memory.
    assert_eq!(fs::read_dir(day.dir.path().join("memory")).unwrap().count(), 0);
}
