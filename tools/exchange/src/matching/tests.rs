//! The matching engine by cases worked by hand, read from the messages that it writes.

use feed_handlers::itch50::Stock;

use super::*;

const T: u64 = 36_000_000_000_000;

fn market() -> Market {
    let listing = |locate: u16, tier: u8| Listing {
        stock: Stock(*b"ZTST    "),
        locate,
        tick_e4: 100,
        close_e4: 1_000_000,
        tier,
    };
    Market::new(vec![listing(1, b'1'), listing(2, b'2')], 30_000_000_000)
}

fn order(side: Side, qty: u32, cents: u32, kind: OrderKind) -> NewOrder {
    NewOrder { symbol: 0, side, qty, limit_e4: Some(cents * 100), kind }
}

/// Types of the messages written, and the encoder emptied.
fn told(out: &mut Encoder) -> String {
    let bytes = out.bytes();
    let (mut at, mut types) = (0, String::new());
    while at < bytes.len() {
        types.push(char::from(bytes[at + 2]));
        at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    }
    out.clear();
    types
}

fn levels(market: &Market, side: Side) -> Vec<(u32, u64, u32)> {
    market.levels(0, side).map(|(price, qty, orders)| (price / 100, qty, orders)).collect()
}

#[test]
fn an_order_takes_the_best_price_first_and_the_oldest_order_of_it() {
    let (mut market, mut out) = (market(), Encoder::new());
    let limit = OrderKind::Limit(None);
    let mut sell = |qty, cents| {
        market.submit(&order(Side::Sell, qty, cents, limit), T, &mut out).resting.unwrap()
    };
    let (far, old, young) = (sell(100, 10_002), sell(100, 10_001), sell(100, 10_001));
    let took = market.submit(&order(Side::Buy, 250, 10_002, limit), T, &mut out);
    assert_eq!((took.filled, took.resting), (250, None));
    assert_eq!(told(&mut out), "AAAEEE");
    assert_eq!((market.order(old), market.order(young)), (None, None));
    assert_eq!(market.order(far).map(|order| order.qty), Some(50));
    // 200 at 100.01 and 50 at 100.02.
    let tape = *market.tape(0);
    assert_eq!((tape.volume, tape.trades), (250, 3));
    assert_eq!(tape.notional_e4, 200 * 1_000_100 + 50 * 1_000_200);
    let rest = market.submit(&order(Side::Buy, 80, 10_002, limit), T, &mut out);
    assert_eq!((rest.filled, told(&mut out).as_str()), (50, "EA"));
    assert_eq!(levels(&market, Side::Buy), [(10_002, 30, 1)]);
    assert!(levels(&market, Side::Sell).is_empty());
}

#[test]
fn hidden_orders_stand_behind_displayed_ones_and_print_without_side_or_order() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.submit(&order(Side::Sell, 100, 10_001, OrderKind::Hidden), T, &mut out);
    market.submit(&order(Side::Sell, 100, 10_001, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Sell, 100, 10_000, OrderKind::Hidden), T, &mut out);
    assert_eq!(told(&mut out), "A");
    assert_eq!(market.best_e4(0, Side::Sell), Some(1_000_100));
    let took = market.submit(&order(Side::Buy, 250, 10_001, OrderKind::Immediate), T, &mut out);
    assert_eq!((took.filled, told(&mut out).as_str()), (250, "PEP"));
    // Fifty of the worst hidden order are left.
    assert!(market.has_hidden(0, Side::Sell));
}

#[test]
fn an_immediate_order_never_rests_and_a_market_order_stops_at_a_tenth() {
    let (mut market, mut out) = (market(), Encoder::new());
    let immediate = order(Side::Buy, 100, 10_001, OrderKind::Immediate);
    assert_eq!(market.submit(&immediate, T, &mut out), Submitted::default());
    market.submit(&order(Side::Sell, 100, 10_900, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Sell, 100, 12_500, OrderKind::Limit(None)), T, &mut out);
    let any_price = NewOrder { limit_e4: None, qty: 300, ..immediate };
    let took = market.submit(&any_price, T, &mut out);
    assert_eq!((took.filled, took.resting), (100, None));
    assert_eq!(levels(&market, Side::Sell), [(12_500, 100, 1)]);
}

