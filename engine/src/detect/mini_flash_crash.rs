//! Mini flash crash: the price of prints runs one way through many changes within a second or so, and far.
//!
//! Its condition is Nanex's: at least ten changes one way before one back, within 1.5 s, that make more than
//! 0.8 %. A run that lasts longer is looked at by its end: the window slides to the first change that lies
//! within it, of the last ten that are kept. Prints at an unchanged price count neither way.
//!
//! One order that sweeps a thin book gives ten prints at one time and meets the same rule: then the level is
//! halved, so that it takes a sweep of twice as much. A price from before a halt, or more than a minute old,
//! is none to count a change from.
//!
//! Sources: Nanex, Flash Crash Analysis (2010), which finds 1,041 down and 777 up in a year of US stocks.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::Raised;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::Nanos;

crate::parameters! {
    /// `detect.mini_flash_crash`
    MiniFlashCrash {
        changes: Count = 10, 2..1000, "Changes of the price one way before one back.", "Nanex, Flash Crash Analysis";
        window: Time = 1_500_000_000, 1_000_000..6e10, "Within so long.", "Nanex, Flash Crash Analysis";
        move_min: Ratio = 0.008, 0.0001..1, "More than this part of the price.", "Nanex, Flash Crash Analysis";
        timestamps: Count = 3, 1..1000, "Distinct times of the changes, in whole microseconds; with a single one the level is half.", "calibrated: a single order's sweep has one";
    }
}

/// Changes of a run that are kept.
const CHANGES: usize = 10;

/// Prices in the ring count in units of 1e-4.
const PRICE_UNIT: i64 = 100_000;

/// A price that printed longer ago is none to count a change from.
const PRICE_AGE_MAX_NS: i64 = 60_000_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The last print's price; 0 before the first.
    last_price: i64,
    /// When it printed.
    last_ns: i64,
    /// The first change of the run, or of what the window holds of it.
    first_ns: i64,
    /// The price before that.
    first_price: i64,
    /// The last changes: µs after the first, and how far the price had run before, in units.
    ring: [[u32; 2]; CHANGES],
    /// Changes of the run within the window.
    changes: u32,
    /// Those with a time of their own.
    distinct: u32,
    /// 1 up, -1 down.
    direction: i32,
    /// Where the next change goes in the ring.
    next: u32,
}

static SPEC: Spec = Spec {
    code: DetectorCode(8),
    name: "mini_flash_crash",
    pattern: "a mini flash crash or spike",
    figures: &["changes", "move", "duration_ns", "distinct_timestamps"],
    thresholds: &["changes", "move_min", "window", "timestamps"],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Price,
};

impl State {
    /// Another price has printed.
    fn change(&mut self, direction: i32, before: i64, now_ns: i64, window_ns: i64) {
        let elapsed = now_ns.wrapping_sub(self.first_ns);
        // A run can be too old for what the ring counts by: then nothing of it is within the window.
        let is_on = self.changes > 0
            && self.direction == direction
            && (0..=2 * 60 * 1_000_000_000).contains(&elapsed);
        if !is_on {
            (self.first_ns, self.first_price) = (now_ns, before);
            (self.changes, self.distinct, self.next) = (0, 0, 0);
            self.direction = direction;
        }
        let after_us = (now_ns.wrapping_sub(self.first_ns) / 1_000).clamp(0, i64::from(u32::MAX));
        let run = (before.wrapping_sub(self.first_price) / PRICE_UNIT).unsigned_abs();
        let entry = [after_us as u32, run.min(u64::from(u32::MAX)) as u32];
        let last = self.ring[(self.next as usize + CHANGES - 1) % CHANGES];
        if self.changes == 0 || last[0] != entry[0] {
            self.distinct = self.distinct.saturating_add(1);
        }
        self.ring[self.next as usize % CHANGES] = entry;
        self.next = (self.next.wrapping_add(1)) % CHANGES as u32;
        self.changes = self.changes.saturating_add(1);
        if now_ns.wrapping_sub(self.first_ns) > window_ns {
            self.slide(after_us, window_ns / 1_000);
        }
    }

