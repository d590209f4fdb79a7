//! `bars.csv` of a recorded run, from its output log by a cursor.
//!
//! A thread of its own follows the log while it is written and appends a line a bar; its cursor
//! keeps how far it has come in the log and in the file. The engine neither knows nor waits. After a
//! kill the file is cut back to what the cursor says and goes on from there, so that it holds each line
//! once. Where the cursor is of another file, or the file shorter than it says, the file begins anew; so
//! it does where the log has no record that ends where the cursor stands: a loss of power took from the
//! log what the cursor had passed, and the run that goes on appends it elsewhere.
//! A file that cannot be written any further ends the writing, never the run; the fault is told at the
//! end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use engine::log::SessionId;
use engine::log::directories::LogDirectories;
use engine::log::reader::{AtTail, FramePosition};
use engine::log::storage::Directory;
use engine::output::cursor::{self, Cursor, CursorName, CursorPlace, CursorSync};
use engine::output::reader::{NextOutput, OutputReader};
use engine::output::record::OutputRecord;
use engine::state::Fingerprint;

use crate::exit::Failure;
use crate::output::bars::{self, BarSymbols};
use crate::replay::select::Wanted;

/// What the cursor is called.
const CURSOR: &str = "bars.csv";

/// How long nothing may come before it is looked for again.
const PERIOD: Duration = Duration::from_millis(5);

/// Lines are written and the cursor moved when they come to so many bytes, or nothing more is there.
const BUFFER_BYTES: usize = 256 << 10;

/// What is followed, and into which file.
pub(crate) struct Followed {
    /// The output log.
    pub(crate) log: LogDirectories<Directory>,
    /// Where its cursors lie.
    pub(crate) cursors: PathBuf,
    /// Its session.
    pub(crate) session: SessionId,
    /// The file.
    pub(crate) path: PathBuf,
}

/// Waits for the run to start.
const WAITING: u8 = 0;
/// Follows.
const FOLLOWING: u8 = 1;
/// The log has its end, or nobody writes to it any more.
const OVER: u8 = 2;
/// The run did not start: nothing is to be left.
const GIVEN_UP: u8 = 3;

/// See the module. Dropped before [`BarsFollower::begin`], it leaves nothing.
pub(crate) struct BarsFollower {
    phase: Arc<AtomicU8>,
    thread: Option<JoinHandle<Result<(), Failure>>>,
}

