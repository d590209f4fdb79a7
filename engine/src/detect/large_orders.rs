//! The large orders that a symbol shows near its best prices, and which of them are pulled.
//!
//! Spoofing and layering each keep a table of them, by their own measure of large ([`Large`]): what each was
//! when it entered, and how the other side stood then. An order keeps its time and that side through
//! replaces; one that a replace takes away from the market, or leaves hardly a share of, is pulled like one
//! that is deleted. What was executed noticeably was meant to trade, and is forgotten when it leaves.
//!
//! **Full**: the order that has been there longest makes room. A message that names no large order costs a
//! look at one word, in which each order in the table has set one of 64 bits.

use bytemuck::{Pod, Zeroable};

use crate::detect::seen::Seen;
use crate::event::Kind;
use crate::units::{Price, Side};

/// Orders that are kept of a symbol.
const PLACES: usize = 16;

/// A cent, 1e-9 units.
pub const CENT: i64 = 10_000_000;

/// Which orders are large, and when one is pulled.
#[derive(Clone, Copy, Debug)]
pub struct Large {
    /// Shares, in the symbol's median orders, at least.
    pub size: f64,
    /// Shares, as a part of what its side usually shows at five levels, at least.
    pub of_depth: f64,
    /// Cents from the best price of its side, at most, where usual spreads do not allow for more.
    pub cents: f64,
    /// Usual spreads from the best price of its side, at most, where cents do not allow for more.
    pub spreads: f64,
    /// Part of it that may have been executed.
    pub filled: f64,
}

/// Cents by which a replace must take an order away from the best price, at least, to pull it.
const AWAY_CENTS: i64 = 5;

/// And usual spreads.
const AWAY_SPREADS: f64 = 2.0;

/// Part of its shares with which an order that was reduced counts as pulled.
const RUMP: f64 = 0.2;

/// A large order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LargeOrder {
    /// Its reference now.
    order: u64,
    /// Its price now.
    pub price: i64,
    /// When it entered first.
    pub time_ns: i64,
    /// With which message.
    pub sequence: u64,
    /// Best price of the other side then.
    pub opposite: i64,
    /// Shares executed by then of resting bids and offers, counted round and round.
    pub executed: [u32; 2],
    /// Shares that it showed at most; 0 where there is none.
    pub qty: u32,
    /// Shares that it has left.
    left: u32,
    /// Shares of it that were executed.
    filled: u32,
    /// 0 a bid, 1 an offer.
    side: u32,
}

const _: () = assert!(size_of::<LargeOrder>() == 64);

/// What a message did to the large orders.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// One has entered, at this place of the table.
    Entered(usize),
    /// One was pulled.
    Pulled(LargeOrder),
}

/// See the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct LargeOrders {
    /// A bit for each order, by its reference.
    filter: u64,
    /// Shares executed so far of resting bids and offers, counted round and round.
    pub executed: [u32; 2],
    orders: [LargeOrder; PLACES],
}

const _: () = assert!(size_of::<LargeOrders>() == 1_040);

/// 0 of a bid, 1 of an offer.
#[inline(always)]
pub fn index(side: Side) -> usize {
    usize::from(side == Side::Sell)
}

/// The best price of side 0 or 1, bids or offers, turned so that it rises with how good it is.
#[inline(always)]
fn rising(side: usize, price: i64) -> i64 {
    if side == 0 { price } else { !price }
}

