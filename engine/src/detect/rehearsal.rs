//! A symbol's messages made by hand and shown to a shard with detectors, for tests.
//!
//! A [`Rehearsal`] numbers messages, sets their time, marks where feed time crosses a line as the sequencer
//! does, and keeps what the market told.

use crate::book::books::Limits;
use crate::detect::{Alert, Change, Detectors, Settings};
use crate::event::{Event, Flags, Kind, PRICE_NONE};
use crate::market::{Cause, HashPoint, Market, MarketListener};
use crate::shard::Shard;
use crate::state::{Digest, Section, StateHash, section_sums};
use crate::units::{Nanos, Position, Side, SymbolId};

pub(crate) const MS: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1_000 * MS;
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// One cent.
pub(crate) const CENT: i64 = 10_000_000;
/// One currency unit.
pub(crate) const DOLLAR: i64 = 100 * CENT;

/// 9:30 of a day.
const START: i64 = 34_200 * SECOND;

#[derive(Default)]
struct Heard(Vec<Alert>);

impl MarketListener for Heard {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_alert(&mut self, _cause: &Cause, alert: &Alert, _name: &[u8]) {
        self.0.push(*alert);
    }
}

/// See the module.
pub(crate) struct Rehearsal {
    shard: Shard,
    market: Market<Heard>,
    now: i64,
    line: i64,
    sequence: u64,
    reference: u64,
    symbol: u32,
}

impl Rehearsal {
    /// A market that has just opened: one symbol, number 1, trading, without orders.
    pub(crate) fn new(settings: &Settings) -> Rehearsal {
        let mut rehearsal = Rehearsal::before_the_opening(settings);
        rehearsal.system(b'Q');
        rehearsal.action(b'T');
        rehearsal
    }

    /// With what a configuration says by default, changed by `(detector, name, value)`.
    pub(crate) fn with(changes: &[(&str, &str, f64)]) -> Rehearsal {
        let mut settings = Settings::default();
        for (detector, name, value) in changes {
            *settings.value_mut(detector, name).expect("a parameter") = *value;
        }
        Rehearsal::new(&settings)
    }

    /// A market that has just opened, with what `own` adds to the detectors.
    pub(crate) fn with_own(own: impl FnOnce(Detectors) -> Detectors) -> Rehearsal {
        let mut rehearsal = Rehearsal::unopened(&Settings::default(), own);
        rehearsal.system(b'Q');
        rehearsal.action(b'T');
        rehearsal
    }

    /// A market that has not opened.
    pub(crate) fn before_the_opening(settings: &Settings) -> Rehearsal {
        Rehearsal::unopened(settings, |detectors| detectors)
    }

    fn unopened(settings: &Settings, own: impl FnOnce(Detectors) -> Detectors) -> Rehearsal {
        let limits = Limits {
            orders_max: 1 << 20,
            levels_max: 1 << 18,
            symbols_max: 256,
            prints_max: 1 << 20,
        };
        let detectors = own(Detectors::new(settings, 256).expect("memory"));
        let mut market = Market::new(1, 256, Heard::default());
        market.rehearse(&detectors);
        let shard = Shard::new(limits).expect("memory").with_detectors(detectors);
        let (sequence, reference, symbol) = (0, 0, 1);
        let mut rehearsal =
            Rehearsal { shard, market, now: START, line: 0, sequence, reference, symbol };
        rehearsal.system(b'S');
        rehearsal
    }

    /// Time passes, without a message of anybody; see [`Rehearsal::pass`].
    pub(crate) fn wait(&mut self, ns: i64) {
        self.now += ns;
    }

    /// Time passes, and feed time with it by messages of another symbol, every 50 ms.
    pub(crate) fn pass(&mut self, ns: i64) {
        let until = self.now + ns;
        let symbol = core::mem::replace(&mut self.symbol, 250);
        while self.now < until {
            self.now = (self.now + 50 * MS).min(until);
            self.event(Kind::ShortSale, 0, 0, [0; 4]);
        }
        self.symbol = symbol;
    }

    /// Messages from here on are of another symbol.
    pub(crate) fn turn_to(&mut self, symbol: u32) {
        self.symbol = symbol;
    }

    /// Exchange time.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// The number of the last message.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Messages are lost: as many numbers are skipped.
    pub(crate) fn lose(&mut self, messages: u64) {
        self.sequence += messages;
    }

    fn event(&mut self, kind: Kind, side: u8, flags: u16, words: [u64; 4]) {
        self.sequence += 1;
        let mut flags = flags;
        if self.now.div_euclid(MS) > self.line {
            self.line = self.now.div_euclid(MS);
            flags |= Flags::TIME;
        }
        let symbol = if kind == Kind::SystemEvent { 0 } else { self.symbol };
        let event = Event {
            sequence: self.sequence,
            time_ns: self.now,
            recv_ns: self.now,
            symbol,
            kind: kind as u8,
            side,
            flags,
            words,
        };
        self.shard.apply_batch(&[event], &mut ());
        self.take();
    }

    fn take(&mut self) {
        for signal in self.shard.outbox().signals() {
            self.market.take(signal);
        }
        self.shard.outbox().clear();
    }

    /// An order enters; its reference.
    pub(crate) fn add(&mut self, side: Side, price: i64, qty: u64) -> u64 {
        self.reference += 1;
        let words = [self.reference, price as u64, qty, 0];
        self.event(Kind::Add, side.byte(), 0, words);
        self.reference
    }

