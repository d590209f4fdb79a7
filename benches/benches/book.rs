#![forbid(unsafe_code)]
//! What an order costs the books while some 300,000 live, and what the whole file costs.
//!
//! **Operations.** Books are filled by the made-up exchange; then blocks of one operation run over
//! them, each leaving as many orders as it found. Old orders are picked at random among all that
//! live, so nothing of them is in the cache; new references rise as on a day. Each operation is
//! measured with the paged index and with the hash table alone, in batches behind a prefetch (as the
//! engine works) and one by one.
//!
//! **Whole file.** Framing, decode, books and metrics over the yardstick file, an engine a pass.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, SamplingMode, Throughput};
use engine::book::Books;
use engine::book::books::Limits;
use engine::book::index::IndexMode;
use engine::event::{Event, Kind, PRICE_NONE};
use engine::packet::Packet;
use engine::pipeline::stage::{BATCH_EVENTS_MAX, EventBatch};
use engine::quality::Quality;
use engine::units::{FeedId, Nanos, OrderRef, Price, Sequence, Side};
use feed_handlers::itch50::decode::Itch50Decoder;
use feed_handlers::itch50::{Encoder, Price4};
use tapewatch_benches::exchange::{Exchange, LiveOrder, Random};
use tapewatch_benches::stages::{self, BookBuilder, MIDNIGHT};
use tapewatch_benches::tape::Tape;

/// Live orders throughout.
const LIVE: usize = 300_000;
/// Messages at that number before anything is measured.
const AGEING_MESSAGES: u64 = 2_000_000;
/// Stocks they are spread over.
const SYMBOLS: u16 = 500;
/// Events of a block: what one iteration applies.
const BLOCK_EVENTS: usize = 8 * BATCH_EVENTS_MAX;
/// Cents from the middle of the market to an order far from the best: nothing else is there.
const FAR_CENTS: u64 = 5_000;

/// What is done to the books.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Orders come in within cents of the best; a moment later they are deleted in another order.
    AddDeleteNear,
    /// The same far from the best, mostly at levels of their own.
    AddDeleteFar,
    /// Old orders are deleted; as many come in.
    DeleteOld,
    /// Old orders are replaced.
    ReplaceOld,
    /// A share of old orders is executed.
    ExecuteOld,
}

impl Operation {
    const ALL: [(Operation, &'static str); 5] = [
        (Operation::AddDeleteNear, "add, delete near the best"),
        (Operation::AddDeleteFar, "add, delete far off"),
        (Operation::DeleteOld, "delete old, add"),
        (Operation::ReplaceOld, "replace old"),
        (Operation::ExecuteOld, "execute old"),
    ];
}

/// Books at a steady number of orders, and the orders that they hold.
struct Market {
    exchange: Exchange,
    random: Random,
    live: Vec<LiveOrder>,
    books: Books,
    quality: Quality,
    sequence: u64,
}

impl Market {
    fn new(mode: IndexMode) -> Self {
        let books = Books::with_index(Limits::default(), mode).expect("memory for books");
        let mut builder = BookBuilder::new(books).expect("memory for a decoder");
        let mut exchange = Exchange::new(1, SYMBOLS, LIVE);
        let mut encoder = Encoder::new();
        exchange.open(&mut encoder);
        exchange.fill(&mut encoder, u64::MAX);
        // … and on, until the orders' ages are a day's.
        (0..AGEING_MESSAGES).for_each(|_| exchange.next(&mut encoder));
        let (sequence, recv) = (Sequence(1), Nanos(0));
        builder.push(&Packet { feed: FeedId(0), sequence, recv, messages: encoder.bytes() });
        let live = exchange.live().to_vec();
        let mut market = Market {
            exchange,
            random: Random::new(2),
            live,
            books: builder.into_books(),
            quality: Quality::default(),
            sequence: encoder.messages(),
        };
        market.give_every_order_many_shares();
        market
    }

    /// So that no execution ever takes the last one.
    fn give_every_order_many_shares(&mut self) {
        let mut events = Vec::new();
        for place in 0..self.live.len() {
            let price = self.live[place].price;
            events.push(self.replace(place, price));
        }
        self.apply_one_by_one(&events);
        self.assert_in_step();
    }

    fn assert_in_step(&self) {
        assert_eq!(self.books.order_count() as usize, self.live.len());
        assert_eq!(self.quality, Quality::default());
    }

    fn event(&mut self, kind: Kind, order: &LiveOrder, words: [u64; 4]) -> Event {
        self.sequence += 1;
        Event {
            sequence: self.sequence,
            time_ns: self.sequence as i64,
            recv_ns: self.sequence as i64,
            symbol: order.locate.into(),
            kind: kind as u8,
            side: if kind == Kind::Add { order.side.byte() } else { 0 },
            flags: 0,
            words,
        }
    }

    fn add(&mut self, order: LiveOrder) -> Event {
        let words = [order.reference.0, price_word(order.price), order.shares.into(), 0];
        self.live.push(order);
        self.event(Kind::Add, &order, words)
    }

    fn delete(&mut self, place: usize) -> Event {
        let order = self.live.swap_remove(place);
        self.event(Kind::Delete, &order, [order.reference.0, 0, 0, 0])
    }

    fn replace(&mut self, place: usize, price: Price4) -> Event {
        let reference = self.exchange.fresh_reference();
        let shares = 2_000_000_000;
        let old = self.live[place];
        self.live[place] = LiveOrder { reference, price, shares, ..old };
        let words = [old.reference.0, reference.0, price_word(price), shares.into()];
        self.event(Kind::Replace, &old, words)
    }