#[inline(always)]
fn bit(order: u64) -> u64 {
    1 << (order.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

fn shares(qty: u64) -> u32 {
    qty.min(u64::from(u32::MAX)) as u32
}

impl LargeOrders {
    /// Takes a message of a displayed order.
    #[inline(always)]
    pub fn take(&mut self, seen: &Seen<'_>, large: &Large) -> Option<Turn> {
        const ADD: u8 = Kind::Add as u8;
        const EXECUTE: u8 = Kind::Execute as u8;
        const CANCEL: u8 = Kind::Cancel as u8;
        const DELETE: u8 = Kind::Delete as u8;
        const REPLACE: u8 = Kind::Replace as u8;
        let event = seen.event;
        let is_known = self.filter & bit(event.order().0) != 0;
        let is_large = |qty: u64| qty as f64 >= large.size * seen.activity.order_qty();
        match event.kind {
            ADD if is_large(event.qty().0) => self.enter(
                seen,
                large,
                event.order().0,
                event.side()?,
                event.add_price(),
                event.qty().0,
            ),
            EXECUTE => {
                let resting = seen.resting?;
                let executed = &mut self.executed[index(resting.side)];
                *executed = executed.wrapping_add(resting.taken.0 as u32);
                if is_known {
                    self.fill(seen);
                }
                None
            }
            CANCEL | DELETE if is_known => self.reduce(seen, large),
            REPLACE if is_known || is_large(event.new_qty().0) => self.replace(seen, large),
            _ => None,
        }
    }

    /// An order of the table.
    pub fn get_mut(&mut self, place: usize) -> &mut LargeOrder {
        &mut self.orders[place % PLACES]
    }

    #[cold]
    #[inline(never)]
    fn enter(
        &mut self,
        seen: &Seen<'_>,
        large: &Large,
        order: u64,
        side: Side,
        price: Price,
        qty: u64,
    ) -> Option<Turn> {
        let at = index(side);
        let own = seen.before.best(side)?.0;
        let opposite = seen.touch.best(side.opposite())?.0;
        let usual = seen.profile.depth(at);
        let behind = rising(at, own).saturating_sub(rising(at, price.0)) as f64;
        let reach = (large.cents * CENT as f64).max(large.spreads * seen.profile.spread());
        let is_large = usual > 0.0
            && seen.activity.order_qty() > 0.0
            && qty as f64 >= large.of_depth * usual
            && behind <= reach;
        if !is_large || !seen.phase.is_usual() {
            return None;
        }
        let mut place = 0;
        for (at, one) in self.orders.iter().enumerate() {
            if one.qty == 0 {
                place = at;
                break;
            }
            if one.time_ns < self.orders[place].time_ns {
                place = at;
            }
        }
        self.orders[place] = LargeOrder {
            order,
            price: price.0,
            time_ns: seen.time.0,
            sequence: seen.sequence.0,
            opposite,
            executed: self.executed,
            qty: shares(qty),
            left: shares(qty),
            filled: 0,
            side: at as u32,
        };
        self.sift();
        Some(Turn::Entered(place))
    }

    fn find(&mut self, order: u64) -> Option<&mut LargeOrder> {
        self.orders.iter_mut().find(|one| one.qty != 0 && one.order == order)
    }

    /// Sets the filter to what is in the table.
    fn sift(&mut self) {
        let held = self.orders.iter().filter(|one| one.qty != 0);
        self.filter = held.fold(0, |filter, one| filter | bit(one.order));
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self, seen: &Seen<'_>) {
        let Some(resting) = seen.resting else { return };
        let Some(one) = self.find(seen.event.order().0) else { return };
        let taken = shares(resting.taken.0);
        one.filled = one.filled.saturating_add(taken);
        one.left = one.left.saturating_sub(taken);
        if resting.left {
            *one = LargeOrder::zeroed();
            self.sift();
        }
    }

    #[cold]
    #[inline(never)]
    fn reduce(&mut self, seen: &Seen<'_>, large: &Large) -> Option<Turn> {
        let resting = seen.resting?;
        let one = self.find(seen.event.order().0)?;
        one.left = one.left.saturating_sub(shares(resting.taken.0));
        if !resting.left && f64::from(one.left) > RUMP * f64::from(one.qty) {
            return None;
        }
        let pulled = core::mem::replace(one, LargeOrder::zeroed());
        self.sift();
        pulled.is_unfilled(large).then_some(Turn::Pulled(pulled))
    }

    #[cold]
    #[inline(never)]
    fn replace(&mut self, seen: &Seen<'_>, large: &Large) -> Option<Turn> {
        let (event, resting) = (seen.event, seen.resting?);
        let (side, at) = (resting.side, index(resting.side));
        let (price, qty) = (event.new_price().0, event.new_qty().0);
        let Some(one) = self.find(event.order().0) else {
            let order = event.new_order().0;
            if (qty as f64) < large.size * seen.activity.order_qty() {
                return None;
            }
            return self.enter(seen, large, order, side, Price(price), qty);
        };
        let behind = |best: Option<Price>, price: i64| {
            best.map_or(0, |best| rising(at, best.0).saturating_sub(rising(at, price)))
        };
        let before = behind(seen.before.best(side), resting.price.0);
        let after = behind(seen.touch.best(side), price);
        let far = (AWAY_CENTS * CENT).max((AWAY_SPREADS * seen.profile.spread()) as i64);
        let is_rump = qty as f64 <= RUMP * f64::from(one.qty);
        if is_rump || after.saturating_sub(before) >= far {
            let pulled = core::mem::replace(one, LargeOrder::zeroed());
            self.sift();
            return pulled.is_unfilled(large).then_some(Turn::Pulled(pulled));
        }
        (one.order, one.price, one.left) = (event.new_order().0, price, shares(qty));
        one.qty = one.qty.max(shares(qty));
        self.sift();
        None
    }
}

impl LargeOrder {
    /// 0 of a bid, 1 of an offer.
    pub fn side(&self) -> usize {
        self.side as usize & 1
    }

    /// Shares that were taken back: all that were not executed.
    pub fn pulled(&self) -> u32 {
        self.qty.saturating_sub(self.filled)
    }

    /// Whether hardly any of it was executed.
    fn is_unfilled(&self, large: &Large) -> bool {
        f64::from(self.filled) < large.filled * f64::from(self.qty)
    }
}

#[cfg(test)]
pub(crate) mod scene;
#[cfg(test)]
mod tests;
