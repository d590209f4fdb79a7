//! A folder that goes with its owner.

use std::fs;
use std::path::PathBuf;

/// Removed with all that is in it when it is dropped; it need not be there yet.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is seen, and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
