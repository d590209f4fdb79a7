//! How many prints are odd lots.
//!
//! A print of E, C with `Y` or P is an odd lot if it has fewer shares than the symbol's round lot at
//! that time: the one of the stock directory (`R`), 100 before any is told or where it tells 0.
//! A break takes its print out as it was counted.

use bytemuck::{Pod, Zeroable};

use crate::units::Qty;

/// Round lot of a symbol of which the directory tells none.
pub const ROUND_LOT_DEFAULT: Qty = Qty(100);

/// Counts of prints, net of breaks. All zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OddLots {
    /// As the directory tells it, 0 for none.
    pub(crate) round_lot: u64,
    pub(crate) prints: u64,
    pub(crate) odd: u64,
    pub(crate) reserved: u64,
}

impl OddLots {
    /// No prints.
    pub const NONE: OddLots = OddLots { round_lot: 0, prints: 0, odd: 0, reserved: 0 };

    /// Notes what the directory tells.
    pub fn set_round_lot(&mut self, round_lot: Qty) {
        self.round_lot = round_lot.0;
    }

    /// Shares of a round lot.
    #[inline(always)]
    #[must_use]
    pub fn round_lot(&self) -> Qty {
        if self.round_lot == 0 { ROUND_LOT_DEFAULT } else { Qty(self.round_lot) }
    }

    /// Counts a print that is no cross; whether it is an odd lot.
    #[inline(always)]
    pub fn add(&mut self, qty: Qty) -> bool {
        let odd = qty < self.round_lot();
        self.prints += 1;
        self.odd += u64::from(odd);
        odd
    }

    /// Takes out a broken print, an odd lot or not when it was counted.
    pub fn take_out(&mut self, odd: bool) {
        self.prints -= 1;
        self.odd -= u64::from(odd);
    }

    /// Odd lots.
    #[must_use]
    pub fn odd(&self) -> u64 {
        self.odd
    }

    /// Prints, odd lots or not.
    #[must_use]
    pub fn prints(&self) -> u64 {
        self.prints
    }

    /// Odd lots / prints; `None` without a print.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.prints > 0).then(|| self.odd as f64 / self.prints as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_is_counted_by_the_round_lot_of_its_time() {
        let mut lots = OddLots::NONE;
        assert_eq!((lots.share(), lots.round_lot()), (None, Qty(100)));
        assert_eq!([99, 100].map(|qty| lots.add(Qty(qty))), [true, false]);
        lots.set_round_lot(Qty(10));
        assert_eq!([9, 10, 99].map(|qty| lots.add(Qty(qty))), [true, false, false]);
        assert_eq!((lots.odd(), lots.prints(), lots.share()), (2, 5, Some(0.4)));
        lots.take_out(true);
        assert_eq!((lots.odd(), lots.prints()), (1, 4));
        lots.set_round_lot(Qty(0));
        assert_eq!(lots.round_lot(), Qty(100));
    }
}
