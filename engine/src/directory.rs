//! The session's symbols: number ↔ name, and what the exchange's directory says of each.
//!
//! The decoder is the only writer: it learns a name from any message that carries one. The first name
//! of a symbol stays; a later, different one is told to the caller, who counts it. Shards never need
//! a name; outputs read them here.
//!
//! ```text
//!  0       1                                   48          52         56     57    58        64
//!  ├ len ──┼ name, 47 bytes, zero-padded ──────┼ round lot ┼ leverage ┼ tier ┼ etp ┼ – ──────┤
//! ```

mod stored;

use bytemuck::{Pod, Zeroable};

use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::units::{Sequence, SymbolId};

/// Longest name kept, in bytes.
pub const NAME_BYTES_MAX: usize = 47;

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Entry {
    name_len: u8,
    name: [u8; NAME_BYTES_MAX],
    round_lot: u32,
    leverage: u32,
    luld_tier: u8,
    etp: u8,
    reserved: [u8; 6],
}

const _: () = assert!(size_of::<Entry>() == 64);

/// What an exchange's directory says of a symbol besides its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Shares in a round lot.
    pub round_lot: u32,
    /// LULD reference price tier: `1`, `2`, or a space where it does not apply.
    pub luld_tier: u8,
    /// `Y` for an exchange-traded product, `N`, or a space.
    pub etp: u8,
    /// Leverage factor of an exchange-traded product, 0 otherwise.
    pub leverage: u32,
}

/// What learning a name led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    /// The symbol had no name; it has this one now.
    New,
    /// The symbol has this name already, or the name was blank.
    Known,
    /// The symbol has another name, which stays.
    Conflict,
}

/// See the module.
pub struct Directory {
    entries: MappedVec<Entry>,
    /// By symbol: the sequence of the message that named it.
    named_at: MappedVec<u64>,
    /// Symbols in the order in which they were named.
    named: MappedVec<u32>,
}

impl Directory {
    /// A directory for symbols numbered below `symbols_max`.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(symbols_max: usize) -> Result<Self, MemoryError> {
        Ok(Directory {
            entries: MappedVec::with_capacity(symbols_max, Pages::Base)?,
            named_at: MappedVec::with_capacity(symbols_max, Pages::Base)?,
            named: MappedVec::with_capacity(symbols_max, Pages::Base)?,
        })
    }

    /// Gives a symbol the name that the message `at` calls it by, padding (trailing spaces and zeros)
    /// cut off. What is longer than [`NAME_BYTES_MAX`] is cut to it; a number past the limit stays
    /// nameless.
    pub fn learn(&mut self, symbol: SymbolId, padded: &[u8], at: Sequence) -> Learnt {
        let end = padded.iter().rposition(|b| !matches!(b, b' ' | 0)).map_or(0, |last| last + 1);
        let name = &padded[..end.min(NAME_BYTES_MAX)];
        let index = symbol.0 as usize;
        if name.is_empty() || !self.entries.grow_to(index + 1) || !self.named_at.grow_to(index + 1)
        {
            return Learnt::Known;
        }
        let entry = &mut self.entries[index];
        if entry.name_len == 0 {
            self.named_at[index] = at.0;
            // Each symbol is named once, so there is room.
            let _ = self.named.push(symbol.0);
            entry.name_len = name.len() as u8;
            entry.name[..name.len()].copy_from_slice(name);
            return Learnt::New;
        }
        if &entry.name[..usize::from(entry.name_len)] == name {
            Learnt::Known
        } else {
            Learnt::Conflict
        }
    }

    /// Notes what the directory says of a symbol.
    pub fn list(&mut self, symbol: SymbolId, listing: Listing) {
        if self.entries.grow_to(symbol.0 as usize + 1) {
            let entry = &mut self.entries[symbol.0 as usize];
            entry.round_lot = listing.round_lot;
            entry.luld_tier = listing.luld_tier;
            entry.etp = listing.etp;
            entry.leverage = listing.leverage;
        }
    }

    /// The name of a symbol, without padding; `None` if no message named it.
    #[must_use]
    pub fn name(&self, symbol: SymbolId) -> Option<&[u8]> {
        let entry = self.entries.get(symbol.0 as usize)?;
        (entry.name_len > 0).then(|| &entry.name[..usize::from(entry.name_len)])
    }

    /// The message that named a symbol; `None` if none did. A decoder that works in batches is ahead
    /// of whoever takes the events: for messages before this one the symbol has no name yet.
    #[must_use]
    pub fn named_at(&self, symbol: SymbolId) -> Option<Sequence> {
        self.name(symbol)?;
        self.named_at.get(symbol.0 as usize).copied().map(Sequence)
    }

    /// The symbols that have a name, in the order in which they got it.
    #[must_use]
    pub fn named(&self) -> &[u32] {
        &self.named
    }

    /// What the directory says of a symbol; `None` if it has no entry.
    #[must_use]
    pub fn listing(&self, symbol: SymbolId) -> Option<Listing> {
        let entry = self.entries.get(symbol.0 as usize)?;
        (entry.luld_tier != 0 || entry.round_lot != 0).then_some(Listing {
            round_lot: entry.round_lot,
            luld_tier: entry.luld_tier,
            etp: entry.etp,
            leverage: entry.leverage,
        })
    }

    /// One past the greatest symbol number that was named or listed.
    #[must_use]
    pub fn symbol_end(&self) -> u32 {
        self.entries.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_stays_and_padding_is_no_part_of_it() {
        let mut directory = Directory::new(1 << 16).unwrap();
        assert_eq!(directory.learn(SymbolId(7), b"        ", Sequence(5)), Learnt::Known);
        assert_eq!(directory.name(SymbolId(7)), None);
        assert_eq!(directory.learn(SymbolId(7), b"AAPL    ", Sequence(5)), Learnt::New);
        assert_eq!(directory.learn(SymbolId(7), b"AAPL\0\0\0\0", Sequence(5)), Learnt::Known);
        assert_eq!(directory.learn(SymbolId(7), b"MSFT    ", Sequence(6)), Learnt::Conflict);
        assert_eq!(directory.name(SymbolId(7)), Some(&b"AAPL"[..]));
        assert_eq!(directory.named_at(SymbolId(7)), Some(Sequence(5)));
        assert_eq!(directory.name(SymbolId(65_535)), None);
        assert_eq!(directory.named_at(SymbolId(6)), None);
        assert_eq!(directory.learn(SymbolId(1 << 16), b"FAR", Sequence(5)), Learnt::Known);
    }

    #[test]
    fn a_listing_is_kept_beside_the_name() {
        let mut directory = Directory::new(1 << 16).unwrap();
        assert_eq!(directory.listing(SymbolId(1)), None);
        let listing = Listing { round_lot: 100, luld_tier: b'2', etp: b'Y', leverage: 3 };
        directory.list(SymbolId(1), listing);
        assert_eq!(directory.listing(SymbolId(1)), Some(listing));
        assert_eq!(directory.name(SymbolId(1)), None);
    }
}
