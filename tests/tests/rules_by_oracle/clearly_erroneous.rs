//! Clearly erroneous prints: beyond the guideline from the last sale of an earlier time, and from the last one
//! that was not clearly erroneous itself.

use std::collections::{BTreeMap, BTreeSet};

use engine::detect::phase::Phase;
use engine::event::Kind;

use crate::day::{DAYS, Day};
use crate::life::{Expected, Seen, alerts, assert_exact};
use crate::moments::{Moment, SECOND};

const NAME: &str = "clearly_erroneous";

const CENT: f64 = 1e7;

/// A sale from which prints may be measured.
#[derive(Clone, Copy)]
struct Sale {
    time: i64,
    price: i64,
    /// Whether it was clearly erroneous.
    is_told: bool,
}

/// The guideline's table, as parts of the last sale.
#[derive(Clone, Copy)]
struct Guideline {
    to_25: f64,
    to_50: f64,
    above_50: f64,
}

const RULE: Guideline = Guideline { to_25: 0.10, to_50: 0.05, above_50: 0.03 };

/// How many times as far as the guideline lets it a print is from a sale.
fn times(rule: Guideline, moment: &Moment, price: i64, sale: i64, leverage: u64) -> f64 {
    let part = match sale {
        sale if sale <= 25_000_000_000 => rule.to_25,
        sale if sale <= 50_000_000_000 => rule.to_50,
        _ => rule.above_50,
    };
    let is_outside = matches!(moment.phase, Phase::Pre | Phase::Post);
    let part = part * if is_outside { 2.0 } else { 1.0 } * leverage.clamp(1, 10) as f64;
    let distance = price.abs_diff(sale) as f64;
    let mut least = f64::min(distance / sale as f64 / part, distance / (5.0 * CENT));
    if moment.usual_spread > 0.0 {
        least = least.min(distance / (2.0 * moment.usual_spread));
    }
    least
}

fn expected(day: &Day, rule: Guideline) -> BTreeSet<Expected> {
    let mut sales: BTreeMap<u32, Vec<Sale>> = BTreeMap::new();
    let mut leverages: BTreeMap<u32, u64> = BTreeMap::new();
    let mut conditions = Vec::new();
    for moment in day.moments.iter() {
        let (symbol, time) = (moment.symbol.0, moment.time());
        let sales = sales.entry(symbol).or_default();
        if moment.is(Kind::Directory) {
            leverages.insert(symbol, moment.event.words[3] & 0xffff_ffff);
        }
        if moment.is(Kind::TradingAction) && moment.event.code() != b'T' {
            sales.clear();
        }
        let Some(print) = moment.print else { continue };
        let price = print.price;
        if print.is_cross {
            // Also for what prints at the same time.
            *sales = vec![Sale { time: i64::MIN, price, is_told: false }];
            sales.push(Sale { time, price, is_told: false });
            continue;
        }
        if moment.phase == Phase::Halted {
            continue;
        }
        let earlier = sales.iter().rev().filter(|sale| sale.time < time);
        let last = earlier.clone().next().copied();
        let quiet = earlier.clone().find(|sale| !sale.is_told).copied();
        let leverage = leverages.get(&symbol).copied().unwrap_or(0);
        let of = |sale: Sale| times(rule, moment, price, sale.price, leverage);
        let level = match (last, quiet) {
            (Some(last), Some(quiet)) if is_recent(&last, sales, time) => of(last).min(of(quiet)),
            _ => 0.0,
        };
        sales.push(Sale { time, price, is_told: level >= 1.0 });
        if level >= 0.5 {
            conditions.push(Seen {
                symbol,
                time,
                sequence: moment.event.sequence,
                since: time,
                first: moment.event.sequence,
                opens: level >= 1.0,
                print: Some(print.number),
                is_at_line: false,
            });
        }
    }
    alerts(day, &conditions, SECOND)
}

/// Whether the last sale is ten minutes ago at most; a cross's that stands for one before it is as old as it.
fn is_recent(last: &Sale, sales: &[Sale], now: i64) -> bool {
    let at = if last.time == i64::MIN { sales[1].time } else { last.time };
    now - at <= 600 * SECOND
}

#[test]
fn every_print_beyond_the_guideline_is_told_and_nothing_else_is() {
    let mut prints = 0;
    for day in DAYS.iter() {
        prints += assert_exact(day, NAME, &expected(day, RULE), |it| it);
    }
    assert!(prints >= 20, "{prints} prints");
}

#[test]
fn so_it_is_where_the_guideline_is_a_tenth_of_the_rule_s() {
    let narrow = Guideline { to_25: 0.010, to_50: 0.005, above_50: 0.003 };
    let Guideline { to_25, to_50, above_50 } = narrow;
    let changes = [(NAME, "to_25", to_25), (NAME, "to_50", to_50), (NAME, "above_50", above_50)];
    let (mut prints, mut retracted) = (0, 0);
    for day in DAYS.iter() {
        let day = day.with(&changes);
        let expected = expected(&day, narrow);
        prints += assert_exact(&day, NAME, &expected, |it| it);
        retracted += expected.iter().filter(|it| it.is_retracted).count();
    }
    assert!(prints >= 200 && retracted > 0, "{prints}, {retracted} broken");
}
