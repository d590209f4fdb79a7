#![no_main]
//! Any bytes as parts of an image, and images of scripted engines with any bytes of them changed.
//!
//! Restoring ends without a panic. An image that was not changed gives the engine that wrote it: it
//! goes on to the same state. What is restored of any other has sound books, writes an image that is
//! restored to the same again, and takes every message.

use std::collections::BTreeMap;

use engine::book::books::Limits;
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stages::Stages;
use engine::shard::Shard;
use engine::state::image::{Part, restore, restore_book, write};
use engine::state::{StateHash, section_sums};
use engine::units::{FeedId, Nanos, Sequence, SymbolId};
use engine::window::bars::BarSettings;
use engine::window::tick::Span;
use feed_handlers::itch50::Encoder;
use feed_handlers::itch50::decode::Itch50Decoder;
use fuzzing::steps;
use libfuzzer_sys::fuzz_target;

const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);
const LIMITS: Limits =
    Limits { orders_max: 1 << 12, levels_max: 1 << 10, symbols_max: 1 << 6, prints_max: 1 << 12 };

/// Bytes of a change: which part, where in it, what, with what.
const CHANGE_BYTES: usize = 5;

type Image = BTreeMap<Part, Vec<u8>>;
type Engine = Inline<Itch50Decoder, ()>;

fuzz_target!(
    init: {
        // A shard that lives for some hundred messages is not worth clearing huge pages for.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    },
    |bytes: &[u8]| run(bytes)
);

fn run(bytes: &[u8]) {
    let Some((&[choice, cut], rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let (script, changes) = rest.split_at(rest.len() * usize::from(cut) / 255);
    let half = script.len() / 2 / steps::STEP_BYTES * steps::STEP_BYTES;
    let (before, after) = script.split_at(half);
    let mut engine = Inline::of(stages(choice), (), ());
    push(&mut engine, 1, before);
    let image = image_of(&engine);
    let mut changed = image.clone();
    if choice & 1 == 0 {
        changes.chunks_exact(CHANGE_BYTES).for_each(|each| change(&mut changed, each));
    } else {
        replace(&mut changed, changes);
    }
    let mut shard = Shard::new(LIMITS).expect("memory for a shard");
    if restore_book(&changed, SymbolId(1), &mut shard).is_ok() {
        assert_eq!(shard.validate(), Ok(()));
    }
    let Ok(restored) = restore(&changed, stages(choice)) else {
        assert_ne!(changed, image, "an image was refused that an engine wrote");
        return;
    };
    let mut restored = Inline::of(restored, (), ());
    assert_eq!(restored.shard().validate(), Ok(()));
    let again = image_of(&restored);
    let Ok(twice) = restore(&again, stages(choice)) else {
        panic!("an image was refused that a restored engine wrote");
    };
    assert_eq!(image_of(&Inline::of(twice, (), ())), again);
    push(&mut restored, 1 << 16, after);
    assert_eq!(restored.shard().validate(), Ok(()));
    if changed == image {
        assert_eq!(again, image);
        push(&mut engine, 1 << 16, after);
        assert_eq!(hash(&restored), hash(&engine));
    }
}

/// With and without bars.
fn stages(choice: u8) -> Stages<Itch50Decoder> {
    let sizes = [Span(1_000), Span(3_000)];
    let sizes = if choice & 2 == 0 { &sizes[..] } else { &[] };
    let bars = BarSettings::new(sizes, Span(i64::from(choice >> 4) * 1_000)).expect("settings");
    let decoder = Itch50Decoder::new(MIDNIGHT).expect("memory for a decoder");
    let sequencer = Sequencer::new(MIDNIGHT).with_hash_points(16).with_time_grid(bars.grid());
    let names = if choice & 4 == 0 { Vec::new() } else { vec![b"A".to_vec()] };
    let selection = Selection::of(names, LIMITS.symbols_max);
    let shard = Shard::new(LIMITS).expect("memory for a shard");
    let shard = shard.with_bars(&bars).expect("memory for bars");
    Stages::new(decoder, sequencer, selection, vec![shard])
}

fn push(engine: &mut Engine, first: u64, script: &[u8]) {
    let mut encoder = Encoder::new();
    steps::write(script, &mut encoder);
    let messages = encoder.bytes();
    // A second start of day ends it, which is no fault.
    let _ = engine.push(&Packet {
        feed: FeedId(0),
        sequence: Sequence(first),
        recv: MIDNIGHT,
        messages,
    });
}

fn image_of(engine: &Engine) -> Image {
    let mut image = Image::new();
    let Ok(()) = write(engine, &mut image);
    image
}

fn hash(engine: &Engine) -> StateHash {
    StateHash::of(&section_sums(engine.shard(), engine.sequencer().feed_time(), true))
}

/// Turns bits of a part, cuts it, takes bytes in or drops it.
fn change(image: &mut Image, change: &[u8]) {
    let &[part, low, high, what, with] = change else { return };
    let count = image.len().max(1);
    let Some(part) = image.keys().nth(usize::from(part) % count).copied() else { return };
    let Some(bytes) = image.get_mut(&part) else { return };
    let at = usize::from(u16::from_le_bytes([low, high])) % (bytes.len() + 1);
    match what % 8 {
        0 => {
            image.remove(&part);
        }
        1 => bytes.truncate(at),
        2 => bytes.insert(at, with),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= with;
            }
        }
    }
}

/// Puts bytes in the place of parts: which one, how many, the bytes.
fn replace(image: &mut Image, mut bytes: &[u8]) {
    while let Some((&[part, len], rest)) = bytes.split_first_chunk::<2>() {
        let (with, rest) = rest.split_at(rest.len().min(usize::from(len) * 8));
        let count = image.len().max(1);
        if let Some(part) = image.keys().nth(usize::from(part) % count).copied() {
            image.insert(part, with.to_vec());
        }
        bytes = rest;
    }
}
