//! Thousands of prints and breaks: what the engine's tape adds up to equals the reference's.
//!
//! Match numbers mostly rise, as an exchange's do; some come again, some jump anywhere, some belong
//! to executions that are no prints.

#![forbid(unsafe_code)]

use engine::event::Event;
use engine::units::{Price, Side};
use tapewatch_tests::compare::difference;
use tapewatch_tests::events::{
    add, break_of, cents, cross, execute, execute_at, execute_unprinted, hidden,
};
use tapewatch_tests::random::Random;
use tapewatch_tests::reference::ReferenceMarket;
use tapewatch_tests::subject::Subject;

/// Symbols that trade.
const SYMBOLS: u64 = 3;
/// An order that each of them has, large enough for every execution.
const LARGE: u64 = 1;

struct Trading {
    random: Random,
    highest_match: u64,
    /// Symbols and match numbers so far.
    matches: Vec<(u32, u64)>,
}

impl Trading {
    fn match_number(&mut self) -> u64 {
        match self.random.below(20) {
            0 if !self.matches.is_empty() => self.random.pick(&self.matches).1,
            1 => self.random.below(self.highest_match + 1),
            2 if self.random.below(20) == 0 => self.random.next_u64(),
            _ => {
                self.highest_match += 1 + self.random.below(3);
                self.highest_match
            }
        }
    }

    fn price(&mut self) -> Price {
        cents(50_00 + self.random.below(2_000) as i64)
    }

    fn print(&mut self) -> Event {
        let symbol = 1 + self.random.below(SYMBOLS) as u32;
        let number = self.match_number();
        let qty = self.random.below(40);
        self.matches.push((symbol, number));
        match self.random.below(8) {
            0 | 1 => hidden(symbol, qty, number, self.price()),
            2 => cross(symbol, qty / 2, number, self.price()),
            3 => execute_unprinted(symbol, LARGE, qty, number, self.price()),
            4 => execute_at(symbol, LARGE, qty, number, self.price()),
            5 => execute_at(symbol, LARGE + 1, qty, number, self.price()), // unknown
            _ => execute(symbol, LARGE, qty, number),
        }
    }

    fn break_of_something(&mut self) -> Event {
        if self.random.below(10) == 0 {
            return break_of(1, self.random.below(self.highest_match + 9));
        }
        // The latest prints as likely as any other: they are the last, often the high or the low.
        let count = self.matches.len() as u64;
        let place = match self.random.below(2) {
            0 => self.random.below(count),
            _ => count - 1 - self.random.below(count.min(10)),
        };
        let (symbol, number) = self.matches[place as usize];
        break_of(symbol, number)
    }
}

fn stays_equal(seed: u64, break_one_in: u64) {
    let mut trading = Trading { random: Random::new(seed), highest_match: 0, matches: Vec::new() };
    let mut subject = Subject::new();
    let mut market = ReferenceMarket::default();
    let mut sequence = 0;
    let mut send = |event: Event, market: &mut ReferenceMarket, compares: bool| {
        sequence += 1;
        let event = Event { sequence, ..event };
        subject.apply(&event);
        market.apply(&event);
        if compares && let Err(what) = difference(subject.shard(), market) {
            panic!("after sequence {sequence}, {event:?}: {what}");
        }
    };
    for symbol in 1..=SYMBOLS as u32 {
        let resting = add(symbol, LARGE, Side::Sell, cents(60_00), u32::MAX.into());
        send(resting, &mut market, false);
    }
    for _ in 0..12_000 {
        let breaks = trading.random.below(break_one_in) == 0 && !trading.matches.is_empty();
        if breaks {
            let event = trading.break_of_something();
            let compares = trading.random.below(3) == 0;
            send(event, &mut market, compares);
        } else {
            let event = trading.print();
            let compares = trading.random.below(100) == 0;
            send(event, &mut market, compares);
        }
    }
    // Break everything there is, latest first: the prices go back to none.
    let matches: Vec<_> = trading.matches.iter().rev().copied().collect();
    for (place, (symbol, number)) in (0..).zip(matches) {
        send(break_of(symbol, number), &mut market, place % 50 == 0);
    }
    send(break_of(1, 0), &mut market, true);
    assert!(market.quality().unknown_match > 100);
}

#[test]
fn a_tape_with_many_breaks_equals_the_reference() {
    stays_equal(1, 3);
}

#[test]
fn a_tape_with_few_breaks_equals_the_reference() {
    stays_equal(2, 40);
}
