//! Where orders go and how large they are.

use engine::units::Side;

use super::life::Patience;
use super::{Call, Floor, Place};
use crate::matching::{TradingState, whole_ticks};

/// Highest price of an order, 1e-4 dollars; a multiple of every tick.
const PRICE_E4_MAX: u64 = 1_000_000_000;

/// Shares of a round lot in the sizes that are drawn.
const LOT: u32 = 100;

impl<T: Copy + From<Call>> Floor<T> {
    pub(super) fn tick_e4(&self, place: Place) -> u32 {
        self.securities[place.at()].listing.tick_e4
    }

    /// The step in which distances are thought of.
    pub(super) fn step_e4(&self, place: Place) -> u32 {
        self.securities[place.at()].step_e4
    }

    /// A price on the grid, towards where it is worse for whoever posts it; at least a tick.
    pub(crate) fn on_grid(&self, place: Place, side: Side, price_e4: u64) -> u32 {
        let tick = u64::from(self.tick_e4(place));
        let ticks = match side {
            Side::Buy => whole_ticks(price_e4, tick),
            Side::Sell => whole_ticks(price_e4 + tick - 1, tick),
        };
        (ticks.max(1) * tick).min(PRICE_E4_MAX) as u32
    }

    /// Moves a price by so much towards where it is worse for whoever posts it.
    pub(crate) fn away(&self, place: Place, side: Side, price_e4: u32, by_e4: u32) -> u32 {
        let tick = self.tick_e4(place);
        match side {
            Side::Buy => price_e4.saturating_sub(by_e4).max(tick),
            Side::Sell => price_e4.saturating_add(by_e4).min(PRICE_E4_MAX as u32),
        }
    }

    /// Whether `price` is better for whoever takes it from `side` than `other`.
    pub(super) fn is_better(side: Side, price_e4: u32, other_e4: u32) -> bool {
        match side {
            Side::Buy => price_e4 > other_e4,
            Side::Sell => price_e4 < other_e4,
        }
    }

    /// A price that rests: drawn back behind the best price of the other side.
    pub(crate) fn behind_opposite(&self, place: Place, side: Side, price_e4: u32) -> u32 {
        // Orders may cross while a security does not trade: its cross needs them to.
        if self.market.state(place.symbol) != TradingState::Trading {
            return price_e4;
        }
        let tick = self.tick_e4(place);
        match self.market.best_e4(place.symbol, side.opposite()) {
            None => price_e4,
            Some(best) => {
                let nearest = self.away(place, side, best, tick);
                if Self::is_better(side, price_e4, nearest) { nearest } else { price_e4 }
            }
        }
    }

    /// Where an order is placed, and how patient it is there.
    pub(super) fn placed(&mut self, place: Place, side: Side) -> (u32, Patience) {
        let step = self.step_e4(place);
        let value = u64::from(self.pits[place.at()].value_e4());
        let half = self.securities[place.at()].half_spread_q8 >> 8;
        let own = match side {
            Side::Buy => value.saturating_sub(half),
            Side::Sell => value + half,
        };
        let quoted = self.on_grid(place, side, own);
        let standing = self.market.best_e4(place.symbol, side).unwrap_or(quoted);
        // Only what is fleeting stands nearer to the value than the makers.
        let best = if Self::is_better(side, standing, quoted) { quoted } else { standing };
        let which = self.random.pick(&self.odds.places);
        let behind = match which {
            0 => {
                let by = step * self.random.between(1, 2) as u32;
                let better = self.away(place, side.opposite(), standing, by);
                // Nobody improves on a price that is better than the value.
                let too_good = Self::is_better(side, better, self.on_grid(place, side, value));
                let price = if too_good { best } else { better };
                let patience = if too_good { Patience::Near } else { Patience::Inside };
                return (self.behind_opposite(place, side, price), patience);
            }
            1 => 0,
            2 => self.random.between(1, 2),
            3 => self.random.between(3, 10),
            _ => self.random.doubling(3, 8) + 3,
        };
        // Not further than a third of the price, however wide the step.
        let far = (u64::from(step) * behind).min(u64::from(best / 3));
        let price = match side {
            Side::Buy => u64::from(best).saturating_sub(far),
            Side::Sell => u64::from(best) + far,
        };
        let price = self.on_grid(place, side, price);
        let patience = if which < 3 { Patience::Near } else { Patience::Far };
        (self.behind_opposite(place, side, price), patience)
    }

    /// The shares of an order.
    pub(super) fn size(&mut self) -> u32 {
        match self.random.pick(&self.odds.sizes) {
            0 => self.random.between(1, 99) as u32,
            1 => LOT,
            2 => LOT * self.random.between(2, 10) as u32,
            _ => LOT * self.random.doubling(3, 7) as u32,
        }
    }
}
