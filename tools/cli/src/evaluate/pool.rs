//! Several sessions as one: what became of each detector's episodes and alerts, and of each baseline's.
//!
//! Counts of sessions add up; shares, medians and sweeps are taken of the sums, never averaged.

use std::collections::{BTreeMap, BTreeSet};

use super::alert::Alert;
use super::baselines::BASELINES;
use super::label::Label;
use super::matching::{Labels, Outcome, Rules, judge};
use super::positions::Positions;
use super::tape::Tape;

/// What stands for all detectors together.
pub(super) const ALL: &str = "all";

/// One session, read.
#[derive(Clone, Debug)]
pub(super) struct SessionRead {
    pub(super) labels: Vec<Label>,
    pub(super) alerts: Vec<Alert>,
    pub(super) tape: Tape,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    pub(super) sessions: u64,
    pub(super) messages: u64,
    pub(super) symbol_days: f64,
    pub(super) innocents: u64,
    /// By detector, in order of name.
    pub(super) detectors: BTreeMap<String, Outcome>,
    /// In order of [`BASELINES`], by the detector whose episodes it is held against, [`ALL`] among them.
    pub(super) baselines: [BTreeMap<String, Outcome>; 2],
}

impl Pool {
    /// What became of all sessions.
    pub(super) fn of(sessions: &[SessionRead], grace_ns: i64) -> Pool {
        let mut pool = Pool::default();
        let staged = sessions.iter().flat_map(|session| &session.labels);
        let staged = staged.filter(|label| !label.is_innocent());
        let staged: BTreeSet<&str> = staged.map(|label| label.detector.as_str()).collect();
        for session in sessions {
            pool.sessions += 1;
            pool.messages += session.tape.messages;
            pool.symbol_days += session.tape.symbol_days;
            let innocents = session.labels.iter().filter(|label| label.is_innocent());
            pool.innocents += innocents.count() as u64;
            for (detector, outcome) in of_engine(session, &staged, grace_ns) {
                pool.detectors.entry(detector).or_default().append(&outcome);
            }
            for (sum, raised) in pool.baselines.iter_mut().zip(&session.tape.baselines) {
                for (detector, outcome) in of_baseline(session, raised, &staged, grace_ns) {
                    sum.entry(detector).or_default().append(&outcome);
                }
            }
        }
        pool
    }

    /// All detectors together: their episodes and alerts, each held against its own.
    pub(super) fn overall(&self) -> Outcome {
        let mut overall = Outcome::default();
        self.detectors.values().for_each(|outcome| overall.append(outcome));
        overall
    }

    /// The baselines with their rules, and what became of each.
    pub(super) fn baselines(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'static str, &BTreeMap<String, Outcome>)> {
        BASELINES
            .iter()
            .zip(&self.baselines)
            .map(|((name, rule), outcomes)| (*name, *rule, outcomes))
    }
}

/// The engine's alerts, each held against its own detector's episodes; of the detectors that anything
/// was staged for, and those that raised anything.
pub(super) fn of_engine(
    session: &SessionRead,
    staged: &BTreeSet<&str>,
    grace_ns: i64,
) -> BTreeMap<String, Outcome> {
    let rules = Rules { grace_ns, any_symbol_is_market: false };
    let labels = Labels::new(&session.labels);
    let mut raised: BTreeMap<&str, Vec<&Alert>> =
        staged.iter().map(|detector| (*detector, Vec::new())).collect();
    for alert in &session.alerts {
        raised.entry(&alert.detector).or_default().push(alert);
    }
    let judged = raised.into_iter().map(|(detector, alerts)| {
        let outcome = judge(detector, &labels, &alerts, &session.tape.positions, rules);
        (detector.to_owned(), outcome)
    });
    judged.collect()
}

/// A baseline's alerts, held against the episodes of each detector as if they were its alerts, and
/// against all episodes.
fn of_baseline(
    session: &SessionRead,
    raised: &[Alert],
    staged: &BTreeSet<&str>,
    grace_ns: i64,
) -> BTreeMap<String, Outcome> {
    let rules = Rules { grace_ns, any_symbol_is_market: true };
    let alerts: Vec<&Alert> = raised.iter().collect();
    let positions: &Positions = &session.tape.positions;
    let labels = Labels::new(&session.labels);
    let of = |detector: &&str| {
        (String::from(*detector), judge(detector, &labels, &alerts, positions, rules))
    };
    let mut outcomes: BTreeMap<String, Outcome> = staged.iter().map(of).collect();
    let of_any: Vec<Label> = session.labels.iter().map(of_any).collect();
    let together = judge(ALL, &labels.renamed(&of_any), &alerts, positions, rules);
    outcomes.insert(String::from(ALL), together);
    outcomes
}

/// A label as it is to an alert that may be any detector's: an episode of its own, or an innocent look-alike
/// that sets it off if it sets off any, as it does to all detectors together.
fn of_any(label: &Label) -> Label {
    let all = String::from(ALL);
    match (label.is_innocent(), label.also.is_empty()) {
        (true, true) => label.clone(),
        (true, false) => Label { also: vec![all], ..label.clone() },
        (false, _) => Label { detector: all, also: Vec::new(), ..label.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::super::worked_cases::{alert, innocent, label};
    use super::*;

    #[test]
    fn what_an_innocent_look_alike_sets_off_is_excused_of_a_baseline_as_of_all_detectors() {
        let price_jump = vec![String::from("price_jump")];
        let labels = vec![
            label("spoofing", "AAA", 100, 200),
            Label { also: price_jump, ..innocent("AAA", 300, 400) },
            innocent("AAA", 500, 600),
        ];
        let starts = [150, 350, 550, 800];
        let alerts = starts.map(|start_ns| alert("price_jump", "AAA", start_ns, start_ns + 5));
        let mut tape = Tape::default();
        tape.baselines[0] = alerts.to_vec();
        let session = SessionRead { labels, alerts: alerts.to_vec(), tape };
        let pool = Pool::of(&[session], 10);
        let [baseline, _] = &pool.baselines;
        let all = &baseline[ALL];
        // The first is on an episode, whoseever.
        assert_eq!((all.excused.on_innocents, all.excused.total(), all.alerts.len()), (1, 1, 3));
        assert_eq!(all.alerts.iter().filter(|alert| alert.is_false()).count(), 2);
        let overall = pool.overall();
        assert_eq!((overall.excused.on_innocents, overall.alerts.len()), (1, 3));
    }
}
