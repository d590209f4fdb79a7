//! The tables of results made by hand.

use serde_json::json;

use super::*;

fn row_of(detector: &str, found: u64, precision: Value) -> Value {
    let by_severity: Vec<Value> = [0.1, 0.3, 0.5, 0.7]
        .iter()
        .map(|min| {
            json!({"severity_min": min, "episodes": 12, "episodes_found": 10, "recall": 0.83 + min / 100.0,
                   "precision": precision, "f1": 0.86})
        })
        .collect();
    json!({
        "detector": detector, "episodes": 20, "episodes_found": found, "alerts": 19, "alerts_true": 18,
        "precision": precision, "precision_strict": 0.72, "precision_interval": [0.75, 0.99], "recall": 0.9,
        "recall_interval": [0.7, 0.97], "f1": 0.92, "average_precision": 0.88,
        "by_severity": by_severity, "delay_us_p50": 12_345.6, "delay_events_p50": 42.0,
        "false_alerts_per_symbol_day": 0.001, "alerts_repeated": 3, "alerts_open_before": 4,
        "alerts_excused": 11, "alerts_excused_on_innocents": 5, "alerts_excused_on_market": 2,
        "alerts_on_innocents": 1,
        "false_alerts_by_phase": {"continuous": {"alerts": 50, "per_symbol_day": 0.05},
                                  "reopening": {"alerts": 20, "per_symbol_day": 0.02},
                                  "halted": {"alerts": 10, "per_symbol_day": 0.01}},
    })
}

fn result(precision: Value) -> Value {
    let mut baseline = row_of("spoofing", 3, json!(0.024));
    baseline["baseline"] = json!("message_rate");
    baseline["rule"] = json!("many messages");
    json!({
        "detectors": [row_of("spoofing", 18, precision)], "overall": row_of("all", 18, json!(0.95)),
        "baselines": [baseline], "symbol_days": 1_000.0, "innocents": 7,
    })
}

fn assert_even(table: &str) {
    let columns = |line: &str| line.matches('|').count();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.iter().all(|line| columns(line) == columns(lines[0])), "{table}");
}

#[test]
fn the_plainer_episodes_have_both_populations_and_the_baselines_in_a_row() {
    let (standard, shifted) = (result(json!(0.95)), result(json!(0.5)));
    let table = of_severity(&standard, &shifted, &baselines(&standard));
    let expected = "| spoofing | 10 of 12 | 0.83 | 0.95 | 0.86 | 0.001 | 0.050 \
                    | 10 of 12 | 0.83 | 0.50 | 0.86 | 0.001 | 0.050 | 0.02 / 0.83 |";
    assert!(table.contains(expected), "{table}");
    assert!(table.lines().next().unwrap().ends_with("| `message_rate` P / R |"), "{table}");
    let last = table.lines().last().unwrap();
    assert!(last.starts_with("| all | 10 of 12 |") && last.ends_with("| – / – |"), "{table}");
    assert_even(&table);
}

#[test]
fn every_alert_of_a_detector_is_in_one_column() {
    let table = of_all(&result(json!(0.95)));
    let expected = "| spoofing | 18 of 20 | 0.90 [0.70, 0.97] | 18 of 19 | 0.95 [0.75, 0.99] | 0.72 | 0.92 | 0.88 \
                    | 1 | 1 | 5 | 2 | 4 | 3 | 4 | 12.3 | 42 |";
    assert!(table.contains(expected), "{table}");
    assert_even(&table);
}

#[test]
fn what_is_not_defined_is_a_dash_and_not_zero() {
    let mut silent = result(Value::Null);
    for key in ["precision_interval", "precision_strict", "f1", "delay_us_p50", "delay_events_p50"]
    {
        silent["detectors"][0][key] = Value::Null;
    }
    let table = of_all(&silent);
    assert!(table.contains("| 18 of 19 | – | – | – | 0.88 |"), "{table}");
    assert!(table.contains("| 4 | – | – |"), "{table}");
}

#[test]
fn a_detector_of_one_population_alone_has_a_row() {
    let mut shifted = result(json!(0.5));
    shifted["detectors"] = json!([row_of("layering", 18, json!(0.5))]);
    let table = of_severity(&result(json!(0.95)), &shifted, &[]);
    let first: Vec<&str> =
        table.lines().skip(2).map(|line| line.split('|').nth(1).unwrap().trim()).collect();
    assert_eq!(first, ["layering", "spoofing", "all"]);
    assert!(table.contains("| layering | – | – | – | – | – | – | 10 of 12 |"), "{table}");
    assert_even(&table);
}

#[test]
fn plain_days_tell_alerts_a_symbol_day_whose_parts_add_up() {
    let plain = [result(json!(0.0)), result(json!(0.0))];
    let table = of_plain_days(&plain, &["halt", "spoofing", "all"]);
    let expected =
        "| spoofing | 0.080 | 0.000 | 0.000 | 0.050 | 0.000 | 0.000 | 0.030 | 0.080 | 0.050 |";
    assert!(table.contains(expected), "{table}");
    let silent = "| halt | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 | 0.000 |";
    assert!(table.contains(silent), "{table}");
    assert_even(&table);
}

#[test]
fn the_section_tells_its_conditions_last() {
    let staged = [result(json!(0.95)), result(json!(0.5))];
    let results = Results { plain: staged.clone(), staged };
    let section = section(&results, "pictures", "Seeds 1 to 2.");
    for part in [
        "All 20 episodes, with the first agents, in 1000 symbol-days",
        "beside 7 innocent look-alikes",
        "`message_rate`: many messages.",
        "](pictures/false_alerts.svg)",
        "nothing was staged, 1000 and 1000 symbol-days",
    ] {
        assert!(section.contains(part), "no {part} in {section}");
    }
    assert!(section.ends_with("Seeds 1 to 2."), "{section}");
}
