//! The matching engine: price-time priority over displayed and hidden orders, crosses, halts, bands.
//!
//! Agents are the only ones who write, through [`Market`]; every change of the displayed book goes out
//! as an ITCH message in the same step, so the messages alone rebuild the books. What an order does:
//!
//! | kind | takes | rests |
//! |---|---|---|
//! | [`OrderKind::Limit`] | up to its limit | displayed, what is left |
//! | [`OrderKind::Immediate`] | up to its limit, or any price without one | never |
//! | [`OrderKind::Hidden`] | up to its limit | hidden: behind displayed orders of its price |
//! | [`OrderKind::PostOnly`] | never | displayed; slid a tick away from a displayed order it would take |
//!
//! While a security is not [`TradingState::Trading`], orders rest without matching and bids may reach
//! asks; the cross that reopens it puts that right. An order that has gone is no fault: cancelling it
//! does nothing. There is no limit on orders but memory.
//!
//! - [`book`]: one security; `ladder`: one side; `orders`: the orders
//! - `continuous`: matching order by order; [`cross`]: all at once; `crossing`: what a cross does
//! - `bands`: limit-up limit-down; [`tape`]: what was traded

mod bands;
pub mod book;
mod continuous;
pub mod cross;
mod crossing;
mod ladder;
mod orders;
pub mod tape;

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{Encoder, Header, Mpid, Price4, Stock};

pub use book::TradingState;
pub use cross::{AuctionOrder, Clearing};
pub use crossing::{CrossKind, Crossed};
pub use orders::{OrderId, Resting};
pub use tape::{Printed, Tape};

use book::Book;
use orders::OrderStore;

/// What a security is to the matching engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its symbol.
    pub stock: Stock,
    /// Its number in the feed.
    pub locate: u16,
    /// Step of its prices, 1e-4 dollars.
    pub tick_e4: u32,
    /// The last price of the day before, 1e-4 dollars.
    pub close_e4: u32,
    /// LULD tier, `1` or `2`.
    pub tier: u8,
}

/// Whole ticks in a price. Ticks are 1e-4 or 1e-2 dollars: dividing by a constant takes a fifth of the
/// time, and it is done several times an order.
#[inline(always)]
pub(crate) const fn whole_ticks(price_e4: u64, tick_e4: u64) -> u64 {
    if tick_e4 == 100 { price_e4 / 100 } else { price_e4 / tick_e4 }
}

/// How an order behaves; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// A displayed limit order; with a name, it is told as its participant's.
    Limit(Option<Mpid>),
    /// Immediate or cancel.
    Immediate,
    /// Not displayed.
    Hidden,
    /// Adds to the book or is slid.
    PostOnly,
}

/// An order as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Index of the security.
    pub symbol: u16,
    /// Buy or sell.
    pub side: Side,
    /// Shares, above 0.
    pub qty: u32,
    /// Limit, 1e-4 dollars, a multiple of the tick; `None` is a market order, which never rests.
    pub limit_e4: Option<u32>,
    /// How it behaves.
    pub kind: OrderKind,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// The order that rests, if one does.
    pub resting: Option<OrderId>,
    /// Shares traded at once.
    pub filled: u32,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Market {
    listings: Vec<Listing>,
    books: Vec<Book>,
    orders: OrderStore,
    next_reference: u64,
    next_match: u64,
    band_slot_ns: u64,
}

impl Market {
    /// A market of these securities; the bands' five minutes are ten slots of `band_slot_ns`.
    #[must_use]
    pub fn new(listings: Vec<Listing>, band_slot_ns: u64) -> Market {
        let book = |one: &Listing| Book::new(one.close_e4, one.tier, one.tick_e4);
        Market {
            books: listings.iter().map(book).collect(),
            listings,
            orders: OrderStore::default(),
            next_reference: 1,
            next_match: 1,
            band_slot_ns,
        }
    }

