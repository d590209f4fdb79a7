//! Halts: from the action that takes a symbol out of trading, in market hours or after them, to the one by
//! which it trades again.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::phase::Phase;
use engine::event::Kind;

use crate::day::{DAYS, Day};
use crate::life::{Expected, assert_exact};
use crate::moments::SECOND;

/// Every halt that ended, and for one that goes on to the end of the day its beginning only.
fn expected(day: &Day) -> BTreeSet<Expected> {
    let mut halts: Vec<Expected> = Vec::new();
    let mut before: BTreeMap<u32, u8> = BTreeMap::new();
    // Places of the last halts of symbols, and whether they go on.
    let mut at: BTreeMap<u32, (usize, bool)> = BTreeMap::new();
    for moment in day.moments.iter().filter(|moment| moment.is(Kind::TradingAction)) {
        let (symbol, now, code) = (moment.symbol.0, moment.time(), moment.event.code());
        let sequence = moment.event.sequence;
        let known = before.insert(symbol, code);
        match (at.get(&symbol).copied(), code) {
            (Some((halt, true)), _) => {
                (halts[halt].end, halts[halt].last) = (now, sequence);
                at.insert(symbol, (halt, code != b'T'));
            }
            (_, b'T') => {}
            (last, _) => {
                let traded = known.map_or(moment.had_orders, |known| known == b'T');
                if !traded || moment.phase_before == Phase::Pre {
                    continue;
                }
                // One that begins within the cool-down of another goes on with it.
                let goes_on = last.filter(|&(halt, _)| now - halts[halt].end < SECOND);
                let halt = goes_on.map_or(halts.len(), |(halt, _)| halt);
                if halt == halts.len() {
                    let (start, end) = (now, now);
                    let (opened, first, last) = (sequence, sequence, sequence);
                    let is_retracted = false;
                    halts.push(Expected { symbol, opened, start, first, end, last, is_retracted });
                }
                at.insert(symbol, (halt, true));
            }
        }
    }
    for (halt, goes_on) in at.into_values() {
        if goes_on {
            (halts[halt].end, halts[halt].last) = (0, 0);
        }
    }
    halts.into_iter().collect()
}

#[test]
fn every_halt_is_told_from_its_action_to_its_resumption_and_nothing_else_is() {
    let mut halts = 0;
    for day in DAYS.iter() {
        let expected = expected(day);
        let goes_on = |opened| expected.iter().any(|halt| halt.opened == opened && halt.last == 0);
        halts += assert_exact(day, "halt", &expected, |halt| {
            if goes_on(halt.opened) { Expected { end: 0, last: 0, ..halt } } else { halt }
        });
    }
    assert!(halts >= 8, "{halts} halts");
}
