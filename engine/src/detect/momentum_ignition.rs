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
mod tests {
    use super::State;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "momentum_ignition";

    /// A market whose quote, 4 cents wide, is put where a test wants it, second by second.
    struct Quoted {
        rehearsal: Rehearsal,
        orders: [u64; 2],
        mid: i64,
    }

    impl Quoted {
        /// 300 s in which the mid goes a cent to and fro and each side trades 50 shares a second.
        fn new() -> Quoted {
            let mut rehearsal = Rehearsal::with(&[("", "opening", 0.0), ("", "reopening", 0.0)]);
            let mid = 100 * DOLLAR;
            let orders = [
                rehearsal.add(Side::Buy, mid - 2 * CENT, 10_000),
                rehearsal.add(Side::Sell, mid + 2 * CENT, 10_000),
            ];
            let mut quoted = Quoted { rehearsal, orders, mid };
            for second in 0..300 {
                quoted.second(100 * DOLLAR + second % 2 * CENT, 50, 50);
            }
            quoted
        }

        /// The quote goes to a mid, so much is bought and sold there, a second passes.
        fn second(&mut self, mid: i64, bought: u64, sold: u64) {
            self.orders.into_iter().for_each(|order| self.rehearsal.delete(order));
            self.mid = mid;
            self.orders = [
                self.rehearsal.add(Side::Buy, mid - 2 * CENT, 10_000),
                self.rehearsal.add(Side::Sell, mid + 2 * CENT, 10_000),
            ];
            if bought > 0 {
                self.rehearsal.execute(self.orders[1], bought);
            }
            if sold > 0 {
                self.rehearsal.execute(self.orders[0], sold);
            }
            self.rehearsal.pass(SECOND);
        }

        /// A push of `cents` in five seconds with so much bought and sold in each, and the way back by
        /// `back` in ten.
        fn pushed(mut self, cents: i64, bought: u64, sold: u64, back: i64) -> Rehearsal {
            let start = self.mid;
            for step in 1..=5 {
                self.second(start + cents * CENT * step / 5, bought, sold);
            }
            let top = self.mid;
            for step in 1..=10 {
                self.second(top - back * CENT * step / 10, 10, 10);
            }
            for _ in 0..10 {
                self.second(self.mid, 50, 50);
            }
            self.rehearsal
        }
    }

    #[test]
    fn a_one_sided_burst_a_move_and_its_reversal_are_one_alert() {
        for (cents, bought, sold, back) in [(50, 2_000, 100, 40), (-50, 100, 2_000, -40)] {
            let rehearsal = Quoted::new().pushed(cents, bought, sold, back);
            let (opened, closed) = (rehearsal.opened(NAME), rehearsal.closed(NAME));
            assert_eq!((opened.len(), closed.len()), (1, 1));
            let [burst, moved, part, undone] = opened[0].figures;
            assert!(burst >= 5.0 && moved >= 5.0 && undone >= 0.5, "{opened:?}");
            assert!((part - cents as f64 / 10_000.0).abs() < 3e-4, "{opened:?}");
            // From the burst on.
            assert!(opened[0].end.0 - opened[0].start.0 > 8 * SECOND);
        }
    }

    #[test]
    fn without_any_of_the_three_there_is_none() {
        for (why, cents, bought, sold, back) in [
            ("little volume", 50, 60, 0, 40),
            ("both sides", 50, 2_000, 1_000, 40),
            ("hardly a move", 3, 2_000, 0, 3),
            ("no reversal", 50, 2_000, 0, 20),
            ("the other way", -50, 2_000, 0, -40),
        ] {
            let rehearsal = Quoted::new().pushed(cents, bought, sold, back);
            assert_eq!(rehearsal.opened(NAME).len(), 0, "{why}");
        }
    }

    #[test]
    fn a_reversal_that_comes_late_is_another_story() {
        for (seconds, alerts) in [(60, 1), (125, 0)] {
            let mut quoted = Quoted::new();
            let start = quoted.mid;
            for step in 1..=5 {
                quoted.second(start + 10 * CENT * step, 2_000, 0);
            }
            for _ in 0..seconds {
                quoted.second(start + 50 * CENT, 50, 50);
            }
            for _ in 0..3 {
                quoted.second(start, 50, 50);
            }
            assert_eq!(quoted.rehearsal.opened(NAME).len(), alerts, "{seconds}");
        }
    }

    #[test]
    fn a_halt_or_an_auction_within_it_ends_it() {
        let mut quoted = Quoted::new();
        let start = quoted.mid;
        for step in 1..=5 {
            quoted.second(start + 10 * CENT * step, 2_000, 0);
        }
        quoted.rehearsal.action(b'H');
        quoted.rehearsal.pass(10 * SECOND);
        quoted.rehearsal.cross(b'H', start, 50_000);
        quoted.rehearsal.action(b'T');
        for _ in 0..20 {
            quoted.second(start, 50, 50);
        }
        assert_eq!(quoted.rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn in_the_opening_it_is_not_armed_and_a_gap_is_no_burst() {
        let mut quoted = Quoted::new();
        quoted.rehearsal.lose(100_000);
        quoted.rehearsal.pass(MINUTE);
        let rehearsal = quoted.pushed(50, 100, 0, 40);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let mut rehearsal = Rehearsal::with(&[]);
        let mid = 100 * DOLLAR;
        let orders = [
            rehearsal.add(Side::Buy, mid - 2 * CENT, 10_000),
            rehearsal.add(Side::Sell, mid + 2 * CENT, 10_000),
        ];
        let mut quoted = Quoted { rehearsal, orders, mid };
        for second in 0..300 {
            quoted.second(100 * DOLLAR + second % 2 * CENT, 50, 50);
        }
        assert_eq!(quoted.pushed(50, 2_000, 0, 40).opened(NAME).len(), 0);
        assert_eq!(size_of::<State>(), 128);
    }
}