    /// Lets the run begin at the oldest change that is kept and lies within the window.
    fn slide(&mut self, now_us: i64, window_us: i64) {
        let kept = self.changes.min(CHANGES as u32) as usize;
        let mut rest = [[0; 2]; CHANGES];
        let mut count = 0;
        for back in (1..=kept).rev() {
            let entry = self.ring[(self.next as usize + CHANGES - back) % CHANGES];
            if now_us.saturating_sub(i64::from(entry[0])) <= window_us {
                rest[count] = entry;
                count += 1;
            }
        }
        let first = rest[0];
        self.first_ns = self.first_ns.wrapping_add(i64::from(first[0]) * 1_000);
        let run = i64::from(first[1]).saturating_mul(PRICE_UNIT);
        self.first_price =
            self.first_price.wrapping_add(run.wrapping_mul(i64::from(self.direction)));
        self.distinct = 0;
        for at in 0..count {
            rest[at] = [rest[at][0].saturating_sub(first[0]), rest[at][1].saturating_sub(first[1])];
            self.distinct += u32::from(at == 0 || rest[at][0] != rest[at - 1][0]);
        }
        (self.ring, self.changes) = (rest, count as u32);
        self.next = (count % CHANGES) as u32;
    }
}

impl MiniFlashCrash {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        // The way back belongs to the way there.
        Arming { cool_down: 5e9, ..Arming::default() }
    }

    #[cold]
    #[inline(never)]
    fn changed(&self, state: &mut State, seen: &Seen<'_>, price: i64) -> Option<Raised> {
        let (before, before_ns) = (state.last_price, state.last_ns);
        (state.last_price, state.last_ns) = (price, seen.time.0);
        let age = seen.time.0.wrapping_sub(before_ns);
        if before <= 0 || price <= 0 || !(0..=PRICE_AGE_MAX_NS).contains(&age) {
            state.changes = 0;
            return None;
        }
        let direction = if price > before { 1 } else { -1 };
        state.change(direction, before, seen.time.0, self.window as i64);
        self.judge(state, seen, price)
    }

    fn judge(&self, state: &State, seen: &Seen<'_>, price: i64) -> Option<Raised> {
        let changes = f64::from(state.changes);
        if changes < self.changes / 2.0 || state.first_price <= 0 {
            return None;
        }
        let run = price.wrapping_sub(state.first_price).unsigned_abs() as f64;
        let run_min = self.move_min * state.first_price as f64;
        let mut level = (changes / self.changes).min(run / run_min);
        if run <= run_min {
            level = level.min(0.99);
        }
        let spread_out =
            f64::from(state.distinct.saturating_sub(1)) / (self.timestamps - 1.0).max(1.0);
        if self.timestamps > 1.0 {
            level *= 0.5 + 0.5 * spread_out.min(1.0);
        }
        let duration_ns = seen.time.0.wrapping_sub(state.first_ns);
        let mut since = seen.since(duration_ns);
        since.time = Nanos(state.first_ns);
        Some(Raised {
            level,
            since,
            figures: [
                changes,
                run / state.first_price as f64 * f64::from(state.direction),
                duration_ns as f64,
                f64::from(state.distinct),
            ],
            print: None,
        })
    }
}

impl Detector for MiniFlashCrash {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let print = seen.print?;
        if print.price.0 == state.last_price {
            state.last_ns = seen.time.0;
            return None;
        }
        if matches!(seen.phase, Phase::Halted) {
            state.last_price = 0;
            return None;
        }
        self.changed(state, seen, print.price.0)
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::detect::settings::Settings;
    use crate::units::Side;

    const NAME: &str = "mini_flash_crash";

    /// A print at 100, then `changes` prints every `gap_ns`, each `step` further.
    fn run(rehearsal: &mut Rehearsal, changes: i64, step: i64, gap_ns: i64) {
        rehearsal.hidden(100 * DOLLAR, 100);
        for change in 1..=changes {
            rehearsal.wait(gap_ns);
            rehearsal.hidden(100 * DOLLAR + change * step, 100);
        }
    }

