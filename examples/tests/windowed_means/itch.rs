//! The job over ITCH: recorded and made by hand.

use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Price4, Stock};
use itch5::messages as theirs;
use tapewatch_tests::shared::shared;

use super::{Expected, lines_of, outcome};

/// 2019-12-30T00:00:00 in New York.
const MIDNIGHT: i64 = 1_577_682_000_000_000_000;

/// Eligible prints by the rules of the interface, over what the crate `itch5` reads: a list of live
/// orders and nothing else.
#[derive(Default)]
struct Prints {
    /// Price and shares by locate and reference.
    orders: HashMap<(u16, u64), (u32, u32)>,
    /// Locate, time of day, price in 1e-4, shares.
    prints: Vec<(u16, u64, u32, u64)>,
    names: HashMap<u16, String>,
    broken: u64,
}

impl Prints {
    fn enter(&mut self, order: (u16, u64), price: u32, shares: u32) {
        self.orders.entry(order).or_insert((price, shares));
    }

    /// Takes shares of an order; its price, if it is live.
    fn take(&mut self, order: (u16, u64), shares: u32) -> Option<u32> {
        let (price, left) = self.orders.get_mut(&order)?;
        let price = *price;
        match left.checked_sub(shares).filter(|left| *left > 0) {
            Some(rest) => *left = rest,
            None => drop(self.orders.remove(&order)),
        }
        Some(price)
    }
}

/// Their name of a symbol, without the spaces behind.
fn name(symbol: &theirs::Symbol) -> String {
    String::from_utf8(symbol.to_u64().to_be_bytes().to_vec()).unwrap().trim_end().to_owned()
}

impl itch5::MessageHandler for Prints {
    fn on_add_order_no_mpid_attribution(
        &mut self,
        m: &theirs::AddOrderNoMPIDAttribution,
    ) -> ControlFlow<()> {
        self.names.entry(m.stock_locate()).or_insert_with(|| name(m.stock()));
        let order = (m.stock_locate(), m.order_reference_number());
        self.enter(order, m.price().into_u32(), m.shares());
        ControlFlow::Continue(())
    }

    fn on_add_order_with_mpid_attribution(
        &mut self,
        m: &theirs::AddOrderWithMPIDAttribution,
    ) -> ControlFlow<()> {
        self.names.entry(m.stock_locate()).or_insert_with(|| name(m.stock()));
        let order = (m.stock_locate(), m.order_reference_number());
        self.enter(order, m.price().into_u32(), m.shares());
        ControlFlow::Continue(())
    }

    fn on_order_executed(&mut self, m: &theirs::OrderExecuted) -> ControlFlow<()> {
        let (locate, shares) = (m.stock_locate(), m.executed_shares());
        if let Some(price) = self.take((locate, m.order_reference_number()), shares) {
            self.prints.push((locate, m.timestamp().to_u64(), price, shares.into()));
        }
        ControlFlow::Continue(())
    }

    fn on_order_executed_with_price(
        &mut self,
        m: &theirs::OrderExecutedWithPrice,
    ) -> ControlFlow<()> {
        let (locate, shares) = (m.stock_locate(), m.executed_shares());
        self.take((locate, m.order_reference_number()), shares);
        if matches!(m.printable(), theirs::Printable::Printable) {
            let price = m.execution_price().into_u32();
            self.prints.push((locate, m.timestamp().to_u64(), price, shares.into()));
        }
        ControlFlow::Continue(())
    }

    fn on_order_cancel(&mut self, m: &theirs::OrderCancel) -> ControlFlow<()> {
        self.take((m.stock_locate(), m.order_reference_number()), m.cancelled_shares());
        ControlFlow::Continue(())
    }

    fn on_order_delete(&mut self, m: &theirs::OrderDelete) -> ControlFlow<()> {
        self.orders.remove(&(m.stock_locate(), m.order_reference_number()));
        ControlFlow::Continue(())
    }

    fn on_order_replace(&mut self, m: &theirs::OrderReplace) -> ControlFlow<()> {
        let locate = m.stock_locate();
        if self.orders.remove(&(locate, m.original_order_reference_number())).is_some() {
            let order = (locate, m.new_order_reference_number());
            self.enter(order, m.price().into_u32(), m.shares());
        }
        ControlFlow::Continue(())
    }

    fn on_trade(&mut self, m: &theirs::Trade) -> ControlFlow<()> {
        self.names.entry(m.stock_locate()).or_insert_with(|| name(m.stock()));
        let (time, price) = (m.timestamp().to_u64(), m.price().into_u32());
        self.prints.push((m.stock_locate(), time, price, m.shares().into()));
        ControlFlow::Continue(())
    }

