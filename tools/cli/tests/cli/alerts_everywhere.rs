//! `alerts.jsonl` of a simulated day with episodes: the same bytes however the day arrives and is worked on, and
//! of chosen symbols the lines that the whole day has of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tapewatch_tests::capture::DATE;
use tapewatch_tests::same_state::{Comparison, Layout, Way};

use crate::recording::Place;
use crate::support::{Run, arg, tapewatch, text};

/// Detectors of the whole market, whose alerts have no symbol.
const MARKET_WIDE: [&str; 2] = ["market_cluster", "message_burst"];

/// A day with episodes of every kind.
fn day(place: &Place, messages: &str) -> PathBuf {
    let day = place.path("day");
    let simulate = ["simulate", "--seed", "9", "--symbols", "12", "--messages", messages];
    let more = ["--inject", "all", "-q", "--out", arg(&day)];
    tapewatch(&[&simulate[..], &more].concat()).ended_with(0);
    day.join("session.itch")
}

/// Lines with what is read of them.
fn lines(path: &Path) -> Vec<(String, Value)> {
    let lines = text(path);
    let read = |line: &str| (line.to_owned(), serde_json::from_str(line).unwrap());
    lines.lines().map(read).collect()
}

fn word<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_else(|| panic!("no {key} in {line}"))
}

fn replay(input: &Path, out: &Path, more: &[&str]) -> Run {
    let args = ["replay", arg(input), "--quiet", "--out", arg(out)];
    tapewatch(&[&args[..], more].concat()).ended_with(0)
}

#[test]
fn a_day_has_the_same_alerts_however_it_arrives_and_is_worked_on() {
    let place = Place::new();
    let bytes = std::fs::read(day(&place, "25000")).unwrap();
    let messages = bytes.strip_suffix(&[0, 0]).unwrap();
    let dir = place.disk();
    let ways = Way::all(messages, dir).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_tapewatch"));
    let settings = ["--set", "hashes.every_sequences=4096"];
    let mut comparison = Comparison::new(binary, dir, &settings, &["--date", DATE]);
    for way in &ways {
        for layout in Layout::ALL {
            let row = comparison.run(way, layout).unwrap();
            assert_eq!(row.differs, [""; 0], "{row:#?}");
        }
    }
    let first = comparison.first_session().unwrap();
    let told = lines(&first.join("report/alerts.jsonl"));
    let detectors: BTreeSet<&str> = told.iter().map(|(_, line)| word(line, "detector")).collect();
    assert!(detectors.len() >= 5 && told.len() >= 20, "{} of {detectors:?}", told.len());
}

#[test]
fn each_line_has_what_the_format_says_and_ids_rise() {
    let place = Place::new();
    let (input, out) = (day(&place, "60000"), place.path("out"));
    replay(&input, &out, &[]);
    let told = lines(&out.join("alerts.jsonl"));
    let keys = [
        "id",
        "detector",
        "symbol",
        "start_ns",
        "end_ns",
        "score",
        "phase",
        "figures",
        "thresholds",
        "evidence",
        "pattern",
    ];
    let mut before = "";
    for (text, line) in &told {
        let object = line.as_object().unwrap();
        for key in object.keys() {
            let is_known = keys.contains(&key.as_str()) || key == "suspect" || key == "retracted";
            assert!(is_known, "{key} in {text}");
        }
        assert!(keys.iter().all(|key| object.contains_key(*key)), "{text}");
        let (id, detector) = (word(line, "id"), word(line, "detector"));
        assert!(before < id, "{before} and then {id}");
        before = id;
        let parts: Vec<&str> = id.rsplitn(4, '-').collect();
        let &[locate, code, opened, _feed] = &parts[..] else { panic!("{id}") };
        assert_eq!([locate, code, opened].map(str::len), [4, 2, 16], "{id}");
        let opened = u64::from_str_radix(opened, 16).unwrap();
        let evidence = |key: &str| line["evidence"][key].as_u64().unwrap();
        assert!(evidence("first_sequence") <= opened, "{text}");
        assert!(evidence("first_sequence") <= evidence("last_sequence"), "{text}");
        assert!(line["start_ns"].as_i64() <= line["end_ns"].as_i64(), "{text}");
        let score = line["score"].as_f64().unwrap();
        assert!((50.0..=100.0).contains(&score), "{text}");
        let is_market_wide = MARKET_WIDE.contains(&detector);
        assert_eq!(word(line, "symbol").is_empty(), is_market_wide, "{text}");
        assert_eq!(locate == "0000", is_market_wide, "{text}");
        assert!(word(line, "pattern").starts_with("pattern consistent with "), "{text}");
        assert!(!line["figures"].as_object().unwrap().is_empty(), "{text}");
    }
    assert!(told.len() > 20, "{}", told.len());
}

#[test]
fn chosen_symbols_have_the_alerts_that_they_have_among_all() {
    let place = Place::new();
    let (input, all) = (day(&place, "60000"), place.path("all"));
    replay(&input, &all, &[]);
    let mut by_symbol: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut all_told = Vec::new();
    for (text, line) in lines(&all.join("alerts.jsonl")) {
        by_symbol.entry(word(&line, "symbol").to_owned()).or_default().push(text.clone());
        all_told.push(text);
    }
    by_symbol.remove("");
    let chosen: Vec<&str> = by_symbol.keys().map(String::as_str).step_by(3).collect();
    assert!(chosen.len() >= 2, "{by_symbol:?}");
    for symbols in [&chosen[..], &chosen[..1]] {
        let out = place.path("chosen");
        let symbols = symbols.join(",");
        replay(&input, &out, &["--symbols", &symbols, "--topology", "pipelined", "--shards", "2"]);
        let told = lines(&out.join("alerts.jsonl"));
        let told = told.into_iter().filter(|(_, line)| !word(line, "symbol").is_empty());
        let told: Vec<String> = told.map(|(text, _)| text).collect();
        let chosen: BTreeSet<&String> =
            symbols.split(',').flat_map(|symbol| &by_symbol[symbol]).collect();
        let expected: Vec<&String> = all_told.iter().filter(|line| chosen.contains(line)).collect();
        assert!(told.iter().eq(expected.iter().copied()), "{symbols}: {told:#?}\n{expected:#?}");
    }
}

#[test]
fn nothing_is_told_where_nothing_is_detected_and_all_else_stays_as_it_is() {
    let place = Place::new();
    let (input, with, without) = (day(&place, "25000"), place.path("with"), place.path("without"));
    replay(&input, &with, &["--bar", "1m"]);
    replay(&input, &without, &["--bar", "1m", "--set", "detect.enabled=false"]);
    let alerts = |dir: &Path| std::fs::read_to_string(dir.join("alerts.jsonl")).unwrap_or_default();
    assert!(!alerts(&with).is_empty() && alerts(&without).is_empty());
    for name in ["symbols.csv", "bars.csv", "late_windows.csv"] {
        assert!(text(&with.join(name)) == text(&without.join(name)), "{name} is another");
    }
    let sections = |dir: &Path| -> Value {
        let summary: Value = serde_json::from_str(&text(&dir.join("summary.json"))).unwrap();
        summary["sections"].clone()
    };
    let (with, without) = (sections(&with), sections(&without));
    for section in ["books", "metrics", "windows"] {
        assert_eq!(with[section], without[section], "{section}");
    }
    assert_ne!(with["detectors"], without["detectors"]);
}