    fn new_order(&mut self, is_far: bool) -> LiveOrder {
        let locate = self.exchange.pick_locate();
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = if is_far {
            let cents = (FAR_CENTS + self.random.below(FAR_CENTS)) as u32;
            let middle = Exchange::middle_cents(locate);
            let far = if side == Side::Buy { middle - cents } else { middle + cents };
            Price4(far * 100)
        } else {
            self.exchange.passive_price(locate, side)
        };
        let reference = self.exchange.fresh_reference();
        LiveOrder { reference, locate, side, price, shares: 2_000_000_000 }
    }

    fn pick(&mut self) -> usize {
        self.random.below(self.live.len() as u64) as usize
    }

    /// The next block of an operation.
    fn block(&mut self, operation: Operation, events: &mut Vec<Event>) {
        events.clear();
        while events.len() < BLOCK_EVENTS {
            match operation {
                Operation::AddDeleteNear | Operation::AddDeleteFar => {
                    let is_far = matches!(operation, Operation::AddDeleteFar);
                    let pairs = BLOCK_EVENTS / 2;
                    let old = self.live.len();
                    for _ in 0..pairs {
                        let order = self.new_order(is_far);
                        events.push(self.add(order));
                    }
                    for young in (1..=pairs).rev() {
                        let place = old + self.random.below(young as u64) as usize;
                        events.push(self.delete(place));
                    }
                }
                Operation::DeleteOld => {
                    let place = self.pick();
                    events.push(self.delete(place));
                    let order = self.new_order(false);
                    events.push(self.add(order));
                }
                Operation::ReplaceOld => {
                    let place = self.pick();
                    let LiveOrder { locate, side, .. } = self.live[place];
                    let price = self.exchange.passive_price(locate, side);
                    events.push(self.replace(place, price));
                }
                Operation::ExecuteOld => {
                    let place = self.pick();
                    let order = self.live[place];
                    let OrderRef(reference) = order.reference;
                    let words = [reference, self.sequence, 1, PRICE_NONE];
                    events.push(self.event(Kind::Execute, &order, words));
                }
            }
        }
    }

    fn apply_one_by_one(&mut self, events: &[Event]) {
        for event in events {
            black_box(self.books.apply(event, &mut self.quality));
        }
    }

    fn apply_in_batches(&mut self, events: &[Event]) {
        for batch in events.chunks(BATCH_EVENTS_MAX) {
            self.books.prefetch(batch);
            self.apply_one_by_one(batch);
        }
    }
}

fn price_word(price: Price4) -> u64 {
    Price::from(price).0 as u64
}

fn operations(criterion: &mut Criterion) {
    for (mode, index) in [(IndexMode::Paged, "paged"), (IndexMode::HashOnly, "hash only")] {
        let mut group = criterion.benchmark_group(format!("book at 300 k orders, {index}"));
        group.throughput(Throughput::Elements(BLOCK_EVENTS as u64));
        group.sample_size(20);
        group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
        for (operation, name) in Operation::ALL {
            for (is_batched, how) in [(true, "batches"), (false, "one by one")] {
                let mut market = None;
                group.bench_function(format!("{name}, {how}"), |b| {
                    let market = market.get_or_insert_with(|| Market::new(mode));
                    let mut events = Vec::with_capacity(BLOCK_EVENTS);
                    b.iter_custom(|iterations| {
                        let mut taken = Duration::ZERO;
                        for _ in 0..iterations {
                            market.block(operation, &mut events);
                            let start = Instant::now();
                            if is_batched {
                                market.apply_in_batches(&events);
                            } else {
                                market.apply_one_by_one(&events);
                            }
                            taken += start.elapsed();
                        }
                        market.assert_in_step();
                        taken
                    });
                });
            }
        }
        group.finish();
    }
}

fn whole_file(criterion: &mut Criterion, tape: &Tape) {
    let mut group = criterion.benchmark_group("whole file");
    group.throughput(Throughput::Elements(tape.messages()));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.measurement_time(Duration::from_secs(5));
    group.bench_function("framing", |b| b.iter(|| stages::framing(black_box(tape))));
    group.bench_function("decode", |b| {
        b.iter_batched_ref(
            || (Itch50Decoder::new(MIDNIGHT).expect("memory for a decoder"), EventBatch::new()),
            |(decoder, batch)| stages::decode(black_box(tape), decoder, batch),
            BatchSize::PerIteration,
        );
    });
    for (mode, name) in [(IndexMode::Paged, "book"), (IndexMode::HashOnly, "book, hash only")] {
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || {
                    let books = Books::with_index(Limits::default(), mode);
                    BookBuilder::new(books.expect("memory for books"))
                        .expect("memory for a decoder")
                },
                |builder| stages::book(black_box(tape), builder),
                BatchSize::PerIteration,
            );
        });
    }
    group.bench_function("metrics", |b| {
        b.iter_batched_ref(
            || stages::engine().expect("memory for an engine"),
            |engine| stages::metrics(black_box(tape), engine),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn main() {
    let tape = Tape::yardstick();
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "whole file: {}", tape.origin());
    let mut criterion = Criterion::default().configure_from_args();
    operations(&mut criterion);
    whole_file(&mut criterion, &tape);
    criterion.final_summary();
}
