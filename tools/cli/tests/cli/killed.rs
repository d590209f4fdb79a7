//! A recording that is killed: nothing in its journal is called corrupt, it replays as far as it goes,
//! and that far it is the input.
//!
//! The input comes through a pipe, so a test knows that all but the last 64 KiB of what it wrote has
//! been read when it kills.

use std::fs;

use tapewatch_tests::random::Random;
use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, names, replayed, verified};
use crate::running::Running;
use crate::support::{arg, tapewatch};

/// Of each mode; fifty and more in all.
const KILLS: u64 = 13;

const MESSAGES: usize = 40_000;

/// When a recording is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// As soon as its directory is there.
    Start,
    /// When the first bytes of the input, so many, have been taken.
    Fed(usize),
}

/// Records the session with these settings and kills it; tells how many bytes it was given at most.
fn record_and_kill(session: &RandomSession, args: &[String], dir: &str, moment: Moment) -> usize {
    let mut recording = Running::start(args);
    let bytes = session.bytes();
    let fed = match moment {
        // So much is read before the input is known for what it is.
        Moment::Start => 256 << 10,
        Moment::Fed(fed) => fed,
    };
    recording.feed(&bytes[..fed]).unwrap();
    if let Moment::Start = moment {
        recording.until("a directory", || fs::metadata(dir).ok());
    }
    recording.kill();
    fed
}

/// What was found in all kills of a mode.
#[derive(Debug, Default)]
struct Found {
    sessions: u64,
    messages: u64,
    rolls: u64,
    digests: u64,
}

fn kill_many(mode: (&str, &str)) {
    let session = RandomSession::new(5, 40, MESSAGES);
    let mut random = Random::new(mode.0.len() as u64 * 31 + mode.1.len() as u64);
    let mut found = Found::default();
    for kill in 0..KILLS {
        let place = Place::new();
        let dir = place.path("session");
        let mut args = place.record("-", &dir, mode);
        if kill % 2 == 1 {
            args.extend(["--shards", "2"].map(String::from));
        } else {
            // The engine itself writes digests, not a follower that a kill overtakes.
            args.extend(["--set", "snapshots.every_messages=0"].map(String::from));
        }
        let moment = match kill {
            0 | 1 => Moment::Start,
            _ => Moment::Fed(1_000 + random.below(session.bytes().len() as u64 - 1_000) as usize),
        };
        let fed = record_and_kill(&session, &args, arg(&dir), moment);
        check(&session, &place, fed, mode, &mut found);
    }
    assert!(found.sessions >= KILLS - 2, "{found:?}");
    assert!(found.messages > 0 && found.rolls > 0 && found.digests > 0, "{found:?}");
}

/// What a killed recording left.
fn check(
    session: &RandomSession,
    place: &Place,
    fed: usize,
    mode: (&str, &str),
    found: &mut Found,
) {
    let dir = place.path("session");
    if !dir.join("session.toml").exists() {
        // It was killed before there was a session, so nothing was accepted.
        tapewatch(&["replay", arg(&dir), "--format", "session"]).ended_with(2);
        return;
    }
    let report = verified(&dir);
    assert!(!report.ended_orderly, "{mode:?}: it was not killed mid-run");
    let (came_to, run) = replayed(&dir, &[], &place.path("out"));
    assert!(run.stderr.lines().count() <= 1, "{run:#?}");
    for line in run.stderr.lines() {
        assert!(line.starts_with("tapewatch: note: "), "{run:#?}");
    }
    let check = &run.json()["hash_check"];
    assert!(check["mismatch"].is_null() && check["not_comparable"].is_null(), "{check}");

    // What it holds is the beginning of what it was given.
    let count = usize::try_from(came_to.messages).unwrap();
    let prefix = session.prefix(count);
    assert!(prefix.len() <= fed, "{mode:?}: {count} messages out of {fed} bytes");
    let input = place.file("prefix", prefix);
    let (direct, _) = replayed(&input, &[], &place.path("direct"));
    assert_eq!(came_to, direct, "{mode:?}");
    let last_sequence = report.last_sequence.map_or(0, |sequence| sequence.0);
    assert_eq!(came_to.messages, last_sequence);

    // Appended before the engine sees it, so before any digest of it. With a thread that appends,
    // what stood in the ring to it was not accepted yet.
    let digests = fs::read_to_string(dir.join("hashes")).unwrap_or_default();
    let last = digests.lines().rev().find_map(|line| line.split(',').next()?.parse::<u64>().ok());
    if mode.1 == "inline" {
        assert!(last.unwrap_or(0) <= came_to.messages, "{mode:?}: {last:?}");
    }
    found.sessions += 1;
    found.messages += came_to.messages;
    found.rolls += report.sealed_segments;
    found.digests += check["equal"].as_u64().unwrap();
    // What a kill leaves is known to the lock, and nothing else is there.
    let known = ["hashes", "journal", "lock", "output", "report", "session.toml"];
    for name in names(&dir) {
        assert!(known.contains(&name.as_str()), "{name}");
    }
    // The run's board is in memory wherever its logs are.
    assert_eq!(names(place.memory()).len(), 1);
}

#[test]
fn a_killed_recording_in_memory_replays_as_far_as_it_went() {
    kill_many(MODES[0]);
}

#[test]
fn a_killed_recording_in_memory_by_a_thread_replays_as_far_as_it_went() {
    kill_many(MODES[1]);
}

#[test]
fn a_killed_recording_on_disk_replays_as_far_as_it_went() {
    kill_many(MODES[2]);
}

#[test]
fn a_killed_recording_on_disk_by_a_thread_replays_as_far_as_it_went() {
    kill_many(MODES[3]);
}
