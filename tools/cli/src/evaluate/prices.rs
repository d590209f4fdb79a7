//! What traded last: the price of every print, from the messages alone.
//!
//! Only what it takes: the price and the shares left of each displayed order, and nothing of books. An
//! execution of an order that was never shown has no price and is passed over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use engine::units::{OrderRef, Price, Qty, SymbolId};
use feed_handlers::itch50::Message;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct PrintPrices {
    resting: HashMap<(SymbolId, OrderRef), (Price, u64)>,
}

impl PrintPrices {
    /// The price of the print that the message is, if it is one that counts.
    pub(super) fn print(&mut self, symbol: SymbolId, message: &Message<'_>) -> Option<Price> {
        match message {
            Message::AddOrder(add) => self.add(symbol, add.order(), add.price(), add.shares()),
            Message::AddAttributedOrder(add) => {
                self.add(symbol, add.order(), add.price(), add.shares());
            }
            Message::OrderReplaced(replace) => {
                self.resting.remove(&(symbol, replace.original_order()));
                self.add(symbol, replace.new_order(), replace.price(), replace.shares());
            }
            Message::OrderDeleted(delete) => {
                self.resting.remove(&(symbol, delete.order()));
            }
            Message::OrderCancelled(cancel) => {
                self.reduce(symbol, cancel.order(), cancel.shares());
            }
            Message::OrderExecuted(execution) => {
                return self.reduce(symbol, execution.order(), execution.shares());
            }
            Message::OrderExecutedWithPrice(execution) => {
                self.reduce(symbol, execution.order(), execution.shares());
                return execution.is_printable().then(|| execution.price());
            }
            Message::Trade(trade) => return Some(trade.price()),
            Message::CrossTrade(cross) => return (cross.shares().0 > 0).then(|| cross.price()),
            _ => {}
        }
        None
    }

    fn add(&mut self, symbol: SymbolId, order: OrderRef, price: Price, shares: Qty) {
        self.resting.insert((symbol, order), (price, shares.0));
    }

    /// Takes shares off an order; its price.
    fn reduce(&mut self, symbol: SymbolId, order: OrderRef, shares: Qty) -> Option<Price> {
        let Entry::Occupied(mut entry) = self.resting.entry((symbol, order)) else {
            return None;
        };
        let (price, left) = *entry.get();
        match left.checked_sub(shares.0).filter(|left| *left > 0) {
            Some(left) => entry.get_mut().1 = left,
            None => drop(entry.remove()),
        }
        Some(price)
    }
}
