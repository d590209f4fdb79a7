//! One symbol's prints, and every figure that follows from them, worked out anew at each question.

use std::collections::HashMap;

use engine::units::{MatchNumber, Notional, Price, Qty};

/// Where a print came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A displayed order: `E`, or `C` with printable `Y`.
    Displayed,
    /// An order that is not displayed: `P`.
    Hidden,
    /// A cross: `Q`.
    Cross,
}

#[derive(Clone, Copy, Debug)]
struct Print {
    price: Price,
    qty: Qty,
    source: Source,
    broken: bool,
}

/// What a match number names.
#[derive(Clone, Copy, Debug)]
enum Named {
    /// The print with this place on the tape.
    Print(usize),
    /// An execution that was no print.
    NoPrint,
}

/// The prints of one symbol in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct ReferenceTape {
    prints: Vec<Print>,
    names: HashMap<MatchNumber, Named>,
}

impl ReferenceTape {
    /// Puts a print on the tape; its match number names it from now on.
    pub fn print(&mut self, number: MatchNumber, price: Price, qty: Qty, source: Source) {
        self.names.insert(number, Named::Print(self.prints.len()));
        self.prints.push(Print { price, qty, source, broken: false });
    }

    /// Notes the match number of an execution that is no print. A number that names a print keeps
    /// naming it.
    pub fn note_unprinted(&mut self, number: MatchNumber) {
        self.names.entry(number).or_insert(Named::NoPrint);
    }

    /// Breaks what the number names. `false` if it names nothing or what is already broken.
    pub fn break_print(&mut self, number: MatchNumber) -> bool {
        match self.names.get(&number) {
            None => false,
            Some(Named::NoPrint) => true,
            Some(&Named::Print(place)) => {
                let was_broken = self.prints[place].broken;
                self.prints[place].broken = true;
                !was_broken
            }
        }
    }

    /// How many prints there were, broken or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prints.len()
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// Whether the print with this place on the tape was broken.
    #[must_use]
    pub fn is_broken(&self, place: usize) -> bool {
        self.prints[place].broken
    }

    fn standing(&self) -> impl DoubleEndedIterator<Item = &Print> {
        self.prints.iter().filter(|print| !print.broken)
    }

    /// Price of the first print that stands.
    #[must_use]
    pub fn open(&self) -> Option<Price> {
        self.standing().next().map(|print| print.price)
    }

    /// Price of the latest print that stands.
    #[must_use]
    pub fn last(&self) -> Option<Price> {
        self.standing().next_back().map(|print| print.price)
    }

    /// Highest price of a print that stands.
    #[must_use]
    pub fn high(&self) -> Option<Price> {
        self.standing().map(|print| print.price).max()
    }

    /// Lowest price of a print that stands.
    #[must_use]
    pub fn low(&self) -> Option<Price> {
        self.standing().map(|print| print.price).min()
    }

    /// Shares of the prints that stand.
    #[must_use]
    pub fn volume(&self) -> u128 {
        self.standing().map(|print| u128::from(print.qty.0)).sum()
    }

    /// Price × shares of the prints that stand.
    #[must_use]
    pub fn notional(&self) -> Notional {
        let each = self.standing().map(|print| i128::from(print.price.0) * i128::from(print.qty.0));
        Notional(each.sum())
    }

    /// How many prints stand.
    #[must_use]
    pub fn trades(&self) -> u64 {
        self.standing().count() as u64
    }

    /// Notional / volume in 1e-9 units, half away from zero.
    #[must_use]
    pub fn vwap_e9(&self) -> Option<i128> {
        let volume = self.volume();
        (volume > 0).then(|| divide_half_away_from_zero(self.notional().0, volume))
    }

    /// Notional / volume as text: 9 decimals, empty where undefined.
    #[must_use]
    pub fn vwap_text(&self) -> String {
        self.vwap_e9().map(nine_decimals).unwrap_or_default()
    }

    /// Shares of all prints of `source`, broken or not.
    #[must_use]
    pub fn gross_volume(&self, source: Source) -> u128 {
        let of_source = self.prints.iter().filter(|print| print.source == source);
        of_source.map(|print| u128::from(print.qty.0)).sum()
    }

    /// Shares of the prints that were broken.
    #[must_use]
    pub fn broken_volume(&self) -> u128 {
        let broken = self.prints.iter().filter(|print| print.broken);
        broken.map(|print| u128::from(print.qty.0)).sum()
    }
}

fn divide_half_away_from_zero(dividend: i128, divisor: u128) -> i128 {
    let magnitude = dividend.unsigned_abs();
    let (quotient, rest) = (magnitude / divisor, magnitude % divisor);
    let rounded = if rest >= divisor - rest { quotient + 1 } else { quotient };
    let rounded = i128::try_from(rounded).expect("a mean is not larger than its largest part");
    if dividend < 0 { -rounded } else { rounded }
}

fn nine_decimals(value_e9: i128) -> String {
    let sign = if value_e9 < 0 { "-" } else { "" };
    let magnitude = value_e9.unsigned_abs();
    let (whole, decimals) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
    format!("{sign}{whole}.{decimals:09}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_rounded_half_away_from_zero() {
        assert_eq!(divide_half_away_from_zero(1, 2), 1);
        assert_eq!(divide_half_away_from_zero(-1, 2), -1);
        assert_eq!(divide_half_away_from_zero(1, 3), 0);
        assert_eq!(divide_half_away_from_zero(2, 3), 1);
        assert_eq!(divide_half_away_from_zero(-5, 2), -3);
        assert_eq!(divide_half_away_from_zero(4, 2), 2);
    }

    #[test]
    fn a_mean_has_nine_decimals() {
        assert_eq!(nine_decimals(287_721_552_674), "287.721552674");
        assert_eq!(nine_decimals(100_000_000_000), "100.000000000");
        assert_eq!(nine_decimals(-1), "-0.000000001");
    }
}
