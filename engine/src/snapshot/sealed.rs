//! The file beneath a snapshot: as it is.

use std::io;

use crate::log::storage::StoredFile;

/// A snapshot's file being written.
pub(super) struct Sealing<F: StoredFile> {
    file: F,
    at_bytes: u64,
}

impl<F: StoredFile> Sealing<F> {
    /// From its first byte.
    pub(super) fn plain(file: F) -> Sealing<F> {
        Sealing { file, at_bytes: 0 }
    }

    /// Behind what was written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.at_bytes)?;
        self.at_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Nothing more comes: makes it durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
