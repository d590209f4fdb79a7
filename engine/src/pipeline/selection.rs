//! Which symbols the engine computes.
//!
//! Decoded events of symbols that were not asked for end here, after the sequencer, so that feed
//! time still moves with every message. The decoder's directory decides by name; a symbol's choice
//! is made when its name is learnt, and until then it is not selected.

use crate::directory::Directory;
use crate::units::SymbolId;

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

    /// The symbols with these names; `#N` names the symbol with number N that no message names.
    #[must_use]
    pub fn of(names: Vec<Vec<u8>>, symbols_max: usize) -> Self {
        let decided = if names.is_empty() {
            Vec::new()
        } else {
            vec![0; symbols_max]
        };
        Selection { names, decided }
    }

    /// Whether every symbol is selected.
    #[inline(always)]
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether an event of this symbol is to be computed. Symbol 0, the market, always is.
    #[inline]
    pub fn takes(&mut self, symbol: SymbolId, directory: &Directory) -> bool {
        if self.is_all() || symbol.0 == 0 {
            return true;
        }
        let Some(decided) = self.decided.get_mut(symbol.0 as usize) else {
            return false;
        };
        if *decided == 0 {
            let numbered = format!("#{}", symbol.0);
            match directory.name(symbol) {
                Some(name) => {
                    *decided = if self.names.iter().any(|n| n == name) {
                        1
                    } else {
                        2
                    }
                }
                None => return self.names.iter().any(|n| n == numbered.as_bytes()),
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
        let mut selection = Selection::of(vec![b"AAPL".to_vec(), b"#9".to_vec()], 1 << 16);
        assert!(selection.takes(SymbolId(0), &directory));
        assert!(!selection.takes(SymbolId(5), &directory));
        directory.learn(SymbolId(5), b"AAPL    ");
        directory.learn(SymbolId(6), b"MSFT    ");
        assert!(selection.takes(SymbolId(5), &directory));
        assert!(!selection.takes(SymbolId(6), &directory));
        assert!(selection.takes(SymbolId(9), &directory));
        assert!(!selection.takes(SymbolId(1 << 16), &directory));
        assert!(Selection::all().takes(SymbolId(6), &directory));
    }
}
