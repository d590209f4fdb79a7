//! What a shard tells the market stage: one 64-byte [`Signal`], one cache line.
//!
//! A shard writes signals while it applies events, in the order of events; the market stage reads
//! those of all shards in one order, that of [`Signal::key`], whatever the number of shards.
//!
//! ```text
//!  0          8         16       20     22         24                    64
//!  ├ position ┼ time_ns ┼ symbol ┼ kind ┼ emission ┼ by kind: 5 × 8 bytes ┤
//!    u64        i64       u32      u16    u16
//!
//!  kind             word 0       word 1        word 2         word 3           word 4
//!   1 SectionSums   books        metrics       windows        detectors        symbols
//!   2 TradingState  new state    state before  –              –                –
//!   3 Bar           start        end           open           high             low
//!   4 BarSums       close        trades        revision       price sum, 2 words
//!   5 BarValue      notional, 2 words          volume, 2 words                 1 if suspect
//!   6 Gap           first        end           feed           –                –
//!   7 Halts         begun        ended         feed           –                –
//!   8 Detection     drawn in `detect/alert.rs`
//!   9 Figures       of the detection before it
//!  10 Broken        match        –             –              –                –
//!  11 Rate          messages     line of time  sequence       –                –
//! ```
//! A bar is three signals in a row, 3, 4, 5. Values of 128 bits have their low word first. A gap's
//! position is that of the first message given up; `end` is the sequence behind the last one.
//!
//! Signals of a shard stand in the order of their key, but for 7: it has the position of the last message
//! that the snapshot holds, and comes when it comes, since it only counts. What time puts out as it passes, before a
//! message, is of many symbols, windows of all of them first, then alerts of all of them; what the message itself leads
//! to is of one. So where all have the same position, `Outbox::settle` puts each in its place.

use bytemuck::{Pod, Zeroable};

use crate::units::{Nanos, Notional, Position, Price, SymbolId};
use crate::window::bars::Bar;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Signal {
    /// [`Position`] of the event that led to it.
    pub position: u64,
    /// Feed time, UTC epoch ns.
    pub time_ns: i64,
    /// [`SymbolId`] it is about; 0 is market-wide.
    pub symbol: u32,
    /// A number of [`SignalKind`].
    pub kind: u16,
    /// Number of the signal among those that its event led to in its shard, from 0.
    pub emission: u16,
    /// Five words whose meaning the kind gives.
    pub words: [u64; 5],
}

const _: () = {
    assert!(size_of::<Signal>() == 64);
    assert!(align_of::<Signal>() == 64);
    assert!(core::mem::offset_of!(Signal, time_ns) == 8);
    assert!(core::mem::offset_of!(Signal, symbol) == 16);
    assert!(core::mem::offset_of!(Signal, kind) == 20);
    assert!(core::mem::offset_of!(Signal, emission) == 22);
    assert!(core::mem::offset_of!(Signal, words) == 24);
};

/// What a [`Signal`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum SignalKind {
    /// The shard's share of each section's digest at a hash point.
    SectionSums = 1,
    /// A symbol's trading state has changed.
    TradingState = 2,
    /// A bar is put out; its other figures follow in two more signals.
    Bar = 3,
    /// The second part of a bar.
    BarSums = 4,
    /// The third part of a bar.
    BarValue = 5,
    /// Messages were given up as lost.
    Gap = 6,
    /// How many symbols a snapshot has halted, and how many it has not any more.
    Halts = 7,
    /// A detector's alert opens or ends; its figures follow in one more signal.
    Detection = 8,
    /// The second part of a detection.
    Figures = 9,
    /// A print of a symbol was broken.
    Broken = 10,
    /// Messages of a shard since the line of feed time before.
    Rate = 11,
}

impl SignalKind {
    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<SignalKind> {
        match number {
            1 => Some(SignalKind::SectionSums),
            2 => Some(SignalKind::TradingState),
            3 => Some(SignalKind::Bar),
            4 => Some(SignalKind::BarSums),
            5 => Some(SignalKind::BarValue),
            6 => Some(SignalKind::Gap),
            7 => Some(SignalKind::Halts),
            8 => Some(SignalKind::Detection),
            9 => Some(SignalKind::Figures),
            10 => Some(SignalKind::Broken),
            11 => Some(SignalKind::Rate),
            _ => None,
        }
    }
}

