#![no_main]
//! Messages of few orders and prices, shown to detectors under parameters that the input changes.
//!
//! Nothing of it panics. The same messages come to the same state and alerts, however they are packed. An
//! engine that goes on from an image comes to them, too.

use std::collections::BTreeMap;

use engine::book::books::Limits;
use engine::detect::{Alert, Settings};
use engine::market::{Cause, HashPoint, MarketListener};
use engine::packet::Packet;
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stages::Stages;
use engine::shard::Shard;
use engine::signal::Signal;
use engine::state::image::{Part, restore, write};
use engine::state::{StateHash, section_sums};
use engine::units::{FeedId, Nanos, Sequence};
use feed_handlers::itch50::Encoder;
use feed_handlers::itch50::decode::Itch50Decoder;
use fuzzing::steps;
use libfuzzer_sys::fuzz_target;
use tapewatch_tests::detectors::{CHANGE_BYTES, change, detecting, sensitive};

const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);
const LIMITS: Limits =
    Limits { orders_max: 1 << 12, levels_max: 1 << 10, symbols_max: 1 << 6, prints_max: 1 << 12 };

type Image = BTreeMap<Part, Vec<u8>>;
type Engine = Inline<Itch50Decoder, (), Heard>;

/// The alerts, as they were told. As text, since a figure that is no number is not equal to itself.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard(Vec<String>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_alert(&mut self, cause: &Cause, alert: &Alert, name: &[u8]) {
        assert!(alert.first <= alert.last, "{alert:?}");
        self.0.push(format!("{cause:?} {alert:?} {name:?}"));
    }
}

fuzz_target!(
    init: {
        // A shard that lives for some hundred messages is not worth clearing huge pages for.
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    },
    |bytes: &[u8]| run(bytes)
);

fn run(bytes: &[u8]) {
    let Some((&[choice, changes, cut], rest)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let changes = (usize::from(changes) * CHANGE_BYTES).min(rest.len());
    let (changes, script) = rest.split_at(changes);
    let mut settings = if choice & 0x10 == 0 { Settings::default() } else { sensitive() };
    change(&mut settings, changes);

    // From a nanosecond to 10 s at a time.
    let unit_ns = 10_i64.pow(u32::from(choice & 0x0f) % 9);
    let mut encoder = Encoder::new();
    steps::write_day(script, unit_ns, &mut encoder);
    let messages = encoder.bytes();

    let mut whole = engine(&settings);
    push(&mut whole, 1, messages);
    let mut in_two = engine(&settings);
    let (before, after) = messages.split_at(place_of(messages, cut));
    let first = 1 + push(&mut in_two, 1, before);
    let told = in_two.market().listener().0.len();
    let image = image_of(&in_two);
    let Ok(restored) = restore(&image, stages(&settings)) else {
        panic!("an image was refused that an engine wrote");
    };
    let mut restored = Inline::of(restored, (), Heard::default());
    assert_eq!(image_of(&restored), image);
    push(&mut in_two, first, after);
    push(&mut restored, first, after);

    let [whole, in_two, restored] = [whole, in_two, restored].map(ended);
    assert_eq!(whole, in_two, "packed otherwise");
    assert_eq!(whole.0, restored.0, "gone on from an image");
    assert_eq!(whole.1.0.get(told..), Some(&restored.1.0[..]), "gone on from an image");
}

fn stages(settings: &Settings) -> Stages<Itch50Decoder> {
    let decoder = Itch50Decoder::new(MIDNIGHT).expect("memory for a decoder");
    let sequencer = Sequencer::new(MIDNIGHT);
    let shard = Shard::new(LIMITS).expect("memory for a shard");
    Stages::new(decoder, sequencer, Selection::all(), vec![detecting(shard, settings)])
}

fn engine(settings: &Settings) -> Engine {
    Inline::of(stages(settings), (), Heard::default())
}

/// Where the message begins that stands behind `cut` of 255 parts.
fn place_of(messages: &[u8], cut: u8) -> usize {
    let aim = messages.len() * usize::from(cut) / 255;
    let mut at = 0;
    while at < aim
        && let Some([high, low]) = messages.get(at..at + 2)
    {
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    at.min(messages.len())
}

/// Gives an engine messages; how many they are.
fn push(engine: &mut Engine, first: u64, messages: &[u8]) -> u64 {
    let sequence = Sequence(first);
    let packet = Packet { feed: FeedId(0), sequence, recv: MIDNIGHT, messages };
    engine.push(&packet).expect("no second start of day");
    packet.iter().count() as u64
}

fn image_of(engine: &Engine) -> Image {
    let mut image = Image::new();
    let Ok(()) = write(engine, &mut image);
    image
}

/// The state, and all that was told, the end of input included.
fn ended(engine: Engine) -> (StateHash, Heard) {
    let InlineParts { sequencer, mut shard, mut market, .. } = engine.into_parts();
    assert_eq!(shard.validate(), Ok(()));
    let hash = StateHash::of(&section_sums(&shard, sequencer.feed_time(), true));
    shard.end_of_input(sequencer.position(), sequencer.feed_time());
    let mut signals: Vec<Signal> = shard.outbox().signals().to_vec();
    signals.sort_by_key(Signal::key);
    signals.iter().for_each(|signal| market.take(signal));
    market.end_of_input(sequencer.position(), sequencer.feed_time());
    (hash, std::mem::take(market.listener_mut()))
}
