//! Marking the close: in the last minute before the closing cross one side buys or sells the price away, and
//! the cross prints there.
//!
//! Keeps the prints of the closing run, which begins with the symbol's first imbalance for the closing cross:
//! the last minute in six buckets of ten seconds, the one at hand included, and all before them together.
//! When the cross prints, its condition is a price that differs from the average before the last minute by
//! half a percent and by a standard deviation of a minute's change, a volume of the last minute of twice the
//! usual minute of the run, and three tenths of it net from aggressors of the side that moved the price.
//!
//! Not told apart: rebalances of an index and days of expiry, which move the close for a reason. That the
//! price comes back the next day, which the literature asks for, is not known yet.
//!
//! Sources: Comerton-Forde and Putniņš 2011, "Measuring closing price manipulation" (ssrn 1009001).

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SECOND_NS;
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::Raised;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::event::Kind;
use crate::prints::Print;
use crate::units::Side;

crate::parameters! {
    /// `detect.marking_the_close`
    MarkingTheClose {
        move_min: Ratio = 0.005, 0.0001..1, "Part of the price that the close differs, at least.", "calibrated on simulated sessions, seeds 1 to 3";
        sigmas: Ratio = 1, 0..1000, "Standard deviations of the mid's change over a minute that it differs.", "calibrated on simulated sessions, seeds 1 to 3";
        volume_ratio: Ratio = 2, 0.1..1000, "Volume of the last minute by that of a usual one of the closing run.", "calibrated on simulated sessions, seeds 1 to 3";
        net: Ratio = 0.3, 0.01..1, "Part of that volume that is net from one side's aggressors.", "calibrated on simulated sessions, seeds 1 to 3";
    }
}

/// Length of a bucket.
const BUCKET_NS: i64 = 10 * SECOND_NS;

/// Buckets that make the last minute.
const BUCKETS: usize = 6;

/// Buckets before those, at least, by which the run is judged.
const BUCKETS_BEFORE_MIN: i64 = 6;

/// Prints of ten seconds.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Bucket {
    /// Shares.
    shares: f32,
    /// Shares that aggressors bought less those that they sold.
    net: f32,
    /// Sum of price by shares, currency units.
    notional: f32,
    /// Standard deviation of a second's return when it began.
    sigma: f32,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The last minute, by number.
    buckets: [Bucket; BUCKETS],
    /// Number of the bucket at hand.
    number: i64,
    /// Number of the first one of the run; 0 before.
    first: i64,
    /// Shares before the last minute.
    shares: f64,
    /// Sum of price by shares before the last minute.
    notional: f64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(21),
    name: "marking_the_close",
    pattern: "marking of the close",
    figures: &["move", "move_sigmas", "volume_ratio", "net_share"],
    thresholds: &["move_min", "sigmas", "volume_ratio", "net"],
    phases: Phases::TRADING,
    warm_up_seconds: 60,
    family: Family::Price,
};

fn place(number: i64) -> usize {
    number.rem_euclid(BUCKETS as i64) as usize
}

impl State {
    /// Lets buckets end up to one.
    fn roll(&mut self, number: i64, sigma: f64) {
        if self.first == 0 {
            (self.first, self.number) = (number, number);
            self.buckets[place(number)].sigma = sigma as f32;
        }
        let passed = number.saturating_sub(self.number).clamp(0, BUCKETS as i64);
        for at in (1..=passed).map(|ahead| place(self.number.wrapping_add(ahead))) {
            self.shares += f64::from(self.buckets[at].shares);
            self.notional += f64::from(self.buckets[at].notional);
            self.buckets[at] = Bucket { sigma: sigma as f32, ..Zeroable::zeroed() };
        }
        self.number = self.number.max(number);
    }

    fn take(&mut self, print: &Print) {
        let bucket = &mut self.buckets[place(self.number)];
        let shares = print.qty.0 as f32;
        bucket.shares += shares;
        bucket.notional += (print.price.0 as f64 / 1e9 * print.qty.0 as f64) as f32;
        bucket.net += match print.aggressor {
            Some(Side::Buy) => shares,
            Some(Side::Sell) => -shares,
            None => 0.0,
        };
    }
}

