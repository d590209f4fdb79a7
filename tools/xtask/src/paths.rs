//! Where things are: the workspace, the shared folder beside it, the folder for large files.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where cargo builds: `CARGO_TARGET_DIR`, else `target` at the root.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Recorded data and the yardstick's generator: `TAPEWATCH_SHARED`, else `shared` beside the root.
pub(crate) fn shared() -> PathBuf {
    env::var_os("TAPEWATCH_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// Where the yardstick is built and kept: `TAPEWATCH_YARDSTICK_DIR`, else a folder for temporary
/// files.
pub(crate) fn yardstick() -> PathBuf {
    env::var_os("TAPEWATCH_YARDSTICK_DIR")
        .map_or_else(|| env::temp_dir().join("tapewatch-yardstick"), PathBuf::from)
}
