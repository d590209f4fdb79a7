//! Painting of the tape: orders that are filled whole the moment they enter, to and fro, at one price.
//!
//! Counts executions that fill a resting order of a few milliseconds' age with one print, to its last share.
//! Its condition is so many of them within a minute at about one price, buys and sells in turn, and a good
//! part of all prints: where much trades, some such happens by chance. The feed is anonymous: whether
//! one hand was on both sides cannot be told, so this is a hint only.
//!
//! Sources: Cumming, Johan and Li 2011, "Exchange trading rules and stock market liquidity" (wash trades, painting the
//! tape); Regulation (EU) 2016/522, annex II; Securities Exchange Act of 1934, section 9(a)(1).

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::recent::Recent;
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::units::{Nanos, Sequence, Side};

crate::parameters! {
    /// `detect.tape_painting`
    TapePainting {
        prints: Count = 10, 2..10000, "Such prints within a minute.", "convention";
        age: Time = 10_000_000, 1_000..1e10, "Age of the order that is filled, at most.", "convention";
        turns: Ratio = 0.5, 0..1, "Part of them that are on the other side than the one before, at least.", "convention: to and fro";
        share: Ratio = 0.3, 0..1, "Part of all prints, at least.", "convention";
    }
}

/// A tenth of the minute.
const TENTH_NS: i64 = 6_000_000_000;

/// The least distance at which a price is another, 1e-9 units.
const CENT: i64 = 10_000_000;

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Such prints within the last minute.
    such: Recent,
    /// Those on the other side than the one before.
    turns: Recent,
    /// All prints.
    all: Recent,
    /// Price of the first of them.
    price: i64,
    /// When it was, and with which message.
    first_ns: i64,
    first_sequence: u64,
    /// Side of the last one's aggressor as its byte; 0 before any.
    aggressor: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(27),
    name: "tape_painting",
    pattern: "painting of the tape (a hint: identities are not known)",
    figures: &["prints_per_min", "turns_per_min", "share_of_prints"],
    thresholds: &["prints", "age", "turns", "share"],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Volume,
};

impl TapePainting {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming { cool_down: 15e9, ..Arming::default() }
    }

    #[cold]
    #[inline(never)]
    fn judge(&self, state: &mut State, seen: &Seen<'_>, price: i64, side: Side) -> Option<Raised> {
        let time = seen.time;
        let far = (seen.profile.spread() as i64).max(CENT);
        if price.saturating_sub(state.price).saturating_abs() > far
            || state.such.sum(time, TENTH_NS) == 0
        {
            (state.such, state.turns) = (Recent::default(), Recent::default());
            (state.price, state.aggressor) = (price, 0);
            (state.first_ns, state.first_sequence) = (time.0, seen.sequence.0);
        }
        let aggressor = u64::from(side.opposite().byte());
        state.such.count(time, TENTH_NS);
        if state.aggressor != 0 && state.aggressor != aggressor {
            state.turns.count(time, TENTH_NS);
        }
        state.aggressor = aggressor;
        let such = f64::from(state.such.sum(time, TENTH_NS));
        let turns = f64::from(state.turns.sum(time, TENTH_NS));
        let share = such / f64::from(state.all.sum(time, TENTH_NS)).max(1.0);
        if turns < self.turns * (such - 1.0) || share < self.share {
            return None;
        }
        let level = such / self.prints;
        let first = Since { time: Nanos(state.first_ns), sequence: Sequence(state.first_sequence) };
        let is_recent = time.0.saturating_sub(state.first_ns) <= 10 * TENTH_NS;
        (level >= 0.5).then(|| Raised {
            level,
            since: if is_recent { first } else { seen.since(10 * TENTH_NS) },
            figures: [such, turns, share, 0.0],
            print: None,
        })
    }
}

