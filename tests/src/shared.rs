//! Recorded data, which is no part of the repository.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file under the shared data directory: that of `TAPEWATCH_SHARED`, else `shared` beside the
/// workspace. `None`, told in one line on standard error, where it is not there; under `CI=true` that is
/// a failure.
///
/// # Panics
/// If it is missing under `CI=true`.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TAPEWATCH_SHARED").unwrap_or_else(|| "../shared".into());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = workspace.join(root).join("data").join(path);
    if file.exists() {
        return Some(file);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", file.display());
    let _ = writeln!(io::stderr(), "skipped: {} is not there", file.display());
    None
}
