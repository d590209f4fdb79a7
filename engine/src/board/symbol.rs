//! What the board shows of a symbol: its quote, its detail, its name.
//!
//! The quote is one cache line and is published with every packet that concerns the symbol. The detail,
//! ten levels a side and what `symbols.csv` counts, is twelve; it follows soon after, see
//! [`super::publisher`]. Prices are in 1e-9 units.

use bytemuck::{Pod, Zeroable};

use super::layout::fills_lines;
use crate::directory::NAME_BYTES_MAX;
use crate::quality::Quality;
use crate::units::{Nanos, Price, Qty, Sequence};

/// Levels of a side that a detail shows.
pub const LEVELS_MAX: usize = 10;

/// Bits of [`Quote::flags`].
pub mod flags {
    /// There is a bid.
    pub const BID: u64 = 1 << 8;
    /// There is an offer.
    pub const ASK: u64 = 1 << 9;
    /// The last trading action, in the lowest byte; 0 if none was seen.
    pub const STATE: u64 = 0xFF;
    /// Where the count of messages, modulo 2^32, begins.
    pub const MESSAGES_SHIFT: u32 = 32;
}

/// Best bid and offer of a symbol.
///
/// ```text
///  0          8          16        24          32        40          48        56      64
///  ├ seqlock ─┼ sequence ┼ time_ns ┼ bid price ┼ bid qty ┼ ask price ┼ ask qty ┼ flags ┤
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Quote {
    /// Of the symbol's last message.
    pub sequence: u64,
    /// Its exchange time, UTC epoch ns.
    pub time_ns: i64,
    /// Best bid; of no meaning without [`flags::BID`].
    pub bid_price: i64,
    /// Shares at it.
    pub bid_qty: u64,
    /// Best offer; of no meaning without [`flags::ASK`].
    pub ask_price: i64,
    /// Shares at it.
    pub ask_qty: u64,
    /// See [`flags`].
    pub flags: u64,
}

const _: () = assert!(fills_lines::<Quote>(1));

impl Quote {
    /// Best bid.
    #[must_use]
    pub fn bid(&self) -> Option<(Price, Qty)> {
        (self.flags & flags::BID != 0).then_some((Price(self.bid_price), Qty(self.bid_qty)))
    }

    /// Best offer.
    #[must_use]
    pub fn ask(&self) -> Option<(Price, Qty)> {
        (self.flags & flags::ASK != 0).then_some((Price(self.ask_price), Qty(self.ask_qty)))
    }

    /// The last trading action, if one was seen.
    #[must_use]
    pub fn state(&self) -> Option<u8> {
        let state = (self.flags & flags::STATE) as u8;
        (state != 0).then_some(state)
    }

    /// Messages of the symbol, modulo 2^32.
    #[must_use]
    pub fn messages(&self) -> u32 {
        (self.flags >> flags::MESSAGES_SHIFT) as u32
    }

    /// The number of the last message.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        Sequence(self.sequence)
    }

    /// Its time.
    #[must_use]
    pub fn time(&self) -> Nanos {
        Nanos(self.time_ns)
    }
}

/// One price level. All zero where there is none: a level has orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ShownLevel {
    /// Its price.
    pub price: i64,
    /// Shares at it.
    pub qty: u64,
    /// Orders at it; 0: there is no such level.
    pub orders: u64,
}