    /// The securities, by index.
    #[must_use]
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// What every message of a security at a time begins with.
    #[inline]
    #[must_use]
    pub fn header(&self, symbol: u16, time_ns: u64) -> Header {
        let locate = self.listings[usize::from(symbol)].locate;
        // Tracking numbers come from the exchange's inside and mean nothing to others.
        let tracking = (self.next_reference & 0x3fff) as u16 & !1;
        Header { locate, tracking, time_of_day_ns: time_ns }
    }

    /// Turns the bands of a security on or off. On, orders that rest outside them are pulled.
    pub fn set_bands(&mut self, symbol: u16, on: bool, time_ns: u64, out: &mut Encoder) {
        self.books[usize::from(symbol)].has_bands = on;
        if on {
            self.pull_outside(symbol, time_ns, out);
        }
    }

    /// Lower and upper band of a security, 1e-4 dollars, while its bands hold.
    #[must_use]
    pub fn bands_e4(&self, symbol: u16) -> Option<(u32, u32)> {
        let book = &self.books[usize::from(symbol)];
        book.has_bands.then(|| book.bands.prices_e4())
    }

    /// Cancels orders that could only trade outside the bands: offers below the lower, bids above the
    /// upper one.
    fn pull_outside(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let Some((lower, upper)) = self.bands_e4(symbol) else { return };
        for is_hidden in [false, true] {
            for is_ask in [false, true] {
                while let Some(id) = self.first_outside(symbol, is_ask, is_hidden, (lower, upper)) {
                    self.cancel(id, time_ns, out);
                }
            }
        }
    }

    fn first_outside(
        &mut self,
        symbol: u16,
        is_ask: bool,
        is_hidden: bool,
        (lower, upper): (u32, u32),
    ) -> Option<OrderId> {
        let ladder = self.books[usize::from(symbol)].ladder(is_ask, is_hidden);
        let price = ladder.best_price()?;
        let is_outside = if is_ask { price < lower } else { price > upper };
        let first = ladder.first().filter(|_| is_outside)?;
        self.orders.in_slot(first)
    }

    /// Whether bids have risen to the upper band or offers have sunk to the lower.
    #[must_use]
    pub fn is_at_limit(&self, symbol: u16) -> bool {
        let Some((lower, upper)) = self.bands_e4(symbol) else { return false };
        let book = &self.books[usize::from(symbol)];
        book.state == TradingState::Trading
            && (book.best(Side::Buy).is_some_and(|bid| bid >= upper)
                || book.best(Side::Sell).is_some_and(|ask| ask <= lower))
    }

    /// Whether and how a security trades.
    #[must_use]
    pub fn state(&self, symbol: u16) -> TradingState {
        self.books[usize::from(symbol)].state
    }

    /// Halts, pauses, quotes or releases a security, and tells it.
    pub fn set_state(
        &mut self,
        symbol: u16,
        time_ns: u64,
        state: TradingState,
        reason: [u8; 4],
        out: &mut Encoder,
    ) {
        self.books[usize::from(symbol)].state = state;
        let stock = self.listings[usize::from(symbol)].stock;
        out.trading_action(self.header(symbol, time_ns), stock, state.code(), reason);
    }

    /// Best displayed price of a side, 1e-4 dollars.
    #[inline]
    #[must_use]
    pub fn best_e4(&self, symbol: u16, side: Side) -> Option<u32> {
        self.books[usize::from(symbol)].best(side)
    }

    /// Shares at the best displayed price of a side; 0 without one.
    #[must_use]
    pub fn best_shares(&self, symbol: u16, side: Side) -> u64 {
        let ladders = &self.books[usize::from(symbol)].displayed;
        ladders[usize::from(side == Side::Sell)].best().map_or(0, |level| level.qty)
    }

    /// The middle of the displayed quote, else what there is of it, else the bands' reference.
    #[inline]
    #[must_use]
    pub fn reference_e4(&self, symbol: u16) -> u32 {
        self.books[usize::from(symbol)].reference_e4()
    }

    /// An order, while it rests.
    #[inline]
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<Resting> {
        self.orders.get(id).map(orders::Order::view)
    }

