//! One symbol's book as the rules tell it: side → price → orders in the order of their arrival.

use std::collections::{BTreeMap, HashMap};

use engine::units::{Nanos, OrderRef, Price, Qty, Side};

/// A live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its reference.
    pub order: OrderRef,
    /// What is left of it; 0 only if it was sent so.
    pub qty: Qty,
    /// Time of the message that brought it.
    pub time: Nanos,
    /// Whether an execution took shares off it.
    pub filled: bool,
}

/// A price at which orders rest, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// Sum of what is left of its orders.
    pub qty: u128,
    /// How many orders.
    pub orders: usize,
}

/// What taking shares off an order met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The order had enough; it rested at this price.
    Enough(Price),
    /// The order had less and is gone; it rested at this price.
    TooMuch(Price),
    /// There is no such order.
    Unknown,
}

type SideOfBook = BTreeMap<Price, Vec<RestingOrder>>;

/// The live orders of one symbol.
#[derive(Clone, Debug, Default)]
pub struct ReferenceBook {
    bids: SideOfBook,
    asks: SideOfBook,
    places: HashMap<OrderRef, (Side, Price)>,
}

impl ReferenceBook {
    /// Whether `order` is live.
    #[must_use]
    pub fn holds(&self, order: OrderRef) -> bool {
        self.places.contains_key(&order)
    }

    /// The live order under a reference.
    #[must_use]
    pub fn resting(&self, order: OrderRef) -> Option<RestingOrder> {
        let &(side, price) = self.places.get(&order)?;
        self.side(side)[&price].iter().find(|resting| resting.order == order).copied()
    }

    /// The side of a live order.
    #[must_use]
    pub fn side_of(&self, order: OrderRef) -> Option<Side> {
        self.places.get(&order).map(|&(side, _)| side)
    }

    /// Puts an order at the end of its level's queue.
    ///
    /// # Panics
    /// If its reference is live: the market asks before.
    pub fn add(&mut self, side: Side, price: Price, resting: RestingOrder) {
        let before = self.places.insert(resting.order, (side, price));
        assert!(before.is_none(), "the market asks before it adds");
        self.side_mut(side).entry(price).or_default().push(resting);
    }

    /// Takes `qty` off an order, and the order off the book when nothing is left of it. `executes` if
    /// the shares are executed.
    ///
    /// # Panics
    /// If the reference's own maps disagree.
    pub fn take(&mut self, order: OrderRef, qty: Qty, executes: bool) -> Taken {
        let Some(&(side, price)) = self.places.get(&order) else {
            return Taken::Unknown;
        };
        let queue = self.side_mut(side).get_mut(&price).expect("a placed order has a level");
        let resting = queue
            .iter_mut()
            .find(|resting| resting.order == order)
            .expect("a placed order is in its queue");
        let left = resting.qty;
        if qty < left {
            resting.qty = Qty(left.0 - qty.0);
            resting.filled |= executes && qty.0 > 0;
            return Taken::Enough(price);
        }
        self.remove(order);
        if qty == left { Taken::Enough(price) } else { Taken::TooMuch(price) }
    }

    /// Takes an order off the book; its side, if it was there.
    ///
    /// # Panics
    /// If the reference's own maps disagree.
    pub fn remove(&mut self, order: OrderRef) -> Option<Side> {
        let (side, price) = self.places.remove(&order)?;
        let levels = self.side_mut(side);
        let queue = levels.get_mut(&price).expect("a placed order has a level");
        queue.retain(|resting| resting.order != order);
        if queue.is_empty() {
            levels.remove(&price);
        }
        Some(side)
    }

    /// The levels of a side, best first.
    #[must_use]
    pub fn levels(&self, side: Side) -> Vec<Level> {
        let queues = self.queues(side);
        queues.map(|(price, queue)| level(price, queue)).collect()
    }

    /// The levels of a side with their queues, best first, first come first.
    #[must_use]
    pub fn queues(&self, side: Side) -> Box<dyn Iterator<Item = (Price, &[RestingOrder])> + '_> {
        let ascending = self.side(side).iter();
        let queues = ascending.map(|(&price, queue)| (price, queue.as_slice()));
        match side {
            Side::Buy => Box::new(queues.rev()),
            Side::Sell => Box::new(queues),
        }
    }

    /// How many levels a side has.
    #[must_use]
    pub fn level_count(&self, side: Side) -> usize {
        self.side(side).len()
    }

    /// The best level of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        let best = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        best.map(|(&price, queue)| level(price, queue))
    }

    /// How many orders are live.
    #[must_use]
    pub fn order_count(&self) -> usize {
        self.places.len()
    }

    fn side(&self, side: Side) -> &SideOfBook {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut SideOfBook {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

fn level(price: Price, queue: &[RestingOrder]) -> Level {
    Level {
        price,
        qty: queue.iter().map(|resting| u128::from(resting.qty.0)).sum(),
        orders: queue.len(),
    }
}
