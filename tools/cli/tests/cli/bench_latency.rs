//! `bench latency`: the shape of its result, its files, and what it refuses; never its figures.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::pipeline::pin::allowed_cores;
use engine::units::Side;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use rustix::process::Signal;
use serde_json::{Value, json};
use tapewatch_tests::session::RandomSession;
use tempfile::TempDir;

use crate::running::Running;
use crate::support::{Feed, arg, capture, file, scratch, tapewatch, text};

/// Messages of the input: an eighth is before each row.
const MESSAGES: usize = 8_000;

/// A day whose sessions lie in `dir`, in small segments.
fn args<'a>(input: &'a Path, dir: &'a TempDir, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["bench", "latency", arg(input), "--seconds", "1"];
    args.extend(["--session-dir", arg(dir.path()), "--set", "journal.segment_bytes=1048576"]);
    args.extend(more);
    args
}

fn day(dir: &TempDir) -> std::path::PathBuf {
    file(dir, "day.itch", RandomSession::new(11, 20, MESSAGES).bytes())
}

/// Whether there are two cores; told in one line where not.
fn has_two_cores() -> bool {
    let has = allowed_cores().len() > 1;
    if !has {
        let _ = writeln!(std::io::stderr(), "in part skipped: there are no two cores here");
    }
    has
}

const FIGURES: [&str; 6] = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"];

#[track_caller]
fn figures(of: &Value) -> [u64; 6] {
    FIGURES.map(|key| of[key].as_u64().unwrap_or_else(|| panic!("{key}: {of}")))
}

#[test]
fn every_row_has_its_quantiles_in_order_and_its_histogram_in_the_log() {
    let (dir, out) = (scratch(), scratch());
    let (input, plot) = (day(&dir), out.path().join("curves.svg"));
    let more = ["--rates", "20k,1M", "--times", "1x", "--json", "--out", arg(out.path())];
    let more = [&more[..], &["--plot", arg(&plot)]].concat();
    let result = tapewatch(&args(&input, &dir, &more)).ended_with(0).json();

    let rows = result["rows"].as_array().unwrap();
    let name = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        (text("path"), text("packets"), row["times"].clone())
    };
    let of_way = |way: &str| {
        let row = |packets: &str, times| (way.to_owned(), packets.to_owned(), times);
        [row("single", Value::Null), row("single", Value::Null), row("recorded", json!(1))]
    };
    let mut expected = Vec::from(of_way("in-process"));
    if has_two_cores() {
        expected.extend(of_way("udp-loopback"));
    }
    assert_eq!(rows.iter().map(name).collect::<Vec<_>>(), expected);
    for row in rows {
        assert!(figures(row).is_sorted(), "{row}");
        let count = |key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key}: {row}"));
        assert!(count("samples") > 0 && count("samples") <= count("messages"), "{row}");
        assert!(count("achieved_per_s") > 0 && row["reached"].is_boolean(), "{row}");
        assert_eq!(count("saturated"), 0);
        assert!(count("warm_up_messages") > 0, "{row}");
        let lost = row["wire"].get("lost_messages").map_or(0, |lost| lost.as_u64().unwrap());
        let behind = count("messages") + count("warm_up_messages") + lost;
        if lost == 0 && row["cut_short"] == false {
            // The same messages, whatever way they came.
            let of_load = |other: &&Value| {
                ["packets", "times", "rate_per_s"].iter().all(|key| other[*key] == row[*key])
            };
            let first = rows.iter().find(of_load).unwrap();
            assert!(first["cut_short"] == true || first["state_hash"] == row["state_hash"]);
        }
        if row["packets"] == "single" && row["cut_short"] == false {
            assert_eq!(behind, (MESSAGES - MESSAGES / 8) as u64, "{row}");
            assert!(["20000", "1000000"].contains(&row["rate_per_s"].to_string().as_str()));
        }
    }
    assert_eq!(result["end_point"], "its best bid and offer on the board");
    let floor = &result["hiccup"];
    assert!(figures(floor).is_sorted(), "{floor}");
    let cores = if has_two_cores() { 2 } else { 1 };
    for when in ["before", "after"] {
        assert_eq!(floor[when].as_array().unwrap().len(), cores, "{floor}");
    }
    for key in ["cpu", "microcode", "kernel_command_line", "governor", "isolated_cores", "commit"] {
        assert!(result["host"].get(key).is_some(), "{key}");
    }
    is_logged(&fs::read(out.path().join("latency.hlog")).unwrap(), rows, 2 * cores);
    is_drawn(&text(&plot), rows.len());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the input alone");
}

