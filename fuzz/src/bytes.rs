//! A file in memory.

use std::io;
use std::sync::{Mutex, PoisonError};

use engine::log::storage::StoredFile;
use engine::memory::append_map::AppendMap;

/// Bytes that are read and written as a file is.
#[derive(Default)]
pub struct Bytes(Mutex<Vec<u8>>);

impl Bytes {
    /// A file that holds `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Bytes {
        Bytes(Mutex::new(bytes.to_vec()))
    }

    /// All that it holds.
    #[must_use]
    pub fn all(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StoredFile for Bytes {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = bytes.get(from..).unwrap_or_default();
        let filled = rest.len().min(buffer.len());
        buffer[..filled].copy_from_slice(&rest[..filled]);
        Ok(filled)
    }

    fn write_at(&self, written: &[u8], offset: u64) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let end = from + written.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[from..end].copy_from_slice(written);
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let size = usize::try_from(size).map_err(io::Error::other)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).resize(size, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self, _: usize) -> io::Result<AppendMap> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
