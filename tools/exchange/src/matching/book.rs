//! One security at the exchange: what rests, what waits for a cross, and whether it trades.

use engine::units::Side;

use super::bands::Bands;
use super::cross::AuctionOrder;
use super::ladder::Ladder;
use super::orders::OrderId;
use super::tape::{Printed, Tape};
use super::whole_ticks;

/// Whether orders match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradingState {
    /// They do.
    Trading,
    /// Halted: orders rest and may cross.
    Halted,
    /// Paused by the limit-up limit-down plan: as halted.
    Paused,
    /// Quoted only, before a cross reopens it: as halted.
    Quoting,
}

impl TradingState {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            TradingState::Trading => b'T',
            TradingState::Halted => b'H',
            TradingState::Paused => b'P',
            TradingState::Quoting => b'Q',
        }
    }
}

/// A displayed order that would trade a tick better than it shows: one that was not to take and was
/// slid away from the price it was sent at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slid {
    pub(super) id: OrderId,
    pub(super) price: u32,
    pub(super) is_ask: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Book {
    /// Bids, asks.
    pub(super) displayed: [Ladder; 2],
    pub(super) hidden: [Ladder; 2],
    pub(super) slid: Vec<Slid>,
    pub(super) auction: Vec<AuctionOrder>,
    pub(super) state: TradingState,
    pub(super) bands: Bands,
    /// The bands hold.
    pub(super) has_bands: bool,
    pub(super) tick_e4: u32,
    pub(super) tape: Tape,
    pub(super) last_print: Option<Printed>,
}

impl Book {
    pub(super) fn new(close_e4: u32, tier: u8, tick_e4: u32) -> Book {
        let side = |is_ask| Ladder::new(is_ask);
        Book {
            displayed: [side(false), side(true)],
            hidden: [side(false), side(true)],
            slid: Vec::new(),
            auction: Vec::new(),
            state: TradingState::Trading,
            bands: Bands::new(close_e4, tier, tick_e4),
            has_bands: false,
            tick_e4,
            tape: Tape::default(),
            last_print: None,
        }
    }

    pub(super) fn ladder(&mut self, is_ask: bool, is_hidden: bool) -> &mut Ladder {
        let ladders = if is_hidden { &mut self.hidden } else { &mut self.displayed };
        &mut ladders[usize::from(is_ask)]
    }

    pub(super) fn best(&self, side: Side) -> Option<u32> {
        self.displayed[usize::from(side == Side::Sell)].best_price()
    }

    /// The middle of bid and ask on the grid, else the one there is, else what the bands lie around.
    pub(super) fn reference_e4(&self) -> u32 {
        let middle = match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid.midpoint(ask),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self.bands.reference_e4(),
        };
        let tick = u64::from(self.tick_e4);
        (whole_ticks(u64::from(middle), tick).max(1) * tick) as u32
    }
}
