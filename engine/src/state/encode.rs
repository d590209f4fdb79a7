//! The walk: every field of a symbol's state once, in an order that only the state decides.
//!
//! All numbers are little-endian; a count stands before each list, so the bytes can be read back. A
//! symbol's part of a section:
//!
//! ```text
//!  books      side, side                                      bids, asks
//!  side       levels u32 │ level …                            best price first
//!  level      price i64 │ qty u64 │ orders u32 │ order …      first in time first
//!  order      reference u64 │ qty u64 │ time_ns i64
//!
//!  metrics    messages by kind 6 × u64 │ spread_now i64 │ trading state u8 │ tape │ spread
//!             │ quality 9 × u64 │ records u64 │ record …      in the order of arrival
//!  tape       last, open, high, low 4 × i64 │ trades u64 │ volume u128 │ notional i128
//!             │ hidden, cross, broken volume 3 × u128
//!  spread     integral i128 │ quoted_ns u64 │ now_ns i64 │ started u64
//!  record     match u64 │ price i64 │ qty u64 │ time_ns i64 │ kind u8 │ side u8
//!
//!  windows    nothing yet
//!  detectors  nothing yet
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

use crate::book::BookView;
use crate::book::levels::{Ladder, Level, LevelStore, Rung};
use crate::book::orders::{Order, OrderPool};
use crate::metrics::SymbolMetrics;
use crate::metrics::quote::SpreadClock;
use crate::metrics::volume::TapeFigures;
use crate::prints::{Prints, Record};
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
    let ShardParts { books, prints, metrics: all, qualities, phase: _ } = shard.parts();
    let at = symbol.0 as usize;
    match section {
        Section::Books => book(books.book(symbol), sink),
        Section::Metrics => {
            metrics(all.get(at).unwrap_or(&SymbolMetrics::EMPTY), sink);
            quality(&qualities.get(at).copied().unwrap_or_default(), sink);
            tape(prints, symbol, sink);
        }
        Section::Windows | Section::Detectors => {}
    }
}

/// What concerns no symbol. `feed_time` is the sequencer's, as messages alone have moved it.
pub fn market<S: Sink>(shard: &Shard, feed_time: Nanos, sink: &mut S) {
    let ShardParts { books: _, prints: _, metrics: _, qualities, phase } = shard.parts();
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
    let Order { reference, time_ns, qty, level: _, next, prev: _ } = *order;
    let qty = u64::from(qty);
    let fields = [&reference.to_le_bytes()[..], &qty.to_le_bytes(), &time_ns.to_le_bytes()];
    sink.bytes(&row::<24>(&fields));
    next
}

fn metrics<S: Sink>(metrics: &SymbolMetrics, sink: &mut S) {
    let SymbolMetrics { by_kind, spread_now, state, reserved: _, tape, spread, padding: _ } =
        metrics;
    by_kind.iter().for_each(|&count| sink.u64(count));
    sink.i64(*spread_now);
    sink.u8(*state);
    figures(tape, sink);
    spread_clock(spread, sink);
}

fn figures<S: Sink>(tape: &TapeFigures, sink: &mut S) {
    let TapeFigures {
        last,
        open,
        high,
        low,
        trades,
        reserved: _,
        volume,
        notional,
        hidden_volume,
        cross_volume,
        broken_volume,
    } = *tape;
    sink.i64(last);
    sink.i64(open);
    sink.i64(high);
    sink.i64(low);
    sink.u64(trades);
    sink.u128(volume);
    sink.i128(notional);
    sink.u128(hidden_volume);
    sink.u128(cross_volume);
    sink.u128(broken_volume);
}

fn spread_clock<S: Sink>(clock: &SpreadClock, sink: &mut S) {
    let SpreadClock { integral, quoted_ns, now_ns, started, reserved: _ } = *clock;
    sink.i128(integral);
    sink.u64(quoted_ns);
    sink.i64(now_ns);
    sink.u64(started);
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

/// The block lists, summaries and the table of numbers that did not rise follow from the records.
fn tape<S: Sink>(prints: &Prints, symbol: SymbolId, sink: &mut S) {
    let (count, slices) = prints.records(symbol);
    sink.u64(count as u64);
    for records in slices {
        records.iter().for_each(|each| record(each, sink));
    }
}

#[inline(always)]
fn record<S: Sink>(record: &Record, sink: &mut S) {
    let Record { match_number, price, qty, time_ns, kind, side, reserved: _ } = *record;
    let fields = [
        &match_number.to_le_bytes()[..],
        &price.to_le_bytes(),
        &qty.to_le_bytes(),
        &time_ns.to_le_bytes(),
        &[kind, side],
    ];
    sink.bytes(&row::<34>(&fields));
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
