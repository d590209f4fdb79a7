//! The moves of staged episodes: what each does to the market, to what agents know, and to the calendar.
//!
//! Prices are looked up when a move is made; an order meant to rest is drawn back behind the other side.
//! An order of an episode that has gone is no fault: cancelling or replacing it does nothing.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::Simulation;
use super::stage::{Player, Stage};
use crate::agents::{Call, Place};
use crate::injection::scene::towards;
use crate::injection::script::{Act, At, Slot};
use crate::matching::{AuctionOrder, NewOrder, OrderId, OrderKind};

/// Chances in 10,000 that an execution draws someone.
const DRAWN: u32 = 2_000;

impl Simulation {
    /// Makes a move of an episode.
    pub(super) fn make(
        &mut self,
        stage: &mut Stage,
        at: usize,
        act: Act,
        time_ns: u64,
        out: &mut Encoder,
    ) {
        let Player { planned, middle_e4, .. } = stage.players[at];
        let place = Place { symbol: planned.symbol, time_ns };
        let price = |this: &Self, side, at| this.priced(place, middle_e4, side, at);
        match act {
            Act::Post { slot, side, at: where_at, qty } => {
                let kind = OrderKind::Limit(None);
                let id = self.rest(place, middle_e4, (side, where_at, qty), kind, out);
                Self::put(stage, at, slot, id);
            }
            Act::Hide { slot, side, at: where_at, qty } => {
                let id = self.rest(place, middle_e4, (side, where_at, qty), OrderKind::Hidden, out);
                Self::put(stage, at, slot, id);
            }
            Act::Pull { slot } => {
                if let Some(id) = Self::order(stage, at, slot) {
                    self.floor.market.cancel(id, time_ns, out);
                }
            }
            Act::Shift { slot, at: where_at, qty } => {
                let id = Self::order(stage, at, slot);
                if let Some((id, order)) =
                    id.and_then(|id| Some((id, self.floor.market.order(id)?)))
                    && let Some(price_e4) = price(self, order.side, where_at)
                    && !self.floor.market.would_take(place.symbol, order.side, price_e4)
                {
                    let sent = self.floor.market.replace(id, qty, price_e4, time_ns, out);
                    Self::put(stage, at, slot, sent.resting);
                }
            }
            Act::Release { slot, life_ns } => {
                if let Some(id) = Self::order(stage, at, slot) {
                    self.enter(time_ns + life_ns, Call::Expire { id }.into());
                }
            }
            Act::Take { side, at: where_at, qty } => {
                if let Some(limit_e4) = price(self, side, where_at)
                    && self.take_up_to(place, (side, limit_e4, qty), out)
                    && stage.random.chance(DRAWN)
                {
                    let soon = time_ns + stage.random.doubling(12, 24);
                    self.enter(soon, Call::Follow { symbol: place.symbol }.into());
                }
            }
            Act::Sweep { side, at: where_at } => {
                if let Some(limit_e4) = price(self, side, where_at) {
                    let qty = self.displayed_up_to(place.symbol, side, limit_e4);
                    self.take_up_to(place, (side, limit_e4, qty), out);
                }
            }
            Act::Withdraw { side, within_ppm, keep } => {
                let off = At::Off(towards(side.opposite(), u64::from(within_ppm)));
                if let Some(limit_e4) = self.off(place, middle_e4, side, off) {
                    self.withdraw(place, (side, limit_e4), keep, out);
                }
            }
            _ => self.make_known(stage, at, (place, middle_e4), act, out),
        }
    }

    /// What is no order: what others do for it, and the exchange.
    fn make_known(
        &mut self,
        stage: &mut Stage,
        at: usize,
        (place, middle_e4): (Place, u32),
        act: Act,
        out: &mut Encoder,
    ) {
        let Place { symbol, time_ns } = place;
        match act {
            Act::MakersAway { for_ns } => {
                let pit = &mut self.floor.pits[usize::from(symbol)];
                pit.makers_away_until_ns = time_ns + for_ns;
            }
            Act::Make => {
                self.floor.make(place, out);
            }
            Act::Silence { for_ns } => {
                let pit = &mut self.floor.pits[usize::from(symbol)];
                pit.silent_until_ns = time_ns + for_ns;
            }
            Act::Lean { ppm } => {
                let close_e4 = self.floor.securities[usize::from(symbol)].listing.close_e4;
                self.floor.pits[usize::from(symbol)].jump(i64::from(ppm), close_e4);
            }
            Act::Draw { arrivals, within_ns } => {
                for _ in 0..arrivals {
                    let soon = time_ns + stage.random.below(within_ns + 1);
                    self.enter(soon, Call::Follow { symbol }.into());
                }
            }
            Act::Report { at: where_at, qty } => {
                if let Some(price_e4) = self.off(place, middle_e4, Side::Buy, where_at) {
                    self.floor.market.report(symbol, time_ns, (price_e4, qty), out);
                }
            }
            Act::Anchor => {
                stage.players[at].middle_e4 = self.floor.market.reference_e4(symbol);
            }
            Act::Auction { side, qty } => {
                let order = AuctionOrder { side, qty, limit_e4: None };
                self.floor.market.enter_auction(symbol, order);
            }
            _ => {}
        }
    }