impl BarsFollower {
    /// Starts the thread, which may then run on the cores on which the caller's may.
    pub(crate) fn start(followed: Followed) -> Result<BarsFollower, Failure> {
        // Nobody appends by now, so what the cursor says can be held against what the log has.
        take_back(&followed)?;
        let phase = Arc::new(AtomicU8::new(WAITING));
        let told = phase.clone();
        let thread = thread::Builder::new()
            .name(String::from("bars.csv"))
            .spawn(move || run(&followed, &told))
            .map_err(|error| {
                Failure::usage(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
            })?;
        Ok(BarsFollower { phase, thread: Some(thread) })
    }

    /// The run has started.
    pub(crate) fn begin(&self) {
        self.tell(FOLLOWING);
    }

    /// The log has its end, or nobody writes to it any more: waits until the file has all of it.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.tell(OVER);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.map_or(Ok(()), |ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    fn tell(&self, phase: u8) {
        self.phase.store(phase, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for BarsFollower {
    fn drop(&mut self) {
        let was_waiting = self.phase.load(Ordering::Relaxed) == WAITING;
        self.tell(if was_waiting { GIVEN_UP } else { OVER });
        // What it could tell is of no use to whoever gave it up.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The thread's work.
fn run(followed: &Followed, phase: &AtomicU8) -> Result<(), Failure> {
    while phase.load(Ordering::Acquire) == WAITING {
        thread::park();
    }
    if phase.load(Ordering::Acquire) == GIVEN_UP {
        return Ok(());
    }
    let mut file = BarsFile::open(followed)?;
    let unreadable = |error: &dyn core::fmt::Display| unreadable(&followed.path, error);
    let mut reader = OutputReader::open(followed.log.clone(), AtTail::Wait)
        .map_err(|error| unreadable(&error))?;
    reader.seek(file.place.next).map_err(|error| unreadable(&error))?;
    file.follow(&mut reader, phase)
}

/// Moves the cursor to the start of the log where it stands at a place that the log does not have.
fn take_back(followed: &Followed) -> Result<(), Failure> {
    let unreadable = |error: &dyn core::fmt::Display| unreadable(&followed.path, error);
    let name = CursorName::new(CURSOR).map_err(|error| unreadable(&error))?;
    let cursors = Directory::new(&followed.cursors);
    let read = cursor::read(&cursors, &name, followed.session);
    let place = read.map_err(|error| unreadable(&error))?.place();
    if place == CursorPlace::START || is_behind_a_record(&followed.log, place.next) {
        return Ok(());
    }
    let opened = Cursor::open(&cursors, &name, followed.session, CursorSync::None);
    let (mut cursor, _state) = opened.map_err(|error| unreadable(&error))?;
    cursor.update(&CursorPlace::START).map_err(|error| unreadable(&error))
}

/// Whether a record of the log ends at `place`, or its first begins there. One that cannot be read so
/// far has none: whoever reads it from its start tells why.
fn is_behind_a_record(log: &LogDirectories<Directory>, place: FramePosition) -> bool {
    if place == CursorPlace::START.next {
        return true;
    }
    let Ok(mut reader) = OutputReader::open(log.clone(), AtTail::Stop) else { return false };
    if reader.seek(FramePosition::first_of(place.segment)).is_err() {
        return false;
    }
    while let Ok(NextOutput::Record(_, at)) = reader.next() {
        if at.next >= place {
            return at.next == place;
        }
    }
    false
}

/// The file and its cursor.
struct BarsFile {
    path: PathBuf,
    file: File,
    cursor: Cursor<Directory>,
    place: CursorPlace,
    symbols: BarSymbols,
    lines: Vec<u8>,
    line: Vec<u8>,
}

impl BarsFile {
    fn open(followed: &Followed) -> Result<BarsFile, Failure> {
        let path = &followed.path;
        let name = CursorName::new(CURSOR).map_err(|error| unreadable(path, &error))?;
        let cursors = Directory::new(&followed.cursors);
        let opened = Cursor::open(&cursors, &name, followed.session, CursorSync::None);
        let (cursor, state) = opened.map_err(|error| unreadable(path, &error))?;
        let mut place = state.place();
        let opened = open_at(path, place.own);
        let (file, begins) = opened.map_err(|error| unwritable(path, &error))?;
        if begins {
            place = CursorPlace { own: [0, fingerprint(path)], ..CursorPlace::START };
        }
        let lines = if begins { bars::HEADER.as_bytes().to_vec() } else { Vec::new() };
        let symbols = BarSymbols::new(Wanted::default());
        let path = path.clone();
        Ok(BarsFile { path, file, cursor, place, symbols, lines, line: Vec::new() })
    }

    fn follow(
        &mut self,
        reader: &mut OutputReader<Directory>,
        phase: &AtomicU8,
    ) -> Result<(), Failure> {
        loop {
            // Before the log: what was written until then is seen in it.
            let was_over = phase.load(Ordering::Acquire) == OVER;
            let ended = match reader.next().map_err(|error| unreadable(&self.path, &error))? {
                NextOutput::Record(record, place) => {
                    self.take(&record);
                    self.place.next = place.next;
                    if self.lines.len() >= BUFFER_BYTES {
                        self.write()?;
                    }
                    continue;
                }
                NextOutput::End | NextOutput::TornTail { .. } => true,
                NextOutput::Wait => was_over,
            };
            self.write()?;
            if ended {
                return Ok(());
            }
            thread::park_timeout(PERIOD);
        }
    }

    fn take(&mut self, record: &OutputRecord<'_>) {
        if let OutputRecord::Bar { bar, name, .. } = record
            && let Some(symbol) = self.symbols.field(bar.symbol, name.unwrap_or_default())
        {
            bars::put(&mut self.line, symbol, bar);
            self.lines.extend_from_slice(&self.line);
        }
    }

    /// Writes the lines at hand, then moves the cursor behind what they are of.
    fn write(&mut self) -> Result<(), Failure> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.lines).map_err(|error| unwritable(&self.path, &error))?;
        self.place.own[0] += self.lines.len() as u64;
        self.lines.clear();
        self.cursor.update(&self.place).map_err(|error| unreadable(&self.path, &error))
    }
}

/// Opens the file behind its first `bytes`, which a cursor says it has, if it is this file's cursor;
/// else empty. Tells whether it begins.
fn open_at(path: &Path, [bytes, of]: [u64; 2]) -> io::Result<(File, bool)> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let is_its = bytes > 0 && of == fingerprint(path) && file.metadata()?.len() >= bytes;
    let bytes = if is_its { bytes } else { 0 };
    file.set_len(bytes)?;
    file.seek(SeekFrom::Start(bytes))?;
    Ok((file, !is_its))
}

/// Stands for the path of the file, wherever the process was started.
fn fingerprint(path: &Path) -> u64 {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Fingerprint::of(&path.display().to_string()).0
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::no(format_args!(
        "cannot write {}: {error}; make room or name another directory with --out, then run again",
        path.display()
    ))
}

fn unreadable(path: &Path, error: &dyn core::fmt::Display) -> Failure {
    Failure::no(format_args!(
        "cannot follow the output log to write {}: {error}; replay the session to write it anew",
        path.display()
    ))
}