/// Each row stands in the log, by its tag, with its figures.
fn is_logged(log: &[u8], rows: &[Value], floors: usize) {
    let mut left: Vec<&Value> = rows.iter().collect();
    let mut floors_seen = 0;
    for entry in IntervalLogIterator::new(log) {
        let LogEntry::Interval(interval) = entry.unwrap() else { continue };
        let tag = interval.tag().unwrap().as_str();
        let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        if tag.starts_with("floor.core-") {
            floors_seen += 1;
            continue;
        }
        let is_it = |row: &&Value| {
            let way = row["path"].as_str().unwrap();
            tag.starts_with(way) && row["samples"] == histogram.len() && {
                let told = row["p99_ns"].as_u64().unwrap();
                told == histogram.value_at_quantile(0.99).min(row["max_ns"].as_u64().unwrap())
            }
        };
        let at = left.iter().position(is_it).unwrap_or_else(|| panic!("no row {tag} in {left:?}"));
        left.remove(at);
    }
    assert_eq!((left.len(), floors_seen), (0, floors));
}

/// The picture has a curve for each row and the floor's.
fn is_drawn(svg: &str, rows: usize) {
    let document = roxmltree::Document::parse(svg).unwrap();
    let curves = document.descendants().filter(|node| node.has_tag_name("polyline"));
    assert_eq!(curves.count(), rows + 1);
}

#[test]
fn a_capture_is_replayed_in_the_packets_that_it_has() {
    let dir = scratch();
    let session = RandomSession::new(12, 5, 80);
    let packets: Vec<(u32, u8, u64, &[u8])> = (0..8)
        .map(|packet| {
            let [from, to] = [packet, packet + 1].map(|at| session.prefix(at * 10).len());
            (packet as u32 * 2, 1, packet as u64 * 10 + 1, &session.bytes()[from..to])
        })
        .collect();
    let input = file(&dir, "day.pcap", &capture(&packets));
    let more = ["--packets", "recorded", "--times", "2x", "--path", "in-process", "--json"];
    let result = tapewatch(&args(&input, &dir, &more)).ended_with(0).json();
    let row = &result["rows"][0];
    // Seven packets behind the eighth that is before them; none of them warms up but the first.
    assert_eq!((&row["samples"], &row["messages"]), (&json!(6), &json!(60)));
    assert_eq!(row["warm_up_messages"], 10);
    // A packet of ten each 2 ms, twice as fast: six of them, of which the first begins the time.
    assert_eq!(row["rate_per_s"], 10_000);
}

#[test]
fn the_table_says_what_it_is_of_and_where_a_time_ends() {
    let dir = scratch();
    let input = day(&dir);
    let more = ["--rates", "10k", "--packets", "single", "--path", "in-process"];
    let run = tapewatch(&args(&input, &dir, &more)).ended_with(0);
    for part in [
        "single-10k",
        "10,000",
        "p99.99",
        "floor before, core ",
        "floor after, core ",
        "open loop, from when a packet was due to",
        "warm-up that is not counted",
        "inline on core ",
        "rustc",
    ] {
        assert!(run.stdout.contains(part), "no {part} in\n{}", run.stdout);
    }
}

