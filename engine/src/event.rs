//! The one normalising store between wire and engine: a 64-byte [`Event`], one cache line.
//!
//! A decoder writes events, the sequencer corrects their time, a shard reads them. An event is plain
//! old data: it can cross a ring, a file or a process as its bytes. Every bit pattern is a valid
//! `Event`; what its bytes mean is checked where it is applied, so a damaged one can be counted but
//! can never be undefined behaviour.
//!
//! ```text
//!  0        8         16        24       28    29    30     32      40      48      56      64
//!  ├ sequence ┼ time_ns ┼ recv_ns ┼ symbol ┼ kind ┼ side ┼ flags ┼ word 0 ┼ word 1 ┼ word 2 ┼ word 3 ┤
//!    u64        i64       i64       u32      u8     u8     u16     u64      u64      u64      u64
//!
//!  kind                      word 0        word 1          word 2              word 3
//!   1 Add                    order         price           qty                 attribution (4 bytes) or 0
//!   2 Execute                order         match           qty                 price or PRICE_NONE
//!   3 Cancel                 order         –               qty taken off       –
//!   4 Delete                 order         –               –                   –
//!   5 Replace                old order     new order       price               qty
//!   6 Trade (hidden)         order or 0    match           qty                 price
//!   7 Cross                  cross type    match           qty                 price
//!   8 Break                  –             match           –                   –
//!   9 Auction                paired        imbalance       far | near (1e-4)   reference (1e-4) | codes
//!  10 SystemEvent            event code    –               –                   –
//!  11 Directory              name (8 bytes) round lot      codes               codes | leverage
//!  12 TradingAction          state         reason (4 bytes) –                  –
//!  13 ShortSale              action        –               –                   –
//!  14 MarketMaker            mpid          codes           –                   –
//!  15 CircuitBreakerLevels   level 1       level 2         level 3             –          (prices)
//!  16 CircuitBreakerStatus   level breached –              –                   –
//!  17 IpoQuotation           release time  qualifier       price               –
//!  18 AuctionCollar          reference     upper           lower               extension
//!  19 OperationalHalt        market        action          –                   –
//!  20 RetailInterest         interest      –               –                   –
//!  21 DirectListing          min | max (1e-4) collar low | high (1e-4) near price (1e-4) | status  near time
//! 240 Time                  –             –               –                   –
//! 241 HashPoint             –             –               –                   –
//! 242 Rebase                offset        –               –                   –
//! 243 Gap                   end           feed            –                   –
//! 244 SnapshotBegin         feed          –               –                   –
//! 245 SnapshotEnd           feed          1 if whole      –                   –
//! ```
//! Kinds from 240 on come from the sequencer, not from a feed, and have symbol 0. `a | b` packs `a` into the upper and `b` into the lower 32 bits. Kind numbers are never reused.

use bytemuck::{Pod, Zeroable};

use crate::units::{FeedId, MatchNumber, Nanos, OrderRef, Price, Qty, Sequence, Side, SymbolId};

/// One normalised message of a feed. Layout: see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Event {
    /// The message's number in its feed.
    pub sequence: u64,
    /// Exchange time, UTC epoch ns.
    pub time_ns: i64,
    /// Receive time of the packet, UTC epoch ns. No state depends on it.
    pub recv_ns: i64,
    /// [`SymbolId`]; 0 is market-wide.
    pub symbol: u32,
    /// A number of [`Kind`]; anything else is ignored by the shard.
    pub kind: u8,
    /// `B`, `S`, 0 where the kind has no side, or what else the wire held.
    pub side: u8,
    /// Bits of [`Flags`].
    pub flags: u16,
    /// Four words whose meaning the kind gives.
    pub words: [u64; 4],
}

const _: () = {
    assert!(size_of::<Event>() == 64);
    assert!(align_of::<Event>() == 64);
    assert!(core::mem::offset_of!(Event, time_ns) == 8);
    assert!(core::mem::offset_of!(Event, recv_ns) == 16);
    assert!(core::mem::offset_of!(Event, symbol) == 24);
    assert!(core::mem::offset_of!(Event, kind) == 28);
    assert!(core::mem::offset_of!(Event, side) == 29);
    assert!(core::mem::offset_of!(Event, flags) == 30);
    assert!(core::mem::offset_of!(Event, words) == 32);
};

