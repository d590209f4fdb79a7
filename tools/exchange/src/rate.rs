//! How many messages there are to be by when, and how fast agents must arrive for that.
//!
//! [`Plan`] is the curve: the number of messages that the settings ask for, laid over the day in the
//! shape of a U (busy after the opening and before the closing; Jain and Joh, "The dependence between
//! hourly prices and trading volume", 1988). [`Pace`] holds the day to it: at each step it looks at how
//! many messages came of the arrivals so far and sets the mean time between arrivals anew. What it
//! misses by is made up in the next steps, and what is left at the closing is traded after it.

use crate::timetable::Timetable;

/// Weight of each sixteenth of continuous trading, of [`SHAPE_SUM`].
const SHAPE: [u64; 16] =
    [1_500, 960, 760, 640, 560, 510, 480, 460, 450, 460, 480, 520, 580, 680, 840, 1_320];
const SHAPE_SUM: u64 = 11_200;

const _: () = {
    let (mut sum, mut i) = (0, 0);
    while i < SHAPE.len() {
        sum += SHAPE[i];
        i += 1;
    }
    assert!(sum == SHAPE_SUM);
};

/// Steps of continuous trading at which the pace is set anew.
const STEPS: u64 = 4_096;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    system_hours_ns: u64,
    open_ns: u64,
    close_ns: u64,
    before_spin: u64,
    at_open: u64,
    at_close: u64,
}

impl Plan {
    /// The curve of a day of `messages`, of which the spin has written `spin` and closing needs
    /// `closing` at most.
    #[must_use]
    pub(crate) fn new(timetable: &Timetable, messages: u64, spin: u64, closing: u64) -> Plan {
        let free = messages.saturating_sub(spin + closing);
        Plan {
            system_hours_ns: timetable.system_hours_ns,
            open_ns: timetable.open_ns,
            close_ns: timetable.close_ns,
            before_spin: spin,
            // 3 % before the opening, 2 % after the closing: the yardstick of a real day's volume of
            // messages outside market hours was not found in a source.
            at_open: spin + free * 3 / 100,
            at_close: spin + free * 98 / 100,
        }
    }

    /// How many messages there are to be by a time.
    #[must_use]
    pub(crate) fn by(&self, time_ns: u64) -> u64 {
        if time_ns < self.open_ns {
            let share = part(time_ns, self.system_hours_ns, self.open_ns, 1 << 20);
            return self.before_spin + mul_shift(self.at_open - self.before_spin, share, 20);
        }
        let at = part(time_ns, self.open_ns, self.close_ns, 16 << 20);
        let (whole, rest) = ((at >> 20) as usize, at & ((1 << 20) - 1));
        let passed = SHAPE[..whole].iter().sum::<u64>() << 20;
        let weight = passed + SHAPE.get(whole).map_or(0, |weight| weight * rest);
        let wanted = u128::from(self.at_close - self.at_open) * u128::from(weight);
        self.at_open + ((wanted / u128::from(SHAPE_SUM)) >> 20) as u64
    }
}

/// How far `time` has come from `from` to `to`, in parts of `whole`.
fn part(time: u64, from: u64, to: u64, whole: u64) -> u64 {
    let (passed, all) = (time.clamp(from, to) - from, (to - from).max(1));
    (u128::from(passed) * u128::from(whole) / u128::from(all)) as u64
}

fn mul_shift(value: u64, by: u64, shift: u32) -> u64 {
    ((u128::from(value) * u128::from(by)) >> shift) as u64
}

/// Messages an arrival is taken to bring before any came, in 1/1,024.
const YIELD_FIRST_Q10: u64 = 12 << 10;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    step_ns: u64,
    number: u32,
    last_brought: u64,
    arrivals: u64,
    yield_q10: u64,
    mean_ns: u64,
}

