//! The cold thread that keeps the rest of a board: what hot threads need not copy because it can be read
//! from anywhere.
//!
//! Ten times a second it puts up how far the journal and the output log are, how full the rings are, and
//! the engine's heartbeat; once a second the threads' times (`/proc/self/task`) and the cursors of the
//! output log. What cannot be read is left as it was. At its end it looks once more.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use engine::board::counters::label;
use engine::board::kept::{CursorLag, Kept as Shown, RingDepth, ThreadTimes};
use engine::board::layout::CURSORS_MAX;
use engine::board::writer::KeeperBoard;
use engine::log::SessionId;
use engine::log::position::Position;
use engine::log::storage::Directory;
use engine::log::tails::LogTails;
use engine::output::cursor::{self, CursorName, CursorState};
use engine::ring::RingGauge;

use crate::board::watch::now_unix;
use crate::cold_thread::Lasting;
use crate::console::Console;
use crate::memory::Resident;
use crate::recording::follower::Reach;

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(100);

/// Looks between two at what takes longer to read.
const LOOKS_A_SLOW_ONE: u32 = 10;

/// What is looked at.
pub(crate) struct Kept {
    pub(crate) session: SessionId,
    /// The journal's, where there is one.
    pub(crate) journal: Option<LogTails>,
    /// The output log's, where it is written.
    pub(crate) output: Option<LogTails>,
    /// Bytes of a segment of the journal.
    pub(crate) journal_segment_bytes: u64,
    /// Bytes of a segment of the output log.
    pub(crate) output_segment_bytes: u64,
    /// Where the output log's cursors are.
    pub(crate) cursors: PathBuf,
    /// How far the follower is, where there is one.
    pub(crate) follower: Option<Arc<Reach>>,
    /// The rings of the engine.
    pub(crate) rings: Vec<(String, RingGauge)>,
}

/// Starts the thread. Without one to be had the board has no heartbeat: that is told.
pub(super) fn start(board: KeeperBoard, kept: Kept, console: Console) -> Option<Lasting> {
    let mut keeping = Keeping { board, depths_max: vec![0; kept.rings.len()], kept };
    // Before the run goes on: whoever attaches now finds a heartbeat.
    keeping.look(true);
    let started = Lasting::start("board", move |ends| keeping.run(ends));
    let told = |error: &io::Error| {
        console.warning(&format!(
            "cannot start the thread board: {error}; `top` and `stat` will call the engine stale; raise `ulimit -u`"
        ));
    };
    started.inspect_err(told).ok()
}

struct Keeping {
    board: KeeperBoard,
    kept: Kept,
    /// By ring.
    depths_max: Vec<u64>,
}

impl Keeping {
    fn run(mut self, ends: &AtomicBool) {
        let mut looks = 0u32;
        loop {
            let is_last = ends.load(Ordering::Acquire);
            looks = looks.wrapping_add(1);
            self.look(is_last || looks.is_multiple_of(LOOKS_A_SLOW_ONE));
            if is_last {
                return;
            }
            thread::park_timeout(PERIOD);
        }
    }

    fn look(&mut self, is_slow: bool) {
        self.look_at_rings();
        if is_slow {
            self.board.threads(&threads());
            self.look_at_cursors();
        }
        let Kept { journal, output, follower, .. } = &self.kept;
        let mut shown = Shown {
            heartbeat_ns: now_unix().0,
            resident_bytes: Resident::ask().now_bytes,
            ..Shown::default()
        };
        if let Some(tails) = journal {
            let statistics = tails.statistics();
            let (appended, archived) = (tails.appended(), tails.archived());
            shown.is_journaled = 1;
            shown.appended_sequence = tails.appended_sequence().0;
            shown.journal_bytes = statistics.bytes;
            shown.journal_frames = statistics.frames;
            shown.appended = words(appended);
            shown.archived = words(archived);
            shown.synced = words(tails.synced());
            let segment_bytes = self.kept.journal_segment_bytes;
            shown.archive_lag_bytes =
                bytes_between(words(archived).into(), words(appended).into(), segment_bytes);
            shown.journal_waits = statistics.waits;
            shown.journal_waited_ns = statistics.waited_ns;
            shown.has_failed = u64::from(tails.failure().is_some());
        }
        if let Some(tails) = output {
            shown.output_position = tails.appended_sequence().0;
            // The log's own frames are among them.
            shown.outputs = tails.statistics().frames;
        }
        if let Some(follower) = follower {
            let snapshot = follower.snapshot();
            (shown.snapshot_position, shown.snapshot_ns) = (snapshot.0.0, snapshot.1.0);
            shown.follower_position = follower.position().0;
        }
        self.board.keep(&shown);
    }

