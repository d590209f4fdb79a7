//! `--symbols`: which symbols belong to the results.
//!
//! The engine computes what was asked for ([`engine::pipeline::selection`]); here the same names
//! choose what is written, and tell which of them never came.

use engine::pipeline::selection::Selection;
use engine::units::SymbolId;

use crate::output::names;

/// The names asked for; none for all symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    names: Vec<String>,
}

impl Wanted {
    /// The names of `--symbols A,B,...`, each as results write it (`#123`: a locate never named).
    pub(crate) fn of(names: &[String]) -> Wanted {
        Wanted { names: names.to_vec() }
    }

    /// The names asked for; none for all symbols.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// What the engine is to compute, of symbols numbered below `symbols_max`.
    pub(crate) fn selection(&self, symbols_max: usize) -> Selection {
        if self.names.is_empty() {
            return Selection::all();
        }
        let names = self.names.iter().map(|name| name.clone().into_bytes());
        Selection::of(names.collect(), symbols_max)
    }

    /// The name of `symbol` as it is written, `None` where the symbol was not asked for. To be asked
    /// when the input has ended and `name` is the last word.
    pub(crate) fn written(&self, symbol: SymbolId, name: Option<&[u8]>) -> Option<String> {
        let text = names::text(name, symbol);
        (self.names.is_empty() || self.names.contains(&text)).then_some(text)
    }

    /// The names asked for that are not among the `written` ones.
    pub(crate) fn missing<'a>(&'a self, written: &[&str]) -> Vec<&'a str> {
        let missing = self.names.iter().filter(|name| !written.contains(&name.as_str()));
        missing.map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(names: &[&str]) -> Wanted {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        Wanted::of(&names)
    }

    #[test]
    fn without_names_every_symbol_is_written() {
        let all = wanted(&[]);
        assert_eq!(all.written(SymbolId(3), None).as_deref(), Some("#3"));
        assert_eq!(all.written(SymbolId(3), Some(b"X")).as_deref(), Some("X"));
        assert!(all.missing(&[]).is_empty());
    }

    #[test]
    fn a_number_means_a_locate_only_as_long_as_it_has_no_name() {
        let some = wanted(&["AAPL", "#7"]);
        assert_eq!(some.written(SymbolId(7), None).as_deref(), Some("#7"));
        assert_eq!(some.written(SymbolId(7), Some(b"MSFT")), None);
        assert_eq!(some.written(SymbolId(7), Some(b"AAPL")).as_deref(), Some("AAPL"));
        assert_eq!(some.missing(&["AAPL"]), ["#7"]);
    }
}
