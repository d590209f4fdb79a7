//! Where a log's files lie: a directory, or a double that fails as disks do.
//!
//! Names are plain file names within one directory. Every operation may fail and says how; nothing
//! here is called on a hot thread.
//!
//! A file that is to be mapped has all its blocks from the start ([`Storage::create`]): so a full
//! disk is an error there, and never a signal at some later write. File systems that copy on write
//! (btrfs, ZFS) cannot promise that; a log there is best kept in memory and archived.

pub mod fault;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as PositionedFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::log::archive::key::ArchiveKey;
use crate::memory::append_map::AppendMap;

/// A directory of files.
pub trait Storage: Send + Sync {
    /// An open file.
    type File: StoredFile;

    /// Makes the directory, and those above it, if they are absent.
    ///
    /// # Errors
    /// What the system says.
    fn create_directory(&self) -> io::Result<()>;

    /// Removes the directory, which must be empty.
    ///
    /// # Errors
    /// What the system says.
    fn remove_directory(&self) -> io::Result<()>;

    /// Creates a file of `bytes` zeros, every block of it allocated, for reading and writing.
    ///
    /// # Errors
    /// What the system says; `StorageFull` if there is no room, and then no file is left behind;
    /// `AlreadyExists` if there is a file of that name.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Self::File>;

    /// Opens an existing file for reading.
    ///
    /// # Errors
    /// What the system says; `NotFound` if it is absent.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// What the system says; `NotFound` if it is absent.
    fn open_to_write(&self, name: &str) -> io::Result<Self::File>;

    /// Names of all files, in no particular order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Gives a file another name, in place of a file that has it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes created, renamed and removed names durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_directory(&self) -> io::Result<()>;

    /// The directory as messages name it.
    fn describe(&self) -> String;

    /// Bytes that can still be written to its file system, as far as that is known.
    ///
    /// # Errors
    /// What the system says.
    fn available_bytes(&self) -> io::Result<u64>;

    /// Decrypts those of its files that are encrypted; `None` if it was given none.
    fn archive_key(&self) -> Option<&Arc<ArchiveKey>> {
        None
    }
}

/// An open file of a [`Storage`].
pub trait StoredFile: Send + Sync {
    /// Its size now.
    ///
    /// # Errors
    /// What the system says.
    fn size_bytes(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset` as far as the file goes; returns how many bytes that were.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system says; some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or makes it longer without allocating blocks. What is cut off must not be
    /// mapped.
    ///
    /// # Errors
    /// What the system says.
    fn set_size(&self, bytes: u64) -> io::Result<()>;

    /// Makes content and size durable (`fdatasync`), what was written through maps included. After
    /// an error nobody knows what is durable, and trying again would not tell.
    ///
    /// # Errors
    /// What the system says.
    fn sync_data(&self) -> io::Result<()>;

    /// Maps the first `bytes` of the file, which were allocated when it was created.
    ///
    /// # Errors
    /// What the system says.
    fn map(&self, bytes: usize) -> io::Result<AppendMap>;
}

/// What a file is called behind its name until it is complete.
pub(crate) const NEW: &str = ".new";

/// Writes a file that is there whole under its name, or not at all.
pub(crate) fn write_by_rename<S: Storage>(
    storage: &S,
    name: &str,
    bytes: &[u8],
    sync: bool,
) -> io::Result<()> {
    let new = format!("{name}{NEW}");
    let file = storage.create(&new, bytes.len() as u64)?;
    let written = file.write_at(bytes, 0).and_then(|()| match sync {
        true => file.sync_data(),
        false => Ok(()),
    });
    written.and_then(|()| storage.rename(&new, name)).inspect_err(|_| {
        // What is to be told is why it could not be written.
        let _ = storage.remove(&new);
    })?;
    match sync {
        true => storage.sync_directory(),
        false => Ok(()),
    }
}

/// A directory of the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    path: PathBuf,
    key: Option<Arc<ArchiveKey>>,
}

impl Directory {
    /// The directory at `path`, which must exist when it is used.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Directory {
        Directory { path: path.into(), key: None }
    }

    /// The same directory, whose encrypted files are decrypted with `key`.
    #[must_use]
    pub fn with_key(self, key: Option<Arc<ArchiveKey>>) -> Directory {
        Directory { key, ..self }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Storage for Directory {
    type File = File;

    fn create_directory(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }

    fn remove_directory(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<File> {
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        if bytes == 0 {
            return Ok(file);
        }
        match allocate(&file, bytes) {
            Ok(()) => Ok(file),
            Err(error) => {
                // What is to be told is why there is no room; a file left behind is seen anyway.
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).open(self.path.join(name))
    }

    fn open_to_write(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| {
            let name = entry?.file_name();
            Ok(name.to_string_lossy().into_owned())
        });
        names.collect()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn available_bytes(&self) -> io::Result<u64> {
        let system = statvfs(&self.path)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn archive_key(&self) -> Option<&Arc<ArchiveKey>> {
        self.key.as_ref()
    }
}

/// Gives an empty file `bytes` of zeros with blocks behind them.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // File systems that cannot reserve blocks are made to do so by zeros.
        Err(Errno::OPNOTSUPP) => {
            let zeros = [0; 64 << 10];
            let mut offset = 0;
            while offset < bytes {
                let step = (bytes - offset).min(zeros.len() as u64);
                PositionedFile::write_all_at(file, &zeros[..step as usize], offset)?;
                offset += step;
            }
            file.sync_data()
        }
        done => Ok(done?),
    }
}

impl StoredFile for File {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match PositionedFile::read_at(self, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        PositionedFile::write_all_at(self, bytes, offset)
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn map(&self, bytes: usize) -> io::Result<AppendMap> {
        AppendMap::over(self, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Directory, Storage, StoredFile};

    fn directory() -> (tempfile::TempDir, Directory) {
        let guard = tempfile::tempdir().expect("a temporary directory");
        let directory = Directory::new(guard.path().join("a/journal"));
        directory.create_directory().expect("created with its parent");
        (guard, directory)
    }

    #[test]
    fn a_created_file_has_all_its_blocks() {
        use std::os::unix::fs::MetadataExt;
        let (_guard, directory) = directory();
        let file = directory.create("a", 1 << 20).expect("room");
        assert_eq!(file.size_bytes().expect("a size"), 1 << 20);
        assert!(file.metadata().expect("metadata").blocks() * 512 >= 1 << 20);
        let again = directory.create("a", 1 << 20).expect_err("it is there");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(directory.list().expect("a list"), ["a"], "it stays");
    }

    #[test]
    fn a_file_without_room_is_refused_and_leaves_nothing() {
        let (_guard, directory) = directory();
        // No disk has an exbibyte.
        let error = directory.create("a", 1 << 60).expect_err("no room");
        let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::FileTooLarge];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        assert!(directory.list().expect("a list").is_empty());
        directory.remove_directory().expect("it is empty");
    }

    #[test]
    fn maps_and_writes_of_one_file_see_each_other() {
        let (_guard, directory) = directory();
        let file = directory.create("a", 4096).expect("room");
        let mut map = file.map(4096).expect("a map");
        map.free()[..6].copy_from_slice(b"by map");
        file.write_at(b"by write", 8).expect("written");
        let mut bytes = [0; 16];
        assert_eq!(file.read_at(&mut bytes, 0).expect("read"), 16);
        assert_eq!(&bytes, b"by map\0\0by write");
        assert_eq!(map.free()[8..16], *b"by write");
        drop(map);
        file.set_size(10).expect("cut");
        assert_eq!(file.read_at(&mut bytes, 8).expect("read"), 2);
    }
}
