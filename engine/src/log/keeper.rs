//! The cold thread of a log: prepares what the writer needs next, and looks after what it leaves.
//!
//! ```text
//!            ┌──── prepared: at most 2 ────┐
//!   keeper ──┤                             ├──► writer
//!            └── closed: full segments ◄───┘
//! ```
//! In order of segments it follows the published frames (archive, hash, sync by interval), seals a
//! segment when its last frame is there, writes its index, and uses its memory again. It looks about
//! every millisecond and is never woken by an append that has room. When everything is in use
//! nothing is prepared, and the writer waits.
//!
//! **Failures** stay (see [`failure`](crate::log::failure)). After a segment that could not be prepared
//! or an index that could not be written no more segments are prepared: the writer stops when it needs
//! one, and what is full or written is still archived and sealed. Any other failure stops the writer
//! at its next append, and the keeper too. A panic here counts as one of these.

use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_queue::ArrayQueue;

use crate::failpoint;
use crate::log::failure::{Act, CreateError, LogFailure};
use crate::log::follow::{Following, Trouble};
use crate::log::index::Index;
use crate::log::mark::MarkKeeper;
use crate::log::options::{LogOptions, SyncLevel};
use crate::log::position::{Position, SEGMENT_NUMBER_MAX};
use crate::log::prepare::Preparer;
use crate::log::seal::Seal;
use crate::log::segment::index_name;
use crate::log::storage::{Storage, StoredFile, write_by_rename};
use crate::log::tails::{LogTails, PanicIsFailure};
use crate::log::{LogKind, SegmentNumber};
use crate::memory::append_map::AppendMap;
use crate::units::{Nanos, Sequence};

/// Time between two looks while there is nothing to do.
const PERIOD: Duration = Duration::from_millis(1);

/// Segments that wait for the writer. At 64 MiB each and 1 GB/s these are 130 ms, in which the keeper
/// may be held up by a slow disk.
const PREPARED_MAX: usize = 2;

/// A segment for the writer.
pub(super) struct Prepared {
    pub(super) number: SegmentNumber,
    pub(super) epoch: u32,
    pub(super) map: AppendMap,
    /// What the writer syncs by itself, if it does.
    pub(super) file: Arc<dyn StoredFile>,
}

/// A segment from the writer: its last frame is published.
pub(super) struct Full {
    pub(super) number: SegmentNumber,
    pub(super) map: AppendMap,
    pub(super) frames: u64,
}

/// What becomes of the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ending {
    /// Nothing; it goes on.
    None = 0,
    /// All is full and handed over: seal it, remove the rest.
    Orderly = 1,
    /// The log has failed: carry what is published as far as that can be done, leave everything.
    Failed = 2,
    /// Leave everything at once.
    Abandoned = 3,
}

/// Where a writer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The first segment that is made.
    pub(super) next: SegmentNumber,
    /// The seal of the one before.
    pub(super) last_seal: Seal,
    /// Of the last frame before.
    pub(super) last_sequence: Sequence,
    pub(super) last_time: Nanos,
}

impl Start {
    /// Of a new log.
    pub(super) const NEW: Start = Start {
        next: SegmentNumber(0),
        last_seal: Seal::NONE,
        last_sequence: Sequence(0),
        last_time: Nanos(0),
    };
}

struct Channel {
    prepared: ArrayQueue<Prepared>,
    full: ArrayQueue<Full>,
    ending: AtomicU8,
}

/// What an orderly ended log has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedLog {
    /// The seal of the last segment: it proves the whole log.
    pub seal: Seal,
    /// Segments.
    pub segments: u64,
}

/// The writer's side: the queues and the thread. Dropped, it ends the thread, which leaves all
/// segments as they are.
pub(super) struct Keeper {
    channel: Arc<Channel>,
    thread: Option<JoinHandle<Option<ClosedLog>>>,
}

