//! `cargo xtask tidy`: rules of the repository that no compiler checks.
//!
//! It looks at the files that git tracks or would add. A rule that is broken is told with its file
//! and line; all are told before it fails.

use std::fs;
use std::path::Path;

use crate::paths;
use crate::steps::{Failure, output, program, tell};

/// Most bytes of a file: data and builds belong elsewhere.
const FILE_BYTES_MAX: u64 = 1_000_000;

/// Where `unsafe` is allowed: mapped memory and prefetch, the ring, the clock, and the test that counts
/// allocations.
const UNSAFE_ALLOWED: [&str; 4] = [
    "engine/src/memory/",
    "engine/src/ring/",
    "engine/src/clock.rs",
    "tests/tests/no_allocation/counting.rs",
];

/// The crate that has `unsafe` in it, and so cannot forbid it.
const UNSAFE_CRATE: &str = "engine/src/lib.rs";

/// Checks every file.
///
/// # Errors
/// A rule is broken, or git cannot be asked.
pub(crate) fn run() -> Result<(), Failure> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = output("list of files", program("git", list))?;
    let root = paths::root();
    let mut broken = Vec::new();
    let mut files = 0;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        // A file that was deleted and not yet committed is listed too.
        let Ok(metadata) = fs::symlink_metadata(root.join(name)) else {
            continue;
        };
        files += 1;
        broken.extend(check_size(name, metadata.len()));
        if Path::new(name).extension().is_some_and(|extension| extension == "rs") {
            let source =
                fs::read_to_string(root.join(name)).map_err(|error| Failure::of(name, error))?;
            broken.extend(check_source(name, &source));
        }
    }
    for line in &broken {
        tell(line);
    }
    match broken.len() {
        0 if files > 0 => Ok(()),
        0 => Err(Failure::of("repository rules", "git lists no files")),
        count => Err(Failure::of("repository rules", format_args!("{count} broken, see above"))),
    }
}

fn check_size(name: &str, bytes: u64) -> Option<String> {
    (bytes > FILE_BYTES_MAX)
        .then(|| format!("{name}: {bytes} bytes, more than {FILE_BYTES_MAX}: keep it elsewhere"))
}

fn check_source(name: &str, source: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let is_root = ["src/lib.rs", "src/main.rs"].iter().any(|root| name.ends_with(root));
    if is_root && name != UNSAFE_CRATE && !source.contains("#![forbid(unsafe_code)]") {
        broken.push(format!("{name}: no #![forbid(unsafe_code)]"));
    }
    if UNSAFE_ALLOWED.iter().any(|allowed| name.starts_with(allowed)) {
        return broken;
    }
    for (number, line) in (1..).zip(source.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        if words(code).any(|word| word == UNSAFE) {
            broken.push(format!("{name}:{number}: {UNSAFE} outside {UNSAFE_ALLOWED:?}"));
        }
    }
    broken
}

/// Put together, so that this file does not break its own rule.
const UNSAFE: &str = concat!("un", "safe");

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !(character.is_alphanumeric() || character == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_is_found_as_a_word_of_code_and_allowed_where_it_belongs() {
        let source = format!("// {UNSAFE}\nlet x = {UNSAFE} {{ f() }};\nlet {UNSAFE}_code = 1;\n");
        let broken = check_source("engine/src/book/books.rs", &source);
        assert_eq!(broken.len(), 1);
        assert!(broken[0].starts_with("engine/src/book/books.rs:2: "), "{broken:?}");
        assert_eq!(check_source("engine/src/memory/prefetch.rs", &source), [""; 0]);
    }

    #[test]
    fn a_crate_without_the_forbidding_line_is_told() {
        assert_eq!(check_source("tools/cli/src/main.rs", "fn main() {}\n").len(), 1);
        let forbids = "#![forbid(unsafe_code)]\nfn main() {}\n";
        assert_eq!(check_source("tools/cli/src/main.rs", forbids), [""; 0]);
        assert_eq!(check_source(UNSAFE_CRATE, "pub mod book;\n"), [""; 0]);
    }

    #[test]
    fn a_file_of_more_than_a_megabyte_is_told() {
        assert_eq!(check_size("data.bin", 1_000_000), None);
        assert!(check_size("data.bin", 1_000_001).is_some_and(|line| line.contains("data.bin")));
    }
}
