//! Locked and crossed books: the best bid at or above the best offer while the symbol trades.
//!
//! An exchange executes such orders, so on the book of one venue this means that messages were lost or
//! misread; a lock between venues cannot be told from one feed (Regulation NMS, Rule 610(d)). Counted from
//! the message that locks it; a lock shorter than the dwell is none, since executions of an order that
//! enters may follow it. Judged when the quote changes and, of a quiet symbol, when feed time passes.
//!
//! **Where it is no fault**: in halts and before a symbol's first cross bids and offers may lie over each
//! other; so only while the last action is `T`, and counted anew from that action on. Before market hours
//! nothing opens.

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::{Raised, Since};
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::touch::Touch;
use crate::event::Kind;
use crate::units::{Nanos, Sequence};

crate::parameters! {
    /// `detect.locked_crossed`
    LockedCrossed {
        dwell: Time = 1_000_000, 1_000..1e10, "How long bid and offer are locked or crossed, at least.", "convention: longer than the executions of one order take";
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Since when it is locked while it trades; 0 otherwise.
    since_ns: i64,
    /// By which message.
    sequence: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(14),
    name: "locked_crossed",
    pattern: "a locked or crossed book",
    figures: &["bid", "ask", "dwell_ns"],
    thresholds: &["dwell"],
    phases: Phases::of(&[
        Phase::Unknown,
        Phase::Opening,
        Phase::Continuous,
        Phase::Closing,
        Phase::Post,
        Phase::Reopening,
    ]),
    warm_up_seconds: 0,
    family: Family::Rule,
};

/// How often a lock that lasts is looked at.
const LOOK_NS: i64 = 1_000_000_000;

/// Whether both sides are there and lie over each other.
#[inline(always)]
const fn is_over(touch: &Touch) -> bool {
    // An empty side has the worst price there is.
    touch.bid >= touch.ask
}

impl LockedCrossed {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }

    /// Whether a quote is locked or crossed, or was.
    #[inline(always)]
    pub(super) fn is_quote_of_concern(&self, touch: &Touch, before: &Touch) -> bool {
        is_over(touch) || is_over(before)
    }

    /// The quote has changed, and was or is locked.
    #[cold]
    #[inline(never)]
    fn changed(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if !seen.metrics.is_trading() {
            state.since_ns = 0;
            return None;
        }
        let is_locked = is_over(&seen.touch);
        if state.since_ns == 0 {
            if is_locked {
                self.begin(state, seen);
            }
            return None;
        }
        // What ends a lock shows how long it was.
        let touch = if is_locked { seen.touch } else { seen.before };
        let lasts = self.lasts(state, seen, &touch);
        if !is_locked {
            state.since_ns = 0;
        }
        lasts
    }

    fn begin(&self, state: &mut State, seen: &Seen<'_>) {
        (state.since_ns, state.sequence) = (seen.time.0.max(1), seen.sequence.0);
        seen.wake_at(Nanos(seen.time.0.saturating_add(self.dwell as i64)));
    }

    fn lasts(&self, state: &State, seen: &Seen<'_>, touch: &Touch) -> Option<Raised> {
        let dwell_ns = seen.time.0.saturating_sub(state.since_ns).max(0) as f64;
        let level = dwell_ns / self.dwell.max(1.0);
        (level >= 0.5).then(|| Raised {
            level,
            since: Since { time: Nanos(state.since_ns), sequence: Sequence(state.sequence) },
            figures: [touch.bid as f64 / 1e9, touch.ask as f64 / 1e9, dwell_ns, 0.0],
            print: None,
        })
    }
}

