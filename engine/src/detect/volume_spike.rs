//! Volume spike: many times the usual volume is printed within ten seconds.
//!
//! Its condition is the volume of the last ten seconds (the running one included) less that of the second that
//! had most: what is left is many times the mean of such windows and many of their standard deviations above
//! it, many times the median print, and worth a least amount. Volumes have a heavy tail: the logarithm of ten
//! seconds of a large stock has a standard deviation of 1.7, by which 60 times the median is 2.3 of them. The
//! tail is of blocks and sweeps, one decision each, and those are over within a second; so the second that had
//! most does not count, and the mean, of samples cut to five standard deviations, is what the rest is
//! measured by. It is judged print by print.
//!
//! Crosses are no prints here: an opening, a close or the end of a halt is no spike. Nor is one block, broken
//! or not.
//!
//! Sources: Karpoff 1987 for volume and price; thresholds are calibrated.

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SECOND_NS;
use crate::detect::detector::Detector;
use crate::detect::episode::HOLD_LEVEL;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.volume_spike`
    VolumeSpike {
        ratio: Ratio = 25, 1..10000, "Times the mean volume of ten seconds.", "calibrated on simulated sessions, seeds 1 to 10; an hour of a large stock has windows of 14 times its mean";
        sigmas: Ratio = 8, 0..1000, "Standard deviations of that volume above its mean.", "calibrated on simulated sessions, seeds 1 to 10";
        prints: Ratio = 40, 1..100000, "Times the median print.", "calibrated on simulated sessions, seeds 1 to 10";
        notional_min: Money = 5_000, 0..1e12, "Worth at least so much.", "calibrated on simulated sessions, seeds 1 to 10: a share may cost cents";
    }
}

/// Seconds that make the window.
const SECONDS: i64 = 10;

/// Seconds in the ring.
const RING: usize = 16;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Shares printed by second.
    ring: [u32; RING],
    /// The second at hand.
    second: i64,
    /// Shares of the last ten seconds.
    sum: u64,
    /// So many shares are half of a spike.
    limit: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(10),
    name: "volume_spike",
    pattern: "a spike of volume",
    figures: &["volume_10s_shares", "mean_ratio", "sigmas", "notional"],
    thresholds: &["ratio", "sigmas", "prints", "notional_min"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Volume,
};

impl State {
    /// Lets seconds end.
    #[cold]
    #[inline(never)]
    fn roll(&mut self, second: i64) {
        let passed = second.wrapping_sub(self.second);
        if !(0..RING as i64).contains(&passed) {
            self.ring = [0; RING];
        } else {
            for at in 1..=passed {
                self.ring[self.second.wrapping_add(at) as usize % RING] = 0;
            }
        }
        self.second = second;
        self.sum = self.last().sum();
    }

    /// Shares of each of the last ten seconds.
    fn last(&self) -> impl Iterator<Item = u64> {
        let of = |ago: i64| u64::from(self.ring[self.second.wrapping_sub(ago) as usize % RING]);
        (0..SECONDS).map(of)
    }

    /// Shares of the one of them that had most.
    fn most(&self) -> u64 {
        self.last().max().unwrap_or(0)
    }
}

impl VolumeSpike {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    fn level(&self, seen: &Seen<'_>, shares: f64, price: f64) -> f64 {
        let volume = seen.profile.volume();
        let ratio = shares / (self.ratio * volume.mean()).max(1.0);
        let sigmas = volume.score(shares, 1.0) / self.sigmas.max(f64::MIN_POSITIVE);
        let prints = shares / (self.prints * seen.profile.print_qty()).max(1.0);
        let notional = shares * price / (self.notional_min * 1e9).max(1.0);
        ratio.min(sigmas).min(prints).min(notional)
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &State, seen: &Seen<'_>) -> Option<Raised> {
        let price = seen.print?.price.0 as f64;
        let shares = state.sum.saturating_sub(state.most()) as f64;
        let level = self.level(seen, shares, price);
        if level < HOLD_LEVEL {
            return None;
        }
        let volume = seen.profile.volume();
        let ratio = shares / volume.mean().max(1.0);
        Some(Raised {
            level,
            since: seen.since(SECONDS * SECOND_NS),
            figures: [state.sum as f64, ratio, volume.score(shares, 1.0), shares * price / 1e9],
            print: None,
        })
    }
}

impl Detector for VolumeSpike {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let qty = seen.print?.qty.0;
        let second = seen.time.0.div_euclid(SECOND_NS);
        if second != state.second {
            state.roll(second);
        }
        let slot = &mut state.ring[second as usize % RING];
        *slot = slot.saturating_add(qty.min(u64::from(u32::MAX)) as u32);
        state.sum = state.sum.saturating_add(qty);
        if state.sum < state.limit {
            return None;
        }
        self.judge(state, seen)
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, _second: &Second) -> Option<Raised> {
        let volume = seen.profile.volume();
        let ratio = self.ratio * volume.mean();
        state.limit = (ratio.max(self.prints * seen.profile.print_qty()) / 2.0) as u64;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{RING, State};
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::detect::settings::Settings;

    const NAME: &str = "volume_spike";

    /// A hundred shares at 100 every second for `seconds`: 1,000 in ten seconds.
    fn trade(rehearsal: &mut Rehearsal, seconds: i64) {
        for _ in 0..seconds {
            rehearsal.hidden(100 * DOLLAR, 100);
            rehearsal.pass(SECOND);
        }
    }

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[
            ("volume_spike", "ratio", 12.0),
            ("volume_spike", "sigmas", 8.0),
            ("volume_spike", "prints", 20.0),
            ("", "reopening", 0.0),
        ]);
        trade(&mut rehearsal, 400);
        rehearsal
    }

    /// So many prints of `shares`, every `gap_ns`.
    fn burst(rehearsal: &mut Rehearsal, prints: u64, shares: u64, gap_ns: i64) {
        for _ in 0..prints {
            rehearsal.hidden(100 * DOLLAR, shares);
            rehearsal.wait(gap_ns);
        }
    }

    #[test]
    fn twelve_times_the_mean_of_ten_seconds_fires_before_they_are_over() {
        // The mean is close to 1,000: of the first ten seconds less. Three seconds have three bursts each.
        for (shares, alerts) in [(1_400, 0), (2_000, 1), (7_000, 1)] {
            let mut rehearsal = market();
            burst(&mut rehearsal, 9, shares, 334 * MS);
            let found = rehearsal.opened(NAME);
            assert_eq!(found.len(), alerts, "{shares}");
            trade(&mut rehearsal, 30);
            let closed = rehearsal.closed(NAME);
            assert_eq!((rehearsal.opened(NAME).len(), closed.len()), (alerts, alerts), "{shares}");
            for alert in found {
                assert!((11.9..14.5).contains(&alert.figures[1]) || shares == 7_000, "{alert:?}");
                assert!(alert.figures[3] >= 1_000_000.0);
            }
        }
    }

    #[test]
    fn it_must_be_worth_a_least_amount() {
        let mut rehearsal = Rehearsal::with(&[
            ("volume_spike", "ratio", 12.0),
            ("volume_spike", "sigmas", 8.0),
            ("volume_spike", "prints", 20.0),
            ("volume_spike", "notional_min", 250_000.0),
        ]);
        for _ in 0..400 {
            rehearsal.hidden(10 * DOLLAR, 100);
            rehearsal.pass(SECOND);
        }
        // Less the second that had most: 24,500 shares with the 900 of the seconds before are 245,000.
        rehearsal.hidden(10 * DOLLAR, 40_000);
        rehearsal.pass(SECOND);
        for (shares, alerts) in [(23_700, 0), (1_000, 1)] {
            rehearsal.hidden(10 * DOLLAR, shares);
            assert_eq!(rehearsal.opened(NAME).len(), alerts);
        }
    }

    #[test]
    fn a_block_and_a_sweep_are_over_within_a_second_and_no_spike() {
        let mut rehearsal = market();
        let block = rehearsal.hidden(100 * DOLLAR, 500_000);
        trade(&mut rehearsal, 30);
        burst(&mut rehearsal, 50, 10_000, 0);
        trade(&mut rehearsal, 30);
        rehearsal.break_print(block);
        assert_eq!(rehearsal.told(NAME).len(), 0);
        // Another one seconds later is no longer a single decision.
        rehearsal.hidden(100 * DOLLAR, 500_000);
        trade(&mut rehearsal, 3);
        rehearsal.hidden(100 * DOLLAR, 500_000);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn breaking_one_of_many_prints_takes_nothing_back() {
        let mut rehearsal = market();
        burst(&mut rehearsal, 20, 2_000, 250 * MS);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        let last = rehearsal.hidden(100 * DOLLAR, 1_000);
        trade(&mut rehearsal, 30);
        let told = rehearsal.told(NAME).len();
        rehearsal.break_print(last);
        assert_eq!(rehearsal.told(NAME).len(), told);
    }

    #[test]
    fn volume_that_grows_over_minutes_is_usual() {
        let mut rehearsal = market();
        for minute in 1..10 {
            for _ in 0..120 {
                burst(&mut rehearsal, 1, 100 + 50 * minute, 0);
                rehearsal.pass(SECOND);
            }
        }
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn crosses_halts_and_what_is_before_the_opening_are_no_spikes() {
        let mut rehearsal = market();
        rehearsal.cross(b'H', 100 * DOLLAR, 1_000_000);
        trade(&mut rehearsal, 5);
        rehearsal.action(b'H');
        rehearsal.pass(MINUTE);
        rehearsal.cross(b'H', 100 * DOLLAR, 1_000_000);
        rehearsal.action(b'T');
        trade(&mut rehearsal, 20);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        rehearsal.action(b'T');
        trade(&mut rehearsal, 100);
        rehearsal.hidden(100 * DOLLAR + CENT, 1_000_000);
        rehearsal.system(b'Q');
        rehearsal.cross(b'O', 100 * DOLLAR, 1_000_000);
        trade(&mut rehearsal, 20);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn what_is_caught_up_after_a_gap_counts_by_its_own_time() {
        let mut rehearsal = market();
        rehearsal.lose(100_000);
        // 1,300 shares every two seconds: 6,500 in ten, however fast they come.
        burst(&mut rehearsal, 20, 1_300, 2 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn the_window_holds_ten_seconds() {
        let mut state: State = bytemuck::Zeroable::zeroed();
        for second in 1_000..1_020 {
            state.roll(second);
            state.ring[second as usize % RING] = 1 << (second - 1_000);
        }
        state.roll(1_020);
        // Seconds 11 to 19; the one at hand is empty.
        assert_eq!((state.sum, state.most()), ((1 << 20) - (1 << 11), 1 << 19));
        state.roll(1_024);
        assert_eq!(state.sum, (1 << 20) - (1 << 15));
        state.roll(2_000);
        assert_eq!((state.sum, state.most()), (0, 0));
        let mut state: State = bytemuck::cast([0xffu8; size_of::<State>()]);
        for second in [5, i64::MIN, i64::MAX] {
            state.roll(second);
            let _ = state.most();
        }
    }
}
