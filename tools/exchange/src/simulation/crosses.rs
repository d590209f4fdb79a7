//! Imbalances and crosses at the opening and the closing.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::after::LAST_MESSAGES;
use super::due::Due;
use super::{Phase, Simulation};
use crate::matching::{AuctionOrder, CrossKind, TradingState};

const SECOND_NS: u64 = 1_000_000_000;

impl Simulation {
    /// Orders for a cross come in; from now on imbalances are told.
    pub(super) fn begin_auction(&mut self, kind: CrossKind, time_ns: u64) {
        for symbol in self.listed() {
            let security = &self.floor.securities[usize::from(symbol)];
            // Of the quiet ones some have no interest at all, and a cross of no shares.
            let orders = self.arrivals.below(2 + 8 * u64::from(security.makers));
            for _ in 0..orders {
                self.enter_auction(symbol);
            }
        }
        self.enter(time_ns, Due::Indicate { kind, turn: 0, symbol: 0 });
    }

    /// One more order for the next cross of a security.
    pub(super) fn enter_auction(&mut self, symbol: u16) {
        let random = &mut self.arrivals;
        let side = if random.chance(5_000) { Side::Buy } else { Side::Sell };
        let qty = 100 * random.between(1, 8) as u32;
        let security = &self.floor.securities[usize::from(symbol)];
        let (tick, half) = (security.listing.tick_e4, (security.half_spread_q8 >> 8) as u32);
        let around = self.floor.pits[usize::from(symbol)].value_e4();
        let limit_e4 = random.chance(6_500).then(|| {
            let width = (half * 8).max(tick * 4);
            let price = around.saturating_sub(width) + random.below(u64::from(width) * 2) as u32;
            (price / tick).max(1) * tick
        });
        self.floor.market.enter_auction(symbol, AuctionOrder { side, qty, limit_e4 });
    }

    fn auction_window(&self, kind: CrossKind) -> (u64, u64) {
        let timetable = &self.timetable;
        match kind {
            CrossKind::Closing => (timetable.closing_imbalance_ns, timetable.close_ns),
            _ => (timetable.opening_imbalance_ns, timetable.open_ns),
        }
    }

    /// Tells the imbalance of one security; the next one, or the next turn, is due after it.
    pub(super) fn indicate(
        &mut self,
        kind: CrossKind,
        turn: u16,
        symbol: u16,
        time_ns: u64,
        out: &mut Encoder,
    ) {
        let is_trading = self.floor.market.state(symbol) == TradingState::Trading;
        if self.is_listed(symbol) && is_trading {
            if self.arrivals.chance(2_000)
                && (kind != CrossKind::Closing || self.takes_auction_orders(time_ns))
            {
                self.enter_auction(symbol);
            }
            self.floor.market.indicate(symbol, kind, time_ns, out);
        }
        let (from_ns, to_ns) = self.auction_window(kind);
        let turns = self.indications;
        let turn_ns = (to_ns - from_ns) / turns;
        if symbol + 1 < self.symbols() {
            let step_ns = (turn_ns / (u64::from(self.symbols()) + 1)).min(3_000);
            self.enter(time_ns + step_ns, Due::Indicate { kind, turn, symbol: symbol + 1 });
        } else if u64::from(turn) + 1 < turns {
            let next_ns = from_ns + turn_ns * (u64::from(turn) + 1);
            self.enter(next_ns, Due::Indicate { kind, turn: turn + 1, symbol: 0 });
        }
    }

    /// Market hours begin.
    pub(super) fn open(&mut self, time_ns: u64, out: &mut Encoder) {
        out.system_event(Self::market_header(time_ns), b'Q');
        self.enter(time_ns + 1, Due::Cross { kind: CrossKind::Opening, symbol: 0 });
    }

    /// Market hours end.
    pub(super) fn close(&mut self, time_ns: u64, out: &mut Encoder) {
        out.system_event(Self::market_header(time_ns), b'M');
        for symbol in 0..self.symbols() {
            self.floor.market.set_bands(symbol, false, time_ns, out);
        }
        self.phase = Phase::Closing;
        self.enter(time_ns + 1, Due::Cross { kind: CrossKind::Closing, symbol: 0 });
    }

    /// One security's cross; the next security's is due after it.
    pub(super) fn cross(&mut self, kind: CrossKind, symbol: u16, time_ns: u64, out: &mut Encoder) {
        if self.is_listed(symbol) && self.floor.market.state(symbol) == TradingState::Trading {
            // What the crosses still to come and the end of the day need is not this one's.
            let needed = match kind {
                CrossKind::Closing => u64::from(self.symbols() - symbol) + LAST_MESSAGES,
                _ => self.reserve + self.at_stake,
            };
            let executions_max = self.left().saturating_sub(needed);
            self.floor.market.cross(symbol, kind, time_ns, executions_max, out);
            // Bands hold from its own opening on.
            let opens = kind == CrossKind::Opening;
            self.floor.market.set_bands(symbol, opens, time_ns, out);
        }
        let step_ns = self.timetable.scaled(2 * SECOND_NS) / u64::from(self.symbols());
        let next_ns = time_ns + step_ns.clamp(1, 50_000);
        if symbol + 1 < self.symbols() {
            self.enter(next_ns, Due::Cross { kind, symbol: symbol + 1 });
        } else if kind == CrossKind::Closing {
            self.begin_after(next_ns);
        }
    }
}
