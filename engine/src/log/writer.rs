//! The one writer of a log.
//!
//! [`LogWriter::append`] writes a frame into mapped memory and publishes its length: no system call,
//! no lock and no allocation, also where one segment is full and the next begins, as long as the
//! keeper has it prepared. **Full**: when it has not, the writer waits, and counts that. **Failed**:
//! the error stays, see [`failure`](crate::log::failure).
//!
//! A successor is taken before the `Roll` frame is written, so that behind every `Roll` there is one.
//!
//! Dropped without [`LogWriter::close`] (a panic, an error) the log is left as a killed process
//! leaves it: its segments recover.

use core::time::Duration;
use core::{hint, mem};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::failpoint;
use crate::log::failure::{Act, AppendError, CreateError, LogFailure};
use crate::log::frame::{
    Frame, FrameTag, KIND_END, KIND_ROLL, PAYLOAD_BYTES_MAX, frame_bytes, write_unpublished,
};
use crate::log::keeper::{ClosedLog, Ending, Full, Keeper, Prepared, Start};
use crate::log::mark::MARK_NAME;
use crate::log::options::{LogOptions, SyncLevel};
use crate::log::position::Position;
use crate::log::prepare::{find_log, remove_orphans, remove_unnamed};
use crate::log::reopen::{self, ReopenError, Reopened, Settled};
use crate::log::segment::SEGMENT_RESERVE_BYTES;
use crate::log::storage::{Storage, StoredFile};
use crate::log::tails::{LogStatistics, LogTails};
use crate::log::{LogKind, SegmentNumber};
use crate::memory::append_map::AppendMap;
use crate::units::{Nanos, Sequence};

/// The longest frame.
const FRAME_BYTES_MAX: usize = frame_bytes(PAYLOAD_BYTES_MAX);

/// Looks for what is waited for: first at once, then giving the core away, then asleep in between.
const SPINS: u32 = 200;
const YIELDS: u32 = 1_000;
const NAP: Duration = Duration::from_micros(100);

/// How an append becomes durable.
enum Durable {
    /// Not by the writer.
    Later,
    /// The writer syncs the segment's file.
    File(Arc<dyn StoredFile>),
    /// The keeper archives and syncs; the writer waits for it.
    Archive,
}

/// See the module.
pub struct LogWriter {
    kind: LogKind,
    segment: SegmentNumber,
    epoch: u32,
    map: AppendMap,
    /// Bytes that the next frame may have; 0 once the log has failed.
    room: usize,
    /// Frames of this segment, and of those before it.
    frames: u64,
    frames_before: u64,
    /// Of them, those of the log's user.
    records: u64,
    last_sequence: Sequence,
    last_time: Nanos,
    tails: LogTails,
    durable: Durable,
    failure: Option<Arc<LogFailure>>,
    /// Where the log lies, for messages.
    pub(super) directory: String,
    keeper: Keeper,
}

impl LogWriter {
    /// Makes a log in a directory that holds none, and waits until its first segment is prepared.
    /// Absent directories are made. The keeper may run on the cores on which the calling thread may
    /// run now: a hot thread pins itself afterwards.
    ///
    /// # Errors
    /// An option that cannot be, a log that is there already, no room, or what else the system says.
    pub fn create<S>(options: LogOptions<S>) -> Result<LogWriter, CreateError>
    where
        S: Storage + 'static,
        S::File: 'static,
    {
        options.check()?;
        for storage in options.place.directories() {
            let failed = |source| CreateError::Directory { directory: storage.describe(), source };
            storage.create_directory().map_err(failed)?;
            if let Some(name) = find_log(storage).map_err(failed)? {
                return Err(CreateError::Exists { directory: storage.describe(), name });
            }
            remove_unnamed(storage).map_err(failed)?;
        }
        LogWriter::begin(options, &Start::NEW)
    }

