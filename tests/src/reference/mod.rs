//! A plain market: the rules of `symbols.csv` read word for word, on the standard library's maps.
//!
//! It takes the same events as the engine's shard, one by one, and is asked the same questions. It
//! keeps the live orders and the list of all prints, and where it is asked to, all that happened; every
//! sum, extreme and mean is worked out from them when asked. Where the rules leave something open, the choice is written at the place.

pub mod book;
pub mod history;
pub mod measures;
pub mod quotes;
pub mod tape;

use std::collections::BTreeMap;

use engine::event::{Event, Kind};
use engine::units::{Side, SymbolId};

use book::{ReferenceBook, RestingOrder, Taken};
use history::{History, Step};
use quotes::{Quote, SpreadHistory};
use tape::{ReferenceTape, Source};

/// Messages that could not be taken as they stand, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReferenceQuality {
    /// An execution, cancel, delete or replace of an order that the book does not hold.
    pub unknown_order: u64,
    /// An add or replace whose new reference is live.
    pub duplicate_order: u64,
    /// An execution or cancel of more than what is left.
    pub negative_size: u64,
    /// An add or replace of size zero.
    pub zero_size: u64,
    /// A break of a match number that is unknown or already broken.
    pub unknown_match: u64,
    /// Messages of a symbol in state `T` after which bid > ask.
    pub crossed: u64,
    /// Messages of a symbol in state `T` after which bid = ask.
    pub locked: u64,
    /// A side, state, system event or symbol that is none.
    pub bad_field: u64,
}

/// Messages of one symbol by what they are, applied or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `A`, `F`.
    pub adds: u64,
    /// `E`, `C`.
    pub executions: u64,
    /// `X`.
    pub cancels: u64,
    /// `D`.
    pub deletes: u64,
    /// `U`.
    pub replaces: u64,
}

/// All that is known of one symbol.
#[derive(Clone, Debug, Default)]
pub struct ReferenceSymbol {
    /// Its live orders.
    pub book: ReferenceBook,
    /// Its prints.
    pub tape: ReferenceTape,
    /// Its messages.
    pub counts: Counts,
    /// Its last trading action.
    pub state: Option<u8>,
    /// Its spread over time.
    pub spreads: SpreadHistory,
    /// All that happened; empty unless the market keeps it.
    pub history: History,
}

impl ReferenceSymbol {
    /// Best bid and offer now.
    #[must_use]
    pub fn quote(&self) -> Quote {
        Quote { bid: self.book.best(Side::Buy), ask: self.book.best(Side::Sell) }
    }
}

/// Every symbol of one feed.
#[derive(Clone, Debug, Default)]
pub struct ReferenceMarket {
    symbols: BTreeMap<u32, ReferenceSymbol>,
    quality: ReferenceQuality,
    keeps_history: bool,
}

impl ReferenceMarket {
    /// A market that keeps all that happens, for the measures that are worked out from it.
    #[must_use]
    pub fn with_history() -> ReferenceMarket {
        ReferenceMarket { keeps_history: true, ..ReferenceMarket::default() }
    }

    /// What is known of a symbol that a message named.
    #[must_use]
    pub fn symbol(&self, symbol: SymbolId) -> Option<&ReferenceSymbol> {
        self.symbols.get(&symbol.0)
    }

    /// The symbols that messages named, ascending.
    pub fn symbols(&self) -> impl Iterator<Item = (SymbolId, &ReferenceSymbol)> {
        let each = self.symbols.iter();
        each.map(|(&symbol, known)| (SymbolId(symbol), known))
    }

    /// The counters of what could not be taken as it stands.
    #[must_use]
    pub const fn quality(&self) -> &ReferenceQuality {
        &self.quality
    }

    /// Takes one message.
    pub fn apply(&mut self, event: &Event) {
        let Some(kind) = event.kind() else {
            return; // no message at all
        };
        if event.symbol == 0 {
            // Locate 0 is no symbol: an order message can't belong to it.
            let is_order_message = kind as u8 <= Kind::Break as u8;
            let is_no_phase = kind == Kind::SystemEvent
                && !matches!(event.code(), b'O' | b'S' | b'Q' | b'M' | b'E' | b'C');
            if is_order_message || is_no_phase {
                self.quality.bad_field += 1;
            }
            return;
        }
        let symbol = self.symbols.entry(event.symbol).or_default();
        let before = self.keeps_history.then(|| Step::before(symbol, event));
        apply_to_symbol(symbol, &mut self.quality, kind, event);
        if let Some(before) = before {
            let step = before.and_after(symbol, event);
            symbol.history.push(step);
        }
        symbol.spreads.push(event.time_ns, symbol.quote());
        if symbol.state == Some(b'T') {
            match symbol.quote().spread_e9() {
                Some(spread) if spread < 0 => self.quality.crossed += 1,
                Some(0) => self.quality.locked += 1,
                _ => {}
            }
        }
    }
}

