//! `evaluate`: figures of given alerts on a labelled session, as JSON, as a table, as pictures.

use std::fs;
use std::path::{Path, PathBuf};

use roxmltree::Document;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Feed, OPEN_NS, arg, file, scratch, tapewatch};

/// New York's midnight of 2025-06-02, UTC.
const MIDNIGHT_NS: u64 = 1_748_836_800_000_000_000;

const SECOND_NS: u64 = 1_000_000_000;

/// So many seconds behind the opening.
fn at(seconds: u64) -> u64 {
    MIDNIGHT_NS + OPEN_NS + seconds * SECOND_NS
}

fn label(number: u32, detector: &str, from: u64, to: u64, also: &[&str]) -> Value {
    let id = format!("label-{number}");
    json!({"id": id, "detector": detector, "symbol": "AAA", "start_ns": at(from), "end_ns": at(to),
           "severity": 0.6, "also": also})
}

/// An alert whose condition began then, opened by the message of that second of the [`staged`] session.
fn alert(number: u32, detector: &str, from: u64, to: u64, score: f64) -> Value {
    opened_at(from, alert_of(number, detector, from, to, score))
}

/// The alert, opened by the message of that second.
fn opened_at(seconds: u64, mut alert: Value) -> Value {
    // The system event is the first one, the add of second n the (n + 1)th.
    let number = alert["id"].as_str().unwrap()[20..22].to_owned();
    alert["id"] = json!(format!("f0-{:016x}-{number}-0001", seconds + 1));
    alert
}

fn alert_of(number: u32, detector: &str, from: u64, to: u64, score: f64) -> Value {
    let id = format!("f0-{:016x}-{number:02x}-0001", 0);
    json!({"id": id, "detector": detector, "symbol": "AAA", "start_ns": at(from), "end_ns": at(to),
           "score": score, "phase": "continuous", "figures": {}, "thresholds": {},
           "evidence": {"first_sequence": 1, "last_sequence": 2}})
}

fn lines(dir: &TempDir, name: &str, values: &[Value]) -> PathBuf {
    let text: String = values.iter().map(|value| format!("{value}\n")).collect();
    file(dir, name, text.as_bytes())
}

/// A session of 2,000 seconds of market hours, an add a second, with what was staged in it and raised.
struct Staged {
    session: PathBuf,
    labels: PathBuf,
    alerts: PathBuf,
}

fn staged(dir: &TempDir) -> Staged {
    let mut feed = Feed::new();
    let head = feed.head(0);
    feed.encoder.system_event(head, b'Q');
    for order in 1..=2_000 {
        feed.time_of_day_ns = OPEN_NS + order * SECOND_NS - 1_000;
        feed.add(1, "AAA", order, engine::units::Side::Buy, 100, 10_0000);
    }
    let head = feed.head(0);
    feed.encoder.system_event(head, b'M');
    let labels = [
        label(1, "quote_stuffing", 100, 110, &["fleeting_orders"]),
        label(2, "quote_stuffing", 300, 310, &[]),
        label(3, "spoofing", 500, 510, &[]),
        label(4, "innocent", 700, 710, &[]),
    ];
    let mut retracted = alert(6, "quote_stuffing", 900, 901, 80.0);
    retracted["retracted"] = json!(true);
    let alerts = [
        alert(1, "quote_stuffing", 103, 104, 90.0),
        alert(2, "quote_stuffing", 106, 107, 70.0),
        alert(3, "fleeting_orders", 103, 104, 60.0),
        alert(4, "quote_stuffing", 705, 706, 50.0),
        alert(5, "layering", 505, 506, 40.0),
        retracted,
    ];
    Staged {
        session: file(dir, "day.itch", feed.encoder.bytes()),
        labels: lines(dir, "labels.jsonl", &labels),
        alerts: lines(dir, "alerts.jsonl", &alerts),
    }
}

fn evaluated(staged: &Staged, more: &[&str]) -> crate::support::Run {
    let Staged { session, labels, alerts } = staged;
    let mut args = vec!["evaluate", arg(session), "--labels", arg(labels), "--alerts", arg(alerts)];
    args.extend(more);
    tapewatch(&args)
}

fn row<'a>(result: &'a Value, list: &str, detector: &str) -> &'a Value {
    let rows = result[list].as_array().unwrap();
    rows.iter().find(|row| row["detector"] == detector).unwrap()
}

