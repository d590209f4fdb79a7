//! The bytes of a tiny image, pinned: an image of today is read by the programs of tomorrow.

use engine::state::image::IMAGE_VERSION;
use engine::units::{MatchNumber, OrderRef, Side};
use engine::window::bars::BarSettings;
use engine::window::tick::Span;
use feed_handlers::itch50::{Encoder, Header, Price4};

use crate::engines::{Settings, image_of, inline, push, restored};
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

#[test]
fn a_tiny_image_is_pinned_byte_by_byte() {
    let bars = BarSettings::new(&[Span(1_000_000_000)], Span::ZERO).expect("settings");
    let settings = Settings::of(bars);
    let mut engine = inline(&settings);
    steps().iter().for_each(|step| push(&mut engine, step));
    let image = image_of(&engine);
    let text: Vec<String> =
        image.iter().map(|(part, bytes)| format!("{part}\n{}\n", hex(bytes))).collect();
    assert_eq!(text.join(""), include_str!("golden.txt"), "version {IMAGE_VERSION}");
    assert_eq!(image_of(&restored(&image, &settings)), image);
}
