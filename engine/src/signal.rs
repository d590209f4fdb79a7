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
//! ```

use bytemuck::{Pod, Zeroable};

use crate::units::{Nanos, Position, SymbolId};

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
}

impl SignalKind {
    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<SignalKind> {
        match number {
            1 => Some(SignalKind::SectionSums),
            2 => Some(SignalKind::TradingState),
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
}

/// Signals that fit without allocation: more than a full batch of events leads to.
const OUTBOX_SIGNALS: usize = 1024;

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Outbox {
        Outbox { signals: Vec::with_capacity(OUTBOX_SIGNALS), position: 0, emitted: 0 }
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
}
