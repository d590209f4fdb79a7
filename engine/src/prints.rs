//! The tape: every execution of the session by symbol, kept so that a break can be taken out exactly.
//!
//! ```text
//!  symbol ─► Tape ─► block numbers, in order ─► block: 64 prints of 56 bytes + a summary
//! ```
//! Match numbers rise through a day, so a print is found by halving over its symbol's blocks; the few
//! that do not rise stand in a hash table as well. A number names its latest print. A summary holds a
//! block's extremes and how many of its prints count, so taking out a high scans summaries, not
//! prints. Blocks come from one mapping and are never freed before the session ends: about 56 bytes
//! a print (`prints/record.rs` draws it). `prints/pending.rs` is about those that wait for a later mid. Full: the print still counts in the figures, but a break of it will not find it.

pub(crate) mod pending;
pub(crate) mod record;
mod restore;

use bytemuck::{Pod, Zeroable};

use self::record::{BROKEN, Record, UNCOUNTED};
pub use self::record::{Marks, Print, PrintKind};
use crate::book::sparse::SparseTable;
use crate::memory::array_arena::{ArrayArena, ArrayRef};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_read;
use crate::units::{MatchNumber, Nanos, Price, SymbolId};

/// Prints in a block.
const BLOCK: usize = 64;

/// Extremes of the prints of a block that count.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Summary {
    /// The symbol's highest match number before this block.
    highest_before: u64,
    high: i64,
    low: i64,
    /// Least and greatest time of the prints that were kept, broken ones included.
    earliest_ns: i64,
    latest_ns: i64,
    counting: u32,
    /// Whether a print was kept at all.
    any: u32,
}

/// A symbol's share of the tape. All zero is an empty one.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
struct Tape {
    blocks: ArrayRef,
    /// Records in the last block.
    in_last: u32,
    /// Whether any record was kept, so that match number 0 can rise above none.
    any: u32,
    /// No record before this one waits for a later mid; follows from the records.
    pending_from: u32,
    highest_match: u64,
}

/// Open, high, low and last of the prints that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extremes {
    /// Price of the first print.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Price of the last print.
    pub last: Price,
}

/// What a break found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The print, now taken out, and how it had entered the figures.
    Print(Print, Marks),
    /// The match number is known but was no print: nothing changes.
    Uncounted,
    /// The match number is unknown or broken already.
    Unknown,
}

/// See the module.
pub struct Prints {
    tapes: MappedVec<Tape>,
    block_lists: ArrayArena<u32>,
    records: MappedVec<Record>,
    summaries: MappedVec<Summary>,
    /// Match numbers that did not rise, to record index + 1.
    unordered: SparseTable,
}

impl Prints {
    /// An empty tape for `symbols_max` symbols and `prints_max` prints.
    ///
    /// # Errors
    /// If the system refuses the address range.
    pub fn new(symbols_max: usize, prints_max: usize) -> Result<Self, MemoryError> {
        // Record numbers + 1 must fit 32 bits.
        let blocks = prints_max.div_ceil(BLOCK).clamp(1, u32::MAX as usize / BLOCK - 1);
        Ok(Prints {
            tapes: MappedVec::with_capacity(symbols_max, Pages::Base)?,
            block_lists: ArrayArena::with_capacity(blocks.saturating_mul(8), Pages::Base)?,
            records: MappedVec::with_capacity(blocks * BLOCK, Pages::Huge)?,
            summaries: MappedVec::with_capacity(blocks, Pages::Huge)?,
            unordered: SparseTable::new()?,
        })
    }

    /// Puts memory behind the first `prints` prints, so that no page fault meets them.
    pub fn prefault(&mut self, prints: usize) {
        let blocks = prints.div_ceil(BLOCK);
        self.records.prefault(blocks * BLOCK);
        self.summaries.prefault(blocks);
        self.block_lists.prefault(blocks);
    }

    /// Keeps a print that counts. `false` if there is no room for it.
    #[inline]
    #[must_use]
    pub fn keep(&mut self, symbol: SymbolId, print: &Print, marks: &Marks) -> bool {
        self.append(symbol, Record::of(print, marks))
    }

    /// Keeps a match number that is no print: a break of it is no unknown one. A number that named a
    /// print goes on naming it. `false` if full.
    #[inline]
    #[must_use]
    pub fn keep_uncounted(&mut self, symbol: SymbolId, number: MatchNumber) -> bool {
        if self.find(symbol, number.0).is_some() {
            return true;
        }
        self.append(symbol, Record { match_number: number.0, ..Record::zeroed() })
    }

