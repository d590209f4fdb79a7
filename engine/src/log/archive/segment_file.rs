//! A segment's file in any of its forms, read as the plain one.

use std::io;
use std::sync::Arc;

use crate::log::SegmentNumber;
use crate::log::archive::damage::OpenError;
use crate::log::archive::encrypted::EncryptedFile;
use crate::log::archive::key::{ArchiveKey, KeyFault};
use crate::log::archive::seekable::SeekableFile;
use crate::log::segment::{number_of, segment_name};
use crate::log::storage::StoredFile;
use crate::memory::append_map::AppendMap;

/// How a segment is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentForm {
    /// As it was written: `.seg`.
    Plain,
    /// Compressed: `.seg.zst`.
    Compressed,
    /// Compressed and encrypted: `.seg.zst.enc`.
    Encrypted,
}

impl SegmentForm {
    /// All of them, the one that is read before the others first.
    pub const ALL: [SegmentForm; 3] =
        [SegmentForm::Plain, SegmentForm::Compressed, SegmentForm::Encrypted];

    /// How its files are called behind the number.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            SegmentForm::Plain => "seg",
            SegmentForm::Compressed => "seg.zst",
            SegmentForm::Encrypted => "seg.zst.enc",
        }
    }

    /// The name of a segment's file in this form.
    #[must_use]
    pub fn name(self, number: SegmentNumber) -> String {
        match self {
            SegmentForm::Plain => segment_name(number),
            archived => format!("{:08}.{}", number.0, archived.extension()),
        }
    }

    /// The segment that a file is called after, and its form; `None` for other files.
    #[must_use]
    pub fn of_name(name: &str) -> Option<(SegmentNumber, SegmentForm)> {
        SegmentForm::ALL
            .into_iter()
            .find_map(|form| Some((number_of(name, form.extension())?, form)))
    }
}

/// The file of a segment. What is said of its content holds for each form; only a plain one can be
/// written to.
pub enum SegmentFile<F> {
    /// See [`SegmentForm::Plain`].
    Plain(F),
    /// See [`SegmentForm::Compressed`].
    Compressed(Box<SeekableFile<F>>),
    /// See [`SegmentForm::Encrypted`].
    Encrypted(Box<SeekableFile<EncryptedFile<F>>>),
}

impl<F: StoredFile> SegmentFile<F> {
    /// The segment in a file of this form.
    ///
    /// # Errors
    /// The file is none of that form or damaged, or it is encrypted and `key` is not its key.
    pub fn open(
        file: F,
        form: SegmentForm,
        key: Option<&Arc<ArchiveKey>>,
    ) -> Result<SegmentFile<F>, OpenError> {
        Ok(match form {
            SegmentForm::Plain => SegmentFile::Plain(file),
            SegmentForm::Compressed => SegmentFile::Compressed(Box::new(SeekableFile::open(file)?)),
            SegmentForm::Encrypted => {
                let Some(key) = key else {
                    // That it is one at all, first.
                    EncryptedFile::made_with(&file)?;
                    return Err(KeyFault::Missing.into());
                };
                let decrypted = EncryptedFile::open(file, key)?;
                SegmentFile::Encrypted(Box::new(SeekableFile::open(decrypted)?))
            }
        })
    }

    /// What can be read of the segment in a damaged file of this form, from its first byte on; a plain one
    /// is read as it is.
    ///
    /// # Errors
    /// As [`SegmentFile::open`], where nothing can be read at all.
    pub fn open_front(
        file: F,
        form: SegmentForm,
        key: Option<&Arc<ArchiveKey>>,
    ) -> Result<SegmentFile<F>, OpenError> {
        Ok(match (form, key) {
            (SegmentForm::Compressed, _) => {
                SegmentFile::Compressed(Box::new(SeekableFile::open_front(file)?))
            }
            (SegmentForm::Encrypted, Some(key)) => {
                let decrypted = EncryptedFile::open_front(file, key)?;
                SegmentFile::Encrypted(Box::new(SeekableFile::open_front(decrypted)?))
            }
            (SegmentForm::Plain, _) | (SegmentForm::Encrypted, None) => {
                SegmentFile::open(file, form, key)?
            }
        })
    }

    /// Its form.
    #[must_use]
    pub fn form(&self) -> SegmentForm {
        match self {
            SegmentFile::Plain(_) => SegmentForm::Plain,
            SegmentFile::Compressed(_) => SegmentForm::Compressed,
            SegmentFile::Encrypted(_) => SegmentForm::Encrypted,
        }
    }
}

impl<F: StoredFile> StoredFile for SegmentFile<F> {
    fn size_bytes(&self) -> io::Result<u64> {
        match self {
            SegmentFile::Plain(file) => file.size_bytes(),
            SegmentFile::Compressed(file) => file.size_bytes(),
            SegmentFile::Encrypted(file) => file.size_bytes(),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            SegmentFile::Plain(file) => file.read_at(buffer, offset),
            SegmentFile::Compressed(file) => file.read_at(buffer, offset),
            SegmentFile::Encrypted(file) => file.read_at(buffer, offset),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self {
            SegmentFile::Plain(file) => file.write_at(bytes, offset),
            SegmentFile::Compressed(file) => file.write_at(bytes, offset),
            SegmentFile::Encrypted(file) => file.write_at(bytes, offset),
        }
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        match self {
            SegmentFile::Plain(file) => file.set_size(bytes),
            SegmentFile::Compressed(file) => file.set_size(bytes),
            SegmentFile::Encrypted(file) => file.set_size(bytes),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        match self {
            SegmentFile::Plain(file) => file.sync_data(),
            SegmentFile::Compressed(file) => file.sync_data(),
            SegmentFile::Encrypted(file) => file.sync_data(),
        }
    }

    fn map(&self, bytes: usize) -> io::Result<AppendMap> {
        match self {
            SegmentFile::Plain(file) => file.map(bytes),
            SegmentFile::Compressed(file) => file.map(bytes),
            SegmentFile::Encrypted(file) => file.map(bytes),
        }
    }
}
