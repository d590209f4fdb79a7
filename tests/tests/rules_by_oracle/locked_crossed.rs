//! Locked and crossed books: a millisecond of bid at or above offer while the symbol trades. No simulated day
//! has one; a feed of which messages were lost has.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::phase::Phase;
use engine::event::Kind;

use crate::day::{DAYS, Day};
use crate::life::{Expected, Seen, alerts, assert_exact, line_from};
use crate::moments::{Moment, SECOND};

const NAME: &str = "locked_crossed";

const DWELL: i64 = 1_000_000;

/// One in so many of the messages by which orders leave is lost.
const LOST_ONE_IN: u64 = 400;

/// A lock: the message that began it, the times and numbers at which the quote changed in it and by which it
/// ended, and whether that was another quote rather than a halt or the end of the day.
struct Lock {
    symbol: u32,
    since: (i64, u64),
    changes: Vec<(i64, u64)>,
    end: (i64, u64),
    ends_by_quote: bool,
}

fn locks(day: &Day) -> Vec<Lock> {
    let mut locks = Vec::new();
    let mut open: BTreeMap<u32, Lock> = BTreeMap::new();
    for moment in day.moments.iter() {
        let (symbol, here) = (moment.symbol.0, (moment.time(), moment.event.sequence));
        let is_locked = moment.state == b'T' && moment.after.is_over();
        match open.get_mut(&symbol) {
            None if is_locked => {
                let (changes, ends_by_quote) = (Vec::new(), false);
                let lock = Lock { symbol, since: here, changes, end: (i64::MAX, 0), ends_by_quote };
                open.insert(symbol, lock);
            }
            None => {}
            Some(lock) => {
                if moment.before != moment.after && !moment.is(Kind::TradingAction) {
                    lock.changes.push(here);
                }
                if !is_locked {
                    let mut lock = open.remove(&symbol).unwrap();
                    (lock.end, lock.ends_by_quote) = (here, !moment.is(Kind::TradingAction));
                    locks.push(lock);
                }
            }
        }
    }
    locks.extend(open.into_values());
    locks
}

/// Until when nothing opens: market hours have not begun.
fn opening(moments: &[Moment]) -> u64 {
    let before = moments.iter().rev().find(|moment| moment.phase == Phase::Pre);
    before.map_or(0, |moment| moment.event.sequence + 1)
}

/// The alerts, and which of them end by a halt or with the day, whose end is left open.
fn expected(day: &Day) -> (BTreeSet<Expected>, BTreeSet<u64>) {
    let opening = opening(&day.moments);
    let last = day.clock.last().unwrap().1;
    let (mut conditions, mut left_open) = (Vec::new(), BTreeSet::new());
    for Lock { symbol, since, changes, end, ends_by_quote } in locks(day) {
        let end_sequence = if end.1 == 0 { last + 1 } else { end.1 };
        let mut see = |time: i64, sequence: u64, is_at_line| {
            let dwell = time - since.0;
            if 2 * dwell >= DWELL {
                conditions.push(Seen {
                    symbol,
                    time,
                    sequence,
                    since: since.0,
                    first: since.1,
                    opens: dwell >= DWELL && sequence >= opening,
                    print: None,
                    is_at_line,
                });
                if !ends_by_quote {
                    left_open.insert(sequence);
                }
            }
        };
        for (time, sequence) in changes {
            see(time, sequence, false);
        }
        // And as time passes, from the first line on at which it has lasted, every second.
        let mut line = line_from(since.0 + DWELL);
        while let Some(passes) = day.passes(line).filter(|passes| *passes <= end_sequence) {
            see(line, passes, true);
            line += SECOND;
        }
    }
    conditions.sort_by_key(|seen| (seen.sequence, !seen.is_at_line, seen.time));
    (alerts(day, &conditions, SECOND), left_open)
}

#[test]
fn every_lock_is_told_and_nothing_else_is() {
    let mut locks = 0;
    for day in DAYS.iter() {
        let day = day.with_losses(LOST_ONE_IN).alone(NAME, &[]);
        let (expected, left_open) = expected(&day);
        let goes_on: BTreeSet<u64> = expected
            .iter()
            .filter(|lock| left_open.contains(&lock.last))
            .map(|lock| lock.opened)
            .collect();
        // One from before the opening is told within a second of it, whenever it is looked at.
        let opening = opening(&day.moments);
        let soon = day.passes(line_from(day.time_of(opening)) + SECOND).unwrap();
        locks += assert_exact(&day, NAME, &expected, |mut lock| {
            if goes_on.contains(&lock.opened) {
                (lock.end, lock.last) = (0, 0);
            }
            if lock.first < opening && (opening..=soon).contains(&lock.opened) {
                (lock.opened, lock.end, lock.last) = (0, 0, 0);
            }
            lock
        });
    }
    assert!(locks >= 30, "{locks} locks");
}

#[test]
fn with_all_detectors_locks_are_told_from_the_same_messages_and_an_untouched_day_has_none() {
    for day in DAYS.iter() {
        assert_exact(day, NAME, &expected(day).0, |lock| lock);
        let day = day.with_losses(LOST_ONE_IN);
        // Who else wakes a symbol lets its locks be looked at, too.
        assert_exact(&day, NAME, &expected(&day).0, |lock| Expected {
            opened: 0,
            end: 0,
            last: 0,
            ..lock
        });
    }
}
