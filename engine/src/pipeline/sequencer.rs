//! Owns feed time and order: corrects the times of decoded events and marks where time, digests and
//! positions turn, before a shard sees them.
//!
//! Feed time is the greatest exchange time so far and never goes back. A message with an earlier
//! time is counted and keeps its own; one that claims 24 hours or more after midnight cannot be of
//! this day, is counted, and is taken as the current feed time.
//!
//! When a message's time crosses a line of the time grid, time must pass in every shard before that
//! message is applied. The message itself carries the mark ([`Flags::TIME`]) to its own shard; the
//! stage that routes it sends the others a `Time` event. (Over the yardstick file 6 % of messages
//! cross a line of the 1 ms grid.)
//!
//! [`Position`] rises with every message, one that leads to no event too. It is the sequence plus an offset
//! that changes only where sequences do not rise: where unsequenced messages come, or another feed, whose
//! first message then has the position behind the last one. So unsequenced messages have the same positions
//! however packets are cut.
//!
//! Several feeds have one time, the greatest of all. A feed that is behind another by more than a line of
//! the grid has messages that come after windows that they belong to have ended; what lateness bars
//! allow covers that skew.

mod stored;

use crate::event::{Event, Flags};
use crate::units::{FeedId, Nanos, Position, Sequence};
use crate::window::tick::Span;

/// Lines of the time grid lie this far apart, unless bars ask for more of them.
pub const TIME_GRID_NS: i64 = 1_000_000;

/// Messages between two hash points unless configured: 2^20.
pub const HASH_EVERY_DEFAULT: u64 = 1 << 20;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequencer {
    feed_time_ns: i64,
    /// The next line of the grid that feed time has not reached.
    next_line_ns: i64,
    grid_ns: i64,
    day_end_ns: i64,
    first_ns: i64,
    last_ns: i64,
    time_backwards: u64,
    future_time: u64,
    /// The least sequence that rises above the last event's.
    next_min: u64,
    /// Position − sequence.
    offset: u64,
    /// The feed of the last event.
    feed: FeedId,
    /// Positions between hash points less 1, a mask; `u64::MAX` for none.
    hash_mask: u64,
    /// The position from which on a hash point is due.
    hash_due: u64,
    /// The positions before and behind the messages given up last. Where the second is still the last
    /// position, no event has come since.
    gap: (u64, u64),
}

/// Events that were stamped, and what comes before the one behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// How many events from the front were stamped.
    pub events: usize,
    /// What every shard gets after them; `None` where all events were stamped.
    pub mark: Option<Event>,
}

impl Sequencer {
    /// A sequencer for the trading day that began at `midnight`, the exchange's own.
    #[must_use]
    pub fn new(midnight: Nanos) -> Self {
        Sequencer {
            feed_time_ns: midnight.0,
            // The first message brings the first line.
            next_line_ns: i64::MIN,
            grid_ns: TIME_GRID_NS,
            day_end_ns: midnight.0.saturating_add(Nanos::DAY),
            first_ns: i64::MAX,
            last_ns: i64::MIN,
            time_backwards: 0,
            future_time: 0,
            next_min: 1,
            offset: 0,
            feed: FeedId(0),
            hash_mask: u64::MAX,
            hash_due: u64::MAX,
            gap: (0, 0),
        }
    }

    /// The sequencer with lines of the time grid so far apart.
    ///
    /// # Panics
    /// If that is not more than 0: the configuration is checked first.
    #[must_use]
    pub fn with_time_grid(mut self, distance: Span) -> Self {
        assert!(distance.0 > 0, "Invariant: lines of the time grid lie apart");
        self.grid_ns = distance.0;
        self
    }

    /// The sequencer with a hash point every `every` positions; 0 for none.
    ///
    /// # Panics
    /// If `every` is not 0 and no power of two: the configuration is checked first.
    #[must_use]
    pub fn with_hash_points(mut self, every: u64) -> Self {
        assert!(
            every == 0 || every.is_power_of_two(),
            "Invariant: hash points stand at a power of two"
        );
        self.hash_mask = every.wrapping_sub(1);
        self.hash_due = if every == 0 { u64::MAX } else { every };
        self
    }

    /// Corrects the times of events in feed order and moves feed time on. Stops early where every
    /// shard must be told something first; to be called again with the events left.
    #[inline]
    pub fn stamp(&mut self, events: &mut [Event]) -> Stamped {
        for (at, event) in events.iter_mut().enumerate() {
            let rises = event.sequence >= self.next_min;
            if !rises || event.sequence.wrapping_add(self.offset) > self.hash_due {
                let mark = Some(self.mark_before(event));
                return Stamped { events: at, mark };
            }
            self.next_min = event.sequence.saturating_add(1);
            if event.time_ns >= self.day_end_ns {
                self.future_time += 1;
                event.time_ns = self.feed_time_ns;
            }
            let time_ns = event.time_ns;
            self.time_backwards += u64::from(time_ns < self.feed_time_ns);
            if time_ns >= self.next_line_ns {
                event.flags |= Flags::TIME;
                self.next_line_ns = next_line(time_ns, self.grid_ns);
            }
            self.feed_time_ns = self.feed_time_ns.max(time_ns);
            self.first_ns = self.first_ns.min(time_ns);
            self.last_ns = self.last_ns.max(time_ns);
        }
        Stamped { events: events.len(), mark: None }
    }

