//! What enters the table, and what is pulled.

use super::scene::{Scene, add, cancel, delete, execute, median, replace};
use super::*;
use crate::detect::phase::Phase;
use crate::units::Side::{Buy, Sell};

mod plain_list;

const BID: i64 = 9_999 * CENT;
const ASK: i64 = 10_001 * CENT;

/// Five times the usual order of 100, a quarter of the usual 1,500 shares of a side, 15 cents or 5 spreads.
const LARGE: Large = Large { size: 5.0, of_depth: 0.25, cents: 15.0, spreads: 5.0, filled: 0.05 };

/// What a message did.
#[derive(Debug, PartialEq)]
enum Did {
    Nothing,
    Entered(usize),
    /// Its time, sequence and the shares that were taken back.
    Pulled(i64, u64, u32),
}

/// A table beside a book with 100 shares at 99.99 and at 100.01.
struct Stage {
    scene: Scene,
    orders: LargeOrders,
}

impl Stage {
    fn new() -> Stage {
        let mut stage = Stage { scene: Scene::new(), orders: Zeroable::zeroed() };
        for (side, price) in [(Buy, BID), (Sell, ASK)] {
            assert_eq!(stage.add(side, price, 100).1, Did::Nothing);
        }
        stage
    }

    fn show(&mut self, message: (Kind, u8, [u64; 4])) -> Did {
        let Stage { scene, orders } = self;
        match scene.show(message, |seen| orders.take(seen, &LARGE)) {
            None => Did::Nothing,
            Some(Turn::Entered(place)) => Did::Entered(place),
            Some(Turn::Pulled(one)) => Did::Pulled(one.time_ns, one.sequence, one.pulled()),
        }
    }

    fn add(&mut self, side: Side, price: i64, qty: u64) -> (u64, Did) {
        let order = self.scene.next_reference();
        (order, self.show(add(order, side, price, qty)))
    }

    /// A large offer that enters; its reference, time and sequence.
    fn offer(&mut self, price: i64, qty: u64) -> (u64, i64, u64) {
        let (order, did) = self.add(Sell, price, qty);
        assert!(matches!(did, Did::Entered(_)), "{did:?}");
        (order, self.scene.now, self.scene.sequence)
    }

    fn replace(&mut self, order: u64, price: i64, qty: u64) -> (u64, Did) {
        let new = self.scene.next_reference();
        (new, self.show(replace(order, new, price, qty)))
    }

    fn held(&self) -> Vec<LargeOrder> {
        self.orders.orders.iter().filter(|one| one.qty != 0).copied().collect()
    }
}

/// The tags in a table that are set, in rising order.
fn tags(orders: &LargeOrders) -> Vec<u64> {
    let bytes = orders.tags.iter().flat_map(|word| word.to_le_bytes());
    let mut tags: Vec<u64> = bytes.filter(|tag| *tag != 0).map(u64::from).collect();
    tags.sort_unstable();
    tags
}

#[test]
fn an_order_is_large_by_size_depth_and_distance() {
    for (side, price, qty, enters) in [
        (Sell, ASK, 500, true),
        (Sell, ASK, 499, false),
        (Buy, BID, 500, true),
        (Sell, ASK + 15 * CENT, 500, true),
        (Sell, ASK + 15 * CENT + 1, 500, false),
        (Buy, BID - 15 * CENT, 500, true),
        (Buy, BID - 15 * CENT - 1, 500, false),
        // Better than the best: in front of it.
        (Sell, ASK - CENT, 500, true),
        (Buy, BID + CENT, 500, true),
    ] {
        let did = Stage::new().add(side, price, qty).1;
        assert_eq!(did != Did::Nothing, enters, "{side:?} {price} {qty}");
    }
    // A quarter of 2,400 shares are 600; five spreads of 4 cents are 20.
    for (price, qty, enters) in [
        (ASK, 600, true),
        (ASK, 599, false),
        (ASK + 20 * CENT, 600, true),
        (ASK + 21 * CENT, 600, false),
    ] {
        let mut stage = Stage::new();
        stage.scene.profile.depth = [median(7.0), median(2_400.0)];
        stage.scene.profile.spread = median(4.0 * CENT as f64);
        assert_eq!(stage.add(Sell, price, qty).1 != Did::Nothing, enters, "{price} {qty}");
    }
}

#[test]
fn nothing_is_large_where_it_is_not_known_what_is_usual_or_there_is_no_market() {
    let refuses = |why: &str, change: fn(&mut Stage)| {
        let mut stage = Stage::new();
        change(&mut stage);
        assert_eq!(stage.add(Sell, ASK, 5_000).1, Did::Nothing, "{why}");
        assert_eq!(stage.held(), []);
    };
    refuses("no depth", |stage| stage.scene.profile.depth[1] = Default::default());
    refuses("no orders", |stage| stage.scene.activity.order_qty = Default::default());
    refuses("no bids", |stage| _ = stage.show(delete(1)));
    refuses("no other offers", |stage| _ = stage.show(delete(2)));
    for phase in Phase::ALL {
        let mut stage = Stage::new();
        stage.scene.phase = phase;
        let enters = stage.add(Sell, ASK, 5_000).1 != Did::Nothing;
        assert_eq!(enters, phase.is_usual(), "{phase:?}");
    }
}

