//! Owns feed time: corrects the times of decoded events before a shard sees them.
//!
//! Feed time is the greatest exchange time so far and never goes back. A message with an earlier
//! time is counted and keeps its own; one that claims 24 hours or more after midnight cannot be of
//! this day, is counted, and is taken as the current feed time.

use crate::event::Event;
use crate::units::Nanos;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequencer {
    feed_time_ns: i64,
    day_end_ns: i64,
    first_ns: i64,
    last_ns: i64,
    time_backwards: u64,
    future_time: u64,
}

impl Sequencer {
    /// A sequencer for the trading day that began at `midnight`, the exchange's own.
    #[must_use]
    pub fn new(midnight: Nanos) -> Self {
        Sequencer {
            feed_time_ns: midnight.0,
            day_end_ns: midnight.0.saturating_add(Nanos::DAY),
            first_ns: i64::MAX,
            last_ns: i64::MIN,
            time_backwards: 0,
            future_time: 0,
        }
    }

    /// Corrects the times of events in feed order and moves feed time on.
    #[inline]
    pub fn stamp(&mut self, events: &mut [Event]) {
        for event in events {
            if event.time_ns >= self.day_end_ns {
                self.future_time += 1;
                event.time_ns = self.feed_time_ns;
            }
            let time_ns = event.time_ns;
            self.time_backwards += u64::from(time_ns < self.feed_time_ns);
            self.feed_time_ns = self.feed_time_ns.max(time_ns);
            self.first_ns = self.first_ns.min(time_ns);
            self.last_ns = self.last_ns.max(time_ns);
        }
    }

    /// The greatest time so far; midnight before the first event.
    #[must_use]
    pub fn feed_time(&self) -> Nanos {
        Nanos(self.feed_time_ns)
    }

    /// Least and greatest exchange time; `None` before the first event.
    #[must_use]
    pub fn first_and_last(&self) -> Option<(Nanos, Nanos)> {
        (self.first_ns <= self.last_ns).then_some((Nanos(self.first_ns), Nanos(self.last_ns)))
    }

    /// Messages whose time lay before the feed time.
    #[must_use]
    pub fn time_backwards(&self) -> u64 {
        self.time_backwards
    }

    /// Messages that claimed a time 24 hours or more after midnight.
    #[must_use]
    pub fn future_time(&self) -> u64 {
        self.future_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    #[test]
    fn feed_time_never_goes_back_and_the_future_is_taken_as_now() {
        let midnight = 1_000;
        let times = [
            1_500,
            1_400,
            1_500,
            midnight + Nanos::DAY,
            midnight + Nanos::DAY - 1,
            0,
        ];
        let mut events: Vec<Event> = times
            .iter()
            .map(|&time_ns| Event {
                time_ns,
                ..Event::zeroed()
            })
            .collect();
        let mut sequencer = Sequencer::new(Nanos(midnight));
        assert_eq!(sequencer.first_and_last(), None);
        assert_eq!(sequencer.feed_time(), Nanos(midnight));
        sequencer.stamp(&mut events);
        let stamped: Vec<i64> = events.iter().map(|event| event.time_ns).collect();
        let last = midnight + Nanos::DAY - 1;
        assert_eq!(stamped, [1_500, 1_400, 1_500, 1_500, last, 0]);
        assert_eq!(
            (sequencer.time_backwards(), sequencer.future_time()),
            (2, 1)
        );
        assert_eq!(sequencer.feed_time(), Nanos(last));
        assert_eq!(sequencer.first_and_last(), Some((Nanos(0), Nanos(last))));
    }

    #[test]
    fn a_first_message_from_the_future_is_taken_as_midnight() {
        let mut events = [Event {
            time_ns: Nanos::DAY,
            ..Event::zeroed()
        }];
        let mut sequencer = Sequencer::new(Nanos(0));
        sequencer.stamp(&mut events);
        assert_eq!(events[0].time_ns, 0);
        assert_eq!(sequencer.future_time(), 1);
    }
}