    fn opened_by(changes: i64, step: i64, gap_ns: i64) -> usize {
        let mut rehearsal = Rehearsal::with(&[]);
        run(&mut rehearsal, changes, step, gap_ns);
        rehearsal.pass(10 * SECOND);
        assert_eq!(rehearsal.closed(NAME).len(), rehearsal.opened(NAME).len());
        rehearsal.opened(NAME).len()
    }

    #[test]
    fn ten_changes_one_way_of_more_than_eight_tenths_of_a_percent_within_a_second_and_a_half_fire()
    {
        // Ten steps of 9 cents are 0.9 %; nine of them too few; of 8 cents exactly 0.8 %, which is not more.
        assert_eq!(opened_by(10, -9 * CENT, 100 * MS), 1);
        assert_eq!(opened_by(10, 9 * CENT, 100 * MS), 1);
        assert_eq!(opened_by(9, -12 * CENT, 100 * MS), 0);
        assert_eq!(opened_by(10, -8 * CENT, 100 * MS), 0);
        // From the first change to the tenth: nine gaps, 1,494 ms, and 1,503 ms.
        assert_eq!(opened_by(10, -9 * CENT, 166 * MS), 1);
        assert_eq!(opened_by(10, -9 * CENT, 167 * MS), 0);
    }

    #[test]
    fn its_figures_are_those_of_the_run() {
        let mut rehearsal = Rehearsal::with(&[]);
        run(&mut rehearsal, 20, -10 * CENT, 50 * MS);
        let last = rehearsal.now();
        rehearsal.pass(10 * SECOND);
        let closed = rehearsal.closed(NAME);
        assert_eq!(closed.len(), 1);
        let figures = closed[0].figures;
        assert_eq!((figures[0], figures[2], figures[3]), (20.0, 950e6, 20.0));
        assert!((figures[1] + 0.02).abs() < 1e-12, "{figures:?}");
        assert_eq!((closed[0].start.0, closed[0].end.0), (last - 950 * MS, last));
    }

