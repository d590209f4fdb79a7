//! Which symbols the engine computes.
//!
//! Decoded events of symbols that were not asked for end here, after the sequencer, so that feed
//! time still moves with every message. A symbol is decided on when its name is learnt; until then it
//! is computed, so that a selected symbol's figures are those of a run over all symbols. The state of
//! the others is what they came to until then, which must not depend on how far the decoder has read
//! ahead: a name counts from the message on that brought it.

use crate::directory::Directory;
use crate::state::encode::Sink;
use crate::units::{Sequence, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// All symbols, or those with given names.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Names asked for; empty for all.
    names: Vec<Vec<u8>>,
    /// By symbol number: 0 not decided, 1 selected, 2 not.
    decided: Vec<u8>,
}

impl Selection {
    /// Every symbol.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The symbols with these names.
    #[must_use]
    pub fn of(names: Vec<Vec<u8>>, symbols_max: usize) -> Self {
        let decided = if names.is_empty() { Vec::new() } else { vec![0; symbols_max] };
        Selection { names, decided }
    }

    /// Whether every symbol is selected.
    #[inline(always)]
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.names.is_empty()
    }

    /// Writes the names asked for and what was decided: names u32 │ (len u32 │ name) … │ decided u32 │
    /// (symbol u32 │ decision u8) … by symbol.
    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        let Selection { names, decided } = self;
        sink.u32(names.len() as u32);
        for name in names {
            sink.u32(name.len() as u32);
            sink.bytes(name);
        }
        let known = || (0..).zip(decided).filter(|(_, decision)| **decision != 0);
        sink.u32(known().count() as u32);
        for (symbol, &decision) in known() {
            sink.u32(symbol);
            sink.u8(decision);
        }
    }

    /// Takes over what was decided, before anything is.
    ///
    /// # Errors
    /// If these are not the bytes of a selection of the same names, or a symbol is past the limit.
    pub(crate) fn restore(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let names = reader.u32()? as usize;
        if names != self.names.len() {
            return Err(reader.refuse("the number of selected names"));
        }
        for name in &self.names {
            let len_bytes = reader.u32()? as usize;
            if reader.bytes(len_bytes)? != name {
                return Err(reader.refuse("a selected name"));
            }
        }
        let mut next = 0;
        for _ in 0..reader.u32()? {
            let (symbol, decision) = (reader.u32()?, reader.u8()?);
            let decided = self.decided.get_mut(symbol as usize);
            let Some(decided) = decided.filter(|_| symbol >= next && matches!(decision, 1 | 2))
            else {
                return Err(reader.refuse("what was decided of a symbol"));
            };
            (*decided, next) = (decision, symbol.saturating_add(1));
        }
        Ok(())
    }

    /// Whether the event `sequence` of this symbol is to be computed. Symbol 0, the market, always is.
    #[inline]
    pub fn takes(&mut self, symbol: SymbolId, sequence: Sequence, directory: &Directory) -> bool {
        if self.is_all() || symbol.0 == 0 {
            return true;
        }
        let Some(decided) = self.decided.get_mut(symbol.0 as usize) else {
            return false;
        };
        if *decided == 0 {
            match directory.name(symbol) {
                Some(name) if directory.named_at(symbol) <= Some(sequence) => {
                    *decided = if self.names.iter().any(|n| n == name) { 1 } else { 2 };
                }
                _ => return true,
            }
        }
        *decided == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_selected_by_its_name_once_it_has_one() {
        let mut directory = Directory::new(1 << 16).unwrap();
        let mut selection = Selection::of(vec![b"AAPL".to_vec()], 1 << 16);
        assert!(selection.takes(SymbolId(0), Sequence(3), &directory));
        assert!(selection.takes(SymbolId(5), Sequence(3), &directory));
        assert!(selection.takes(SymbolId(6), Sequence(3), &directory));
        directory.learn(SymbolId(5), b"AAPL    ", Sequence(3));
        directory.learn(SymbolId(6), b"MSFT    ", Sequence(3));
        // A message before the one that brought the name, decoded together with it.
        assert!(selection.takes(SymbolId(6), Sequence(2), &directory));
        assert!(selection.takes(SymbolId(5), Sequence(3), &directory));
        assert!(!selection.takes(SymbolId(6), Sequence(3), &directory));
        // Sequences may begin anew; what is decided stays.
        assert!(!selection.takes(SymbolId(6), Sequence(0), &directory));
        assert!(selection.takes(SymbolId(9), Sequence(3), &directory));
        let mut bytes = Vec::new();
        selection.store(&mut bytes);
        let restored = |names: &[&str], symbols_max| {
            let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
            let mut selection = Selection::of(names, symbols_max);
            let mut reader = Reader::new(&bytes);
            selection.restore(&mut reader).and_then(|()| reader.end()).map(|()| selection.decided)
        };
        assert_eq!(restored(&["AAPL"], 1 << 16), Ok(selection.decided.clone()));
        for (names, symbols_max) in [(&[][..], 1 << 16), (&["MSFT"], 1 << 16), (&["AAPL"], 6)] {
            assert!(restored(names, symbols_max).is_err(), "{names:?}");
        }
        assert!(!selection.takes(SymbolId(1 << 16), Sequence(3), &directory));
        assert!(Selection::all().takes(SymbolId(6), Sequence(3), &directory));
    }
}