impl Signal {
    /// Where the signal stands among those of all shards: by position, then symbol, then emission.
    #[inline]
    #[must_use]
    pub const fn key(&self) -> (u64, u32, u16) {
        (self.position, self.symbol, self.emission)
    }

    /// The position as its type.
    #[inline]
    #[must_use]
    pub const fn position(&self) -> Position {
        Position(self.position)
    }

    /// The feed time as its type.
    #[inline]
    #[must_use]
    pub const fn time(&self) -> Nanos {
        Nanos(self.time_ns)
    }

    /// The symbol as its type.
    #[inline]
    #[must_use]
    pub const fn symbol(&self) -> SymbolId {
        SymbolId(self.symbol)
    }

    /// The kind, if the number is one.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> Option<SignalKind> {
        SignalKind::from_number(self.kind)
    }
}

/// Signals that a shard has emitted and nobody has taken yet, in order.
#[derive(Debug)]
pub struct Outbox {
    signals: Vec<Signal>,
    position: u64,
    emitted: u16,
    /// Scratch of [`Outbox::settle`]: where each signal goes by, and where it stands.
    places: Vec<(Order, usize)>,
}

/// How an outbox has numbered its last signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Position of the last signal.
    pub(crate) position: u64,
    /// Signals of that position so far.
    pub(crate) emitted: u16,
}

/// Signals that fit without allocation: more than a full batch of events leads to, bars aside.
const OUTBOX_SIGNALS: usize = 1024;

/// Signals that memory is reserved for at most; nothing touches it before it is used.
const OUTBOX_SIGNALS_MAX: usize = 1 << 20;

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Outbox {
        let signals = Vec::with_capacity(OUTBOX_SIGNALS);
        let places = Vec::with_capacity(OUTBOX_SIGNALS);
        Outbox { signals, position: 0, emitted: 0, places }
    }

    /// Adds a signal that the event at `position` led to.
    pub fn emit(
        &mut self,
        position: Position,
        time: Nanos,
        symbol: SymbolId,
        kind: SignalKind,
        words: [u64; 5],
    ) {
        if position.0 != self.position {
            (self.position, self.emitted) = (position.0, 0);
        }
        self.signals.push(Signal {
            position: position.0,
            time_ns: time.0,
            symbol: symbol.0,
            kind: kind as u16,
            emission: self.emitted,
            words,
        });
        self.emitted = self.emitted.saturating_add(1);
    }

    /// Adds a bar that the event at `position`, or time before it, has put out.
    pub fn emit_bar(&mut self, position: Position, time: Nanos, bar: &Bar) {
        for (kind, words) in bar_words(bar) {
            self.emit(position, time, bar.symbol, kind, words);
        }
    }

    /// Reserves memory for so many bars in a batch, up to a limit past which the outbox allocates.
    pub(crate) fn reserve_bars(&mut self, bars: usize) {
        let signals = bars.saturating_mul(SIGNALS_A_BAR) + OUTBOX_SIGNALS;
        self.signals.reserve_exact(signals.min(OUTBOX_SIGNALS_MAX));
        self.places.reserve_exact(signals.min(OUTBOX_SIGNALS_MAX));
    }

    /// Makes room for so many more signals, up to a limit past which the outbox allocates.
    pub(crate) fn reserve(&mut self, signals: usize) {
        let room = self.signals.capacity() + signals;
        self.signals.reserve_exact(room.min(OUTBOX_SIGNALS_MAX));
        self.places.reserve_exact(room.min(OUTBOX_SIGNALS_MAX));
    }

    /// How many signals there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.signals.len()
    }

    /// How the last signal was numbered, between two packets.
    ///
    /// # Panics
    /// If a signal was not taken yet.
    pub(crate) fn numbered(&self) -> Numbered {
        let Outbox { signals, position, emitted, places: _ } = self;
        assert!(signals.is_empty(), "Invariant: signals are taken after each batch");
        Numbered { position: *position, emitted: *emitted }
    }

    /// Goes on as after a signal that was numbered so.
    pub(crate) fn restore(&mut self, numbered: Numbered) {
        let Numbered { position, emitted } = numbered;
        (self.position, self.emitted) = (position, emitted);
    }

    /// Where the signals of a position begin that is the last one's.
    #[cold]
    pub(crate) fn first_at(&self, position: Position) -> usize {
        self.signals.partition_point(|signal| signal.position < position.0)
    }

    /// Brings the signals from `from` on, all of one position, into the order of [`order_of`]. What is equal
    /// there stays as it was emitted, the parts of a bar stay together.
    #[cold]
    pub(crate) fn settle(&mut self, from: usize) {
        let Outbox { signals, places, .. } = self;
        let Some(signals) = signals.get_mut(from..) else { return };
        places.clear();
        let mut rest = &*signals;
        while !rest.is_empty() {
            let order = order_of(rest);
            let is_bar = rest[0].kind == SignalKind::Bar as u16;
            let (parts, behind) = rest.split_at(if is_bar { SIGNALS_A_BAR } else { 1 });
            let at = places.len();
            places.extend((at..at + parts.len()).map(|at| (order, at)));
            rest = behind;
        }
        // No two are equal: the place breaks ties.
        places.sort_unstable();
        for start in 0..places.len() {
            let first = signals[start];
            let mut at = start;
            loop {
                // Once a signal has come to where it belongs, that is where it stands.
                let source = core::mem::replace(&mut places[at].1, at);
                if source == start {
                    break;
                }
                signals[at] = signals[source];
                at = source;
            }
            signals[at] = first;
        }
    }

    /// What was emitted since the last [`Outbox::clear`].
    #[inline]
    #[must_use]
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Forgets what was taken.
    #[inline]
    pub fn clear(&mut self) {
        self.signals.clear();
    }
}

