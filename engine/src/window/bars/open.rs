//! The window of a symbol that is open: two cache lines, added to with every print.
//!
//! ```text
//!  0      8      16     24      32       40    48          64         80       96    128
//!  ├ open ┼ high ┼ low  ┼ close ┼ trades ┼ –  ─┼ price sum ┼ notional ┼ volume ┼ – ──┤
//!    i64    i64    i64    i64     u64           i128        i128       u128
//! ```
//! Where the window begins and ends is the same for all symbols and not kept here. All zero is a
//! window without a print.

use bytemuck::{Pod, Zeroable};

use super::Bar;
use crate::prints::record::Record;
use crate::units::{Nanos, Notional, Price, SymbolId};

/// Price × shares: one print's is below 2^127.
#[inline(always)]
pub(super) fn value_of(price: i64, qty: u64) -> i128 {
    i128::from(price) * i128::from(qty)
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct OpenBar {
    pub(crate) open: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    pub(crate) close: i64,
    pub(crate) trades: u64,
    pub(super) reserved: u64,
    pub(crate) price_sum: i128,
    pub(crate) notional: i128,
    pub(crate) volume: u128,
    pub(super) padding: [u64; 4],
}

const _: () = assert!(size_of::<OpenBar>() == 128);

impl OpenBar {
    /// Without a print.
    pub(crate) const EMPTY: OpenBar = OpenBar {
        open: 0,
        high: 0,
        low: 0,
        close: 0,
        trades: 0,
        reserved: 0,
        price_sum: 0,
        notional: 0,
        volume: 0,
        padding: [0; 4],
    };

    /// Adds a print of this `value`, its price × its shares.
    #[inline(always)]
    pub(crate) fn add(&mut self, price: Price, qty: u64, value: i128) {
        let price = price.0;
        let is_first = self.trades == 0;
        self.open = if is_first { price } else { self.open };
        self.high = if is_first { price } else { self.high.max(price) };
        self.low = if is_first { price } else { self.low.min(price) };
        self.close = price;
        self.trades += 1;
        self.price_sum += i128::from(price);
        // As on the tape: it wraps only where no price or size of an exchange leads.
        self.notional = self.notional.wrapping_add(value);
        self.volume += u128::from(qty);
    }

    /// Adds a print of the tape.
    pub(crate) fn add_record(&mut self, record: &Record) {
        self.add(Price(record.price), record.qty, value_of(record.price, record.qty));
    }

    /// As an output of the window `[start, end)` of `symbol`.
    #[inline]
    pub(crate) fn bar(&self, symbol: SymbolId, (start, end): (Nanos, Nanos), revision: u32) -> Bar {
        Bar {
            symbol,
            start,
            end,
            revision,
            open: Price(self.open),
            high: Price(self.high),
            low: Price(self.low),
            close: Price(self.close),
            trades: self.trades,
            volume: self.volume,
            notional: Notional(self.notional),
            price_sum: self.price_sum,
            is_suspect: false,
        }
    }
}