    fn put(stage: &mut Stage, at: usize, slot: Slot, id: Option<OrderId>) {
        stage.players[at].orders[slot.0 as usize] = id;
    }

    fn order(stage: &Stage, at: usize, slot: Slot) -> Option<OrderId> {
        stage.players[at].orders[slot.0 as usize]
    }

    /// A price by where it lies now; that of an order that rests, if it is not one to take.
    fn priced(&self, place: Place, middle_e4: u32, side: Side, at: At) -> Option<u32> {
        let tick = self.floor.securities[usize::from(place.symbol)].listing.tick_e4;
        match at {
            At::Behind(ticks) => {
                let best = self.floor.market.best_e4(place.symbol, side).unwrap_or(middle_e4);
                let best = self.floor.on_grid(place, side, u64::from(best));
                let by_e4 = ticks.unsigned_abs() * tick;
                let worse = if ticks < 0 { side.opposite() } else { side };
                let price_e4 = self.floor.away(place, worse, best, by_e4);
                Some(self.floor.behind_opposite(place, side, price_e4))
            }
            At::Touch => self.floor.market.best_e4(place.symbol, side.opposite()),
            At::Off(_) => self.off(place, middle_e4, side, at),
        }
    }

    /// A price so many millionths from the middle at the episode's beginning.
    fn off(&self, place: Place, middle_e4: u32, side: Side, at: At) -> Option<u32> {
        let At::Off(ppm) = at else { return None };
        let price = i64::from(middle_e4) * (1_000_000 + i64::from(ppm)) / 1_000_000;
        Some(self.floor.on_grid(place, side, u64::try_from(price).ok()?))
    }

    /// Sends an order that rests.
    fn rest(
        &mut self,
        place: Place,
        middle_e4: u32,
        (side, at, qty): (Side, At, u32),
        kind: OrderKind,
        out: &mut Encoder,
    ) -> Option<OrderId> {
        let price_e4 = self.priced(place, middle_e4, side, at)?;
        let limit_e4 = Some(self.floor.behind_opposite(place, side, price_e4));
        let order = NewOrder { symbol: place.symbol, side, qty, limit_e4, kind };
        self.floor.send(place, &order, None, out).resting
    }

    /// Displayed shares that an order of a side and limit would take.
    fn displayed_up_to(&self, symbol: u16, side: Side, limit_e4: u32) -> u32 {
        let within = |&(price, ..): &(u32, u64, u32)| match side {
            Side::Buy => price <= limit_e4,
            Side::Sell => price >= limit_e4,
        };
        let levels = self.floor.market.levels(symbol, side.opposite()).take_while(within);
        levels.map(|level| level.1).sum::<u64>().min(u64::from(u32::MAX)) as u32
    }

    /// Takes up to a limit; whether it traded.
    fn take_up_to(
        &mut self,
        place: Place,
        (side, limit_e4, qty): (Side, u32, u32),
        out: &mut Encoder,
    ) -> bool {
        if qty == 0 {
            return false;
        }
        let kind = OrderKind::Immediate;
        let order = NewOrder { symbol: place.symbol, side, qty, limit_e4: Some(limit_e4), kind };
        let sent = self.floor.market.submit(&order, place.time_ns, out);
        sent.filled > 0
    }

    /// Pulls what is displayed on a side up to a price, from behind, until so many shares are left.
    fn withdraw(
        &mut self,
        place: Place,
        (side, limit_e4): (Side, u32),
        keep: u32,
        out: &mut Encoder,
    ) {
        let market = &mut self.floor.market;
        let mut left = keep;
        for id in market.displayed_to(place.symbol, side, limit_e4) {
            let Some(order) = market.order(id) else { continue };
            if left == 0 {
                market.cancel(id, place.time_ns, out);
            } else if order.qty > left {
                market.reduce(id, order.qty - left, place.time_ns, out);
                left = 0;
            } else {
                left -= order.qty;
            }
        }
    }
}