    /// Goes on with a log whose writer is gone, see [`reopen`], or makes it where
    /// there is none. With [`Place::Memory`](crate::log::options::Place::Memory) the directory in
    /// memory is the one that the dead writer used; it may be gone. [`LogOptions::incarnation`] is
    /// found, not taken from the options. Reads the whole log once.
    ///
    /// # Errors
    /// An option that cannot be; a log that ended in order, is another session's or damaged, and then
    /// nothing was changed; what the system says, and then it can be tried again.
    pub fn reopen<S>(options: LogOptions<S>) -> Result<(LogWriter, Reopened), ReopenError>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
    {
        LogWriter::reopen_reading(options, |_| Ok(()))
    }

    /// As [`LogWriter::reopen`], and shows `see` every frame that is kept, before anything is changed.
    /// What it answers with instead of going on is the error, and then nothing is changed.
    pub(crate) fn reopen_reading<S>(
        options: LogOptions<S>,
        see: impl FnMut(&Frame<'_>) -> Result<(), String>,
    ) -> Result<(LogWriter, Reopened), ReopenError>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
    {
        options.check()?;
        let Some(Settled { start, reopened }) = reopen::settle(&options, see)? else {
            for storage in options.place.directories() {
                let failed =
                    |source| CreateError::Directory { directory: storage.describe(), source };
                storage
                    .create_directory()
                    .and_then(|()| remove_orphans(storage))
                    .map_err(failed)?;
            }
            let writer = LogWriter::create(LogOptions { incarnation: 0, ..options })?;
            return Ok((writer, Reopened::default()));
        };
        let options = LogOptions { incarnation: reopened.incarnation, ..options };
        Ok((LogWriter::begin(options, &start)?, reopened))
    }

    /// Starts the keeper, and waits until the first segment is prepared.
    fn begin<S>(options: LogOptions<S>, start: &Start) -> Result<LogWriter, CreateError>
    where
        S: Storage + 'static,
        S::File: 'static,
    {
        let place = &options.place;
        let archives = place.memory_directory().is_some();
        let directory = place.directory().describe();
        let (kind, sync) = (options.kind, options.sync);
        let tails = LogTails::new(archives);
        let before = Position::new(start.next, 0);
        tails.archive(before);
        if sync != SyncLevel::None {
            tails.sync(before);
        }
        let options = Arc::new(options);
        let keeper = Keeper::start(options.clone(), tails.clone(), start)?;
        let first = wait_for_segment(&keeper, &tails).inspect_err(|_| {
            // Nothing is left in memory, nor of a log that does not come to be. What is to be told is
            // the failure.
            let _ = options.place.memory_directory().map(S::remove_directory);
            if *start == Start::NEW {
                let _ = options.place.directory().remove(MARK_NAME);
            }
        })?;
        let durable = match sync {
            SyncLevel::None | SyncLevel::Interval { .. } => Durable::Later,
            SyncLevel::Batch if archives => Durable::Archive,
            SyncLevel::Batch => Durable::File(first.file),
        };
        let mut writer = LogWriter {
            kind,
            segment: first.number,
            epoch: first.epoch,
            map: first.map,
            room: 0,
            frames: 0,
            frames_before: 0,
            records: 0,
            last_sequence: start.last_sequence,
            last_time: start.last_time,
            tails,
            durable,
            failure: None,
            directory,
            keeper,
        };
        writer.measure_room();
        writer.tails.append(writer.position(), start.last_sequence, 0);
        Ok(writer)
    }

    /// Appends a frame and gives the place behind it. At [`SyncLevel::Batch`] it is durable then.
    ///
    /// # Errors
    /// If the payload is too long; if the log has failed, now or before.
    ///
    /// # Panics
    /// If the tag has a kind that is the log's own, [`KIND_ROLL`] or more.
    #[inline]
    pub fn append(&mut self, tag: &FrameTag, payload: &[u8]) -> Result<Position, AppendError> {
        let position = self.append_unsynced(tag, payload)?;
        if !matches!(self.durable, Durable::Later) {
            self.sync()?;
        }
        Ok(position)
    }

    /// As [`LogWriter::append`], but durable only with the next [`LogWriter::sync`].
    #[inline]
    pub(super) fn append_unsynced(
        &mut self,
        tag: &FrameTag,
        payload: &[u8],
    ) -> Result<Position, AppendError> {
        assert!(tag.kind < KIND_ROLL, "Invariant: kinds from {KIND_ROLL} on are the log's own");
        failpoint::hit(self.kind.failpoints().append_before);
        if frame_bytes(payload.len()) > self.room || self.tails.must_stop() {
            self.make_room(payload.len())?;
        }
        let position = self.put(tag, payload);
        self.records += 1;
        self.tails.record(self.records);
        failpoint::hit(self.kind.failpoints().append_after);
        Ok(position)
    }

    /// Writes a frame where there is room for it.
    #[inline(always)]
    fn put(&mut self, tag: &FrameTag, payload: &[u8]) -> Position {
        let length = write_unpublished(self.map.free(), self.epoch, tag, payload);
        self.map.publish(length, frame_bytes(payload.len()));
        // The next frame is probably as long.
        self.map.prefetch_free(frame_bytes(payload.len()));
        self.frames += 1;
        self.last_sequence = tag.sequence;
        self.last_time = tag.time;
        self.measure_room();
        let position = self.position();
        self.tails.append(position, tag.sequence, self.frames_before + self.frames);
        position
    }

    #[inline(always)]
    fn measure_room(&mut self) {
        let free = self.map.bytes() - self.map.published_bytes();
        self.room = free.saturating_sub(SEGMENT_RESERVE_BYTES).min(FRAME_BYTES_MAX);
    }

    /// Behind the last frame.
    #[inline(always)]
    fn position(&self) -> Position {
        Position::new(self.segment, self.map.published_bytes() as u64)
    }

    /// Makes room for a frame in the next segment, or says why there is none.
    #[cold]
    fn make_room(&mut self, payload_bytes: usize) -> Result<(), AppendError> {
        if self.tails.must_stop() && self.failure.is_none() {
            self.failure = self.tails.failure();
        }
        if let Some(failure) = &self.failure {
            self.room = 0;
            return Err(AppendError::Failed(failure.clone()));
        }
        if payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(AppendError::PayloadTooLong { bytes: payload_bytes });
        }
        Ok(self.roll().map_err(|failure| self.stay_failed(failure))?)
    }

