//! Events as a test writes them: one constructor a message, named for it.
//!
//! Nobody but tests uses these. Every event starts with sequence 0 and time 0; [`At::at`] gives it a
//! time, and whoever feeds a stream numbers it ([`numbered`]).

use engine::event::{Event, Flags, Kind, PRICE_NONE};
use engine::units::{Price, Side};

/// A price in whole cents.
#[must_use]
pub const fn cents(cents: i64) -> Price {
    Price(cents * (Price::ONE / 100))
}

/// An event of `kind` with these four words; the base of all others.
#[must_use]
pub const fn raw(symbol: u32, kind: Kind, side: u8, flags: u16, words: [u64; 4]) -> Event {
    Event { sequence: 0, time_ns: 0, recv_ns: 0, symbol, kind: kind as u8, side, flags, words }
}

/// ITCH `A` or `F`: a displayed order enters the book.
#[must_use]
pub const fn add(symbol: u32, order: u64, side: Side, price: Price, qty: u64) -> Event {
    add_with_side_byte(symbol, order, side.byte(), price, qty)
}

/// ITCH `A` with whatever the wire held for a side.
#[must_use]
pub const fn add_with_side_byte(
    symbol: u32,
    order: u64,
    side: u8,
    price: Price,
    qty: u64,
) -> Event {
    let words = [order, price.0 as u64, qty, 0];
    raw(symbol, Kind::Add, side, 0, words)
}

/// ITCH `E`: an execution at the resting order's price, always a print.
#[must_use]
pub const fn execute(symbol: u32, order: u64, qty: u64, match_number: u64) -> Event {
    let words = [order, match_number, qty, PRICE_NONE];
    raw(symbol, Kind::Execute, 0, Flags::PRINTABLE, words)
}

/// ITCH `C` with printable `Y`: an execution at its own price that is a print.
#[must_use]
pub const fn execute_at(
    symbol: u32,
    order: u64,
    qty: u64,
    match_number: u64,
    price: Price,
) -> Event {
    let words = [order, match_number, qty, price.0 as u64];
    raw(symbol, Kind::Execute, 0, Flags::PRINTABLE, words)
}

/// ITCH `C` with printable `N`: an execution that changes the book only.
#[must_use]
pub const fn execute_unprinted(
    symbol: u32,
    order: u64,
    qty: u64,
    match_number: u64,
    price: Price,
) -> Event {
    let words = [order, match_number, qty, price.0 as u64];
    raw(symbol, Kind::Execute, 0, 0, words)
}

/// ITCH `X`: an order loses `qty`.
#[must_use]
pub const fn cancel(symbol: u32, order: u64, qty: u64) -> Event {
    raw(symbol, Kind::Cancel, 0, 0, [order, 0, qty, 0])
}

/// ITCH `D`: an order leaves the book.
#[must_use]
pub const fn delete(symbol: u32, order: u64) -> Event {
    raw(symbol, Kind::Delete, 0, 0, [order, 0, 0, 0])
}

/// ITCH `U`: an order is replaced.
#[must_use]
pub const fn replace(symbol: u32, old: u64, new: u64, price: Price, qty: u64) -> Event {
    let words = [old, new, price.0 as u64, qty];
    raw(symbol, Kind::Replace, 0, 0, words)
}

/// ITCH `P`: an execution against an order that is not displayed.
#[must_use]
pub const fn hidden(symbol: u32, qty: u64, match_number: u64, price: Price) -> Event {
    let words = [0, match_number, qty, price.0 as u64];
    raw(symbol, Kind::Trade, b'B', 0, words)
}

/// ITCH `Q`: a cross prints in bulk.
#[must_use]
pub const fn cross(symbol: u32, qty: u64, match_number: u64, price: Price) -> Event {
    let words = [b'O' as u64, match_number, qty, price.0 as u64];
    raw(symbol, Kind::Cross, 0, 0, words)
}

/// ITCH `B`: an execution is broken.
#[must_use]
pub const fn break_of(symbol: u32, match_number: u64) -> Event {
    raw(symbol, Kind::Break, 0, 0, [0, match_number, 0, 0])
}

/// ITCH `H`: a trading action.
#[must_use]
pub const fn trading(symbol: u32, state: u8) -> Event {
    raw(symbol, Kind::TradingAction, 0, 0, [state as u64, 0, 0, 0])
}

/// ITCH `S`: a system event, of no symbol.
#[must_use]
pub const fn system(code: u8) -> Event {
    raw(0, Kind::SystemEvent, 0, 0, [code as u64, 0, 0, 0])
}

/// ITCH `Y`: a message of the symbol that changes neither book nor metrics.
#[must_use]
pub const fn short_sale(symbol: u32) -> Event {
    raw(symbol, Kind::ShortSale, 0, 0, [b'0' as u64, 0, 0, 0])
}

/// Gives an event its time.
pub trait At {
    /// The same event at `time_ns`, UTC epoch ns.
    #[must_use]
    fn at(self, time_ns: i64) -> Self;
}

impl At for Event {
    fn at(self, time_ns: i64) -> Self {
        Event { time_ns, recv_ns: time_ns, ..self }
    }
}

/// The events with sequences from 1.
#[must_use]
pub fn numbered(mut events: Vec<Event>) -> Vec<Event> {
    for (sequence, event) in (1..).zip(events.iter_mut()) {
        event.sequence = sequence;
    }
    events
}
