//! A session whose `session.toml` is gone, and whose journal is not: the journal's first record holds the
//! text that the file began with.

use std::io;
use std::path::{Path, PathBuf};

use engine::journal::record::Record;
use engine::log::LogKind;
use engine::log::archive::segment_file::SegmentForm;
use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::segment::SEGMENT_HEADER_BYTES;
use engine::log::storage::{Directory, Storage as _};

use crate::exit::Failure;
use crate::recording::dir::{RecordingDir, memory_told};

/// Puts `session.toml` back where the journal in `path` has accepted anything. Tells whether it did.
///
/// # Errors
/// There is a journal, and it cannot be told what its session is: it is not to be begun over.
pub(crate) fn restore_description(path: &Path) -> Result<bool, Failure> {
    let disk = path.join("journal");
    let memory = memory_told(path);
    let directories = match &memory {
        Some(memory) => {
            LogDirectories::disk_and_memory(Directory::new(&disk), Directory::new(memory))
        }
        None => LogDirectories::disk(Directory::new(&disk)),
    };
    let cannot = |error: &dyn core::fmt::Display| {
        Failure::no(format_args!(
            "{} has a journal and no session.toml, and it cannot be restored: {error}; restore session.toml, or name another directory",
            path.display()
        ))
    };
    // Where the front was pruned the first record stands beside what is left.
    let pruned = directories.pruned().map_err(|error| cannot(&error))?;
    if let Some(pruned) = pruned {
        let text = String::from_utf8(pruned.first_record).map_err(|error| cannot(&error))?;
        RecordingDir::take_up(path)?.describe(&text)?;
        return Ok(true);
    }
    let text = match first_record(directories) {
        Ok(text) => text,
        Err(LogError::Empty { .. }) => None,
        Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        // A loss of power may leave a segment that nobody had written to without its header.
        Err(LogError::Damaged { .. }) if holds_nothing(disk).unwrap_or(false) => None,
        Err(error) => return Err(cannot(&error)),
    };
    let Some(text) = text else { return Ok(false) };
    let lock = RecordingDir::take_up(path)?;
    lock.describe(&text)?;
    Ok(true)
}

/// The text of the first record, if another one follows it.
fn first_record(directories: LogDirectories<Directory>) -> Result<Option<String>, LogError> {
    let mut reader = LogReader::open(directories, LogKind::Journal, AtTail::Stop)?;
    let text = match reader.next()? {
        Next::Frame(frame, _) => match Record::read(&frame) {
            Ok(Record::Session(text)) => text.to_owned(),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(matches!(reader.next()?, Next::Frame(..)).then_some(text))
}

/// Whether no segment in a directory has anything behind its header.
fn holds_nothing(path: PathBuf) -> io::Result<bool> {
    let directory = Directory::new(&path);
    for name in directory.list()? {
        let Some((_, form)) = SegmentForm::of_name(&name) else { continue };
        if form != SegmentForm::Plain {
            // What is archived was closed.
            return Ok(false);
        }
        let bytes = std::fs::read(path.join(name))?;
        if bytes.iter().skip(SEGMENT_HEADER_BYTES).any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}
