//! What the messages with many fields say, given to the encoder by name rather than by position.

use crate::itch50::fields::{Price4, Stock};

/// What a [`StockDirectory`](crate::itch50::messages::StockDirectory) message says. Codes as there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The security's symbol.
    pub stock: Stock,
    /// Listing market.
    pub market_category: u8,
    /// Financial status indicator.
    pub financial_status: u8,
    /// Shares of a round lot.
    pub round_lot: u32,
    /// Whether only round lots are accepted.
    pub round_lots_only: bool,
    /// Class of the security.
    pub issue_classification: u8,
    /// Sub-type of the security.
    pub issue_sub_type: [u8; 2],
    /// Production or test.
    pub authenticity: u8,
    /// Short sale threshold indicator.
    pub short_sale_threshold: u8,
    /// IPO flag.
    pub ipo: u8,
    /// Limit-up limit-down tier.
    pub luld_tier: u8,
    /// Exchange-traded product.
    pub etp: u8,
    /// How many times the ETP moves with its index.
    pub etp_leverage: u32,
    /// Whether the ETP is inverse.
    pub inverse: bool,
}

impl DirectoryEntry {
    /// An ordinary share of `stock`: common stock on the Nasdaq Global Select Market, lots of 100,
    /// production, LULD tier 1, no restriction, IPO or ETP.
    #[must_use]
    pub const fn common_stock(stock: Stock) -> DirectoryEntry {
        DirectoryEntry {
            stock,
            market_category: b'Q',
            financial_status: b'N',
            round_lot: 100,
            round_lots_only: false,
            issue_classification: b'C',
            issue_sub_type: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo: b'N',
            luld_tier: b'1',
            etp: b'N',
            etp_leverage: 0,
            inverse: false,
        }
    }
}

/// What a [`NetOrderImbalance`](crate::itch50::messages::NetOrderImbalance) message says. Codes as there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Shares matched at the reference price.
    pub paired: u64,
    /// Shares not matched at the reference price.
    pub imbalance: u64,
    /// The side of the imbalance.
    pub direction: u8,
    /// The security's symbol.
    pub stock: Stock,
    /// The price at which orders of the cross alone would clear.
    pub far: Price4,
    /// The price at which orders of the cross and the book would clear.
    pub near: Price4,
    /// The price at which imbalance is counted.
    pub reference: Price4,
    /// Which cross.
    pub cross_type: u8,
    /// How far near and reference price are apart.
    pub variation: u8,
}

/// What a [`DirectListing`](crate::itch50::messages::DirectListing) message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceDiscovery {
    /// The security's symbol.
    pub stock: Stock,
    /// Whether it may be released for trading.
    pub open_eligible: bool,
    /// The least price allowed.
    pub minimum: Price4,
    /// The greatest price allowed.
    pub maximum: Price4,
    /// The reference price when the volatility test was passed.
    pub near: Price4,
    /// When that was, ns since midnight in New York.
    pub near_time_ns: u64,
    /// The collar's lower end.
    pub lower_collar: Price4,
    /// The collar's upper end.
    pub upper_collar: Price4,
}
