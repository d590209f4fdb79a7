//! Blow-out of the spread: it stands far wider than it usually does, and stays so.
//!
//! Its condition is a spread of six times its median, of half its 99th percentile and of 80 basis points, for
//! half a second without a break, which began as owners took several orders out at once. Feed time that passes
//! suffices, no message of the symbol is needed. The percentile is learnt second by second while the spread
//! is no such.
//!
//! Not meant: a sparse book of which one order leaves, the usual way to a wide spread; a sweep, which takes
//! orders and withdraws none; the minute of messages in which a symbol's spread finds its width, and those after a halt;
//! a side without orders; and stubs, quotes so far off that nobody means them to trade.
//!
//! Sources: CFTC and SEC, Findings regarding the market events of May 6, 2010, for the withdrawal of
//! liquidity and the stub quotes; the percentile by Ma, Muthukrishnan and Sandler 2013 (Frugal-1U).

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
    /// `detect.spread_blowout`
    SpreadBlowout {
        medians: Ratio = 6, 1..1000, "Times the symbol's median spread.", "calibrated on simulated sessions, seeds 1 to 10";
        percentiles: Ratio = 0.5, 0..1000, "Times the 99th percentile of the symbol's spread.", "calibrated on simulated sessions, seeds 1 to 10";
        width_min: BasisPoints = 80, 0..10000, "Basis points of the mid, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        dwell: Time = 500_000_000, 1_000_000..6e10, "It stands so long without a break.", "convention";
        withdrawn: Count = 4, 0..10000, "Orders withdrawn within some 100 ms of its beginning, at least.", "calibrated on simulated sessions, seeds 1 to 10";
        stub: BasisPoints = 5000, 1..20000, "A wider one is of stubs and no spread.", "CFTC and SEC 2010: stub quotes";
    }
}

/// One step of the percentile.
const STEP: f64 = 0.02;

/// How long after its beginning a withdrawal may go on: two slots of the activity.
const WITHDRAWAL_NS: i64 = 2 * SLOT_NS;

/// How often one that lasts is looked at though nothing comes.
const AGAIN_NS: i64 = 500_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The 99th percentile of the spread at the end of a second, 1e-9 units.
    percentile: f64,
    /// The spread that is too wide; 0 while that is not known.
    limit: i64,
    /// Since when it has been; 0 while it is not.
    since_ns: i64,
    /// From which message on.
    since_sequence: u64,
    /// Orders that their owners withdrew as it began.
    withdrawn: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(11),
    name: "spread_blowout",
    pattern: "a blow-out of the spread",
    figures: &["spread_bps", "median_bps", "withdrawn_orders", "duration_ns"],
    thresholds: &["medians", "percentiles", "width_min", "withdrawn"],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Liquidity,
};

impl SpreadBlowout {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    /// What is too wide, by what was usual before the second at hand.
    fn limit(&self, state: &State, seen: &Seen<'_>) -> i64 {
        let (median, mid) = (seen.profile.spread(), seen.touch.mid());
        if !(median > 0.0 && mid > 0.0) {
            return state.limit;
        }
        let usual = (self.medians * median).max(self.percentiles * state.percentile);
        usual.max(self.width_min * mid / 1e4) as i64
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let (touch, now) = (seen.touch, seen.time.0);
        let width_bps = touch.spread_bps();
        if state.limit <= 0
            || width_bps <= 0.0
            || width_bps > self.stub
            || !SPEC.phases.has(seen.phase)
        {
            state.since_ns = 0;
            return None;
        }
        let breadth = touch.spread() as f64 / state.limit as f64;
        if state.since_ns == 0 {
            if breadth >= 1.0 {
                (state.since_ns, state.since_sequence) = (now, seen.sequence.0);
                state.withdrawn = 0;
                self.look_again(state, seen);
            }
            return None;
        }
        let stood = now.saturating_sub(state.since_ns).max(0);
        let is_long = stood as f64 >= self.dwell;
        let hold = if is_long { HOLD_LEVEL } else { 1.0 };
        if breadth < hold {
            state.since_ns = 0;
            return None;
        }
        let around = seen.activity.withdrawn_around(Nanos(state.since_ns));
        state.withdrawn = state.withdrawn.max(around.into());
        if !is_long {
            self.look_again(state, seen);
            return None;
        }
        let withdrawn = state.withdrawn as f64;
        let level = breadth.min(withdrawn / self.withdrawn.max(f64::MIN_POSITIVE));
        if level < HOLD_LEVEL {
            return None;
        }
        seen.wake_at(Nanos(now.saturating_add(AGAIN_NS)));
        let in_bps = width_bps / touch.spread() as f64;
        Some(Raised {
            level,
            since: Since { time: Nanos(state.since_ns), sequence: Sequence(state.since_sequence) },
            figures: [width_bps, seen.profile.spread() * in_bps, withdrawn, stood as f64],
            print: None,
        })
    }