/// What an [`Event`] is. The numbers are part of every persisted format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A displayed order enters the book.
    Add = 1,
    /// A resting order is executed, at its own or another price.
    Execute = 2,
    /// A resting order loses part of its size.
    Cancel = 3,
    /// A resting order leaves the book.
    Delete = 4,
    /// A resting order is replaced by one with a new reference, size and price.
    Replace = 5,
    /// An execution against an order that is not displayed.
    Trade = 6,
    /// A cross (auction) prints in bulk.
    Cross = 7,
    /// An earlier execution is broken.
    Break = 8,
    /// Net order imbalance before a cross.
    Auction = 9,
    /// Start and end of messages, system hours and market hours.
    SystemEvent = 10,
    /// A symbol's entry in the stock directory.
    Directory = 11,
    /// A symbol is halted, paused, quoted only or trading.
    TradingAction = 12,
    /// A symbol's short-sale restriction.
    ShortSale = 13,
    /// A market maker's position in a symbol.
    MarketMaker = 14,
    /// The day's three market-wide circuit breaker levels.
    CircuitBreakerLevels = 15,
    /// A market-wide circuit breaker level was breached.
    CircuitBreakerStatus = 16,
    /// An IPO's quotation release.
    IpoQuotation = 17,
    /// The price collar of a reopening auction.
    AuctionCollar = 18,
    /// A symbol's operational halt at one market.
    OperationalHalt = 19,
    /// Retail interest on one or both sides.
    RetailInterest = 20,
    /// A direct listing's price discovery.
    DirectListing = 21,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Kind; 21] = [
        Kind::Add,
        Kind::Execute,
        Kind::Cancel,
        Kind::Delete,
        Kind::Replace,
        Kind::Trade,
        Kind::Cross,
        Kind::Break,
        Kind::Auction,
        Kind::SystemEvent,
        Kind::Directory,
        Kind::TradingAction,
        Kind::ShortSale,
        Kind::MarketMaker,
        Kind::CircuitBreakerLevels,
        Kind::CircuitBreakerStatus,
        Kind::IpoQuotation,
        Kind::AuctionCollar,
        Kind::OperationalHalt,
        Kind::RetailInterest,
        Kind::DirectListing,
    ];

    /// The kind with this number, if there is one.
    #[inline]
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Kind> {
        if byte >= 1 && byte as usize <= Self::ALL.len() {
            Some(Self::ALL[byte as usize - 1])
        } else {
            None
        }
    }
}

const _: () = {
    let mut i = 0;
    while i < Kind::ALL.len() {
        assert!(Kind::ALL[i] as usize == i + 1);
        i += 1;
    }
};

/// Bits of [`Event::flags`].
#[derive(Clone, Copy, Debug)]
pub struct Flags;

impl Flags {
    /// An `Execute` that counts as a print (ITCH `E`, and `C` with printable `Y`).
    pub const PRINTABLE: u16 = 1 << 0;
    /// Set by the front: content of a snapshot, no message of the feed. It fills the book or teaches, is
    /// not counted, and time does not pass with it.
    pub const SNAPSHOT: u16 = 1 << 14;
    /// Set by the sequencer: feed time crosses a grid line with this event's time, so it passes
    /// before the event is applied. Shards that do not get the event get a `Time` instead.
    pub const TIME: u16 = 1 << 15;
}

/// What the sequencer tells every shard, in the order of the feed's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Control {
    /// Feed time has crossed a grid line; no state but time changes.
    Time = 240,
    /// The shard is to tell the digest of its state.
    HashPoint = 241,
    /// From here on an event's position is its sequence plus another offset.
    Rebase = 242,
    /// Messages from this sequence up to another were given up as lost.
    Gap = 243,
    /// A snapshot of a feed begins: its books are empty.
    SnapshotBegin = 244,
    /// It has ended, whole or not.
    SnapshotEnd = 245,
}

/// The least kind that is a [`Control`].
pub const CONTROL_KIND_MIN: u8 = Control::Time as u8;

/// Word 3 of an `Execute` at the resting order's own price.
pub const PRICE_NONE: u64 = i64::MIN as u64;

