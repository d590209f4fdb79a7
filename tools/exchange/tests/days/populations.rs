//! Days of other agents are days as any: as many messages, books as they are told; and not the same.

use engine::units::Side;
use exchange::population::Population;
use exchange::settings::FULL_DAY_NS;
use exchange::{Settings, Simulation};

use crate::reader::{Levels, Reader};
use crate::{messages, run};

/// A day of these agents, read.
fn read(settings: &Settings, population: Population) -> (Reader, Simulation) {
    let simulation = Simulation::new(settings).unwrap().with_population(population);
    let (bytes, simulation) = run(simulation, usize::MAX);
    let mut reader = Reader::default();
    messages(&bytes).for_each(|message| reader.read(message));
    assert_eq!(reader.counts.values().sum::<u64>(), settings.messages);
    (reader, simulation)
}

#[test]
fn other_agents_leave_the_books_that_they_tell_and_a_day_that_differs() {
    for seed in 0..4 {
        let settings =
            Settings { seed, symbols: 20, messages: 100_000, continuous_ns: FULL_DAY_NS };
        let (standard, _) = read(&settings, Population::STANDARD);
        let (shifted, simulation) = read(&settings, Population::SHIFTED);
        for one in simulation.traded() {
            for side in [Side::Buy, Side::Sell] {
                let truth = simulation.truth();
                let truth =
                    truth.filter(|line| line.stock == one.listing.stock && line.side == side);
                let truth: Levels =
                    truth.map(|line| (line.price.0, (line.size, line.orders))).collect();
                assert_eq!(shifted.side(one.listing.locate, side == Side::Sell), truth);
            }
        }
        let count = |reader: &Reader, letter| reader.counts.get(&letter).copied().unwrap_or(0);
        let both = |letter| [&standard, &shifted].map(|reader| count(reader, letter));
        let ([few, many], [less, more]) = (both('U'), both('E'));
        assert!(2 * many > 3 * few, "twice the replaces are wanted: {many}, {few}");
        assert!(more > less, "more takers are there: {more}, {less}");
    }
}