impl Keeper {
    /// Starts the thread, which begins with the first segment that is not there yet.
    pub(super) fn start<S: Storage + 'static>(
        options: Arc<LogOptions<S>>,
        tails: LogTails,
        start: &Start,
    ) -> Result<Keeper, CreateError>
    where
        S::File: 'static,
    {
        let segments_max = options.segments_max();
        let channel = Arc::new(Channel {
            prepared: ArrayQueue::new(PREPARED_MAX),
            full: ArrayQueue::new(segments_max),
            ending: AtomicU8::new(Ending::None as u8),
        });
        let place = &options.place;
        let syncs = options.sync != SyncLevel::None;
        let begins = Position::new(start.next, 0);
        let mark =
            MarkKeeper::take(place.directory(), options.session, options.boot, begins, syncs);
        let mark = mark.map_err(|source| {
            let (act, segment) = (Act::Mark, start.next);
            let (directory, source) = (place.directory().describe(), Arc::new(source));
            Arc::new(LogFailure { act, segment, directory, source })
        })?;
        let keeping = Keeping {
            mark,
            directory: place.directory().describe(),
            archives: place.memory_directory().is_some(),
            sync: options.sync,
            kind: options.kind,
            segments_max,
            preparer: Preparer::new(options),
            channel: channel.clone(),
            tails,
            kept: VecDeque::with_capacity(segments_max),
            next: start.next,
            last_seal: start.last_seal,
            prepares: true,
            indexed: true,
        };
        let name = "keeper";
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || keeping.run())
            .map_err(|source| CreateError::Thread { name, source })?;
        Ok(Keeper { channel, thread: Some(thread) })
    }

    /// The next segment, if one is prepared. No system call, no lock.
    pub(super) fn next_segment(&self) -> Option<Prepared> {
        self.channel.prepared.pop()
    }

    /// Hands a full segment over. No system call, no lock.
    pub(super) fn hand_over(&self, full: Full) {
        assert!(
            self.channel.full.push(full).is_ok(),
            "Invariant: no more segments are full than there may be"
        );
    }

    /// Makes the thread look at once.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Ends the thread. `None` if the log could not be ended in order.
    pub(super) fn end(mut self, ending: Ending) -> Option<ClosedLog> {
        self.join(ending)
    }

    fn join(&mut self, ending: Ending) -> Option<ClosedLog> {
        let thread = self.thread.take()?;
        // Release: with the word the thread sees what was handed over.
        self.channel.ending.store(ending as u8, Ordering::Release);
        thread.thread().unpark();
        // A panic is kept as the log's failure, see `Keeping::run`.
        thread.join().ok().flatten()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.join(Ending::Abandoned);
    }
}

/// The thread's side.
struct Keeping<S: Storage> {
    mark: MarkKeeper<S>,
    directory: String,
    archives: bool,
    sync: SyncLevel,
    kind: LogKind,
    segments_max: usize,
    preparer: Preparer<S>,
    channel: Arc<Channel>,
    tails: LogTails,
    /// From the oldest that is not sealed to the newest that is prepared.
    kept: VecDeque<Following<S::File>>,
    next: SegmentNumber,
    last_seal: Seal,
    /// Whether segments can still be prepared.
    prepares: bool,
    /// Whether every sealed segment has its index.
    indexed: bool,
}

