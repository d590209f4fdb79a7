//! When what happens on a day, in nanoseconds since midnight in New York.
//!
//! ```text
//!  03:00          04:00          09:25   09:30            15:50   16:00            20:00
//!  ├ O, R H Y L V ┼ S, pre-market ┼ I …  ┼ Q, opening cross ┼ I … ┼ M, closing cross ┼ E, C
//! ```
//! These are a full day's. With shorter continuous trading everything before the opening and after the
//! closing, and every wait, shrinks in the same proportion; the opening stays at 9:30.
//!
//! Sources: Nasdaq's trading hours; times of the imbalance messages, ITCH 5.0 specification section 1.6;
//! five minutes of a pause and fifteen seconds of a limit state, the LULD plan.

use crate::settings::FULL_DAY_NS;

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
const HOUR_NS: u64 = 60 * MINUTE_NS;

/// See the module. All times are ns since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timetable {
    continuous_ns: u64,
    /// Start of messages, and the day's spin through all securities.
    pub(crate) start_ns: u64,
    /// System hours begin, orders are taken.
    pub(crate) system_hours_ns: u64,
    /// The first imbalance message of the opening.
    pub(crate) opening_imbalance_ns: u64,
    /// Market hours begin with the opening crosses.
    pub(crate) open_ns: u64,
    /// The first imbalance message of the closing.
    pub(crate) closing_imbalance_ns: u64,
    /// Market hours end with the closing crosses.
    pub(crate) close_ns: u64,
    /// System hours end.
    pub(crate) end_ns: u64,
}

impl Timetable {
    /// The day with continuous trading of this length.
    #[must_use]
    pub(crate) fn new(continuous_ns: u64) -> Timetable {
        Timetable::from(9 * HOUR_NS + 30 * MINUTE_NS, continuous_ns)
    }

    /// The same with another opening.
    #[must_use]
    pub(crate) fn from(open_ns: u64, continuous_ns: u64) -> Timetable {
        let close_ns = open_ns + continuous_ns;
        let scaled = |full_ns| scaled(full_ns, continuous_ns);
        Timetable {
            continuous_ns,
            start_ns: open_ns.saturating_sub(scaled(6 * HOUR_NS + 30 * MINUTE_NS)),
            system_hours_ns: open_ns.saturating_sub(scaled(5 * HOUR_NS + 30 * MINUTE_NS)),
            opening_imbalance_ns: open_ns.saturating_sub(scaled(5 * MINUTE_NS)),
            open_ns,
            closing_imbalance_ns: close_ns - scaled(10 * MINUTE_NS),
            close_ns,
            end_ns: close_ns + scaled(4 * HOUR_NS),
        }
    }

    /// What a span of a full day is on this one.
    #[must_use]
    pub(crate) fn scaled(&self, full_ns: u64) -> u64 {
        scaled(full_ns, self.continuous_ns)
    }

    /// The time after `parts` of 65,536 of continuous trading.
    #[must_use]
    pub(crate) fn during(&self, parts: u64) -> u64 {
        self.open_ns + ((u128::from(self.continuous_ns) * u128::from(parts)) >> 16) as u64
    }

    /// How long a limit state lasts before it becomes a pause.
    #[must_use]
    pub(crate) fn limit_state_ns(&self) -> u64 {
        self.scaled(15 * SECOND_NS)
    }

    /// How long a pause lasts.
    #[must_use]
    pub(crate) fn pause_ns(&self) -> u64 {
        self.scaled(5 * MINUTE_NS)
    }

    /// Whether continuous trading is on, in which price bands hold.
    #[must_use]
    pub(crate) fn is_continuous(&self, time_ns: u64) -> bool {
        (self.open_ns..self.close_ns).contains(&time_ns)
    }
}

fn scaled(full_ns: u64, continuous_ns: u64) -> u64 {
    (u128::from(full_ns) * u128::from(continuous_ns) / u128::from(FULL_DAY_NS)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_day_has_the_exchange_s_own_times() {
        let day = Timetable::new(FULL_DAY_NS);
        let at = |hour: u64, minute: u64| (hour * 60 + minute) * MINUTE_NS;
        assert_eq!((day.start_ns, day.system_hours_ns), (at(3, 0), at(4, 0)));
        assert_eq!((day.opening_imbalance_ns, day.open_ns), (at(9, 25), at(9, 30)));
        assert_eq!((day.closing_imbalance_ns, day.close_ns), (at(15, 50), at(16, 0)));
        assert_eq!((day.end_ns, day.pause_ns()), (at(20, 0), 5 * MINUTE_NS));
        assert_eq!(day.during(1 << 15), at(12, 45));
    }

    #[test]
    fn a_short_day_keeps_its_opening_and_its_order() {
        let day = Timetable::new(390 * SECOND_NS);
        assert_eq!(day.open_ns, 34_200 * SECOND_NS);
        assert_eq!(day.close_ns, 34_590 * SECOND_NS);
        assert_eq!(day.start_ns, 33_810 * SECOND_NS);
        assert_eq!(day.limit_state_ns(), SECOND_NS / 4);
        assert!(day.is_continuous(day.open_ns) && !day.is_continuous(day.close_ns));
    }
}