    /// Asks to be woken when those who withdraw have done so, and when it has stood long enough.
    fn look_again(&self, state: &State, seen: &Seen<'_>) {
        let due = |span_ns: i64| state.since_ns.saturating_add(span_ns);
        let (withdrawn, stood) = (due(WITHDRAWAL_NS), due(self.dwell as i64));
        seen.wake_at(Nanos(if seen.time.0 < withdrawn { withdrawn.min(stood) } else { stood }));
    }

    /// Whether a quote is too wide, or one was.
    #[inline(always)]
    pub(super) fn is_quote_of_concern(&self, state: &State, touch: &Touch) -> bool {
        touch.spread() >= state.limit || state.since_ns != 0
    }
}

impl State {
    /// Takes the spread at the end of a second into the percentile.
    fn learn(&mut self, spread: f64) {
        if spread <= 0.0 {
            return;
        }
        let percentile = self.percentile;
        self.percentile = if spread > percentile && percentile > 0.0 {
            (percentile * (1.0 + STEP * 0.99)).min(spread)
        } else if percentile > 0.0 {
            (percentile * (1.0 - STEP * 0.01)).max(spread)
        } else {
            spread
        };
    }
}

impl Detector for SpreadBlowout {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if self.is_quote_of_concern(state, &seen.touch) { self.judge(state, seen) } else { None }
    }

    #[inline(always)]
    fn on_second(&self, state: &mut State, seen: &Seen<'_>, second: &Second) -> Option<Raised> {
        let raised = if state.since_ns == 0 { None } else { self.judge(state, seen) };
        state.limit = self.limit(state, seen);
        if state.since_ns == 0 && seen.phase.is_usual() {
            state.learn(second.touch.spread() as f64);
        }
        raised
    }

    #[inline(always)]
    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.since_ns == 0 { None } else { self.judge(state, seen) }
    }
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable as _;

    use super::State;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const NAME: &str = "spread_blowout";

    /// Past the opening: a bid at 100 and an ask at 100.10, unchanged for 80 s with messages; asks, the best
    /// first.
    fn market() -> (Rehearsal, Vec<u64>) {
        let mut rehearsal = Rehearsal::with(&[("", "opening", 0.0)]);
        rehearsal.add(Side::Buy, 100 * DOLLAR, 500);
        let mut asks = vec![rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500)];
        asks.extend((0..9).map(|_| rehearsal.add(Side::Sell, 200 * DOLLAR, 500)));
        breathe(&mut rehearsal, 80);
        (rehearsal, asks)
    }

    /// The owners of so many asks, the best first, take them out.
    fn withdraw(rehearsal: &mut Rehearsal, asks: &[u64], orders: usize) {
        asks[..orders].iter().for_each(|ask| rehearsal.delete(*ask));
    }

    /// Messages far from the best, one a second.
    fn breathe(rehearsal: &mut Rehearsal, seconds: i64) {
        for _ in 0..seconds {
            let order = rehearsal.add(Side::Buy, 50 * DOLLAR, 100);
            rehearsal.pass(SECOND / 2);
            rehearsal.delete(order);
            rehearsal.pass(SECOND / 2);
        }
    }

    /// The best ask goes to `ask`, and after `for_ns` back; alerts that have opened.
    fn widened(ask: i64, for_ns: i64) -> Rehearsal {
        let (mut rehearsal, asks) = market();
        let wide = rehearsal.add(Side::Sell, ask, 500);
        withdraw(&mut rehearsal, &asks, 4);
        rehearsal.pass(for_ns);
        rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        rehearsal.delete(wide);
        breathe(&mut rehearsal, 5);
        rehearsal
    }

    #[test]
    fn six_times_the_median_and_eighty_basis_points_for_half_a_second_fire() {
        // Six times 10 cents is 60 cents; 80 bp are 80 cents of 100 and 81 of 100.40.
        for (ask, alerts) in [(81, 1), (80, 0), (60, 0), (300, 1)] {
            let rehearsal = widened(100 * DOLLAR + ask * CENT, SECOND);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{ask}");
            assert_eq!(rehearsal.closed(NAME).len(), alerts, "{ask}");
        }
    }

    #[test]
    fn where_usual_spreads_are_wide_six_times_the_median_decides() {
        for (ask, alerts) in [(590, 0), (610, 1)] {
            let mut rehearsal = Rehearsal::with(&[("", "opening", 0.0)]);
            rehearsal.add(Side::Buy, 100 * DOLLAR, 500);
            let mut asks = vec![rehearsal.add(Side::Sell, 101 * DOLLAR, 500)];
            asks.extend((0..9).map(|_| rehearsal.add(Side::Sell, 200 * DOLLAR, 500)));
            breathe(&mut rehearsal, 80);
            rehearsal.add(Side::Sell, 100 * DOLLAR + ask * CENT, 500);
            withdraw(&mut rehearsal, &asks, 5);
            rehearsal.pass(SECOND);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{ask}");
        }
    }

    #[test]
    fn four_orders_must_be_withdrawn_as_it_begins() {
        for (orders, alerts) in [(1, 0), (3, 0), (4, 1), (8, 1)] {
            let (mut rehearsal, asks) = market();
            rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
            withdraw(&mut rehearsal, &asks, orders);
            rehearsal.pass(SECOND);
            let opened = rehearsal.opened(NAME);
            assert_eq!(opened.len(), alerts, "{orders}");
            opened.iter().for_each(|alert| assert_eq!(alert.figures[2], orders as f64));
        }
    }

    #[test]
    fn orders_withdrawn_long_before_or_after_are_no_part_of_it_and_replaced_ones_are() {
        let (mut rehearsal, asks) = market();
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        asks[1..5].iter().for_each(|ask| rehearsal.delete(*ask));
        rehearsal.wait(250 * MS);
        rehearsal.delete(asks[0]);
        rehearsal.wait(250 * MS);
        asks[5..9].iter().for_each(|ask| rehearsal.delete(*ask));
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let (mut rehearsal, asks) = market();
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        for ask in &asks[..4] {
            rehearsal.replace(*ask, 150 * DOLLAR, 500);
        }
        rehearsal.pass(SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn a_sweep_withdraws_nothing() {
        let (mut rehearsal, asks) = market();
        for level in 0..6 {
            let ask = rehearsal.add(Side::Sell, 100 * DOLLAR + level * CENT + CENT, 100);
            rehearsal.execute(ask, 100);
        }
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        rehearsal.execute(asks[0], 500);
        rehearsal.pass(3 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn it_must_stand_half_a_second_and_no_message_is_needed_for_that() {
        assert_eq!(widened(101 * DOLLAR, 390 * MS).opened(NAME).len(), 0);
        let rehearsal = widened(101 * DOLLAR, 700 * MS);
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        let stood = opened[0].figures[3];
        assert!((500e6..=600e6).contains(&stood), "at the next line of 100 ms: {stood}");
        // 1.00 on a mid of 100.50.
        assert!((opened[0].figures[0] - 99.502).abs() < 0.001, "{opened:?}");
    }

    #[test]
    fn a_break_begins_anew() {
        let (mut rehearsal, asks) = market();
        rehearsal.add(Side::Sell, 101 * DOLLAR, 500);
        withdraw(&mut rehearsal, &asks, 5);
        for _ in 0..5 {
            rehearsal.pass(350 * MS);
            let narrow = rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 100);
            rehearsal.wait(MS);
            rehearsal.delete(narrow);
        }
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_long_one_is_one_alert_from_its_first_message_on() {
        let (mut rehearsal, asks) = market();
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        rehearsal.delete(asks[0]);
        let (began, at) = (rehearsal.sequence(), rehearsal.now());
        withdraw(&mut rehearsal, &asks[1..], 3);
        rehearsal.pass(10 * SECOND);
        let ended = rehearsal.now();
        rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        breathe(&mut rehearsal, 5);
        let closed = rehearsal.closed(NAME);
        assert_eq!((rehearsal.opened(NAME).len(), closed.len()), (1, 1));
        assert_eq!((closed[0].first.0, closed[0].start.0), (began, at));
        assert!(ended - closed[0].end.0 <= 600 * MS);
    }

    #[test]
    fn one_side_alone_and_stubs_have_no_spread() {
        let (mut rehearsal, asks) = market();
        withdraw(&mut rehearsal, &asks, 5);
        rehearsal.pass(5 * SECOND);
        // 100 and 200: 66 % of the mid.
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn a_spread_that_is_often_so_wide_is_usual() {
        let mut percentile = State { percentile: 10.0, ..State::zeroed() };
        for second in 0..20_000 {
            percentile.learn(if second % 30 == 0 { 60.0 } else { 10.0 });
        }
        assert!(percentile.percentile > 45.0, "{percentile:?}: more than one in a hundred");
        for second in 0..20_000 {
            percentile.learn(if second % 400 == 0 { 60.0 } else { 10.0 });
        }
        assert!(percentile.percentile < 20.0, "{percentile:?}: fewer than one in a hundred");
    }

    #[test]
    fn in_a_halt_after_it_and_in_the_first_minute_of_messages_it_is_not_armed() {
        let (mut rehearsal, asks) = market();
        rehearsal.action(b'H');
        rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
        withdraw(&mut rehearsal, &asks, 5);
        rehearsal.pass(10 * SECOND);
        rehearsal.action(b'T');
        rehearsal.pass(4 * MINUTE);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        // Of market hours: as the opening finds a spread, and once it has found it.
        for (seconds, alerts) in [(50, 0), (70, 1)] {
            let mut rehearsal = Rehearsal::with(&[]);
            rehearsal.add(Side::Buy, 100 * DOLLAR, 500);
            let mut asks = vec![rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500)];
            asks.extend((0..9).map(|_| rehearsal.add(Side::Sell, 200 * DOLLAR, 500)));
            breathe(&mut rehearsal, seconds);
            rehearsal.add(Side::Sell, 102 * DOLLAR, 500);
            withdraw(&mut rehearsal, &asks, 5);
            rehearsal.pass(SECOND);
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{seconds}");
        }
    }

    #[test]
    fn a_gap_is_no_dwell_of_what_stands_only_after_it() {
        let (mut rehearsal, asks) = market();
        rehearsal.lose(1_000);
        rehearsal.pass(5 * SECOND);
        rehearsal.add(Side::Sell, 101 * DOLLAR, 500);
        withdraw(&mut rehearsal, &asks, 5);
        rehearsal.pass(300 * MS);
        rehearsal.add(Side::Sell, 100 * DOLLAR + 10 * CENT, 500);
        breathe(&mut rehearsal, 3);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }
}
