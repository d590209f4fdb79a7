//! What the alerts of an engine's detectors are called, and what they are held against: ours and users' own.
//!
//! Made of the shards' detectors ([`Detectors::catalogue`](crate::detect::Detectors::catalogue)) or of
//! parameters alone; the market stage reads of it what clusters, whoever writes alerts down their names.

use crate::detect::settings::Settings;
use crate::detect::spec::{DetectorCode, Family, Spec};

/// One detector.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its names.
    pub spec: &'static Spec,
    /// The parameters that stand as thresholds in its alerts, in the order of the specification.
    pub thresholds: Vec<(&'static str, f64)>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// In the order of their codes.
    described: Vec<Described>,
}

impl Catalogue {
    /// Of our detectors under these parameters.
    #[must_use]
    pub fn of(settings: &Settings) -> Catalogue {
        let thresholds = |spec| settings.thresholds(spec).collect();
        let described = |spec| Described { spec, thresholds: thresholds(spec) };
        Catalogue { described: Settings::specs().into_iter().map(described).collect() }
    }

    /// With a user's own, whose code is behind all others.
    pub(crate) fn with(mut self, own: Described) -> Catalogue {
        self.described.push(own);
        self
    }

    /// All, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &Described> {
        self.described.iter()
    }

    /// The detector with this code, if there is one.
    #[must_use]
    pub fn get(&self, code: DetectorCode) -> Option<&Described> {
        let at = self.described.binary_search_by_key(&code, |it| it.spec.code).ok()?;
        self.described.get(at)
    }

    /// What a detector's alerts cluster with.
    #[must_use]
    pub fn family(&self, code: DetectorCode) -> Family {
        self.get(code).map_or(Family::Other, |it| it.spec.family)
    }
}
