//! What was wrong with the input, each cause counted apart.
//!
//! The shard counts what it could not apply as sent; the names are those of `summary.json`. A count
//! never stops anything: bad input is counted, broken invariants of our own are asserted.

/// Counts of messages, by what was wrong with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Execute, Cancel, Delete or Replace of an order that the symbol's book does not hold.
    pub unknown_order: u64,
    /// Add or Replace whose new reference is live in the symbol's book; not applied.
    pub duplicate_order: u64,
    /// Execute or Cancel of more than was left; the order was removed.
    pub negative_size: u64,
    /// Add or Replace of size zero; applied.
    pub zero_size: u64,
    /// Break of a match number that the symbol never had, or that is broken already.
    pub unknown_match: u64,
    /// Messages of a trading symbol after which its bid stood above its ask.
    pub crossed: u64,
    /// Messages of a trading symbol after which its bid equalled its ask.
    pub locked: u64,
    /// A field outside its enumeration (a side, a trading state), or an order message without symbol.
    pub bad_field: u64,
    /// Orders or prints refused because a configured limit was reached.
    pub over_capacity: u64,
}
