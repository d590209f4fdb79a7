//! The parameters of all detectors: which there are, by name; read and printed by tables.

use core::fmt::Write as _;

use crate::detect::detector::Detector;
use crate::detect::parameter::{Armed, Arming, Parameter, Parameters};
use crate::detect::spec::{DetectorCode, Spec};
use crate::detect::{
    book_imbalance::BookImbalance, clearly_erroneous::ClearlyErroneous,
    depth_evaporation::DepthEvaporation, fleeting_orders::FleetingOrders,
    flickering_quote::FlickeringQuote, halt::Halt, layering::Layering,
    locked_crossed::LockedCrossed, luld_proximity::LuldProximity, market_cluster::MarketCluster,
    marking_the_close::MarkingTheClose, message_burst::MessageBurst,
    mini_flash_crash::MiniFlashCrash, momentum_ignition::MomentumIgnition, noii_swing::NoiiSwing,
    off_market_print::OffMarketPrint, ofi_shock::OfiShock, pinging::Pinging, price_jump::PriceJump,
    pump_and_dump::PumpAndDump, quote_stuffing::QuoteStuffing, spoofing::Spoofing,
    spread_blowout::SpreadBlowout, stale_symbol::StaleSymbol, tape_painting::TapePainting,
    volume_spike::VolumeSpike,
};

crate::parameters! {
    /// What concerns no single detector.
    Whole {
        enabled: Flag = 1, 0..1, "Whether anything is detected.", "";
        opening: Time = 9e11, 0..864e11, "The opening phase: so long after market hours begin.", "convention";
        reopening: Time = 3e11, 0..864e11, "The reopening phase: so long after a halt.", "convention";
    }
}

/// Calls a macro with `field: Type` of every detector of a symbol, in the order in which their states lie: those
/// that every message of an order touches first, then those of a change of the best, then the rest.
macro_rules! symbol_detectors {
    ($call:ident) => {
        $call! {
            quote_stuffing: QuoteStuffing,
            fleeting_orders: FleetingOrders,
            spread_blowout: SpreadBlowout,
            locked_crossed: LockedCrossed,
            depth_evaporation: DepthEvaporation,
            price_jump: PriceJump,
            flickering_quote: FlickeringQuote,
            spoofing: Spoofing,
            layering: Layering,
            momentum_ignition: MomentumIgnition,
            mini_flash_crash: MiniFlashCrash,
            volume_spike: VolumeSpike,
            off_market_print: OffMarketPrint,
            clearly_erroneous: ClearlyErroneous,
            luld_proximity: LuldProximity,
            pinging: Pinging,
            tape_painting: TapePainting,
            book_imbalance: BookImbalance,
            ofi_shock: OfiShock,
            stale_symbol: StaleSymbol,
            halt: Halt,
            marking_the_close: MarkingTheClose,
            pump_and_dump: PumpAndDump,
            noii_swing: NoiiSwing
        }
    };
}
pub(crate) use symbol_detectors;

macro_rules! settings {
    ($($field:ident: $type:ident),*) => {
        /// Parameters of every detector. [`Settings::default`] is what holds without a configuration.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Settings {
            /// What concerns no single detector.
            pub whole: Whole,
            $(#[doc = concat!("`detect.", stringify!($field), "`")] pub $field: Armed<$type>,)*
            /// `detect.message_burst`
            pub message_burst: Armed<MessageBurst>,
            /// `detect.market_cluster`
            pub market_cluster: Armed<MarketCluster>,
        }

        impl Default for Settings {
            fn default() -> Self {
                Settings {
                    whole: Whole::default(),
                    $($field: Armed { arming: $type::arming(), own: $type::default() },)*
                    message_burst: Armed { arming: MessageBurst::arming(), own: MessageBurst::default() },
                    market_cluster: Armed { arming: MarketCluster::arming(), own: MarketCluster::default() },
                }
            }
        }

        impl Settings {
            /// The specifications of all detectors.
            #[must_use]
            pub fn specs() -> Vec<&'static Spec> {
                let settings = Settings::default();
                let mut specs = vec![$(settings.$field.own.spec(),)* MessageBurst::SPEC, MarketCluster::SPEC];
                specs.sort_by_key(|spec| spec.code);
                specs
            }

            /// The arming of the detector with this code.
            #[must_use]
            pub fn arming(&self, code: DetectorCode) -> Option<&Arming> {
                $(if self.$field.own.spec().code == code { return Some(&self.$field.arming); })*
                if MessageBurst::SPEC.code == code { return Some(&self.message_burst.arming); }
                if MarketCluster::SPEC.code == code { return Some(&self.market_cluster.arming); }
                None
            }

            /// The tables of a detector by its name: what all have with its defaults, then its own.
            #[must_use]
            pub fn tables(detector: &str) -> Option<(Arming, &'static [Parameter])> {
                match detector {
                    $(stringify!($field) => Some(($type::arming(), $type::TABLE)),)*
                    "message_burst" => Some((MessageBurst::arming(), MessageBurst::TABLE)),
                    "market_cluster" => Some((MarketCluster::arming(), MarketCluster::TABLE)),
                    _ => None,
                }
            }

            /// A value by its detector's name (empty for what concerns none) and its own.
            pub fn value_mut(&mut self, detector: &str, name: &str) -> Option<&mut f64> {
                match detector {
                    "" => self.whole.value_mut(name),
                    $(stringify!($field) => match name {
                        "enabled" | "min_score" | "cool_down" => self.$field.arming.value_mut(name),
                        _ => self.$field.own.value_mut(name),
                    },)*
                    "message_burst" => match name {
                        "enabled" | "min_score" | "cool_down" => self.message_burst.arming.value_mut(name),
                        _ => self.message_burst.own.value_mut(name),
                    },
                    "market_cluster" => match name {
                        "enabled" | "min_score" | "cool_down" => self.market_cluster.arming.value_mut(name),
                        _ => self.market_cluster.own.value_mut(name),
                    },
                    _ => None,
                }
            }
        }
    };
}
symbol_detectors!(settings);

