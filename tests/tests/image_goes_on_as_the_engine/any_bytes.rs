//! Detectors go on from any bytes: an image may come from anywhere, and whatever is left of a symbol in a
//! record, no message after it may stop the engine.
//!
//! Records and open alerts of random words, under parameters of any size, are read back as they are, and
//! are shown the rest of a feed, a long silence and the end of input.

use engine::book::books::Limits;
use engine::detect::Detectors;
use engine::state::image::{Part, PartKind, restore};
use engine::units::SymbolId;
use engine::window::bars::BarSettings;
use feed_handlers::itch50::{Encoder, Header};
use tapewatch_tests::detectors::{self, CHANGE_BYTES};
use tapewatch_tests::random::Random;

use crate::engines::{Ended, Engine, Heard, Image, Settings, Told, ended, image_of, inline, push};
use crate::feed::{LOCATES, Step, feed};

/// Words of a record.
const WORDS: usize = Detectors::RECORD_BYTES / 8;

/// Words of an open alert.
const EPISODE_WORDS: usize = 10;

/// Places of detectors whose alerts may be open.
const PLACES: u32 = 48;

/// Where the first and the last part of what every message touches stand in a record: when the second ends
/// is never 0, and a symbol whose time is at the end of time sees no more seconds.
const ACTIVITY: std::ops::Range<usize> = 0..24;

/// 09:30 of the feed's day, UTC epoch ns.
const OPEN_NS: u64 = 1_577_682_000_000_000_000 + 34_200_000_000_000;

fn word(random: &mut Random) -> u64 {
    match random.below(12) {
        0 | 1 => 0,
        2 => random.next_u64(),
        3 => random.below(20),
        4 => u64::MAX - random.below(20),
        5 => i64::MAX as u64 - random.below(2) * 3,
        6 => i64::MIN as u64 + random.below(2) * 3,
        7 => {
            let doubles = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, 5e-324, 1.0];
            random.pick(&doubles).to_bits()
        }
        8 => (random.below(1 << 20) as f64 / 64.0).to_bits(),
        9 => OPEN_NS + random.below(20_000_000_000),
        10 => random.below(1 << 32) << 32 | random.below(1 << 32),
        // Small counters side by side.
        _ => random.next_u64() & 0x0003_0003_0003_0003,
    }
}

/// The words of the record that a part begins with; bytes behind it are its open alerts.
fn record(part: &[u8]) -> Vec<u64> {
    let mut words = part[1..].chunks_exact(8).map(|word| {
        let word: [u8; 8] = word.try_into().expect("eight bytes");
        u64::from_le_bytes(word)
    });
    let mut record = Vec::with_capacity(WORDS);
    while record.len() < WORDS {
        let bitmap = words.next().expect("a bitmap");
        for at in 0..64.min(WORDS - record.len()) {
            record.push(if bitmap >> at & 1 == 1 { words.next().expect("a word") } else { 0 });
        }
    }
    record
}

/// A symbol's part of such a record and such alerts, and the messages with which the last ones opened.
fn part(record: &[u64], open: u64, episodes: &[u64], named: u64, opened: &[u64]) -> Vec<u8> {
    let mut words = Vec::new();
    for block in record.chunks(64) {
        let set = |bitmap: u64, (at, word): (usize, &u64)| bitmap | u64::from(*word != 0) << at;
        words.push(block.iter().enumerate().fold(0, set));
        words.extend(block.iter().filter(|word| **word != 0));
    }
    words.push(open);
    words.extend(episodes);
    words.push(named);
    words.extend(opened);
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    std::iter::once(1).chain(bytes).collect()
}

/// The image with other records and other open alerts; how many of the words are others follows from the turn.
fn altered(image: &Image, random: &mut Random, turn: u64) -> Image {
    let mut image = image.clone();
    for locate in LOCATES {
        let of = Part { kind: PartKind::Detectors, symbol: SymbolId(u32::from(locate)) };
        let Some(bytes) = image.get_mut(&of).filter(|bytes| bytes[0] == 1) else { continue };
        let mut record = record(bytes);
        let is_activity_kept = !turn.is_multiple_of(4);
        for (at, place) in record.iter_mut().enumerate() {
            let is_kept = is_activity_kept && ACTIVITY.contains(&at) || random.below(4) < turn % 3;
            if !is_kept {
                *place = word(random);
            }
        }
        // When its second ends: never 0 once something was shown.
        record[2] = record[2].max(1);
        let open = random.next_u64() & random.next_u64() & ((1 << PLACES) - 1);
        let count = open.count_ones() as usize * EPISODE_WORDS;
        let episodes: Vec<u64> = (0..count).map(|_| word(random)).collect();
        let named = random.next_u64() & random.next_u64() & ((1 << PLACES) - 1);
        // 0 is none, and would not be named.
        let opened: Vec<u64> = (0..named.count_ones()).map(|_| word(random).max(1)).collect();
        *bytes = part(&record, open, &episodes, named, &opened);
    }
    image
}

/// A long silence, and a message behind it.
fn silence(sequence: u64) -> Step {
    let mut encoder = Encoder::new();
    let time_of_day_ns = 50_000_000_000_000;
    encoder.system_event(Header { locate: 0, tracking: 0, time_of_day_ns }, b'M');
    Step::Packet { sequence, messages: encoder.into_bytes() }
}

#[test]
fn detectors_go_on_from_any_record_under_any_parameters() {
    let limits = Limits {
        orders_max: 1 << 10,
        levels_max: 1 << 8,
        symbols_max: 1 << 10,
        prints_max: 1 << 12,
    };
    let mut random = Random::new(41);
    let (mut alerts, mut closed) = (0, 0);
    for turn in 0..240 {
        let mut settings = Settings { limits, ..Settings::of(BarSettings::NONE) };
        let changes = turn as usize % 5 * 60 * CHANGE_BYTES;
        let changes: Vec<u8> = (0..changes).map(|_| random.next_u64() as u8).collect();
        detectors::change(&mut settings.detect, &changes);
        let mut steps = feed(turn % 7, 70, false);
        let rest = steps.split_off(40);
        let mut engine = inline(&settings);
        steps.iter().for_each(|step| push(&mut engine, step));
        let image = altered(&image_of(&engine), &mut random, turn);
        let fresh = settings.stages(vec![settings.shard()]);
        let stages = restore(&image, fresh).unwrap_or_else(|error| panic!("turn {turn}: {error}"));
        let mut engine = Engine::of(stages, (), Heard::default());
        // Any words are a record: they are kept as they are.
        assert!(image_of(&engine) == image, "turn {turn}: written again");
        rest.iter().for_each(|step| push(&mut engine, step));
        push(&mut engine, &silence(1 << 20));
        let again = image_of(&engine);
        let fresh = settings.stages(vec![settings.shard()]);
        let twice = restore(&again, fresh).unwrap_or_else(|error| panic!("turn {turn}: {error}"));
        assert!(image_of(&Engine::of(twice, (), Heard::default())) == again, "turn {turn}");
        let Ended { told, .. } = ended(engine);
        for told in told {
            let Told::Alert(_, alert, _) = told else { continue };
            alerts += 1;
            closed += u32::from(alert.change != engine::detect::Change::Open);
        }
    }
    assert!(alerts > 1_000 && closed > 300, "{alerts} {closed}");
}
