//! A log whose writer is killed, gone on with by another process, killed again and so on: in the end
//! every frame that was acknowledged is there once, in order, and the log is whole.
//!
//! The writer is `log-appender`, a process of its own. It is killed at every place that
//! `engine::failpoint` names in a log, also while it makes the log ready to go on, and at random ones.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use engine::failpoint;
use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::reopen::{Condition, Found, look};
use engine::log::verify::verify;
use tapewatch_tests::appended::{ACKNOWLEDGED, options, payload, tag};
use tapewatch_tests::random::Random;

const SIGKILL: i32 = 9;

/// Frames that a process appends if it is not killed: some two segments.
const FRAMES: u64 = 350;

/// Kills at random frames and at random calls, of each way to write.
const RANDOM_KILLS: u64 = 8;

/// One way to write a log.
#[derive(Clone, Copy, Debug)]
struct Way {
    kind: LogKind,
    in_memory: bool,
    on_a_thread: bool,
}

/// A log that is written in that way, and what is known of it.
struct Written {
    root: tempfile::TempDir,
    way: Way,
    /// Frames that it holds.
    frames: u64,
}

impl Way {
    /// What failpoints of the log are called, without the front that says its kind.
    fn front(self) -> &'static str {
        match self.kind {
            LogKind::Journal => "journal.",
            LogKind::Output => "output.",
        }
    }
}

impl Written {
    fn new(way: Way) -> Written {
        Written { root: tempfile::tempdir().unwrap(), way, frames: 0 }
    }

    fn root(&self) -> &Path {
        self.root.path()
    }

    fn directories(&self) -> LogDirectories<engine::log::storage::Directory> {
        LogDirectories::of(&options(self.root(), self.way.kind, self.way.in_memory).place)
    }

    fn look(&self) -> Found {
        look(&self.directories(), self.way.kind).unwrap()
    }

    fn acknowledged(&self) -> u64 {
        let bytes = fs::read(self.root().join(ACKNOWLEDGED)).unwrap_or_default();
        bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Starts a process that goes on with the log up to the frame `last`.
    fn start(&self, last: u64, failpoint: Option<&str>) -> Child {
        let Way { kind, in_memory, on_a_thread } = self.way;
        let mut command = Command::new(env!("CARGO_BIN_EXE_log-appender"));
        command.arg(self.root());
        command.arg(if kind == LogKind::Journal { "journal" } else { "output" });
        command.arg(if in_memory { "memory" } else { "disk" });
        command.arg(if on_a_thread { "thread" } else { "inline" });
        command.arg(last.to_string()).stderr(Stdio::piped());
        match failpoint {
            Some(failpoint) => command.env("TAPEWATCH_FAILPOINT", failpoint),
            None => command.env_remove("TAPEWATCH_FAILPOINT"),
        };
        command.spawn().unwrap()
    }

    /// Has a process go on until it is killed at a failpoint; whether it came there, else it ended.
    fn killed_at(&mut self, name: &str, hit: u64, last: u64) -> bool {
        let name = format!("{}{name}", self.way.front());
        let mut child = self.start(last, Some(&format!("{name}@{hit}")));
        let (status, stderr) = ended(&mut child);
        if status.success() {
            return false;
        }
        assert_eq!(status.signal(), Some(SIGKILL), "{:?}: {stderr}", self.way);
        assert_eq!(stderr, format!("failpoint {name} hit {hit}\n"), "{:?}", self.way);
        self.check(&name);
        true
    }

    /// Has a process go on and kills it when it has acknowledged so many frames more.
    fn killed_behind(&mut self, frames: u64) {
        let until = self.frames + frames;
        let mut child = self.start(u64::MAX, None);
        while self.acknowledged() < until {
            assert!(child.try_wait().unwrap().is_none(), "{:?}: it ended by itself", self.way);
            thread::yield_now();
        }
        child.kill().unwrap();
        let (status, stderr) = ended(&mut child);
        assert_eq!((status.signal(), &*stderr), (Some(SIGKILL), ""), "{:?}", self.way);
        self.check("a random moment");
    }

    /// Nothing that was acknowledged is lost, and nothing is called corrupt.
    fn check(&mut self, at: &str) {
        let (found, way) = (self.look(), self.way);
        assert!(found.frames >= self.acknowledged(), "{way:?} killed at {at}: {found:?}");
        assert!(found.frames >= self.frames, "{way:?} killed at {at}: {found:?}");
        assert_eq!(found.last_sequence.0, found.frames, "{way:?} killed at {at}");
        self.frames = found.frames;
        if found != Found::default() {
            let report = verify(&self.directories(), way.kind).unwrap();
            assert_eq!(report.faults, [], "{way:?} killed at {at}");
        }
    }

    /// Ends the log in order; every frame must be there once, in order.
    fn end(&mut self, last: u64) {
        let mut child = self.start(last, None);
        let (status, stderr) = ended(&mut child);
        assert!(status.success(), "{:?}: {stderr}", self.way);
        self.frames = last;
        self.assert_whole();
    }

    /// Begins another log where this one has ended, or was killed in ending, or is long: each is read
    /// often.
    fn renew(&mut self) {
        let found = self.look();
        if found.condition == Condition::Finished || found.frames > 6 * FRAMES {
            self.end(found.frames.max(1));
            *self = Written::new(self.way);
        }
    }

    fn assert_whole(&self) {
        let way = self.way;
        let disk = options(self.root(), way.kind, false).place;
        let disk = LogDirectories::of(&disk);
        let mut reader = LogReader::open(disk.clone(), way.kind, AtTail::Stop).unwrap();
        let mut given = 0;
        loop {
            match reader.next().unwrap() {
                Next::Frame(frame, _) => {
                    given += 1;
                    assert_eq!(frame.tag, tag(way.kind, given), "{way:?}");
                    assert!(frame.payload == payload(way.kind, given), "{way:?}: frame {given}");
                }
                Next::End => break,
                other => panic!("{way:?}: {other:?} behind frame {given}"),
            }
        }
        assert_eq!(given, self.frames, "{way:?}");
        let report = verify(&disk, way.kind).unwrap();
        assert_eq!(report.faults, [], "{way:?}");
        assert!(report.ended_orderly);
        assert_eq!((report.sealed_segments, report.unfinished_files), (report.segments, 0));
        assert_eq!(report.frames, given + report.segments);
        assert!(!self.root().join("memory").exists(), "{way:?}");
        assert_eq!(self.look().condition, Condition::Finished);
    }
}

/// Waits for a process; gives its status and what it said.
fn ended(child: &mut Child) -> (ExitStatus, String) {
    let mut stderr = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap(), stderr)
}