    /// Ends the segment and goes on in the next one.
    fn roll(&mut self) -> Result<(), Arc<LogFailure>> {
        let next = match self.keeper.next_segment() {
            Some(next) => next,
            None => {
                let from = Instant::now();
                let next = wait_for_segment(&self.keeper, &self.tails);
                self.tails.wait(from.elapsed().as_nanos() as u64);
                next?
            }
        };
        failpoint::hit(self.kind.failpoints().roll_before);
        self.put_last(KIND_ROLL);
        if let Durable::File(file) = &mut self.durable {
            // Before the next segment has a frame: what is durable has no hole.
            let synced = file.sync_data();
            *file = next.file;
            synced.map_err(|error| self.sync_failure(error))?;
        }
        self.tails.roll(self.map.published_bytes() as u64);
        let map = mem::replace(&mut self.map, next.map);
        self.keeper.hand_over(Full { number: self.segment, map, frames: self.frames });
        self.segment = next.number;
        self.epoch = next.epoch;
        self.frames_before += mem::take(&mut self.frames);
        self.measure_room();
        failpoint::hit(self.kind.failpoints().roll_after);
        Ok(())
    }

    /// Writes the frame that ends a segment; [`SEGMENT_RESERVE_BYTES`] keeps room for it.
    fn put_last(&mut self, kind: u8) {
        let (sequence, time) = (self.last_sequence, self.last_time);
        self.put(&FrameTag { kind, flags: 0, feed: 0, sequence, time }, &[]);
    }

