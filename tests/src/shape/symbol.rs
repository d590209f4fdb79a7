//! The shape of one symbol's market, or of several together.

use engine::units::{OrderRef, Price, Side};
use feed_handlers::itch50::Message;
use feed_handlers::itch50::messages::OrderReplaced;

use super::book::{Book, Order, tick_e4};
use super::flow::{Arrivals, Runs};
use super::lifetime::Lifetimes;
use super::quotes::{Mids, Quotes};
use super::session::Hours;
use super::weighted::Weighted;

/// How many adds came how far from their own side's best price, in ticks. Adds on an empty side are
/// in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Better than the best.
    pub improving: u64,
    /// At the best.
    pub at_best: u64,
    /// 1 or 2 ticks behind.
    pub near: u64,
    /// 3 to 10 ticks behind.
    pub middle: u64,
    /// More than 10 ticks behind.
    pub far: u64,
}

impl Placement {
    fn add(&mut self, side: Side, price_e4: u32, best_e4: u32) {
        let (price, best) = (i64::from(price_e4), i64::from(best_e4));
        let behind_e4 = if side == Side::Buy { best - price } else { price - best };
        let tick_e4 = i64::from(tick_e4(best_e4));
        *match behind_e4 {
            ..0 => &mut self.improving,
            0 => &mut self.at_best,
            behind if behind <= 2 * tick_e4 => &mut self.near,
            behind if behind <= 10 * tick_e4 => &mut self.middle,
            _ => &mut self.far,
        } += 1;
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.improving + self.at_best + self.near + self.middle + self.far
    }

    fn merge(&mut self, other: &Placement) {
        self.improving += other.improving;
        self.at_best += other.at_best;
        self.near += other.near;
        self.middle += other.middle;
        self.far += other.far;
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Messages by type byte, all day.
    pub by_type: [u64; 256],
    /// Messages that name an order the session hasn't shown.
    pub unknown_orders: u64,
    /// Orders by reference: a replace ends one and begins another.
    pub by_reference: Lifetimes,
    /// Orders by descent: one lives on through its replaces.
    pub by_lineage: Lifetimes,
    /// Quotes by time.
    pub quotes: Quotes,
    /// Mid-prices by the second.
    pub mids: Mids,
    /// Where adds came.
    pub placement: Placement,
    /// Shares of adds.
    pub add_shares: Weighted,
    /// Shares of executions.
    pub execution_shares: Weighted,
    /// Executions by aggressor.
    pub runs: Runs,
    /// Times between messages.
    pub arrivals: Arrivals,
    /// Messages in each tenth of continuous trading.
    pub tenths: [u64; 10],
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            by_type: [0; 256],
            unknown_orders: 0,
            by_reference: Lifetimes::default(),
            by_lineage: Lifetimes::default(),
            quotes: Quotes::default(),
            mids: Mids::default(),
            placement: Placement::default(),
            add_shares: Weighted::default(),
            execution_shares: Weighted::default(),
            runs: Runs::default(),
            arrivals: Arrivals::default(),
            tenths: [0; 10],
        }
    }
}

impl Shape {
    /// Messages of all types.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.by_type.iter().sum()
    }

    /// Messages of these types.
    #[must_use]
    pub fn of_types(&self, types: &[u8]) -> u64 {
        types.iter().map(|&byte| self.by_type[usize::from(byte)]).sum()
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Shape) {
        self.by_type.iter_mut().zip(other.by_type).for_each(|(sum, more)| *sum += more);
        self.unknown_orders += other.unknown_orders;
        self.by_reference.merge(&other.by_reference);
        self.by_lineage.merge(&other.by_lineage);
        self.quotes.merge(&other.quotes);
        self.mids.merge(&other.mids);
        self.placement.merge(&other.placement);
        self.add_shares.merge(&other.add_shares);
        self.execution_shares.merge(&other.execution_shares);
        self.runs.merge(&other.runs);
        self.arrivals.merge(&other.arrivals);
        self.tenths.iter_mut().zip(other.tenths).for_each(|(sum, more)| *sum += more);
    }
}

/// Builds a [`Shape`] message by message.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    shape: Shape,
    book: Book,
    /// Until when the book has been measured.
    measured_ns: Option<u64>,
    /// Trading is halted, paused or for quotes only.
    is_halted: bool,
}

