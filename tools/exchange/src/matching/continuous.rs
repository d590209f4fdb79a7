//! Matching order by order: price, then displayed before hidden, then time.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{Encoder, Mpid, Price4};

use super::book::{Slid, TradingState};
use super::orders::OrderId;
use super::{Market, NewOrder, OrderKind, Printed, Submitted};

/// Where the best opposite order rests.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opposite {
    Displayed,
    /// A displayed order, at the better price that it was slid from.
    Slid,
    Hidden,
}

/// How far a market order goes from the reference price where no bands hold, in parts of it.
const COLLAR: u32 = 10;

impl Market {
    /// Sends an order: it takes what its kind and limit allow, and what is left rests or goes.
    ///
    /// # Panics
    /// If it has no shares, or its limit is 0 or no multiple of the tick.
    pub fn submit(&mut self, order: &NewOrder, time_ns: u64, out: &mut Encoder) -> Submitted {
        let tick = self.listings[usize::from(order.symbol)].tick_e4;
        let is_on_grid = order.limit_e4.is_none_or(|one| self.is_on_grid(order.symbol, one));
        assert!(order.qty > 0 && is_on_grid, "Invariant: an order is well formed: {order:?}");
        let reference = self.take_reference();
        let is_trading = self.state(order.symbol) == TradingState::Trading;
        let limit = order.limit_e4.unwrap_or_else(|| self.collar_e4(order.symbol, order.side));
        let mut limit = self.within_bands(order.symbol, order.side, limit);
        let mut left = order.qty;
        if is_trading && order.kind != OrderKind::PostOnly {
            left = self.take(order, limit, time_ns, out);
            // What it took may have moved the bands.
            limit = self.within_bands(order.symbol, order.side, limit);
        }
        let filled = order.qty - left;
        if left == 0 || order.limit_e4.is_none() || order.kind == OrderKind::Immediate {
            return Submitted { resting: None, filled };
        }
        let mut shown = limit;
        if is_trading && order.kind == OrderKind::PostOnly {
            let Some(slid) = self.slide(order.symbol, order.side, limit) else {
                return Submitted::default();
            };
            shown = slid;
        }
        let is_hidden = order.kind == OrderKind::Hidden;
        let id = self.rest(order.symbol, order.side, is_hidden, (shown, left), reference);
        if shown != limit && self.bands_e4(order.symbol).is_none_or(|(low, _)| shown >= low) {
            let price = if order.side == Side::Buy { shown + tick } else { shown - tick };
            let is_ask = order.side == Side::Sell;
            let slid = &mut self.books[usize::from(order.symbol)].slid;
            // Those that have gone are forgotten here, so the list stays as short as those that rest.
            slid.retain(|slid| self.orders.get(slid.id).is_some());
            slid.push(Slid { id, price, is_ask });
        }
        if !is_hidden {
            let name = if let OrderKind::Limit(name) = order.kind { name } else { None };
            self.tell_added(order, reference, left, shown, name, time_ns, out);
        }
        Submitted { resting: Some(id), filled }
    }

    #[expect(clippy::too_many_arguments, reason = "the message's own fields")]
    fn tell_added(
        &self,
        order: &NewOrder,
        reference: u64,
        shares: u32,
        price_e4: u32,
        name: Option<Mpid>,
        time_ns: u64,
        out: &mut Encoder,
    ) {
        let header = self.header(order.symbol, time_ns);
        let (stock, price) = (self.listings[usize::from(order.symbol)].stock, Price4(price_e4));
        out.add_order(header, OrderRef(reference), order.side, shares, stock, price, name);
    }

    /// Where a market order ends.
    fn collar_e4(&self, symbol: u16, side: Side) -> u32 {
        let reference = self.reference_e4(symbol);
        let tick = self.listings[usize::from(symbol)].tick_e4;
        let width = (reference / COLLAR / tick).max(1) * tick;
        let on_grid = reference / tick * tick;
        match side {
            Side::Buy => on_grid.saturating_add(width),
            Side::Sell => on_grid.saturating_sub(width).max(tick),
        }
    }

    /// A limit, drawn back to the band that it may not pass.
    pub(super) fn within_bands(&self, symbol: u16, side: Side, limit_e4: u32) -> u32 {
        match (self.bands_e4(symbol), side) {
            (None, _) => limit_e4,
            (Some((_, upper)), Side::Buy) => limit_e4.min(upper),
            (Some((lower, _)), Side::Sell) => limit_e4.max(lower),
        }
    }

    /// Whether an order at this limit would take.
    #[must_use]
    pub fn would_take(&self, symbol: u16, side: Side, limit_e4: u32) -> bool {
        self.state(symbol) == TradingState::Trading
            && self.opposite(symbol, side, limit_e4).is_some()
    }

