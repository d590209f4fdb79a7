//! The only place where an event becomes state: [`Shard::apply`].
//!
//! A shard owns the books, the tape, the metrics and the bars of its symbols; it is their only writer. It
//! reads no clock, random number or environment, allocates nothing and calls nobody but the
//! observer it is given. Whatever an event holds, it is applied or counted, never a panic.

mod besides_book;
mod detect;
mod observer;
pub(crate) mod restore;
mod snapshot;
mod time;
mod windows;

use crate::book::applied::{Applied, Resting};
use crate::book::books::{Books, Limits};
use crate::book::{BookView, Violation};
use crate::detect::{Detectors, Done};
use crate::event::{Control, Event, Flags, Kind};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_address;
use crate::metrics::SymbolMetrics;
use crate::metrics::flow::SideQuote;
use crate::prints::{Print, Prints};
use crate::quality::Quality;
use crate::signal::{Outbox, SignalKind};
use crate::state;
use crate::suspicion::Suspicion;
use crate::units::{FeedId, Nanos, Position, Side, SymbolId};
use crate::window::bars::{BarSettings, Bars};
use snapshot::Halts;

pub use observer::{Observer, Outcome};

/// See the module.
pub struct Shard {
    place: ShardPlace,
    /// Feed time as far as it has passed here, by the lines of the time grid.
    feed_time: Nanos,
    /// Position − sequence of the events that come.
    offset: u64,
    outbox: Outbox,
    books: Books,
    prints: Prints,
    metrics: MappedVec<SymbolMetrics>,
    /// By symbol; 0 is what concerns none.
    qualities: MappedVec<Quality>,
    phase: SessionPhase,
    bars: Bars,
    detectors: Detectors,
    /// Which feeds' books are in doubt.
    suspicion: Suspicion,
    /// What the snapshot at hand has changed.
    halts: Halts,
    /// Feed time at which the snapshot at hand began.
    snapshot_time: Nanos,
    /// Snapshots that have begun or ended here: books may be others without an event of their symbol.
    snapshot_marks: u64,
}

/// Which of an engine's shards it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardPlace {
    /// From 0. What concerns no symbol is counted and hashed by shard 0, though all shards see it.
    pub index: u32,
}

impl ShardPlace {
    /// Whether what concerns no symbol is this shard's.
    #[must_use]
    pub const fn owns_market(self) -> bool {
        self.index == 0
    }
}

/// What a shard is made of; see [`Shard::parts`]. Symbols past the end of a slice are empty ones.
pub(crate) struct ShardParts<'a> {
    pub(crate) books: &'a Books,
    pub(crate) prints: &'a Prints,
    pub(crate) metrics: &'a [SymbolMetrics],
    pub(crate) qualities: &'a [Quality],
    pub(crate) phase: SessionPhase,
    pub(crate) bars: &'a Bars,
    pub(crate) detectors: &'a Detectors,
}

/// Where the session stands, by the exchange's system events (ITCH 5.0 section 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionPhase {
    /// No system event was seen.
    #[default]
    Unknown,
    /// `O`: start of messages.
    StartOfMessages,
    /// `S`: system hours have begun.
    SystemHours,
    /// `Q`: market hours have begun.
    MarketHours,
    /// `M`: market hours are over.
    AfterMarketHours,
    /// `E`: system hours are over.
    AfterSystemHours,
    /// `C`: end of messages.
    EndOfMessages,
}

impl SessionPhase {
    /// The phase that a system event of this code begins.
    #[must_use]
    pub const fn begun_by(code: u8) -> Option<SessionPhase> {
        match code {
            b'O' => Some(SessionPhase::StartOfMessages),
            b'S' => Some(SessionPhase::SystemHours),
            b'Q' => Some(SessionPhase::MarketHours),
            b'M' => Some(SessionPhase::AfterMarketHours),
            b'E' => Some(SessionPhase::AfterSystemHours),
            b'C' => Some(SessionPhase::EndOfMessages),
            _ => None,
        }
    }
}