impl MarkingTheClose {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }

    #[cold]
    #[inline(never)]
    fn printed(state: &mut State, seen: &Seen<'_>, print: &Print) {
        let number = seen.time.0.div_euclid(BUCKET_NS);
        if number != state.number || state.first == 0 {
            state.roll(number, seen.profile.mid_return().sigma());
        }
        state.take(print);
    }

    fn judge(&self, state: &mut State, seen: &Seen<'_>, cross: &Print) -> Option<Raised> {
        if state.first == 0 {
            return None;
        }
        let number = seen.time.0.div_euclid(BUCKET_NS);
        state.roll(number, seen.profile.mid_return().sigma());
        let buckets_before = number.saturating_sub(BUCKETS as i64 - 1).saturating_sub(state.first);
        if buckets_before < BUCKETS_BEFORE_MIN || !(state.shares > 0.0 && state.notional > 0.0) {
            return None;
        }
        let sum = |of: fn(&Bucket) -> f32| -> f64 {
            state.buckets.iter().map(|bucket| f64::from(of(bucket))).sum()
        };
        let (shares, net) = (sum(|it| it.shares), sum(|it| it.net));
        let away = cross.price.0 as f64 / 1e9 / (state.notional / state.shares) - 1.0;
        // The bucket at hand is not over.
        let begun_ns = number.saturating_sub(BUCKETS as i64 - 1).saturating_mul(BUCKET_NS);
        let buckets = seen.time.0.saturating_sub(begun_ns) as f64 / BUCKET_NS as f64;
        let oldest = &state.buckets[place(number.wrapping_add(1))];
        let minute_sigma = f64::from(oldest.sigma).max(1e-6) * 60f64.sqrt();
        let volume_ratio = shares / buckets.max(1.0) / (state.shares / buckets_before as f64);
        let net_share = net / shares.max(1.0);
        let (far, sigmas) = (away.abs(), away.abs() / minute_sigma);
        let level = (far / self.move_min)
            .min(sigmas / self.sigmas.max(0.001))
            .min(volume_ratio / self.volume_ratio)
            .min(net_share * away.signum() / self.net);
        (level >= 0.5).then_some(Raised {
            level,
            since: seen.since(BUCKETS as i64 * BUCKET_NS),
            figures: [away, sigmas, volume_ratio, net_share],
            print: Some(cross.match_number),
        })
    }
}

