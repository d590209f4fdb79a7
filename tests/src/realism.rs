//! How real a simulated day is: its figures beside those of a recorded stretch, and the ranges in which
//! they are held.
//!
//! Two days are looked at. In the [`short_day`] the busiest security is nearly as busy as the one of the
//! stretch and is held against it; the [`full_day`] is held, all securities together, against what is known of
//! whole days. The ranges are those of `tools/exchange/REALISM.md`; tests hold every seed to them, and
//! the document to what is written here. A range is wide enough for the chance in such a day, and no
//! wider than what is still a market.

use std::fmt::Write as _;

use exchange::Settings;
use exchange::settings::FULL_DAY_NS;

use crate::shape::{Figure, MarketShape, Unit, figures, measure, text_of};
use crate::simulated;

/// Where the recorded stretch lies in the shared data.
pub const STRETCH: &str = "itch50/aapl_20191230_0935_std.itch50";

/// Five minutes of continuous trading and what surrounds them.
#[must_use]
pub const fn short_day(seed: u64) -> Settings {
    Settings { seed, symbols: 20, messages: 200_000, continuous_ns: 300_000_000_000 }
}

/// A day of full length.
#[must_use]
pub const fn full_day(seed: u64) -> Settings {
    Settings { seed, symbols: 20, messages: 200_000, continuous_ns: FULL_DAY_NS }
}

/// The seed of the days whose figures stand in the document.
pub const SEED_SHOWN: u64 = 1;

/// Both days of a seed, measured.
#[derive(Clone, Debug)]
pub struct Days {
    short: MarketShape,
    full: MarketShape,
}

impl Days {
    /// Simulates and measures the days of a seed.
    ///
    /// # Panics
    /// If they cannot be simulated, or are no whole messages.
    #[must_use]
    pub fn of(seed: u64) -> Days {
        let measured = |settings| {
            let day = simulated::day(&settings).expect("the settings are in their ranges");
            measure(&day.bytes).expect("a day is of whole messages")
        };
        Days { short: measured(short_day(seed)), full: measured(full_day(seed)) }
    }

    /// Figures of the short day's busiest security, and of the short day.
    fn busiest(&self) -> Vec<Figure> {
        let busiest = self.short.busiest().map(|(_, shape)| figures(shape)).unwrap_or_default();
        [busiest, self.short.figures()].concat()
    }

    /// Figures of all securities of the full day.
    fn all(&self) -> Vec<Figure> {
        [figures(&self.full.all()), self.full.figures()].concat()
    }
}

/// A line of the document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The figure's name.
    pub figure: &'static str,
    /// What the short day's busiest security is held to, ends included.
    pub busiest: Option<(f64, f64)>,
    /// What all securities of the full day together are held to, ends included.
    pub all: Option<(f64, f64)>,
}

const fn shown(figure: &'static str) -> Row {
    Row { figure, busiest: None, all: None }
}

impl Row {
    const fn busiest(self, from: f64, to: f64) -> Row {
        Row { busiest: Some((from, to)), ..self }
    }

    const fn all(self, from: f64, to: f64) -> Row {
        Row { all: Some((from, to)), ..self }
    }
}

/// Times of a figure in its unit, ns.
const MS: f64 = 1e6;
const SECOND: f64 = 1e9;

