//! Which way orders and trades push: order-flow imbalance, aggressor imbalance.
//!
//! Order-flow imbalance is that of Cont, Kukanov and Stoikov ("The price impact of order book events",
//! 2014), best level: each change of the best bid or offer adds
//!
//! ```text
//!  [bid ≥ bid'] bid_qty − [bid ≤ bid'] bid_qty' − [ask ≤ ask'] ask_qty + [ask ≥ ask'] ask_qty'
//! ```
//! where ' is the quote before the change. An empty side counts as one of no shares at the worst
//! price there is. Changes while a symbol is halted, paused or quoted only are not counted.
//!
//! Buys and sells are the shares of printed executions of displayed orders (E, C with `Y`) by the side
//! of the aggressor, the opposite of the resting order's. Crosses and hidden executions have none.

use bytemuck::{Pod, Zeroable};

use crate::units::{Price, Qty, Side};

/// Price and shares of a best bid or offer, in a form in which the better price is the greater key,
/// on both sides, and an empty side is all zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SideQuote {
    /// Rises with how good the price is; 0 for an empty side.
    pub(crate) key: u64,
    /// Shares; 0 for an empty side.
    pub(crate) qty: u64,
}

impl SideQuote {
    /// An empty side.
    pub const NONE: SideQuote = SideQuote { key: 0, qty: 0 };

    /// Of a side's best price and the shares there.
    #[inline(always)]
    #[must_use]
    pub const fn of(side: Side, price: Price, qty: Qty) -> SideQuote {
        let rising = price.0 as u64 ^ 1 << 63;
        let key = match side {
            Side::Buy => rising,
            Side::Sell => !rising,
        };
        SideQuote { key, qty: qty.0 }
    }

    /// The price of a bid; `None` of an empty side.
    #[inline(always)]
    #[must_use]
    pub fn bid_price(&self) -> Option<Price> {
        (self.key != 0).then_some(Price((self.key ^ 1 << 63) as i64))
    }

    /// The price of an offer; `None` of an empty side.
    #[inline(always)]
    #[must_use]
    pub fn ask_price(&self) -> Option<Price> {
        (self.key != 0).then_some(Price((!self.key ^ 1 << 63) as i64))
    }

    /// What this side adds to the order flow when it becomes `after`: from its own traders' point of
    /// view, so an offer's share counts negative.
    #[inline(always)]
    #[must_use]
    pub fn flow_to(&self, after: &SideQuote) -> i64 {
        let now = if after.key >= self.key { after.qty } else { 0 };
        let gone = if after.key <= self.key { self.qty } else { 0 };
        // Wraps beyond 2^63 shares, which no day comes near.
        now.wrapping_sub(gone) as i64
    }
}

/// Shares by the side of the aggressor, net of breaks. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AggressorFlow {
    pub(crate) buys: u128,
    pub(crate) sells: u128,
}

impl AggressorFlow {
    /// No shares.
    pub const NONE: AggressorFlow = AggressorFlow { buys: 0, sells: 0 };

    #[inline(always)]
    fn of(&mut self, aggressor: Side) -> &mut u128 {
        match aggressor {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// Adds a print's shares.
    #[inline(always)]
    pub fn add(&mut self, aggressor: Side, qty: Qty) {
        *self.of(aggressor) += u128::from(qty.0);
    }

    /// Takes out the shares of a broken print that was added.
    pub fn take_out(&mut self, aggressor: Side, qty: Qty) {
        *self.of(aggressor) -= u128::from(qty.0);
    }

    /// Shares that aggressors bought.
    #[must_use]
    pub fn buys(&self) -> u128 {
        self.buys
    }

    /// Shares that aggressors sold.
    #[must_use]
    pub fn sells(&self) -> u128 {
        self.sells
    }

    /// (buys − sells) / (buys + sells), −1 to 1; `None` without either.
    #[must_use]
    pub fn imbalance(&self) -> Option<f64> {
        let all = self.buys + self.sells;
        let net = self.buys as i128 - self.sells as i128;
        (all > 0).then(|| net as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bid(price: i64, qty: u64) -> SideQuote {
        SideQuote::of(Side::Buy, Price(price), Qty(qty))
    }

    fn ask(price: i64, qty: u64) -> SideQuote {
        SideQuote::of(Side::Sell, Price(price), Qty(qty))
    }

    #[test]
    fn each_way_a_side_can_change_worked_by_hand() {
        // More at the price, less at it, a better price, a worse one, a side that comes and goes.
        assert_eq!(bid(10, 300).flow_to(&bid(10, 500)), 200);
        assert_eq!(bid(10, 300).flow_to(&bid(10, 100)), -200);
        assert_eq!(bid(10, 300).flow_to(&bid(11, 50)), 50);
        assert_eq!(bid(10, 300).flow_to(&bid(9, 700)), -300);
        assert_eq!(SideQuote::NONE.flow_to(&bid(10, 300)), 300);
        assert_eq!(bid(10, 300).flow_to(&SideQuote::NONE), -300);
        // An offer is better where it is lower.
        assert_eq!(ask(20, 300).flow_to(&ask(19, 50)), 50);
        assert_eq!(ask(20, 300).flow_to(&ask(21, 700)), -300);
        assert_eq!(SideQuote::NONE.flow_to(&SideQuote::NONE), 0);
    }

    #[test]
    fn prices_come_back() {
        for price in [-5, 0, 1, 286_700_000_000, i64::MAX - 1] {
            assert_eq!(bid(price, 1).bid_price(), Some(Price(price)));
            assert_eq!(ask(price, 1).ask_price(), Some(Price(price)));
        }
        assert_eq!((SideQuote::NONE.bid_price(), SideQuote::NONE.ask_price()), (None, None));
    }

    #[test]
    fn the_imbalance_of_aggressors_is_net_of_breaks() {
        let mut flow = AggressorFlow::NONE;
        assert_eq!(flow.imbalance(), None);
        flow.add(Side::Buy, Qty(300));
        flow.add(Side::Sell, Qty(100));
        assert_eq!(flow.imbalance(), Some(0.5));
        flow.take_out(Side::Buy, Qty(300));
        assert_eq!((flow.buys(), flow.sells(), flow.imbalance()), (0, 100, Some(-1.0)));
    }
}