    #[test]
    fn a_change_back_begins_anew_and_an_unchanged_price_does_not() {
        let mut rehearsal = Rehearsal::with(&[]);
        run(&mut rehearsal, 6, -15 * CENT, 50 * MS);
        rehearsal.hidden(100 * DOLLAR - 89 * CENT, 100);
        rehearsal.wait(50 * MS);
        for change in 1..=6 {
            rehearsal.hidden(100 * DOLLAR - 89 * CENT - change * 15 * CENT, 100);
            rehearsal.wait(50 * MS);
        }
        rehearsal.pass(10 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        let mut rehearsal = Rehearsal::with(&[]);
        for change in 0..=10 {
            rehearsal.hidden(100 * DOLLAR - change * 9 * CENT, 100);
            rehearsal.wait(50 * MS);
            rehearsal.hidden(100 * DOLLAR - change * 9 * CENT, 100);
            rehearsal.wait(50 * MS);
        }
        assert_eq!(rehearsal.opened(NAME).len(), 1);
    }

    #[test]
    fn a_slow_run_that_becomes_a_fall_is_judged_by_its_end() {
        let mut rehearsal = Rehearsal::with(&[]);
        // A cent every two seconds, then 11 changes of 9 cents.
        run(&mut rehearsal, 15, -CENT, 2 * SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
        for change in 1..=11 {
            rehearsal.wait(50 * MS);
            rehearsal.hidden(100 * DOLLAR - 15 * CENT - change * 9 * CENT, 100);
        }
        let opened = rehearsal.opened(NAME);
        assert_eq!(opened.len(), 1);
        assert_eq!(opened[0].figures[0], 10.0, "those within the window");
    }

    #[test]
    fn a_single_orders_sweep_must_be_twice_as_much() {
        assert_eq!(opened_by(19, -10 * CENT, 0), 0);
        assert_eq!(opened_by(20, -10 * CENT, 0), 1);
        assert_eq!(opened_by(20, -7 * CENT, 0), 0, "1.4 %");
    }

    #[test]
    fn three_distinct_times_make_it_no_sweep_and_two_do_not() {
        for (times, alerts) in [(3, 1), (2, 0)] {
            let mut rehearsal = Rehearsal::with(&[]);
            rehearsal.hidden(100 * DOLLAR, 100);
            for change in 1..=10 {
                rehearsal.wait(if change <= times { MS } else { 0 });
                rehearsal.hidden(100 * DOLLAR - change * 9 * CENT, 100);
            }
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{times}");
        }
    }

    #[test]
    fn a_price_that_printed_more_than_a_minute_ago_is_none_to_count_from() {
        for (age, alerts) in [(MINUTE, 1), (MINUTE + 1, 0)] {
            let mut rehearsal = Rehearsal::with(&[]);
            rehearsal.hidden(100 * DOLLAR, 100);
            rehearsal.wait(age);
            for change in 1..=10 {
                rehearsal.hidden(100 * DOLLAR - change * 9 * CENT, 100);
                rehearsal.wait(10 * MS);
            }
            assert_eq!(rehearsal.opened(NAME).len(), alerts, "{age}");
        }
    }

    #[test]
    fn one_fall_and_its_way_back_are_one_alert() {
        let mut rehearsal = Rehearsal::with(&[]);
        run(&mut rehearsal, 15, -10 * CENT, 50 * MS);
        for change in (0..15).rev() {
            rehearsal.wait(100 * MS);
            rehearsal.hidden(100 * DOLLAR - change * 10 * CENT, 100);
        }
        rehearsal.pass(20 * SECOND);
        assert_eq!((rehearsal.opened(NAME).len(), rehearsal.closed(NAME).len()), (1, 1));
    }

    #[test]
    fn a_bounce_between_bid_and_ask_is_no_run() {
        let mut rehearsal = Rehearsal::with(&[]);
        for trade in 0..200i64 {
            rehearsal.trade(Side::Sell, 100 * DOLLAR + trade % 2 * DOLLAR, 100);
            rehearsal.wait(5 * MS);
        }
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn nothing_counts_across_a_halt_an_auction_or_before_the_opening() {
        let mut rehearsal = Rehearsal::with(&[]);
        run(&mut rehearsal, 9, -9 * CENT, 50 * MS);
        rehearsal.action(b'H');
        rehearsal.pass(5 * MINUTE);
        rehearsal.cross(b'H', 90 * DOLLAR, 10_000);
        rehearsal.action(b'T');
        run(&mut rehearsal, 20, -9 * CENT, 50 * MS);
        rehearsal.pass(6 * MINUTE);
        assert_eq!(rehearsal.opened(NAME).len(), 0, "not armed after a halt");
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        rehearsal.action(b'T');
        run(&mut rehearsal, 20, -9 * CENT, 50 * MS);
        rehearsal.system(b'Q');
        rehearsal.cross(b'O', 90 * DOLLAR, 10_000);
        rehearsal.pass(SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn what_is_lost_in_a_gap_is_one_change_at_most() {
        let mut rehearsal = Rehearsal::with(&[]);
        run(&mut rehearsal, 3, -9 * CENT, 50 * MS);
        rehearsal.lose(1_000);
        rehearsal.hidden(90 * DOLLAR, 100);
        rehearsal.pass(SECOND);
        assert_eq!(rehearsal.opened(NAME).len(), 0);
    }

    #[test]
    fn any_bytes_are_a_state() {
        for byte in [0xffu8, 0x7f, 0x80, 0x55] {
            let mut state: State = bytemuck::cast([byte; size_of::<State>()]);
            for now in [0, i64::MAX, 1, i64::MIN, 5 * SECOND] {
                state.change(1, 100 * DOLLAR, now, 1_500 * MS);
                state.change(-1, i64::MIN, now, 1_500 * MS);
                state.slide(7, 3);
            }
        }
        assert_eq!(size_of::<State>(), 128);
    }
}