#[test]
fn what_it_was_when_it_entered_stays_with_it() {
    let mut stage = Stage::new();
    let (bid, _) = stage.add(Buy, BID, 300);
    stage.show(execute(bid, 40));
    let (order, time, sequence) = stage.offer(ASK + CENT, 700);
    // The bid goes, and a better one comes: what it was is kept.
    stage.add(Buy, BID + CENT, 100);
    stage.show(execute(bid, 10));
    let expected = LargeOrder {
        order,
        price: ASK + CENT,
        time_ns: time,
        sequence,
        opposite: BID,
        executed: [40, 0],
        qty: 700,
        left: 700,
        filled: 0,
        side: 1,
    };
    assert_eq!(stage.held(), [expected]);
    assert_eq!(stage.orders.executed, [50, 0]);
    assert_eq!(stage.show(delete(order)), Did::Pulled(time, sequence, 700));
    assert_eq!((stage.held(), tags(&stage.orders)), (vec![], vec![]));
}

#[test]
fn in_a_full_table_the_order_that_has_been_there_longest_makes_room() {
    let mut stage = Stage::new();
    let entered: Vec<_> = (0..17).map(|_| stage.offer(ASK, 500)).collect();
    assert_eq!(stage.held().len(), PLACES);
    // The seventeenth took the place of the first, of which nothing is known any more.
    assert_eq!(stage.show(delete(entered[0].0)), Did::Nothing);
    for (order, time, sequence) in &entered[1..] {
        assert_eq!(stage.show(delete(*order)), Did::Pulled(*time, *sequence, 500));
    }
    assert_eq!((stage.held(), tags(&stage.orders)), (vec![], vec![]));
    // A place that is free is taken first, though others have been there longer.
    let mut stage = Stage::new();
    let entered: Vec<_> = (0..16).map(|_| stage.offer(ASK, 500)).collect();
    stage.show(delete(entered[9].0));
    assert_eq!(stage.add(Sell, ASK, 500).1, Did::Entered(9));
    assert_eq!(stage.add(Sell, ASK, 500).1, Did::Entered(0));
    assert_eq!(stage.add(Sell, ASK, 500).1, Did::Entered(1));
}

#[test]
fn replaces_keep_an_orders_history_however_many() {
    let mut stage = Stage::new();
    let (mut order, time, sequence) = stage.offer(ASK + CENT, 1_000);
    for step in 0..20 {
        let (new, did) = stage.replace(order, ASK + (1 + step % 5) * CENT, 900 + step as u64 * 10);
        assert_eq!(did, Did::Nothing);
        order = new;
        let held = stage.held();
        assert_eq!((held.len(), held[0].order, held[0].time_ns), (1, order, time));
        assert_eq!(tags(&stage.orders), [tag(order)]);
    }
    // It showed 1,090 at most.
    assert_eq!(stage.held()[0].qty, 1_090);
    assert_eq!(stage.show(delete(order)), Did::Pulled(time, sequence, 1_090));
}

#[test]
fn a_replace_that_makes_an_order_large_lets_it_enter_by_its_side() {
    let mut stage = Stage::new();
    let (order, did) = stage.add(Buy, BID, 100);
    assert_eq!(did, Did::Nothing);
    assert_eq!(stage.replace(order, BID, 499).1, Did::Nothing);
    let (order, did) = stage.replace(order + 1, BID, 500);
    assert_eq!(did, Did::Entered(0));
    let held = stage.held();
    assert_eq!((held[0].order, held[0].side(), held[0].opposite), (order, 0, ASK));
    assert_eq!((held[0].time_ns, held[0].sequence), (stage.scene.now, stage.scene.sequence));
}

#[test]
fn a_replace_that_leads_away_from_the_market_is_a_pull() {
    // Five cents where two usual spreads of 2 cents are less; two spreads of 3 cents are 6.
    for (spread, cents, is_pulled) in [(2, 5, true), (2, 4, false), (3, 6, true), (3, 5, false)] {
        for (side, best, sign) in [(Sell, ASK, 1), (Buy, BID, -1)] {
            let mut stage = Stage::new();
            stage.scene.profile.spread = median((spread * CENT) as f64);
            let (order, did) = stage.add(side, best, 800);
            assert_eq!(did, Did::Entered(0));
            let (time, sequence) = (stage.scene.now, stage.scene.sequence);
            let did = stage.replace(order, best + sign * cents * CENT, 800).1;
            let pulled = Did::Pulled(time, sequence, 800);
            assert_eq!(did, if is_pulled { pulled } else { Did::Nothing }, "{spread} {cents}");
            assert_eq!(stage.held().len(), usize::from(!is_pulled));
        }
    }
    // It is the distance from the best price that counts: one that follows the market is not pulled.
    let mut stage = Stage::new();
    let (order, ..) = stage.offer(ASK + CENT, 800);
    stage.add(Sell, ASK + 20 * CENT, 100);
    stage.show(delete(2));
    assert_eq!(stage.replace(order, ASK + 21 * CENT, 800).1, Did::Nothing);
}

