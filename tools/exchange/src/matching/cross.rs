//! Crosses: one price at which the most shares change hands at once.
//!
//! The price is the one with the most paired shares; of several the one that leaves the least
//! imbalance; of several the one nearest the reference. Those are the main steps of Nasdaq's crosses
//! (rules 4752 to 4754); imbalance-only orders and what they bring are left out. Who trades is decided by price, then orders of the cross before
//! displayed ones before hidden ones, then time. Displayed orders are told as executions that do not
//! print, and the whole in one cross message that does, be it of no shares.

use engine::units::Side;

/// An order for a cross alone; it is never displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionOrder {
    /// Its side.
    pub side: Side,
    /// Its shares.
    pub qty: u32,
    /// Its limit in 1e-4 dollars; `None` trades at any price.
    pub limit_e4: Option<u32>,
}

/// What a cross would do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clearing {
    /// The price, 1e-4 dollars; 0 where nothing would trade.
    pub price_e4: u32,
    /// Shares that would trade.
    pub paired: u64,
    /// Buying less selling interest at the price.
    pub surplus: i64,
}

/// Interest on both sides as it is gathered: price in 1e-4 dollars and shares, and what trades at any
/// price.
#[derive(Clone, Debug, Default)]
pub(super) struct Interest {
    bids: Vec<(u32, u64)>,
    asks: Vec<(u32, u64)>,
    any_price_bid: u64,
    any_price_ask: u64,
}

impl Interest {
    /// Adds interest of a side.
    pub(super) fn add(&mut self, side: Side, limit_e4: Option<u32>, qty: u64) {
        match (side, limit_e4) {
            (Side::Buy, Some(limit)) => self.bids.push((limit, qty)),
            (Side::Sell, Some(limit)) => self.asks.push((limit, qty)),
            (Side::Buy, None) => self.any_price_bid += qty,
            (Side::Sell, None) => self.any_price_ask += qty,
        }
    }

    /// All of it, each side from its best price on, every entry the sum up to there.
    pub(super) fn gathered(mut self) -> Curves {
        self.bids.sort_unstable_by_key(|&(price, _)| std::cmp::Reverse(price));
        self.asks.sort_unstable_by_key(|&(price, _)| price);
        let summed = |from: u64, entries: &mut [(u32, u64)]| {
            let mut sum = from;
            for (_, qty) in entries {
                sum += *qty;
                *qty = sum;
            }
        };
        summed(self.any_price_bid, &mut self.bids);
        summed(self.any_price_ask, &mut self.asks);
        Curves(self)
    }
}

/// Demand and supply by price.
#[derive(Clone, Debug)]
pub(super) struct Curves(Interest);

impl Curves {
    /// Paired shares and surplus at a price.
    pub(super) fn at(&self, price_e4: u32) -> Clearing {
        let Interest { bids, asks, any_price_bid, any_price_ask } = &self.0;
        let upto = |entries: &[(u32, u64)], count: usize, none: u64| match count {
            0 => none,
            count => entries[count - 1].1,
        };
        let bid = upto(bids, bids.partition_point(|bid| bid.0 >= price_e4), *any_price_bid);
        let ask = upto(asks, asks.partition_point(|ask| ask.0 <= price_e4), *any_price_ask);
        Clearing { price_e4, paired: bid.min(ask), surplus: bid as i64 - ask as i64 }
    }

