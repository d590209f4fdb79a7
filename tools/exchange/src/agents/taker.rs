//! Takers and trend followers take what rests.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::{Call, Floor, Place};

/// Chances in 10,000 that an order that goes beyond the best price is a market order.
const ANY_PRICE: u32 = 3_000;

/// Chances in 10,000 that a taker goes towards the value, where the middle is away from it.
const TOWARDS_VALUE: u32 = 6_000;

impl<T: Copy + From<Call>> Floor<T> {
    /// Takes at the best price, now and then beyond; whether it traded.
    pub(super) fn take(&mut self, place: Place, out: &mut Encoder) -> bool {
        let side = self.taking_side(place);
        self.take_for(place, side, out)
    }

    /// Large orders are worked in small ones, so takers' sides go on (Lillo and Farmer, "The long
    /// memory of the efficient market", 2004).
    fn taking_side(&mut self, place: Place) -> Side {
        let middle = i64::from(self.market.reference_e4(place.symbol));
        let value = i64::from(self.pits[place.at()].value_e4());
        let half = (self.securities[place.at()].half_spread_q8 >> 8) as i64;
        let goes_on = self.random.chance(self.population.same_side);
        let last = self.pits[place.at()].taking;
        let mut side = if goes_on { last } else { last.opposite() };
        if (value - middle).abs() > half && self.random.chance(TOWARDS_VALUE) {
            side = if value > middle { Side::Buy } else { Side::Sell };
        }
        self.pits[place.at()].taking = side;
        side
    }

    fn take_for(&mut self, place: Place, side: Side, out: &mut Encoder) -> bool {
        let Some(best) = self.market.best_e4(place.symbol, side.opposite()) else { return false };
        let there = self.market.best_shares(place.symbol, side.opposite());
        let (mut limit_e4, mut qty) = (Some(best), u64::from(self.size()).min(there));
        if self.random.chance(self.population.sweep) {
            let beyond = self.step_e4(place) * self.random.between(1, 3) as u32;
            let limit = self.away(place, side.opposite(), best, beyond);
            limit_e4 = (!self.random.chance(ANY_PRICE)).then_some(limit);
            qty = there + u64::from(self.size());
        } else if self.random.chance(self.population.piece) {
            // A piece of an order that is worked: not more than one resting order gives.
            let first = self.market.next_taken(place.symbol, side, best);
            qty = self.random.between(1, first.map_or(1, |first| u64::from(first.qty)));
        }
        let qty = qty.clamp(1, 1_000_000) as u32;
        self.send_immediate(place, side, (limit_e4, qty), out)
    }

    /// Takes in the direction of the trend, if there is one; whether it traded.
    pub(super) fn follow_trend(&mut self, place: Place, out: &mut Encoder) -> bool {
        let trend_q8 = self.pits[place.at()].trend_q8;
        if trend_q8.unsigned_abs() < u64::from(self.tick_e4(place)) << 4 {
            return self.place_noise(place, out);
        }
        let side = if trend_q8 > 0 { Side::Buy } else { Side::Sell };
        self.take_for(place, side, out)
    }
}
