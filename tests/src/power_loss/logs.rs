//! Logs: whatever the power leaves, what is read of them afterwards is the beginning of what was
//! appended, and all of it that was durable by the sync level; appending goes on behind it.

use core::time::Duration;

use engine::log::boot::BootId;
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::options::{LogOptions, Place, SyncLevel};
use engine::log::position::Position;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::reopen::{ReopenError, Reopened, finish};
use engine::log::storage::Storage;
use engine::log::storage::fault::power::Seeded;
use engine::log::storage::fault::{FaultPlan, FaultStorage};
use engine::log::verify::verify;
use engine::log::writer::LogWriter;
use engine::log::{LogKind, SessionId};

use crate::appended::tag;
use crate::power_loss::{Outcome, Seed, Workload};
use crate::random::Random;

const SEGMENT_BYTES: u64 = 256 << 10;

/// Frames at most before the power goes.
const FRAMES_MAX: u64 = 60;

/// Frames appended after it.
const FRAMES_AFTER: u64 = 3;

/// How often the power goes, or a call fails, while the log is taken up, at most.
const AGAIN_MAX: u64 = 3;

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub struct LogWork {
    /// What for.
    pub kind: LogKind,
    /// Whether in memory.
    pub in_memory: bool,
    /// How durable.
    pub sync: SyncLevel,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Frames of which the append was begun.
    attempted: u64,
    /// Frames that are durable.
    durable: u64,
    /// Whether the disk refused a call, or lied about one.
    failed: bool,
    misdirected: bool,
}

impl LogWork {
    /// Both kinds, both places, all levels.
    #[must_use]
    pub fn all() -> Vec<LogWork> {
        let interval = SyncLevel::Interval { period: Duration::from_millis(1), bytes: None };
        let mut all = Vec::new();
        for sync in [SyncLevel::None, interval, SyncLevel::Batch] {
            for in_memory in [false, true] {
                for kind in [LogKind::Journal, LogKind::Output] {
                    all.push(LogWork { kind, in_memory, sync });
                }
            }
        }
        all
    }

    fn options<S>(&self, disk: S, memory: S, boot: u8) -> LogOptions<S> {
        LogOptions {
            kind: self.kind,
            session: SessionId(*b"a loss of power."),
            incarnation: 0,
            place: match self.in_memory {
                true => Place::Memory { memory_directory: memory, directory: disk },
                false => Place::Disk { directory: disk },
            },
            segment_bytes: SEGMENT_BYTES,
            memory_bytes_max: 4 * SEGMENT_BYTES,
            sync: self.sync,
            boot: BootId([boot; 16]),
        }
    }
}

/// What the frame with a sequence holds: so much that a few dozens fill a segment. In a journal, the
/// session's description, then packets of one message.
fn payload(kind: LogKind, sequence: u64) -> Vec<u8> {
    if kind == LogKind::Journal && sequence == 1 {
        return b"[session]\n".to_vec();
    }
    let mut random = Random::new(sequence);
    let bytes_max = if sequence.is_multiple_of(7) { 60_000 } else { 6_000 };
    let length = 1 + random.below(bytes_max) as u16;
    let message = (0..length).map(|at| at as u8 ^ sequence as u8 | 1);
    length.to_be_bytes().into_iter().chain(message).collect()
}

fn empty() -> FaultStorage {
    FaultStorage::new(FaultPlan::default())
}

fn told(error: impl ToString) -> String {
    error.to_string()
}

impl Workload for LogWork {
    type Written = Written;

    fn name(&self) -> String {
        let place = if self.in_memory { "memory" } else { "disk" };
        format!("{:?} log in {place}, {:?}", self.kind, self.sync)
    }

    fn write(
        &self,
        seed: &mut Seed,
        disk: &FaultStorage,
    ) -> Result<(Written, FaultStorage), String> {
        let mut written = Written::default();
        if seed.happens(30) {
            let one_in = 5 + seed.random.below(80);
            disk.set_plan(FaultPlan::default().with_random(seed.number, one_in).with_torn_writes());
        } else if seed.happens(10) {
            written.misdirected = true;
            let (after, by) = (seed.random.below(30), seed.random.below(SEGMENT_BYTES));
            disk.set_plan(FaultPlan::default().with_misdirected(after, by));
        }
        let mut ends: Vec<Position> = Vec::new();
        let mut writer = match LogWriter::create(self.options(disk.clone(), empty(), 1)) {
            Ok(writer) => Some(writer),
            Err(_) => {
                written.failed = true;
                None
            }
        };
        for sequence in 1..=seed.random.below(FRAMES_MAX) {
            let Some(log) = &mut writer else { break };
            if seed.happens(5) {
                disk.write_back(&mut Seeded::new(seed.random.next_u64())).map_err(told)?;
            }
            written.attempted = sequence;
            match log.append(&tag(self.kind, sequence), &payload(self.kind, sequence)) {
                Ok(position) => ends.push(position),
                Err(_) => {
                    written.failed = true;
                    break;
                }
            }
        }
        // In this order: what is synced by now is there when the power goes.
        let synced = writer.as_ref().map(|writer| writer.tails().synced());
        let ends_in_order = seed.happens(10);
        let mut durable = ends.iter().filter(|end| synced.is_some_and(|to| **end <= to)).count();
        if self.sync == SyncLevel::Batch {
            durable = ends.len();
        }
        if ends_in_order && let Some(writer) = writer.take() {
            match writer.close() {
                Ok(_) if self.sync != SyncLevel::None => durable = ends.len(),
                Ok(_) => {}
                Err(_) => written.failed = true,
            }
        }
        written.durable = durable as u64;
        let left = disk.after_power_loss(&mut Seeded::new(seed.random.next_u64())).map_err(told)?;
        drop(writer);
        Ok((written, left))
    }

