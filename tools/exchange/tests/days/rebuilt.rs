//! The messages alone rebuild the books and the tape that the matching engine ends with.

use engine::units::Side;
use exchange::settings::{CONTINUOUS_NS_MIN, FULL_DAY_NS};
use exchange::{Settings, Simulation};

use crate::reader::{Levels, Reader, Tape};
use crate::{SECOND_NS, day, messages};

/// A day, read; it has been held against what the matching engine says.
fn rebuilt(settings: &Settings) -> (Reader, Simulation) {
    let (bytes, simulation) = day(settings, usize::MAX);
    (held_against(&bytes, &simulation, settings), simulation)
}

/// A day's bytes, read and held against what the matching engine says.
pub(crate) fn held_against(bytes: &[u8], simulation: &Simulation, settings: &Settings) -> Reader {
    let mut reader = Reader::default();
    messages(bytes).for_each(|message| reader.read(message));
    assert_eq!(reader.counts.values().sum::<u64>(), settings.messages, "{settings:?}");
    let mut levels = 0;
    for one in simulation.traded() {
        let tape = Tape {
            volume: one.tape.volume,
            trades: one.tape.trades,
            notional_e4: one.tape.notional_e4,
            last_price_e4: one.tape.last_price_e4,
        };
        assert_eq!(reader.tape(one.listing.locate), tape, "{settings:?} {}", one.listing.stock);
        for side in [Side::Buy, Side::Sell] {
            let truth = simulation.truth();
            let of_side = truth.filter(|line| line.stock == one.listing.stock && line.side == side);
            let truth: Levels =
                of_side.map(|line| (line.price.0, (line.size, line.orders))).collect();
            let read = reader.side(one.listing.locate, side == Side::Sell);
            assert_eq!(read, truth, "{settings:?} {} {side:?}", one.listing.stock);
            levels += truth.len();
        }
    }
    assert_eq!(simulation.truth().count(), levels);
    reader
}

#[test]
fn books_and_tapes_of_days_of_every_kind_are_rebuilt() {
    for (symbols, messages, continuous_ns, seeds) in [
        (1, 2_000, CONTINUOUS_NS_MIN, 150),
        (2, 5_000, CONTINUOUS_NS_MIN, 150),
        (3, 3_000, CONTINUOUS_NS_MIN, 150),
        (20, 2_000, FULL_DAY_NS, 20),
        (20, 20_000, 30 * SECOND_NS, 20),
        (300, 20_000, 3_600 * SECOND_NS, 2),
        (20, 200_000, FULL_DAY_NS, 2),
    ] {
        for seed in 0..seeds {
            rebuilt(&Settings { seed, symbols, messages, continuous_ns });
        }
    }
}

/// Days so dense that one act near their end pulls or executes hundreds of orders: of these seeds each
/// once asked for more messages than were left.
#[test]
fn dense_days_have_their_number_of_messages_however_much_one_act_writes() {
    for (symbols, messages, seeds) in
        [(1, 20_000, [1_350, 2_084, 2_656]), (3, 30_000, [623, 785, 1_368])]
    {
        for seed in seeds {
            rebuilt(&Settings { seed, symbols, messages, continuous_ns: CONTINUOUS_NS_MIN });
        }
    }
}

#[test]
fn what_interrupts_a_day_happens_and_ends_as_it_must() {
    for seed in 0..8 {
        let settings =
            Settings { seed, symbols: 20, messages: 200_000, continuous_ns: FULL_DAY_NS };
        let (reader, _) = rebuilt(&settings);
        // Paused at a band, halted for news, newly listed: each reopened by a cross that traded.
        for reason in [b"LUDP", b"T3  ", b"IPOQ"] {
            let shares = reader.reopened.iter().filter(|(of, _)| of == reason).map(|one| one.1);
            assert!(shares.sum::<u64>() > 0, "seed {seed}: {:?}", reader.reopened);
        }
        assert!(reader.broken >= 2, "seed {seed}");
        let count = |letter| reader.counts.get(&letter).copied().unwrap_or_default();
        assert_eq!((count('K'), count('h'), count('V')), (1, 2, 1));
        assert!(count('Y') >= 20 && count('N') > 0 && count('J') > 0);
    }
}

#[test]
fn no_side_of_a_book_is_emptied_after_the_closing() {
    let settings = Settings { seed: 1, symbols: 20, messages: 20_000, continuous_ns: FULL_DAY_NS };
    let (reader, simulation) = rebuilt(&settings);
    let sides = simulation
        .traded()
        .flat_map(|one| [false, true].map(|is_ask| reader.side(one.listing.locate, is_ask).len()));
    let empty = sides.filter(|levels| *levels == 0).count();
    assert!(empty <= 2, "{empty} of 40 sides are empty");
}