    #[inline]
    fn append(&mut self, symbol: SymbolId, record: Record) -> bool {
        let at = symbol.0 as usize;
        if at >= self.tapes.len() && !self.tapes.grow_to(at + 1) {
            return false;
        }
        let tape = self.tapes[at];
        if (tape.blocks.is_empty() || tape.in_last as usize == BLOCK) && !self.open_block(at) {
            return false;
        }
        let tape = &mut self.tapes[at];
        let Some(&block) = self.block_lists.last(&tape.blocks) else {
            return false;
        };
        let index = block as usize * BLOCK + tape.in_last as usize;
        tape.in_last += 1;
        let rises = tape.any == 0 || record.match_number > tape.highest_match;
        tape.any = 1;
        if rises {
            tape.highest_match = record.match_number;
        }
        self.records[index] = record;
        if record.counts() {
            let summary = &mut self.summaries[block as usize];
            let (first, time_ns) = (summary.any == 0, record.time_ns);
            summary.any = 1;
            summary.earliest_ns = if first { time_ns } else { summary.earliest_ns.min(time_ns) };
            summary.latest_ns = if first { time_ns } else { summary.latest_ns.max(time_ns) };
            let first = summary.counting == 0;
            summary.high = if first { record.price } else { summary.high.max(record.price) };
            summary.low = if first { record.price } else { summary.low.min(record.price) };
            summary.counting += 1;
        }
        rises || self.remember_unordered(symbol, record.match_number, index as u32 + 1)
    }

    #[cold]
    #[inline(never)]
    fn open_block(&mut self, tape: usize) -> bool {
        let block = self.summaries.len();
        let grown = self.summaries.grow_to(block + 1) && self.records.grow_to((block + 1) * BLOCK);
        let blocks = self.tapes[tape].blocks.len();
        let tape = &mut self.tapes[tape];
        if !grown || !self.block_lists.insert(&mut tape.blocks, blocks, block as u32) {
            return false;
        }
        self.summaries[block].highest_before = tape.highest_match;
        tape.in_last = 0;
        true
    }

    #[cold]
    #[inline(never)]
    fn remember_unordered(&mut self, symbol: SymbolId, number: u64, index_plus_one: u32) -> bool {
        if self.unordered.get(symbol.0, number) != 0 {
            self.unordered.remove(symbol.0, number);
        }
        self.unordered.insert(symbol.0, number, index_plus_one)
    }

    /// Takes out the print with a match number of a symbol.
    pub fn break_match(&mut self, symbol: SymbolId, number: MatchNumber) -> Broken {
        let Some(index) = self.find(symbol, number.0) else {
            return Broken::Unknown;
        };
        let record = &mut self.records[index];
        if record.kind == UNCOUNTED {
            return Broken::Uncounted;
        }
        if record.kind & BROKEN != 0 {
            return Broken::Unknown;
        }
        let (print, marks) = (record.print(), record.marks());
        record.kind |= BROKEN;
        self.summarise(index / BLOCK);
        Broken::Print(print, marks)
    }

    fn find(&self, symbol: SymbolId, number: u64) -> Option<usize> {
        let unordered = self.unordered.get(symbol.0, number);
        if unordered != 0 {
            return Some(unordered as usize - 1);
        }
        let tape = self.tapes.get(symbol.0 as usize)?;
        let blocks = self.block_lists.get(&tape.blocks);
        // The block whose rising numbers include this one: the last that began below it. Number 0
        // can only have risen above nothing, in the first block.
        let after = blocks.partition_point(|&b| self.summaries[b as usize].highest_before < number);
        let block = *blocks.get(after.max(1) - 1)?;
        let start = block as usize * BLOCK;
        let used = if after.max(1) == blocks.len() { tape.in_last as usize } else { BLOCK };
        let records = &self.records[start..start + used];
        records.iter().position(|record| record.match_number == number).map(|at| start + at)
    }

    fn summarise(&mut self, block: usize) {
        let mut summary = Summary { counting: 0, ..self.summaries[block] };
        for record in &self.records[block * BLOCK..(block + 1) * BLOCK] {
            if record.counts() {
                let first = summary.counting == 0;
                summary.high = if first { record.price } else { summary.high.max(record.price) };
                summary.low = if first { record.price } else { summary.low.min(record.price) };
                summary.counting += 1;
            }
        }
        self.summaries[block] = summary;
    }

