//! `trades.csv`: a line an eligible print, and one with kind `B` where a break took a print out.

use engine::units::{MatchNumber, Price, Qty, Sequence, Side, SymbolId};

use crate::output::rows::{Fields, Row};

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TradeRow {
    /// The message's sequence; for a break, the break's.
    pub(crate) sequence: Sequence,
    /// The message's exchange time, UTC epoch ns.
    pub(crate) ts_ns: i64,
    /// The symbol.
    pub(crate) symbol: SymbolId,
    /// Price of the print; for a break, of the print it took out.
    pub(crate) price: Price,
    /// Its shares.
    pub(crate) size: Qty,
    /// The aggressor's side, where the feed tells it.
    pub(crate) side: Option<Side>,
    /// `E`, `C`, `P`, `Q`, or `B` for a break.
    pub(crate) kind: char,
    /// The match number.
    pub(crate) match_number: MatchNumber,
}

impl Row for TradeRow {
    const FILE: &'static str = "trades.csv";
    const HEADER: &'static [&'static str] =
        &["sequence", "ts_ns", "symbol", "price", "size", "side", "kind", "match"];

    fn symbol(&self) -> SymbolId {
        self.symbol
    }

    fn put(&self, name: &str, fields: &mut Fields) {
        fields.push(self.sequence.0);
        fields.push(self.ts_ns);
        fields.push(name);
        fields.push(self.price);
        fields.push(self.size);
        fields.push_some(self.side.map(|side| char::from(side.byte())));
        fields.push(self.kind);
        fields.push(self.match_number.0);
    }
}
