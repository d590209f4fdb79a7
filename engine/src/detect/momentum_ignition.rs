//! Momentum ignition: a burst of one-sided trading starts a move that others follow, and the move turns back.
//!
//! Three steps, second by second. A burst: five seconds of a volume far above the usual, four fifths of it
//! from aggressors of one side. A move: within 30 s of its start the mid has gone that way by five standard
//! deviations of its change over as long. A reversal: within 120 s half of the move is undone. Only the
//! third raises an alert, once; the two before it may be news. What is usual is what it was when the burst
//! was seen.
//!
//! Volume of hidden orders has no known aggressor and counts for no side. An index that takes the whole
//! market with it is not told apart; many symbols at once make a cluster.
//!
//! Sources: SEC, Concept Release on Equity Market Structure (2010); Tse, Lin and Vincent (Credit Suisse 2012),
//! who tell it by a volume that rises, a price that moves, and one that comes back.

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SECOND_NS;
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::Nanos;

crate::parameters! {
    /// `detect.momentum_ignition`
    MomentumIgnition {
        one_sided: Ratio = 0.8, 0.5..1, "Share of one side's aggressors in five seconds, at least.", "convention";
        volume_sigmas: Ratio = 5, 0..1000, "Standard deviations of that volume above the mean of ten seconds.", "convention";
        move_sigmas: Ratio = 5, 0.5..1000, "Standard deviations of the mid's change over as many seconds that the move makes.", "convention";
        ticks_min: Count = 3, 0..1000, "Cents that the move makes, at least.", "convention";
        reversal: Ratio = 0.5, 0.05..1, "Part of the move that is undone.", "convention";
        move_within: Time = 3e10, 5e9..6e11, "The move takes so long at most, from the start of the burst.", "convention";
        reversal_within: Time = 1.2e11, 5e9..36e11, "The reversal comes so long after it at most.", "convention";
    }
}

/// Seconds of a burst.
const SECONDS: usize = 5;

/// The least standard deviation of a second's return that is divided by.
const SIGMA_MIN: f64 = 1e-5;

/// A cent, doubled as mids are.
const DOUBLED_CENT: f64 = 2e7;

/// Nothing is followed.
const QUIET: u32 = 0;
/// A burst was seen.
const BURST: u32 = 1;
/// An alert was raised of it, or it came to nothing late: nothing new until its time is over.
const OVER: u32 = 2;

/// A second.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Slot {
    buys: u32,
    sells: u32,
    /// Twice the mid at its end; 0 for none.
    doubled_mid: i64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The last seconds, by their number.
    slots: [Slot; SECONDS],
    /// Twice the mid before the burst.
    before: i64,
    /// Twice the mid that went furthest.
    extreme: i64,
    /// When the burst began.
    start_ns: i64,
    /// The oldest message known of then.
    start_sequence: u64,
    /// Standard deviations of the burst's volume, of the move, and what one is of a second's return.
    burst_sigmas: f32,
    move_sigmas: f32,
    sigma: f32,
    /// One of the stages, and 4 where the move goes down.
    stage: u32,
}

static SPEC: Spec = Spec {
    code: DetectorCode(7),
    name: "momentum_ignition",
    pattern: "momentum ignition",
    figures: &["volume_sigmas", "move_sigmas", "move", "reversal"],
    thresholds: &["one_sided", "volume_sigmas", "move_sigmas", "reversal"],
    phases: Phases::CONTINUOUS,
    warm_up_seconds: 60,
    family: Family::Price,
};

impl State {
    fn push(&mut self, second: &Second) {
        let number = second.end.0.div_euclid(SECOND_NS);
        let part = |shares: u64| shares.min(u64::from(u32::MAX)) as u32;
        let doubled_mid = second.touch.doubled_mid();
        let (buys, sells) = (part(second.buys), part(second.sells));
        self.slots[number.rem_euclid(SECONDS as i64) as usize] = Slot { buys, sells, doubled_mid };
        for idle in 1..=i64::from(second.idle).min(SECONDS as i64) {
            let at = number.wrapping_add(idle).rem_euclid(SECONDS as i64) as usize;
            self.slots[at] = Slot { buys: 0, sells: 0, doubled_mid };
        }
    }

