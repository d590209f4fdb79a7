//! What the market tells is the same in every topology: bars, gaps, hash points and states that
//! change, each in its place among the others.
//!
//! The session loses packets, its times go back, prints are broken; hash points come every few
//! messages, windows end with almost every one. So all of them meet at the same positions.

#![forbid(unsafe_code)]

use engine::book::books::Limits;
use engine::detect::Alert;
use engine::market::{Cause, HashPoint, MarketListener};
use engine::packet::Packet;
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::pipelined::{Layout, Pipelined};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::signal::Signal;
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::{FeedId, Nanos, Sequence};
use engine::window::bars::{Bar, BarSettings};
use engine::window::tick::Span;
use feed_handlers::itch50::decode::Itch50Decoder;
use tapewatch_tests::detectors::{detecting, sensitive};
use tapewatch_tests::engines;
use tapewatch_tests::session::{RandomSession, stock};

/// A layout with detectors that find something.
fn layout(shards: u32, ring_events: usize) -> Layout {
    Layout { detect: sensitive(), ..engines::layout(shards, ring_events) }
}

const SYMBOLS: u16 = 9;
const US: i64 = 1_000;

/// Something that the market tells.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Point(HashPoint),
    State(u64, u32, [u64; 5]),
    Bar(Cause, Bar, Vec<u8>),
    Gap(Cause, Sequence, Sequence),
    Alert(Cause, Alert, Vec<u8>),
}

#[derive(Debug, Default)]
struct Heard(Vec<Told>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, point: &HashPoint) {
        self.0.push(Told::Point(*point));
    }

    fn on_signal(&mut self, signal: &Signal) {
        self.0.push(Told::State(signal.position, signal.symbol, signal.words));
    }

    fn on_bar(&mut self, cause: &Cause, bar: &Bar, name: &[u8]) {
        self.0.push(Told::Bar(*cause, *bar, name.to_vec()));
    }

    fn on_alert(&mut self, cause: &Cause, alert: &Alert, name: &[u8]) {
        self.0.push(Told::Alert(*cause, *alert, name.to_vec()));
    }

    fn on_gap(&mut self, cause: &Cause, _feed: FeedId, first: Sequence, end: Sequence) {
        self.0.push(Told::Gap(*cause, first, end));
    }
}

/// What comes to an engine.
enum Arrival {
    Packet(Sequence, Vec<u8>),
    Gap(Sequence, Sequence),
}

/// A session in packets of up to `messages_max`; where `loses`, each fifth is lost.
fn arrivals(messages: usize, messages_max: u64, loses: bool) -> Vec<Arrival> {
    let session = RandomSession::new(11, SYMBOLS, messages);
    let mut arrivals = Vec::new();
    let (mut count, mut lost) = (0, None);
    session.packets(3, messages_max, false, |packet| {
        count += 1;
        if loses && count % 5 == 4 {
            lost = lost.or(Some(packet.sequence));
            return;
        }
        if let Some(first) = lost.take() {
            arrivals.push(Arrival::Gap(first, packet.sequence));
        }
        arrivals.push(Arrival::Packet(packet.sequence, packet.messages.to_vec()));
    });
    arrivals
}

fn bars() -> BarSettings {
    let sizes = [50 * US, 70 * US, 1_000 * US, 1_000_000 * US].map(Span);
    BarSettings::new(&sizes, Span(2_000_000 * US)).expect("settings")
}

fn sequencer() -> Sequencer {
    Sequencer::new(Nanos(0)).with_hash_points(8).with_time_grid(bars().grid())
}

fn decoder() -> Itch50Decoder {
    Itch50Decoder::new(Nanos(0)).expect("memory")
}

fn packet<'a>(sequence: &Sequence, messages: &'a [u8]) -> Packet<'a> {
    Packet { feed: FeedId(0), sequence: *sequence, recv: Nanos(0), messages }
}

fn inline(arrivals: &[Arrival], selection: &Selection) -> (Vec<Told>, StateHash) {
    let shard = Shard::new(Limits::default()).expect("memory");
    let shard = shard.with_bars(&bars()).expect("memory");
    let shard = detecting(shard, &sensitive());
    let (selection, heard) = (selection.clone(), Heard::default());
    let mut engine = Inline::with_listener(decoder(), sequencer(), selection, shard, (), heard);
    for arrival in arrivals {
        match arrival {
            Arrival::Packet(sequence, messages) => {
                engine.push(&packet(sequence, messages)).expect("one day");
            }
            Arrival::Gap(first, end) => engine.gap(FeedId(0), *first, *end),
        }
    }
    let InlineParts { sequencer, shard, mut market, .. } = engine.into_parts();
    let sums = section_sums(&shard, sequencer.feed_time(), true);
    (std::mem::take(&mut market.listener_mut().0), StateHash::of(&sums))
}

