//! However the bytes come, they give the same results.

use std::io::Write as _;

use serde_json::Value;

use crate::support::{Feed, arg, file, scratch, tapewatch, tapewatch_reading};

/// A summary without what differs from run to run.
fn comparable(mut summary: Value) -> Value {
    let object = summary.as_object_mut().unwrap();
    for key in ["input", "elapsed_s", "messages_per_s", "ns_per_message", "peak_rss_bytes"] {
        assert!(object.remove(key).is_some(), "{key}");
    }
    summary
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_zstd_and_standard_input_give_the_same_as_a_plain_file() {
    let bytes = Feed::adds(5_000);
    let dir = scratch();
    let inputs = [
        file(&dir, "plain", &bytes),
        file(&dir, "gzip", &gzip(&bytes)),
        file(&dir, "zstd", &zstd::encode_all(&bytes[..], 1).unwrap()),
    ];
    let summaries: Vec<Value> = inputs
        .iter()
        .map(|input| tapewatch(&["replay", arg(input), "--json"]).ended_with(0))
        .map(|run| comparable(run.json()))
        .collect();
    assert_eq!(summaries[0]["messages"], 5_000);
    assert_eq!(summaries[1], summaries[0]);
    assert_eq!(summaries[2], summaries[0]);
    for piped in [bytes.clone(), gzip(&bytes)] {
        let run = tapewatch_reading(&["replay", "-", "--json"], &piped).ended_with(0);
        assert_eq!(comparable(run.json()), summaries[0]);
    }
}

#[test]
fn plain_files_given_together_are_read_one_after_the_other() {
    let mut feed = Feed::new();
    feed.add(1, "AAA", 1, engine::units::Side::Buy, 100, 10_0000);
    let first = feed.encoder.bytes().to_vec();
    feed.encoder.clear();
    let head = feed.head(1);
    feed.encoder.order_deleted(head, engine::units::OrderRef(1));
    let second = feed.encoder.bytes().to_vec();
    let dir = scratch();
    let (first, second) = (file(&dir, "1", &first), file(&dir, "2", &second));
    let run = tapewatch(&["replay", arg(&first), arg(&second), "--json"]).ended_with(0);
    let summary = run.json();
    assert_eq!(summary["messages"], 2);
    assert_eq!(summary["orders_live"], 0);
    assert_eq!(summary["quality"]["unknown_order"], 0);
}

#[test]
fn the_date_given_moves_every_time_to_that_day() {
    let dir = scratch();
    let input = file(&dir, "day", &Feed::adds(1));
    let first = |more: &[&str]| {
        let mut args = vec!["replay", arg(&input), "--json"];
        args.extend_from_slice(more);
        let summary = tapewatch(&args).ended_with(0).json();
        (summary["date"].clone(), summary["first_ts_ns"].as_i64())
    };
    // 09:30:00.000001 in New York: 14:30 UTC in winter, 13:30 UTC in summer.
    let (epoch, in_1970) = first(&[]);
    assert_eq!(epoch, "1970-01-01");
    assert_eq!(in_1970, Some((14 * 3_600 + 1_800) * 1_000_000_000 + 1_000));
    let (_, in_summer) = first(&["--date", "2023-08-22"]);
    assert_eq!(in_summer, Some(1_692_711_000_000_001_000));
}
