//! What outcomes come to: counts, precision and recall, delay, the sweep over scores.
//!
//! Of several alerts on one episode the first counts, and is true; further ones add nothing to recall
//! and are neither true nor false: a detector gains nothing by raising its voice again, and loses
//! nothing by an episode that comes in pieces. An alert on two episodes is one true alert, and finds
//! those that had begun. One that was open before its episode began counts neither way, too. With a least
//! severity, lesser episodes are not there, and an alert on them alone is counted neither way.
//!
//! Strict precision takes all of these for false: further alerts on an episode, those open before it, and
//! those that only an innocent look-alike excuses.

use std::collections::BTreeMap;

use super::matching::{Excused, Outcome};
use super::statistics::{average_precision, f1, median, share, wilson};

/// The least severities that figures are told for.
pub(super) const SEVERITIES_MIN: [f64; 4] = [0.1, 0.3, 0.5, 0.7];

/// Episodes and alerts, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) episodes: u64,
    pub(super) episodes_found: u64,
    /// True and false ones.
    pub(super) alerts: u64,
    pub(super) alerts_true: u64,
    /// Further ones on episodes that were found already, not among the others.
    pub(super) alerts_repeated: u64,
    /// Those on an episode that were opened before it began, not among the others.
    pub(super) alerts_open_before: u64,
}

impl Counts {
    /// Of the episodes that are at least so severe and the alerts that score at least so much.
    pub(super) fn of(outcome: &Outcome, severity_min: f64, score_min: f64) -> Counts {
        let is_severe: Vec<bool> =
            outcome.episodes.iter().map(|episode| episode.severity >= severity_min).collect();
        let mut is_found = vec![false; is_severe.len()];
        let mut counts = Counts {
            episodes: is_severe.iter().filter(|is_severe| **is_severe).count() as u64,
            ..Counts::default()
        };
        for alert in outcome.alerts.iter().filter(|alert| alert.score >= score_min) {
            if alert.is_false() {
                counts.alerts += 1;
                continue;
            }
            let episodes = alert.hits.iter().map(|hit| hit.episode);
            let severe: Vec<usize> = episodes.filter(|episode| is_severe[*episode]).collect();
            if severe.is_empty() {
                let is_before_any = alert.open_before.iter().any(|episode| is_severe[*episode]);
                counts.alerts_open_before += u64::from(is_before_any);
                continue;
            }
            let found = severe.iter().filter(|episode| !is_found[**episode]).count() as u64;
            severe.iter().for_each(|episode| is_found[*episode] = true);
            counts.episodes_found += found;
            if found > 0 {
                counts.alerts += 1;
                counts.alerts_true += 1;
            } else {
                counts.alerts_repeated += 1;
            }
        }
        counts
    }

    /// The share of alerts that are true.
    pub(super) fn precision(&self) -> Option<f64> {
        share(self.alerts_true, self.alerts)
    }

    /// The share of episodes that are found.
    pub(super) fn recall(&self) -> Option<f64> {
        share(self.episodes_found, self.episodes)
    }

    /// Precision and recall as one figure.
    pub(super) fn f1(&self) -> Option<f64> {
        f1(self.precision(), self.recall())
    }

    /// Where the precision may be that these counts are a sample of.
    pub(super) fn precision_interval(&self) -> Option<(f64, f64)> {
        wilson(self.alerts_true, self.alerts)
    }

    /// Where the recall may be.
    pub(super) fn recall_interval(&self) -> Option<(f64, f64)> {
        wilson(self.episodes_found, self.episodes)
    }

    /// Alerts that are on no episode.
    pub(super) fn alerts_false(&self) -> u64 {
        self.alerts - self.alerts_true
    }
}

/// A point of the sweep: what counting only alerts that score so much or more comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SweepPoint {
    pub(super) score_min: f64,
    pub(super) precision: f64,
    pub(super) recall: f64,
}