/// Parts of a bar.
const SIGNALS_A_BAR: usize = 3;

/// Where signals of one position stand: symbol; end, start and revision of a bar.
type Order = (u32, i64, i64, u64);

/// Where the first of `signals` stands among those of its position: by symbol, a bar by end, start and
/// revision, then what is no bar.
fn order_of(signals: &[Signal]) -> Order {
    match signals {
        [bar, sums, ..] if bar.kind == SignalKind::Bar as u16 => {
            (bar.symbol, bar.words[1] as i64, bar.words[0] as i64, sums.words[2])
        }
        [other, ..] => (other.symbol, i64::MAX, 0, 0),
        [] => (u32::MAX, i64::MAX, 0, 0),
    }
}

/// A bar as its three signals carry it.
fn bar_words(bar: &Bar) -> [(SignalKind, [u64; 5]); SIGNALS_A_BAR] {
    let Bar {
        symbol: _,
        start,
        end,
        revision,
        open,
        high,
        low,
        close,
        trades,
        volume,
        notional,
        price_sum,
        is_suspect,
    } = *bar;
    let halves = |wide: u128| [wide as u64, (wide >> 64) as u64];
    let ([sum, sum_high], [value, value_high]) =
        (halves(price_sum as u128), halves(notional.0 as u128));
    let [volume, volume_high] = halves(volume);
    let prices = [start.0, end.0, open.0, high.0, low.0].map(|each| each as u64);
    let sums = [close.0 as u64, trades, revision.into(), sum, sum_high];
    let values = [value, value_high, volume, volume_high, u64::from(is_suspect)];
    [(SignalKind::Bar, prices), (SignalKind::BarSums, sums), (SignalKind::BarValue, values)]
}

