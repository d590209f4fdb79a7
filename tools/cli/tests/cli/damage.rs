//! Damaged, wrong and missing inputs: what was told, what was written, which status.

use std::fs;

use engine::units::Side;

use crate::support::{Csv, Feed, arg, capture, file, scratch, tapewatch, tapewatch_reading, text};

/// Bytes of an `A` with its length.
const ADD_BYTES: usize = 38;

#[test]
fn a_truncated_file_is_processed_up_to_the_damage_and_its_offset_is_told() {
    let dir = scratch();
    let mut bytes = Feed::adds(100);
    bytes.truncate(50 * ADD_BYTES + 10);
    let input = file(&dir, "torn", &bytes);
    let out = dir.path().join("out");
    let args = ["replay", arg(&input), "--out", arg(&out), "--trades", "--bbo"];
    let run = tapewatch(&args).ended_with(1);
    run.says(&["torn", "1900"]);
    let summary: serde_json::Value =
        serde_json::from_str(&text(&out.join("summary.json"))).unwrap();
    assert_eq!(summary["messages"], 50);
    assert_eq!(summary["orders_live"], 50);
    assert!(summary["fault"].as_str().unwrap().contains("1900"));
    assert_eq!(Csv::read(&out.join("symbols.csv")).field(0, "adds"), "50");
    let mut names: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["alerts.jsonl", "bbo.csv", "summary.json", "symbols.csv", "trades.csv"]);
}

#[test]
fn bytes_after_the_end_mark_are_damage_and_the_mark_alone_is_a_good_end() {
    let dir = scratch();
    let mut bytes = Feed::adds(3);
    bytes.extend_from_slice(&[0, 0]);
    let input = file(&dir, "ended", &bytes);
    tapewatch(&["replay", arg(&input), "--quiet"]).ended_with(0);
    bytes.push(0);
    let input = file(&dir, "beyond", &bytes);
    let run = tapewatch(&["replay", arg(&input), "--json"]).ended_with(1);
    run.says(&["beyond", &(3 * ADD_BYTES + 2).to_string()]);
    assert_eq!(run.json()["messages"], 3);
}

#[test]
fn a_truncated_gzip_stream_is_damage() {
    use std::io::Write as _;
    let dir = scratch();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&Feed::adds(20_000)).unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() / 2);
    let input = file(&dir, "torn.gz", &bytes);
    let run = tapewatch(&["replay", arg(&input), "--json"]).ended_with(1);
    run.says(&["torn.gz"]);
    let messages = run.json()["messages"].as_u64().unwrap();
    assert!((1..20_000).contains(&messages), "{messages}");
}

#[test]
fn a_second_start_of_day_ends_the_session_and_its_place_is_told() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages();
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000);
    feed.start_of_messages();
    feed.add(1, "AAA", 2, Side::Buy, 100, 10_0000);
    let input = file(&dir, "two-days", feed.encoder.bytes());
    let out = dir.path().join("out");
    let run = tapewatch(&["replay", arg(&input), "--out", arg(&out), "--json"]).ended_with(2);
    // A start of 14 bytes and an add stand before it.
    run.says(&["two-days, byte 52: message 3", "second day"]);
    assert_eq!(run.json()["messages"], 2);
    assert_eq!(Csv::read(&out.join("symbols.csv")).field(0, "adds"), "1");
}

#[test]
fn the_place_of_a_second_start_is_in_the_file_that_has_it() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages();
    let first = file(&dir, "first", feed.encoder.bytes());
    let adds = Feed::adds(100);
    let bytes = [&adds, feed.encoder.bytes()].concat();
    let second = file(&dir, "second", &bytes);
    let run = tapewatch(&["replay", arg(&first), arg(&second)]).ended_with(2);
    run.says(&[&format!("second, byte {}: message 102", adds.len()), "second day"]);
}

#[test]
fn a_capture_names_the_frame_that_starts_a_second_day() {
    let dir = scratch();
    let mut feed = Feed::new();
    feed.start_of_messages();
    let start = feed.encoder.bytes();
    let quiet = file(&dir, "quiet.pcap", &capture(&[(5, 2, 9, &Feed::adds(1))]));
    let two = capture(&[(1, 1, 7, start), (2, 1, 8, start)]);
    let place = capture(&[(1, 1, 7, start)]).len();
    let two = file(&dir, "two.pcap", &two);
    let run = tapewatch(&["replay", arg(&quiet), arg(&two)]).ended_with(2);
    run.says(&[&format!("two.pcap, frame at byte {place}: message 8"), "second day"]);
}