impl<S: Storage> Keeping<S>
where
    S::File: 'static,
{
    fn run(mut self) -> Option<ClosedLog> {
        let _told = PanicIsFailure::new("keeper", &self.tails, &self.directory);
        loop {
            // Acquire: see `Keeper::join`.
            let ending = self.channel.ending.load(Ordering::Acquire);
            if ending == Ending::Abandoned as u8 || self.tails.must_stop() {
                return None;
            }
            let worked = match self.step(ending) {
                Ok(worked) => worked,
                Err((segment, trouble)) => {
                    self.fail(segment, trouble, true);
                    return None;
                }
            };
            self.mark_durable();
            if worked {
                continue;
            }
            if ending == Ending::Orderly as u8 {
                let segment = self.next;
                return match self.finish() {
                    Ok(closed) => self.indexed.then_some(closed),
                    Err(error) => {
                        self.fail(segment, (Act::Remove, error), true);
                        None
                    }
                };
            }
            if ending == Ending::Failed as u8 {
                return None;
            }
            thread::park_timeout(PERIOD);
        }
    }

    /// Does the next piece of work, if there is any.
    fn step(&mut self, ending: u8) -> Result<bool, (SegmentNumber, Trouble)> {
        let prepared = ending == Ending::None as u8 && self.prepare();
        let sealed = match self.channel.full.pop() {
            Some(full) => {
                let number = full.number;
                self.seal(full).map_err(|trouble| (number, trouble))?;
                true
            }
            None => false,
        };
        let Some(oldest) = self.kept.front_mut() else { return Ok(prepared || sealed) };
        let number = oldest.number();
        let followed = match ending == Ending::Failed as u8 && !sealed {
            true => oldest.catch_up().map(|()| false),
            false => oldest.follow(Instant::now()),
        };
        Ok(prepared | sealed | followed.map_err(|trouble| (number, trouble))?)
    }

    /// Makes a segment, if there is one to be made and that succeeds.
    fn prepare(&mut self) -> bool {
        if !self.prepares
            || self.channel.prepared.is_full()
            || self.kept.len() >= self.segments_max
            || self.next > SEGMENT_NUMBER_MAX
        {
            return false;
        }
        let number = self.next;
        let ready = match self.preparer.prepare(number) {
            Ok(ready) => ready,
            Err(error) => {
                self.stop_preparing(number, (Act::Prepare, error));
                return false;
            }
        };
        self.kept.push_back(Following::new(
            number,
            ready.map.view(),
            ready.file.clone(),
            self.archives,
            self.sync,
            self.tails.clone(),
        ));
        self.next = number.next();
        let prepared = Prepared { number, epoch: ready.epoch, map: ready.map, file: ready.file };
        assert!(
            self.channel.prepared.push(prepared).is_ok(),
            "Invariant: only this thread prepares, and it found room"
        );
        true
    }

    /// Ends a full segment.
    fn seal(&mut self, full: Full) -> Result<(), Trouble> {
        let mut following = self.kept.pop_front().expect("Invariant: full segments are kept");
        assert_eq!(following.number(), full.number, "Invariant: segments are full in their order");
        let sealed = following.close(full.frames, self.last_seal)?;
        self.last_seal = sealed;
        failpoint::hit(self.kind.failpoints().keep_sealed);
        if self.sync != SyncLevel::None
            && let Err(error) = self.mark.settle(self.tails.synced())
        {
            self.stop_preparing(full.number, (Act::Mark, error));
        }
        let directory = self.preparer.directory();
        let index = Index::build(following.content()).map_err(io::Error::other);
        let written = index.and_then(|index| write_index(directory, &index, self.sync));
        if let Err(error) = written {
            self.stop_preparing(full.number, (Act::Index, error));
        }
        failpoint::hit(self.kind.failpoints().keep_indexed);
        // The last view of the memory, which can be used again now.
        drop(following);
        if self.archives {
            self.preparer.recycle(full.number, full.map);
        }
        Ok(())
    }

    /// Notes what is durable by now. That costs the writer nothing, and may come late.
    fn mark_durable(&mut self) {
        if !self.prepares {
            return;
        }
        if let Err(error) = self.mark.follow(self.tails.synced()) {
            let segment = self.tails.synced().segment();
            self.stop_preparing(segment, (Act::Mark, error));
        }
    }

    /// Keeps a failure that harms nothing that the writer has yet.
    fn stop_preparing(&mut self, segment: SegmentNumber, trouble: Trouble) {
        self.prepares = false;
        self.indexed &= trouble.0 != Act::Index;
        self.fail(segment, trouble, false);
    }

    /// Removes what an ended log does not need.
    fn finish(&mut self) -> io::Result<ClosedLog> {
        while self.channel.prepared.pop().is_some() {}
        let segments = self.next.0 - self.kept.len() as u64;
        // From the last on: at no time is there a hole in the numbers.
        while let Some(unused) = self.kept.pop_back() {
            self.preparer.remove(unused.number())?;
        }
        self.preparer.remove_memory()?;
        if self.sync != SyncLevel::None {
            self.preparer.directory().sync_directory()?;
        }
        Ok(ClosedLog { seal: self.last_seal, segments })
    }

    fn fail(&self, segment: SegmentNumber, (act, source): Trouble, stop: bool) {
        let (directory, source) = (self.directory.clone(), Arc::new(source));
        self.tails.fail(LogFailure { act, segment, directory, source }, stop);
    }
}

/// Writes the index of a closed segment beside it.
pub(super) fn write_index<S: Storage>(
    directory: &S,
    index: &Index,
    sync: SyncLevel,
) -> io::Result<()> {
    let name = index_name(index.number());
    write_by_rename(directory, &name, &index.to_bytes(), sync != SyncLevel::None)
}
