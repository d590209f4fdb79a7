//! The bars of the hot path are those of the general window operator.
//!
//! Streams are made up: several symbols, times that go back and jump ahead, prints of every kind, some
//! broken soon, some long after; sizes that divide each other and sizes that do not, with and without
//! lateness. The operator follows the conformance cases and knows nothing of bars.

#![forbid(unsafe_code)]

use engine::event::Event;
use engine::state::Section::{Books, Metrics, Windows};
use engine::state::{SectionSums, StateHash, section_sums};
use engine::units::{Nanos, Side, SymbolId};
use engine::window::bars::BarSettings;
use engine::window::tick::Span;
use tapewatch_tests::bars::{Put, Run, built, by_operator};
use tapewatch_tests::events::{
    At as _, add, break_of, cents, cross, execute, execute_at, hidden, numbered, short_sale,
    trading,
};
use tapewatch_tests::random::Random;

const MS: i64 = 1_000_000;
const MIDNIGHT: Nanos = Nanos(1_577_682_000_000_000_000);

/// Times within some seconds, most of them near each other; now and then far back, or of tomorrow.
fn next_time(random: &mut Random, now: &mut i64) -> i64 {
    match random.below(100) {
        0..70 => *now += random.below(3) as i64 * MS / 2,
        70..80 => *now += random.below(900) as i64 * MS,
        80 => *now += random.below(10_000) as i64 * MS,
        81..90 => return (*now - random.below(20) as i64 * MS / 4).max(MIDNIGHT.0),
        90..96 => return (*now - random.below(5_000) as i64 * MS).max(MIDNIGHT.0),
        96 => return MIDNIGHT.0 + Nanos::DAY + random.below(5) as i64,
        // On a line, exactly.
        _ => *now = (*now / (100 * MS) + 1) * 100 * MS,
    }
    *now
}

/// A stream of so many events over so many symbols.
fn stream(seed: u64, events: usize, symbols: u64) -> Vec<Event> {
    let mut random = Random::new(seed);
    let mut now = MIDNIGHT.0 + random.below(2) as i64 * 34_200_000 * MS;
    let (mut stream, mut order, mut matches) = (Vec::new(), 0u64, 0u64);
    let mut live: Vec<(u32, u64)> = Vec::new();
    let mut printed: Vec<(u32, u64)> = Vec::new();
    while stream.len() < events {
        let symbol = 1 + random.below(symbols) as u32;
        let price = cents(9_990 + random.below(20) as i64);
        let qty = random.below(300);
        let mut print = |symbol: u32| {
            // Now and then a number that was used before.
            matches += u64::from(random.below(30) != 0);
            printed.push((symbol, matches));
            matches
        };
        let event = match Random::new(seed ^ (stream.len() as u64 * 7_919)).below(100) {
            0..25 => {
                order += 1;
                live.push((symbol, order));
                let side = if order.is_multiple_of(2) { Side::Buy } else { Side::Sell };
                add(symbol, order, side, price, 1_000)
            }
            25..45 if !live.is_empty() => {
                let (symbol, order) = live[order as usize * 31 % live.len()];
                execute(symbol, order, qty, print(symbol))
            }
            45..50 if !live.is_empty() => {
                let (symbol, order) = live[order as usize * 17 % live.len()];
                execute_at(symbol, order, qty, print(symbol), price)
            }
            50..75 => hidden(symbol, qty, print(symbol), price),
            75..80 => cross(symbol, qty, print(symbol), price),
            80..95 if !printed.is_empty() => {
                let back = match random.below(3) {
                    0 => 1,
                    1 => 1 + random.below(20) as usize,
                    _ => 1 + random.below(printed.len() as u64) as usize,
                };
                let (symbol, number) = printed[printed.len() - back.min(printed.len())];
                break_of(symbol, number)
            }
            95..98 => trading(symbol, [b'T', b'H', b'P'][random.below(3) as usize]),
            _ => short_sale(symbol),
        };
        stream.push(event.at(next_time(&mut random, &mut now)));
    }
    numbered(stream)
}

/// Sizes and lateness of a seed.
fn settings(seed: u64) -> BarSettings {
    let sizes: [&[i64]; 6] = [
        &[1_000 * MS],
        &[1_000 * MS, 60_000 * MS, 300_000 * MS],
        &[100 * MS, 250 * MS, 1_000 * MS],
        &[2_000 * MS, 3_000 * MS, 7_000 * MS],
        &[MS / 4, MS, 7 * MS],
        &[86_400_000 * MS, 50 * MS],
    ];
    let lateness = [0, 0, MS / 2, 3 * MS, 1_500 * MS, 20_000 * MS];
    let sizes: Vec<Span> = sizes[seed as usize % 6].iter().copied().map(Span).collect();
    BarSettings::new(&sizes, Span(lateness[seed as usize / 6 % 6])).expect("settings")
}

