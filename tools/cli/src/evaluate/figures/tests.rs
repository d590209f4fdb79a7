//! What outcomes come to, by hand and by a slow direct computation.

use super::super::alert::Alert;
use super::super::label::Label;
use super::super::worked_cases::{GRACE_NS, alert, counts, innocent, judged, label, opened_at};
use super::*;

const NAME: &str = "spoofing";

fn with_severity(severity: f64, start_ns: i64) -> Label {
    Label { severity, ..label(NAME, "AAA", start_ns, start_ns + 50) }
}

fn with_score(score: f64, start_ns: i64) -> Alert {
    Alert { score, ..alert(NAME, "AAA", start_ns, start_ns + 5) }
}

#[test]
fn what_never_fired_is_not_what_fired_perfectly() {
    let silent = Figures::of(&judged(NAME, &[label(NAME, "AAA", 100, 200)], &[]));
    assert_eq!((silent.counts.precision(), silent.counts.recall()), (None, Some(0.0)));
    assert_eq!((silent.counts.f1(), silent.average_precision()), (None, None));
    assert_eq!((silent.delay_us_p50, silent.counts.precision_interval()), (None, None));

    let unasked = Figures::of(&judged(NAME, &[], &[with_score(90.0, 100)]));
    assert_eq!((unasked.counts.precision(), unasked.counts.recall()), (Some(0.0), None));
    assert_eq!((unasked.counts.f1(), unasked.average_precision()), (None, None));

    let wrong = [with_score(90.0, 900)];
    let wrong = Figures::of(&judged(NAME, &[label(NAME, "AAA", 100, 200)], &wrong));
    assert_eq!((wrong.counts.f1(), wrong.average_precision()), (Some(0.0), Some(0.0)));
}

#[test]
fn alerts_on_lesser_episodes_alone_are_counted_neither_way() {
    // 0.7 itself is severe enough for 0.7.
    let labels = [with_severity(0.2, 100), with_severity(0.7, 300), with_severity(0.9, 500)];
    let alerts = [
        with_score(50.0, 110),
        with_score(50.0, 310),
        // From the grace of the first into the second: true as long as either is there.
        opened_at(305, Alert { end_ns: 320, ..with_score(50.0, 155) }),
        with_score(50.0, 900),
    ];
    let outcome = judged(NAME, &labels, &alerts);
    let at = |severity_min| Counts::of(&outcome, severity_min, f64::NEG_INFINITY);
    assert_eq!(at(0.0), counts([3, 2, 3, 2, 1]));
    assert_eq!(at(0.3), counts([2, 1, 2, 1, 1]));
    assert_eq!(at(0.7), counts([2, 1, 2, 1, 1]));
    assert_eq!(at(0.8), counts([1, 0, 1, 0, 0]));
    let mins: Vec<f64> = Figures::of(&outcome).by_severity.iter().map(|(min, _)| *min).collect();
    assert_eq!(mins, [0.1, 0.3, 0.5, 0.7]);
}

#[test]
fn the_sweep_counts_alerts_from_each_score_up() {
    // Four episodes. By falling score: true, false, a second on the first, true, false.
    let labels = [100, 300, 500, 700].map(|start_ns| with_severity(0.5, start_ns));
    let alerts = [
        with_score(90.5, 110),
        with_score(80.0, 900),
        with_score(70.0, 105),
        with_score(60.0, 310),
        with_score(50.0, 950),
    ];
    let figures = Figures::of(&judged(NAME, &labels, &alerts));
    let sweep: Vec<(f64, f64, f64)> = figures
        .sweep
        .iter()
        .map(|point| (point.score_min, point.precision, point.recall))
        .collect();
    let expected = [
        (90.0, 1.0, 0.25),
        (80.0, 0.5, 0.25),
        (70.0, 0.5, 0.25),
        (60.0, 2.0 / 3.0, 0.5),
        (50.0, 0.5, 0.5),
    ];
    assert_eq!(sweep, expected);
    let by_hand = 0.25 * 1.0 + 0.25 * (2.0 / 3.0);
    assert!((figures.average_precision().unwrap() - by_hand).abs() < 1e-12);
    assert_eq!(figures.counts, counts([4, 2, 4, 2, 1]));
}

#[test]
fn delay_is_the_median_over_what_was_found_of_the_first_alerts() {
    let labels = [100, 300, 500, 700].map(|start_ns| with_severity(0.5, start_ns));
    let alerts = [
        with_score(50.0, 140),
        with_score(50.0, 110),
        with_score(50.0, 330),
        with_score(50.0, 504),
    ];
    let figures = Figures::of(&judged(NAME, &labels, &alerts));
    assert_eq!(figures.delay_us_p50, Some(0.01), "of 10, 30 and 4 ns");
    assert_eq!(figures.delay_events_p50, None, "nobody counted messages");
}

