//! Writes one snapshot, front to back: header, parts, entries, trailer.
//!
//! Lies under a name of its own until it is whole and durable; who finds that name knows that its writer
//! died. A write that fails, a full disk say, leaves nothing behind.

use std::io;

use crate::failpoint;
use crate::log::checksum::crc32c;
use crate::log::storage::{NEW, Storage, StoredFile};
use crate::snapshot::layout::{Entry, SnapshotHead, Trailer};
use crate::snapshot::sealed::Sealing;
use crate::state::image::{ImageSink, Part};

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// A snapshot being written.
pub(super) struct SnapshotWriter<'a, S: Storage> {
    storage: &'a S,
    name: String,
    out: Out<S::File>,
    entries: Vec<Entry>,
}

/// A file that grows.
struct Out<F: StoredFile> {
    file: Sealing<F>,
    buffer: Vec<u8>,
    /// Bytes handed over so far, those in the buffer included.
    at_bytes: u64,
}

impl<F: StoredFile> Out<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        self.at_bytes += bytes.len() as u64;
        if bytes.len() > BUFFER_BYTES {
            return self.file.write(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<'a, S: Storage> SnapshotWriter<'a, S> {
    /// Begins the snapshot that will be called `name`.
    pub(super) fn begin(
        storage: &'a S,
        name: String,
        head: &SnapshotHead,
        seal: impl FnOnce(S::File) -> io::Result<Sealing<S::File>>,
    ) -> io::Result<SnapshotWriter<'a, S>> {
        let file = seal(storage.create(&format!("{name}{NEW}"), 0)?)?;
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        let mut out = Out { file, buffer, at_bytes: 0 };
        out.write(&head.to_bytes())?;
        Ok(SnapshotWriter { storage, name, out, entries: Vec::new() })
    }

    /// Ends it and gives it its name. Returns how many bytes it has.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        // Whoever reads looks parts up.
        self.entries.sort_unstable_by_key(|entry| (entry.kind, entry.symbol));
        let table_bytes = self.out.at_bytes;
        let entries = std::mem::take(&mut self.entries);
        let table: &[u8] = bytemuck::cast_slice(&entries);
        self.out.write(table)?;
        let table_crc32c = crc32c(table);
        let trailer = Trailer { table_bytes, entries: entries.len() as u64, table_crc32c };
        self.out.write(&trailer.to_bytes())?;
        self.out.flush()?;
        let bytes = self.out.at_bytes;
        failpoint::hit("snapshot.write.after");
        // Durable before it has its name.
        self.out.file.finish()?;
        self.storage.rename(&format!("{}{NEW}", self.name), &self.name)?;
        failpoint::hit("snapshot.rename.after");
        self.storage.sync_directory()?;
        Ok(bytes)
    }
}

impl<S: Storage> ImageSink for SnapshotWriter<'_, S> {
    type Error = io::Error;

    fn part(&mut self, part: Part, bytes: &[u8]) -> io::Result<()> {
        self.entries.push(Entry {
            kind: part.kind as u32,
            symbol: part.symbol.0,
            offset_bytes: self.out.at_bytes,
            size_bytes: bytes.len() as u64,
            crc32c: crc32c(bytes),
            reserved: 0,
        });
        self.out.write(bytes)
    }
}
