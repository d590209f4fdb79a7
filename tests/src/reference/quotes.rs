//! What one symbol's best bid and offer say, and how its spread went over time.

use super::book::Level;

/// The best bid and offer of one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid: Option<Level>,
    /// Best offer.
    pub ask: Option<Level>,
}

impl Quote {
    fn both(&self) -> Option<(Level, Level)> {
        self.bid.zip(self.ask)
    }

    /// Ask − bid in 1e-9 units, negative when crossed; `None` if a side is empty.
    #[must_use]
    pub fn spread_e9(&self) -> Option<i128> {
        let (bid, ask) = self.both()?;
        Some(i128::from(ask.price.0) - i128::from(bid.price.0))
    }

    /// (bid + ask) / 2 in 1e-9 units.
    #[must_use]
    pub fn mid_e9(&self) -> Option<f64> {
        let (bid, ask) = self.both()?;
        Some((i128::from(ask.price.0) + i128::from(bid.price.0)) as f64 / 2.0)
    }

    /// 1e4 × spread / mid; `None` where the mid is 0.
    #[must_use]
    pub fn spread_bps(&self) -> Option<f64> {
        let mid = self.mid_e9()?;
        (mid != 0.0).then_some(1e4 * self.spread_e9()? as f64 / mid)
    }

    /// (ask × bid size + bid × ask size) / (bid size + ask size) in 1e-9 units; `None` where both
    /// sizes are 0.
    #[must_use]
    pub fn weighted_mid_e9(&self) -> Option<f64> {
        let (bid, ask) = self.both()?;
        let sizes = (bid.qty + ask.qty) as f64;
        let weighted = ask.price.0 as f64 * bid.qty as f64 + bid.price.0 as f64 * ask.qty as f64;
        (sizes > 0.0).then_some(weighted / sizes)
    }

    /// (bid size − ask size) / (bid size + ask size), −1 to 1; `None` where both sizes are 0.
    #[must_use]
    pub fn queue_imbalance(&self) -> Option<f64> {
        let (bid, ask) = self.both()?;
        let (bid_size, ask_size) = (bid.qty as f64, ask.qty as f64);
        (bid_size + ask_size > 0.0).then(|| (bid_size - ask_size) / (bid_size + ask_size))
    }
}

/// The spread after each of its changes, with the time at which it began; 0 where there is none.
///
/// The time is the symbol's own, so that what other symbols do, or in which shard they live, can't
/// change a symbol's figure.
#[derive(Clone, Debug, Default)]
pub struct SpreadHistory {
    since: Vec<(i64, i128)>,
}

/// ∫ spread dt and the time it was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpreadIntegral {
    /// Spread × time in 1e-9 units × ns.
    pub area: i128,
    /// Time in which both sides stood and bid < ask, ns.
    pub time_ns: i128,
}

impl SpreadIntegral {
    /// The time-weighted mean spread in 1e-9 units.
    #[must_use]
    pub fn mean_e9(&self) -> Option<f64> {
        (self.time_ns > 0).then(|| self.area as f64 / self.time_ns as f64)
    }
}

impl SpreadHistory {
    /// Notes the spread that stands after a message of `time_ns`, if it is another than before; a
    /// crossed or one-sided book has none. A change whose time lies before an earlier change's counts
    /// as of the earlier one's: time never goes back.
    pub fn push(&mut self, time_ns: i64, quote: Quote) {
        let spread = quote.spread_e9().unwrap_or(0).max(0);
        if self.since.last().map_or(0, |&(_, last)| last) == spread {
            return;
        }
        let time_ns = self.latest_ns().map_or(time_ns, |latest| latest.max(time_ns));
        self.since.push((time_ns, spread));
    }

    /// The greatest time of a change so far.
    #[must_use]
    pub fn latest_ns(&self) -> Option<i64> {
        self.since.last().map(|&(time, _)| time)
    }

    /// The integral from the first change up to `until_ns`.
    #[must_use]
    pub fn integral(&self, until_ns: i64) -> SpreadIntegral {
        let ends = self.since.iter().skip(1).map(|&(time, _)| time);
        let ends = ends.chain(core::iter::once(until_ns));
        let mut integral = SpreadIntegral::default();
        for (&(start, spread), end) in self.since.iter().zip(ends) {
            let length = i128::from(end) - i128::from(start);
            if spread > 0 {
                integral.area += spread * length;
                integral.time_ns += length;
            }
        }
        integral
    }
}
