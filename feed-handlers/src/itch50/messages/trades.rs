//! Executions that the displayed book does not show, and their undoing (section 4.5).

use engine::units::{MatchNumber, OrderRef, Price, Qty, Side};

use super::wire_message;
use crate::itch50::fields::Stock;

wire_message! {
    /// An execution against an order that is not displayed (section 4.5.1). It changes no book.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `P`
    ///      11      8 order reference number
    ///      19      1 side
    ///      20      4 shares
    ///      24      8 stock
    ///      32      4 price, Price(4)
    ///      36      8 match number
    /// ```
    Trade, b'P', 44 bytes {
        /// The hidden order; Nasdaq sends 0 since December 2010.
        11 order: [u8; 8] => OrderRef,
        /// The hidden order's side, `None` if the byte is neither `B` nor `S`. Nasdaq sends `B`
        /// whatever the side since July 2014.
        19 side: u8 => Option<Side>,
        /// Shares executed.
        20 shares: [u8; 4] => Qty,
        /// The security's symbol.
        24 stock: [u8; 8] => Stock,
        /// The execution price.
        32 price: [u8; 4] => Price,
        /// The execution's number, which a [`BrokenTrade`] would name.
        36 match_number: [u8; 8] => MatchNumber,
    }
}

impl Trade {
    /// The side as the feed sent it.
    #[inline]
    #[must_use]
    pub const fn side_byte(&self) -> u8 {
        self.side
    }
}

wire_message! {
    /// A cross prints in bulk, after its single executions were sent as not printable
    /// (section 4.5.2). Without an order matched, shares are 0.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `Q`
    ///      11      8 shares
    ///      19      8 stock
    ///      27      4 cross price, Price(4)
    ///      31      8 match number
    ///      39      1 cross type
    /// ```
    CrossTrade, b'Q', 40 bytes {
        /// Shares matched in the cross.
        11 shares: [u8; 8] => Qty,
        /// The security's symbol.
        19 stock: [u8; 8] => Stock,
        /// The price of the cross.
        27 price: [u8; 4] => Price,
        /// The print's number, which a [`BrokenTrade`] would name.
        31 match_number: [u8; 8] => MatchNumber,
        /// `O` opening, `C` closing, `H` IPO or halted security, `I` intraday or post-close, `A`
        /// extended trading close.
        39 cross_type: u8 => u8,
    }
}

wire_message! {
    /// An earlier execution is broken: it did not happen (section 4.5.3). It changes no book.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `B`
    ///      11      8 match number
    /// ```
    BrokenTrade, b'B', 19 bytes {
        /// The execution that is broken.
        11 match_number: [u8; 8] => MatchNumber,
    }
}
