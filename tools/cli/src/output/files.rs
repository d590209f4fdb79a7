//! The output directory: each file appears whole, by rename, once everything has been written.
//!
//! A file is written under a temporary name in the same directory and renamed at the end; an
//! interrupted run leaves what an earlier run wrote as it was.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Failure;

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
        let tried = fs::create_dir_all(path).and_then(|()| temporary("try", path));
        match tried {
            Ok(_) => Ok(OutDir { path: path.to_owned() }),
            Err(error) => Err(cannot_write(path, &error)),
        }
    }

    /// Begins a file that will be called `name`.
    pub(crate) fn begin(&self, name: &'static str) -> Result<OutFile, Failure> {
        let file = temporary(name, &self.path).map_err(|error| cannot_write(&self.path, &error))?;
        Ok(OutFile {
            writer: BufWriter::with_capacity(BUFFER_BYTES, file),
            path: self.path.join(name),
        })
    }
}

/// A new file beside what will be called `name`; dropped, it is gone.
fn temporary(name: &str, dir: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".part")
        // The process's umask takes its share, as for any other new file.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(dir)
}

/// The directory cannot be used.
fn cannot_write(dir: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!(
        "cannot write to the output directory {}: {error}; name another with --out or change its permissions",
        dir.display()
    ))
}

/// A file being written. Dropped before [`SealedFile::publish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct OutFile {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl OutFile {
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
    /// Opens the content for reading, from its start.
    pub(crate) fn reopen(&self) -> io::Result<File> {
        self.file.reopen()
    }

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
