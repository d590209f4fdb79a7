//! The state hash stands for the state: all of it, and nothing else.
//!
//! One hash is pinned. `cargo xtask test` runs this file in the test profile and once more in release
//! for the processor at hand, so debug, release and native builds agree on it. The bytes that are
//! hashed are written here a second time, from their description, over the plain reference market,
//! and hashed by another implementation of XXH3.

#![forbid(unsafe_code)]

use engine::book::Books;
use engine::book::books::Limits;
use engine::book::index::IndexMode;
use engine::event::Event;
use engine::quality::Quality;
use engine::shard::Shard;
use engine::state::{Digest, Fingerprint, Section, SectionSums, StateHash, encode, section_sums};
use engine::units::Side::{self, Buy, Sell};
use engine::units::{Nanos, SymbolId};
use tapewatch_tests::events::{
    At, add, break_of, cancel, cents, cross, delete, execute, execute_at, execute_unprinted,
    hidden, numbered, replace, short_sale, system, trading,
};
use tapewatch_tests::random::Random;
use tapewatch_tests::reference::ReferenceMarket;
use xxhash_rust::xxh3::xxh3_64;

const NOON: Nanos = Nanos(1_577_725_200_000_000_000);

fn shard() -> Shard {
    Shard::new(Limits::default()).expect("memory for a shard")
}

fn after(events: &[Event]) -> Shard {
    let mut shard = shard();
    events.iter().for_each(|event| shard.apply(event, &mut ()));
    shard.validate().expect("sound books");
    shard
}

fn sums(events: &[Event]) -> SectionSums {
    section_sums(&after(events), NOON, true)
}

/// Every kind of message that leaves something behind, over three symbols far apart; one of them has
/// more prints than a block of the tape holds, and more orders than the hash takes in one go.
fn script() -> Vec<Event> {
    let mut events = vec![system(b'O'), trading(1, b'T'), trading(2, b'T'), system(b'Q')];
    for order in 0..400 {
        let side = if order % 3 == 0 { Buy } else { Sell };
        let price = cents(if side == Buy { 9_990 } else { 10_010 } + (order as i64 % 7));
        // Dense references, and some that are far from any other.
        let reference = if order % 50 == 49 { u64::MAX - order * 0x0123_4567_89ab } else { order };
        events.push(add(1, reference, side, price, 100 + order));
    }
    for order in 0..150 {
        events.push(match order % 6 {
            0 => execute(1, order, 30, 1_000 + order),
            1 => execute_at(1, order, 40, 1_000 + order, cents(10_000)),
            2 => execute_unprinted(1, order, 50, 1_000 + order, cents(10_001)),
            3 => cancel(1, order, 60),
            4 => delete(1, order),
            _ => replace(1, order, 10_000 + order, cents(10_020), 70),
        });
        events.push(hidden(1, 5 + order, 2_000 - order, cents(9_998 + order as i64 % 5)));
    }
    events.extend([
        break_of(1, 1_007),
        break_of(1, 1_995),
        break_of(1, 1_995),
        cross(1, 12_345, 5_000, cents(10_002)),
        cross(1, 0, 5_001, cents(10_002)),
        // What can't be applied, each cause.
        delete(2, 77),
        add(2, 1, Buy, cents(1_000), 0),
        add(2, 1, Sell, cents(1_000), 1),
        execute(2, 1, 9, 1),
        add(2, 2, Buy, cents(1_005), 3),
        add(2, 3, Sell, cents(1_005), 3),
        add(2, 4, Sell, cents(1_004), 3),
        trading(2, b'?'),
        short_sale(300),
        system(b'?'),
    ]);
    let timed = events.into_iter().enumerate();
    numbered(timed.map(|(at, event)| event.at(NOON.0 + 1_000 * at as i64)).collect())
}

#[test]
fn the_golden_hash_is_the_same_in_every_build() {
    let hash = StateHash::of(&sums(&script()));
    let sections = Section::ALL.map(|section| hash.section(section).to_string());
    assert_eq!(
        (hash.to_string().as_str(), sections.each_ref().map(String::as_str)),
        (
            "0496caa587165a8a",
            ["a99b1958a048ad01", "1efaeb98894e26c7", "8c5b446ec2972821", "0492e102c1f11575"],
        )
    );
}

/// Versions of the sections, in the order of their numbers.
const VERSIONS: [usize; 4] = [2, 3, 2, 1];

