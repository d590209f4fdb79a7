//! Resting orders in one store, named by handles; the slot freed last is used first.
//!
//! An [`OrderId`] carries the generation of its slot, so the name of an order that has gone never
//! means the one that took its place. The market alone writes.

use engine::units::{OrderRef, Side};

/// The handle that names no order.
pub(super) const NONE: u32 = u32::MAX;

/// Names a resting order as long as it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderId {
    pub(super) handle: u32,
    generation: u32,
}

/// An order at its place in a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// The feed's reference; a hidden order has one too, which is never told.
    pub(super) reference: u64,
    /// Limit, 1e-4 dollars.
    pub(super) price: u32,
    /// Shares left, never 0.
    pub(super) qty: u32,
    /// The next younger order of its level, or [`NONE`].
    pub(super) next: u32,
    /// The next older one.
    pub(super) prev: u32,
    generation: u32,
    /// Index of its security.
    pub(super) symbol: u16,
    pub(super) is_ask: bool,
    pub(super) is_hidden: bool,
    is_live: bool,
}

/// A resting order as others may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its reference.
    pub reference: OrderRef,
    /// Index of its security.
    pub symbol: u16,
    /// Its side.
    pub side: Side,
    /// Its limit, 1e-4 dollars.
    pub price: u32,
    /// Shares left.
    pub qty: u32,
    /// Whether it is displayed.
    pub is_displayed: bool,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderStore {
    slots: Vec<Order>,
    free: Vec<u32>,
}

impl OrderStore {
    /// Stores an order and names it.
    pub(super) fn insert(
        &mut self,
        reference: u64,
        symbol: u16,
        is_ask: bool,
        is_hidden: bool,
        (price, qty): (u32, u32),
    ) -> OrderId {
        assert!(qty > 0, "Invariant: an order has shares");
        let order = Order {
            reference,
            price,
            qty,
            next: NONE,
            prev: NONE,
            generation: 0,
            symbol,
            is_ask,
            is_hidden,
            is_live: true,
        };
        match self.free.pop() {
            Some(handle) => {
                let slot = &mut self.slots[handle as usize];
                let generation = slot.generation.wrapping_add(1);
                *slot = Order { generation, ..order };
                OrderId { handle, generation }
            }
            None => {
                let handle = self.slots.len() as u32;
                assert!(handle != NONE, "Invariant: handles do not run out");
                self.slots.push(order);
                OrderId { handle, generation: 0 }
            }
        }
    }

    /// Gives the slot of an order back.
    pub(super) fn release(&mut self, handle: u32) {
        let slot = &mut self.slots[handle as usize];
        assert!(slot.is_live, "Invariant: an order goes once");
        slot.is_live = false;
        self.free.push(handle);
    }

    pub(super) fn at(&self, handle: u32) -> &Order {
        &self.slots[handle as usize]
    }

    pub(super) fn at_mut(&mut self, handle: u32) -> &mut Order {
        &mut self.slots[handle as usize]
    }

    /// The order, while it rests.
    #[inline]
    pub(super) fn get(&self, id: OrderId) -> Option<&Order> {
        let slot = self.slots.get(id.handle as usize)?;
        (slot.is_live && slot.generation == id.generation).then_some(slot)
    }

    /// How many slots there are, live or not.
    pub(super) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// The order in a slot, if one rests there.
    pub(super) fn in_slot(&self, handle: u32) -> Option<OrderId> {
        let slot = self.slots.get(handle as usize).filter(|slot| slot.is_live)?;
        Some(OrderId { handle, generation: slot.generation })
    }
}

impl Order {
    pub(super) fn view(&self) -> Resting {
        Resting {
            reference: OrderRef(self.reference),
            symbol: self.symbol,
            side: if self.is_ask { Side::Sell } else { Side::Buy },
            price: self.price,
            qty: self.qty,
            is_displayed: !self.is_hidden,
        }
    }
}