const ADD: u8 = Kind::Add as u8;
const EXECUTE: u8 = Kind::Execute as u8;
const TRADE: u8 = Kind::Trade as u8;
const CROSS: u8 = Kind::Cross as u8;
const BREAK: u8 = Kind::Break as u8;
const AUCTION: u8 = Kind::Auction as u8;
const SYSTEM_EVENT: u8 = Kind::SystemEvent as u8;
const DIRECTORY: u8 = Kind::Directory as u8;
const TRADING_ACTION: u8 = Kind::TradingAction as u8;
/// Index of the counts that concern no symbol.
const MARKET: usize = 0;
/// Bit n is set where an event of kind n may do something besides to the book: print, break, tell of
/// an auction or a round lot, change the trading state.
const BESIDES_BOOK: u32 = 1 << EXECUTE
    | 1 << TRADE
    | 1 << CROSS
    | 1 << BREAK
    | 1 << AUCTION
    | 1 << DIRECTORY
    | 1 << TRADING_ACTION;

/// Where the quote lies in the metrics of a symbol: detectors see it before each message.
const CLOCK_AT: usize = core::mem::offset_of!(SymbolMetrics, clock);

/// Bit n is set where an event of kind n may print.
const PRINTS: u32 = 1 << EXECUTE | 1 << TRADE | 1 << CROSS;

impl Shard {
    /// A shard that has seen nothing.
    ///
    /// # Errors
    /// If the system refuses the address range that the limits ask for.
    pub fn new(limits: Limits) -> Result<Self, MemoryError> {
        Self::at(ShardPlace::default(), limits)
    }

    /// One of several shards, that has seen nothing.
    ///
    /// # Errors
    /// As [`Shard::new`].
    pub fn at(place: ShardPlace, limits: Limits) -> Result<Self, MemoryError> {
        Ok(Shard {
            place,
            feed_time: Nanos(i64::MIN),
            offset: 0,
            outbox: Outbox::new(),
            books: Books::new(limits)?,
            prints: Prints::new(limits.symbols_max, limits.prints_max)?,
            // Some lines of each symbol are in use all the time, so base pages would be many.
            metrics: MappedVec::with_capacity(limits.symbols_max, Pages::Huge)?,
            qualities: MappedVec::zeroed(1, limits.symbols_max, Pages::Base)?,
            phase: SessionPhase::default(),
            bars: Bars::new(&BarSettings::NONE, limits.symbols_max)?,
            detectors: Detectors::none()?,
            suspicion: Suspicion::default(),
            halts: Halts::default(),
            snapshot_time: Nanos(i64::MIN),
            snapshot_marks: 0,
        })
    }

    /// The books, taken out.
    #[must_use]
    pub fn into_books(self) -> Books {
        self.books
    }

    /// Puts memory behind the first `orders` live orders, see [`Books::prefault`], and as many prints.
    ///
    /// In a guest the first touch of 2 MiB can take the host 5 ms: of single packets at 1 M a second, 1 %
    /// took that long before the prints' memory was touched here.
    pub fn prefault(&mut self, orders: usize) {
        self.books.prefault(orders);
        self.prints.prefault(orders);
    }

    /// Applies a batch in order; the same as applying each event, only faster, because what the
    /// batch names is brought into the cache first.
    #[inline]
    pub fn apply_batch<O: Observer>(&mut self, events: &[Event], observer: &mut O) {
        if self.detectors.is_on() {
            for event in events {
                self.detectors.prefetch(event.symbol());
                let metrics = self.metrics.as_ptr().wrapping_add(event.symbol as usize);
                prefetch_address(metrics.cast::<u8>().wrapping_add(CLOCK_AT));
            }
        }
        self.books.prefetch(events);
        if self.bars.is_on() {
            for event in events.iter().filter(|event| PRINTS >> (event.kind & 31) & 1 == 1) {
                self.bars.prefetch(event.symbol());
            }
        }
        if self.detectors.is_on() {
            events.iter().for_each(|event| self.detectors.prefetch_due(event));
        }
        for event in events {
            self.apply(event, observer);
        }
    }

