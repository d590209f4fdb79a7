//! The market on a thread of its own: takes the signals of all shards in their one order.
//!
//! Names come by a ring of their own. The front writes a name before the event of its message, so
//! whatever is in that ring when a signal is at hand holds all names that the signal's may be among.
//!
//! Ends when every shard is gone and all they sent is taken.

use crate::market::{Market, MarketListener};
use crate::pipeline::merge::Merge;
use crate::pipeline::named::Named;
use crate::ring::{Consumer, Waiter};

/// See the module.
pub(super) struct MarketStage<L> {
    pub(super) merge: Merge,
    pub(super) names: Consumer<Named>,
    pub(super) market: Market<L>,
    pub(super) waiter: Waiter,
}

impl<L: MarketListener> MarketStage<L> {
    pub(super) fn run(mut self) -> Market<L> {
        loop {
            // Before the turn: what was sent before the shards were gone is then seen in it.
            let done = self.merge.is_done();
            let MarketStage { merge, names, market, .. } = &mut self;
            let taken = merge.turn(|signal| {
                learn(names, market);
                market.take(signal);
            });
            // A ring of names that nobody empties would stop the front.
            learn(names, market);
            market.turn();
            if taken > 0 {
                self.waiter.reset();
            } else if done {
                return self.market;
            } else {
                self.waiter.wait();
            }
        }
    }
}

#[inline]
fn learn<L: MarketListener>(names: &mut Consumer<Named>, market: &mut Market<L>) {
    while let Some(named) = names.try_pop() {
        market.learn(&named);
    }
}