#[test]
fn a_post_only_order_is_slid_and_then_trades_at_the_price_it_was_sent_at() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.submit(&order(Side::Sell, 100, 10_005, OrderKind::Limit(None)), T, &mut out);
    let post = order(Side::Buy, 100, 10_005, OrderKind::PostOnly);
    let slid = market.submit(&post, T, &mut out).resting.unwrap();
    assert_eq!(market.order(slid).unwrap().price, 1_000_400);
    assert_eq!(told(&mut out), "AA");
    // The seller gets 100.05, not the 100.04 that is displayed.
    let sell = order(Side::Sell, 60, 10_004, OrderKind::Immediate);
    assert_eq!(market.submit(&sell, T, &mut out).filled, 60);
    assert_eq!(told(&mut out), "C");
    assert_eq!((market.tape(0).last_price_e4, market.tape(0).volume), (1_000_500, 60));
    assert_eq!(levels(&market, Side::Buy), [(10_004, 40, 1)]);
}

#[test]
fn a_replace_loses_its_place_and_one_that_would_take_is_sent_anew() {
    let (mut market, mut out) = (market(), Encoder::new());
    let buy = order(Side::Buy, 100, 10_000, OrderKind::Limit(None));
    let first = market.submit(&buy, T, &mut out).resting.unwrap();
    let second = market.submit(&buy, T, &mut out).resting.unwrap();
    let moved = market.replace(first, 200, 1_000_000, T, &mut out).resting.unwrap();
    assert_eq!((told(&mut out).as_str(), market.order(first)), ("AAU", None));
    let sell = order(Side::Sell, 100, 10_000, OrderKind::Immediate);
    market.submit(&sell, T, &mut out);
    assert_eq!((market.order(second), market.order(moved).unwrap().qty), (None, 200));
    market.submit(&order(Side::Sell, 50, 10_002, OrderKind::Limit(None)), T, &mut out);
    told(&mut out);
    let took = market.replace(moved, 200, 1_000_200, T, &mut out);
    assert_eq!((took.filled, told(&mut out).as_str()), (50, "DEA"));
    assert_eq!(levels(&market, Side::Buy), [(10_002, 150, 1)]);
    // What has gone is no fault.
    assert_eq!(market.replace(moved, 1, 1_000_000, T, &mut out), Submitted::default());
    assert!(!market.cancel(moved, T, &mut out) && !market.reduce(moved, 1, T, &mut out));
}

#[test]
fn reducing_keeps_the_place_and_never_takes_the_last_share() {
    let (mut market, mut out) = (market(), Encoder::new());
    let buy = order(Side::Buy, 100, 10_000, OrderKind::Limit(None));
    let first = market.submit(&buy, T, &mut out).resting.unwrap();
    market.submit(&buy, T, &mut out);
    assert!(market.reduce(first, 99, T, &mut out) && !market.reduce(first, 1, T, &mut out));
    assert_eq!(told(&mut out), "AAX");
    market.submit(&order(Side::Sell, 1, 10_000, OrderKind::Immediate), T, &mut out);
    assert_eq!(market.order(first), None);
    assert_eq!(levels(&market, Side::Buy), [(10_000, 100, 1)]);
}

#[test]
fn a_halted_security_crosses_when_it_reopens_and_its_book_is_uncrossed_then() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.set_state(0, T, TradingState::Halted, *b"T1  ", &mut out);
    for (side, qty, cents) in [
        (Side::Buy, 300, 10_010),
        (Side::Buy, 200, 10_000),
        (Side::Sell, 100, 9_990),
        (Side::Sell, 150, 10_005),
        (Side::Sell, 400, 10_010),
    ] {
        let limit = order(side, qty, cents, OrderKind::Limit(None));
        assert_eq!(market.submit(&limit, T, &mut out).filled, 0);
    }
    let immediate = order(Side::Buy, 100, 10_010, OrderKind::Immediate);
    assert_eq!(market.submit(&immediate, T, &mut out), Submitted::default());
    market.indicate(0, CrossKind::Reopening, T, &mut out);
    assert_eq!(told(&mut out), "HAAAAAI");
    // At 100.10 300 are bid and 650 offered, at 100.05 300 and 250: 300 pair at 100.10.
    let crossed = market.cross(0, CrossKind::Reopening, T, u64::MAX, &mut out);
    assert_eq!(crossed, Crossed { price_e4: 1_001_000, shares: 300 });
    assert_eq!(told(&mut out), "CCCCQ");
    assert_eq!(levels(&market, Side::Buy), [(10_000, 200, 1)]);
    assert_eq!(levels(&market, Side::Sell), [(10_010, 350, 1)]);
    // Only the cross prints.
    assert_eq!((market.tape(0).trades, market.tape(0).volume), (1, 300));
}