    /// Applies one event.
    #[inline(always)]
    pub fn apply<O: Observer>(&mut self, event: &Event, observer: &mut O) {
        if event.flags & (Flags::TIME | Flags::SNAPSHOT) != 0 {
            if event.flags & Flags::SNAPSHOT != 0 {
                return self.apply_of_snapshot(event);
            }
            if self.pass_time(event) {
                return self.apply_after_bars(event, observer);
            }
        }
        self.apply_at_its_time(event, observer);
    }

    #[inline(always)]
    fn apply_at_its_time<O: Observer>(&mut self, event: &Event, observer: &mut O) {
        let outcome = if event.symbol == 0 {
            if event.is_control() {
                return self.control(event, observer);
            }
            self.apply_market_wide(event);
            Outcome::default()
        } else {
            self.apply_to_symbol(event)
        };
        if O::ACTIVE {
            observer.on_event(event, &outcome, self);
        }
    }

    /// What the sequencer tells.
    #[cold]
    #[inline(never)]
    fn control<O: Observer>(&mut self, event: &Event, observer: &mut O) {
        const TIME: u8 = Control::Time as u8;
        const HASH_POINT: u8 = Control::HashPoint as u8;
        const REBASE: u8 = Control::Rebase as u8;
        const GAP: u8 = Control::Gap as u8;
        const SNAPSHOT_BEGIN: u8 = Control::SnapshotBegin as u8;
        const SNAPSHOT_END: u8 = Control::SnapshotEnd as u8;
        match event.kind {
            TIME => {
                self.pass_time(event);
            }
            GAP => {
                self.suspicion.begin(FeedId(event.words[1] as u16), event.time());
                if !self.place.owns_market() {
                    return;
                }
                let position = self.position(event);
                let words = [event.sequence, event.words[0], event.words[1], 0, 0];
                self.outbox.emit(position, event.time(), SymbolId(0), SignalKind::Gap, words);
            }
            HASH_POINT => {
                let sums = state::section_sums(self, event.time(), self.place.owns_market());
                let position = self.position(event);
                self.outbox.emit(
                    position,
                    event.time(),
                    SymbolId(0),
                    SignalKind::SectionSums,
                    sums.words(),
                );
            }
            REBASE => self.offset = event.words[0],
            SNAPSHOT_BEGIN => {
                self.snapshot_marks += 1;
                self.begin_snapshot(event);
            }
            SNAPSHOT_END => {
                self.snapshot_marks += 1;
                self.end_snapshot(event, observer);
            }
            _ => {}
        }
    }

    #[cold]
    #[inline(never)]
    fn apply_market_wide(&mut self, event: &Event) {
        if event.kind == SYSTEM_EVENT {
            match SessionPhase::begun_by(event.code()) {
                Some(phase) => {
                    self.phase = phase;
                    self.detectors.session_changed(phase, event.time());
                }
                None => self.count_market_bad_field(),
            }
        } else if (ADD..=BREAK).contains(&event.kind) {
            self.count_market_bad_field();
        }
    }

    /// A symbol is past the limit.
    #[cold]
    fn count_over_capacity(&mut self) {
        self.qualities[MARKET].over_capacity += 1;
    }

    fn count_market_bad_field(&mut self) {
        self.qualities[MARKET].bad_field += u64::from(self.place.owns_market());
    }

