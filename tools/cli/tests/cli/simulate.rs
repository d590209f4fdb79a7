//! `simulate`: the files of a simulated session, and that the engine makes of them what the exchange
//! says it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Csv, Run, arg, scratch, tapewatch, text};

/// A small day in `dir`, with `more` arguments.
fn simulated(dir: &TempDir, name: &str, more: &[&str]) -> (std::path::PathBuf, Run) {
    let out = dir.path().join(name);
    let mut args = vec!["simulate", "--symbols", "12", "--messages", "60000", "--out", arg(&out)];
    args.extend(more);
    let run = tapewatch(&args).ended_with(0);
    (out, run)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_seed_other_ones() {
    let dir = scratch();
    let (one, _) = simulated(&dir, "one", &["--seed", "5", "--pcap"]);
    let (two, _) = simulated(&dir, "two", &["--seed", "5", "--pcap"]);
    let (other, _) = simulated(&dir, "other", &["--seed", "6", "--pcap"]);
    let files = ["labels.jsonl", "session.itch", "session.pcap", "truth.csv"];
    assert_eq!(names(&one), files);
    for name in files {
        let bytes = |dir: &Path| fs::read(dir.join(name)).unwrap();
        assert!(bytes(&one) == bytes(&two), "{name}");
        assert_eq!(bytes(&one) == bytes(&other), name == "labels.jsonl", "{name}");
    }
    assert_eq!(fs::metadata(one.join("labels.jsonl")).unwrap().len(), 0);
    assert!(fs::read(one.join("session.itch")).unwrap().ends_with(&[0, 0]), "an end mark");
}

#[test]
fn what_the_summary_counts_is_what_a_replay_finds() {
    let dir = scratch();
    let (out, run) = simulated(&dir, "day", &["--json", "--duration", "10m", "--pcap"]);
    let summary = run.json();
    let itch = out.join("session.itch");
    let replayed = tapewatch(&["replay", arg(&itch), "--json"]).ended_with(0).json();
    assert_eq!(summary["messages"], 60_000);
    for key in ["messages", "by_type"] {
        assert_eq!(summary[key], replayed[key], "{key}");
    }
    assert_eq!(replayed["symbols"], 12);
    let amiss = replayed["quality"].as_object().unwrap().iter();
    // Before a cross books may be locked or crossed, on any exchange.
    let amiss = amiss.filter(|(cause, _)| !["crossed", "locked"].contains(&cause.as_str()));
    assert!(amiss.clone().all(|(_, count)| count == 0), "{:?}", amiss.collect::<Vec<_>>());
    for (name, bytes) in
        [("session.itch", &summary["bytes"]), ("session.pcap", &summary["capture"]["bytes"])]
    {
        assert_eq!(fs::metadata(out.join(name)).unwrap().len(), bytes.as_u64().unwrap(), "{name}");
    }
    assert_eq!(summary["duration_ns"], 600_000_000_000_u64);
    // Ten minutes of trading, and what surrounds them in proportion, end long before noon.
    let span_ns =
        replayed["last_ts_ns"].as_i64().unwrap() - replayed["first_ts_ns"].as_i64().unwrap();
    assert!((600_000_000_000..3_600_000_000_000).contains(&span_ns), "{span_ns}");
}

#[test]
fn labels_of_what_is_staged_lie_on_the_day_that_a_replay_takes_the_file_for() {
    let dir = scratch();
    let (out, run) = simulated(&dir, "staged", &["--inject", "all", "--duration", "2h", "--json"]);
    assert_eq!(run.json()["date"], "1970-01-01");
    let replayed = tapewatch(&["replay", arg(&out.join("session.itch")), "--json"]);
    let replayed = replayed.ended_with(0).json();
    let at = |key: &str| replayed[key].as_i64().unwrap();
    let labels = fs::read_to_string(out.join("labels.jsonl")).unwrap();
    let labels: Vec<serde_json::Value> =
        labels.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(labels.len() > 25, "{}", labels.len());
    assert_eq!(run.json()["labels"], labels.len());
    for label in &labels {
        let [start, end] = ["start_ns", "end_ns"].map(|key| label[key].as_i64().unwrap());
        assert!(at("first_ts_ns") <= start && start <= end && end <= at("last_ts_ns"), "{label}");
        assert!((0.1..=1.0).contains(&label["severity"].as_f64().unwrap()), "{label}");
        assert!(label["also"].is_array() && label["detector"].is_string(), "{label}");
    }
    // On a day that is given, they are that day's.
    let (dated, _) =
        simulated(&dir, "dated", &["--inject", "all", "--duration", "2h", "--date", "2019-12-30"]);
    let line = fs::read_to_string(dated.join("labels.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let days_ns = first["start_ns"].as_i64().unwrap() - labels[0]["start_ns"].as_i64().unwrap();
    assert_eq!(days_ns, 18_260 * 86_400_000_000_000);
    let bytes = |dir: &Path| fs::read(dir.join("session.itch")).unwrap();
    assert!(bytes(&out) == bytes(&dated));
}

#[test]
fn episodes_spliced_into_a_file_leave_what_it_held() {
    let dir = scratch();
    let (plain, _) = simulated(&dir, "plain", &["--duration", "2h"]);
    let itch = plain.join("session.itch");
    let out = dir.path().join("spliced");
    let spliced = ["simulate", "--inject-into", arg(&itch), "--inject", "layering,fleeting_orders"];
    let spliced = [&spliced[..], &["--out", arg(&out), "--json"]].concat();
    let told = tapewatch(&spliced).ended_with(0).json();
    assert_eq!(
        (&told["recorded"], names(&out)),
        (
            &serde_json::json!(60_000),
            vec![String::from("labels.jsonl"), String::from("session.itch"),]
        )
    );
    let count = |path: &Path| {
        let run = tapewatch(&["replay", arg(path), "--json"]).ended_with(0).json();
        assert_eq!(run["quality"]["unknown_order"], 0);
        (run["messages"].as_u64().unwrap(), run["quality"]["crossed"].as_u64().unwrap())
    };
    let (before, after) = (count(&itch), count(&out.join("session.itch")));
    assert_eq!(after.0, before.0 + told["added"].as_u64().unwrap());
    assert_eq!(after.1, before.1, "crossed");
    let labels = fs::read_to_string(out.join("labels.jsonl")).unwrap();
    assert_eq!(labels.lines().count() as u64, told["labels"].as_u64().unwrap());
    assert!(labels.contains("\"layering\"") && labels.contains("\"fleeting_orders\""));
    let halt = ["simulate", "--inject-into", arg(&itch), "--inject", "halt", "--out", arg(&out)];
    let run = tapewatch(&halt).ended_with(2);
    run.says(&["halt cannot be spliced", "layering"]);
}

#[test]
fn what_cannot_be_staged_is_refused_with_its_reason() {
    let dir = scratch();
    let out = dir.path().join("none");
    for (kinds, reason) in [
        ("locked_crossed", "never leaves bid and ask"),
        ("layering,stuffing", "no kind of episode"),
    ] {
        let run = tapewatch(&["simulate", "--inject", kinds, "--out", arg(&out)]).ended_with(2);
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
    let short = ["simulate", "--inject", "all", "--duration", "2m", "--out", arg(&out)];
    let run = tapewatch(&short).ended_with(2);
    assert!(run.stderr.contains("5 min"), "{}", run.stderr);
    assert!(!out.exists());
}

/// What `truth.csv` says of a symbol: best prices with their sizes, levels a side, orders.
#[derive(Debug, Default, PartialEq, Eq)]
struct Book {
    bid: (String, String),
    ask: (String, String),
    bid_levels: u64,
    ask_levels: u64,
    orders: u64,
}

#[test]
fn the_books_of_a_replay_are_the_exchanges() {
    let dir = scratch();
    let (out, _) = simulated(&dir, "day", &[]);
    let results = dir.path().join("results");
    let itch = out.join("session.itch");
    tapewatch(&["replay", arg(&itch), "--out", arg(&results)]).ended_with(0);

    let truth = Csv::read(&out.join("truth.csv"));
    let mut expected: BTreeMap<String, Book> = BTreeMap::new();
    for row in 0..truth.records.len() {
        let field = |column| truth.field(row, column).to_owned();
        let book = expected.entry(field("symbol")).or_default();
        let best = (field("price"), field("size"));
        // The best price of a side comes first.
        let (levels, shown) = match truth.field(row, "side") {
            "B" => (&mut book.bid_levels, &mut book.bid),
            "S" => (&mut book.ask_levels, &mut book.ask),
            side => panic!("side {side}"),
        };
        if *levels == 0 {
            *shown = best;
        }
        *levels += 1;
        book.orders += field("orders").parse::<u64>().unwrap();
    }
    assert!(text(&out.join("truth.csv")).starts_with("symbol,side,price,size,orders\n"));
    assert!(expected.len() > 6, "{expected:?}");

    let symbols = Csv::read(&results.join("symbols.csv"));
    for row in 0..symbols.records.len() {
        let field = |column| symbols.field(row, column).to_owned();
        let number = |column| symbols.field(row, column).parse::<u64>().unwrap();
        let found = Book {
            bid: (field("bid"), field("bid_size")),
            ask: (field("ask"), field("ask_size")),
            bid_levels: number("bid_levels"),
            ask_levels: number("ask_levels"),
            orders: number("orders"),
        };
        let symbol = field("symbol");
        assert_eq!(found, expected.remove(&symbol).unwrap_or_default(), "{symbol}");
    }
    assert!(expected.is_empty(), "{expected:?}");
}

#[test]
fn the_capture_replays_to_the_same_state_as_the_file() {
    let dir = scratch();
    let (out, _) = simulated(&dir, "day", &["--pcap", "--date", "2019-12-30"]);
    let itch = out.join("session.itch");
    let direct = tapewatch(&["replay", arg(&itch), "--date", "2019-12-30", "--json"]);
    let direct = direct.ended_with(0).json();
    let pcap = out.join("session.pcap");
    let run = tapewatch(&["replay", arg(&pcap), "--json"]).ended_with(0);
    assert_eq!(run.stderr, "", "no gap is told");
    let captured = run.json();
    for key in ["date", "messages", "state_hash", "first_ts_ns", "last_ts_ns"] {
        assert_eq!(direct[key], captured[key], "{key}");
    }
    assert_eq!(captured["quality"]["gap_messages"], 0);
    let lines = captured["input"]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert_eq!((&line["messages"], &line["lost"]), (&60_000.into(), &0.into()), "{line}");
    }
}

#[test]
fn other_agents_make_another_day_of_as_many_messages() {
    let dir = scratch();
    let (standard, _) = simulated(&dir, "standard", &["--seed", "5"]);
    let (named, run) =
        simulated(&dir, "named", &["--seed", "5", "--population", "standard", "--json"]);
    assert_eq!(run.json()["population"], "standard");
    let (shifted, run) =
        simulated(&dir, "shifted", &["--seed", "5", "--population", "shifted", "--json"]);
    let summary = run.json();
    assert_eq!((&summary["population"], &summary["messages"]), (&"shifted".into(), &60_000.into()));
    let bytes = |dir: &Path| fs::read(dir.join("session.itch")).unwrap();
    assert!(bytes(&standard) == bytes(&named) && bytes(&standard) != bytes(&shifted));
    // A capture's name for its session tells nothing of agents.
    let out = dir.path().join("day");
    for with in ["--pcap", "--publish"] {
        let args = ["simulate", "--out", arg(&out), "--population", "shifted", with];
        tapewatch(&args).ended_with(2).says(&["--population", with]);
    }
}

#[test]
fn what_cannot_be_simulated_is_told_with_its_range() {
    let dir = scratch();
    let out = dir.path().join("day");
    for (more, told) in [
        (&["--messages", "5"][..], "5 messages with 100 symbols: from "),
        (&["--symbols", "0"], "0 symbols: from 1"),
        (&["--duration", "50ms"], "continuous trading"),
        (&["--duration", "5"], "a duration is whole numbers with their units"),
        (&["--date", "2025-06-31"], "--date"),
        (&["--date", "1969-12-31", "--pcap"], "the days from 1970-01-01"),
        (&["--date", "2110-01-01", "--pcap"], "to 2106-02-06"),
    ] {
        let mut args = vec!["simulate", "--out", arg(&out)];
        args.extend(more);
        tapewatch(&args).ended_with(2).says(&[told]);
    }
    assert!(!out.exists(), "what can be known before is told before anything is made");
    tapewatch(&["simulate"]).ended_with(2).says(&["--out"]);
    tapewatch(&["simulate", "--out", "/proc/self/no"]).ended_with(2).says(&["/proc/self/no"]);
}

#[test]
fn captures_of_two_days_are_not_taken_for_lines_of_one_feed() {
    let dir = scratch();
    let (one, _) = simulated(&dir, "one", &["--pcap"]);
    let (two, _) = simulated(&dir, "two", &["--pcap", "--duration", "6h"]);
    let [one, two] = [one, two].map(|out| out.join("session.pcap"));
    tapewatch(&["replay", arg(&one), arg(&one)]).ended_with(0);
    let both = tapewatch(&["replay", arg(&one), arg(&two)]);
    assert_ne!(both.status, Some(0), "{both:?}");
    both.says(&["session"]);
}

#[test]
fn a_capture_of_another_day_in_the_same_place_is_pointed_out() {
    let dir = scratch();
    let (out, run) = simulated(&dir, "day", &["--seed", "1", "--pcap"]);
    assert_eq!(run.stderr, "");
    let (_, again) = simulated(&dir, "day", &["--seed", "2"]);
    again.says(&["warning", arg(&out.join("session.pcap")), "earlier run"]);
}

#[test]
fn people_are_told_what_was_written_and_how_to_replay_it() {
    let dir = scratch();
    let (out, run) = simulated(&dir, "day", &[]);
    for part in ["60,000", "levels in truth.csv", "M messages/s"] {
        assert!(run.stdout.contains(part), "no {part} in {}", run.stdout);
    }
    let told = format!("tapewatch replay {}", arg(&out.join("session.itch")));
    assert!(run.stdout.contains(&told), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}