#[test]
fn a_rate_beyond_any_engine_is_flagged() {
    let dir = scratch();
    let input = day(&dir);
    let more = ["--rates", "100M", "--packets", "single", "--path", "in-process"];
    let more = [&more[..], &["--set", "board.enabled=false"]].concat();
    let run = tapewatch(&args(&input, &dir, &more)).ended_with(0);
    assert!(run.stdout.contains("in the book (no board)"), "{}", run.stdout);
    assert!(run.stdout.contains(" !"), "{}", run.stdout);
    assert!(run.stdout.contains("! the rate was not reached"), "{}", run.stdout);
}

#[test]
fn without_a_file_a_day_is_simulated() {
    let dir = scratch();
    let run = tapewatch(&[
        "bench",
        "latency",
        "--messages",
        "40000",
        "--seconds",
        "1",
        "--packets",
        "recorded",
        "--times",
        "100x",
        "--path",
        "in-process",
        "--session-dir",
        arg(dir.path()),
        "--json",
    ]);
    let result = run.ended_with(0).json();
    assert_eq!(result["messages"], 40_000);
    assert!(result["input"].as_str().unwrap().contains("simulated"), "{result}");
    let few = ["bench", "latency", "--messages", "5"];
    tapewatch(&few).ended_with(2).says(&["5 messages with 500 symbols"]);
}

#[test]
fn wrong_arguments_are_refused_in_one_line_before_any_measurement() {
    let dir = scratch();
    let input = day(&dir);
    let blocked = input.join("no");
    for (more, what) in [
        (&["--rates", "0"][..], "a rate is messages a second"),
        (&["--rates", "fast"], "a rate is messages a second"),
        (&["--times", "max"], "an open loop has a pace"),
        (&["--times", "10"], "a speed is"),
        (&["--seconds", "0"], "--seconds"),
        (&["--packets", "double"], "possible values: single, recorded"),
        (&["--path", "tcp"], "possible values: in-process, udp-loopback"),
        (&["--cores", "1023"], "core 1023 is not there or not allowed"),
        (&["--cores", "0,0"], "core 0 twice"),
        (&["--cores", "0,1,2"], "no more than two"),
        (&["--set", "engine.topology=pipelined"], "engine.topology"),
        (&["--set", "journal.place=nowhere"], "journal.place"),
        (&["--messages", "100000"], "--messages"),
        (&["--out", arg(&blocked)], "output directory"),
        (&["--plot", arg(&blocked)], "cannot write"),
    ] {
        let run = tapewatch(&args(&input, &dir, more)).ended_with(2);
        assert_eq!(run.stdout, "", "{more:?}");
        run.says(&[what]);
    }
    let none = dir.path().join("none.itch");
    tapewatch(&["bench", "latency", arg(&none)]).ended_with(2).says(&["none.itch"]);
}

#[test]
fn a_file_of_two_days_is_refused() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages();
    for order in 1..30 {
        feed.add(1, "AAA", order, Side::Buy, 100, 10_0000);
    }
    feed.start_of_messages();
    let input = file(&dir, "two-days.itch", feed.encoder.bytes());
    let more = ["--packets", "single", "--path", "in-process"];
    let run = tapewatch(&args(&input, &dir, &more)).ended_with(2);
    run.says(&["second day"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the input alone");
}

#[test]
fn an_interrupt_ends_it_with_a_line_and_leaves_nothing() {
    let dir = scratch();
    let input = day(&dir);
    // A message a second, for an hour.
    let mut args = args(&input, &dir, &["--rates", "1", "--packets", "single"]);
    args.extend(["--path", "in-process", "--floor-seconds", "1"]);
    args[4] = "3600";
    let mut bench = Running::start(&args);
    let session = dir.path().join(format!("tapewatch-bench-{}", bench.pid()));
    bench.until("a session", || session.join("session/session.toml").exists().then_some(()));
    bench.signal(Signal::INT);
    let run = bench.end().ended_with(1);
    run.says(&["interrupted before all was measured"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the input alone");
}
