#![forbid(unsafe_code)]
//! What a hash point costs: the walk over all state of one shard, hashed.
//!
//! The state is a busy day's middle: 300,000 live orders that the made-up exchange has aged, over 8,000
//! stocks, and a million prints on their tapes. Each section's share is measured alone, too: as bytes
//! gathered in memory that is already there, without the hash.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use engine::book::books::Limits;
use engine::event::{Event, Kind};
use engine::shard::Shard;
use engine::state::{Section, encode, section_sums};
use engine::units::{Nanos, Price, SymbolId};
use feed_handlers::itch50::Encoder;
use tapewatch_benches::exchange::{Exchange, Random};
use tapewatch_benches::stages;
use tapewatch_benches::tape::Tape;

const LIVE: usize = 300_000;
const SYMBOLS: u16 = 8_000;
const PRINTS: u64 = 1_000_000;
/// Messages at the full number of orders, so that the pools are as mixed as a day leaves them.
const AGEING_MESSAGES: u64 = 2_000_000;

fn busy_shard() -> Shard {
    let mut exchange = Exchange::new(1, SYMBOLS, LIVE);
    let mut encoder = Encoder::new();
    exchange.open(&mut encoder);
    exchange.fill(&mut encoder, u64::MAX);
    (0..AGEING_MESSAGES).for_each(|_| exchange.next(&mut encoder));
    let tape = Tape::of(encoder, "a made-up exchange");
    let mut shard = Shard::new(Limits::default()).expect("memory for a shard");
    stages::decode_all(&tape, |events| shard.apply_batch(events, &mut ()))
        .expect("memory for a decoder");
    let so_far: u64 =
        (1..=u32::from(SYMBOLS)).map(|symbol| shard.metrics(SymbolId(symbol)).tape.trades()).sum();
    let mut random = Random::new(2);
    for number in so_far..PRINTS {
        let price = Price::from_e4(1_000_000 + random.below(500) as u32 * 100);
        let print = Event {
            sequence: number,
            time_ns: number as i64,
            recv_ns: 0,
            symbol: exchange.pick_locate().into(),
            kind: Kind::Trade as u8,
            side: b'B',
            flags: 0,
            words: [0, (1 << 40) + number, 100, price.0 as u64],
        };
        shard.apply(&print, &mut ());
    }
    assert_eq!(shard.books().order_count() as usize, LIVE);
    shard
}

fn main() {
    let shard = busy_shard();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("state, 300 k orders, 1 M prints, 8 k symbols");
    group.sample_size(20);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    group.bench_function("digest", |b| b.iter(|| section_sums(black_box(&shard), Nanos(0), true)));
    for section in [Section::Books, Section::Metrics] {
        let mut bytes = Vec::new();
        group.bench_function(format!("bytes of {section}"), |b| {
            b.iter(|| {
                bytes.clear();
                for symbol in (0..=u32::from(SYMBOLS)).map(SymbolId) {
                    encode::symbol(section, black_box(&shard), symbol, &mut bytes);
                }
                bytes.len()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
