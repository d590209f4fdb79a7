//! `cargo xtask loom`: the models of the ring and of the board's slots, every order of the threads' steps.
//!
//! They need all of `engine` compiled with `--cfg loom`, and are built in a folder of their own, so
//! that no other build starts over.

use std::env;
use std::ffi::OsString;

use crate::paths;
use crate::steps::{Failure, cargo, step};

/// How often a thread may be interrupted in one order of steps: takes some five seconds, 5 forty.
const PREEMPTIONS_MAX: &str = "4";

/// Runs the models.
///
/// # Errors
/// A model fails, or cannot be built.
pub(crate) fn run() -> Result<(), Failure> {
    let mut command = cargo(["test", "--package", "tapewatch-engine", "--lib"]);
    command.arg("--target-dir").arg(paths::target().join("loom"));
    command.args(["--", "ring::model::", "board::seqlock::model::"]);
    let mut flags = env::var_os("RUSTFLAGS").unwrap_or_default();
    flags.push(OsString::from(" --cfg loom"));
    command.env("RUSTFLAGS", flags);
    if env::var_os("LOOM_MAX_PREEMPTIONS").is_none() {
        command.env("LOOM_MAX_PREEMPTIONS", PREEMPTIONS_MAX);
    }
    step("loom models", command).map(|_| ())
}
