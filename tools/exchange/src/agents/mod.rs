//! Who trades: makers, noise, takers, trend followers, value traders and posters of hidden orders.
//!
//! ```text
//!  an arrival at a security ─► one trader, by weight ─► orders on the Market
//!         ▲       │                                         │
//!         └───────┴── followers, soon after  ◄──── trades ──┤
//!                      order's end (its meant life is over) ◄┘
//! ```
//! Arrivals come in clusters: each may lead to another one soon after, and a trade to one more, which is
//! a Hawkes process by its branches (Hawkes and Oakes, "A cluster process representation of a
//! self-exciting process", 1974). A [`Floor`] holds what traders see and change. Each trader acts at
//! once and keeps nothing but what stands in its [`Pit`].

mod flee;
mod life;
mod maker;
mod noise;
mod pit;
mod placing;
mod taker;
mod value;

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use crate::calendar::Calendar;
use crate::matching::{Market, NewOrder, OrderId, OrderKind, Printed, Submitted};
use crate::population::{Population, PopulationOdds};
use crate::random::Random;
use crate::timetable::Timetable;
use crate::universe::Security;

pub(crate) use life::Lives;
pub(crate) use pit::Pit;

/// The kinds of traders, in the order of [`Population::traders`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trader {
    /// Quotes both sides around the fundamental value and refreshes.
    Maker,
    /// Places orders for reasons of its own.
    Noise,
    /// Takes what rests, mostly in the direction it took before.
    Taker,
    /// Takes in the direction in which the price has gone.
    Trend,
    /// Takes when the price is away from the fundamental value.
    Value,
    /// Posts hidden orders.
    Hidden,
}

impl Trader {
    const ALL: [Trader; 6] =
        [Trader::Maker, Trader::Noise, Trader::Taker, Trader::Trend, Trader::Value, Trader::Hidden];
}

/// What agents ask to be called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Someone arrives at a security because someone did before.
    Follow {
        /// Index of the security.
        symbol: u16,
    },
    /// News about a security: someone trades on it.
    News {
        /// Index of the security.
        symbol: u16,
    },
    /// The meant life of an order is over.
    Expire {
        /// The order.
        id: OrderId,
    },
    /// An execution is broken.
    Break {
        /// Its place in [`Floor::to_break`].
        at: u32,
    },
    /// A security has been at its band for as long as makes a pause, if it has not left it.
    Limit {
        /// Index of the security.
        symbol: u16,
        /// Since when.
        since_ns: u64,
    },
}

/// What traders see and change.
#[derive(Clone, Debug)]
pub(crate) struct Floor<T> {
    /// The matching engine.
    pub(crate) market: Market,
    /// The securities, by index.
    pub(crate) securities: Vec<Security>,
    /// What traders know of each.
    pub(crate) pits: Vec<Pit>,
    /// What is to come; agents enter their [`Call`]s.
    pub(crate) calendar: Calendar<T>,
    /// Executions that will be broken.
    pub(crate) to_break: Vec<(u16, Printed)>,
    pub(crate) random: Random,
    pub(crate) population: Population,
    pub(crate) odds: PopulationOdds,
    pub(crate) timetable: Timetable,
    pub(crate) lives: Lives,
}

/// Where a trader stands: the security and the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) symbol: u16,
    pub(crate) time_ns: u64,
}

impl Place {
    fn at(self) -> usize {
        usize::from(self.symbol)
    }
}

impl<T: Copy + From<Call>> Floor<T> {
    /// Someone arrives at a security.
    pub(crate) fn arrive(&mut self, place: Place, out: &mut Encoder) {
        self.touch(place);
        self.flee(place, out);
        let trader = Trader::ALL[self.random.pick(&self.odds.traders)];
        let is_away = self.pits[place.at()].makers_away_until_ns > place.time_ns;
        let traded = match trader {
            Trader::Maker if is_away => false,
            Trader::Maker => self.make(place, out),
            Trader::Noise => self.place_noise(place, out),
            Trader::Taker => self.take(place, out),
            Trader::Trend => self.follow_trend(place, out),
            Trader::Value => self.trade_on_value(place, out),
            Trader::Hidden => self.hide(place, out),
        };
        if self.random.chance(self.population.follow) {
            self.follow(place);
        }
        if traded {
            self.after_trade(place);
        }
        self.watch_limit(place);
    }

    /// Lets someone follow soon.
    fn follow(&mut self, place: Place) {
        let (low, high) = self.population.follow_doublings;
        let soon = place.time_ns + self.random.doubling(low, high);
        self.calendar.enter(soon, Call::Follow { symbol: place.symbol }.into());
    }

    fn after_trade(&mut self, place: Place) {
        if self.random.chance(self.population.follow_trade) {
            self.follow(place);
        }
        let must_break = self.to_break.len() < 2 && self.timetable.is_continuous(place.time_ns);
        if (must_break || self.random.chance(self.population.broken))
            && let Some(printed) = self.market.last_print(place.symbol)
        {
            let at = self.to_break.len() as u32;
            self.to_break.push((place.symbol, printed));
            let minutes = self.timetable.scaled(self.random.doubling(33, 39));
            self.calendar.enter(place.time_ns + minutes, Call::Break { at }.into());
        }
    }

    /// Notes when a security comes to its band and when it leaves it.
    pub(crate) fn watch_limit(&mut self, place: Place) {
        let is_at_limit = self.market.is_at_limit(place.symbol);
        let since_ns = &mut self.pits[place.at()].at_limit_since_ns;
        match since_ns {
            None if is_at_limit => {
                *since_ns = Some(place.time_ns);
                let then = place.time_ns + self.timetable.limit_state_ns();
                let (symbol, since_ns) = (place.symbol, place.time_ns);
                self.calendar.enter(then, Call::Limit { symbol, since_ns }.into());
            }
            Some(_) if !is_at_limit => *since_ns = None,
            _ => {}
        }
    }

    /// Sends an order; what rests of it ends after `life_ns`, or never.
    pub(crate) fn send(
        &mut self,
        place: Place,
        order: &NewOrder,
        life_ns: Option<u64>,
        out: &mut Encoder,
    ) -> Submitted {
        let sent = self.market.submit(order, place.time_ns, out);
        if let (Some(id), Some(life_ns)) = (sent.resting, life_ns) {
            self.calendar.enter(place.time_ns + life_ns, Call::Expire { id }.into());
        }
        sent
    }

    /// An order that takes at once what it can; whether it traded.
    fn send_immediate(
        &mut self,
        place: Place,
        side: Side,
        (limit_e4, qty): (Option<u32>, u32),
        out: &mut Encoder,
    ) -> bool {
        let kind = OrderKind::Immediate;
        let order = NewOrder { symbol: place.symbol, side, qty, limit_e4, kind };
        self.market.submit(&order, place.time_ns, out).filled > 0
    }
}
