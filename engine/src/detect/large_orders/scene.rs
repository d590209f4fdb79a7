//! One symbol's book and what is usual of it, by which tests show single messages to what detectors share.
//!
//! Usual are orders of 100 shares, a spread of 2 cents, and 1,500 shares at five levels of a side. Nothing of
//! that is learnt: a test sets it. Every message comes a millisecond after the one before it.

use core::cell::Cell;

use bytemuck::Zeroable;

use crate::book::books::{Books, Limits};
use crate::detect::activity::Activity;
use crate::detect::phase::Phase;
use crate::detect::profile::Profile;
use crate::detect::seen::Seen;
use crate::detect::statistic::Median;
use crate::detect::touch::Touch;
use crate::event::{Event, Flags, Kind, PRICE_NONE};
use crate::metrics::SymbolMetrics;
use crate::quality::Quality;
use crate::units::{Nanos, Sequence, Side, SymbolId};

/// A millisecond.
const MS: i64 = 1_000_000;

const SYMBOL: SymbolId = SymbolId(1);

/// See the module.
pub(crate) struct Scene {
    books: Books,
    metrics: SymbolMetrics,
    pub(crate) activity: Activity,
    pub(crate) profile: Profile,
    pub(crate) phase: Phase,
    pub(crate) now: i64,
    pub(crate) sequence: u64,
    reference: u64,
}

/// A running median at a value.
pub(crate) fn median(value: f64) -> Median {
    let mut median = Median::default();
    median.take(value);
    median
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let limits =
            Limits { orders_max: 4_096, levels_max: 4_096, symbols_max: 4, prints_max: 64 };
        let mut books = Books::new(limits).expect("memory");
        assert!(books.admit(SYMBOL));
        let mut scene = Scene {
            books,
            metrics: Zeroable::zeroed(),
            activity: Zeroable::zeroed(),
            profile: Zeroable::zeroed(),
            phase: Phase::Continuous,
            now: 34_200_000 * MS,
            sequence: 0,
            reference: 0,
        };
        scene.activity.order_qty = median(100.0);
        scene.profile.spread = median(20_000_000.0);
        scene.profile.depth = [median(1_500.0); 2];
        scene
    }

    fn touch(&self) -> Touch {
        let book = self.books.book(SYMBOL);
        let (bid, ask) = (book.best(Side::Buy), book.best(Side::Sell));
        Touch {
            bid: bid.map_or(i64::MIN, |best| best.price.0),
            bid_qty: bid.map_or(0, |best| best.qty.0),
            ask: ask.map_or(i64::MAX, |best| best.price.0),
            ask_qty: ask.map_or(0, |best| best.qty.0),
        }
    }

    /// Applies a message, and lets it be looked at as detectors see it.
    pub(crate) fn show<T>(
        &mut self,
        (kind, side, words): (Kind, u8, [u64; 4]),
        look: impl FnOnce(&Seen<'_>) -> T,
    ) -> T {
        self.sequence += 1;
        self.now += MS;
        let event = Event {
            sequence: self.sequence,
            time_ns: self.now,
            recv_ns: self.now,
            symbol: SYMBOL.0,
            kind: kind as u8,
            side,
            flags: Flags::PRINTABLE,
            words,
        };
        let before = self.touch();
        let applied = self.books.apply(&event, &mut Quality::default());
        let seen = Seen {
            symbol: SYMBOL,
            time: Nanos(self.now),
            sequence: Sequence(self.sequence),
            event: &event,
            resting: applied.resting.as_ref(),
            print: None,
            before,
            touch: self.touch(),
            phase: self.phase,
            phase_before: self.phase,
            activity: &self.activity,
            profile: &self.profile,
            metrics: &self.metrics,
            book: self.books.book(SYMBOL),
            wake_ns: Cell::new(0),
        };
        look(&seen)
    }

    /// A reference that no order has had.
    pub(crate) fn next_reference(&mut self) -> u64 {
        self.reference += 1;
        self.reference
    }
}

/// An order enters.
pub(crate) fn add(order: u64, side: Side, price: i64, qty: u64) -> (Kind, u8, [u64; 4]) {
    (Kind::Add, side.byte(), [order, price as u64, qty, 0])
}

/// An order is executed at its price.
pub(crate) fn execute(order: u64, qty: u64) -> (Kind, u8, [u64; 4]) {
    (Kind::Execute, 0, [order, 1, qty, PRICE_NONE])
}

/// An order loses shares.
pub(crate) fn cancel(order: u64, qty: u64) -> (Kind, u8, [u64; 4]) {
    (Kind::Cancel, 0, [order, 0, qty, 0])
}

/// An order leaves.
pub(crate) fn delete(order: u64) -> (Kind, u8, [u64; 4]) {
    (Kind::Delete, 0, [order, 0, 0, 0])
}

/// An order is replaced by one with a new reference.
pub(crate) fn replace(order: u64, new: u64, price: i64, qty: u64) -> (Kind, u8, [u64; 4]) {
    (Kind::Replace, 0, [order, new, price as u64, qty])
}
