//! `--bar` over exchange data and simulated days, against a plain computation from the prints.
//!
//! The prints are taken from `trades.csv` of the same run and, for exchange data, also from the
//! messages' bytes by a reading of their own.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value;
use tapewatch_tests::capture::messages;

use crate::support::{Csv, arg, scratch, shared, tapewatch, text};

/// A print: symbol, UTC ns, price in 1e-4, shares.
type Print = (String, i64, i64, i64);

const SIZES: [(&str, i64); 3] = [("1s", 1), ("1m", 60), ("5m", 300)];

/// Runs with bars of all sizes.
#[track_caller]
fn run(input: &Path, out: &Path, more: &[&str]) -> Value {
    let mut args = vec!["replay", arg(input), "--json", "--quiet", "--trades", "--out", arg(out)];
    args.extend(SIZES.iter().flat_map(|(size, _)| ["--bar", size]));
    args.extend(more);
    tapewatch(&args).ended_with(0).json()
}

/// The bars of prints that come in order of time, as lines without a header and revision, by symbol,
/// end, start.
fn bars_of(prints: &[Print]) -> Vec<String> {
    let mut windows: BTreeMap<(&str, i64, i64), Vec<&Print>> = BTreeMap::new();
    for print in prints {
        for (_, seconds) in SIZES {
            let size = seconds * 1_000_000_000;
            let start = print.1 / size * size;
            windows.entry((print.0.as_str(), start + size, start)).or_default().push(print);
        }
    }
    let line = |((symbol, end, start), prints): ((&str, i64, i64), Vec<&Print>)| {
        let prices: Vec<i64> = prints.iter().map(|print| print.2).collect();
        let sum = |of: fn(&Print) -> i64| prints.iter().map(|print| of(print)).sum::<i64>();
        let (volume, notional) = (sum(|print| print.3), sum(|print| print.2 * print.3));
        let four = |e4: i64| {
            let text = format!("{}.{:04}", e4 / 10_000, e4 % 10_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        // Nine decimals of e4 / count, half up: all are positive.
        let mean = |e4: i64, count: i64| {
            let (e9, count) = (i128::from(e4) * 100_000, i128::from(count));
            let rounded = (2 * e9 + count) / (2 * count);
            format!("{}.{:09}", rounded / 1_000_000_000, rounded % 1_000_000_000)
        };
        let count = prices.len() as i64;
        format!(
            "{symbol},{start},{end},{},{},{},{},{volume},{count},{},{},{}",
            four(prices[0]),
            four(*prices.iter().max().unwrap()),
            four(*prices.iter().min().unwrap()),
            four(prices[prices.len() - 1]),
            four(notional),
            mean(prices.iter().sum(), count),
            if volume == 0 { String::new() } else { mean(notional, volume) },
        )
    };
    windows.into_iter().map(line).collect()
}

/// The prints of a `trades.csv` that were not broken.
fn told(path: &Path) -> Vec<Print> {
    let trades = Csv::read(path);
    let mut prints: Vec<(u64, Print)> = Vec::new();
    for row in 0..trades.records.len() {
        let field = |column| trades.field(row, column);
        let symbol = field("symbol").to_owned();
        let number = field("match").parse().unwrap();
        if field("kind") == "B" {
            let is_it = |(other, print): &(u64, Print)| *other == number && print.0 == symbol;
            let place = prints.iter().rposition(is_it).unwrap();
            prints.remove(place);
            continue;
        }
        let (whole, fraction) = field("price").split_once('.').unwrap_or((field("price"), ""));
        let price = format!("{whole}{fraction:0<4}").parse().unwrap();
        let [time, size] = ["ts_ns", "size"].map(|column| field(column).parse().unwrap());
        prints.push((number, (symbol, time, price, size)));
    }
    prints.into_iter().map(|(_, print)| print).collect()
}

/// Lines of `bars.csv` taken apart: those that say what a window holds in the end, without their
/// revision, and how many lines are corrections.
fn settled(lines: &str) -> (Vec<String>, u64) {
    let mut windows: BTreeMap<Vec<&str>, (&str, u64)> = BTreeMap::new();
    let mut corrections = 0;
    for line in lines.lines().skip(1) {
        let (figures, revision) = line.rsplit_once(',').unwrap();
        let revision = revision.parse().unwrap();
        let window = figures.split(',').take(3).collect();
        let before = windows.insert(window, (figures, revision));
        assert_eq!(before.map_or(0, |(_, before)| before + 1), revision, "{line}");
        corrections += u64::from(revision > 0);
    }
    let figures = windows.into_values().map(|(figures, _)| figures.to_owned());
    (figures.filter(|figures| !figures.contains(",,,,,0,0,0,,")).collect(), corrections)
}

/// The prints of one symbol's messages, by the offsets of the specification.
fn read(file: &[u8], symbol: &str, midnight_ns: i64) -> Vec<Print> {
    let mut prices: HashMap<u64, u64> = HashMap::new();
    let mut prints = Vec::new();
    for message in messages(file) {
        let message = message.unwrap();
        let number = |from: usize, bytes: usize| {
            message[from..from + bytes].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let printed = match message[0] {
            b'A' | b'F' => {
                prices.insert(number(11, 8), number(32, 4));
                None
            }
            b'U' => {
                if prices.contains_key(&number(11, 8)) {
                    prices.insert(number(19, 8), number(31, 4));
                }
                None
            }
            // Of an order from before the file the price is not known.
            b'E' => prices.get(&number(11, 8)).map(|price| (*price, number(19, 4))),
            b'C' if message[31] == b'Y' => Some((number(32, 4), number(19, 4))),
            b'P' => Some((number(32, 4), number(20, 4))),
            b'Q' if number(11, 8) > 0 => Some((number(27, 4), number(11, 8))),
            _ => None,
        };
        if let Some((price, shares)) = printed {
            let time_ns = midnight_ns + number(5, 6) as i64;
            prints.push((symbol.to_owned(), time_ns, price as i64, shares as i64));
        }
    }
    prints
}

#[test]
fn bars_of_a_recorded_stretch_are_those_computed_from_its_prints() {
    let Some(input) = shared("itch50/aapl_20191230_0935_std.itch50") else {
        return;
    };
    let dir = scratch();
    let summary = run(&input, dir.path(), &["--date", "2019-12-30"]);
    let prints = told(&dir.path().join("trades.csv"));
    // Midnight of 2019-12-30 in New York.
    let read = read(&std::fs::read(&input).unwrap(), "AAPL", 1_577_682_000_000_000_000);
    assert_eq!(prints, read);
    assert_eq!(prints.len(), 1_907);

    // Of one symbol, windows close by end, then start.
    let lines = text(&dir.path().join("bars.csv"));
    let (header, lines) = lines.split_once('\n').unwrap();
    assert_eq!(header.split(',').count(), 13);
    let expected: Vec<String> = bars_of(&prints).iter().map(|bar| format!("{bar},0")).collect();
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    assert_eq!(text(&dir.path().join("late_windows.csv")).lines().count(), 1);
    // From 09:35:00 to 09:39:36.
    let windows = |at: usize| summary["bars"]["sizes"][at]["windows"].as_u64().unwrap();
    assert_eq!([windows(1), windows(2)], [5, 1]);
    assert_eq!(windows(0) + 6, lines.lines().count() as u64);
}

#[test]
fn bars_of_a_simulated_day_are_those_of_its_prints_in_every_topology() {
    let dir = scratch();
    let day = dir.path().join("day");
    let args = ["simulate", "--symbols", "12", "--messages", "60000", "--out", arg(&day)];
    tapewatch(&args).ended_with(0);
    let input = day.join("session.itch");
    let out = dir.path().join("out");
    let summary = run(&input, &out, &[]);
    let bars = text(&out.join("bars.csv"));
    let (mut lines, corrections) = settled(&bars);
    let mut expected = bars_of(&told(&out.join("trades.csv")));
    assert!(expected.len() > 1_000, "{}", expected.len());
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
    // The exchange breaks some of its prints, and says so after their windows' ends.
    let sizes = summary["bars"]["sizes"].as_array().unwrap();
    let corrected: u64 = sizes.iter().map(|size| size["corrected"].as_u64().unwrap()).sum();
    assert!(corrections > 0, "{corrections}");
    assert_eq!(corrected, corrections);

    for shards in ["1", "2", "3", "7"] {
        let more = ["--topology", "pipelined", "--shards", shards, "--set", "threads.wait=park"];
        run(&input, &out, &more);
        assert!(text(&out.join("bars.csv")) == bars, "{shards} shard(s)");
    }
}
