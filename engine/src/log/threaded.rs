//! Appends to a log on a thread of its own.
//!
//! ```text
//!   hot thread ──► ring of 64-byte cells ──► journal thread ──► LogWriter
//! ```
//! The hot thread copies each frame into anonymous memory and is done; whatever stalls a write to the
//! log's map stalls the other thread. What counts as appended or synced is what the log's
//! [`LogTails`] say, not what [`ThreadedLogWriter::append`] has taken. At [`SyncLevel::Batch`] the
//! thread appends what stands in the ring and syncs it together.
//!
//! **Full**: the hot thread waits, and that is counted. **Failed**: the thread ends, what stands in
//! the ring is lost, and the next append on the hot side tells why. **Closed or dropped**: the thread
//! first appends all that stands in the ring.
//!
//! [`SyncLevel::Batch`]: crate::log::options::SyncLevel::Batch
//!
//! A record in the ring, one or more cells; the rest of the last cell is whatever was there:
//!
//! ```text
//!  0               4      6      7       8          16        24
//!  ├ payload_bytes ┼ feed ┼ kind ┼ flags ┼ sequence ┼ time_ns ┼ payload … ┤
//!    u32             u16    u8     u8      u64        i64
//! ```

use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytemuck::{Pod, Zeroable};

use crate::log::failure::{AppendError, CreateError, LogFailure};
use crate::log::frame::{Frame, FrameTag, PAYLOAD_BYTES_MAX};
use crate::log::keeper::ClosedLog;
use crate::log::options::LogOptions;
use crate::log::reopen::{ReopenError, Reopened};
use crate::log::storage::Storage;
use crate::log::tails::{LogStatistics, LogTails, PanicIsFailure};
use crate::log::writer::LogWriter;
use crate::pipeline::pin::{Core, pin_current_thread};
use crate::ring::{Consumer, Producer, WaitStrategy, Waiter, ring_between};
use crate::units::{Nanos, Sequence};

/// Unit of the ring: a cache line.
type Cell = [u64; 8];

const CELL_BYTES: usize = size_of::<Cell>();

/// Smallest ring: two of the longest records.
pub const RING_BYTES_MIN: usize =
    2 * (PAYLOAD_BYTES_MAX + RECORD_HEADER_BYTES).next_multiple_of(CELL_BYTES).next_power_of_two();

/// Cells that are appended before room is given back: no more than a small part of a cache.
const CELLS_AT_A_TIME: usize = 1_024;

/// What the thread is called.
const NAME: &str = "journal";

/// How a hot thread waits for room: it has nothing else to do, and its core may be shared.
const WAIT_FOR_ROOM: WaitStrategy = WaitStrategy::SpinThenYield { spins: 1_000 };

/// See the module.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RecordHeader {
    payload_bytes: u32,
    feed: u16,
    kind: u8,
    flags: u8,
    sequence: u64,
    time_ns: i64,
}

const RECORD_HEADER_BYTES: usize = size_of::<RecordHeader>();

const _: () = assert!(RECORD_HEADER_BYTES == 24);

fn cells(payload_bytes: usize) -> usize {
    (RECORD_HEADER_BYTES + payload_bytes).div_ceil(CELL_BYTES)
}

/// How the thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadOptions {
    /// Bytes of the ring: a power of two, [`RING_BYTES_MIN`] or more.
    pub ring_bytes: usize,
    /// How the thread waits for frames. With `park` each append costs the hot thread a fence, and
    /// now and then a system call to wake it.
    pub wait: WaitStrategy,
    /// The thread's core; `None`: any.
    pub core: Option<Core>,
}

/// The hot thread's end. See the module.
pub struct ThreadedLogWriter {
    tails: LogTails,
    /// `None` once it ends.
    ends: Option<Ends>,
}

struct Ends {
    producer: Producer<Cell>,
    waiter: Waiter,
    orderly: Arc<AtomicBool>,
    thread: JoinHandle<Option<Result<ClosedLog, Arc<LogFailure>>>>,
}