    fn check<S, W>(
        &self,
        seed: &mut Seed,
        written: Written,
        left: FaultStorage,
        wrap: W,
    ) -> Result<Outcome, String>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
        W: Fn(FaultStorage) -> S,
    {
        let mut outcome = Outcome { failed: u64::from(written.failed), ..Outcome::default() };
        let mut left = left;
        let mut boot = 2;
        for _ in 0..seed.random.below(AGAIN_MAX + 1) {
            // The disk fails, or the power goes, while the log is taken up; or just the process dies.
            let plan =
                FaultPlan::default().with_random(seed.random.next_u64(), 2 + seed.random.below(30));
            left.set_plan(plan.with_torn_writes());
            let options = self.options(wrap(left.clone()), wrap(empty()), boot);
            let reopened = LogWriter::reopen(options);
            if seed.happens(50) {
                left = left
                    .after_power_loss(&mut Seeded::new(seed.random.next_u64()))
                    .map_err(told)?;
                boot += 1;
            }
            drop(reopened);
            left.set_plan(FaultPlan::default());
            outcome.again = 1;
        }
        let options = || self.options(wrap(left.clone()), wrap(empty()), boot);
        let (frames, writer) = match LogWriter::reopen(options()) {
            Ok((writer, reopened)) => {
                outcome.dropped = u64::from(reopened.dropped_frames > 0);
                (reopened.frames, Some((writer, reopened)))
            }
            Err(ReopenError::Finished { .. }) => {
                finish(&options()).map_err(told)?;
                (written.attempted, None)
            }
            Err(ReopenError::Log(LogError::Damaged { .. })) if written.misdirected => {
                outcome.corrupt = 1;
                return Ok(outcome);
            }
            Err(error) => return Err(format!("it is refused: {error}")),
        };
        if frames < written.durable && !written.misdirected || frames > written.attempted {
            return Err(format!("{frames} frames are left of {written:?}"));
        }
        outcome.lost = u64::from(frames < written.attempted);
        self.go_on(frames, writer, &options())?;
        Ok(outcome)
    }
}

impl LogWork {
    /// Appends some frames behind those that are left, ends the log, and reads all of it.
    fn go_on<S>(
        &self,
        frames: u64,
        writer: Option<(LogWriter, Reopened)>,
        options: &LogOptions<S>,
    ) -> Result<(), String>
    where
        S: Storage + Clone,
    {
        let mut last = frames;
        if let Some((mut writer, _)) = writer {
            for sequence in frames + 1..=frames + FRAMES_AFTER {
                writer
                    .append(&tag(self.kind, sequence), &payload(self.kind, sequence))
                    .map_err(told)?;
            }
            last += FRAMES_AFTER;
            writer.close().map_err(told)?;
        }
        let directories = LogDirectories::of(&options.place);
        let open = LogReader::open(directories.clone(), self.kind, AtTail::Stop);
        let mut reader = open.map_err(told)?;
        let mut read = 0;
        loop {
            match reader.next().map_err(told)? {
                Next::Frame(frame, _) => {
                    read += 1;
                    if frame.tag != tag(self.kind, read)
                        || frame.payload != payload(self.kind, read)
                    {
                        return Err(format!("frame {read} is not what was appended"));
                    }
                }
                Next::End => break,
                other => return Err(format!("{other:?} behind frame {read}")),
            }
        }
        if read != last {
            return Err(format!("{read} frames are read, {last} should be there"));
        }
        let report = verify(&directories, self.kind).map_err(told)?;
        match report.faults.first() {
            Some(fault) => {
                Err(format!("{} at byte {}: {}", fault.file, fault.offset_bytes, fault.what))
            }
            None => Ok(()),
        }
    }
}