impl Detector for MarkingTheClose {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if matches!(seen.phase, Phase::Closing)
            && let Some(print) = seen.print
        {
            MarkingTheClose::printed(state, seen, print);
        }
        None
    }

    #[inline(always)]
    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let cross = seen.print?;
        if seen.event.kind == Kind::Cross as u8 && seen.event.code() == b'C' {
            return self.judge(state, seen, cross);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::detect::rehearsal::{CENT, DOLLAR, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "marking_the_close";

    /// A session up to the closing run, and five minutes of that: 100 shares a second around 100, and a
    /// mid that goes a cent to and fro.
    fn market() -> Rehearsal {
        market_of(strict(), CENT)
    }

    /// With thresholds above those that hold by default.
    fn strict() -> Rehearsal {
        Rehearsal::with(&[
            ("marking_the_close", "move_min", 0.01),
            ("marking_the_close", "sigmas", 4.0),
            ("marking_the_close", "volume_ratio", 3.0),
            ("marking_the_close", "net", 0.5),
            ("", "opening", 0.0),
        ])
    }

    /// With those that hold by default, and a bid that swings by so much each second.
    fn shipped(swing: i64) -> Rehearsal {
        market_of(Rehearsal::with(&[("", "opening", 0.0)]), swing)
    }

    fn market_of(mut rehearsal: Rehearsal, swing: i64) -> Rehearsal {
        rehearsal.add(Side::Buy, 99 * DOLLAR, 500);
        rehearsal.add(Side::Sell, 110 * DOLLAR, 500);
        swinging_seconds(&mut rehearsal, 80, swing);
        rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
        swinging_seconds(&mut rehearsal, 300, swing);
        rehearsal
    }

    fn seconds(rehearsal: &mut Rehearsal, count: i64) {
        swinging_seconds(rehearsal, count, CENT);
    }

    fn swinging_seconds(rehearsal: &mut Rehearsal, count: i64, swing: i64) {
        for second in 0..count {
            let side = if second % 2 == 0 { Side::Buy } else { Side::Sell };
            rehearsal.trade(side, 100 * DOLLAR, 100);
            let order = rehearsal.add(Side::Buy, 99 * DOLLAR + second % 2 * swing, 100);
            rehearsal.pass(SECOND);
            rehearsal.delete(order);
        }
    }

    /// Fifty seconds with so much bought and sold every five of them, and a close at `cents` above 100.
    fn closed_at(rehearsal: &mut Rehearsal, bought: u64, sold: u64, cents: i64) -> u64 {
        for turn in 1..=10 {
            let price = 100 * DOLLAR + cents * CENT * turn / 10;
            if bought > 0 {
                rehearsal.trade(Side::Sell, price, bought);
            }
            if sold > 0 {
                rehearsal.trade(Side::Buy, price, sold);
            }
            rehearsal.pass(5 * SECOND);
        }
        rehearsal.cross(b'C', 100 * DOLLAR + cents * CENT, 20_000)
    }

    #[test]
    fn a_close_that_one_side_bought_away_in_the_last_minute_is_marked() {
        for (why, bought, sold, cents, alerts) in [
            ("one percent up", 2_000, 200, 101, 1),
            ("three percent up", 3_000, 0, 300, 1),
            ("not one percent", 2_000, 200, 98, 0),
            ("both sides", 1_500, 1_000, 200, 0),
            ("little volume", 1_400, 0, 200, 0),
            ("down, sold", 0, 2_500, -150, 1),
            ("down, bought", 2_500, 0, -150, 0),
        ] {
            let mut rehearsal = market();
            closed_at(&mut rehearsal, bought, sold, cents);
            let opened = rehearsal.opened(NAME);
            assert_eq!(opened.len(), alerts, "{why}");
            for alert in opened {
                assert!((alert.figures[0] - cents as f64 / 10_000.0).abs() < 1e-5, "{alert:?}");
                // A fifth of it in ten seconds, where 1,000 are usual.
                let ratio = (bought + sold) as f64 * 2.0 / 1_000.0;
                assert!((alert.figures[2] - ratio).abs() < 1e-3, "{alert:?}");
            }
        }
    }

    #[test]
    fn its_default_thresholds_count_from_their_very_values_on() {
        for (why, bought, sold, cents, alerts) in [
            ("half a percent", 2_000, 200, 51, 1),
            ("less", 2_000, 200, 49, 0),
            ("down, half a percent", 200, 2_000, -51, 1),
            ("down, less", 200, 2_000, -49, 0),
            // 10,000 shares in 50 seconds, where 5,000 are usual; of them net 3,000.
            ("twice the volume, three tenths net", 650, 350, 60, 1),
            ("less volume", 700, 299, 60, 0),
            ("less net", 649, 351, 60, 0),
        ] {
            let mut rehearsal = shipped(CENT);
            closed_at(&mut rehearsal, bought, sold, cents);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{why}");
        }
        // Where mids swing, a deviation of a minute's change is more than half a percent: the figure tells
        // how much.
        let sigmas = |cents: i64| {
            let mut rehearsal = shipped(40 * CENT);
            closed_at(&mut rehearsal, 2_000, 200, cents);
            rehearsal.opened(NAME).first().map(|alert| alert.figures[1])
        };
        let least = (400.0 / sigmas(400).unwrap()) as i64;
        assert!((60..400).contains(&least), "{least}");
        assert_eq!(sigmas(least), None);
        assert!(sigmas(least + 1).is_some());
    }

    #[test]
    fn if_the_cross_is_broken_it_is_taken_back() {
        let mut rehearsal = market();
        let cross = closed_at(&mut rehearsal, 2_000, 0, 200);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
        rehearsal.pass(10 * SECOND);
        let told = rehearsal.told(NAME).len();
        rehearsal.break_print(cross);
        assert_eq!(rehearsal.told(NAME).len(), told + 1);
    }

    #[test]
    fn other_crosses_and_a_close_without_a_closing_run_are_none() {
        let mut rehearsal = market();
        rehearsal.cross(b'H', 110 * DOLLAR, 20_000);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let mut rehearsal = strict();
        seconds(&mut rehearsal, 300);
        closed_at(&mut rehearsal, 2_000, 0, 200);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        // A run of less than two minutes says nothing of what is usual.
        let mut rehearsal = strict();
        seconds(&mut rehearsal, 300);
        rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
        seconds(&mut rehearsal, 30);
        closed_at(&mut rehearsal, 2_000, 0, 200);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_halt_or_a_gap_in_the_last_minute_leaves_no_volume_to_mark_it_by() {
        for is_halt in [true, false] {
            let mut rehearsal = market();
            if is_halt {
                rehearsal.action(b'H');
            } else {
                rehearsal.lose(50_000);
            }
            rehearsal.pass(70 * SECOND);
            rehearsal.cross(b'C', 104 * DOLLAR, 20_000);
            assert_eq!(rehearsal.opened(NAME).len(), 0);
        }
    }

    #[test]
    fn after_market_hours_the_cross_is_still_the_close() {
        let mut rehearsal = market();
        for _ in 0..10 {
            rehearsal.trade(Side::Sell, 102 * DOLLAR, 2_000);
            rehearsal.pass(5 * SECOND);
        }
        rehearsal.system(b'M');
        rehearsal.cross(b'C', 102 * DOLLAR, 20_000);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn any_bytes_are_a_state() {
        for byte in [0xffu8, 0x7f, 0x80] {
            let mut state: State = bytemuck::cast([byte; size_of::<State>()]);
            [7, i64::MIN, i64::MAX].into_iter().for_each(|number| state.roll(number, 1.0));
        }
        assert_eq!(size_of::<State>(), 128);
    }
}
