//! Evaporation of depth: the best five levels of a side hold a fraction of what they usually do, or nothing.
//!
//! Its condition is a side with less than a fifth of its median depth and two fifths of what it seldom falls
//! below (the 5th percentile, learnt second by second) for a second, or without any order for 100 ms, as
//! owners took several orders out within the second in which that began. It is judged when the best quote
//! becomes thin, when a second of the symbol ends, a fifth of a second after both, since what lies behind a
//! thin best may go after it, and at each quote while a side is thin; between these looks a side that was thin is
//! taken to have stayed so.
//!
//! Not meant: a large order that leaves and was most of the depth; what is thin since it was executed; a book
//! that is thin every other minute, which the percentile knows; the minute of messages in which depth builds up,
//! those after a halt, and hours without a market.
//!
//! Sources: CFTC and SEC, Findings regarding the market events of May 6, 2010; the percentile by Ma,
//! Muthukrishnan and Sandler 2013 (Frugal-1U).

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SLOT_NS;
use crate::detect::detector::Detector;
use crate::detect::episode::HOLD_LEVEL;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::touch::Touch;
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.depth_evaporation`
    DepthEvaporation {
        remaining: Ratio = 0.2, 0.001..0.9, "Part of the side's median depth that is left, less than.", "calibrated on simulated sessions, seeds 1 to 10";
        seldom: Ratio = 0.4, 0.001..10, "Part of the 5th percentile of the side's depth that is left, less than.", "calibrated on simulated sessions, seeds 1 to 10";
        withdrawn: Count = 8, 0..10000, "Orders withdrawn within the second in which it began, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        dwell: Time = 1e9, 1_000_000..6e10, "It stays so thin for so long.", "convention";
        empty: Time = 100_000_000, 1_000_000..6e10, "Or a side is without orders for so long.", "convention";
    }
}

/// One step of the percentile.
const STEP: f64 = 0.05;

/// Which percentile it is.
const SELDOM: f64 = 0.05;

/// How long after its beginning orders count as withdrawn with it.
const WITHDRAWAL_NS: i64 = 2 * SLOT_NS;

/// A level is not told beyond this.
const LEVEL_MAX: f64 = 50.0;

/// How often a thin side is looked at though nothing comes.
const AGAIN_NS: i64 = 500_000_000;

/// What is kept of a side.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct SideState {
    /// Less than so many shares are thin; 0 while that is not known.
    limit: u64,
    /// Since when it has been; 0 while it is not.
    thin_ns: i64,
    /// Since when it has been empty; 0 while it is not.
    empty_ns: i64,
    /// From which message on it was thin.
    since_sequence: u64,
    /// Orders that their owners withdrew as it became thin.
    withdrawn: u64,
    /// The 5th percentile of the depth at the end of a second, shares.
    low: f64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Bids and asks.
    sides: [SideState; 2],
    /// What is awaited: nothing, the second look at a best quote that was thin, or that no side is thin.
    watch: u64,
}

/// What [`State::watch`] says.
mod watch {
    pub(super) const NOTHING: u64 = 0;
    pub(super) const SECOND_LOOK: u64 = 1;
    pub(super) const THIN: u64 = 2;
}

static SPEC: Spec = Spec {
    code: DetectorCode(12),
    name: "depth_evaporation",
    pattern: "evaporation of depth",
    figures: &["depth_shares", "median_shares", "withdrawn_orders", "thin_ns"],
    thresholds: &["remaining", "seldom", "withdrawn", "dwell"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

impl SideState {
    fn rest(&mut self) {
        (self.thin_ns, self.empty_ns) = (0, 0);
    }

    /// Takes the depth at the end of a second into the percentile.
    fn learn(&mut self, depth: f64) {
        let low = self.low;
        self.low = if depth < low {
            (low * (1.0 - STEP * (1.0 - SELDOM))).max(depth)
        } else if low > 0.0 {
            (low * (1.0 + STEP * SELDOM)).min(depth)
        } else {
            depth
        };
    }

    /// Takes in what the side holds now.
    fn take(&mut self, depth: u64, now_ns: i64, sequence: u64) {
        if depth >= self.limit {
            self.rest();
            return;
        }
        if self.thin_ns == 0 {
            (self.thin_ns, self.since_sequence) = (now_ns, sequence);
            self.withdrawn = 0;
        }
        if depth > 0 {
            self.empty_ns = 0;
        } else if self.empty_ns == 0 {
            self.empty_ns = now_ns;
        }
    }
}

impl DepthEvaporation {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if !SPEC.phases.has(seen.phase) {
            state.sides.iter_mut().for_each(SideState::rest);
            state.watch = watch::NOTHING;
            return None;
        }
        state.watch = watch::NOTHING;
        let now = seen.time.0;
        let best = [seen.touch.bid_qty, seen.touch.ask_qty];
        let mut worst: Option<Raised> = None;
        for (at, best) in best.into_iter().enumerate() {
            let side = &mut state.sides[at];
            // What is at the best price alone may be enough.
            let depth = if best >= side.limit { best } else { seen.depth(at) };
            side.take(depth, now, seen.sequence.0);
            if side.thin_ns == 0 {
                continue;
            }
            state.watch = watch::THIN;
            if now.saturating_sub(side.thin_ns) < 2 * WITHDRAWAL_NS {
                let withdrawn = seen.activity.withdrawn_last_second().into();
                side.withdrawn = side.withdrawn.max(withdrawn);
            }
            let raised = self.raised(side, at, depth, seen);
            self.wish(side, raised.is_some(), seen);
            if let Some(raised) = raised
                && worst.is_none_or(|worst| raised.level > worst.level)
            {
                worst = Some(raised);
            }
        }
        worst
    }

    /// The best quote is thin, or a side was: what lies behind the best may go after it.
    #[cold]
    #[inline(never)]
    fn look(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let raised = self.judge(state, seen);
        let is_short = |at: usize, best: u64| best < state.sides[at].limit;
        let is_thin = is_short(0, seen.touch.bid_qty) || is_short(1, seen.touch.ask_qty);
        if state.watch == watch::NOTHING && is_thin {
            self.look_later(state, seen);
        }
        raised
    }

    /// Asks for a second look.
    #[cold]
    #[inline(never)]
    fn look_later(&self, state: &mut State, seen: &Seen<'_>) {
        if SPEC.phases.has(seen.phase) {
            state.watch = watch::SECOND_LOOK;
            seen.wake_at(Nanos(seen.time.0.saturating_add(WITHDRAWAL_NS)));
        }
    }

    /// Asks to be woken when a side that is thin is to be looked at.
    fn wish(&self, side: &SideState, is_raised: bool, seen: &Seen<'_>) {
        let now = seen.time.0;
        let spans = [
            (side.thin_ns, WITHDRAWAL_NS),
            (side.thin_ns, self.dwell as i64),
            (side.empty_ns, self.empty as i64),
        ];
        let due = spans.into_iter().filter(|(from_ns, _)| *from_ns != 0);
        let due = due.map(|(from_ns, span_ns)| from_ns.saturating_add(span_ns));
        // What holds up an alert is looked at though nothing comes.
        let again = is_raised.then(|| now.saturating_add(AGAIN_NS));
        if let Some(next) = due.filter(|due_ns| *due_ns > now).chain(again).min() {
            seen.wake_at(Nanos(next));
        }
    }

    fn raised(&self, side: &SideState, at: usize, depth: u64, seen: &Seen<'_>) -> Option<Raised> {
        let long = |from: i64| {
            if from == 0 { 0.0 } else { seen.time.0.saturating_sub(from).max(0) as f64 }
        };
        let (thin_ns, empty_ns) = (long(side.thin_ns), long(side.empty_ns));
        let lack = side.limit as f64 / depth.max(1) as f64;
        let evaporated = (empty_ns / self.empty).max(lack.min(thin_ns / self.dwell));
        let withdrawn = side.withdrawn as f64;
        let level = evaporated.min(withdrawn / self.withdrawn.max(f64::MIN_POSITIVE));
        let since = Since { time: Nanos(side.thin_ns), sequence: Sequence(side.since_sequence) };
        let figures = [depth as f64, seen.profile.depth(at), withdrawn, thin_ns];
        let level = level.min(LEVEL_MAX);
        (level >= HOLD_LEVEL).then_some(Raised { level, since, figures, print: None })
    }

    /// Whether a quote is thin, or a side was; a second look that is awaited comes by itself.
    #[inline(always)]
    pub(super) fn is_quote_of_concern(&self, state: &State, touch: &Touch) -> bool {
        let [bids, asks] = &state.sides;
        let is_thin = touch.bid_qty < bids.limit || touch.ask_qty < asks.limit;
        state.watch != watch::SECOND_LOOK && (is_thin || state.watch != watch::NOTHING)
    }
}

impl Detector for DepthEvaporation {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if self.is_quote_of_concern(state, &seen.touch) { self.look(state, seen) } else { None }
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let is_thin = |at: usize| second.depth[at] < state.sides[at].limit;
        let is_looked_at = is_thin(0) || is_thin(1) || state.watch == watch::THIN;
        let raised = if is_looked_at { self.judge(state, seen) } else { None };
        if state.watch == watch::NOTHING
            && (second.touch.bid_qty < state.sides[0].limit
                || second.touch.ask_qty < state.sides[1].limit)
        {
            // The message at hand may be the first of those by which all behind a thin best goes.
            self.look_later(state, seen);
        }
        for (at, side) in state.sides.iter_mut().enumerate() {
            // While it is thin, what is usual is what it was before.
            if side.thin_ns == 0 {
                let usual = self.remaining * seen.profile.depth(at);
                side.limit = usual.min(self.seldom * side.low) as u64;
            }
            if seen.phase.is_usual() {
                side.learn(second.depth[at] as f64);
            }
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.watch == watch::NOTHING { None } else { self.judge(state, seen) }
    }
}

#[cfg(test)]
mod tests;
