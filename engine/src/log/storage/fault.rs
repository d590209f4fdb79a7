//! A directory that lies in memory and fails when it is told to.
//!
//! Its files are real ones without a name (`memfd`), so they are mapped, read and cut as any file is;
//! names are kept here. A [`FaultPlan`] says which operation fails with what, and how much room there
//! is. For every file it is kept what it held when it was last synced, and for the directory which
//! names it had: what a power loss leaves is any mix of that and of what is there now, see [`power`].

pub mod power;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;

use crate::log::archive::key::ArchiveKey;
use crate::log::storage::{Storage, StoredFile};
use crate::memory::append_map::AppendMap;

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// [`Storage::create`].
    Create,
    /// [`Storage::open`] and [`Storage::open_to_write`].
    Open,
    /// [`Storage::list`].
    List,
    /// [`Storage::rename`].
    Rename,
    /// [`Storage::remove`].
    Remove,
    /// [`Storage::sync_directory`].
    SyncDirectory,
    /// [`StoredFile::read_at`].
    Read,
    /// [`StoredFile::write_at`].
    Write,
    /// [`StoredFile::set_size`].
    SetSize,
    /// [`StoredFile::sync_data`].
    SyncData,
    /// [`StoredFile::map`].
    Map,
}

const OPERATIONS: usize = Operation::Map as usize + 1;

/// What the storage answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `ENOSPC`: no room.
    Full,
    /// `EIO`: the medium failed.
    Broken,
    /// `EACCES`: it is not allowed.
    Denied,
}

impl Answer {
    fn error(self) -> io::Error {
        let errno = match self {
            Answer::Full => Errno::NOSPC,
            Answer::Broken => Errno::IO,
            Answer::Denied => Errno::ACCESS,
        };
        errno.into()
    }
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What fails.
    pub operation: Operation,
    /// Calls of that operation that succeed before.
    pub after: u64,
    /// Calls that fail from then on.
    pub times: u64,
    /// How.
    pub answer: Answer,
}

/// When a [`FaultStorage`] fails.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    faults: Vec<Fault>,
    space_bytes_max: Option<u64>,
    random: Option<(u64, u64)>,
    misdirected: Option<(u64, u64)>,
    tears_writes: bool,
}

impl FaultPlan {
    /// Adds a fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Files together take at most so many bytes.
    #[must_use]
    pub fn with_space(mut self, bytes_max: u64) -> Self {
        self.space_bytes_max = Some(bytes_max);
        self
    }

    /// A write that fails as broken has written the first half of its bytes.
    #[must_use]
    pub fn with_torn_writes(mut self) -> Self {
        self.tears_writes = true;
        self
    }

    /// The write after so many others goes to another place of its file, by so many bytes away as far
    /// as the file goes, and says that it was done.
    #[must_use]
    pub fn with_misdirected(mut self, after: u64, by_bytes: u64) -> Self {
        self.misdirected = Some((after, by_bytes));
        self
    }

    /// Of all calls one in `one_in` fails, which ones is decided by `seed`.
    #[must_use]
    pub fn with_random(mut self, seed: u64, one_in: u64) -> Self {
        self.random = Some((seed, one_in.max(1)));
        self
    }
}

/// What a file holds, and what of it a power loss cannot take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileImage {
    /// Its name now.
    pub name: String,
    /// Its name when the directory was last synced, if it had one.
    pub name_synced: Option<String>,
    /// What it holds.
    pub now: Vec<u8>,
    /// What it held when it was last synced; empty before.
    pub synced: Vec<u8>,
}

/// See the module. Clones are the same directory.
#[derive(Clone)]
pub struct FaultStorage {
    shared: Arc<Mutex<Shared>>,
    key: Option<Arc<ArchiveKey>>,
}

struct Shared {
    plan: FaultPlan,
    calls: [u64; OPERATIONS],
    random_state: u64,
    files: BTreeMap<String, Stored>,
    /// Names at the last sync of the directory, by file number.
    names_synced: BTreeMap<u64, String>,
    /// What has become of the names since then, in order.
    names_changed: Vec<NameChange>,
    /// Files that had a name then or since.
    known: BTreeMap<u64, Stored>,
    files_made: u64,
}

/// One change of a directory.
#[derive(Clone, Debug)]
enum NameChange {
    /// A file gets a name, in place of another that it had and of the file that had it.
    Put { number: u64, name: String },
    /// A name goes.
    Removed { name: String },
}

#[derive(Clone)]
struct Stored {
    number: u64,
    file: Arc<File>,
    synced: Arc<Mutex<Vec<u8>>>,
}

/// A file of a [`FaultStorage`].
pub struct FaultFile {
    file: Arc<File>,
    synced: Arc<Mutex<Vec<u8>>>,
    shared: Arc<Mutex<Shared>>,
}

