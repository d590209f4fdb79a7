//! `bench throughput`: the shape of its result and the sums it shows; never its figures.

use std::path::Path;

use engine::units::{OrderRef, Side};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Feed, arg, file, scratch, tapewatch, tapewatch_in};

/// Two books: bids 100 at 10 and 50 at 9.99, an ask 30 at 10.02; a bid 7 at 5.
fn books() -> Vec<u8> {
    let mut feed = Feed::new();
    feed.start_of_messages();
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000);
    feed.add(1, "AAA", 2, Side::Buy, 50, 9_9900);
    feed.add(1, "AAA", 3, Side::Sell, 30, 10_0200);
    feed.add(1, "AAA", 4, Side::Sell, 30, 10_0300);
    feed.add(2, "BBB", 5, Side::Buy, 7, 5_0000);
    let head = feed.head(1);
    feed.encoder.order_deleted(head, OrderRef(4));
    feed.encoder.finish();
    feed.encoder.into_bytes()
}

/// The result of a bench whose sessions lie in `dir`, in small segments.
fn bench(dir: &TempDir, input: &Path, more: &[&str]) -> Value {
    let mut args = vec!["bench", "throughput", arg(input), "--json"];
    args.extend(["--session-dir", arg(dir.path()), "--set", "journal.segment_bytes=262144"]);
    args.extend(more);
    tapewatch(&args).ended_with(0).json()
}

#[test]
fn the_result_has_every_stage_and_the_sums_of_the_final_books() {
    let dir = scratch();
    let input = file(&dir, "day", &books());
    let result = bench(&dir, &input, &["--runs", "6"]);
    let stages = result["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    let expected = [
        "framing",
        "decode",
        "book",
        "metrics",
        "without_detectors",
        "without_board",
        "pipeline",
        "polled",
        "from_file",
        "from_journal",
    ];
    assert_eq!(names, expected);
    for stage in stages {
        let figure = |key: &str| stage[key].as_f64().unwrap();
        assert!(figure("min") <= figure("ns_per_message"), "{stage}");
        assert!(figure("ns_per_message") <= figure("max"), "{stage}");
        assert_eq!(stage["runs"], 6);
    }
    let figure = |stage: usize, key: &str| stages[stage][key].as_f64();
    let added = figure(2, "ns_per_message").unwrap() - figure(1, "ns_per_message").unwrap();
    // The figures went through text: the last digits may be others.
    let told = figure(2, "added_ns_per_message").unwrap();
    assert!((told - added).abs() < 1e-6 * added.abs().max(1.0), "{told} is not {added}");
    assert_eq!(figure(8, "added_ns_per_message"), None);
    assert_eq!(figure(9, "added_ns_per_message"), None);
    assert_eq!(result["messages"], 7);
    // Five before the last message takes one away.
    assert_eq!(result["orders_live_max"], 5);
    assert_eq!((&result["levels_max"], &result["levels"]), (&5.into(), &4.into()));
    assert!(result["rss_bytes"].as_u64().unwrap() > 0);
    assert_eq!(
        result["books"],
        serde_json::json!({
            "shares": 187,
            // 100 × 100000 + 50 × 99900 + 30 × 100200 + 7 × 50000
            "price_x_shares": 18_351_000,
            "sum_best_bid": 150_000,
            "sum_best_ask": 100_200,
            "levels": 4,
        })
    );
    for key in [
        "cpu",
        "cores",
        "kernel",
        "kernel_command_line",
        "governor",
        "isolated_cores",
        "transparent_huge_pages",
        "reserved_huge_pages",
        "clock_source",
        "rustc",
        "profile",
        "commit",
        "commit_changed",
        "date",
    ] {
        assert!(result["host"].get(key).is_some(), "{key}");
    }
}