#[test]
fn false_alerts_are_told_by_the_part_of_the_day() {
    let in_phase = |phase: &str, start_ns| Alert {
        phase: String::from(phase),
        ..alert(NAME, "AAA", start_ns, start_ns)
    };
    let labels = [with_severity(0.5, 100), innocent("AAA", 400, 500)];
    let alerts = [
        in_phase("opening", 110),
        in_phase("opening", 450),
        in_phase("continuous", 800),
        in_phase("continuous", 900),
    ];
    let figures = Figures::of(&judged(NAME, &labels, &alerts));
    let by_phase: Vec<(&str, u64)> =
        figures.false_by_phase.iter().map(|(phase, count)| (phase.as_str(), *count)).collect();
    assert_eq!(by_phase, [("continuous", 2), ("opening", 1)]);
    assert_eq!((figures.on_innocents, figures.counts.alerts_false()), (1, 3));
}

#[test]
fn the_parts_of_the_day_and_what_is_none_of_them_add_up() {
    let phases = ["pre", "halted", "continuous", "reopening", "continuous", "unknown"];
    let alerts: Vec<Alert> = phases
        .iter()
        .zip(0..)
        .map(|(phase, at)| Alert {
            phase: String::from(*phase),
            ..alert(NAME, "AAA", at * 100, at * 100)
        })
        .collect();
    let figures = Figures::of(&judged(NAME, &[], &alerts));
    assert_eq!(figures.false_in(["pre", "opening", "continuous"]), ([1, 0, 2], 3));
    assert_eq!(figures.counts.alerts_false(), 6);
}

#[test]
fn strict_precision_takes_for_false_whatever_a_plain_one_passes_over() {
    let says = Label { also: vec![String::from(NAME)], ..innocent("AAA", 400, 500) };
    let rightly = Label { also: vec![String::from(NAME)], ..label("layering", "AAA", 600, 650) };
    let labels = [with_severity(0.2, 100), with_severity(0.5, 250), says, rightly];
    let alerts = [
        with_score(50.0, 110),
        with_score(50.0, 120),
        opened_at(240, Alert { end_ns: 260, ..with_score(50.0, 240) }),
        with_score(50.0, 450),
        with_score(50.0, 620),
        with_score(50.0, 900),
    ];
    let figures = Figures::of(&judged(NAME, &labels, &alerts));
    // One true and one false; one more on what was found, one open before, one that an innocent excuses.
    assert_eq!(figures.counts.precision(), Some(0.5));
    assert_eq!(figures.precision_strict(&figures.counts), Some(0.2));
    assert_eq!(figures.excused.total(), 2);
    let (_, of_the_second) = figures.by_severity[2];
    assert_eq!(of_the_second.alerts_open_before, 1);
    assert_eq!(figures.precision_strict(&of_the_second), Some(0.0));
    let silent = Figures::of(&judged(NAME, &labels, &[]));
    assert_eq!(silent.precision_strict(&silent.counts), None);
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Whom `market` excuses on: symbols with a label within it that is innocent as it is or of a detector that
/// it names; `None` for everyone.
fn slow_cast<'a>(market: &Label, labels: &'a [Label]) -> Option<Vec<&'a str>> {
    let mut symbols = Vec::new();
    for label in labels.iter().filter(|label| !label.symbol.is_empty()) {
        let is_within = (market.start_ns..=market.end_ns).contains(&label.start_ns)
            && (market.start_ns..=market.end_ns).contains(&label.end_ns);
        let is_alike = if market.detector == "innocent" {
            label.detector == "innocent"
        } else {
            market.also.contains(&label.detector)
        };
        if is_within && is_alike && !market.also.is_empty() {
            symbols.push(label.symbol.as_str());
        }
    }
    (!symbols.is_empty()).then_some(symbols)
}

/// What a slow direct computation counts.
#[derive(Debug, Default)]
struct Slow {
    counts: Counts,
    excused: Excused,
}