/// A symbol's ladder and what was counted of it.
///
/// ```text
///  0          8                   168          240        256           496           736     768
///  ├ seqlock ─┼ figures, 20 words ┼ quality, 9 ┼ reserved ┼ bids, 10 × 3 ┼ asks, 10 × 3 ┼ reserved ┤
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Detail {
    /// Of the symbol's last message.
    pub sequence: u64,
    /// Its exchange time, UTC epoch ns.
    pub time_ns: i64,
    /// Price of the last print; of no meaning where `trades` is 0, as the three that follow.
    pub last: i64,
    /// Of the first.
    pub open: i64,
    /// The highest.
    pub high: i64,
    /// The lowest.
    pub low: i64,
    /// Prints that count.
    pub trades: u64,
    /// Their shares; what does not fit in 64 bits is the greatest number.
    pub volume: u64,
    /// Price times shares, low half.
    pub notional_low: u64,
    /// Price times shares, high half.
    pub notional_high: u64,
    /// Shares printed off the book.
    pub hidden_volume: u64,
    /// Shares of crosses.
    pub cross_volume: u64,
    /// Shares of prints that were broken.
    pub broken_volume: u64,
    /// Messages that add an order, A and F.
    pub adds: u64,
    /// E and C.
    pub executions: u64,
    /// X.
    pub cancels: u64,
    /// D.
    pub deletes: u64,
    /// U.
    pub replaces: u64,
    /// Price levels with bids, and with asks in the upper half.
    pub levels: u64,
    /// Changes of the best bid or offer.
    pub quote_changes: u64,
    /// What was wrong with its messages.
    pub quality: Quality,
    /// 0.
    pub reserved: [u64; 2],
    /// Bids, best first.
    pub bids: [ShownLevel; LEVELS_MAX],
    /// Offers, best first.
    pub asks: [ShownLevel; LEVELS_MAX],
    /// 0.
    pub reserved_end: [u64; 4],
}

const _: () = {
    assert!(fills_lines::<Detail>(12));
    assert!(core::mem::offset_of!(Detail, quality) + 8 == 168);
    assert!(core::mem::offset_of!(Detail, bids) + 8 == 256);
    assert!(core::mem::offset_of!(Detail, asks) + 8 == 496);
};

impl Detail {
    /// Price times shares of the prints that count, in 1e-9 units.
    #[must_use]
    pub fn notional(&self) -> i128 {
        (i128::from(self.notional_high as i64) << 64) | i128::from(self.notional_low)
    }

    /// Levels with bids.
    #[must_use]
    pub fn bid_levels(&self) -> u32 {
        self.levels as u32
    }

    /// Levels with offers.
    #[must_use]
    pub fn ask_levels(&self) -> u32 {
        (self.levels >> 32) as u32
    }
}

/// A symbol's name.
///
/// ```text
///  0          8     9                    56      64
///  ├ seqlock ─┼ len ┼ name, zero-padded ─┼ 0 ────┤
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct Name {
    len: u8,
    name: [u8; NAME_BYTES_MAX],
    reserved: [u8; 8],
}

const _: () = {
    assert!(fills_lines::<Name>(1));
    assert!(size_of::<Name>().is_multiple_of(8));
};

impl Default for Name {
    fn default() -> Self {
        Zeroable::zeroed()
    }
}

impl Name {
    /// `name`, cut to [`NAME_BYTES_MAX`].
    #[must_use]
    pub fn of(name: &[u8]) -> Name {
        let name = &name[..name.len().min(NAME_BYTES_MAX)];
        let mut slot = Name { len: name.len() as u8, ..Name::default() };
        slot.name[..name.len()].copy_from_slice(name);
        slot
    }

    /// The name; empty where none is known.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.name.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notional_of_either_sign_comes_back() {
        for notional in [0, 1, -1, i128::MAX, i128::MIN, 5 << 64, -(7 << 70) + 3] {
            let detail = Detail {
                notional_low: notional as u64,
                notional_high: (notional >> 64) as u64,
                ..Detail::default()
            };
            assert_eq!(detail.notional(), notional);
        }
    }

    #[test]
    fn a_name_longer_than_its_slot_is_cut() {
        assert_eq!(Name::of(b"AAPL").bytes(), b"AAPL");
        assert_eq!(Name::of(&[b'x'; 60]).bytes(), [b'x'; NAME_BYTES_MAX]);
        assert_eq!(Name::default().bytes(), b"");
    }
}
