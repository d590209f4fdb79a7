//! Running other programs, one step at a time, each announced and timed in one line.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::paths;

/// Why a command did not end well, in one line.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was called with what it does not know (exit status 2).
    Usage(String),
    /// A step failed (exit status 1).
    Step(String),
}

impl Failure {
    /// A failed step, told by what failed and why.
    pub(crate) fn of(what: &str, why: impl std::fmt::Display) -> Failure {
        Failure::Step(format!("{what}: {why}"))
    }
}

/// Writes a line of results. A reader that has gone is no fault.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Writes a line of progress.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", line.trim_end());
}

/// Cargo, the one that runs this, at the workspace's root. Nothing it starts reads standard input.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    program(cargo, arguments)
}

/// Cargo of the nightly toolchain, through rustup: the variables by which the running cargo binds
/// what it starts to its own toolchain are taken away.
pub(crate) fn nightly_cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = program("rustup", ["run", "nightly", "cargo"]);
    command.args(arguments).env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC");
    command.env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// A program to run at the workspace's root.
pub(crate) fn program<S: AsRef<OsStr>>(
    name: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(paths::root()).stdin(Stdio::null());
    command
}

/// Runs a step; its output is shown as it comes.
///
/// # Errors
/// If it cannot be started or does not end with status 0.
pub(crate) fn step(name: &str, mut command: Command) -> Result<Duration, Failure> {
    tell(&format!("── {name}"));
    let start = Instant::now();
    let status = command.status().map_err(|error| {
        let program = Path::new(command.get_program()).display().to_string();
        Failure::of(name, format_args!("cannot start {program}: {error}"))
    })?;
    let taken = start.elapsed();
    if !status.success() {
        let line = format!("step {name:?} failed after {:.1} s ({status})", taken.as_secs_f64());
        return Err(Failure::Step(line));
    }
    tell(&format!("── {name}: {:.1} s", taken.as_secs_f64()));
    Ok(taken)
}

/// What a program writes to its standard output; its standard error is shown.
///
/// # Errors
/// As [`step`].
pub(crate) fn output(name: &str, mut command: Command) -> Result<String, Failure> {
    let ended = command.stderr(Stdio::inherit()).output();
    let output = ended.map_err(|error| Failure::of(name, format_args!("cannot start: {error}")))?;
    if !output.status.success() {
        return Err(Failure::of(name, output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| Failure::of(name, error))
}

/// Whether a program can be run and ends well, with nothing of it shown.
pub(crate) fn is_there(mut command: Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether there is a nightly toolchain.
pub(crate) fn has_nightly() -> bool {
    is_there(nightly_cargo(["--version"]))
}