    /// What every shard must be told between the last event and `next`.
    #[cold]
    #[inline(never)]
    fn mark_before(&mut self, next: &Event) -> Event {
        let time = self.feed_time();
        if next.sequence < self.next_min {
            self.offset = self.position().0.wrapping_add(1).wrapping_sub(next.sequence);
            self.next_min = next.sequence;
            return Event::rebase(next.sequence(), time, self.offset);
        }
        let reached = next.sequence.wrapping_add(self.offset).wrapping_sub(1);
        self.hash_due = (reached & !self.hash_mask).saturating_add(self.hash_mask + 1);
        Event::hash_point(next.sequence(), time)
    }

    /// The feed whose events come; a [`Sequencer::turn_to`] makes it another.
    #[inline(always)]
    pub(super) fn feed(&self) -> FeedId {
        self.feed
    }

    /// Events of another feed come, from the sequence `first` on: what every shard must be told before.
    #[cold]
    pub(super) fn turn_to(&mut self, feed: FeedId, first: Sequence) -> Event {
        self.offset = self.position().0.wrapping_add(1).wrapping_sub(first.0);
        (self.feed, self.next_min) = (feed, first.0);
        Event::rebase(first, self.feed_time(), self.offset)
    }

    /// Messages before `next` have come, though the last of them led to no event.
    #[inline]
    pub(super) fn reach(&mut self, next: Sequence) {
        self.next_min = self.next_min.max(next.0);
    }

    /// What every shard must be told when a snapshot of the feed begins, which holds all before the
    /// message `next`. What comes then has that sequence or a greater one.
    pub(super) fn begin_snapshot(&mut self, next: Sequence) -> Event {
        let before = self.last_event();
        if next.0 > self.next_min {
            self.next_min = next.0;
            self.gap = (before, self.position().0);
        }
        Event::snapshot_begin(self.feed, Sequence(self.next_min), self.feed_time())
    }

    /// What every shard must be told when it ends.
    pub(super) fn end_snapshot(&self, feed: FeedId, is_whole: bool) -> Event {
        Event::snapshot_end(feed, Sequence(self.next_min), self.feed_time(), is_whole)
    }

    /// Gives an event that a snapshot holds the place behind which the snapshot lies. Its time is the
    /// order's own, as far as it can be of this day.
    #[inline]
    pub(super) fn stamp_snapshot(&self, event: &mut Event) {
        event.sequence = self.last_sequence().0;
        event.flags |= Flags::SNAPSHOT;
        if event.time_ns >= self.day_end_ns {
            event.time_ns = self.feed_time_ns;
        }
    }

    /// What every shard must be told when the messages of the feed from `first` up to but not including `end` are
    /// given up. What comes then has a sequence of `end` or more.
    pub(super) fn gap(&mut self, first: Sequence, end: Sequence) -> Event {
        let before = self.last_event();
        self.next_min = self.next_min.max(end.0);
        self.gap = (before, self.position().0);
        Event::gap(self.feed, first, end, self.feed_time())
    }

    /// Position of the last event, whatever was given up behind it.
    fn last_event(&self) -> u64 {
        let last = self.position().0;
        if self.gap.1 == last { self.gap.0 } else { last }
    }

    /// Position − sequence of the last event.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The greatest time so far; midnight before the first event.
    #[must_use]
    pub fn feed_time(&self) -> Nanos {
        Nanos(self.feed_time_ns)
    }

    /// Position of the last event; 0 before the first.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.last_sequence().0.wrapping_add(self.offset))
    }

    /// Sequence of the last event; 0 before the first.
    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        Sequence(self.next_min.wrapping_sub(1))
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

