//! Days of twenty seeds through the whole engine: the exchange's own books and tape are the truth that
//! the engine's are held against, in the middle of the day and at its end, and every way through the
//! engine comes to the same state.

use std::collections::BTreeMap;

use engine::event::Event;
use engine::quality::Quality;
use engine::shard::{Observer, Outcome, Shard};
use engine::units::{Notional, Price, Side, SymbolId};
use exchange::settings::FULL_DAY_NS;
use exchange::{Settings, Simulation};
use feed_handlers::itch50::{Encoder, Stock};
use tapewatch_tests::engines::{
    InlineEngine, hash_of, inline, packets, run_from_journal, run_pipelined,
};

/// Small enough for twenty of them. Every other day is of full length, with thin books; in two minutes
/// they are deep and busy.
fn settings(seed: u64) -> Settings {
    let continuous_ns = if seed.is_multiple_of(2) { FULL_DAY_NS } else { 120_000_000_000 };
    Settings { seed, symbols: 8, messages: 50_000, continuous_ns }
}

/// Messages between two looks at all books.
const STRETCH: u64 = 5_000;

/// Checks the book of each event's symbol after it, and all books every so often.
#[derive(Default)]
struct Validates {
    events: u64,
}

impl Observer for Validates {
    fn on_event(&mut self, event: &Event, _outcome: &Outcome, shard: &Shard) {
        let sound = |what: Result<(), _>| {
            if let Err(violation) = what {
                panic!("after sequence {}: {violation}", event.sequence);
            }
        };
        sound(shard.validate_symbol(event.symbol()));
        self.events += 1;
        if self.events.is_multiple_of(1_000) {
            sound(shard.validate());
        }
    }
}

/// A day in the making, and the engine that follows it.
struct Followed {
    simulation: Simulation,
    messages: Encoder,
    engine: InlineEngine<Validates>,
}

impl Followed {
    fn new(seed: u64) -> Followed {
        let simulation = Simulation::new(&settings(seed)).unwrap();
        Followed { simulation, messages: Encoder::new(), engine: inline(Validates::default()) }
    }

    /// Brings the exchange further by some messages and the engine after it; `false` at the day's end.
    fn advance(&mut self, seed: u64) -> bool {
        let (start, first) = (self.messages.bytes().len(), self.simulation.messages() + 1);
        let mut more = true;
        while more && self.simulation.messages() < first + STRETCH {
            more = self.simulation.advance(&mut self.messages);
        }
        let stretch = &self.messages.bytes()[start..];
        packets(stretch, first, seed, |packet| self.engine.push(packet).unwrap());
        more
    }

    /// Asserts that the engine has every displayed level that the exchange has, and no other.
    fn assert_books_are_equal(&self) {
        let mut of_exchange: BTreeMap<Stock, Vec<(Side, Price, u64, u32)>> = BTreeMap::new();
        for line in self.simulation.truth() {
            let level = (line.side, line.price.into(), line.size, line.orders);
            of_exchange.entry(line.stock).or_default().push(level);
        }
        let mut orders = 0;
        for traded in self.simulation.traded() {
            let (locate, stock) = (traded.listing.locate, traded.listing.stock);
            let book = self.engine.shard().book(SymbolId(locate.into()));
            let of_engine: Vec<_> = [Side::Buy, Side::Sell]
                .into_iter()
                .flat_map(|side| book.levels(side).map(move |level| (side, level)))
                .map(|(side, level)| (side, level.price, level.qty.0, level.orders))
                .collect();
            orders += of_engine.iter().map(|level| level.3).sum::<u32>();
            let expected = of_exchange.remove(&stock).unwrap_or_default();
            assert!(of_engine == expected, "{stock} after {}", self.simulation.messages());
        }
        assert_eq!(of_exchange.len(), 0, "levels of a security that is not listed");
        assert_eq!(self.engine.shard().books().order_count(), orders);
    }

    /// Asserts that each security has traded what the exchange says, less what was broken.
    fn assert_tapes_are_equal(&self) {
        let mut broken = 0;
        for traded in self.simulation.traded() {
            let (listing, of_exchange) = (traded.listing, traded.tape);
            let tape = &self.engine.shard().metrics(SymbolId(listing.locate.into())).tape;
            let notional = Notional(of_exchange.notional_e4 as i128 * 100_000);
            let of_engine = (tape.volume(), tape.trades(), tape.notional());
            let of_exchange = (of_exchange.volume.into(), of_exchange.trades, notional);
            assert_eq!(of_engine, of_exchange, "{}", listing.stock);
            broken += tape.broken_volume();
        }
        assert!(broken > 0, "nothing was broken: that breaks are taken out is not shown");
    }

    /// Asserts that nothing of the day was not applied as sent.
    fn assert_all_was_applied(&self) {
        assert_eq!(self.engine.shard().quality(), Quality::default());
        assert_eq!(self.engine.sequencer().time_backwards(), 0);
        let counts = self.engine.decoder().counts();
        assert_eq!((counts.unknown_type, counts.bad_length, counts.symbol_conflict), (0, 0, 0));
        let messages = self.simulation.settings().messages;
        assert_eq!(counts.messages, messages);
        assert!(self.engine.observer().events >= messages, "not every book was checked");
    }
}

/// All that is to hold of a seed's day.
fn hold(seed: u64) {
    let mut day = Followed::new(seed);
    let mut looks = 0;
    while day.advance(seed) {
        day.assert_books_are_equal();
        looks += 1;
    }
    assert!(looks > 5);
    day.assert_books_are_equal();
    day.assert_tapes_are_equal();
    day.assert_all_was_applied();

    let (session, hash) = (day.messages.bytes(), hash_of(&day.engine));
    for shards in [1, 2, 3] {
        let packets_seed = seed + u64::from(shards);
        assert_eq!(run_pipelined(session, packets_seed, shards), hash, "{shards} shards");
    }
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(run_from_journal(session, seed, directory.path()).unwrap(), hash);
}

/// A test for some of the seeds, so that they run side by side.
macro_rules! days {
    ($($name:ident: $seeds:expr,)*) => {$(
        #[test]
        fn $name() {
            for seed in $seeds {
                println!("seed {seed}");
                hold(seed);
            }
        }
    )*};
}

days! {
    days_1_to_5_leave_the_engine_with_the_books_and_the_tape_of_the_exchange: 1..=5,
    days_6_to_10_leave_the_engine_with_the_books_and_the_tape_of_the_exchange: 6..=10,
    days_11_to_15_leave_the_engine_with_the_books_and_the_tape_of_the_exchange: 11..=15,
    days_16_to_20_leave_the_engine_with_the_books_and_the_tape_of_the_exchange: 16..=20,
}
