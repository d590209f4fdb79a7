//! `trades.csv`: a line an eligible print, and one with kind `B` where a break took a print out.

use engine::units::{MatchNumber, Position, Price, Qty, Sequence, Side, SymbolId};

use crate::output::rows::{Fields, Row};
use crate::output::spool::Spooled;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TradeRow {
    /// Where the message stands among those of all feeds.
    pub(crate) position: Position,
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
    pub(crate) kind: u8,
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
        fields.push(char::from(self.kind));
        fields.push(self.match_number.0);
    }
}

/// `position, sequence, ts_ns, price, size, match, symbol, side, kind`, little-endian.
impl Spooled for TradeRow {
    type Bytes = [u8; 54];
    const EMPTY: [u8; 54] = [0; 54];

    fn position(&self) -> Position {
        self.position
    }

    fn to_bytes(self) -> [u8; 54] {
        let mut bytes = [0; 54];
        let words = [
            self.position.0,
            self.sequence.0,
            self.ts_ns as u64,
            self.price.0 as u64,
            self.size.0,
            self.match_number.0,
        ];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes[48..52].copy_from_slice(&self.symbol.0.to_le_bytes());
        bytes[52] = self.side.map_or(0, Side::byte);
        bytes[53] = self.kind;
        bytes
    }

    fn from_bytes(bytes: &[u8; 54]) -> TradeRow {
        let (words, rest) = bytes.as_chunks::<8>();
        let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
        let [s0, s1, s2, s3, side, kind] = <[u8; 6]>::try_from(rest).unwrap_or_default();
        TradeRow {
            position: Position(word(0)),
            sequence: Sequence(word(1)),
            ts_ns: word(2) as i64,
            symbol: SymbolId(u32::from_le_bytes([s0, s1, s2, s3])),
            price: Price(word(3) as i64),
            size: Qty(word(4)),
            side: Side::from_byte(side),
            kind,
            match_number: MatchNumber(word(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_from_its_bytes() {
        for side in [None, Some(Side::Buy), Some(Side::Sell)] {
            let row = TradeRow {
                position: Position(1 << 60),
                sequence: Sequence(2 << 60),
                ts_ns: -3,
                symbol: SymbolId(0x0102_0304),
                price: Price(i64::MIN),
                size: Qty(u64::MAX),
                side,
                kind: b'Q',
                match_number: MatchNumber(6 << 56),
            };
            assert_eq!(TradeRow::from_bytes(&row.to_bytes()), row);
        }
    }
}