    /// All records of a symbol in the order of their arrival, broken and uncounted ones too: how many
    /// they are, and the records themselves in slices of up to a block.
    pub(crate) fn records(&self, symbol: SymbolId) -> (usize, impl Iterator<Item = &[Record]>) {
        // What else there is follows from the records.
        let Prints { tapes, block_lists, records, summaries: _, unordered: _ } = self;
        let tape = tapes.get(symbol.0 as usize).copied().unwrap_or_default();
        let Tape { blocks, in_last, any: _, pending_from: _, highest_match: _ } = tape;
        let blocks = block_lists.get(&blocks);
        let in_last = in_last as usize;
        let full = blocks.len().saturating_sub(1);
        let slices = blocks.iter().enumerate().map(move |(place, &block)| {
            let start = block as usize * BLOCK;
            let used = if place == full { in_last } else { BLOCK };
            &records[start..start + used]
        });
        (full * BLOCK + in_last, slices)
    }

    /// Hands the prints of a symbol that count and have a time in `[start, end)` to `each`, in the
    /// order of the feed. Looks at all of the symbol's summaries, and at the records of the blocks
    /// that hold such times: for breaks and late prints only.
    pub(crate) fn each_within(
        &self,
        symbol: SymbolId,
        start: Nanos,
        end: Nanos,
        mut each: impl FnMut(&Record),
    ) {
        for &block in self.blocks(symbol) {
            let Summary { earliest_ns, latest_ns, any, .. } = self.summaries[block as usize];
            if any == 0 || latest_ns < start.0 || earliest_ns >= end.0 {
                continue;
            }
            // Behind the last record of the last block are zeros, which count for nothing.
            let records = &self.records[block as usize * BLOCK..(block as usize + 1) * BLOCK];
            let is_within = |time_ns: i64| (start.0..end.0).contains(&time_ns);
            let counting = records.iter().filter(|record| record.counts());
            counting.filter(|record| is_within(record.time_ns)).for_each(&mut each);
        }
    }

    /// Sets the arrival of all records of a symbol to none.
    pub(crate) fn forget_arrivals(&mut self, symbol: SymbolId) {
        for at in 0..self.blocks(symbol).len() {
            let block = self.blocks(symbol)[at] as usize;
            for record in &mut self.records[block * BLOCK..(block + 1) * BLOCK] {
                record.arrival = 0;
            }
        }
    }

    /// Sets the arrival of the record at a place in the order of a symbol's records; `false` if there
    /// is none.
    pub(crate) fn set_arrival(&mut self, symbol: SymbolId, place: u64, arrival: u32) -> bool {
        let (count, place) = (self.records(symbol).0, place as usize);
        let block = self.blocks(symbol).get(place / BLOCK).copied();
        let Some(block) = block.filter(|_| place < count) else {
            return false;
        };
        self.records[block as usize * BLOCK + place % BLOCK].arrival = arrival;
        true
    }

    /// Fetches where a symbol's list of blocks begins.
    pub(crate) fn prefetch_list(&self, symbol: SymbolId) {
        prefetch_read(self.blocks(symbol), 0);
    }

    /// Fetches the first records of a symbol, up to two blocks; further ones lie in rows that the
    /// processor foresees.
    pub(crate) fn prefetch_records(&self, symbol: SymbolId) {
        const LINE_BYTES: usize = 64;
        for &block in self.blocks(symbol).iter().take(2) {
            let start = block as usize * BLOCK;
            let records: &[u8] = bytemuck::cast_slice(&self.records[start..start + BLOCK]);
            for line in (0..records.len()).step_by(LINE_BYTES) {
                prefetch_read(records, line);
            }
        }
    }

    fn blocks(&self, symbol: SymbolId) -> &[u32] {
        let tape = self.tapes.get(symbol.0 as usize);
        tape.map_or(&[], |tape| self.block_lists.get(&tape.blocks))
    }

    /// Open, high, low and last of a symbol's prints that count; `None` without any. Scans the
    /// symbol's summaries: for breaks only.
    #[must_use]
    pub fn extremes(&self, symbol: SymbolId) -> Option<Extremes> {
        let tape = self.tapes.get(symbol.0 as usize)?;
        let blocks = self.block_lists.get(&tape.blocks);
        let counting = |&&b: &&u32| self.summaries[b as usize].counting > 0;
        let records = |b: u32| &self.records[b as usize * BLOCK..(b as usize + 1) * BLOCK];
        let first = *blocks.iter().find(counting)?;
        let last = *blocks.iter().rev().find(counting)?;
        let open = records(first).iter().find(|record| record.counts())?.price;
        let close = records(last).iter().rev().find(|record| record.counts())?.price;
        let (mut high, mut low) = (i64::MIN, i64::MAX);
        for &block in blocks.iter().filter(counting) {
            high = high.max(self.summaries[block as usize].high);
            low = low.min(self.summaries[block as usize].low);
        }
        Some(Extremes { open: Price(open), high: Price(high), low: Price(low), last: Price(close) })
    }
}

#[cfg(test)]
mod tests;
