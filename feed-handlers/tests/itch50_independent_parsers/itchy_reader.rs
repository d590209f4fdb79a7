//! `itchy` against the values that were encoded. It knows every type but `h` and `O`.

use itchy::{
    Body, CrossType, EventCode, FinancialStatus, ImbalanceDirection, InterestFlag,
    IpoReleaseQualifier, IssueClassification, IssueSubType, LevelBreached, LuldRefPriceTier,
    MarketCategory, MarketMakerMode, MarketParticipantState, RegShoAction, TradingState,
};

use crate::session::Session;

/// Asserts that each message of `framed` reads as the session's values; gives the types read.
pub(crate) fn assert_reads(session: &Session, framed: &[u8]) -> String {
    itchy::MessageStream::from_reader(framed)
        .map(|message| {
            let message = message.expect("itchy reads what was encoded");
            assert_eq!(message.stock_locate, session.header.locate);
            assert_eq!(message.tracking_number, session.header.tracking);
            assert_eq!(message.timestamp, session.header.time_of_day_ns);
            assert_reads_body(session, message.tag, &message.body);
            char::from(message.tag)
        })
        .collect()
}

/// The text that eight or four bytes of a field are.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the session's text is ASCII")
}

/// `Y`, `N` or space as they read it.
fn flag(code: u8) -> Option<bool> {
    match code {
        b'Y' => Some(true),
        b'N' => Some(false),
        _ => None,
    }
}

fn side(session: &Session) -> itchy::Side {
    match session.side {
        engine::units::Side::Buy => itchy::Side::Buy,
        engine::units::Side::Sell => itchy::Side::Sell,
    }
}

/// The variant that stands beside `code`.
fn of<T: Copy>(code: u8, variants: &[(u8, T)]) -> T {
    variants
        .iter()
        .find_map(|&(byte, variant)| (byte == code).then_some(variant))
        .expect("every code of the session has a variant")
}

fn assert_reads_entry(session: &Session, read: &itchy::StockDirectory) {
    let entry = session.directory_entry();
    assert_eq!(&read.stock, text(&entry.stock.0));
    let markets = [
        (b'Q', MarketCategory::NasdaqGlobalSelect),
        (b'G', MarketCategory::NasdaqGlobalMarket),
        (b'S', MarketCategory::NasdaqCapitalMarket),
        (b'N', MarketCategory::Nyse),
        (b'A', MarketCategory::NyseMkt),
        (b'P', MarketCategory::NyseArca),
        (b'Z', MarketCategory::BatsZExchange),
        (b'V', MarketCategory::InvestorsExchange),
        (b' ', MarketCategory::Unavailable),
    ];
    assert_eq!(read.market_category, of(entry.market_category, &markets));
    let statuses = [
        (b'N', FinancialStatus::Normal),
        (b'D', FinancialStatus::Deficient),
        (b'E', FinancialStatus::Delinquent),
        (b'Q', FinancialStatus::Bankrupt),
        (b'S', FinancialStatus::Suspended),
        (b'G', FinancialStatus::DeficientBankrupt),
        (b'H', FinancialStatus::DeficientDelinquent),
        (b'J', FinancialStatus::DelinquentBankrupt),
        (b'K', FinancialStatus::DeficientDelinquentBankrupt),
        (b'C', FinancialStatus::EtpSuspended),
        (b' ', FinancialStatus::Unavailable),
    ];
    assert_eq!(read.financial_status, of(entry.financial_status, &statuses));
    assert_eq!(read.round_lot_size, entry.round_lot);
    assert_eq!(read.round_lots_only, entry.round_lots_only);
    let classes = [
        (b'A', IssueClassification::AmericanDepositaryShare),
        (b'B', IssueClassification::Bond),
        (b'C', IssueClassification::CommonStock),
        (b'F', IssueClassification::DepositoryReceipt),
        (b'I', IssueClassification::A144),
        (b'L', IssueClassification::LimitedPartnership),
        (b'N', IssueClassification::Notes),
        (b'O', IssueClassification::OrdinaryShare),
        (b'P', IssueClassification::PreferredStock),
        (b'Q', IssueClassification::OtherSecurities),
        (b'R', IssueClassification::Right),
        (b'S', IssueClassification::SharesOfBeneficialInterest),
        (b'T', IssueClassification::ConvertibleDebenture),
        (b'U', IssueClassification::Unit),
        (b'V', IssueClassification::UnitsPerBenifInt),
        (b'W', IssueClassification::Warrant),
    ];
    assert_eq!(
        read.issue_classification,
        of(entry.issue_classification, &classes)
    );
    let sub_types = [
        (b'A', IssueSubType::PreferredTrustSecurities),
        (b'C', IssueSubType::CommonShares),
        (b'E', IssueSubType::ETFPortfolioDepositaryReceipt),
        (b'M', IssueSubType::EquityBasedDerivative),
        (b'Q', IssueSubType::ClosedEndFunds),
        (b'S', IssueSubType::Seed),
        (b'T', IssueSubType::TrackingStock),
        (b'Z', IssueSubType::NotApplicable),
    ];
    assert_eq!(read.issue_subtype, of(entry.issue_sub_type[0], &sub_types));
    assert_eq!(read.authenticity, entry.authenticity == b'P');
    assert_eq!(read.short_sale_threshold, flag(entry.short_sale_threshold));
    assert_eq!(read.ipo_flag, flag(entry.ipo));
    let tiers = [
        (b'1', LuldRefPriceTier::Tier1),
        (b'2', LuldRefPriceTier::Tier2),
        (b' ', LuldRefPriceTier::Na),
    ];
    assert_eq!(read.luld_ref_price_tier, of(entry.luld_tier, &tiers));
    assert_eq!(read.etp_flag, flag(entry.etp));
    assert_eq!(read.etp_leverage_factor, entry.etp_leverage);
    assert_eq!(read.inverse_indicator, entry.inverse);
}

