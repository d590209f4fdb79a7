//! Looks after a recording from a cold thread: warns of a disk with little room, and prunes what is not
//! to be kept.
//!
//! It looks whenever a segment of the journal has been closed; at the room once a second besides, and
//! after some seconds at what would have gone if nobody had needed it. A disk is
//! told once while it has little room, and once more if it had enough in between. What cannot be pruned
//! is told once, too, and tried again at the next segment. The recording's threads never wait for it.
//! **Full**: that a log found no room is the log's to tell.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine::log::SessionId;
use engine::log::tails::LogTails;

use crate::cold_thread::Lasting;
use crate::console::Console;
use crate::output::decimal::grouped;
use crate::retention::needed::Needed;
use crate::retention::{self, Keep, Logs};
use crate::room::free_bytes;

/// Longest time between two looks at the room that there is.
const PERIOD: Duration = Duration::from_secs(1);

/// Time until what was still needed is tried once more.
const RETRY: Duration = Duration::from_secs(5);

/// How often it looks whether a segment was closed.
const LOOK: Duration = Duration::from_millis(20);

/// What is looked after.
pub(super) struct Tended {
    pub(super) logs: Logs,
    pub(super) session: SessionId,
    pub(super) keep: Keep,
    /// 0: the room is not looked at.
    pub(super) low_disk_bytes: u64,
    /// The journal's.
    pub(super) tails: LogTails,
    pub(super) console: Console,
}

/// Starts the thread, if there is anything to look after. Without one to be had there is no upkeep: that
/// is told.
pub(super) fn start(tended: Tended) -> Option<Lasting> {
    if tended.low_disk_bytes == 0 && !tended.keep.is_limited() {
        return None;
    }
    let console = tended.console;
    let started = Lasting::start("upkeep", move |ends| run(&tended, ends));
    let told = |error: &io::Error| {
        console.warning(&format!(
            "cannot start the thread upkeep: {error}; the room on the disk is not looked at, and nothing is pruned"
        ));
    };
    started.inspect_err(told).ok()
}

fn run(tended: &Tended, ends: &AtomicBool) {
    let mut disks = Disk::of(&tended.logs);
    let (mut closed, mut looked, mut held) = (None, None::<Instant>, None::<Instant>);
    let mut is_told = false;
    loop {
        let now = tended.tails.archived().segment();
        let is_new = closed.replace(now) != Some(now);
        if is_new || looked.is_none_or(|at| at.elapsed() >= PERIOD) {
            looked = Some(Instant::now());
            for disk in &mut disks {
                if let Some(line) = disk.look(free_bytes(&disk.path), tended.low_disk_bytes) {
                    tended.console.warning(&line);
                }
            }
        }
        let is_due = is_new || held.is_some_and(|since| since.elapsed() >= RETRY);
        if is_due && tended.keep.is_limited() {
            let needed = Needed::of(&tended.logs.path, tended.session);
            let pruned = needed.and_then(|needed| {
                retention::apply(&tended.logs, tended.keep, &needed, retention::now())
            });
            match pruned {
                Ok(applied) => {
                    is_told = false;
                    held = applied.is_held.then(Instant::now);
                }
                Err(failure) if !is_told => {
                    is_told = true;
                    tended.console.warning(&format!("nothing is pruned: {}", failure.line));
                }
                Err(_) => {}
            }
        }
        if ends.load(Ordering::Acquire) {
            return;
        }
        thread::park_timeout(LOOK);
    }
}

/// A file system that a log lies on.
struct Disk {
    path: PathBuf,
    is_low: bool,
}

impl Disk {
    /// Those of both logs: one, where they lie on the same.
    fn of(logs: &Logs) -> Vec<Disk> {
        let [journal, output] = ["journal", "output"].map(|log| logs.path.join(log));
        let device = |path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        let is_one = device(&journal) == device(&output);
        let paths = [Some(journal), Some(output).filter(|_| !is_one)];
        paths.into_iter().flatten().map(|path| Disk { path, is_low: false }).collect()
    }

    /// What is to be told of it, where so much is free.
    fn look(&mut self, free_bytes: u64, low_bytes: u64) -> Option<String> {
        // An eighth more: a disk that hovers about the mark is not told again and again.
        let enough_bytes = if self.is_low { low_bytes + low_bytes / 8 } else { low_bytes };
        let was_low = self.is_low;
        self.is_low = free_bytes < enough_bytes;
        (self.is_low && !was_low).then(|| {
            format!(
                "{} has {} bytes of room left, less than journal.low_disk_bytes = {}; make room, or prune: tapewatch journal prune",
                self.path.display(),
                grouped(free_bytes),
                grouped(low_bytes)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_told_once_and_again_after_it_had_enough() {
        let mut disk = Disk { path: PathBuf::from("/session/journal"), is_low: false };
        let mut told = |free| disk.look(free, 800).is_some();
        let seen = [1_000, 800, 799, 100, 850, 700, 900, 799, 0].map(&mut told);
        assert_eq!(seen, [false, false, true, false, false, false, false, true, false]);
        let line = Disk { path: PathBuf::from("/session/journal"), is_low: false }.look(7, 8_000);
        let line = line.unwrap();
        assert!(line.contains("/session/journal has 7 bytes") && line.contains("8,000"), "{line}");
    }
}