#[test]
fn the_json_has_every_figure_under_its_name() {
    let dir = scratch();
    let run = evaluated(&staged(&dir), &["--json", "--quiet"]).ended_with(0);
    let result = run.json();
    let names: Vec<&str> = result["detectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["detector"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["fleeting_orders", "layering", "quote_stuffing", "spoofing"]);
    let stuffing = row(&result, "detectors", "quote_stuffing");
    for (key, expected) in [
        ("episodes", json!(2)),
        ("episodes_found", json!(1)),
        ("alerts", json!(2)),
        ("alerts_true", json!(1)),
        ("alerts_repeated", json!(1)),
        ("alerts_retracted", json!(1)),
        ("alerts_on_innocents", json!(1)),
        ("precision", json!(0.5)),
        ("recall", json!(0.5)),
        ("f1", json!(0.5)),
        ("average_precision", json!(0.5)),
        ("precision_strict", json!(1.0 / 3.0)),
        ("alerts_open_before", json!(0)),
        ("delay_us_p50", json!(3e6)),
        ("delay_events_p50", json!(3.0)),
    ] {
        assert_eq!(stuffing[key], expected, "{key}");
    }
    let symbol_days = result["symbol_days"].as_f64().unwrap();
    assert!((symbol_days - 2_000.0 / 23_400.0).abs() < 1e-6, "{symbol_days}");
    let rate = stuffing["false_alerts_per_symbol_day"].as_f64().unwrap();
    assert!((rate - 1.0 / symbol_days).abs() < 1e-9, "{rate}");
    assert_eq!(stuffing["false_alerts_by_phase"]["continuous"]["alerts"], 1);
    for phase in ["pre", "opening", "closing", "post", "halted", "reopening", "unknown"] {
        assert_eq!(stuffing["false_alerts_by_phase"][phase]["alerts"], 0, "{phase}");
    }
    let by_severity = stuffing["by_severity"].as_array().unwrap();
    let found: Vec<(f64, u64, u64)> = by_severity
        .iter()
        .map(|row| {
            let count = |key: &str| row[key].as_u64().unwrap();
            (row["severity_min"].as_f64().unwrap(), count("episodes"), count("alerts"))
        })
        .collect();
    assert_eq!(found, [(0.1, 2, 2), (0.3, 2, 2), (0.5, 2, 2), (0.7, 0, 1)]);
    let figures = ["recall", "precision", "f1"].map(|key| by_severity[2][key].clone());
    assert_eq!(figures, [json!(0.5), json!(0.5), json!(0.5)]);
    let figures = ["recall", "precision", "f1"].map(|key| by_severity[3][key].clone());
    assert_eq!(figures, [Value::Null, json!(0.0), Value::Null]);
    for interval in ["precision_interval", "recall_interval"] {
        let bounds = stuffing[interval].as_array().unwrap();
        assert!(bounds[0].as_f64().unwrap() < 0.5 && bounds[1].as_f64().unwrap() > 0.5);
    }

    // Never fired; nothing there; named by another's label.
    let spoofing = row(&result, "detectors", "spoofing");
    assert_eq!((&spoofing["precision"], &spoofing["recall"]), (&Value::Null, &json!(0.0)));
    assert_eq!((&spoofing["f1"], &spoofing["delay_us_p50"]), (&Value::Null, &Value::Null));
    let layering = row(&result, "detectors", "layering");
    assert_eq!((&layering["precision"], &layering["recall"]), (&json!(0.0), &Value::Null));
    let fleeting = row(&result, "detectors", "fleeting_orders");
    assert_eq!((&fleeting["alerts"], &fleeting["alerts_excused"]), (&json!(0), &json!(1)));
    assert_eq!(
        (&fleeting["precision"], &fleeting["precision_strict"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(fleeting["alerts_excused_on_innocents"], 0);

    let overall = &result["overall"];
    assert_eq!((&overall["episodes"], &overall["alerts"]), (&json!(3), &json!(3)));
    // Each baseline against each detector with episodes, and against all.
    let baselines = result["baselines"].as_array().unwrap();
    assert_eq!(baselines.len(), 2 * 3);
    assert_eq!(row(&result, "baselines", "all")["episodes"], 3);
    assert_eq!(result["innocents"], 1);
}

#[test]
fn several_sessions_are_pooled() {
    let dir = scratch();
    let staged = staged(&dir);
    let Staged { session, labels, alerts } = &staged;
    let (session, labels, alerts) = (arg(session), arg(labels), arg(alerts));
    let args = [
        "evaluate", session, session, "--labels", labels, "--labels", labels, "--alerts", alerts,
        "--alerts", alerts, "--json",
    ];
    let pooled = tapewatch(&args).ended_with(0).json();
    let one = evaluated(&staged, &["--json"]).json();
    assert_eq!(pooled["sessions"], 2);
    for key in ["episodes", "episodes_found", "alerts", "alerts_true", "alerts_repeated"] {
        let of = |result: &Value| row(result, "detectors", "quote_stuffing")[key].as_u64();
        assert_eq!(of(&pooled), of(&one).map(|count| 2 * count), "{key}");
    }
    for key in ["precision", "recall", "average_precision", "false_alerts_per_symbol_day"] {
        assert_eq!(pooled["overall"][key], one["overall"][key], "{key}");
    }
    let missing = ["evaluate", session, session, "--labels", labels];
    tapewatch(&missing).ended_with(2).says(&["2 input(s) and 1 file(s) of --labels"]);
    let missing = ["evaluate", session, "--labels", labels, "--alerts", alerts, "--alerts", alerts];
    tapewatch(&missing).ended_with(2).says(&["1 input(s) and 2 file(s) of --alerts"]);
}

#[test]
fn a_longer_grace_makes_an_alert_behind_its_episode_true() {
    let dir = scratch();
    let mut staged = staged(&dir);
    staged.alerts = lines(&dir, "late.jsonl", &[alert(1, "spoofing", 512, 513, 50.0)]);
    let precision = |more: &[&str]| {
        let mut args = vec!["--json"];
        args.extend(more);
        row(&evaluated(&staged, &args).json(), "detectors", "spoofing")["precision"].clone()
    };
    assert_eq!(precision(&[]), json!(0.0), "1 s is not enough");
    assert_eq!(precision(&["--grace", "2s"]), json!(1.0));
}

#[test]
fn delay_is_to_the_message_that_raised_the_alert_and_not_to_where_its_condition_began() {
    let dir = scratch();
    let mut staged = staged(&dir);
    let delays = |staged: &Staged| {
        let row =
            row(&evaluated(staged, &["--json"]).ended_with(0).json(), "detectors", "spoofing")
                .clone();
        assert_eq!((&row["episodes_found"], &row["precision"]), (&json!(1), &json!(1.0)));
        (row["delay_us_p50"].clone(), row["delay_events_p50"].clone())
    };
    for begun in [490, 500, 503] {
        let backdating = opened_at(507, alert_of(1, "spoofing", begun, 509, 50.0));
        staged.alerts = lines(&dir, "backdating.jsonl", &[backdating]);
        assert_eq!(delays(&staged), (json!(7e6), json!(7.0)), "{begun}");
    }
}

#[test]
fn a_detector_that_is_always_open_finds_nothing() {
    let dir = scratch();
    let mut staged = staged(&dir);
    let always = opened_at(10, alert_of(1, "quote_stuffing", 10, 1_900, 90.0));
    staged.alerts = lines(&dir, "always.jsonl", &[always]);
    let result = evaluated(&staged, &["--json"]).ended_with(0).json();
    let stuffing = row(&result, "detectors", "quote_stuffing");
    for (key, expected) in [
        ("episodes_found", json!(0)),
        ("recall", json!(0.0)),
        ("alerts", json!(0)),
        ("alerts_open_before", json!(1)),
        ("precision", Value::Null),
        ("precision_strict", json!(0.0)),
        ("delay_us_p50", Value::Null),
    ] {
        assert_eq!(stuffing[key], expected, "{key}");
    }
}

#[test]
fn what_only_an_innocent_look_alike_excuses_is_told_apart() {
    let dir = scratch();
    let mut staged = staged(&dir);
    let labels = [
        label(1, "quote_stuffing", 100, 110, &["fleeting_orders"]),
        label(2, "innocent", 700, 710, &["quote_stuffing"]),
    ];
    staged.labels = lines(&dir, "tempting.jsonl", &labels);
    let result = evaluated(&staged, &["--json"]).ended_with(0).json();
    let stuffing = row(&result, "detectors", "quote_stuffing");
    let of = ["alerts", "alerts_excused", "alerts_excused_on_innocents", "alerts_on_innocents"];
    assert_eq!(of.map(|key| stuffing[key].as_u64().unwrap()), [1, 1, 1, 0]);
    assert_eq!(
        (&stuffing["precision"], &stuffing["precision_strict"]),
        (&json!(1.0), &json!(1.0 / 3.0))
    );
}

#[test]
fn an_id_that_names_no_message_behind_the_alerts_start_is_told() {
    let dir = scratch();
    let mut staged = staged(&dir);
    let mut own = alert(1, "spoofing", 503, 504, 50.0);
    own["id"] = json!("mine-1");
    let early = opened_at(20, alert_of(2, "spoofing", 505, 506, 50.0));
    staged.alerts = lines(&dir, "own.jsonl", &[own, early, alert(3, "layering", 800, 801, 50.0)]);
    let run = evaluated(&staged, &["--json"]).ended_with(0);
    run.says(&["warning", "2 alert(s) whose id names no message"]);
    let result = run.json();
    let spoofing = row(&result, "detectors", "spoofing");
    assert_eq!(
        (&spoofing["delay_us_p50"], &spoofing["delay_events_p50"]),
        (&json!(3e6), &json!(3.0))
    );
    assert_eq!(spoofing["alerts_repeated"], 1);
}

#[test]
fn pictures_are_well_formed_and_name_what_they_show() {
    let dir = scratch();
    let pictures = dir.path().join("pictures");
    evaluated(&staged(&dir), &["--plots", arg(&pictures)]).ended_with(0);
    let texts = |name: &str| {
        let text = fs::read_to_string(pictures.join(name)).unwrap();
        let document = Document::parse(&text).unwrap();
        assert_eq!(document.root_element().tag_name().name(), "svg");
        let texts = document.descendants().filter_map(|node| node.text());
        texts.map(str::to_owned).collect::<Vec<String>>()
    };
    for (name, shown) in [
        ("recall_by_severity.svg", "quote_stuffing"),
        ("precision_recall.svg", "quote_stuffing"),
        ("false_alerts.svg", "layering"),
    ] {
        let texts = texts(name);
        assert!(texts.iter().any(|text| text == shown), "{name}: {texts:?}");
    }
}

#[test]
fn people_get_tables_with_dashes_for_what_is_not_defined() {
    let dir = scratch();
    let run = evaluated(&staged(&dir), &[]).ended_with(0);
    let line = |name: &str| {
        let mut lines = run.stdout.lines();
        lines.find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{}", run.stdout))
    };
    assert!(line("quote_stuffing").contains("0.50 ["), "{}", run.stdout);
    assert!(line("spoofing").contains('–'), "{}", run.stdout);
    for part in [
        "z: a print more than 3",
        "rate: more than 100",
        "1 session(s), 2,002 messages",
        "up to 1s",
        "  by innoc.  by market  repeated  before",
        "  other",
    ] {
        assert!(run.stdout.contains(part), "no {part} in {}", run.stdout);
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let dir = scratch();
    let staged = staged(&dir);
    let told = |labels: &Path, parts: &[&str]| {
        let wrong = Staged {
            session: staged.session.clone(),
            labels: labels.to_owned(),
            alerts: staged.alerts.clone(),
        };
        let run = evaluated(&wrong, &[]).ended_with(2);
        run.says(parts);
        assert_eq!(run.stdout, "");
    };
    told(&dir.path().join("none"), &["none: cannot be read"]);
    told(&file(&dir, "torn", b"\n{\"id\": \"x\""), &["torn, line 2"]);
    told(&file(&dir, "list", b"[1]\n"), &["list, line 1: no object"]);
    let mut backwards = label(1, "spoofing", 10, 20, &[]);
    backwards["end_ns"] = json!(at(5));
    told(&lines(&dir, "backwards", &[backwards]), &["before \"start_ns\""]);
    let mut vague = label(1, "spoofing", 10, 20, &[]);
    vague["severity"] = Value::Null;
    told(&lines(&dir, "vague", &[vague]), &["\"severity\" is not a number"]);
    let from_stdin = ["evaluate", "-", "--labels", arg(&staged.labels)];
    tapewatch(&from_stdin).ended_with(2).says(&["standard input can be read once"]);
}

#[test]
fn what_was_missed_and_what_was_raised_for_nothing_is_told_with_v() {
    let dir = scratch();
    let run = evaluated(&staged(&dir), &["-v", "--json"]).ended_with(0);
    for part in [
        "missed quote_stuffing: label-2, severity 0.6",
        "missed spoofing: label-3",
        "false quote_stuffing: f0-00000000000002c2-04-0001, score 50, continuous, messages 1 to 2, on an innocent",
        "false layering: f0-00000000000001fa-05-0001",
    ] {
        assert!(run.stderr.contains(part), "no {part} in {}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 1 + 4, "{}", run.stderr);
}

#[test]
fn a_recorded_session_is_evaluated_like_the_file_that_it_was_recorded_from() {
    let dir = scratch();
    let mut staged = staged(&dir);
    let of_file = evaluated(&staged, &["--json"]).ended_with(0).json();
    let session = dir.path().join("session");
    let recorded =
        ["replay", arg(&staged.session), "--date", "2025-06-02", "--session", arg(&session)];
    tapewatch(&recorded).ended_with(0);
    staged.session = session;
    assert_eq!(evaluated(&staged, &["--json"]).ended_with(0).json(), of_file);
    evaluated(&staged, &["--date", "2025-06-02"]).ended_with(2).says(&["leave --date out"]);
}

#[test]
fn without_alerts_the_engine_raises_its_own_and_the_figures_are_those_of_given_ones() {
    let dir = scratch();
    let (day, results) = (dir.path().join("day"), dir.path().join("results"));
    let simulate = ["simulate", "-q", "--seed", "7", "--symbols", "5", "--messages", "60000"];
    let inject =
        ["--inject", "quote_stuffing,halt,off_market_print,noii_swing", "--out", arg(&day)];
    tapewatch(&[&simulate[..], &inject].concat()).ended_with(0);
    let (session, labels) = (day.join("session.itch"), day.join("labels.jsonl"));
    let (session, labels) = (arg(&session), arg(&labels));
    tapewatch(&["replay", session, "-q", "--out", arg(&results)]).ended_with(0);
    let alerts = results.join("alerts.jsonl");
    let of_one = ["evaluate", session, "--labels", labels, "--json", "--quiet"];
    let own = tapewatch(&of_one).ended_with(0).json();
    let given = tapewatch(&[&of_one[..], &["--alerts", arg(&alerts)]].concat());
    assert_eq!(own, given.ended_with(0).json());
    assert!(own["overall"]["episodes_found"].as_u64() > Some(0), "{own}");
    assert!(own["overall"]["alerts"].as_u64() > Some(0), "{own}");
    // Two days, each with its own alerts.
    let of_two = ["evaluate", session, session, "--labels", labels, "--labels", labels, "--json"];
    let own = tapewatch(&of_two).ended_with(0).json();
    let alerts = ["--alerts", arg(&alerts), "--alerts", arg(&alerts)];
    assert_eq!(own, tapewatch(&[&of_two[..], &alerts].concat()).ended_with(0).json());
    assert_eq!(own["sessions"], 2);
}

#[test]
fn an_engine_without_detectors_has_no_alerts_to_evaluate_and_given_ones_need_none() {
    let dir = scratch();
    let Staged { session, labels, alerts } = staged(&dir);
    let of = |more: &[&str]| {
        let args = ["evaluate", arg(&session), "--labels", arg(&labels), "--json"];
        tapewatch(&[&args[..], &["--date", "2025-06-02"], more].concat())
    };
    let (off, given) = (["--set", "detect.enabled=false"], ["--alerts", arg(&alerts)]);
    of(&off).ended_with(2).says(&["no detectors switched on", "--alerts"]);
    let of_given = of(&given).ended_with(0).json();
    assert_eq!(of(&[off, given].concat()).ended_with(0).json(), of_given);
    assert!(of_given["overall"]["alerts"].as_u64() > Some(0), "{of_given}");
}

#[test]
fn labels_of_another_day_are_pointed_out() {
    let dir = scratch();
    let run = evaluated(&staged(&dir), &["--date", "2025-06-09", "--json"]).ended_with(0);
    run.says(&["warning", "label-1", "another day", "--date"]);
}
