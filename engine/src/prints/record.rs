//! What the tape keeps of one execution.
//!
//! ```text
//!  0       8       16    24        32       40      48     49     50        51        52        56
//!  ├ match ┼ price ┼ qty ┼ time_ns ┼ before ┼ after ┼ kind ┼ side ┼ odd_lot ┼ settled ┼ arrival ┤
//!    u64     i64     u64   i64       u64      u64     u8     u8     u8        u8        u32
//! ```
//! `before` and `after` are twice the mids by which the print is scored (see
//! [`crate::metrics::spread`]), 0 for none. `after` means something only once `settled` is 1.
//! `arrival` is 0, or says when a print came that was too late for a window of its time (see
//! [`crate::window::bars`]).

use bytemuck::{Pod, Zeroable};

use crate::metrics::mid::DoubledMid;
use crate::units::{MatchNumber, Nanos, Price, Qty, Side};

/// What kind of message printed. The values are ITCH's message types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PrintKind {
    /// A resting order was executed at its own price.
    Executed = b'E',
    /// A resting order was executed at another price.
    ExecutedWithPrice = b'C',
    /// A hidden order was executed.
    Hidden = b'P',
    /// A cross.
    Cross = b'Q',
}

/// An execution that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// Its match number.
    pub match_number: MatchNumber,
    /// Its price.
    pub price: Price,
    /// Its shares.
    pub qty: Qty,
    /// When it happened (exchange time).
    pub time: Nanos,
    /// What printed.
    pub kind: PrintKind,
    /// The aggressor's side, where the feed tells.
    pub aggressor: Option<Side>,
}

/// How a print entered the figures that a break must take it out of again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The mid before the print; none where it is not scored.
    pub before: DoubledMid,
    /// The mid five seconds later, once settled; none where there was none.
    pub after: Option<DoubledMid>,
    /// Whether it counts as an odd lot.
    pub odd_lot: bool,
    /// What the bars keep of its arrival; 0 where it was late for no window.
    pub arrival: u32,
}

/// `Record::kind` of a match number that is known but counts for nothing.
pub(super) const UNCOUNTED: u8 = 0;
/// Bit of `Record::kind` of a broken print.
pub(super) const BROKEN: u8 = 0x80;

/// See the module.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Record {
    /// Its match number.
    pub(crate) match_number: u64,
    /// Its price in 1e-9 units.
    pub(crate) price: i64,
    /// Its shares.
    pub(crate) qty: u64,
    /// Exchange time, UTC epoch ns.
    pub(crate) time_ns: i64,
    /// Twice the mid before it, 0 where it is not scored.
    pub(crate) before: u64,
    /// Twice the mid five seconds later, 0 where there was none.
    pub(crate) after: u64,
    /// A number of [`PrintKind`], with [`BROKEN`] if it was broken; [`UNCOUNTED`] for no print.
    pub(crate) kind: u8,
    /// The aggressor's side as a byte, 0 where the feed does not tell.
    pub(crate) side: u8,
    /// 1 if it counts as an odd lot.
    pub(crate) odd_lot: u8,
    /// 1 once the mid five seconds later is known.
    pub(crate) settled: u8,
    /// A place + 1 among the arrivals that the bars keep; 0 where it was late for no window.
    pub(crate) arrival: u32,
}

const _: () = assert!(size_of::<Record>() == 56);

impl Record {
    pub(super) fn of(print: &Print, marks: &Marks) -> Record {
        Record {
            match_number: print.match_number.0,
            price: print.price.0,
            qty: print.qty.0,
            time_ns: print.time.0,
            before: marks.before.0,
            after: marks.after.map_or(0, |after| after.0),
            kind: print.kind as u8,
            side: print.aggressor.map_or(0, Side::byte),
            odd_lot: u8::from(marks.odd_lot),
            settled: u8::from(marks.after.is_some()),
            arrival: marks.arrival,
        }
    }

    /// Whether a tape can hold this record.
    pub(crate) fn can_be(&self) -> bool {
        if self.kind == UNCOUNTED {
            let number = Record { match_number: self.match_number, ..Record::zeroed() };
            return bytemuck::bytes_of(self) == bytemuck::bytes_of(&number);
        }
        let is_scored = self.before != 0;
        matches!(self.kind & !BROKEN, b'E' | b'C' | b'P' | b'Q')
            && (self.side == 0 || Side::from_byte(self.side).is_some())
            && self.odd_lot <= 1
            && self.settled <= u8::from(is_scored)
            && (self.after == 0 || self.settled == 1)
            && (is_scored <= (self.side != 0 && self.kind & !BROKEN != b'Q'))
    }

    pub(crate) fn counts(&self) -> bool {
        self.kind != UNCOUNTED && self.kind & BROKEN == 0
    }

    /// Whether the mid after it is still to come.
    pub(super) fn is_pending(&self) -> bool {
        self.before != 0 && self.settled == 0 && self.counts()
    }

    pub(super) fn marks(&self) -> Marks {
        Marks {
            before: DoubledMid(self.before),
            after: (self.settled != 0).then_some(DoubledMid(self.after)),
            odd_lot: self.odd_lot != 0,
            arrival: self.arrival,
        }
    }

    pub(super) fn print(&self) -> Print {
        Print {
            match_number: MatchNumber(self.match_number),
            price: Price(self.price),
            qty: Qty(self.qty),
            time: Nanos(self.time_ns),
            kind: match self.kind & !BROKEN {
                b'C' => PrintKind::ExecutedWithPrice,
                b'P' => PrintKind::Hidden,
                b'Q' => PrintKind::Cross,
                _ => PrintKind::Executed,
            },
            aggressor: Side::from_byte(self.side),
        }
    }
}
