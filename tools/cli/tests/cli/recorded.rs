//! Recorded exchange data gives the figures that an independent parser found in it.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Csv, arg, scratch, shared, tapewatch};

/// Replays `input` and gives its summary.
#[track_caller]
fn summary(input: &Path, more: &[&str]) -> Value {
    let mut args = vec!["replay", arg(input), "--json", "--quiet"];
    args.extend_from_slice(more);
    let run = tapewatch(&args).ended_with(0);
    assert_eq!(run.stderr, "");
    run.json()
}

#[test]
fn the_aapl_file_gives_its_known_figures() {
    let Some(input) = shared("itch50/aapl_20191230_0935_std.itch50") else {
        return;
    };
    let dir = scratch();
    let args = [
        "replay",
        arg(&input),
        "--date",
        "2019-12-30",
        "--out",
        arg(dir.path()),
        "--trades",
        "--bbo",
        "--json",
    ];
    let summary = tapewatch(&args).ended_with(0).json();
    assert_eq!(summary["messages"], 49_947);
    assert_eq!(
        summary["by_type"],
        json!({"A": 22121, "C": 4, "D": 24150, "E": 2162, "F": 1, "P": 281, "U": 1130, "X": 98})
    );
    assert_eq!(summary["date"], "2019-12-30");
    assert_eq!(summary["symbols"], 1);
    assert_eq!(summary["orders_live"], 339);
    assert_eq!(summary["quality"]["unknown_order"], 3_970);
    assert_eq!(summary["quality"]["crossed"], 0);
    assert_eq!(summary["engine"], json!({"topology": "inline", "shards": 1}));
    // 09:35:00.000155705 and 09:39:36.663325325 in New York, five hours behind UTC.
    assert_eq!(summary["first_ts_ns"], 1_577_716_500_000_155_705i64);
    assert_eq!(summary["last_ts_ns"], 1_577_716_776_663_325_325i64);

    let symbols = Csv::read(&dir.path().join("symbols.csv"));
    assert_eq!(symbols.records.len(), 1);
    for (column, value) in [
        ("symbol", "AAPL"),
        ("last", "286.7"),
        ("open", "288.73"),
        ("high", "288.73"),
        ("low", "286.44"),
        ("volume", "159235"),
        ("trades", "1907"),
        ("notional", "45815361.88"),
        ("vwap", "287.721681037"), // 45815361.88 / 159235 = 287.72168103745…
        ("bid", "286.67"),
        ("bid_size", "222"),
        ("ask", "286.73"),
        ("ask_size", "100"),
        ("bid_levels", "68"),
        ("ask_levels", "109"),
        ("orders", "339"),
        ("adds", "22122"),
        ("executions", "2166"),
        ("cancels", "98"),
        ("deletes", "24150"),
        ("replaces", "1130"),
        ("cross_volume", "0"),
        ("broken_volume", "0"),
        ("state", ""),
    ] {
        assert_eq!(symbols.field(0, column), value, "{column}");
    }

    // The files of rows add up to the same figures.
    let trades = Csv::read(&dir.path().join("trades.csv"));
    assert_eq!(trades.records.len(), 1_907);
    let volume: u64 = (0..trades.records.len())
        .map(|row| trades.field(row, "size").parse::<u64>().unwrap())
        .sum();
    assert_eq!(volume, 159_235);
    let bbo = Csv::read(&dir.path().join("bbo.csv"));
    let last = bbo.records.len() - 1;
    let ending = ["bid", "bid_size", "ask", "ask_size"].map(|column| bbo.field(last, column));
    assert_eq!(ending, ["286.67", "222", "286.73", "100"]);
}

#[test]
fn the_opening_second_of_nasdaq_is_read_whole() {
    let Some(input) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let summary = summary(&input, &["--date", "2019-12-30"]);
    assert_eq!(summary["messages"], 1_000);
    assert_eq!(
        summary["by_type"],
        json!({"A": 367, "C": 1, "D": 167, "E": 28, "F": 193, "I": 4, "P": 4, "Q": 4, "S": 1, "U": 225, "X": 6})
    );
    assert_eq!(summary["quality"]["unknown_order"], 399);
    assert_eq!(summary["quality"]["time_backwards"], 0);
    // 09:30:00.000000230 to .002364611.
    assert_eq!(summary["first_ts_ns"], 1_577_716_200_000_000_230i64);
    assert_eq!(summary["last_ts_ns"], 1_577_716_200_002_364_611i64);
}

