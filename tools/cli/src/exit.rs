//! How a command ends: a status for programs and one line for people.
//!
//! Every command gives `Result<Status, Failure>`; only `main` turns that into an exit code and
//! writes the line. A failure's line says what, where and what to do.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// The exit status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// 0: done.
    Done,
    /// 1: the answer is no: damaged input, lost data.
    No,
    /// 2: usage, or an input that cannot be read at all or is the wrong one.
    Usage,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::No => 1,
            Status::Usage => 2,
        })
    }
}

/// Why a command did not end with [`Status::Done`], in one line.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The status to leave with.
    pub(crate) status: Status,
    /// What, where and what to do; never more than one line.
    pub(crate) line: String,
}

impl Failure {
    /// The answer is no (status 1).
    pub(crate) fn no(line: impl Display) -> Failure {
        Failure::new(Status::No, line)
    }

    /// Usage or a wrong input (status 2).
    pub(crate) fn usage(line: impl Display) -> Failure {
        Failure::new(Status::Usage, line)
    }

    /// A file or directory that could not be made: usage, unless the disk is full or broken.
    pub(crate) fn of_making(error: &io::Error, line: impl Display) -> Failure {
        /// `EIO` as Linux numbers it.
        const EIO: i32 = 5;
        let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let status = match is_full || error.raw_os_error() == Some(EIO) {
            true => Status::No,
            false => Status::Usage,
        };
        Failure::new(status, line)
    }

    /// A failure with `status`.
    pub(crate) fn new(status: Status, line: impl Display) -> Failure {
        let line = one_line(&line.to_string());
        Failure { status, line }
    }
}

/// `text` with control characters escaped: foreign text in it (a file's name) can neither break the
/// line nor do anything to a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.trim_end().chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_it_quotes() {
        let failure = Failure::usage("cannot read é\n\u{1b}[2J: no such file\n");
        assert_eq!(failure.line, "cannot read é\\n\\u{1b}[2J: no such file");
        assert_eq!(failure.status, Status::Usage);
    }
}
