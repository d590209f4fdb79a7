//! `bench throughput`: the shape of its result and the sums it shows; never its figures.

use engine::units::{OrderRef, Side};

use crate::support::{Feed, arg, file, scratch, tapewatch};

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

#[test]
fn the_result_has_every_stage_and_the_sums_of_the_final_books() {
    let dir = scratch();
    let input = file(&dir, "day", &books());
    let args = ["bench", "throughput", arg(&input), "--runs", "6", "--json"];
    let result = tapewatch(&args).ended_with(0).json();
    let stages = result["stages"].as_array().unwrap();
    let names: Vec<&str> = stages.iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["framing", "decode", "book", "metrics"]);
    for stage in stages {
        let figure = |key: &str| stage[key].as_f64().unwrap();
        assert!(figure("min") <= figure("ns_per_message"), "{stage}");
        assert!(figure("ns_per_message") <= figure("max"), "{stage}");
        assert_eq!(stage["runs"], 6);
    }
    assert_eq!(result["messages"], 7);
    // Five before the last message takes one away.
    assert_eq!(result["orders_live_max"], 5);
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
    for key in ["cpu", "cores", "kernel", "governor", "transparent_huge_pages", "rustc", "profile"]
    {
        assert!(result["host"].get(key).is_some(), "{key}");
    }
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