    fn on_cross_trade(&mut self, m: &theirs::CrossTrade) -> ControlFlow<()> {
        if m.shares() > 0 {
            let (time, price) = (m.timestamp().to_u64(), m.cross_price().into_u32());
            self.prints.push((m.stock_locate(), time, price, m.shares()));
        }
        ControlFlow::Continue(())
    }

    fn on_broken_trade(&mut self, _: &theirs::BrokenTrade) -> ControlFlow<()> {
        self.broken += 1;
        ControlFlow::Continue(())
    }
}

#[test]
fn windows_over_a_recorded_stretch_are_those_of_the_prints_that_itch5_reads() {
    let Some(file) = shared("itch50/aapl_20191230_0935_std.itch50") else {
        return;
    };
    let mut prints = Prints::default();
    itch5::Parser::new(&fs::read(&file).unwrap()).parse_stream(&mut prints).unwrap();
    let shares: u64 = prints.prints.iter().map(|print| print.3).sum();
    assert_eq!((prints.prints.len(), shares, prints.broken), (1_907, 159_235, 0));
    for (size_ms, slide_ms) in [(1_000, 1_000), (10_000, 2_500)] {
        let mut expected = Expected::default();
        for &(locate, time_of_day, price, shares) in &prints.prints {
            let (time, price) = (MIDNIGHT + time_of_day as i64, i64::from(price) * 100_000);
            let trade = (prints.names[&locate].as_str(), time, price, shares);
            expected.add(trade, (size_ms * 1_000_000, slide_ms * 1_000_000), |_| true);
        }
        let (size, slide) = (format!("{size_ms}ms"), format!("{slide_ms}ms"));
        let arguments = ["--date", "2019-12-30", "--window", &size, "--slide", &slide];
        let (results, told) = outcome(&file, &arguments);
        assert_eq!(lines_of(&results), expected.lines(), "{arguments:?}");
        assert!(told.starts_with("1907 rows, 0 bad, 0 refused, 0 late dropped, "), "{told}");
    }
}

#[test]
fn a_quiet_symbols_window_closes_with_feed_time_and_a_break_takes_its_print_out() {
    let second = |second: u64, ns| second * 1_000_000_000 + ns;
    let header = |locate, time| Header { locate, tracking: 0, time_of_day_ns: time };
    let [bbb, aaa] = ["BBB", "AAA"].map(|name| Stock::new(name).unwrap());
    let mut encoder = Encoder::new();
    for (locate, stock) in [(1, bbb), (2, aaa)] {
        encoder.stock_directory(header(locate, 0), &DirectoryEntry::common_stock(stock));
    }
    let hidden = |encoder: &mut Encoder, locate, time, shares, price, number| {
        let stock = if locate == 1 { bbb } else { aaa };
        let number = MatchNumber(number);
        encoder.trade(
            header(locate, time),
            OrderRef(0),
            Side::Buy,
            shares,
            stock,
            Price4(price),
            number,
        );
    };
    hidden(&mut encoder, 1, second(1, 5), 10, 20_000, 1);
    hidden(&mut encoder, 1, second(1, 6), 30, 40_000, 2);
    hidden(&mut encoder, 2, second(1, 7), 5, 70_000, 3);
    hidden(&mut encoder, 2, second(1, 8), 6, 70_000, 4);
    // All of AAA's second second is broken before it ends: no line. Of BBB's first one print is left.
    hidden(&mut encoder, 2, second(2, 0), 9, 10_000, 5);
    encoder.broken_trade(header(2, second(2, 1)), MatchNumber(5));
    // Too late: BBB's window has closed with the message before, which was AAA's.
    encoder.broken_trade(header(1, second(2, 2)), MatchNumber(1));
    encoder.add_order(header(1, second(3, 0)), OrderRef(9), Side::Buy, 1, bbb, Price4(1), None);
    // Behind feed time, and late.
    hidden(&mut encoder, 1, second(2, 9), 8, 10_000, 6);
    hidden(&mut encoder, 1, second(3, 1), 8, 10_000, 7);
    encoder.finish();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("day");
    fs::write(&file, encoder.into_bytes()).unwrap();
    let (results, told) = outcome(&file, &["--date", "2019-12-30", "--window", "1s"]);
    let at = |second: i64| MIDNIGHT + second * 1_000_000_000;
    assert_eq!(
        lines_of(&results),
        [
            format!("AAA,{},{},2,7.000000000,11", at(1), at(2)),
            format!("BBB,{},{},2,3.000000000,40", at(1), at(2)),
            format!("BBB,{},{},1,1.000000000,8", at(3), at(4)),
        ]
    );
    let counts = "7 rows, 0 bad, 0 refused, 1 late dropped, 1 broken too late, 3 windows, ";
    assert!(told.starts_with(counts), "{told}");
}
