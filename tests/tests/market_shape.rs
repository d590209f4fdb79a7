//! The measure of a market's shape against sessions worked out by hand, and the figures of the recorded
//! stretch that the simulated market is held against.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};
use tapewatch_tests::shape::{MarketShape, Shape, ShapeError, figures, measure};

const SECOND_NS: u64 = 1_000_000_000;
const OPEN_S: i64 = 34_200;

/// Writes messages of symbol 1, at seconds after the open.
struct Writer(Encoder);

impl Writer {
    fn new() -> Writer {
        Writer(Encoder::new())
    }

    fn header(at_s: i64) -> Header {
        Header { locate: 1, tracking: 0, time_of_day_ns: (OPEN_S + at_s) as u64 * SECOND_NS }
    }

    fn system(&mut self, at_s: i64, event: u8) {
        self.0.system_event(Header { locate: 0, ..Self::header(at_s) }, event);
    }

    fn add(&mut self, at_s: i64, order: u64, side: Side, shares: u32, cents: u32) {
        let price = Price4(100 * cents);
        self.0.add_order(Self::header(at_s), OrderRef(order), side, shares, stock(), price, None);
    }

    fn execute(&mut self, at_s: i64, order: u64, shares: u32) {
        self.0.order_executed(Self::header(at_s), OrderRef(order), shares, MatchNumber(1));
    }

    fn measured(self) -> MarketShape {
        measure(self.0.bytes()).expect("the session is whole")
    }
}

fn stock() -> Stock {
    Stock::new("ONE").expect("it fits")
}

fn value(shape: &Shape, name: &str) -> Option<f64> {
    let figure = figures(shape).into_iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("there is no figure {name:?}")).value
}

fn assert_near(shape: &Shape, name: &str, expected: f64) {
    let value = value(shape, name).unwrap_or_else(|| panic!("{name} has no value"));
    assert!((value - expected).abs() < 1e-9, "{name}: {value}, not {expected}");
}

/// Ten seconds, a book of two to four orders.
fn by_hand() -> MarketShape {
    let mut writer = Writer::new();
    // From before the open: in the book, in no lifetime.
    writer.add(-1, 90, Side::Buy, 300, 1_000);
    writer.system(0, b'Q');
    writer.add(0, 1, Side::Sell, 100, 1_004);
    writer.add(2, 2, Side::Buy, 50, 1_001);
    writer.add(3, 3, Side::Sell, 200, 1_006);
    writer.execute(4, 1, 40);
    writer.execute(4, 1, 60);
    let header = Writer::header(5);
    writer.0.order_replaced(header, OrderRef(2), OrderRef(4), 70, Price4(100 * 1_000));
    writer.0.order_deleted(Writer::header(8), OrderRef(4));
    writer.0.order_deleted(Writer::header(8), OrderRef(77));
    let header = Writer::header(9);
    let price = Price4(100 * 1_003);
    writer.0.trade(header, OrderRef(0), Side::Buy, 10, stock(), price, MatchNumber(2));
    writer.system(10, b'M');
    // After the close: counted by type only.
    writer.add(11, 5, Side::Buy, 1, 999);
    writer.measured()
}

#[test]
fn the_mix_counts_every_message() {
    let market = by_hand();
    let (all, one) = (market.all(), &market.symbols[&1].1);
    assert_eq!((all.messages(), one.messages()), (13, 11));
    assert_near(one, "adds (A, F)", 5.0 / 11.0);
    assert_near(one, "executions and cancels (E, C, X)", 2.0 / 11.0);
    assert_near(one, "cancel to trade, (D + X) / (E + C + P)", 2.0 / 3.0);
    assert_near(one, "order to trade, (A + F + U) / (E + C + P)", 2.0);
    assert_near(one, "messages of orders from before", 1.0);
    assert_near(&all, "other types", 2.0 / 13.0);
    assert_eq!(market.named("ONE").map(Shape::messages), Some(11));
    assert_eq!(market.share_of_busiest(0.1), Some(1.0));
    // From the replace at 5 s to the deletes at 8 s.
    assert_eq!((market.open_for_ns, market.silence_ns), (10 * SECOND_NS, 3 * SECOND_NS));
    // One in each of the seconds 0, 2, 3, 5 and 9, two in 4 and 8.
    assert_eq!(one.tenths, [1, 0, 1, 1, 2, 1, 0, 0, 2, 1]);
}

#[test]
fn lives_begin_in_continuous_trading_and_end_at_its_close() {
    let market = by_hand();
    let one = &market.symbols[&1].1;
    // By reference: 3 is alive at the end, after 7 s; 1 lived for 4 s, 2 and 4 for 3 s each.
    assert_near(one, "order life, orders", 4.0);
    assert_near(one, "order life, alive at the end", 0.25);
    assert_near(one, "order life under 2 s", 0.0);
    assert_near(one, "order life, p50", 3e9);
    assert_near(one, "order life, p75", 4e9);
    assert_eq!(value(one, "order life, p90"), None);
    assert_eq!(value(one, "order life under 10 s"), None);
    // By descent: 2 lived on as 4, for 6 s in all.
    assert_near(one, "life through replaces, orders", 3.0);
    assert_near(one, "life through replaces, p50", 6e9);
}