fn apply_to_symbol(
    symbol: &mut ReferenceSymbol,
    quality: &mut ReferenceQuality,
    kind: Kind,
    event: &Event,
) {
    match kind {
        Kind::Add => {
            symbol.counts.adds += 1;
            add(symbol, quality, event);
        }
        Kind::Execute => {
            symbol.counts.executions += 1;
            execute(symbol, quality, event);
        }
        Kind::Cancel => {
            symbol.counts.cancels += 1;
            match symbol.book.take(event.order(), event.qty(), false) {
                Taken::Enough(_) => {}
                Taken::TooMuch(_) => quality.negative_size += 1,
                Taken::Unknown => quality.unknown_order += 1,
            }
        }
        Kind::Delete => {
            symbol.counts.deletes += 1;
            if symbol.book.remove(event.order()).is_none() {
                quality.unknown_order += 1;
            }
        }
        Kind::Replace => {
            symbol.counts.replaces += 1;
            replace(symbol, quality, event);
        }
        Kind::Trade | Kind::Cross => print_without_order(symbol, kind, event),
        Kind::Break => {
            let found = symbol.tape.break_print(event.match_number());
            quality.unknown_match += u64::from(!found);
        }
        Kind::TradingAction => match event.code() {
            state @ (b'T' | b'H' | b'P' | b'Q') => symbol.state = Some(state),
            _ => quality.bad_field += 1,
        },
        _ => {}
    }
}

fn add(symbol: &mut ReferenceSymbol, quality: &mut ReferenceQuality, event: &Event) {
    let Some(side) = event.side() else {
        quality.bad_field += 1;
        return;
    };
    if symbol.book.holds(event.order()) {
        quality.duplicate_order += 1;
        return;
    }
    if event.qty().0 == 0 {
        quality.zero_size += 1;
    }
    let (order, qty, time) = (event.order(), event.qty(), event.time());
    let resting = RestingOrder { order, qty, time, filled: false };
    symbol.book.add(side, event.add_price(), resting);
}

fn replace(symbol: &mut ReferenceSymbol, quality: &mut ReferenceQuality, event: &Event) {
    let (old, new) = (event.order(), event.new_order());
    if !symbol.book.holds(old) {
        quality.unknown_order += 1;
        return;
    }
    if new != old && symbol.book.holds(new) {
        quality.duplicate_order += 1;
        return;
    }
    if event.new_qty().0 == 0 {
        quality.zero_size += 1;
    }
    let side = symbol.book.remove(old).expect("asked above");
    let (qty, time) = (event.new_qty(), event.time());
    let resting = RestingOrder { order: new, qty, time, filled: false };
    symbol.book.add(side, event.new_price(), resting);
}

fn execute(symbol: &mut ReferenceSymbol, quality: &mut ReferenceQuality, event: &Event) {
    let (number, qty) = (event.match_number(), event.qty());
    let resting_price = match symbol.book.take(event.order(), qty, true) {
        Taken::Enough(price) => Some(price),
        Taken::TooMuch(price) => {
            quality.negative_size += 1;
            Some(price)
        }
        Taken::Unknown => {
            quality.unknown_order += 1;
            None
        }
    };
    match (event.is_printable(), event.print_price().or(resting_price)) {
        (true, Some(price)) => symbol.tape.print(number, price, qty, Source::Displayed),
        // Known, so that a break of it is no unknown one; but only if the execution was applied.
        (false, _) if resting_price.is_some() => symbol.tape.note_unprinted(number),
        _ => {}
    }
}

fn print_without_order(symbol: &mut ReferenceSymbol, kind: Kind, event: &Event) {
    let (number, qty) = (event.match_number(), event.qty());
    let source = match kind {
        Kind::Cross => Source::Cross,
        _ => Source::Hidden,
    };
    match event.print_price() {
        Some(price) if source == Source::Hidden || qty.0 > 0 => {
            symbol.tape.print(number, price, qty, source);
        }
        // A cross of no shares is none, and what has no price can't be one.
        _ => symbol.tape.note_unprinted(number),
    }
}
