//! Appending payloads, one after the other: our log in all its places, beside a bare copy into a
//! pre-faulted map of the same kind and `write(2)`.
//!
//! Two figures for each. *Back to back*: batches of appends as fast as they go; the median batch is
//! what an append costs in itself, waits for the keeper fall into the greatest. *Paced*: appends at
//! intended times, a constant rate from one fixed start; a latency is from the intended time to the
//! return of the append, so that a stall is seen by all that it holds up. Clocks are read with
//! `Instant`; [`clock_floor`] is what that alone shows.

use std::fs::{self, File, OpenOptions};
use std::hint::{black_box, spin_loop};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::journal::writer::{Append, Journal, JournalEnd, JournalOptions, OnError};
use engine::log::SessionId;
use engine::log::options::{Place, SyncLevel};
use engine::log::storage::{Directory, Storage};
use engine::log::tails::LogStatistics;
use engine::log::threaded::ThreadOptions;
use engine::memory::append_map::AppendMap;
use engine::packet::Packet;
use engine::pipeline::pin::{Core, pin_current_thread};
use engine::ring::WaitStrategy;
use engine::units::{FeedId, Nanos, Sequence};
use hdrhistogram::Histogram;

/// Appends of a batch.
const BATCH: u64 = 64;

/// Size of a segment, and of the maps that are copied into.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// Memory of a log in memory.
const MEMORY_BYTES_MAX: u64 = 16 * SEGMENT_BYTES;

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A file in `/dev/shm`.
    Memory,
    /// A file on disk.
    Disk,
}

/// How they get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Copied into a pre-faulted map; no frame, no checksum, no end.
    Memcpy,
    /// By `write(2)`.
    Write,
    /// Our log, by the thread that appends.
    Inline(SyncLevel),
    /// Our log, by way of a ring and a journal thread.
    Thread(SyncLevel),
}

/// The directories of a run, removed when it ends.
pub struct Directories {
    memory: PathBuf,
    disk: PathBuf,
}

