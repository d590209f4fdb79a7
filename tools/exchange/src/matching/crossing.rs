//! What a cross does to a book, and what is told of it.

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{Encoder, Imbalance, Price4};

use super::cross::{AuctionOrder, Clearing, Interest};
use super::{Market, Printed};

/// Which cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossKind {
    /// At the beginning of market hours.
    Opening,
    /// At their end.
    Closing,
    /// After a halt or a pause, and of a new listing.
    Reopening,
}

impl CrossKind {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            CrossKind::Opening => b'O',
            CrossKind::Closing => b'C',
            CrossKind::Reopening => b'H',
        }
    }
}

/// What a cross did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossed {
    /// Its price, 1e-4 dollars; 0 if nothing traded.
    pub price_e4: u32,
    /// Shares traded.
    pub shares: u64,
}

impl Market {
    /// Enters an order for the next cross of a security. It is never displayed, and gone after it.
    pub fn enter_auction(&mut self, symbol: u16, order: AuctionOrder) {
        self.books[usize::from(symbol)].auction.push(order);
    }

    fn gathered(&self, symbol: u16, with_book: bool) -> Interest {
        let book = &self.books[usize::from(symbol)];
        let mut interest = Interest::default();
        for order in &book.auction {
            interest.add(order.side, order.limit_e4, u64::from(order.qty));
        }
        let ladders = book
            .displayed
            .iter()
            .chain(&book.hidden)
            .zip([Side::Buy, Side::Sell].into_iter().cycle());
        for (ladder, side) in ladders.filter(|_| with_book) {
            for level in ladder.levels() {
                interest.add(side, Some(ladder.price_of(level)), level.qty);
            }
        }
        interest
    }

    /// Tells what the next cross of a security would do now.
    pub fn indicate(&self, symbol: u16, kind: CrossKind, time_ns: u64, out: &mut Encoder) {
        let reference = self.reference_e4(symbol);
        let with_book = self.gathered(symbol, true).gathered();
        let tick = self.listings[usize::from(symbol)].tick_e4;
        let near = with_book.clear(reference, tick);
        let far = self.gathered(symbol, false).gathered().clear(reference, tick);
        let at_reference = with_book.at(reference);
        let Clearing { paired, surplus, .. } = at_reference;
        let imbalance = Imbalance {
            paired,
            imbalance: surplus.unsigned_abs(),
            direction: match (surplus, paired) {
                (0, 0) => b'O',
                (0, _) => b'N',
                (1.., _) => b'B',
                _ => b'S',
            },
            stock: self.listings[usize::from(symbol)].stock,
            far: Price4(far.price_e4),
            near: Price4(near.price_e4),
            reference: Price4(reference),
            cross_type: kind.code(),
            variation: variation(near.price_e4, reference),
        };
        out.net_order_imbalance(self.header(symbol, time_ns), &imbalance);
    }

    /// What pairs at the middle in the next cross of a security, and what is left there.
    pub(crate) fn imbalance(&self, symbol: u16) -> Clearing {
        self.gathered(symbol, true).gathered().at(self.reference_e4(symbol))
    }

    /// What a cross of a security would do now.
    #[must_use]
    pub fn clearing(&self, symbol: u16) -> Clearing {
        self.clearing_with(symbol, true)
    }

    fn clearing_with(&self, symbol: u16, with_book: bool) -> Clearing {
        let tick = self.listings[usize::from(symbol)].tick_e4;
        let curves = self.gathered(symbol, with_book).gathered();
        curves.clear(self.reference_e4(symbol), tick)
    }

    /// Crosses a security, in whatever state it is: displayed orders execute without printing, each under
    /// a match number of its own, then one cross message prints, of no shares where nothing traded.
    /// Orders of the cross are gone.
    ///
    /// Where it could execute more than `executions_max` displayed orders, it crosses the orders of the
    /// cross among themselves and leaves the book as it is.
    pub fn cross(
        &mut self,
        symbol: u16,
        kind: CrossKind,
        time_ns: u64,
        executions_max: u64,
        out: &mut Encoder,
    ) -> Crossed {
        let whole = self.clearing_with(symbol, true);
        let with_book = self.displayed_within(symbol, &whole) <= executions_max;
        let cleared = if with_book { whole } else { self.clearing_with(symbol, false) };
        let Clearing { price_e4, paired, .. } = cleared;
        let auction = std::mem::take(&mut self.books[usize::from(symbol)].auction);
        if paired > 0 && with_book {
            for side in [Side::Buy, Side::Sell] {
                self.fill(symbol, side, (price_e4, paired), &auction, time_ns, out);
            }
        }
        let number = self.take_match();
        let stock = self.listings[usize::from(symbol)].stock;
        let (header, price) = (self.header(symbol, time_ns), Price4(price_e4));
        out.cross_trade(header, paired, stock, price, MatchNumber(number), kind.code());
        // Where nothing traded the bands begin anew around the middle, as under the plan.
        let reference = if paired > 0 { price_e4 } else { self.reference_e4(symbol) };
        let book = &mut self.books[usize::from(symbol)];
        book.bands.restart(reference);
        if paired > 0 {
            book.tape.print(&Printed { match_number: number, price_e4, shares: paired });
        }
        Crossed { price_e4, shares: paired }
    }

