//! The job over CSV.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Expected, lines_of, outcome, run};

const MS: i64 = 1_000_000;

/// Numbers that look random: a linear congruential generator (Knuth's MMIX), upper bits.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// A trade.
type Trade = (&'static str, i64, i64, u64);

/// Trades over six seconds around the epoch, most nearly in order, some far behind.
fn trades(count: i64) -> Vec<Trade> {
    let mut state = 7;
    let mut random = |below: u64| (random(&mut state) % below) as i64;
    (0..count)
        .map(|number| {
            let symbol = ["MSFT", "AAPL", "BRK.B", "A", "LONGERSYMBOL"][random(5) as usize];
            let behind = if random(40) == 0 { random(1_500_000_000) } else { random(3_000_000) };
            let time = -2_000 * MS + number * 6_000 * MS / count - behind;
            let price = random(2_000_000_000_000) - 1_000_000_000;
            (
                symbol,
                time,
                price - price % [1, 10_000_000, 100_000][random(3) as usize],
                random(5_000) as u64,
            )
        })
        .collect()
}

fn file_of(trades: &[Trade]) -> String {
    let mut text = String::from("symbol,time,price,quantity\n");
    for (symbol, time, price, quantity) in trades {
        let price = engine::units::Price(*price);
        writeln!(text, "{symbol},{time},{price},{quantity}").unwrap();
    }
    text
}

/// Puts every trade into its windows, at a watermark that follows the trades before it; and how many
/// were late.
fn directly(
    trades: &[Trade],
    (size, slide): (i64, i64),
    lateness: i64,
    bound: i64,
) -> (Expected, u64) {
    let (mut expected, mut late, mut watermark) = (Expected::default(), 0, i64::MIN);
    for &trade in trades {
        let is_open = |end: i64| end - 1 + lateness > watermark;
        late += u64::from(!expected.add(trade, (size, slide), is_open));
        watermark = watermark.max(trade.1 - bound - 1);
    }
    (expected, late)
}

#[test]
fn windows_over_csv_are_those_computed_directly_late_trades_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trades.csv");
    let trades = trades(20_000);
    fs::write(&file, file_of(&trades)).unwrap();
    for (size_ms, slide_ms, bound_ms) in
        [(1_000, 1_000, 3), (1_000, 1_000, 0), (100, 100, 1), (1_000, 300, 3), (100, 250, 3)]
    {
        let (size, slide) = (format!("{size_ms}ms"), format!("{slide_ms}ms"));
        let bound = format!("{bound_ms}ms");
        let mut arguments = vec!["--window", &size, "--out-of-orderness", &bound];
        if size != slide {
            arguments.extend(["--slide", &slide]);
        }
        let windows = (size_ms * MS, slide_ms * MS);
        let (expected, _) = directly(&trades, windows, 0, bound_ms * MS);
        let (results, told) = outcome(&file, &arguments);
        assert_eq!(lines_of(&results), expected.lines(), "{arguments:?}");
        if size_ms >= slide_ms {
            let (_, late) = directly(&trades, windows, 0, bound_ms * MS);
            assert!(late > 100, "{late}");
            let counts = format!("20000 rows, 0 bad, 0 refused, {late} late dropped, ");
            assert!(told.starts_with(&counts), "{told}");
        }
        assert!(told.contains(&format!(", {} windows, ", expected.lines().len())), "{told}");
    }
}

#[test]
fn within_the_lateness_the_last_line_of_a_window_has_its_late_trades() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trades.csv");
    let trades = trades(20_000);
    fs::write(&file, file_of(&trades)).unwrap();
    let (expected, late) = directly(&trades, (500 * MS, 500 * MS), 400 * MS, 0);
    let (results, told) = outcome(&file, &["--window", "500ms", "--lateness", "400ms"]);
    let lines = lines_of(&results);
    let mut last = BTreeMap::new();
    for line in &lines {
        let window: Vec<&str> = line.split(',').take(3).collect();
        let end: i64 = window[2].parse().unwrap();
        last.insert((end, window[0].to_owned()), line.clone());
    }
    assert_eq!(last.into_values().collect::<Vec<_>>(), expected.lines());
    assert!(lines.len() > expected.lines().len() + 50, "no late trades within the lateness");
    assert!(late > 0 && told.contains(&format!(" {late} late dropped")), "{told}");
}