/// All that is told of one detector, or of several together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) counts: Counts,
    pub(super) excused: Excused,
    pub(super) retracted: u64,
    /// False alerts on innocent look-alikes.
    pub(super) on_innocents: u64,
    /// From an episode's start to the opening message of its first alert, over the episodes that were found.
    pub(super) delay_us_p50: Option<f64>,
    /// The same in messages of the session.
    pub(super) delay_events_p50: Option<f64>,
    /// False alerts by the part of the day.
    pub(super) false_by_phase: BTreeMap<String, u64>,
    /// For each of [`SEVERITIES_MIN`].
    pub(super) by_severity: Vec<(f64, Counts)>,
    /// From the highest score down; empty where there is no episode.
    pub(super) sweep: Vec<SweepPoint>,
}

impl Figures {
    /// What `outcome` comes to.
    pub(super) fn of(outcome: &Outcome) -> Figures {
        let mut false_by_phase = BTreeMap::new();
        for alert in outcome.alerts.iter().filter(|alert| alert.is_false()) {
            *false_by_phase.entry(alert.phase.clone()).or_default() += 1;
        }
        let (delays_ns, delays_events) = delays(outcome);
        let on_innocents = outcome.alerts.iter().filter(|alert| alert.is_on_innocent).count();
        Figures {
            counts: Counts::of(outcome, f64::NEG_INFINITY, f64::NEG_INFINITY),
            excused: outcome.excused,
            retracted: outcome.retracted,
            on_innocents: on_innocents as u64,
            delay_us_p50: median(delays_ns).map(|ns| ns / 1e3),
            delay_events_p50: delays_events.and_then(median),
            false_by_phase,
            by_severity: SEVERITIES_MIN
                .map(|min| (min, Counts::of(outcome, min, f64::NEG_INFINITY)))
                .to_vec(),
            sweep: sweep(outcome),
        }
    }

    /// The share of alerts that are true if further ones on an episode, those open before it and those that
    /// only innocent look-alikes excuse are false; `counts` are this one's, or those of a severity.
    pub(super) fn precision_strict(&self, counts: &Counts) -> Option<f64> {
        let Counts { alerts, alerts_repeated, alerts_open_before, .. } = counts;
        let all = alerts + alerts_repeated + alerts_open_before + self.excused.on_innocents;
        share(counts.alerts_true, all)
    }

    /// False alerts of the named parts of the day, and of all others together: they add up to all that are
    /// false.
    pub(super) fn false_in<const N: usize>(&self, phases: [&str; N]) -> ([u64; N], u64) {
        let named = phases.map(|phase| self.false_by_phase.get(phase).copied().unwrap_or(0));
        let all: u64 = self.false_by_phase.values().sum();
        (named, all - named.iter().sum::<u64>())
    }

    /// The area under the sweep's precision over its recall.
    pub(super) fn average_precision(&self) -> Option<f64> {
        average_precision(self.sweep.iter().map(|point| (point.recall, point.precision)))
    }
}

/// The delays of the episodes that were found, in ns and in messages; the latter only where the
/// messages of all of them were counted.
fn delays(outcome: &Outcome) -> (Vec<u64>, Option<Vec<u64>>) {
    let mut first = vec![None; outcome.episodes.len()];
    for hit in outcome.alerts.iter().flat_map(|alert| &alert.hits) {
        first[hit.episode].get_or_insert(*hit);
    }
    let found: Vec<_> = first.into_iter().flatten().collect();
    let events = found.iter().map(|hit| hit.delay_events).collect();
    (found.iter().map(|hit| hit.delay_ns).collect(), events)
}

/// What every whole score that occurs comes to as a threshold, from the highest down: at most 101.
fn sweep(outcome: &Outcome) -> Vec<SweepPoint> {
    let mut scores: Vec<f64> = outcome.alerts.iter().map(|alert| alert.score.floor()).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.dedup();
    let point = |score_min| {
        let counts = Counts::of(outcome, f64::NEG_INFINITY, score_min);
        let (precision, recall) = (counts.precision()?, counts.recall()?);
        Some(SweepPoint { score_min, precision, recall })
    };
    scores.into_iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests;
