//! `bbo.csv`: a line each time a symbol's best bid or best ask changes in price or size.

use engine::units::{Position, Price, Qty, Sequence, SymbolId};

use crate::output::rows::{Fields, Row};
use crate::output::spool::Spooled;

/// One line: what is best after the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BboRow {
    /// Where the message stands among those of all feeds.
    pub(crate) position: Position,
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

/// `position, sequence, ts_ns, bid, bid_size, ask, ask_size, symbol`, then which of both sides there
/// are (1: bid, 2: ask), little-endian.
impl Spooled for BboRow {
    type Bytes = [u8; 61];
    const EMPTY: [u8; 61] = [0; 61];

    fn position(&self) -> Position {
        self.position
    }

    fn to_bytes(self) -> [u8; 61] {
        let mut bytes = [0; 61];
        let (bid, bid_size) = self.bid.unwrap_or_default();
        let (ask, ask_size) = self.ask.unwrap_or_default();
        let words = [
            self.position.0,
            self.sequence.0,
            self.ts_ns as u64,
            bid.0 as u64,
            bid_size.0,
            ask.0 as u64,
            ask_size.0,
        ];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes[56..60].copy_from_slice(&self.symbol.0.to_le_bytes());
        bytes[60] = u8::from(self.bid.is_some()) | u8::from(self.ask.is_some()) << 1;
        bytes
    }

    fn from_bytes(bytes: &[u8; 61]) -> BboRow {
        let (words, rest) = bytes.as_chunks::<8>();
        let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
        let [s0, s1, s2, s3, sides] = <[u8; 5]>::try_from(rest).unwrap_or_default();
        let best =
            |at, bit: u8| (sides & bit != 0).then(|| (Price(word(at) as i64), Qty(word(at + 1))));
        BboRow {
            position: Position(word(0)),
            sequence: Sequence(word(1)),
            ts_ns: word(2) as i64,
            symbol: SymbolId(u32::from_le_bytes([s0, s1, s2, s3])),
            bid: best(3, 1),
            ask: best(5, 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_from_its_bytes() {
        let best = Some((Price(i64::MIN), Qty(u64::MAX)));
        for (bid, ask) in [(None, None), (best, None), (None, best), (best, best)] {
            let (position, sequence) = (Position(1 << 60), Sequence(2 << 60));
            let symbol = SymbolId(0x0102_0304);
            let row = BboRow { position, sequence, ts_ns: -3, symbol, bid, ask };
            assert_eq!(BboRow::from_bytes(&row.to_bytes()), row);
        }
    }
}
