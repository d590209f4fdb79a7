//! Our parser against the published crate `itch5`, on any well-framed messages.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::ops::ControlFlow;

use engine::packet::Packet;
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Price, Qty, Sequence};
use feed_handlers::itch50::{Message, Stock};
use itch5::messages as theirs;

/// Asserts that both parsers read the same from each message of `framed`; gives how many `itch5` read
/// of each type.
///
/// # Panics
/// At the first message that they do not read alike.
#[must_use]
pub fn assert_agrees(framed: &[u8]) -> BTreeMap<char, u64> {
    let packet =
        Packet { feed: FeedId(0), sequence: Sequence(1), recv: Nanos(0), messages: framed };
    let mut comparison = Comparison { ours: Box::new(packet.iter()), counts: BTreeMap::new() };
    itch5::Parser::new(framed).parse_stream(&mut comparison).expect("itch5 reads all");
    assert!(comparison.ours.next().is_none(), "itch5 ended early");
    comparison.counts
}

/// Takes our next message for each that `itch5` reports.
struct Comparison<'a> {
    ours: Box<dyn Iterator<Item = &'a [u8]> + 'a>,
    counts: BTreeMap<char, u64>,
}

fn stock(symbol: &theirs::Symbol) -> Stock {
    Stock(symbol.to_u64().to_be_bytes())
}

fn price4(price: &theirs::Price4) -> Price {
    Price::from_e4(price.into_u32())
}

fn price8(price: &theirs::Price8) -> Price {
    Price::from_e8_saturating(price.into_u64())
}

fn qty(shares: u32) -> Qty {
    Qty(u64::from(shares))
}

/// Whether the code that they read is the one that our byte stands for. Their codes cannot be
/// compared, but their variants can, and each byte a test uses has a variant of its own.
fn same<T>(theirs: T, ours: T) -> bool {
    discriminant(&theirs) == discriminant(&ours)
}

/// One method of their visitor: binds both views of a message and compares first what all begin with.
macro_rules! compare {
    ($($method:ident($name:ident), $locate:ident, $variant:ident: |$m:ident, $t:ident| $body:block)*) => {
        $(fn $method(&mut self, $t: &theirs::$name) -> ControlFlow<()> {
            let bytes = self.ours.next().expect("we have as many messages");
            let message = Message::parse(bytes).expect("we read what itch5 reads");
            let Message::$variant($m) = message else {
                panic!("{message:?} is no {}", stringify!($variant));
            };
            assert_eq!($m.head().locate(), $t.$locate());
            assert_eq!($m.head().tracking(), $t.tracking_number());
            assert_eq!($m.head().time_of_day_ns(), $t.timestamp().to_u64());
            $body
            // The view's type is that of the method which itch5 called.
            *self.counts.entry(char::from($m.head().message_type())).or_default() += 1;
            ControlFlow::Continue(())
        })*
    };
}

