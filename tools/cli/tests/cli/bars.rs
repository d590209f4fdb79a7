//! `--bar` over a session worked by hand: prints that come late, prints that are broken, a name that
//! comes late, a time from the future, and the end of the input.

use std::path::{Path, PathBuf};

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::encode::{Encoder, Header};
use feed_handlers::itch50::fields::{Price4, Stock};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{OPEN_NS, arg, file, scratch, tapewatch, text};

const MS: u64 = 1_000_000;

/// 09:30 on 1970-01-01 in New York, UTC ns.
const OPEN_UTC_NS: u64 = 5 * 3_600_000_000_000 + OPEN_NS;

/// Messages at times in ms after 09:30.
struct Tape(Encoder);

impl Tape {
    fn head(at_ms: u64, locate: u16) -> Header {
        Header { locate, tracking: 0, time_of_day_ns: OPEN_NS + at_ms * MS }
    }

    /// A print of a symbol that is named with it.
    fn print(&mut self, at_ms: u64, locate: u16, shares: u32, price_e4: u32, number: u64) {
        let stock = Stock::new(["", "AAA", "BBB"][usize::from(locate)]).unwrap();
        let (head, order) = (Tape::head(at_ms, locate), OrderRef(0));
        self.0.trade(head, order, Side::Buy, shares, stock, Price4(price_e4), MatchNumber(number));
    }

    /// A print that names nothing, of an order from before the file.
    fn nameless(&mut self, at_ms: u64, locate: u16, shares: u32, price_e4: u32, number: u64) {
        let (head, number) = (Tape::head(at_ms, locate), MatchNumber(number));
        let price = Price4(price_e4);
        self.0.order_executed_with_price(head, OrderRef(99), shares, number, true, price);
    }

    fn broken(&mut self, at_ms: u64, locate: u16, number: u64) {
        self.0.broken_trade(Tape::head(at_ms, locate), MatchNumber(number));
    }

    /// Time passes.
    fn tick(&mut self, at_ms: u64) {
        self.0.system_event(Tape::head(at_ms, 0), b'Q');
    }
}

/// See the module. Its bars are of a second and a minute, with half a second of lateness.
fn session(dir: &TempDir) -> PathBuf {
    let mut tape = Tape(Encoder::new());
    tape.print(100, 1, 10, 10_0000, 1); // 1
    tape.print(200, 1, 20, 10_0200, 2); // 2
    tape.print(300, 2, 5, 20_0000, 3); // 3
    tape.broken(400, 2, 3); // 4: the only print of an open window
    tape.nameless(500, 3, 7, 5_5000, 4); // 5
    tape.tick(1_000); // 6: the first second ends
    tape.print(1_200, 2, 1, 21_0000, 5); // 7
    tape.print(900, 1, 30, 9_9900, 6); // 8: late
    tape.tick(1_500); // 9: what belongs to the first second is too late from now on
    tape.print(950, 1, 100, 11_0000, 7); // 10: too late for its second, not for its minute
    tape.broken(1_600, 2, 5); // 11
    tape.print(1_700, 2, 4, 22_0000, 8); // 12
    let (stock, price) = (Stock::new("C,C").unwrap(), Price4(4_0000));
    tape.0.add_order(Tape::head(2_000, 3), OrderRef(1), Side::Buy, 1, stock, price, None); // 13
    tape.broken(2_100, 2, 8); // 14: the only print of a window that was put out
    tape.broken(2_200, 1, 2); // 15
    tape.nameless(2_300, 3, 2, 5_6000, 9); // 16
    tape.broken(2_400, 1, 7); // 17: its minute held it, its second did not
    let tomorrow = 86_400_000 - OPEN_NS / MS;
    tape.print(tomorrow, 1, 50, 12_0000, 10); // 18: taken as of now
    file(dir, "session", tape.0.bytes())
}

const SETTINGS: [&str; 6] = ["--set", "bars.lateness=500ms", "--bar", "1m", "--bar", "1s"];

fn replay(input: &Path, out: &Path, more: &[&str]) -> serde_json::Value {
    let mut args = vec!["replay", arg(input), "--json", "--out", arg(out)];
    args.extend(SETTINGS);
    args.extend(more);
    tapewatch(&args).ended_with(0).json()
}

const HEADER: &str = "symbol,window_start_ns,window_end_ns,open,high,low,close,volume,trades,\
                      notional,avg_price,vwap,revision";