#[test]
fn the_engine_is_measured_as_it_is_configured_and_leaves_no_session_behind() {
    let dir = scratch();
    let input = file(&dir, "day", &books());
    let memory = dir.path().join("memory");
    let in_memory = format!("journal.memory_dir={}", memory.display());
    let one = bench(&dir, &input, &["--set", &in_memory]);
    assert_eq!(one["engine"]["topology"], "inline");
    let journal = &one["engine"]["journal"];
    assert_eq!((&journal["place"], &journal["sync"]), (&"memory".into(), &"none".into()));
    assert_eq!(journal["written_in"], arg(&memory));

    let more = ["--shards", "2", "--set", "journal.place=disk", "--set", "journal.append=thread"];
    let other = bench(&dir, &input, &more);
    let engine = &other["engine"];
    assert_eq!((&engine["topology"], &engine["shards"]), (&"pipelined".into(), &2.into()));
    assert_eq!(engine["journal"]["append"], "thread");
    assert_eq!(engine["journal"]["written_in"], arg(dir.path()));

    let replayed = tapewatch(&["replay", arg(&input), "--json"]).ended_with(0).json();
    assert_eq!(one["state_hash"], replayed["state_hash"]);
    assert_eq!(other["state_hash"], replayed["state_hash"]);
    let left = |path: &Path| std::fs::read_dir(path).unwrap().count();
    assert_eq!((left(dir.path()), left(&memory)), (2, 0), "the input and the memory's folder");
}

#[test]
fn without_a_file_the_same_day_is_simulated_each_time() {
    let run = || {
        let args = ["bench", "throughput", "--messages", "30000", "--json"];
        tapewatch(&args).ended_with(0).json()
    };
    let (one, two) = (run(), run());
    assert_eq!(one["messages"], 30_000);
    assert!(one["input"].as_str().unwrap().contains("simulated"), "{one}");
    assert!(one["orders_live_max"].as_u64() > one["books"]["levels"].as_u64(), "{one}");
    for key in ["input_bytes", "state_hash", "books", "orders_live_max", "levels_max"] {
        assert_eq!(one[key], two[key], "{key}");
    }
    let few = ["bench", "throughput", "--messages", "5"];
    tapewatch(&few).ended_with(2).says(&["5 messages with 500 symbols"]);
}

#[test]
fn without_room_in_memory_the_sessions_lie_in_a_temporary_folder() {
    let dir = scratch();
    let input = file(&dir, "day", &books());
    let args = ["bench", "throughput", arg(&input), "--json"];
    // Of /proc no byte is free.
    let memory = ["--set", "journal.memory_dir=/proc/self/no"];
    let args = [&args[..], &memory].concat();
    let run = tapewatch_in(&args, &[("TMPDIR", arg(dir.path()))]).ended_with(0);
    assert!(run.stderr.contains("/proc/self/no has no room for the input"), "{run:#?}");
    let journal = &run.json()["engine"]["journal"];
    assert_eq!(journal["place"], "disk");
    assert!(journal["session_dir"].as_str().unwrap().starts_with(arg(dir.path())), "{journal}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "the input alone");
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let dir = scratch();
    let input = file(&dir, "day", &books());
    let args = ["bench", "throughput", arg(&input), "--session-dir", "/proc/self/no"];
    tapewatch(&args).ended_with(2).says(&["/proc/self/no", "--session-dir"]);
}

#[test]
fn the_table_names_its_conditions_and_the_sums() {
    let dir = scratch();
    let input = file(&dir, "day", &books());
    let run = tapewatch(&["bench", "throughput", arg(&input)]).ended_with(0);
    for part in [
        "framing",
        "metrics",
        "median of 5 interleaved runs",
        "pipeline: inline, 1 shard(s); journal in /dev/shm, append inline, sync none",
        "shares 187 price_x_shares 18351000 sum_best_bid 150000 sum_best_ask 100200 levels 4",
        "rustc",
    ] {
        assert!(run.stdout.contains(part), "no {part} in\n{}", run.stdout);
    }
}

#[test]
fn a_file_without_messages_cannot_be_measured() {
    let dir = scratch();
    let input = file(&dir, "empty", &[0, 0]);
    let run = tapewatch(&["bench", "throughput", arg(&input)]).ended_with(2);
    run.says(&["nothing to measure"]);
}

#[test]
fn a_file_of_two_days_is_refused() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages();
    feed.start_of_messages();
    let input = file(&dir, "two-days", feed.encoder.bytes());
    let run = tapewatch(&["bench", "throughput", arg(&input)]).ended_with(2);
    run.says(&["two-days: message 2", "second day"]);
}