fn assert_reads_body(session: &Session, tag: u8, body: &Body) {
    let [first, second, third] = session.long;
    let [a, b, c, d, ..] = session.short;
    let symbol = text(&session.stock.0);
    match body {
        Body::StockDirectory(entry) => assert_reads_entry(session, entry),
        Body::SystemEvent { event } => {
            let events = [
                (b'O', EventCode::StartOfMessages),
                (b'S', EventCode::StartOfSystemHours),
                (b'Q', EventCode::StartOfMarketHours),
                (b'M', EventCode::EndOfMarketHours),
                (b'E', EventCode::EndOfSystemHours),
                (b'C', EventCode::EndOfMessages),
            ];
            assert_eq!(*event, of(session.event(), &events));
        }
        Body::TradingAction {
            stock,
            trading_state,
            reason,
        } => {
            let states = [
                (b'H', TradingState::Halted),
                (b'P', TradingState::Paused),
                (b'Q', TradingState::QuotationOnly),
                (b'T', TradingState::Trading),
            ];
            assert_eq!(
                (stock.as_str(), reason.as_str()),
                (symbol, text(&session.mpid.0))
            );
            assert_eq!(*trading_state, of(session.trading_state(), &states));
        }
        Body::RegShoRestriction { stock, action } => {
            let actions = [
                (b'0', RegShoAction::None),
                (b'1', RegShoAction::Intraday),
                (b'2', RegShoAction::Extant),
            ];
            assert_eq!(stock, symbol);
            assert_eq!(*action, of(session.short_sale_action(), &actions));
        }
        Body::ParticipantPosition(position) => {
            let modes = [
                (b'N', MarketMakerMode::Normal),
                (b'P', MarketMakerMode::Passive),
                (b'S', MarketMakerMode::Syndicate),
                (b'R', MarketMakerMode::Presyndicate),
                (b'L', MarketMakerMode::Penalty),
            ];
            let states = [
                (b'A', MarketParticipantState::Active),
                (b'E', MarketParticipantState::Excused),
                (b'W', MarketParticipantState::Withdrawn),
                (b'S', MarketParticipantState::Suspended),
                (b'D', MarketParticipantState::Deleted),
            ];
            assert_eq!(&position.mpid, text(&session.mpid.0));
            assert_eq!(&position.stock, symbol);
            assert_eq!(position.primary_market_maker, session.yes[0]);
            assert_eq!(position.market_maker_mode, of(session.maker_mode(), &modes));
            let state = of(session.participant_state(), &states);
            assert_eq!(position.market_participant_state, state);
        }
        Body::MwcbDeclineLevel {
            level1,
            level2,
            level3,
        } => {
            assert_eq!([level1.raw(), level2.raw(), level3.raw()], session.levels);
        }
        Body::Breach(level) => {
            let levels = [
                (b'1', LevelBreached::L1),
                (b'2', LevelBreached::L2),
                (b'3', LevelBreached::L3),
            ];
            assert_eq!(*level, of(session.breached_level(), &levels));
        }
        Body::IpoQuotingPeriod(period) => {
            let qualifiers = [
                (b'A', IpoReleaseQualifier::Anticipated),
                (b'C', IpoReleaseQualifier::Cancelled),
            ];
            assert_eq!((period.stock.as_str(), period.release_time), (symbol, a));
            assert_eq!(
                period.release_qualifier,
                of(session.qualifier(), &qualifiers)
            );
            assert_eq!(period.price.raw(), b);
        }
        Body::LULDAuctionCollar {
            stock,
            ref_price,
            upper_price,
            lower_price,
            extension,
        } => {
            assert_eq!((stock.as_str(), *extension), (symbol, a));
            assert_eq!(
                [ref_price.raw(), upper_price.raw(), lower_price.raw()],
                [b, c, d]
            );
        }
        Body::AddOrder(add) => {
            assert_eq!(
                (add.reference, add.side, add.shares),
                (first, side(session), a)
            );
            assert_eq!((add.stock.as_str(), add.price.raw()), (symbol, b));
            let attribution = (tag == b'F').then_some(text(&session.mpid.0));
            assert_eq!(add.mpid.as_deref(), attribution);
        }
        Body::OrderExecuted {
            reference,
            executed,
            match_number,
        } => {
            assert_eq!((*reference, *executed, *match_number), (first, a, third));
        }
        Body::OrderExecutedWithPrice {
            reference,
            executed,
            match_number,
            printable,
            price,
        } => {
            assert_eq!((*reference, *executed, *match_number), (first, a, third));
            assert_eq!((*printable, price.raw()), (session.yes[0], b));
        }
        Body::OrderCancelled {
            reference,
            cancelled,
        } => {
            assert_eq!((*reference, *cancelled), (first, a));
        }
        Body::DeleteOrder { reference } => assert_eq!(*reference, first),
        Body::ReplaceOrder(replace) => {
            assert_eq!(
                (replace.old_reference, replace.new_reference),
                (first, second)
            );
            assert_eq!((replace.shares, replace.price.raw()), (a, b));
        }
        Body::NonCrossTrade(trade) => {
            assert_eq!(
                (trade.reference, trade.side, trade.shares),
                (first, side(session), a)
            );
            assert_eq!((trade.stock.as_str(), trade.price.raw()), (symbol, b));
            assert_eq!(trade.match_number, third);
        }
        Body::CrossTrade(cross) => {
            assert_eq!((cross.shares, cross.stock.as_str()), (first, symbol));
            assert_eq!((cross.cross_price.raw(), cross.match_number), (b, third));
            assert_eq!(cross.cross_type, cross_type(session));
        }
        Body::BrokenTrade { match_number } => assert_eq!(*match_number, third),
        Body::Imbalance(noii) => {
            let directions = [
                (b'B', ImbalanceDirection::Buy),
                (b'S', ImbalanceDirection::Sell),
                (b'N', ImbalanceDirection::NoImbalance),
                (b'O', ImbalanceDirection::InsufficientOrders),
            ];
            assert_eq!((noii.paired_shares, noii.imbalance_shares), (first, second));
            assert_eq!(
                noii.imbalance_direction,
                of(session.direction(), &directions)
            );
            assert_eq!(&noii.stock, symbol);
            let prices = [noii.far_price, noii.near_price, noii.current_ref_price];
            assert_eq!(prices.map(itchy::Price4::raw), [a, b, c]);
            assert_eq!(noii.cross_type, cross_type(session));
            assert_eq!(
                noii.price_variation_indicator,
                char::from(session.variation())
            );
        }
        Body::RetailPriceImprovementIndicator(retail) => {
            let interests = [
                (b'B', InterestFlag::RPIAvailableBuySide),
                (b'S', InterestFlag::RPIAvailableSellSide),
                (b'A', InterestFlag::RPIAvailableBothSides),
                (b'N', InterestFlag::RPINoneAvailable),
            ];
            assert_eq!(&retail.stock, symbol);
            assert_eq!(retail.interest_flag, of(session.interest(), &interests));
        }
    }
}

fn cross_type(session: &Session) -> CrossType {
    let types = [
        (b'O', CrossType::Opening),
        (b'C', CrossType::Closing),
        (b'H', CrossType::IpoOrHalted),
        (b'A', CrossType::ExtendedTradingClose),
    ];
    of(session.print_cross_type(), &types)
}
