//! `cargo xtask test`: every check, in an order that fails early.
//!
//! Build and tests share one profile, so that nothing is compiled twice; benches are among the
//! targets that are built and checked. The models, and what runs in release, are builds of their own
//! and come last.

use std::env;
use std::process::Command;
use std::time::Instant;

use crate::steps::{self, Failure, cargo, is_there, nightly_cargo, step, tell};
use crate::{debian, loom, paths, tidy};

/// Runs every step.
pub(crate) fn run() -> Result<(), Failure> {
    let start = Instant::now();
    if !paths::shared().join("data").is_dir() {
        tell(&format!(
            "── note: no test data in {}; tests that need it {}",
            paths::shared().display(),
            if is_ci() { "fail" } else { "are skipped" },
        ));
    }
    if let Err(failure) = debian::ensure("tshark") {
        if is_ci() {
            return Err(failure);
        }
        tell("── note: tshark cannot be installed; tests that need it are skipped");
    }
    let tidied = Instant::now();
    tell("── repository rules");
    tidy::run()?;
    tell(&format!("── repository rules: {:.1} s", tidied.elapsed().as_secs_f64()));

    step("format", cargo(["fmt", "--all", "--check"]))?;
    step("build", cargo(["build", "--workspace", "--all-targets", "--profile", "test"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step("clippy", cargo(clippy))?;
    let docs = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    let mut docs = cargo(docs);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    step("docs", docs)?;
    if steps::has_nightly() {
        let check = ["check", "--manifest-path", "fuzz/Cargo.toml", "--all-targets", "--locked"];
        step("fuzz targets", nightly_cargo(check))?;
    } else {
        tell("── fuzz targets: not checked, there is no nightly toolchain");
    }
    step("doctests", cargo(["test", "--workspace", "--doc"]))?;
    if is_there(cargo(["nextest", "--version"])) {
        step("tests", cargo(["nextest", "run", "--workspace"]))?;
    } else {
        tell("── cargo-nextest is not installed: the tests are run by cargo test");
        step("tests", cargo(["test", "--workspace", "--lib", "--bins", "--tests"]))?;
    }
    loom::run()?;
    step("pinned hashes in release", hash_check())?;
    // Other compiler flags would rebuild everything in place, so this one builds in its own folder.
    let mut native = hash_check();
    native.arg("--target-dir").arg(paths::target().join("native"));
    native.env("RUSTFLAGS", "-C target-cpu=native");
    step("pinned hashes in release for this processor", native)?;
    tell(&format!("── all steps passed in {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// The pinned state hash and the pinned digest of a simulated day, which the steps before have checked
/// in the test profile, in optimised code without debug assertions.
fn hash_check() -> Command {
    let tests = ["--test", "state_hash", "--test", "exchange_digest"];
    let mut check = cargo(["test", "--package", "tapewatch-tests", "--profile", "hash-check"]);
    check.args(tests);
    check
}
