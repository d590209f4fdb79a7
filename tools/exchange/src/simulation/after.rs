//! Trading after the closing, one message at a time up to the number asked for, and the end of the day.
//!
//! Orders are taken back and others posted; books are not emptied, and no side of one is.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::due::Due;
use super::{Phase, Simulation};
use crate::agents::Place;
use crate::matching::{NewOrder, OrderKind};

/// The end of system hours and the end of messages.
pub(super) const LAST_MESSAGES: u64 = 2;

const MINUTE_NS: u64 = 60_000_000_000;

/// Slots looked at for an order to take back.
const TRIES: u32 = 8;

impl Simulation {
    /// Closing crosses are done.
    pub(super) fn begin_after(&mut self, time_ns: u64) {
        self.phase = Phase::After;
        self.enter(time_ns, Due::After);
    }

    /// Messages still to be written.
    pub(super) fn left(&self) -> u64 {
        assert!(self.messages <= self.settings.messages, "Invariant: no more than was asked for");
        self.settings.messages - self.messages
    }

    /// One message, and the next one is due; or the end.
    pub(super) fn after(&mut self, time_ns: u64, out: &mut Encoder) {
        if self.left() <= LAST_MESSAGES {
            let end_ns = self.timetable.end_ns.max(time_ns + 1);
            self.enter(end_ns, Due::End);
            return;
        }
        let before = out.messages();
        let symbol = self.arrivals.below(u64::from(self.symbols())) as u16;
        let place = Place { symbol, time_ns };
        let what = self.arrivals.below(100);
        let is_written = match what {
            0..45 => self.take_back(time_ns, out),
            45..55 => self.take_one(place, out),
            _ => false,
        };
        if !is_written {
            self.floor.post(place, out);
        }
        assert!(out.messages() == before + 1, "Invariant: one message at a time after the closing");
        let mean_ns = self.timetable.end_ns.saturating_sub(time_ns) / self.left();
        let wait_ns = self.arrivals.exponential(mean_ns).clamp(1, mean_ns * 8 + 1);
        self.enter(time_ns + wait_ns, Due::After);
    }

    /// Takes back a displayed order, any one but the last of a side; whether one was found.
    fn take_back(&mut self, time_ns: u64, out: &mut Encoder) -> bool {
        let market = &mut self.floor.market;
        for _ in 0..TRIES {
            let slot = self.arrivals.below(u64::from(market.order_slots())) as u32;
            if let Some(id) = market.order_in_slot(slot)
                && let Some(order) = market.order(id).filter(|order| order.is_displayed)
                && market.levels(order.symbol, order.side).map(|level| level.2).sum::<u32>() > 1
            {
                return market.cancel(id, time_ns, out);
            }
        }
        false
    }

    /// Takes from one order; whether there was one.
    fn take_one(&mut self, place: Place, out: &mut Encoder) -> bool {
        let Place { symbol, time_ns } = place;
        let side = if self.arrivals.chance(5_000) { Side::Buy } else { Side::Sell };
        let Some(limit_e4) = self.floor.market.best_e4(symbol, side.opposite()) else {
            return false;
        };
        let Some(first) = self.floor.market.next_taken(symbol, side, limit_e4) else {
            return false;
        };
        let qty = first.qty.min(self.arrivals.between(1, 200) as u32);
        let kind = OrderKind::Immediate;
        let order = NewOrder { symbol, side, qty, limit_e4: Some(limit_e4), kind };
        self.floor.market.submit(&order, time_ns, out).filled > 0
    }

    /// System hours end.
    pub(super) fn end(&mut self, time_ns: u64, out: &mut Encoder) {
        out.system_event(Self::market_header(time_ns), b'E');
        self.enter(time_ns + self.timetable.scaled(5 * MINUTE_NS), Due::EndOfMessages);
    }

    /// End of messages; the day is over.
    pub(super) fn end_of_messages(&mut self, time_ns: u64, out: &mut Encoder) {
        assert!(self.left() == 1, "Invariant: the last message is the last that was asked for");
        out.system_event(Self::market_header(time_ns), b'C');
        self.phase = Phase::Over;
    }
}
