//! TODO luld_proximity

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.luld_proximity`
    LuldProximity {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(17),
    name: "luld_proximity",
    pattern: "nearness to an estimated price band",
    figures: &[],
    thresholds: &[],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl LuldProximity {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for LuldProximity {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
