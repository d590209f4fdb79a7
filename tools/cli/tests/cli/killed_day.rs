//! A simulated day with episodes of every kind to be recorded, killed and gone on with; and what an
//! undisturbed run makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use engine::detect::Change;
use engine::journal::source::JournalSource;
use engine::log::archive::key::ArchiveKey;
use engine::log::directories::LogDirectories;
use engine::log::reader::AtTail;
use engine::log::storage::Directory;
use engine::output::reader::{NextOutput, OutputReader};
use engine::output::record::OutputRecord;
use engine::packet::{Arrival, Source as _};
use engine::snapshot::Accepted;

use crate::support::{arg, scratch, tapewatch, text};

/// Where a process is to be killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// At the so many-th hit of a place.
    At(&'static str, u64),
    /// When `bars.csv` has grown by so many bytes.
    Grown(u64),
}

/// A simulated day, and the outputs of a run that nobody killed.
pub(crate) struct Day {
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) const OUTPUTS: [&str; 4] =
    ["bars.csv", "symbols.csv", "late_windows.csv", "alerts.jsonl"];

impl Day {
    pub(crate) fn new() -> Day {
        let dir = scratch();
        let day = dir.path().join("day");
        let simulate = ["simulate", "--seed", "9", "--symbols", "12", "--messages", "60000"];
        let whole = ["--inject", "all", "-q", "--out", arg(&day)];
        tapewatch(&[&simulate[..], &whole].concat()).ended_with(0);
        let day = Day { dir };
        let undisturbed = day.dir.path().join("undisturbed");
        let run = tapewatch(&day.args(&undisturbed, &[])).ended_with(0);
        assert_eq!(run.stderr, "");
        let lines = text(&undisturbed.join("report/bars.csv")).lines().count();
        assert!(lines > 4_000, "{lines} lines");
        let alerts = text(&undisturbed.join("report/alerts.jsonl"));
        let detector = |line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["detector"].as_str().unwrap().to_owned()
        };
        let detectors: BTreeSet<String> = alerts.lines().map(detector).collect();
        assert!(detectors.len() >= 6, "alerts of {detectors:?}");
        assert_eq!(alerts_told(&undisturbed, None).0, alerts.lines().count());
        for log in ["journal", "output"] {
            let files = fs::read_dir(undisturbed.join(log)).unwrap().flatten();
            let is_segment = |name: &str| name.ends_with(".seg.zst");
            let segments = files.filter(|file| is_segment(file.file_name().to_str().unwrap()));
            assert!(segments.count() > 2, "{log} does not roll");
        }
        day
    }

    pub(crate) fn args(&self, session: &Path, settings: &[&str]) -> Vec<String> {
        let input = self.dir.path().join("day/session.itch");
        let mut args: Vec<String> = ["replay", arg(&input), "--session", arg(session), "--quiet"]
            .map(String::from)
            .to_vec();
        for bar in ["1ms", "5ms", "20ms", "1s", "1m"] {
            args.extend(["--bar", bar].map(String::from));
        }
        // Memory-backed sessions lie in a directory of the test's own.
        let memory = self.dir.path().join("memory");
        fs::create_dir_all(&memory).unwrap();
        let memory = format!("journal.memory_dir={}", memory.display());
        let common = ["journal.segment_bytes=262144", "output.segment_bytes=262144", &memory];
        for setting in common.iter().chain(settings) {
            args.extend(["--set", setting].map(String::from));
        }
        args
    }

    pub(crate) fn outputs(&self, session: &Path) -> Vec<String> {
        OUTPUTS.map(|name| text(&session.join("report").join(name))).to_vec()
    }
}

/// What the output log of a session tells of alerts, in order, and how many alerts they are. Each opens once, and ends or is
/// taken back at most once, in this order. `key` is a file.
pub(crate) fn alerts_told(session: &Path, key: Option<&Path>) -> (usize, Vec<String>) {
    let key = key.map(|file| Arc::new(ArchiveKey::from_file(file).unwrap()));
    let log = LogDirectories::disk(Directory::new(session.join("output")).with_key(key));
    let mut reader = OutputReader::open(log, AtTail::Stop).unwrap();
    let (mut told, mut last) = (Vec::new(), BTreeMap::new());
    loop {
        match reader.next().unwrap() {
            NextOutput::Record(OutputRecord::Alert { cause, alert, name }, _) => {
                told.push(format!("{cause:?} {alert:?} {name:?}"));
                let id = (alert.symbol.0, alert.code.0, alert.opened.0);
                let before = last.insert(id, alert.change);
                let is_next = match alert.change {
                    Change::Open => before.is_none(),
                    Change::Close => before == Some(Change::Open),
                    Change::Retract => before.is_some_and(|before| before != Change::Retract),
                };
                assert!(is_next, "{before:?} and then {alert:?}");
            }
            NextOutput::Record(..) => {}
            NextOutput::End => break,
            other => panic!("{other:?}: the log has its end"),
        }
    }
    assert!(last.values().all(|change| *change != Change::Open), "one that does not end");
    (last.len(), told)
}

pub(crate) fn hashes(session: &Path) -> String {
    let summary = text(&session.join("report/summary.json"));
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    format!("{} {}", summary["state_hash"], summary["sections"])
}

/// What the journal of a session holds: packets and gaps, and their digest. `key` is a file.
pub(crate) fn accepted(session: &Path, key: Option<&Path>) -> Accepted {
    let key = key.map(|file| Arc::new(ArchiveKey::from_file(file).unwrap()));
    let journal = Directory::new(session.join("journal")).with_key(key);
    let directories = LogDirectories::disk(journal);
    let mut source = JournalSource::open(directories).unwrap();
    let mut accepted = Accepted::default();
    loop {
        let arrival = source.next().unwrap();
        if arrival == Arrival::End {
            assert!(source.torn_tail().is_none(), "the journal has its end");
            return accepted;
        }
        accepted.take(&arrival);
    }
}

/// Runs until killed; `false` if the run ended before.
pub(crate) fn killed(args: &[String], session: &Path, kill: Kill) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    if let Kill::At(place, hit) = kill {
        command.env("TAPEWATCH_FAILPOINT", format!("{place}@{hit}"));
    }
    let mut child = command.spawn().unwrap();
    if let Kill::Grown(bytes) = kill {
        let bars = session.join("report/bars.csv");
        let length = || fs::metadata(&bars).map_or(0, |metadata| metadata.len());
        let from = length();
        while length() < from + bytes && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
    }
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    match (output.status.signal(), kill) {
        (Some(9), Kill::At(place, hit)) => {
            assert_eq!(stderr, format!("failpoint {place} hit {hit}\n"));
            true
        }
        (Some(9), Kill::Grown(_)) => true,
        (None, _) => {
            assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{kill:?}");
            false
        }
        other => panic!("{other:?}: {stderr}"),
    }
}