/// What stands in a lock stays right if a test panics beside it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Counts a call, and fails it if that is planned.
    fn call(&mut self, operation: Operation) -> io::Result<()> {
        let nth = self.calls[operation as usize];
        self.calls[operation as usize] += 1;
        let planned = self.plan.faults.iter().find(|fault| {
            fault.operation == operation && nth >= fault.after && nth - fault.after < fault.times
        });
        if let Some(fault) = planned {
            return Err(fault.answer.error());
        }
        if let Some((_, one_in)) = self.plan.random {
            // SplitMix64 (Steele, Lea and Flood 2014).
            self.random_state = self.random_state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.random_state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            if z.is_multiple_of(one_in) {
                let answer = if z & (1 << 40) == 0 { Answer::Full } else { Answer::Broken };
                return Err(answer.error());
            }
        }
        Ok(())
    }

    /// Bytes for which there is room.
    fn room(&self) -> io::Result<u64> {
        let Some(max) = self.plan.space_bytes_max else { return Ok(u64::MAX) };
        let mut used = 0;
        for stored in self.files.values() {
            used += stored.file.metadata()?.len();
        }
        Ok(max.saturating_sub(used))
    }

    /// Refuses `more` bytes if there is no room for them.
    fn take_room(&self, more: u64) -> io::Result<()> {
        if more > self.room()? { Err(Answer::Full.error()) } else { Ok(()) }
    }
}

impl FaultStorage {
    /// An empty directory that fails by `plan`.
    #[must_use]
    pub fn new(plan: FaultPlan) -> FaultStorage {
        let random_state = plan.random.map_or(0, |(seed, _)| seed);
        let shared = Shared {
            plan,
            calls: [0; OPERATIONS],
            random_state,
            files: BTreeMap::new(),
            names_synced: BTreeMap::new(),
            names_changed: Vec::new(),
            known: BTreeMap::new(),
            files_made: 0,
        };
        FaultStorage { shared: Arc::new(Mutex::new(shared)), key: None }
    }

    /// The same directory, whose encrypted files are decrypted with `key`.
    #[must_use]
    pub fn with_key(self, key: Option<Arc<ArchiveKey>>) -> FaultStorage {
        FaultStorage { key, ..self }
    }

    /// Fails by another plan from now on; calls are counted anew.
    pub fn set_plan(&self, plan: FaultPlan) {
        let mut shared = lock(&self.shared);
        shared.random_state = plan.random.map_or(0, |(seed, _)| seed);
        shared.plan = plan;
        shared.calls = [0; OPERATIONS];
    }

    /// Calls of an operation so far, failed ones included.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        lock(&self.shared).calls[operation as usize]
    }

    /// All files in order of their names.
    ///
    /// # Errors
    /// What the system says.
    pub fn images(&self) -> io::Result<Vec<FileImage>> {
        let shared = lock(&self.shared);
        let images = shared.files.iter().map(|(name, stored)| {
            Ok(FileImage {
                name: name.clone(),
                name_synced: shared.names_synced.get(&stored.number).cloned(),
                now: content(&stored.file)?,
                synced: lock(&stored.synced).clone(),
            })
        });
        images.collect()
    }

    fn file(&self, stored: &Stored) -> FaultFile {
        FaultFile {
            file: stored.file.clone(),
            synced: stored.synced.clone(),
            shared: self.shared.clone(),
        }
    }
}

fn content(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.size_bytes()? as usize];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

impl Storage for FaultStorage {
    type File = FaultFile;

