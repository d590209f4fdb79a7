//! `bbo.csv`: a line each time a symbol's best bid or best ask changes in price or size.

use engine::units::{Price, Qty, Sequence, SymbolId};

use crate::output::rows::{Fields, Row};

/// One line: what is best after the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BboRow {
    /// The message that changed it.
    pub(crate) sequence: Sequence,
    /// Its exchange time, UTC epoch ns.
    pub(crate) ts_ns: i64,
    /// The symbol.
    pub(crate) symbol: SymbolId,
    /// Best bid and its shares, if there are bids.
    pub(crate) bid: Option<(Price, Qty)>,
    /// Best ask and its shares, if there are asks.
    pub(crate) ask: Option<(Price, Qty)>,
}

impl Row for BboRow {
    const FILE: &'static str = "bbo.csv";
    const HEADER: &'static [&'static str] =
        &["sequence", "ts_ns", "symbol", "bid", "bid_size", "ask", "ask_size"];

    fn symbol(&self) -> SymbolId {
        self.symbol
    }

    fn put(&self, name: &str, fields: &mut Fields) {
        fields.push(self.sequence.0);
        fields.push(self.ts_ns);
        fields.push(name);
        fields.push_some(self.bid.map(|(price, _)| price));
        fields.push_some(self.bid.map(|(_, size)| size));
        fields.push_some(self.ask.map(|(price, _)| price));
        fields.push_some(self.ask.map(|(_, size)| size));
    }
}
