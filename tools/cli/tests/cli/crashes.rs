//! A session that is killed anywhere goes on as if nothing had happened.
//!
//! A parent kills a child that replays and journals: at every named place there is, each of which must
//! have been hit, and at random moments; also while it recovers, and while it recovers from that. It is
//! gone on with each time, and in the end state, digests, outputs and all that the journal accepted are
//! those of a run that nobody disturbed, in all ways of journaling.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use engine::failpoint;
use tapewatch_tests::random::Random;

use crate::killed_day::{Day, Kill, accepted, alerts_told, hashes, killed};
use crate::support::{arg, tapewatch, text};

/// Ways of journaling; in the last of them with a key.
const MODES: [&[&str]; 5] = [
    &[],
    &["journal.place=disk", "journal.append=thread"],
    &["engine.topology=pipelined", "engine.shards=2", "journal.append=thread"],
    &["journal.place=disk", "journal.sync=batch", "output.release=synced"],
    &["journal.sync=interval", "journal.sync_interval_ms=1"],
];

/// The mode that encrypts.
const ENCRYPTED: usize = MODES.len() - 1;

/// Places that a recording does not come by: the commands that do are killed in tests of their own.
fn is_of_other_commands(name: &str) -> bool {
    name.contains(".prune.") || name.contains(".repair.") || name.starts_with("symbols.")
}

/// Snapshots and digests often enough that a short day has many.
const OFTEN: [&str; 3] =
    ["snapshots.every_messages=7000", "snapshots.keep=2", "hashes.every_sequences=2048"];

/// All that a session has come to.
#[derive(PartialEq, Eq)]
struct Outcome {
    outputs: Vec<String>,
    hashes: String,
    hashes_file: String,
    alerts_told: (usize, Vec<String>),
    accepted: engine::snapshot::Accepted,
}

impl Outcome {
    fn of(day: &Day, session: &Path, key: Option<&Path>) -> Outcome {
        Outcome {
            outputs: day.outputs(session),
            hashes: hashes(session),
            hashes_file: text(&session.join("hashes")),
            alerts_told: alerts_told(session, key),
            accepted: accepted(session, key),
        }
    }

    fn assert_is(&self, expected: &Outcome, what: &str) {
        assert!(self.accepted == expected.accepted, "{what}: the journal holds something else");
        assert!(self.outputs == expected.outputs, "{what}: the outputs are others");
        assert_eq!(self.alerts_told, expected.alerts_told, "{what}");
        assert_eq!(self.hashes, expected.hashes, "{what}");
        let (lines, expected) = (self.hashes_file.lines(), expected.hashes_file.lines());
        let differs = lines.zip(expected.clone()).position(|(line, expected)| line != expected);
        let counts = (self.hashes_file.lines().count(), expected.count());
        assert_eq!((differs, counts.0), (None, counts.1), "{what}: the digests are others");
    }
}

struct Rig {
    day: Day,
    expected: Outcome,
}

