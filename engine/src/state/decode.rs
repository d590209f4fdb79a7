//! The bytes of the walk read back: what [`encode`](super::encode) draws, field by field.
//!
//! A symbol's books come first, then its metrics with the tape, then its windows; the symbol must be
//! empty, and the shard without an event so far. What the walk leaves out because it follows from the
//! rest is made anew where it lives: `book/restore.rs`, `prints/restore.rs`, `window/bars/stored.rs`.
//! So a shard that was read goes on as the one that was written.
//!
//! Bytes may be anybody's. What no walk writes is refused: values outside a field's range, sums that
//! are less than what they sum, counts that no session reaches. Reading ends in state whose invariants
//! hold or in a [`DecodeError`], never in a panic, and takes memory for no more than the bytes hold.

mod metrics;
mod tape;

pub(crate) use self::metrics::metrics;
pub(crate) use self::tape::tape;

use crate::quality::Quality;
use crate::shard::SessionPhase;
use crate::units::Nanos;
use crate::window::encoding::{DecodeError, Reader};

/// Counts of messages or prints that no session reaches: below it, sums over all symbols fit 64 bits.
const COUNT_END: u64 = 1 << 47;

/// Sums of shares or times that no session reaches: what fewer than [`COUNT_END`] messages add up to.
const SUM_END: u128 = 1 << 112;

/// What concerns no symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketWide {
    /// Where the session stood.
    pub phase: SessionPhase,
    /// The sequencer's feed time.
    pub feed_time: Nanos,
    /// What was wrong with messages of no symbol.
    pub quality: Quality,
}

/// What concerns no symbol, from what [`encode::market`](super::encode::market) wrote.
///
/// # Errors
/// If these are no such bytes.
pub fn market(bytes: &[u8]) -> Result<MarketWide, DecodeError> {
    let mut reader = Reader::new(bytes);
    let phase = match reader.u8()? {
        0 => SessionPhase::Unknown,
        code => SessionPhase::begun_by(code).ok_or_else(|| reader.refuse("the session phase"))?,
    };
    let feed_time = Nanos(reader.i64()?);
    let quality = quality(&mut reader)?;
    reader.end()?;
    Ok(MarketWide { phase, feed_time, quality })
}

/// Counts of what could not be applied.
pub(crate) fn quality(reader: &mut Reader<'_>) -> Result<Quality, DecodeError> {
    Ok(Quality {
        unknown_order: count(reader)?,
        duplicate_order: count(reader)?,
        negative_size: count(reader)?,
        zero_size: count(reader)?,
        unknown_match: count(reader)?,
        crossed: count(reader)?,
        locked: count(reader)?,
        bad_field: count(reader)?,
        over_capacity: count(reader)?,
    })
}

/// A number of messages or prints.
pub(crate) fn count(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    match reader.u64()? {
        count if count < COUNT_END => Ok(count),
        _ => Err(reader.refuse("a count past what a session can hold")),
    }
}

/// A sum of shares or times, none below 0.
pub(crate) fn sum(reader: &mut Reader<'_>) -> Result<u128, DecodeError> {
    match reader.u128()? {
        sum if sum < SUM_END => Ok(sum),
        _ => Err(reader.refuse("a sum past what a session can hold")),
    }
}

#[cfg(test)]
mod tests;
