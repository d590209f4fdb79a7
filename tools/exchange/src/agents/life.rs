//! How long orders are meant to live, and what happens when that is over.
//!
//! Lives are drawn by doublings: of the orders near the best price as many live less than two seconds
//! as the security is hasty, half of them less than an eighth of a second.

use feed_handlers::itch50::Encoder;

use super::{Call, Floor, Place};
use crate::matching::{OrderId, Resting};

/// Two seconds, as a doubling of ns.
const TWO_SECONDS: u32 = 31;

impl<T: Copy + From<Call>> Floor<T> {
    /// The life of an order that is placed now; `None` is all day.
    pub(super) fn life_ns(&mut self, place: Place, is_near: bool) -> Option<u64> {
        let haste = self.securities[place.at()].haste;
        let haste = if is_near { haste + haste / 8 } else { haste * 3 / 4 };
        if self.random.chance(haste.min(9_500)) {
            let quick = self.random.chance(5_500);
            let (low, high) =
                if quick { (14, TWO_SECONDS - 4) } else { (TWO_SECONDS - 4, TWO_SECONDS) };
            return Some(self.random.doubling(low, high));
        }
        let lives = &self.population.lives;
        match self.random.weighted(lives) {
            0 => Some(self.random.doubling(TWO_SECONDS, TWO_SECONDS + 5)),
            1 => Some(self.random.doubling(TWO_SECONDS + 5, TWO_SECONDS + 11)),
            _ => None,
        }
    }

    /// The meant life of an order is over: it goes, or is replaced or reduced and lives on.
    pub(crate) fn expire(&mut self, id: OrderId, time_ns: u64, out: &mut Encoder) {
        let Some(order) = self.market.order(id) else { return };
        let place = Place { symbol: order.symbol, time_ns };
        if !order.is_displayed {
            self.market.cancel(id, time_ns, out);
            return;
        }
        let lives_on = if self.random.chance(self.population.replace) {
            self.move_order(place, id, &order, out)
        } else if order.qty > 1 && self.random.chance(self.population.reduce) {
            let off = self.random.between(1, u64::from(order.qty) - 1) as u32;
            self.market.reduce(id, off, time_ns, out).then_some(id)
        } else {
            self.market.cancel(id, time_ns, out);
            None
        };
        if let Some(id) = lives_on
            && let Some(life_ns) = self.life_ns(place, true)
        {
            self.calendar.enter(time_ns + life_ns, Call::Expire { id }.into());
        }
        self.watch_limit(place);
    }

    fn move_order(
        &mut self,
        place: Place,
        id: OrderId,
        order: &Resting,
        out: &mut Encoder,
    ) -> Option<OrderId> {
        let (price_e4, _) = self.placed(place, order.side);
        let sent = self.market.replace(id, order.qty, price_e4, place.time_ns, out);
        // A maker's quote stays its own.
        for quotes in &mut self.pits[place.at()].quotes {
            for quote in quotes.iter_mut().filter(|quote| **quote == Some(id)) {
                *quote = sent.resting;
            }
        }
        sent.resting
    }
}
