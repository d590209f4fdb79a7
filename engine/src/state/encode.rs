//! The walk: every field of a symbol's state once, in an order that only the state decides.
//!
//! All numbers are little-endian; a count stands before each list, so the bytes can be read back. A
//! symbol's part of a section:
//!
//! ```text
//!  books      side, side                                      bids, asks
//!  side       levels u32 │ level …                            best price first
//!  level      price i64 │ qty u64 │ orders u32 │ order …      first in time first
//!  order      reference u64 │ qty u32 │ filled u32 │ time_ns i64
//!
//!  metrics    messages by kind 6 × u64 │ quote changes u64 │ trading state u8 │ crossing u8 │ clock
//!             │ deadlines │ variance │ lives │ tape │ spread │ flow │ lots │ effective │ realised
//!             │ impact │ auction │ vpin │ quality 9 × u64 │ records u64 │ record …   in the order of arrival
//!  clock      bid, ask 2 × (key u64 │ qty u64) │ order flow i64 │ now, deadline, before 3 × u64
//!  deadlines  sample, bar, print 3 × i64
//!  variance   last u64 │ last move, squares, products 3 × f64 │ returns, pairs 2 × u32
//!  lives      shares off by kind 4 × u64 │ lifetimes, first fills: sums 2 × u128, buckets 2 × 64 × u32
//!  tape       last, open, high, low 4 × i64 │ trades u64 │ volume u128 │ notional i128
//!             │ hidden, cross, broken volume 3 × u128
//!  spread     integral i128 │ quoted_ns u64 │ now_ns i64 │ started u64
//!  flow       buys, sells 2 × u128
//!  lots       round lot, prints, odd 3 × u64
//!  effective, realised       paid, value 2 × i128 │ shares u128
//!  impact     signed, value 2 × i128 │ aggressive, start, Kyle's bars 3 × u64
//!             │ means, variance, covariance 4 × f64 │ Amihud's bars u64, sum f64
//!  auction    paired, imbalance 2 × u64 │ time_ns i64 │ far, near, reference 3 × u32
//!             │ side, cross, variation, told 4 × u8 │ open, close, halt 3 × (price i64 │ qty u64)
//!  vpin       doublings, full 2 × u32 │ shares in the open bucket u64 │ B − S there i64
//!             │ of the full ones, then 0: 100 × i64
//!  record     match u64 │ price i64 │ qty u64 │ time_ns i64 │ before, after 2 × u64
//!             │ kind u8 │ side u8 │ odd lot u8 │ settled u8
//!
//!  windows    drawn in `window/bars/stored.rs`; nothing without bars
//!  detectors  drawn in `detect/stored.rs`; nothing without detectors
//! ```
//! and what concerns no symbol, in the metrics section under symbol 0:
//!
//! ```text
//!  market     session phase u8 │ feed time i64 │ quality 9 × u64
//! ```
//! A session phase is the code of the system event that began it, 0 before the first. The order of
//! quality counts is that of [`Quality`]'s fields. Links, handles, sums over what is here anyway and
//! reserved bytes are left out, each by name: structs are taken apart without `..`, so a new field
//! does not compile until someone has decided on it. A change of these bytes raises the section's
//! [`state_version`](crate::state::Section::state_version).

mod metrics;

use crate::book::BookView;
use crate::book::levels::{Ladder, Level, LevelStore, Rung};
use crate::book::orders::{Order, OrderPool};
use crate::metrics::SymbolMetrics;
use crate::prints::Prints;
use crate::prints::record::Record;
use crate::quality::Quality;
use crate::shard::{SessionPhase, Shard, ShardParts};
use crate::state::section::Section;
use crate::units::{Nanos, SymbolId};

/// Takes the bytes of a walk.
pub trait Sink {
    /// Takes bytes as they are.
    fn bytes(&mut self, bytes: &[u8]);

    /// Takes a number of one byte.
    #[inline(always)]
    fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    /// Takes a number of four bytes.
    #[inline(always)]
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Takes a number of eight bytes.
    #[inline(always)]
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Takes a signed number of eight bytes.
    #[inline(always)]
    fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Takes a number of sixteen bytes.
    #[inline(always)]
    fn u128(&mut self, value: u128) {
        self.bytes(&value.to_le_bytes());
    }

