//! The books of a record, by level, with what was spliced in: a keeper of its own, slow and simple.
//!
//! A message that names an order it does not know changes nothing: the record may begin within a day.

use std::collections::{BTreeMap, HashMap};

use engine::units::Side;

use super::frames::{byte, locate, number, number_u32};
use super::survey::Survey;

/// An order that rests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    pub(super) side: Side,
    pub(super) price_e4: u32,
    pub(super) qty: u32,
}

/// One security's.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// Shares by price, bids before asks.
    levels: [BTreeMap<u32, u64>; 2],
    /// The last trading state told; 0 before any.
    pub(super) state: u8,
    /// Shares printed.
    pub(super) volume: u64,
    /// The tracking number of its last message.
    pub(super) tracking: u16,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Books {
    orders: HashMap<(u16, u64), Rest>,
    books: Vec<Book>,
}

impl Book {
    /// The best price of a side.
    pub(super) fn best(&self, side: Side) -> Option<u32> {
        match side {
            Side::Buy => self.levels[0].last_key_value().map(|level| *level.0),
            Side::Sell => self.levels[1].first_key_value().map(|level| *level.0),
        }
    }

    /// Levels of a side, best first.
    pub(super) fn levels(&self, side: Side, count: usize) -> Vec<(u32, u64)> {
        let pairs = |(price, shares): (&u32, &u64)| (*price, *shares);
        match side {
            Side::Buy => self.levels[0].iter().rev().take(count).map(pairs).collect(),
            Side::Sell => self.levels[1].iter().take(count).map(pairs).collect(),
        }
    }

    /// Whether orders match; a record that tells no states is taken to be one of trading.
    pub(super) fn is_trading(&self) -> bool {
        matches!(self.state, 0 | b'T')
    }

    fn add(&mut self, rest: &Rest) {
        let levels = &mut self.levels[usize::from(rest.side == Side::Sell)];
        *levels.entry(rest.price_e4).or_default() += u64::from(rest.qty);
    }

    fn take(&mut self, rest: &Rest, qty: u32) {
        let levels = &mut self.levels[usize::from(rest.side == Side::Sell)];
        if let Some(shares) = levels.get_mut(&rest.price_e4) {
            *shares = shares.saturating_sub(u64::from(qty));
            if *shares == 0 {
                levels.remove(&rest.price_e4);
            }
        }
    }
}

impl Books {
    pub(super) fn new(survey: &Survey) -> Books {
        Books { orders: HashMap::new(), books: vec![Book::default(); survey.seen.len()] }
    }

    pub(super) fn book(&self, place: u16) -> &Book {
        &self.books[usize::from(place)]
    }

    /// An order of a security.
    pub(super) fn order(&self, place: u16, reference: u64) -> Option<Rest> {
        self.orders.get(&(place, reference)).copied()
    }

    /// Takes one message of a security.
    pub(super) fn read(&mut self, place: u16, message: &[u8]) {
        debug_assert!(locate(message) != 0, "Invariant: a security's message");
        let book = &mut self.books[usize::from(place)];
        book.tracking = number(message, 3, 2) as u16;
        let reference = number(message, 11, 8);
        match byte(message, 0) {
            b'A' | b'F' => {
                let side = if byte(message, 19) == b'S' { Side::Sell } else { Side::Buy };
                let (qty, price_e4) = (number_u32(message, 20), number_u32(message, 32));
                self.add(place, reference, Rest { side, price_e4, qty });
            }
            b'E' | b'C' => {
                let qty = number_u32(message, 19);
                if byte(message, 0) == b'E' || byte(message, 31) == b'Y' {
                    book.volume += u64::from(qty);
                }
                self.take(place, reference, qty);
            }
            b'X' => _ = self.take(place, reference, number_u32(message, 19)),
            b'D' => _ = self.take(place, reference, u32::MAX),
            b'U' => {
                let (qty, price_e4) = (number_u32(message, 27), number_u32(message, 31));
                if let Some(Rest { side, .. }) = self.take(place, reference, u32::MAX) {
                    self.add(place, number(message, 19, 8), Rest { side, price_e4, qty });
                }
            }
            b'P' => book.volume += number(message, 20, 4),
            b'H' => book.state = byte(message, 19),
            _ => {}
        }
    }

    fn add(&mut self, place: u16, reference: u64, rest: Rest) {
        if rest.qty > 0 && self.orders.insert((place, reference), rest).is_none() {
            self.books[usize::from(place)].add(&rest);
        }
    }

    fn take(&mut self, place: u16, reference: u64, qty: u32) -> Option<Rest> {
        let rest = self.orders.get_mut(&(place, reference))?;
        let (before, taken) = (*rest, qty.min(rest.qty));
        rest.qty -= taken;
        if rest.qty == 0 {
            self.orders.remove(&(place, reference));
        }
        self.books[usize::from(place)].take(&before, taken);
        Some(before)
    }
}