    #[inline(always)]
    fn apply_to_symbol(&mut self, event: &Event) -> Outcome {
        let symbol = event.symbol as usize;
        if symbol >= self.metrics.len() && !self.admit(event.symbol()) {
            self.count_over_capacity();
            return Outcome::default();
        }
        let is_detecting = self.detectors.is_on();
        if is_detecting && self.detectors.is_due(event) {
            self.end_second(event);
        }
        let metrics = &mut self.metrics[symbol];
        metrics.count(event.kind);
        let (quality, lives) = (&mut self.qualities[symbol], &mut metrics.lives);
        let applied = self.books.apply_telling(event, quality, lives);
        // One branch that is seldom taken, so that the kinds of every second message do not meet a
        // second jump by kind.
        if BESIDES_BOOK >> (event.kind & 31) & 1 == 1 {
            return self.apply_besides(event, &applied);
        }
        let best_changed = applied.best_changed;
        let before = self.apply_after_book(event, best_changed);
        let quotes = best_changed.then_some((&before, &self.metrics[symbol].clock));
        if is_detecting && !self.detectors.passes(event, applied.resting.as_ref(), quotes) {
            // Field by field: the whole as it lies was stored byte by byte just now, and to copy it in words
            // waits for that. It took 20 ns a message over the yardstick file.
            let resting = applied.resting.map(Resting::again);
            self.detect(event, &Done { resting, best_changed, print: None, broken: None, before });
        }
        Outcome { print: None, broken: None, best_changed }
    }

    /// What comes of an event besides and behind the book.
    #[inline(never)]
    fn apply_besides(&mut self, event: &Event, applied: &Applied) -> Outcome {
        let (print, broken) = self.apply_besides_book(event, applied);
        let best_changed = applied.best_changed;
        let before = self.apply_after_book(event, best_changed);
        if self.detectors.is_on() {
            self.detectors.begin(event);
            let (resting, print, broken) = (applied.resting, print.as_ref(), broken.as_ref());
            self.detect(event, &Done { resting, best_changed, print, broken, before });
        }
        Outcome { print, broken, best_changed }
    }

    /// Takes over the quote, and counts what a book must not be. Returns the quote before.
    #[inline(always)]
    fn apply_after_book(&mut self, event: &Event, best_changed: bool) -> (SideQuote, SideQuote) {
        let symbol = event.symbol as usize;
        let clock = &self.metrics[symbol].clock;
        let before = (clock.bid, clock.ask);
        if best_changed {
            self.take_quote(event);
        }
        let metrics = &self.metrics[symbol];
        let (crossed, locked) = (metrics.is_crossed(), metrics.is_locked());
        if (crossed | locked) && metrics.is_trading() {
            self.count_crossed(symbol, crossed, locked);
        }
        before
    }

    #[cold]
    #[inline(never)]
    fn count_crossed(&mut self, symbol: usize, crossed: bool, locked: bool) {
        self.qualities[symbol].crossed += u64::from(crossed);
        self.qualities[symbol].locked += u64::from(locked);
    }

    /// Gives the metrics the best bid and offer after a change of them.
    #[inline(always)]
    fn take_quote(&mut self, event: &Event) {
        let symbol = event.symbol();
        self.pass_symbol_time(symbol, event.time());
        let (bid, ask) = self.quote(symbol);
        self.metrics[symbol.0 as usize].take_quote(event.time(), bid, ask);
    }

    /// Best bid and offer of a symbol's book.
    #[inline(always)]
    fn quote(&self, symbol: SymbolId) -> (SideQuote, SideQuote) {
        let book = self.books.book(symbol);
        let side = |side: Side| match book.best(side) {
            Some(best) => SideQuote::of(side, best.price, best.qty),
            None => SideQuote::NONE,
        };
        (side(Side::Buy), side(Side::Sell))
    }

    /// Makes room for a symbol seen for the first time; `false` if its number is past the limit.
    #[cold]
    #[inline(never)]
    fn admit(&mut self, symbol: SymbolId) -> bool {
        let len = symbol.0 as usize + 1;
        self.books.admit(symbol)
            && self.bars.grow_to(len)
            && self.detectors.grow_to(len)
            && self.qualities.grow_to(len)
            && self.metrics.grow_to(len)
    }