    fn look_at_rings(&mut self) {
        let rings = self.kept.rings.iter().zip(&mut self.depths_max);
        let depths = rings.map(|((name, gauge), depth_max)| {
            let level = gauge.look();
            *depth_max = level.depth.max(*depth_max);
            RingDepth {
                name: label(name),
                capacity: level.capacity,
                depth: level.depth,
                depth_max: *depth_max,
                passed: level.passed,
                stalls: level.stalls,
                ..RingDepth::default()
            }
        });
        self.board.rings(&depths.collect::<Vec<_>>());
    }

    fn look_at_cursors(&self) {
        let Kept { output: Some(output), cursors, session, output_segment_bytes, .. } = &self.kept
        else {
            return;
        };
        let Ok(entries) = fs::read_dir(cursors) else { return };
        let names = entries.flatten().filter_map(|entry| {
            let name = entry.file_name();
            CursorName::new(name.to_str()?.strip_suffix(".cursor")?).ok()
        });
        let end = output.appended();
        let lag = |name: CursorName| {
            let read = cursor::read(&Directory::new(cursors), &name, *session).ok()?;
            let CursorState::Valid(at) = read else { return None };
            Some(CursorLag {
                name: label(&name.to_string()),
                segment: at.next.segment.0,
                offset_bytes: at.next.offset_bytes,
                lag_bytes: bytes_between(
                    (at.next.segment.0, at.next.offset_bytes),
                    (end.segment().0, end.offset_bytes()),
                    *output_segment_bytes,
                ),
                ..CursorLag::default()
            })
        };
        let mut lags: Vec<CursorLag> = names.filter_map(lag).collect();
        lags.sort_by_key(|lag| lag.name);
        lags.truncate(CURSORS_MAX);
        self.board.cursors(&lags);
    }
}

fn words(position: Position) -> [u64; 2] {
    [position.segment().0, position.offset_bytes()]
}

/// Bytes of a log between two places, segment and offset, what segments have free at their ends
/// included.
fn bytes_between(from: (u64, u64), to: (u64, u64), segment_bytes: u64) -> u64 {
    let bytes = |(segment, offset_bytes): (u64, u64)| {
        segment.saturating_mul(segment_bytes).saturating_add(offset_bytes)
    };
    bytes(to).saturating_sub(bytes(from))
}

/// The times of all threads of this process (proc(5): `schedstat` has ns on a core, ns ready without one,
/// and turns; field 39 of `stat` is the core).
fn threads() -> Vec<ThreadTimes> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    let times = |task: fs::DirEntry| {
        let path = task.path();
        let thread: u64 = task.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(path.join("comm")).ok()?;
        let schedstat = fs::read_to_string(path.join("schedstat")).ok()?;
        let mut figures = schedstat.split_ascii_whitespace().map_while(|it| it.parse().ok());
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let core = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(39 - 3)?.parse().ok()?;
        Some(ThreadTimes {
            name: label(name.trim_end()),
            thread,
            on_core_ns: figures.next()?,
            waited_ns: figures.next()?,
            at_ns: now_unix().0,
            core,
            ..ThreadTimes::default()
        })
    };
    let mut all: Vec<ThreadTimes> = tasks.flatten().filter_map(times).collect();
    all.sort_by_key(|thread| thread.thread);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_this_process_s_threads_are_found_and_grow() {
        let mine = || {
            let mine = engine::board::thread_id();
            threads().into_iter().find(|thread| thread.thread == mine).unwrap()
        };
        let first = mine();
        // Until the kernel has counted some of it.
        let mut spins = 0u64;
        while mine().on_core_ns == first.on_core_ns {
            spins = std::hint::black_box(spins + 1);
        }
        let (first_at, last) = (first.at_ns, mine());
        assert!(last.at_ns > first_at && last.on_core_ns > first.on_core_ns);
        assert_eq!(last.name, first.name);
    }
}