impl Settings {
    /// The names of all detectors, in the order of their codes.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Settings::specs().iter().map(|spec| spec.name).collect()
    }

    /// A value by its detector's name (empty for what concerns none) and its own.
    #[must_use]
    pub fn value(&self, detector: &str, name: &str) -> Option<f64> {
        let mut copy = *self;
        copy.value_mut(detector, name).copied()
    }

    /// Nothing is detected.
    #[must_use]
    pub fn off() -> Settings {
        Settings { whole: Whole { enabled: 0.0, ..Whole::default() }, ..Settings::default() }
    }

    /// Whether anything is detected.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.whole.enabled > 0.0
    }

    /// The figures that stand as thresholds in alerts of a detector, with their names.
    pub fn thresholds(&self, spec: &Spec) -> impl Iterator<Item = (&'static str, f64)> {
        let (copy, detector) = (*self, spec.name);
        spec.thresholds.iter().filter_map(move |name| Some((*name, copy.value(detector, name)?)))
    }

    /// All values as canonical text, for the section's fingerprint.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut put = |detector: &str, table: &[Parameter]| {
            for Parameter { name, .. } in table {
                let value = self.value(detector, name).unwrap_or_default();
                // Writing to a string cannot fail.
                let _ = writeln!(text, "detect.{detector}.{name}={value}");
            }
        };
        put("", Whole::TABLE);
        for detector in Settings::names() {
            put(detector, Arming::TABLE);
            if let Some((_, own)) = Settings::tables(detector) {
                put(detector, own);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_each_ones_own_and_pinned() {
        let specs = Settings::specs();
        let all: Vec<_> = specs.iter().map(|spec| (spec.code.0, spec.name)).collect();
        let expected = [
            (1, "quote_stuffing"),
            (2, "message_burst"),
            (3, "flickering_quote"),
            (4, "fleeting_orders"),
            (5, "spoofing"),
            (6, "layering"),
            (7, "momentum_ignition"),
            (8, "mini_flash_crash"),
            (9, "price_jump"),
            (10, "volume_spike"),
            (11, "spread_blowout"),
            (12, "depth_evaporation"),
            (13, "book_imbalance"),
            (14, "locked_crossed"),
            (15, "off_market_print"),
            (16, "clearly_erroneous"),
            (17, "luld_proximity"),
            (18, "halt"),
            (19, "stale_symbol"),
            (21, "marking_the_close"),
            (22, "pump_and_dump"),
            (23, "pinging"),
            (24, "noii_swing"),
            (25, "ofi_shock"),
            (26, "market_cluster"),
            (27, "tape_painting"),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn every_value_is_found_by_its_name_within_its_range_and_in_the_text() {
        let mut settings = Settings::default();
        let before = settings.text();
        for detector in Settings::names() {
            let (arming, own) = Settings::tables(detector).unwrap();
            for parameter in Arming::TABLE.iter().chain(own) {
                let value = settings.value(detector, parameter.name).unwrap();
                let is_arming = Arming::TABLE.iter().any(|it| it.name == parameter.name);
                let default = if is_arming {
                    arming.value(parameter.name).unwrap()
                } else {
                    parameter.default
                };
                assert_eq!(value, default, "{detector}.{}", parameter.name);
                assert!(
                    (parameter.min..=parameter.max).contains(&value),
                    "{detector}.{}",
                    parameter.name
                );
                *settings.value_mut(detector, parameter.name).unwrap() = parameter.max + 1.0;
            }
            let spec = Settings::specs().into_iter().find(|spec| spec.name == detector).unwrap();
            assert_eq!(settings.thresholds(spec).count(), spec.thresholds.len(), "{detector}");
            assert!(spec.figures.len() <= crate::detect::spec::FIGURES_MAX, "{detector}");
        }
        let after = settings.text();
        let same = before.lines().zip(after.lines()).filter(|(one, other)| one == other).count();
        assert_eq!(same, Whole::TABLE.len());
        assert_eq!(settings.value("spoofing", "nothing"), None);
        assert_eq!(settings.value("nothing", "enabled"), None);
    }
}
