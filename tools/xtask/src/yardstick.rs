//! `cargo xtask yardstick`: the benchmark file that figures of different programs can be held to.
//!
//! The shared folder has its generator and its sums; both are built and written outside the checkout
//! and kept from one run to the next.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::paths;
use crate::steps::{Failure, cargo, output, program, step, tell};

/// What the generator is asked for: messages, symbols, seed.
const ARGUMENTS: [&str; 3] = ["20000000", "500", "1"];
/// The file that must come out.
const BYTES: u64 = 616_471_443;
/// FNV-1a, 64 bits, of that file.
const FNV1A: u64 = 0xa7e7_5a59_1d1c_0fcc;

/// The file, made if it is not there, checked in any case.
///
/// # Errors
/// The generator is missing or fails, or the file is another than it must be.
pub(crate) fn file() -> Result<PathBuf, Failure> {
    let directory = paths::yardstick();
    let file = directory.join("yardstick.itch");
    if !file.is_file() {
        make(&directory, &file)?;
    }
    let (bytes, fnv1a) = fingerprint(&file)?;
    if (bytes, fnv1a) != (BYTES, FNV1A) {
        return Err(Failure::of(
            "yardstick",
            format_args!(
                "{} has {bytes} bytes, FNV-1a {fnv1a:016x}, instead of {BYTES} bytes, \
                 {FNV1A:016x}; delete it to have it made again",
                file.display()
            ),
        ));
    }
    tell(&format!("── yardstick: {bytes} bytes, FNV-1a {fnv1a:016x}, as it must be"));
    Ok(file)
}

fn make(directory: &Path, file: &Path) -> Result<(), Failure> {
    let manifest = paths::shared().join("yardstick/itchgen/Cargo.toml");
    if !manifest.is_file() {
        return Err(Failure::of(
            "yardstick",
            format_args!("no generator at {}; set TAPEWATCH_SHARED", manifest.display()),
        ));
    }
    let failed = |error| Failure::of("yardstick", format_args!("{}: {error}", directory.display()));
    fs::create_dir_all(directory).map_err(failed)?;
    let target = directory.join("target");
    let mut build = cargo(["build", "--release", "--locked", "--manifest-path"]);
    build.arg(&manifest).env("CARGO_TARGET_DIR", &target);
    step("build the yardstick's generator", build)?;
    // Written under another name, so that a run that was stopped leaves nothing that looks whole.
    let part = directory.join("yardstick.itch.part");
    let mut generate = program(target.join("release/itchgen"), [&part]);
    generate.args(ARGUMENTS);
    tell(&output("write the yardstick", generate)?);
    fs::rename(&part, file).map_err(failed)
}

/// Length and FNV-1a of a file.
fn fingerprint(file: &Path) -> Result<(u64, u64), Failure> {
    let failed = |error| Failure::of("yardstick", format_args!("{}: {error}", file.display()));
    let mut reader = BufReader::new(File::open(file).map_err(failed)?);
    let mut buffer = vec![0; 1 << 20];
    let (mut bytes, mut hash) = (0, FNV_OFFSET);
    loop {
        let count = reader.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok((bytes, hash));
        }
        bytes += count as u64;
        hash = fnv1a(hash, &buffer[..count]);
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits, of what `hash` is of and `bytes` behind it.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // Vectors of the FNV page: "", "a", "foobar".
        assert_eq!(fnv1a(FNV_OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(FNV_OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(FNV_OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_file_is_hashed_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("three");
        let content = vec![b'x'; 3 << 20];
        fs::write(&file, &content).unwrap();
        let expected = (content.len() as u64, fnv1a(FNV_OFFSET, &content));
        assert_eq!(fingerprint(&file).unwrap(), expected);
    }
}