/// The bar that three signals in a row carry.
pub(crate) fn bar_of(prices: &Signal, sums: &Signal, value: &Signal) -> Bar {
    let wide = |low: u64, high: u64| u128::from(high) << 64 | u128::from(low);
    let [start, end, open, high, low] = prices.words.map(|word| word as i64);
    let [close, trades, revision, sum, sum_high] = sums.words;
    let [notional, notional_high, volume, volume_high, suspect] = value.words;
    Bar {
        symbol: prices.symbol(),
        start: Nanos(start),
        end: Nanos(end),
        revision: revision as u32,
        open: Price(open),
        high: Price(high),
        low: Price(low),
        close: Price(close as i64),
        trades,
        volume: wide(volume, volume_high),
        notional: Notional(wide(notional, notional_high) as i128),
        price_sum: wide(sum, sum_high) as i128,
        is_suspect: suspect != 0,
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_signal_are_pinned() {
        let signal = Signal {
            position: 0x0102_0304_0506_0708,
            time_ns: 0x1112_1314_1516_1718,
            symbol: 0x2122_2324,
            kind: SignalKind::TradingState as u16,
            emission: 0x3132,
            words: [1, 2, 3, 4, 5],
        };
        let mut expected = vec![
            8, 7, 6, 5, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23,
            0x22, 0x21, 2, 0, 0x32, 0x31,
        ];
        (1..=5u64).for_each(|word| expected.extend(word.to_le_bytes()));
        assert_eq!(bytemuck::bytes_of(&signal), expected);
    }

    #[test]
    fn signals_of_one_event_are_numbered_and_those_of_the_next_begin_again() {
        let mut outbox = Outbox::new();
        for position in [5, 5, 5, 6] {
            outbox.emit(
                Position(position),
                Nanos(0),
                SymbolId(1),
                SignalKind::TradingState,
                [0; 5],
            );
        }
        let keys: Vec<_> = outbox.signals().iter().map(Signal::key).collect();
        assert_eq!(keys, [(5, 1, 0), (5, 1, 1), (5, 1, 2), (6, 1, 0)]);
        outbox.clear();
        assert!(outbox.signals().is_empty());
    }

    /// Puts one after the other in its place.
    fn insert_each(signals: &mut [Signal]) {
        let mut at = 0;
        let parts_of = |signal: &Signal| {
            if signal.kind == SignalKind::Bar as u16 { SIGNALS_A_BAR } else { 1 }
        };
        while at < signals.len() {
            let (order, parts) = (order_of(&signals[at..]), parts_of(&signals[at]));
            let mut to = 0;
            while to < at && order_of(&signals[to..]) <= order {
                to += parts_of(&signals[to]);
            }
            signals[to..at + parts].rotate_right(parts);
            at += parts;
        }
    }

    /// Signals of position 8 behind one of position 7: bars of symbols, and what is no bar.
    fn unsettled(signals: u64, mut random: impl FnMut(u64) -> u64) -> Outbox {
        let mut outbox = Outbox::new();
        outbox.emit(Position(7), Nanos(0), SymbolId(9), SignalKind::Rate, [0; 5]);
        for at in 0..signals {
            let symbol = SymbolId(random(6) as u32);
            if random(2) == 0 {
                outbox.emit(Position(8), Nanos(0), symbol, SignalKind::TradingState, [at; 5]);
                continue;
            }
            let (start, end) = (Nanos(random(3) as i64), Nanos(random(3) as i64));
            let price = Price(at as i64);
            let bar = Bar {
                symbol,
                start,
                end,
                revision: random(2) as u32,
                open: price,
                high: price,
                low: price,
                close: price,
                trades: at,
                volume: 0,
                notional: Notional(0),
                price_sum: 0,
                is_suspect: false,
            };
            outbox.emit_bar(Position(8), Nanos(0), &bar);
        }
        outbox
    }

    #[test]
    fn signals_of_one_position_come_by_symbol_with_bars_first_and_equals_as_they_were() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for signals in (0..40).chain([400]) {
            let mut outbox = unsettled(signals, &mut random);
            let mut expected = outbox.signals().to_vec();
            insert_each(&mut expected[1..]);
            outbox.settle(1);
            assert_eq!(outbox.signals(), expected, "{signals} signals");
            outbox.settle(1);
            assert_eq!(outbox.signals(), expected, "{signals} settled signals");
        }
    }

    /// What each of so many is put before is all that came before it: one by one that is 5e9 steps.
    #[test]
    fn a_hundred_thousand_signals_in_the_reverse_of_their_order_are_settled() {
        let mut outbox = Outbox::new();
        for symbol in (0..100_000).rev() {
            let words = [0; 5];
            outbox.emit(Position(8), Nanos(0), SymbolId(symbol), SignalKind::Broken, words);
        }
        outbox.settle(0);
        let symbols = outbox.signals().iter().map(|signal| signal.symbol);
        assert!(symbols.eq(0..100_000));
    }
}