    /// Takes a signed number of sixteen bytes.
    #[inline(always)]
    fn i128(&mut self, value: i128) {
        self.bytes(&value.to_le_bytes());
    }
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A symbol's part of a section; of one never seen, that of an empty one.
#[inline]
pub fn symbol<S: Sink>(section: Section, shard: &Shard, symbol: SymbolId, sink: &mut S) {
    let ShardParts { books, prints, metrics: all, qualities, phase: _, bars, detectors } =
        shard.parts();
    let at = symbol.0 as usize;
    match section {
        Section::Books => book(books.book(symbol), sink),
        Section::Metrics => {
            metrics::metrics(all.get(at).unwrap_or(&SymbolMetrics::EMPTY), sink);
            quality(&qualities.get(at).copied().unwrap_or_default(), sink);
            tape(prints, symbol, sink);
        }
        Section::Windows => bars.encode(symbol, prints, sink),
        Section::Detectors => detectors.encode(symbol, sink),
    }
}

/// A symbol's figures, which stand before its quality counts and its tape.
#[cfg(test)]
pub(super) fn figures_of<S: Sink>(figures: &SymbolMetrics, sink: &mut S) {
    metrics::metrics(figures, sink);
}

/// What concerns no symbol. `feed_time` is the sequencer's, as messages alone have moved it.
pub fn market<S: Sink>(shard: &Shard, feed_time: Nanos, sink: &mut S) {
    let ShardParts { qualities, phase, .. } = shard.parts();
    sink.u8(match phase {
        SessionPhase::Unknown => 0,
        SessionPhase::StartOfMessages => b'O',
        SessionPhase::SystemHours => b'S',
        SessionPhase::MarketHours => b'Q',
        SessionPhase::AfterMarketHours => b'M',
        SessionPhase::AfterSystemHours => b'E',
        SessionPhase::EndOfMessages => b'C',
    });
    sink.i64(feed_time.0);
    quality(&qualities.first().copied().unwrap_or_default(), sink);
}

/// A symbol's part of the books section.
pub fn book<S: Sink>(book: BookView<'_>, sink: &mut S) {
    let Some((ladders, levels, orders)) = book.parts() else {
        sink.u32(0);
        sink.u32(0);
        return;
    };
    for ladder in ladders {
        side(ladder, levels, orders, sink);
    }
}

#[inline]
fn side<S: Sink>(ladder: &Ladder, levels: &LevelStore, orders: &OrderPool, sink: &mut S) {
    // The best level's figures are a copy, its handle a place in memory.
    let Ladder { rungs: _, best_level: _, best_price: _, best_qty: _ } = *ladder;
    let rungs = levels.rungs(ladder);
    sink.u32(rungs.len() as u32);
    for rung in rungs.iter().rev() {
        // The key is the price again.
        let Rung { key: _, level: handle, reserved: _ } = *rung;
        level(levels.get(handle), orders, sink);
    }
}

#[inline(always)]
fn level<S: Sink>(level: &Level, orders: &OrderPool, sink: &mut S) {
    let (mut handle, count) = totals(level, sink);
    // By count, not up to a handle that names nothing: where the queue ends is then known before its
    // last order has come out of memory, and the next queue can be on its way.
    for _ in 0..count {
        handle = order(orders.get(handle), sink);
    }
}

/// Returns the handle of the level's first order, and how many there are.
#[inline(always)]
fn totals<S: Sink>(level: &Level, sink: &mut S) -> (u32, u32) {
    // The owner is the symbol and side under which the level is met.
    let Level { price, qty, head, tail: _, orders, owner: _ } = *level;
    let fields = [&price.to_le_bytes()[..], &qty.to_le_bytes(), &orders.to_le_bytes()];
    sink.bytes(&row::<20>(&fields));
    (head, orders)
}

/// Returns the handle of the order behind this one.
#[inline(always)]
fn order<S: Sink>(order: &Order, sink: &mut S) -> u32 {
    let filled = u32::from(order.is_filled());
    // With the bit for that stands the level's handle, a place in memory.
    let Order { reference, time_ns, qty, level_and_filled: _, next, prev: _ } = *order;
    let fields = [
        &reference.to_le_bytes()[..],
        &qty.to_le_bytes(),
        &filled.to_le_bytes(),
        &time_ns.to_le_bytes(),
    ];
    sink.bytes(&row::<24>(&fields));
    next
}

fn quality<S: Sink>(quality: &Quality, sink: &mut S) {
    let Quality {
        unknown_order,
        duplicate_order,
        negative_size,
        zero_size,
        unknown_match,
        crossed,
        locked,
        bad_field,
        over_capacity,
    } = *quality;
    sink.u64(unknown_order);
    sink.u64(duplicate_order);
    sink.u64(negative_size);
    sink.u64(zero_size);
    sink.u64(unknown_match);
    sink.u64(crossed);
    sink.u64(locked);
    sink.u64(bad_field);
    sink.u64(over_capacity);
}

/// The block lists, summaries, the table of numbers that did not rise and where the prints begin that
/// wait follow from the records.
fn tape<S: Sink>(prints: &Prints, symbol: SymbolId, sink: &mut S) {
    let (count, slices) = prints.records(symbol);
    sink.u64(count as u64);
    for records in slices {
        records.iter().for_each(|each| record(each, sink));
    }
}

#[inline(always)]
fn record<S: Sink>(record: &Record, sink: &mut S) {
    let Record {
        match_number,
        price,
        qty,
        time_ns,
        before,
        after,
        kind,
        side,
        odd_lot,
        settled,
        // A place in a list, which the walk over windows goes into.
        arrival: _,
    } = *record;
    let fields = [
        &match_number.to_le_bytes()[..],
        &price.to_le_bytes(),
        &qty.to_le_bytes(),
        &time_ns.to_le_bytes(),
        &before.to_le_bytes(),
        &after.to_le_bytes(),
        &[kind, side, odd_lot, settled],
    ];
    sink.bytes(&row::<52>(&fields));
}

/// Fields side by side, for what there are millions of: a sink takes them at once.
#[inline(always)]
fn row<const BYTES: usize>(fields: &[&[u8]]) -> [u8; BYTES] {
    let mut row = [0; BYTES];
    let mut end = 0;
    for field in fields {
        row[end..end + field.len()].copy_from_slice(field);
        end += field.len();
    }
    assert!(end == BYTES, "Invariant: a row is as long as its fields");
    row
}

#[cfg(test)]
mod tests;
