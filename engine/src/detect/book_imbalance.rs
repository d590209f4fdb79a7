//! An imbalance of the book: one side shows many times the shares of the other, for seconds.
//!
//! Looks at the best five levels of both sides at the end of each second, of which a quiet book is its own:
//! (bids − offers) / (bids + offers), in the mean of five seconds. Its condition is that this comes near one
//! side, and that the book shows as much as it usually does: a thin book is easily lopsided. It says little by
//! itself, and explains others.
//!
//! Sources: Gould and Bonart 2016, "Queue imbalance as a one-tick-ahead price predictor in a limit order book",
//! arXiv 1512.03492.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::Nanos;

crate::parameters! {
    /// `detect.book_imbalance`
    BookImbalance {
        imbalance: Ratio = 0.95, 0.01..0.999, "Mean of (bids − offers) / (bids + offers) at five levels over five seconds, either way.", "calibrated on simulated sessions, seeds 1 to 3; by convention 0.9";
        depth: Ratio = 1, 0..1000, "What both sides show beside what they usually do, at least.", "convention";
    }
}

/// Seconds of the mean.
const SECONDS: usize = 5;

/// Seconds in a row without a message in which it is looked at.
const QUIET_MAX: u64 = 6;

/// From what imbalance on it is looked at without a message.
const LOOK: f64 = 0.8;

/// The greatest level, where one side is empty.
const LEVEL_MAX: f64 = 10.0;

const SECOND_NS: i64 = 1_000_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The last seconds.
    ring: [f64; SECONDS],
    /// Seconds so far.
    seconds: u64,
    /// Seconds in a row without a message.
    quiet: u64,
    /// When it is to be looked at though no message comes; 0 for never.
    look_ns: i64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(13),
    name: "book_imbalance",
    pattern: "an imbalance of the book",
    figures: &["imbalance", "bid_shares", "ask_shares", "times_usual_depth"],
    thresholds: &["imbalance", "depth"],
    phases: Phases::CONTINUOUS,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

/// How many times as much one side shows as the other.
fn times(imbalance: f64) -> f64 {
    let imbalance = imbalance.abs();
    (1.0 + imbalance) / (1.0 - imbalance).max(1e-9)
}

impl BookImbalance {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }
}

impl Detector for BookImbalance {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        if !seen.phase.is_usual() {
            *state = State::zeroed();
            return None;
        }
        let [bids, offers] = second.depth.map(|shares| shares as f64);
        let shown = bids + offers;
        let now = if shown > 0.0 { (bids - offers) / shown } else { 0.0 };
        // Without messages the book stays as it is.
        for _ in 0..=(second.idle as usize).min(SECONDS) {
            state.ring[state.seconds as usize % SECONDS] = now;
            state.seconds = state.seconds.wrapping_add(1);
        }
        let is_quiet = second.counts == [0; 4];
        state.quiet = if is_quiet { state.quiet.saturating_add(1) } else { 0 };
        state.look_ns = 0;
        if now.abs() >= LOOK && state.quiet < QUIET_MAX {
            let this = seen.time.0.div_euclid(SECOND_NS);
            state.look_ns = this.saturating_add(1).saturating_mul(SECOND_NS);
            seen.wake_at(Nanos(state.look_ns));
        }
        let usual = seen.profile.depth(0) + seen.profile.depth(1);
        if state.seconds < SECONDS as u64 || usual <= 0.0 {
            return None;
        }
        let mean = state.ring.iter().sum::<f64>() / SECONDS as f64;
        let depth = shown / usual;
        let deep = if self.depth > 0.0 { depth / self.depth } else { LEVEL_MAX };
        let level = (times(mean) / times(self.imbalance)).min(deep).min(LEVEL_MAX);
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.since(SECONDS as i64 * SECOND_NS),
            figures: [mean, bids, offers, depth],
            print: None,
        })
    }

    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if seen.time.0 < state.look_ns {
            // It was another's time; at its own the second ends.
            seen.wake_at(Nanos(state.look_ns));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = BID + CENT;

    /// Continuous trading, 1,500 shares at five levels of each side.
    fn market() -> Rehearsal {
        let mut rehearsal =
            Rehearsal::with(&[("book_imbalance", "imbalance", 0.9), ("", "opening", 0.0)]);
        rehearsal.fill(BID, ASK, 5, 300);
        seconds(&mut rehearsal, 70);
        rehearsal
    }

    /// Seconds with a message far from the best.
    fn seconds(rehearsal: &mut Rehearsal, seconds: usize) {
        for _ in 0..seconds {
            rehearsal.add(Side::Buy, 98 * DOLLAR, 300);
            rehearsal.pass(SECOND);
        }
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        seconds(&mut rehearsal, 20);
        assert_eq!(
            rehearsal.opened("book_imbalance").len(),
            rehearsal.closed("book_imbalance").len()
        );
        rehearsal.opened("book_imbalance").len()
    }

    #[test]
    fn nineteen_times_the_other_side_for_five_seconds_is_an_imbalance() {
        // (1,500 + 27,000) / 1,500 = 19.
        for (more, for_seconds, expected) in
            [(27_100, 6, 1), (26_900, 60, 0), (27_100, 4, 0), (27_100, 60, 1)]
        {
            for side in [Side::Buy, Side::Sell] {
                let mut rehearsal = market();
                let order = rehearsal.add(side, if side == Side::Buy { BID } else { ASK }, more);
                seconds(&mut rehearsal, for_seconds);
                rehearsal.delete(order);
                assert_eq!(alerts(rehearsal), expected, "{more} {for_seconds}");
            }
        }
    }

    #[test]
    fn a_thin_book_is_lopsided_without_an_alert() {
        let mut rehearsal = market();
        // Offers, of even references, are taken out but for one, and a little is added: 1,900 to 100.
        (1..=5).for_each(|level| rehearsal.delete(2 * level));
        rehearsal.add(Side::Sell, ASK, 50);
        seconds(&mut rehearsal, 30);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn a_book_that_falls_silent_so_is_seen_as_time_passes() {
        let mut rehearsal = market();
        rehearsal.add(Side::Buy, BID, 60_000);
        rehearsal.wait(SECOND);
        rehearsal.add(Side::Buy, 98 * DOLLAR, 300);
        let quiet = rehearsal.now();
        rehearsal.pass(10 * SECOND);
        let opened = rehearsal.opened("book_imbalance");
        assert_eq!(opened.len(), 1);
        assert!(opened[0].end.0 <= quiet + 6 * SECOND, "{opened:?}");
    }

    #[test]
    fn a_halt_begins_anew_and_the_opening_is_not_armed() {
        let mut rehearsal = market();
        let order = rehearsal.add(Side::Buy, BID, 60_000);
        seconds(&mut rehearsal, 3);
        rehearsal.action(b'H');
        seconds(&mut rehearsal, 20);
        rehearsal.action(b'T');
        seconds(&mut rehearsal, 3);
        rehearsal.delete(order);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = Rehearsal::with(&[("book_imbalance", "imbalance", 0.9)]);
        rehearsal.fill(BID, ASK, 5, 300);
        seconds(&mut rehearsal, 70);
        rehearsal.add(Side::Buy, BID, 60_000);
        seconds(&mut rehearsal, 10);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn what_a_gap_hides_makes_no_imbalance() {
        let mut rehearsal = market();
        rehearsal.lose(1_000);
        rehearsal.wait(30 * SECOND);
        assert_eq!(alerts(rehearsal), 0);
    }
}