    /// The book of a symbol.
    #[inline]
    #[must_use]
    pub fn book(&self, symbol: SymbolId) -> BookView<'_> {
        self.books.book(symbol)
    }

    /// The books of all symbols.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Every field, for the walk over state. Taken apart in full, so that a new field does not compile
    /// until it is decided whether it is state.
    pub(crate) fn parts(&self) -> ShardParts<'_> {
        // Where the shard stands among others, the sequencer's numbering and what was told already are
        // no state; time is the sequencer's and given to the walk.
        let Shard {
            books,
            prints,
            metrics,
            qualities,
            phase,
            bars,
            detectors,
            place: _,
            feed_time: _,
            offset: _,
            outbox: _,
            // In what doubt the books are is no state, and nothing of a snapshot outlives it.
            suspicion: _,
            halts: _,
            snapshot_time: _,
            snapshot_marks: _,
        } = self;
        ShardParts { books, prints, metrics, qualities, phase: *phase, bars, detectors }
    }

    /// The metrics of a symbol; those of one never seen are empty.
    #[must_use]
    pub fn metrics(&self, symbol: SymbolId) -> &SymbolMetrics {
        self.metrics.get(symbol.0 as usize).unwrap_or(&SymbolMetrics::EMPTY)
    }

    /// The metrics of a symbol as of a time: samples, bars and prints that are due by `until` are
    /// taken in, the quote unchanged since its last change. Nothing is changed here.
    #[must_use]
    pub fn metrics_until(&self, symbol: SymbolId, until: Nanos) -> SymbolMetrics {
        let mut metrics = *self.metrics(symbol);
        metrics.spread = metrics.spread_until(until);
        if metrics.clock.has_begun() && metrics.clock.is_due(until) {
            metrics.pass_lines(until);
            let (standing, scored) = (metrics.mid(), &mut metrics.scored);
            let settle = |print: &Print, before| scored.settle(print, before, standing);
            self.prints.each_due(symbol, until, settle);
        }
        metrics
    }

    /// What could not be applied as sent, all symbols together.
    #[must_use]
    pub fn quality(&self) -> Quality {
        let mut sum = Quality::default();
        for quality in self.qualities.iter() {
            sum += *quality;
        }
        sum
    }

    /// What could not be applied as sent of one symbol; symbol 0 has what concerns no symbol.
    #[must_use]
    pub fn quality_of(&self, symbol: SymbolId) -> Quality {
        self.qualities.get(symbol.0 as usize).copied().unwrap_or_default()
    }

    /// What the shard has to tell the market stage; to be taken after each batch.
    #[inline]
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Position of an event that comes now, which is its sequence unless sequences do not rise.
    #[inline]
    #[must_use]
    pub fn position(&self, event: &Event) -> Position {
        Position(event.sequence.wrapping_add(self.offset))
    }

    /// Position − sequence of an event that comes now.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How often a snapshot has begun or ended here.
    #[inline]
    pub(crate) fn snapshot_marks(&self) -> u64 {
        self.snapshot_marks
    }

    /// Symbols are numbered below this.
    #[must_use]
    pub fn symbols_max(&self) -> usize {
        self.metrics.capacity()
    }

    /// Which of the engine's shards it is.
    #[must_use]
    pub fn place(&self) -> ShardPlace {
        self.place
    }

    /// Feed time as far as it has passed here, by the lines of the time grid.
    #[must_use]
    pub fn feed_time(&self) -> Nanos {
        self.feed_time
    }

    /// Where the session stands.
    #[must_use]
    pub fn phase(&self) -> SessionPhase {
        self.phase
    }

    /// Checks every invariant of the books.
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn validate(&self) -> Result<(), Violation> {
        self.books.validate()
    }

    /// Checks every invariant of one symbol's book.
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn validate_symbol(&self, symbol: SymbolId) -> Result<(), Violation> {
        self.books.validate_symbol(symbol)
    }
}