/// By looking at every instant of every pair.
fn slowly(labels: &[Label], alerts: &[Alert], severity_min: f64, score_min: f64) -> Slow {
    let instants = |from: i64, to: i64| (0..400_i64).filter(move |at| (from..=to).contains(at));
    let meets = |alert: &Alert, label: &Label| {
        instants(alert.start_ns, alert.end_ns)
            .any(|at| instants(label.start_ns, label.end_ns + GRACE_NS).any(|other| other == at))
    };
    let is_own = |label: &Label| label.detector == NAME;
    let is_severe = |label: &Label| label.severity >= severity_min;
    let mut told = Slow::default();
    told.counts.episodes =
        labels.iter().filter(|label| is_own(label) && is_severe(label)).count() as u64;
    let mut in_order: Vec<&Alert> =
        alerts.iter().filter(|alert| alert.detector == NAME && !alert.is_retracted).collect();
    in_order.sort_by(|a, b| (a.opened.at_ns, &a.id).cmp(&(b.opened.at_ns, &b.id)));
    let mut found: Vec<&str> = Vec::new();
    for alert in in_order {
        let met: Vec<&Label> = labels.iter().filter(|label| meets(alert, label)).collect();
        let own: Vec<&&Label> =
            met.iter().filter(|label| is_own(label) && label.symbol == alert.symbol).collect();
        let (in_time, before): (Vec<&Label>, Vec<&Label>) =
            own.iter().map(|label| **label).partition(|label| label.start_ns <= alert.opened.at_ns);
        if in_time.is_empty() {
            let naming: Vec<&&Label> =
                met.iter().filter(|label| label.also.iter().any(|also| also == NAME)).collect();
            let excuses = |label: &Label| {
                let cast = slow_cast(label, labels);
                label.symbol == alert.symbol
                    || alert.symbol.is_empty()
                    || (label.symbol.is_empty()
                        && cast.is_none_or(|cast| cast.contains(&alert.symbol.as_str())))
            };
            let is_known = |label: &Label| {
                alert.symbol.is_empty()
                    || !label.symbol.is_empty()
                    || slow_cast(label, labels).is_some()
            };
            let naming = naming.iter().map(|label| **label).filter(|label| excuses(label));
            let (innocents, episodes): (Vec<&Label>, Vec<&Label>) =
                naming.partition(|label| label.detector == "innocent");
            if episodes.iter().any(|label| is_known(label)) {
                told.excused.by_episodes += 1;
                continue;
            } else if !episodes.is_empty() {
                told.excused.on_market += 1;
                continue;
            } else if !innocents.is_empty() {
                told.excused.on_innocents += 1;
                continue;
            }
        }
        if alert.score < score_min {
            continue;
        }
        if own.is_empty() {
            told.counts.alerts += 1;
        } else if in_time.iter().any(|label| is_severe(label)) {
            let fresh: Vec<&str> = in_time
                .iter()
                .filter(|label| is_severe(label) && !found.contains(&label.id.as_str()))
                .map(|label| label.id.as_str())
                .collect();
            if fresh.is_empty() {
                told.counts.alerts_repeated += 1;
            } else {
                told.counts.alerts += 1;
                told.counts.alerts_true += 1;
                found.extend(fresh);
            }
        } else if before.iter().any(|label| is_severe(label)) {
            told.counts.alerts_open_before += 1;
        }
    }
    told.counts.episodes_found = found.len() as u64;
    told
}

#[test]
fn counts_equal_a_slow_direct_computation() {
    let mut numbers = Numbers(7);
    for round in 0..1_000 {
        let mut some = |count: u64| numbers.below(count);
        let names = [NAME, "layering", "innocent"];
        let symbols = ["AAA", "BBB", ""];
        let labels: Vec<Label> = (0..some(8))
            .map(|number| {
                let (start_ns, symbol) = (some(300) as i64, symbols[some(3) as usize]);
                let also = match some(6) {
                    0 => vec![String::from(NAME)],
                    1 => vec![String::from(NAME), String::from("layering")],
                    _ => Vec::new(),
                };
                Label {
                    id: format!("{number}"),
                    severity: some(10) as f64 / 10.0,
                    also,
                    ..label(names[some(3) as usize], symbol, start_ns, start_ns + some(90) as i64)
                }
            })
            .collect();
        let alerts: Vec<Alert> = (0..some(14))
            .map(|number| {
                let (start_ns, symbol) = (some(350) as i64, symbols[some(3) as usize]);
                let alert = Alert {
                    id: format!("{number:02}"),
                    score: some(101) as f64,
                    is_retracted: some(9) == 0,
                    ..alert(names[some(2) as usize], symbol, start_ns, start_ns + some(40) as i64)
                };
                opened_at(start_ns + some(30) as i64, alert)
            })
            .collect();
        let outcome = judged(NAME, &labels, &alerts);
        for (severity_min, score_min) in [(0.0, 0.0), (0.5, 0.0), (0.0, 50.0), (0.7, 30.0)] {
            let slow = slowly(&labels, &alerts, severity_min, score_min);
            let told = Counts::of(&outcome, severity_min, score_min);
            assert_eq!(told, slow.counts, "round {round}: {labels:?} {alerts:?}");
            assert_eq!(outcome.excused, slow.excused, "round {round}: {labels:?} {alerts:?}");
        }
    }
}
