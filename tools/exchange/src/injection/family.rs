//! The kinds of episodes that can be staged, by the names of what they are labelled as.

use std::fmt;

use thiserror::Error;

/// A kind of episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described at the script that plays it")]
pub enum Family {
    QuoteStuffing,
    MessageBurst,
    FlickeringQuote,
    FleetingOrders,
    Spoofing,
    Layering,
    MomentumIgnition,
    MiniFlashCrash,
    PriceJump,
    VolumeSpike,
    SpreadBlowout,
    DepthEvaporation,
    BookImbalance,
    OffMarketPrint,
    ClearlyErroneous,
    LuldProximity,
    Halt,
    StaleSymbol,
    MarkingTheClose,
    PumpAndDump,
    Pinging,
    NoiiSwing,
    OfiShock,
    MarketCluster,
    TapePainting,
}

/// What the names of [`REFUSED`] cannot be staged for.
const LOCKED: &str =
    "the matching engine never leaves bid and ask of a trading security locked or crossed";
const SILENT: &str =
    "a feed that falls silent is no matter of messages; stop the publisher instead";

/// Names that are known and cannot be staged, and why.
const REFUSED: [(&str, &str); 2] = [("locked_crossed", LOCKED), ("stale_feed", SILENT)];

/// Why a name is no kind of episode that can be staged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FamilyError {
    /// It is known, and cannot be played.
    #[error("{name} cannot be staged: {why}")]
    Refused {
        /// The name.
        name: &'static str,
        /// Why.
        why: &'static str,
    },
    /// It is not known.
    #[error("{name:?} is no kind of episode; known are all and {}", Family::names())]
    Unknown {
        /// What was given.
        name: String,
    },
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 25] = [
        Family::QuoteStuffing,
        Family::MessageBurst,
        Family::FlickeringQuote,
        Family::FleetingOrders,
        Family::Spoofing,
        Family::Layering,
        Family::MomentumIgnition,
        Family::MiniFlashCrash,
        Family::PriceJump,
        Family::VolumeSpike,
        Family::SpreadBlowout,
        Family::DepthEvaporation,
        Family::BookImbalance,
        Family::OffMarketPrint,
        Family::ClearlyErroneous,
        Family::LuldProximity,
        Family::Halt,
        Family::StaleSymbol,
        Family::MarkingTheClose,
        Family::PumpAndDump,
        Family::Pinging,
        Family::NoiiSwing,
        Family::OfiShock,
        Family::MarketCluster,
        Family::TapePainting,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Family::QuoteStuffing => "quote_stuffing",
            Family::MessageBurst => "message_burst",
            Family::FlickeringQuote => "flickering_quote",
            Family::FleetingOrders => "fleeting_orders",
            Family::Spoofing => "spoofing",
            Family::Layering => "layering",
            Family::MomentumIgnition => "momentum_ignition",
            Family::MiniFlashCrash => "mini_flash_crash",
            Family::PriceJump => "price_jump",
            Family::VolumeSpike => "volume_spike",
            Family::SpreadBlowout => "spread_blowout",
            Family::DepthEvaporation => "depth_evaporation",
            Family::BookImbalance => "book_imbalance",
            Family::OffMarketPrint => "off_market_print",
            Family::ClearlyErroneous => "clearly_erroneous",
            Family::LuldProximity => "luld_proximity",
            Family::Halt => "halt",
            Family::StaleSymbol => "stale_symbol",
            Family::MarkingTheClose => "marking_the_close",
            Family::PumpAndDump => "pump_and_dump",
            Family::Pinging => "pinging",
            Family::NoiiSwing => "noii_swing",
            Family::OfiShock => "ofi_shock",
            Family::MarketCluster => "market_cluster",
            Family::TapePainting => "tape_painting",
        }
    }

    /// The kind with this name.
    ///
    /// # Errors
    /// If there is none, or none that can be played.
    pub fn named(name: &str) -> Result<Family, FamilyError> {
        if let Some(&(name, why)) = REFUSED.iter().find(|refused| refused.0 == name) {
            return Err(FamilyError::Refused { name, why });
        }
        let known = Family::ALL.into_iter().find(|family| family.name() == name);
        known.ok_or_else(|| FamilyError::Unknown { name: String::from(name) })
    }

    fn names() -> String {
        Family::ALL.map(Family::name).join(", ")
    }
}

/// Its name.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Kinds of episodes to be staged on a day; none of them is the plain day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Families(u32);

impl Families {
    /// None.
    pub const NONE: Families = Families(0);

    /// All that can be staged.
    pub const ALL: Families = Families((1 << Family::ALL.len()) - 1);

    /// With one more.
    #[must_use]
    pub const fn with(self, family: Family) -> Families {
        Families(self.0 | 1 << family as u32)
    }

    /// Whether one is among them.
    #[must_use]
    pub const fn has(self, family: Family) -> bool {
        self.0 >> family as u32 & 1 == 1
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Which, as a number: a digit of two each, in the order of [`Family::ALL`].
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Reads `all`, or names with commas between them.
    ///
    /// # Errors
    /// The first name that is none, or of none that can be staged.
    pub fn parse(text: &str) -> Result<Families, FamilyError> {
        if text == "all" {
            return Ok(Families::ALL);
        }
        let mut families = Families::NONE;
        for name in text.split(',') {
            families = families.with(Family::named(name.trim())?);
        }
        Ok(families)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_others_are_told_apart() {
        for family in Family::ALL {
            assert_eq!(Family::named(family.name()), Ok(family));
            assert!(Families::ALL.has(family) && !Families::NONE.has(family));
        }
        let two = Families::parse("layering, quote_stuffing").unwrap();
        assert_eq!(two, Families::NONE.with(Family::QuoteStuffing).with(Family::Layering));
        assert_eq!(Families::parse("all"), Ok(Families::ALL));
        let refused = |text: &str| Families::parse(text).unwrap_err().to_string();
        assert!(refused("locked_crossed").contains("never leaves bid and ask"));
        assert!(refused("stale_feed").contains("no matter of messages"));
        assert!(refused("layering,stuffing").contains("\"stuffing\" is no kind of episode"));
        assert!(refused("").contains("known are all and quote_stuffing, "));
    }
}
