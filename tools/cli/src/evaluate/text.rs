//! The result for people: the detectors with their intervals, recall by severity with what is false and what
//! counts neither way, false alerts by the part of the day, and the baselines.

use std::time::Duration;

use super::figures::{Figures, SEVERITIES_MIN};
use super::matching::Outcome;
use super::pool::{ALL, Pool};
use super::statistics::CONFIDENCE;
use crate::output::decimal::grouped;
use crate::output::table;
use crate::span;

/// Where there is nothing to tell.
const NONE: &str = "–";

/// See the module.
pub(super) fn result(pool: &Pool, grace_ns: i64) -> String {
    let mut rows: Vec<(String, Figures)> = pool
        .detectors
        .iter()
        .map(|(detector, outcome)| (detector.clone(), Figures::of(outcome)))
        .collect();
    rows.push((String::from(ALL), Figures::of(&pool.overall())));
    let tables =
        [found(&rows), counted(&rows), false_alerts(&rows, pool.symbol_days), baselines(pool)];
    let tables = tables.join("\n");
    let grace = span::text(Duration::from_nanos(grace_ns.unsigned_abs()));
    format!(
        "{tables}\n\
         {} session(s), {} messages, {:.2} symbol-days of 6.5 h of one symbol; {} innocent look-alike(s)\n\
         in brackets: where precision and recall may be, {:.0} % (Wilson); AP: average precision over all scores; \
         delay and events: to the message that opened the alert\n\
         ≥ 0.3: recall of episodes of that severity and more; innocent: those of the false on an innocent look-alike\n\
         excused: a label says that it sets them off, too; by innoc.: only an innocent one does; by market: only one of the \
         market that names no symbols\n\
         repeated: on an episode that was found; before: open before their episode; neither of these nor the excused is true or \
         false,\n\
         but strict, a precision, takes by innoc., repeated and before for false\n\
         a day: false alerts a symbol-day, then their number by the part of the day; other: halted, reopening, unknown\n\
         an alert is true if it overlaps an episode of its detector and symbol, or begins up to {grace} behind it, and was \
         opened after its beginning\n\
         {NONE}: not defined, as a precision where nothing fired\n",
        pool.sessions,
        grouped(pool.messages),
        pool.symbol_days,
        grouped(pool.innocents),
        CONFIDENCE * 100.0,
    )
}

/// What was found and how soon.
fn found(rows: &[(String, Figures)]) -> String {
    let header = [
        "detector",
        "episodes",
        "found",
        "alerts",
        "true",
        "precision",
        "recall",
        "F1",
        "AP",
        "delay",
        "events",
    ];
    let rows = rows.iter().map(|(name, figures)| {
        let counts = &figures.counts;
        [
            name.clone(),
            grouped(counts.episodes),
            grouped(counts.episodes_found),
            grouped(counts.alerts),
            grouped(counts.alerts_true),
            with_interval(counts.precision(), counts.precision_interval()),
            with_interval(counts.recall(), counts.recall_interval()),
            two_decimals(counts.f1()),
            two_decimals(figures.average_precision()),
            figures.delay_us_p50.map_or_else(|| String::from(NONE), delay),
            figures
                .delay_events_p50
                .map_or_else(|| String::from(NONE), |events| format!("{events:.0}")),
        ]
    });
    table::aligned(&header, rows, &[0])
}

/// What was found of the plainer episodes, what was raised for nothing, and what counts neither way.
fn counted(rows: &[(String, Figures)]) -> String {
    // From the first on there are all episodes.
    let [_, second, third, fourth] = SEVERITIES_MIN.map(|min| format!("≥ {min}"));
    let header = [
        "detector",
        &second,
        &third,
        &fourth,
        "strict",
        "false",
        "innocent",
        "excused",
        "by innoc.",
        "by market",
        "repeated",
        "before",
    ];
    let rows = rows.iter().map(|(name, figures)| {
        let recall = |at: usize| {
            two_decimals(figures.by_severity.get(at).and_then(|(_, counts)| counts.recall()))
        };
        let counts = &figures.counts;
        [
            name.clone(),
            recall(1),
            recall(2),
            recall(3),
            two_decimals(figures.precision_strict(counts)),
            grouped(counts.alerts_false()),
            grouped(figures.on_innocents),
            grouped(figures.excused.total()),
            grouped(figures.excused.on_innocents),
            grouped(figures.excused.on_market),
            grouped(counts.alerts_repeated),
            grouped(counts.alerts_open_before),
        ]
    });
    table::aligned(&header, rows, &[0])
}

