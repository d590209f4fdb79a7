//! What interrupts trading: news, pauses at the price bands, halts, a new listing's release.
//!
//! A security that has stood at its band for fifteen seconds is paused for five minutes, told the collar
//! of its reopening, and reopened by a cross. A halt for news goes the same way without a collar. None
//! begins so late that the closing would come before its end.

use feed_handlers::itch50::{Encoder, Price4};

use super::Simulation;
use super::due::Due;
use crate::agents::Call;
use crate::matching::{CrossKind, TradingState};
use crate::universe::Role;

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;

/// Traders that come because a value has jumped.
const NEWS_TRADERS: u64 = 8;
/// And where it has jumped past a band.
const SURPRISED_TRADERS: u64 = 60;
/// Jumps above this, in 1e-6, surprise.
const SURPRISE_PPM: i32 = 100_000;

impl Simulation {
    /// Sets what happens to whom and when.
    pub(super) fn schedule_news(&mut self) {
        let timetable = self.timetable;
        for symbol in 0..self.symbols() {
            // In 65,536ths of continuous trading.
            let part = self.arrivals.between(16_000, 40_000);
            let is_up = self.arrivals.chance(5_000);
            let signed = |ppm: u64| if is_up { ppm as i32 } else { -(ppm as i32) };
            match self.floor.securities[usize::from(symbol)].role {
                Role::Surprise => {
                    let by_ppm = signed(self.arrivals.between(150_000, 200_000));
                    self.enter(timetable.during(part), Due::Jump { symbol, by_ppm });
                }
                Role::News => self.enter(timetable.during(part), Due::Halt { symbol, step: 0 }),
                Role::NewListing => {
                    let part = self.arrivals.between(4_000, 8_000);
                    self.enter(timetable.during(part), Due::Release { symbol, step: 0 });
                }
                Role::OperationalHalt => {
                    let halt = Due::OperationalHalt { symbol, is_on: true };
                    self.enter(timetable.during(part), halt);
                }
                Role::Ordinary | Role::Leader | Role::Penny | Role::Expensive => {}
            }
            if self.arrivals.chance(self.floor.population.jump) {
                let part = self.arrivals.between(2_000, 60_000);
                let by_ppm = signed(self.arrivals.between(5_000, 30_000));
                self.enter(timetable.during(part), Due::Jump { symbol, by_ppm });
            }
        }
    }

    /// A value jumps, and traders come for it.
    pub(super) fn jump(&mut self, symbol: u16, by_ppm: i32, time_ns: u64) {
        let close_e4 = self.floor.securities[usize::from(symbol)].listing.close_e4;
        self.floor.pits[usize::from(symbol)].jump(i64::from(by_ppm), close_e4);
        let limit_state_ns = self.timetable.limit_state_ns();
        if by_ppm.abs() < SURPRISE_PPM {
            for _ in 0..NEWS_TRADERS {
                let soon = time_ns + self.arrivals.below(limit_state_ns + 1);
                self.enter(soon, Call::News { symbol }.into());
            }
            return;
        }
        // They keep coming until the limit state has become a pause.
        for _ in 0..SURPRISED_TRADERS {
            let soon = time_ns + self.arrivals.below(2 * limit_state_ns + 1);
            self.enter(soon, Call::News { symbol }.into());
        }
    }

    /// Whether what takes so long from now ends well before the closing.
    fn ends_before_close(&self, time_ns: u64, takes_ns: u64) -> bool {
        time_ns + takes_ns + self.timetable.scaled(15 * MINUTE_NS) < self.timetable.close_ns
    }

    /// A security was at its band a while ago; if it still is, it is paused.
    pub(super) fn limit(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        self.floor.pits[usize::from(symbol)].is_watched = false;
        let pause_ns = self.timetable.pause_ns();
        if self.may_trade()
            && self.floor.market.is_at_limit(symbol)
            && self.ends_before_close(time_ns, pause_ns)
        {
            self.pause(symbol, 0, time_ns, out);
        }
    }

    /// A pause: begins, tells its collar, is quoted, ends.
    pub(super) fn pause(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        let pause_ns = self.timetable.pause_ns();
        let state = match step {
            0 => Some(TradingState::Paused),
            1 => {
                self.tell_collar(symbol, time_ns, out);
                None
            }
            2 => Some(TradingState::Quoting),
            _ => return self.reopen(symbol, time_ns, out),
        };
        if let Some(state) = state {
            self.floor.market.set_state(symbol, time_ns, state, *b"LUDP", out);
            self.draw_orders(symbol, time_ns, pause_ns / 4);
        }
        let next_ns = [pause_ns * 3 / 5, pause_ns * 3 / 10, pause_ns / 10][usize::from(step)];
        self.enter(time_ns + next_ns, Due::Pause { symbol, step: step + 1 });
    }

