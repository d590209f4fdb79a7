//! A simulated day as programs of others read it: `itch5` each message, `tshark` each packet of its
//! capture.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};

use engine::units::Nanos;
use exchange::Settings;
use exchange::capture::{CaptureOptions, CaptureWriter};
use exchange::settings::FULL_DAY_NS;
use feed_handlers::moldudp64::SessionId;
use tapewatch_tests::engines::run_inline;
use tapewatch_tests::simulated;
use tapewatch_tests::{capture, itch5_reader, tshark};

/// Twenty securities from start of messages to end of messages.
fn settings(messages: u64) -> Settings {
    Settings { seed: 1, symbols: 20, messages, continuous_ns: FULL_DAY_NS }
}

/// Messages of each type as our decoder counts them.
fn counted_by_our_decoder(session: &[u8]) -> BTreeMap<char, u64> {
    let engine = run_inline(session, 1, ());
    let counts = engine.decoder().counts();
    assert_eq!((counts.unknown_type, counts.bad_length, counts.symbol_conflict), (0, 0, 0));
    let types = (0..=u8::MAX).zip(counts.by_type.iter()).filter(|&(_, &count)| count > 0);
    types.map(|(byte, &count)| (char::from(byte), count)).collect()
}

#[test]
fn itch5_reads_every_message_as_we_do_and_all_types_but_two_occur() {
    let day = simulated::day(&settings(200_000)).unwrap();
    let counts = itch5_reader::assert_agrees(&day.bytes);
    assert_eq!(counts.values().sum::<u64>(), 200_000);
    assert_eq!(counts, counted_by_our_decoder(&day.bytes));
    let types: String = counts.keys().filter(|kind| **kind != 'K').collect();
    // All of ITCH 5.0 but a breached circuit breaker and a direct listing; an IPO may be missing.
    assert_eq!(types, "ABCDEFHIJLNPQRSUVXYh");
}

#[test]
fn tshark_reads_every_message_of_a_day_captured_on_two_lines() {
    if !tshark::is_there() {
        return;
    }
    let day = simulated::day(&settings(50_000)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("day.pcap");
    // Midnight in New York on 2025-06-02.
    let midnight = Nanos(1_748_836_800 * Nanos::SECOND);
    let options = CaptureOptions { session: SessionId(*b"SIM0000001"), midnight, seed: 3 };
    let file = BufWriter::new(File::create(&path).unwrap());
    let mut writer = CaptureWriter::new(file, options).unwrap();
    writer.append(&day.bytes).unwrap();
    let (mut file, written) = writer.finish().unwrap();
    file.flush().unwrap();
    let dissected = tshark::dissect(&path).unwrap();
    assert_eq!((dissected.malformed, dissected.conflicting), (0, 0));
    assert_eq!((dissected.frames, written.messages), (written.packets, 50_000));
    let mut counts = BTreeMap::new();
    for block in dissected.messages.values() {
        *counts.entry(char::from(block[0])).or_default() += 1;
    }
    assert_eq!(counts, counted_by_our_decoder(&day.bytes));
    let read = dissected.messages.values().map(Vec::as_slice);
    assert!(read.eq(capture::messages(&day.bytes).map(Result::unwrap)), "bytes differ");
    assert!(dissected.messages.keys().copied().eq(1..=50_000));
}