impl Pace {
    /// A pace before its first step.
    #[must_use]
    pub(crate) fn new(timetable: &Timetable) -> Pace {
        let step_ns = ((timetable.close_ns - timetable.open_ns) / STEPS).max(1);
        Pace {
            step_ns,
            number: 0,
            last_brought: 0,
            arrivals: 0,
            yield_q10: YIELD_FIRST_Q10,
            mean_ns: step_ns,
        }
    }

    /// Time between steps.
    #[must_use]
    pub(crate) fn step_ns(&self) -> u64 {
        self.step_ns
    }

    /// How many steps there were.
    #[must_use]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Counts an arrival that no other one led to.
    pub(crate) fn arrived(&mut self) {
        self.arrivals += 1;
    }

    /// Sets the pace anew at `time_ns`, when `messages` were written, `brought` of them by agents.
    pub(crate) fn step(&mut self, plan: &Plan, time_ns: u64, messages: u64, brought: u64) {
        if let Some(seen_q10) = ((brought - self.last_brought) << 10).checked_div(self.arrivals) {
            // A slow mean: what an arrival brings comes over minutes.
            let seen_q10 = seen_q10.clamp(self.yield_q10 / 4, self.yield_q10 * 4);
            self.yield_q10 = ((self.yield_q10 * 63 + seen_q10) / 64).clamp(256, 1 << 20);
        }
        self.last_brought = brought;
        self.arrivals = 0;
        self.number += 1;
        // What is missing, or too much, is made up for over some steps, and never by more than half of
        // what is due in one: the market neither falls silent nor runs away.
        let (now, next) = (plan.by(time_ns), plan.by(time_ns + self.step_ns));
        let due_q10 = ((next - now) << 10) as i64;
        let missing_q10 = ((now as i64 - messages as i64) << 10) / 16;
        let wanted_q10 = (due_q10 + missing_q10.clamp(-due_q10 / 2, due_q10 / 2)).max(1) as u64;
        let mean_ns =
            u128::from(self.step_ns) * u128::from(self.yield_q10) / u128::from(wanted_q10);
        self.mean_ns = u64::try_from(mean_ns).unwrap_or(u64::MAX).clamp(1, self.step_ns * 4_096);
    }

    /// Mean time between arrivals.
    #[must_use]
    pub(crate) fn mean_ns(&self) -> u64 {
        self.mean_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::FULL_DAY_NS;

    #[test]
    fn the_plan_rises_to_its_end_in_the_shape_of_a_u() {
        let timetable = Timetable::new(FULL_DAY_NS);
        let plan = Plan::new(&timetable, 1_000_000, 1_000, 9_000);
        assert_eq!(plan.by(0), 1_000);
        assert_eq!(plan.by(timetable.open_ns), 1_000 + 29_700);
        assert_eq!(plan.by(timetable.close_ns), 1_000 + 970_200);
        assert_eq!(plan.by(u64::MAX), plan.at_close);
        let by: Vec<u64> = (0..=16).map(|part| plan.by(timetable.during(part << 12))).collect();
        let sixteenths: Vec<u64> = by.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(sixteenths[0] > 3 * sixteenths[8] && sixteenths[15] > 2 * sixteenths[8]);
        assert!(by.is_sorted());
    }

    #[test]
    fn the_pace_finds_the_plan_whatever_an_arrival_brings() {
        for yields in [1, 4, 30] {
            let timetable = Timetable::new(FULL_DAY_NS);
            let plan = Plan::new(&timetable, 2_000_000, 0, 0);
            let mut pace = Pace::new(&timetable);
            let (mut messages, mut rest) = (60_000, 0);
            let mut time = timetable.open_ns;
            while time < timetable.close_ns {
                pace.step(&plan, time, messages, messages);
                let passed = pace.step_ns() + rest;
                (0..passed / pace.mean_ns()).for_each(|_| pace.arrived());
                messages += passed / pace.mean_ns() * yields;
                rest = passed % pace.mean_ns();
                time += pace.step_ns();
            }
            let error = messages.abs_diff(plan.at_close);
            assert!(error < 4_000, "{yields}: {messages} messages, wanted {}", plan.at_close);
        }
    }
}
