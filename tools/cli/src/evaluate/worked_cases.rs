//! Labels and alerts for tests, told in few words.

use super::alert::{Alert, Opened};
use super::figures::{Counts, Figures};
use super::label::{INNOCENT, Label};
use super::matching::{Labels, Outcome, Rules, judge};
use super::positions::Positions;

/// The grace of the cases, ns.
pub(super) const GRACE_NS: i64 = 10;

/// The rules that the engine's alerts are held to.
pub(super) const RULES: Rules = Rules { grace_ns: GRACE_NS, any_symbol_is_market: false };

/// An episode of `detector` on `symbol` from `start_ns` to `end_ns`.
pub(super) fn label(detector: &str, symbol: &str, start_ns: i64, end_ns: i64) -> Label {
    Label {
        id: format!("{detector}-{symbol}-{start_ns}"),
        detector: String::from(detector),
        symbol: String::from(symbol),
        start_ns,
        end_ns,
        severity: 0.5,
        also: Vec::new(),
    }
}

/// An innocent look-alike on `symbol`.
pub(super) fn innocent(symbol: &str, start_ns: i64, end_ns: i64) -> Label {
    Label { severity: 0.0, ..label(INNOCENT, symbol, start_ns, end_ns) }
}

/// An alert of `detector` on `symbol` from `start_ns` to `end_ns`, raised as its condition began.
pub(super) fn alert(detector: &str, symbol: &str, start_ns: i64, end_ns: i64) -> Alert {
    Alert {
        id: format!("f0-{start_ns:016x}-01-0001"),
        detector: String::from(detector),
        symbol: String::from(symbol),
        start_ns,
        end_ns,
        opened: Opened { at_ns: start_ns, messages_before: None },
        score: 50.0,
        phase: String::from("continuous"),
        evidence: Some((1, 2)),
        is_retracted: false,
    }
}

/// The alert, raised at `at_ns`.
pub(super) fn opened_at(at_ns: i64, alert: Alert) -> Alert {
    Alert { opened: Opened { at_ns, messages_before: None }, ..alert }
}

/// What became of one detector's alerts among these, no messages being known.
pub(super) fn judged(detector: &str, labels: &[Label], alerts: &[Alert]) -> Outcome {
    let own: Vec<&Alert> = alerts.iter().filter(|alert| alert.detector == detector).collect();
    judge(detector, &Labels::new(labels), &own, &Positions::default(), RULES)
}

/// The same, counted without any threshold.
pub(super) fn counted(detector: &str, labels: &[Label], alerts: &[Alert]) -> Counts {
    Figures::of(&judged(detector, labels, alerts)).counts
}

/// Counts in the order episodes, found, alerts, true, repeated; none open before.
pub(super) fn counts(of: [u64; 5]) -> Counts {
    let [episodes, episodes_found, alerts, alerts_true, alerts_repeated] = of;
    let alerts_open_before = 0;
    Counts { episodes, episodes_found, alerts, alerts_true, alerts_repeated, alerts_open_before }
}
