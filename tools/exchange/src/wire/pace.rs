//! When each message is published: by count, by the exchange's own time, or at once.
//!
//! Every due time is counted from one fixed start with integers, so that rounding and oversleeping
//! never add up: a message published late does not make the next one late.

/// How fast the day goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it can.
    Max,
    /// So many messages a second; 0 is taken as 1.
    MessagesPerSecond(u64),
    /// `num / den` times as fast as the exchange's own time; a 0 is taken as 1.
    Times {
        /// Exchange time …
        num: u64,
        /// … in this much time here.
        den: u64,
    },
}

/// Says when messages are due. Times are ns since the start of publishing.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    pace: Pace,
    first_ns: Option<u64>,
}

impl Pacer {
    pub(super) fn new(pace: Pace) -> Pacer {
        Pacer { pace, first_ns: None }
    }

    /// When the message with this number, from 1, and this exchange time is due.
    pub(super) fn due_ns(&mut self, sequence: u64, exchange_ns: u64) -> u64 {
        let (of, num, den) = match self.pace {
            Pace::Max => return 0,
            Pace::MessagesPerSecond(rate) => (sequence.saturating_sub(1), rate, 1_000_000_000),
            Pace::Times { num, den } => {
                let first_ns = *self.first_ns.get_or_insert(exchange_ns);
                (exchange_ns.saturating_sub(first_ns), num, den)
            }
        };
        let due_ns = u128::from(of) * u128::from(den.max(1)) / u128::from(num.max(1));
        u64::try_from(due_ns).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_by_their_number_their_time_or_at_once() {
        let due = |pace| {
            let mut pacer = Pacer::new(pace);
            [(1, 5_000), (2, 5_000), (4, 8_000)].map(|(n, ns)| pacer.due_ns(n, ns))
        };
        assert_eq!(due(Pace::Max), [0; 3]);
        assert_eq!(due(Pace::MessagesPerSecond(4)), [0, 250_000_000, 750_000_000]);
        assert_eq!(due(Pace::Times { num: 3, den: 2 }), [0, 0, 2_000]);
    }

    #[test]
    fn nothing_overflows_and_no_pace_divides_by_zero() {
        for pace in [Pace::MessagesPerSecond(0), Pace::Times { num: 0, den: u64::MAX }] {
            let mut pacer = Pacer::new(pace);
            assert_eq!(pacer.due_ns(1, 0), 0);
            assert_eq!(pacer.due_ns(u64::MAX, u64::MAX), u64::MAX);
        }
    }
}