/// The bytes as the prologues of `state/encode.rs` and `state/digest.rs` describe them.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn text(mut self, text: &str) -> Self {
        self.0.extend(text.as_bytes());
        self
    }

    fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    fn u32(mut self, value: usize) -> Self {
        self.0.extend(u32::try_from(value).expect("a small number").to_le_bytes());
        self
    }

    fn u64s(mut self, values: impl IntoIterator<Item = u64>) -> Self {
        values.into_iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }

    fn u128s(mut self, values: impl IntoIterator<Item = u128>) -> Self {
        values.into_iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }

    fn symbol(section: usize, symbol: usize) -> Self {
        Bytes::default().text("symb").u32(section).u32(VERSIONS[section - 1]).u32(symbol)
    }

    fn hash(&self) -> u64 {
        xxh3_64(&self.0)
    }
}

fn section_digest(section: usize, symbols: u64, sum: u64) -> u64 {
    let version = VERSIONS[section - 1];
    Bytes::default().text("sect").u32(section).u32(version).u64s([symbols, sum]).hash()
}

fn reference_books_digest(market: &ReferenceMarket) -> Digest {
    let (mut symbols, mut sum) = (0, 0_u64);
    for (symbol, known) in market.symbols() {
        let mut bytes = Bytes::symbol(1, symbol.0 as usize);
        for side in [Buy, Sell] {
            bytes = bytes.u32(known.book.level_count(side));
            for (price, queue) in known.book.queues(side) {
                let qty = queue.iter().map(|order| order.qty.0).sum();
                bytes = bytes.u64s([price.0 as u64, qty]).u32(queue.len());
                for order in queue {
                    let qty = usize::try_from(order.qty.0).expect("a size");
                    bytes = bytes.u64s([order.order.0]).u32(qty).u32(usize::from(order.filled));
                    bytes = bytes.u64s([order.time.0 as u64]);
                }
            }
        }
        symbols += 1;
        sum = sum.wrapping_add(bytes.hash());
    }
    Digest(section_digest(1, symbols, sum))
}

/// A made-up stream in which symbols, references and prices collide.
fn random_events(seed: u64, count: usize) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut time_ns = NOON.0;
    let events = (0..count).map(|_| {
        let symbol = *random.pick(&[1, 2, 3, 4, 5, 900]);
        let (order, other) = (random.below(60), random.below(60));
        let number = random.below(50);
        let order = if order < 5 { order << 57 } else { order };
        let price = cents(1_000 + random.below(8) as i64);
        let qty = random.below(5) * 50;
        let side = *random.pick(&[Buy, Sell]);
        time_ns += random.below(100) as i64 - 10;
        let event = match random.below(14) {
            0..5 => add(symbol, order, side, price, qty),
            5 => execute(symbol, order, qty, number),
            6 => execute_at(symbol, order, qty, number, price),
            7 => execute_unprinted(symbol, order, qty, number, price),
            8 => cancel(symbol, order, qty),
            9 => delete(symbol, order),
            10 => replace(symbol, order, other, price, qty),
            11 => hidden(symbol, qty, number, price),
            12 => break_of(symbol, number),
            _ => trading(symbol, *random.pick(b"THPQ")),
        };
        event.at(time_ns)
    });
    numbered(events.collect())
}

#[test]
fn books_hash_as_a_plain_market_written_down_from_the_description() {
    for seed in 0..40 {
        let events = random_events(seed, 50 * (1 + seed as usize));
        let mut market = ReferenceMarket::default();
        events.iter().for_each(|event| market.apply(event));
        let hash = StateHash::of(&sums(&events));
        assert_eq!(hash.section(Section::Books), reference_books_digest(&market), "seed {seed}");
    }
}