    /// Traders come while a security does not trade, so that its cross has something to cross.
    fn draw_orders(&mut self, symbol: u16, time_ns: u64, window_ns: u64) {
        for _ in 0..NEWS_TRADERS {
            let soon = time_ns + self.arrivals.below(window_ns + 1);
            self.enter(soon, Call::Follow { symbol }.into());
        }
    }

    /// The collar of a reopening: 5 % around the band that was reached.
    fn tell_collar(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let listing = self.floor.market.listings()[usize::from(symbol)];
        let reference = self.floor.market.reference_e4(symbol) / listing.tick_e4 * listing.tick_e4;
        let width = reference / 20 / listing.tick_e4 * listing.tick_e4;
        let prices = [reference, reference + width, reference - width].map(Price4);
        let [reference, upper, lower] = prices;
        let header = self.floor.market.header(symbol, time_ns);
        out.auction_collar(header, listing.stock, reference, upper, lower, 0);
    }

    /// The cross that ends a pause, a halt or the wait of a new listing.
    fn reopen(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let (kind, state) = (CrossKind::Reopening, TradingState::Trading);
        self.floor.market.indicate(symbol, kind, time_ns, out);
        self.floor.market.cross(symbol, kind, time_ns, out);
        self.floor.market.set_state(symbol, time_ns, state, *b"    ", out);
        self.draw_orders(symbol, time_ns, self.timetable.scaled(10 * SECOND_NS));
    }

    /// A halt for news: begins, the news is out and it is quoted, ends.
    pub(super) fn halt(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        let pause_ns = self.timetable.pause_ns();
        let is_trading = self.floor.market.state(symbol) == TradingState::Trading;
        // Paused already, or too late: no halt on top.
        if step == 0 && !(is_trading && self.ends_before_close(time_ns, 3 * pause_ns)) {
            return;
        }
        let market = &mut self.floor.market;
        match step {
            0 => {
                market.set_state(symbol, time_ns, TradingState::Halted, *b"T1  ", out);
                let by_ppm = if self.arrivals.chance(5_000) { 40_000 } else { -40_000 };
                self.jump(symbol, by_ppm, time_ns);
            }
            1 => market.set_state(symbol, time_ns, TradingState::Quoting, *b"T3  ", out),
            _ => return self.reopen(symbol, time_ns, out),
        }
        self.draw_orders(symbol, time_ns, pause_ns);
        self.enter(time_ns + pause_ns, Due::Halt { symbol, step: step + 1 });
    }

    /// A new listing: announced and quoted, then released by its first cross.
    pub(super) fn release(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        if step > 0 {
            return self.reopen(symbol, time_ns, out);
        }
        let listing = self.floor.market.listings()[usize::from(symbol)];
        let release_ns = time_ns + 2 * self.timetable.pause_ns();
        let header = self.floor.market.header(symbol, time_ns);
        let (second, price) = ((release_ns / SECOND_NS) as u32, Price4(listing.close_e4));
        out.ipo_quoting_period(header, listing.stock, second, b'A', price);
        let state = TradingState::Quoting;
        self.floor.market.set_state(symbol, time_ns, state, *b"IPOQ", out);
        self.floor.pits[usize::from(symbol)].is_listed = true;
        for _ in 0..self.layings() {
            let at = time_ns + self.arrivals.below(release_ns - time_ns);
            self.enter(at, Due::Lay { symbol });
        }
        self.draw_orders(symbol, time_ns, release_ns - time_ns);
        self.enter(release_ns, Due::Release { symbol, step: 1 });
    }

    /// Another market halts a security for reasons of its own, which halts nothing here.
    pub(super) fn halt_elsewhere(
        &mut self,
        symbol: u16,
        is_on: bool,
        time_ns: u64,
        out: &mut Encoder,
    ) {
        let stock = self.floor.market.listings()[usize::from(symbol)].stock;
        let header = self.floor.market.header(symbol, time_ns);
        out.operational_halt(header, stock, b'B', if is_on { b'H' } else { b'T' });
        if is_on {
            let then = time_ns + self.timetable.scaled(2 * MINUTE_NS);
            self.enter(then, Due::OperationalHalt { symbol, is_on: false });
        }
    }
}
