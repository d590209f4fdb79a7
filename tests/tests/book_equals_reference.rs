//! Engine and reference market are equal after every event of random streams.
//!
//! The streams are made to collide: few symbols, few prices, few references, so that orders are
//! unknown, live twice, over-executed, replaced by themselves, and prints broken twice.

#![forbid(unsafe_code)]

use engine::event::{Event, Kind};
use engine::units::{Price, Side};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tapewatch_tests::compare::difference;
use tapewatch_tests::events::{
    At, add, add_with_side_byte, break_of, cancel, cents, cross, delete, execute, execute_at,
    execute_unprinted, hidden, numbered, raw, replace, short_sale, system, trading,
};
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::subject::Subject;

/// Mostly two symbols; sometimes one far from them, sometimes none.
fn symbol() -> impl Strategy<Value = u32> {
    prop_oneof![8 => Just(1_u32), 5 => Just(2), 1 => Just(300), 1 => Just(0)]
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
        1 => select(b"OSQMECZ".to_vec()).prop_map(system),
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
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

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
    fn events_of_any_bits_leave_sound_books(events in vec(any_bits(), 1..150)) {
        let mut single = Subject::new();
        for event in &events {
            single.apply(event);
        }
        single.assert_valid();
        let mut batched = Subject::new();
        batched.apply_batch(&events);
        batched.assert_valid();
        prop_assert_eq!(single.quality(), batched.quality());
    }
}

/// Anything that 64 bytes can hold, some of it made to meet.
fn any_bits() -> impl Strategy<Value = Event> {
    let fields = (0_u8..=23, any::<u8>(), any::<u16>(), any::<u32>());
    let shape = prop_oneof![1 => Just(false), 3 => Just(true)];
    (fields, any::<[u64; 4]>(), any::<i64>(), shape).prop_map(
        |((kind, side, flags, symbol), mut words, time_ns, meets)| {
            let (mut side, mut symbol) = (side, symbol);
            if meets {
                words[0] %= 6;
                words[1] %= 6;
                side = b"BS"[usize::from(side % 2)];
                symbol %= 3;
            }
            let event = raw(symbol, Kind::Add, side, flags, words).at(time_ns);
            Event { kind, ..event }
        },
    )
}
