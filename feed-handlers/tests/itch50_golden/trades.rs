//! Executions that the displayed book does not show (section 4.5).

use engine::units::{MatchNumber, OrderRef, Price, Qty, Side};
use feed_handlers::itch50::{Message, Price4};

use crate::{AAPL, HEAD, HEADER, assert_written, bytes, parsed};

#[test]
fn p_is_a_trade_against_a_hidden_order() {
    let golden = bytes(&[
        "50",
        HEAD,                // P
        "00000000 00000000", // order 0
        "42",                // side B
        "00002710",          // shares 10,000
        "4141504c 20202020", // stock AAPL
        "002bc064",          // price 286.73
        "0000001c be991a14", // match number 123456789012
    ]);
    let view = parsed!(&golden, Trade);
    assert_eq!(view.order(), OrderRef(0));
    assert_eq!((view.side(), view.side_byte()), (Some(Side::Buy), b'B'));
    assert_eq!(view.shares(), Qty(10_000));
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.price(), Price(286_730_000_000));
    assert_eq!(view.match_number(), MatchNumber(123_456_789_012));
    assert_written(&golden, |encoder| {
        let (price, number) = (Price4(2_867_300), MatchNumber(123_456_789_012));
        encoder.trade(HEADER, OrderRef(0), Side::Buy, 10_000, AAPL, price, number);
    });
}

#[test]
fn q_is_a_cross_whose_shares_are_eight_bytes() {
    let golden = bytes(&[
        "51",
        HEAD,                // Q
        "00000045 da21194e", // shares 300,012,345,678
        "4141504c 20202020", // stock AAPL
        "002bbe0c",          // cross price 286.67
        "0000001c be991a14", // match number 123456789012
        "43",                // cross type C, closing
    ]);
    let view = parsed!(&golden, CrossTrade);
    assert_eq!(view.shares(), Qty(300_012_345_678));
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.price(), Price(286_670_000_000));
    assert_eq!(view.match_number(), MatchNumber(123_456_789_012));
    assert_eq!(view.cross_type(), b'C');
    assert_written(&golden, |encoder| {
        let (price, number) = (Price4(2_866_700), MatchNumber(123_456_789_012));
        encoder.cross_trade(HEADER, 300_012_345_678, AAPL, price, number, b'C');
    });
}

#[test]
fn b_is_a_broken_trade() {
    let golden = bytes(&[
        "42",
        HEAD,                // B
        "0000001c be991a14", // match number 123456789012
    ]);
    assert_eq!(
        parsed!(&golden, BrokenTrade).match_number(),
        MatchNumber(123_456_789_012)
    );
    assert_written(&golden, |encoder| {
        encoder.broken_trade(HEADER, MatchNumber(123_456_789_012))
    });
}