/// The failpoints of a log of this kind, without the front that says so.
fn places(way: Way) -> Vec<&'static str> {
    let of_log = ["append.", "roll.", "end.", "prepare.", "keep.", "reopen."];
    let names = failpoint::NAMES.iter().filter_map(|(name, _)| name.strip_prefix(way.front()));
    names.filter(|name| of_log.iter().any(|front| name.starts_with(front))).collect()
}

/// Kills at every place and at random ones, then ends the log.
fn kill_everywhere(way: Way) {
    let mut log = Written::new(way);
    let mut random = Random::new(u64::from(way.in_memory) * 2 + u64::from(way.on_a_thread));
    let places = places(way);
    assert_eq!(places.len(), 15, "{places:?}");
    for place in places.iter().filter(|place| **place != "end.after") {
        for hit in [1, 2] {
            // A segment that is open is what there is to make ready; there may be but one.
            assert!(log.killed_at("append.after", 1 + random.below(FRAMES), u64::MAX), "{way:?}");
            let came = log.killed_at(place, hit, log.frames + 2 * FRAMES);
            assert!(
                came || hit > 1 && place.starts_with("reopen."),
                "{way:?} never came to {place}"
            );
            log.renew();
        }
    }
    for _ in 0..RANDOM_KILLS {
        log.killed_behind(random.below(2 * FRAMES));
        let place = places[random.below(places.len() as u64) as usize];
        log.killed_at(place, 1 + random.below(3), log.frames + FRAMES);
        log.renew();
    }
    log.killed_behind(FRAMES);
    let last = log.frames + FRAMES;
    assert!(log.killed_at("end.after", 1, last), "{way:?}");
    assert_eq!((log.look().condition, log.frames), (Condition::Finished, last), "{way:?}");
    log.end(last);
}

#[test]
fn a_journal_on_disk_holds_what_was_acknowledged_after_any_number_of_kills() {
    kill_everywhere(Way { kind: LogKind::Journal, in_memory: false, on_a_thread: false });
}

#[test]
fn a_journal_in_memory_holds_what_was_acknowledged_after_any_number_of_kills() {
    kill_everywhere(Way { kind: LogKind::Journal, in_memory: true, on_a_thread: false });
}

#[test]
fn a_journal_by_a_thread_in_memory_holds_what_was_acknowledged_after_any_number_of_kills() {
    kill_everywhere(Way { kind: LogKind::Journal, in_memory: true, on_a_thread: true });
}

#[test]
fn an_output_log_by_a_thread_on_disk_holds_what_was_acknowledged_after_any_number_of_kills() {
    kill_everywhere(Way { kind: LogKind::Output, in_memory: false, on_a_thread: true });
}

#[test]
fn an_output_log_in_memory_holds_what_was_acknowledged_after_any_number_of_kills() {
    kill_everywhere(Way { kind: LogKind::Output, in_memory: true, on_a_thread: false });
}

#[test]
fn a_failpoint_that_is_not_known_is_told_and_ends_the_process() {
    for wrong in ["journal.append.before", "journal.append.somewhere@1", "journal.append.before@0"]
    {
        let way = Way { kind: LogKind::Journal, in_memory: false, on_a_thread: false };
        let log = Written::new(way);
        let (status, stderr) = ended(&mut log.start(3, Some(wrong)));
        assert_eq!(status.code(), Some(2), "{wrong}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(wrong), "{stderr}");
    }
}
