//! Which alert is about which episode. Pure: labels and alerts in, outcomes out.
//!
//! ```text
//!  label           ├─────────┤┄┄┄┄┄┄┤ grace
//!  alerts     ├────┤     ├──┤     ├────┤      ├──┤
//!             true       repeated repeated    false
//! ```
//! An alert is on an episode if it is of the same detector and symbol (both market-wide: the empty
//! symbol) and has an instant in common with `[start, end + grace]`. One on no episode of its own is
//! excused if it overlaps a label, of whatever detector, whose `also` names it: on the same symbol, or
//! either of the two market-wide. All others are false, on an innocent look-alike or anywhere. Retracted
//! alerts are not looked at. What is made of several alerts on one episode is up to
//! [`figures`](super::figures), which knows the thresholds.

use std::collections::HashMap;

use super::alert::Alert;
use super::label::Label;
use super::positions::Positions;

/// How alerts are held against labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// How long after an episode's end an alert may begin, ns.
    pub(super) grace_ns: i64,
    /// Whether an alert on any symbol may be about a market-wide episode: baselines know no market.
    pub(super) any_symbol_is_market: bool,
}

/// What became of one detector's episodes and alerts, in one session or in several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Its episodes.
    pub(super) episodes: Vec<Episode>,
    /// Its alerts that count, in order of session, start, id.
    pub(super) alerts: Vec<Judged>,
    /// Alerts that a label's `also` names.
    pub(super) excused: u64,
    /// Alerts that were retracted.
    pub(super) retracted: u64,
}

/// An episode that is to be found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Episode {
    /// Its label's name.
    pub(super) id: String,
    /// How plain it is.
    pub(super) severity: f64,
}

/// An alert that counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    /// Its name.
    pub(super) id: String,
    /// Its score.
    pub(super) score: f64,
    /// The part of the day it was raised in.
    pub(super) phase: String,
    /// The episodes that it is on; none if it is false.
    pub(super) hits: Vec<Hit>,
    /// Whether it is false and on an innocent look-alike.
    pub(super) is_on_innocent: bool,
}

/// An alert on an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Which of the outcome's episodes.
    pub(super) episode: usize,
    /// From the episode's start to the alert's; 0 if the alert was there first.
    pub(super) delay_ns: u64,
    /// Messages of the session between the two, where they were counted.
    pub(super) delay_events: Option<u64>,
}

impl Outcome {
    /// Adds what came of another session, or of another detector.
    pub(super) fn append(&mut self, other: &Outcome) {
        let before = self.episodes.len();
        self.episodes.extend_from_slice(&other.episodes);
        self.alerts.extend(other.alerts.iter().cloned().map(|mut alert| {
            alert.hits.iter_mut().for_each(|hit| hit.episode += before);
            alert
        }));
        self.excused += other.excused;
        self.retracted += other.retracted;
    }
}

/// The labels of a session by symbol.
#[derive(Clone, Debug)]
pub(super) struct Labels<'a> {
    all: &'a [Label],
    by_symbol: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Labels<'a> {
    /// The labels of one session.
    pub(super) fn new(all: &'a [Label]) -> Labels<'a> {
        let mut by_symbol: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, label) in all.iter().enumerate() {
            by_symbol.entry(label.symbol.as_str()).or_default().push(at);
        }
        Labels { all, by_symbol }
    }

    /// Which labels have anything to do with alerts on `symbol`: its own, and the market's; for the
    /// market's alerts every one.
    fn about(&self, symbol: &str) -> Vec<usize> {
        if symbol.is_empty() {
            return (0..self.all.len()).collect();
        }
        let of = |symbol: &str| self.by_symbol.get(symbol).into_iter().flatten().copied();
        of(symbol).chain(of("")).collect()
    }
}

/// Holds alerts of one session, all taken for those of `detector`, against the session's labels.
pub(super) fn judge(
    detector: &str,
    labels: &Labels<'_>,
    alerts: &[&Alert],
    positions: &Positions,
    rules: Rules,
) -> Outcome {
    let mut outcome = Outcome::default();
    // The place of each of the detector's episodes among its outcomes.
    let mut episodes = HashMap::new();
    for (at, label) in labels.all.iter().enumerate() {
        if label.detector == detector && !label.is_innocent() {
            episodes.insert(at, outcome.episodes.len());
            outcome.episodes.push(Episode { id: label.id.clone(), severity: label.severity });
        }
    }
    let mut sorted = alerts.to_vec();
    sorted.sort_by_key(|alert| (alert.start_ns, alert.id.as_str()));
    for alert in sorted {
        if alert.is_retracted {
            outcome.retracted += 1;
            continue;
        }
        let near: Vec<usize> = labels
            .about(&alert.symbol)
            .into_iter()
            .filter(|&at| overlaps(alert, &labels.all[at], rules.grace_ns))
            .collect();
        let hits: Vec<Hit> = near
            .iter()
            .filter_map(|at| Some((&labels.all[*at], *episodes.get(at)?)))
            .filter(|(label, _)| {
                label.symbol == alert.symbol
                    || (rules.any_symbol_is_market && label.symbol.is_empty())
            })
            .map(|(label, episode)| Hit {
                episode,
                delay_ns: u64::try_from(alert.start_ns.saturating_sub(label.start_ns)).unwrap_or(0),
                delay_events: positions.between(label.start_ns, alert.start_ns),
            })
            .collect();
        let names = |at: &usize| labels.all[*at].also.iter().any(|also| also == detector);
        if hits.is_empty() && near.iter().any(names) {
            outcome.excused += 1;
            continue;
        }
        let is_on_innocent = hits.is_empty() && near.iter().any(|at| labels.all[*at].is_innocent());
        outcome.alerts.push(Judged {
            id: alert.id.clone(),
            score: alert.score,
            phase: alert.phase.clone(),
            hits,
            is_on_innocent,
        });
    }
    outcome
}

/// Whether the alert has an instant in common with the label and its grace.
fn overlaps(alert: &Alert, label: &Label, grace_ns: i64) -> bool {
    alert.start_ns <= label.end_ns.saturating_add(grace_ns)
        && alert.end_ns.max(alert.start_ns) >= label.start_ns
}

#[cfg(test)]
mod tests;