#[test]
fn bars_are_those_of_the_general_operator_in_one_shard_and_in_several() {
    let (mut revised, mut emptied, mut late) = (0, 0, 0);
    for seed in 0..108 {
        let (events, settings) = (stream(seed, 700, 5), settings(seed));
        let expected = by_operator(&events, &settings, MIDNIGHT);
        for shards in [1, 2, 3] {
            let bars = built(&events, &settings, shards, MIDNIGHT);
            for (at, (bar, expected)) in bars.iter().zip(&expected).enumerate() {
                let of = |(position, bar): &Put| {
                    (*position, bar.symbol, bar.start, bar.end, bar.revision, bar.trades)
                };
                // The prices of no prints mean nothing.
                let alike =
                    if bar.1.trades == 0 { of(bar) == of(expected) } else { bar == expected };
                assert!(alike, "seed {seed}, {shards} shard(s), bar {at}:\n{bar:?}\n{expected:?}");
            }
            assert_eq!(bars.len(), expected.len(), "seed {seed}, {shards} shard(s)");
        }
        revised += expected.iter().filter(|(_, bar)| bar.revision > 1).count();
        emptied += expected.iter().filter(|(_, bar)| bar.trades == 0).count();
        let mut run = Run::new(&settings, 1, MIDNIGHT);
        events.iter().for_each(|event| {
            run.apply(event, &mut ());
        });
        let counts = run.shards[0].bar_counts();
        late += counts.iter().filter(|count| count.late > 0 && count.dropped > 0).count();
    }
    // The streams hold what they are made for.
    assert!(revised > 100 && emptied > 100 && late > 20, "{revised} {emptied} {late}");
}

/// Digests of everything but what concerns no symbol, over all shards.
fn hash(run: &Run) -> StateHash {
    let mut sums = SectionSums::default();
    for shard in &run.shards {
        sums += section_sums(shard, run.feed_time(), shard.place().owns_market());
    }
    StateHash::of(&sums)
}

#[test]
fn the_state_hash_with_bars_is_the_same_however_many_shards_and_other_with_other_windows() {
    for seed in 0..36 {
        let (events, settings) = (stream(seed, 500, 5), settings(seed));
        let mut runs = [1, 2, 3, 7].map(|shards| Run::new(&settings, shards, MIDNIGHT));
        let mut without = Run::new(&BarSettings::NONE, 1, MIDNIGHT);
        let mut differed = 0;
        for (at, event) in events.iter().enumerate() {
            runs.iter_mut().for_each(|run| {
                run.apply(event, &mut ());
            });
            without.apply(event, &mut ());
            if at % 50 == 49 {
                let [one, others @ ..] = runs.each_ref().map(hash);
                assert_eq!(others, [one; 3], "seed {seed}, event {at}");
                let none = hash(&without);
                assert_eq!(one.section(Books), none.section(Books));
                assert_eq!(one.section(Metrics), none.section(Metrics));
                differed += usize::from(one.section(Windows) != none.section(Windows));
            }
        }
        assert_eq!(differed, 10, "seed {seed}");
    }
}

#[test]
fn windows_that_were_stored_go_on_as_if_nothing_had_happened() {
    for seed in 0..72 {
        let (events, settings) = (stream(seed, 700, 5), settings(seed));
        let expected = built(&events, &settings, 1, MIDNIGHT);
        let mut run = Run::new(&settings, 1, MIDNIGHT);
        let empty = [vec![0; 8 * settings.sizes().len()], vec![0; 8]].concat();
        for (at, event) in events.iter().enumerate() {
            run.apply(event, &mut ());
            if !(at as u64 * 7 + seed).is_multiple_of(61) {
                continue;
            }
            let before = hash(&run);
            for symbol in (1..=5).map(SymbolId) {
                let shard = &mut run.shards[0];
                let stored = shard.stored_windows(symbol);
                shard.restore_windows(symbol, &empty).expect("no windows");
                assert_eq!(shard.stored_windows(symbol), empty);
                for end in 0..stored.len() {
                    let torn = shard.restore_windows(symbol, &stored[..end]);
                    assert!(torn.is_err(), "seed {seed}: {end} of {} bytes", stored.len());
                }
                shard.restore_windows(symbol, &stored).expect("what was stored");
            }
            assert_eq!(hash(&run), before, "seed {seed}, event {at}");
        }
        assert_eq!(run.end(), expected, "seed {seed}");
    }
}
