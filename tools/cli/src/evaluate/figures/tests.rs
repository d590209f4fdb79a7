use super::super::alert::Alert;
use super::super::label::Label;
use super::super::worked_cases::{GRACE_NS, alert, counts, innocent, judged, label};
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
    // At 0.7 only the second is there; 0.7 itself is severe enough.
    let labels = [with_severity(0.2, 100), with_severity(0.7, 300), with_severity(0.9, 500)];
    let alerts = [
        with_score(50.0, 110),
        with_score(50.0, 310),
        // Over the grace of the first and the whole of the second: true as long as either is there.
        Alert { end_ns: 320, ..with_score(50.0, 155) },
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

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Episodes, found, alerts, true, repeated, excused, by looking at every instant of every pair.
fn slowly(labels: &[Label], alerts: &[Alert], severity_min: f64, score_min: f64) -> [u64; 6] {
    let instants = |from: i64, to: i64| (0..400_i64).filter(move |at| (from..=to).contains(at));
    let meets = |alert: &Alert, label: &Label| {
        instants(alert.start_ns, alert.end_ns)
            .any(|at| instants(label.start_ns, label.end_ns + GRACE_NS).any(|other| other == at))
    };
    let is_own = |label: &Label| label.detector == NAME;
    let is_severe = |label: &Label| label.severity >= severity_min;
    let mut told = [0; 6];
    told[0] = labels.iter().filter(|label| is_own(label) && is_severe(label)).count() as u64;
    let mut in_order: Vec<&Alert> =
        alerts.iter().filter(|alert| alert.detector == NAME && !alert.is_retracted).collect();
    in_order.sort_by(|a, b| a.start_ns.cmp(&b.start_ns).then(a.id.cmp(&b.id)));
    let mut found: Vec<&str> = Vec::new();
    for alert in in_order {
        let met: Vec<&Label> = labels.iter().filter(|label| meets(alert, label)).collect();
        let own: Vec<&&Label> =
            met.iter().filter(|label| is_own(label) && label.symbol == alert.symbol).collect();
        if own.is_empty() {
            let excuses = met.iter().any(|label| {
                label.also.iter().any(|also| also == NAME)
                    && (label.symbol == alert.symbol
                        || label.symbol.is_empty()
                        || alert.symbol.is_empty())
            });
            if excuses {
                told[5] += 1;
            } else if alert.score >= score_min {
                told[2] += 1;
            }
            continue;
        }
        if alert.score < score_min || !own.iter().any(|label| is_severe(label)) {
            continue;
        }
        let fresh: Vec<&str> = own
            .iter()
            .filter(|label| is_severe(label) && !found.contains(&label.id.as_str()))
            .map(|label| label.id.as_str())
            .collect();
        if fresh.is_empty() {
            told[4] += 1;
        } else {
            told[2] += 1;
            told[3] += 1;
            found.extend(fresh);
        }
    }
    told[1] = found.len() as u64;
    told
}

#[test]
fn counts_equal_a_slow_direct_computation() {
    let mut numbers = Numbers(7);
    for round in 0..300 {
        let mut some = |count: u64| numbers.below(count);
        let names = [NAME, "layering", "innocent"];
        let symbols = ["AAA", "BBB", ""];
        let labels: Vec<Label> = (0..some(8))
            .map(|number| {
                let (start_ns, symbol) = (some(300) as i64, symbols[some(3) as usize]);
                let also = if some(3) == 0 { vec![String::from(NAME)] } else { Vec::new() };
                Label {
                    id: format!("{number}"),
                    severity: some(10) as f64 / 10.0,
                    also,
                    ..label(names[some(3) as usize], symbol, start_ns, start_ns + some(50) as i64)
                }
            })
            .collect();
        let alerts: Vec<Alert> = (0..some(14))
            .map(|number| {
                let (start_ns, symbol) = (some(350) as i64, symbols[some(3) as usize]);
                Alert {
                    id: format!("{number:02}"),
                    score: some(101) as f64,
                    is_retracted: some(9) == 0,
                    ..alert(names[some(2) as usize], symbol, start_ns, start_ns + some(40) as i64)
                }
            })
            .collect();
        let outcome = judged(NAME, &labels, &alerts);
        for (severity_min, score_min) in [(0.0, 0.0), (0.5, 0.0), (0.0, 50.0), (0.7, 30.0)] {
            let [episodes, found, alerts_counted, alerts_true, repeated, excused] =
                slowly(&labels, &alerts, severity_min, score_min);
            let expected = counts([episodes, found, alerts_counted, alerts_true, repeated]);
            let told = Counts::of(&outcome, severity_min, score_min);
            assert_eq!(told, expected, "round {round}: {labels:?} {alerts:?}");
            assert_eq!(outcome.excused, excused, "round {round}");
        }
    }
}
