//! TODO off_market_print

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.off_market_print`
    OffMarketPrint {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(15),
    name: "off_market_print",
    pattern: "a print off the market",
    figures: &[],
    thresholds: &[],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl OffMarketPrint {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for OffMarketPrint {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
