#![forbid(unsafe_code)]
//! The example run as a program, on a session worked by hand.

use std::process::Command;

use engine::units::{MatchNumber, OrderRef, Side};
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Price4, Stock};

/// Messages of two symbols; `BBB` comes first by locate, `AAA` by name.
fn session() -> Vec<u8> {
    let mut encoder = Encoder::new();
    let header = |locate| Header { locate, tracking: 0, time_of_day_ns: 1 };
    let [bbb, aaa] = ["BBB", "AAA"].map(|name| Stock::new(name).unwrap());
    for (locate, stock) in [(1, bbb), (2, aaa)] {
        encoder.stock_directory(header(locate), &DirectoryEntry::common_stock(stock));
    }
    let add = |encoder: &mut Encoder, locate, order, side, shares, price| {
        let stock = if locate == 1 { bbb } else { aaa };
        let order = OrderRef(order);
        encoder.add_order(header(locate), order, side, shares, stock, Price4(price), None);
    };
    // AAA: 300 bid, 100 offered: (300 − 100) / 400 = 5000 bps.
    add(&mut encoder, 2, 1, Side::Buy, 300, 100_000);
    add(&mut encoder, 2, 2, Side::Sell, 100, 100_200);
    // Deeper orders are not at the best price.
    add(&mut encoder, 2, 3, Side::Sell, 900, 100_300);
    // A buyer comes after 5000 bps, as foretold; 300 to 50 left: 250 / 350 = 7142 bps, cut.
    encoder.order_executed(header(2), OrderRef(2), 50, MatchNumber(1));
    // A seller comes after 7142, not foretold; 60 to 50 left: 10 / 110 = 909.
    encoder.order_executed(header(2), OrderRef(1), 240, MatchNumber(2));
    // A buyer after 909 takes the rest: now 60 to 900.
    encoder.order_executed(header(2), OrderRef(2), 50, MatchNumber(3));
    // −840 / 960 = −8750: a seller, as foretold. No bid is left.
    encoder.order_executed(header(2), OrderRef(1), 60, MatchNumber(4));
    // Without a bid there is no imbalance: this print is not counted.
    encoder.order_executed(header(2), OrderRef(3), 1, MatchNumber(5));
    // BBB: nothing but a hidden print, whose aggressor is unknown, and one at 0 bps.
    encoder.trade(header(1), OrderRef(0), Side::Buy, 5, bbb, Price4(9), MatchNumber(6));
    add(&mut encoder, 1, 11, Side::Buy, 7, 10);
    add(&mut encoder, 1, 12, Side::Sell, 7, 11);
    encoder.order_executed(header(1), OrderRef(12), 7, MatchNumber(7));
    encoder.finish();
    encoder.into_bytes()
}

/// AAA: buys after 5000 and 909, mean 2954 (cut); sells after 7142 and −8750, mean −804; three of
/// four foretold. BBB: one buy after 0, which foretells nothing.
const EXPECTED: &str = "\
symbol       buys before bps    sells before bps    foretold
AAA             2       2954        2       -804        75 %
BBB             1          0        0          -         0 %
";

#[test]
fn the_table_is_that_worked_by_hand_in_every_topology() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("day.itch");
    std::fs::write(&file, session()).unwrap();
    for more in [&[][..], &["--shards", "1"], &["--shards", "3"]] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_queue_imbalance"));
        let output = program.arg(&file).args(more).output().unwrap();
        assert!(output.status.success(), "{more:?}: {output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), EXPECTED, "{more:?}");
    }
}

#[test]
fn wrong_arguments_and_files_are_told() {
    for arguments in [&[][..], &["a", "--shards"], &["/no/such/file"], &["a", "--shards", "x"]] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_queue_imbalance"));
        let output = program.args(arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}
