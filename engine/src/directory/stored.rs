//! The directory as bytes, and read back.
//!
//! ```text
//!  symbols u32 │ named u32 │ name …                    in the order in which they were named
//!              │ listed u32 │ listing …                by symbol
//!  name        symbol u32 │ named at u64 │ len u8 │ name
//!  listing     symbol u32 │ round lot u32 │ leverage u32 │ tier u8 │ etp u8
//! ```
//! `symbols` is one past the greatest number that was named or listed.

use bytemuck::Zeroable;

use super::{Directory, Entry, Learnt, Listing};
use crate::state::encode::Sink;
use crate::units::{Sequence, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

impl Directory {
    /// Writes all names and listings.
    pub fn store<S: Sink>(&self, sink: &mut S) {
        let Directory { entries, named_at, named } = self;
        sink.u32(entries.len() as u32);
        sink.u32(named.len() as u32);
        for &symbol in named.iter() {
            let name = self.name(SymbolId(symbol)).unwrap_or_default();
            sink.u32(symbol);
            sink.u64(named_at[symbol as usize]);
            sink.u8(name.len() as u8);
            sink.bytes(name);
        }
        let listed = || (0..).zip(entries.iter()).filter(|(_, entry)| entry.is_listed());
        sink.u32(listed().count() as u32);
        for (symbol, entry) in listed() {
            // The name stands above.
            let Entry { name_len: _, name: _, round_lot, leverage, luld_tier, etp, reserved: _ } =
                *entry;
            [symbol, round_lot, leverage].into_iter().for_each(|each| sink.u32(each));
            sink.u8(luld_tier);
            sink.u8(etp);
        }
    }

    /// Reads what [`Directory::store`] wrote into a directory that is empty.
    ///
    /// # Errors
    /// If these are no such bytes, or hold a symbol past the limit. The directory is then of no use.
    pub fn restore(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let symbols = reader.u32()?;
        if !self.entries.is_empty() || !self.entries.grow_to(symbols as usize) {
            return Err(reader.refuse("the number of symbols in the directory"));
        }
        for _ in 0..reader.u32()? {
            let (symbol, at) = (SymbolId(reader.u32()?), Sequence(reader.u64()?));
            let len = reader.u8()?;
            let name = reader.bytes(len.into())?;
            let is_new = symbol.0 < symbols && self.learn(symbol, name, at) == Learnt::New;
            if !is_new || self.name(symbol) != Some(name) {
                return Err(reader.refuse("the name of a symbol"));
            }
        }
        let mut next = 0;
        for _ in 0..reader.u32()? {
            let (symbol, round_lot, leverage) = (reader.u32()?, reader.u32()?, reader.u32()?);
            let (luld_tier, etp) = (reader.u8()?, reader.u8()?);
            if !(next..symbols).contains(&symbol) {
                return Err(reader.refuse("the symbol of a listing"));
            }
            next = symbol + 1;
            self.list(SymbolId(symbol), Listing { round_lot, luld_tier, etp, leverage });
            if !self.entries[symbol as usize].is_listed() {
                return Err(reader.refuse("a listing"));
            }
        }
        Ok(())
    }
}

impl Entry {
    /// Whether anything but a name is here.
    fn is_listed(&self) -> bool {
        let name = Entry { name_len: self.name_len, name: self.name, ..Entry::zeroed() };
        bytemuck::bytes_of(self) != bytemuck::bytes_of(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(directory: &Directory) -> Vec<u8> {
        let mut bytes = Vec::new();
        directory.store(&mut bytes);
        bytes
    }

    #[test]
    fn names_come_back_in_their_order_with_their_messages_and_listings() {
        let mut directory = Directory::new(1 << 16).unwrap();
        directory.learn(SymbolId(7), b"MSFT    ", Sequence(9));
        directory.learn(SymbolId(3), b"AAPL    ", Sequence(11));
        let listing = Listing { round_lot: 100, luld_tier: b'2', etp: b'Y', leverage: 3 };
        directory.list(SymbolId(3), listing);
        directory.list(SymbolId(9), Listing { leverage: 1, ..Listing::default() });
        directory.list(SymbolId(20), Listing::default());
        let bytes = stored(&directory);
        let mut restored = Directory::new(1 << 16).unwrap();
        let mut reader = Reader::new(&bytes);
        restored.restore(&mut reader).unwrap();
        reader.end().unwrap();
        assert_eq!(restored.named(), [7, 3]);
        assert_eq!(restored.named_at(SymbolId(3)), Some(Sequence(11)));
        assert_eq!(restored.name(SymbolId(7)), Some(&b"MSFT"[..]));
        assert_eq!(restored.listing(SymbolId(3)), Some(listing));
        assert_eq!((restored.symbol_end(), stored(&restored)), (21, bytes.clone()));
        for end in 0..bytes.len() {
            let mut torn = Directory::new(1 << 16).unwrap();
            assert!(torn.restore(&mut Reader::new(&bytes[..end])).is_err(), "{end}");
        }
        let mut small = Directory::new(20).unwrap();
        assert!(small.restore(&mut Reader::new(&bytes)).is_err());
    }
}
