//! Which detectors have found something in the sessions by which topologies, images and logs are compared:
//! what never opens an alert is compared by its state alone.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use engine::book::books::Limits;
use engine::detect::{Alert, Change, Settings};
use engine::market::{Cause, HashPoint, MarketListener};
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::units::Nanos;
use exchange::Settings as DaySettings;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::detectors::{detecting, sensitive};
use tapewatch_tests::engines::packets;
use tapewatch_tests::session::RandomSession;
use tapewatch_tests::simulated::day;

/// Alerts that have opened and ended by the code of their detector.
#[derive(Default)]
struct Heard(BTreeMap<u8, [u64; 2]>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_alert(&mut self, _cause: &Cause, alert: &Alert, _name: &[u8]) {
        let counts = self.0.entry(alert.code.0).or_default();
        match alert.change {
            Change::Open => counts[0] += 1,
            Change::Close => counts[1] += 1,
            Change::Retract => {}
        }
    }
}

type Engine = Inline<Itch50Decoder, (), Heard>;

/// The detectors that have opened an alert by the time that a feed has ended, and those of them of which one
/// has ended by then.
fn found(feed: impl FnOnce(&mut Engine)) -> [Vec<&'static str>; 2] {
    let shard = detecting(Shard::new(Limits::default()).expect("memory"), &sensitive());
    let decoder = Itch50Decoder::new(Nanos(0)).expect("memory");
    let sequencer = Sequencer::new(Nanos(0));
    let mut engine =
        Inline::with_listener(decoder, sequencer, Selection::all(), shard, (), Heard::default());
    feed(&mut engine);
    let counts = &engine.market().listener().0;
    [0, 1].map(|change| {
        let specs = Settings::specs().into_iter();
        let has = |code: u8| counts.get(&code).is_some_and(|counts| counts[change] > 0);
        specs.filter(|spec| has(spec.code.0)).map(|spec| spec.name).collect()
    })
}

fn push(engine: &mut Engine, packet: &Packet<'_>) {
    engine.push(packet).expect("one day");
}

/// A few seconds, too short for what must be known first; without opening crosses and imbalances, and with a
/// book that is crossed nearly all the time, in which no print is off the market.
#[test]
fn what_needs_no_warming_up_finds_something_in_a_random_session() {
    let [opened, ended] = found(|engine| {
        RandomSession::new(5, 9, 30_000).packets(1, 200, false, |packet| push(engine, packet));
    });
    let expected = vec![
        "quote_stuffing",
        "message_burst",
        "flickering_quote",
        "mini_flash_crash",
        "locked_crossed",
        "clearly_erroneous",
        "halt",
        "pinging",
        "market_cluster",
        "tape_painting",
    ];
    assert_eq!(opened, expected);
    // The one burst of the venue lasts to the end.
    let ended_too = expected.into_iter().filter(|name| *name != "message_burst");
    assert_eq!(ended, ended_too.collect::<Vec<&str>>());
}

/// Ten minutes with an opening, halts and a close. Its book is never crossed, and its closing run is too short
/// to know what is usual in one.
#[test]
fn nearly_every_detector_finds_something_in_a_simulated_day() {
    let continuous_ns = 600 * 1_000_000_000;
    let size = DaySettings { seed: 5, symbols: 7, messages: 30_000, continuous_ns };
    let day = day(&size).expect("settings");
    let [opened, ended] = found(|engine| {
        packets(&day.bytes, 1, 9, |packet| push(engine, packet));
    });
    let expected = vec![
        "quote_stuffing",
        "message_burst",
        "flickering_quote",
        "fleeting_orders",
        "spoofing",
        "layering",
        "momentum_ignition",
        "mini_flash_crash",
        "price_jump",
        "volume_spike",
        "spread_blowout",
        "depth_evaporation",
        "book_imbalance",
        "off_market_print",
        "clearly_erroneous",
        "luld_proximity",
        "halt",
        "stale_symbol",
        "pump_and_dump",
        "pinging",
        "noii_swing",
        "ofi_shock",
        "market_cluster",
        "tape_painting",
    ];
    assert_eq!((opened, ended), (expected.clone(), expected));
}
