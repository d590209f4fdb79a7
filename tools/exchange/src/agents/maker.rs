//! Makers quote both sides around the value and refresh what has gone or is stale.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::life::Patience;
use super::{Call, Floor, Place};
use crate::matching::{NewOrder, OrderId, OrderKind};

/// Chances in 10,000 that a stale quote is replaced rather than cancelled and sent anew.
const REPLACES: u32 = 5_000;
/// Chances in 10,000 that a maker means its price even where it takes.
const TAKES: u32 = 300;
/// Chances in 10,000 that a quote which would take is sent not to.
const SLIDES: u32 = 6_000;

impl<T: Copy + From<Call>> Floor<T> {
    /// One of the security's makers looks after its quotes; whether something traded.
    pub(crate) fn make(&mut self, place: Place, out: &mut Encoder) -> bool {
        let makers = self.pits[place.at()].quotes.len();
        let maker = self.random.below(makers as u64) as usize;
        // The side that it looks at first must not always be the same.
        let first = self.any_side();
        let mut traded = false;
        for side in [first, first.opposite()] {
            let price_e4 = self.quote_e4(place, side);
            let at = usize::from(side == Side::Sell);
            let standing = self.pits[place.at()].quotes[maker][at];
            let rests = standing.and_then(|id| Some((id, self.market.order(id)?.price)));
            let (quote, filled) = match rests {
                Some((id, price)) if price.abs_diff(price_e4) <= self.step_e4(place) => {
                    (Some(id), 0)
                }
                Some((id, _)) => self.requote(place, id, price_e4, out),
                None => self.quote(place, side, price_e4, out),
            };
            self.pits[place.at()].quotes[maker][at] = quote;
            traded |= filled > 0;
        }
        traded
    }

    /// Where a maker wants to stand.
    fn quote_e4(&mut self, place: Place, side: Side) -> u32 {
        let half_q8 = self.securities[place.at()].half_spread_q8;
        // Between 0.7 and 1.7 of what the security's makers quote.
        let half = (half_q8 * self.random.between(179, 435)) >> 16;
        let value = u64::from(self.pits[place.at()].value_e4());
        let price = match side {
            Side::Buy => value.saturating_sub(half),
            Side::Sell => value + half,
        };
        let price_e4 = self.on_grid(place, side, price);
        if self.random.chance(TAKES) {
            price_e4
        } else {
            self.behind_opposite(place, side, price_e4)
        }
    }

    fn requote(
        &mut self,
        place: Place,
        id: OrderId,
        price_e4: u32,
        out: &mut Encoder,
    ) -> (Option<OrderId>, u32) {
        if self.random.chance(REPLACES) {
            let qty = self.size();
            let sent = self.market.replace(id, qty, price_e4, place.time_ns, out);
            if let (Some(id), Some(life_ns)) = (sent.resting, self.life_ns(place, Patience::Quote))
            {
                self.calendar.enter(place.time_ns + life_ns, Call::Expire { id }.into());
            }
            return (sent.resting, sent.filled);
        }
        let side = self.market.order(id).map(|order| order.side);
        self.market.cancel(id, place.time_ns, out);
        match side {
            Some(side) => self.quote(place, side, price_e4, out),
            None => (None, 0),
        }
    }

    fn quote(
        &mut self,
        place: Place,
        side: Side,
        price_e4: u32,
        out: &mut Encoder,
    ) -> (Option<OrderId>, u32) {
        let (symbol, qty) = (place.symbol, self.size());
        let takes = self.market.would_take(symbol, side, price_e4);
        let slides = takes && self.random.chance(SLIDES);
        let kind = if slides { OrderKind::PostOnly } else { self.displayed_kind() };
        let order = NewOrder { symbol, side, qty, limit_e4: Some(price_e4), kind };
        let life_ns = self.life_ns(place, Patience::Quote);
        let sent = self.send(place, &order, life_ns, out);
        (sent.resting, sent.filled)
    }
}
