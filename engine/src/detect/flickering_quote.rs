//! A flickering quote: a best price that jumps away and back, many times a second, without trades.
//!
//! Counts, on both sides, how often the best price goes back to where it was before its last change within
//! a moment. Its condition is so many returns within a second, and that most changes of price are returns.
//! A change that an execution makes is none of it: at the edge of a tick a price comes and goes as it is
//! taken and filled up again.
//!
//! Sources: Hasbrouck 2018, "High-frequency quoting: short-term volatility in bids and offers"; Nanex (quotes
//! that alternate between two prices).

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SLOT_NS;
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::recent::Recent;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::touch::Touch;
use crate::event::Kind;

crate::parameters! {
    /// `detect.flickering_quote`
    FlickeringQuote {
        returns: Count = 20, 1..100000, "Returns of a best price within a second, bids and offers together.", "convention; Nanex";
        dwell: Time = 100_000_000, 1_000..1e10, "How long it may have been away.", "convention; Nanex";
        share: Ratio = 0.5, 0..1, "Part of the changes of best prices that are returns, at least.", "convention: prices that move do not return";
    }
}

/// The best price of one side.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Best {
    price: i64,
    /// The price before, if orders changed it; 0 if not.
    before: i64,
    /// When it changed.
    changed_ns: i64,
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    best: [Best; 2],
    /// Returns within the last second.
    returns: Recent,
    /// Changes of price that orders made.
    changes: Recent,
}

static SPEC: Spec = Spec {
    code: DetectorCode(3),
    name: "flickering_quote",
    pattern: "a flickering quote",
    figures: &["returns_per_s", "changes_per_s"],
    thresholds: &["returns", "dwell", "share"],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Traffic,
};

impl FlickeringQuote {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 2e9, ..Arming::default() }
    }

    /// A side's best price is another.
    #[cold]
    #[inline(never)]
    fn change(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        let is_execution = seen.event.kind == Kind::Execute as u8;
        let mut has_returned = false;
        for (best, price) in state.best.iter_mut().zip([seen.touch.bid, seen.touch.ask]) {
            if best.price == price {
                continue;
            }
            let away = seen.time.0.saturating_sub(best.changed_ns);
            if !is_execution {
                state.changes.count(seen.time, SLOT_NS);
                if best.before == price && best.before != 0 && away as f64 <= self.dwell {
                    state.returns.count(seen.time, SLOT_NS);
                    has_returned = true;
                }
            }
            let before = if is_execution { 0 } else { best.price };
            *best = Best { price, before, changed_ns: seen.time.0 };
        }
        if !has_returned {
            return None;
        }
        let returns = f64::from(state.returns.sum(seen.time, SLOT_NS));
        let changes = f64::from(state.changes.sum(seen.time, SLOT_NS));
        let share = returns / changes.max(1.0);
        let level = if share >= self.share { returns / self.returns } else { 0.0 };
        (level >= 0.5).then(|| Raised {
            level,
            since: seen.since(1_000_000_000),
            figures: [returns, changes, 0.0, 0.0],
            print: None,
        })
    }

    /// Whether a price of the quote is another.
    #[inline(always)]
    pub(super) fn is_quote_of_concern(&self, state: &State, touch: &Touch) -> bool {
        state.best[0].price != touch.bid || state.best[1].price != touch.ask
    }
}

