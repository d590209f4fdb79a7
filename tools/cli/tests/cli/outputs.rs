//! The files and tables of a session worked by hand.

use std::path::PathBuf;

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::fields::{Price4, Stock};
use tempfile::TempDir;

use crate::support::{Csv, Feed, OPEN_NS, arg, file, scratch, tapewatch, text};

/// Eleven messages: every kind of print, a break, a locate named late and one never named.
fn session(dir: &TempDir) -> PathBuf {
    let aaa = Stock::new("AAA").unwrap();
    let mut feed = Feed::new();
    feed.start_of_messages(); // 1
    feed.add(1, "AAA", 1, Side::Buy, 100, 10_0000); // 2
    feed.add(1, "AAA", 2, Side::Sell, 50, 10_0200); // 3
    let head = feed.head(1); // 4
    feed.encoder.order_executed(head, OrderRef(2), 20, MatchNumber(7));
    let head = feed.head(1); // 5
    let price = Price4(9_9900);
    feed.encoder.order_executed_with_price(head, OrderRef(1), 30, MatchNumber(8), true, price);
    let head = feed.head(1); // 6
    let (none, hidden) = (OrderRef(0), Price4(10_0100));
    feed.encoder.trade(head, none, Side::Buy, 5, aaa, hidden, MatchNumber(9));
    let head = feed.head(2); // 7: an order from before the file, a symbol not named yet
    let price = Price4(5_0000);
    feed.encoder.order_executed_with_price(head, OrderRef(99), 10, MatchNumber(10), true, price);
    let head = feed.head(1); // 8
    feed.encoder.broken_trade(head, MatchNumber(7));
    let head = feed.head(1); // 9
    feed.encoder.cross_trade(head, 100, aaa, Price4(10_0000), MatchNumber(11), b'O');
    feed.add(2, "BBB", 1, Side::Buy, 10, 5_0000); // 10
    let head = feed.head(3); // 11
    feed.encoder.order_deleted(head, OrderRef(5));
    file(dir, "session", feed.encoder.bytes())
}

/// The time of message `sequence`: 1 µs apart from 09:30 on 1970-01-01 in New York.
fn ts(sequence: u64) -> u64 {
    5 * 3_600_000_000_000 + OPEN_NS + sequence * 1_000
}

#[test]
fn trades_csv_has_every_eligible_print_and_the_break() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    tapewatch(&["replay", arg(&input), "--out", arg(&out), "--trades"]).ended_with(0);
    let expected = [
        String::from("sequence,ts_ns,symbol,price,size,side,kind,match"),
        format!("4,{},AAA,10.02,20,B,E,7", ts(4)),
        format!("5,{},AAA,9.99,30,S,C,8", ts(5)),
        format!("6,{},AAA,10.01,5,,P,9", ts(6)),
        format!("7,{},BBB,5,10,,C,10", ts(7)),
        format!("8,{},AAA,10.02,20,B,B,7", ts(8)),
        format!("9,{},AAA,10,100,,Q,11", ts(9)),
    ];
    let written = text(&out.join("trades.csv"));
    assert_eq!(written.lines().collect::<Vec<_>>(), expected);
    assert!(!out.join("bbo.csv").exists());
}

#[test]
fn bbo_csv_has_a_line_a_change() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    tapewatch(&["replay", arg(&input), "--out", arg(&out), "--bbo"]).ended_with(0);
    let expected = [
        String::from("sequence,ts_ns,symbol,bid,bid_size,ask,ask_size"),
        format!("2,{},AAA,10,100,,", ts(2)),
        format!("3,{},AAA,10,100,10.02,50", ts(3)),
        format!("4,{},AAA,10,100,10.02,30", ts(4)),
        format!("5,{},AAA,10,70,10.02,30", ts(5)),
        format!("10,{},BBB,5,10,,", ts(10)),
    ];
    let written = text(&out.join("bbo.csv"));
    assert_eq!(written.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn symbols_csv_has_every_symbol_seen() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    let run = tapewatch(&["replay", arg(&input), "--out", arg(&out), "--json"]).ended_with(0);
    // AAA without the broken 20 at 10.02: 30 at 9.99, 5 at 10.01, 100 at 10: 1349.75 / 135.
    let expected = [
        "symbol,locate,last,open,high,low,volume,trades,notional,vwap,bid,bid_size,ask,ask_size,\
         bid_levels,ask_levels,orders,adds,executions,cancels,deletes,replaces,hidden_volume,\
         cross_volume,broken_volume,state",
        "#3,3,,,,,0,0,0,,,,,,0,0,0,0,0,0,1,0,0,0,0,",
        "AAA,1,10,9.99,10.01,9.99,135,3,1349.75,9.998148148,10,70,10.02,30,1,1,2,2,2,0,0,0,5,100,20,",
        "BBB,2,5,5,5,5,10,1,50,5.000000000,5,10,,,1,0,1,1,1,0,0,0,0,0,0,",
    ];
    let written = text(&out.join("symbols.csv"));
    assert_eq!(written.lines().collect::<Vec<_>>(), expected);
    let summary = run.json();
    assert_eq!(summary["symbols"], 3);
    assert_eq!(summary["quality"]["unknown_order"], 2);
    let file: serde_json::Value = serde_json::from_str(&text(&out.join("summary.json"))).unwrap();
    assert_eq!(file, summary);
}

#[test]
fn only_the_symbols_asked_for_are_computed_and_the_missing_ones_are_told() {
    let dir = scratch();
    let input = session(&dir);
    let (all, some) = (dir.path().join("all"), dir.path().join("some"));
    tapewatch(&["replay", arg(&input), "--out", arg(&all), "--trades"]).ended_with(0);
    let args = [
        "replay",
        arg(&input),
        "--symbols",
        "AAA,#3,ZZZ",
        "--out",
        arg(&some),
        "--trades",
        "--json",
    ];
    let run = tapewatch(&args).ended_with(0);
    run.says(&["warning", "ZZZ"]);
    assert_eq!(run.json()["messages"], 11);
    assert_eq!(run.json()["symbols"], 2);
    let lines = |dir: &PathBuf, name: &str, without: &str| -> Vec<String> {
        let lines = text(&dir.join(name));
        let kept = lines.lines().filter(|line| !line.contains(without));
        kept.map(str::to_owned).collect()
    };
    let none = "nothing has this";
    for name in ["symbols.csv", "trades.csv"] {
        assert_eq!(lines(&some, name, none), lines(&all, name, "BBB"), "{name}");
    }
}

#[test]
fn the_table_shows_what_the_files_hold() {
    let dir = scratch();
    let input = session(&dir);
    let run = tapewatch(&["replay", arg(&input)]).ended_with(0);
    assert_eq!(run.stderr, "");
    for part in ["AAA", "BBB", "#3", "9.9981", "10 × 70", "10.02 × 30"] {
        assert!(run.stdout.contains(part), "no {part} in\n{}", run.stdout);
    }
}

#[test]
fn an_earlier_result_stays_until_the_new_one_is_whole() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    let args = ["replay", arg(&input), "--out", arg(&out)];
    tapewatch(&args).ended_with(0);
    let before = text(&out.join("symbols.csv"));
    let missing = dir.path().join("missing");
    tapewatch(&["replay", arg(&missing), "--out", arg(&out)]).ended_with(2);
    assert_eq!(text(&out.join("symbols.csv")), before);
    tapewatch(&args).ended_with(0);
    assert_eq!(Csv::read(&out.join("symbols.csv")).row_of("AAA"), 1);
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 3);
}