/// Lines of files about windows: symbol, start and end in seconds after 09:30, what follows them.
fn lines(header: &str, windows: &[(&str, u64, u64, &str)]) -> String {
    let lines = windows.iter().map(|(symbol, start, end, rest)| {
        let [start, end] = [start, end].map(|at| OPEN_UTC_NS + at * 1_000 * MS);
        format!("{symbol},{start},{end},{rest}\n")
    });
    format!("{header}\n{}", lines.collect::<String>())
}

fn expected() -> String {
    let windows = [
        // With message 6.
        ("AAA", 0, 1, "10,10.02,10,10.02,30,2,300.4,10.010000000,10.013333333,0"),
        ("#3", 0, 1, "5.5,5.5,5.5,5.5,7,1,38.5,5.500000000,5.500000000,0"),
        // With 8.
        ("AAA", 0, 1, "10,10.02,9.99,9.99,60,3,600.1,10.003333333,10.001666667,1"),
        // With 13 to 15.
        ("BBB", 1, 2, "22,22,22,22,4,1,88,22.000000000,22.000000000,0"),
        ("BBB", 1, 2, ",,,,0,0,0,,,1"),
        ("AAA", 0, 1, "10,10,9.99,9.99,40,2,399.7,9.995000000,9.992500000,2"),
        // With the end of the input.
        ("AAA", 2, 3, "12,12,12,12,50,1,600,12.000000000,12.000000000,0"),
        ("AAA", 0, 60, "10,12,9.99,12,90,3,999.7,10.663333333,11.107777778,0"),
        ("\"C,C\"", 2, 3, "5.6,5.6,5.6,5.6,2,1,11.2,5.600000000,5.600000000,0"),
        ("\"C,C\"", 0, 60, "5.5,5.6,5.5,5.6,9,2,49.7,5.550000000,5.522222222,0"),
    ];
    lines(HEADER, &windows)
}

#[test]
fn each_output_of_a_window_is_a_line_and_what_came_late_or_was_broken_a_correction() {
    let dir = scratch();
    let out = dir.path().join("out");
    let summary = replay(&session(&dir), &out, &[]);
    assert_eq!(text(&out.join("bars.csv")), expected());
    let header = "symbol,window_start_ns,window_end_ns,late,dropped,corrected";
    let amended = [("AAA", 0, 1, "1,1,1"), ("BBB", 1, 2, "0,0,1")];
    assert_eq!(text(&out.join("late_windows.csv")), lines(header, &amended));
    let size = |size_ns: u64, [late, dropped, corrected, windows, outputs]: [u64; 5]| {
        json!({
            "size_ns": size_ns, "late": late, "dropped": dropped, "corrected": corrected,
            "windows": windows, "outputs": outputs,
        })
    };
    let sizes = [size(1_000 * MS, [1, 1, 2, 5, 8]), size(60_000 * MS, [0, 0, 0, 2, 2])];
    assert_eq!(summary["bars"], json!({"lateness_ns": 500 * MS, "sizes": sizes}));
    assert_eq!(summary["quality"]["future_time"], 1);
    assert_eq!(summary["quality"]["time_backwards"], 2);
}

#[test]
fn the_lines_are_the_same_in_every_topology_and_the_state_is_that_before_the_end() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    let hash = replay(&input, &out, &[])["state_hash"].clone();
    for shards in ["1", "2", "3"] {
        let more = ["--topology", "pipelined", "--shards", shards, "--set", "threads.wait=park"];
        let summary = replay(&input, &out, &more);
        assert_eq!(text(&out.join("bars.csv")), expected(), "{shards}");
        assert_eq!(summary["state_hash"], hash, "{shards}");
    }
    // Open windows are state: they were not closed before it was hashed.
    let sections = |more: &[&str]| {
        let mut args = vec!["replay", arg(&input), "--json"];
        args.extend(more);
        tapewatch(&args).ended_with(0).json()["sections"].clone()
    };
    let (with, without) = (sections(&SETTINGS), sections(&[]));
    assert_ne!(with["windows"], without["windows"]);
    for section in ["books", "metrics", "detectors"] {
        assert_eq!(with[section], without[section], "{section}");
    }
}

