//! A random session, after each message of which the table is what a plain list of all orders says.

use super::*;

/// An order as the plain list has it.
#[derive(Clone, Debug)]
struct Plain {
    order: u64,
    side: Side,
    price: i64,
    qty: u64,
    /// What the table should hold of it.
    large: Option<LargeOrder>,
}

/// Every order of the book in a list, which is searched from end to end for everything.
#[derive(Default)]
struct List {
    orders: Vec<Plain>,
    executed: [u64; 2],
}

impl List {
    fn best(&self, side: Side) -> Option<i64> {
        let prices = self.orders.iter().filter(|it| it.side == side).map(|it| it.price);
        if side == Buy { prices.max() } else { prices.min() }
    }

    /// How far a price lies behind the best of a side.
    fn behind(&self, side: Side, price: i64) -> Option<i64> {
        self.best(side).map(|best| if side == Buy { best - price } else { price - best })
    }

    fn place(&self, order: u64) -> Option<usize> {
        self.orders.iter().position(|it| it.order == order)
    }

    /// The large order that one is: `behind` is how far its price lay behind the best before it came.
    fn large(
        &self,
        it: &Plain,
        behind: Option<i64>,
        now: i64,
        sequence: u64,
    ) -> Option<LargeOrder> {
        let opposite = self.best(it.side.opposite())?;
        let is_large = it.qty >= 500 && behind? <= 15 * CENT;
        is_large.then(|| LargeOrder {
            order: it.order,
            price: it.price,
            time_ns: now,
            sequence,
            opposite,
            executed: self.executed.map(|shares| shares as u32),
            qty: it.qty as u32,
            left: it.qty as u32,
            filled: 0,
            side: u32::from(it.side == Sell),
        })
    }

    /// Of more than 16 large orders the oldest is none any more.
    fn make_room(&mut self) {
        let held = self.orders.iter_mut().filter(|it| it.large.is_some());
        let (count, oldest) = held.fold((0, None::<&mut Plain>), |(count, oldest), it| {
            let time = |it: &Plain| it.large.as_ref().map(|large| large.time_ns);
            let older = match oldest {
                Some(oldest) if time(oldest) < time(it) => oldest,
                _ => it,
            };
            (count + 1, Some(older))
        });
        if count > PLACES {
            oldest.unwrap().large = None;
        }
    }

    fn enter(&mut self, mut it: Plain, behind: Option<i64>, now: i64, sequence: u64) -> bool {
        it.large = self.large(&it, behind, now, sequence);
        let has_entered = it.large.is_some();
        self.orders.push(it);
        self.make_room();
        has_entered
    }

    /// Whether one has entered, or what was pulled.
    fn take(&mut self, message: (Kind, u8, [u64; 4]), now: i64, sequence: u64) -> Did {
        let (kind, side, words) = message;
        let pulled = |one: LargeOrder| {
            let filled = u64::from(one.filled) * 20;
            if filled < u64::from(one.qty) {
                Did::Pulled(one.time_ns, one.sequence, one.qty - one.filled)
            } else {
                Did::Nothing
            }
        };
        if kind == Kind::Add {
            let side = if side == b'B' { Buy } else { Sell };
            let [order, price, qty, _] = words;
            let it = Plain { order, side, price: price as i64, qty, large: None };
            let behind = self.behind(side, it.price);
            return match self.enter(it, behind, now, sequence) {
                true => Did::Entered(0),
                false => Did::Nothing,
            };
        }
        let Some(at) = self.place(words[0]) else { return Did::Nothing };
        match kind {
            Kind::Execute | Kind::Cancel => {
                let taken = words[2].min(self.orders[at].qty);
                let it = &mut self.orders[at];
                it.qty -= taken;
                let (has_left, side) = (it.qty == 0, it.side);
                if let Some(one) = &mut it.large {
                    one.left -= taken as u32;
                    one.filled += if kind == Kind::Execute { taken as u32 } else { 0 };
                }
                let mut did = Did::Nothing;
                if kind == Kind::Execute {
                    self.executed[index(side)] += taken;
                } else if let Some(one) = self.orders[at].large
                    && one.left * 5 <= one.qty
                {
                    self.orders[at].large = None;
                    did = pulled(one);
                }
                if has_left {
                    self.orders.remove(at);
                }
                did
            }
            Kind::Delete => self.orders.remove(at).large.map_or(Did::Nothing, pulled),
            _ => {
                let [_, order, price, qty] = words;
                let before = self.behind(self.orders[at].side, self.orders[at].price);
                let behind = self.behind(self.orders[at].side, price as i64);
                let old = self.orders.remove(at);
                let it = Plain { order, price: price as i64, qty, large: None, ..old };
                let Some(mut one) = old.large else {
                    return match self.enter(it, behind, now, sequence) {
                        true => Did::Entered(0),
                        false => Did::Nothing,
                    };
                };
                self.orders.push(it);
                let after = self.behind(old.side, price as i64);
                if qty as u32 * 5 <= one.qty || after.unwrap() - before.unwrap() >= 5 * CENT {
                    return pulled(one);
                }
                (one.order, one.price, one.left) = (order, price as i64, qty as u32);
                one.qty = one.qty.max(qty as u32);
                self.orders.last_mut().unwrap().large = Some(one);
                Did::Nothing
            }
        }
    }
}

