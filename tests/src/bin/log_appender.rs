//! `log-appender ROOT KIND PLACE THREAD LAST`: goes on with a log under ROOT up to the frame with
//! sequence LAST and ends it: what kill tests kill, and start again.
//!
//! KIND is `journal` or `output`, PLACE `disk` or `memory`, THREAD `inline` or `thread`. What is
//! appended for certain stands in the file `acknowledged`, a `u64` that outlives the process. Where
//! the log has ended already, all that is left to do of it is done.
//!
//! Exit status: 0 ended, 1 it failed, 2 usage.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::ExitCode;

use engine::log::LogKind;
use engine::log::reopen::{ReopenError, finish};
use engine::log::threaded::ThreadedLogWriter;
use engine::log::writer::LogWriter;
use tapewatch_tests::appended::{self, ACKNOWLEDGED};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let parsed = match &arguments[..] {
        [root, kind, place, thread, last] => parse(root, kind, place, thread, last),
        _ => None,
    };
    let Some(given) = parsed else {
        tell("usage: log-appender ROOT journal|output disk|memory inline|thread LAST");
        return ExitCode::from(2);
    };
    match run(&given) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("log-appender: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn tell(line: &str) {
    // Nobody can be told that it failed.
    let _ = writeln!(io::stderr(), "{line}");
}

struct Given<'a> {
    root: &'a Path,
    kind: LogKind,
    in_memory: bool,
    on_a_thread: bool,
    last: u64,
}

fn parse<'a>(
    root: &'a str,
    kind: &str,
    place: &str,
    thread: &str,
    last: &str,
) -> Option<Given<'a>> {
    let either = |given: &str, no: &str, yes: &str| match given {
        given if given == no => Some(false),
        given if given == yes => Some(true),
        _ => None,
    };
    let kind = if either(kind, "journal", "output")? { LogKind::Output } else { LogKind::Journal };
    Some(Given {
        root: Path::new(root),
        kind,
        in_memory: either(place, "disk", "memory")?,
        on_a_thread: either(thread, "inline", "thread")?,
        last: last.parse().ok()?,
    })
}

fn run(given: &Given<'_>) -> Result<(), Box<dyn Error>> {
    let options = appended::options(given.root, given.kind, given.in_memory);
    let acknowledged = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(given.root.join(ACKNOWLEDGED))?;
    let reopened = match given.on_a_thread {
        true => ThreadedLogWriter::reopen(options.clone(), appended::THREAD)
            .map(|(writer, log)| (Writer::Thread(writer), log)),
        false => {
            LogWriter::reopen(options.clone()).map(|(writer, log)| (Writer::Inline(writer), log))
        }
    };
    let (mut writer, reopened) = match reopened {
        Err(ReopenError::Finished { .. }) => {
            finish(&options)?;
            return Ok(());
        }
        reopened => reopened?,
    };
    for sequence in reopened.last_sequence.0 + 1..=given.last {
        writer.append(given.kind, sequence, &acknowledged)?;
    }
    match writer {
        Writer::Inline(writer) => writer.close()?,
        Writer::Thread(writer) => writer.close()?,
    };
    Ok(())
}

enum Writer {
    Inline(LogWriter),
    Thread(ThreadedLogWriter),
}

impl Writer {
    fn append(
        &mut self,
        kind: LogKind,
        sequence: u64,
        acknowledged: &File,
    ) -> Result<(), Box<dyn Error>> {
        let (tag, payload) = (appended::tag(kind, sequence), appended::payload(kind, sequence));
        let tails = match self {
            Writer::Inline(writer) => {
                writer.append(&tag, &payload)?;
                writer.tails()
            }
            Writer::Thread(writer) => {
                writer.append(&tag, &payload)?;
                writer.tails()
            }
        };
        // A thread may have come less far.
        let appended = tails.appended_sequence().0;
        Ok(acknowledged.write_all_at(&appended.to_le_bytes(), 0)?)
    }
}
