//! Swings of the net order imbalance in the last half minute before a cross.
//!
//! The imbalance (NOII) steers those who trade in the auction; whoever enters a large order early and takes
//! it back, or turns it over, at the last moment leaves a swing: the imbalance changes its sign, or changes
//! by half of the shares that are paired. Imbalances count as positive where buyers are left over, as
//! negative where sellers are.
//!
//! **Judged at the cross**: which imbalances are the last half minute's is known only then. Messages come
//! every second for two minutes before the opening and five before the close (ITCH 5.0 section 1.6), and
//! a swing four minutes before is ordinary business; so an alert at once would be another, weaker
//! statement. What is told before the cross holds until the next message; the greatest and the least of each
//! three seconds are kept, so the half minute is exact to three seconds.
//!
//! **Left alone**: a change of sign between small imbalances, which any balanced auction has; messages that
//! tell no imbalance (`O` too few orders, `P` paused), before which nothing is compared; a cross in which
//! nothing was executed.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::event::Kind;

crate::parameters! {
    /// `detect.noii_swing`
    NoiiSwing {
        swing: Ratio = 0.5, 0.01..100, "Change of the imbalance within the last 30 s, in shares that are paired.", "convention: half of what is paired";
        flip: Ratio = 0.25, 0.01..100, "The same where the imbalance changes its sign.", "convention: half of what another swing needs";
        shares_min: Shares = 1000, 1..1e9, "Shares by which it changes, at least.", "convention: ten round lots";
    }
}

/// Imbalances of a slot of time.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
struct Extent {
    least: f32,
    greatest: f32,
}

/// Slots that are kept: the last half minute, and the one at hand.
const SLOTS: usize = 11;

/// Length of a slot.
const SLOT_NS: i64 = 3_000_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Newest first.
    slots: [Extent; SLOTS],
    /// Where the newest ends.
    slot_end_ns: i64,
    /// Shares that are paired.
    paired: f64,
    /// The last imbalance.
    last: f64,
    /// Type of the cross that the slots are of; 0 where nothing is kept.
    cross: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(24),
    name: "noii_swing",
    pattern: "a swing of the order imbalance",
    figures: &["swing_shares", "paired_shares", "swing_ratio", "sign_changed"],
    thresholds: &["swing", "flip", "shares_min"],
    phases: Phases::ANY,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl State {
    /// Lets slots pass; the imbalance told last goes on through them.
    fn pass(&mut self, now_ns: i64) {
        if now_ns < self.slot_end_ns {
            return;
        }
        let passed = now_ns.saturating_sub(self.slot_end_ns) / SLOT_NS + 1;
        let new = passed.min(SLOTS as i64) as usize;
        self.slots.copy_within(..SLOTS - new, new);
        self.slots[..new].fill(Extent { least: self.last as f32, greatest: self.last as f32 });
        self.slot_end_ns = self.slot_end_ns.saturating_add(passed.saturating_mul(SLOT_NS));
    }

    fn take(&mut self, seen: &Seen<'_>) {
        let Some(told) = seen.metrics.auction.imbalance() else { return };
        let shares = told.imbalance.0 as f64;
        let signed = match told.side {
            b'B' => shares,
            b'S' => -shares,
            b'N' => 0.0,
            _ => {
                self.cross = 0;
                return;
            }
        };
        if self.cross == u64::from(told.cross) {
            self.pass(seen.time.0);
            let slot = &mut self.slots[0];
            slot.least = slot.least.min(signed as f32);
            slot.greatest = slot.greatest.max(signed as f32);
        } else {
            self.cross = u64::from(told.cross);
            self.slots = [Extent { least: signed as f32, greatest: signed as f32 }; SLOTS];
            self.slot_end_ns = seen.time.0.saturating_add(SLOT_NS);
        }
        (self.last, self.paired) = (signed, told.paired.0 as f64);
    }
}

impl NoiiSwing {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }

    /// The cross has come.
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        state.pass(seen.time.0);
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        for slot in state.slots {
            least = least.min(f64::from(slot.least));
            greatest = greatest.max(f64::from(slot.greatest));
        }
        let swing = greatest - least;
        let ratio = swing / state.paired.max(1.0);
        let is_flip = least < 0.0 && greatest > 0.0;
        let of_flip = if is_flip { ratio / self.flip } else { 0.0 };
        let level = (ratio / self.swing).max(of_flip).min(swing / self.shares_min);
        // From the newest slot on back to where it was still as at first.
        let first = state.slots[SLOTS - 1];
        let still = state
            .slots
            .iter()
            .rev()
            .take_while(|slot| slot.least == first.least && slot.greatest == first.greatest);
        let moved = (SLOTS - still.count().min(SLOTS - 1)) as i64;
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.since(moved * SLOT_NS),
            figures: [swing, state.paired, ratio, f64::from(u8::from(is_flip))],
            print: None,
        })
    }
}