/// Draws numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A message that may follow, most of them of orders that there are.
fn random_message(draw: &mut Draw, list: &List, next: &mut u64) -> (Kind, u8, [u64; 4]) {
    let side = if draw.below(2) == 0 { Buy } else { Sell };
    let qty = match draw.below(3) {
        0 => 100,
        1 => 450 + draw.below(100),
        _ => 500 + draw.below(3_000),
    };
    let price = |side: Side, draw: &mut Draw| {
        let reach = if draw.below(4) == 0 { 30 } else { 8 };
        let behind = draw.below(reach) as i64 * CENT;
        if side == Buy { BID - behind } else { ASK + behind }
    };
    // The last orders most, and one in thirty of which nothing is known.
    let known = list.orders.len() as u64;
    let order = match draw.below(30) {
        0 => 1 + draw.below(*next + 5),
        1..10 if known > 0 => list.orders[draw.below(known) as usize].order,
        _ => list.orders.iter().rev().nth(draw.below(24) as usize).map_or(1, |it| it.order),
    };
    let shares = list.place(order).map_or(10, |at| list.orders[at].qty);
    match draw.below(100) {
        0..42 => {
            *next += 1;
            add(*next, side, price(side, draw), qty)
        }
        42..54 => delete(order),
        54..70 => cancel(order, 1 + draw.below(shares + 20)),
        70..86 => {
            *next += 1;
            let side = list.place(order).map_or(side, |at| list.orders[at].side);
            replace(order, *next, price(side, draw), qty)
        }
        _ if draw.below(4) == 0 => execute(order, 1 + draw.below(shares + 20)),
        _ => execute(order, 1 + draw.below(40)),
    }
}

#[test]
fn a_random_session_leaves_what_a_plain_list_of_all_orders_leaves() {
    let (mut entered, mut pulled, mut unknown, mut full, mut spared) = (0, 0, 0, 0, 0);
    for seed in 0..6 {
        let mut draw = Draw(seed);
        let mut scene = Scene::new();
        let mut orders: LargeOrders = Zeroable::zeroed();
        let (mut list, mut next) = (List::default(), 0);
        for step in 0..4_000 {
            let message = random_message(&mut draw, &list, &mut next);
            unknown += u32::from(message.0 != Kind::Add && list.place(message.2[0]).is_none());
            // As detectors are shown messages: only what may concern the table.
            let turn = scene.show(message, |seen| {
                if orders.is_concerned(seen.event, 500.0) {
                    return orders.take(seen, &LARGE);
                }
                spared += 1;
                None
            });
            let expected = list.take(message, scene.now, scene.sequence);
            let did = match turn {
                None => Did::Nothing,
                Some(Turn::Entered(place)) => {
                    assert_eq!(orders.get_mut(place).sequence, scene.sequence);
                    entered += 1;
                    Did::Entered(0)
                }
                Some(Turn::Pulled(one)) => {
                    pulled += 1;
                    Did::Pulled(one.time_ns, one.sequence, one.pulled())
                }
            };
            assert_eq!(did, expected, "seed {seed}, step {step}: {message:?}");
            let by_order = |one: &LargeOrder| one.order;
            let mut held: Vec<LargeOrder> =
                orders.orders.iter().filter(|one| one.qty != 0).copied().collect();
            let mut wanted: Vec<LargeOrder> =
                list.orders.iter().filter_map(|it| it.large).collect();
            held.sort_by_key(by_order);
            wanted.sort_by_key(by_order);
            assert_eq!(held, wanted, "seed {seed}, step {step}: {message:?}");
            assert_eq!(orders.executed.map(u64::from), list.executed);
            let mut set: Vec<u64> = held.iter().map(|one| tag(one.order)).collect();
            set.sort_unstable();
            assert_eq!(tags(&orders), set, "seed {seed}, step {step}");
            full += u32::from(held.len() == PLACES);
        }
    }
    let all = [entered, pulled, unknown, full, spared];
    assert!(all.iter().all(|count| *count > 200), "{all:?}");
}
