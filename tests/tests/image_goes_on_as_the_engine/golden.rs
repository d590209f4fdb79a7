//! The bytes of a tiny image, pinned: an image of today is read by the programs of tomorrow.

use engine::state::image::{IMAGE_VERSION, Part, PartKind, RestoreError, restore};
use engine::units::{MatchNumber, OrderRef, Side, SymbolId};
use engine::window::bars::BarSettings;
use engine::window::tick::Span;
use feed_handlers::itch50::{Encoder, Header, Price4};

use crate::engines::{Engine, Image, Settings, image_of, inline, push, restored};
use crate::feed::{Step, stock};

/// Two bids and an ask; one bid is filled in part, and a late print is left out of its window.
fn steps() -> [Step; 2] {
    let at = |ms: u64| Header { locate: 1, tracking: 0, time_of_day_ns: ms * 1_000_000 };
    let mut encoder = Encoder::new();
    let price = Price4(10_000);
    encoder.system_event(Header { locate: 0, ..at(0) }, b'Q');
    encoder.add_order(at(1), OrderRef(5), Side::Buy, 300, stock(1), price, None);
    encoder.add_order(at(2), OrderRef(6), Side::Buy, 200, stock(1), price, None);
    encoder.add_order(at(3), OrderRef(u64::MAX), Side::Sell, 7, stock(1), Price4(10_100), None);
    encoder.order_executed(at(1_500), OrderRef(5), 100, MatchNumber(1));
    let late = at(500);
    encoder.trade(late, OrderRef(0), Side::Buy, 9, stock(1), price, MatchNumber(2));
    let packet = Step::Packet { sequence: 3, messages: encoder.into_bytes() };
    [packet, Step::Gap { first: 9, end: 12 }]
}

/// In lines of 32 bytes.
fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(line).collect::<Vec<_>>().join("\n")
}

/// An engine that has seen nothing, and its settings.
fn tiny() -> (Settings, Engine) {
    let bars = BarSettings::new(&[Span(1_000_000_000)], Span::ZERO).expect("settings");
    let settings = Settings { detect: engine::detect::Settings::off(), ..Settings::of(bars) };
    let engine = inline(&settings);
    (settings, engine)
}

#[test]
fn a_tiny_image_is_pinned_byte_by_byte() {
    let (settings, mut engine) = tiny();
    steps().iter().for_each(|step| push(&mut engine, step));
    let image = image_of(&engine);
    let text: Vec<String> =
        image.iter().map(|(part, bytes)| format!("{part}\n{}\n", hex(bytes))).collect();
    assert!(
        text.join("") == include_str!("golden.txt"),
        "version {IMAGE_VERSION}:\n{}",
        text.join("")
    );
    assert_eq!(image_of(&restored(&image, &settings)), image);
}

/// An image from its text.
fn read(text: &str) -> Image {
    let mut image = Image::new();
    let mut part = None;
    for line in text.lines() {
        let (name, symbol) = line.split_once(" of symbol ").unwrap_or((line, "0"));
        if let Some(kind) = PartKind::ALL.into_iter().find(|kind| kind.name() == name) {
            let symbol = SymbolId(symbol.parse().expect("a number"));
            part = Some(Part { kind, symbol });
            image.insert(Part { kind, symbol }, Vec::new());
            continue;
        }
        let bytes = line.as_bytes().chunks(2).map(|digits| {
            let digits = core::str::from_utf8(digits).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("two hexadecimal digits")
        });
        image.get_mut(&part.expect("the name of a part")).expect("a part").extend(bytes);
    }
    image
}

#[test]
fn images_of_older_versions_are_read_as_those_of_today() {
    let (settings, mut engine) = tiny();
    steps().iter().for_each(|step| push(&mut engine, step));
    let today = image_of(&engine);
    // What it could not tell: the number behind the feed's last message, and that messages were lost.
    let untold = [PartKind::Front, PartKind::Shards];
    for (old, untold) in
        [(include_str!("golden-1.txt"), &untold[..]), (include_str!("golden-2.txt"), &[])]
    {
        let old = read(old);
        assert_ne!(old, today);
        let mut restored = image_of(&restored(&old, &settings));
        for kind in untold {
            let part = Part { kind: *kind, symbol: SymbolId(0) };
            restored.insert(part, today[&part].clone());
        }
        assert!(restored == today);
    }
}

#[test]
fn images_of_before_there_were_detectors_are_refused_where_there_are_some() {
    let (settings, _) = tiny();
    let with = Settings { detect: engine::detect::Settings::default(), ..settings };
    for (old, version) in [(include_str!("golden-1.txt"), 1), (include_str!("golden-2.txt"), 2)] {
        let refused = restore(&read(old), with.stages(vec![with.shard()])).err();
        let Some(RestoreError::NoDetectors { given }) = refused else {
            panic!("version {version}: {refused:?}");
        };
        assert_eq!(given, version);
        let text = RestoreError::<core::convert::Infallible>::NoDetectors { given }.to_string();
        let why = format!("the image is of version {version}, which has no detectors");
        assert!(text.starts_with(&why), "{text}");
    }
}
