//! The same input gives the same state, the same digests at every hash point and the same order of
//! signals, inline and pipelined, whatever the number of shards, the size of the rings and of the
//! packets, and the way of waiting.

use std::time::Duration;

use engine::book::books::Limits;
use engine::detect::Alert;
use engine::event::Event;
use engine::market::{Cause, HashPoint, MarketListener};
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pipelined::{Layout, LayoutError, Pipelined, PushError, StageFailed};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::quality::Quality;
use engine::ring::WaitStrategy;
use engine::shard::{Observer, Outcome, Shard};
use engine::signal::Signal;
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::Nanos;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::detectors::{detecting, sensitive};
use tapewatch_tests::engines;
use tapewatch_tests::session::{RandomSession, stock};

/// A layout with detectors that find something.
fn layout(shards: u32, ring_events: usize) -> Layout {
    Layout { detect: sensitive(), ..engines::layout(shards, ring_events) }
}

const SYMBOLS: u16 = 9;

/// Everything that the market stage tells.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard {
    points: Vec<HashPoint>,
    signals: Vec<(u64, u32, [u64; 5])>,
    alerts: Vec<(Cause, Alert, Vec<u8>)>,
}

impl MarketListener for Heard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.points.push(*point);
    }

    fn on_signal(&mut self, signal: &Signal) {
        self.signals.push((signal.position, signal.symbol, signal.words));
    }

    fn on_alert(&mut self, cause: &Cause, alert: &Alert, name: &[u8]) {
        self.alerts.push((*cause, *alert, name.to_vec()));
    }
}

/// What a run led to.
#[derive(Clone, Debug, PartialEq)]
struct Ended {
    heard: Heard,
    hash: StateHash,
    quality: Quality,
    events: u64,
    not_trading: u32,
}

#[derive(Default)]
struct Count(u64);

impl Observer for Count {
    fn on_event(&mut self, event: &Event, _outcome: &Outcome, _shard: &Shard) {
        // What is market-wide is seen by every shard.
        self.0 += u64::from(event.symbol != 0);
    }
}

#[derive(Clone)]
struct Feed {
    session: RandomSession,
    messages_max: u64,
    unsequenced: bool,
    selected: Vec<Vec<u8>>,
}

impl Feed {
    fn selection(&self) -> Selection {
        Selection::of(self.selected.clone(), 1 << 16)
    }

    fn inline(&self) -> Ended {
        let shard = detecting(Shard::new(Limits::default()).unwrap(), &sensitive());
        let (sequencer, heard) = (sequencer(), Heard::default());
        let (selection, count) = (self.selection(), Count::default());
        let mut engine =
            Inline::with_listener(decoder(), sequencer, selection, shard, count, heard);
        self.session
            .packets(1, self.messages_max, self.unsequenced, |packet| engine.push(packet).unwrap());
        let InlineParts { sequencer, shard, observer, mut market, .. } = engine.into_parts();
        let not_trading = market.not_trading();
        Ended {
            heard: std::mem::take(market.listener_mut()),
            hash: StateHash::of(&section_sums(&shard, sequencer.feed_time(), true)),
            quality: shard.quality(),
            events: observer.0,
            not_trading,
        }
    }

    fn pipelined(&self, layout: &Layout) -> Ended {
        let mut engine = Pipelined::start(
            decoder(),
            sequencer(),
            self.selection(),
            layout,
            |_| Count::default(),
            Heard::default(),
        )
        .unwrap();
        self.session
            .packets(2, self.messages_max, self.unsequenced, |packet| engine.push(packet).unwrap());
        let mut parts = engine.finish().unwrap();
        let mut sums = SectionSums::default();
        let mut quality = Quality::default();
        for shard in &parts.shards {
            shard.validate().unwrap();
            let owns_market = shard.place().owns_market();
            sums += section_sums(shard, parts.sequencer.feed_time(), owns_market);
            quality += shard.quality();
        }
        let not_trading = parts.market.not_trading();
        Ended {
            heard: std::mem::take(parts.market.listener_mut()),
            hash: StateHash::of(&sums),
            quality,
            events: parts.observers.iter().map(|count| count.0).sum(),
            not_trading,
        }
    }
}

fn decoder() -> Itch50Decoder {
    Itch50Decoder::new(Nanos(0)).unwrap()
}

fn sequencer() -> Sequencer {
    Sequencer::new(Nanos(0)).with_hash_points(256)
}

fn feed(messages: usize) -> Feed {
    let session = RandomSession::new(5, SYMBOLS, messages);
    Feed { session, messages_max: 200, unsequenced: false, selected: Vec::new() }
}

#[test]
fn one_two_three_and_seven_shards_equal_inline() {
    let feed = feed(30_000);
    let inline = feed.inline();
    assert_eq!(inline.heard.points.len(), 30_000 / 256);
    assert!(inline.heard.signals.len() > 500 && inline.events > 29_000);
    assert!(inline.quality.unknown_order > 0 && inline.quality.bad_field > 100);
    for shards in [1, 2, 3, 7] {
        assert_eq!(feed.pipelined(&layout(shards, 1_024)), inline, "{shards} shards");
    }
}

