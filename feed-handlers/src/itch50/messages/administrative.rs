//! Messages about the market and its securities rather than orders (sections 4.1, 4.2 and 4.7).

use engine::units::{Price, Qty};

use super::wire_message;
use crate::itch50::fields::{Mpid, Stock};

wire_message! {
    /// The start or end of messages, system hours or market hours (section 4.1). Locate is 0.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `S`
    ///      11      1 event code
    /// ```
    SystemEvent, b'S', 12 bytes {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of
        /// market hours, `E` end of system hours, `C` end of messages.
        11 event: u8 => u8,
    }
}

wire_message! {
    /// A security's entry in the day's directory (section 4.2.1), sent for every active security at
    /// the start of the day.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `R`
    ///      11      8 stock
    ///      19      1 market category
    ///      20      1 financial status indicator
    ///      21      4 round lot size
    ///      25      1 round lots only
    ///      26      1 issue classification
    ///      27      2 issue sub-type
    ///      29      1 authenticity
    ///      30      1 short sale threshold indicator
    ///      31      1 IPO flag
    ///      32      1 LULD reference price tier
    ///      33      1 ETP flag
    ///      34      4 ETP leverage factor
    ///      38      1 inverse indicator
    /// ```
    StockDirectory, b'R', 39 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// Listing market: `Q` Nasdaq Global Select, `G` Nasdaq Global, `S` Nasdaq Capital, `N` NYSE,
        /// `A` NYSE American, `P` NYSE Arca, `Z` Cboe BZX, `V` IEX, space unavailable.
        19 market_category: u8 => u8,
        /// For Nasdaq's own listings: `N` normal, `D` deficient, `E` delinquent, `Q` bankrupt,
        /// `S` suspended, `G` `H` `J` `K` combinations of these, `C` an ETP's creations suspended,
        /// space unavailable.
        20 financial_status: u8 => u8,
        /// Shares of a round lot.
        21 round_lot: [u8; 4] => Qty,
        /// `Y` if only round lots are accepted, else `N`.
        25 round_lots_only: u8 => u8,
        /// Class of the security, such as `C` common stock (appendix of the specification).
        26 issue_classification: u8 => u8,
        /// Sub-type of the security, such as `Z ` not applicable (appendix of the specification).
        27 issue_sub_type: [u8; 2] => [u8; 2],
        /// `P` production, `T` test.
        29 authenticity: u8 => u8,
        /// `Y` restricted under SEC rule 203(b)(3), `N` not, space unavailable.
        30 short_sale_threshold: u8 => u8,
        /// `Y` set up for IPO release, `N` not, space unavailable.
        31 ipo: u8 => u8,
        /// Limit-up limit-down tier: `1`, `2`, space not applicable.
        32 luld_tier: u8 => u8,
        /// `Y` exchange-traded product, `N` not, space unavailable.
        33 etp: u8 => u8,
        /// How many times the ETP moves with its index; 1 if not leveraged.
        34 etp_leverage: [u8; 4] => u32,
        /// `Y` an inverse ETP, else `N`.
        38 inverse: u8 => u8,
    }
}

wire_message! {
    /// A security is halted, paused, quoted only or trading (section 4.2.2).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `H`
    ///      11      8 stock
    ///      19      1 trading state
    ///      20      1 reserved
    ///      21      4 reason
    /// ```
    TradingAction, b'H', 25 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// `H` halted across all US markets, `P` paused, `Q` quotation only, `T` trading.
        19 state: u8 => u8,
        /// Nothing, as yet.
        20 reserved: u8 => u8,
        /// Why, such as `LUDP` or `T1  ` (appendix of the specification).
        21 reason: [u8; 4] => [u8; 4],
    }
}

wire_message! {
    /// A security's Regulation SHO short-sale price test (section 4.2.3).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `Y`
    ///      11      8 stock
    ///      19      1 action
    /// ```
    ShortSaleRestriction, b'Y', 20 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// `0` no price test, `1` in effect after an intraday fall, `2` remains in effect.
        19 action: u8 => u8,
    }
}

wire_message! {
    /// A market participant's position in a security (section 4.2.4).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `L`
    ///      11      4 MPID
    ///      15      8 stock
    ///      23      1 primary market maker
    ///      24      1 market maker mode
    ///      25      1 market participant state
    /// ```
    MarketParticipantPosition, b'L', 26 bytes {
        /// The participant.
        11 mpid: [u8; 4] => Mpid,
        /// The security's symbol.
        15 stock: [u8; 8] => Stock,
        /// `Y` a primary market maker, else `N`.
        23 primary_market_maker: u8 => u8,
        /// `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        24 mode: u8 => u8,
        /// `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        25 state: u8 => u8,
    }
}

wire_message! {
    /// The day's market-wide circuit breaker levels (section 4.2.5.1). Locate is 0.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `V`
    ///      11      8 level 1, Price(8)
    ///      19      8 level 2, Price(8)
    ///      27      8 level 3, Price(8)
    /// ```
    CircuitBreakerLevels, b'V', 35 bytes {
        /// The index level 1; what exceeds the range of a price becomes its greatest value.
        11 level_1: [u8; 8] => Price,
        /// The index level 2, in the same range.
        19 level_2: [u8; 8] => Price,
        /// The index level 3, in the same range.
        27 level_3: [u8; 8] => Price,
    }
}

wire_message! {
    /// A market-wide circuit breaker level was breached (section 4.2.5.2). Locate is 0.
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `W`
    ///      11      1 breached level
    /// ```
    CircuitBreakerStatus, b'W', 12 bytes {
        /// `1`, `2` or `3`.
        11 level: u8 => u8,
    }
}

wire_message! {
    /// A security's operational halt at one of Nasdaq's markets only (section 4.2.8).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `h`
    ///      11      8 stock
    ///      19      1 market code
    ///      20      1 operational halt action
    /// ```
    OperationalHalt, b'h', 21 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        19 market: u8 => u8,
        /// `H` halted, `T` lifted.
        20 action: u8 => u8,
    }
}

wire_message! {
    /// Retail interest in a security (section 4.7, retail price improvement indicator).
    ///
    /// ```text
    ///  offset length field
    ///       0     11 head, type `N`
    ///      11      8 stock
    ///      19      1 interest flag
    /// ```
    RetailInterest, b'N', 20 bytes {
        /// The security's symbol.
        11 stock: [u8; 8] => Stock,
        /// `B` buy side, `S` sell side, `A` both, `N` none.
        19 interest: u8 => u8,
    }
}
