//! Our parser against the values that were encoded.

use engine::packet::Packet;
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Price, Qty, Sequence};
use feed_handlers::itch50::Message;

use crate::session::Session;

fn yes(yes: bool) -> u8 {
    if yes { b'Y' } else { b'N' }
}

fn qty(shares: u32) -> Qty {
    Qty(u64::from(shares))
}

/// Asserts that each message of `framed` reads as the session's values; gives the types read.
pub(crate) fn assert_reads(session: &Session, framed: &[u8]) -> String {
    let packet =
        Packet { feed: FeedId(0), sequence: Sequence(1), recv: Nanos(0), messages: framed };
    packet
        .iter()
        .map(|bytes| {
            let message = Message::parse(bytes).expect("it was encoded");
            let head = message.head();
            assert_eq!(head.locate(), session.header.locate);
            assert_eq!(head.tracking(), session.header.tracking);
            assert_eq!(head.time_of_day_ns(), session.header.time_of_day_ns);
            assert_reads_one(session, message);
            char::from(head.message_type())
        })
        .collect()
}

fn assert_reads_one(session: &Session, message: Message<'_>) {
    let order = OrderRef(session.long[0]);
    let number = MatchNumber(session.long[2]);
    let shares = qty(session.short[0]);
    let price = Price::from_e4(session.short[1]);
    let stock = session.stock;
    match message {
        Message::SystemEvent(m) => assert_eq!(m.event(), session.event()),
        Message::StockDirectory(m) => {
            let entry = session.directory_entry();
            assert_eq!(m.stock(), entry.stock);
            assert_eq!(m.market_category(), entry.market_category);
            assert_eq!(m.financial_status(), entry.financial_status);
            assert_eq!(m.round_lot(), qty(entry.round_lot));
            assert_eq!(m.round_lots_only(), yes(entry.round_lots_only));
            assert_eq!(m.issue_classification(), entry.issue_classification);
            assert_eq!(m.issue_sub_type(), entry.issue_sub_type);
            assert_eq!(m.authenticity(), entry.authenticity);
            assert_eq!(m.short_sale_threshold(), entry.short_sale_threshold);
            assert_eq!(m.ipo(), entry.ipo);
            assert_eq!(m.luld_tier(), entry.luld_tier);
            assert_eq!(m.etp(), entry.etp);
            assert_eq!(m.etp_leverage(), entry.etp_leverage);
            assert_eq!(m.inverse(), yes(entry.inverse));
        }
        Message::TradingAction(m) => {
            assert_eq!((m.stock(), m.state()), (stock, session.trading_state()));
            assert_eq!((m.reserved(), m.reason()), (b' ', session.mpid.0));
        }
        Message::ShortSaleRestriction(m) => {
            assert_eq!((m.stock(), m.action()), (stock, session.short_sale_action()));
        }
        Message::MarketParticipantPosition(m) => {
            assert_eq!((m.mpid(), m.stock()), (session.mpid, stock));
            assert_eq!(m.primary_market_maker(), yes(session.yes[0]));
            assert_eq!(m.mode(), session.maker_mode());
            assert_eq!(m.state(), session.participant_state());
        }
        Message::CircuitBreakerLevels(m) => {
            let levels = session.levels.map(|level| Price(level as i64 * 10));
            assert_eq!([m.level_1(), m.level_2(), m.level_3()], levels);
        }
        Message::CircuitBreakerStatus(m) => assert_eq!(m.level(), session.breached_level()),
        Message::IpoQuotingPeriod(m) => {
            assert_eq!((m.stock(), m.release_time_s()), (stock, session.short[0]));
            assert_eq!((m.qualifier(), m.price()), (session.qualifier(), price));
        }
        Message::AuctionCollar(m) => {
            assert_eq!((m.stock(), m.reference()), (stock, price));
            assert_eq!(m.upper(), Price::from_e4(session.short[2]));
            assert_eq!(m.lower(), Price::from_e4(session.short[3]));
            assert_eq!(m.extension(), session.short[0]);
        }
        Message::OperationalHalt(m) => {
            assert_eq!(m.stock(), stock);
            assert_eq!((m.market(), m.action()), (session.market(), session.halt_action()));
        }
        Message::AddOrder(m) => {
            assert_eq!((m.order(), m.side()), (order, Some(session.side)));
            assert_eq!((m.shares(), m.stock(), m.price()), (shares, stock, price));
        }
        Message::AddAttributedOrder(m) => {
            assert_eq!((m.order(), m.side()), (order, Some(session.side)));
            assert_eq!((m.shares(), m.stock(), m.price()), (shares, stock, price));
            assert_eq!(m.attribution(), session.mpid);
        }
        Message::OrderExecuted(m) => {
            assert_eq!((m.order(), m.shares(), m.match_number()), (order, shares, number));
        }
        Message::OrderExecutedWithPrice(m) => {
            assert_eq!((m.order(), m.shares(), m.match_number()), (order, shares, number));
            assert_eq!((m.is_printable(), m.price()), (session.yes[0], price));
        }
        Message::OrderCancelled(m) => assert_eq!((m.order(), m.shares()), (order, shares)),
        Message::OrderDeleted(m) => assert_eq!(m.order(), order),
        Message::OrderReplaced(m) => {
            assert_eq!(m.original_order(), order);
            assert_eq!(m.new_order(), OrderRef(session.long[1]));
            assert_eq!((m.shares(), m.price()), (shares, price));
        }
        Message::Trade(m) => {
            assert_eq!((m.order(), m.side()), (order, Some(session.side)));
            assert_eq!((m.shares(), m.stock(), m.price()), (shares, stock, price));
            assert_eq!(m.match_number(), number);
        }
        Message::CrossTrade(m) => {
            assert_eq!((m.shares(), m.stock()), (Qty(session.long[0]), stock));
            assert_eq!((m.price(), m.match_number()), (price, number));
            assert_eq!(m.cross_type(), session.print_cross_type());
        }
        Message::BrokenTrade(m) => assert_eq!(m.match_number(), number),
        Message::NetOrderImbalance(m) => {
            let noii = session.imbalance();
            assert_eq!((m.paired(), m.imbalance()), (Qty(noii.paired), Qty(noii.imbalance)));
            assert_eq!((m.direction(), m.stock()), (noii.direction, noii.stock));
            let prices = [noii.far, noii.near, noii.reference].map(Price::from);
            assert_eq!([m.far(), m.near(), m.reference()], prices);
            assert_eq!((m.cross_type(), m.variation()), (noii.cross_type, noii.variation));
        }
        Message::RetailInterest(m) => {
            assert_eq!((m.stock(), m.interest()), (stock, session.interest()));
        }
        Message::DirectListing(m) => {
            let listing = session.discovery();
            assert_eq!(m.stock(), listing.stock);
            assert_eq!(m.open_eligibility(), yes(listing.open_eligible));
            assert_eq!(m.minimum(), Price::from(listing.minimum));
            assert_eq!(m.maximum(), Price::from(listing.maximum));
            assert_eq!(m.near(), Price::from(listing.near));
            assert_eq!(m.near_time_ns(), listing.near_time_ns);
            assert_eq!(m.lower_collar(), Price::from(listing.lower_collar));
            assert_eq!(m.upper_collar(), Price::from(listing.upper_collar));
        }
    }
}
