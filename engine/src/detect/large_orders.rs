//! The large orders that a symbol shows near its best prices, and which of them are pulled.
//!
//! Spoofing and layering each keep a table of them, by their own measure of large ([`Large`]): what each was
//! when it entered, and how the other side stood then. An order keeps its time and that side through
//! replaces; one that a replace takes away from the market, or leaves hardly a share of, is pulled like one
//! that is deleted. What was executed noticeably was meant to trade, and is forgotten when it leaves.
//!
//! **Full**: the order that has been there longest makes room.
//!
//! Each order in the table has a byte, its tag, made of its reference. A message that names no large order
//! costs a look at the sixteen tags in two words, and a line of the table once in sixteen times: one bit of
//! 64 for each order, in their place before, led one in five messages through all lines of a full table.

use bytemuck::{Pod, Zeroable};

use crate::detect::seen::Seen;
use crate::event::{Event, Kind};
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
    /// The tag of the order of each place, 0 where there is none; place n is byte n.
    tags: [u64; PLACES / 8],
    /// Shares executed so far of resting bids and offers, counted round and round.
    pub executed: [u32; 2],
    /// Orders that have entered so far, counted round and round.
    entered: u64,
    /// How many had when the one of this place did.
    places: [u32; PLACES],
    orders: [LargeOrder; PLACES],
}

const _: () = assert!(size_of::<LargeOrders>() == 1_120);

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

/// The tag of an order, 1 to 255.
#[inline(always)]
fn tag(order: u64) -> u64 {
    (order.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).max(1)
}

/// A bit in each byte of `tags` that may be `tag`, and in none where none is: from the lowest byte that is one
/// on, a byte that differs by 1 may have one too (Mycroft 1987).
#[inline(always)]
fn alike(tags: u64, tag: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let differ = tags ^ ONES.wrapping_mul(tag);
    differ.wrapping_sub(ONES) & !differ & (ONES << 7)
}

fn shares(qty: u64) -> u32 {
    qty.min(u64::from(u32::MAX)) as u32
}

impl LargeOrders {
    /// Whether a message may be of an order in the table, or of one that may enter: from so many shares on.
    #[inline(always)]
    pub fn is_concerned(&self, event: &Event, shares_min: f64) -> bool {
        const ADD: u8 = Kind::Add as u8;
        const CANCEL: u8 = Kind::Cancel as u8;
        const DELETE: u8 = Kind::Delete as u8;
        const REPLACE: u8 = Kind::Replace as u8;
        match event.kind {
            ADD => event.qty().0 as f64 >= shares_min,
            CANCEL | DELETE => self.may_hold(event.order().0),
            REPLACE => event.new_qty().0 as f64 >= shares_min || self.may_hold(event.order().0),
            // Executions are counted.
            _ => true,
        }
    }

    #[inline(always)]
    fn may_hold(&self, order: u64) -> bool {
        let tag = tag(order);
        alike(self.tags[0], tag) | alike(self.tags[1], tag) != 0
    }

    /// Takes a message of a displayed order.
    #[inline(always)]
    pub fn take(&mut self, seen: &Seen<'_>, large: &Large) -> Option<Turn> {
        const ADD: u8 = Kind::Add as u8;
        const EXECUTE: u8 = Kind::Execute as u8;
        const CANCEL: u8 = Kind::Cancel as u8;
        const DELETE: u8 = Kind::Delete as u8;
        const REPLACE: u8 = Kind::Replace as u8;
        let event = seen.event;
        let is_known = self.may_hold(event.order().0);
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
        if !seen.phase.is_usual() || seen.activity.order_qty() <= 0.0 {
            return None;
        }
        let own = seen.before.best(side)?.0;
        let opposite = seen.touch.best(side.opposite())?.0;
        // What is usual lies in other cache lines: it is looked at where it decides.
        let behind = rising(at, own).saturating_sub(rising(at, price.0)) as f64;
        let is_near =
            behind <= large.cents * CENT as f64 || behind <= large.spreads * seen.profile.spread();
        if !is_near {
            return None;
        }
        let usual = seen.profile.depth(at);
        let is_large = usual > 0.0 && qty as f64 >= large.of_depth * usual;
        if !is_large {
            return None;
        }
        let place = self.place();
        self.entered = self.entered.wrapping_add(1);
        self.places[place] = self.entered as u32;
        self.set_tag(place, tag(order));
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
        Some(Turn::Entered(place))
    }

