//! What people are told on stderr, and the results on stdout.
//!
//! Stdout carries results only. A closed stdout (`| head`) ends the output quietly and changes no
//! exit status; a closed stderr is never an error.

use std::io::{self, Write};

use crate::exit::{Failure, one_line};

/// How much is told on stderr.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Console {
    quiet: bool,
    verbose: bool,
}

impl Console {
    /// `quiet` leaves only the line of a failure; `verbose` adds details.
    pub(crate) fn new(quiet: bool, verbose: bool) -> Console {
        Console { quiet, verbose }
    }

    /// Whether only failures are told.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Something worth knowing that is no fault.
    pub(crate) fn note(self, line: &str) {
        if !self.quiet {
            to_stderr("note", line);
        }
    }

    /// Something that is probably not what was meant.
    pub(crate) fn warning(self, line: &str) {
        if !self.quiet {
            to_stderr("warning", line);
        }
    }

    /// A detail for `-v`.
    pub(crate) fn detail(self, line: &str) {
        if self.verbose && !self.quiet {
            to_stderr("detail", line);
        }
    }
}

/// The one line of a failure. Told even with `--quiet`.
pub(crate) fn failure_line(failure: &Failure) {
    to_stderr("error", &failure.line);
}

/// The one line about arguments that are no command.
pub(crate) fn usage_line(line: &str) {
    // As below: a closed stderr is no fault.
    let _ = writeln!(io::stderr().lock(), "tapewatch: {}", one_line(line));
}

fn to_stderr(label: &str, line: &str) {
    // A closed stderr must not stop the work: there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "tapewatch: {label}: {}", one_line(line));
}

/// Writes a result to stdout, whole.
///
/// A reader that has gone away is no failure; any other fault is.
pub(crate) fn write_result(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::no(format_args!(
            "cannot write the results to standard output: {error}; check where it is redirected to"
        ))),
    }
}