impl Detector for NoiiSwing {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        const AUCTION: u8 = Kind::Auction as u8;
        const CROSS: u8 = Kind::Cross as u8;
        match seen.event.kind {
            AUCTION => {
                state.take(seen);
                None
            }
            CROSS if u64::from(seen.event.code()) == state.cross && state.cross != 0 => {
                let raised = if seen.print.is_some() { self.judge(state, seen) } else { None };
                state.cross = 0;
                raised
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::Settings;
    use crate::detect::rehearsal::{DOLLAR, MINUTE, Rehearsal, SECOND};

    const NAME: &str = "noii_swing";
    const PRICE_E4: u32 = 1_000_000;

    /// Imbalances a second apart; the cross comes `before_cross_s` after the last.
    fn auction(told: &[(u8, u64, u64)], before_cross_s: i64) -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.pass(MINUTE);
        for (side, paired, shares) in told {
            rehearsal.imbalance(b'C', *side, *paired, *shares, PRICE_E4);
            rehearsal.pass(SECOND);
        }
        rehearsal.pass(before_cross_s * SECOND);
        rehearsal.cross(b'C', 100 * DOLLAR, 50_000);
        rehearsal.pass(5 * SECOND);
        rehearsal
    }

    #[test]
    fn half_of_what_is_paired_is_a_swing_and_less_is_not() {
        for (shares, alerts) in [(64_900, 0), (65_000, 1)] {
            let rehearsal = auction(&[(b'B', 100_000, 15_000), (b'B', 100_000, shares)], 8);
            let opened = rehearsal.opened(NAME);
            assert_eq!(opened.len(), alerts, "{shares}");
            for alert in opened {
                assert_eq!(alert.figures, [50_000.0, 100_000.0, 0.5, 0.0]);
                assert_eq!(alert.score.get(), 50.0);
                assert!(alert.start < alert.end);
            }
            assert_eq!(rehearsal.closed(NAME).len(), alerts);
        }
    }

    #[test]
    fn a_change_of_sign_needs_half_as_much_but_some() {
        for (shares, alerts) in [(14_900, 0), (15_000, 1)] {
            let told = [(b'B', 100_000, 10_000), (b'N', 100_000, 0), (b'S', 100_000, shares)];
            let rehearsal = auction(&told, 3);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{shares}");
        }
        // Ten round lots at least, however little is paired.
        let rehearsal = auction(&[(b'B', 300, 400), (b'S', 300, 599)], 3);
        assert_eq!(rehearsal.told(NAME), []);
        let rehearsal = auction(&[(b'B', 300, 400), (b'S', 300, 600)], 3);
        assert_eq!(rehearsal.opened(NAME)[0].figures[3], 1.0);
    }

    #[test]
    fn only_the_last_half_minute_counts() {
        let told = [(b'B', 100_000, 0), (b'B', 100_000, 90_000)];
        for (before_cross_s, alerts) in [(27, 1), (34, 0)] {
            let rehearsal = auction(&told, before_cross_s);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{before_cross_s}");
        }
        // There and back within it is a swing, too.
        let told = [(b'B', 100_000, 0), (b'B', 100_000, 90_000), (b'B', 100_000, 0)];
        let rehearsal = auction(&told, 20);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn what_tells_no_imbalance_and_another_cross_are_not_compared_with() {
        let told = [(b'B', 100_000, 80_000), (b'O', 0, 0), (b'S', 100_000, 0)];
        assert_eq!(auction(&told, 5).told(NAME), []);
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        rehearsal.imbalance(b'O', b'B', 10_000, 9_000, PRICE_E4);
        rehearsal.pass(SECOND);
        rehearsal.imbalance(b'H', b'S', 10_000, 9_000, PRICE_E4);
        rehearsal.pass(SECOND);
        // The opening's were not kept, and the halt's is one.
        rehearsal.cross(b'O', 100 * DOLLAR, 1_000);
        rehearsal.cross(b'H', 100 * DOLLAR, 1_000);
        assert_eq!(rehearsal.told(NAME), []);
    }

    #[test]
    fn before_the_opening_and_in_a_halt_it_is_judged_by_their_crosses() {
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        for (cross, action) in [(b'O', b'T'), (b'H', b'H')] {
            rehearsal.action(action);
            rehearsal.imbalance(cross, b'B', 10_000, 9_000, PRICE_E4);
            rehearsal.lose(10);
            rehearsal.pass(5 * SECOND);
            rehearsal.imbalance(cross, b'S', 10_000, 9_000, PRICE_E4);
            rehearsal.pass(5 * SECOND);
            rehearsal.cross(cross, 100 * DOLLAR, 19_000);
            rehearsal.pass(5 * SECOND);
        }
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 2);
        // 18,000 of 10,000, against a quarter: a level of 7.2.
        assert_eq!(opened[0].score.get(), 93.0);
    }

    #[test]
    fn a_cross_of_nothing_is_none() {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.imbalance(b'C', b'B', 10_000, 0, PRICE_E4);
        rehearsal.imbalance(b'C', b'B', 10_000, 9_000, PRICE_E4);
        rehearsal.cross(b'C', 0, 0);
        assert_eq!(rehearsal.told(NAME), []);
    }
}