    fn forget(&mut self) {
        self.slots = Zeroable::zeroed();
        self.stage = QUIET;
    }
}

impl MomentumIgnition {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    /// Whether a burst ends with this second.
    #[inline(always)]
    fn look_for_burst(&self, state: &mut State, seen: &Seen<'_>, second: &Second) {
        let sum =
            |of: fn(&Slot) -> u32| state.slots.iter().map(|it| u64::from(of(it))).sum::<u64>();
        let (buys, sells) = (sum(|it| it.buys), sum(|it| it.sells));
        let (more, all) = (buys.max(sells) as f64, (buys + sells) as f64);
        if all == 0.0 || more < self.one_sided * all {
            return;
        }
        let burst_sigmas = seen.profile.volume().score(all, 1.0);
        if burst_sigmas < self.volume_sigmas {
            return;
        }
        let number = second.end.0.div_euclid(SECOND_NS);
        // The second after this one's place is the oldest's.
        let oldest = number.wrapping_add(1).rem_euclid(SECONDS as i64) as usize;
        let before = state.slots[oldest].doubled_mid;
        if before <= 0 || state.slots.iter().any(|it| it.doubled_mid <= 0) {
            return;
        }
        let span_ns = (SECONDS as i64 - 1) * SECOND_NS;
        state.start_ns = second.end.0.saturating_sub(span_ns);
        state.start_sequence = seen.profile.since(Nanos(state.start_ns)).sequence.0;
        (state.before, state.extreme) = (before, before);
        state.burst_sigmas = burst_sigmas as f32;
        state.sigma = seen.profile.mid_return().sigma().max(SIGMA_MIN) as f32;
        state.move_sigmas = 0.0;
        state.stage = BURST | if sells > buys { 4 } else { 0 };
    }

    /// Follows a burst: the move, and the way back.
    #[cold]
    #[inline(never)]
    fn follow(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let elapsed = second.end.0.saturating_sub(state.start_ns);
        if !(0..=self.reversal_within as i64).contains(&elapsed) || state.before <= 0 {
            state.stage = QUIET;
            return None;
        }
        let mid = second.touch.doubled_mid();
        if state.stage & 3 != BURST || mid <= 0 {
            return None;
        }
        let sign = if state.stage & 4 == 0 { 1.0 } else { -1.0 };
        let beyond = |mid: i64| sign * (mid as f64 - state.before as f64);
        let before = state.before as f64;
        if beyond(mid) > beyond(state.extreme) && elapsed <= self.move_within as i64 {
            let seconds = (elapsed / SECOND_NS).max(1) as f64;
            let sigmas = beyond(mid) / before / (f64::from(state.sigma) * seconds.sqrt());
            state.extreme = mid;
            state.move_sigmas = state.move_sigmas.max(sigmas as f32);
        }
        let way = sign * (state.extreme as f64 - before);
        let is_moved = f64::from(state.move_sigmas) >= self.move_sigmas
            && way >= self.ticks_min * DOUBLED_CENT;
        if !is_moved {
            if elapsed > self.move_within as i64 {
                state.stage = QUIET;
            }
            return None;
        }
        let undone = sign * (state.extreme as f64 - mid as f64) / way.max(1.0);
        if undone < self.reversal {
            return None;
        }
        state.stage = OVER;
        let (burst, moved) = (f64::from(state.burst_sigmas), f64::from(state.move_sigmas));
        let mut since = seen.here();
        since.time = Nanos(state.start_ns);
        since.sequence.0 = state.start_sequence;
        Some(Raised {
            level: (moved / self.move_sigmas).min(burst / self.volume_sigmas.max(0.001)),
            since,
            figures: [burst, moved, sign * way / before, undone],
            print: None,
        })
    }
}

impl Detector for MomentumIgnition {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        if !SPEC.phases.has(seen.phase) {
            state.forget();
            return None;
        }
        state.push(second);
        if state.stage != QUIET {
            return self.follow(state, seen, second);
        }
        self.look_for_burst(state, seen, second);
        None
    }
}

#[cfg(test)]
mod tests;