#[test]
fn a_group_recorded_by_two_hosts_is_two_lines_of_one_feed() {
    let dir = scratch();
    let adds = Feed::adds(2);
    let (one, two) = adds.split_at(ADD_BYTES);
    let a = file(&dir, "a.pcap", &capture(&[(1, 1, 1, one), (3, 1, 2, two)]));
    let b = file(&dir, "b.pcap", &capture(&[(2, 1, 1, one)]));
    let run = tapewatch(&["replay", arg(&a), arg(&b), "--json"]).ended_with(0);
    let summary = run.json();
    assert_eq!(summary["messages"], 2);
    let lines = summary["input"]["lines"].as_array().unwrap();
    let shown = lines.iter().map(|line| {
        let file = line["capture"].as_str().unwrap().rsplit('/').next().unwrap();
        (file, line["name"].as_str().unwrap(), line["lost"].as_u64().unwrap())
    });
    let group = "233.54.12.1:26477";
    assert_eq!(shown.collect::<Vec<_>>(), [("a.pcap", group, 0), ("b.pcap", group, 1)]);
}

#[test]
fn the_place_of_damage_in_a_capture_is_told_once() {
    let dir = scratch();
    let whole = capture(&[(1, 1, 1, &Feed::adds(1))]);
    for cut in [26, 45, whole.len() - 1] {
        let input = file(&dir, "cut", &whole[..cut]);
        let run = tapewatch(&["replay", arg(&input)]).ended_with(1);
        run.says(&["damaged at byte 24: cut-off record"]);
        assert_eq!(run.stderr.matches("24").count(), 1, "{run:#?}");
    }
}

#[test]
fn bytes_behind_a_leading_end_mark_are_damage_at_their_offset() {
    let dir = scratch();
    let input = file(&dir, "ended", &[&[0, 0], &Feed::adds(2)[..]].concat());
    let run = tapewatch(&["replay", arg(&input), "--json"]).ended_with(1);
    run.says(&["ended", "damaged at byte 2: bytes after the end mark"]);
    assert_eq!(run.json()["messages"], 0);
}

#[test]
fn a_file_cut_inside_its_magic_is_damaged() {
    let dir = scratch();
    for magic in [&b"\xd4\xc3\xb2\xa1"[..], b"\x0a\x0d\x0d\x0a", b"\x28\xb5\x2f\xfd", b"\x1f\x8b"] {
        for cut in 1..magic.len() {
            let input = file(&dir, "cut", &magic[..cut]);
            let run = tapewatch(&["replay", arg(&input)]).ended_with(1);
            run.says(&["cut: damaged at byte 0"]);
        }
    }
}

#[test]
fn unknown_types_and_wrong_lengths_are_counted_and_no_fault() {
    let mut feed = Feed::new();
    feed.encoder.raw(b"z unheard of");
    feed.encoder.raw(b"\x07");
    feed.encoder.raw(b"A too short");
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000);
    let dir = scratch();
    let input = file(&dir, "odd", feed.encoder.bytes());
    let args = ["replay", arg(&input), "--format", "itch", "--json"];
    let run = tapewatch(&args).ended_with(0);
    assert_eq!(run.stderr, "");
    let summary = run.json();
    assert_eq!(summary["messages"], 4);
    assert_eq!(summary["by_type"], serde_json::json!({"0x07": 1, "A": 2, "z": 1}));
    assert_eq!(summary["quality"]["unknown_type"], 2);
    assert_eq!(summary["quality"]["bad_length"], 1);
    assert_eq!(summary["orders_live"], 1);
}

#[test]
fn an_input_that_cannot_be_opened_is_named_and_nothing_is_written() {
    let dir = scratch();
    let missing = dir.path().join("no-such-file");
    let run = tapewatch(&["replay", arg(&missing)]).ended_with(2);
    run.says(&["no-such-file"]);
    assert_eq!(run.stdout, "");
    let run = tapewatch(&["replay", arg(dir.path())]).ended_with(2);
    run.says(&[arg(dir.path())]);
}

#[test]
fn any_bytes_end_with_a_status_and_at_most_one_line() {
    // A plain pseudo-random sequence, so that a failure can be repeated.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..24 {
        let length = (next() % 4_096) as usize;
        let noise: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        for format in ["auto", "itch", "itch-zero-prefix", "pcap"] {
            let run = tapewatch_reading(&["replay", "-", "--format", format, "--json"], &noise);
            assert!(matches!(run.status, Some(0..=2)), "round {round}, {format}: {run:#?}");
            assert!(run.stderr.lines().count() <= 1, "{run:#?}");
            assert!(!run.stderr.contains("internal error"), "{run:#?}");
        }
    }
}
