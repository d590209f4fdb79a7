//! The messages that name no order: directory, trading state, auctions, crosses, breaks.
//!
//! Together they are under one message in a hundred of a trading day, so each is read through its
//! view, one branch a type.

use engine::event::{Event, Kind, pack_u32s};
use engine::units::Nanos;

use crate::itch50::messages::{Message, StockDirectory};

/// Fills kind and words of `event` from a message that names no order; head and time are filled
/// already. The order messages leave it as it is.
pub(super) fn fill(event: &mut Event, message: &Message<'_>, midnight: Nanos) {
    let (kind, words) = match message {
        Message::SystemEvent(m) => (Kind::SystemEvent, [byte(m.event()), 0, 0, 0]),
        Message::StockDirectory(m) => (Kind::Directory, directory(m)),
        Message::TradingAction(m) => (
            Kind::TradingAction,
            [
                byte(m.state()),
                u64::from(u32::from_be_bytes(m.reason())),
                0,
                0,
            ],
        ),
        Message::ShortSaleRestriction(m) => (Kind::ShortSale, [byte(m.action()), 0, 0, 0]),
        Message::MarketParticipantPosition(m) => (
            Kind::MarketMaker,
            [
                u64::from(u32::from_be_bytes(m.mpid().0)),
                bytes(&[m.primary_market_maker(), m.mode(), m.state()]),
                0,
                0,
            ],
        ),
        Message::CircuitBreakerLevels(m) => (
            Kind::CircuitBreakerLevels,
            [
                m.level_1().0 as u64,
                m.level_2().0 as u64,
                m.level_3().0 as u64,
                0,
            ],
        ),
        Message::CircuitBreakerStatus(m) => {
            (Kind::CircuitBreakerStatus, [byte(m.level()), 0, 0, 0])
        }
        Message::IpoQuotingPeriod(m) => {
            let release_ns = i64::from(m.release_time_s()) * Nanos::SECOND;
            let release = midnight.0.saturating_add(release_ns) as u64;
            (
                Kind::IpoQuotation,
                [release, byte(m.qualifier()), m.price().0 as u64, 0],
            )
        }
        Message::AuctionCollar(m) => (
            Kind::AuctionCollar,
            [
                m.reference().0 as u64,
                m.upper().0 as u64,
                m.lower().0 as u64,
                u64::from(m.extension()),
            ],
        ),
        Message::OperationalHalt(m) => (
            Kind::OperationalHalt,
            [byte(m.market()), byte(m.action()), 0, 0],
        ),
        Message::CrossTrade(m) => (
            Kind::Cross,
            [
                byte(m.cross_type()),
                m.match_number().0,
                m.shares().0,
                m.price().0 as u64,
            ],
        ),
        Message::BrokenTrade(m) => (Kind::Break, [0, m.match_number().0, 0, 0]),
        Message::NetOrderImbalance(m) => (
            Kind::Auction,
            [
                m.paired().0,
                m.imbalance().0,
                pack_u32s(m.far().to_e4_saturating(), m.near().to_e4_saturating()),
                pack_u32s(
                    m.reference().to_e4_saturating(),
                    u32::from_be_bytes([m.direction(), m.cross_type(), m.variation(), 0]),
                ),
            ],
        ),
        Message::RetailInterest(m) => (Kind::RetailInterest, [byte(m.interest()), 0, 0, 0]),
        Message::DirectListing(m) => (
            Kind::DirectListing,
            [
                pack_u32s(
                    m.minimum().to_e4_saturating(),
                    m.maximum().to_e4_saturating(),
                ),
                pack_u32s(
                    m.lower_collar().to_e4_saturating(),
                    m.upper_collar().to_e4_saturating(),
                ),
                pack_u32s(m.near().to_e4_saturating(), u32::from(m.open_eligibility())),
                midnight.0.saturating_add_unsigned(m.near_time_ns()) as u64,
            ],
        ),
        Message::AddOrder(_)
        | Message::AddAttributedOrder(_)
        | Message::OrderExecuted(_)
        | Message::OrderExecutedWithPrice(_)
        | Message::OrderCancelled(_)
        | Message::OrderDeleted(_)
        | Message::OrderReplaced(_)
        | Message::Trade(_) => return,
    };
    event.kind = kind as u8;
    event.words = words;
}

/// Name, round lot, seven codes, then IPO flag, tier, ETP flag, inverse flag and leverage.
fn directory(m: &StockDirectory) -> [u64; 4] {
    let [sub_type_0, sub_type_1] = m.issue_sub_type();
    [
        u64::from_be_bytes(m.stock().0),
        m.round_lot().0,
        bytes(&[
            m.market_category(),
            m.financial_status(),
            m.round_lots_only(),
            m.issue_classification(),
            sub_type_0,
            sub_type_1,
            m.authenticity(),
            m.short_sale_threshold(),
        ]),
        pack_u32s(
            u32::from_be_bytes([m.ipo(), m.luld_tier(), m.etp(), m.inverse()]),
            m.etp_leverage(),
        ),
    ]
}

fn byte(code: u8) -> u64 {
    u64::from(code)
}

/// Up to eight codes, the first in the highest of the bytes used.
fn bytes(codes: &[u8]) -> u64 {
    codes
        .iter()
        .fold(0, |word, &code| word << 8 | u64::from(code))
}
