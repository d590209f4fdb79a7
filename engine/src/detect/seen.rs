//! What a detector is shown of a message, a second or a moment.

use core::cell::Cell;

use crate::book::BookView;
use crate::book::applied::Resting;
use crate::detect::activity::Activity;
use crate::detect::phase::Phase;
use crate::detect::profile::Profile;
use crate::detect::raised::Since;
use crate::detect::touch::Touch;
use crate::event::Event;
use crate::metrics::SymbolMetrics;
use crate::prints::Print;
use crate::units::{Nanos, Sequence, Side, SymbolId};

/// See the module. Everything is as the message has left it, unless it says before.
pub struct Seen<'a> {
    /// Whose.
    pub symbol: SymbolId,
    /// The symbol's time: the message's, or that of the latest one before it if that is later. When the
    /// detector is woken, the line of feed time that passes.
    pub time: Nanos,
    /// The message; when woken, that with which time passes.
    pub sequence: Sequence,
    /// The message; when woken, of no meaning.
    pub event: &'a Event,
    /// What became of the resting order that the message took from.
    pub resting: Option<&'a Resting>,
    /// The print that counts, if the message was one.
    pub print: Option<&'a Print>,
    /// The best bid and offer before the message.
    pub before: Touch,
    /// The best bid and offer.
    pub touch: Touch,
    /// Where the session stands.
    pub phase: Phase,
    /// Where it stood before the message, which may be a trading action.
    pub phase_before: Phase,
    /// Messages of the last second.
    pub activity: &'a Activity,
    /// What is usual.
    pub profile: &'a Profile,
    /// The metrics.
    pub metrics: &'a SymbolMetrics,
    /// The book.
    pub book: BookView<'a>,
    pub(crate) wake_ns: Cell<i64>,
}

impl Seen<'_> {
    /// Asks to be woken once feed time has come to `time`, at the next line of 100 ms; by the symbol's
    /// earliest wish, so who is woken looks whether it is its own time.
    #[inline]
    pub fn wake_at(&self, time: Nanos) {
        let wished = self.wake_ns.get();
        if wished == 0 || time.0 < wished {
            self.wake_ns.set(time.0);
        }
    }

    /// This message.
    #[inline]
    #[must_use]
    pub fn here(&self) -> Since {
        Since { time: self.time, sequence: self.sequence }
    }

    /// Where evidence begins of what began so long ago.
    #[must_use]
    pub fn since(&self, ago_ns: i64) -> Since {
        self.profile.since(Nanos(self.time.0.saturating_sub(ago_ns)))
    }

    /// Shares at the best five levels of a side: 0 bids, 1 asks.
    #[must_use]
    pub fn depth(&self, side: usize) -> u64 {
        depth(&self.book, if side == 0 { Side::Buy } else { Side::Sell })
    }
}

/// Shares at the best five levels of a side.
pub(crate) fn depth(book: &BookView<'_>, side: Side) -> u64 {
    book.levels(side).take(5).map(|level| level.qty.0).sum()
}

/// A second of a symbol that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Second {
    /// Its end, a line of feed time.
    pub end: Nanos,
    /// Seconds without a message since the one before, a day at most.
    pub idle: u32,
    /// Messages by [`lane`](crate::detect::activity::lane).
    pub counts: [u32; 4],
    /// Prints that are no cross.
    pub prints: u32,
    /// Shares of them by an aggressor that bought, that sold, and in all.
    pub buys: u64,
    /// See there.
    pub sells: u64,
    /// See there.
    pub volume: u64,
    /// Shares printed within the ten seconds up to its end.
    pub volume_10s: u64,
    /// Order-flow imbalance.
    pub order_flow: i64,
    /// The mid at its end over the mid at the end of the one before, less 1; 0 without one of them.
    pub mid_return: f64,
    /// The best bid and offer at its end.
    pub touch: Touch,
    /// Shares at the best five levels of bids and asks at its end.
    pub depth: [u64; 2],
}
