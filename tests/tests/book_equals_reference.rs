//! Engine and reference market are equal after every event of random streams.
//!
//! The streams are made to collide: few symbols, few prices, few references, so that orders are
//! unknown, live twice, over-executed, replaced by themselves, and prints broken twice.

#![forbid(unsafe_code)]

use engine::event::Event;
use engine::units::{Price, Side};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tapewatch_tests::compare::{difference, difference_of_books};
use tapewatch_tests::events::{
    At, add, add_with_side_byte, break_of, cancel, cents, cross, delete, execute, execute_at,
    execute_unprinted, hidden, numbered, raw, replace, short_sale, system, trading,
};
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::subject::Subject;

/// Mostly two symbols; sometimes the highest locate, sometimes none.
fn symbol() -> impl Strategy<Value = u32> {
    prop_oneof![8 => Just(1_u32), 5 => Just(2), 1 => Just(65_535), 1 => Just(0)]
}

/// Few, so that they collide; dense ones, ones at the edges of powers of two, and the extremes.
fn reference() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0_u64..10,
        1 => select(vec![511, 512, 4_095, 4_096, 65_535, 65_536, 1 << 20]),
        1 => select(vec![u64::from(u32::MAX), 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX]),
    ]
}

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![
        12 => (10_00_i64..10_06).prop_map(cents),
        1 => select(vec![
            Price(0),
            Price(1),
            cents(-1_00),
            Price::from_e4(u32::MAX),
        ]),
    ]
}

fn qty() -> impl Strategy<Value = u64> {
    prop_oneof![
        1 => Just(0_u64),
        6 => 1_u64..4,
        4 => select(vec![50, 100, 100, 200]),
        1 => Just(u64::from(u32::MAX)),
    ]
}

fn match_number() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0_u64..8, 1 => Just(u64::MAX)]
}

fn side() -> impl Strategy<Value = Side> {
    select(vec![Side::Buy, Side::Sell])
}

fn order_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (symbol(), reference(), side(), price(), qty())
            .prop_map(|(s, r, side, p, q)| add(s, r, side, p, q)),
        1 => (symbol(), reference(), any::<u8>(), price(), qty())
            .prop_map(|(s, r, side, p, q)| add_with_side_byte(s, r, side, p, q)),
        5 => (symbol(), reference(), qty(), match_number())
            .prop_map(|(s, r, q, m)| execute(s, r, q, m)),
        2 => (symbol(), reference(), qty(), match_number(), price())
            .prop_map(|(s, r, q, m, p)| execute_at(s, r, q, m, p)),
        2 => (symbol(), reference(), qty(), match_number(), price())
            .prop_map(|(s, r, q, m, p)| execute_unprinted(s, r, q, m, p)),
        4 => (symbol(), reference(), qty()).prop_map(|(s, r, q)| cancel(s, r, q)),
        4 => (symbol(), reference()).prop_map(|(s, r)| delete(s, r)),
        6 => (symbol(), reference(), reference(), price(), qty())
            .prop_map(|(s, old, new, p, q)| replace(s, old, new, p, q)),
        2 => (symbol(), reference(), price(), qty())
            .prop_map(|(s, r, p, q)| replace(s, r, r, p, q)),
    ]
}

fn other_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (symbol(), qty(), match_number(), price())
            .prop_map(|(s, q, m, p)| hidden(s, q, m, p)),
        2 => (symbol(), qty(), match_number(), price())
            .prop_map(|(s, q, m, p)| cross(s, q, m, p)),
        5 => (symbol(), match_number()).prop_map(|(s, m)| break_of(s, m)),
        3 => (symbol(), select(b"TTTHPQZ".to_vec())).prop_map(|(s, state)| trading(s, state)),
        1 => symbol().prop_map(short_sale),
        1 => select(b"OSQMEC".to_vec()).prop_map(system),
    ]
}

