//! How long orders are meant to live, and what happens when that is over.
//!
//! Lives are drawn by doublings: of the orders near the best price as many live less than two seconds
//! as the security is hasty, half of them less than an eighth of a second; what improves on the best
//! price is fleeting everywhere (Hasbrouck and Saar, "Technology and liquidity provision", 2009).

use feed_handlers::itch50::Encoder;

use super::{Call, Floor, Place};
use crate::matching::{OrderId, Resting};

/// Two seconds, as a doubling of ns.
const TWO_SECONDS: u32 = 31;

/// The doublings of ns that lives are drawn from. On a short day the long ones are shorter, so that
/// orders end during it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lives {
    quick: (u32, u32),
    fleeting: (u32, u32),
    short: (u32, u32),
    long: (u32, u32),
}

impl Lives {
    /// For continuous trading of this length: on a full day up to an eighth of a second, two seconds,
    /// a minute, and an hour and a bit.
    pub(crate) fn new(continuous_ns: u64) -> Lives {
        let day = continuous_ns.ilog2();
        let two = TWO_SECONDS.min(day - 2);
        let minute = (two + 5).min(day - 4).max(two + 1);
        let hour = (two + 11).min(day - 2).max(minute + 1);
        Lives {
            quick: (14, two - 4),
            fleeting: (two - 4, two),
            short: (two, minute),
            long: (minute, hour),
        }
    }
}

/// What an order is there for, which says how patient it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A maker's quote: without it the book would be bare.
    Quote,
    /// An order that improves on the best price: most of them fleeting.
    Inside,
    /// Noise at the best price or right behind it.
    Near,
    /// Noise behind it.
    Far,
}

impl<T: Copy + From<Call>> Floor<T> {
    /// The life of an order that is placed now; `None` is all day.
    pub(super) fn life_ns(&mut self, place: Place, patience: Patience) -> Option<u64> {
        let haste = self.securities[place.at()].haste;
        let (haste, quick) = match patience {
            Patience::Quote => (haste / 2, 4_000),
            Patience::Inside => (8_500, 8_000),
            Patience::Near => (haste + haste / 4, 5_500),
            Patience::Far => (haste * 3 / 4, 5_000),
        };
        let lives = self.lives;
        let (low, high) = if self.random.chance(haste.min(9_500)) {
            if self.random.chance(quick) { lives.quick } else { lives.fleeting }
        } else {
            let odds = &self.odds;
            let odds = if patience == Patience::Far { &odds.far_lives } else { &odds.lives };
            match self.random.pick(odds) {
                0 => lives.short,
                1 => lives.long,
                _ => return None,
            }
        };
        Some(self.random.doubling(low, high))
    }

    /// The life of a hidden order: seconds, up to a minute.
    pub(super) fn hidden_life_ns(&mut self) -> u64 {
        self.random.doubling(self.lives.fleeting.0, self.lives.short.1)
    }

    /// The meant life of an order is over: it goes, or is replaced or reduced and lives on.
    pub(crate) fn expire(&mut self, id: OrderId, time_ns: u64, out: &mut Encoder) {
        let Some(order) = self.market.order(id) else { return };
        let place = Place { symbol: order.symbol, time_ns };
        if !order.is_displayed {
            self.market.cancel(id, time_ns, out);
            return;
        }
        if self.random.chance(self.population.replace) {
            self.move_order(place, id, &order, out);
        } else if order.qty > 1 && self.random.chance(self.population.reduce) {
            let off = self.random.between(1, u64::from(order.qty) - 1) as u32;
            self.market.reduce(id, off, time_ns, out);
            if let Some(life_ns) = self.life_ns(place, Patience::Near) {
                self.calendar.enter(time_ns + life_ns, Call::Expire { id }.into());
            }
        } else {
            self.market.cancel(id, time_ns, out);
        }
        self.watch_limit(place);
    }

    /// Moves an order to where one is placed now, with a new life.
    pub(super) fn move_order(
        &mut self,
        place: Place,
        id: OrderId,
        order: &Resting,
        out: &mut Encoder,
    ) {
        let (price_e4, patience) = self.placed(place, order.side);
        let sent = self.market.replace(id, order.qty, price_e4, place.time_ns, out);
        // A maker's quote stays its own.
        for quotes in &mut self.pits[place.at()].quotes {
            for quote in quotes.iter_mut().filter(|quote| **quote == Some(id)) {
                *quote = sent.resting;
            }
        }
        if let (Some(id), Some(life_ns)) = (sent.resting, self.life_ns(place, patience)) {
            self.calendar.enter(place.time_ns + life_ns, Call::Expire { id }.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{CONTINUOUS_NS_MIN, FULL_DAY_NS};

    #[test]
    fn lives_fit_into_the_day() {
        let day = Lives::new(FULL_DAY_NS);
        assert_eq!((day.quick, day.fleeting), ((14, 27), (27, 31)));
        assert_eq!((day.short, day.long), ((31, 36), (36, 42)));
        for continuous_ns in [CONTINUOUS_NS_MIN, 30_000_000_000, 300_000_000_000, FULL_DAY_NS] {
            let Lives { quick, fleeting, short, long } = Lives::new(continuous_ns);
            assert!([quick, fleeting, short, long].iter().all(|(low, high)| low < high));
            assert!(1_u64 << long.1 <= continuous_ns, "{continuous_ns}: {long:?}");
        }
    }
}