/// The first line of a grid after `time_ns`.
fn next_line(time_ns: i64, grid_ns: i64) -> i64 {
    (time_ns.div_euclid(grid_ns) + 1).saturating_mul(grid_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Control;
    use bytemuck::Zeroable;

    fn events(times: &[i64]) -> Vec<Event> {
        let numbered = (1..).zip(times);
        numbered
            .map(|(sequence, &time_ns)| Event { sequence, time_ns, ..Event::zeroed() })
            .collect()
    }

    #[test]
    fn feed_time_never_goes_back_and_the_future_is_taken_as_now() {
        let midnight = 1_000;
        let mut events =
            events(&[1_500, 1_400, 1_500, midnight + Nanos::DAY, midnight + Nanos::DAY - 1, 0]);
        let mut sequencer = Sequencer::new(Nanos(midnight));
        assert_eq!(sequencer.first_and_last(), None);
        assert_eq!(sequencer.feed_time(), Nanos(midnight));
        assert_eq!(sequencer.stamp(&mut events), Stamped { events: 6, mark: None });
        let stamped: Vec<i64> = events.iter().map(|event| event.time_ns).collect();
        let last = midnight + Nanos::DAY - 1;
        assert_eq!(stamped, [1_500, 1_400, 1_500, 1_500, last, 0]);
        assert_eq!((sequencer.time_backwards(), sequencer.future_time()), (2, 1));
        assert_eq!(sequencer.feed_time(), Nanos(last));
        assert_eq!(sequencer.first_and_last(), Some((Nanos(0), Nanos(last))));
    }

    #[test]
    fn a_first_message_from_the_future_is_taken_as_midnight() {
        let mut events = events(&[Nanos::DAY]);
        let mut sequencer = Sequencer::new(Nanos(0));
        sequencer.stamp(&mut events);
        assert_eq!(events[0].time_ns, 0);
        assert_eq!(sequencer.future_time(), 1);
    }

    #[test]
    fn the_message_that_crosses_a_grid_line_carries_the_mark() {
        let ms = TIME_GRID_NS;
        let mut events = events(&[5, ms - 1, ms, ms + 1, ms - 2, 7 * ms + 3, 7 * ms + 4, 8 * ms]);
        Sequencer::new(Nanos(0)).stamp(&mut events);
        let marked: Vec<bool> = events.iter().map(|event| event.flags == Flags::TIME).collect();
        // The first one carries it whatever its time.
        assert_eq!(marked, [true, false, true, false, false, true, false, true]);
    }

    #[test]
    fn lines_lie_as_close_as_asked_for() {
        let us = 1_000;
        let mut events = events(&[5, 250 * us - 1, 250 * us, 499 * us, 501 * us, 900 * us]);
        Sequencer::new(Nanos(0)).with_time_grid(Span(250 * us)).stamp(&mut events);
        let marked: Vec<bool> = events.iter().map(|event| event.flags == Flags::TIME).collect();
        assert_eq!(marked, [true, false, true, false, true, true]);
    }

    #[test]
    fn messages_that_were_given_up_are_passed() {
        let mut sequencer = Sequencer::new(Nanos(0));
        sequencer.stamp(&mut events(&[7, 9]));
        let gap = sequencer.gap(Sequence(3), Sequence(8));
        assert_eq!((gap.kind, gap.sequence, gap.words[0]), (Control::Gap as u8, 3, 8));
        assert_eq!((gap.time(), sequencer.position()), (Nanos(9), Position(7)));
        let mut next = events(&[10]);
        next[0].sequence = 8;
        assert_eq!(sequencer.stamp(&mut next), Stamped { events: 1, mark: None });
    }

    /// All events and marks in the order in which a shard gets them: kind (0 for an event), sequence.
    fn order(sequencer: &mut Sequencer, mut events: Vec<Event>) -> Vec<(u8, u64)> {
        let (mut order, mut from) = (Vec::new(), 0);
        loop {
            let stamped = sequencer.stamp(&mut events[from..]);
            let stamped_events = &events[from..from + stamped.events];
            order.extend(stamped_events.iter().map(|event| (event.kind, event.sequence)));
            from += stamped.events;
            match stamped.mark {
                Some(mark) => order.push((mark.kind, mark.sequence)),
                None => return order,
            }
        }
    }

    #[test]
    fn a_hash_point_stands_after_every_multiple_however_the_messages_are_cut_and_lost() {
        let hash = Control::HashPoint as u8;
        let mut sequencer = Sequencer::new(Nanos(0)).with_hash_points(4);
        assert_eq!(
            order(&mut sequencer, events(&[0; 6])),
            [(0, 1), (0, 2), (0, 3), (0, 4), (hash, 5), (0, 5), (0, 6)]
        );
        // Messages 7 to 17 are lost: one point, before what comes next.
        let mut later = events(&[0; 3]);
        later.iter_mut().for_each(|event| event.sequence += 17);
        assert_eq!(order(&mut sequencer, later), [(hash, 18), (0, 18), (0, 19), (0, 20)]);
        let mut last = events(&[0; 1]);
        last[0].sequence = 21;
        assert_eq!(order(&mut sequencer, last), [(hash, 21), (0, 21)]);
        assert_eq!(sequencer.position(), Position(21));
    }

    #[test]
    fn positions_rise_where_sequences_do_not() {
        let rebase = Control::Rebase as u8;
        let mut sequencer = Sequencer::new(Nanos(0));
        let unsequenced = |sequences: &[u64]| -> Vec<Event> {
            let event = |&sequence: &u64| Event { sequence, ..Event::zeroed() };
            sequences.iter().map(event).collect()
        };
        assert_eq!(order(&mut sequencer, unsequenced(&[0])), [(rebase, 0), (0, 0)]);
        assert_eq!(sequencer.position(), Position(1));
        assert_eq!(
            order(&mut sequencer, unsequenced(&[0, 1, 0, 7])),
            [(rebase, 0), (0, 0), (0, 1), (rebase, 0), (0, 0), (0, 7)]
        );
        assert_eq!(sequencer.position(), Position(1 + 2 + 1 + 7));
        let max = unsequenced(&[u64::MAX - 20, 3]);
        assert_eq!(order(&mut sequencer, max), [(0, u64::MAX - 20), (rebase, 3), (0, 3)]);
    }
}
