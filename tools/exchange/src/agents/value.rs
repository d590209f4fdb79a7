//! Value traders know the fundamental value, and trade where the price is away from it.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::{Call, Floor, Place};
use crate::matching::{NewOrder, OrderKind};

impl<T: Copy + From<Call>> Floor<T> {
    /// Takes whatever is better than the value by more than half a spread; whether it traded.
    pub(super) fn trade_on_value(&mut self, place: Place, out: &mut Encoder) -> bool {
        let value = u64::from(self.pits[place.at()].value_e4());
        let margin = self.securities[place.at()].half_spread_q8 >> 9;
        for side in [Side::Buy, Side::Sell] {
            let Some(best) = self.market.best_e4(place.symbol, side.opposite()) else { continue };
            let limit = match side {
                Side::Buy => value.saturating_sub(margin),
                Side::Sell => value + margin,
            };
            let limit_e4 = self.on_grid(place, side, limit);
            if !Self::is_better(side.opposite(), limit_e4, best) {
                let there = self.market.best_shares(place.symbol, side.opposite());
                let qty = there.clamp(1, 300) as u32;
                return self.send_immediate(place, side, (Some(limit_e4), qty), out);
            }
        }
        self.place_noise(place, out)
    }

    /// Trades on news: takes up to the new value, and waits there with what is left.
    pub(crate) fn trade_on_news(&mut self, place: Place, out: &mut Encoder) {
        self.touch(place);
        let value = self.pits[place.at()].value_e4();
        let side =
            if value > self.market.reference_e4(place.symbol) { Side::Buy } else { Side::Sell };
        let limit_e4 = Some(self.on_grid(place, side, u64::from(value)));
        let qty = 100 * self.random.between(2, 12) as u32;
        let (symbol, kind) = (place.symbol, OrderKind::Limit(None));
        let order = NewOrder { symbol, side, qty, limit_e4, kind };
        let life_ns = self.timetable.limit_state_ns() + self.random.doubling(34, 38);
        self.send(place, &order, Some(life_ns), out);
        self.watch_limit(place);
    }
}