#[test]
fn what_was_executed_noticeably_is_forgotten_when_it_leaves() {
    // A twentieth of 500 are 25.
    for (parts, is_pulled) in [([10, 14], true), ([10, 15], false)] {
        let mut stage = Stage::new();
        let (order, time, sequence) = stage.offer(ASK, 500);
        for part in parts {
            assert_eq!(stage.show(execute(order, part)), Did::Nothing);
        }
        let filled = (parts[0] + parts[1]) as u32;
        assert_eq!((stage.held()[0].filled, stage.held()[0].left), (filled, 500 - filled));
        let pulled = Did::Pulled(time, sequence, 500 - filled);
        let expected = if is_pulled { pulled } else { Did::Nothing };
        assert_eq!(stage.show(delete(order)), expected);
        assert_eq!((stage.held(), tags(&stage.orders)), (vec![], vec![]));
    }
    // Executed whole, in parts: its place is free at once.
    let mut stage = Stage::new();
    let (order, ..) = stage.offer(ASK, 500);
    stage.show(execute(order, 499));
    assert_eq!(stage.held().len(), 1);
    stage.show(execute(order, 1));
    assert_eq!((stage.held(), stage.orders.executed), (vec![], [0, 500]));
    assert_eq!(stage.add(Sell, ASK, 500).1, Did::Entered(0));
}

#[test]
fn an_order_of_which_a_rump_is_left_is_pulled() {
    // A fifth of 500 are 100.
    let mut stage = Stage::new();
    let (order, time, sequence) = stage.offer(ASK, 500);
    assert_eq!(stage.show(cancel(order, 200)), Did::Nothing);
    assert_eq!(stage.show(cancel(order, 199)), Did::Nothing);
    assert_eq!(stage.show(cancel(order, 1)), Did::Pulled(time, sequence, 500));
    assert_eq!(stage.show(delete(order)), Did::Nothing, "it is pulled once");
    let (order, time, sequence) = stage.offer(ASK, 500);
    let (order, did) = stage.replace(order, ASK, 101);
    assert_eq!(did, Did::Nothing);
    assert_eq!(stage.replace(order, ASK, 100).1, Did::Pulled(time, sequence, 500));
    // The most that it showed is what counts: a fifth of 1,000.
    let (order, time, sequence) = stage.offer(ASK, 500);
    let (order, _) = stage.replace(order, ASK, 1_000);
    assert_eq!(stage.show(cancel(order, 799)), Did::Nothing);
    assert_eq!(stage.show(cancel(order, 1)), Did::Pulled(time, sequence, 1_000));
    // What is executed leaves a rump that was meant to trade.
    let (order, ..) = stage.offer(ASK, 500);
    stage.show(execute(order, 450));
    assert_eq!(stage.show(cancel(order, 10)), Did::Nothing);
    assert_eq!(stage.held(), []);
}

#[test]
fn orders_that_share_a_tag_are_told_apart() {
    let of = |wanted: u64, after: u64| (after + 1..).find(|order| tag(*order) == wanted).unwrap();
    let mut stage = Stage::new();
    let first = 1_000;
    let (second, small) = (of(tag(first), first), of(tag(first), first + 500));
    let other = (first..).find(|order| tag(*order) != tag(first)).unwrap();
    assert!(second != small);
    for (order, qty) in [(first, 500), (second, 600), (small, 100)] {
        let did = stage.show(add(order, Sell, ASK, qty));
        assert_eq!(did == Did::Nothing, qty == 100);
    }
    assert_eq!(tags(&stage.orders), [tag(first); 2]);
    let (time, sequence) = (stage.held()[1].time_ns, stage.held()[1].sequence);
    // Of a small one with their tag nothing is known, nor of one that no book holds.
    assert_eq!(stage.show(cancel(small, 10)), Did::Nothing);
    assert_eq!(stage.show(execute(small, 10)), Did::Nothing);
    assert_eq!(stage.show(delete(small)), Did::Nothing);
    assert_eq!(stage.show(delete(small)), Did::Nothing);
    assert_eq!(stage.held().len(), 2);
    // When one of two goes, the other's tag stays.
    assert!(matches!(stage.show(delete(first)), Did::Pulled(_, _, 500)));
    assert_eq!(tags(&stage.orders), [tag(second)]);
    assert_eq!(stage.show(replace(second, other, ASK, 600)), Did::Nothing);
    assert_eq!(tags(&stage.orders), [tag(other)]);
    assert_eq!(stage.show(delete(other)), Did::Pulled(time, sequence, 600));
}
