//! Layering: large orders on several levels of one side, pulled together before they trade.
//!
//! Looks at orders that are large for the symbol. Those of one side pulled one after the other are judged
//! together once no more follow: on how many levels they lay, how much they were beside what is left, how
//! soon they went, and whether the *other* side's best price moved away from them or its resting orders
//! were executed meanwhile. Where neither was, they must have been the larger part of the side.
//!
//! Traps: a market maker renews its quotes by pulling both sides, or comes back at once; a replace keeps
//! an order's history; an order that was executed in part was meant to trade. After a halt or a cross
//! nothing before it counts. News that lets many symbols' books fade at once make a market cluster.
//!
//! Sources: CFTC v. Nav Sarao Futures 2015 (five layers); FINRA Rule 5210, supplementary material .03; FCA
//! v. Coscia 2013; Aitken et al., second-hand (layers are cancelled within 200 to 900 ms).

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
    /// `detect.layering`
    Layering {
        size: Ratio = 3, 1..10000, "Shares of a large order, in the symbol's median orders, at least.", "Lee, Eom and Park 2013: 2 times the mean order";
        of_depth: Ratio = 0.1, 0..100, "Shares of a large order beside what its side usually shows at five levels, at least.", "convention";
        cents: Count = 20, 0..1000000, "Cents from the best price of its side at which an order enters, at most.", "convention";
        spreads: Ratio = 10, 0..1000, "Or so many usual spreads from it.", "convention";
        levels: Count = 3, 2..8, "Price levels that are pulled, at least.", "CFTC v. Nav Sarao Futures 2015: 5; convention: 3";
        notional: Money = 50_000, 0..1e12, "Price × shares of what is pulled together, at least.", "convention";
        depth: Ratio = 1, 0.01..1000, "Shares pulled for each that its side still shows at five levels.", "convention: half of the side";
        filled: Ratio = 0.05, 0..1, "Part of an order that is executed, below which it was not meant to trade.", "convention";
        together: Time = 200_000_000, 1_000_000..1e10, "From one pull to the next, at most; what comes back or goes on the other side by then counts.", "convention: at once";
        span: Time = 1e9, 1_000_000..1e11, "From the first pull on they are judged after this at the latest.", "Aitken et al., second-hand: 200 to 900 ms";
        life: Time = 5e9, 1_000_000..36e11, "Up to this life they count in full; then less, in proportion.", "convention";
        life_max: Time = 30e9, 1_000_000..36e11, "Orders that lived longer are none of it.", "convention";
        asymmetry: Ratio = 4, 1..1000, "Times as many shares pulled as on the other side.", "convention, against quotes being renewed";
        repetition: Time = 60e9, 1_000_000..36e11, "What is done again on a side within this supports it.", "convention";
    }
}

/// What a pull counts for by itself; 1 opens an alert.
const BASE: f64 = 0.5;

/// What it adds that orders of the other side were executed, that the other side moved, each.
const SUPPORT: f64 = 0.5;

/// What the time before adds.
const AGAIN: f64 = 0.25;

/// What each level more than necessary adds, in proportion.
const LEVEL: f64 = 0.1;

/// What size alone may do at most.
const SIZE_MAX: f64 = 3.0;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// When what is being pulled is judged; 0 where nothing is.
    due_ns: i64,
    orders: LargeOrders,
    /// Bids and offers that are being pulled.
    withdrawn: [Withdrawal; 2],
    /// When a side's levels were last pulled; 0 for never.
    before_ns: [i64; 2],
    /// When the first of its orders had entered in this run of times, and with which message.
    run: [[u64; 2]; 2],
}

static SPEC: Spec = Spec {
    code: DetectorCode(6),
    name: "layering",
    pattern: "layering",
    figures: &["levels", "pulled_shares", "times_depth", "opposite_executed_shares"],
    thresholds: &["levels", "size", "depth", "notional", "filled", "life", "asymmetry"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Orders,
};

impl Layering {
    /// How it is armed unless that is set: what is repeated is one alert.
    #[must_use]
    pub fn arming() -> Arming {
        // Calibrated on simulated sessions, seeds 1 to 3: from 50 on a third of alerts were true, from 73 on
        // two thirds.
        Arming { cool_down: 60e9, min_score: 73.0, ..Arming::default() }
    }

    /// Whether a message has to be looked at.
    #[inline(always)]
    pub(super) fn is_concerned(&self, state: &State, event: &Event, order_qty: f64) -> bool {
        state.due_ns != 0 || state.orders.is_concerned(event, self.size * order_qty)
    }

    #[inline(always)]
    fn large(&self) -> Large {
        let Layering { size, of_depth, cents, spreads, filled, .. } = *self;
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
                let now = seen.time.0;
                if now.saturating_sub(one.time_ns) as f64 > self.life_max {
                    return;
                }
                state.withdrawn[one.side()].pull(&one, &state.orders, seen);
                let begun = state.withdrawn.iter().filter(|it| it.is_some()).map(|it| it.first_ns);
                let latest = begun.min().unwrap_or(now).saturating_add(self.span as i64);
                state.due_ns = now.saturating_add(self.together as i64).min(latest).max(1);
                seen.wake_at(Nanos(state.due_ns));
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
        let levels = f64::from(it.levels());
        if !it.is_some() || (other.qty as f64) * self.asymmetry > it.qty as f64 {
            return None;
        }
        if levels < self.levels || size < 0.5 {
            return None;
        }
        let before_ns = state.before_ns[side];
        let is_again =
            before_ns != 0 && it.last_ns.saturating_sub(before_ns) as f64 <= self.repetition;
        if !is_again {
            let Since { time, sequence } = it.since();
            state.run[side] = [time.0 as u64, sequence.0];
        }
        state.before_ns[side] = it.last_ns.max(1);
        let [time_ns, sequence] = state.run[side];
        let shown_for = (self.life / it.age_ns() as f64).min(1.0);
        let support = BASE
            + SUPPORT * it.benefit(seen)
            + SUPPORT * it.moved_spreads(seen)
            + if is_again { AGAIN } else { 0.0 };
        let more = 1.0 + LEVEL * (levels - self.levels);
        let level = size.min(SIZE_MAX) * support * shown_for * more;
        (level >= 0.5).then_some(Raised {
            level,
            since: Since { time: Nanos(time_ns as i64), sequence: Sequence(sequence) },
            figures: [levels, it.qty as f64, depth, f64::from(it.gained)],
            print: None,
        })
    }
}

impl Detector for Layering {
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