    /// The clearing price on a grid of ticks; see the module. The reference must lie on it.
    pub(super) fn clear(&self, reference_e4: u32, tick_e4: u32) -> Clearing {
        let Interest { bids, asks, any_price_bid, any_price_ask } = &self.0;
        // Only where bids reach asks can anything trade; orders at any price reach everywhere.
        let lowest = asks.first().filter(|_| *any_price_ask == 0).map_or(0, |ask| ask.0);
        let highest = bids.first().filter(|_| *any_price_bid == 0).map_or(u32::MAX, |bid| bid.0);
        // Demand and supply change at limits alone, so all that lies between two of them is alike: a
        // tick on either side of each stands for it, and the reference where it lies there.
        let around = |&(price, _): &(u32, u64)| {
            [price.saturating_sub(tick_e4).max(tick_e4), price, price.saturating_add(tick_e4)]
        };
        let prices = bids.iter().chain(asks).flat_map(around).chain([reference_e4]);
        let candidates = prices.filter(|price| (lowest..=highest).contains(price));
        let best = candidates.map(|price| self.at(price)).min_by_key(|clearing| {
            let Clearing { price_e4, paired, surplus } = *clearing;
            let away = price_e4.abs_diff(reference_e4);
            (std::cmp::Reverse(paired), surplus.unsigned_abs(), away, price_e4)
        });
        best.filter(|clearing| clearing.paired > 0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(orders: &[(Side, Option<u32>, u64)]) -> Curves {
        let mut interest = Interest::default();
        orders.iter().for_each(|&(side, limit, qty)| interest.add(side, limit, qty));
        interest.gathered()
    }

    #[test]
    fn the_most_shares_trade_then_the_least_is_left_then_the_reference_is_near() {
        use Side::{Buy, Sell};
        // At 101: 300 bid, 500 offered; at 100: 700 bid, 300 offered; at 102: 300 and 500. 300 pair at
        // all of them; least left (200) at 101 and 102; 101 is nearer to 100.
        let orders = sides(&[
            (Buy, Some(102), 300),
            (Buy, Some(100), 400),
            (Sell, Some(100), 300),
            (Sell, Some(101), 200),
        ]);
        assert_eq!(orders.clear(100, 1), Clearing { price_e4: 101, paired: 300, surplus: -200 });
        assert_eq!(orders.clear(102, 1), Clearing { price_e4: 102, paired: 300, surplus: -200 });
    }

    #[test]
    fn orders_at_any_price_trade_with_each_other_at_the_reference() {
        use Side::{Buy, Sell};
        let orders = sides(&[(Buy, None, 500), (Sell, None, 300), (Sell, Some(120), 50)]);
        // 350 pair from 120 on, 300 below.
        assert_eq!(orders.clear(100, 1), Clearing { price_e4: 120, paired: 350, surplus: 150 });
        let orders = sides(&[(Buy, None, 500), (Sell, None, 300)]);
        assert_eq!(orders.clear(100, 1), Clearing { price_e4: 100, paired: 300, surplus: 200 });
    }

    #[test]
    fn nothing_trades_where_bids_do_not_reach_asks() {
        use Side::{Buy, Sell};
        assert_eq!(
            sides(&[(Buy, Some(99), 5), (Sell, Some(100), 5)]).clear(99, 1),
            Clearing::default()
        );
        assert_eq!(sides(&[(Buy, Some(99), 5)]).clear(99, 1), Clearing::default());
        assert_eq!(sides(&[]).clear(99, 1), Clearing::default());
        let one = sides(&[(Buy, Some(99), 5), (Sell, Some(98), 9)]);
        assert_eq!(one.at(98), Clearing { price_e4: 98, paired: 5, surplus: -4 });
    }

    #[test]
    fn the_least_imbalance_may_lie_between_two_limits() {
        use Side::{Buy, Sell};
        let orders = sides(&[
            (Sell, Some(8_000), 100),
            (Buy, Some(9_500), 100),
            (Buy, Some(8_500), 50),
            (Sell, Some(9_000), 50),
        ]);
        // From 85.01 to 89.99 100 pair and nothing is left; 89.99 is nearest to 100.
        let expected = Clearing { price_e4: 8_999, paired: 100, surplus: 0 };
        assert_eq!(orders.clear(10_000, 1), expected);
    }

    #[test]
    fn no_price_on_the_grid_is_better_than_the_one_it_clears_at() {
        use crate::random::Random;
        let mut random = Random::new(5, 0);
        for round in 0..2_000 {
            let tick = [1, 5][round % 2];
            let mut interest = Interest::default();
            for _ in 0..random.between(1, 12) {
                let side = if random.chance(5_000) { Side::Buy } else { Side::Sell };
                let limit = tick * random.between(1, 30) as u32;
                let any_price = random.chance(1_500);
                interest.add(side, (!any_price).then_some(limit), random.between(1, 9));
            }
            let reference = tick * random.between(1, 30) as u32;
            let curves = interest.gathered();
            let cleared = curves.clear(reference, tick);
            let worth = |clearing: &Clearing| {
                let Clearing { price_e4, paired, surplus } = *clearing;
                (std::cmp::Reverse(paired), surplus.unsigned_abs(), price_e4.abs_diff(reference))
            };
            let best = (1..=60).map(|ticks| worth(&curves.at(ticks * tick))).min().unwrap();
            if cleared.paired == 0 {
                assert_eq!(best.0.0, 0, "{curves:?}");
            } else {
                assert_eq!(worth(&cleared), best, "{curves:?} around {reference}");
                assert!(cleared.price_e4.is_multiple_of(tick));
            }
        }
    }
}