    /// Where an order that is not to take is shown: a tick away from the displayed order it would take;
    /// `None` where there is no such price.
    fn slide(&self, symbol: u16, side: Side, limit_e4: u32) -> Option<u32> {
        let tick = self.listings[usize::from(symbol)].tick_e4;
        let best = self.best_e4(symbol, side.opposite());
        match (side, best) {
            (Side::Buy, Some(ask)) => {
                Some(limit_e4.min(ask.saturating_sub(tick))).filter(|&price| price > 0)
            }
            (Side::Sell, Some(bid)) => Some(limit_e4.max(bid + tick)),
            (_, None) => Some(limit_e4),
        }
    }

    /// Puts an order in its queue.
    pub(super) fn rest(
        &mut self,
        symbol: u16,
        side: Side,
        is_hidden: bool,
        price_and_qty: (u32, u32),
        reference: u64,
    ) -> OrderId {
        let is_ask = side == Side::Sell;
        let id = self.orders.insert(reference, symbol, is_ask, is_hidden, price_and_qty);
        let ladder = self.books[usize::from(symbol)].ladder(is_ask, is_hidden);
        ladder.enter(&mut self.orders, id.handle);
        id
    }

    /// Takes what rests on the other side within the limit; returns the shares left.
    fn take(&mut self, order: &NewOrder, limit_e4: u32, time_ns: u64, out: &mut Encoder) -> u32 {
        let (mut left, mut limit_e4) = (order.qty, limit_e4);
        while left > 0
            && let Some((handle, price, at)) = self.opposite(order.symbol, order.side, limit_e4)
        {
            debug_assert!(
                self.bands_e4(order.symbol)
                    .is_none_or(|(lower, upper)| (lower..=upper).contains(&price)),
                "Invariant: nothing trades outside the bands"
            );
            let resting = *self.orders.at(handle);
            let shares = left.min(resting.qty);
            left -= shares;
            let match_number = self.take_match();
            let header = self.header(order.symbol, time_ns);
            let number = MatchNumber(match_number);
            match at {
                Opposite::Displayed => {
                    out.order_executed(header, OrderRef(resting.reference), shares, number);
                }
                Opposite::Slid => out.order_executed_with_price(
                    header,
                    OrderRef(resting.reference),
                    shares,
                    number,
                    true,
                    Price4(price),
                ),
                Opposite::Hidden => {
                    // The feed never tells order and side of a hidden execution.
                    let stock = self.listings[usize::from(order.symbol)].stock;
                    let (none, side) = (OrderRef(0), Side::Buy);
                    out.trade(header, none, side, shares, stock, Price4(price), number);
                }
            }
            let book = &mut self.books[usize::from(order.symbol)];
            let ladder = book.ladder(resting.is_ask, resting.is_hidden);
            if ladder.take(&mut self.orders, handle, shares) {
                self.orders.release(handle);
            }
            let printed = Printed { match_number, price_e4: price, shares: u64::from(shares) };
            let book = &mut self.books[usize::from(order.symbol)];
            book.tape.print(&printed);
            book.last_print = Some(printed);
            if book.has_bands && book.bands.print(price, time_ns, self.band_slot_ns) {
                self.pull_outside(order.symbol, time_ns, out);
                limit_e4 = self.within_bands(order.symbol, order.side, limit_e4);
            }
        }
        left
    }

    /// The order that one of this side and limit would take first: its handle, the price, and where.
    pub(super) fn opposite(
        &self,
        symbol: u16,
        side: Side,
        limit_e4: u32,
    ) -> Option<(u32, u32, Opposite)> {
        let book = &self.books[usize::from(symbol)];
        let is_ask = side == Side::Buy;
        let (displayed, hidden) =
            (&book.displayed[usize::from(is_ask)], &book.hidden[usize::from(is_ask)]);
        // A key rises with how good a price is for whoever takes it.
        let better = |key: u32, best: &Option<(u32, u32, u32, Opposite)>| {
            best.as_ref().is_none_or(|best| key > best.0)
        };
        let mut best = None;
        if let (Some(price), Some(first)) = (displayed.best_price(), displayed.first()) {
            best = Some((displayed.key(price), first, price, Opposite::Displayed));
        }
        for slid in book.slid.iter().filter(|slid| slid.is_ask == is_ask) {
            let key = displayed.key(slid.price);
            let is_inside = self
                .bands_e4(symbol)
                .is_none_or(|(lower, upper)| (lower..=upper).contains(&slid.price));
            if is_inside && better(key, &best) && self.orders.get(slid.id).is_some() {
                best = Some((key, slid.id.handle, slid.price, Opposite::Slid));
            }
        }
        if let (Some(price), Some(first)) = (hidden.best_price(), hidden.first())
            && better(hidden.key(price), &best)
        {
            best = Some((hidden.key(price), first, price, Opposite::Hidden));
        }
        let (key, handle, price, at) = best?;
        (key >= displayed.key(limit_e4)).then_some((handle, price, at))
    }
}
