//! The output directory: each file appears whole, by rename, once everything has been written.
//!
//! A file is written under a temporary name in the same directory and renamed at the end; an
//! interrupted run leaves what an earlier run wrote as it was. A run that was killed leaves its
//! temporary files too; the next one into the directory takes them away. Each is locked while its
//! writer lives, so that two runs at a time leave each other's alone.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Failure;

/// Every file that a run may write here, the trial of the directory included.
const NAMES: [&str; 14] = [
    "alerts.jsonl",
    "summary.json",
    "symbols.csv",
    "trades.csv",
    "bbo.csv",
    "metrics.csv",
    "bars.csv",
    "late_windows.csv",
    "session.itch",
    "session.pcap",
    "labels.jsonl",
    "truth.csv",
    "latency.hlog",
    TRIAL,
];

/// What the directory is tried with.
const TRIAL: &str = "try";

/// Ends a temporary name.
const SUFFIX: &str = ".part";

/// Buffer of one output file.
const BUFFER_BYTES: usize = 256 * 1024;

/// A directory that files can be written to.
#[derive(Debug)]
pub(crate) struct OutDir {
    path: PathBuf,
}

impl OutDir {
    /// Makes the directory and its parents where they are missing, and tries a file in it, so that
    /// what cannot be written is told before hours of work and not after.
    pub(crate) fn create(path: &Path) -> Result<OutDir, Failure> {
        let tried = fs::create_dir_all(path).and_then(|()| temporary(TRIAL, path));
        match tried {
            Ok(_) => {
                remove_left_behind(path, &NAMES);
                Ok(OutDir { path: path.to_owned() })
            }
            Err(error) => Err(cannot_write(path, &error)),
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a file that will be called `name`, after the work: what fails loses its answer.
    pub(crate) fn begin(&self, name: &'static str) -> Result<OutFile, Failure> {
        self.file(name).map_err(|error| fault(&self.path.join(name), &error))
    }

    /// The failure of a write to the file `name`, which is in other hands.
    pub(crate) fn fault(&self, name: &str, error: &io::Error) -> Failure {
        fault(&self.path.join(name), error)
    }

    fn file(&self, name: &'static str) -> io::Result<OutFile> {
        let file = temporary(name, &self.path)?;
        Ok(OutFile {
            writer: BufWriter::with_capacity(BUFFER_BYTES, file),
            path: self.path.join(name),
        })
    }
}

/// A new file beside what will be called `name`; dropped, it is gone.
fn temporary(name: impl AsRef<OsStr>, dir: &Path) -> io::Result<NamedTempFile> {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        // The process's umask takes its share, as for any other new file.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(dir)
        .inspect(|file| {
            // Where the file system knows no locks, nothing there is ever taken for left behind.
            let _ = file.as_file().try_lock();
        })
}

/// Takes away the temporary files in `dir` whose writers are gone. What cannot be looked at or
/// removed stays: it is in nobody's way.
fn remove_left_behind(dir: &Path, names: &[&str]) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // No link is followed and no pipe opened.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file
            && is_temporary(&entry.file_name(), names)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether `name` is one that [`temporary`] gives of `names`: `.NAME.`, letters and digits, `.part`.
fn is_temporary(name: &OsStr, names: &[&str]) -> bool {
    let middle = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(SUFFIX));
    let Some((name, random)) = middle.and_then(|middle| middle.rsplit_once('.')) else {
        return false;
    };
    let is_random = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    names.contains(&name) && is_random
}

/// The directory cannot be used.
fn cannot_write(dir: &Path, error: &io::Error) -> Failure {
    Failure::of_making(
        error,
        format_args!(
            "cannot write to the output directory {}: {error}; name another with --out or change its permissions",
            dir.display()
        ),
    )
}

/// A file being written. Dropped before [`SealedFile::publish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct OutFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl OutFile {
    /// Begins a file that will be called `path`, in place of an earlier one, and takes away what killed
    /// runs left of it.
    pub(crate) fn at(path: &Path) -> Result<OutFile, Failure> {
        let cannot = |why: &dyn Display| {
            Failure::usage(format_args!(
                "cannot write {}: {why}; name another file",
                path.display()
            ))
        };
        let Some(name) = path.file_name() else {
            return Err(cannot(&"it has no name"));
        };
        // Renaming would put a file in the place of a pipe or a device.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(cannot(&"it is there and no file"));
        }
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        remove_left_behind(dir, &[&name.to_string_lossy()]);
        match temporary(name, dir) {
            Ok(file) => Ok(OutFile {
                writer: BufWriter::with_capacity(BUFFER_BYTES, file),
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(fault(path, &error)),
            Err(error) => Err(cannot(&error)),
        }
    }

    /// The failure of a write or read to this file after the work began.
    pub(crate) fn fault(&self, error: &io::Error) -> Failure {
        fault(&self.path, error)
    }

    /// Brings the content to the disk under its temporary name.
    pub(crate) fn seal(self) -> Result<SealedFile, Failure> {
        let OutFile { writer, path } = self;
        let sealed = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.as_file().sync_all().map(|()| file));
        match sealed {
            Ok(file) => Ok(SealedFile { file, path }),
            Err(error) => Err(fault(&path, &error)),
        }
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A file whose content is complete, still under its temporary name.
#[derive(Debug)]
pub(crate) struct SealedFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl SealedFile {
    /// Gives the file its name, in place of an earlier one.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        let SealedFile { file, path } = self;
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(fault(&path, &error.error)),
        }
    }
}

