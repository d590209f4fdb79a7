#![forbid(unsafe_code)]
//! How fast closed segments are compressed and encrypted, how small they become, and how fast a log is read
//! in each form.
//!
//! Works on copies of a journal of its own, which holds the plain segments of a recorded session
//! (`replay … --set archive.compress=false`). Rates are bytes of plain segments a second of the thread's
//! own time; archiving includes reading back against the seal, as it does in a session.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use engine::log::LogKind;
use engine::log::archive::compress::{ArchiveOptions, compress_all};
use engine::log::archive::key::ArchiveKey;
use engine::log::directories::LogDirectories;
use engine::log::reader::{AtTail, LogReader, Next};
use engine::log::storage::Directory;
use tapewatch_benches::clock::timed;

/// How fast closed segments are archived, and read again.
#[derive(Debug, Parser)]
struct Arguments {
    /// The directory `journal` of a session that was recorded with archive.compress=false.
    journal: PathBuf,
    /// Levels of zstd.
    #[arg(long, value_delimiter = ',', default_value = "1,3,9")]
    levels: Vec<i32>,
    /// Where the copies are made: room for one journal.
    #[arg(long, default_value = "/dev/shm")]
    scratch: PathBuf,
}

type Failed = Box<dyn core::error::Error>;

/// Removed when it ends.
struct Copy(PathBuf);

impl Copy {
    fn of(journal: &Path, scratch: &Path) -> Result<Copy, Failed> {
        let copy = Copy(scratch.join(format!("tapewatch-archive-{}", std::process::id())));
        fs::create_dir_all(&copy.0)?;
        for entry in fs::read_dir(journal)? {
            let entry = entry?;
            fs::copy(entry.path(), copy.0.join(entry.file_name()))?;
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left behind is seen, and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Seconds that reading all frames takes.
fn read(directories: LogDirectories<Directory>) -> Result<f64, Failed> {
    let mut reader = LogReader::open(directories, LogKind::Journal, AtTail::Stop)?;
    let (frames, taken) = timed(|| -> Result<u64, Failed> {
        let mut frames = 0;
        while let Next::Frame(..) = reader.next()? {
            frames += 1;
        }
        Ok(frames)
    });
    frames?;
    Ok(taken.cpu.as_secs_f64())
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    let plain = LogDirectories::disk(Directory::new(&arguments.journal));
    let megabytes = plain.content_bytes() as f64 / 1e6;
    let rate = megabytes / read(plain)?;
    writeln!(out, "plain: {megabytes:.0} MB, read at {rate:.0} MB/s")?;
    for level in &arguments.levels {
        for key in [None, Some(Arc::new(ArchiveKey::new(&[7; 32])))] {
            let copy = Copy::of(&arguments.journal, &arguments.scratch)?;
            let disk = Directory::new(&copy.0).with_key(key.clone());
            let form = if key.is_some() { "encrypted" } else { "compressed" };
            let options = ArchiveOptions { level: *level, key };
            let (done, taken) = timed(|| compress_all(&disk, LogKind::Journal, &options));
            if let Some(error) = done.first_error {
                return Err(error.into());
            }
            let (archives, ratio) = (
                megabytes / (taken.cpu.as_secs_f64()),
                done.plain_bytes as f64 / done.archived_bytes as f64,
            );
            let reads = megabytes / read(LogDirectories::disk(disk))?;
            writeln!(
                out,
                "level {level:>2}, {form:<10} archived at {archives:>5.0} MB/s, {ratio:.2} times smaller, read at {reads:>5.0} MB/s"
            )?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody can be told that it failed.
            let _ = writeln!(io::stderr(), "archive: {error}");
            ExitCode::FAILURE
        }
    }
}
