//! What a loss of power leaves of a [`FaultStorage`].
//!
//! A disk writes sectors of [`SECTOR_BYTES`], and a kernel writes back what was not synced when and in
//! what order it likes. So of every file each sector that differs from what was synced last may be the old one
//! or the new one, or, where it was just being written, the front of the new one and the end of the old;
//! the size may be the old one or the new one. The directory's changes are kept up to any one of them.
//! What was synced stays.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use crate::log::storage::fault::{FaultPlan, FaultStorage, NameChange, content, lock};
use crate::log::storage::{Storage, StoredFile};

/// Bytes that are written as one.
pub const SECTOR_BYTES: usize = 512;

/// A sector that is not what was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not written.
    Old,
    /// It was.
    New,
    /// So many bytes of it were.
    Torn(usize),
}

/// Decides what becomes of what was not synced.
pub trait Fates {
    /// How many of `changes` of names are kept.
    fn names(&mut self, changes: usize) -> usize;

    /// Whether a file has its new size.
    fn size(&mut self, name: &str) -> bool;

    /// What becomes of a sector of a file, counted from 0.
    fn sector(&mut self, name: &str, sector: usize) -> Fate;
}

/// By a seed: of some files and stretches more is kept than of others.
#[derive(Clone, Debug)]
pub struct Seeded {
    state: u64,
    /// Of 256 sectors so many are kept.
    kept: u64,
}

impl Seeded {
    /// The fates of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Seeded {
        let mut seeded = Seeded { state: seed, kept: 0 };
        seeded.kept = match seeded.next() % 4 {
            0 => 0,
            1 => 256,
            _ => seeded.next() % 256,
        };
        seeded
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Fates for Seeded {
    fn names(&mut self, changes: usize) -> usize {
        (self.next() % (changes as u64 + 1)) as usize
    }

    fn size(&mut self, _name: &str) -> bool {
        self.next().is_multiple_of(2)
    }

    fn sector(&mut self, _name: &str, _sector: usize) -> Fate {
        match self.next() % 256 {
            drawn if drawn < self.kept => Fate::New,
            drawn if drawn % 16 == 15 => Fate::Torn((self.next() % SECTOR_BYTES as u64) as usize),
            _ => Fate::Old,
        }
    }
}

impl FaultStorage {
    /// The directory as it is found when power has come back. This one stays as it is, for whoever is
    /// still writing to it.
    ///
    /// # Errors
    /// What the system says.
    pub fn after_power_loss(&self, fates: &mut impl Fates) -> io::Result<FaultStorage> {
        let shared = lock(&self.shared);
        let kept = fates.names(shared.names_changed.len());
        let mut names: BTreeMap<String, u64> =
            shared.names_synced.iter().map(|(number, name)| (name.clone(), *number)).collect();
        for change in shared.names_changed.iter().take(kept) {
            match change {
                NameChange::Put { number, name } => {
                    names.retain(|_, other| other != number);
                    names.insert(name.clone(), *number);
                }
                NameChange::Removed { name } => {
                    names.remove(name);
                }
            }
        }
        let left = FaultStorage::new(FaultPlan::default());
        for (name, number) in names {
            let Some(stored) = shared.known.get(&number) else { continue };
            let bytes = left_of(&name, &lock(&stored.synced), &stored.file, fates)?;
            let file = left.create(&name, bytes.len() as u64)?;
            StoredFile::write_at(&file, &bytes, 0)?;
            file.sync_data()?;
        }
        left.sync_directory()?;
        left.set_plan(FaultPlan::default());
        Ok(left)
    }

    /// Makes some sectors durable that nobody has asked for, as a kernel does in the background.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_back(&self, fates: &mut impl Fates) -> io::Result<()> {
        let shared = lock(&self.shared);
        for (name, stored) in &shared.files {
            // Locked throughout: a sync beside it must not be taken back.
            let mut synced = lock(&stored.synced);
            *synced = left_of(name, &synced, &stored.file, fates)?;
        }
        Ok(())
    }

    /// The sectors that are not what was synced, by file.
    ///
    /// # Errors
    /// What the system says.
    pub fn unsynced_sectors(&self) -> io::Result<Vec<(String, usize)>> {
        let shared = lock(&self.shared);
        let mut unsynced = Vec::new();
        for (name, stored) in &shared.files {
            let (old, new) = (lock(&stored.synced).clone(), content(&stored.file)?);
            for sector in 0..new.len().div_ceil(SECTOR_BYTES) {
                if sector_of(&old, sector) != sector_of(&new, sector) {
                    unsynced.push((name.clone(), sector));
                }
            }
        }
        Ok(unsynced)
    }
}

