//! What it costs to write an engine as an image and to restore one, a million live orders and two
//! million prints over 8,000 stocks; and a book alone.
//!
//! Parts are kept in memory that is there already, so the walk and the restoring are what is measured.
//! A restored shard begins without memory behind it, as that of a new process does: page faults are in
//! the figure. Making empty stages and giving their memory back are not.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use engine::book::books::Limits;
use engine::packet::Packet;
use engine::pipeline::inline::Inline;
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::pipeline::stages::Stages;
use engine::shard::{Shard, ShardPlace};
use engine::state::image::{self, ImageSink, ImageSource, Part};
use engine::units::{FeedId, MatchNumber, Nanos, OrderRef, Sequence, Side, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{Encoder, Header, Price4, Stock};
use tapewatch_benches::exchange::{Exchange, Random};

const LIVE: usize = 1_000_000;
const SYMBOLS: u16 = 8_000;
const PRINTS: u64 = 2_000_000;
/// Messages at the full number of orders, so that queues and references are as mixed as a day's.
const AGEING_MESSAGES: u64 = 2_000_000;
const MESSAGES_A_PACKET: usize = 40;

type Engine = Inline<Itch50Decoder, ()>;

/// Parts one behind the other.
#[derive(Default)]
struct Parts {
    bytes: Vec<u8>,
    order: Vec<Part>,
    places: HashMap<Part, (usize, usize)>,
}

impl ImageSink for Parts {
    type Error = Infallible;

    fn part(&mut self, part: Part, bytes: &[u8]) -> Result<(), Infallible> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.order.push(part);
        self.places.insert(part, (start, self.bytes.len()));
        Ok(())
    }
}

impl ImageSource for Parts {
    type Error = Infallible;

    fn parts(&self) -> impl Iterator<Item = Part> {
        self.order.iter().copied()
    }

    fn read(&self, part: Part, into: &mut Vec<u8>) -> Result<bool, Infallible> {
        into.clear();
        let Some(&(start, end)) = self.places.get(&part) else { return Ok(false) };
        into.extend_from_slice(&self.bytes[start..end]);
        Ok(true)
    }
}

fn stages(shards: u32) -> Stages<Itch50Decoder> {
    let shard =
        |index| Shard::at(ShardPlace { index }, Limits::default()).expect("memory for a shard");
    let decoder = Itch50Decoder::new(Nanos(0)).expect("memory for a decoder");
    let shards = (0..shards).map(shard).collect();
    Stages::new(decoder, Sequencer::new(Nanos(0)), Selection::all(), shards)
}

fn busy_engine() -> Engine {
    let mut exchange = Exchange::new(1, SYMBOLS, LIVE);
    let mut encoder = Encoder::new();
    exchange.open(&mut encoder);
    exchange.fill(&mut encoder, u64::MAX);
    (0..AGEING_MESSAGES).for_each(|_| exchange.next(&mut encoder));
    let mut engine = Inline::of(stages(1), (), ());
    let next = push(&mut engine, 1, encoder.bytes());
    let symbols = || (1..=u32::from(SYMBOLS)).map(SymbolId);
    let so_far: u64 = symbols().map(|symbol| engine.shard().metrics(symbol).tape.trades()).sum();
    encoder.clear();
    let mut random = Random::new(2);
    for number in so_far..PRINTS {
        let locate = exchange.pick_locate();
        let header = Header { locate, tracking: 0, time_of_day_ns: 57_000_000_000_000 + number };
        let price = Price4(1_000_000 + random.below(500) as u32 * 100);
        let stock = Stock::new("PRINT").expect("a name");
        let number = MatchNumber((1 << 40) + number);
        encoder.trade(header, OrderRef(0), Side::Buy, 100, stock, price, number);
    }
    push(&mut engine, next, encoder.bytes());
    assert_eq!(engine.shard().books().order_count() as usize, LIVE);
    engine
}

/// Pushes messages in packets; the sequence behind the last.
fn push(engine: &mut Engine, first: u64, messages: &[u8]) -> u64 {
    let whole = Packet { feed: FeedId(0), sequence: Sequence(first), recv: Nanos(0), messages };
    let lengths: Vec<usize> = whole.iter().map(|message| 2 + message.len()).collect();
    let (mut at, mut sequence) = (0, first);
    for lengths in lengths.chunks(MESSAGES_A_PACKET) {
        let end = at + lengths.iter().sum::<usize>();
        let messages = &messages[at..end];
        let packet =
            Packet { feed: FeedId(0), sequence: Sequence(sequence), recv: Nanos(0), messages };
        engine.push(&packet).expect("it is one day");
        (at, sequence) = (end, sequence + lengths.len() as u64);
    }
    sequence
}

fn written(engine: &Engine, parts: &mut Parts) {
    parts.bytes.clear();
    parts.order.clear();
    let Ok(()) = image::write(engine, parts);
}

fn main() {
    let engine = busy_engine();
    let mut parts = Parts::default();
    written(&engine, &mut parts);
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("image, 1 M orders, 2 M prints, 8 k symbols");
    group.sample_size(10);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Bytes(parts.bytes.len() as u64));
    group.bench_function("write", |b| b.iter(|| written(black_box(&engine), &mut parts)));
    for shards in [1, 2] {
        group.bench_function(format!("restore, {shards} shard(s)"), |b| {
            b.iter_custom(|times| {
                let mut taken = Duration::ZERO;
                for _ in 0..times {
                    let fresh = stages(shards);
                    let start = Instant::now();
                    let restored = image::restore(black_box(&parts), fresh).expect("an image");
                    taken += start.elapsed();
                    black_box(restored.shards.len());
                }
                taken
            });
        });
    }
    group.finish();
    let symbols = (1..=u32::from(SYMBOLS)).map(SymbolId);
    let levels = |symbol: &SymbolId| engine.shard().book(*symbol).order_count();
    let busiest = symbols.max_by_key(levels).expect("a symbol");
    criterion.bench_function("the busiest book alone", |b| {
        b.iter_custom(|times| {
            let mut taken = Duration::ZERO;
            for _ in 0..times {
                let mut shard = Shard::new(Limits::default()).expect("memory for a shard");
                let start = Instant::now();
                let found = image::restore_book(&parts, busiest, &mut shard).expect("an image");
                taken += start.elapsed();
                assert!(found, "the symbol has a book");
            }
            taken
        });
    });
    criterion.final_summary();
}