impl Ends {
    /// Starts the thread. It waits for the log that it appends to, and ends if there is none.
    fn start(thread: ThreadOptions) -> Result<(Ends, mpsc::SyncSender<LogWriter>), CreateError> {
        let ring_bytes = thread.ring_bytes;
        if ring_bytes < RING_BYTES_MIN {
            return Err(CreateError::Option {
                option: "ring_bytes",
                given: ring_bytes as u64,
                must: "at least 256 KiB",
            });
        }
        let (waiter, thread_waiter) = (Waiter::new(WAIT_FOR_ROOM), Waiter::new(thread.wait));
        let capacity = ring_bytes / CELL_BYTES;
        let (producer, consumer) = ring_between(capacity, &waiter, &thread_waiter)?;
        let orderly = Arc::new(AtomicBool::new(false));
        let (tell, pinned) = mpsc::sync_channel(1);
        let (give, given) = mpsc::sync_channel(1);
        let core = thread.core;
        let run = {
            let orderly = orderly.clone();
            move || {
                // Who starts the thread waits for this, and then gives it the log or goes away.
                let _ = tell.send(core.map_or(Ok(()), pin_current_thread));
                let writer = given.recv().ok()?;
                let joined = vec![0; PAYLOAD_BYTES_MAX].into_boxed_slice();
                Appending { writer, consumer, waiter: thread_waiter, orderly, joined }.run()
            }
        };
        let thread = thread::Builder::new().name(NAME.to_owned()).spawn(run).map_err(no_thread)?;
        pinned.recv().map_err(|error| no_thread(io::Error::other(error)))??;
        Ok((Ends { producer, waiter, orderly, thread }, give))
    }
}

fn no_thread(source: io::Error) -> CreateError {
    CreateError::Thread { name: NAME, source }
}

impl ThreadedLogWriter {
    /// Starts the thread, and makes the log as [`LogWriter::create`] does.
    ///
    /// # Errors
    /// If there is no ring of that size, no thread, or not on that core, and then there is no log; as
    /// [`LogWriter::create`].
    pub fn create<S>(
        options: LogOptions<S>,
        thread: ThreadOptions,
    ) -> Result<ThreadedLogWriter, CreateError>
    where
        S: Storage + 'static,
        S::File: 'static,
    {
        let make = || LogWriter::create(options).map(|writer| (writer, ()));
        Ok(ThreadedLogWriter::start(thread, make)?.0)
    }

    /// Starts the thread, and goes on with a log as [`LogWriter::reopen`] does.
    ///
    /// # Errors
    /// As [`ThreadedLogWriter::create`], and then the log is as it was; as [`LogWriter::reopen`].
    pub fn reopen<S>(
        options: LogOptions<S>,
        thread: ThreadOptions,
    ) -> Result<(ThreadedLogWriter, Reopened), ReopenError>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
    {
        ThreadedLogWriter::reopen_reading(options, thread, |_| Ok(()))
    }

    /// As [`ThreadedLogWriter::reopen`], and shows `see` what [`LogWriter::reopen_reading`] does.
    pub(crate) fn reopen_reading<S>(
        options: LogOptions<S>,
        thread: ThreadOptions,
        see: impl FnMut(&Frame<'_>) -> Result<(), String>,
    ) -> Result<(ThreadedLogWriter, Reopened), ReopenError>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
    {
        ThreadedLogWriter::start(thread, || LogWriter::reopen_reading(options, see))
    }

    /// Starts the thread, and then has the log made that it appends to.
    fn start<T, E: From<CreateError>>(
        thread: ThreadOptions,
        make: impl FnOnce() -> Result<(LogWriter, T), E>,
    ) -> Result<(ThreadedLogWriter, T), E> {
        let (ends, give) = Ends::start(thread)?;
        // Not on that thread: the keeper would start on its core.
        let (writer, made) = make()?;
        let tails = writer.tails().clone();
        give.send(writer).map_err(|_| no_thread(io::ErrorKind::BrokenPipe.into()))?;
        Ok((ThreadedLogWriter { tails, ends: Some(ends) }, made))
    }

    /// Hands a frame to the thread. No system call (unless the thread parks), lock or allocation
    /// while the ring has room.
    ///
    /// # Errors
    /// If the payload is too long; if the log has failed at an earlier frame.
    #[inline]
    pub fn append(&mut self, tag: &FrameTag, payload: &[u8]) -> Result<(), AppendError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(AppendError::PayloadTooLong { bytes: payload.len() });
        }
        let Some(Ends { producer, waiter, .. }) = &mut self.ends else {
            return Err(failed(&self.tails));
        };
        if producer.is_abandoned() {
            return Err(failed(&self.tails));
        }
        let cells = cells(payload.len());
        let mut claim = producer.claim(cells);
        if claim.len() < cells {
            drop(claim);
            wait_for_room(producer, waiter, cells, &self.tails)?;
            claim = producer.claim(cells);
        }
        let header = RecordHeader {
            payload_bytes: payload.len() as u32,
            feed: tag.feed,
            kind: tag.kind,
            flags: tag.flags,
            sequence: tag.sequence.0,
            time_ns: tag.time.0,
        };
        let (front, back) = claim.slices();
        let (front, back) = (cast_mut(front), cast_mut(back));
        let (first, rest) = front.split_at_mut(RECORD_HEADER_BYTES);
        first.copy_from_slice(bytemuck::bytes_of(&header));
        let (head, tail) = payload.split_at(payload.len().min(rest.len()));
        rest[..head.len()].copy_from_slice(head);
        back[..tail.len()].copy_from_slice(tail);
        claim.commit(cells);
        Ok(())
    }

    /// How far the log has come.
    #[must_use]
    pub fn tails(&self) -> &LogTails {
        &self.tails
    }

    /// What the thread has done so far, and how often the ring was full.
    #[must_use]
    pub fn statistics(&self) -> LogStatistics {
        self.tails.statistics()
    }

    /// Bytes that wait in the ring.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.ends.as_ref().map_or(0, |ends| ends.producer.depth() * CELL_BYTES)
    }

    /// Lets the thread append all that stands in the ring, and ends the log as
    /// [`LogWriter::close`] does.
    ///
    /// # Errors
    /// As [`LogWriter::close`].
    pub fn close(mut self) -> Result<ClosedLog, Arc<LogFailure>> {
        match self.end(true) {
            Some(closed) => closed,
            None => Err(self.tails.failure_or_panic()),
        }
    }

    fn end(&mut self, orderly: bool) -> Option<Result<ClosedLog, Arc<LogFailure>>> {
        let Ends { producer, orderly: flag, thread, .. } = self.ends.take()?;
        // Seen by the thread with the end of the ring.
        flag.store(orderly, Ordering::Release);
        drop(producer);
        // A panic is the log's failure, see `PanicIsFailure`.
        thread.join().ok().flatten()
    }
}

