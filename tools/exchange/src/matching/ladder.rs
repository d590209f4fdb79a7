//! The price levels of one side of one book, each with its orders in order of time.
//!
//! Levels lie in a sorted array, the best last, since most of what happens happens there. A level's
//! key rises with how good its price is: the price itself for bids, its complement for asks.

use super::orders::{NONE, Order, OrderStore};

/// One price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    key: u32,
    /// Orders there.
    pub(super) orders: u32,
    /// Shares there.
    pub(super) qty: u64,
    head: u32,
    tail: u32,
}

/// Levels looked at one by one from the best before the rest is halved.
const NEAR_LEVELS: usize = 8;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    levels: Vec<Level>,
    is_ask: bool,
}

impl Ladder {
    pub(super) const fn new(is_ask: bool) -> Ladder {
        Ladder { levels: Vec::new(), is_ask }
    }

    #[inline]
    pub(super) fn key(&self, price: u32) -> u32 {
        if self.is_ask { !price } else { price }
    }

    #[inline]
    pub(super) fn price_of(&self, level: &Level) -> u32 {
        if self.is_ask { !level.key } else { level.key }
    }

    /// Price of the best level.
    #[inline]
    pub(super) fn best_price(&self) -> Option<u32> {
        self.levels.last().map(|level| self.price_of(level))
    }

    /// The best level.
    #[inline]
    pub(super) fn best(&self) -> Option<&Level> {
        self.levels.last()
    }

    /// The oldest order of the best level.
    #[inline]
    pub(super) fn first(&self) -> Option<u32> {
        self.levels.last().map(|level| level.head)
    }

    /// Levels, best first.
    pub(super) fn levels(&self) -> impl Iterator<Item = &Level> {
        self.levels.iter().rev()
    }

    /// Orders, those of the best level first, and of a level the oldest first.
    pub(super) fn orders<'a>(
        &'a self,
        store: &'a OrderStore,
    ) -> impl Iterator<Item = &'a Order> + use<'a> {
        self.handles(store).map(|handle| store.at(handle))
    }

    /// The same by their handles.
    pub(super) fn handles<'a>(
        &'a self,
        store: &'a OrderStore,
    ) -> impl Iterator<Item = u32> + use<'a> {
        self.levels().flat_map(move |level| {
            let at = |handle: u32| (handle != NONE).then_some(handle);
            std::iter::successors(at(level.head), move |&one| at(store.at(one).next))
        })
    }

    /// Where a key is, or would have to be.
    fn find(&self, key: u32) -> Result<usize, usize> {
        let near = self.levels.len().saturating_sub(NEAR_LEVELS);
        for at in (near..self.levels.len()).rev() {
            match self.levels[at].key {
                level if level == key => return Ok(at),
                level if level < key => return Err(at + 1),
                _ => {}
            }
        }
        self.levels[..near].binary_search_by_key(&key, |level| level.key)
    }

    /// Puts an order at the end of the queue at its price.
    pub(super) fn enter(&mut self, store: &mut OrderStore, handle: u32) {
        let order = *store.at(handle);
        let key = self.key(order.price);
        let at = self.find(key).unwrap_or_else(|at| {
            let level = Level { key, orders: 0, qty: 0, head: NONE, tail: NONE };
            self.levels.insert(at, level);
            at
        });
        let level = &mut self.levels[at];
        level.orders += 1;
        level.qty += u64::from(order.qty);
        store.at_mut(handle).prev = level.tail;
        store.at_mut(handle).next = NONE;
        match level.tail {
            NONE => level.head = handle,
            tail => store.at_mut(tail).next = handle,
        }
        level.tail = handle;
    }

    /// Takes shares off an order; the order itself goes with its last. Returns whether it went; its
    /// slot is then the caller's to release.
    pub(super) fn take(&mut self, store: &mut OrderStore, handle: u32, qty: u32) -> bool {
        let order = *store.at(handle);
        assert!(qty <= order.qty, "Invariant: no more is taken than rests");
        let Ok(at) = self.find(self.key(order.price)) else {
            panic!("Invariant: a resting order has a level");
        };
        let level = &mut self.levels[at];
        level.qty -= u64::from(qty);
        if qty < order.qty {
            store.at_mut(handle).qty -= qty;
            return false;
        }
        level.orders -= 1;
        match order.prev {
            NONE => level.head = order.next,
            prev => store.at_mut(prev).next = order.next,
        }
        match order.next {
            NONE => level.tail = order.prev,
            next => store.at_mut(next).prev = order.prev,
        }
        if level.orders == 0 {
            self.levels.remove(at);
        }
        true
    }

    /// Checks that levels are sorted and hold what their orders add up to.
    #[cfg(test)]
    pub(super) fn check(&self, store: &OrderStore) {
        assert!(self.levels.is_sorted_by(|a, b| a.key < b.key));
        for level in &self.levels {
            let (mut handle, mut before, mut orders, mut qty) = (level.head, NONE, 0, 0);
            while handle != NONE {
                let order = store.at(handle);
                assert_eq!((order.prev, self.key(order.price)), (before, level.key));
                (orders, qty) = (orders + 1, qty + u64::from(order.qty));
                (before, handle) = (handle, order.next);
            }
            assert_eq!((level.orders, level.qty, level.tail), (orders, qty, before));
            assert!(orders > 0);
        }
    }
}
