//! Messages that change the displayed book: orders added (section 4.3) and modified (section 4.4).

use engine::units::{MatchNumber, OrderRef, Price, Qty, Side};

use super::wire_message;
use crate::itch50::fields::{Mpid, Stock};

wire_message! {
    /// An unattributed order enters the book (section 4.3.1).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `A`
    ///      11      8 order reference number
    ///      19      1 side
    ///      20      4 shares
    ///      24      8 stock
    ///      32      4 price, Price(4)
    /// ```
    AddOrder, b'A', 36 bytes {
        /// The order's reference, unique for the day.
        11 order: [u8; 8] => OrderRef,
        /// The order's side; `None` if the byte is neither `B` nor `S`.
        19 side: u8 => Option<Side>,
        /// Shares displayed.
        20 shares: [u8; 4] => Qty,
        /// The security's symbol.
        24 stock: [u8; 8] => Stock,
        /// The limit price.
        32 price: [u8; 4] => Price,
    }
}

impl AddOrder {
    /// The side as the feed sent it.
    #[inline]
    #[must_use]
    pub const fn side_byte(&self) -> u8 {
        self.side
    }
}

wire_message! {
    /// An order with its participant's identifier enters the book (section 4.3.2): an [`AddOrder`]
    /// with four more bytes.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `F`
    ///      11      8 order reference number
    ///      19      1 side
    ///      20      4 shares
    ///      24      8 stock
    ///      32      4 price, Price(4)
    ///      36      4 attribution
    /// ```
    AddAttributedOrder, b'F', 40 bytes {
        /// The order's reference, unique for the day.
        11 order: [u8; 8] => OrderRef,
        /// The order's side; `None` if the byte is neither `B` nor `S`.
        19 side: u8 => Option<Side>,
        /// Shares displayed.
        20 shares: [u8; 4] => Qty,
        /// The security's symbol.
        24 stock: [u8; 8] => Stock,
        /// The limit price.
        32 price: [u8; 4] => Price,
        /// The participant that shows the order.
        36 attribution: [u8; 4] => Mpid,
    }
}

impl AddAttributedOrder {
    /// The side as the feed sent it.
    #[inline]
    #[must_use]
    pub const fn side_byte(&self) -> u8 {
        self.side
    }
}

wire_message! {
    /// An order is executed in whole or part at its own price (section 4.4.1). Executions of one
    /// order add up.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `E`
    ///      11      8 order reference number
    ///      19      4 executed shares
    ///      23      8 match number
    /// ```
    OrderExecuted, b'E', 31 bytes {
        /// The resting order.
        11 order: [u8; 8] => OrderRef,
        /// Shares executed.
        19 shares: [u8; 4] => Qty,
        /// The execution's number, which a [`BrokenTrade`](super::BrokenTrade) would name.
        23 match_number: [u8; 8] => MatchNumber,
    }
}

wire_message! {
    /// An order is executed at a price other than its own (section 4.4.2). The price concerns this
    /// execution only: what is left of the order keeps its own.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `C`
    ///      11      8 order reference number
    ///      19      4 executed shares
    ///      23      8 match number
    ///      31      1 printable
    ///      32      4 execution price, Price(4)
    /// ```
    OrderExecutedWithPrice, b'C', 36 bytes {
        /// The resting order.
        11 order: [u8; 8] => OrderRef,
        /// Shares executed.
        19 shares: [u8; 4] => Qty,
        /// The execution's number, which a [`BrokenTrade`](super::BrokenTrade) would name.
        23 match_number: [u8; 8] => MatchNumber,
        /// `Y` printable, `N` not: a print in bulk will report it.
        31 printable: u8 => u8,
        /// The execution price.
        32 price: [u8; 4] => Price,
    }
}

impl OrderExecutedWithPrice {
    /// Whether the execution counts as a print of its own: `Y`, and nothing else, does.
    #[inline]
    #[must_use]
    pub const fn is_printable(&self) -> bool {
        self.printable == b'Y'
    }
}

wire_message! {
    /// An order loses part of its shares (section 4.4.3).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `X`
    ///      11      8 order reference number
    ///      19      4 cancelled shares
    /// ```
    OrderCancelled, b'X', 23 bytes {
        /// The order.
        11 order: [u8; 8] => OrderRef,
        /// Shares taken off, not those left.
        19 shares: [u8; 4] => Qty,
    }
}

wire_message! {
    /// An order leaves the book with all its shares (section 4.4.4).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `D`
    ///      11      8 order reference number
    /// ```
    OrderDeleted, b'D', 19 bytes {
        /// The order.
        11 order: [u8; 8] => OrderRef,
    }
}

wire_message! {
    /// An order is replaced by a new one, which takes over its side, symbol and attribution but not
    /// its time priority (section 4.4.5).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `U`
    ///      11      8 original order reference number
    ///      19      8 new order reference number
    ///      27      4 shares
    ///      31      4 price, Price(4)
    /// ```
    OrderReplaced, b'U', 35 bytes {
        /// The order that leaves.
        11 original_order: [u8; 8] => OrderRef,
        /// The order that takes its place.
        19 new_order: [u8; 8] => OrderRef,
        /// Shares displayed of the new order.
        27 shares: [u8; 4] => Qty,
        /// The limit price of the new order.
        31 price: [u8; 4] => Price,
    }
}
