//! Which alert is about which episode. Pure: labels and alerts in, outcomes out.
//!
//! ```text
//!  label           ├─────────┤┄┄┄┄┄┄┤ grace
//!  alerts   ├──●───┤    ├─●──┤    ├──●──┤     ├●─┤     ● its opening message
//!          open before   true     repeated    false
//! ```
//! An alert is on an episode if it is of the same detector and symbol (both market-wide: the empty
//! symbol) and has an instant in common with `[start, end + grace]`. Its start is when the condition began,
//! which may be long before it was raised; so one on an episode that opened before that began neither finds
//! it nor is true by it: a detector that is always open finds nothing. Delay is from the episode's start
//! to the opening message.
//!
//! One that is true by no episode is excused if it overlaps a label, of whatever detector, whose `also`
//! names it: on the same symbol, or either of the two market-wide. A market-wide label excuses only on
//! symbols that took part, those with a label within it; where there are none, on every symbol. What
//! innocent look-alikes alone excuse, and what only a market-wide label without parts does, is counted
//! apart. All others are false, on an innocent look-alike or anywhere. Retracted alerts are not looked at.
//! What is made of several alerts on one episode is up to [`figures`](super::figures), which knows the
//! thresholds.

use std::collections::{HashMap, HashSet};

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
    pub(super) excused: Excused,
    /// Alerts that were retracted.
    pub(super) retracted: u64,
}

/// Alerts that count neither way since a label says that it sets them off, by what sort of label does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Excused {
    /// An episode of the symbol, or of the market with the symbol in it.
    pub(super) by_episodes: u64,
    /// Only an episode of the market of which it is not known who took part.
    pub(super) on_market: u64,
    /// Only innocent look-alikes.
    pub(super) on_innocents: u64,
}

impl Excused {
    /// All of them.
    pub(super) fn total(&self) -> u64 {
        self.by_episodes + self.on_market + self.on_innocents
    }
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
    /// The episodes that it is on and was opened in or behind.
    pub(super) hits: Vec<Hit>,
    /// The episodes that it is on and was opened before.
    pub(super) open_before: Vec<usize>,
    /// Whether it is false and on an innocent look-alike.
    pub(super) is_on_innocent: bool,
}

impl Judged {
    /// Whether it is on no episode.
    pub(super) fn is_false(&self) -> bool {
        self.hits.is_empty() && self.open_before.is_empty()
    }
}

/// An alert on an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Which of the outcome's episodes.
    pub(super) episode: usize,
    /// From the episode's start to the alert's opening message.
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
            alert.open_before.iter_mut().for_each(|episode| *episode += before);
            alert
        }));
        self.excused.by_episodes += other.excused.by_episodes;
        self.excused.on_market += other.excused.on_market;
        self.excused.on_innocents += other.excused.on_innocents;
        self.retracted += other.retracted;
    }
}

/// The labels of a session by symbol.
#[derive(Clone, Debug)]
pub(super) struct Labels<'a> {
    all: &'a [Label],
    by_symbol: HashMap<&'a str, Vec<usize>>,
    /// Who took part in each market-wide label of which it is known.
    casts: HashMap<usize, HashSet<&'a str>>,
}

impl<'a> Labels<'a> {
    /// The labels of one session.
    pub(super) fn new(all: &'a [Label]) -> Labels<'a> {
        let mut by_symbol: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, label) in all.iter().enumerate() {
            by_symbol.entry(label.symbol.as_str()).or_default().push(at);
        }
        let market = by_symbol.get("").into_iter().flatten();
        let casts = market.map(|at| (*at, cast(&all[*at], all)));
        let casts = casts.filter(|(_, cast)| !cast.is_empty()).collect();
        Labels { all, by_symbol, casts }
    }