    /// Displayed orders that a cross at a price may execute, at most.
    fn displayed_within(&self, symbol: u16, clearing: &Clearing) -> u64 {
        let Clearing { price_e4, paired, .. } = *clearing;
        if paired == 0 {
            return 0;
        }
        let orders = |side: Side| {
            let within = move |&(price, ..): &(u32, u64, u32)| match side {
                Side::Buy => price >= price_e4,
                Side::Sell => price <= price_e4,
            };
            let levels = self.levels(symbol, side).take_while(within);
            levels.map(|(_, _, orders)| u64::from(orders)).sum::<u64>()
        };
        orders(Side::Buy) + orders(Side::Sell)
    }

    /// Executes `paired` shares of a side: orders of the cross that trade at any price, then price by
    /// price orders of the cross, displayed and hidden ones.
    fn fill(
        &mut self,
        symbol: u16,
        side: Side,
        (price_e4, paired): (u32, u64),
        auction: &[AuctionOrder],
        time_ns: u64,
        out: &mut Encoder,
    ) {
        let is_ask = side == Side::Sell;
        let of_side = auction.iter().filter(|order| order.side == side);
        let at_any = of_side.clone().filter(|order| order.limit_e4.is_none());
        let mut left = paired.saturating_sub(at_any.map(|order| u64::from(order.qty)).sum());
        let limits = of_side.filter_map(|order| Some((order.limit_e4?, u64::from(order.qty))));
        let key = |price: u32| if is_ask { price } else { !price };
        let mut limits: Vec<(u32, u64)> = limits.map(|(limit, qty)| (key(limit), qty)).collect();
        limits.sort_by_key(|&(key, _)| std::cmp::Reverse(key));
        while left > 0 {
            let best = |is_hidden: bool| {
                let book = &self.books[usize::from(symbol)];
                let ladders = if is_hidden { &book.hidden } else { &book.displayed };
                let ladder = &ladders[usize::from(is_ask)];
                ladder.best_price().map(key).zip(ladder.first())
            };
            let (displayed, hidden) = (best(false), best(true));
            let of_cross = limits.last().copied();
            let candidates =
                [of_cross.map(|(key, _)| key), displayed.map(|one| one.0), hidden.map(|one| one.0)];
            let Some(first) = candidates.into_iter().flatten().min() else { break };
            if first > key(price_e4) {
                break;
            }
            if of_cross.is_some_and(|(key, _)| key == first) {
                left = left.saturating_sub(of_cross.map_or(0, |(_, qty)| qty));
                limits.pop();
                continue;
            }
            let at_displayed = displayed.filter(|&(key, _)| key == first);
            let Some((_, handle)) = at_displayed.or(hidden) else { break };
            let resting = *self.orders.at(handle);
            let shares = u64::from(resting.qty).min(left) as u32;
            left -= u64::from(shares);
            if at_displayed.is_some() {
                let (reference, number) =
                    (OrderRef(resting.reference), MatchNumber(self.take_match()));
                let header = self.header(symbol, time_ns);
                let price = Price4(price_e4);
                out.order_executed_with_price(header, reference, shares, number, false, price);
            }
            let ladder = self.books[usize::from(symbol)].ladder(is_ask, resting.is_hidden);
            if ladder.take(&mut self.orders, handle, shares) {
                self.orders.release(handle);
            }
        }
    }
}

/// The code of how far two prices are apart (ITCH 5.0 section 1.6).
fn variation(near_e4: u32, reference_e4: u32) -> u8 {
    if near_e4 == 0 || reference_e4 == 0 {
        return b' ';
    }
    match u64::from(near_e4.abs_diff(reference_e4)) * 100 / u64::from(reference_e4) {
        0 => b'L',
        percent @ 1..=9 => b'0' + percent as u8,
        10..=19 => b'A',
        20..=29 => b'B',
        _ => b'C',
    }
}