#[test]
fn bars_of_symbols_that_were_not_asked_for_are_left_out() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    let summary = replay(&input, &out, &["--symbols", "BBB"]);
    let all = expected();
    let kept = all.lines().filter(|line| line.starts_with("BBB") || line.starts_with("symbol"));
    assert_eq!(text(&out.join("bars.csv")).lines().collect::<Vec<_>>(), kept.collect::<Vec<_>>());
    let late = text(&out.join("late_windows.csv"));
    assert_eq!(late.lines().skip(1).filter(|line| line.starts_with("BBB,")).count(), 1, "{late}");
    assert_eq!(late.lines().count(), 2);
    let sizes = &summary["bars"]["sizes"];
    assert_eq!([&sizes[0]["windows"], &sizes[0]["outputs"], &sizes[1]["windows"]], [1, 2, 0]);
}

#[test]
fn without_bars_there_is_neither_a_file_nor_a_size() {
    let dir = scratch();
    let input = session(&dir);
    let out = dir.path().join("out");
    let run = tapewatch(&["replay", arg(&input), "--json", "--out", arg(&out)]).ended_with(0);
    assert_eq!(run.json()["bars"], json!({"lateness_ns": 0, "sizes": []}));
    assert!(!out.join("bars.csv").exists() && !out.join("late_windows.csv").exists());
}

#[test]
fn the_sizes_of_arguments_stand_in_place_of_those_configured() {
    let dir = scratch();
    let input = session(&dir);
    let sizes = |more: &[&str]| {
        let mut args = vec!["replay", arg(&input), "--json"];
        args.extend(more);
        let summary = tapewatch(&args).ended_with(0).json();
        let sizes = summary["bars"]["sizes"].as_array().unwrap().iter();
        sizes.map(|size| size["size_ns"].as_u64().unwrap() / MS).collect::<Vec<_>>()
    };
    let set = ["--set", "bars.sizes=[\"1m\", \"250ms\"]"];
    assert_eq!(sizes(&set), [250, 60_000]);
    assert_eq!(sizes(&[&set[..], &["--bar", "1s", "--bar", "1s"]].concat()), [1_000]);
    for wrong in ["1", "0s", "1500ns", "-1s", "99999d"] {
        let bar = format!("--bar={wrong}");
        let run = tapewatch(&["replay", arg(&input), &bar]).ended_with(2);
        assert!(run.stderr.contains("from 1us to 36525d, in whole microseconds"), "{run:#?}");
    }
}

#[test]
fn people_see_how_many_windows_there_were() {
    let dir = scratch();
    let mut args = vec!["replay"];
    let input = session(&dir);
    args.push(arg(&input));
    args.extend(SETTINGS);
    let run = tapewatch(&args).ended_with(0);
    let line = run.stdout.lines().find(|line| line.starts_with("bars "));
    assert_eq!(line, Some("bars         1s 5  1m 2  late 1  dropped 1  corrected 2"), "{run:#?}");
}

#[test]
fn damaged_input_ends_all_windows_too() {
    let dir = scratch();
    let mut bytes = std::fs::read(session(&dir)).unwrap();
    bytes.extend([0, 30, b'P']);
    let input = file(&dir, "torn", &bytes);
    let out = dir.path().join("out");
    let mut args = vec!["replay", arg(&input), "--out", arg(&out)];
    args.extend(SETTINGS);
    tapewatch(&args).ended_with(1);
    assert_eq!(text(&out.join("bars.csv")), expected());
}

#[test]
fn a_recorded_session_has_its_bars_and_other_ones_are_not_comparable() {
    let dir = scratch();
    let input = session(&dir);
    let (recorded, out) = (dir.path().join("recorded"), dir.path().join("out"));
    let mut args = vec!["replay", arg(&input), "--session", arg(&recorded)];
    args.extend(SETTINGS);
    tapewatch(&args).ended_with(0);
    assert_eq!(text(&recorded.join("report/bars.csv")), expected());
    let again = |more: &[&str]| {
        let mut args = vec!["replay", arg(&recorded), "--json", "--out", arg(&out)];
        args.extend(more);
        tapewatch(&args).ended_with(0).json()["hash_check"].clone()
    };
    for more in [&[][..], &["--topology", "pipelined", "--shards", "2"]] {
        let check = again(more);
        assert_eq!(text(&out.join("bars.csv")), expected());
        assert_eq!(check, json!({"equal": 4, "mismatch": null, "not_comparable": null}));
    }
    for more in [&["--bar", "1s"][..], &["--set", "bars.sizes=[]"], &["--set", "bars.lateness=0s"]]
    {
        let check = again(more);
        assert_eq!((&check["equal"], &check["mismatch"]), (&json!(3), &json!(null)));
        let why = check["not_comparable"].as_str().unwrap();
        assert!(why.starts_with("windows: "), "{why}");
    }
}