#[test]
fn orders_of_the_cross_trade_before_the_book_and_are_gone_after_it() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.submit(&order(Side::Buy, 100, 10_000, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Sell, 100, 10_010, OrderKind::Limit(None)), T, &mut out);
    for (side, qty, limit_e4) in
        [(Side::Buy, 500, None), (Side::Sell, 300, None), (Side::Sell, 150, Some(1_000_500))]
    {
        market.enter_auction(0, AuctionOrder { side, qty, limit_e4 });
    }
    told(&mut out);
    // 500 are bid at any price; at 100.10 300 + 150 + 100 are offered: 500 pair, the book gives 50.
    let crossed = market.cross(0, CrossKind::Opening, T, u64::MAX, &mut out);
    assert_eq!(crossed, Crossed { price_e4: 1_001_000, shares: 500 });
    assert_eq!(told(&mut out), "CQ");
    assert_eq!(levels(&market, Side::Sell), [(10_010, 50, 1)]);
    let again = market.cross(0, CrossKind::Closing, T, u64::MAX, &mut out);
    assert_eq!((again, told(&mut out).as_str()), (Crossed::default(), "Q"));
}

#[test]
fn nothing_trades_outside_the_bands_and_a_bid_at_the_upper_one_is_a_limit_state() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.set_bands(0, true, T, &mut out);
    assert_eq!(market.bands_e4(0), Some((950_000, 1_050_000)));
    market.submit(&order(Side::Sell, 100, 10_400, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Sell, 100, 10_600, OrderKind::Limit(None)), T, &mut out);
    assert!(!market.is_at_limit(0));
    let bought = market.submit(&order(Side::Buy, 300, 11_000, OrderKind::Limit(None)), T, &mut out);
    assert_eq!(bought.filled, 100);
    assert_eq!(levels(&market, Side::Buy), [(10_500, 200, 1)]);
    assert!(market.is_at_limit(0));
    assert!(market.cancel(bought.resting.unwrap(), T, &mut out) && !market.is_at_limit(0));
    // A low offer is drawn up to the lower band.
    market.submit(&order(Side::Sell, 10, 9_000, OrderKind::Limit(None)), T, &mut out);
    assert_eq!(market.best_e4(0, Side::Sell), Some(950_000));
    assert!(market.is_at_limit(0));
}

#[test]
fn a_broken_trade_leaves_the_tape_and_not_the_book() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.submit(&order(Side::Sell, 100, 10_001, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Buy, 30, 10_001, OrderKind::Immediate), T, &mut out);
    let printed = market.last_print(0).unwrap();
    market.break_trade(0, T, &printed, &mut out);
    assert_eq!(told(&mut out), "AEB");
    assert_eq!((market.tape(0).volume, market.tape(0).notional_e4), (0, 0));
    assert_eq!(levels(&market, Side::Sell), [(10_001, 70, 1)]);
}

#[test]
fn whatever_is_sent_the_book_stays_whole_and_uncrossed() {
    use crate::random::Random;
    for seed in 0..20 {
        let (mut market, mut out, mut random) = (market(), Encoder::new(), Random::new(seed, 9));
        let mut ids = Vec::new();
        for step in 0..4_000_u64 {
            let side = if random.chance(5_000) { Side::Buy } else { Side::Sell };
            let cents = 9_980 + random.below(40) as u32;
            let kinds = [
                OrderKind::Limit(None),
                OrderKind::Immediate,
                OrderKind::Hidden,
                OrderKind::PostOnly,
            ];
            let kind = kinds[random.below(4) as usize];
            let qty = random.between(1, 500) as u32;
            let drawn = ids.get(random.below(ids.len() as u64) as usize).copied();
            match (random.below(10), drawn) {
                (0..6, _) | (_, None) => {
                    let sent = market.submit(&order(side, qty, cents, kind), T + step, &mut out);
                    ids.extend(sent.resting);
                }
                (6, Some(id)) => {
                    ids.extend(market.replace(id, qty, cents * 100, T, &mut out).resting);
                }
                (7, Some(id)) => _ = market.reduce(id, qty, T, &mut out),
                (8, Some(id)) => _ = market.cancel(id, T, &mut out),
                _ if step % 400 == 0 => {
                    market.enter_auction(0, AuctionOrder { side, qty, limit_e4: None });
                    market.cross(0, CrossKind::Opening, T, u64::MAX, &mut out);
                }
                _ => {}
            }
            let (bid, ask) = (market.best_e4(0, Side::Buy), market.best_e4(0, Side::Sell));
            assert!(bid.zip(ask).is_none_or(|(bid, ask)| bid < ask), "seed {seed} step {step}");
            for ladder in market.books[0].displayed.iter().chain(&market.books[0].hidden) {
                ladder.check(&market.orders);
            }
            out.clear();
        }
        assert!(market.tape(0).trades > 100);
    }
}