#[test]
fn rings_of_two_slots_stop_nobody_for_good() {
    let feed = feed(4_000);
    let inline = feed.inline();
    for shards in [1, 2, 5] {
        let layout = Layout { ring_events: 2, ring_signals: 2, ..layout(shards, 1_024) };
        assert_eq!(feed.pipelined(&layout), inline, "{shards} shards");
    }
}

#[test]
fn every_way_of_waiting_leads_to_the_same() {
    let feed = feed(5_000);
    let inline = feed.inline();
    let period = Duration::from_micros(50);
    for wait in [WaitStrategy::BusySpin, WaitStrategy::Park, WaitStrategy::Interval { period }] {
        let layout = Layout { wait, market_wait: wait, ..layout(2, 1_024) };
        assert_eq!(feed.pipelined(&layout), inline, "{wait}");
    }
}

#[test]
fn the_size_of_packets_changes_nothing() {
    let mut feed = feed(8_000);
    let inline = feed.inline();
    for messages_max in [1, 7, 1_000] {
        feed.messages_max = messages_max;
        assert_eq!(feed.inline(), inline, "{messages_max} a packet");
        assert_eq!(feed.pipelined(&layout(3, 1_024)), inline, "{messages_max} a packet");
    }
}

#[test]
fn unsequenced_messages_keep_their_order() {
    let mut feed = feed(6_000);
    let sequenced = feed.inline();
    feed.unsequenced = true;
    let inline = feed.inline();
    // A message that is no event has its position, as it uses up a sequence number.
    assert_eq!(inline.hash, sequenced.hash);
    for shards in [1, 2, 7] {
        assert_eq!(feed.pipelined(&layout(shards, 1_024)), inline, "{shards} shards");
    }
}

#[test]
fn selected_symbols_are_the_same_in_every_topology() {
    let mut feed = feed(6_000);
    feed.selected = vec![stock(2).trimmed().to_vec(), stock(5).trimmed().to_vec()];
    let inline = feed.inline();
    assert!(inline.events < 3_000);
    for shards in [1, 3] {
        assert_eq!(feed.pipelined(&layout(shards, 1_024)), inline, "{shards} shards");
    }
}

/// Panics at an event of a symbol.
struct Panics(u32);

impl Observer for Panics {
    fn on_event(&mut self, event: &Event, _outcome: &Outcome, _shard: &Shard) {
        assert_ne!(event.symbol, self.0, "the strategy fails");
    }
}

#[test]
fn a_stage_that_panics_is_named_and_stops_the_others() {
    let feed = feed(20_000);
    let (selection, layout) = (Selection::all(), Layout { ring_events: 64, ..layout(3, 1_024) });
    let mut engine =
        Pipelined::start(decoder(), sequencer(), selection, &layout, |_| Panics(4), ()).unwrap();
    let mut refused = 0;
    feed.session.packets(1, 50, false, |packet| match engine.push(packet) {
        Ok(()) => assert_eq!(refused, 0, "a packet was taken after the failure was told"),
        Err(PushError::StageFailed) => refused += 1,
        Err(other) => panic!("{other}"),
    });
    assert!(refused > 0);
    let Err(StageFailed { stage, what }) = engine.finish() else {
        panic!("the failure was not told");
    };
    // Symbol 4 of three shards.
    assert_eq!(stage, "shard-1");
    assert!(what.contains("the strategy fails"), "{what}");
}

#[test]
fn a_listener_that_panics_is_told_as_the_market_stage() {
    struct Deaf;
    impl MarketListener for Deaf {
        fn on_hash_point(&mut self, _point: &HashPoint) {
            panic!("cannot hear");
        }
    }
    let (selection, layout) = (Selection::all(), Layout { ring_signals: 2, ..layout(2, 1_024) });
    let mut engine =
        Pipelined::start(decoder(), sequencer(), selection, &layout, |_| (), Deaf).unwrap();
    feed(20_000).session.packets(1, 50, false, |packet| {
        let _ = engine.push(packet);
    });
    let Err(failed) = engine.finish() else {
        panic!("the failure was not told");
    };
    assert_eq!(failed, StageFailed { stage: "market".into(), what: "cannot hear".into() });
}

#[test]
fn a_layout_that_cannot_be_is_refused() {
    let start = |layout: &Layout| {
        let selection = Selection::all();
        Pipelined::start(decoder(), sequencer(), selection, layout, |_| (), ()).err()
    };
    for shards in [0, 65] {
        assert!(matches!(start(&layout(shards, 1_024)), Some(LayoutError::Shards { .. })));
    }
    let uneven = Layout { ring_events: 1000, ..layout(1, 1_024) };
    assert!(matches!(start(&uneven), Some(LayoutError::Ring(_))));
    let cores = vec![engine::pipeline::pin::Core(1_000)];
    let absent = Layout { shard_cores: cores.clone(), ..layout(1, 1_024) };
    assert!(matches!(start(&absent), Some(LayoutError::Pin { .. })));
    let too_few = Layout { shard_cores: cores, ..layout(2, 1_024) };
    assert!(matches!(start(&too_few), Some(LayoutError::Cores { cores: 1, shards: 2 })));
}
