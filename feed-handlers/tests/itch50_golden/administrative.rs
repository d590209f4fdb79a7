//! Messages about the market and its securities (sections 4.1, 4.2 and 4.7).

use engine::units::{Price, Qty};
use feed_handlers::itch50::{DirectoryEntry, Message, Mpid, Price8};

use crate::{AAPL, BRK, HEAD, HEADER, assert_written, bytes, parsed};

#[test]
fn s_is_a_system_event() {
    let golden = bytes(&[
        "53", HEAD, // S
        "51", // event code Q, start of market hours
    ]);
    assert_eq!(parsed!(&golden, SystemEvent).event(), b'Q');
    assert_written(&golden, |encoder| encoder.system_event(HEADER, b'Q'));
}

#[test]
fn r_is_a_stock_directory_entry() {
    let golden = bytes(&[
        "52",
        HEAD,                // R
        "4141504c 20202020", // stock AAPL
        "47",                // market category G
        "44",                // financial status D
        "00000064",          // round lot 100
        "59",                // round lots only Y
        "43",                // issue classification C
        "5a20",              // issue sub-type Z
        "54",                // authenticity T
        "4e",                // short sale threshold N
        "20",                // IPO flag, space
        "32",                // LULD tier 2
        "4d",                // ETP flag M
        "00000003",          // leverage factor 3
        "59",                // inverse Y
    ]);
    let view = parsed!(&golden, StockDirectory);
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.market_category(), b'G');
    assert_eq!(view.financial_status(), b'D');
    assert_eq!(view.round_lot(), Qty(100));
    assert_eq!(view.round_lots_only(), b'Y');
    assert_eq!(view.issue_classification(), b'C');
    assert_eq!(view.issue_sub_type(), *b"Z ");
    assert_eq!(view.authenticity(), b'T');
    assert_eq!(view.short_sale_threshold(), b'N');
    assert_eq!(view.ipo(), b' ');
    assert_eq!(view.luld_tier(), b'2');
    assert_eq!(view.etp(), b'M');
    assert_eq!(view.etp_leverage(), 3);
    assert_eq!(view.inverse(), b'Y');
    assert_written(&golden, |encoder| {
        encoder.stock_directory(
            HEADER,
            &DirectoryEntry {
                stock: AAPL,
                market_category: b'G',
                financial_status: b'D',
                round_lot: 100,
                round_lots_only: true,
                issue_classification: b'C',
                issue_sub_type: *b"Z ",
                authenticity: b'T',
                short_sale_threshold: b'N',
                ipo: b' ',
                luld_tier: b'2',
                etp: b'M',
                etp_leverage: 3,
                inverse: true,
            },
        );
    });
}

#[test]
fn an_ordinary_share_has_the_directory_entry_of_common_stock() {
    let golden = bytes(&[
        "52",
        HEAD,                // R
        "4141504c 20202020", // stock AAPL
        "51",                // Nasdaq Global Select
        "4e",                // financial status normal
        "00000064",          // round lot 100
        "4e",                // odd lots accepted
        "43",                // common stock
        "5a20",              // sub-type not applicable
        "50",                // production
        "4e",                // no short sale threshold
        "4e",                // no IPO
        "31",                // LULD tier 1
        "4e",                // no ETP
        "00000000",          // no leverage
        "4e",                // not inverse
    ]);
    assert_written(&golden, |encoder| {
        encoder.stock_directory(HEADER, &DirectoryEntry::common_stock(AAPL));
    });
}

#[test]
fn h_is_a_trading_action() {
    let golden = bytes(&[
        "48",
        HEAD,                // H
        "4141504c 20202020", // stock AAPL
        "50",                // state P, paused
        "20",                // reserved
        "4c554450",          // reason LUDP
    ]);
    let view = parsed!(&golden, TradingAction);
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.state(), b'P');
    assert_eq!(view.reserved(), b' ');
    assert_eq!(view.reason(), *b"LUDP");
    assert_written(&golden, |encoder| {
        encoder.trading_action(HEADER, AAPL, b'P', *b"LUDP")
    });
}

#[test]
fn y_is_a_short_sale_restriction() {
    let golden = bytes(&[
        "59",
        HEAD,                // Y
        "42524b2e 41202020", // stock BRK.A
        "31",                // action 1
    ]);
    let view = parsed!(&golden, ShortSaleRestriction);
    assert_eq!((view.stock(), view.action()), (BRK, b'1'));
    assert_written(&golden, |encoder| {
        encoder.short_sale_restriction(HEADER, BRK, b'1')
    });
}

#[test]
fn l_is_a_market_participant_position() {
    let golden = bytes(&[
        "4c",
        HEAD,                // L
        "4753434f",          // MPID GSCO
        "4141504c 20202020", // stock AAPL
        "59",                // primary market maker
        "52",                // mode R, pre-syndicate
        "57",                // state W, withdrawn
    ]);
    let view = parsed!(&golden, MarketParticipantPosition);
    assert_eq!((view.mpid(), view.stock()), (Mpid(*b"GSCO"), AAPL));
    assert_eq!(view.primary_market_maker(), b'Y');
    assert_eq!((view.mode(), view.state()), (b'R', b'W'));
    assert_written(&golden, |encoder| {
        encoder.market_participant_position(HEADER, Mpid(*b"GSCO"), AAPL, true, b'R', b'W');
    });
}

#[test]
fn v_holds_the_circuit_breaker_levels_with_eight_decimals() {
    let golden = bytes(&[
        "56",
        HEAD,                // V
        "00000045 da21194e", // level 1: 3000.12345678
        "00000041 314cf000", // level 2: 2800
        "0000003a 35294400", // level 3: 2500
    ]);
    let view = parsed!(&golden, CircuitBreakerLevels);
    assert_eq!(view.level_1(), Price(3_000_123_456_780));
    assert_eq!(view.level_2(), Price(2_800_000_000_000));
    assert_eq!(view.level_3(), Price(2_500_000_000_000));
    assert_written(&golden, |encoder| {
        let levels = [300_012_345_678, 280_000_000_000, 250_000_000_000].map(Price8);
        encoder.circuit_breaker_levels(HEADER, levels);
    });
}

#[test]
fn w_is_a_circuit_breaker_status() {
    let golden = bytes(&[
        "57", HEAD, // W
        "32", // level 2 breached
    ]);
    assert_eq!(parsed!(&golden, CircuitBreakerStatus).level(), b'2');
    assert_written(&golden, |encoder| {
        encoder.circuit_breaker_status(HEADER, b'2')
    });
}

#[test]
fn small_h_is_an_operational_halt() {
    let golden = bytes(&[
        "68",
        HEAD,                // h
        "4141504c 20202020", // stock AAPL
        "42",                // market B, BX
        "48",                // action H, halted
    ]);
    let view = parsed!(&golden, OperationalHalt);
    assert_eq!(
        (view.stock(), view.market(), view.action()),
        (AAPL, b'B', b'H')
    );
    assert_written(&golden, |encoder| {
        encoder.operational_halt(HEADER, AAPL, b'B', b'H')
    });
}

#[test]
fn n_is_retail_interest() {
    let golden = bytes(&[
        "4e",
        HEAD,                // N
        "42524b2e 41202020", // stock BRK.A
        "41",                // interest A, both sides
    ]);
    let view = parsed!(&golden, RetailInterest);
    assert_eq!((view.stock(), view.interest()), (BRK, b'A'));
    assert_written(&golden, |encoder| {
        encoder.retail_interest(HEADER, BRK, b'A')
    });
}
