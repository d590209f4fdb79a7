//! Which symbols have an open window, a bit each: when windows close, they are gone through in the
//! order of their symbols, and nothing has to be sorted.
//!
//! A word of the upper level says which words of the lower one are not zero: of 65,536 symbols 16
//! words are looked at, and then only what is there.

use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::units::SymbolId;

/// See the module.
pub(super) struct SymbolSet {
    words: MappedVec<u64>,
    upper: MappedVec<u64>,
}

impl SymbolSet {
    /// An empty set of symbols numbered below `symbols_max`.
    pub(super) fn new(symbols_max: usize) -> Result<SymbolSet, MemoryError> {
        let words = symbols_max.div_ceil(64).max(1);
        let upper = words.div_ceil(64);
        Ok(SymbolSet {
            words: MappedVec::zeroed(words, words, Pages::Base)?,
            upper: MappedVec::zeroed(upper, upper, Pages::Base)?,
        })
    }

    #[inline(always)]
    pub(super) fn insert(&mut self, symbol: SymbolId) {
        let at = symbol.0 as usize;
        self.words[at / 64] |= 1 << (at % 64);
        self.upper[at / 4096] |= 1 << (at / 64 % 64);
    }

    /// Takes a symbol out, whether it is in it or not.
    pub(super) fn remove(&mut self, symbol: SymbolId) {
        let at = symbol.0 as usize;
        self.words[at / 64] &= !(1 << (at % 64));
        if self.words[at / 64] == 0 {
            self.upper[at / 4096] &= !(1 << (at / 64 % 64));
        }
    }

    #[inline]
    pub(super) fn contains(&self, symbol: SymbolId) -> bool {
        let at = symbol.0 as usize;
        self.words[at / 64] >> (at % 64) & 1 == 1
    }

    /// The least symbol from `from` on.
    #[inline]
    pub(super) fn first_from(&self, from: SymbolId) -> Option<SymbolId> {
        let from = from.0 as usize;
        let word = *self.words.get(from / 64)? & (u64::MAX << (from % 64));
        if word != 0 {
            return Some(SymbolId((from / 64 * 64) as u32 + word.trailing_zeros()));
        }
        let next = from / 64 + 1;
        let mut at = next / 64;
        let mut upper = self.upper.get(at)? & (u64::MAX << (next % 64));
        while upper == 0 {
            at += 1;
            upper = *self.upper.get(at)?;
        }
        let word = at * 64 + upper.trailing_zeros() as usize;
        let bit = self.words[word].trailing_zeros();
        Some(SymbolId((word * 64) as u32 + bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_set_agrees_with_a_tree() {
        for symbols_max in [1, 64, 65, 4_096, 4_097, 70_000] {
            let (mut set, mut tree) = (SymbolSet::new(symbols_max).unwrap(), BTreeSet::new());
            let mut random = 1u64;
            for _ in 0..2_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let symbol = SymbolId((random >> 33) as u32 % symbols_max as u32);
                if random & 0x1_0000 == 0 {
                    set.insert(symbol);
                    tree.insert(symbol);
                } else {
                    set.remove(symbol);
                    tree.remove(&symbol);
                }
                assert_eq!(set.contains(symbol), tree.contains(&symbol));
                let from = SymbolId((random >> 20) as u32 % (symbols_max as u32 + 100));
                assert_eq!(set.first_from(from), tree.range(from..).next().copied());
            }
        }
    }
}
