//! Writes ITCH messages: for tests and the simulated exchange.
//!
//! An [`Encoder`] owns one buffer and appends each message behind its length, the block format that
//! BinaryFILE and MoldUDP64 share:
//!
//! ```text
//!  0                            2         2+n
//!  ├ n (u16, big-endian, n > 0) ┼ message ┼ n' ┼ message ┼ … ┼ 0 (u16, from `finish`) ┤
//! ```
//! Whoever drives it reads [`Encoder::bytes`] and clears when a packet or buffer is full. A message
//! costs one copy; nothing is allocated but when the buffer grows, and a cleared buffer keeps its room.
//!
//! Values that the wire has no room for cannot be given, with one exception: a time of day of 2^48 ns
//! or more. It is the caller's error, and every message's method panics on it; so it does on a message
//! after [`Encoder::finish`], which no reader would look at.

mod contents;

pub use contents::{DirectoryEntry, Imbalance, PriceDiscovery};

use engine::units::{MatchNumber, OrderRef, Side};

use super::fields::{Mpid, Price4, Price8, Stock};
use super::messages::{
    AddAttributedOrder, AddOrder, AuctionCollar, BrokenTrade, CircuitBreakerLevels,
    CircuitBreakerStatus, CrossTrade, DirectListing, Head, IpoQuotingPeriod,
    MarketParticipantPosition, NetOrderImbalance, OperationalHalt, OrderCancelled, OrderDeleted,
    OrderExecuted, OrderExecutedWithPrice, OrderReplaced, RetailInterest, ShortSaleRestriction,
    StockDirectory, SystemEvent, Trade, TradingAction,
};

/// What every message begins with, besides its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The day's number of the security; 0 where the message concerns none.
    pub locate: u16,
    /// Nasdaq's internal tracking number.
    pub tracking: u16,
    /// Nanoseconds since midnight in New York, below 2^48.
    pub time_of_day_ns: u64,
}

impl Header {
    /// The head of a message of this type.
    #[inline]
    fn head(self, message_type: u8) -> Head {
        assert!(
            self.time_of_day_ns < 1 << 48,
            "time of day {} ns does not fit 48 bits",
            self.time_of_day_ns
        );
        let [_, _, timestamp @ ..] = self.time_of_day_ns.to_be_bytes();
        Head {
            message_type,
            locate: self.locate.to_be_bytes(),
            tracking: self.tracking.to_be_bytes(),
            timestamp,
        }
    }
}

/// `Y` or `N`.
const fn yes_or_no(yes: bool) -> u8 {
    if yes { b'Y' } else { b'N' }
}

/// Appends length-prefixed messages to a buffer of its own. See the module for when it panics.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    buffer: Vec<u8>,
    /// Where the last message starts, without its length.
    last: Option<usize>,
    messages: u64,
    finished: bool,
}

impl Encoder {
    /// An encoder with an empty buffer.
    #[must_use]
    pub const fn new() -> Encoder {
        Encoder { buffer: Vec::new(), last: None, messages: 0, finished: false }
    }

    /// An encoder whose buffer has room for `capacity_bytes`.
    #[must_use]
    pub fn with_capacity(capacity_bytes: usize) -> Encoder {
        Encoder { buffer: Vec::with_capacity(capacity_bytes), ..Encoder::new() }
    }

