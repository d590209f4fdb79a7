//! Programs that a command runs and that Debian has: installed where they are missing.
//!
//! The package has the program's name. Lists of packages are fetched first, since a fresh system has
//! none; no question is asked.

use crate::steps::{Failure, is_there, program, step};

/// Sees to it that a program is there.
///
/// # Errors
/// It is missing and cannot be installed.
pub(crate) fn ensure(name: &str) -> Result<(), Failure> {
    ensure_by(name, "--version")
}

/// The same for a program that tells its version by another argument.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn ensure_by(name: &str, version: &str) -> Result<(), Failure> {
    if is_there(program(name, [version])) {
        return Ok(());
    }
    step("lists of packages", program("apt-get", ["update", "-q"]))?;
    let mut install = program("apt-get", ["install", "-q", "-y", "--no-install-recommends", name]);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    step(name, install)?;
    Ok(())
}
