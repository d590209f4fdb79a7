//! Names of symbols, numbered in the order in which they first came.
//!
//! Owned by the job that reads text; written with each new name, read with each line of output. The
//! few symbols of a feed are found in a cache by their bytes as numbers; what is not there costs a
//! look-up in a hash table. Foreign input cannot fill memory: at most [`SYMBOLS_MAX`] names of
//! [`NAME_BYTES_MAX`] bytes altogether, and a name that finds no room is refused.

use std::collections::HashMap;

use engine::units::SymbolId;

/// Most names.
pub const SYMBOLS_MAX: usize = 1 << 20;

/// Most bytes of all names together.
pub const NAME_BYTES_MAX: usize = 64 << 20;

const CACHE_SLOTS: usize = 4_096;

/// Names of up to this many bytes are cached.
const CACHED_BYTES_MAX: usize = 8;

/// A name of at least one byte, filled up with zeros, its length, and its number. Length 0: empty.
#[derive(Clone, Copy, Debug, Default)]
struct Cached {
    name: u64,
    bytes: u32,
    symbol: SymbolId,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Names {
    cache: Box<[Cached]>,
    numbers: HashMap<Box<[u8]>, SymbolId>,
    names: Vec<Box<[u8]>>,
    name_bytes: usize,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            cache: vec![Cached::default(); CACHE_SLOTS].into_boxed_slice(),
            numbers: HashMap::new(),
            names: Vec::new(),
            name_bytes: 0,
        }
    }
}

impl Names {
    /// The number of `name`, a new one if it was never seen; `None` if there is no room for it.
    #[inline]
    pub fn number(&mut self, name: &[u8]) -> Option<SymbolId> {
        if name.len() > CACHED_BYTES_MAX || name.is_empty() {
            return self.look_up(name);
        }
        let (word, bytes) = (as_number(name), name.len() as u32);
        // Of the product the upper bits depend on all of the name.
        let slot = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize % CACHE_SLOTS;
        let cached = self.cache[slot];
        if cached.name == word && cached.bytes == bytes {
            return Some(cached.symbol);
        }
        let symbol = self.look_up(name)?;
        self.cache[slot] = Cached { name: word, bytes, symbol };
        Some(symbol)
    }

    #[inline(never)]
    fn look_up(&mut self, name: &[u8]) -> Option<SymbolId> {
        if let Some(&symbol) = self.numbers.get(name) {
            return Some(symbol);
        }
        let name_bytes = self.name_bytes + name.len();
        if self.names.len() == SYMBOLS_MAX || name_bytes > NAME_BYTES_MAX {
            return None;
        }
        let symbol = SymbolId(self.names.len() as u32);
        self.name_bytes = name_bytes;
        self.names.push(name.into());
        self.numbers.insert(name.into(), symbol);
        Some(symbol)
    }

    /// The name of a number that was given out; empty for any other.
    #[must_use]
    pub fn name(&self, symbol: SymbolId) -> &[u8] {
        self.names.get(symbol.0 as usize).map_or(&[], |name| name)
    }
}

/// Up to eight bytes as a number.
#[inline]
fn as_number(name: &[u8]) -> u64 {
    // Two reads that overlap, rather than a copy of unknown length.
    if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        let shift = 8 * (name.len() as u32 - 4);
        return u64::from(u32::from_le_bytes(*first))
            | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    name.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_whatever_came_between() {
        let mut names = Names::default();
        // Prefixes, zeros, lengths around that of the cache, and enough to share its slots.
        let mut all: Vec<Vec<u8>> = (0..=10)
            .map(|length| b"ABCDEFGHIJ"[..length].to_vec())
            .filter(|n| !n.is_empty())
            .collect();
        all.extend([b"A\0".to_vec(), b"\0".to_vec(), b"\0\0".to_vec()]);
        all.extend((0..20_000_u32).map(|i| format!("S{i}").into_bytes()));
        for round in 0..2 {
            for (number, name) in (0..).zip(&all) {
                assert_eq!(names.number(name), Some(SymbolId(number)), "round {round}");
                assert_eq!(names.name(SymbolId(number)), &name[..]);
            }
        }
        assert!(names.name(SymbolId(u32::MAX)).is_empty());
    }

    #[test]
    fn names_that_find_no_room_are_refused() {
        let mut names = Names::default();
        let long = |first: u8| [vec![first], vec![b'x'; NAME_BYTES_MAX / 2 - 1]].concat();
        assert_eq!(names.number(&long(1)), Some(SymbolId(0)));
        assert_eq!(names.number(&long(2)), Some(SymbolId(1)));
        assert_eq!(names.number(b"A"), None);
        assert_eq!(names.number(&long(2)), Some(SymbolId(1)));
    }
}