#[test]
fn quotes_count_for_the_time_they_stood() {
    let market = by_hand();
    let one = &market.symbols[&1].1;
    // 4 ticks for 2 s, 3 for 2 s, 5 for 1 s (10.01 to 10.06), 6 for 5 s.
    assert_near(one, "spread in ticks, mean", (8.0 + 6.0 + 5.0 + 30.0) / 10.0);
    assert_near(one, "spread in ticks, p50", 5.0);
    assert_near(one, "spread in ticks, p90", 6.0);
    // Bids: 300 for 2 s, 50 for 3 s, 370 for 3 s, 300 for 2 s. Asks: 100 for 4 s, 200 for 6 s.
    assert_near(one, "shares at the best, p10", 50.0);
    let sum = 600.0 + 150.0 + 1110.0 + 600.0 + 400.0 + 1200.0;
    assert_near(one, "shares at the best, mean", sum / 20.0);
    // Bids: one level for 2 s, two for 3 s, one for 5 s. Asks: one for 3 s, two for 1 s, one for 6 s.
    assert_near(one, "levels of a side, mean", 24.0 / 20.0);
}

#[test]
fn a_halt_has_no_quotes_and_breaks_the_row_of_returns() {
    let mut writer = Writer::new();
    writer.system(0, b'Q');
    writer.add(0, 1, Side::Buy, 100, 1_000);
    writer.add(0, 2, Side::Sell, 100, 1_002);
    writer.0.trading_action(Writer::header(3), stock(), b'H', *b"T1  ");
    writer.add(4, 3, Side::Sell, 100, 9_001);
    writer.add(4, 4, Side::Buy, 100, 1_001);
    writer.0.order_deleted(Writer::header(5), OrderRef(2));
    writer.0.trading_action(Writer::header(6), stock(), b'T', *b"    ");
    writer.system(8, b'M');
    let market = writer.measured();
    let one = &market.symbols[&1].1;
    // 2 ticks for 3 s, 8,000 for 2 s.
    assert_near(one, "spread in ticks, mean", (3.0 * 2.0 + 2.0 * 8_000.0) / 5.0);
    assert_eq!(one.placement.total(), 0);
    // The mid-prices of seconds 0, 1 and 2 are equal, and so are those of 6 and 7.
    assert_near(one, "mid return over 1 s, root mean square, bps", 0.0);
}

#[test]
fn what_stands_before_the_opening_cross_is_no_quote() {
    let mut writer = Writer::new();
    writer.add(-1, 1, Side::Buy, 100, 1_000);
    writer.add(-1, 2, Side::Sell, 100, 1_050);
    writer.system(0, b'Q');
    writer.add(1, 3, Side::Buy, 100, 1_001);
    writer.0.cross_trade(Writer::header(2), 0, stock(), Price4(0), MatchNumber(1), b'O');
    writer.add(2, 4, Side::Sell, 100, 1_003);
    writer.system(4, b'M');
    let market = writer.measured();
    let one = &market.symbols[&1].1;
    assert_near(one, "spread in ticks, mean", 2.0);
    assert_eq!((one.placement.improving, one.placement.total()), (1, 1));
}

#[test]
fn adds_and_executions_are_placed_and_grouped() {
    let market = by_hand();
    let one = &market.symbols[&1].1;
    // 1 met an empty side, 2 improved by a tick, 3 came two behind.
    assert_eq!((one.placement.improving, one.placement.near, one.placement.total()), (1, 1, 2));
    assert_near(one, "add of exactly 100 shares", 1.0 / 3.0);
    assert_near(one, "add of fewer than 100 shares", 1.0 / 3.0);
    assert_near(one, "executions an aggressor, mean", 1.5);
    assert_near(one, "shares of an execution, p50", 40.0);
    // Times between: 2, 1, 1, 0, 1, 3, 0, 1 s.
    assert_near(one, "times between messages under 10 us", 0.25);
    assert_near(one, "time between messages, p50", 1e9);
}

#[test]
fn a_session_that_begins_in_the_middle_is_measured_once_it_has_settled() {
    let mut writer = Writer::new();
    writer.add(0, 1, Side::Buy, 100, 1_000);
    writer.add(0, 2, Side::Sell, 100, 1_050);
    writer.add(60, 3, Side::Sell, 100, 1_002);
    writer.add(62, 4, Side::Buy, 100, 1_001);
    let market = writer.measured();
    let one = &market.symbols[&1].1;
    assert_near(one, "spread in ticks, p10", 2.0);
    assert_near(one, "adds improving on the best", 1.0);
    assert_eq!(one.placement.total(), 2);
    assert_eq!(one.add_shares.total(), 4);
}

#[test]
fn what_is_no_session_is_refused_with_its_place() {
    let mut writer = Writer::new();
    writer.add(0, 1, Side::Buy, 100, 1_000);
    let bytes = writer.0.bytes();
    let torn = measure(&bytes[..bytes.len() - 1]).map(|_| ());
    assert!(matches!(torn, Err(ShapeError::Torn { after: 0, .. })));
    let unknown = measure(&[bytes, &[0, 1, b'?']].concat()).map(|_| ());
    assert!(matches!(unknown, Err(ShapeError::Message { ordinal: 2, .. })));
}
