//! What interrupts trading: news, pauses at the price bands, halts, a new listing's release.
//!
//! A security that has stood at its band for fifteen seconds is paused for five minutes; then the collar
//! of its reopening is told, 5 % around the band, and a cross within it ends the pause. While it would
//! clear outside, the collar grows by 5 % on that side and the pause goes on (Nasdaq rule 4120(c)(10)).
//! A halt for news and a new listing's wait end by a cross without a collar. None begins so late that
//! the closing would come before its end, or with too few messages left for what it may take.

use engine::units::Side;
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
/// Imbalance messages before a reopening cross.
const INDICATIONS: u8 = 4;
/// Times a pause goes on at most.
const EXTENSIONS_MAX: u8 = 8;
/// Messages of a halt besides the executions of its cross: states, collars, imbalances.
const HALT_MESSAGES: u64 = 64;
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
                    let pauses_ns = 3 * timetable.pause_ns();
                    self.reserve_for(symbol, timetable.during(part), pauses_ns);
                }
                Role::News => {
                    self.enter(timetable.during(part), Due::Halt { symbol, step: 0 });
                    self.reserve_for(symbol, timetable.during(part), 3 * timetable.pause_ns());
                }
                Role::NewListing => {
                    let part = self.arrivals.between(4_000, 8_000);
                    self.enter(timetable.during(part), Due::Release { symbol, step: 0 });
                    self.reserve_for(symbol, timetable.during(part), 3 * timetable.pause_ns());
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
                let takes_ns = 2 * timetable.limit_state_ns();
                self.reserve_for(symbol, timetable.during(part), takes_ns);
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

    /// A security came to its band a while ago; if it has not left it since, it is paused.
    pub(super) fn limit(&mut self, symbol: u16, since_ns: u64, time_ns: u64, out: &mut Encoder) {
        let at = usize::from(symbol);
        let is_still = self.floor.pits[at].at_limit_since_ns == Some(since_ns);
        let pause_ns = self.timetable.pause_ns();
        let Some((lower, upper)) = self.floor.market.bands_e4(symbol).filter(|_| is_still) else {
            return;
        };
        if self.ends_before_close(time_ns, pause_ns) && self.can_halt(symbol) {
            let is_up =
                self.floor.market.best_e4(symbol, Side::Buy).is_some_and(|bid| bid >= upper);
            let pit = &mut self.floor.pits[at];
            pit.paused_at_e4 = if is_up { upper } else { lower };
            pit.at_limit_since_ns = None;
            self.stop(symbol);
            self.note_limit(symbol, since_ns, time_ns);
            self.note_halt(symbol, time_ns);
            self.pause(symbol, 0, time_ns, out);
        }
    }

    /// Whether there are messages enough for a halt: its cross may execute every displayed order.
    fn can_halt(&self, symbol: u16) -> bool {
        self.may_act(symbol)
            && self.free() > self.floor.market.displayed_orders(symbol) + HALT_MESSAGES
    }

    /// Sets aside what the reopening of a security may take.
    fn stop(&mut self, symbol: u16) {
        let takes = self.floor.market.displayed_orders(symbol) + HALT_MESSAGES;
        self.floor.pits[usize::from(symbol)].at_stake += takes;
        self.at_stake += takes;
    }

    /// Notes what was written for a security that does not trade: its cross may execute it.
    pub(super) fn stake(&mut self, symbol: u16, written: u64) {
        if self.floor.market.state(symbol) != TradingState::Trading {
            self.floor.pits[usize::from(symbol)].at_stake += written;
            self.at_stake += written;
        }
    }

    /// A pause: begins, tells its collar and is quoted, ends or goes on.
    pub(super) fn pause(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        let pause_ns = self.timetable.pause_ns();
        let market = &mut self.floor.market;
        match step {
            0 => {
                market.set_state(symbol, time_ns, TradingState::Paused, *b"LUDP", out);
                self.draw_orders(symbol, time_ns, pause_ns / 4);
                self.enter(time_ns + pause_ns * 3 / 5, Due::Pause { symbol, step: 1 });
            }
            1 => {
                market.set_state(symbol, time_ns, TradingState::Quoting, *b"LUDP", out);
                let (tick, around) = (self.tick_e4(symbol), self.paused_at_e4(symbol));
                let width = around / 20 / tick * tick;
                self.tell_collar(symbol, (around - width, around + width), 0, time_ns, out);
                self.draw_orders(symbol, time_ns, pause_ns / 4);
                self.await_cross(symbol, time_ns, pause_ns * 2 / 5);
                self.enter(time_ns + pause_ns * 2 / 5, Due::Pause { symbol, step: 2 });
            }
            _ => self.end_pause(symbol, step, time_ns, out),
        }
    }

    /// Ends a pause if it would clear within the collar, else lets the collar grow.
    fn end_pause(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        let pause_ns = self.timetable.pause_ns();
        let clearing = self.floor.market.clearing(symbol);
        let (lower, upper) = self.floor.pits[usize::from(symbol)].collar_e4;
        let is_inside = (lower..=upper).contains(&clearing.price_e4);
        if clearing.paired == 0 || is_inside {
            return self.reopen(symbol, time_ns, out);
        }
        let goes_on = step < EXTENSIONS_MAX && self.ends_before_close(time_ns, pause_ns);
        let tick = self.tick_e4(symbol);
        let width = self.paused_at_e4(symbol) / 20 / tick * tick;
        // The last one is as wide as it takes.
        let collar = match (clearing.price_e4 < lower, goes_on) {
            (true, true) => (lower.saturating_sub(width).max(tick), upper),
            (false, true) => (lower, upper.saturating_add(width)),
            (true, false) => (clearing.price_e4, upper),
            (false, false) => (lower, clearing.price_e4),
        };
        self.tell_collar(symbol, collar, u32::from(step) - 1, time_ns, out);
        if goes_on {
            self.await_cross(symbol, time_ns, pause_ns);
            self.enter(time_ns + pause_ns, Due::Pause { symbol, step: step + 1 });
        } else {
            self.reopen(symbol, time_ns, out);
        }
    }

    fn tick_e4(&self, symbol: u16) -> u32 {
        self.floor.market.listings()[usize::from(symbol)].tick_e4
    }

    fn paused_at_e4(&self, symbol: u16) -> u32 {
        self.floor.pits[usize::from(symbol)].paused_at_e4
    }

    /// Traders come while a security does not trade, and orders for its cross.
    fn draw_orders(&mut self, symbol: u16, time_ns: u64, window_ns: u64) {
        for _ in 0..NEWS_TRADERS {
            let soon = time_ns + self.arrivals.below(window_ns + 1);
            self.enter(soon, Call::Follow { symbol }.into());
            self.enter_auction(symbol);
        }
    }

    /// Tells imbalances until the cross.
    fn await_cross(&mut self, symbol: u16, time_ns: u64, window_ns: u64) {
        let step_ns = window_ns / (u64::from(INDICATIONS) + 1);
        for turn in 1..=u64::from(INDICATIONS) {
            let then = time_ns + step_ns * turn;
            self.enter(then, Due::Quoted { symbol });
        }
    }

    /// One imbalance message before a reopening cross.
    pub(super) fn quoted(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        if self.floor.market.state(symbol) == TradingState::Quoting {
            self.floor.market.indicate(symbol, CrossKind::Reopening, time_ns, out);
        }
    }

    /// Tells between which prices a pause may end: around the band at which it began.
    fn tell_collar(
        &mut self,
        symbol: u16,
        (lower, upper): (u32, u32),
        extension: u32,
        time_ns: u64,
        out: &mut Encoder,
    ) {
        let pit = &mut self.floor.pits[usize::from(symbol)];
        pit.collar_e4 = (lower, upper);
        let [reference, upper, lower] = [pit.paused_at_e4, upper, lower].map(Price4);
        let stock = self.floor.market.listings()[usize::from(symbol)].stock;
        let header = self.floor.market.header(symbol, time_ns);
        out.auction_collar(header, stock, reference, upper, lower, extension);
    }

    /// The cross that ends a pause, a halt or the wait of a new listing.
    fn reopen(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let (kind, state) = (CrossKind::Reopening, TradingState::Trading);
        // What it may execute was set aside, so that no book is left crossed.
        self.floor.market.cross(symbol, kind, time_ns, u64::MAX, out);
        let pit = &mut self.floor.pits[usize::from(symbol)];
        self.at_stake -= std::mem::take(&mut pit.at_stake);
        self.floor.market.set_bands(symbol, true, time_ns, out);
        self.floor.market.set_state(symbol, time_ns, state, *b"    ", out);
        self.note_resumed(symbol, time_ns);
        for _ in 0..NEWS_TRADERS {
            let soon = time_ns + self.arrivals.below(self.timetable.scaled(10 * SECOND_NS) + 1);
            self.enter(soon, Call::Follow { symbol }.into());
        }
    }

    /// A halt for news: begins, the news is out and it is quoted, ends.
    pub(super) fn halt(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        let pause_ns = self.timetable.pause_ns();
        let is_trading = self.floor.market.state(symbol) == TradingState::Trading;
        // Paused already, or too late: no halt on top.
        if step == 0
            && !(is_trading
                && self.ends_before_close(time_ns, 3 * pause_ns)
                && self.can_halt(symbol))
        {
            return;
        }
        match step {
            0 => {
                self.stop(symbol);
                self.note_halt(symbol, time_ns);
                let (state, reason) = (TradingState::Halted, *b"T1  ");
                self.floor.market.set_state(symbol, time_ns, state, reason, out);
                let by_ppm = if self.arrivals.chance(5_000) { 40_000 } else { -40_000 };
                self.jump(symbol, by_ppm, time_ns);
            }
            1 => {
                let (state, reason) = (TradingState::Quoting, *b"T3  ");
                self.floor.market.set_state(symbol, time_ns, state, reason, out);
                self.await_cross(symbol, time_ns, pause_ns);
            }
            _ => return self.reopen(symbol, time_ns, out),
        }
        self.draw_orders(symbol, time_ns, pause_ns);
        self.enter(time_ns + pause_ns, Due::Halt { symbol, step: step + 1 });
    }

    /// A new listing: announced, quoted, released by its first cross. The announcement concerns no
    /// locate and says when quoting begins (ITCH 5.0 section 1.2.6).
    pub(super) fn release(&mut self, symbol: u16, step: u8, time_ns: u64, out: &mut Encoder) {
        let pause_ns = self.timetable.pause_ns();
        let listing = self.floor.market.listings()[usize::from(symbol)];
        match step {
            0 => {
                let second = ((time_ns + pause_ns) / SECOND_NS) as u32;
                let (header, price) = (Self::market_header(time_ns), Price4(listing.close_e4));
                out.ipo_quoting_period(header, listing.stock, second, b'A', price);
            }
            1 => {
                self.stop(symbol);
                let (state, reason) = (TradingState::Quoting, *b"IPOQ");
                self.floor.market.set_state(symbol, time_ns, state, reason, out);
                self.floor.pits[usize::from(symbol)].is_listed = true;
                for _ in 0..self.layings() {
                    let at = time_ns + self.arrivals.below(pause_ns);
                    self.enter(at, Due::Lay { symbol });
                }
                self.draw_orders(symbol, time_ns, pause_ns);
                self.await_cross(symbol, time_ns, pause_ns);
            }
            _ => return self.reopen(symbol, time_ns, out),
        }
        self.enter(time_ns + pause_ns, Due::Release { symbol, step: step + 1 });
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
            self.note_elsewhere(symbol, time_ns, then);
        }
    }
}
