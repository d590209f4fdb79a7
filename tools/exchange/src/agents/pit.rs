//! What traders know of one security: its fundamental value, its trend, the makers' quotes.

use engine::units::Side;

use super::{Call, Floor, Place};
use crate::matching::OrderId;
use crate::random::BELL_SIGMA;
use crate::universe::Security;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Pit {
    /// Fundamental value, 1e-4 dollars × 2^20.
    value_q20: i64,
    value_time_ns: u64,
    /// Slow mean of the middle's changes, 1e-4 dollars × 2^8.
    pub(super) trend_q8: i64,
    last_middle_e4: u32,
    /// The side that takers last took for.
    pub(super) taking: Side,
    /// Each maker's bid and offer.
    pub(super) quotes: Vec<[Option<OrderId>; 2]>,
    /// Since when it has been at its band.
    pub(crate) at_limit_since_ns: Option<u64>,
    /// The band at which it was paused, 1e-4 dollars.
    pub(crate) paused_at_e4: u32,
    /// Lower and upper price between which its pause may end.
    pub(crate) collar_e4: (u32, u32),
    /// Messages that its reopening may take.
    pub(crate) at_stake: u64,
    /// It trades on this market at all: a new listing does once it was released.
    pub(crate) is_listed: bool,
    /// A short-sale restriction was told since the start of the day.
    pub(crate) is_restricted: bool,
    /// Its makers keep away until then; 0 where nothing is staged.
    pub(crate) makers_away_until_ns: u64,
    /// Everyone keeps away until then.
    pub(crate) silent_until_ns: u64,
}

/// sqrt(1 s) in sqrt(ns).
const SQRT_SECOND: i64 = 31_623;

/// The value stands still for so long: a cluster of arrivals sees one value.
const STEP_NS: u64 = 1 << 20;

impl Pit {
    pub(crate) fn new(security: &Security, is_listed: bool) -> Pit {
        Pit {
            value_q20: i64::from(security.listing.close_e4) << 20,
            value_time_ns: 0,
            trend_q8: 0,
            last_middle_e4: security.listing.close_e4,
            taking: Side::Buy,
            quotes: vec![[None; 2]; usize::from(security.makers)],
            at_limit_since_ns: None,
            paused_at_e4: 0,
            collar_e4: (0, 0),
            at_stake: 0,
            is_listed,
            is_restricted: false,
            makers_away_until_ns: 0,
            silent_until_ns: 0,
        }
    }

    /// Fundamental value, 1e-4 dollars.
    #[must_use]
    pub(crate) fn value_e4(&self) -> u32 {
        (self.value_q20 >> 20) as u32
    }

    fn set_value(&mut self, value_q20: i64, close_e4: u32) {
        // A day's value stays within a fifth and five times the close.
        let (low, high) = (i64::from(close_e4) << 20, i64::from(close_e4) << 20);
        self.value_q20 = value_q20.clamp(low / 5, high * 5);
    }

    /// Moves the value by a part of itself, in 1e-6.
    pub(crate) fn jump(&mut self, by_ppm: i64, close_e4: u32) {
        let moved = i128::from(self.value_q20) * i128::from(1_000_000 + by_ppm) / 1_000_000;
        self.set_value(moved as i64, close_e4);
    }
}

impl<T: Copy + From<Call>> Floor<T> {
    /// Lets the value wander up to now, and the trend take in where the middle is.
    pub(super) fn touch(&mut self, place: Place) {
        let security = &self.securities[place.at()];
        let middle_e4 = self.market.reference_e4(place.symbol);
        let pit = &mut self.pits[place.at()];
        // The first time a security is looked at nothing has passed for it.
        if pit.value_time_ns == 0 {
            pit.value_time_ns = place.time_ns;
        }
        let passed_ns = place.time_ns - pit.value_time_ns;
        if passed_ns >= STEP_NS {
            pit.value_time_ns = place.time_ns;
            // At most 2^33 × 2^23 / 2^15 × 2^17: within 64 bits.
            let spread = security.sigma_q20 * passed_ns.isqrt() as i64 / SQRT_SECOND;
            let step = spread * self.random.bell() / BELL_SIGMA;
            pit.set_value(pit.value_q20.saturating_add(step), security.listing.close_e4);
        }
        let change_q8 = (i64::from(middle_e4) - i64::from(pit.last_middle_e4)) << 8;
        pit.last_middle_e4 = middle_e4;
        pit.trend_q8 += (change_q8 - pit.trend_q8) / 16;
    }
}
