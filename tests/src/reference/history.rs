//! All that happened to one symbol, message by message: what was before, what was after.
//!
//! Nothing is summed here. The measures are worked out from the whole list when asked.

use engine::event::{Event, Kind};
use engine::units::{Price, Side};

use super::ReferenceSymbol;
use super::book::RestingOrder;
use super::quotes::Quote;

/// A print that counts, and is no cross.
#[derive(Clone, Copy, Debug)]
pub struct Printed {
    /// Its place on the tape.
    pub place: usize,
    /// Its price.
    pub price: Price,
    /// Its shares.
    pub qty: u64,
    /// The side of the aggressor, where it can be told.
    pub aggressor: Option<Side>,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The message.
    pub event: Event,
    /// The quote before it.
    pub quote_before: Quote,
    /// The quote after it.
    pub quote_after: Quote,
    /// The trading state before it.
    pub state_before: Option<u8>,
    /// The trading state after it.
    pub state_after: Option<u8>,
    /// The order that it names, before it.
    pub order_before: Option<RestingOrder>,
    /// The order that it names, after it; none after a replace, even by itself.
    pub order_after: Option<RestingOrder>,
    /// Prints on the tape before it.
    prints_before: usize,
    /// Side of the order that it names.
    side: Option<Side>,
    /// What it printed.
    pub printed: Option<Printed>,
}

impl Step {
    /// What stands before a message is applied.
    #[must_use]
    pub fn before(symbol: &ReferenceSymbol, event: &Event) -> Step {
        Step {
            event: *event,
            quote_before: symbol.quote(),
            quote_after: symbol.quote(),
            state_before: symbol.state,
            state_after: None,
            order_before: symbol.book.resting(event.order()),
            order_after: None,
            prints_before: symbol.tape.len(),
            side: symbol.book.side_of(event.order()),
            printed: None,
        }
    }

    /// … and after.
    ///
    /// # Panics
    /// If the tape that has just grown is empty.
    #[must_use]
    pub fn and_after(mut self, symbol: &ReferenceSymbol, event: &Event) -> Step {
        self.quote_after = symbol.quote();
        self.state_after = symbol.state;
        if event.kind() != Some(Kind::Replace) || !self.is_applied_replace(symbol) {
            self.order_after = symbol.book.resting(event.order());
        }
        if symbol.tape.len() > self.prints_before && event.kind() != Some(Kind::Cross) {
            self.printed = Some(Printed {
                place: self.prints_before,
                price: symbol.tape.last().expect("it has just printed"),
                qty: event.qty().0,
                aggressor: match event.kind() {
                    Some(Kind::Execute) => self.side.map(|side| match side {
                        Side::Buy => Side::Sell,
                        Side::Sell => Side::Buy,
                    }),
                    _ => None,
                },
            });
        }
        self
    }

    /// A replace is applied if its new order is there with the message's time and size, and was not
    /// before: a reference that lives is refused, unless it is the old one's own.
    fn is_applied_replace(&self, symbol: &ReferenceSymbol) -> bool {
        let (old, new) = (self.event.order(), self.event.new_order());
        self.order_before.is_some() && (old == new || symbol.book.resting(old).is_none())
    }

    /// Whether the best bid or offer changed in price or size.
    #[must_use]
    pub fn changes_quote(&self) -> bool {
        let facts = |quote: Quote| {
            [quote.bid, quote.ask].map(|level| level.map(|level| (level.price, level.qty)))
        };
        facts(self.quote_before) != facts(self.quote_after)
    }
}

/// Every message of a symbol.
#[derive(Clone, Debug, Default)]
pub struct History {
    steps: Vec<Step>,
}

impl History {
    /// Adds a message.
    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The messages in their order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}
