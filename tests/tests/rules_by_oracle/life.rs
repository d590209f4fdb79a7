//! What becomes of a condition as time passes, as it is for all detectors: it opens an alert where it is
//! armed and at its thresholds, holds it up from half of them on, and the alert is over when nothing has
//! done so for the cool-down; that is seen at lines of 100 ms of feed time.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::{Alert, Change};
use engine::event::Kind;
use engine::units::MatchNumber;

use crate::day::Day;

/// Between two lines.
const LINE: i64 = 100_000_000;

/// The first line that is not before a time.
pub(crate) fn line_from(time: i64) -> i64 {
    -(-time).div_euclid(LINE) * LINE
}

/// Where a condition was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) symbol: u32,
    pub(crate) time: i64,
    /// The message at which it was.
    pub(crate) sequence: u64,
    /// When it began and with which message.
    pub(crate) since: i64,
    pub(crate) first: u64,
    /// Whether it is at its thresholds and the detector is armed; else it only holds up.
    pub(crate) opens: bool,
    /// The print that shows it.
    pub(crate) print: Option<MatchNumber>,
    /// Whether it was seen as the line passed, before what ends with the line.
    pub(crate) is_at_line: bool,
}

/// An alert as it must be in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    pub(crate) symbol: u32,
    pub(crate) opened: u64,
    pub(crate) start: i64,
    pub(crate) first: u64,
    pub(crate) end: i64,
    pub(crate) last: u64,
    pub(crate) is_retracted: bool,
}

/// The alerts that a day's conditions make, in the order of their messages.
pub(crate) fn alerts(day: &Day, conditions: &[Seen], cool_down: i64) -> BTreeSet<Expected> {
    let mut alerts: Vec<(Expected, Option<MatchNumber>)> = Vec::new();
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for seen in conditions {
        let at = open.get(&seen.symbol).copied();
        // The line that the message passes comes before it.
        let passed = seen.time.div_euclid(LINE) * LINE;
        let is_over = |at: usize| {
            let ends = alerts[at].0.end + cool_down;
            passed > ends || passed == ends && !seen.is_at_line
        };
        match at.filter(|&at| !is_over(at)) {
            Some(at) => (alerts[at].0.end, alerts[at].0.last) = (seen.time, seen.sequence),
            None if seen.opens => {
                open.insert(seen.symbol, alerts.len());
                let expected = Expected {
                    symbol: seen.symbol,
                    opened: seen.sequence,
                    start: seen.since,
                    first: seen.first,
                    end: seen.time,
                    last: seen.sequence,
                    is_retracted: false,
                };
                alerts.push((expected, seen.print));
            }
            None => {}
        }
    }
    let broken: BTreeSet<(u32, MatchNumber)> = day
        .moments
        .iter()
        .filter(|moment| moment.is(Kind::Break))
        .map(|moment| (moment.symbol.0, moment.event.match_number()))
        .collect();
    let is_broken = |symbol, print: Option<MatchNumber>| {
        print.is_some_and(|number| broken.contains(&(symbol, number)))
    };
    let alerts = alerts.into_iter().map(|(expected, print)| Expected {
        is_retracted: is_broken(expected.symbol, print),
        ..expected
    });
    alerts.collect()
}

/// The alerts of a detector that the engine raised.
pub(crate) fn raised<'a>(day: &'a Day, detector: &'a str) -> impl Iterator<Item = &'a Alert> {
    day.alerts.iter().filter(move |(name, _)| *name == detector).map(|(_, alert)| alert)
}

/// An alert of the engine as one that is compared.
pub(crate) fn told(alert: &Alert) -> Expected {
    Expected {
        symbol: alert.symbol.0,
        opened: alert.opened.0,
        start: alert.start.0,
        first: alert.first.0,
        end: alert.end.0,
        last: alert.last.0,
        is_retracted: alert.change == Change::Retract,
    }
}

/// Asserts that the engine raised these and no others; how many they are. `view` blanks what the rule
/// leaves open.
pub(crate) fn assert_exact(
    day: &Day,
    detector: &str,
    expected: &BTreeSet<Expected>,
    view: impl Fn(Expected) -> Expected,
) -> usize {
    let raised: BTreeSet<Expected> = raised(day, detector).map(|alert| view(told(alert))).collect();
    let expected: BTreeSet<Expected> = expected.iter().copied().map(view).collect();
    let missed: Vec<_> = expected.difference(&raised).collect();
    let too_many: Vec<_> = raised.difference(&expected).collect();
    assert!(
        missed.is_empty() && too_many.is_empty(),
        "{detector}, seed {}: of {} missed {missed:#?}, too many {too_many:#?}",
        day.seed,
        expected.len()
    );
    expected.len()
}
