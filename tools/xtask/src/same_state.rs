//! `cargo xtask same-state`: one session in every topology and from every kind of input, and whether
//! all come to the same state, digests and outputs.
//!
//! The comparison is the program `same-state` in `tests/`, which the end-to-end tests share; here the
//! binary that it runs is built as people run it.

use std::path;

use crate::paths;
use crate::steps::{Failure, cargo, step};

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let file = match arguments {
        [] => None,
        [file] if !file.starts_with('-') => {
            Some(path::absolute(file).map_err(|error| Failure::of(file, error))?)
        }
        other => return Err(Failure::Usage(format!("same-state takes one file, not {other:?}"))),
    };
    step("build", cargo(["build", "--release", "-p", "tapewatch", "-p", "tapewatch-tests"]))?;
    let mut compare = cargo(["run", "--release", "--quiet", "-p", "tapewatch-tests"]);
    compare.args(["--bin", "same-state", "--"]);
    compare.arg(paths::target().join("release/tapewatch")).args(file);
    step("same state", compare)?;
    Ok(())
}