impl Drop for ThreadedLogWriter {
    fn drop(&mut self) {
        self.end(false);
    }
}

#[cold]
fn failed(tails: &LogTails) -> AppendError {
    AppendError::Failed(tails.failure_or_panic())
}

#[cold]
fn wait_for_room(
    producer: &mut Producer<Cell>,
    waiter: &mut Waiter,
    cells: usize,
    tails: &LogTails,
) -> Result<(), AppendError> {
    let from = Instant::now();
    while producer.free() < cells {
        if producer.is_abandoned() {
            return Err(failed(tails));
        }
        waiter.wait();
    }
    waiter.reset();
    tails.wait(from.elapsed().as_nanos() as u64);
    Ok(())
}

fn cast_mut(cells: &mut [Cell]) -> &mut [u8] {
    bytemuck::cast_slice_mut(cells)
}

/// The thread's side.
struct Appending {
    writer: LogWriter,
    consumer: Consumer<Cell>,
    waiter: Waiter,
    orderly: Arc<AtomicBool>,
    /// For payloads that the ring's end cuts in two.
    joined: Box<[u8]>,
}

impl Appending {
    /// `None` if the log was left without an end, or has failed.
    fn run(mut self) -> Option<Result<ClosedLog, Arc<LogFailure>>> {
        let tails = self.writer.tails().clone();
        let _told = PanicIsFailure::new(NAME, &tails, &self.writer.directory);
        let never = AtomicBool::new(false);
        while self.consumer.wait_for_values(&mut self.waiter, &never).is_ok() {
            if self.append_some().is_err() {
                // Which error it is, the log keeps. The ring is given up only when all is settled.
                let _ = self.writer.close();
                return None;
            }
        }
        self.orderly.load(Ordering::Acquire).then(|| self.writer.close())
    }

    /// Appends what stands at the front of the ring, whole records.
    fn append_some(&mut self) -> Result<(), AppendError> {
        let batch = self.consumer.read(self.consumer.capacity());
        let (front, back) = batch.slices();
        let (front, back): (&[u8], &[u8]) =
            (bytemuck::cast_slice(front), bytemuck::cast_slice(back));
        let mut done = 0;
        while done < batch.len().min(CELLS_AT_A_TIME) {
            let at = done * CELL_BYTES;
            // The first cell of a record holds its whole header.
            let from_header = match front.get(at..) {
                Some(rest) if !rest.is_empty() => rest,
                _ => &back[at - front.len()..],
            };
            let header: RecordHeader =
                bytemuck::pod_read_unaligned(&from_header[..RECORD_HEADER_BYTES]);
            let length = header.payload_bytes as usize;
            let behind = &from_header[RECORD_HEADER_BYTES..];
            let payload = match behind.get(..length) {
                Some(payload) => payload,
                None => {
                    let joined = &mut self.joined[..length];
                    let (head, tail) = joined.split_at_mut(behind.len());
                    head.copy_from_slice(behind);
                    tail.copy_from_slice(&back[..tail.len()]);
                    joined
                }
            };
            let tag = FrameTag {
                kind: header.kind,
                flags: header.flags,
                feed: header.feed,
                sequence: Sequence(header.sequence),
                time: Nanos(header.time_ns),
            };
            self.writer.append_unsynced(&tag, payload)?;
            done += cells(length);
        }
        self.writer.sync()?;
        batch.release(done);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
