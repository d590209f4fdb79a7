//! Windows that did not go the usual way: a print came after their end, or one of theirs was broken
//! after it.
//!
//! For all others nothing is kept once they have ended: what a window held can be computed anew from
//! the tape. Of these it is kept how often they were put out, so that revisions go on, and what
//! happened to them. Entries stay for the session. Full: a window that would need one is not
//! corrected, and that is counted.
//!
//! ```text
//!  0        4      8       16        20     24        28          32     36  40
//!  ├ symbol ┼ size ┼ start ┼ outputs ┼ late ┼ dropped ┼ corrected ┼ next ┼ – ┤
//!    u32      u32    i64     u32       u32    u32       u32         u32
//! ```
//! `size` is a place among the sizes, ascending; `next` is the symbol's entry before this one + 1.

use bytemuck::{Pod, Zeroable};

use crate::book::sparse::SparseTable;
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::units::SymbolId;

/// `outputs` where it was not needed yet: it follows from what the window holds.
const UNKNOWN: u32 = u32::MAX;

/// `symbol` of an entry that counts no more: the market, which has no windows.
const FORGOTTEN: u32 = 0;

/// Entries at most: 2^26 would be 2.5 GiB.
const ENTRIES_MAX: usize = 1 << 26;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Amendment {
    pub(crate) symbol: u32,
    pub(crate) size: u32,
    pub(crate) start_ns: i64,
    outputs: u32,
    /// Prints that came after the end and were taken in.
    pub(crate) late: u32,
    /// Prints that came too late and were left out.
    pub(crate) dropped: u32,
    /// Breaks of its prints after its end.
    pub(crate) corrected: u32,
    next: u32,
    reserved: u32,
}

const _: () = assert!(size_of::<Amendment>() == 40);

impl Amendment {
    /// The number of outputs so far, where it is known.
    pub(crate) fn outputs(&self) -> Option<u32> {
        (self.outputs != UNKNOWN).then_some(self.outputs)
    }

    /// Counts an output, and tells its revision. `before` is how many there were if none was counted
    /// here.
    pub(crate) fn put_out(&mut self, before: u32) -> u32 {
        let revision = self.outputs().unwrap_or(before);
        self.outputs = revision.saturating_add(1).min(UNKNOWN - 1);
        revision
    }
}

/// See the module.
pub(super) struct Amended {
    entries: MappedVec<Amendment>,
    /// By size and start, to entry + 1.
    places: Vec<SparseTable>,
    /// By symbol: its latest entry + 1.
    latest: MappedVec<u32>,
}

impl Amended {
    pub(super) fn new(sizes: usize, symbols_max: usize) -> Result<Amended, MemoryError> {
        Ok(Amended {
            entries: MappedVec::with_capacity(ENTRIES_MAX, Pages::Base)?,
            places: (0..sizes).map(|_| SparseTable::new()).collect::<Result<_, _>>()?,
            latest: MappedVec::with_capacity(symbols_max, Pages::Base)?,
        })
    }

    /// The entry of a window, made where there is none; `None` if full.
    pub(super) fn entry(
        &mut self,
        symbol: SymbolId,
        size: usize,
        start_ns: i64,
    ) -> Option<&mut Amendment> {
        let found = self.places[size].get(symbol.0, start_ns as u64);
        let at = match found {
            0 => self.insert(symbol, size, start_ns, UNKNOWN)?,
            found => found as usize - 1,
        };
        self.entries.get_mut(at)
    }

    fn insert(
        &mut self,
        symbol: SymbolId,
        size: usize,
        start_ns: i64,
        outputs: u32,
    ) -> Option<usize> {
        let (at, place) = (self.entries.len(), symbol.0 as usize);
        if !self.latest.grow_to(place + 1) {
            return None;
        }
        let entry = Amendment {
            symbol: symbol.0,
            size: size as u32,
            start_ns,
            outputs,
            late: 0,
            dropped: 0,
            corrected: 0,
            next: self.latest[place],
            reserved: 0,
        };
        self.entries.push(entry)?;
        if !self.places[size].insert(symbol.0, start_ns as u64, at as u32 + 1) {
            return None;
        }
        self.latest[place] = at as u32 + 1;
        Some(at)
    }

    /// All, in the order in which they came about.
    pub(super) fn all(&self) -> impl Iterator<Item = &Amendment> {
        self.entries.iter().filter(|entry| entry.symbol != FORGOTTEN)
    }

    /// Forgets those of a symbol. Their room is lost.
    pub(super) fn forget(&mut self, symbol: SymbolId) {
        let mut next = self.latest.get(symbol.0 as usize).copied().unwrap_or(0);
        while let Some(entry) = next.checked_sub(1).and_then(|at| self.entries.get_mut(at as usize))
        {
            next = entry.next;
            entry.symbol = FORGOTTEN;
            self.places[entry.size as usize].remove(symbol.0, entry.start_ns as u64);
        }
        if let Some(latest) = self.latest.get_mut(symbol.0 as usize) {
            *latest = 0;
        }
    }

    /// Those of a symbol, the latest first.
    pub(super) fn of(&self, symbol: SymbolId) -> impl Iterator<Item = &Amendment> {
        let entry = |at: u32| at.checked_sub(1).and_then(|at| self.entries.get(at as usize));
        let latest = self.latest.get(symbol.0 as usize).copied().unwrap_or(0);
        std::iter::successors(entry(latest), move |amendment| entry(amendment.next))
    }

    /// Adds what a snapshot holds of a window; `false` if full, or if the window has an entry.
    pub(super) fn restore(&mut self, restored: &Restored) -> bool {
        let Restored { symbol, size, start_ns, outputs, late, dropped, corrected } = *restored;
        let outputs = outputs.unwrap_or(UNKNOWN);
        if self.places[size].get(symbol.0, start_ns as u64) != 0 {
            return false;
        }
        let Some(at) = self.insert(symbol, size, start_ns, outputs) else {
            return false;
        };
        let entry = &mut self.entries[at];
        (entry.late, entry.dropped, entry.corrected) = (late, dropped, corrected);
        true
    }
}

/// What a snapshot holds of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Restored {
    pub(super) symbol: SymbolId,
    pub(super) size: usize,
    pub(super) start_ns: i64,
    pub(super) outputs: Option<u32>,
    pub(super) late: u32,
    pub(super) dropped: u32,
    pub(super) corrected: u32,
}
