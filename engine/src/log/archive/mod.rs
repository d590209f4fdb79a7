//! Closed segments as they are kept for long: compressed, and encrypted if there is a key.
//!
//! ```text
//!  00000000.seg ──► 00000000.seg.zst                     compressed, see `seekable`
//!               └─► 00000000.seg.zst.enc                 the same, encrypted, see `encrypted`
//! ```
//! A cold thread, the [`Archiver`], takes segments that are sealed and indexed, writes the other form
//! beside them, reads it back against the seal, gives it its name, and only then removes the plain one.
//! So at every instant a segment stands there whole under one name or under both, with the same content.
//!
//! Both containers are files of any content, and each is read as the file that it holds: a
//! [`StoredFile`] that can be read anywhere and not written to. Every
//! reader of a log reads segments through [`SegmentFile`](segment_file::SegmentFile), whichever form
//! they have.
//!
//! - [`seekable`]: zstd frames with a table of where they stand
//! - [`encrypted`]: chunks that nobody reads or changes without the [`key`]
//! - [`segment_file`]: a segment in any form; their names
//! - [`compress`]: one segment, or all that are closed; [`archiver`]: the thread
//! - [`damage`]: why bytes are none of it
//!
//! **Full or failing disk**: the plain segment stays, the failure is counted and told in the status, and
//! it is tried again; the log is written on. **Killed**: see [`compress`].

pub mod archiver;
#[cfg(test)]
mod bytes;
pub mod compress;
pub mod damage;
pub mod encrypted;
pub mod key;
pub mod seekable;
pub mod segment_file;

use std::io;

use crate::log::storage::StoredFile;

#[cfg(doc)]
use archiver::Archiver;

/// Appends to a [`StoredFile`] from its start.
pub struct FileSink<F> {
    file: F,
    written_bytes: u64,
}

impl<F: StoredFile> FileSink<F> {
    /// Begins at the first byte of `file`.
    #[must_use]
    pub fn new(file: F) -> FileSink<F> {
        FileSink { file, written_bytes: 0 }
    }

    /// Cuts the file behind what was written, and gives it back.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> io::Result<F> {
        self.file.set_size(self.written_bytes)?;
        Ok(self.file)
    }
}

impl<F: StoredFile> io::Write for FileSink<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.written_bytes)?;
        self.written_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer to whoever would write to a file in a container.
fn refuse_writing<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "an archived file cannot be written to"))
}

/// How much of `wanted` bytes from `offset` lies in the piece that begins at `start` and holds `held`
/// bytes: where in it, and how many bytes.
fn part_of(start: u64, held: usize, offset: u64, wanted: usize) -> (usize, usize) {
    let from = usize::try_from(offset - start).unwrap_or(usize::MAX).min(held);
    (from, wanted.min(held - from))
}

#[cfg(test)]
mod tests;
