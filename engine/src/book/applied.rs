//! What applying one event did to a book, and to the order that it named.

use crate::units::{Nanos, Price, Qty, Side};

/// What applying one event did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What became of the resting order that the event took from, where the book held it.
    pub resting: Option<Resting>,
    /// Whether the best bid or offer changed in price or size.
    pub best_changed: bool,
}

/// A resting order from which an event took shares, or which it took out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// When it took its place in the queue (exchange time).
    pub since: Nanos,
    /// Shares that came off it: what was asked for, but never more than it had.
    pub taken: Qty,
    /// Whether it has left the book.
    pub left: bool,
    /// Whether this is its first fill: an execution that took shares, and none before did.
    pub first_fill: bool,
}

impl Resting {
    /// The same, put together anew.
    #[inline(always)]
    pub(crate) fn again(self) -> Resting {
        let Resting { side, price, since, taken, left, first_fill } = self;
        let side = if side.byte() == b'B' { Side::Buy } else { Side::Sell };
        Resting { side, price, since, taken, left, first_fill }
    }
}

/// Hears what becomes of resting orders, from within the branch by kind that the books take anyway:
/// asked afterwards, a message would meet another branch that nobody can foresee.
pub(crate) trait Fates {
    /// An event of kind `KIND` at `time` took from an order, or took it out.
    fn take<const KIND: u8>(&mut self, time: Nanos, resting: &Resting);
}

/// Nobody listens.
impl Fates for () {
    #[inline(always)]
    fn take<const KIND: u8>(&mut self, _time: Nanos, _resting: &Resting) {}
}
