//! One symbol's displayed book, as small as the measure needs it: orders, and shares by price.

use std::collections::{BTreeMap, HashMap};

use engine::units::{OrderRef, Side};

/// A live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) side: Side,
    pub(super) price_e4: u32,
    pub(super) shares: u64,
    /// Time of the message that gave it its reference.
    pub(super) since_ns: u64,
    /// Time of the add that it goes back to through its replaces.
    pub(super) added_ns: u64,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    orders: HashMap<OrderRef, Order>,
    /// Bids, asks: shares by price.
    sides: [BTreeMap<u32, u64>; 2],
}

/// One cent; a ten-thousandth below one unit of currency (Regulation NMS, rule 612).
pub(super) const fn tick_e4(price_e4: u32) -> u32 {
    if price_e4 >= 10_000 { 100 } else { 1 }
}

impl Book {
    fn side(&mut self, side: Side) -> &mut BTreeMap<u32, u64> {
        &mut self.sides[usize::from(side == Side::Sell)]
    }

    pub(super) fn add(&mut self, reference: OrderRef, order: Order) {
        *self.side(order.side).entry(order.price_e4).or_default() += order.shares;
        self.orders.insert(reference, order);
    }

    /// Takes shares off an order. The order as it was, and whether it is gone.
    pub(super) fn take(&mut self, reference: OrderRef, shares: u64) -> Option<(Order, bool)> {
        let order = self.orders.get_mut(&reference)?;
        let before = *order;
        let taken = shares.min(order.shares);
        order.shares -= taken;
        let gone = order.shares == 0;
        if gone {
            self.orders.remove(&reference);
        }
        self.lower(before, taken);
        Some((before, gone))
    }

    /// Takes an order out.
    pub(super) fn remove(&mut self, reference: OrderRef) -> Option<Order> {
        let order = self.orders.remove(&reference)?;
        self.lower(order, order.shares);
        Some(order)
    }

    fn lower(&mut self, order: Order, shares: u64) {
        let levels = self.side(order.side);
        if let Some(level) = levels.get_mut(&order.price_e4) {
            *level -= shares;
            if *level == 0 {
                levels.remove(&order.price_e4);
            }
        }
    }

    /// Prices and shares of a side, best first.
    pub(super) fn levels(&self, side: Side) -> Box<dyn Iterator<Item = (u32, u64)> + '_> {
        let copied = |(&price, &shares): (&u32, &u64)| (price, shares);
        match side {
            Side::Buy => Box::new(self.sides[0].iter().rev().map(copied)),
            Side::Sell => Box::new(self.sides[1].iter().map(copied)),
        }
    }

    pub(super) fn best_e4(&self, side: Side) -> Option<u32> {
        self.levels(side).next().map(|(price, _)| price)
    }

    pub(super) fn level_count(&self, side: Side) -> usize {
        self.sides[usize::from(side == Side::Sell)].len()
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }
}
