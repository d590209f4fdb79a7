//! The pictures: recall by severity, precision over recall, false alerts by detector.

use std::io::Write as _;
use std::path::Path;

use super::figures::Figures;
use super::pool::{ALL, Pool};
use crate::chart::{self, Axis, Bar, Line};
use crate::exit::Failure;
use crate::output::files::OutDir;

/// Writes the pictures into `dir`, each whole.
pub(super) fn write(pool: &Pool, dir: &Path) -> Result<(), Failure> {
    let dir = OutDir::create(dir)?;
    let pictures = [
        ("recall_by_severity.svg", recall_by_severity(pool)),
        ("precision_recall.svg", precision_recall(pool)),
        ("false_alerts.svg", false_alerts(pool)),
    ];
    for (name, picture) in pictures {
        let mut file = dir.begin(name)?;
        match file.write_all(picture.as_bytes()).and_then(|()| file.flush()) {
            Ok(()) => file.seal()?.publish()?,
            Err(error) => return Err(file.fault(&error)),
        }
    }
    Ok(())
}

/// What share of the episodes is found that are at least so severe.
pub(super) fn recall_by_severity(pool: &Pool) -> String {
    let points = |figures: &Figures| {
        let recall = |(min, counts): &(f64, super::figures::Counts)| Some((*min, counts.recall()?));
        figures.by_severity.iter().filter_map(recall).collect()
    };
    let x = shares("severity of an episode, at least");
    chart::lines("Recall by severity", &x, &shares("recall"), &lines(pool, points))
}

/// How precise alerts are at each share of episodes found, from the highest score down; up to the first
/// point as precise as there.
pub(super) fn precision_recall(pool: &Pool) -> String {
    let points = |figures: &Figures| {
        let sweep = figures.sweep.iter().map(|point| (point.recall, point.precision));
        let first = figures.sweep.first().map(|point| (0.0, point.precision));
        first.into_iter().chain(sweep).collect()
    };
    let (x, y) = (shares("recall"), shares("precision"));
    let title = "Precision and recall, alerts counted from each score up";
    chart::lines(title, &x, &y, &lines(pool, points))
}

/// How many alerts of each detector are false, a symbol-day.
pub(super) fn false_alerts(pool: &Pool) -> String {
    let bar = |(detector, outcome)| {
        let count = Figures::of(outcome).counts.alerts_false();
        let rate = count as f64 / pool.symbol_days;
        let value = if rate.is_finite() { rate } else { 0.0 };
        Bar { label: String::clone(detector), value, told: format!("{value:.3} ({count})") }
    };
    let bars: Vec<Bar> = pool.detectors.iter().map(bar).collect();
    let of = "false alerts a symbol-day (6.5 h of one symbol), and in all";
    chart::bars("False alerts by detector", of, &bars)
}

/// A line a detector that has any point, and dashed ones of the baselines against all episodes.
fn lines(pool: &Pool, points: impl Fn(&Figures) -> Vec<(f64, f64)>) -> Vec<Line> {
    let line = |label: &str, outcome, is_dashed| {
        let points = points(&Figures::of(outcome));
        (!points.is_empty()).then(|| Line { label: label.to_owned(), points, is_dashed })
    };
    let detectors = pool.detectors.iter();
    let detectors = detectors.filter_map(|(detector, outcome)| line(detector, outcome, false));
    let against_all = pool.baselines().filter_map(|(baseline, _, outcomes)| {
        line(&format!("{baseline}, all episodes"), outcomes.get(ALL)?, true)
    });
    detectors.chain(against_all).collect()
}

/// An axis from 0 to 1.
fn shares(title: &str) -> Axis {
    let mark = |tenth: u8| (f64::from(tenth) / 10.0, format!("{:.1}", f64::from(tenth) / 10.0));
    Axis { title: title.to_owned(), marks: (0..=10).step_by(2).map(mark).collect() }
}
