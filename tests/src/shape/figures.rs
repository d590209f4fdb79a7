//! The figures of a shape, one by one: what they are called, their unit, and how they follow from it.

use super::symbol::{Placement, Shape};
use super::weighted::{Weighted, ratio};

/// What a figure counts in; how it is written follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A part of a whole, 0 to 1; written in per cent.
    Share,
    /// A plain number.
    Number,
    /// Nanoseconds; written in the unit that suits them.
    Time,
}

/// One figure of a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, alone among all figures.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// Its value, where the session has one.
    pub value: Option<f64>,
}

/// The list as it is written.
#[derive(Default)]
struct List(Vec<Figure>);

impl List {
    fn put(&mut self, name: impl Into<String>, unit: Unit, value: Option<f64>) {
        self.0.push(Figure { name: name.into(), unit, value });
    }

    fn share(&mut self, name: impl Into<String>, value: Option<f64>) {
        self.put(name, Unit::Share, value);
    }

    fn number(&mut self, name: impl Into<String>, value: Option<f64>) {
        self.put(name, Unit::Number, value);
    }

    /// The 10th, 50th and 90th percentile and the mean, in units of `step`.
    fn spread_out(&mut self, name: &str, values: &Weighted, step: f64) {
        for (label, of) in [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)] {
            self.number(format!("{name}, {label}"), values.quantile(of).map(|value| value * step));
        }
        self.number(format!("{name}, mean"), values.mean().map(|value| value * step));
    }
}

/// Every figure of a shape, always the same ones in the same order.
#[must_use]
pub fn figures(shape: &Shape) -> Vec<Figure> {
    let mut list = List::default();
    mix(&mut list, shape);
    lifetimes(&mut list, shape);
    quotes(&mut list, shape);
    orders(&mut list, shape);
    flow(&mut list, shape);
    list.0
}

/// Types whose shares are told; the others of ITCH 5.0 are told together.
const TYPES: [u8; 9] = *b"AFDUECXPQ";

fn mix(list: &mut List, shape: &Shape) {
    let all = shape.messages() as f64;
    let count = |types: &[u8]| shape.of_types(types) as f64;
    list.number("messages", Some(all));
    list.share("adds (A, F)", ratio(count(b"AF"), all));
    list.share("deletes (D)", ratio(count(b"D"), all));
    list.share("replaces (U)", ratio(count(b"U"), all));
    list.share("executions and cancels (E, C, X)", ratio(count(b"ECX"), all));
    list.share("hidden prints (P)", ratio(count(b"P"), all));
    for byte in TYPES {
        list.share(format!("type {}", char::from(byte)), ratio(count(&[byte]), all));
    }
    list.share("other types", ratio(all - count(&TYPES), all));
    let executions = count(b"ECP");
    list.number("cancel to trade, (D + X) / (E + C + P)", ratio(count(b"DX"), executions));
    list.number("order to trade, (A + F + U) / (E + C + P)", ratio(count(b"AFU"), executions));
    list.share("hidden part of executions, P / (E + C + P)", ratio(count(b"P"), executions));
}

/// Ages up to which the share of orders that have died is told.
const AGES: [(&str, u64); 8] = [
    ("100 us", 100_000),
    ("1 ms", 1_000_000),
    ("10 ms", 10_000_000),
    ("100 ms", 100_000_000),
    ("2 s", 2_000_000_000),
    ("10 s", 10_000_000_000),
    ("60 s", 60_000_000_000),
    ("10 min", 600_000_000_000),
];

