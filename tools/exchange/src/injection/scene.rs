//! What an episode sees of its security when its script is written.

use engine::units::Side;

use super::labels::Severity;
use crate::matching::Clearing;
use crate::random::Random;

/// A thousandth of a second, ns.
pub(crate) const MS: u64 = 1_000_000;
/// A second, ns.
pub(crate) const SECOND: u64 = 1_000 * MS;

/// See the module. Prices are in 1e-4 dollars.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) severity: Severity,
    /// The side that the episode is for.
    pub(crate) side: Side,
    pub(crate) tick_e4: u32,
    /// Ticks in the step in which distances are thought of.
    pub(crate) step: i32,
    pub(crate) bid_e4: u32,
    pub(crate) ask_e4: u32,
    /// Displayed bids and asks, best first: price and shares.
    pub(crate) levels: [Vec<(u32, u64)>; 2],
    /// Lower and upper price band.
    pub(crate) bands: Option<(u32, u32)>,
    /// What its next cross would do at the middle now.
    pub(crate) cross: Clearing,
    /// Shares that it traded in ten seconds of market hours, on the mean.
    pub(crate) volume_10s: u64,
    /// Mean time between its messages.
    pub(crate) gap_ns: u64,
    /// Length of continuous trading.
    pub(crate) continuous_ns: u64,
    pub(crate) random: &'a mut Random,
}

impl Scene<'_> {
    /// Middle of bid and ask.
    pub(crate) fn middle_e4(&self) -> u32 {
        self.bid_e4.midpoint(self.ask_e4)
    }

    /// Spread in ticks.
    pub(crate) fn spread(&self) -> u32 {
        (self.ask_e4 - self.bid_e4) / self.tick_e4
    }

    /// Spread in millionths of the middle.
    pub(crate) fn spread_ppm(&self) -> u64 {
        u64::from(self.ask_e4 - self.bid_e4) * 1_000_000 / u64::from(self.middle_e4())
    }

    /// Shares of the best five levels of a side.
    pub(crate) fn depth(&self, side: Side) -> u32 {
        let levels = &self.levels[usize::from(side == Side::Sell)];
        let shares: u64 = levels.iter().take(5).map(|level| level.1).sum();
        shares.clamp(100, 100_000) as u32
    }

    /// How far a price can move towards a side before it comes to `part` thousandths of the way to
    /// the band, in millionths.
    pub(crate) fn room_ppm(&self, side: Side, part: u64) -> u64 {
        let middle = self.middle_e4();
        let away = match (self.bands, side) {
            (None, _) => middle / 4,
            (Some((_, upper)), Side::Buy) => upper.saturating_sub(middle),
            (Some((lower, _)), Side::Sell) => middle.saturating_sub(lower),
        };
        u64::from(away) * 1_000_000 / u64::from(middle) * part / 1_000
    }

    /// A time or number of a full day's, in proportion to this one's length.
    pub(crate) fn scaled(&self, full: u64) -> u64 {
        let whole = u128::from(crate::settings::FULL_DAY_NS);
        (u128::from(full) * u128::from(self.continuous_ns) / whole) as u64
    }

    /// Ticks in millionths of the middle.
    pub(crate) fn ticks_ppm(&self, ticks: u64) -> u64 {
        ticks * u64::from(self.tick_e4) * 1_000_000 / u64::from(self.middle_e4())
    }

    /// A number from `low` to `high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.random.between(low, high)
    }

    /// Whole lots of a hundred shares, from `low` to `high` of them.
    pub(crate) fn lots(&mut self, low: u64, high: u64) -> u32 {
        100 * self.random.between(low, high) as u32
    }

    /// Either side.
    pub(crate) fn any_side(&mut self) -> Side {
        if self.random.chance(5_000) { Side::Buy } else { Side::Sell }
    }
}

/// `ppm` towards higher prices for buying, towards lower ones for selling.
pub(crate) fn towards(side: Side, ppm: u64) -> i32 {
    let ppm = ppm.min(900_000) as i32;
    if side == Side::Buy { ppm } else { -ppm }
}