#[test]
fn the_names_of_the_opening_second_are_all_there() {
    let Some(input) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let dir = scratch();
    tapewatch(&["replay", arg(&input), "--out", arg(dir.path())]).ended_with(0);
    let symbols = Csv::read(&dir.path().join("symbols.csv"));
    let names: Vec<&str> =
        (0..symbols.records.len()).map(|row| symbols.field(row, "symbol")).collect();
    let named = names.iter().filter(|name| !name.starts_with('#')).count();
    assert_eq!(named, 190);
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn the_zero_prefix_file_is_read_by_its_own_format() {
    let Some(input) = shared("itch50/synthetic_12012_zero_prefix.bin") else {
        return;
    };
    let summary = summary(&input, &["--format", "itch-zero-prefix"]);
    assert_eq!(summary["messages"], 12_012);
    assert_eq!(
        summary["by_type"],
        json!({"A": 4997, "D": 1745, "E": 198, "F": 3, "H": 3, "P": 5000, "R": 3, "S": 6, "U": 12, "X": 45})
    );
}

#[test]
fn the_moldudp64_captures_have_46_messages_of_2023_08_22() {
    let files = [
        ("AddOrderNoMpidAttributionMessage", json!({"A": 1})),
        ("MarketParticipantPositionMessage", json!({"L": 1})),
        ("Multiple.Packets", Value::Null),
        ("NetOrderImbalanceIndicatorMessage", json!({"I": 1})),
        ("OrderDeleteMessage", json!({"D": 1})),
        ("OrderExecutedMessage", json!({"E": 1})),
        ("OrderReplaceMessage", json!({"U": 1})),
        ("StockTradingActionMessage", json!({"H": 1})),
    ];
    let mut messages = 0;
    for (name, by_type) in files {
        let Some(input) = shared(&format!("moldudp64/{name}.pcap")) else {
            return;
        };
        let summary = summary(&input, &[]);
        assert_eq!(summary["date"], "2023-08-22", "{name}");
        if !by_type.is_null() {
            assert_eq!(summary["by_type"], by_type, "{name}");
        }
        assert_eq!(summary["input"]["format"], "pcap", "{name}");
        assert_eq!(summary["input"]["session"], "000010059B", "{name}");
        let line = &summary["input"]["lines"][0]["name"];
        assert_eq!(line, "233.54.12.111:26477", "{name}");
        messages += summary["messages"].as_u64().unwrap();
    }
    assert_eq!(messages, 46);
}

#[test]
fn a_packet_of_38_messages_keeps_the_feeds_own_sequence() {
    let Some(input) = shared("moldudp64/Multiple.Packets.pcap") else {
        return;
    };
    let dir = scratch();
    let args = ["replay", arg(&input), "--out", arg(dir.path()), "--bbo", "--json"];
    // The file is an excerpt: what lies between its packets is a gap, told and no fault.
    let run = tapewatch(&args).ended_with(0);
    assert!(run.stderr.contains("note: gap"), "{run:#?}");
    let summary = run.json();
    assert!(summary["messages"].as_u64().unwrap() >= 38);
    assert!(summary["quality"]["gap_messages"].as_u64().unwrap() > 0);
    let bbo = Csv::read(&dir.path().join("bbo.csv"));
    for row in 0..bbo.records.len() {
        let sequence: u64 = bbo.field(row, "sequence").parse().unwrap();
        assert!(sequence >= 19_009_117, "{sequence}");
    }
}

#[test]
fn the_single_message_captures_have_five_messages_of_their_type() {
    for (name, letter, count) in [
        ("AddOrderNoMPID", "A", 5),
        ("AddOrderWithMPID", "F", 5),
        ("CrossTrade", "Q", 5),
        ("LULDAuctionCollar", "J", 5),
        ("MarketParticipantPosition", "L", 5),
        ("NetOrderImbalanceIndicator", "I", 5),
        ("NonCrossTrade", "P", 5),
        ("OrderCancel", "X", 5),
        ("OrderDelete", "D", 5),
        ("OrderExecuted", "E", 5),
        ("OrderExecutedWithPrice", "C", 5),
        ("OrderReplace", "U", 5),
        ("RegSHORestriction", "Y", 5),
        ("StockTradingAction", "H", 5),
        ("SystemEvent", "S", 1),
    ] {
        let Some(input) = shared(&format!("moldudp64_single/{name}.pcap")) else {
            return;
        };
        let summary = summary(&input, &[]);
        assert_eq!(summary["messages"], count, "{name}");
        assert_eq!(summary["by_type"], json!({letter: count}), "{name}");
        assert_eq!(summary["quality"]["gap_messages"], 0, "{name}");
        assert_eq!(summary["quality"]["bad_length"], 0, "{name}");
    }
}
