//! What a detector is called, what its figures are, and when it is armed.

use crate::detect::phase::Phases;

/// Figures of an alert, at most.
pub const FIGURES_MAX: usize = 4;

/// Number of a detector: part of an alert's id, never reused. From [`DetectorCode::USER_MIN`] on they are
/// users' own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DetectorCode(pub u8);

impl DetectorCode {
    /// The least code of a user's own detector.
    pub const USER_MIN: u8 = 128;

    /// Detectors that a user may add.
    pub const USER_COUNT_MAX: usize = 16;
}

/// What detectors look for together; several symbols with alerts of one family make a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Family {
    /// Rates and lives of messages and orders.
    Traffic,
    /// Orders that seem not meant to trade.
    Orders,
    /// Prices and returns.
    Price,
    /// Shares traded.
    Volume,
    /// Spread and depth.
    Liquidity,
    /// What the rules of the market say, exactly.
    Rule,
    /// None that clusters.
    Other,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its number.
    pub code: DetectorCode,
    /// Its name in `alerts.jsonl` and in the configuration.
    pub name: &'static str,
    /// `pattern consistent with …`.
    pub pattern: &'static str,
    /// What the figures of its alerts are, in order; a name ends with the unit.
    pub figures: &'static [&'static str],
    /// The parameters that stand as thresholds in its alerts.
    pub thresholds: &'static [&'static str],
    /// When it is armed.
    pub phases: Phases,
    /// Seconds with messages, by which the symbol's usual figures are known, before it is armed; 0 for
    /// what is absolute.
    pub warm_up_seconds: u32,
    /// See [`Family`].
    pub family: Family,
}