impl Event {
    /// The sequence as its type.
    #[inline]
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        Sequence(self.sequence)
    }

    /// The exchange time as its type.
    #[inline]
    #[must_use]
    pub const fn time(&self) -> Nanos {
        Nanos(self.time_ns)
    }

    /// The symbol as its type.
    #[inline]
    #[must_use]
    pub const fn symbol(&self) -> SymbolId {
        SymbolId(self.symbol)
    }

    /// The kind, if the number is one.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        Kind::from_byte(self.kind)
    }

    /// The side, if the byte is one.
    #[inline]
    #[must_use]
    pub const fn side(&self) -> Option<Side> {
        Side::from_byte(self.side)
    }

    /// Add, Execute, Cancel, Delete, Trade: the order. Replace: the old order.
    #[inline]
    #[must_use]
    pub const fn order(&self) -> OrderRef {
        OrderRef(self.words[0])
    }

    /// Replace: the new order.
    #[inline]
    #[must_use]
    pub const fn new_order(&self) -> OrderRef {
        OrderRef(self.words[1])
    }

    /// Execute, Trade, Cross, Break: the match number.
    #[inline]
    #[must_use]
    pub const fn match_number(&self) -> MatchNumber {
        MatchNumber(self.words[1])
    }

    /// Add, Execute, Cancel, Trade, Cross: the shares. (A Replace's are in [`Event::new_qty`].)
    #[inline]
    #[must_use]
    pub const fn qty(&self) -> Qty {
        Qty(self.words[2])
    }

    /// Replace: the shares of the new order.
    #[inline]
    #[must_use]
    pub const fn new_qty(&self) -> Qty {
        Qty(self.words[3])
    }

    /// Add: the limit price.
    #[inline]
    #[must_use]
    pub const fn add_price(&self) -> Price {
        Price(self.words[1] as i64)
    }

    /// Replace: the limit price of the new order.
    #[inline]
    #[must_use]
    pub const fn new_price(&self) -> Price {
        Price(self.words[2] as i64)
    }

    /// Execute, Trade, Cross: the execution price; `None` for the resting order's own.
    #[inline]
    #[must_use]
    pub const fn print_price(&self) -> Option<Price> {
        if self.words[3] == PRICE_NONE { None } else { Some(Price(self.words[3] as i64)) }
    }

    /// Execute: whether it counts as a print.
    #[inline]
    #[must_use]
    pub const fn is_printable(&self) -> bool {
        self.flags & Flags::PRINTABLE != 0
    }

    /// Feed time has crossed a grid line and is now `time`; `sequence` brought it.
    #[must_use]
    pub const fn passing_time(sequence: Sequence, time: Nanos) -> Event {
        Self::control(Control::Time, sequence, time, 0)
    }

    /// Asks for digests of the state before the event with `sequence`, at feed time `time`.
    #[must_use]
    pub const fn hash_point(sequence: Sequence, time: Nanos) -> Event {
        Self::control(Control::HashPoint, sequence, time, 0)
    }

    /// From the event with `sequence` on, position is sequence + `offset`, wrapping.
    #[must_use]
    pub const fn rebase(sequence: Sequence, time: Nanos, offset: u64) -> Event {
        Self::control(Control::Rebase, sequence, time, offset)
    }

    /// The messages of a feed from `first` up to but not including `end` were given up at feed time
    /// `time`.
    #[must_use]
    pub const fn gap(feed: FeedId, first: Sequence, end: Sequence, time: Nanos) -> Event {
        let mut gap = Self::control(Control::Gap, first, time, end.0);
        gap.words[1] = feed.0 as u64;
        gap
    }

    /// A snapshot of a feed begins; `sequence` is the first message that is not in it.
    #[must_use]
    pub const fn snapshot_begin(feed: FeedId, sequence: Sequence, time: Nanos) -> Event {
        Self::control(Control::SnapshotBegin, sequence, time, feed.0 as u64)
    }

    /// The snapshot of a feed that was begun ends, whole or given up.
    #[must_use]
    pub const fn snapshot_end(
        feed: FeedId,
        sequence: Sequence,
        time: Nanos,
        is_whole: bool,
    ) -> Event {
        let mut end = Self::control(Control::SnapshotEnd, sequence, time, feed.0 as u64);
        end.words[1] = is_whole as u64;
        end
    }

    const fn control(kind: Control, sequence: Sequence, time: Nanos, word: u64) -> Event {
        Event {
            sequence: sequence.0,
            time_ns: time.0,
            recv_ns: time.0,
            symbol: 0,
            kind: kind as u8,
            side: 0,
            flags: 0,
            words: [word, 0, 0, 0],
        }
    }

    /// Whether the sequencer made it.
    #[inline]
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.kind >= CONTROL_KIND_MIN
    }

    /// The byte that a one-byte code fills (TradingAction state, SystemEvent code, Cross type …).
    #[inline]
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.words[0] as u8
    }
}

/// Packs two 32-bit values into one word of an [`Event`].
#[inline]
#[must_use]
pub const fn pack_u32s(upper: u32, lower: u32) -> u64 {
    ((upper as u64) << 32) | lower as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_an_event_are_pinned() {
        let event = Event {
            sequence: 0x0102_0304_0506_0708,
            time_ns: 0x1112_1314_1516_1718,
            recv_ns: 0x2122_2324_2526_2728,
            symbol: 0x3132_3334,
            kind: Kind::Execute as u8,
            side: b'S',
            flags: Flags::PRINTABLE,
            words: [1, 2, 3, PRICE_NONE],
        };
        let expected: [u8; 64] = [
            8, 7, 6, 5, 4, 3, 2, 1, // sequence
            0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, // time
            0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, // recv
            0x34, 0x33, 0x32, 0x31, 2, b'S', 1, 0, // symbol, kind, side, flags
            1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, // words 0, 1
            3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, // words 2, 3
        ];
        assert_eq!(bytemuck::bytes_of(&event), expected);
        assert_eq!(event.print_price(), None);
    }

    #[test]
    fn only_known_numbers_are_kinds() {
        assert_eq!(Kind::from_byte(0), None);
        assert_eq!(Kind::from_byte(1), Some(Kind::Add));
        assert_eq!(Kind::from_byte(21), Some(Kind::DirectListing));
        assert_eq!(Kind::from_byte(22), None);
    }
}
