//! All metrics of one symbol, in one record without pointers.
//!
//! The first cache line is touched by every message of the symbol; the tape's figures by prints;
//! the spread's by changes of the best bid or offer.

use bytemuck::{Pod, Zeroable};

use crate::metrics::quote::SpreadClock;
use crate::metrics::volume::TapeFigures;

/// See the module. All zero is a symbol of which nothing was seen.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct SymbolMetrics {
    /// Messages of the symbol that enter a displayed order, applied or not.
    pub adds: u64,
    /// Messages that execute a displayed order.
    pub executions: u64,
    /// Messages that cancel a displayed order in part.
    pub cancels: u64,
    /// Messages that delete a displayed order.
    pub deletes: u64,
    /// Messages that replace a displayed order.
    pub replaces: u64,
    /// Messages of any kind.
    pub messages: u64,
    /// The last trading action, 0 if none was seen; see [`SymbolMetrics::trading_state`].
    pub(crate) state: u8,
    pub(crate) reserved: [u8; 15],
    /// Figures of the prints that count.
    pub tape: TapeFigures,
    /// The time-weighted spread.
    pub spread: SpreadClock,
    pub(crate) padding: [u64; 2],
}

const _: () = {
    assert!(size_of::<SymbolMetrics>().is_multiple_of(64));
    assert!(core::mem::offset_of!(SymbolMetrics, tape) == 64);
};

impl SymbolMetrics {
    /// A symbol of which nothing was seen.
    pub const EMPTY: SymbolMetrics = SymbolMetrics {
        adds: 0,
        executions: 0,
        cancels: 0,
        deletes: 0,
        replaces: 0,
        messages: 0,
        state: 0,
        reserved: [0; 15],
        tape: TapeFigures::NONE,
        spread: SpreadClock::NONE,
        padding: [0; 2],
    };

    /// The last trading action seen: `T` trading, `H` halted, `P` paused, `Q` quotation only.
    #[must_use]
    pub fn trading_state(&self) -> Option<u8> {
        (self.state != 0).then_some(self.state)
    }
}