fn lifetimes(list: &mut List, shape: &Shape) {
    for (name, lifetimes) in
        [("order life", &shape.by_reference), ("life through replaces", &shape.by_lineage)]
    {
        let survival = lifetimes.survival();
        list.number(format!("{name}, orders"), Some(lifetimes.orders() as f64));
        for (label, age_ns) in AGES {
            list.share(format!("{name} under {label}"), survival.dead_before(age_ns));
        }
        list.share(format!("{name}, alive at the end"), lifetimes.share_alive());
        for (label, of) in [("p10", 0.1), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p90", 0.9)]
        {
            list.put(format!("{name}, {label}"), Unit::Time, survival.quantile_ns(of));
        }
    }
    list.number("messages of orders from before", Some(shape.unknown_orders as f64));
}

fn quotes(list: &mut List, shape: &Shape) {
    let quotes = &shape.quotes;
    list.spread_out("spread in ticks", &quotes.spread_ticks, 1.0);
    list.share("spread of one tick, of the time", quotes.spread_ticks.share(|ticks| ticks <= 1));
    list.spread_out("spread in bps", &quotes.spread_bps_e2, 0.01);
    list.spread_out("shares at the best", &quotes.best_shares, 1.0);
    list.spread_out("shares in the best 5 levels", &quotes.near_shares, 1.0);
    list.spread_out("levels of a side", &quotes.levels, 1.0);
    list.number("mid return over 1 s, root mean square, bps", shape.mids.volatility_bps());
    list.number("mid return over 1 s, autocorrelation", shape.mids.autocorrelation());
    list.number("variance ratio, 10 s to 1 s", shape.mids.variance_ratio());
}

fn orders(list: &mut List, shape: &Shape) {
    let Placement { improving, at_best, near, middle, far } = shape.placement;
    let all = shape.placement.total() as f64;
    list.share("adds improving on the best", ratio(improving as f64, all));
    list.share("adds at the best", ratio(at_best as f64, all));
    list.share("adds 1 to 2 ticks behind", ratio(near as f64, all));
    list.share("adds 3 to 10 ticks behind", ratio(middle as f64, all));
    list.share("adds more than 10 ticks behind", ratio(far as f64, all));
    for (name, shares) in [("add", &shape.add_shares), ("execution", &shape.execution_shares)] {
        list.share(format!("{name} of exactly 100 shares"), shares.share(|shares| shares == 100));
        list.share(format!("{name} of fewer than 100 shares"), shares.share(|shares| shares < 100));
        list.number(format!("shares of an {name}, p50"), shares.quantile(0.5));
        list.number(format!("shares of an {name}, p90"), shares.quantile(0.9));
        list.number(format!("shares of an {name}, mean"), shares.mean());
    }
}

/// Times between messages up to which their share is told.
const GAPS: [(&str, u64); 4] =
    [("10 us", 10_000), ("100 us", 100_000), ("1 ms", 1_000_000), ("10 ms", 10_000_000)];

fn flow(list: &mut List, shape: &Shape) {
    let runs = &shape.runs;
    list.number("executions an aggressor, mean", runs.executions.mean());
    list.share("aggressors with one execution", runs.executions.share(|count| count == 1));
    list.number("executions an aggressor, p99", runs.executions.quantile(0.99));
    list.number("aggressors' signs, autocorrelation", runs.sign_autocorrelation());
    let gaps = &shape.arrivals.gaps_ns;
    list.number("times between messages, variation", shape.arrivals.variation());
    for (label, gap_ns) in GAPS {
        list.share(format!("times between messages under {label}"), gaps.share(|ns| ns < gap_ns));
    }
    list.put("time between messages, p50", Unit::Time, gaps.quantile(0.5));
    let all: u64 = shape.tenths.iter().sum();
    for (tenth, &messages) in (1..).zip(&shape.tenths) {
        let name = format!("messages in tenth {tenth} of the session");
        list.share(name, ratio(messages as f64, all as f64));
    }
}

/// The value as it stands in a table; a dash where there is none.
#[must_use]
pub fn text_of(figure: &Figure) -> String {
    let Some(value) = figure.value else {
        return String::from("–");
    };
    match figure.unit {
        Unit::Share => format!("{:.1} %", 100.0 * value),
        Unit::Number if value == value.trunc() && value.abs() >= 10.0 => format!("{value:.0}"),
        Unit::Number => format!("{value:.2}"),
        Unit::Time => time_text(value),
    }
}

fn time_text(ns: f64) -> String {
    let steps = [(3_600e9, "h"), (60e9, "min"), (1e9, "s"), (1e6, "ms"), (1e3, "us")];
    let fitting = steps.into_iter().find(|&(step, _)| ns >= step);
    let (step, unit) = fitting.unwrap_or((1.0, "ns"));
    format!("{:.1} {unit}", ns / step)
}