    /// The same labels as they are to others: another detector's, or naming others.
    pub(super) fn renamed(&self, all: &'a [Label]) -> Labels<'a> {
        assert_eq!(self.all.len(), all.len(), "Invariant: the labels are the same");
        Labels { all, ..self.clone() }
    }

    /// Which labels have anything to do with alerts on `symbol`: its own, and the market's that it took part
    /// in; for the market's alerts every one.
    fn about(&self, symbol: &str) -> Vec<usize> {
        if symbol.is_empty() {
            return (0..self.all.len()).collect();
        }
        let of = |symbol: &str| self.by_symbol.get(symbol).into_iter().flatten().copied();
        let took_part = |at: &usize| self.casts.get(at).is_none_or(|cast| cast.contains(symbol));
        of(symbol).chain(of("").filter(took_part)).collect()
    }

    /// Whether a label is the market's, and who took part in it is not known.
    fn is_without_cast(&self, at: usize) -> bool {
        self.all[at].symbol.is_empty() && !self.casts.contains_key(&at)
    }
}

/// The symbols that took part in what `market` tells of the whole market: those with a label within it that
/// is as innocent, and an episode's of a detector that it names. The opening and the closing, which name
/// none, are of all symbols.
fn cast<'a>(market: &Label, all: &'a [Label]) -> HashSet<&'a str> {
    let is_part = |label: &&Label| {
        let is_within = market.start_ns <= label.start_ns && label.end_ns <= market.end_ns;
        let is_alike = match market.is_innocent() {
            true => label.is_innocent(),
            false => market.also.contains(&label.detector),
        };
        is_within && is_alike
    };
    let symbols = all.iter().filter(|label| !label.symbol.is_empty() && !market.also.is_empty());
    symbols.filter(is_part).map(|label| label.symbol.as_str()).collect()
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
    sorted.sort_by_key(|alert| (alert.opened.at_ns, alert.opened.messages_before, &alert.id));
    for alert in sorted {
        if alert.is_retracted {
            outcome.retracted += 1;
            continue;
        }
        let mut near = labels.about(&alert.symbol);
        near.retain(|&at| overlaps(alert, &labels.all[at], rules.grace_ns));
        let (mut hits, mut open_before) = (Vec::new(), Vec::new());
        for at in &near {
            let (label, Some(&episode)) = (&labels.all[*at], episodes.get(at)) else { continue };
            let is_its_market = rules.any_symbol_is_market && label.symbol.is_empty();
            if label.symbol != alert.symbol && !is_its_market {
                continue;
            }
            match u64::try_from(alert.opened.at_ns.saturating_sub(label.start_ns)) {
                Ok(delay_ns) => {
                    let delay_events = messages_between(label, alert, positions);
                    hits.push(Hit { episode, delay_ns, delay_events });
                }
                Err(_) => open_before.push(episode),
            }
        }
        if hits.is_empty() && outcome.excused.takes(detector, &near, &alert.symbol, labels) {
            continue;
        }
        let is_false = hits.is_empty() && open_before.is_empty();
        outcome.alerts.push(Judged {
            id: alert.id.clone(),
            score: alert.score,
            phase: alert.phase.clone(),
            hits,
            open_before,
            is_on_innocent: is_false && near.iter().any(|at| labels.all[*at].is_innocent()),
        });
    }
    outcome
}

impl Excused {
    /// Counts an alert of `detector` on `symbol` if one of the labels `near` it names it; whether one does.
    fn takes(&mut self, detector: &str, near: &[usize], symbol: &str, labels: &Labels<'_>) -> bool {
        let names = |at: &&usize| labels.all[**at].also.iter().any(|also| also == detector);
        let naming: Vec<usize> = near.iter().filter(names).copied().collect();
        let mut episodes = naming.iter().filter(|at| !labels.all[**at].is_innocent()).peekable();
        let count = match (naming.is_empty(), episodes.peek()) {
            (true, _) => return false,
            (false, None) => &mut self.on_innocents,
            (false, Some(_)) => {
                let is_of_all =
                    !symbol.is_empty() && episodes.all(|at| labels.is_without_cast(*at));
                if is_of_all { &mut self.on_market } else { &mut self.by_episodes }
            }
        };
        *count += 1;
        true
    }
}

/// Messages from the first one of an episode up to the one that opened an alert, where they were counted.
fn messages_between(label: &Label, alert: &Alert, positions: &Positions) -> Option<u64> {
    let opened = alert.opened.messages_before?;
    Some(opened.saturating_sub(positions.before(label.start_ns)?))
}

/// Whether the alert has an instant in common with the label and its grace.
fn overlaps(alert: &Alert, label: &Label, grace_ns: i64) -> bool {
    alert.start_ns <= label.end_ns.saturating_add(grace_ns)
        && alert.end_ns.max(alert.start_ns) >= label.start_ns
}

#[cfg(test)]
mod tests;