    fn create_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn remove_directory(&self) -> io::Result<()> {
        match lock(&self.shared).files.is_empty() {
            true => Ok(()),
            false => Err(io::ErrorKind::DirectoryNotEmpty.into()),
        }
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<FaultFile> {
        let mut shared = lock(&self.shared);
        shared.call(Operation::Create)?;
        if shared.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        shared.take_room(bytes)?;
        let file = File::from(memfd_create("fault-storage", MemfdFlags::CLOEXEC)?);
        file.set_len(bytes)?;
        shared.files_made += 1;
        let (number, file) = (shared.files_made, Arc::new(file));
        let stored = Stored { number, file, synced: Arc::default() };
        let made = self.file(&stored);
        shared.known.insert(number, stored.clone());
        shared.names_changed.push(NameChange::Put { number, name: name.to_owned() });
        shared.files.insert(name.to_owned(), stored);
        Ok(made)
    }

    fn open(&self, name: &str) -> io::Result<FaultFile> {
        let mut shared = lock(&self.shared);
        shared.call(Operation::Open)?;
        match shared.files.get(name) {
            Some(stored) => Ok(self.file(stored)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn open_to_write(&self, name: &str) -> io::Result<FaultFile> {
        self.open(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut shared = lock(&self.shared);
        shared.call(Operation::List)?;
        Ok(shared.files.keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut shared = lock(&self.shared);
        shared.call(Operation::Rename)?;
        let stored = shared.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        let change = NameChange::Put { number: stored.number, name: to.to_owned() };
        shared.names_changed.push(change);
        shared.files.insert(to.to_owned(), stored);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut shared = lock(&self.shared);
        shared.call(Operation::Remove)?;
        match shared.files.remove(name) {
            Some(_) => {
                shared.names_changed.push(NameChange::Removed { name: name.to_owned() });
                Ok(())
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut shared = lock(&self.shared);
        shared.call(Operation::SyncDirectory)?;
        let names = shared.files.iter().map(|(name, stored)| (stored.number, name.clone()));
        shared.names_synced = names.collect();
        shared.names_changed.clear();
        let shared = &mut *shared;
        shared.known.retain(|number, _| shared.names_synced.contains_key(number));
        Ok(())
    }

    fn describe(&self) -> String {
        "(fault storage)".to_owned()
    }

    fn available_bytes(&self) -> io::Result<u64> {
        lock(&self.shared).room()
    }

    fn archive_key(&self) -> Option<&Arc<ArchiveKey>> {
        self.key.as_ref()
    }
}

impl FaultFile {
    fn call(&self, operation: Operation) -> io::Result<()> {
        lock(&self.shared).call(operation)
    }
}

impl StoredFile for FaultFile {
    fn size_bytes(&self) -> io::Result<u64> {
        self.file.size_bytes()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call(Operation::Read)?;
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut shared = lock(&self.shared);
        let nth = shared.calls[Operation::Write as usize];
        if let Err(error) = shared.call(Operation::Write) {
            let is_broken = error.raw_os_error() == Some(Errno::IO.raw_os_error());
            if shared.plan.tears_writes && is_broken {
                StoredFile::write_at(&*self.file, &bytes[..bytes.len() / 2], offset)?;
            }
            return Err(error);
        }
        let offset = match shared.plan.misdirected {
            Some((after, by_bytes)) if after == nth => {
                let last = self.file.size_bytes()?.saturating_sub(bytes.len() as u64);
                (offset + by_bytes) % (last + 1)
            }
            _ => offset,
        };
        let end = offset.saturating_add(bytes.len() as u64);
        shared.take_room(end.saturating_sub(self.file.size_bytes()?))?;
        StoredFile::write_at(&*self.file, bytes, offset)
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.call(Operation::SetSize)?;
        self.file.set_size(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(Operation::SyncData)?;
        // Locked before the file is read: of two at a time the later one's content stays.
        let mut synced = lock(&self.synced);
        *synced = content(&self.file)?;
        Ok(())
    }

    fn map(&self, bytes: usize) -> io::Result<AppendMap> {
        self.call(Operation::Map)?;
        self.file.map(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(operation: Operation, after: u64, times: u64, answer: Answer) -> Fault {
        Fault { operation, after, times, answer }
    }

    #[test]
    fn planned_calls_fail_and_others_do_not() {
        let plan = FaultPlan::default()
            .with(fault(Operation::Create, 1, 2, Answer::Full))
            .with(fault(Operation::SyncData, 0, 1, Answer::Broken));
        let storage = FaultStorage::new(plan);
        let file = storage.create("a", 10).expect("the first");
        for _ in 0..2 {
            let error = storage.create("b", 10).err().expect("planned");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
        storage.create("b", 10).expect("the fourth");
        assert_eq!(storage.calls(Operation::Create), 4);
        let error = file.sync_data().expect_err("planned");
        assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
        file.sync_data().expect("the second");
    }

    #[test]
    fn what_was_synced_is_kept_apart_from_what_is_there() {
        let storage = FaultStorage::new(FaultPlan::default());
        let file = storage.create("a", 4096).expect("room");
        let mut map = file.map(4096).expect("a map");
        map.free()[..4].copy_from_slice(b"safe");
        file.sync_data().expect("synced");
        storage.sync_directory().expect("synced");
        map.free()[..4].copy_from_slice(b"lost");
        storage.rename("a", "b").expect("renamed");
        let images = storage.images().expect("images");
        let [image] = &images[..] else { panic!("one file, not {images:?}") };
        assert_eq!((&*image.name, image.name_synced.as_deref()), ("b", Some("a")));
        assert_eq!((&image.now[..4], &image.synced[..4]), (&b"lost"[..], &b"safe"[..]));
    }

    #[test]
    fn a_full_storage_takes_no_more() {
        let storage = FaultStorage::new(FaultPlan::default().with_space(100));
        let file = storage.create("a", 60).expect("room");
        assert!(storage.create("b", 41).is_err());
        assert!(file.write_at(&[1; 50], 51).is_err());
        file.write_at(&[1; 50], 50).expect("just fits");
        file.set_size(0).expect("cut");
        storage.create("b", 100).expect("room again");
    }

    #[test]
    fn a_seed_gives_the_same_faults_again() {
        let run = |seed| {
            let storage = FaultStorage::new(FaultPlan::default().with_random(seed, 5));
            (0..200).map(|_| storage.list().is_err()).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let failed = run(1).iter().filter(|&&failed| failed).count();
        assert!((20..60).contains(&failed), "{failed} of 200");
    }
}
