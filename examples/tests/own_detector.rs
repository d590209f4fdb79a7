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
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pipelined::{Layout, Pipelined};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stages::Stages;
use engine::shard::Shard;
use engine::state::image::{self, Part};
use engine::state::{Section, SectionSums, StateHash, section_sums};
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Sequence, Side};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};
use tapewatch_tests::engines;
use tapewatch_tests::session::RandomSession;

use own_detector::{Heard, MIDNIGHT, with_run};

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
    let heard = Heard::of(&shard);
    Inline::of(stages(shard), (), heard)
}

fn own() -> Shard {
    own_detector::shard(limits(), 4).unwrap()
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
        let heard = Heard::of(&restored.shards[0]);
        let mut rest: Engine = Inline::of(restored, (), heard);
        assert_eq!(hash(&rest), hash(&first), "behind {cut} messages");
        push(&mut rest, &packets[cut..], cut as u64 + 1);
        assert_eq!(hash(&rest), hash(&whole), "from message {} on", cut + 1);
        let told = first.market().listener().text.clone() + &rest.market().listener().text;
        assert_eq!(told, EXPECTED, "from message {} on", cut + 1);
    }
}

#[test]
fn a_break_of_the_print_that_opened_an_alert_takes_it_back() {
    let mut packets = session();
    let mut encoder = Encoder::new();
    let header = Header { locate: 1, tracking: 0, time_of_day_ns: 2_200 * MS };
    // The match of message 10.
    encoder.broken_trade(header, MatchNumber(7));
    packets.push(encoder.into_bytes());
    let mut engine = engine(own());
    push(&mut engine, &packets, 1);
    let Heard { text, alerts, words } = engine.market().listener();
    let taken_back =
        "one_sided_run AAA is taken back: 4 prints bought from 70000000 to 100000000, score 50.0\n";
    assert_eq!(*text, format!("{EXPECTED}{taken_back}"));
    let mut lines = Vec::new();
    alerts.write(words, &mut lines).unwrap();
    assert!(String::from_utf8(lines).unwrap().contains(r#","retracted":true}"#));
}

/// A random session with shards on threads of their own: what is heard, and the hash at its end.
fn pipelined(shards: u32, session: &RandomSession) -> (Heard, StateHash) {
    let layout = Layout { detect: Settings::default(), ..engines::layout(shards, 64) };
    let made = layout.shards_with(|detectors| with_run(detectors, 2)).unwrap();
    let heard = Heard::of(&made[0]);
    let decoder = Itch50Decoder::new(MIDNIGHT).unwrap();
    let stages = Stages::new(decoder, Sequencer::new(MIDNIGHT), Selection::all(), made);
    let mut engine = Pipelined::of(stages, &layout, |_| (), heard).unwrap();
    session.packets(3, 9, false, |packet| engine.push(packet).unwrap());
    let parts = engine.finish().unwrap();
    let mut sums = SectionSums::default();
    for shard in &parts.shards {
        sums += section_sums(shard, parts.sequencer.feed_time(), shard.place().owns_market());
    }
    (parts.market.into_listener(), StateHash::of(&sums))
}

#[test]
fn its_alerts_and_its_state_are_the_same_inline_and_with_any_number_of_shards() {
    let session = RandomSession::new(11, 24, 40_000);
    let shard = own_detector::shard(Limits::default(), 2).unwrap();
    let mut whole = engine(shard);
    session.packets(1, 20, false, |packet| whole.push(packet).unwrap());
    let expected_hash = hash(&whole);
    let InlineParts { market, .. } = whole.into_parts();
    let expected = market.into_listener();
    assert!(expected.text.lines().count() > 20, "{}", expected.text);
    for shards in 1..=3 {
        let (heard, hash) = pipelined(shards, &session);
        assert_eq!(heard.text, expected.text, "{shards} shards");
        assert!(heard.alerts.iter().eq(expected.alerts.iter()), "{shards} shards");
        assert_eq!(hash, expected_hash, "{shards} shards");
    }
}

#[test]
fn the_program_tells_the_alerts_of_a_file_and_writes_them_down() {
    let directory = tempfile::tempdir().unwrap();
    let (file, out) = (directory.path().join("day.itch"), directory.path().join("alerts.jsonl"));
    let run = |messages: usize| {
        // Ends with the zero length that ends a file.
        let bytes = [session()[..messages].concat(), vec![0, 0]].concat();
        std::fs::write(&file, bytes).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_own_detector"));
        let output = command.arg(&file).arg("4").arg(&out).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (String::from_utf8(output.stdout).unwrap(), std::fs::read_to_string(&out).unwrap())
    };
    let (told, lines) = run(11);
    assert_eq!(told, EXPECTED);
    let expected = concat!(
        r#"{"id":"f0-000000000000000a-80-0001","detector":"one_sided_run","symbol":"AAA","#,
        r#""start_ns":70000000,"end_ns":100000000,"score":50,"phase":"unknown","#,
        r#""figures":{"prints":4,"bought":1},"thresholds":{"prints":4},"#,
        r#""evidence":{"first_sequence":7,"last_sequence":10},"#,
        r#""pattern":"pattern consistent with a run of prints by one side"}"#,
        "\n"
    );
    assert_eq!(lines, expected);
    // Without the last message the end of the file ends it.
    assert_eq!(run(10), (EXPECTED.to_owned(), expected.to_owned()));
    let output = Command::new(env!("CARGO_BIN_EXE_own_detector")).output().unwrap();
    assert!(!output.status.success() && !output.stderr.is_empty());
}