#[test]
fn orders_that_the_bands_have_left_behind_are_pulled_and_never_traded() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.set_bands(0, true, T, &mut out);
    let limit = OrderKind::Limit(None);
    let mut send = |market: &mut Market, side, qty, cents, after_s: u64| {
        market.submit(&order(side, qty, cents, limit), T + after_s * 1_000_000_000, &mut out)
    };
    // A print at 104.90 moves the bands to 99.66 and 110.14 with the first print of the next slot.
    send(&mut market, Side::Sell, 100, 10_490, 0);
    send(&mut market, Side::Buy, 100, 10_490, 0);
    send(&mut market, Side::Sell, 200, 9_550, 31);
    send(&mut market, Side::Buy, 1, 9_550, 31);
    assert_eq!(market.bands_e4(0), Some((996_600, 1_101_400)));
    let bought = send(&mut market, Side::Buy, 50, 9_990, 31);
    assert_eq!((bought.filled, levels(&market, Side::Buy)), (0, vec![(9_990, 50, 1)]));
    assert_eq!(told(&mut out), "AEAEDA");
}

#[test]
fn a_cross_that_would_execute_too_much_leaves_the_book_as_it_is() {
    let (mut market, mut out) = (market(), Encoder::new());
    for _ in 0..3 {
        market.submit(&order(Side::Sell, 100, 10_000, OrderKind::Limit(None)), T, &mut out);
    }
    for (side, qty) in [(Side::Buy, 250), (Side::Sell, 40)] {
        market.enter_auction(0, AuctionOrder { side, qty, limit_e4: None });
    }
    told(&mut out);
    let crossed = market.cross(0, CrossKind::Closing, T, 2, &mut out);
    assert_eq!((crossed.shares, told(&mut out).as_str()), (40, "Q"));
    assert_eq!(levels(&market, Side::Sell), [(10_000, 300, 3)]);
    market.enter_auction(0, AuctionOrder { side: Side::Buy, qty: 250, limit_e4: None });
    let crossed = market.cross(0, CrossKind::Closing, T, 3, &mut out);
    assert_eq!((crossed.shares, told(&mut out).as_str()), (250, "CCCQ"));
}

#[test]
fn in_a_cross_hidden_orders_trade_behind_displayed_ones_of_their_price() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.set_state(0, T, TradingState::Quoting, *b"    ", &mut out);
    market.submit(&order(Side::Sell, 100, 10_000, OrderKind::Hidden), T, &mut out);
    market.submit(&order(Side::Sell, 100, 10_000, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Sell, 100, 9_990, OrderKind::Hidden), T, &mut out);
    market.enter_auction(0, AuctionOrder { side: Side::Sell, qty: 30, limit_e4: Some(1_000_000) });
    market.enter_auction(0, AuctionOrder { side: Side::Buy, qty: 180, limit_e4: Some(1_000_000) });
    told(&mut out);
    // 100 hidden at 99.90, 30 of the cross and 50 of the displayed order at 100.00.
    let crossed = market.cross(0, CrossKind::Reopening, T, u64::MAX, &mut out);
    assert_eq!(crossed, Crossed { price_e4: 1_000_000, shares: 180 });
    let told_of = out.bytes();
    assert_eq!(
        (told_of[2], &told_of[21..25], told_of[33]),
        (b'C', &50_u32.to_be_bytes()[..], b'N')
    );
    assert_eq!(told(&mut out), "CQ");
    assert_eq!(levels(&market, Side::Sell), [(10_000, 50, 1)]);
    assert!(market.has_hidden(0, Side::Sell));
}

#[test]
#[should_panic(expected = "an execution is broken once")]
fn an_execution_cannot_be_broken_twice() {
    let (mut market, mut out) = (market(), Encoder::new());
    market.submit(&order(Side::Sell, 100, 10_001, OrderKind::Limit(None)), T, &mut out);
    market.submit(&order(Side::Buy, 30, 10_001, OrderKind::Immediate), T, &mut out);
    let printed = market.last_print(0).unwrap();
    market.break_trade(0, T, &printed, &mut out);
    market.break_trade(0, T, &printed, &mut out);
}
