//! When each packet is meant to be sent, counted from one fixed start.
//!
//! Each time follows from the start alone, with integers: neither the time now, nor a late packet, nor a
//! sum of rounded steps has a part in it.

use engine::units::Nanos;

use crate::replay::pace::{Pace, Speed};

const SECOND_NS: u128 = 1_000_000_000;

/// See the module. Times are ns since the start of the row.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    by: By,
    last_ns: u64,
}

#[derive(Clone, Debug)]
enum By {
    /// So many messages a second, evenly.
    Rate { per_s: u64, messages: u64 },
    /// As they were received, so many times as fast.
    Recorded(Pace),
}

impl Schedule {
    /// `per_s` messages a second, evenly.
    pub(super) fn at_rate(per_s: u64) -> Schedule {
        assert!(per_s > 0, "Invariant: arguments give a rate of 1 or more");
        Schedule { by: By::Rate { per_s, messages: 0 }, last_ns: 0 }
    }

    /// As recorded, `speed` as fast; the first packet is due at the start.
    pub(super) fn recorded(speed: Speed) -> Schedule {
        Schedule { by: By::Recorded(Pace::new(speed)), last_ns: 0 }
    }

    /// When the next packet is due, which was received at `recv` and has `messages`. No packet is due
    /// before the one ahead of it.
    pub(super) fn next_ns(&mut self, recv: Nanos, messages: u64) -> u64 {
        let due_ns = match &mut self.by {
            By::Rate { per_s, messages: before } => {
                let due_ns = u128::from(*before) * SECOND_NS / u128::from(*per_s);
                *before += messages;
                u64::try_from(due_ns).unwrap_or(u64::MAX)
            }
            By::Recorded(pace) => pace.due_ns(recv),
        };
        self.last_ns = self.last_ns.max(due_ns);
        self.last_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singles(rate: u64, count: u64) -> Vec<u64> {
        let mut schedule = Schedule::at_rate(rate);
        (0..count).map(|_| schedule.next_ns(Nanos(0), 1)).collect()
    }

    #[test]
    fn a_rate_spaces_messages_evenly_from_the_start() {
        assert_eq!(singles(1_000_000, 4), [0, 1_000, 2_000, 3_000]);
        // A third of a microsecond: the remainder is not lost, and never adds up.
        assert_eq!(singles(3_000_000, 5), [0, 333, 666, 1_000, 1_333]);
        assert_eq!(singles(3_000_000, 3_000_001).last(), Some(&1_000_000_000));
    }

    #[test]
    fn a_packet_of_several_messages_takes_the_time_of_all_of_them() {
        let mut schedule = Schedule::at_rate(1_000);
        let due: Vec<u64> = [3, 1, 2, 1].map(|n| schedule.next_ns(Nanos(0), n)).into();
        assert_eq!(due, [0, 3_000_000, 4_000_000, 6_000_000]);
    }

    #[test]
    fn recorded_times_are_scaled_by_their_distance_from_the_first() {
        let recv = [1_000, 1_700, 1_900, 3_001].map(|ns| Nanos(1_692_676_800_000_000_000 + ns));
        let due = |speed: &str| {
            let mut schedule = Schedule::recorded(Speed::parse(speed).unwrap());
            recv.map(|recv| schedule.next_ns(recv, 9))
        };
        assert_eq!(due("1x"), [0, 700, 900, 2_001]);
        assert_eq!(due("10x"), [0, 70, 90, 200]);
        assert_eq!(due("0.5x"), [0, 1_400, 1_800, 4_002]);
    }

    #[test]
    fn a_recorded_time_that_goes_back_is_due_with_the_packet_ahead_of_it() {
        let mut schedule = Schedule::recorded(Speed::parse("1x").unwrap());
        let due = [50, 90, 70, 95].map(|recv| schedule.next_ns(Nanos(recv), 1));
        assert_eq!(due, [0, 40, 40, 45]);
    }
}
