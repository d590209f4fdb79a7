//! The file beneath a snapshot: as it is, or encrypted where its directory has a key.
//!
//! ```text
//!  %020d.snap        the snapshot
//!  %020d.snap.enc    the same, encrypted as archived segments are (`log/archive/encrypted.rs`)
//! ```

use std::io::{self, Write as _};
use std::sync::Arc;

use crate::log::archive::encrypted::{EncryptedFile, EncryptedWriter};
use crate::log::archive::key::ArchiveKey;
use crate::log::storage::StoredFile;

/// A snapshot's file being written.
pub(super) enum Sealing<F: StoredFile> {
    /// As it is, and how far it has come.
    Plain(F, u64),
    /// Encrypted; `None` once it has its end.
    Encrypted(Option<Box<EncryptedWriter<F>>>),
}

impl<F: StoredFile> Sealing<F> {
    /// From its first byte, encrypted if there is a `key`.
    pub(super) fn begin(file: F, key: Option<&Arc<ArchiveKey>>) -> io::Result<Sealing<F>> {
        Ok(match key {
            None => Sealing::Plain(file, 0),
            Some(key) => Sealing::Encrypted(Some(Box::new(EncryptedWriter::create(file, key)?))),
        })
    }

    /// Behind what was written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sealing::Plain(file, at_bytes) => {
                file.write_at(bytes, *at_bytes)?;
                *at_bytes += bytes.len() as u64;
                Ok(())
            }
            Sealing::Encrypted(Some(writer)) => writer.write_all(bytes),
            Sealing::Encrypted(None) => unreachable!("Invariant: nothing comes behind the end"),
        }
    }

    /// Nothing more comes: makes it durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Sealing::Plain(file, _) => file.sync_data(),
            Sealing::Encrypted(writer) => match writer.take() {
                Some(writer) => writer.finish()?.sync_data(),
                None => unreachable!("Invariant: a snapshot ends once"),
            },
        }
    }
}

/// A snapshot's file, to be read.
pub(super) enum Sealed<F> {
    /// As it is.
    Plain(F),
    /// Decrypted as it is read.
    Encrypted(Box<EncryptedFile<F>>),
}

impl<F: StoredFile> Sealed<F> {
    /// Bytes of the snapshot.
    pub(super) fn size_bytes(&self) -> io::Result<u64> {
        match self {
            Sealed::Plain(file) => file.size_bytes(),
            Sealed::Encrypted(file) => file.size_bytes(),
        }
    }

    /// Fills `buffer` from `offset` as far as the snapshot goes; how many bytes that were.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Sealed::Plain(file) => file.read_at(buffer, offset),
            Sealed::Encrypted(file) => file.read_at(buffer, offset),
        }
    }
}