impl itch5::MessageHandler for Comparison<'_> {
    compare! {
        on_system_event(SystemEvent), stock_locate, SystemEvent: |m, t| {
            assert!(same(t.event_code(), theirs::SystemEventCode::from_byte(m.event())));
        }
        on_stock_directory(StockDirectory), stock_locate, StockDirectory: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(
                t.market_category(),
                theirs::MarketCategory::from_byte(m.market_category())
            ));
            assert!(same(
                t.financial_status_indicator(),
                theirs::FinancialStatusIndicator::from_byte(m.financial_status())
            ));
            assert_eq!(m.round_lot(), qty(t.round_lot_size()));
            assert!(same(
                t.round_lots_only(),
                theirs::RoundLotsOnly::from_byte(m.round_lots_only())
            ));
            assert!(same(
                t.issue_classification(),
                theirs::IssueClassificationCode::from_byte(m.issue_classification())
            ));
            assert!(same(
                t.issue_sub_type(),
                theirs::IssueSubTypeCode::from_bytes(m.issue_sub_type())
            ));
            assert!(same(t.authenticity(), theirs::Authenticity::from_byte(m.authenticity())));
            assert!(same(
                t.short_sale_threshold_indicator(),
                theirs::ShortSaleThresholdIndicator::from_byte(m.short_sale_threshold())
            ));
            assert!(same(t.ipo_flag(), theirs::IpoFlag::from_byte(m.ipo())));
            assert!(same(
                t.luld_reference_price_tier(),
                theirs::LuldReferencePriceTier::from_byte(m.luld_tier())
            ));
            assert!(same(t.etp_flag(), theirs::EtpFlag::from_byte(m.etp())));
            assert_eq!(m.etp_leverage(), t.etp_leverage_factor());
            assert!(same(t.inverse_indicator(), theirs::InverseIndicator::from_byte(m.inverse())));
        }
        on_stock_trading_action(StockTradingAction), stock_locate, TradingAction: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(t.trading_state(), theirs::TradingState::from_byte(m.state())));
            assert_eq!(m.reserved(), t.reserved());
            use theirs::{TradingActionReason, TradingHaltReason, TradingResumptionReason};
            let reason = m.reason();
            assert_eq!(t.reason(), match m.state() {
                b'H' => TradingActionReason::Halted(TradingHaltReason::from_bytes(&reason)),
                b'P' => TradingActionReason::Paused(TradingHaltReason::from_bytes(&reason)),
                b'Q' => TradingActionReason::QuotationOnly(
                    TradingResumptionReason::from_bytes(&reason)
                ),
                b'T' => TradingActionReason::Trading(
                    TradingResumptionReason::from_bytes(&reason)
                ),
                state => TradingActionReason::Unknown { state, reason_bytes: reason },
            });
        }
        on_reg_sho_restriction(RegSHORestriction), locate_code, ShortSaleRestriction: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(t.reg_sho_action(), theirs::RegShoAction::from_byte(m.action())));
        }
        on_market_participant_position(MarketParticipantPosition), stock_locate,
        MarketParticipantPosition: |m, t| {
            assert_eq!(m.mpid().0, t.mpid());
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(
                t.primary_market_maker(),
                theirs::PrimaryMarketMaker::from_byte(m.primary_market_maker())
            ));
            assert!(same(t.market_maker_mode(), theirs::MarketMakerMode::from_byte(m.mode())));
            assert!(same(
                t.market_participant_state(),
                theirs::MarketParticipantState::from_byte(m.state())
            ));
        }
        on_mwcb_decline_level(MWCBDeclineLevel), stock_locate, CircuitBreakerLevels: |m, t| {
            let levels = [price8(t.level_1()), price8(t.level_2()), price8(t.level_3())];
            assert_eq!([m.level_1(), m.level_2(), m.level_3()], levels);
        }
        on_mwcb_status(MWCBStatus), stock_locate, CircuitBreakerStatus: |m, t| {
            assert!(same(t.breached_level(), theirs::BreachedLevel::from_byte(m.level())));
        }
        on_quoting_period_update(QuotingPeriodUpdate), stock_locate, IpoQuotingPeriod: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert_eq!(m.release_time_s(), t.ipo_quotation_release_time());
            assert!(same(
                t.ipo_quotation_release_qualifier(),
                theirs::IpoQuotationReleaseQualifier::from_byte(m.qualifier())
            ));
            assert_eq!(m.price(), price4(t.ipo_price()));
        }
        on_luld_auction_collar(LULDAuctionCollar), stock_locate, AuctionCollar: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert_eq!(m.reference(), price4(t.auction_collar_reference_price()));
            assert_eq!(m.upper(), price4(t.upper_auction_collar_price()));
            assert_eq!(m.lower(), price4(t.lower_auction_collar_price()));
            assert_eq!(m.extension(), t.auction_collar_extension().into_u32());
        }
        on_operational_halt(OperationalHalt), stock_locate, OperationalHalt: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(t.market_code(), theirs::MarketCode::from_byte(m.market())));
            assert!(same(
                t.operational_halt_action(),
                theirs::OperationalHaltAction::from_byte(m.action())
            ));
        }
        on_add_order_no_mpid_attribution(AddOrderNoMPIDAttribution), stock_locate, AddOrder:
        |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
            assert!(same(
                t.buy_sell_indicator(),
                theirs::BuySellIndicator::from_byte(m.side_byte())
            ));
            assert_eq!(m.shares(), qty(t.shares()));
            assert_eq!((m.stock(), m.price()), (stock(t.stock()), price4(t.price())));
        }
        on_add_order_with_mpid_attribution(AddOrderWithMPIDAttribution), stock_locate,
        AddAttributedOrder: |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
            assert!(same(
                t.buy_sell_indicator(),
                theirs::BuySellIndicator::from_byte(m.side_byte())
            ));
            assert_eq!(m.shares(), qty(t.shares()));
            assert_eq!((m.stock(), m.price()), (stock(t.stock()), price4(t.price())));
            assert_eq!(m.attribution().0, t.attribution());
        }
        on_order_executed(OrderExecuted), stock_locate, OrderExecuted: |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
            assert_eq!(m.shares(), qty(t.executed_shares()));
            assert_eq!(m.match_number(), MatchNumber(t.match_number()));
        }
        on_order_executed_with_price(OrderExecutedWithPrice), stock_locate,
        OrderExecutedWithPrice: |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
            assert_eq!(m.shares(), qty(t.executed_shares()));
            assert_eq!(m.match_number(), MatchNumber(t.match_number()));
            assert!(same(t.printable(), theirs::Printable::from_byte(m.printable())));
            assert_eq!(m.price(), price4(t.execution_price()));
        }
        on_order_cancel(OrderCancel), stock_locate, OrderCancelled: |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
            assert_eq!(m.shares(), qty(t.cancelled_shares()));
        }
        on_order_delete(OrderDelete), stock_locate, OrderDeleted: |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
        }
        on_order_replace(OrderReplace), stock_locate, OrderReplaced: |m, t| {
            assert_eq!(m.original_order(), OrderRef(t.original_order_reference_number()));
            assert_eq!(m.new_order(), OrderRef(t.new_order_reference_number()));
            assert_eq!((m.shares(), m.price()), (qty(t.shares()), price4(t.price())));
        }
        on_trade(Trade), stock_locate, Trade: |m, t| {
            assert_eq!(m.order(), OrderRef(t.order_reference_number()));
            assert!(same(
                t.buy_sell_indicator(),
                theirs::BuySellIndicator::from_byte(m.side_byte())
            ));
            assert_eq!(m.shares(), qty(t.shares()));
            assert_eq!((m.stock(), m.price()), (stock(t.stock()), price4(t.price())));
            assert_eq!(m.match_number(), MatchNumber(t.match_number()));
        }
        on_cross_trade(CrossTrade), stock_locate, CrossTrade: |m, t| {
            assert_eq!((m.shares(), m.stock()), (Qty(t.shares()), stock(t.stock())));
            assert_eq!(m.price(), price4(t.cross_price()));
            assert_eq!(m.match_number(), MatchNumber(t.match_number()));
            assert!(same(t.cross_type(), theirs::CrossType::from_byte(m.cross_type())));
        }
        on_broken_trade(BrokenTrade), stock_locate, BrokenTrade: |m, t| {
            assert_eq!(m.match_number(), MatchNumber(t.match_number()));
        }
        on_net_order_imbalance_indicator(NetOrderImbalanceIndicator), stock_locate,
        NetOrderImbalance: |m, t| {
            assert_eq!(m.paired(), Qty(t.paired_shares()));
            assert_eq!(m.imbalance(), Qty(t.imbalance_shares()));
            assert!(same(
                t.imbalance_direction(),
                theirs::ImbalanceDirection::from_byte(m.direction())
            ));
            assert_eq!(m.stock(), stock(t.stock()));
            assert_eq!(m.far(), price4(t.far_price()));
            assert_eq!(m.near(), price4(t.near_price()));
            assert_eq!(m.reference(), price4(t.current_reference_price()));
            assert!(same(t.cross_type(), theirs::CrossType::from_byte(m.cross_type())));
            assert!(same(
                t.price_variation_indicator(),
                theirs::PriceVariationIndicator::from_byte(m.variation())
            ));
        }
        on_retail_price_improvement_indicator(RetailPriceImprovementIndicator), stock_locate,
        RetailInterest: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(t.interest_flag(), theirs::InterestFlag::from_byte(m.interest())));
        }
        on_direct_listing_with_capital_raise_price_discovery(
            DirectListingwithCapitalRaisePriceDiscovery
        ), stock_locate, DirectListing: |m, t| {
            assert_eq!(m.stock(), stock(t.stock()));
            assert!(same(
                t.open_eligibility_status(),
                theirs::OpenEligibilityStatus::from_byte(m.open_eligibility())
            ));
            assert_eq!(m.minimum(), price4(t.minimum_allowable_price()));
            assert_eq!(m.maximum(), price4(t.maximum_allowable_price()));
            assert_eq!(m.near(), price4(t.near_execution_price()));
            assert_eq!(m.near_time_ns(), t.near_execution_time());
            assert_eq!(m.lower_collar(), price4(t.lower_price_range_collar()));
            assert_eq!(m.upper_collar(), price4(t.upper_price_range_collar()));
        }
    }
}