impl Detector for LockedCrossed {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if self.is_quote_of_concern(&seen.touch, &seen.before) {
            self.changed(state, seen)
        } else {
            None
        }
    }

    fn on_notice(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if seen.event.kind != Kind::TradingAction as u8 {
            return None;
        }
        if !(seen.metrics.is_trading() && is_over(&seen.touch)) {
            state.since_ns = 0;
        } else if state.since_ns == 0 {
            self.begin(state, seen);
        }
        None
    }

    fn on_wake(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if state.since_ns == 0 {
            return None;
        }
        if !(seen.metrics.is_trading() && is_over(&seen.touch)) {
            // A snapshot told another book.
            state.since_ns = 0;
            return None;
        }
        let due_ns = state.since_ns.saturating_add(self.dwell as i64);
        let look_ns = seen.time.0.saturating_add(LOOK_NS);
        let next_ns = if seen.time.0 < due_ns { due_ns } else { look_ns };
        seen.wake_at(Nanos(next_ns));
        self.lasts(state, seen, &seen.touch)
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::Settings;
    use crate::detect::rehearsal::{CENT, DOLLAR, MINUTE, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(BID, BID + CENT, 5, 300);
        rehearsal.pass(2 * SECOND);
        rehearsal
    }

    #[test]
    fn a_lock_of_a_millisecond_is_told_when_it_ends_and_a_shorter_one_is_not() {
        for (lasts_ns, alerts) in [(MS - 1, 0), (MS, 1)] {
            let mut rehearsal = market();
            rehearsal.pass(60 * MS);
            let begun = rehearsal.now();
            let over = rehearsal.add(Side::Buy, BID + CENT, 100);
            let first = rehearsal.sequence();
            rehearsal.wait(lasts_ns);
            rehearsal.delete(over);
            let opened = rehearsal.opened("locked_crossed");
            assert_eq!(opened.len(), alerts, "{lasts_ns}");
            for alert in opened {
                assert_eq!((alert.start.0, alert.end.0), (begun, begun + MS));
                assert_eq!((alert.first.0, alert.last.0), (first, rehearsal.sequence()));
                assert_eq!(alert.figures, [100.01, 100.01, 1e6, 0.0]);
                assert_eq!(alert.score.get(), 50.0);
            }
        }
    }

    #[test]
    fn a_cross_of_a_quiet_symbol_is_told_as_time_passes_and_stays_one_alert() {
        let mut rehearsal = market();
        let begun = rehearsal.now();
        let over = rehearsal.add(Side::Sell, BID - 2 * CENT, 100);
        rehearsal.pass(150 * MS);
        let opened = rehearsal.opened("locked_crossed");
        assert_eq!(opened.len(), 1);
        assert_eq!((opened[0].start.0, opened[0].figures[1]), (begun, 99.98));
        rehearsal.pass(10 * SECOND);
        // Another order at the best changes the quote, not the lock.
        rehearsal.add(Side::Buy, BID, 100);
        rehearsal.pass(10 * SECOND);
        rehearsal.delete(over);
        let ended = rehearsal.now();
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("locked_crossed").len(), 1);
        let closed = rehearsal.closed("locked_crossed");
        assert_eq!((closed.len(), closed[0].start.0, closed[0].end.0), (1, begun, ended));
    }

    #[test]
    fn in_a_halt_it_is_no_fault_and_the_time_counts_from_the_resumption() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        rehearsal.add(Side::Buy, BID + CENT, 100);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.told("locked_crossed"), []);
        let resumed = rehearsal.now();
        rehearsal.action(b'T');
        rehearsal.pass(300 * MS);
        let opened = rehearsal.opened("locked_crossed");
        assert_eq!((opened.len(), opened[0].start.0), (1, resumed));
        // A halt ends it.
        rehearsal.action(b'P');
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.closed("locked_crossed").len(), 1);
    }

    #[test]
    fn before_market_hours_nothing_opens_and_what_stays_is_told_then() {
        let mut rehearsal = Rehearsal::before_the_opening(&Settings::default());
        rehearsal.action(b'T');
        rehearsal.fill(BID, BID + CENT, 5, 300);
        let begun = rehearsal.now();
        rehearsal.add(Side::Buy, BID + CENT, 100);
        rehearsal.pass(MINUTE);
        assert_eq!(rehearsal.told("locked_crossed"), []);
        rehearsal.system(b'Q');
        rehearsal.pass(2 * SECOND);
        let opened = rehearsal.opened("locked_crossed");
        assert_eq!((opened.len(), opened[0].start.0), (1, begun));
    }

    #[test]
    fn an_empty_side_is_no_lock_and_a_gap_does_not_make_one() {
        let mut rehearsal = Rehearsal::with(&[]);
        let bid = rehearsal.add(Side::Buy, BID, 100);
        rehearsal.pass(SECOND);
        rehearsal.delete(bid);
        rehearsal.lose(50);
        rehearsal.add(Side::Sell, BID - CENT, 100);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.told("locked_crossed"), []);
    }
}
