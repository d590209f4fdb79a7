//! Handles of orders whose references are too scattered for pages: an open-addressing hash table.
//!
//! ```text
//!  0           8        12       16
//!  ├ reference ┼ symbol ┼ handle ┤      handle 0: empty
//!    u64         u32      u32
//! ```
//! Linear probing at a load of at most one half; a removal shifts the run behind it back, so there
//! are no tombstones and the table is as fast after a day as at its start. It doubles in one go and
//! does not shrink. Keys pass through a 64-bit mixer with a secret of the process, so that
//! references with a pattern spread evenly and nobody can choose references that collide. What is
//! found does not depend on the secret: nothing ever walks the table in its order.

use bytemuck::{Pod, Zeroable};
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::book::pool::NONE;
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_read;

/// Entries of a new table.
const CAPACITY_MIN: usize = 1 << 10;
/// The table refuses to grow past this (2^31 × 16 bytes would be 32 GiB).
const CAPACITY_MAX: usize = 1 << 31;

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    reference: u64,
    symbol: u32,
    handle: u32,
}

const _: () = assert!(size_of::<Entry>() == 16);

/// See the module.
pub(crate) struct SparseTable {
    entries: MappedVec<Entry>,
    len: usize,
    secret: u64,
}

impl SparseTable {
    pub(crate) fn new() -> Result<Self, MemoryError> {
        let secret = RandomState::new().build_hasher().finish();
        Ok(SparseTable { entries: Self::table(CAPACITY_MIN)?, len: 0, secret })
    }

    fn table(capacity: usize) -> Result<MappedVec<Entry>, MemoryError> {
        MappedVec::zeroed(capacity, capacity, Pages::Huge)
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where the run of a key begins.
    #[inline(always)]
    fn home(&self, symbol: u32, reference: u64) -> usize {
        let key = mix(reference ^ self.secret) ^ u64::from(symbol);
        mix(key ^ self.secret.rotate_left(32)) as usize & (self.entries.len() - 1)
    }

    #[inline(always)]
    pub(crate) fn prefetch(&self, symbol: u32, reference: u64) {
        prefetch_read(&self.entries, self.home(symbol, reference));
    }

    /// The handle under a key, or [`NONE`].
    #[inline]
    pub(crate) fn get(&self, symbol: u32, reference: u64) -> u32 {
        let mask = self.entries.len() - 1;
        let mut at = self.home(symbol, reference);
        loop {
            let entry = &self.entries[at];
            if entry.handle == NONE {
                return NONE;
            }
            if entry.reference == reference && entry.symbol == symbol {
                return entry.handle;
            }
            at = (at + 1) & mask;
        }
    }

    /// Stores a handle under a key that is not there yet; `false` if no memory can be had.
    #[inline]
    #[must_use]
    pub(crate) fn insert(&mut self, symbol: u32, reference: u64, handle: u32) -> bool {
        if (self.len + 1) * 2 > self.entries.len() && !self.double() {
            return false;
        }
        self.place(Entry { reference, symbol, handle });
        self.len += 1;
        true
    }

    fn place(&mut self, entry: Entry) {
        let mask = self.entries.len() - 1;
        let mut at = self.home(entry.symbol, entry.reference);
        while self.entries[at].handle != NONE {
            at = (at + 1) & mask;
        }
        self.entries[at] = entry;
    }

    #[cold]
    fn double(&mut self) -> bool {
        let capacity = self.entries.len() * 2;
        if capacity > CAPACITY_MAX {
            return false;
        }
        let Ok(larger) = Self::table(capacity) else {
            return false;
        };
        let smaller = core::mem::replace(&mut self.entries, larger);
        for entry in smaller.iter().filter(|entry| entry.handle != NONE) {
            self.place(*entry);
        }
        true
    }

    /// Takes a key out. It must be there.
    #[inline]
    pub(crate) fn remove(&mut self, symbol: u32, reference: u64) {
        let mask = self.entries.len() - 1;
        let mut hole = self.home(symbol, reference);
        loop {
            let entry = &self.entries[hole];
            assert!(entry.handle != NONE, "Invariant: a removed reference is in the table");
            if entry.reference == reference && entry.symbol == symbol {
                break;
            }
            hole = (hole + 1) & mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let entry = self.entries[at];
            if entry.handle == NONE {
                break;
            }
            // An entry may fill the hole if its home does not lie between the hole and itself.
            let home = self.home(entry.symbol, entry.reference);
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole].handle = NONE;
        self.len -= 1;
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
#[inline(always)]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_table_agrees_with_a_hash_map_through_growth_and_removal() {
        let mut table = SparseTable::new().unwrap();
        let mut map = HashMap::new();
        let mut random = 7u64;
        for step in 1..200_000u32 {
            random = mix(random.wrapping_add(0x9E37_79B9_7F4A_7C15));
            let key = ((random >> 8) as u32 % 3, random % 6_000 * 0x1_0000_0001);
            if map.contains_key(&key) && random & (1 << 60) != 0 {
                table.remove(key.0, key.1);
                map.remove(&key);
            } else if let std::collections::hash_map::Entry::Vacant(vacant) = map.entry(key) {
                assert!(table.insert(key.0, key.1, step));
                vacant.insert(step);
            }
            assert_eq!(table.get(key.0, key.1), map.get(&key).copied().unwrap_or(NONE));
        }
        assert_eq!(table.len(), map.len());
        for (key, handle) in map {
            assert_eq!(table.get(key.0, key.1), handle);
        }
    }

    #[test]
    fn the_least_and_the_greatest_reference_are_ordinary_keys() {
        let mut table = SparseTable::new().unwrap();
        for reference in [0, u64::MAX] {
            assert_eq!(table.get(1, reference), NONE);
            assert!(table.insert(1, reference, 5));
            assert_eq!(table.get(1, reference), 5);
            assert_eq!(table.get(2, reference), NONE);
            table.remove(1, reference);
            assert_eq!(table.get(1, reference), NONE);
        }
    }
}