impl Detector for TapePainting {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    #[inline(always)]
    fn on_print(&self, state: &mut State, seen: &Seen<'_>) -> Option<Raised> {
        state.all.count(seen.time, TENTH_NS);
        let (resting, print) = (seen.resting?, seen.print?);
        let age = seen.time.0.saturating_sub(resting.since.0);
        if !(resting.left && resting.first_fill && age as f64 <= self.age) {
            return None;
        }
        self.judge(state, seen, print.price.0, resting.side)
    }
}

#[cfg(test)]
mod tests {
    use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
    use crate::units::Side;

    const BID: i64 = 100 * DOLLAR;
    const ASK: i64 = BID + 4 * CENT;

    fn market() -> Rehearsal {
        let mut rehearsal = Rehearsal::with(&[]);
        rehearsal.fill(BID, ASK, 5, 300);
        rehearsal.pass(SECOND);
        rehearsal
    }

    /// Orders filled whole after `age`, every `step`, at a price that rises by `rise` each time; sides in turn or not.
    fn paint(
        rehearsal: &mut Rehearsal,
        times: i64,
        (age, step): (i64, i64),
        rise: i64,
        in_turn: bool,
    ) {
        for at in 0..times {
            let side = if in_turn && at % 2 == 1 { Side::Sell } else { Side::Buy };
            let order = rehearsal.add(side, BID + 2 * CENT + at * rise, 500);
            rehearsal.wait(age);
            rehearsal.execute(order, 500);
            rehearsal.wait(step);
        }
    }

    fn alerts(mut rehearsal: Rehearsal) -> usize {
        rehearsal.pass(30 * SECOND);
        assert_eq!(
            rehearsal.opened("tape_painting").len(),
            rehearsal.closed("tape_painting").len()
        );
        rehearsal.opened("tape_painting").len()
    }

    #[test]
    fn ten_orders_filled_whole_at_once_within_a_minute_paint_the_tape() {
        for (times, age, step, expected) in [
            (10, 10 * MS, 4 * SECOND, 1),
            (9, 10 * MS, 4 * SECOND, 0),
            (20, 10 * MS + 1, 2 * SECOND, 0),
            (30, MS, 8 * SECOND, 0),
            (60, MS, SECOND, 1),
        ] {
            let mut rehearsal = market();
            paint(&mut rehearsal, times, (age, step), 0, true);
            assert_eq!(alerts(rehearsal), expected, "{times} {age} {step}");
        }
    }

    #[test]
    fn it_begins_with_the_first_of_them() {
        let mut rehearsal = market();
        let before = rehearsal.now();
        paint(&mut rehearsal, 12, (MS, SECOND), 0, true);
        let opened = rehearsal.opened("tape_painting");
        assert_eq!(opened.len(), 1);
        assert_eq!((opened[0].start.0, opened[0].figures), (before + MS, [10.0, 9.0, 1.0, 0.0]));
    }

    #[test]
    fn one_sided_trades_and_prices_that_move_are_none() {
        for (rise, in_turn) in [(0, false), (2 * CENT, true)] {
            let mut rehearsal = market();
            paint(&mut rehearsal, 40, (MS, SECOND), rise, in_turn);
            assert_eq!(alerts(rehearsal), 0);
        }
    }