/// The figures of symbol 7 in the test below.
fn figures_worked_by_hand(bytes: Bytes) -> Bytes {
    const CENT: u64 = 10_000_000;
    const TURNED: u64 = 1 << 63;
    let histogram = |bytes: Bytes, filled: &[usize]| {
        (0..64).fold(bytes, |bytes, bucket| bytes.u32(usize::from(filled.contains(&bucket))))
    };
    let notional = u128::from(1_000 * CENT * 100 + 1_002 * CENT * 20);
    let bytes = bytes
        // Adds, executions, cancels, deletes, replaces, all others; changes of the quote.
        .u64s([2, 2, 0, 2, 0, 4, 5])
        .u8(b'T')
        .u8(0)
        // No bid; an ask of 150. Order flow 300 − 200 − 100 + 50 − 200.
        .u64s([0, 0, !((1_004 * CENT) ^ TURNED), 150, (-150_i64) as u64])
        // The last change, the next sample, the mid before the last change.
        .u64s([10_000 ^ TURNED, 1_000_000_000 ^ TURNED, 2_004 * CENT])
        // The next sample, the end of the bar, the print of 5,000 five seconds later.
        .u64s([1_000_000_000, 10_000_000_000, 5_000_005_000])
        // No samples.
        .u64s([0; 4])
        .u32(0)
        .u32(0)
        // Executed, cancelled, deleted, replaced shares; 9,000 ns of life; first fills after 4,000
        // and 5,000 ns.
        .u64s([150, 0, 200, 0])
        .u128s([9_000, 9_000]);
    let bytes = histogram(histogram(bytes, &[14]), &[12, 13]);
    bytes
        // Last, open, high, low; trades; volume, notional, hidden, cross, broken.
        .u64s([1_002 * CENT, 1_000 * CENT, 1_002 * CENT, 1_000 * CENT, 2])
        .u128s([120, notional, 10, 20, 10])
        // 4 cents from 2,000 to 10,000 ns.
        .u128s([u128::from(4 * CENT * 8_000)])
        .u64s([8_000, 10_000, 1])
        // Bought, sold; round lot, prints, odd lots.
        .u128s([0, 100])
        .u64s([0, 1, 0])
        // 100 sold two cents below the mid; nothing settled.
        .u128s([u128::from(400 * CENT), u128::from(100 * 2_004 * CENT), 100, 0, 0, 0])
        // The bar at hand: signed shares, value with the broken print, prints with an aggressor.
        .u128s([(-100_i128) as u128, u128::from(1_000 * CENT * 100 + 1_001 * CENT * 10)])
        .u64s([1])
        .u64s([0; 8])
        // No imbalance; an opening cross.
        .u64s([0; 3])
        .u64s([0; 2])
        .u64s([1_002 * CENT, 20, 0, 0, 0, 0])
        // Of 1,000 shares none is full: 100 sold, 10 hidden below the mid of 1,002 that stays sold.
        .u32(0)
        .u32(0)
        .u64s([110, (-110_i64) as u64])
        .u64s([0; 100])
}