    /// All that was written since the start or [`Encoder::clear`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The buffer, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.buffer
    }

    /// How many messages [`Encoder::bytes`] holds, the end mark not among them.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// The last message without its length; `None` if there is none.
    #[must_use]
    pub fn last_message(&self) -> Option<&[u8]> {
        let end = self.buffer.len() - if self.finished { END_MARK.len() } else { 0 };
        self.buffer.get(self.last?..end)
    }

    /// Empties the buffer, keeping its room, and begins anew.
    pub fn clear(&mut self) {
        self.buffer.clear();
        *self = Encoder { buffer: core::mem::take(&mut self.buffer), ..Encoder::new() };
    }

    /// Writes the zero length that ends a BinaryFILE. Once finished, finishing again writes nothing.
    pub fn finish(&mut self) {
        if !self.finished {
            self.buffer.extend_from_slice(&END_MARK);
            self.finished = true;
        }
    }

    /// Writes any bytes as a message, so that a test can give a reader what no exchange would.
    ///
    /// # Panics
    /// `message` is empty, which would be an end mark, has more than 65,535 bytes, which no length
    /// can say, or comes after [`Encoder::finish`].
    pub fn raw(&mut self, message: &[u8]) {
        assert!(!message.is_empty(), "an empty message would be read as an end mark");
        assert!(!self.finished, "a message after the end mark would not be read");
        let Ok(length) = u16::try_from(message.len()) else {
            panic!("a message of {} bytes is too long for its length field", message.len());
        };
        self.buffer.reserve(size_of::<u16>() + message.len());
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.last = Some(self.buffer.len());
        self.buffer.extend_from_slice(message);
        self.messages += 1;
    }

    /// Writes a message given as its view.
    #[inline]
    fn append<M: bytemuck::Pod>(&mut self, message: &M) {
        self.raw(bytemuck::bytes_of(message));
    }

    /// Writes `S`.
    pub fn system_event(&mut self, header: Header, event: u8) {
        self.append(&SystemEvent { head: header.head(SystemEvent::TYPE), event });
    }

    /// Writes `R`.
    pub fn stock_directory(&mut self, header: Header, entry: &DirectoryEntry) {
        self.append(&StockDirectory {
            head: header.head(StockDirectory::TYPE),
            stock: entry.stock.0,
            market_category: entry.market_category,
            financial_status: entry.financial_status,
            round_lot: entry.round_lot.to_be_bytes(),
            round_lots_only: yes_or_no(entry.round_lots_only),
            issue_classification: entry.issue_classification,
            issue_sub_type: entry.issue_sub_type,
            authenticity: entry.authenticity,
            short_sale_threshold: entry.short_sale_threshold,
            ipo: entry.ipo,
            luld_tier: entry.luld_tier,
            etp: entry.etp,
            etp_leverage: entry.etp_leverage.to_be_bytes(),
            inverse: yes_or_no(entry.inverse),
        });
    }

    /// Writes `H`, its reserved byte a space.
    pub fn trading_action(&mut self, header: Header, stock: Stock, state: u8, reason: [u8; 4]) {
        self.append(&TradingAction {
            head: header.head(TradingAction::TYPE),
            stock: stock.0,
            state,
            reserved: b' ',
            reason,
        });
    }

    /// Writes `Y`.
    pub fn short_sale_restriction(&mut self, header: Header, stock: Stock, action: u8) {
        self.append(&ShortSaleRestriction {
            head: header.head(ShortSaleRestriction::TYPE),
            stock: stock.0,
            action,
        });
    }

    /// Writes `L`.
    pub fn market_participant_position(
        &mut self,
        header: Header,
        mpid: Mpid,
        stock: Stock,
        primary_market_maker: bool,
        mode: u8,
        state: u8,
    ) {
        self.append(&MarketParticipantPosition {
            head: header.head(MarketParticipantPosition::TYPE),
            mpid: mpid.0,
            stock: stock.0,
            primary_market_maker: yes_or_no(primary_market_maker),
            mode,
            state,
        });
    }

    /// Writes `V`: levels 1, 2 and 3.
    pub fn circuit_breaker_levels(&mut self, header: Header, levels: [Price8; 3]) {
        let [level_1, level_2, level_3] = levels.map(|level| level.0.to_be_bytes());
        self.append(&CircuitBreakerLevels {
            head: header.head(CircuitBreakerLevels::TYPE),
            level_1,
            level_2,
            level_3,
        });
    }

    /// Writes `W`.
    pub fn circuit_breaker_status(&mut self, header: Header, level: u8) {
        self.append(&CircuitBreakerStatus { head: header.head(CircuitBreakerStatus::TYPE), level });
    }

    /// Writes `K`; the release time is in seconds since midnight in New York.
    pub fn ipo_quoting_period(
        &mut self,
        header: Header,
        stock: Stock,
        release_time_s: u32,
        qualifier: u8,
        price: Price4,
    ) {
        self.append(&IpoQuotingPeriod {
            head: header.head(IpoQuotingPeriod::TYPE),
            stock: stock.0,
            release_time_s: release_time_s.to_be_bytes(),
            qualifier,
            price: price.0.to_be_bytes(),
        });
    }

    /// Writes `J`.
    pub fn auction_collar(
        &mut self,
        header: Header,
        stock: Stock,
        reference: Price4,
        upper: Price4,
        lower: Price4,
        extension: u32,
    ) {
        self.append(&AuctionCollar {
            head: header.head(AuctionCollar::TYPE),
            stock: stock.0,
            reference: reference.0.to_be_bytes(),
            upper: upper.0.to_be_bytes(),
            lower: lower.0.to_be_bytes(),
            extension: extension.to_be_bytes(),
        });
    }

    /// Writes `h`.
    pub fn operational_halt(&mut self, header: Header, stock: Stock, market: u8, action: u8) {
        self.append(&OperationalHalt {
            head: header.head(OperationalHalt::TYPE),
            stock: stock.0,
            market,
            action,
        });
    }

    /// Writes `A`, or `F` where there is an attribution.
    #[expect(clippy::too_many_arguments, reason = "the message's own fields, no two of one type")]
    pub fn add_order(
        &mut self,
        header: Header,
        order: OrderRef,
        side: Side,
        shares: u32,
        stock: Stock,
        price: Price4,
        attribution: Option<Mpid>,
    ) {
        let order = order.0.to_be_bytes();
        let (side, shares) = (side.byte(), shares.to_be_bytes());
        let (stock, price) = (stock.0, price.0.to_be_bytes());
        match attribution {
            None => {
                let head = header.head(AddOrder::TYPE);
                self.append(&AddOrder { head, order, side, shares, stock, price });
            }
            Some(Mpid(attribution)) => {
                let head = header.head(AddAttributedOrder::TYPE);
                self.append(&AddAttributedOrder {
                    head,
                    order,
                    side,
                    shares,
                    stock,
                    price,
                    attribution,
                });
            }
        }
    }

    /// Writes `E`.
    pub fn order_executed(
        &mut self,
        header: Header,
        order: OrderRef,
        shares: u32,
        match_number: MatchNumber,
    ) {
        self.append(&OrderExecuted {
            head: header.head(OrderExecuted::TYPE),
            order: order.0.to_be_bytes(),
            shares: shares.to_be_bytes(),
            match_number: match_number.0.to_be_bytes(),
        });
    }

    /// Writes `C`.
    pub fn order_executed_with_price(
        &mut self,
        header: Header,
        order: OrderRef,
        shares: u32,
        match_number: MatchNumber,
        printable: bool,
        price: Price4,
    ) {
        self.append(&OrderExecutedWithPrice {
            head: header.head(OrderExecutedWithPrice::TYPE),
            order: order.0.to_be_bytes(),
            shares: shares.to_be_bytes(),
            match_number: match_number.0.to_be_bytes(),
            printable: yes_or_no(printable),
            price: price.0.to_be_bytes(),
        });
    }

    /// Writes `X`; the shares are those taken off.
    pub fn order_cancelled(&mut self, header: Header, order: OrderRef, shares: u32) {
        self.append(&OrderCancelled {
            head: header.head(OrderCancelled::TYPE),
            order: order.0.to_be_bytes(),
            shares: shares.to_be_bytes(),
        });
    }

    /// Writes `D`.
    pub fn order_deleted(&mut self, header: Header, order: OrderRef) {
        self.append(&OrderDeleted {
            head: header.head(OrderDeleted::TYPE),
            order: order.0.to_be_bytes(),
        });
    }

    /// Writes `U`.
    pub fn order_replaced(
        &mut self,
        header: Header,
        original_order: OrderRef,
        new_order: OrderRef,
        shares: u32,
        price: Price4,
    ) {
        self.append(&OrderReplaced {
            head: header.head(OrderReplaced::TYPE),
            original_order: original_order.0.to_be_bytes(),
            new_order: new_order.0.to_be_bytes(),
            shares: shares.to_be_bytes(),
            price: price.0.to_be_bytes(),
        });
    }

    /// Writes `P`. Nasdaq gives order 0 and side `B`, whatever they were.
    #[expect(clippy::too_many_arguments, reason = "the message's own fields, no two of one type")]
    pub fn trade(
        &mut self,
        header: Header,
        order: OrderRef,
        side: Side,
        shares: u32,
        stock: Stock,
        price: Price4,
        match_number: MatchNumber,
    ) {
        self.append(&Trade {
            head: header.head(Trade::TYPE),
            order: order.0.to_be_bytes(),
            side: side.byte(),
            shares: shares.to_be_bytes(),
            stock: stock.0,
            price: price.0.to_be_bytes(),
            match_number: match_number.0.to_be_bytes(),
        });
    }

    /// Writes `Q`.
    pub fn cross_trade(
        &mut self,
        header: Header,
        shares: u64,
        stock: Stock,
        price: Price4,
        match_number: MatchNumber,
        cross_type: u8,
    ) {
        self.append(&CrossTrade {
            head: header.head(CrossTrade::TYPE),
            shares: shares.to_be_bytes(),
            stock: stock.0,
            price: price.0.to_be_bytes(),
            match_number: match_number.0.to_be_bytes(),
            cross_type,
        });
    }

    /// Writes `B`.
    pub fn broken_trade(&mut self, header: Header, match_number: MatchNumber) {
        self.append(&BrokenTrade {
            head: header.head(BrokenTrade::TYPE),
            match_number: match_number.0.to_be_bytes(),
        });
    }

    /// Writes `I`.
    pub fn net_order_imbalance(&mut self, header: Header, imbalance: &Imbalance) {
        self.append(&NetOrderImbalance {
            head: header.head(NetOrderImbalance::TYPE),
            paired: imbalance.paired.to_be_bytes(),
            imbalance: imbalance.imbalance.to_be_bytes(),
            direction: imbalance.direction,
            stock: imbalance.stock.0,
            far: imbalance.far.0.to_be_bytes(),
            near: imbalance.near.0.to_be_bytes(),
            reference: imbalance.reference.0.to_be_bytes(),
            cross_type: imbalance.cross_type,
            variation: imbalance.variation,
        });
    }

    /// Writes `N`.
    pub fn retail_interest(&mut self, header: Header, stock: Stock, interest: u8) {
        self.append(&RetailInterest {
            head: header.head(RetailInterest::TYPE),
            stock: stock.0,
            interest,
        });
    }

    /// Writes `O`.
    pub fn direct_listing(&mut self, header: Header, discovery: &PriceDiscovery) {
        self.append(&DirectListing {
            head: header.head(DirectListing::TYPE),
            stock: discovery.stock.0,
            open_eligibility: yes_or_no(discovery.open_eligible),
            minimum: discovery.minimum.0.to_be_bytes(),
            maximum: discovery.maximum.0.to_be_bytes(),
            near: discovery.near.0.to_be_bytes(),
            near_time_ns: discovery.near_time_ns.to_be_bytes(),
            lower_collar: discovery.lower_collar.0.to_be_bytes(),
            upper_collar: discovery.upper_collar.0.to_be_bytes(),
        });
    }
}

/// The zero length that ends a BinaryFILE.
const END_MARK: [u8; 2] = [0; 2];

#[cfg(test)]
mod tests;
