//! Images that nobody wrote: torn, with a bit turned, without a part, of another version or
//! configuration. They are refused, or are the state of another engine that works as well as any.

use engine::book::books::Limits;
use engine::shard::Shard;
use engine::state::Section;
use engine::state::image::{self, Part, PartKind, RestoreError, restore, restore_book};
use engine::units::{Side, SymbolId};
use engine::window::bars::BarSettings;
use engine::window::tick::Span;

use crate::engines::{Engine, Heard, Image, Settings, image_of, inline, push, restored};
use crate::feed::{Step, feed};

const SECOND: Span = Span(1_000_000_000);

/// A small engine: little room, so that it is made quickly.
fn settings() -> Settings {
    let bars = BarSettings::new(&[SECOND], Span(3_000_000)).expect("settings");
    let limits = Limits {
        orders_max: 1 << 10,
        levels_max: 1 << 8,
        symbols_max: 1 << 10,
        prints_max: 1 << 12,
    };
    Settings { limits, ..Settings::of(bars) }
}

/// An image of an engine that has seen some of a feed, and the rest of the feed.
fn small(settings: &Settings) -> (Image, Vec<Step>) {
    let mut steps = feed(3, 50, true);
    let mut engine = inline(settings);
    let rest = steps.split_off(30);
    steps.iter().for_each(|step| push(&mut engine, step));
    (image_of(&engine), rest)
}

/// What to damage: what concerns no symbol, and one symbol that has everything.
fn damaged(image: &Image) -> impl Iterator<Item = (&Part, &Vec<u8>)> {
    image.iter().filter(|(part, _)| part.symbol.0 < 2)
}

fn try_restore(image: &Image, settings: &Settings) -> Result<Engine, String> {
    let fresh = settings.stages(vec![settings.shard()]);
    match restore(image, fresh) {
        Ok(stages) => Ok(Engine::of(stages, (), Heard::default())),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn every_torn_part_and_every_missing_one_is_refused_by_its_name() {
    let settings = settings();
    let (image, _) = small(&settings);
    assert!(try_restore(&image, &settings).is_ok());
    for (part, bytes) in damaged(&image) {
        let mut missing = image.clone();
        missing.remove(part);
        let error = try_restore(&missing, &settings).err().expect("a part is missing");
        assert!(!error.is_empty());
        for end in 0..bytes.len() {
            let mut torn = image.clone();
            torn.insert(*part, bytes[..end].to_vec());
            let error = try_restore(&torn, &settings).err().expect("a torn part");
            assert!(error.contains(&part.to_string()), "{part} cut at {end}: {error}");
        }
        let mut longer = image.clone();
        longer.insert(*part, [&bytes[..], &[0]].concat());
        assert!(try_restore(&longer, &settings).is_err(), "{part} is longer");
    }
    let mut more = image.clone();
    more.insert(Part { kind: PartKind::Detectors, symbol: SymbolId(977) }, Vec::new());
    let error = try_restore(&more, &settings).err().expect("a part too many");
    assert_eq!(error, "the image has detectors of symbol 977 where no more was expected");
}

#[test]
fn a_turned_bit_is_refused_or_makes_another_engine_that_works() {
    let settings = Settings { detect: engine::detect::Settings::off(), ..settings() };
    turn_bits(&settings, 1, |_| true);
}

#[test]
fn a_turned_bit_of_detectors_or_alerts_makes_another_engine_that_works() {
    let with_alerts = [PartKind::Market, PartKind::Shards, PartKind::Detectors];
    // An engine with detectors takes ten times as long to make: bits of all numbers, not every one.
    turn_bits(&settings(), 13, |kind| with_alerts.contains(&kind));
}

/// Turns each `step`-th bit of the parts of these kinds.
fn turn_bits(settings: &Settings, step: usize, kinds: impl Fn(PartKind) -> bool) {
    let (image, rest) = small(settings);
    let (mut refused, mut other) = (0, 0);
    for (part, bytes) in damaged(&image).filter(|(part, _)| kinds(part.kind)) {
        for at in (0..bytes.len() * 8).step_by(step) {
            let mut turned = bytes.clone();
            turned[at / 8] ^= 1 << (at % 8);
            let mut image = image.clone();
            image.insert(*part, turned);
            let Ok(mut engine) = try_restore(&image, settings) else {
                refused += 1;
                continue;
            };
            other += 1;
            let what = format!("{part}, bit {at}");
            engine.shard().validate().unwrap_or_else(|violation| panic!("{what}: {violation}"));
            // The time grid is the configuration's.
            if part.kind != PartKind::Sequencer {
                assert!(image_of(&engine) == image, "{what}: written again");
            }
            rest.iter().for_each(|step| push(&mut engine, step));
            engine.shard().validate().unwrap_or_else(|violation| panic!("{what}: {violation}"));
        }
    }
    let least = if step == 1 { 1_000 } else { 50 };
    assert!(refused > least && other > least, "{refused} {other}");
}

#[test]
fn another_version_or_configuration_is_told() {
    let settings = settings();
    let (image, _) = small(&settings);
    let head = Part { kind: PartKind::Head, symbol: SymbolId(0) };
    let with_byte = |at: usize, byte: u8| {
        let mut image = image.clone();
        image.get_mut(&head).expect("a head")[at] = byte;
        restore(&image, settings.stages(vec![settings.shard()])).err()
    };
    assert!(matches!(with_byte(0, 99), Some(RestoreError::ImageVersion { given: 99 })));
    let error = with_byte(4 + 4 + 8 + 4, 9);
    let Some(RestoreError::StateVersion { section: Section::Metrics, given: Some(9) }) = error
    else {
        panic!("{error:?}");
    };
    for (other, what) in [
        (Settings { bars: BarSettings::NONE, ..settings.clone() }, "lateness"),
        (Settings { selected: vec![b"S1".to_vec()], ..settings.clone() }, "selected"),
        (
            Settings { limits: Limits { symbols_max: 900, ..settings.limits }, ..settings.clone() },
            "symbol",
        ),
        (
            Settings { limits: Limits { orders_max: 3, ..settings.limits }, ..settings.clone() },
            "room",
        ),
        (
            Settings { limits: Limits { levels_max: 2, ..settings.limits }, ..settings.clone() },
            "room",
        ),
    ] {
        let error = try_restore(&image, &other).err().expect("another configuration");
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_book_is_read_alone() {
    let (image, _) = small(&settings());
    let engine = restored(&image, &settings());
    let mut found = 0;
    for symbol in (1..1_000).map(SymbolId) {
        let mut shard = Shard::new(Limits::default()).expect("memory");
        let is_there = image::restore_book(&image, symbol, &mut shard).expect("an image");
        assert_eq!(is_there, engine.shard().metrics(symbol).messages() > 0);
        shard.validate().expect("sound books");
        for side in [Side::Buy, Side::Sell] {
            let queues = |shard: &Shard| -> Vec<_> {
                let book = shard.book(symbol);
                let levels = book.levels(side);
                levels.map(|level| (level.price, book.queue(level).collect::<Vec<_>>())).collect()
            };
            assert_eq!(queues(&shard), queues(engine.shard()));
            found += queues(&shard).len();
        }
    }
    assert!(found > 5, "{found}");
    let mut none = Image::new();
    none.insert(Part { kind: PartKind::Head, symbol: SymbolId(0) }, vec![0; 4]);
    let mut shard = Shard::new(Limits::default()).expect("memory");
    assert!(restore_book(&none, SymbolId(1), &mut shard).is_err());
}
