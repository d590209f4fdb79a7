//! `replay --metrics`: the file as a whole, and figures of the recorded stretch that were worked out by
//! another program from its bytes.

use crate::support::{Csv, Feed, arg, file, scratch, shared, tapewatch, text};

#[test]
fn figures_of_the_recorded_stretch_are_those_of_another_program() {
    let Some(input) = shared("itch50/aapl_20191230_0935_std.itch50") else { return };
    let dir = scratch();
    let out = dir.path().join("out");
    tapewatch(&["replay", arg(&input), "--out", arg(&out), "--metrics"]).ended_with(0);
    let csv = Csv::read(&out.join("metrics.csv"));
    let row = csv.row_of("AAPL");
    for (column, expected) in [
        ("messages", "49947"),
        ("quote_changes", "16583"),
        ("order_flow_imbalance_shares", "-77033"),
        ("aggressor_buy_shares", "41311"),
        ("aggressor_sell_shares", "96745"),
        ("aggressor_imbalance", "-0.401532711"),
        ("odd_lots", "1166"),
        ("odd_lot_share", "0.611431568"),
        ("hidden_share", "0.133004679"),
        ("orders_entered", "23185"),
        ("orders_left", "22846"),
        ("orders_filled", "1054"),
        ("lifetime_mean_ns", "2441255135"),
        ("first_fill_mean_ns", "6555091357"),
        ("mid", "286.7"),
        ("noii_side", ""),
        ("open_cross", ""),
    ] {
        assert_eq!(csv.field(row, column), expected, "{column}");
    }
    // The median is 164,514,458 ns: between 2^27 and 2^28.
    let median: u64 = csv.field(row, "lifetime_p50_ns").parse().unwrap();
    assert!((1 << 27..1 << 28).contains(&median), "{median}");
}

#[test]
fn the_file_is_the_same_in_every_topology() {
    let dir = scratch();
    let input = file(&dir, "session", &Feed::adds(500));
    let written = [&["--topology", "inline"][..], &["--shards", "2"]].map(|topology| {
        let out = dir.path().join(topology[1]);
        let args = ["replay", arg(&input), "--out", arg(&out), "--metrics"];
        tapewatch(&[&args[..], topology].concat()).ended_with(0);
        text(&out.join("metrics.csv"))
    });
    assert_eq!(written[0], written[1]);
    assert_eq!(written[0].lines().count(), 2);
}

#[test]
fn without_a_directory_there_is_nowhere_to_write() {
    let dir = scratch();
    let input = file(&dir, "session", &Feed::adds(1));
    tapewatch(&["replay", arg(&input), "--metrics"]).ended_with(2).says(&["--metrics", "--out"]);
}
