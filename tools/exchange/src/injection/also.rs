//! What an episode of a kind rightly is besides: the same messages make it so, and who says it is not
//! wrong.

use super::family::Family::{self, *};

/// By kind.
const ALSO: [(Family, &[Family]); Family::ALL.len()] = [
    (QuoteStuffing, &[MessageBurst, FleetingOrders, FlickeringQuote, OfiShock, BookImbalance]),
    (MessageBurst, &[QuoteStuffing, FleetingOrders, FlickeringQuote, OfiShock]),
    (FlickeringQuote, &[FleetingOrders, QuoteStuffing, OfiShock]),
    (FleetingOrders, &[QuoteStuffing, FlickeringQuote, MessageBurst, OfiShock]),
    (Spoofing, &[Layering, BookImbalance, OfiShock, VolumeSpike]),
    (Layering, &[Spoofing, BookImbalance, OfiShock, FleetingOrders]),
    (
        MomentumIgnition,
        &[PriceJump, VolumeSpike, OfiShock, MiniFlashCrash, SpreadBlowout, LuldProximity],
    ),
    (
        MiniFlashCrash,
        &[
            PriceJump,
            VolumeSpike,
            OfiShock,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            ClearlyErroneous,
            LuldProximity,
            MomentumIgnition,
        ],
    ),
    (
        PriceJump,
        &[
            MiniFlashCrash,
            VolumeSpike,
            OfiShock,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            ClearlyErroneous,
            LuldProximity,
            MomentumIgnition,
        ],
    ),
    (VolumeSpike, &[OfiShock, BookImbalance, TapePainting]),
    (SpreadBlowout, &[DepthEvaporation, BookImbalance, OfiShock, PriceJump, StaleSymbol]),
    (DepthEvaporation, &[SpreadBlowout, BookImbalance, OfiShock, PriceJump, StaleSymbol]),
    (BookImbalance, &[OfiShock, DepthEvaporation, SpreadBlowout]),
    (OffMarketPrint, &[ClearlyErroneous, PriceJump, VolumeSpike]),
    (
        ClearlyErroneous,
        &[
            PriceJump,
            MiniFlashCrash,
            OfiShock,
            VolumeSpike,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            LuldProximity,
            OffMarketPrint,
        ],
    ),
    (
        LuldProximity,
        &[
            PriceJump,
            MiniFlashCrash,
            MomentumIgnition,
            OfiShock,
            VolumeSpike,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            ClearlyErroneous,
            Halt,
            PumpAndDump,
        ],
    ),
    (
        Halt,
        &[
            PriceJump,
            VolumeSpike,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            StaleSymbol,
            NoiiSwing,
            OfiShock,
            LuldProximity,
        ],
    ),
    (StaleSymbol, &[]),
    (
        MarkingTheClose,
        &[
            PriceJump,
            VolumeSpike,
            OfiShock,
            NoiiSwing,
            MomentumIgnition,
            SpreadBlowout,
            BookImbalance,
        ],
    ),
    (
        PumpAndDump,
        &[
            PriceJump,
            VolumeSpike,
            OfiShock,
            MomentumIgnition,
            MiniFlashCrash,
            LuldProximity,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            Halt,
        ],
    ),
    (Pinging, &[VolumeSpike, FleetingOrders, TapePainting]),
    (NoiiSwing, &[MarkingTheClose]),
    (OfiShock, &[PriceJump, VolumeSpike, BookImbalance, SpreadBlowout, MomentumIgnition]),
    (
        MarketCluster,
        &[
            MiniFlashCrash,
            PriceJump,
            VolumeSpike,
            OfiShock,
            SpreadBlowout,
            DepthEvaporation,
            BookImbalance,
            MessageBurst,
        ],
    ),
    (TapePainting, &[VolumeSpike, FlickeringQuote, FleetingOrders, Pinging]),
];

impl Family {
    /// See the module.
    #[must_use]
    pub(crate) fn also(self) -> &'static [Family] {
        ALSO[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_at_its_place_and_is_nothing_besides_itself() {
        for (family, (of, also)) in Family::ALL.into_iter().zip(ALSO) {
            assert_eq!(family, of);
            assert!(!also.contains(&family), "{family}");
        }
    }
}
