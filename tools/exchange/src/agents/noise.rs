//! Noise: orders for reasons that the market does not know, displayed or hidden.

use engine::units::Side;
use feed_handlers::itch50::{Encoder, Mpid};

use super::life::Patience;
use super::{Call, Floor, Place};
use crate::matching::{NewOrder, OrderKind};

/// Participants that sign their orders; the names are made up.
const NAMES: [Mpid; 4] = [Mpid(*b"ZMMA"), Mpid(*b"ZMMB"), Mpid(*b"ZMMC"), Mpid(*b"ZMMD")];

/// Chances in 10,000 that an order is not to take.
const POST_ONLY: u32 = 600;

impl<T: Copy + From<Call>> Floor<T> {
    pub(super) fn any_side(&mut self) -> Side {
        if self.random.chance(5_000) { Side::Buy } else { Side::Sell }
    }

    /// How a displayed order is sent.
    pub(super) fn displayed_kind(&mut self) -> OrderKind {
        if self.random.chance(POST_ONLY) {
            return OrderKind::PostOnly;
        }
        let named = self.random.chance(self.population.attributed);
        OrderKind::Limit(named.then(|| NAMES[self.random.below(4) as usize]))
    }

    /// Places one order behind the best price of the other side; whether it met hidden ones.
    pub(super) fn place_noise(&mut self, place: Place, out: &mut Encoder) -> bool {
        let side = self.any_side();
        let (mut price_e4, patience) = self.placed(place, side);
        let (qty, kind) = (self.size(), self.displayed_kind());
        if kind == OrderKind::PostOnly && patience == Patience::Inside {
            // As near as can be: the market slides it off the price that it would take.
            price_e4 = self.market.best_e4(place.symbol, side.opposite()).unwrap_or(price_e4);
        }
        let order = NewOrder { symbol: place.symbol, side, qty, limit_e4: Some(price_e4), kind };
        let life_ns = self.life_ns(place, patience);
        self.send(place, &order, life_ns, out).filled > 0
    }

    /// Lays an order behind the best price of its side, for all day.
    pub(crate) fn lay(&mut self, place: Place, side: Side, out: &mut Encoder) {
        self.touch(place);
        let step = u64::from(self.step_e4(place)) * self.random.between(1, 12);
        let (value, half_q8) = (
            u64::from(self.pits[place.at()].value_e4()),
            self.securities[place.at()].half_spread_q8,
        );
        let price = match side {
            Side::Buy => value.saturating_sub((half_q8 >> 8) + step),
            Side::Sell => value + (half_q8 >> 8) + step,
        };
        let price_e4 = self.on_grid(place, side, price);
        let limit_e4 = Some(self.behind_opposite(place, side, price_e4));
        let (symbol, qty) = (place.symbol, self.size());
        let order = NewOrder { symbol, side, qty, limit_e4, kind: OrderKind::Limit(None) };
        self.send(place, &order, None, out);
    }

    /// Posts one displayed order that takes nothing: exactly one message.
    pub(crate) fn post(&mut self, place: Place, out: &mut Encoder) {
        let side = self.any_side();
        let (price_e4, _) = self.placed(place, side);
        let (symbol, qty) = (place.symbol, self.size());
        let (limit_e4, kind) = (Some(price_e4), OrderKind::PostOnly);
        self.send(place, &NewOrder { symbol, side, qty, limit_e4, kind }, None, out);
    }

    /// Posts a hidden order in the spread or at the best price.
    pub(super) fn hide(&mut self, place: Place, out: &mut Encoder) -> bool {
        let side = self.any_side();
        // One at a time: hidden orders that wait for each other would make every trade a hidden one.
        let Some(best) = self.market.best_e4(place.symbol, side) else { return false };
        if self.market.has_hidden(place.symbol, side) {
            return false;
        }
        let step = self.step_e4(place);
        let inside = step * self.random.between(0, 2) as u32;
        let price_e4 = self.away(place, side.opposite(), best, inside);
        let limit_e4 = Some(self.behind_opposite(place, side, price_e4));
        let (symbol, qty) = (place.symbol, self.size());
        let order = NewOrder { symbol, side, qty, limit_e4, kind: OrderKind::Hidden };
        let life_ns = self.hidden_life_ns();
        self.send(place, &order, Some(life_ns), out).filled > 0
    }
}
