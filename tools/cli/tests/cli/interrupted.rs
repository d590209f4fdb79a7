//! Ctrl-C and a polite kill: a recording ends in order with all that it received, and at once when it
//! is asked a second time.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::process::Signal;
use tapewatch_tests::session::RandomSession;

use crate::recording::{
    MODES, Place, applied, came_to, journaled, names, replayed, sent, verified, words,
};
use crate::running::Running;
use crate::support::{arg, capture, text};

/// Messages in each packet, packets at the start, and packets that a slow replay never gets to.
const PER_PACKET: usize = 30;
const FIRST: usize = 40;
const LATER: usize = 40;

/// A capture of which the first half comes at once and the other, at the speed of `SLOW`, a quarter
/// of an hour later.
fn slow_capture(place: &Place, session: &RandomSession) -> PathBuf {
    let packets: Vec<(u32, u8, u64, &[u8])> = (0..FIRST + LATER)
        .map(|packet| {
            let at_ms = if packet < FIRST { 0 } else { 900 };
            let [from, to] = [packet, packet + 1].map(|at| session.prefix(at * PER_PACKET).len());
            let first = (packet * PER_PACKET + 1) as u64;
            (at_ms, 1, first, &session.bytes()[from..to])
        })
        .collect();
    place.file("slow.pcap", &capture(&packets))
}

const SLOW: [&str; 2] = ["--speed", "0.001x"];
const RECEIVED: u64 = (FIRST * PER_PACKET) as u64;

/// Starts a recording that has received the first half and waits for the other.
fn waiting(place: &Place, dir: &Path, mode: (&str, &str), more: &[&str]) -> Running {
    let session = RandomSession::new(6, 20, (FIRST + LATER) * PER_PACKET);
    let input = slow_capture(place, &session);
    let mut args = place.record(arg(&input), dir, mode);
    args.extend(words(&SLOW));
    // Windows of that size are put out because nothing more comes.
    args.extend(words(&["--bar", "36525d"]));
    args.extend(words(more));
    let mut recording = Running::start(&args);
    recording.until("the first half", || (journaled(dir)? == RECEIVED).then_some(()));
    recording
}

fn ends_in_order(signal: Signal, mode: (&str, &str), more: &[&str]) {
    let place = Place::new();
    let dir = place.path("session");
    let recording = waiting(&place, &dir, mode, more);
    recording.signal(signal);
    let run = recording.end().ended_with(1);
    run.says(&["tapewatch: error: interrupted after 1,200 message(s)"]);

    // All that was received went all the way through the rings.
    let summary = run.json();
    assert_eq!(summary["messages"], RECEIVED);
    let session = RandomSession::new(6, 20, (FIRST + LATER) * PER_PACKET);
    let received = session.prefix(FIRST * PER_PACKET);
    let report = dir.join("report");
    assert_eq!(applied(&report), sent(received));

    // The session is one that ended in order.
    let verified = verified(&dir);
    assert!(verified.ended_orderly && verified.torn_bytes == 0, "{verified:#?}");
    assert_eq!(verified.sealed_segments, verified.segments);
    assert_eq!(names(&dir), ["hashes", "journal", "output", "report", "session.toml"]);
    assert_eq!(names(place.memory()), [""; 0]);
    let (again, run) = replayed(&dir, &[], &place.path("again"));
    assert_eq!(again, came_to(&summary, &report));
    let bars = text(&report.join("bars.csv"));
    assert!(bars.lines().count() > 1);
    assert_eq!(text(&place.path("again").join("bars.csv")), bars);
    assert_eq!(run.stderr, "");
    // At the hash point after 1,024 messages, and at the end.
    assert_eq!(run.json()["hash_check"]["equal"], 8);
}

#[test]
fn ctrl_c_ends_a_recording_in_order() {
    for mode in MODES {
        ends_in_order(Signal::INT, mode, &[]);
    }
}

#[test]
fn a_polite_kill_ends_a_pipelined_recording_in_order() {
    for (mode, shards) in MODES.into_iter().zip(["1", "2", "3", "7"]) {
        ends_in_order(Signal::TERM, mode, &["--topology", "pipelined", "--shards", shards]);
    }
}

#[test]
fn asked_a_second_time_a_recording_ends_at_once_and_replays_as_after_a_kill() {
    let session = RandomSession::new(7, 20, 6_000);
    let fed = session.prefix(5_000);
    for mode in MODES {
        let place = Place::new();
        let dir = place.path("session");
        let mut recording = Running::start(&place.record("-", &dir, mode));
        recording.feed(fed).unwrap();
        // The rest of its input does not come, so it cannot look whether it is to end.
        let pid = recording.pid();
        recording.until("a wait for input", || {
            (journaled(&dir)? > 4_800 && is_asleep(pid)).then_some(())
        });
        while recording.is_alive() {
            recording.signal(Signal::INT);
            thread::yield_now();
        }
        let run = recording.end().ended_with(1);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));

        assert!(!verified(&dir).ended_orderly);
        let (came_to, _) = replayed(&dir, &[], &place.path("out"));
        let prefix = session.prefix(usize::try_from(came_to.messages).unwrap());
        let input = place.file("prefix", prefix);
        assert_eq!(came_to, replayed(&input, &[], &place.path("direct")).0);
    }
}

/// Whether the first thread of a process waits for something.
fn is_asleep(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{pid}/stat")).unwrap();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
}

#[test]
fn a_simulation_that_is_interrupted_leaves_what_was_there_before() {
    let place = Place::new();
    let out = place.path("day");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("session.itch"), "earlier").unwrap();
    let messages = "4000000000";
    let args = words(&["simulate", "--messages", messages, "--quiet", "--out", arg(&out)]);
    let mut simulation = Running::start(&args);
    simulation.until("a file is begun", || (names(&out).len() > 1).then_some(()));
    simulation.signal(Signal::INT);
    simulation.end().ended_with(1).says(&["interrupted", "what was there before stays"]);
    assert_eq!(names(&out), ["session.itch"]);
    assert_eq!(fs::read(out.join("session.itch")).unwrap(), b"earlier");
}