/// A numbered stream whose times mostly go on, sometimes stand and sometimes go back.
fn stream(events_max: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![3 => order_event(), 1 => other_event()];
    let step = prop_oneof![1 => -30_i64..0, 2 => Just(0_i64), 6 => 1_i64..40];
    vec((event, step), 1..events_max).prop_map(|steps| {
        let mut time_ns = 1_577_716_200_000_000_000;
        let timed = steps.into_iter().map(|(event, step)| {
            time_ns += step;
            event.at(time_ns)
        });
        numbered(timed.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn engine_and_reference_are_equal_after_every_event(events in stream(250)) {
        let mut subject = Subject::new();
        let mut market = ReferenceMarket::default();
        for event in &events {
            subject.apply(event);
            market.apply(event);
            if let Err(what) = difference(subject.shard(), &market) {
                prop_assert!(false, "after {event:?}: {what}");
            }
        }
    }

    #[test]
    fn batches_of_any_size_give_what_single_events_give(
        events in stream(400),
        sizes in vec(1_usize..140, 1..8),
    ) {
        let mut subject = Subject::new();
        let mut market = ReferenceMarket::default();
        let mut rest = events.as_slice();
        for size in sizes.iter().cycle() {
            let (batch, after) = rest.split_at(rest.len().min(*size));
            subject.apply_batch(batch);
            for event in batch {
                market.apply(event);
            }
            if let Err(what) = difference(subject.shard(), &market) {
                prop_assert!(false, "after sequence {:?}: {what}", batch.last());
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn events_of_any_bits_leave_sound_books(
        events in vec((0_u8..=23, any::<u8>(), any::<u16>(), any::<[u64; 4]>(), any::<i64>(), any::<u32>(), 0_u8..4), 1..150),
    ) {
        let mut subject = Subject::new();
        for (kind, side, flags, mut words, time_ns, symbol, shape) in events {
            if shape > 0 {
                words[0] %= 6; // references that meet
                words[1] %= 6;
            }
            let symbol = if shape == 3 { symbol } else { symbol % 3 };
            let side = if shape > 1 { b"BS"[usize::from(side % 2)] } else { side };
            let mut event = raw(symbol, engine::event::Kind::Add, side, flags, words).at(time_ns);
            event.kind = kind;
            subject.apply(&event);
        }
        subject.assert_valid();
    }
}

/// A long run over references as an exchange deals them out, with tens of thousands of live orders.
///
/// References rise densely, the oldest orders mostly die, so whole ranges of references become empty;
/// a few survive everywhere; then the references jump, fall back and start again elsewhere.
mod long_run {
    use super::*;
    use tapewatch_tests::random::Random;

    struct Exchange {
        random: Random,
        live: Vec<(u32, u64)>,
        next_reference: u64,
        next_match: u64,
        time_ns: i64,
    }

    impl Exchange {
        fn new(seed: u64) -> Self {
            Exchange {
                random: Random::new(seed),
                live: Vec::new(),
                next_reference: 1,
                next_match: 1,
                time_ns: 1_577_716_200_000_000_000,
            }
        }

        fn fresh(&mut self) -> u64 {
            self.next_reference += 1 + self.random.below(2);
            self.next_reference
        }

        fn price(&mut self) -> Price {
            let near = self.random.below(40) as i64;
            let far = if self.random.below(50) == 0 {
                self.random.below(5_000) as i64
            } else {
                0
            };
            cents(100_00 + near + far)
        }

        fn add(&mut self) -> Event {
            // Symbols with few and with many orders.
            let symbol = 1 + (self.random.below(8) * self.random.below(8) / 8) as u32;
            let order = self.fresh();
            let side = *self.random.pick(&[Side::Buy, Side::Sell]);
            self.live.push((symbol, order));
            let qty = self.random.below(500);
            add(symbol, order, side, self.price(), qty)
        }

        /// Something happens to a live order, most likely one of the oldest.
        fn on_live_order(&mut self) -> Event {
            let count = self.live.len() as u64;
            let place = match self.random.below(4) {
                0 => self.random.below(count),
                _ => self.random.below(count.min(200)),
            } as usize;
            let (symbol, order) = self.live[place];
            self.next_match += 1;
            let number = self.next_match;
            match self.random.below(10) {
                0 => execute(symbol, order, self.random.below(300), number),
                1 => execute_at(symbol, order, self.random.below(300), number, self.price()),
                2 => cancel(symbol, order, self.random.below(300)),
                3 | 4 => {
                    let new = self.fresh();
                    self.live.remove(place);
                    self.live.push((symbol, new));
                    let qty = self.random.below(500);
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
            let grow = self.live.len() < live_aim && self.random.below(3) > 0;
            let event = if self.live.is_empty() || grow || self.random.below(4) == 0 {
                self.add()
            } else if self.random.below(200) == 0 {
                let symbol = 1 + self.random.below(8) as u32;
                break_of(symbol, 1 + self.random.below(self.next_match))
            } else {
                self.on_live_order()
            };
            event.at(self.time_ns)
        }
    }

    fn equal_over_a_long_run(seed: u64, batch_max: u64) {
        let mut exchange = Exchange::new(seed);
        let mut subject = Subject::new();
        let mut market = ReferenceMarket::default();
        let mut sizes = Random::new(!seed);
        let mut batch = Vec::new();
        let mut sequence = 0;
        // (events, live orders aimed at, where references go on)
        let phases = [
            (60_000, 20_000, 1),
            (40_000, 20_000, 1 << 40),
            (20_000, 2_000, 70_000), // falls back into ranges that were given up
            (20_000, 10_000, u64::MAX - 100_000),
            (40_000, 10_000, 500_000),
            (20_000, 100, 3_000_000_000),
        ];
        for (events, live_aim, first_reference) in phases {
            exchange.next_reference = first_reference;
            for _ in 0..events {
                sequence += 1;
                let mut event = exchange.next(live_aim);
                event.sequence = sequence;
                batch.push(event);
                if batch.len() as u64 > sizes.below(batch_max) {
                    subject.apply_batch(&batch);
                    for event in batch.drain(..) {
                        market.apply(&event);
                    }
                    if let Err(what) = difference_of_books(subject.shard(), &market, 1) {
                        panic!("at sequence {sequence}: {what}");
                    }
                }
                if sequence % 10_000 == 0 && batch.is_empty() {
                    difference(subject.shard(), &market).unwrap_or_else(|what| {
                        panic!("at sequence {sequence}: {what}");
                    });
                }
            }
        }
        subject.apply_batch(&batch);
        batch.iter().for_each(|event| market.apply(event));
        difference(subject.shard(), &market).expect("equal at the end");

        // Every order goes; nothing is left over anywhere.
        let all: Vec<(u32, u64)> = market
            .symbols()
            .flat_map(|(symbol, known)| {
                let sides = [Side::Buy, Side::Sell].into_iter();
                let queues = sides.flat_map(|side| known.book.queues(side));
                queues.flat_map(move |(_, queue)| {
                    queue.iter().map(move |resting| (symbol.0, resting.order.0))
                })
            })
            .collect();
        assert!(all.len() > 1_000, "the run leaves many orders");
        for (symbol, order) in all {
            let event = delete(symbol, order).at(exchange.time_ns);
            subject.apply(&event);
            market.apply(&event);
        }
        difference(subject.shard(), &market).expect("equal when empty");
        for (symbol, _) in market.symbols() {
            assert_eq!(subject.order_count(symbol.0), 0);
        }
    }

    #[test]
    fn single_events_over_recycled_references_equal_the_reference() {
        equal_over_a_long_run(1, 1);
    }

    #[test]
    fn batches_over_recycled_references_equal_the_reference() {
        equal_over_a_long_run(2, 128);
    }
}