    /// Makes all that is appended durable, if the level is [`SyncLevel::Batch`].
    #[cold]
    pub(super) fn sync(&mut self) -> Result<(), AppendError> {
        let synced = match &self.durable {
            Durable::Later => Ok(()),
            Durable::File(file) => match file.sync_data() {
                Ok(()) => {
                    self.tails.sync(self.position());
                    Ok(())
                }
                Err(error) => Err(self.sync_failure(error)),
            },
            Durable::Archive => self.wait_for_archive(),
        };
        Ok(synced.map_err(|failure| self.stay_failed(failure))?)
    }

    fn wait_for_archive(&self) -> Result<(), Arc<LogFailure>> {
        let position = self.position();
        self.keeper.wake();
        wait_until(|| {
            if self.tails.synced() >= position {
                return Some(Ok(()));
            }
            // A segment that cannot be prepared keeps nothing from being synced.
            match self.tails.must_stop() {
                true => self.tails.failure().map(Err),
                false => None,
            }
        })
    }

    fn sync_failure(&self, error: io::Error) -> Arc<LogFailure> {
        let failure = LogFailure {
            act: Act::Sync,
            segment: self.segment,
            directory: self.directory.clone(),
            source: Arc::new(error),
        };
        self.tails.fail(failure, true)
    }

    fn stay_failed(&mut self, failure: Arc<LogFailure>) -> Arc<LogFailure> {
        self.room = 0;
        self.tails.refuse();
        self.failure.get_or_insert(failure).clone()
    }

    /// How far the log has come, for other threads.
    #[must_use]
    pub fn tails(&self) -> &LogTails {
        &self.tails
    }

    /// What has been done so far.
    #[must_use]
    pub fn statistics(&self) -> LogStatistics {
        self.tails.statistics()
    }

    /// Leaves the log without an end, to be reopened: it recovers as after a kill. Where it is written in
    /// memory, all of it is carried to disk first, as far as that can be done; tells whether it was.
    #[must_use]
    pub fn leave(self) -> bool {
        let LogWriter { map, keeper, tails, frames, frames_before, .. } = self;
        keeper.end(Ending::Failed);
        drop(map);
        frames + frames_before == 0 || tails.archived() == tails.appended()
    }

    /// Ends the log in order: its last frame says so, the last segment is archived, sealed and
    /// indexed, what was prepared is removed, and the thread has ended.
    ///
    /// # Errors
    /// If the log has failed, now or before. Then what was accepted is as it was, archived as far as
    /// that is possible, and without an end (it recovers as after a kill) unless just an index could
    /// not be written.
    pub fn close(mut self) -> Result<ClosedLog, Arc<LogFailure>> {
        let orderly = self.failure.is_none() && !self.tails.must_stop();
        let ending = if orderly { Ending::Orderly } else { Ending::Failed };
        if orderly {
            self.put_last(KIND_END);
            failpoint::hit(self.kind.failpoints().end_after);
            self.keeper.hand_over(Full {
                number: self.segment,
                map: self.map,
                frames: self.frames,
            });
        }
        match (self.keeper.end(ending), self.failure) {
            (Some(closed), None) => Ok(closed),
            (_, Some(failure)) => Err(failure),
            (None, None) => Err(self.tails.failure_or_panic()),
        }
    }
}

/// Waits for the first or next segment.
fn wait_for_segment(keeper: &Keeper, tails: &LogTails) -> Result<Prepared, Arc<LogFailure>> {
    keeper.wake();
    wait_until(|| {
        // In this order: a segment that was prepared before something failed is used.
        let failure = tails.failure();
        match (keeper.next_segment(), failure) {
            (Some(prepared), _) => Some(Ok(prepared)),
            (None, Some(failure)) => Some(Err(failure)),
            (None, None) => None,
        }
    })
}

/// Looks until there is something.
fn wait_until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let mut looks = 0;
    loop {
        if let Some(found) = look() {
            return found;
        }
        match looks {
            0..SPINS => hint::spin_loop(),
            SPINS..YIELDS => thread::yield_now(),
            _ => thread::sleep(NAP),
        }
        looks = looks.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
