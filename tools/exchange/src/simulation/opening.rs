//! Start of messages: the spin through all securities, then system hours and what is scheduled for the day.
//!
//! The spin tells, as the exchange does before every day (ITCH 5.0 section 1.2): directory, trading
//! state, short-sale restriction and market makers of each security, and the day's circuit breaker
//! levels.

use engine::units::Side;
use feed_handlers::itch50::{Encoder, Mpid, Price8};

use super::due::Due;
use super::{Phase, Simulation};
use crate::agents::Place;
use crate::matching::{CrossKind, TradingState};
use crate::rate::Plan;
use crate::universe::Role;

/// Passes of the spin.
const DIRECTORY: u8 = 0;
const STATE: u8 = 1;
const RESTRICTION: u8 = 2;
const PASSES: u8 = 4;

const MINUTE_NS: u64 = 60_000_000_000;

impl Simulation {
    /// Start of messages.
    pub(super) fn start(&mut self, time_ns: u64, out: &mut Encoder) {
        out.system_event(Self::market_header(time_ns), b'O');
        self.enter(time_ns + self.spin_step_ns(), Due::Spin { pass: DIRECTORY, symbol: 0 });
        self.enter(self.timetable.system_hours_ns, Due::SystemHours);
    }

    fn spin_step_ns(&self) -> u64 {
        let window_ns = self.timetable.scaled(50 * MINUTE_NS);
        let messages = u64::from(self.symbols()) * u64::from(PASSES) + 1;
        (window_ns / messages).clamp(1, 20_000)
    }

    /// One message of the spin, the makers' of a security together.
    pub(super) fn spin(&mut self, pass: u8, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let security = &self.floor.securities[usize::from(symbol)];
        let (stock, header) = (security.listing.stock, self.floor.market.header(symbol, time_ns));
        match pass {
            DIRECTORY => out.stock_directory(header, &security.entry),
            STATE if security.role == Role::NewListing => {
                let state = TradingState::Halted;
                self.floor.market.set_state(symbol, time_ns, state, *b"IPO1", out);
                self.note_halt(symbol, time_ns);
            }
            STATE => out.trading_action(header, stock, b'T', *b"    "),
            // A security that fell by a tenth yesterday is restricted today as well.
            RESTRICTION => {
                let action = if self.arrivals.chance(200) { b'2' } else { b'0' };
                self.floor.pits[usize::from(symbol)].is_restricted = action == b'2';
                out.short_sale_restriction(header, stock, action);
            }
            _ => {
                for maker in 0..security.makers.min(4) {
                    let name = Mpid([b'Z', b'M', b'M', b'A' + maker]);
                    let is_primary = maker == 0;
                    out.market_participant_position(header, name, stock, is_primary, b'N', b'A');
                }
            }
        }
        let step_ns = self.spin_step_ns();
        if symbol + 1 < self.symbols() {
            self.enter(time_ns + step_ns, Due::Spin { pass, symbol: symbol + 1 });
        } else if pass + 1 < PASSES {
            self.enter(time_ns + step_ns, Due::Spin { pass: pass + 1, symbol: 0 });
        } else {
            self.enter(time_ns + step_ns, Due::BreakerLevels);
        }
    }

    /// 7, 13 and 20 % below the last close of an index that nobody simulates.
    pub(super) fn tell_breaker_levels(&mut self, time_ns: u64, out: &mut Encoder) {
        let close_e8 = self.arrivals.between(3_000, 5_000) * 100_000_000;
        let levels = [93, 87, 80].map(|percent| Price8(close_e8 / 100 * percent));
        out.circuit_breaker_levels(Self::market_header(time_ns), levels);
    }

    /// System hours begin: agents may come, and the day's events are set.
    pub(super) fn begin_system_hours(&mut self, time_ns: u64, out: &mut Encoder) {
        out.system_event(Self::market_header(time_ns), b'S');
        self.phase = Phase::Trading;
        let spin = self.messages + 1;
        self.plan = Plan::new(&self.timetable, self.settings.messages, spin, self.reserve);
        self.enter(time_ns, Due::Pace);
        self.schedule_laying(time_ns);
        let timetable = self.timetable;
        self.enter(timetable.opening_imbalance_ns, Due::Auction { kind: CrossKind::Opening });
        self.enter(timetable.open_ns, Due::Open);
        self.enter(timetable.closing_imbalance_ns, Due::Auction { kind: CrossKind::Closing });
        self.enter(timetable.close_ns, Due::Close);
        self.schedule_news();
        self.set_stage();
    }

    /// Each security gets its first orders in the first half of the hours before the opening.
    fn schedule_laying(&mut self, time_ns: u64) {
        let layings = self.layings();
        let half_ns = (self.timetable.open_ns - time_ns) / 2;
        for symbol in self.listed() {
            for _ in 0..layings {
                let at = time_ns + self.arrivals.below(half_ns);
                self.enter(at, Due::Lay { symbol });
            }
        }
    }

    /// Bids and offers that a security begins with.
    pub(super) fn layings(&self) -> u64 {
        (self.settings.messages / u64::from(self.symbols()) / 200).clamp(1, 10)
    }

    /// Securities that trade here already.
    pub(super) fn listed(&self) -> Vec<u16> {
        (0..self.symbols()).filter(|&symbol| self.is_listed(symbol)).collect()
    }

    pub(super) fn is_listed(&self, symbol: u16) -> bool {
        self.floor.pits[usize::from(symbol)].is_listed
    }

    /// A bid and an offer, for all day.
    pub(super) fn lay(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        if self.may_act(symbol) {
            let before = out.messages();
            for side in [Side::Buy, Side::Sell] {
                self.floor.lay(Place { symbol, time_ns }, side, out);
            }
            self.stake(symbol, out.messages() - before);
        }
    }
}
