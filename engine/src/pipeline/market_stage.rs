//! The market on a thread of its own: takes the signals of all shards in their one order.
//!
//! Ends when every shard is gone and all they sent is taken.

use crate::market::{Market, MarketListener};
use crate::pipeline::merge::Merge;
use crate::ring::Waiter;

/// See the module.
pub(super) struct MarketStage<L> {
    pub(super) merge: Merge,
    pub(super) market: Market<L>,
    pub(super) waiter: Waiter,
}

impl<L: MarketListener> MarketStage<L> {
    pub(super) fn run(mut self) -> Market<L> {
        loop {
            // Before the turn: what was sent before the shards were gone is then seen in it.
            let done = self.merge.is_done();
            let market = &mut self.market;
            if self.merge.turn(|signal| market.take(signal)) > 0 {
                self.waiter.reset();
            } else if done {
                return self.market;
            } else {
                self.waiter.wait();
            }
        }
    }
}