impl Tracker {
    pub(super) fn apply(&mut self, message: &Message<'_>, hours: &Hours) {
        let time_ns = message.head().time_of_day_ns();
        self.shape.by_type[usize::from(message.head().message_type())] += 1;
        self.pass(time_ns, hours);
        if hours.are_open(time_ns) {
            self.shape.arrivals.at(time_ns);
            self.shape.tenths[hours.tenth(time_ns)] += 1;
        }
        match message {
            Message::AddOrder(add) => {
                let (shares, price) = (add.shares().0, add.price());
                self.add(add.order(), add.side(), shares, price, time_ns, hours);
            }
            Message::AddAttributedOrder(add) => {
                let (shares, price) = (add.shares().0, add.price());
                self.add(add.order(), add.side(), shares, price, time_ns, hours);
            }
            Message::OrderExecuted(execution) => {
                let (order, shares) = (execution.order(), execution.shares().0);
                self.execute(order, shares, true, time_ns, hours);
            }
            Message::OrderExecutedWithPrice(execution) => {
                let (order, shares) = (execution.order(), execution.shares().0);
                self.execute(order, shares, execution.is_printable(), time_ns, hours);
            }
            Message::Trade(trade) if hours.are_open(time_ns) => {
                self.shape.runs.execution(time_ns, None);
                self.shape.execution_shares.add(trade.shares().0, 1);
            }
            Message::OrderCancelled(cancel) => {
                self.take(cancel.order(), cancel.shares().0, time_ns, hours);
            }
            Message::OrderDeleted(delete) => match self.book.remove(delete.order()) {
                Some(order) => self.died(&order, time_ns, hours),
                None => self.shape.unknown_orders += 1,
            },
            Message::OrderReplaced(replace) => self.replace(replace, time_ns, hours),
            Message::TradingAction(action) => self.is_halted = action.state() != b'T',
            Message::CrossTrade(cross) if cross.cross_type() == b'O' => self.opened(),
            _ => {}
        }
    }

    /// Closes the measure at the end of continuous trading.
    pub(super) fn finish(mut self, hours: &Hours) -> Shape {
        self.pass(hours.close_ns, hours);
        let Tracker { mut shape, book, .. } = self;
        for order in book.orders() {
            ended(&mut shape.by_reference, order.since_ns, hours.close_ns, hours);
            ended(&mut shape.by_lineage, order.added_ns, hours.close_ns, hours);
        }
        shape.mids.finish();
        shape.runs.finish();
        shape.arrivals.finish();
        shape
    }

    /// Measures the book as it stood until `time_ns`. Of a halt there is no quote.
    fn pass(&mut self, time_ns: u64, hours: &Hours) {
        let from_ns = self.measured_ns.unwrap_or(hours.settled_ns);
        let until_ns = time_ns.min(hours.close_ns);
        if until_ns > from_ns {
            if !self.is_halted {
                self.shape.quotes.stood(&self.book, until_ns - from_ns);
            }
            let book = (!self.is_halted).then_some(&self.book);
            self.shape.mids.stood(book, from_ns, until_ns);
            self.measured_ns = Some(until_ns);
        }
    }

    /// The symbol's opening cross: its book was no market's before.
    fn opened(&mut self) {
        self.shape.quotes = Quotes::default();
        self.shape.mids = Mids::default();
        self.shape.placement = Placement::default();
    }

    fn add(
        &mut self,
        reference: OrderRef,
        side: Option<Side>,
        shares: u64,
        price: Price,
        time_ns: u64,
        hours: &Hours,
    ) {
        let (Some(side), price_e4) = (side, price.to_e4_saturating()) else {
            return;
        };
        if hours.are_open(time_ns) {
            self.shape.add_shares.add(shares, 1);
        }
        if hours.are_settled(time_ns)
            && !self.is_halted
            && let Some(best_e4) = self.book.best_e4(side)
        {
            self.shape.placement.add(side, price_e4, best_e4);
        }
        let order = Order { side, price_e4, shares, since_ns: time_ns, added_ns: time_ns };
        self.book.add(reference, order);
    }

    fn execute(
        &mut self,
        reference: OrderRef,
        shares: u64,
        printable: bool,
        time_ns: u64,
        hours: &Hours,
    ) {
        let resting = self.take(reference, shares, time_ns, hours);
        // What does not print is a cross's: it has no aggressor.
        if printable && hours.are_open(time_ns) {
            let aggressor = resting.map(|order| order.side.opposite());
            self.shape.runs.execution(time_ns, aggressor);
            self.shape.execution_shares.add(shares, 1);
        }
    }

    fn take(
        &mut self,
        reference: OrderRef,
        shares: u64,
        time_ns: u64,
        hours: &Hours,
    ) -> Option<Order> {
        let Some((order, gone)) = self.book.take(reference, shares) else {
            self.shape.unknown_orders += 1;
            return None;
        };
        if gone {
            self.died(&order, time_ns, hours);
        }
        Some(order)
    }

    fn replace(&mut self, replace: &OrderReplaced, time_ns: u64, hours: &Hours) {
        let Some(old) = self.book.remove(replace.original_order()) else {
            self.shape.unknown_orders += 1;
            return;
        };
        ended(&mut self.shape.by_reference, old.since_ns, time_ns, hours);
        let (price_e4, shares) = (replace.price().to_e4_saturating(), replace.shares().0);
        let new = Order { price_e4, shares, since_ns: time_ns, ..old };
        self.book.add(replace.new_order(), new);
    }

    fn died(&mut self, order: &Order, time_ns: u64, hours: &Hours) {
        ended(&mut self.shape.by_reference, order.since_ns, time_ns, hours);
        ended(&mut self.shape.by_lineage, order.added_ns, time_ns, hours);
    }
}

/// Notes the life of an order that began in continuous trading and ended at `time_ns` or, as far as
/// can be told, at its close.
fn ended(lifetimes: &mut Lifetimes, since_ns: u64, time_ns: u64, hours: &Hours) {
    if !hours.are_open(since_ns) {
        return;
    }
    if time_ns < hours.close_ns {
        lifetimes.died(time_ns.saturating_sub(since_ns));
    } else {
        lifetimes.outlived(hours.close_ns - since_ns);
    }
}
