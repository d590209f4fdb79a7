//! `--symbols`: which symbols the engine computes.
//!
//! A message names its symbol by locate; which name a locate has is learnt on the way. So a locate
//! that has no name yet is computed too, until it turns out to be another symbol: a selected
//! symbol's figures are then exactly those of a run without the selection. Messages of other symbols
//! still count as messages and still carry feed time; the shard skips them.

use engine::packet::Packet;
use engine::pipeline::stage::{Cursor, Decoded, Decoder, EventBatch};
use engine::units::SymbolId;
use feed_handlers::itch50::decode::Itch50Decoder;

/// The symbols asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    wanted: Vec<Wanted>,
}

/// One symbol asked for, as given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    text: String,
    /// The number in `#123`, which means the locate 123 where that was never named.
    locate: Option<u32>,
}

/// What a selection says of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was asked for.
    In,
    /// It was not asked for.
    Out,
    /// It has no name yet.
    Unnamed,
}

impl Selection {
    /// The symbols of `--symbols A,B,...`.
    pub(crate) fn of(symbols: &[String]) -> Selection {
        let wanted = symbols.iter().map(|text| Wanted {
            text: text.clone(),
            locate: text
                .strip_prefix('#')
                .and_then(|number| number.parse().ok()),
        });
        Selection {
            wanted: wanted.collect(),
        }
    }

    /// Whether symbols were asked for at all.
    pub(crate) fn is_limited(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// What is said of `symbol`, whose name so far is `name`.
    pub(crate) fn verdict(&self, symbol: SymbolId, name: Option<&[u8]>) -> Verdict {
        if !self.is_limited() || symbol == SymbolId(0) {
            return Verdict::In;
        }
        let Some(name) = name else {
            return Verdict::Unnamed;
        };
        let is_wanted = |wanted: &Wanted| wanted.text.as_bytes() == name;
        if self.wanted.iter().any(is_wanted) {
            Verdict::In
        } else {
            Verdict::Out
        }
    }

    /// Whether `symbol` belongs to the results: its name, or `#LOCATE` if it was never named, was
    /// asked for. To be asked when the input has ended.
    pub(crate) fn has(&self, symbol: SymbolId, name: Option<&[u8]>) -> bool {
        match self.verdict(symbol, name) {
            Verdict::In => true,
            Verdict::Out => false,
            Verdict::Unnamed => self
                .wanted
                .iter()
                .any(|wanted| wanted.locate == Some(symbol.0)),
        }
    }

    /// The symbols asked for that none of `seen` is.
    pub(crate) fn missing<'a>(
        &self,
        seen: impl Iterator<Item = (SymbolId, Option<&'a [u8]>)> + Clone,
    ) -> Vec<&str> {
        let is_missing = |wanted: &&Wanted| {
            !seen.clone().any(|(symbol, name)| match name {
                Some(name) => wanted.text.as_bytes() == name,
                None => wanted.locate == Some(symbol.0),
            })
        };
        let missing = self.wanted.iter().filter(is_missing);
        missing.map(|wanted| wanted.text.as_str()).collect()
    }
}

/// The kind of an event that a shard skips. No kind has this number.
const KIND_SKIPPED: u8 = 0;