impl Directories {
    /// Fresh ones in `/dev/shm` and in `disk`.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn new(disk: &Path) -> io::Result<Directories> {
        let name = format!("tapewatch-bench-{}", std::process::id());
        let directories =
            Directories { memory: Path::new("/dev/shm").join(&name), disk: disk.join(&name) };
        fs::create_dir_all(&directories.memory)?;
        fs::create_dir_all(&directories.disk)?;
        Ok(directories)
    }

    fn of(&self, medium: Medium) -> &Path {
        match medium {
            Medium::Memory => &self.memory,
            Medium::Disk => &self.disk,
        }
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        for directory in [&self.memory, &self.disk] {
            // What is left behind is seen, and does no harm.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

/// Takes payloads in one way.
pub enum Target {
    /// [`Way::Memcpy`]: the map, and where the next payload goes.
    Memcpy(AppendMap, usize),
    /// [`Way::Write`].
    Write(File),
    /// Our log.
    Journal(Box<Journal>, u64),
}

/// What keeps a target from taking more.
type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Target {
    /// Makes a target. The thread that appends to it pins itself afterwards.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(
        medium: Medium,
        way: Way,
        directories: &Directories,
        journal_core: Option<usize>,
    ) -> Result<Target, Failed> {
        let directory = directories.of(medium);
        let (append, sync) = match way {
            Way::Memcpy => {
                let file = Directory::new(directory).create("memcpy", SEGMENT_BYTES)?;
                fs::remove_file(directory.join("memcpy"))?;
                let mut map = AppendMap::over(&file, SEGMENT_BYTES as usize)?;
                map.prefault()?;
                return Ok(Target::Memcpy(map, 0));
            }
            Way::Write => {
                let path = directory.join("write");
                let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
                fs::remove_file(path)?;
                return Ok(Target::Write(file));
            }
            Way::Inline(sync) => (Append::Inline, sync),
            Way::Thread(sync) => {
                let options = ThreadOptions {
                    ring_bytes: 4 << 20,
                    wait: WaitStrategy::SpinThenYield { spins: 1_000 },
                    core: journal_core.map(Core),
                };
                (Append::Thread(options), sync)
            }
        };
        let journal = directories.disk.join("journal");
        if journal.exists() {
            fs::remove_dir_all(&journal)?;
        }
        let directory = Directory::new(journal);
        let place = match medium {
            Medium::Memory => Place::Memory {
                memory_directory: Directory::new(directories.memory.join("journal")),
                directory,
            },
            Medium::Disk => Place::Disk { directory },
        };
        let options = JournalOptions {
            place,
            append,
            segment_bytes: SEGMENT_BYTES,
            memory_bytes_max: MEMORY_BYTES_MAX,
            sync,
            on_error: OnError::Stop,
        };
        let journal = Journal::create(options, SessionId([1; 16]), "")?;
        Ok(Target::Journal(Box::new(journal), 0))
    }

    /// Takes a payload.
    ///
    /// # Errors
    /// What the system says.
    #[inline]
    pub fn append(&mut self, payload: &[u8]) -> Result<(), Failed> {
        match self {
            Target::Memcpy(map, at) => {
                let free = map.free();
                if *at + payload.len() > free.len() {
                    *at = 0;
                }
                free[*at..*at + payload.len()].copy_from_slice(payload);
                *at += payload.len();
            }
            Target::Write(file) => file.write_all(payload)?,
            Target::Journal(journal, sequence) => {
                *sequence += 1;
                let (sequence, recv) = (Sequence(*sequence), Nanos(*sequence as i64));
                journal.append_packet(&Packet {
                    feed: FeedId(0),
                    sequence,
                    recv,
                    messages: payload,
                })?;
            }
        }
        Ok(())
    }

    /// Ends it. A log tells what it did.
    ///
    /// # Errors
    /// What the system says.
    pub fn close(self) -> Result<LogStatistics, Failed> {
        match self {
            Target::Memcpy(..) | Target::Write(_) => Ok(LogStatistics::default()),
            Target::Journal(journal, _) => {
                let statistics = journal.statistics();
                match journal.close()? {
                    JournalEnd::Complete(_) => Ok(statistics),
                    JournalEnd::Incomplete(error) => Err(error.into()),
                }
            }
        }
    }
}

/// What was measured of one target.
pub struct Measured {
    /// Latencies or times of an append, ns.
    pub ns: Histogram<u64>,
    /// What the log did, if it was one.
    pub statistics: LogStatistics,
    /// The rate that a paced run was to have, and the one it had; appends a second.
    pub rate: Option<(f64, f64)>,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds that make sense")
}

/// Keeps the calling thread on a core.
pub fn pin(core: usize) {
    // Where that is refused the figures say it by themselves.
    let _ = pin_current_thread(Core(core));
}

/// Times batches of appends back to back, `bytes` altogether. Each batch counts with the mean of its
/// appends, in tenths of a nanosecond.
///
/// # Errors
/// If the target fails.
pub fn back_to_back(mut target: Target, payload: &[u8], bytes: u64) -> Result<Measured, Failed> {
    let mut tenths = histogram();
    let batches = bytes / (payload.len() as u64 * BATCH);
    for _ in 0..batches {
        let from = Instant::now();
        for _ in 0..BATCH {
            target.append(black_box(payload))?;
        }
        tenths.saturating_record(from.elapsed().as_nanos() as u64 * 10 / BATCH);
    }
    Ok(Measured { ns: tenths, statistics: target.close()?, rate: None })
}

/// Times single appends at `rate_per_s` for `duration`.
///
/// # Errors
/// If the target fails.
pub fn paced(
    mut target: Target,
    payload: &[u8],
    rate_per_s: u64,
    duration: Duration,
) -> Result<Measured, Failed> {
    let mut ns = histogram();
    let count = (duration.as_nanos() * u128::from(rate_per_s) / 1_000_000_000) as u64;
    let start = Instant::now();
    for nth in 0..count {
        // From the start each time: rounded differences would drift.
        let intended = start + Duration::from_nanos(nth * 1_000_000_000 / rate_per_s);
        while Instant::now() < intended {
            spin_loop();
        }
        target.append(black_box(payload))?;
        ns.saturating_record(intended.elapsed().as_nanos() as u64);
    }
    let achieved = count as f64 / start.elapsed().as_secs_f64();
    Ok(Measured { ns, statistics: target.close()?, rate: Some((rate_per_s as f64, achieved)) })
}

/// What [`paced`] shows of nothing: the clock, and whatever takes the core away.
#[must_use]
pub fn clock_floor(rate_per_s: u64, duration: Duration) -> Histogram<u64> {
    let mut ns = histogram();
    let count = (duration.as_nanos() * u128::from(rate_per_s) / 1_000_000_000) as u64;
    let start = Instant::now();
    for nth in 0..count {
        let intended = start + Duration::from_nanos(nth * 1_000_000_000 / rate_per_s);
        while Instant::now() < intended {
            spin_loop();
        }
        ns.saturating_record(intended.elapsed().as_nanos() as u64);
    }
    ns
}
