//! A file in memory, for tests of containers.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::log::storage::StoredFile;
use crate::memory::append_map::AppendMap;

/// Bytes that are read and written as a file is.
#[derive(Default)]
pub(super) struct Bytes {
    bytes: Mutex<Vec<u8>>,
    /// Bytes that were read from it.
    pub(super) read_bytes: AtomicU64,
}

impl Bytes {
    pub(super) fn of(bytes: &[u8]) -> Bytes {
        Bytes { bytes: Mutex::new(bytes.to_vec()), read_bytes: AtomicU64::new(0) }
    }

    pub(super) fn all(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StoredFile for Bytes {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let filled = rest.len().min(buffer.len());
        buffer[..filled].copy_from_slice(&rest[..filled]);
        self.read_bytes.fetch_add(filled as u64, Ordering::Relaxed);
        Ok(filled)
    }

    fn write_at(&self, written: &[u8], offset: u64) -> io::Result<()> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let end = offset as usize + written.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset as usize..end].copy_from_slice(written);
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).resize(size as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self, _: usize) -> io::Result<AppendMap> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// All that a file gives, read in steps of `step` bytes; what is wrong with it otherwise.
pub(super) fn read_all<F: StoredFile>(file: &F, step: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = vec![0; step];
    loop {
        let filled = file.read_at(&mut buffer, all.len() as u64)?;
        all.extend_from_slice(&buffer[..filled]);
        if filled < step {
            return Ok(all);
        }
    }
}

/// Content that compresses to something in between.
pub(super) fn content(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut content = Vec::with_capacity(bytes + 64);
    while content.len() < bytes {
        match next() % 4 {
            0 => content.extend(next().to_le_bytes()),
            1 => content.extend([0; 24]),
            _ => content.extend((next() % 100).to_le_bytes()),
        }
    }
    content.truncate(bytes);
    content
}
