//! Sessions whose segments are compressed, and encrypted: every command reads them as they are; without
//! the key none does; a changed byte is found; and a process that is killed while it archives has lost
//! nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, Replayed, came_to, names, replayed};
use crate::support::{Run, arg, tapewatch, tapewatch_in, text};

/// A key, and another one.
pub(crate) const KEYS: [&str; 2] = [
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
];

const MESSAGES: usize = 20_000;

/// How segments are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Plain,
    Compressed,
    Encrypted,
}

impl Kept {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Kept::Plain => ".seg",
            Kept::Compressed => ".seg.zst",
            Kept::Encrypted => ".seg.zst.enc",
        }
    }

    pub(crate) fn settings(self, place: &Place) -> Vec<String> {
        let settings = match self {
            Kept::Plain => vec![String::from("archive.compress=false")],
            Kept::Compressed => Vec::new(),
            Kept::Encrypted => {
                vec![format!("encryption.key_file={}", key_file(place, KEYS[0]).display())]
            }
        };
        settings.into_iter().flat_map(|setting| [String::from("--set"), setting]).collect()
    }
}

/// The file with the key, holding this one.
pub(crate) fn key_file(place: &Place, key: &str) -> PathBuf {
    let path = place.file("key", format!("{key}\n").as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn input(place: &Place) -> PathBuf {
    place.file("day.itch", RandomSession::new(10, 20, MESSAGES).bytes())
}

fn arguments(place: &Place, dir: &Path, kept: Kept, mode: (&str, &str)) -> Vec<String> {
    let mut args = place.record(arg(&input(place)), dir, mode);
    args.extend(kept.settings(place));
    args.extend(["--bar", "1ms"].map(String::from));
    args
}

/// Records a session that is kept so.
fn recorded(place: &Place, kept: Kept) -> (PathBuf, Run) {
    let dir = place.path(&format!("{kept:?}"));
    let run = tapewatch(&arguments(place, &dir, kept, MODES[0])).ended_with(0);
    (dir, run)
}

/// Names of the segments of both logs.
fn segments(dir: &Path) -> Vec<String> {
    let all = ["journal", "output"].iter().flat_map(|log| names(&dir.join(log)));
    all.filter(|name| name.contains(".seg")).collect()
}

#[test]
fn every_command_reads_a_session_the_same_however_it_is_kept() {
    let place = Place::new();
    let mut said: Vec<(Vec<String>, Replayed)> = Vec::new();
    for kept in [Kept::Plain, Kept::Compressed, Kept::Encrypted] {
        let (dir, run) = recorded(&place, kept);
        assert_eq!(run.stderr, "");
        let segments = segments(&dir);
        assert!(segments.len() > 4, "{segments:?}");
        let is_kept_so = |name: &String| name.ends_with(kept.extension());
        assert!(segments.iter().all(is_kept_so), "{segments:?}");
        let archive = &run.json()["journal"]["archive"];
        match kept {
            Kept::Plain => assert!(archive.is_null()),
            _ => {
                assert_eq!(archive["segments"], segments.len());
                assert_eq!(archive["failures"], 0);
                let bytes = |key: &str| archive[key].as_u64().unwrap();
                assert!(bytes("archived_bytes") < bytes("plain_bytes"), "{archive}");
            }
        }
        let mut outputs = Vec::new();
        for command in [
            &["journal", "verify"][..],
            &["journal", "dump", "--json"],
            &["tail", "--from-start"],
            &["tail", "--output", "--from-start"],
        ] {
            outputs.push(tapewatch(&[command, &[arg(&dir)]].concat()).ended_with(0).stdout);
        }
        let info = tapewatch(&["journal", "info", arg(&dir), "--json"]).ended_with(0).json();
        assert_eq!(info["messages"], MESSAGES);
        let listed = info["segments"].as_array().unwrap();
        let of_journal = names(&dir.join("journal"));
        assert_eq!(listed.len(), of_journal.iter().filter(|name| name.contains(".seg")).count());
        let (again, run) = replayed(&dir, &["--bar", "1ms"], &place.path("again"));
        assert_eq!(run.json()["hash_check"]["mismatch"], serde_json::Value::Null);
        said.push((outputs, again));
    }
    assert_eq!(said[0].1, said[1].1);
    assert_eq!(said[0].1, said[2].1);
    for kept in &said[1..] {
        // The id and the seal are each session's own.
        assert_eq!(said[0].0[1..], kept.0[1..]);
    }
}

#[test]
fn other_programs_read_a_compressed_segment() {
    let place = Place::new();
    let (dir, _) = recorded(&place, Kept::Compressed);
    let bytes = fs::read(dir.join("journal/00000000.seg.zst")).unwrap();
    let content = zstd::stream::decode_all(&bytes[..]).unwrap();
    assert_eq!(&content[..8], b"TWLOGSEG");
    assert!(content.len() > bytes.len());
}

#[test]
fn without_its_key_an_encrypted_session_is_refused_with_one_line() {
    let place = Place::new();
    let (dir, _) = recorded(&place, Kept::Encrypted);
    let commands = [
        &["replay"][..],
        &["journal", "verify"],
        &["journal", "dump"],
        &["journal", "info"],
        &["tail"],
        &["tail", "--output"],
    ];
    let file = key_file(&place, KEYS[1]);
    let all_say = |parts: &[&str]| {
        for command in commands {
            let run = tapewatch(&[command, &[arg(&dir)]].concat()).ended_with(2);
            run.says(parts);
            assert!(KEYS.iter().all(|key| !run.stderr.contains(&key[..8])), "{run:#?}");
        }
    };
    all_say(&["00000000.seg.zst.enc", "another key", "encryption.key_file"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    all_say(&[arg(&file), "others than its owner", "chmod 600"]);
    fs::write(&file, "no key").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    all_say(&[arg(&file), "64 hexadecimal digits"]);
    fs::remove_file(&file).unwrap();
    all_say(&[arg(&file), "No such file", "encryption.key_env"]);
    // Of whom the key is not in the description either.
    let description = text(&dir.join("session.toml")).replace("key_file = ", "key_file = \"\" # ");
    fs::write(dir.join("session.toml"), description).unwrap();
    all_say(&["00000000.seg.zst.enc", "is encrypted, and no key was given", "encryption.key_file"]);
}

#[test]
fn a_key_in_the_environment_is_used_and_shown_nowhere() {
    let place = Place::new();
    let dir = place.path("session");
    let mut args = place.record(arg(&input(&place)), &dir, MODES[0]);
    args.extend(["--set", "encryption.key_env=TAPEWATCH_TEST_KEY", "-v"].map(String::from));
    tapewatch(&args).ended_with(2).says(&["TAPEWATCH_TEST_KEY", "is not set"]);
    assert!(!dir.exists());
    let with_key = [("TAPEWATCH_TEST_KEY", KEYS[0])];
    let run = tapewatch_in(&args, &with_key).ended_with(0);
    let verify = ["journal", "verify", arg(&dir)];
    let verified = tapewatch_in(&verify, &with_key).ended_with(0);
    tapewatch(&verify).ended_with(2).says(&["TAPEWATCH_TEST_KEY", "is not set"]);
    let description = text(&dir.join("session.toml"));
    assert!(description.contains("key_env = \"TAPEWATCH_TEST_KEY\""));
    for said in [&run.stdout, &run.stderr, &verified.stdout, &description] {
        assert!(!said.contains(&KEYS[0][..16]), "{said}");
    }
    // Nor are the prices of the day, or their bytes, to be found in what is archived.
    assert!(segments(&dir).iter().all(|name| name.ends_with(".enc")));
}

#[test]
fn a_key_given_in_place_of_a_variables_name_is_not_repeated() {
    let set = format!("encryption.key_env={}", KEYS[0]);
    let run = tapewatch(&["replay", "day.itch", "--set", &set]).ended_with(2);
    assert!(run.stderr.contains("encryption.key_env"), "{run:#?}");
    assert!(!run.stderr.contains(&KEYS[0][..16]), "{run:#?}");
}

#[test]
fn verify_finds_one_changed_byte_of_an_archived_segment_and_replay_stops_before_it() {
    for kept in [Kept::Compressed, Kept::Encrypted] {
        let place = Place::new();
        let (dir, _) = recorded(&place, kept);
        let name = format!("00000001{}", kept.extension());
        let path = dir.join("journal").join(&name);
        let whole = fs::read(&path).unwrap();
        for at in [70, whole.len() / 2, whole.len() - 20] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let run = tapewatch(&["journal", "verify", arg(&dir), "--json"]).ended_with(1);
            run.says(&[&name, "not what was written"]);
            let report = run.json();
            assert_eq!(report["ok"], false);
            let named = report["faults"][0]["file"].as_str().unwrap();
            assert!(named.ends_with(&name), "{report:#}");
        }
        let out = place.path("out");
        let run = tapewatch(&["replay", arg(&dir), "--json", "--out", arg(&out)]).ended_with(1);
        run.says(&[&name, "journal verify"]);
        let messages = usize::try_from(run.json()["messages"].as_u64().unwrap()).unwrap();
        assert!(messages > 1_000 && messages < MESSAGES, "{messages}");
        let prefix = RandomSession::new(10, 20, MESSAGES).prefix(messages).to_vec();
        let prefix = place.file("prefix", &prefix);
        let direct = replayed(&prefix, &["--bar", "1ms"], &place.path("direct")).0;
        assert_eq!(came_to(&run.json(), &out), direct);
    }
}

/// Runs until it is killed at a failpoint; `false` if the run ended before.
fn killed(args: &[String], place: &str, hit: u64) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("TAPEWATCH_FAILPOINT", format!("{place}@{hit}"));
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    match output.status.signal() {
        Some(9) => {
            assert_eq!(stderr, format!("failpoint {place} hit {hit}\n"));
            true
        }
        _ => {
            assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{place}@{hit}");
            false
        }
    }
}

#[test]
fn a_session_killed_anywhere_while_it_is_archived_goes_on_and_comes_to_the_same() {
    let places = ["written", "renamed", "removed"];
    for (kept, mode) in [(Kept::Compressed, MODES[0]), (Kept::Encrypted, MODES[2])] {
        let place = Place::new();
        let (undisturbed, run) = recorded(&place, kept);
        let expected = came_to(&run.json(), &undisturbed.join("report"));
        for log in ["journal", "output"] {
            let dir = place.path(&format!("{log}-{kept:?}"));
            let mut args = arguments(&place, &dir, kept, mode);
            args.extend(["--resume", "--quiet"].map(String::from));
            // One after the other in one session, so that each meets what the one before has left.
            for (hit, at) in [1, 2].into_iter().flat_map(|hit| places.map(|at| (hit, at))) {
                let name = format!("{log}.archive.{at}");
                let came = killed(&args, &name, hit);
                assert!(came || hit > 1, "{name} was never hit");
                if came {
                    tapewatch(&["journal", "verify", arg(&dir)]).ended_with(0);
                }
            }
            let run = tapewatch(&args).ended_with(0);
            assert_eq!(came_to(&run.json(), &dir.join("report")), expected, "{log} {kept:?}");
            let bars = |dir: &Path| text(&dir.join("report/bars.csv"));
            assert!(bars(&dir) == bars(&undisturbed), "{log} {kept:?}");
            assert!(segments(&dir).iter().all(|name| name.ends_with(kept.extension())));
            assert_eq!(segments(&dir), segments(&undisturbed), "no leftovers");
        }
    }
}