impl Rig {
    fn new() -> Rig {
        let day = Day::new();
        let session = day.dir.path().join("snapshots");
        tapewatch(&day.args(&session, &OFTEN)).ended_with(0);
        let expected = Outcome::of(&day, &session, None);
        let key = day.dir.path().join("key");
        fs::write(&key, "7f".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let snapshots = fs::read_dir(session.join("snapshots")).unwrap().count();
        assert_eq!(snapshots, 2, "as many as are kept");
        assert!(expected.hashes_file.lines().count() > 4 * 20, "many digests");
        // Taking snapshots changes nothing else.
        let undisturbed = day.dir.path().join("undisturbed");
        assert!(expected.outputs == day.outputs(&undisturbed));
        assert_eq!(expected.hashes, hashes(&undisturbed));
        Rig { day, expected }
    }

    fn args(&self, session: &Path, mode: usize) -> Vec<String> {
        let settings = [&OFTEN[..], MODES[mode]].concat();
        let mut args = self.day.args(session, &settings);
        if mode == ENCRYPTED {
            let key = self.day.dir.path().join("key");
            args.extend([String::from("--set"), format!("encryption.key_file={}", key.display())]);
        }
        args.push(String::from("--resume"));
        args
    }

    /// To the end, and what that came to.
    fn finish(&self, args: &[String], session: &Path, what: &str) {
        tapewatch(args).ended_with(0);
        let key = self.day.dir.path().join("key");
        let key = args.iter().any(|arg| arg.contains("key_file")).then_some(&*key);
        Outcome::of(&self.day, session, key).assert_is(&self.expected, what);
        let is_plain = |name: &str| name.ends_with(".seg") || name.ends_with(".snap");
        let plain = ["journal", "output", "snapshots"].iter().any(|directory| {
            let mut names = fs::read_dir(session.join(directory)).unwrap().flatten();
            names.any(|file| is_plain(file.file_name().to_str().unwrap()))
        });
        assert!(!(plain && key.is_some()), "{what}: something is not encrypted");
        tapewatch(&["journal", "verify", arg(session), "--quiet"]).ended_with(0);
        fs::remove_dir_all(session).unwrap();
    }
}

#[test]
fn a_kill_at_every_named_place_changes_nothing() {
    let rig = Rig::new();
    let names = failpoint::NAMES.iter().map(|(name, _)| *name);
    let names: Vec<&str> = names.filter(|name| !is_of_other_commands(name)).collect();
    let mut missed: BTreeSet<&str> = names.iter().copied().collect();
    assert!(missed.len() > 30, "{missed:?}");
    let mut random = Random::new(23);
    for (at, name) in names.iter().enumerate() {
        // A place that one way of journaling does not come by another does.
        for turn in 0..MODES.len() {
            let mode = (at + turn) % MODES.len();
            let session = rig.day.dir.path().join(format!("{name}-{mode}"));
            let args = rig.args(&session, mode);
            // What is recovered from: a run that died young.
            let young = Kill::At("journal.append.after", 150 + random.below(300));
            assert!(killed(&args, &session, young));
            let is_hit = killed(&args, &session, Kill::At(name, 1));
            // Once more at the same place, where there is still something to recover.
            let is_again = is_hit && killed(&args, &session, Kill::At(name, 1));
            rig.finish(&args, &session, &format!("{name}, hit {is_hit}, again {is_again}"));
            if is_hit {
                missed.remove(*name);
                break;
            }
        }
    }
    assert!(missed.is_empty(), "never hit: {missed:?}");
    assert_eq!(fs::read_dir(rig.day.dir.path().join("memory")).unwrap().count(), 0);
}

#[test]
fn kills_at_random_moments_change_nothing() {
    let rig = Rig::new();
    let mut random = Random::new(29);
    let mut all = 0;
    for round in 0..20 {
        let mode = round % MODES.len();
        let session = rig.day.dir.path().join(format!("random-{round}"));
        let args = rig.args(&session, mode);
        let mut kills = 0;
        for _ in 0..5 {
            let kill = Kill::Grown(1 + random.below(60_000));
            kills += u32::from(killed(&args, &session, kill));
        }
        rig.finish(&args, &session, &format!("round {round}, {kills} kills"));
        all += kills;
    }
    assert!(all >= 80, "{all} kills of 100");
}

/// Snapshots that are damaged are passed over, down to none; each is told.
#[test]
fn a_damaged_snapshot_is_told_and_the_one_before_it_used() {
    let rig = Rig::new();
    for damaged in 1..=2 {
        let session = rig.day.dir.path().join(format!("damaged-{damaged}"));
        let mut args = rig.args(&session, 1);
        args.retain(|arg| arg != "--quiet");
        assert!(killed(&args, &session, Kill::At("snapshot.remove.after", 2)));
        let mut names: Vec<_> =
            fs::read_dir(session.join("snapshots")).unwrap().map(|it| it.unwrap().path()).collect();
        names.sort();
        assert_eq!(names.len(), 2);
        for name in names.iter().rev().take(damaged) {
            let mut bytes = fs::read(name).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(name, bytes).unwrap();
        }
        let run = tapewatch(&args).ended_with(0);
        assert_eq!(
            run.stderr.matches("a snapshot is passed over").count(),
            damaged,
            "{}",
            run.stderr
        );
        let summary = text(&session.join("report/summary.json"));
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["restarted_from"].is_null(), damaged == 2, "{summary}");
        Outcome::of(&rig.day, &session, None)
            .assert_is(&rig.expected, &format!("{damaged} damaged"));
    }
}

#[test]
fn another_input_is_refused_where_only_the_snapshot_has_seen_the_difference() {
    let rig = Rig::new();
    let session = rig.day.dir.path().join("session");
    let args = rig.args(&session, 0);
    assert!(killed(&args, &session, Kill::At("snapshot.rename.after", 3)));
    let input = rig.day.dir.path().join("day/session.itch");
    let mut bytes = fs::read(&input).unwrap();
    // The tracking number of an early message: the engine does not look at it.
    bytes[2 + 4] ^= 1;
    let other = rig.day.dir.path().join("other.itch");
    fs::write(&other, &bytes).unwrap();
    let mut others = args.clone();
    others[1] = other.display().to_string();
    tapewatch(&others).ended_with(2).says(&["not the one that the session was recorded from"]);
    // One that ends before the snapshot does.
    let bytes = fs::read(&input).unwrap();
    let mut end = 0;
    while end < 1_000 {
        end += 2 + usize::from(u16::from_be_bytes([bytes[end], bytes[end + 1]]));
    }
    fs::write(&other, &bytes[..end]).unwrap();
    tapewatch(&others).ended_with(2).says(&["not the one that the session was recorded from"]);
    rig.finish(&args, &session, "after other inputs");
}