#[test]
fn results_by_hand_are_exact_and_ordered_by_closing_then_symbol() {
    // Z comes first, and A's first window closes last, at the end of input. Means: (1 + 2 + 2) / 3,
    // (-0.000000001 + 0) / 2, which is half of the last decimal.
    let text = "Z,1970-01-01T00:00:00Z,1,1\n\
        A,10,2,5\nZ,20,2,18446744073709551615\nZ,999999999,2.0,1\n\
        \"B,1\",1970-01-01T01:00:01+01:00,-0.000000001,1\n\"B,1\",1999999999,0,1\n\
        A,500,7,7\nA,2000000000,3,3";
    let directory = tempfile::tempdir().unwrap();
    let (file, out) = (directory.path().join("trades"), directory.path().join("means.csv"));
    fs::write(&file, text).unwrap();
    let expected = "symbol,window_start_ns,window_end_ns,trades,avg_price,total_quantity\n\
        A,0,1000000000,1,2.000000000,5\n\
        Z,0,1000000000,3,1.666666667,18446744073709551617\n\
        \"B,1\",1000000000,2000000000,2,-0.000000001,2\n\
        A,2000000000,3000000000,1,3.000000000,3\n";
    let (results, told) = outcome(&file, &["--window", "1s", "--out", out.to_str().unwrap()]);
    assert_eq!((results.as_str(), fs::read_to_string(&out).unwrap().as_str()), ("", expected));
    assert!(told.starts_with("8 rows, 0 bad, 0 refused, 1 late dropped, 4 windows, "), "{told}");

    // The same from standard input.
    let mut program = Command::new(env!("CARGO_BIN_EXE_windowed_means"));
    program.args(["-", "--window", "1000ms"]).stdin(Stdio::piped());
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn bad_lines_are_set_aside_with_their_numbers_and_counted_by_cause() {
    let text = "symbol,time,price,quantity\n\
        A,0,1,1\n\
        A,0,12.3x,1\n\
        \n\
        \"A,0,1,1\r\n\
        A,1,3,1\n\
        A,0,1,-4\n\
        A,0,x,1";
    let directory = tempfile::tempdir().unwrap();
    let (file, rejects) = (directory.path().join("trades.csv"), directory.path().join("rejects"));
    fs::write(&file, text).unwrap();
    let arguments = ["--window", "1s", "--rejects", rejects.to_str().unwrap()];
    let (results, told) = outcome(&file, &arguments);
    assert_eq!(lines_of(&results), ["A,0,1000000000,2,2.000000000,2"]);
    let counts =
        "6 rows, 4 bad (open_quote 1, not_a_decimal 2, quantity_negative 1), 0 refused, 0 late";
    assert!(told.starts_with(counts), "{told}");
    assert_eq!(
        fs::read_to_string(rejects).unwrap(),
        "3,\"price: not a decimal number\",A,0,12.3x,1\n\
         5,\"symbol: a quote that is not closed\",\"A,0,1,1\n\
         7,\"quantity: negative\",A,0,1,-4\n\
         8,\"price: not a decimal number\",A,0,x,1\n"
    );
}

#[test]
fn wrong_arguments_and_files_are_told_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trades.csv");
    fs::write(&file, "A,0,1,1\n").unwrap();
    let missing = directory.path().join("missing");
    for (file, arguments) in [
        (&missing, &["--window", "1s"][..]),
        (&file, &["--window", "0s"]),
        (&file, &["--window", "1s", "--slide", "0ns"]),
        (&file, &["--window", "1s", "--out", "/no/such/directory/means.csv"]),
    ] {
        let output = run(file, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.starts_with("windowed_means: "), "{told}");
    }
    for arguments in [&[][..], &["--window", "1"], &["--window", "s"], &["--window", "300000h1s"]] {
        let output = run(&file, arguments);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
    }
}