fn fault(path: &Path, error: &io::Error) -> Failure {
    Failure::no(format_args!(
        "cannot write {}: {error}; make room or name another directory with --out, then run again",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("a/b");
        let out = OutDir::create(&dir).unwrap();
        let mut file = out.begin("x.csv").unwrap();
        file.write_all(b"one\n").unwrap();
        assert!(!dir.join("x.csv").exists());
        let sealed = file.seal().unwrap();
        assert!(!dir.join("x.csv").exists());
        sealed.publish().unwrap();
        assert_eq!(names_in(&dir), ["x.csv"]);
        assert_eq!(fs::read(dir.join("x.csv")).unwrap(), b"one\n");
    }

    #[test]
    fn an_abandoned_file_leaves_the_earlier_one() {
        let scratch = tempfile::tempdir().unwrap();
        let out = OutDir::create(scratch.path()).unwrap();
        fs::write(scratch.path().join("x.csv"), "earlier").unwrap();
        let mut file = out.begin("x.csv").unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(names_in(scratch.path()), ["x.csv"]);
        assert_eq!(fs::read(scratch.path().join("x.csv")).unwrap(), b"earlier");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_a_usage_failure() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("file"), "").unwrap();
        let failure = OutDir::create(&scratch.path().join("file/dir")).unwrap_err();
        assert_eq!(failure.status, crate::exit::Status::Usage);
        assert!(failure.line.contains("--out"), "{}", failure.line);
    }

    #[test]
    fn what_a_killed_run_left_is_taken_away_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path();
        let left = [".summary.json.a1B2c3.part", ".trades.csv.000000.part", ".try.zzzzzz.part"];
        let kept = [
            ".bbo.csv..part",
            ".bbo.csv.a-b.part",
            ".notes.csv.a1B2c3.part",
            ".symbols.csv.a1B2c3.part2",
            "bbo.csv",
            "symbols.csv.a1B2c3.part",
        ];
        for name in left.iter().chain(&kept) {
            fs::write(dir.join(name), "x").unwrap();
        }
        // Another run is at work here.
        let other = OutDir { path: dir.to_owned() }.begin("symbols.csv").unwrap();
        OutDir::create(dir).unwrap();
        let names = names_in(dir);
        assert_eq!(names.len(), kept.len() + 1, "{names:?}");
        assert!(kept.iter().all(|name| names.iter().any(|left| left == name)), "{names:?}");
        other.seal().unwrap().publish().unwrap();
        assert!(dir.join("symbols.csv").exists());
    }

    #[test]
    fn a_directory_lost_at_the_end_of_the_work_is_no_usage_failure() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("out");
        let out = OutDir::create(&dir).unwrap();
        let written = out.begin("symbols.csv").unwrap().seal().unwrap();
        fs::remove_dir_all(&dir).unwrap();
        for failure in [out.begin("summary.json").unwrap_err(), written.publish().unwrap_err()] {
            assert_eq!(failure.status, crate::exit::Status::No, "{}", failure.line);
            assert!(failure.line.contains(dir.to_str().unwrap()), "{}", failure.line);
        }
    }

    #[test]
    fn a_directory_that_takes_no_files_is_refused_at_once() {
        // Here not even the superuser can make one.
        let failure = OutDir::create(Path::new("/proc/self")).unwrap_err();
        assert_eq!(failure.status, crate::exit::Status::Usage);
    }

    #[test]
    fn making_a_directory_leaves_nothing_in_it() {
        let scratch = tempfile::tempdir().unwrap();
        OutDir::create(scratch.path()).unwrap();
        assert!(names_in(scratch.path()).is_empty());
    }
}