impl Detector for FlickeringQuote {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_quote(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        if self.is_quote_of_concern(state, &seen.touch) { self.change(state, seen) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = BID + 3 * CENT;

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(BID, ASK, 5, 300);
        rehearsal.pass(SECOND);
        rehearsal
    }

    /// A better bid that comes for `up` and goes for `down`, so many times; each time but the last returns twice.
    fn flicker(rehearsal: &mut Rehearsal, times: usize, up: i64, down: i64) {
        for _ in 0..times {
            let order = rehearsal.add(Side::Buy, BID + CENT, 100);
            rehearsal.wait(up);
            rehearsal.delete(order);
            rehearsal.wait(down);
        }
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        rehearsal.pass(5 * SECOND);
        assert_eq!(
            rehearsal.opened("flickering_quote").len(),
            rehearsal.closed("flickering_quote").len()
        );
        rehearsal.opened("flickering_quote").len()
    }

    #[test]
    fn twenty_returns_within_a_second_are_flickering_and_fewer_are_not() {
        // The first change returns from nowhere: ten times there and back are 19 returns.
        for (times, expected) in [(10, 0), (11, 1)] {
            let mut rehearsal = market();
            flicker(&mut rehearsal, times, 20 * MS, 20 * MS);
            assert_eq!(alerts(rehearsal), expected, "{times}");
        }
    }

    #[test]
    fn a_long_one_is_one_alert() {
        let mut rehearsal = market();
        let before = rehearsal.now();
        flicker(&mut rehearsal, 300, 10 * MS, 15 * MS);
        let end = rehearsal.now();
        rehearsal.pass(5 * SECOND);
        let closed = rehearsal.closed("flickering_quote");
        assert_eq!(closed.len(), 1);
        assert!(closed[0].start.0 <= before + SECOND && closed[0].end.0 >= end - 100 * MS);
        // 25 ms there and back: 80 changes a second at most.
        assert!((70.0..=80.0).contains(&closed[0].figures[0]), "{:?}", closed[0]);
    }

    #[test]
    fn a_price_that_stays_away_for_longer_does_not_flicker() {
        // Away for 30 ms but back for 101: half the changes are returns, 7 a second; and none where both are long.
        for (up, down) in [(30 * MS, 101 * MS), (101 * MS, 101 * MS)] {
            let mut rehearsal = market();
            flicker(&mut rehearsal, 100, up, down);
            assert_eq!(alerts(rehearsal), 0);
        }
    }

    #[test]
    fn a_price_that_is_taken_and_filled_up_again_does_not_flicker() {
        let mut rehearsal = market();
        for _ in 0..100 {
            rehearsal.trade(Side::Buy, BID + CENT, 100);
            rehearsal.wait(5 * MS);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn prices_that_move_on_do_not_flicker() {
        let mut rehearsal = market();
        for at in 1..200 {
            rehearsal.add(Side::Buy, BID + at * 100_000, 100);
            rehearsal.wait(2 * MS);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn in_a_halt_and_before_the_opening_it_is_not_armed_and_a_gap_is_no_burst() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        flicker(&mut rehearsal, 100, 5 * MS, 5 * MS);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = Rehearsal::before_the_opening(&Default::default());
        rehearsal.fill(BID, ASK, 5, 300);
        flicker(&mut rehearsal, 100, 5 * MS, 5 * MS);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = market();
        flicker(&mut rehearsal, 5, 5 * MS, 5 * MS);
        rehearsal.lose(10_000);
        rehearsal.wait(SECOND);
        flicker(&mut rehearsal, 5, 5 * MS, 5 * MS);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn its_returns_and_times_away_count_from_their_very_thresholds_on() {
        // Ten times there and back are 19 returns; there once more, 20.
        let mut rehearsal = market();
        flicker(&mut rehearsal, 10, 20 * MS, 20 * MS);
        assert_eq!(rehearsal.opened("flickering_quote").len(), 0);
        rehearsal.add(Side::Buy, BID + CENT, 100);
        assert_eq!(rehearsal.opened("flickering_quote")[0].figures[..2], [20.0, 21.0]);
        assert_eq!(alerts(rehearsal), 1);
        // A bid and an offer that change every 100 ms: ten times each in ten slots of 100 ms.
        for (away, expected) in [(100 * MS, 1), (100 * MS + 1, 0)] {
            let mut rehearsal = market();
            for _ in 0..15 {
                let bid = rehearsal.add(Side::Buy, BID + CENT, 100);
                let ask = rehearsal.add(Side::Sell, ASK - CENT, 100);
                rehearsal.wait(away);
                [bid, ask].into_iter().for_each(|order| rehearsal.delete(order));
                rehearsal.wait(away);
            }
            assert_eq!(alerts(rehearsal), expected, "{away}");
        }
    }

    #[test]
    fn half_of_the_changes_must_be_returns() {
        // To another price each time and back from there: of 40 changes 20 are returns, or of 41.
        for (moves, expected) in [(0, 1), (1, 0)] {
            let mut rehearsal = market();
            for at in 0..moves {
                rehearsal.add(Side::Buy, BID + (1 + at) * 1_000, 100);
            }
            for at in 0..20 {
                let order = rehearsal.add(Side::Buy, BID + CENT + at * 1_000, 100);
                rehearsal.wait(10 * MS);
                rehearsal.delete(order);
                rehearsal.wait(10 * MS);
            }
            assert_eq!(alerts(rehearsal), expected, "{moves}");
        }
    }

    #[test]
    fn after_a_halt_and_its_auction_it_is_not_armed_for_five_minutes() {
        let mut rehearsal = market();
        flicker(&mut rehearsal, 8, 10 * MS, 10 * MS);
        rehearsal.action(b'H');
        rehearsal.cross(b'H', BID, 50_000);
        rehearsal.action(b'T');
        flicker(&mut rehearsal, 100, 5 * MS, 5 * MS);
        rehearsal.pass(5 * SECOND);
        assert_eq!(rehearsal.opened("flickering_quote").len(), 0);
        rehearsal.pass(300 * SECOND);
        flicker(&mut rehearsal, 100, 5 * MS, 5 * MS);
        assert_eq!(alerts(rehearsal), 1);
    }

    #[test]
    fn crosses_are_no_changes_of_the_quote() {
        // As many returns as with 19 alone, however often something crosses at another price.
        let mut rehearsal = market();
        rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
        for _ in 0..10 {
            flicker(&mut rehearsal, 1, 20 * MS, 20 * MS);
            rehearsal.cross(b'C', BID - DOLLAR, 1_000);
        }
        assert_eq!(rehearsal.opened("flickering_quote").len(), 0);
        rehearsal.add(Side::Buy, BID + CENT, 100);
        assert_eq!(alerts(rehearsal), 1);
    }

    #[test]
    fn a_price_whose_way_back_was_lost_has_not_returned() {
        // Each time the message that takes it back is lost, so it goes on from there.
        let mut rehearsal = market();
        for at in 1..=100 {
            rehearsal.add(Side::Buy, BID + at * 1_000, 100);
            rehearsal.lose(1);
            rehearsal.wait(5 * MS);
        }
        assert_eq!(alerts(rehearsal), 0);
    }
}
