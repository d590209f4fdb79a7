//! The quote as the metrics last saw it, and the time of the symbol.
//!
//! Time is the greatest exchange time of a change of the best bid or offer, of a print other than a
//! cross, or of a change of the trading state. It never goes back, and no other symbol moves it: what
//! comes with an earlier time is taken as of now. [`QuoteClock::before`] is the mid of the quote that
//! stood strictly before now, so the prints of a sweep are scored by the quote before the sweep.
//! What must be looked at as time passes (samples, bars, prints) has its times in [`Deadlines`], the
//! first of them in the clock.

use bytemuck::{Pod, Zeroable};

use crate::metrics::flow::SideQuote;
use crate::metrics::mid::DoubledMid;
use crate::units::{Nanos, Price};

/// One cache line, the only one that a change of the best bid or offer touches as a rule. All zero is
/// a symbol without quote whose time has not begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct QuoteClock {
    /// Best bid.
    pub(crate) bid: SideQuote,
    /// Best offer.
    pub(crate) ask: SideQuote,
    /// Order-flow imbalance so far, shares.
    pub(crate) order_flow: i64,
    /// Time, with its sign bit turned so that 0 comes first: no time yet.
    pub(crate) now: u64,
    /// The next time at which something is due, in the same form.
    pub(crate) deadline: u64,
    /// The mid strictly before now.
    pub(crate) before: u64,
}

const _: () = assert!(size_of::<QuoteClock>() == 64);

/// Times in an order of unsigned numbers, in which 0 comes before any time of an exchange.
#[inline(always)]
const fn ordered(time: Nanos) -> u64 {
    time.0 as u64 ^ 1 << 63
}

impl QuoteClock {
    /// No quote, and no time passed.
    pub const NONE: QuoteClock = QuoteClock {
        bid: SideQuote::NONE,
        ask: SideQuote::NONE,
        order_flow: 0,
        now: 0,
        deadline: 0,
        before: 0,
    };

    /// Whether time up to `time` must not pass before what is due has been looked at.
    #[inline(always)]
    #[must_use]
    pub fn is_due(&self, time: Nanos) -> bool {
        ordered(time) >= self.deadline
    }

    /// Whether time has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.now != 0
    }

    /// Whether `time` lies before now.
    #[inline(always)]
    #[must_use]
    pub fn is_past(&self, time: Nanos) -> bool {
        ordered(time) < self.now
    }

    /// Lets time pass up to `time`, `standing` being the mid until then. An earlier time, or the
    /// same, passes nothing.
    #[inline(always)]
    pub fn pass(&mut self, time: Nanos, standing: DoubledMid) {
        let later = ordered(time) > self.now;
        self.before = if later { standing.0 } else { self.before };
        self.now = self.now.max(ordered(time));
    }

    /// The mid of the quote that stood strictly before now.
    #[inline(always)]
    #[must_use]
    pub fn before(&self) -> DoubledMid {
        DoubledMid(self.before)
    }

    /// Sets the next time at which something is due.
    pub(crate) fn set_deadline(&mut self, time: Nanos) {
        self.deadline = ordered(time);
    }

    /// The mid of the quote as it stands, whatever the trading state.
    #[inline(always)]
    #[must_use]
    pub fn quoted_mid(&self) -> DoubledMid {
        match (self.bid.bid_price(), self.ask.ask_price()) {
            (Some(bid), Some(ask)) => DoubledMid::of(bid, ask),
            _ => DoubledMid::NONE,
        }
    }

    /// Ask − bid as they stand, negative when crossed; `None` without both.
    #[inline(always)]
    #[must_use]
    pub fn spread(&self) -> Option<Price> {
        let (bid, ask) = (self.bid.bid_price()?, self.ask.ask_price()?);
        Some(Price(ask.0.saturating_sub(bid.0)))
    }
}

/// When what is looked at as time passes is due. Of no meaning before time begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Deadlines {
    /// The next sample of the mid, ns.
    pub(crate) sample_ns: i64,
    /// The end of the bar at hand, ns.
    pub(crate) bar_ns: i64,
    /// The next print to be settled, ns; the end of time for none.
    pub(crate) print_ns: i64,
}

impl Deadlines {
    /// Before time begins.
    pub const NONE: Deadlines = Deadlines { sample_ns: 0, bar_ns: 0, print_ns: 0 };

    /// The first of them. A bar ends at a sample, never before.
    #[inline(always)]
    pub(crate) fn first(&self) -> Nanos {
        Nanos(self.sample_ns.min(self.print_ns))
    }
}

/// The next line of a grid behind `time`; the end of time where there is none.
#[inline(always)]
pub(crate) fn next_line(time: Nanos, distance_ns: i64) -> i64 {
    time.0.div_euclid(distance_ns).saturating_add(1).saturating_mul(distance_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_is_the_mid_that_stood_before_the_time_came() {
        let mut clock = QuoteClock::NONE;
        assert!(!clock.has_begun() && clock.is_due(Nanos(-7)));
        clock.pass(Nanos(-7), DoubledMid::NONE);
        assert!(clock.has_begun() && clock.is_past(Nanos(-8)) && !clock.is_past(Nanos(-7)));
        clock.pass(Nanos(5), DoubledMid(30));
        assert_eq!(clock.before(), DoubledMid(30));
        // Twice more at the same time, and once late: what stood before 5 stays the same.
        clock.pass(Nanos(5), DoubledMid(40));
        clock.pass(Nanos(4), DoubledMid(50));
        assert_eq!(clock.before(), DoubledMid(30));
        clock.pass(Nanos(6), DoubledMid(60));
        assert_eq!(clock.before(), DoubledMid(60));
    }

    #[test]
    fn the_earliest_deadline_counts() {
        let mut clock = QuoteClock::NONE;
        let deadlines = Deadlines { sample_ns: 100, bar_ns: 1_000, print_ns: 200 };
        clock.set_deadline(deadlines.first());
        assert!(!clock.is_due(Nanos(99)) && clock.is_due(Nanos(100)));
        clock.set_deadline(Deadlines { print_ns: -50, ..deadlines }.first());
        assert!(!clock.is_due(Nanos(-51)) && clock.is_due(Nanos(-50)));
    }

    #[test]
    fn a_line_lies_behind_the_time_that_is_on_one() {
        for (time, line) in [(0, 10), (9, 10), (10, 20), (-1, 0), (-10, 0), (-11, -10)] {
            assert_eq!(next_line(Nanos(time), 10), line, "{time}");
        }
        assert_eq!(next_line(Nanos(i64::MAX), 10), i64::MAX);
    }
}
