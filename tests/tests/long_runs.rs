//! Engine and reference market stay equal over long runs with many live orders.
//!
//! References come as an exchange deals them out: they rise densely and the oldest orders mostly
//! die, so that whole ranges become empty; a few orders survive everywhere. Then the references
//! jump, fall back, spread thinly, reach the end of the number range, and all go.

#![forbid(unsafe_code)]
// Cents read as dollars_cents.
#![allow(clippy::inconsistent_digit_grouping)]

use engine::event::Event;
use engine::units::{Price, Side};
use tapewatch_tests::compare::{difference, difference_of_books};
use tapewatch_tests::events::{
    At, add, break_of, cancel, cents, delete, execute, execute_at, replace,
};
use tapewatch_tests::random::Random;
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::subject::Subject;

/// Deals out events of a made-up exchange.
struct Exchange {
    random: Random,
    live: Vec<(u32, u64)>,
    next_reference: u64,
    stride_max: u64,
    next_match: u64,
    time_ns: i64,
}

impl Exchange {
    fn new(seed: u64) -> Self {
        Exchange {
            random: Random::new(seed),
            live: Vec::new(),
            next_reference: 1,
            stride_max: 1,
            next_match: 1,
            time_ns: 1_577_716_200_000_000_000,
        }
    }

    fn fresh_reference(&mut self) -> u64 {
        let stride = 1 + self.random.below(self.stride_max);
        self.next_reference = self.next_reference.wrapping_add(stride);
        self.next_reference
    }

    fn price(&mut self) -> Price {
        let near = self.random.below(40) as i64;
        let far = match self.random.below(50) {
            0 => self.random.below(5_000) as i64,
            _ => 0,
        };
        cents(100_00 + near + far)
    }

    fn add(&mut self) -> Event {
        // Symbols with few orders and with many.
        let symbol = 1 + (self.random.below(8) * self.random.below(8) / 8) as u32;
        // Sometimes a reference that lives already, mostly under another symbol.
        let order = if self.random.below(30) == 0 && !self.live.is_empty() {
            self.random.pick(&self.live).1
        } else {
            self.fresh_reference()
        };
        self.live.push((symbol, order));
        let side = *self.random.pick(&[Side::Buy, Side::Sell]);
        add(symbol, order, side, self.price(), self.random.below(500))
    }

    /// Something happens to a live order, most likely to one of the oldest.
    fn touch(&mut self) -> Event {
        let count = self.live.len() as u64;
        let place = match self.random.below(4) {
            0 => self.random.below(count),
            _ => self.random.below(count.min(200)),
        } as usize;
        let (symbol, order) = self.live[place];
        let qty = self.random.below(300);
        self.next_match += 1;
        match self.random.below(10) {
            0 => execute(symbol, order, qty, self.next_match),
            1 => execute_at(symbol, order, qty, self.next_match, self.price()),
            2 => cancel(symbol, order, qty),
            3 | 4 => {
                let new = self.fresh_reference();
                self.live.remove(place);
                self.live.push((symbol, new));
                replace(symbol, order, new, self.price(), qty)
            }
            _ => {
                self.live.remove(place);
                delete(symbol, order)
            }
        }
    }

    fn next(&mut self, live_aim: usize) -> Event {
        self.time_ns += self.random.below(2_000) as i64;
        let grows = self.live.len() < live_aim && self.random.below(3) > 0;
        let event = if self.live.is_empty() || grows || self.random.below(5) == 0 {
            self.add()
        } else if self.random.below(200) == 0 {
            let symbol = 1 + self.random.below(8) as u32;
            break_of(symbol, 1 + self.random.below(self.next_match))
        } else {
            self.touch()
        };
        event.at(self.time_ns)
    }
}

/// Engine and reference, fed alike.
struct Pair {
    subject: Subject,
    market: ReferenceMarket,
    sequence: u64,
    batch: Vec<Event>,
    batch_max: u64,
    sizes: Random,
    spilled_max: usize,
    pages_max: u32,
}

impl Pair {
    fn new(batch_max: u64) -> Self {
        Pair {
            subject: Subject::new(),
            market: ReferenceMarket::default(),
            sequence: 0,
            batch: Vec::new(),
            batch_max,
            sizes: Random::new(99),
            spilled_max: 0,
            pages_max: 0,
        }
    }

