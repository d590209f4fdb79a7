//! The event-time window API against a file of conformance cases taken from Apache Flink's rules.
//!
//! The file is the one named by `EVENT_TIME_CASES` (a relative name is looked up from the workspace's
//! root, then from here), else `conformance/event_time_cases.json` of the shared directory
//! (`TAPEWATCH_SHARED`, default `../shared`). Its `meta` explains every kind of case and every field.
//! All cases are run, and each that fails is named with what differed. A kind, a step or a field that
//! is not known here fails its case.

mod fields;
mod operator;
mod sources;
mod trigger;
mod watermarks;
mod windows;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fields::{Case, Fields, Outcome};
use serde_json::Value;

/// The file to run: its name, and whether somebody asked for it by name.
fn cases_file() -> (PathBuf, bool) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Some(named) = std::env::var_os("EVENT_TIME_CASES") {
        let named = PathBuf::from(named);
        let from_root = workspace.join(&named);
        return (if from_root.exists() { from_root } else { named }, true);
    }
    let shared = std::env::var_os("TAPEWATCH_SHARED").unwrap_or_else(|| "../shared".into());
    (workspace.join(shared).join("conformance/event_time_cases.json"), false)
}

/// One line that is seen although the test passes.
fn say(line: &str) {
    // If standard error is closed, nobody is there to read it.
    let _ = writeln!(std::io::stderr(), "event_time_conformance: {line}");
}

/// Runs one case. The error says what differed.
fn run(case: &Value) -> Outcome {
    let mut fields = Fields::of(case, "the case")?;
    for for_people in ["id", "note", "origin", "source", "rule"] {
        fields.skip(for_people);
    }
    let kind = fields.text("kind")?;
    let params = match fields.optional("params") {
        Some(params) => Fields::of(params, "params")?,
        None => Fields::none("params"),
    };
    let mut case = Case { fields, params };
    match kind {
        "window_start" => windows::window_start(&mut case),
        "assign" => windows::assign(&mut case),
        "intersects" => windows::intersects(&mut case),
        "merge" => windows::merge(&mut case),
        "merging_set" => windows::merging_set(&mut case),
        "invalid_params" => windows::invalid_params(&mut case),
        "operator" => operator::operator(&mut case),
        "state_lifetime" => operator::state_lifetime(&mut case),
        "trigger" => trigger::trigger(&mut case),
        "watermark_generator" => watermarks::watermark_generator(&mut case),
        "watermark_valve" => watermarks::watermark_valve(&mut case),
        "watermark_combine" => watermarks::watermark_combine(&mut case),
        "idleness" => sources::idleness(&mut case),
        "alignment" => sources::alignment(&mut case),
        unknown => Err(format!("kind {unknown:?} is unknown")),
    }?;
    case.params.end()?;
    case.fields.end()
}

/// Runs all cases of a file. Returns how many there are of each kind, and what failed.
fn run_all(text: &str) -> Result<(BTreeMap<String, usize>, Vec<String>), String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let cases = file.get("cases").and_then(Value::as_array).ok_or("it has no list `cases`")?;
    let (mut kinds, mut failures) = (BTreeMap::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        let text = |name| case.get(name).and_then(Value::as_str).unwrap_or("?");
        *kinds.entry(text("kind").to_owned()).or_default() += 1;
        if let Err(what) = run(case) {
            failures.push(format!("case {number}, {} ({}): {what}", text("id"), text("kind")));
        }
    }
    Ok((kinds, failures))
}

#[test]
fn every_case_of_the_file_holds() {
    let (path, named) = cases_file();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci && !named, "{}: {error}", path.display());
            say(&format!("skipped: {}: {error}", path.display()));
            return;
        }
    };
    let (kinds, failures) =
        run_all(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: usize = kinds.values().sum();
    assert!(cases > 0, "{} has no cases", path.display());
    let listed: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    say(&format!("{} of {cases} cases hold: {}", cases - failures.len(), listed.join(", ")));
    assert!(
        failures.is_empty(),
        "{} of {cases} cases of {} fail:\n  {}",
        failures.len(),
        path.display(),
        failures.join("\n  ")
    );
}

/// What a case of the given text fails with.
fn failure(case: &str) -> String {
    let (_, failures) = run_all(&format!("{{\"cases\": [{case}]}}")).expect("the case is JSON");
    failures.first().cloned().unwrap_or_else(|| "nothing".to_owned())
}

#[test]
fn what_is_not_known_here_fails_by_name() {
    let kind = failure(r#"{"id": "a", "kind": "weather", "params": {}}"#);
    assert!(kind.contains("a (weather)") && kind.contains("\"weather\" is unknown"), "{kind}");
    let field = failure(
        r#"{"id": "b", "kind": "watermark_valve", "params": {"channels": 1}, "colour": 1,
            "steps": []}"#,
    );
    assert!(field.contains("colour"), "{field}");
    let step = failure(
        r#"{"id": "c", "kind": "operator", "params": {"window": {"type": "global"},
            "trigger": {"count": 1}}, "steps": [{"op": "rain"}]}"#,
    );
    assert!(step.contains("step 0") && step.contains("rain"), "{step}");
}

#[test]
fn a_wrong_expectation_fails_with_what_differed() {
    let start = failure(
        r#"{"id": "d", "kind": "window_start", "params": {"size": 7, "offset": 0},
            "checks": [{"ts": 8, "start": 8}]}"#,
    );
    assert!(start.contains('7') && start.contains('8'), "{start}");
    let silent = failure(
        r#"{"id": "e", "kind": "operator", "params": {"window": {"type": "tumbling", "size": 10},
            "trigger": "event_time"}, "steps": [{"op": "element", "key": 1, "value": 5, "ts": 3},
            {"op": "watermark", "ts": 9}]}"#,
    );
    assert!(silent.contains("step 1") && silent.contains("sum 5"), "{silent}");
    let valve = failure(
        r#"{"id": "f", "kind": "watermark_valve", "params": {"channels": 1},
            "steps": [{"channel": 0, "watermark": 4, "out": ["idle"]}]}"#,
    );
    assert!(valve.contains("step 0") && valve.contains("idle"), "{valve}");
}
