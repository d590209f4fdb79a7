//! Days of all sizes, read back byte by byte without the project's decoder.

mod effects;
mod reader;
mod rebuilt;
mod spliced;
mod staged;
mod watched;

use std::collections::BTreeMap;

use exchange::settings::{CONTINUOUS_NS_MIN, FULL_DAY_NS};
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;

const SECOND_NS: u64 = 1_000_000_000;

/// A day's bytes, as it writes them into a buffer that is emptied whenever `room` bytes are full.
fn day(settings: &Settings, room: usize) -> (Vec<u8>, Simulation) {
    run(Simulation::new(settings).unwrap(), room)
}

/// The same of a day that has not begun.
fn run(mut simulation: Simulation, room: usize) -> (Vec<u8>, Simulation) {
    let (mut out, mut bytes) = (Encoder::new(), Vec::new());
    while simulation.advance(&mut out) {
        if out.bytes().len() >= room {
            bytes.extend_from_slice(out.bytes());
            out.clear();
        }
    }
    bytes.extend_from_slice(out.bytes());
    (bytes, simulation)
}

/// Each message behind its length.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let (message, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        bytes = rest;
        Some(message)
    })
}

/// Time of a message (ITCH 5.0 section 1: six bytes from offset 5).
fn time_ns(message: &[u8]) -> u64 {
    message[5..11].iter().fold(0, |time, byte| time << 8 | u64::from(*byte))
}

#[test]
fn a_day_has_exactly_the_messages_asked_for_in_order_of_time_whatever_its_size() {
    for (symbols, messages_wanted, continuous_ns) in [
        (1, 1_050, CONTINUOUS_NS_MIN),
        (1, 20_000, FULL_DAY_NS),
        (3, 1_150, 60 * SECOND_NS),
        (8, 1_400, FULL_DAY_NS),
        (20, 2_000, FULL_DAY_NS),
        (20, 2_000, CONTINUOUS_NS_MIN),
        (20, 50_000, 30 * SECOND_NS),
        (400, 21_000, 3_600 * SECOND_NS),
        (5, 60_000, CONTINUOUS_NS_MIN),
    ] {
        for seed in [1, u64::MAX] {
            let settings = Settings { seed, symbols, messages: messages_wanted, continuous_ns };
            let (bytes, simulation) = day(&settings, usize::MAX);
            let times: Vec<u64> = messages(&bytes).map(time_ns).collect();
            assert_eq!(times.len() as u64, messages_wanted, "{settings:?}");
            assert_eq!(simulation.messages(), messages_wanted);
            assert!(times.is_sorted(), "{settings:?}: time goes back");
            let last = messages(&bytes).last().unwrap();
            assert_eq!((last[0], last[11]), (b'S', b'C'), "{settings:?}: no end of messages");
            assert!(times[times.len() - 1] < 24 * 3_600 * SECOND_NS);
        }
    }
}

#[test]
fn twenty_securities_and_two_hundred_thousand_messages_hold_every_type() {
    for seed in 0..20 {
        let settings =
            Settings { seed, symbols: 20, messages: 200_000, continuous_ns: FULL_DAY_NS };
        let (bytes, _) = day(&settings, usize::MAX);
        let mut counts = BTreeMap::new();
        for message in messages(&bytes) {
            *counts.entry(char::from(message[0])).or_insert(0_u64) += 1;
        }
        let types: String = counts.keys().collect();
        // All of ITCH 5.0 but W (a market-wide breach) and O (a direct listing).
        assert_eq!(types, "ABCDEFHIJKLNPQRSUVXYh", "seed {seed}: {counts:?}");
        let printable = |one: &&[u8]| one[0] == b'C' && one[31] == b'Y';
        assert!(messages(&bytes).any(|one| printable(&one)), "seed {seed}: every C is a cross's");
    }
}

#[test]
fn the_same_settings_give_the_same_bytes_however_they_are_taken() {
    let settings =
        Settings { seed: 7, symbols: 12, messages: 30_000, continuous_ns: 600 * SECOND_NS };
    let (bytes, simulation) = day(&settings, usize::MAX);
    let (streamed, again) = day(&settings, 1);
    assert!(bytes == streamed);
    assert!(simulation.truth().eq(again.truth()) && simulation.traded().eq(again.traded()));
    let (other, _) = day(&Settings { seed: 8, ..settings }, usize::MAX);
    assert!(bytes != other);
}

#[test]
fn the_day_begins_with_the_spin_and_ends_with_books_that_are_not_empty() {
    let settings =
        Settings { seed: 3, symbols: 20, messages: 40_000, continuous_ns: 300 * SECOND_NS };
    let (bytes, simulation) = day(&settings, usize::MAX);
    let types: String = messages(&bytes).map(|message| char::from(message[0])).collect();
    let spin = ["S", &"R".repeat(20), &"H".repeat(20), &"Y".repeat(20), "L"].concat();
    assert!(types.starts_with(&spin), "{}", &types[..100]);
    let events = messages(&bytes).filter(|one| one[0] == b'S').map(|one| char::from(one[11]));
    assert_eq!(events.collect::<String>(), "OSQMEC");
    assert!(simulation.truth().count() > 100);
    assert!(simulation.traded().all(|one| one.tape.trades > 0));
}

#[test]
fn a_pause_begins_at_the_band_and_ends_with_a_cross() {
    // State, collar or cross of the paused security in the order told.
    let settings = Settings { seed: 4, symbols: 20, messages: 200_000, continuous_ns: FULL_DAY_NS };
    let (bytes, _) = day(&settings, usize::MAX);
    let collar = messages(&bytes).find(|message| message[0] == b'J').unwrap();
    let of_it = messages(&bytes).filter(|message| message[1..3] == collar[1..3]);
    let told = of_it.filter_map(|message| match message[0] {
        b'H' => Some(char::from(message[19])),
        b'Q' => Some(char::from(message[39])),
        b'J' => Some('J'),
        _ => None,
    });
    let told: String = told.collect();
    // Spin, opening cross, pause, quotation, one collar or several, reopening cross, trading, …, closing
    // cross.
    let once = told.replace("JJ", "J").replace("JJ", "J");
    assert!(once.starts_with("TOPQJHT") && told.ends_with('C'), "{told}");
}
