//! What stood at the best prices and for how long, and how the mid-price moved.

use engine::units::Side;

use super::book::{Book, tick_e4};
use super::weighted::{Weighted, ratio};

/// Quotes of books by the time for which they stood, ns. Spreads are of the time in which both sides
/// stood and the bid was below the ask; sizes and levels are of each side by itself.
#[derive(Clone, Debug, Default)]
pub struct Quotes {
    /// Ask less bid in ticks.
    pub spread_ticks: Weighted,
    /// Ask less bid over the mid-price, in hundredths of a basis point.
    pub spread_bps_e2: Weighted,
    /// Shares at a side's best price.
    pub best_shares: Weighted,
    /// Shares at a side's best five prices.
    pub near_shares: Weighted,
    /// Prices of a side.
    pub levels: Weighted,
}

const NEAR_LEVELS: usize = 5;

impl Quotes {
    /// The book stood as it is for so long.
    pub(super) fn stood(&mut self, book: &Book, for_ns: u64) {
        let sides = [Side::Buy, Side::Sell];
        for side in sides {
            let mut levels = book.levels(side).take(NEAR_LEVELS).map(|(_, shares)| shares);
            if let Some(best) = levels.next() {
                self.best_shares.add(best, for_ns);
                self.near_shares.add(best + levels.sum::<u64>(), for_ns);
                self.levels.add(book.level_count(side) as u64, for_ns);
            }
        }
        if let [Some(bid), Some(ask)] = sides.map(|side| book.best_e4(side))
            && bid < ask
        {
            let (spread, sum) = (u64::from(ask - bid), u64::from(ask) + u64::from(bid));
            self.spread_ticks.add(spread / u64::from(tick_e4(bid)), for_ns);
            self.spread_bps_e2.add((2_000_000 * spread + sum / 2) / sum, for_ns);
        }
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Quotes) {
        self.spread_ticks.merge(&other.spread_ticks);
        self.spread_bps_e2.merge(&other.spread_bps_e2);
        self.best_shares.merge(&other.best_shares);
        self.near_shares.merge(&other.near_shares);
        self.levels.merge(&other.levels);
    }
}

const SECOND_NS: u64 = 1_000_000_000;
/// The longer of the two horizons of the variance ratio, in seconds.
const LONG_SECONDS: usize = 10;

/// Mid-prices at each whole second. A second without a mid-price breaks the row of returns.
#[derive(Clone, Debug, Default)]
pub struct Mids {
    next_ns: Option<u64>,
    mids: Vec<Option<f64>>,
    /// Sums over returns in basis points: their number, their squares, products of neighbours.
    returns: [f64; 3],
    /// Returns over [`LONG_SECONDS`], overlapping: their number, their squares.
    long: [f64; 2],
}

impl Mids {
    /// The book stood as it is over `from_ns..until_ns`; `None` while there is no trading.
    pub(super) fn stood(&mut self, book: Option<&Book>, from_ns: u64, until_ns: u64) {
        let mut next_ns = *self.next_ns.get_or_insert(from_ns.next_multiple_of(SECOND_NS));
        while next_ns < until_ns {
            self.mids.push(book.and_then(mid_e4));
            next_ns += SECOND_NS;
        }
        self.next_ns = Some(next_ns);
    }

    /// Turns mid-prices into sums of returns; what comes later starts anew.
    pub(super) fn finish(&mut self) {
        let mids = core::mem::take(&mut self.mids);
        // A row without a gap, so that no return reaches over a halt.
        let over = |seconds: usize| -> Vec<Option<f64>> {
            let whole = |row: &[Option<f64>]| -> Option<f64> {
                let (from, to) = ((*row.first()?)?, (*row.last()?)?);
                row.iter().all(Option::is_some).then(|| 10_000.0 * (to - from) / from)
            };
            mids.windows(seconds + 1).map(whole).collect()
        };
        let (short, long) = (over(1), over(LONG_SECONDS));
        for value in short.iter().flatten() {
            self.returns[0] += 1.0;
            self.returns[1] += value * value;
        }
        for pair in short.windows(2) {
            if let [Some(one), Some(other)] = pair {
                self.returns[2] += one * other;
            }
        }
        for value in long.iter().flatten() {
            self.long[0] += 1.0;
            self.long[1] += value * value;
        }
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Mids) {
        (0..3).for_each(|at| self.returns[at] += other.returns[at]);
        (0..2).for_each(|at| self.long[at] += other.long[at]);
    }

    /// Root of the mean squared return over a second, basis points.
    #[must_use]
    pub fn volatility_bps(&self) -> Option<f64> {
        ratio(self.returns[1], self.returns[0]).map(f64::sqrt)
    }

    /// Correlation of a second's return with the next one's, about a mean of 0.
    #[must_use]
    pub fn autocorrelation(&self) -> Option<f64> {
        ratio(self.returns[2], self.returns[1])
    }

    /// Mean squared return over ten seconds / ten times that over one: 1 for a random walk, less where
    /// prices swing back, more where they trend.
    #[must_use]
    pub fn variance_ratio(&self) -> Option<f64> {
        let short = ratio(self.returns[1], self.returns[0])?;
        let long = ratio(self.long[1], self.long[0])?;
        ratio(long, LONG_SECONDS as f64 * short)
    }
}

/// The mid-price of a book whose bid is below its ask.
fn mid_e4(book: &Book) -> Option<f64> {
    let (bid, ask) = (book.best_e4(Side::Buy)?, book.best_e4(Side::Sell)?);
    (bid < ask).then(|| (f64::from(bid) + f64::from(ask)) / 2.0)
}
