//! Messages about auctions before they print (sections 4.2.6, 4.2.7, 4.6 and 4.8).

use engine::units::{Price, Qty};

use super::wire_message;
use crate::itch50::fields::Stock;

wire_message! {
    /// When an IPO's quotation is released (section 4.2.6).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `K`
    ///      11      8 stock
    ///      19      4 quotation release time, s
    ///      23      1 quotation release qualifier
    ///      24      4 IPO price, Price(4)
    /// ```
    IpoQuotingPeriod, b'K', 28 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// The release, in seconds since midnight in New York.
        19 release_time_s: [u8; 4] => u32,
        /// `A` anticipated, `C` cancelled or postponed.
        23 qualifier: u8 => u8,
        /// The price from which the day's change is reckoned.
        24 price: [u8; 4] => Price,
    }
}

wire_message! {
    /// The collar of a reopening auction after a limit-up limit-down pause (section 4.2.7).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `J`
    ///      11      8 stock
    ///      19      4 reference price, Price(4)
    ///      23      4 upper price, Price(4)
    ///      27      4 lower price, Price(4)
    ///      31      4 extension
    /// ```
    AuctionCollar, b'J', 35 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// The price that the collar is set around.
        19 reference: [u8; 4] => Price,
        /// The collar's upper end.
        23 upper: [u8; 4] => Price,
        /// The collar's lower end.
        27 lower: [u8; 4] => Price,
        /// How often the auction was extended.
        31 extension: [u8; 4] => u32,
    }
}

wire_message! {
    /// Net order imbalance before a cross (section 4.6, NOII).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `I`
    ///      11      8 paired shares
    ///      19      8 imbalance shares
    ///      27      1 imbalance direction
    ///      28      8 stock
    ///      36      4 far price, Price(4)
    ///      40      4 near price, Price(4)
    ///      44      4 current reference price, Price(4)
    ///      48      1 cross type
    ///      49      1 price variation indicator
    /// ```
    NetOrderImbalance, b'I', 50 bytes {
        /// Shares matched at the reference price.
        11 paired: [u8; 8] => Qty,
        /// Shares not matched at the reference price.
        19 imbalance: [u8; 8] => Qty,
        /// The side of the imbalance: `B` buy, `S` sell, `N` none, `O` too few orders to say,
        /// `P` paused.
        27 direction: u8 => u8,
        /// The security's symbol.
        28 stock: [u8; 8] => Stock,
        /// The price at which orders of the cross alone would clear; 0 if there is none.
        36 far: [u8; 4] => Price,
        /// The price at which orders of the cross and the book would clear; 0 if there is none.
        40 near: [u8; 4] => Price,
        /// The price at which imbalance is counted.
        44 reference: [u8; 4] => Price,
        /// `O` opening, `C` closing, `H` IPO or halted security, `A` extended trading close.
        48 cross_type: u8 => u8,
        /// How far near and reference price are apart: `L` under 1 %, `1` to `9` that many per cent,
        /// `A` 10 to 20, `B` 20 to 30, `C` 30 and more, space if it cannot be said.
        49 variation: u8 => u8,
    }
}

wire_message! {
    /// Price discovery of a direct listing with capital raise, once a second (section 4.8).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `O`
    ///      11      8 stock
    ///      19      1 open eligibility status
    ///      20      4 minimum allowable price, Price(4)
    ///      24      4 maximum allowable price, Price(4)
    ///      28      4 near execution price, Price(4)
    ///      32      8 near execution time, ns since midnight
    ///      40      4 lower price range collar, Price(4)
    ///      44      4 upper price range collar, Price(4)
    /// ```
    DirectListing, b'O', 48 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// `Y` may be released for trading, `N` not yet.
        19 open_eligibility: u8 => u8,
        /// 20 % below the lowest price of the registration statement.
        20 minimum: [u8; 4] => Price,
        /// 80 % above the highest price of the registration statement.
        24 maximum: [u8; 4] => Price,
        /// The reference price when the volatility test was passed.
        28 near: [u8; 4] => Price,
        /// When that was, ns since midnight in New York.
        32 near_time_ns: [u8; 8] => u64,
        /// 10 % below the near price.
        40 lower_collar: [u8; 4] => Price,
        /// 10 % above the near price.
        44 upper_collar: [u8; 4] => Price,
    }
}