    /// The oldest order at the best displayed price of a side.
    #[must_use]
    pub fn first(&self, symbol: u16, side: Side) -> Option<(OrderId, Resting)> {
        let ladders = &self.books[usize::from(symbol)].displayed;
        let first = ladders[usize::from(side == Side::Sell)].first()?;
        Some((self.orders.in_slot(first)?, self.orders.at(first).view()))
    }

    /// Whether a hidden order of a side rests.
    #[must_use]
    pub fn has_hidden(&self, symbol: u16, side: Side) -> bool {
        let ladders = &self.books[usize::from(symbol)].hidden;
        ladders[usize::from(side == Side::Sell)].best_price().is_some()
    }

    /// The order that one of this side and limit would take first.
    #[must_use]
    pub fn next_taken(&self, symbol: u16, side: Side, limit_e4: u32) -> Option<Resting> {
        let (handle, ..) = self.opposite(symbol, side, limit_e4)?;
        Some(self.orders.at(handle).view())
    }

    /// An order drawn by a number below [`Market::order_slots`]; `None` if none rests in that slot.
    #[must_use]
    pub fn order_in_slot(&self, slot: u32) -> Option<OrderId> {
        self.orders.in_slot(slot)
    }

    /// How many slots orders rest in, live or not.
    #[must_use]
    pub fn order_slots(&self) -> u32 {
        self.orders.slots()
    }

    /// What a security has traded.
    #[must_use]
    pub fn tape(&self, symbol: u16) -> &Tape {
        &self.books[usize::from(symbol)].tape
    }

    /// The latest execution that printed.
    #[must_use]
    pub fn last_print(&self, symbol: u16) -> Option<Printed> {
        self.books[usize::from(symbol)].last_print
    }

    /// Breaks an execution, which must have printed and not been broken, and tells it.
    ///
    /// # Panics
    /// If more is broken than was traded.
    pub fn break_trade(&mut self, symbol: u16, time_ns: u64, printed: &Printed, out: &mut Encoder) {
        self.books[usize::from(symbol)].tape.take_out(printed);
        out.broken_trade(self.header(symbol, time_ns), MatchNumber(printed.match_number));
    }

    /// Tells an execution that met no order of the book: agreed elsewhere and reported here.
    pub(crate) fn report(
        &mut self,
        symbol: u16,
        time_ns: u64,
        (price_e4, shares): (u32, u32),
        out: &mut Encoder,
    ) {
        let match_number = self.take_match();
        let (header, number) = (self.header(symbol, time_ns), MatchNumber(match_number));
        let stock = self.listings[usize::from(symbol)].stock;
        let (none, side, price) = (OrderRef(0), Side::Buy, Price4(price_e4));
        out.trade(header, none, side, shares, stock, price, number);
        let printed = Printed { match_number, price_e4, shares: u64::from(shares) };
        let book = &mut self.books[usize::from(symbol)];
        book.tape.print(&printed);
        book.last_print = Some(printed);
    }

    /// Displayed orders of a side from the best price to one, in the order in which they would be taken.
    pub(crate) fn displayed_to(&self, symbol: u16, side: Side, price_e4: u32) -> Vec<OrderId> {
        let ladder = &self.books[usize::from(symbol)].displayed[usize::from(side == Side::Sell)];
        let key = ladder.key(price_e4);
        let handles = ladder.handles(&self.orders);
        let within = handles.take_while(|&one| ladder.key(self.orders.at(one).price) >= key);
        within.filter_map(|handle| self.orders.in_slot(handle)).collect()
    }

    /// Takes an order out, and tells it if it was displayed. Returns whether it rested.
    pub fn cancel(&mut self, id: OrderId, time_ns: u64, out: &mut Encoder) -> bool {
        let Some(order) = self.orders.get(id).map(orders::Order::view) else { return false };
        self.take_shares(id, order.qty);
        if order.is_displayed {
            out.order_deleted(self.header(order.symbol, time_ns), order.reference);
        }
        true
    }

