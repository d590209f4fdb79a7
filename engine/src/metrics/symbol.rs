//! All metrics of one symbol, in one record without pointers.
//!
//! The first cache line is touched by every message of the symbol, and by most of them no other; the
//! tape's figures are touched by prints, the spread's integral when the spread changes. Fields are
//! open to the crate for [`crate::state`], which reads them all; nobody else writes them.

use bytemuck::{Pod, Zeroable};

use crate::event::Kind;
use crate::metrics::quote::SpreadClock;
use crate::metrics::volume::TapeFigures;
use crate::units::{Nanos, Price};

/// Where messages that concern no displayed order are counted, behind the kinds 1 to 5 that do.
const OTHER_KINDS: usize = 5;

const _: () = assert!(Kind::Add as usize == 1 && Kind::Replace as usize == OTHER_KINDS);

/// See the module. All zero is a symbol of which nothing was seen.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct SymbolMetrics {
    /// Messages by the number of their kind less 1, all kinds from 6 on together.
    pub(crate) by_kind: [u64; OTHER_KINDS + 1],
    /// The spread as it stands, in 1e-9 units; 0 while there is none.
    pub(crate) spread_now: i64,
    /// The last trading action, 0 if none was seen; see [`SymbolMetrics::trading_state`].
    pub(crate) state: u8,
    pub(crate) reserved: [u8; 7],
    /// Figures of the prints that count.
    pub tape: TapeFigures,
    /// The time-weighted spread.
    pub(crate) spread: SpreadClock,
    pub(crate) padding: [u64; 2],
}

const _: () = {
    assert!(size_of::<SymbolMetrics>().is_multiple_of(64));
    assert!(core::mem::offset_of!(SymbolMetrics, tape) == 64);
};

impl SymbolMetrics {
    /// A symbol of which nothing was seen.
    pub const EMPTY: SymbolMetrics = SymbolMetrics {
        by_kind: [0; OTHER_KINDS + 1],
        spread_now: 0,
        state: 0,
        reserved: [0; 7],
        tape: TapeFigures::NONE,
        spread: SpreadClock::NONE,
        padding: [0; 2],
    };

    /// Counts a message by the number of its kind.
    #[inline(always)]
    pub fn count(&mut self, kind: u8) {
        self.by_kind[usize::from(kind.wrapping_sub(1)).min(OTHER_KINDS)] += 1;
    }

    /// Takes over the spread of the book as it stands, negative if crossed; if it is another, lets
    /// time pass first.
    #[inline(always)]
    pub fn set_spread(&mut self, time: Nanos, spread: Option<Price>) {
        let spread = spread.map_or(0, |spread| spread.0.max(0));
        if spread != self.spread_now {
            self.spread.pass(time, self.spread_now);
            self.spread_now = spread;
        }
    }

    /// The time-weighted spread up to `until`, the quote unchanged since its last change.
    #[must_use]
    pub fn spread_until(&self, until: Nanos) -> SpreadClock {
        let mut clock = self.spread;
        clock.pass(until, self.spread_now);
        clock
    }

    /// Messages that enter a displayed order, applied or not.
    #[must_use]
    pub fn adds(&self) -> u64 {
        self.by_kind[Kind::Add as usize - 1]
    }

    /// Messages that execute a displayed order, applied or not.
    #[must_use]
    pub fn executions(&self) -> u64 {
        self.by_kind[Kind::Execute as usize - 1]
    }

    /// Messages that cancel a displayed order in part, applied or not.
    #[must_use]
    pub fn cancels(&self) -> u64 {
        self.by_kind[Kind::Cancel as usize - 1]
    }

    /// Messages that delete a displayed order, applied or not.
    #[must_use]
    pub fn deletes(&self) -> u64 {
        self.by_kind[Kind::Delete as usize - 1]
    }

    /// Messages that replace a displayed order, applied or not.
    #[must_use]
    pub fn replaces(&self) -> u64 {
        self.by_kind[Kind::Replace as usize - 1]
    }

    /// Messages of any kind.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// Whether the last trading action was `T`.
    #[inline(always)]
    #[must_use]
    pub fn is_trading(&self) -> bool {
        self.state == b'T'
    }

    /// Notes a trading action.
    pub fn set_trading_state(&mut self, state: u8) {
        self.state = state;
    }

    /// The last trading action seen: `T` trading, `H` halted, `P` paused, `Q` quotation only.
    #[must_use]
    pub fn trading_state(&self) -> Option<u8> {
        (self.state != 0).then_some(self.state)
    }
}