fn pipelined(
    arrivals: &[Arrival],
    selection: &Selection,
    layout: &Layout,
) -> (Vec<Told>, StateHash) {
    let layout = Layout { bars: bars(), ..layout.clone() };
    let (selection, heard) = (selection.clone(), Heard::default());
    let mut engine = Pipelined::start(decoder(), sequencer(), selection, &layout, |_| (), heard)
        .expect("it starts");
    for arrival in arrivals {
        match arrival {
            Arrival::Packet(sequence, messages) => {
                engine.push(&packet(sequence, messages)).expect("no stage fails");
            }
            Arrival::Gap(first, end) => {
                engine.gap(FeedId(0), *first, *end).expect("no stage fails")
            }
        }
    }
    let mut parts = engine.finish().expect("no stage fails");
    let mut sums = SectionSums::default();
    for shard in &parts.shards {
        sums += section_sums(shard, parts.sequencer.feed_time(), shard.place().owns_market());
    }
    (std::mem::take(&mut parts.market.listener_mut().0), StateHash::of(&sums))
}

fn assert_alike(told: &(Vec<Told>, StateHash), expected: &(Vec<Told>, StateHash), of: &str) {
    for (at, (told, expected)) in told.0.iter().zip(&expected.0).enumerate() {
        assert_eq!(told, expected, "{of}: {at}");
    }
    assert_eq!(told.0.len(), expected.0.len(), "{of}");
    assert_eq!(told.1, expected.1, "{of}");
}

#[test]
fn all_that_is_told_has_one_order_in_every_topology() {
    let arrivals = arrivals(40_000, 20, true);
    let inline = inline(&arrivals, &Selection::all());
    let mut counts = [0; 6];
    for told in &inline.0 {
        let what = match told {
            Told::Bar(_, bar, _) if bar.revision > 0 => 0,
            Told::Bar(..) => 1,
            Told::Gap(..) => 2,
            Told::Point(_) => 3,
            Told::State(..) => 4,
            Told::Alert(..) => 5,
        };
        counts[what] += 1;
    }
    let least = [20, 1_000, 100, 1_000, 100, 20];
    let is_enough = counts.iter().zip(&least).all(|(count, least)| count >= least);
    assert!(is_enough, "{counts:?}");
    for (shards, ring) in [(1, 1_024), (2, 1_024), (3, 2), (3, 1_024), (7, 1_024)] {
        let layout = Layout { ring_events: ring, ring_signals: ring, ..layout(shards, 1_024) };
        let pipelined = pipelined(&arrivals, &Selection::all(), &layout);
        assert_alike(&pipelined, &inline, &format!("{shards} shards, rings of {ring}"));
    }
}

#[test]
fn bars_come_by_position_symbol_end_start_and_revision() {
    let (told, _) = inline(&arrivals(12_000, 20, true), &Selection::all());
    let keys = told.iter().filter_map(|told| match told {
        Told::Bar(cause, bar, _) => {
            Some((cause.position, bar.symbol, bar.end, bar.start, bar.revision))
        }
        _ => None,
    });
    assert!(keys.is_sorted_by(|one, other| one < other));
}

#[test]
fn with_selected_symbols_all_is_the_same_however_packets_are_cut() {
    let names = vec![stock(2).trimmed().to_vec(), stock(5).trimmed().to_vec()];
    let selection = Selection::of(names, 1 << 16);
    let expected = inline(&arrivals(6_000, 20, false), &selection);
    for messages_max in [1, 7, 1_000] {
        let arrivals = arrivals(6_000, messages_max, false);
        let of = format!("{messages_max} a packet");
        assert_alike(&inline(&arrivals, &selection), &expected, &of);
        for shards in [2, 3] {
            let pipelined = pipelined(&arrivals, &selection, &layout(shards, 1_024));
            assert_alike(&pipelined, &expected, &of);
        }
    }
}

#[test]
fn with_selected_symbols_the_state_of_unsequenced_messages_is_the_same_however_they_are_cut() {
    let names = vec![stock(2).trimmed().to_vec(), stock(5).trimmed().to_vec()];
    let selection = Selection::of(names, 1 << 16);
    let unsequenced = |messages_max| {
        let mut arrivals = arrivals(6_000, messages_max, false);
        for arrival in &mut arrivals {
            if let Arrival::Packet(sequence, _) = arrival {
                *sequence = Sequence(0);
            }
        }
        arrivals
    };
    let (_, expected) = inline(&unsequenced(1), &selection);
    for messages_max in [2, 7, 1_000] {
        let (_, hash) = inline(&unsequenced(messages_max), &selection);
        assert_eq!(hash, expected, "{messages_max} a packet");
    }
}
