//! A symbol's tape read back: its records in the order of arrival; the drawing is in
//! [`crate::state::encode`].

use crate::metrics::SymbolMetrics;
use crate::prints::record::Record;
use crate::prints::{PrintKind, Prints};
use crate::units::{Side, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

/// Bytes of a record.
const RECORD_BYTES: usize = 6 * 8 + 4;

/// What the prints of a tape that count add up to. The figures may have more: a print counts there
/// even if the tape had no room for it.
#[derive(Default)]
struct Sums {
    trades: u64,
    volume: u128,
    /// Prints that are no crosses, and odd lots among them.
    continuous: u64,
    odd: u64,
    buys: u128,
    sells: u128,
}

impl Sums {
    fn add(&mut self, record: &Record) {
        let qty = u128::from(record.qty);
        self.trades += 1;
        self.volume += qty;
        if record.kind != PrintKind::Cross as u8 {
            self.continuous += 1;
            self.odd += u64::from(record.odd_lot);
            match Side::from_byte(record.side) {
                Some(Side::Buy) => self.buys += qty,
                Some(Side::Sell) => self.sells += qty,
                None => {}
            }
        }
    }

    /// Whether a break of each print can be taken out of these figures.
    fn are_within(&self, metrics: &SymbolMetrics) -> bool {
        self.trades <= metrics.tape.trades
            && self.volume <= metrics.tape.volume
            && self.continuous <= metrics.lots.prints
            && self.odd <= metrics.lots.odd
            && self.buys <= metrics.flow.buys
            && self.sells <= metrics.flow.sells
    }
}

/// Reads the tape of a symbol that has none, whose figures are `metrics`.
pub(crate) fn tape(
    symbol: SymbolId,
    metrics: &SymbolMetrics,
    prints: &mut Prints,
    reader: &mut Reader<'_>,
) -> Result<(), DecodeError> {
    if !prints.is_empty(symbol) {
        return Err(reader.refuse("a tape for a symbol that has one"));
    }
    let count = usize::try_from(reader.u64()?).ok();
    let Some(bytes) = count.and_then(|count| count.checked_mul(RECORD_BYTES)) else {
        return Err(reader.refuse("a number of prints"));
    };
    let mut sums = Sums::default();
    for row in reader.bytes(bytes)?.as_chunks::<RECORD_BYTES>().0 {
        let record = record_of(row);
        if !record.can_be() {
            return Err(reader.refuse("a print"));
        }
        if record.counts() {
            sums.add(&record);
        }
        if !prints.restore(symbol, record) {
            return Err(reader.refuse("a print without room"));
        }
    }
    if !sums.are_within(metrics) {
        return Err(reader.refuse("figures that are less than their prints come to"));
    }
    Ok(())
}

/// The record in a row of bytes; its arrival stands with the windows.
#[inline(always)]
fn record_of(row: &[u8; RECORD_BYTES]) -> Record {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&row[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let [kind, side, odd_lot, settled] = [row[48], row[49], row[50], row[51]];
    Record {
        match_number: word(0),
        price: word(8) as i64,
        qty: word(16),
        time_ns: word(24) as i64,
        before: word(32),
        after: word(40),
        kind,
        side,
        odd_lot,
        settled,
        arrival: 0,
    }
}