    /// Takes shares off an order, and tells it if it is displayed; it keeps its place. Returns
    /// whether it rested with more shares than that.
    pub fn reduce(&mut self, id: OrderId, shares: u32, time_ns: u64, out: &mut Encoder) -> bool {
        let Some(order) = self.order(id).filter(|order| order.qty > shares && shares > 0) else {
            return false;
        };
        self.take_shares(id, shares);
        if order.is_displayed {
            out.order_cancelled(self.header(order.symbol, time_ns), order.reference, shares);
        }
        true
    }

    /// Gives a displayed order another price and size; it goes to the end of its queue under a new
    /// reference. One that would then take is cancelled and sent anew, as a limit order without a name.
    ///
    /// # Panics
    /// If the limit is 0 or no multiple of the tick.
    pub fn replace(
        &mut self,
        id: OrderId,
        qty: u32,
        limit_e4: u32,
        time_ns: u64,
        out: &mut Encoder,
    ) -> Submitted {
        let Some(order) = self.order(id).filter(|order| order.is_displayed && qty > 0) else {
            return Submitted::default();
        };
        assert!(self.is_on_grid(order.symbol, limit_e4), "Invariant: {limit_e4} is a price");
        let limit_e4 = self.within_bands(order.symbol, order.side, limit_e4);
        if self.would_take(order.symbol, order.side, limit_e4) {
            self.cancel(id, time_ns, out);
            let (symbol, side, kind) = (order.symbol, order.side, OrderKind::Limit(None));
            let again = NewOrder { symbol, side, qty, limit_e4: Some(limit_e4), kind };
            return self.submit(&again, time_ns, out);
        }
        self.take_shares(id, order.qty);
        let reference = self.take_reference();
        let resting = self.rest(order.symbol, order.side, false, (limit_e4, qty), reference);
        let (header, new) = (self.header(order.symbol, time_ns), OrderRef(reference));
        out.order_replaced(header, order.reference, new, qty, Price4(limit_e4));
        Submitted { resting: Some(resting), filled: 0 }
    }

    /// Whether an order can have this limit.
    fn is_on_grid(&self, symbol: u16, limit_e4: u32) -> bool {
        let tick = u64::from(self.listings[usize::from(symbol)].tick_e4);
        let limit = u64::from(limit_e4);
        limit > 0 && whole_ticks(limit, tick) * tick == limit
    }

    fn take_shares(&mut self, id: OrderId, shares: u32) {
        let order = *self.orders.at(id.handle);
        let book = &mut self.books[usize::from(order.symbol)];
        let ladder = book.ladder(order.is_ask, order.is_hidden);
        if ladder.take(&mut self.orders, id.handle, shares) {
            self.orders.release(id.handle);
        }
    }

    fn take_reference(&mut self) -> u64 {
        self.next_reference += 1;
        self.next_reference - 1
    }

    fn take_match(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match - 1
    }

    /// Displayed orders of a security.
    #[must_use]
    pub fn displayed_orders(&self, symbol: u16) -> u64 {
        let orders = |side| self.levels(symbol, side).map(|level| u64::from(level.2)).sum::<u64>();
        orders(Side::Buy) + orders(Side::Sell)
    }

    /// Displayed levels of a side, best first: price in 1e-4 dollars, shares, orders.
    pub fn levels(&self, symbol: u16, side: Side) -> impl Iterator<Item = (u32, u64, u32)> {
        let ladder = &self.books[usize::from(symbol)].displayed[usize::from(side == Side::Sell)];
        ladder.levels().map(|level| (ladder.price_of(level), level.qty, level.orders))
    }

    /// Displayed orders of a side in the order in which they would be taken.
    pub fn queue(&self, symbol: u16, side: Side) -> impl Iterator<Item = Resting> + '_ {
        let ladder = &self.books[usize::from(symbol)].displayed[usize::from(side == Side::Sell)];
        ladder.orders(&self.orders).map(orders::Order::view)
    }
}

#[cfg(test)]
mod tests;
