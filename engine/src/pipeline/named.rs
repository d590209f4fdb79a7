//! A symbol's name on its way from the front to the market stage, which puts it beside what it tells.
//!
//! ```text
//!  0          8        12    13      16 … 17                        64
//!  ├ position ┼ symbol ┼ len ┼ name, 47 bytes, zero-padded ─ … ─ – ─┤
//! ```
//! The front writes one when a message names a symbol for the first time, before that message's event
//! goes to a shard. So whoever has a signal of a shard has, or can get, every name of the messages
//! before it; by its position it is seen which of them are known at the signal's.

use bytemuck::{Pod, Zeroable};

use crate::directory::NAME_BYTES_MAX;
use crate::state::encode::Sink;
use crate::units::{Position, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Named {
    position: u64,
    symbol: u32,
    len: u8,
    name: [u8; NAME_BYTES_MAX],
    reserved: [u8; 4],
}

const _: () = assert!(size_of::<Named>() == 64);

impl Named {
    /// The message at `position` names `symbol`. What is longer than [`NAME_BYTES_MAX`] is cut.
    #[must_use]
    pub fn new(position: Position, symbol: SymbolId, name: &[u8]) -> Named {
        let name = &name[..name.len().min(NAME_BYTES_MAX)];
        let mut named = Named { position: position.0, symbol: symbol.0, ..Named::zeroed() };
        named.len = name.len() as u8;
        named.name[..name.len()].copy_from_slice(name);
        named
    }

    /// The symbol.
    #[must_use]
    pub fn symbol(&self) -> SymbolId {
        SymbolId(self.symbol)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.name.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// The names of all symbols, each with the position of the message that brought it.
pub struct Names {
    names: Vec<Named>,
    symbols_max: usize,
}

impl Names {
    /// For symbols numbered below `symbols_max`. Memory is reserved here, and touched as names come.
    #[must_use]
    pub fn new(symbols_max: usize) -> Names {
        Names { names: Vec::with_capacity(symbols_max), symbols_max }
    }

    /// Takes a name. One past the limit is left out.
    pub fn learn(&mut self, named: &Named) {
        let at = named.symbol as usize;
        if at < self.symbols_max {
            self.names.resize(self.names.len().max(at + 1), Named::zeroed());
            self.names[at] = *named;
        }
    }

    /// Writes all names by symbol, a count before them: symbol u32 │ position u64 │ len u8 │ name.
    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        // How many there may be is the limits'.
        let Names { names, symbols_max: _ } = self;
        let known = || names.iter().filter(|named| named.len > 0);
        sink.u32(known().count() as u32);
        for named in known() {
            let Named { position, symbol, len, name: _, reserved: _ } = *named;
            sink.u32(symbol);
            sink.u64(position);
            sink.u8(len);
            sink.bytes(named.name());
        }
    }

    /// For symbols numbered below `symbols_max`, with the names that [`Names::store`] wrote.
    ///
    /// # Errors
    /// If these are no such bytes, or a symbol is past the limit.
    pub(crate) fn restored(
        symbols_max: usize,
        reader: &mut Reader<'_>,
    ) -> Result<Names, DecodeError> {
        let (mut names, mut next) = (Names::new(symbols_max), 0);
        for _ in 0..reader.u32()? {
            let (symbol, position) = (reader.u32()?, Position(reader.u64()?));
            let len = usize::from(reader.u8()?);
            let name = reader.bytes(len)?;
            let is_name = (1..=NAME_BYTES_MAX).contains(&len);
            if symbol < next || symbol as usize >= symbols_max || !is_name {
                return Err(reader.refuse("the name of a symbol"));
            }
            next = symbol.saturating_add(1);
            names.learn(&Named::new(position, SymbolId(symbol), name));
        }
        Ok(names)
    }

    /// The name of a symbol for what a message at `position` leads to; empty where none was known by
    /// then.
    #[must_use]
    pub fn at(&self, symbol: SymbolId, position: Position) -> &[u8] {
        let named = self.names.get(symbol.0 as usize);
        named.filter(|named| named.position <= position.0).map_or(&[], Named::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_from_its_message_on() {
        let mut names = Names::new(10);
        names.learn(&Named::new(Position(7), SymbolId(3), b"AAPL"));
        assert_eq!(names.at(SymbolId(3), Position(6)), b"");
        assert_eq!(names.at(SymbolId(3), Position(7)), b"AAPL");
        assert_eq!(names.at(SymbolId(2), Position(7)), b"");
        names.learn(&Named::new(Position(7), SymbolId(10), b"ZVZZT"));
        assert_eq!(names.at(SymbolId(10), Position(9)), b"");
        let mut bytes = Vec::new();
        names.learn(&Named::new(Position(u64::MAX), SymbolId(9), &[b'y'; NAME_BYTES_MAX]));
        names.store(&mut bytes);
        let mut reader = Reader::new(&bytes);
        let restored = Names::restored(10, &mut reader).unwrap();
        assert_eq!((restored.names, reader.end()), (names.names, Ok(())));
        assert!(Names::restored(9, &mut Reader::new(&bytes)).is_err());
        let long = Named::new(Position(0), SymbolId(1), &[b'x'; 60]);
        assert_eq!(long.name(), [b'x'; NAME_BYTES_MAX]);
    }
}
