//! `bench hiccup`: the shape of its result and what it refuses; never its figures.

use crate::support::tapewatch;

/// A core that this process may use.
fn a_core() -> String {
    let mask = rustix::thread::sched_getaffinity(None).unwrap();
    (0..1_024).find(|core| mask.is_set(*core)).unwrap().to_string()
}

#[test]
fn every_named_core_has_its_quantiles_in_order() {
    let core = a_core();
    let args = ["bench", "hiccup", "--seconds", "1", "--cores", &core, "--json"];
    let run = tapewatch(&args).ended_with(0);
    assert_eq!(run.stderr, "");
    let result = run.json();
    let cores = result["cores"].as_array().unwrap();
    assert_eq!(cores.len(), 1);
    let core_of_result = &cores[0];
    assert_eq!(core_of_result["core"].to_string(), core);
    let figures = ["min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"]
        .map(|key| core_of_result[key].as_u64().unwrap_or_else(|| panic!("{key}: {result}")));
    assert!(figures.is_sorted(), "{result}");
    let samples = core_of_result["samples"].as_u64().unwrap();
    // A second has no more gaps than fit into it, and no clock is read in less than a nanosecond.
    assert!((1_000..1_000_000_000).contains(&samples), "{result}");
    let lost = core_of_result["lost_share"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&lost), "{result}");
    assert_eq!(core_of_result["saturated"], 0);
    for key in ["cpu", "cores", "kernel", "governor"] {
        assert!(result["host"].get(key).is_some(), "{key}");
    }
}

#[test]
fn the_table_tells_its_conditions() {
    let core = a_core();
    let args = ["bench", "hiccup", "--seconds", "1", "--cores", &core];
    let run = tapewatch(&args).ended_with(0);
    for part in ["p99.99", "1 s a core", "8 times the least", "core(s) usable", "rustc"] {
        assert!(run.stdout.contains(part), "no {part} in\n{}", run.stdout);
    }
}

#[test]
fn wrong_cores_are_refused_in_one_line_before_any_measurement() {
    for (cores, what) in [
        ("0,0", "core 0 twice"),
        ("1023", "core 1023 is not there or not allowed"),
        ("1024", "1024"),
        ("-1", "--cores"),
        ("0,", "--cores"),
        ("a", "--cores"),
    ] {
        // The argument is one word, so that a minus is not taken for a flag.
        let cores = format!("--cores={cores}");
        let run = tapewatch(&["bench", "hiccup", "--seconds", "60", &cores]).ended_with(2);
        assert_eq!(run.stdout, "");
        run.says(&[what]);
    }
}