    fn send(&mut self, event: Event) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.batch.push(Event { sequence, ..event });
        if self.batch.len() as u64 > self.sizes.below(self.batch_max) {
            self.flush();
        }
        if sequence.is_multiple_of(20_000) {
            self.assert_equal();
        }
    }

    fn flush(&mut self) {
        self.subject.apply_batch(&self.batch);
        for event in self.batch.drain(..) {
            self.market.apply(&event);
        }
        if let Err(what) = difference_of_books(self.subject.shard(), &self.market, 1) {
            panic!("at sequence {}: {what}", self.sequence);
        }
        let (pages, spilled) = self.subject.shard().books().index_usage();
        self.spilled_max = self.spilled_max.max(spilled);
        self.pages_max = self.pages_max.max(pages);
    }

    fn assert_equal(&mut self) {
        self.flush();
        if let Err(what) = difference(self.subject.shard(), &self.market) {
            panic!("at sequence {}: {what}", self.sequence);
        }
    }

    fn delete_every_order(&mut self, time_ns: i64) {
        self.flush();
        let mut orders = Vec::new();
        for (symbol, known) in self.market.symbols() {
            for side in [Side::Buy, Side::Sell] {
                for (_, queue) in known.book.queues(side) {
                    let references = queue.iter().map(|resting| resting.order.0);
                    orders.extend(references.map(|order| (symbol.0, order)));
                }
            }
        }
        assert!(orders.len() > 100, "the run left many orders");
        for (symbol, order) in orders {
            self.send(delete(symbol, order).at(time_ns));
        }
        self.assert_equal();
        assert_eq!(self.subject.shard().books().order_count(), 0);
        assert_eq!(self.subject.shard().books().level_count(), 0);
        assert_eq!(self.subject.shard().books().index_usage(), (0, 0));
    }
}

/// A stretch of a run.
struct Phase {
    events: usize,
    live_aim: usize,
    first_reference: u64,
    stride_max: u64,
}

const PHASES: [Phase; 7] = [
    // As an exchange begins.
    Phase { events: 50_000, live_aim: 10_000, first_reference: 1, stride_max: 2 },
    // Far off.
    Phase { events: 20_000, live_aim: 10_000, first_reference: 1 << 40, stride_max: 2 },
    // Back into ranges that were given up.
    Phase { events: 20_000, live_aim: 2_000, first_reference: 20_000, stride_max: 2 },
    // About one order in every thousand references.
    Phase { events: 50_000, live_aim: 15_000, first_reference: 1_000_000, stride_max: 2_000 },
    // Over the end of the numbers, round to 0.
    Phase { events: 20_000, live_aim: 5_000, first_reference: u64::MAX - 10_000, stride_max: 3 },
    // Dense again, between what survived of the thin stretch.
    Phase { events: 30_000, live_aim: 5_000, first_reference: 2_000_000, stride_max: 1 },
    // Mostly dying.
    Phase { events: 10_000, live_aim: 100, first_reference: 3_000_000_000, stride_max: 1 },
];

fn stays_equal(seed: u64, batch_max: u64) {
    let mut exchange = Exchange::new(seed);
    let mut pair = Pair::new(batch_max);
    for phase in PHASES {
        exchange.next_reference = phase.first_reference;
        exchange.stride_max = phase.stride_max;
        for _ in 0..phase.events {
            pair.send(exchange.next(phase.live_aim));
        }
        pair.assert_equal();
    }
    assert!(
        pair.spilled_max > 5_000,
        "the thin stretch reaches the hash table: {}",
        pair.spilled_max
    );
    assert!(
        pair.pages_max > 1_000 && pair.pages_max < 5_000,
        "pages follow live orders, not references: {}",
        pair.pages_max
    );
    pair.delete_every_order(exchange.time_ns);
    // And once more from nothing, elsewhere.
    exchange.live.clear();
    exchange.next_reference = 1 << 50;
    for _ in 0..10_000 {
        pair.send(exchange.next(2_000));
    }
    pair.delete_every_order(exchange.time_ns);
}

#[test]
fn single_events_over_recycled_references_equal_the_reference() {
    stays_equal(1, 1);
}

#[test]
fn batches_over_recycled_references_equal_the_reference() {
    stays_equal(2, 128);
}
