//! Messages that change the displayed book (sections 4.3 and 4.4).

use engine::units::{MatchNumber, OrderRef, Price, Qty, Side};
use feed_handlers::itch50::{Message, Mpid, Price4};

use crate::{AAPL, BRK, HEAD, HEADER, assert_written, bytes, parsed};

#[test]
fn a_is_an_add_order_without_attribution() {
    let golden = bytes(&[
        "41",
        HEAD,                // A
        "112210f4 7de98115", // order 1234567890123456789
        "53",                // side S
        "00002710",          // shares 10,000
        "4141504c 20202020", // stock AAPL
        "002bbe0c",          // price 286.67
    ]);
    let view = parsed!(&golden, AddOrder);
    assert_eq!(view.order(), OrderRef(1_234_567_890_123_456_789));
    assert_eq!((view.side(), view.side_byte()), (Some(Side::Sell), b'S'));
    assert_eq!(view.shares(), Qty(10_000));
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.price(), Price(286_670_000_000));
    assert_written(&golden, |encoder| {
        let order = OrderRef(1_234_567_890_123_456_789);
        encoder.add_order(
            HEADER,
            order,
            Side::Sell,
            10_000,
            AAPL,
            Price4(2_866_700),
            None,
        );
    });
}

#[test]
fn f_is_an_add_order_with_attribution() {
    let golden = bytes(&[
        "46",
        HEAD,                // F
        "112210f4 7de98115", // order 1234567890123456789
        "42",                // side B
        "00000064",          // shares 100
        "42524b2e 41202020", // stock BRK.A
        "002c0e84",          // price 288.73
        "4753434f",          // attribution GSCO
    ]);
    let view = parsed!(&golden, AddAttributedOrder);
    assert_eq!(view.order(), OrderRef(1_234_567_890_123_456_789));
    assert_eq!((view.side(), view.side_byte()), (Some(Side::Buy), b'B'));
    assert_eq!(view.shares(), Qty(100));
    assert_eq!(view.stock(), BRK);
    assert_eq!(view.price(), Price(288_730_000_000));
    assert_eq!(view.attribution(), Mpid(*b"GSCO"));
    assert_written(&golden, |encoder| {
        let order = OrderRef(1_234_567_890_123_456_789);
        let attribution = Some(Mpid(*b"GSCO"));
        encoder.add_order(
            HEADER,
            order,
            Side::Buy,
            100,
            BRK,
            Price4(2_887_300),
            attribution,
        );
    });
}

#[test]
fn e_is_an_execution_at_the_orders_price() {
    let golden = bytes(&[
        "45",
        HEAD,                // E
        "112210f4 7de98115", // order 1234567890123456789
        "00002710",          // shares 10,000
        "0000001c be991a14", // match number 123456789012
    ]);
    let view = parsed!(&golden, OrderExecuted);
    assert_eq!(view.order(), OrderRef(1_234_567_890_123_456_789));
    assert_eq!(view.shares(), Qty(10_000));
    assert_eq!(view.match_number(), MatchNumber(123_456_789_012));
    assert_written(&golden, |encoder| {
        let order = OrderRef(1_234_567_890_123_456_789);
        encoder.order_executed(HEADER, order, 10_000, MatchNumber(123_456_789_012));
    });
}

#[test]
fn c_is_an_execution_with_its_own_price() {
    for (code, printable) in [("59", true), ("4e", false)] {
        let golden = bytes(&[
            "43",
            HEAD,                // C
            "112210f4 7de98115", // order 1234567890123456789
            "00002710",          // shares 10,000
            "0000001c be991a14", // match number 123456789012
            code,                // printable Y or N
            "002bc064",          // price 286.73
        ]);
        let view = parsed!(&golden, OrderExecutedWithPrice);
        assert_eq!(view.order(), OrderRef(1_234_567_890_123_456_789));
        assert_eq!(view.shares(), Qty(10_000));
        assert_eq!(view.match_number(), MatchNumber(123_456_789_012));
        assert_eq!(view.is_printable(), printable);
        assert_eq!(view.price(), Price(286_730_000_000));
        assert_written(&golden, |encoder| {
            let order = OrderRef(1_234_567_890_123_456_789);
            let (number, price) = (MatchNumber(123_456_789_012), Price4(2_867_300));
            encoder.order_executed_with_price(HEADER, order, 10_000, number, printable, price);
        });
    }
}

#[test]
fn x_is_a_partial_cancel() {
    let golden = bytes(&[
        "58",
        HEAD,                // X
        "112210f4 7de98115", // order 1234567890123456789
        "00000064",          // 100 shares taken off
    ]);
    let view = parsed!(&golden, OrderCancelled);
    assert_eq!(view.order(), OrderRef(1_234_567_890_123_456_789));
    assert_eq!(view.shares(), Qty(100));
    assert_written(&golden, |encoder| {
        encoder.order_cancelled(HEADER, OrderRef(1_234_567_890_123_456_789), 100);
    });
}

#[test]
fn d_is_a_delete() {
    let golden = bytes(&[
        "44",
        HEAD,                // D
        "112210f4 7de98115", // order 1234567890123456789
    ]);
    assert_eq!(
        parsed!(&golden, OrderDeleted).order(),
        OrderRef(1_234_567_890_123_456_789)
    );
    assert_written(&golden, |encoder| {
        encoder.order_deleted(HEADER, OrderRef(1_234_567_890_123_456_789));
    });
}

#[test]
fn u_is_a_replace_with_the_original_order_before_the_new() {
    let golden = bytes(&[
        "55",
        HEAD,                // U
        "112210f4 7de98115", // original order 1234567890123456789
        "0000001c be991a14", // new order 123456789012
        "00002710",          // shares 10,000
        "002bbe0c",          // price 286.67
    ]);
    let view = parsed!(&golden, OrderReplaced);
    assert_eq!(view.original_order(), OrderRef(1_234_567_890_123_456_789));
    assert_eq!(view.new_order(), OrderRef(123_456_789_012));
    assert_eq!(view.shares(), Qty(10_000));
    assert_eq!(view.price(), Price(286_670_000_000));
    assert_written(&golden, |encoder| {
        let (original, new) = (
            OrderRef(1_234_567_890_123_456_789),
            OrderRef(123_456_789_012),
        );
        encoder.order_replaced(HEADER, original, new, 10_000, Price4(2_866_700));
    });
}