#[test]
fn a_whole_state_hashes_as_worked_by_hand() {
    let events = [
        system(b'Q'),
        trading(7, b'T').at(100),
        add(7, 11, Buy, cents(1_000), 300).at(1_000),
        add(7, 12, Sell, cents(1_004), 200).at(2_000),
        execute(7, 11, 100, 501).at(5_000),
        hidden(7, 10, 502, cents(1_001)).at(6_000),
        execute_unprinted(7, 12, 50, 503, cents(1_004)).at(7_000),
        cross(7, 20, 504, cents(1_002)).at(8_000),
        break_of(7, 502).at(9_000),
        delete(7, 11).at(10_000),
        delete(7, 11).at(11_000),
    ];
    const CENT: u64 = 10_000_000;
    // Bids are empty; one ask level with one order of 150 left, of which 50 were executed.
    let book = Bytes::symbol(1, 7).u32(0).u32(1).u64s([1_004 * CENT, 150]).u32(1);
    let book = book.u64s([12]).u32(150).u32(1).u64s([2_000]);
    let metrics = figures_worked_by_hand(Bytes::symbol(2, 7))
        // One unknown order, and nothing else was wrong.
        .u64s([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let prints = [
        ([501, 1_000 * CENT, 100, 5_000, 2_004 * CENT, 0], [b'E', b'S', 0, 0]),
        ([502, 1_001 * CENT, 10, 6_000, 0, 0], [b'P' | 0x80, 0, 1, 0]),
        ([503, 0, 0, 0, 0, 0], [0; 4]),
        ([504, 1_002 * CENT, 20, 8_000, 0, 0], [b'Q', 0, 0, 0]),
    ];
    let metrics = prints.into_iter().fold(metrics.u64s([4]), |bytes, (words, codes)| {
        codes.into_iter().fold(bytes.u64s(words), Bytes::u8)
    });
    let market = Bytes::symbol(2, 0).u8(b'Q').u64s([11_000]).u64s([0; 9]);
    let metrics_sum = metrics.hash().wrapping_add(market.hash());
    let expected = [
        section_digest(1, 1, book.hash()),
        section_digest(2, 1, metrics_sum),
        section_digest(3, 0, 0),
        section_digest(4, 0, 0),
    ];
    let hash = StateHash::of(&section_sums(&after(&events), Nanos(11_000), true));
    assert_eq!(Section::ALL.map(|section| hash.section(section).0), expected);
    assert_eq!(hash.state().0, Bytes::default().text("hash").u64s(expected).hash());
}

#[test]
fn a_fingerprint_is_the_hash_of_the_text() {
    let text = "symbols=AAPL";
    assert_eq!(Fingerprint::of(text).0, Bytes::default().text("conf").text(text).hash());
}

#[test]
fn batches_give_the_hash_of_single_events() {
    let events = random_events(1, 5_000);
    let single = sums(&events);
    for size in [1, 3, 64, 128, 1_000] {
        let mut shard = shard();
        events.chunks(size).for_each(|batch| shard.apply_batch(batch, &mut ()));
        assert_eq!(section_sums(&shard, NOON, true), single, "batches of {size}");
    }
}

#[test]
fn sums_over_any_number_of_shards_are_those_of_one() {
    let mut events = random_events(2, 5_000);
    events.extend(script());
    let one = sums(&events);
    assert_eq!(one.symbols, 7);
    for shards in [2, 3, 7] {
        for owner in [0, shards - 1] {
            let mut all = SectionSums::default();
            for shard in 0..shards {
                let mine = |event: &&Event| event.symbol == 0 || event.symbol % shards == shard;
                let events: Vec<Event> = events.iter().filter(mine).copied().collect();
                all += section_sums(&after(&events), NOON, shard == owner);
            }
            assert_eq!(all, one, "{shards} shards");
            assert_eq!(StateHash::of(&all), StateHash::of(&one));
        }
    }
}

/// The same orders, reached over other orders that came and went, so that handles, pages and the order
/// in which levels were opened differ.
#[test]
fn the_way_to_a_book_is_not_in_its_digest() {
    let rest = |order: u64| {
        let (side, base) = if order.is_multiple_of(2) { (Buy, 1_000) } else { (Sell, 1_010) };
        add(1, order * 700, side, cents(base + order as i64 % 5), 10 + order).at(order as i64)
    };
    let straight: Vec<Event> = (0..50).map(rest).collect();
    let mut winding = Vec::new();
    for order in 0..300 {
        winding.push(add(
            1 + order as u32 % 3,
            9_000 + order,
            Sell,
            cents(1_100 - order as i64),
            1,
        ));
    }
    // Every second one of the levels' queues, from the back and with gaps that are filled later.
    for (gone, order) in (0..50).enumerate() {
        let gone = (gone as u64 * 37) % 300;
        winding.push(delete(1 + gone as u32 % 3, 9_000 + gone));
        winding.push(rest(order));
        winding.push(add(1, 50_000 + order, Buy, cents(1_000 + order as i64 % 5), 5));
    }
    for order in 0..300 {
        winding.push(delete(1 + order as u32 % 3, 9_000 + order));
        winding.push(delete(1, 50_000 + order));
    }
    let [straight, winding] = [straight, winding].map(|events| {
        let shard = after(&events);
        let mut bytes = Vec::new();
        encode::symbol(Section::Books, &shard, SymbolId(1), &mut bytes);
        bytes
    });
    assert_eq!(straight.len(), 2 * 4 + 10 * 20 + 50 * 24);
    assert_eq!(straight, winding);
}

#[test]
fn the_index_in_use_is_not_in_the_books() {
    let events = random_events(3, 3_000);
    let [paged, hashed] = [IndexMode::Paged, IndexMode::HashOnly].map(|mode| {
        let mut books = Books::with_index(Limits::default(), mode).expect("memory for books");
        let mut quality = Quality::default();
        events.iter().for_each(|event| _ = books.apply(event, &mut quality));
        let mut bytes = Vec::new();
        for symbol in 1..=900 {
            encode::book(books.book(SymbolId(symbol)), &mut bytes);
        }
        bytes
    });
    assert!(paged.len() > 900 * 8 + 1_000, "there is too little in the books");
    assert_eq!(paged, hashed);
}

#[test]
fn receive_times_and_sequences_are_no_state() {
    let events = random_events(4, 2_000);
    let other: Vec<Event> = events
        .iter()
        .map(|event| Event {
            recv_ns: event.recv_ns ^ 0xff,
            sequence: event.sequence * 3,
            ..*event
        })
        .collect();
    assert_eq!(sums(&events), sums(&other));
}

/// What changes of the sections when the last of two equal streams' events differ.
fn changed(before: &[Event], one: &[Event], other: &[Event]) -> (bool, bool) {
    let [one, other] = [one, other].map(|last| sums(&[before, last].concat()));
    (one.books != other.books, one.metrics != other.metrics)
}

#[test]
fn every_fact_of_an_order_is_in_the_books() {
    let first = add(1, 1, Buy, cents(1_000), 100).at(1);
    let order = |reference, side: Side, price, qty, time| {
        [add(1, reference, side, cents(price), qty).at(time)]
    };
    let base = order(2, Buy, 1_000, 100, 5);
    for (what, other) in [
        ("reference", order(3, Buy, 1_000, 100, 5)),
        ("side", order(2, Sell, 1_000, 100, 5)),
        ("price", order(2, Buy, 1_001, 100, 5)),
        ("qty", order(2, Buy, 1_000, 101, 5)),
        ("time", order(2, Buy, 1_000, 100, 6)),
    ] {
        assert!(changed(&[first], &base, &other).0, "{what}");
    }
    // The symbol: the same two orders under another symbol, with as many messages for each.
    let (this, that) = (trading(1, b'H'), trading(2, b'H'));
    let moved = [add(2, 2, Buy, cents(1_000), 100).at(5)];
    assert!(changed(&[first, this, that], &base, &moved).0);
    let alone = |symbol| [this, that, add(symbol, 2, Buy, cents(1_000), 100).at(5)];
    assert!(changed(&[], &alone(1), &alone(2)).0);
}

#[test]
fn the_place_in_the_queue_is_in_the_books() {
    let [a, b, c] = [1, 2, 3].map(|order| add(1, order, Buy, cents(1_000), 100).at(7));
    assert!(changed(&[], &[a, b, c], &[a, c, b]).0);
    assert!(changed(&[], &[a, b, c], &[c, b, a]).0);
    // A replace by itself goes to the end of the queue.
    let again = |order| [replace(1, order, order, cents(1_000), 100).at(7)];
    assert!(changed(&[a, b, c], &again(1), &again(2)).0);
    // Three orders at one price, or at two.
    let apart = add(1, 3, Buy, cents(1_001), 100).at(7);
    assert!(changed(&[a, b], &[c], &[apart]).0);
}

#[test]
fn every_fact_of_a_print_is_in_the_metrics_and_none_in_the_books() {
    let quotes = [add(1, 1, Buy, cents(1_000), 500), add(1, 2, Sell, cents(1_002), 500)];
    let base = [hidden(1, 100, 7, cents(1_001)).at(5)];
    for (what, other) in [
        ("match number", [hidden(1, 100, 8, cents(1_001)).at(5)]),
        ("price", [hidden(1, 100, 7, cents(1_000)).at(5)]),
        ("qty", [hidden(1, 101, 7, cents(1_001)).at(5)]),
        ("time", [hidden(1, 100, 7, cents(1_001)).at(6)]),
        ("kind", [cross(1, 100, 7, cents(1_001)).at(5)]),
    ] {
        assert_eq!(changed(&quotes, &base, &other), (false, true), "{what}");
    }
    // Two prints in another order, with the same open and last.
    let print = |number, price| hidden(1, 100, number, cents(price)).at(5);
    let [first, a, b, last] = [print(1, 1_001), print(2, 1_000), print(3, 1_002), print(4, 1_001)];
    assert_eq!(changed(&quotes, &[first, a, b, last], &[first, b, a, last]), (false, true));
    // Which of two equal prints was broken.
    let twins = [print(1, 1_001), print(2, 1_001), print(3, 1_001)];
    assert_eq!(changed(&twins, &[break_of(1, 1)], &[break_of(1, 2)]), (false, true));
}

#[test]
fn figures_counts_and_the_market_are_in_the_metrics() {
    let quotes = [add(1, 1, Buy, cents(1_000), 500), add(1, 2, Sell, cents(1_002), 500)];
    for (what, one, other) in [
        ("trading state", trading(1, b'T'), trading(1, b'H')),
        ("kind of a message", delete(1, 77), cancel(1, 77, 1)),
        ("unknown order", delete(1, 77), short_sale(1)),
        ("session phase", system(b'Q'), system(b'M')),
        ("market quality", system(b'?'), Event { kind: 0, ..system(b'?') }),
    ] {
        assert_eq!(changed(&quotes, &[one], &[other]), (false, true), "{what}");
    }
    // The spread's clock: the same book, which the bid reached by another time.
    let bid = |time| [add(2, 1, Buy, cents(1_000), 500).at(time), delete(2, 1).at(time + 3)];
    let ask = [add(2, 2, Sell, cents(1_002), 500).at(0)];
    assert_eq!(changed(&ask, &bid(5), &bid(6)), (false, true));
}

#[test]
fn feed_time_and_phase_count_once_whatever_the_shards() {
    let shard = after(&script());
    let of = |time, owns| section_sums(&shard, time, owns);
    assert_ne!(of(NOON, true).metrics, of(Nanos(NOON.0 + 1), true).metrics);
    assert_eq!(of(NOON, false), of(Nanos(NOON.0 + 1), false));
    assert_eq!(of(NOON, true).symbols, of(NOON, false).symbols);
    assert_eq!(of(NOON, true).books, of(NOON, false).books);
}
