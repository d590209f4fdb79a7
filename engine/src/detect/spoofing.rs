//! Spoofing: large orders shown near the best price and pulled before they trade, to move the other side.
//!
//! Looks at orders that are large for the symbol and for what its side shows. Those of one side pulled
//! within a moment are judged together once it shows whether they come back: how large they were beside what
//! is left, how soon they went, whether the *other* side's best price moved away from them and its resting
//! orders were executed meanwhile, and whether the same was done on that side before. A single pull stays
//! below a score of 50, whatever its size, unless the other side both moved and traded; below the 73 from
//! which alerts open by default, even then.
//!
//! Traps: removing an order moves its own side's best price, so that says nothing. A market maker pulls both
//! sides, or comes back with the same size. A replace keeps an order's history; one far away is a pull. An
//! order that was executed in part was meant to trade. Where large orders are pulled all day long, as on the
//! busiest symbols, only what is done oftener than that counts as again. After a halt or a cross nothing
//! before it counts.
//!
//! Sources: Lee, Eom and Park 2013 (orders of twice the usual size, withdrawn); Fabre and Challet,
//! arXiv 2504.15908 (a third of all large orders could spoof: size alone says little); CFTC v. Oystacher
//! 2015, CFTC v. Nav Sarao Futures 2015; Regulation (EU) 596/2014, article 12.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::large_orders::{Large, LargeOrders, Turn};
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::withdrawal::{Withdrawal, ends_what_was};
use crate::event::Event;
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.spoofing`
    Spoofing {
        size: Ratio = 5, 1..10000, "Shares of a large order, in the symbol's median orders, at least.", "between Lee, Eom and Park 2013 (2 times the mean order) and convention (10 times)";
        of_depth: Ratio = 0.25, 0..100, "Shares of a large order beside what its side usually shows at five levels, at least.", "convention";
        cents: Count = 15, 0..1000000, "Cents from the best price of its side at which an order enters, at most.", "Lee, Eom and Park 2013: 6 ticks and more; convention";
        spreads: Ratio = 5, 0..1000, "Or so many usual spreads from it.", "convention";
        notional: Money = 50_000, 0..1e12, "Price × shares of what is pulled together, at least.", "convention";
        depth: Ratio = 1, 0.01..1000, "Shares pulled for each that its side still shows at five levels.", "convention: half of the side";
        filled: Ratio = 0.05, 0..1, "Part of an order that is executed, below which it was not meant to trade.", "convention";
        life: Time = 5e9, 1_000_000..36e11, "Up to this life it counts in full; then less, in proportion.", "convention";
        life_max: Time = 30e9, 1_000_000..36e11, "Orders that lived longer are none of it.", "convention";
        together: Time = 200_000_000, 1_000_000..1e10, "Pulls within this are judged together, at its end; what comes back or goes on the other side by then counts.", "convention";
        asymmetry: Ratio = 4, 1..1000, "Times as many shares pulled as on the other side.", "convention, against quotes being renewed";
        repetition: Time = 60e9, 1_000_000..36e11, "What is done again on a side within this supports it.", "convention";
    }
}

/// Earlier times that are kept of a side.
const TIMES: usize = 4;

/// What a pull counts for by itself; 1 opens an alert.
const BASE: f64 = 0.5;

/// What it adds that orders of the other side were executed, that the other side moved, each.
const SUPPORT: f64 = 0.25;

/// What each earlier time adds that is not habit, three at most.
const AGAIN: f64 = 0.3;

/// Weight of a minute in how often large orders are usually pulled: some twenty minutes.
const HABIT_WEIGHT: f64 = 1.0 / 20.0;

/// Minutes after which nothing of a habit is left.
const HABIT_MINUTES: i64 = 200;

/// A minute, ns.
const MINUTE_NS: i64 = 60_000_000_000;

/// What size alone may do at most.
const SIZE_MAX: f64 = 1.25;

/// One time that large orders were pulled.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Time {
    /// When they were pulled; 0 for none.
    at_ns: i64,
    /// When the first of them entered, and with which message.
    added_ns: i64,
    added_sequence: u64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// When what is being pulled is judged; 0 where nothing is.
    due_ns: i64,
    orders: LargeOrders,
    /// Bids and offers that are being pulled.
    withdrawn: [Withdrawal; 2],
    /// Earlier times by side, the latest first.
    times: [[Time; TIMES]; 2],
    /// The minute at hand, and how often large orders were pulled in it.
    minute: i64,
    in_minute: u64,
    /// How often they usually are in a minute, the one at hand left out.
    habit: f64,
}

impl State {
    /// Counts a pull at a time; how often there is one in a minute by habit.
    fn habit(&mut self, now_ns: i64) -> f64 {
        let minute = now_ns.div_euclid(MINUTE_NS);
        let passed = minute.saturating_sub(self.minute).clamp(0, HABIT_MINUTES);
        for _ in 0..passed {
            let count = core::mem::take(&mut self.in_minute) as f64;
            self.habit += HABIT_WEIGHT * (count - self.habit);
        }
        self.minute = minute;
        self.in_minute = self.in_minute.saturating_add(1);
        if self.habit > 0.0 { self.habit } else { 0.0 }
    }
}

static SPEC: Spec = Spec {
    code: DetectorCode(5),
    name: "spoofing",
    pattern: "spoofing",
    figures: &["pulled_shares", "times_depth", "opposite_executed_shares", "times_before"],
    thresholds: &["size", "depth", "notional", "filled", "life", "asymmetry", "repetition"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Orders,
};

impl Spoofing {
    /// How it is armed unless that is set: what is repeated is one alert.
    #[must_use]
    pub fn arming() -> Arming {
        // Calibrated on simulated sessions, seeds 1 to 3: the third time where the other side both moved and
        // was executed, the fourth where it did one of them.
        Arming { cool_down: 60e9, min_score: 73.0, ..Arming::default() }
    }

    /// Whether a message has to be looked at.
    #[inline(always)]
    pub(super) fn is_concerned(&self, state: &State, event: &Event, order_qty: f64) -> bool {
        state.due_ns != 0 || state.orders.is_concerned(event, self.size * order_qty)
    }

    #[inline(always)]
    fn large(&self) -> Large {
        let Spoofing { size, of_depth, cents, spreads, filled, .. } = *self;
        Large { size, of_depth, cents, spreads, filled }
    }

    #[cold]
    #[inline(never)]
    fn note(&self, state: &mut State, seen: &Seen<'_>, turn: Turn) {
        match turn {
            Turn::Entered(place) => {
                let one = state.orders.get_mut(place);
                let withdrawn = &mut state.withdrawn[one.side()];
                if withdrawn.is_some() {
                    withdrawn.come_back(one);
                }
            }
            Turn::Pulled(one) => {
                let age = seen.time.0.saturating_sub(one.time_ns);
                if age as f64 > self.life_max {
                    return;
                }
                state.withdrawn[one.side()].pull(&one, &state.orders, seen);
                if state.due_ns == 0 {
                    state.due_ns = seen.time.0.saturating_add(self.together as i64).max(1);
                    seen.wake_at(Nanos(state.due_ns));
                }
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        state.due_ns = 0;
        let [bids, offers] = core::mem::replace(&mut state.withdrawn, Zeroable::zeroed());
        let side = usize::from(offers.qty > bids.qty);
        let (it, other) = if side == 0 { (bids, offers) } else { (offers, bids) };
        let depth = it.times_left(seen, side);
        let size = (depth / self.depth).min(it.notional * 1e-9 / self.notional.max(1.0));
        if !it.is_some() || (other.qty as f64) * self.asymmetry > it.qty as f64 || size < 0.5 {
            return None;
        }
        let earliest = it.last_ns.saturating_sub(self.repetition as i64);
        let before = state.times[side].iter().take(TIMES - 1);
        let (mut since, mut times) = (it.since(), 0);
        for time in before.filter(|time| time.at_ns != 0 && time.at_ns >= earliest) {
            times += 1;
            let Time { added_ns, added_sequence, .. } = *time;
            since = Since { time: Nanos(added_ns), sequence: Sequence(added_sequence) };
        }
        let first = it.since();
        let habit = state.habit(seen.time.0) * self.repetition / MINUTE_NS as f64;
        state.times[side].rotate_right(1);
        state.times[side][0] =
            Time { at_ns: it.last_ns, added_ns: first.time.0, added_sequence: first.sequence.0 };
        let shown_for = (self.life / it.age_ns() as f64).min(1.0);
        let support = BASE
            + SUPPORT * it.benefit(seen)
            + SUPPORT * it.moved_spreads(seen)
            + AGAIN * (f64::from(times) - habit).max(0.0);
        let level = size.sqrt().min(SIZE_MAX) * support * shown_for;
        (level >= 0.5).then_some(Raised {
            level,
            since,
            figures: [it.qty as f64, depth, f64::from(it.gained), f64::from(times)],
            print: None,
        })
    }
}

impl Detector for Spoofing {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_order(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let is_due = state.due_ns != 0 && seen.time.0 >= state.due_ns;
        let raised = if is_due { self.judge(state, seen) } else { None };
        if let Some(turn) = state.orders.take(seen, &self.large()) {
            self.note(state, seen, turn);
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.due_ns == 0 {
            return None;
        }
        if seen.time.0 < state.due_ns {
            // It was another's time.
            seen.wake_at(Nanos(state.due_ns));
            return None;
        }
        self.judge(state, seen)
    }

    #[inline(always)]
    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if ends_what_was(seen) {
            *state = State::zeroed();
        }
        None
    }
}

#[cfg(test)]
mod tests;
