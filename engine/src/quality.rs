//! What was wrong with the input, each cause counted apart.
//!
//! The shard counts what it could not apply as sent; the names are those of `summary.json`. A count
//! never stops anything: bad input is counted, broken invariants of our own are asserted.

use bytemuck::{Pod, Zeroable};
use core::ops::AddAssign;

/// Counts of messages, by what was wrong with them. Kept a symbol, so that figures of some symbols
/// are theirs alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
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

impl AddAssign for Quality {
    fn add_assign(&mut self, other: Quality) {
        self.unknown_order += other.unknown_order;
        self.duplicate_order += other.duplicate_order;
        self.negative_size += other.negative_size;
        self.zero_size += other.zero_size;
        self.unknown_match += other.unknown_match;
        self.crossed += other.crossed;
        self.locked += other.locked;
        self.bad_field += other.bad_field;
        self.over_capacity += other.over_capacity;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_takes_every_count() {
        let counts: [u64; size_of::<Quality>() / 8] = core::array::from_fn(|i| i as u64 + 1);
        let mut sum: Quality = bytemuck::cast(counts);
        sum += sum;
        assert_eq!(bytemuck::cast::<_, [u64; 9]>(sum), counts.map(|count| 2 * count));
    }
}
