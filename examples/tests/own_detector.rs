#![forbid(unsafe_code)]
//! The example's detector in an engine, and the example run as a program.

#[path = "../own_detector.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod own_detector;

use std::collections::BTreeMap;
use std::process::Command;

use engine::book::books::Limits;
use engine::detect::{Detectors, Settings};
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stages::Stages;
use engine::shard::Shard;
use engine::state::image::{self, Part};
use engine::state::{Section, StateHash, section_sums};
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Sequence, Side};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};

use own_detector::{Heard, MIDNIGHT};

type Engine = Inline<Itch50Decoder, (), Heard>;

const MS: u64 = 1_000_000;

/// Messages as packets of one each, 10 ms apart.
fn session() -> Vec<Vec<u8>> {
    let stock = Stock::new("AAA").unwrap();
    let mut packets = Vec::new();
    let mut at = 0;
    let mut packet = |write: &dyn Fn(&mut Encoder, Header)| {
        at += 1;
        let mut encoder = Encoder::new();
        write(&mut encoder, Header { locate: 1, tracking: 0, time_of_day_ns: at * 10 * MS });
        packets.push(encoder.into_bytes());
    };
    // Messages 1 and 2: a bid and an offer.
    for (order, side, price) in [(1, Side::Buy, 100_000), (2, Side::Sell, 100_200)] {
        packet(&|encoder, header| {
            let (order, price) = (OrderRef(order), Price4(price));
            encoder.add_order(header, order, side, 9_000, stock, price, None);
        });
    }
    // Messages 3 to 10: three buyers, a seller, then four buyers.
    for (at, order) in [2u64, 2, 2, 1, 2, 2, 2, 2].into_iter().enumerate() {
        packet(&|encoder, header| {
            encoder.order_executed(header, OrderRef(order), 100, MatchNumber(at as u64));
        });
    }
    // Message 11, two seconds later: the alert has ended by then.
    packet(&|encoder, header| {
        let header = Header { time_of_day_ns: header.time_of_day_ns + 2_000 * MS, ..header };
        encoder.add_order(header, OrderRef(3), Side::Buy, 1, stock, Price4(90_000), None);
    });
    packets
}

/// The four buyers are messages 7 to 10; four prints where four are needed are 50.
const EXPECTED: &str = "\
one_sided_run AAA opens: 4 prints bought from 70000000 to 100000000, score 50.0
one_sided_run AAA has ended: 4 prints bought from 70000000 to 100000000, score 50.0
";

/// Room for what the session has.
fn limits() -> Limits {
    Limits { symbols_max: 64, ..Limits::default() }
}

fn stages(shard: Shard) -> Stages<Itch50Decoder> {
    let decoder = Itch50Decoder::new(MIDNIGHT).unwrap();
    Stages::new(decoder, Sequencer::new(MIDNIGHT), Selection::all(), vec![shard])
}

fn engine(shard: Shard) -> Engine {
    Inline::of(stages(shard), (), Heard::default())
}

fn own() -> Shard {
    own_detector::shard(limits()).unwrap()
}

/// Hands over packets whose first is message `first`.
fn push(engine: &mut Engine, packets: &[Vec<u8>], first: u64) {
    for (sequence, messages) in (first..).zip(packets) {
        let sequence = Sequence(sequence);
        let packet = Packet { feed: FeedId(0), sequence, recv: Nanos(0), messages };
        engine.push(&packet).unwrap();
    }
}

fn hash(engine: &Engine) -> StateHash {
    StateHash::of(&section_sums(engine.shard(), engine.sequencer().feed_time(), true))
}

#[test]
fn its_alert_opens_with_the_fourth_print_of_one_side_and_ends() {
    let packets = session();
    let mut whole = engine(own());
    push(&mut whole, &packets[..9], 1);
    assert_eq!(whole.market().listener().text, "", "three buyers, a seller, three buyers");
    push(&mut whole, &packets[9..], 10);
    assert_eq!(whole.market().listener().text, EXPECTED);
}

#[test]
fn its_state_is_in_the_digest_of_detectors_and_in_no_other() {
    let packets = session();
    let without = Detectors::new(&Settings::default(), limits().symbols_max).unwrap();
    let without = Shard::new(limits()).unwrap().with_detectors(without);
    let (mut with, mut without) = (engine(own()), engine(without));
    for engine in [&mut with, &mut without] {
        push(engine, &packets, 1);
    }
    let (with, without) = (hash(&with), hash(&without));
    for section in Section::ALL {
        let is_other = with.section(section) != without.section(section);
        assert_eq!(is_other, section == Section::Detectors, "{section}");
    }
}

#[test]
fn an_engine_restored_from_an_image_midway_through_a_run_goes_on_as_the_one_it_was_taken_of() {
    let packets = session();
    let mut whole = engine(own());
    push(&mut whole, &packets, 1);
    for cut in 0..=packets.len() {
        let mut first = engine(own());
        push(&mut first, &packets[..cut], 1);
        let mut image: BTreeMap<Part, Vec<u8>> = BTreeMap::new();
        image::write(&first, &mut image).unwrap();
        let restored = image::restore(&image, stages(own())).unwrap();
        let mut rest: Engine = Inline::of(restored, (), Heard::default());
        assert_eq!(hash(&rest), hash(&first), "behind {cut} messages");
        push(&mut rest, &packets[cut..], cut as u64 + 1);
        assert_eq!(hash(&rest), hash(&whole), "from message {} on", cut + 1);
        let told = first.market().listener().text.clone() + &rest.market().listener().text;
        assert_eq!(told, EXPECTED, "from message {} on", cut + 1);
    }
}

#[test]
fn the_program_tells_the_alerts_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("day.itch");
    let run = |messages: usize| {
        // Ends with the zero length that ends a file.
        let bytes = [session()[..messages].concat(), vec![0, 0]].concat();
        std::fs::write(&file, bytes).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_own_detector")).arg(&file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(11), EXPECTED);
    // Without the last message the end of the file ends it.
    assert_eq!(run(10), EXPECTED);
    let output = Command::new(env!("CARGO_BIN_EXE_own_detector")).output().unwrap();
    assert!(!output.status.success() && !output.stderr.is_empty());
}