/// The lines of the document, and what is held.
pub const ROWS: &[Row] = &[
    shown("messages"),
    shown("adds (A, F)").busiest(0.42, 0.46).all(0.42, 0.46),
    shown("deletes (D)").busiest(0.40, 0.45).all(0.41, 0.45),
    shown("replaces (U)").busiest(0.07, 0.11).all(0.07, 0.09),
    shown("executions and cancels (E, C, X)").busiest(0.03, 0.055).all(0.03, 0.05),
    shown("hidden prints (P)").busiest(0.003, 0.015).all(0.002, 0.01),
    shown("cancel to trade, (D + X) / (E + C + P)").busiest(7.0, 16.0).all(8.0, 18.0),
    shown("order to trade, (A + F + U) / (E + C + P)").busiest(8.0, 20.0).all(9.0, 22.0),
    shown("hidden part of executions, P / (E + C + P)").busiest(0.08, 0.3).all(0.06, 0.2),
    shown("order life under 1 ms").busiest(0.1, 0.25).all(0.05, 0.15),
    shown("order life under 100 ms").busiest(0.3, 0.5).all(0.15, 0.3),
    shown("order life under 2 s").busiest(0.75, 0.92).all(0.33, 0.45),
    shown("order life under 60 s").busiest(0.96, 1.0).all(0.7, 0.85),
    shown("order life under 10 min").all(0.9, 0.97),
    shown("order life, alive at the end").busiest(0.005, 0.04).all(0.005, 0.03),
    shown("order life, p50").busiest(100.0 * MS, 400.0 * MS).all(3.0 * SECOND, 10.0 * SECOND),
    shown("life through replaces under 2 s"),
    shown("spread in ticks, p10").busiest(1.0, 4.0),
    shown("spread in ticks, p50").busiest(2.0, 6.0).all(4.0, 30.0),
    shown("spread in ticks, p90").busiest(3.0, 10.0),
    shown("spread of one tick, of the time").busiest(0.0, 0.1).all(0.0, 0.1),
    shown("spread in bps, p50").busiest(0.8, 2.5).all(10.0, 30.0),
    shown("shares at the best, p50").busiest(100.0, 300.0).all(80.0, 200.0),
    shown("shares in the best 5 levels, p50").busiest(800.0, 2_500.0).all(450.0, 900.0),
    shown("levels of a side, mean").busiest(35.0, 75.0).all(14.0, 30.0),
    shown("mid return over 1 s, root mean square, bps").busiest(0.5, 20.0).all(1.0, 8.0),
    shown("mid return over 1 s, autocorrelation").all(-0.25, 0.15),
    shown("variance ratio, 10 s to 1 s").all(0.35, 1.4),
    shown("adds improving on the best").busiest(0.07, 0.2).all(0.1, 0.25),
    shown("adds at the best").busiest(0.1, 0.3).all(0.12, 0.3),
    shown("adds 1 to 2 ticks behind").busiest(0.15, 0.4).all(0.12, 0.28),
    shown("adds 3 to 10 ticks behind").busiest(0.2, 0.35).all(0.15, 0.32),
    shown("adds more than 10 ticks behind").busiest(0.08, 0.2).all(0.15, 0.35),
    shown("add of exactly 100 shares").busiest(0.63, 0.75).all(0.65, 0.75),
    shown("add of fewer than 100 shares").busiest(0.2, 0.28).all(0.22, 0.27),
    shown("execution of exactly 100 shares").busiest(0.15, 0.35).all(0.15, 0.35),
    shown("execution of fewer than 100 shares").busiest(0.55, 0.8).all(0.6, 0.8),
    shown("shares of an execution, p50").busiest(30.0, 90.0).all(30.0, 90.0),
    shown("executions an aggressor, mean").busiest(1.1, 1.8).all(1.1, 1.5),
    shown("aggressors with one execution").busiest(0.75, 0.95).all(0.8, 0.95),
    shown("aggressors' signs, autocorrelation").busiest(0.5, 0.8).all(0.4, 0.7),
    shown("times between messages, variation").busiest(2.2, 4.5).all(3.0, 5.0),
    shown("times between messages under 10 us").busiest(0.15, 0.4).all(0.15, 0.35),
    shown("times between messages under 100 us").busiest(0.4, 0.6).all(0.3, 0.5),
    shown("times between messages under 1 ms").busiest(0.55, 0.8).all(0.45, 0.65),
    shown("messages in tenth 1 of the session").all(0.15, 0.21),
    shown("messages in tenth 5 of the session").all(0.05, 0.09),
    shown("messages in tenth 10 of the session").all(0.14, 0.19),
    shown("symbols"),
    shown("continuous trading"),
    shown("longest silence of the market").busiest(0.0, 250.0 * MS).all(0.0, 20.0 * SECOND),
    shown("messages of the busiest symbol").busiest(0.1, 0.25).all(0.1, 0.25),
    shown("messages of the busiest tenth of symbols").busiest(0.2, 0.4).all(0.2, 0.4),
];

/// The figures of a seed's days that are not within what they are held to, one line each.
#[must_use]
pub fn outside(days: &Days) -> Vec<String> {
    let (busiest, all) = (days.busiest(), days.all());
    let mut told = Vec::new();
    for row in ROWS {
        for (whose, of, range) in [("busiest", &busiest, row.busiest), ("all", &all, row.all)] {
            let Some(range) = range else {
                continue;
            };
            match of.iter().find(|figure| figure.name == row.figure) {
                None => told.push(format!("{whose}: there is no figure {:?}", row.figure)),
                Some(figure) if is_within(figure, range) => {}
                Some(figure) => told.push(format!(
                    "{whose}: {} is {}, held to {}",
                    figure.name,
                    text_of(figure),
                    range_text(figure.unit, range)
                )),
            }
        }
    }
    told
}

fn is_within(figure: &Figure, (from, to): (f64, f64)) -> bool {
    figure.value.is_some_and(|value| (from..=to).contains(&value))
}

/// The table of the document.
#[must_use]
pub fn table(stretch: &MarketShape, days: &Days) -> String {
    let real = [figures(&stretch.all()), stretch.figures()].concat();
    let columns = [real, days.busiest(), days.all()];
    let mut text = String::from(
        "| figure | AAPL | short day, busiest | held | full day, all | held |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for row in ROWS {
        let in_column = columns
            .each_ref()
            .map(|figures| figures.iter().find(|figure| figure.name == row.figure));
        let [real, busiest, all] = in_column.map(|figure| figure.map(text_of).unwrap_or_default());
        let unit = in_column.into_iter().flatten().next().map(|figure| figure.unit);
        let held = |range: Option<(f64, f64)>| {
            unit.zip(range).map(|(unit, range)| range_text(unit, range)).unwrap_or_default()
        };
        let (of_busiest, of_all) = (held(row.busiest), held(row.all));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {real} | {busiest} | {of_busiest} | {all} | {of_all} |",
            row.figure
        );
    }
    text
}

fn range_text(unit: Unit, (from, to): (f64, f64)) -> String {
    let end = |value| text_of(&Figure { name: String::new(), unit, value: Some(value) });
    if from == 0.0 {
        format!("at most {}", end(to))
    } else {
        format!("{} to {}", end(from), end(to))
    }
}

#[cfg(test)]
mod tests {
    use engine::units::OrderRef;
    use feed_handlers::itch50::{Encoder, Header};

    use super::*;

    #[test]
    fn what_lies_outside_its_range_is_told_and_so_is_what_has_no_value() {
        let mut encoder = Encoder::new();
        let header = Header { locate: 1, tracking: 0, time_of_day_ns: 34_200_000_000_000 };
        encoder.order_deleted(header, OrderRef(1));
        let of_one_delete = measure(encoder.bytes()).unwrap();
        let told = outside(&Days { short: of_one_delete.clone(), full: of_one_delete });
        for begins in
            ["busiest: deletes (D) is 100.0 %, held to ", "all: order life, p50 is –, held to "]
        {
            assert!(told.iter().any(|line| line.starts_with(begins)), "{told:#?}");
        }
    }
}