    /// The first place that is free, else that of the order that has been there longest.
    fn place(&self) -> usize {
        let free = [alike(self.tags[0], 0), alike(self.tags[1], 0)];
        match free {
            [0, 0] => {
                let now = self.entered as u32;
                let ages = self.places.map(|entered| now.wrapping_sub(entered));
                (0..PLACES).rev().max_by_key(|place| ages[*place]).unwrap_or(0)
            }
            [0, behind] => 8 + behind.trailing_zeros() as usize / 8,
            [first, _] => first.trailing_zeros() as usize / 8,
        }
    }

    /// Where an order is.
    #[inline]
    fn find(&self, order: u64) -> Option<usize> {
        let tag = tag(order);
        for (word, tags) in self.tags.iter().enumerate() {
            let mut maybe = alike(*tags, tag);
            while maybe != 0 {
                let place = word * 8 + maybe.trailing_zeros() as usize / 8;
                if self.orders[place].order == order && self.orders[place].qty != 0 {
                    return Some(place);
                }
                maybe &= maybe - 1;
            }
        }
        None
    }

    fn set_tag(&mut self, place: usize, tag: u64) {
        let (word, shift) = (place / 8, place % 8 * 8);
        self.tags[word] = self.tags[word] & !(0xff << shift) | tag << shift;
    }

    /// Takes an order out.
    fn take_out(&mut self, place: usize) -> LargeOrder {
        self.set_tag(place, 0);
        core::mem::replace(&mut self.orders[place], LargeOrder::zeroed())
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self, seen: &Seen<'_>) {
        let Some(resting) = seen.resting else { return };
        let Some(place) = self.find(seen.event.order().0) else { return };
        let one = &mut self.orders[place];
        let taken = shares(resting.taken.0);
        one.filled = one.filled.saturating_add(taken);
        one.left = one.left.saturating_sub(taken);
        if resting.left {
            self.take_out(place);
        }
    }

    #[cold]
    #[inline(never)]
    fn reduce(&mut self, seen: &Seen<'_>, large: &Large) -> Option<Turn> {
        let resting = seen.resting?;
        let place = self.find(seen.event.order().0)?;
        let one = &mut self.orders[place];
        one.left = one.left.saturating_sub(shares(resting.taken.0));
        if !resting.left && f64::from(one.left) > RUMP * f64::from(one.qty) {
            return None;
        }
        let pulled = self.take_out(place);
        pulled.is_unfilled(large).then_some(Turn::Pulled(pulled))
    }

    #[cold]
    #[inline(never)]
    fn replace(&mut self, seen: &Seen<'_>, large: &Large) -> Option<Turn> {
        let (event, resting) = (seen.event, seen.resting?);
        let (side, at) = (resting.side, index(resting.side));
        let (price, qty) = (event.new_price().0, event.new_qty().0);
        let Some(place) = self.find(event.order().0) else {
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
        let is_rump = qty as f64 <= RUMP * f64::from(self.orders[place].qty);
        if is_rump || after.saturating_sub(before) >= far {
            let pulled = self.take_out(place);
            return pulled.is_unfilled(large).then_some(Turn::Pulled(pulled));
        }
        let one = &mut self.orders[place];
        (one.order, one.price, one.left) = (event.new_order().0, price, shares(qty));
        one.qty = one.qty.max(shares(qty));
        self.set_tag(place, tag(event.new_order().0));
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
