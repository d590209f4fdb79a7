//! A session's directory while it is recorded: made, locked, described.
//!
//! ```text
//!  DIR/session.toml   what the session is, and the whole configuration
//!  DIR/lock           who writes it and where its memory lies; locked while the writer lives
//!  DIR/journal/       segments and their indexes
//!  DIR/output/        the same of the output log; in cursors/ how far its consumers have come
//!  DIR/hashes         digests of state at hash points
//!  DIR/snapshots/     the state at places of the journal
//!  DIR/report/        the outputs, unless --out named another place
//! ```
//! One process writes; the kernel's lock on `lock` goes with it, however it ends. At an orderly end
//! the file is removed; what a killed process leaves tells readers where to look for its memory.
//!
//! Until it is kept ([`RecordingDir::keep`]) nothing was accepted, and it takes away what it made: a run
//! that cannot start as configured can be tried again in the same place.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use engine::log::directories::CURSORS_DIRECTORY;
use engine::log::mark::MARK_NAME;
use engine::log::pruned::PRUNED_NAME;
use engine::log::reopen::repair::is_put_aside;

use crate::exit::Failure;

/// Names within the directory.
const DESCRIPTION: &str = "session.toml";
const LOCK: &str = "lock";
const JOURNAL: &str = "journal";
const OUTPUT: &str = "output";
const HASHES: &str = "hashes";
const REPORT: &str = "report";

/// See the module. Dropped, it unlocks.
#[derive(Debug)]
pub(crate) struct RecordingDir {
    path: PathBuf,
    lock: File,
    /// The session's directory in memory.
    memory: Option<PathBuf>,
    /// Whether the directory was there before.
    was_there: bool,
    keeps: bool,
    /// The process that had the session before, and is gone.
    writer_before: Option<u32>,
}

impl RecordingDir {
    /// Makes the directory where it is missing, and locks it for a new session.
    pub(crate) fn create(path: &Path) -> Result<RecordingDir, Failure> {
        let was_there = path.exists();
        fs::create_dir_all(path).map_err(|error| cannot_use(path, &error))?;
        // Before the lock is touched: another session's stays as it is.
        if path.join(DESCRIPTION).exists() {
            return Err(if is_locked(path) { is_written(path) } else { is_taken(path) });
        }
        refuse_foreign(path)?;
        let lock = lock(path)?;
        if path.join(DESCRIPTION).exists()
            || [JOURNAL, OUTPUT].iter().any(|log| holds_files(&path.join(log)))
        {
            return Err(is_taken(path));
        }
        RecordingDir::begun(path, lock, was_there)
    }

    /// Locks the directory of a session whose writer is gone, so that the session goes on. All that is
    /// there stays, whatever becomes of the run.
    pub(crate) fn take_up(path: &Path) -> Result<RecordingDir, Failure> {
        let lock = lock(path)?;
        Ok(RecordingDir {
            path: path.to_owned(),
            lock,
            memory: None,
            was_there: true,
            keeps: true,
            // Nobody has it locked, so whoever is named there has left it.
            writer_before: pid_told(path),
        })
    }

