//! The thread that archives closed segments while a session is recorded.
//!
//! It has the lowest priority, looks for closed segments a few times a second and is waited for by
//! nobody. Who ends a session stops it, which takes no longer than 256 KiB of content do, and archives the
//! rest with [`compress_all`](crate::log::archive::compress::compress_all). What fails is counted,
//! kept in the status and tried again later, at longer and longer intervals; the plain segments stay.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::log::LogKind;
use crate::log::archive::compress::{
    ArchiveError, ArchiveFault, ArchiveOptions, Archived, Archiving,
};
use crate::log::storage::Storage;

/// Segments for which there must be room on the disk before one is archived: that one in its new form,
/// and those that the writer's keeper prepares meanwhile. With less the recording is about to end, and
/// shall not do so the sooner for being archived.
const SPARED_SEGMENTS: u64 = 4;

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(200);

/// Until what failed is tried again, at first; twice as long each time that it fails again.
const RETRY_MIN: Duration = Duration::from_secs(5);

/// The longest that becomes.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The least that a thread may be given.
const NICE: i32 = 19;

/// What has been done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveStatus {
    /// Segments that were archived.
    pub segments: u64,
    /// Bytes that they had.
    pub plain_bytes: u64,
    /// Bytes that they have now.
    pub archived_bytes: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Why the last of them did.
    pub last_error: Option<String>,
}

/// The thread. Dropped, it ends as by [`Archiver::stop`].
pub struct Archiver {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stops: AtomicBool,
    status: Mutex<ArchiveStatus>,
}

impl Shared {
    /// What stands in it stays right whatever panics beside it.
    fn status(&self) -> MutexGuard<'_, ArchiveStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archiver {
    /// Starts it for logs, each with the directory on disk in which its closed segments lie.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start<S: Storage + 'static>(
        logs: Vec<(LogKind, S)>,
        options: ArchiveOptions,
    ) -> io::Result<Archiver> {
        let shared = Arc::new(Shared::default());
        let work = Work { logs, options, shared: shared.clone() };
        let thread =
            thread::Builder::new().name("archiver".to_owned()).spawn(move || work.run())?;
        Ok(Archiver { shared, thread: Some(thread) })
    }

    /// What it has done so far.
    #[must_use]
    pub fn status(&self) -> ArchiveStatus {
        self.shared.status().clone()
    }

    /// Ends it, in the midst of a segment if need be, which stays plain.
    #[must_use]
    pub fn stop(mut self) -> ArchiveStatus {
        self.join();
        self.status()
    }

    fn join(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        if thread.join().is_err() {
            let mut status = self.shared.status();
            status.failures += 1;
            status.last_error = Some("the archiver's thread has panicked".to_owned());
        }
    }
}

impl Drop for Archiver {
    fn drop(&mut self) {
        self.join();
    }
}

struct Work<S> {
    logs: Vec<(LogKind, S)>,
    options: ArchiveOptions,
    shared: Arc<Shared>,
}

impl<S: Storage> Work<S> {
    fn run(self) {
        // Of this thread alone, as Linux has it. Where it is not allowed the work is the same.
        let _ = rustix::process::setpriority_process(None, NICE);
        for (kind, disk) in &self.logs {
            self.note(self.archiving(*kind, disk).remove_unfinished(), disk);
        }
        let mut retry = Retry::default();
        while !self.stops() {
            if retry.is_due() {
                let is_well = self.look();
                retry.went(is_well);
            }
            thread::park_timeout(PERIOD);
        }
    }

    fn stops(&self) -> bool {
        self.shared.stops.load(Ordering::Relaxed)
    }

    fn archiving<'a>(&'a self, kind: LogKind, disk: &'a S) -> Archiving<'a, S> {
        let (options, stops) = (&self.options, &self.shared.stops);
        Archiving { disk, kind, options, stops, spares_segments: SPARED_SEGMENTS }
    }

    /// Archives what is closed by now; whether all of it went well.
    fn look(&self) -> bool {
        let mut is_well = true;
        for (kind, disk) in &self.logs {
            let archiving = self.archiving(*kind, disk);
            let Some(closed) = self.note(archiving.closed(), disk) else {
                is_well = false;
                continue;
            };
            for number in closed {
                if self.stops() {
                    return is_well;
                }
                match archiving.archive(number) {
                    Ok(archived) => self.add(archived),
                    Err(error) => {
                        is_well = false;
                        self.fail(&error);
                        if error.is_full() {
                            break;
                        }
                    }
                }
            }
        }
        is_well
    }

    fn note<T>(&self, done: io::Result<T>, disk: &S) -> Option<T> {
        let failed = |source| {
            self.fail(&ArchiveError { file: disk.describe(), fault: ArchiveFault::Io(source) });
        };
        done.map_err(failed).ok()
    }

    fn add(&self, archived: Option<Archived>) {
        let Some(Archived { plain_bytes, archived_bytes }) = archived else { return };
        let mut status = self.shared.status();
        status.segments += 1;
        status.plain_bytes += plain_bytes;
        status.archived_bytes += archived_bytes;
    }

    fn fail(&self, error: &ArchiveError) {
        let mut status = self.shared.status();
        status.failures += 1;
        status.last_error = Some(error.to_string());
    }
}

/// When to try again.
#[derive(Default)]
struct Retry {
    due: Option<Instant>,
    pause: Duration,
}

impl Retry {
    fn is_due(&self) -> bool {
        self.due.is_none_or(|due| Instant::now() >= due)
    }

    fn went(&mut self, is_well: bool) {
        if is_well {
            *self = Retry::default();
            return;
        }
        self.pause = (2 * self.pause).clamp(RETRY_MIN, RETRY_MAX);
        self.due = Instant::now().checked_add(self.pause);
    }
}