    /// Both sides of a book: `levels` a cent apart from `bid` and `ask` on, each of `qty`.
    pub(crate) fn fill(&mut self, bid: i64, ask: i64, levels: i64, qty: u64) {
        for level in 0..levels {
            self.add(Side::Buy, bid - level * CENT, qty);
            self.add(Side::Sell, ask + level * CENT, qty);
        }
    }

    /// An order leaves.
    pub(crate) fn delete(&mut self, order: u64) {
        self.event(Kind::Delete, 0, 0, [order, 0, 0, 0]);
    }

    /// An order loses shares.
    pub(crate) fn cancel(&mut self, order: u64, qty: u64) {
        self.event(Kind::Cancel, 0, 0, [order, 0, qty, 0]);
    }

    /// An order is replaced; the new reference.
    pub(crate) fn replace(&mut self, order: u64, price: i64, qty: u64) -> u64 {
        self.reference += 1;
        let words = [order, self.reference, price as u64, qty];
        self.event(Kind::Replace, 0, 0, words);
        self.reference
    }

    /// An order is executed at its price; the match number, which is that of the message.
    pub(crate) fn execute(&mut self, order: u64, qty: u64) -> u64 {
        let number = self.sequence + 1;
        let words = [order, number, qty, PRICE_NONE];
        self.event(Kind::Execute, 0, Flags::PRINTABLE, words);
        number
    }

    /// An order is executed at another price than its own.
    pub(crate) fn execute_at(&mut self, order: u64, qty: u64, price: i64) -> u64 {
        let number = self.sequence + 1;
        self.event(Kind::Execute, 0, Flags::PRINTABLE, [order, number, qty, price as u64]);
        number
    }

    /// An order enters and is executed at once.
    pub(crate) fn trade(&mut self, resting: Side, price: i64, qty: u64) -> u64 {
        let order = self.add(resting, price, qty);
        self.execute(order, qty)
    }

    /// A hidden order is executed.
    pub(crate) fn hidden(&mut self, price: i64, qty: u64) -> u64 {
        let number = self.sequence + 1;
        self.event(Kind::Trade, b'B', 0, [0, number, qty, price as u64]);
        number
    }

    /// A cross of a type prints.
    pub(crate) fn cross(&mut self, code: u8, price: i64, qty: u64) -> u64 {
        let number = self.sequence + 1;
        self.event(Kind::Cross, 0, 0, [u64::from(code), number, qty, price as u64]);
        number
    }

    /// A print is broken.
    pub(crate) fn break_print(&mut self, number: u64) {
        self.event(Kind::Break, 0, 0, [0, number, 0, 0]);
    }

    /// A trading action.
    pub(crate) fn action(&mut self, state: u8) {
        self.event(Kind::TradingAction, 0, 0, [u64::from(state), 0, 0, 0]);
    }

    /// The directory's entry: LULD tier (`1`, `2`, a space), whether it is an exchange-traded product (`Y`,
    /// `N`), and how many times that moves with its index.
    pub(crate) fn directory(&mut self, tier: u8, etp: u8, leverage: u32) {
        let codes = u64::from(u32::from_be_bytes([b'N', tier, etp, b'N'])) << 32;
        self.event(Kind::Directory, 0, 0, [0, 100, 0, codes | u64::from(leverage)]);
    }

    /// A system event.
    pub(crate) fn system(&mut self, code: u8) {
        self.event(Kind::SystemEvent, 0, 0, [u64::from(code), 0, 0, 0]);
    }

    /// An imbalance before a cross: paired and imbalance in shares, its side (`B`, `S`, `N`, `O`), prices in
    /// 1e-4 units.
    pub(crate) fn imbalance(
        &mut self,
        cross: u8,
        side: u8,
        paired: u64,
        shares: u64,
        price_e4: u32,
    ) {
        let codes = u32::from_be_bytes([side, cross, b'L', 0]);
        let prices = u64::from(price_e4) << 32 | u64::from(price_e4);
        let last = u64::from(price_e4) << 32 | u64::from(codes);
        self.event(Kind::Auction, 0, 0, [paired, shares, prices, last]);
    }

    /// The input has ended.
    pub(crate) fn end(&mut self) {
        let last = Position(self.sequence);
        self.shard.end_of_input(last, Nanos(self.now));
        self.take();
        self.market.end_of_input(last, Nanos(self.now));
    }

    /// All that was told of alerts of a detector, in order.
    pub(crate) fn told(&self, detector: &str) -> Vec<Alert> {
        let mut catalogue = self.market.catalogue().iter();
        let code = catalogue.find(|it| it.spec.name == detector).expect("a detector").spec.code;
        self.market.listener().0.iter().filter(|alert| alert.code == code).copied().collect()
    }

    /// Alerts of a detector that have opened.
    pub(crate) fn opened(&self, detector: &str) -> Vec<Alert> {
        let told = self.told(detector);
        told.into_iter().filter(|alert| alert.change == Change::Open).collect()
    }

    /// Alerts of a detector that have ended.
    pub(crate) fn closed(&self, detector: &str) -> Vec<Alert> {
        let told = self.told(detector);
        told.into_iter().filter(|alert| alert.change == Change::Close).collect()
    }

    /// The digest of the detectors' state.
    pub(crate) fn digest(&self) -> Digest {
        let sums = section_sums(&self.shard, Nanos(self.now), true);
        StateHash::of(&sums).section(Section::Detectors)
    }

    /// The symbol at hand.
    pub(crate) fn symbol(&self) -> SymbolId {
        SymbolId(self.symbol)
    }
}
