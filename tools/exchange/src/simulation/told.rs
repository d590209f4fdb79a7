//! What a day has of its own beside what is staged: labelled where it is what a detector is to find or is
//! its surroundings. Nothing of this happens on a day without episodes.

use super::Simulation;
use crate::agents::Call;
use crate::injection::drafts::Draft;
use crate::injection::scene::SECOND;
use crate::injection::{Family, Severity, Sort};
use crate::matching::{OrderId, TradingState};

/// A natural jump of a value in millionths, where severities begin and end.
const JUMP_PPM: (u64, u64) = (3_000, 30_000);

const MINUTE_NS: u64 = 60 * SECOND;

/// Silence.
impl Simulation {
    /// Whether everyone keeps away from the security of an order.
    pub(super) fn is_silent(&self, id: OrderId, time_ns: u64) -> bool {
        let order = self.stage.as_ref().and_then(|_| self.floor.market.order(id));
        order.is_some_and(|one| self.floor.pits[usize::from(one.symbol)].silent_until_ns > time_ns)
    }

    /// Calls again for an order when its security is silent no more, within some seconds.
    pub(super) fn put_off(&mut self, id: OrderId, call: Call) {
        let Some(order) = self.floor.market.order(id) else { return };
        let until_ns = self.floor.pits[usize::from(order.symbol)].silent_until_ns;
        let soon_ns = self.stage.as_mut().map_or(0, |stage| stage.random.below(10 * SECOND));
        self.enter(until_ns + soon_ns, call.into());
    }
}

/// What the day has of its own.
impl Simulation {
    /// A value jumps by so many millionths.
    pub(super) fn note_jump(&mut self, symbol: u16, by_ppm: i32, time_ns: u64) {
        let until_ns = time_ns + 2 * self.timetable.limit_state_ns();
        let is_trading = self.floor.market.state(symbol) == TradingState::Trading;
        if let Some(stage) = self.stage.as_mut().filter(|_| is_trading) {
            let by = u64::from(by_ppm.unsigned_abs());
            let severity = Severity::of(by, JUMP_PPM.0, JUMP_PPM.1);
            let family = Family::PriceJump;
            let also = [family.also(), &[Family::Halt]].concat();
            let draft = stage.note(Sort::Episode(family), symbol, severity, &also);
            draft.mark(time_ns);
            draft.mark(until_ns);
        }
    }

    /// A security stood at its band since then and is paused for it.
    pub(super) fn note_limit(&mut self, symbol: u16, since_ns: u64, time_ns: u64) {
        let Some(stage) = &mut self.stage else { return };
        let family = Family::LuldProximity;
        let is_same = |draft: &Draft| {
            draft.sort == Sort::Episode(family)
                && draft.symbol == Some(symbol)
                && draft.span.is_some_and(|(from, to)| from <= time_ns && since_ns <= to)
        };
        if !stage.drafts.iter().any(is_same) {
            let sort = Sort::Episode(family);
            let draft = stage.note(sort, symbol, Severity(90), family.also());
            draft.mark(since_ns);
            draft.mark(time_ns);
        }
    }

    /// A security is halted or paused from now on.
    pub(super) fn note_halt(&mut self, symbol: u16, time_ns: u64) {
        if let Some(stage) = &mut self.stage {
            let sort = Sort::Episode(Family::Halt);
            stage.note(sort, symbol, Severity(100), Family::Halt.also()).mark(time_ns);
        }
    }

    /// It trades again: the halt is over, and what comes right after is the reopening's.
    pub(super) fn note_resumed(&mut self, symbol: u16, time_ns: u64) {
        let until_ns = time_ns + self.timetable.scaled(MINUTE_NS);
        let Some(stage) = &mut self.stage else { return };
        let of_it = |draft: &&mut Draft| {
            draft.sort == Sort::Episode(Family::Halt) && draft.symbol == Some(symbol)
        };
        if let Some(draft) = stage.drafts.iter_mut().rev().find(of_it) {
            draft.mark(time_ns);
        }
        let draft = stage.note(Sort::Innocent, symbol, Severity(10), &[]);
        draft.mark(time_ns);
        draft.mark(until_ns);
    }

    /// Another market halts it, which is told and stops nothing here.
    pub(super) fn note_elsewhere(&mut self, symbol: u16, time_ns: u64, until_ns: u64) {
        if let Some(stage) = &mut self.stage {
            let draft = stage.note(Sort::Innocent, symbol, Severity(10), &[Family::Halt]);
            draft.mark(time_ns);
            draft.mark(until_ns);
        }
    }

    /// Whether orders for the closing cross are still taken from everyone: on a day with episodes not
    /// in the last two minutes, as on the exchange.
    pub(super) fn takes_auction_orders(&self, time_ns: u64) -> bool {
        let cutoff_ns = self.timetable.close_ns - self.timetable.scaled(2 * MINUTE_NS);
        self.stage.is_none() || time_ns < cutoff_ns
    }
}