    #[test]
    fn orders_filled_in_parts_are_none() {
        let mut rehearsal = market();
        for at in 0..40 {
            let side = if at % 2 == 1 { Side::Sell } else { Side::Buy };
            let order = rehearsal.add(side, BID + 2 * CENT, 500);
            rehearsal.execute(order, 200);
            rehearsal.execute(order, 300);
            rehearsal.wait(SECOND);
        }
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn where_much_else_trades_some_are_chance() {
        for (others, expected) in [(2, 1), (3, 0)] {
            let mut rehearsal = market();
            for at in 0..20 {
                (0..others).for_each(|_| _ = rehearsal.hidden(BID + CENT, 100));
                let side = if at % 2 == 1 { Side::Sell } else { Side::Buy };
                rehearsal.trade(side, BID + 2 * CENT, 500);
                rehearsal.wait(SECOND);
            }
            assert_eq!(alerts(rehearsal), expected, "{others}");
        }
    }

    #[test]
    fn in_a_halt_before_the_opening_and_across_a_gap_there_is_none() {
        let mut rehearsal = market();
        rehearsal.action(b'H');
        paint(&mut rehearsal, 20, (MS, SECOND), 0, true);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = Rehearsal::before_the_opening(&Default::default());
        paint(&mut rehearsal, 20, (MS, SECOND), 0, true);
        assert_eq!(alerts(rehearsal), 0);
        let mut rehearsal = market();
        paint(&mut rehearsal, 5, (MS, SECOND), 0, true);
        rehearsal.lose(1_000);
        rehearsal.wait(61 * SECOND);
        paint(&mut rehearsal, 5, (MS, SECOND), 0, true);
        assert_eq!(alerts(rehearsal), 0);
    }

    #[test]
    fn three_tenths_of_the_prints_and_half_of_the_turns_will_do() {
        // The twelfth of 40 prints, and of 41.
        for (others, expected) in [(28, 1), (29, 0)] {
            let mut rehearsal = market();
            (0..others).for_each(|_| _ = rehearsal.hidden(BID + CENT, 100));
            paint(&mut rehearsal, 12, (MS, SECOND), 0, true);
            assert_eq!(alerts(rehearsal), expected, "{others}");
        }
        // Five turns among eleven, and four.
        for (one_sided, expected) in [(6, 1), (7, 0)] {
            let mut rehearsal = market();
            paint(&mut rehearsal, one_sided, (MS, SECOND), 0, false);
            for at in 0..11 - one_sided {
                let side = if at % 2 == 0 { Side::Sell } else { Side::Buy };
                rehearsal.trade(side, BID + 2 * CENT, 500);
                rehearsal.wait(SECOND);
            }
            assert_eq!(alerts(rehearsal), expected, "{one_sided}");
        }
    }

    #[test]
    fn a_price_further_away_than_a_usual_spread_begins_anew() {
        for (away, expected) in [(4 * CENT, 1), (4 * CENT + 1, 0)] {
            let mut rehearsal = market();
            rehearsal.add(Side::Buy, 90 * DOLLAR, 100);
            rehearsal.pass(SECOND);
            rehearsal.add(Side::Buy, 90 * DOLLAR, 100);
            for at in 0..10 {
                let side = if at % 2 == 1 { Side::Sell } else { Side::Buy };
                let price = if at < 5 { BID } else { BID + away };
                rehearsal.trade(side, price, 500);
                rehearsal.wait(SECOND);
            }
            assert_eq!(alerts(rehearsal), expected, "{away}");
        }
    }

    #[test]
    fn crosses_are_none_of_it_and_after_a_halt_it_is_not_armed_for_five_minutes() {
        let mut rehearsal = market();
        rehearsal.imbalance(b'C', b'B', 10_000, 500, 1_000_000);
        paint(&mut rehearsal, 9, (MS, SECOND), 0, true);
        for _ in 0..20 {
            rehearsal.cross(b'C', BID + 2 * CENT, 500);
            rehearsal.wait(100 * MS);
        }
        assert_eq!(rehearsal.opened("tape_painting").len(), 0);
        // Nor does one end what was: this is the tenth.
        paint(&mut rehearsal, 1, (MS, SECOND), 0, true);
        assert_eq!(alerts(rehearsal), 1);
        let mut rehearsal = market();
        rehearsal.action(b'H');
        rehearsal.cross(b'H', BID, 5_000);
        rehearsal.action(b'T');
        paint(&mut rehearsal, 20, (MS, SECOND), 0, true);
        rehearsal.pass(30 * SECOND);
        assert_eq!(rehearsal.opened("tape_painting").len(), 0);
        rehearsal.pass(300 * SECOND);
        paint(&mut rehearsal, 10, (MS, SECOND), 0, true);
        assert_eq!(alerts(rehearsal), 1);
    }
}
