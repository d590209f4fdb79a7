//! Stale symbols: no message of orders for so long that twenty were to be expected, for five seconds, and for
//! three times as long as the symbol's longest silence of late. The days are short, so that the feed itself
//! is never silent.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::Alert;
use engine::event::Kind;

use crate::day::{Day, SHORT_DAYS};
use crate::life::{line_from, raised};
use crate::moments::{SECOND, is_market};

const NAME: &str = "stale_symbol";

/// Thresholds: messages expected, messages a second, and the silence over the longest.
#[derive(Clone, Copy)]
struct Rule {
    expected: f64,
    rate_min: f64,
    longest: f64,
}

const RULE: Rule = Rule { expected: 20.0, rate_min: 0.5, longest: 3.0 };

/// What is known of a symbol's messages.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Where the last second with messages ended, if the time since then counts.
    quiet_from: Option<i64>,
    /// Messages a second, over the last five minutes or as long as it was watched.
    rate: f64,
    watched_s: f64,
    /// The longest silence of the last hour, the longer ago the shorter.
    longest_ns: f64,
    /// Seconds of market hours with messages.
    seconds: u32,
}

impl Known {
    /// The silence that is too long, whole ns; none of a symbol with few messages.
    fn limit_ns(&self, rule: Rule) -> Option<f64> {
        let unlikely = rule.expected / self.rate * 1e9;
        let limit = unlikely.max(5e9).max(rule.longest * self.longest_ns);
        (self.rate >= rule.rate_min).then_some(limit.floor())
    }

    /// A second in market hours had so many messages of orders.
    fn second(&mut self, rule: Rule, second: i64, orders: u32) {
        let (begins, ends) = (second * SECOND, (second + 1) * SECOND);
        if let Some(from) = self.quiet_from {
            let elapsed_s = ((ends - from) / SECOND) as f64;
            self.watched_s += elapsed_s;
            let weight = (elapsed_s / (300.0 + elapsed_s)).max(elapsed_s / self.watched_s);
            self.rate += weight * (f64::from(orders) / elapsed_s - self.rate);
            let silence = ((begins - from) as f64).min(self.limit_ns(rule).unwrap_or(f64::MAX));
            let left = self.longest_ns * (1.0 - (elapsed_s / 3_600.0).min(1.0));
            self.longest_ns = left.max(silence);
        }
        self.quiet_from = Some(ends);
    }
}

/// Silences that are too long: the symbol, since when, when that is known, and until which message at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Silence {
    symbol: u32,
    from: i64,
    line: i64,
    until: u64,
}

/// The second at hand of a symbol.
#[derive(Clone, Copy)]
struct AtHand {
    second: i64,
    orders: u32,
    has_print: bool,
}

fn expected(day: &Day, rule: Rule) -> BTreeSet<Silence> {
    let mut known: BTreeMap<u32, Known> = BTreeMap::new();
    let mut at_hand: BTreeMap<u32, AtHand> = BTreeMap::new();
    let mut silences = BTreeSet::new();
    for moment in day.moments.iter() {
        let (symbol, second) = (moment.symbol.0, moment.time().div_euclid(SECOND));
        let known = known.entry(symbol).or_default();
        let new = AtHand { second, orders: 0, has_print: false };
        // Behind what was forgotten, the first second with messages begins the watch.
        let is_watched = known.quiet_from.is_some();
        let hand = at_hand.entry(symbol).or_insert(new);
        if second > hand.second {
            let ended = core::mem::replace(hand, new);
            if !is_market(moment.phase_before) {
                known.quiet_from = None;
            } else {
                if ended.orders > 0 {
                    known.second(rule, ended.second, ended.orders);
                }
                known.seconds += u32::from(ended.orders > 0 || ended.has_print);
            }
        }
        // The time up to this message was silent, unless it is in the second of the last one.
        let is_silent = hand.orders == 0;
        if let (Some(from), Some(limit), true) = (
            known.quiet_from,
            known.limit_ns(rule),
            is_silent && is_watched && known.seconds >= 120,
        ) {
            let line = line_from(from + limit as i64);
            let until = moment.event.sequence;
            let passes = day.passes(line).filter(|passes| *passes <= until.min(day.closed));
            if passes.is_some() {
                // The last one before the next order of the symbol stands for all.
                silences
                    .retain(|silence: &Silence| (silence.symbol, silence.from) != (symbol, from));
                silences.insert(Silence { symbol, from, line, until });
            }
        }
        let is_order = moment.event.kind <= Kind::Replace as u8;
        hand.orders += u32::from(is_order);
        hand.has_print |= moment.trade().is_some();
        if moment.is(Kind::TradingAction) {
            known.quiet_from = None;
        }
    }
    silences
}

/// Asserts that these silences were told and no others; how many they are.
fn hold(day: &Day, rule: Rule) -> usize {
    let expected = expected(day, rule);
    let raised: BTreeMap<(u32, i64), &Alert> =
        raised(day, NAME).map(|alert| ((alert.symbol.0, alert.start.0), alert)).collect();
    let told: BTreeSet<(u32, i64)> = raised.keys().copied().collect();
    let known: BTreeSet<(u32, i64)> =
        expected.iter().map(|silence| (silence.symbol, silence.from)).collect();
    let missed: Vec<_> = known.difference(&told).collect();
    let too_many: Vec<_> = told.difference(&known).collect();
    assert!(
        missed.is_empty() && too_many.is_empty(),
        "seed {}: missed {missed:?}, too many {too_many:?}",
        day.seed
    );
    // Each is told as soon as feed time has come to it, and lasts to within a second of its end.
    for Silence { symbol, from, line, until } in &expected {
        let alert = raised[&(*symbol, *from)];
        assert_eq!(Some(alert.opened.0), day.passes(*line), "seed {}: {alert:?}", day.seed);
        let ends = day.time_of((*until).min(day.closed));
        assert!((ends - 11 * SECOND / 10..=ends).contains(&alert.end.0), "{alert:?} ends {ends}");
    }
    known.len()
}

#[test]
fn every_silence_that_is_too_long_is_told_and_nothing_else_is() {
    let mut silences = 0;
    for day in SHORT_DAYS.iter() {
        // Whoever else wakes a symbol changes nothing of it.
        silences += hold(day, RULE);
        assert_eq!(hold(&day.alone(NAME, &[]), RULE), hold(day, RULE));
    }
    assert!(silences >= 10, "{silences} silences");
}

#[test]
fn so_it_is_where_a_third_of_that_is_too_long() {
    let rule = Rule { expected: 7.0, rate_min: 0.2, longest: 1.1 };
    let Rule { expected, rate_min, longest } = rule;
    let changes =
        [(NAME, "expected", expected), (NAME, "rate_min", rate_min), (NAME, "longest", longest)];
    let each = SHORT_DAYS.iter().map(|day| hold(&day.alone(NAME, &changes), rule));
    let silences: usize = each.sum();
    assert!(silences >= 50, "{silences} silences");
}
