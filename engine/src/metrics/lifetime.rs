//! How long displayed orders live, how soon they are filled, and what becomes of their shares.
//!
//! All is per reference, not by lineage: a replace ends the old reference's life and begins the new
//! one's. An order lives from the time at which it took its place until it leaves: deleted, cancelled
//! to nothing, executed to the last share, or replaced. Its first fill is the first execution (E, or C
//! printable or not) that takes at least one share off it. A time before the order's own counts as a
//! duration of 0. Orders still live are in none of the durations.
//!
//! Nothing is done when an order enters: the shares that came in are those that left and those that
//! are there ([`crate::book::BookView`] tells them).

use bytemuck::{Pod, Zeroable};

use crate::book::applied::{Fates, Resting};
use crate::event::Kind;
use crate::metrics::histogram::DurationHistogram;
use crate::units::Nanos;

/// Places in [`OrderLives::shares_off`].
const EXECUTED: usize = 0;
const CANCELLED: usize = 1;
const DELETED: usize = 2;
const REPLACED: usize = 3;

const _: () = {
    let first = Kind::Execute as usize;
    assert!(first + CANCELLED == Kind::Cancel as usize && first + DELETED == Kind::Delete as usize);
    assert!(first + REPLACED == Kind::Replace as usize);
};

/// See the module. All zero is no orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OrderLives {
    /// Shares that came off orders, by the number of the message's kind less that of Execute.
    pub(crate) shares_off: [u64; 4],
    /// Σ of all durations from entering to leaving, ns.
    pub(crate) lifetime_ns: u128,
    /// Σ of all durations from entering to the first fill, ns.
    pub(crate) first_fill_ns: u128,
    /// Durations from entering to leaving.
    pub lifetimes: DurationHistogram,
    /// Durations from entering to the first fill.
    pub first_fills: DurationHistogram,
}

impl OrderLives {
    /// No orders.
    pub const NONE: OrderLives = OrderLives {
        shares_off: [0; 4],
        lifetime_ns: 0,
        first_fill_ns: 0,
        lifetimes: DurationHistogram::NONE,
        first_fills: DurationHistogram::NONE,
    };

    /// Shares of displayed orders that were executed, printed or not; never more than an order had.
    #[must_use]
    pub fn executed_shares(&self) -> u64 {
        self.shares_off[EXECUTED]
    }

    /// Shares that were cancelled in part or went with a deleted order.
    #[must_use]
    pub fn cancelled_shares(&self) -> u64 {
        self.shares_off[CANCELLED].wrapping_add(self.shares_off[DELETED])
    }

    /// Shares that went with a replaced order.
    #[must_use]
    pub fn replaced_shares(&self) -> u64 {
        self.shares_off[REPLACED]
    }

    /// Shares that came off orders in all.
    #[must_use]
    pub fn shares_off(&self) -> u128 {
        self.shares_off.iter().map(|&shares| u128::from(shares)).sum()
    }

    /// The mean of durations from entering to leaving, ns; `None` without one.
    #[must_use]
    pub fn lifetime_mean_ns(&self) -> Option<f64> {
        mean(self.lifetime_ns, self.lifetimes.count())
    }

    /// The mean of durations from entering to the first fill, ns; `None` without one.
    #[must_use]
    pub fn first_fill_mean_ns(&self) -> Option<f64> {
        mean(self.first_fill_ns, self.first_fills.count())
    }
}

impl Fates for OrderLives {
    #[inline(always)]
    fn take<const KIND: u8>(&mut self, time: Nanos, resting: &Resting) {
        let off = &mut self.shares_off[usize::from(KIND - Kind::Execute as u8)];
        *off = off.wrapping_add(resting.taken.0);
        let duration_ns = time.since_ns(resting.since);
        if resting.left {
            self.lifetime_ns += u128::from(duration_ns);
            self.lifetimes.add(duration_ns);
        }
        if resting.first_fill {
            self.first_fill_ns += u128::from(duration_ns);
            self.first_fills.add(duration_ns);
        }
    }
}

fn mean(sum: u128, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Price, Qty, Side};

    const EXECUTE: u8 = Kind::Execute as u8;
    const CANCEL: u8 = Kind::Cancel as u8;
    const DELETE: u8 = Kind::Delete as u8;
    const REPLACE: u8 = Kind::Replace as u8;

    #[test]
    fn three_orders_worked_by_hand() {
        let resting = |since: i64, taken: u64, left: bool, first_fill: bool| Resting {
            side: Side::Buy,
            price: Price(1),
            since: Nanos(since),
            taken: Qty(taken),
            left,
            first_fill,
        };
        let mut lives = OrderLives::NONE;
        assert_eq!((lives.lifetime_mean_ns(), lives.first_fill_mean_ns()), (None, None));
        // One of 300 from 100 on: 100 executed at 150, 50 cancelled at 160, the rest at 400.
        lives.take::<EXECUTE>(Nanos(150), &resting(100, 100, false, true));
        lives.take::<CANCEL>(Nanos(160), &resting(100, 50, false, false));
        lives.take::<EXECUTE>(Nanos(400), &resting(100, 150, true, false));
        // One replaced, one deleted by a message that is late.
        lives.take::<REPLACE>(Nanos(1_000), &resting(900, 70, true, false));
        lives.take::<DELETE>(Nanos(50), &resting(60, 30, true, false));
        assert_eq!((lives.executed_shares(), lives.cancelled_shares()), (250, 80));
        assert_eq!((lives.replaced_shares(), lives.shares_off()), (70, 400));
        assert_eq!(lives.lifetime_mean_ns(), Some(400.0 / 3.0));
        assert_eq!((lives.first_fill_mean_ns(), lives.first_fills.count()), (Some(50.0), 1));
        assert_eq!(lives.lifetimes.count(), 3);
    }
}
