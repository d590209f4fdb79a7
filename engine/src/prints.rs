//! The tape: every execution of the session by symbol, kept so that a break can be taken out exactly.
//!
//! ```text
//!  symbol ─► Tape ─► block numbers, in order ─► block: 64 prints of 40 bytes + a summary
//!  print   0       8       16     24        32     33     34     40
//!          ├ match ┼ price ┼ qty  ┼ time_ns ┼ kind ┼ side ┼ – ───┤
//!            u64     i64     u64    i64       u8     u8
//! ```
//! Match numbers rise through a day, so a print is found by halving over its symbol's blocks; the few
//! that do not rise stand in a hash table as well. A number names its latest print. A summary holds a
//! block's extremes and how many of its prints count, so taking out a high scans summaries, not
//! prints. Blocks come from one mapping and are never freed before the session ends: about 40 bytes
//! a print. Full: the print still counts in the figures, but a break of it will not find it.

use bytemuck::{Pod, Zeroable};

use crate::book::sparse::SparseTable;
use crate::memory::array_arena::{ArrayArena, ArrayRef};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::memory::prefetch::prefetch_read;
use crate::units::{MatchNumber, Nanos, Price, Qty, Side, SymbolId};

/// Prints in a block.
const BLOCK: usize = 64;

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

/// `Record::kind` of a match number that is known but counts for nothing.
const UNCOUNTED: u8 = 0;
/// Bit of `Record::kind` of a broken print.
const BROKEN: u8 = 0x80;

/// What the tape keeps of an execution. Layout: see the module.
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
    /// A number of [`PrintKind`], with [`BROKEN`] if it was broken; [`UNCOUNTED`] for no print.
    pub(crate) kind: u8,
    /// The aggressor's side as a byte, 0 where the feed does not tell.
    pub(crate) side: u8,
    pub(crate) reserved: [u8; 6],
}

const _: () = assert!(size_of::<Record>() == 40);

impl Record {
    fn counts(&self) -> bool {
        self.kind != UNCOUNTED && self.kind & BROKEN == 0
    }

    fn print(&self) -> Print {
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

/// Extremes of the prints of a block that count.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Summary {
    /// The symbol's highest match number before this block.
    highest_before: u64,
    high: i64,
    low: i64,
    counting: u32,
    reserved: u32,
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
    reserved: u32,
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
    /// The print, now taken out.
    Print(Print),
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

    /// Keeps a print that counts. `false` if there is no room for it.
    #[inline]
    #[must_use]
    pub fn keep(&mut self, symbol: SymbolId, print: &Print) -> bool {
        let record = Record {
            match_number: print.match_number.0,
            price: print.price.0,
            qty: print.qty.0,
            time_ns: print.time.0,
            kind: print.kind as u8,
            side: print.aggressor.map_or(0, Side::byte),
            reserved: [0; 6],
        };
        self.append(symbol, record)
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
        let print = record.print();
        record.kind |= BROKEN;
        self.summarise(index / BLOCK);
        Broken::Print(print)
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
        let mut summary =
            Summary { highest_before: self.summaries[block].highest_before, ..Summary::zeroed() };
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
        let Tape { blocks, in_last, any: _, reserved: _, highest_match: _ } = tape;
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
mod tests {
    use super::*;

    const SYMBOL: SymbolId = SymbolId(3);

    fn print(number: u64, price: i64) -> Print {
        Print {
            match_number: MatchNumber(number),
            price: Price(price),
            qty: Qty(10),
            time: Nanos(number as i64),
            kind: PrintKind::Executed,
            aggressor: Some(Side::Buy),
        }
    }

    fn tape() -> Prints {
        Prints::new(16, 1 << 20).unwrap()
    }

    #[test]
    fn breaking_the_high_brings_back_the_next_highest_across_blocks() {
        let mut prints = tape();
        for number in 0..1_000 {
            assert!(prints.keep(SYMBOL, &print(number, 1_000 + (number as i64 * 37) % 500)));
        }
        let mut left: Vec<u64> = (0..1_000).collect();
        while left.len() > 1 {
            let prices = |n: &u64| 1_000 + (*n as i64 * 37) % 500;
            let extremes = prints.extremes(SYMBOL).unwrap();
            assert_eq!(extremes.high.0, left.iter().map(prices).max().unwrap());
            assert_eq!(extremes.low.0, left.iter().map(prices).min().unwrap());
            assert_eq!(extremes.open.0, prices(&left[0]));
            assert_eq!(extremes.last.0, prices(left.last().unwrap()));
            let number = left.remove((left.len() * 7) / 11);
            assert_eq!(
                prints.break_match(SYMBOL, MatchNumber(number)),
                Broken::Print(print(number, prices(&number)))
            );
            assert_eq!(prints.break_match(SYMBOL, MatchNumber(number)), Broken::Unknown);
        }
        assert!(matches!(prints.break_match(SYMBOL, MatchNumber(left[0])), Broken::Print(_)));
        assert_eq!(prints.extremes(SYMBOL), None);
    }

    #[test]
    fn match_numbers_in_any_order_are_found() {
        let mut prints = tape();
        let numbers: Vec<u64> =
            (0..2_000u64).map(|i| (i * 7_919) % 2_003).chain([u64::MAX, 1 << 40]).collect();
        for &number in &numbers {
            assert!(prints.keep(SYMBOL, &print(number, number as i64 & 0xFFFF)));
        }
        for &number in &numbers {
            assert!(matches!(prints.break_match(SYMBOL, MatchNumber(number)), Broken::Print(_)));
        }
        assert_eq!(prints.break_match(SYMBOL, MatchNumber(2_500)), Broken::Unknown);
        assert_eq!(prints.break_match(SymbolId(4), MatchNumber(5)), Broken::Unknown);
    }

    #[test]
    fn a_repeated_match_number_names_its_latest_print() {
        let mut prints = tape();
        for price in [1, 2] {
            assert!(prints.keep(SYMBOL, &print(9, price)));
        }
        let Broken::Print(broken) = prints.break_match(SYMBOL, MatchNumber(9)) else { panic!() };
        assert_eq!(broken.price, Price(2));
        assert_eq!(prints.break_match(SYMBOL, MatchNumber(9)), Broken::Unknown);
    }

    #[test]
    fn an_uncounted_match_is_known_but_breaks_nothing() {
        let mut prints = tape();
        assert!(prints.keep_uncounted(SYMBOL, MatchNumber(1)));
        assert_eq!(prints.break_match(SYMBOL, MatchNumber(1)), Broken::Uncounted);
        assert_eq!(prints.break_match(SYMBOL, MatchNumber(1)), Broken::Uncounted);
        assert_eq!(prints.extremes(SYMBOL), None);
    }

    #[test]
    fn a_full_tape_refuses_without_harm() {
        let mut prints = Prints::new(16, BLOCK).unwrap();
        for number in 0..BLOCK as u64 {
            assert!(prints.keep(SYMBOL, &print(number, 5)));
        }
        assert!(!prints.keep(SYMBOL, &print(1_000, 5)));
        assert_eq!(prints.break_match(SYMBOL, MatchNumber(1_000)), Broken::Unknown);
    }
}