/// What an input is makes no difference to a session that goes on with it.
#[test]
fn a_session_goes_on_from_compressed_captured_and_piped_input() {
    let day = Day::new();
    let at = |name: &str| day.dir.path().join(name);
    let plain = fs::read(at("day/session.itch")).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    fs::write(at("session.itch.gz"), encoder.finish().unwrap()).unwrap();
    fs::write(at("session.itch.zst"), zstd::encode_all(&plain[..], 1).unwrap()).unwrap();
    let simulate = ["simulate", "--seed", "9", "--symbols", "12", "--messages", "60000", "--pcap"];
    let captured = at("captured");
    let whole = ["--inject", "all", "-q", "--out", arg(&captured)];
    tapewatch(&[&simulate[..], &whole].concat()).ended_with(0);
    let inputs = ["session.itch.gz", "session.itch.zst", "captured/session.pcap", "-"];
    for (number, input) in inputs.into_iter().enumerate() {
        let run = |session: &Path, place: Option<&str>| {
            let mut args = day.args(session, &OFTEN);
            args[1] = match input {
                "-" => String::from("-"),
                file => at(file).display().to_string(),
            };
            args.push(String::from("--resume"));
            let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
            command.args(&args).stdout(Stdio::null()).stderr(Stdio::piped()).stdin(Stdio::piped());
            if let Some(place) = place {
                command.env("TAPEWATCH_FAILPOINT", place);
            }
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let bytes = plain.clone();
            let feeds = input == "-";
            let feeding = std::thread::spawn(move || {
                // One that is killed reads no further.
                let _ = feeds.then(|| stdin.write_all(&bytes));
            });
            let output = child.wait_with_output().unwrap();
            feeding.join().unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let undisturbed = at(&format!("undisturbed-{number}"));
        assert_eq!(run(&undisturbed, None), (Some(0), String::new()), "{input}");
        let expected = Outcome::of(&day, &undisturbed, None);
        let session = at(&format!("killed-{number}"));
        for place in ["journal.append.after@200", "snapshot.rename.after@2"] {
            let (status, stderr) = run(&session, Some(place));
            assert_eq!(
                (status, stderr.contains("failpoint")),
                (None, true),
                "{input} {place}: {stderr}"
            );
        }
        assert_eq!(run(&session, None), (Some(0), String::new()), "{input}");
        Outcome::of(&day, &session, None).assert_is(&expected, input);
    }
}

#[test]
fn snapshots_that_cannot_be_written_are_told_and_harm_nothing_else() {
    let day = Day::new();
    let session = day.dir.path().join("session");
    fs::create_dir(&session).unwrap();
    // Where the directory should be.
    fs::write(session.join("snapshots"), "").unwrap();
    let mut args = day.args(&session, &OFTEN);
    tapewatch(&args).ended_with(1).says(&["cannot write a snapshot", "snapshots", "make room"]);
    let undisturbed = day.dir.path().join("undisturbed");
    assert!(day.outputs(&session) == day.outputs(&undisturbed));
    assert_eq!(hashes(&session), hashes(&undisturbed));
    tapewatch(&["journal", "verify", arg(&session), "--deep", "--quiet"]).ended_with(0);
    // Nor do they keep a session from going on.
    let killed_one = day.dir.path().join("killed");
    args = day.args(&killed_one, &OFTEN);
    args.push(String::from("--resume"));
    assert!(killed(&args, &killed_one, Kill::At("snapshot.rename.after", 2)));
    fs::remove_dir_all(killed_one.join("snapshots")).unwrap();
    fs::write(killed_one.join("snapshots"), "").unwrap();
    let run = tapewatch(&args).ended_with(1);
    assert!(run.stderr.contains("snapshots"), "{}", run.stderr);
    fs::remove_file(killed_one.join("snapshots")).unwrap();
    tapewatch(&args).ended_with(0);
    assert!(day.outputs(&killed_one) == day.outputs(&undisturbed));
    assert_eq!(hashes(&killed_one), hashes(&undisturbed));
}