/// What was raised for nothing, a symbol-day and by the part of the day; the parts add up to the whole.
fn false_alerts(rows: &[(String, Figures)], symbol_days: f64) -> String {
    let header =
        ["detector", "false", "a day", "pre", "opening", "contin.", "closing", "post", "other"];
    let rows = rows.iter().map(|(name, figures)| {
        let all = figures.counts.alerts_false();
        let rate = all as f64 / symbol_days;
        let rate = if rate.is_finite() { format!("{rate:.3}") } else { String::from(NONE) };
        let (named, other) = figures.false_in(["pre", "opening", "continuous", "closing", "post"]);
        let [pre, opening, continuous, closing, post] = named.map(grouped);
        let other = grouped(other);
        [name.clone(), grouped(all), rate, pre, opening, continuous, closing, post, other]
    });
    table::aligned(&header, rows, &[0])
}

/// What the baselines would have found of the same episodes, side by side.
fn baselines(pool: &Pool) -> String {
    let header = [
        "baselines",
        "episodes",
        "z: found",
        "alerts",
        "precision",
        "recall",
        "F1",
        "rate: found",
        "alerts",
        "precision",
        "recall",
        "F1",
    ];
    let cells = |outcome: Option<&Outcome>| {
        let counts = outcome.map(|outcome| Figures::of(outcome).counts).unwrap_or_default();
        [
            grouped(counts.episodes_found),
            grouped(counts.alerts),
            two_decimals(counts.precision()),
            two_decimals(counts.recall()),
            two_decimals(counts.f1()),
        ]
    };
    let [returns, rates] = &pool.baselines;
    let row = |detector: &str, outcome: &Outcome| {
        let [found, alerts, precision, recall, f1] = cells(Some(outcome));
        let [rate_found, rate_alerts, rate_precision, rate_recall, rate_f1] =
            cells(rates.get(detector));
        [
            detector.to_owned(),
            grouped(outcome.episodes.len() as u64),
            found,
            alerts,
            precision,
            recall,
            f1,
            rate_found,
            rate_alerts,
            rate_precision,
            rate_recall,
            rate_f1,
        ]
    };
    // All together come last, as with the detectors.
    let each = returns.iter().filter(|(detector, _)| *detector != ALL);
    let all = returns.get_key_value(ALL);
    let rows = each.chain(all).map(|(detector, outcome)| row(detector, outcome));
    let mut text = table::aligned(&header, rows, &[0]);
    for (short, (_, rule, _)) in ["z", "rate"].iter().zip(pool.baselines()) {
        text += &format!("{short}: {rule}\n");
    }
    text
}

/// `0.93 [0.81, 0.98]`.
fn with_interval(share: Option<f64>, interval: Option<(f64, f64)>) -> String {
    match (share, interval) {
        (Some(share), Some((low, high))) => format!("{share:.2} [{low:.2}, {high:.2}]"),
        _ => String::from(NONE),
    }
}

fn two_decimals(value: Option<f64>) -> String {
    value.map_or_else(|| String::from(NONE), |value| format!("{value:.2}"))
}

/// A delay in the unit that suits it.
fn delay(us: f64) -> String {
    if us >= 1e6 {
        format!("{:.2} s", us / 1e6)
    } else if us >= 1e3 {
        format!("{:.1} ms", us / 1e3)
    } else {
        format!("{us:.0} µs")
    }
}

#[cfg(test)]
mod tests {
    use super::super::matching::{Episode, Excused, Hit, Judged};
    use super::*;

    #[test]
    fn tables_of_large_figures_fit_120_columns() {
        let episode = |number: usize| Episode { id: format!("{number}"), severity: 0.5 };
        let alert = |number: usize| Judged {
            id: String::new(),
            score: 50.0,
            phase: String::from(if number.is_multiple_of(2) { "continuous" } else { "reopening" }),
            hits: number
                .is_multiple_of(4)
                .then_some(Hit {
                    episode: number,
                    delay_ns: 999_400_000,
                    delay_events: Some(99_999),
                })
                .into_iter()
                .collect(),
            open_before: Vec::new(),
            is_on_innocent: number % 4 == 1,
        };
        let outcome = Outcome {
            episodes: (0..1_200).map(episode).collect(),
            alerts: (0..1_200).map(alert).collect(),
            excused: Excused { by_episodes: 1_000, on_market: 100, on_innocents: 1_000 },
            retracted: 0,
        };
        let mut pool = Pool { symbol_days: 100.0, ..Pool::default() };
        pool.detectors.insert(String::from("mini_flash_crash_xx"), outcome.clone());
        pool.baselines[0].insert(String::from("mini_flash_crash_xx"), outcome);
        let text = result(&pool, 1_000_000_000);
        assert_eq!(text.lines().filter(|line| line.contains("mini_flash")).count(), 4, "{text}");
        for line in text.lines().filter(|line| line.contains("mini_flash")) {
            assert!(line.chars().count() <= 120, "{line}");
        }
        assert_eq!(text.matches("0.25 [0.23, 0.28]").count(), 2 * 2, "{text}");
    }

    #[test]
    fn delays_are_told_in_a_unit_that_suits_them() {
        assert_eq!([0.4, 999.0, 1_500.0, 2.5e6].map(delay), ["0 µs", "999 µs", "1.5 ms", "2.50 s"]);
    }
}