    /// As [`RecordingDir::create`], in place of what a process has left that died before its session
    /// had a description. No packet was journaled by then: where one was, the description is restored
    /// before ([`restored`](super::restored)).
    pub(crate) fn create_over(path: &Path) -> Result<RecordingDir, Failure> {
        let was_there = path.exists();
        fs::create_dir_all(path).map_err(|error| cannot_use(path, &error))?;
        refuse_foreign(path)?;
        let lock = lock(path)?;
        if path.join(DESCRIPTION).exists() {
            return Err(is_taken(path));
        }
        let memory = memory_told(path).or_else(|| board_told(path));
        let memory = memory.and_then(|journal| journal.parent().map(Path::to_owned));
        let memory = memory.filter(|memory| is_session_memory(memory));
        for left in
            [Some(path.join(JOURNAL)), Some(path.join(OUTPUT)), memory].into_iter().flatten()
        {
            match fs::remove_dir_all(&left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(cannot_write(&left, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        RecordingDir::begun(path, lock, was_there)
    }

    fn begun(path: &Path, lock: File, was_there: bool) -> Result<RecordingDir, Failure> {
        let dir = RecordingDir {
            path: path.to_owned(),
            lock,
            memory: None,
            was_there,
            keeps: false,
            writer_before: None,
        };
        for log in [dir.journal(), dir.output()] {
            fs::create_dir_all(log).map_err(|error| cannot_use(path, &error))?;
        }
        Ok(dir)
    }

    /// Says in `lock` who writes, and that its logs lie in `memory` too, a directory that is this
    /// session's alone.
    pub(crate) fn tell_writer(
        &mut self,
        memory: Option<&Path>,
        board: Option<&Path>,
    ) -> Result<(), Failure> {
        let mut text = format!("pid = {}\n", std::process::id());
        if let Some(memory) = memory {
            let journal = memory.join(JOURNAL);
            text += &format!("memory = {}\n", quoted(&journal.display().to_string()));
            self.memory = Some(memory.to_owned());
        }
        if let Some(board) = board {
            text += &format!("board = {}\n", quoted(&board.display().to_string()));
            self.memory = board.parent().map(Path::to_owned);
        }
        // Over what a writer before has told, which is gone only once this is there.
        let (bytes, length) = (text.as_bytes(), text.len() as u64);
        let written = self.lock.write_all_at(bytes, 0).and_then(|()| self.lock.set_len(length));
        written.map_err(|error| cannot_write(&self.path.join(LOCK), &error))
    }

    /// The process that had the session before this one, where it left without ending it.
    pub(crate) fn writer_before(&self) -> Option<u32> {
        self.writer_before
    }

    /// Writes `session.toml`, whole, by rename; over the old one where there is no room for both.
    pub(crate) fn describe(&self, text: &str) -> Result<(), Failure> {
        let (name, part) = (self.path.join(DESCRIPTION), self.path.join(".session.toml.part"));
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &name)?;
            File::open(&self.path)?.sync_all()
        };
        let written = write().or_else(|error: io::Error| {
            let _ = fs::remove_file(&part);
            match error.kind() {
                io::ErrorKind::StorageFull => overwrite(&name, text.as_bytes()),
                _ => Err(error),
            }
        });
        written.map_err(|error| cannot_write(&name, &error))
    }

    /// Keeps what there is from now on, however the run ends.
    pub(crate) fn keep(&mut self) {
        self.keeps = true;
    }

    /// Where the journal lies.
    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Where the output log lies.
    pub(crate) fn output(&self) -> PathBuf {
        self.path.join(OUTPUT)
    }

    /// Where the outputs go unless another place is named.
    pub(crate) fn report(&self) -> PathBuf {
        self.path.join(REPORT)
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the `hashes` file is, or will be.
    pub(crate) fn hashes(&self) -> PathBuf {
        self.path.join(HASHES)
    }

    /// The `hashes` file of a session that goes on, to be read and cut; gives its path too.
    pub(crate) fn take_up_hashes(&self) -> Result<(File, PathBuf), Failure> {
        let path = self.path.join(HASHES);
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Ok((file, path)),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    /// Keeps a `hashes` file that cannot be read as `hashes.damaged`; `false` if there is none.
    pub(crate) fn put_hashes_aside(&self) -> Result<bool, Failure> {
        let (path, aside) = (self.path.join(HASHES), self.path.join("hashes.damaged"));
        match fs::rename(&path, &aside) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    /// Begins the `hashes` file; gives its path too.
    pub(crate) fn begin_hashes(&self) -> Result<(File, PathBuf), Failure> {
        let path = self.path.join(HASHES);
        match File::create(&path) {
            Ok(file) => Ok((file, path)),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    /// The session has ended in order: nobody has to look for its writer.
    pub(crate) fn end(self) -> Result<(), Failure> {
        let path = self.path.join(LOCK);
        fs::remove_file(&path).map_err(|error| cannot_write(&path, &error))
    }
}

impl Drop for RecordingDir {
    fn drop(&mut self) {
        if self.keeps {
            return;
        }
        // What is to be told is why the run did not start.
        let _ = self.memory.as_ref().map(fs::remove_dir_all);
        let _ = fs::remove_dir_all(self.journal());
        let _ = fs::remove_dir_all(self.output());
        let _ = fs::remove_dir(self.report());
        for name in [HASHES, DESCRIPTION, LOCK] {
            let _ = fs::remove_file(self.path.join(name));
        }
        if !self.was_there {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Puts `bytes` where those of a file are. As long as they need no further block, a full disk has room.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// How long a lock that is held is tried again: a reader that only asks whether a session is being
/// written holds it for an instant.
const LOCK_WITHIN: Duration = Duration::from_millis(100);

/// Locks the session in `path` for this process.
fn lock(path: &Path) -> Result<File, Failure> {
    let (name, since) = (path.join(LOCK), Instant::now());
    loop {
        let opened =
            OpenOptions::new().create(true).truncate(false).write(true).read(true).open(&name);
        let lock = opened.map_err(|error| cannot_use(path, &error))?;
        match lock.try_lock() {
            // A writer that ended meanwhile has removed the file it locked, and another may make it anew.
            Ok(()) if is_at(&lock, &name) => return Ok(lock),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if since.elapsed() >= LOCK_WITHIN => {
                return Err(is_written(path));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_WITHIN / 20),
            Err(TryLockError::Error(error)) => return Err(cannot_use(path, &error)),
        }
    }
}

/// Whether the file that is open is the one of this name.
fn is_at(file: &File, name: &Path) -> bool {
    let is_same = |named: Metadata| {
        file.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (named.dev(), named.ino()))
    };
    fs::metadata(name).is_ok_and(is_same)
}

/// The directory in memory that the `lock` of `path` tells: the journal's.
pub(crate) fn memory_told(path: &Path) -> Option<PathBuf> {
    told(path, "memory")
}

/// The board of whoever records, or recorded, the session in `path`, as its `lock` tells.
pub(crate) fn board_told(path: &Path) -> Option<PathBuf> {
    told(path, "board")
}

fn told(path: &Path, key: &str) -> Option<PathBuf> {
    let lock: toml::Table = fs::read_to_string(path.join(LOCK)).ok()?.parse().ok()?;
    lock.get(key).and_then(toml::Value::as_str).map(PathBuf::from)
}

/// Whether `memory` is called as a session's directory in memory is: what else a file says is not
/// removed.
fn is_session_memory(memory: &Path) -> bool {
    let id = memory.file_name().and_then(|name| name.to_str()?.strip_prefix("tapewatch-"));
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn cannot_use(path: &Path, error: &io::Error) -> Failure {
    Failure::of_making(
        error,
        format_args!(
            "cannot write to the session directory {}: {error}; name another with --session or change its permissions",
            path.display()
        ),
    )
}

/// Whether a process has the session of `path` locked.
pub(crate) fn is_locked(path: &Path) -> bool {
    let lock = File::open(path.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn is_written(path: &Path) -> Failure {
    Failure::usage(format_args!(
        "the session in {} is being written by another process{}; wait for its end or name another directory",
        path.display(),
        writer_of(path)
    ))
}

fn is_taken(path: &Path) -> Failure {
    Failure::usage(format_args!(
        "{} already holds a session; name another directory, or replay it: tapewatch replay {}",
        path.display(),
        path.display()
    ))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::no(format_args!(
        "cannot write {}: {error}; make room or name another directory with --session, then run again",
        path.display()
    ))
}

/// Refuses a directory in which something else than a session lies where the logs of one would: they
/// are removed where a session begins in place of another, or cannot begin.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    for log in [JOURNAL, OUTPUT].map(|name| path.join(name)) {
        let entries = match fs::read_dir(&log) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(cannot_use(&log, &error)),
        };
        for entry in entries {
            let name = entry.map_err(|error| cannot_use(&log, &error))?.file_name();
            if !name.to_str().is_some_and(is_of_log) {
                return Err(Failure::usage(format_args!(
                    "{} holds {}, which is of no session; name another directory with --session",
                    log.display(),
                    name.display()
                )));
            }
        }
    }
    Ok(())
}

/// Whether a file or directory in that of a log is called as those of a log are: segments and indexes,
/// finished or not, what was pruned, and the cursors of consumers.
fn is_of_log(name: &str) -> bool {
    let is_number = |stem: &str| stem.len() >= 8 && stem.bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |end: &str| ["seg", "idx", "sym"].iter().any(|part| end.starts_with(part));
    name == CURSORS_DIRECTORY
        || name == PRUNED_NAME
        || name.strip_suffix(".new").unwrap_or(name) == MARK_NAME
        || is_put_aside(name)
        || name.split_once('.').is_some_and(|(stem, end)| is_number(stem) && is_part(end))
}

fn holds_files(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
}

/// ` (process N)` where the lock says who.
fn writer_of(path: &Path) -> String {
    pid_told(path).map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// The process that the `lock` of `path` tells.
fn pid_told(path: &Path) -> Option<u32> {
    let text = fs::read_to_string(path.join(LOCK)).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("pid = ")?.parse().ok())
}

/// `text` as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted += &format!("\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Status;

    #[test]
    fn a_directory_is_locked_while_its_session_is_recorded() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/session");
        let mut dir = RecordingDir::create(&path).unwrap();
        dir.keep();
        dir.tell_writer(Some(Path::new("/memory/of it")), None).unwrap();
        let second = RecordingDir::create(&path).unwrap_err();
        assert_eq!(second.status, Status::Usage);
        let pid = format!("process {}", std::process::id());
        assert!(second.line.contains(&pid), "{}", second.line);
        let lock = fs::read_to_string(path.join("lock")).unwrap();
        assert_eq!(
            lock,
            format!("pid = {}\nmemory = \"/memory/of it/journal\"\n", std::process::id())
        );
        dir.describe("x = 1\n").unwrap();
        let second = RecordingDir::create(&path).unwrap_err();
        assert!(second.line.contains(&pid), "{}", second.line);
        dir.end().unwrap();
        assert!(!path.join("lock").exists());
        let again = RecordingDir::create(&path).unwrap_err();
        assert!(again.line.contains("already holds a session"), "{}", again.line);
    }

    #[test]
    fn a_lock_of_a_process_that_is_gone_is_taken_over_and_one_that_is_held_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("session");
        let mut dir = RecordingDir::create(&path).unwrap();
        dir.keep();
        dir.tell_writer(Some(Path::new("/memory/of it")), None).unwrap();
        dir.describe("x = 1\n").unwrap();
        assert!(is_locked(&path));
        let held = RecordingDir::take_up(&path).unwrap_err();
        assert_eq!(held.status, Status::Usage);
        assert!(held.line.contains("is being written"), "{}", held.line);
        // As a killed process leaves it.
        drop(dir);
        fs::write(path.join("lock"), "pid = 4194305\nmemory = \"/memory/of it/journal\"\n")
            .unwrap();
        assert!(!is_locked(&path));
        assert_eq!(memory_told(&path), Some(PathBuf::from("/memory/of it/journal")));
        let mut dir = RecordingDir::take_up(&path).unwrap();
        assert_eq!(dir.writer_before(), Some(4_194_305));
        assert!(is_locked(&path));
        let board = Path::new("/memory/of it/board");
        dir.tell_writer(None, Some(board)).unwrap();
        let lock = fs::read_to_string(path.join("lock")).unwrap();
        let pid = std::process::id();
        assert_eq!(lock, format!("pid = {pid}\nboard = \"/memory/of it/board\"\n"));
        assert_eq!(board_told(&path).as_deref(), Some(board));
        dir.tell_writer(None, None).unwrap();
        assert_eq!(fs::read_to_string(path.join("lock")).unwrap(), format!("pid = {pid}\n"));
        assert_eq!(board_told(&path), None);
    }

    #[test]
    fn what_is_not_kept_leaves_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let memory = scratch.path().join("memory");
        for was_there in [false, true] {
            let path = scratch.path().join("session");
            if was_there {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("notes"), "mine").unwrap();
            }
            let mut dir = RecordingDir::create(&path).unwrap();
            dir.tell_writer(Some(&memory), None).unwrap();
            fs::create_dir_all(memory.join("journal")).unwrap();
            for journal in [memory.join("journal"), dir.journal()] {
                fs::write(journal.join("00000000.seg"), "x").unwrap();
            }
            dir.describe("x = 1\n").unwrap();
            dir.begin_hashes().unwrap();
            drop(dir);
            assert!(!memory.exists());
            let left = fs::read_dir(&path).map(|entries| entries.flatten().count());
            assert_eq!(left.ok(), was_there.then_some(1), "only what was there before");
        }
    }

    #[test]
    fn files_of_somebody_else_where_logs_would_lie_stay() {
        for log in ["journal", "output"] {
            let scratch = tempfile::tempdir().unwrap();
            let file = scratch.path().join(log).join("mine.txt");
            fs::create_dir(file.parent().unwrap()).unwrap();
            fs::write(&file, "mine").unwrap();
            for make in [RecordingDir::create, RecordingDir::create_over] {
                let failure = make(scratch.path()).unwrap_err();
                assert_eq!(failure.status, Status::Usage);
                assert!(failure.line.contains("mine.txt"), "{}", failure.line);
                assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
            }
            assert!(!scratch.path().join("lock").exists());
        }
    }

    #[test]
    fn a_journal_without_description_is_a_session_too() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("journal")).unwrap();
        fs::write(scratch.path().join("journal/00000000.seg"), "x").unwrap();
        let failure = RecordingDir::create(scratch.path()).unwrap_err();
        assert!(failure.line.contains("already holds a session"), "{}", failure.line);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_a_matter_of_usage() {
        let failure = RecordingDir::create(Path::new("/proc/self/session")).unwrap_err();
        assert_eq!(failure.status, Status::Usage);
        assert!(failure.line.contains("--session"), "{}", failure.line);
    }

    #[test]
    fn a_quoted_text_is_one_string_of_toml() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\u000ad""#);
    }
}