fn left_of(name: &str, old: &[u8], file: &File, fates: &mut impl Fates) -> io::Result<Vec<u8>> {
    let new = content(file)?;
    let size = match old.len() == new.len() || fates.size(name) {
        true => new.len(),
        false => old.len(),
    };
    let mut left = old.to_vec();
    left.resize(size, 0);
    for (sector, bytes) in left.chunks_mut(SECTOR_BYTES).enumerate() {
        let (old, new) = (sector_of(old, sector), sector_of(&new, sector));
        if old == new {
            continue;
        }
        let fresh = match fates.sector(name, sector) {
            Fate::Old => 0,
            Fate::New => SECTOR_BYTES,
            Fate::Torn(bytes) => bytes.min(SECTOR_BYTES),
        };
        let fresh = fresh.min(bytes.len());
        bytes[..fresh].copy_from_slice(&new[..fresh]);
    }
    Ok(left)
}

/// A sector of a file, zeros behind its end.
fn sector_of(bytes: &[u8], sector: usize) -> [u8; SECTOR_BYTES] {
    let mut of = [0; SECTOR_BYTES];
    let from = (sector * SECTOR_BYTES).min(bytes.len());
    let there = &bytes[from..bytes.len().min(from + SECTOR_BYTES)];
    of[..there.len()].copy_from_slice(there);
    of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage() -> FaultStorage {
        let storage = FaultStorage::new(FaultPlan::default());
        let file = storage.create("a", 2048).expect("room");
        StoredFile::write_at(&file, &[1; 2048], 0).expect("written");
        file.sync_data().expect("synced");
        storage.sync_directory().expect("synced");
        StoredFile::write_at(&file, &[2; 1024], 512).expect("written");
        storage.rename("a", "b").expect("renamed");
        storage.create("c", 10).expect("room");
        storage
    }

    fn bytes(storage: &FaultStorage, name: &str) -> Vec<u8> {
        let images = storage.images().expect("images");
        images.into_iter().find(|image| image.name == name).expect("a file").now
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_is_any_mix() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..400 {
            let left = storage().after_power_loss(&mut Seeded::new(seed)).expect("left");
            let mut names = left.list().expect("a list");
            names.sort_unstable();
            let name = if names.contains(&String::from("b")) { "b" } else { "a" };
            let now = bytes(&left, name);
            assert!(now[..512] == [1; 512] && now[1536..] == [1; 512], "{now:?}");
            let changed = [now[512], now[1535]];
            seen.insert((names, changed));
        }
        // The rename is kept before the file that was made after it, or both, or none.
        let names: std::collections::BTreeSet<_> = seen.iter().map(|(names, _)| names).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(seen.len() >= 9, "{seen:?}");
    }

    #[test]
    fn unsynced_sectors_are_counted_and_written_back() {
        let storage = storage();
        let unsynced = storage.unsynced_sectors().expect("sectors");
        assert_eq!(unsynced, [("b".to_owned(), 1), ("b".to_owned(), 2)]);
        struct All;
        impl Fates for All {
            fn names(&mut self, changes: usize) -> usize {
                changes
            }
            fn size(&mut self, _name: &str) -> bool {
                true
            }
            fn sector(&mut self, _name: &str, _sector: usize) -> Fate {
                Fate::New
            }
        }
        storage.write_back(&mut All).expect("written back");
        assert!(storage.unsynced_sectors().expect("sectors").is_empty());
        let left = storage.after_power_loss(&mut All).expect("left");
        assert_eq!(bytes(&left, "b"), bytes(&storage, "b"));
    }

    #[test]
    fn a_misdirected_write_says_that_it_was_done() {
        let plan = FaultPlan::default().with_misdirected(1, 100);
        let storage = FaultStorage::new(plan);
        let file = storage.create("a", 1000).expect("room");
        for at in [0, 8] {
            StoredFile::write_at(&file, &[7; 8], at).expect("said to be done");
        }
        let now = bytes(&storage, "a");
        assert!(now[..8] == [7; 8] && now[8..16] == [0; 8] && now[108..116] == [7; 8]);
    }
}
