//! TODO price_jump

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.price_jump`
    PriceJump {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(9),
    name: "price_jump",
    pattern: "a jump of the price",
    figures: &[],
    thresholds: &[],
    phases: Phases::MARKET,
    warm_up_seconds: 60,
    family: Family::Price,
};

impl PriceJump {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for PriceJump {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
