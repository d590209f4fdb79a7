//! The same input comes to the same state, digests and outputs, whatever the topology, the shards, the
//! pace, the packets and the compression, and from the journal too.

use std::path::Path;

use tapewatch_tests::capture::DATE;
use tapewatch_tests::same_state::{Comparison, Input, Layout, Row, Way};
use tapewatch_tests::session::RandomSession;

use crate::recording::Place;
use crate::support::shared;

/// Small segments, and many hash points.
const SETTINGS: [&str; 6] = [
    "--set",
    "hashes.every_sequences=1024",
    "--set",
    "journal.segment_bytes=1048576",
    "--set",
    "journal.memory_bytes_max=4194304",
];

fn comparison(directory: &Path, more: &[&str], of_files: &[&str]) -> Comparison {
    let more: Vec<&str> = SETTINGS.iter().chain(more).copied().collect();
    Comparison::new(Path::new(env!("CARGO_BIN_EXE_tapewatch")), directory, &more, of_files)
}

/// Runs every way in every layout.
#[track_caller]
fn all_equal(comparison: &mut Comparison, ways: &[Way]) -> Row {
    let mut rows = Vec::new();
    for way in ways {
        for layout in Layout::ALL {
            rows.push(comparison.run(way, layout).unwrap());
        }
    }
    let first = rows[0].clone();
    for row in rows {
        assert_eq!(row.differs, [""; 0], "{row:#?}\n{first:#?}");
        assert_eq!(row.messages, first.messages, "{row:#?}");
    }
    first
}

#[test]
fn a_session_comes_to_one_state_however_it_arrives_and_is_worked_on() {
    let place = Place::new();
    let dir = place.disk();
    let session = RandomSession::new(3, 40, 20_000);
    let ways = Way::all(session.bytes(), dir).unwrap();
    let first = all_equal(&mut comparison(dir, &[], &["--date", DATE]), &ways);
    assert_eq!(first.messages, 20_000);
}

#[test]
fn a_few_symbols_come_to_one_state_of_their_own() {
    let place = Place::new();
    let dir = place.disk();
    let session = RandomSession::new(4, 40, 6_000);
    let ways = Way::all(session.bytes(), dir).unwrap();
    let whole = comparison(dir, &[], &["--date", DATE]).run(&ways[0], Layout::Inline);
    std::fs::remove_dir_all(dir.join("first")).unwrap();
    let few = ["--symbols", "AC,AF,BH"];
    let first = all_equal(&mut comparison(dir, &few, &["--date", DATE]), &ways);
    assert_ne!(first.state_hash, whole.unwrap().state_hash);
}

#[test]
fn exchange_data_comes_to_one_state() {
    for name in ["aapl_20191230_0935_std.itch50", "nasdaq_20191230_0930_1000.itch50"] {
        let Some(file) = shared(&format!("itch50/{name}")) else {
            return;
        };
        let place = Place::new();
        let dir = place.disk();
        let ways = Way::all(&std::fs::read(file).unwrap(), dir).unwrap();
        all_equal(&mut comparison(dir, &[], &["--date", DATE]), &ways);
    }
}

#[test]
fn exchange_captures_and_another_framing_come_to_one_state() {
    let files = [
        ("moldudp64/Multiple.Packets.pcap", &[][..]),
        ("itch50/synthetic_12012_zero_prefix.bin", &["--format", "itch-zero-prefix"]),
    ];
    for (name, of_files) in files {
        let Some(file) = shared(name) else {
            return;
        };
        let place = Place::new();
        let dir = place.disk();
        let ways = [
            Way { name, input: Input::Files(vec![file.clone()]) },
            Way { name: "paced", input: Input::Paced(file) },
            Way { name: "journal", input: Input::Journal },
        ];
        all_equal(&mut comparison(dir, &[], of_files), &ways);
    }
}
