//! Recorded sessions as tests look at them: the arguments that record one, its files, its journal read
//! by the engine's own reader, and what a replay of it came to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine::journal::source::JournalSource;
use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::log::verify::{VerifyReport, verify};
use engine::packet::{Arrival, Source as _};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Csv, Run, arg, tapewatch, text};

/// How a journal is written: place and append.
pub(crate) const MODES: [(&str, &str); 4] =
    [("memory", "inline"), ("memory", "thread"), ("disk", "inline"), ("disk", "thread")];

/// A directory for a session and one for its memory, both gone with the test. Both lie in memory where
/// that can be: a session's description is synced, which takes a busy disk seconds.
pub(crate) struct Place {
    disk: TempDir,
    memory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let made = || match Path::new("/dev/shm").is_dir() {
            true => tempfile::tempdir_in("/dev/shm").unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        Place { disk: made(), memory: made() }
    }

    /// The directory for sessions.
    pub(crate) fn disk(&self) -> &Path {
        self.disk.path()
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.disk.path().join(name)
    }

    /// Where the memory of sessions lies.
    pub(crate) fn memory(&self) -> &Path {
        self.memory.path()
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Settings of small segments in this place, in a mode, with a hash point every 1,024 messages.
    pub(crate) fn settings(&self, (place, append): (&str, &str)) -> Vec<String> {
        let keys = [
            String::from("hashes.every_sequences=1024"),
            // No note, and no spinning, where there are fewer cores than threads.
            String::from("threads.wait=park"),
            String::from("journal.segment_bytes=262144"),
            String::from("journal.memory_bytes_max=1048576"),
            String::from("output.segment_bytes=262144"),
            // No warning on the small disks of tests.
            String::from("journal.low_disk_bytes=0"),
            format!("journal.memory_dir={}", self.memory().display()),
            format!("journal.place={place}"),
            format!("journal.append={append}"),
        ];
        keys.into_iter().flat_map(|key| [String::from("--set"), key]).collect()
    }

    /// Arguments that record `input` in `session` with [`Place::settings`].
    pub(crate) fn record(&self, input: &str, session: &Path, mode: (&str, &str)) -> Vec<String> {
        let mut args = words(&["replay", input, "--session", arg(session), "--json"]);
        args.extend(self.settings(mode));
        args
    }
}

/// Words as owned arguments.
pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Names of what a directory holds, in order.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Where a session's journal lies, by what its lock says of memory.
pub(crate) fn directories(session: &Path) -> LogDirectories<Directory> {
    let disk = Directory::new(session.join("journal"));
    let lock = fs::read_to_string(session.join("lock")).unwrap_or_default();
    let memory = lock.lines().find_map(|line| line.strip_prefix("memory = \"")?.strip_suffix('"'));
    match memory {
        Some(memory) => LogDirectories::disk_and_memory(disk, Directory::new(memory)),
        None => LogDirectories::disk(disk),
    }
}

/// Verifies a session's journal, in which nothing may be wrong: as a program that uses the engine does
/// and as people do.
#[track_caller]
pub(crate) fn verified(session: &Path) -> VerifyReport {
    tapewatch(&["journal", "verify", arg(session)]).ended_with(0);
    let report = verify(&directories(session), LogKind::Journal).unwrap();
    assert!(report.is_ok(), "{}: {report:#?}", session.display());
    report
}

/// Messages that a session's journal holds; `None` if it cannot be read yet.
pub(crate) fn journaled(session: &Path) -> Option<u64> {
    let mut source = JournalSource::open(directories(session)).ok()?;
    let mut messages = 0;
    loop {
        match source.next().ok()? {
            Arrival::Packet(packet) => messages += packet.iter().count() as u64,
            Arrival::End => return Some(messages),
            _ => {}
        }
    }
}

/// What a replay came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Replayed {
    pub(crate) messages: u64,
    pub(crate) state_hash: String,
    pub(crate) symbols: String,
}

/// Replays an input (a session, a file) with its outputs in `out`, which must end well.
#[track_caller]
pub(crate) fn replayed(input: &Path, more: &[&str], out: &Path) -> (Replayed, Run) {
    let mut args = vec!["replay", arg(input), "--json", "--out", arg(out)];
    args.extend_from_slice(more);
    let run = tapewatch(&args).ended_with(0);
    (came_to(&run.json(), out), run)
}

/// What a run with outputs in `out` came to.
pub(crate) fn came_to(summary: &Value, out: &Path) -> Replayed {
    Replayed {
        messages: summary["messages"].as_u64().unwrap(),
        state_hash: summary["state_hash"].as_str().unwrap().to_owned(),
        symbols: text(&out.join("symbols.csv")),
    }
}

/// Order messages of symbols by what they do, counted from the bytes of a BinaryFILE.
pub(crate) fn sent(messages: &[u8]) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<&str, u64> = COUNTS.iter().map(|column| (*column, 0)).collect();
    for message in tapewatch_tests::capture::messages(messages) {
        let message = message.unwrap();
        let column = match message {
            [b'A' | b'F', ..] => "adds",
            [b'E' | b'C', ..] => "executions",
            [b'X', ..] => "cancels",
            [b'D', ..] => "deletes",
            [b'U', ..] => "replaces",
            _ => continue,
        };
        if message[1..3] != [0, 0] {
            *counts.get_mut(column).unwrap() += 1;
        }
    }
    counts
}

const COUNTS: [&str; 5] = ["adds", "executions", "cancels", "deletes", "replaces"];

/// The same, added up over the symbols in an output directory.
pub(crate) fn applied(out: &Path) -> BTreeMap<&'static str, u64> {
    let symbols = Csv::read(&out.join("symbols.csv"));
    let sum = |column| {
        let rows = 0..symbols.records.len();
        rows.map(|row| symbols.field(row, column).parse::<u64>().unwrap()).sum()
    };
    COUNTS.iter().map(|column| (*column, sum(column))).collect()
}
