//! TODO noii_swing

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.noii_swing`
    NoiiSwing {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(24),
    name: "noii_swing",
    pattern: "a swing of the order imbalance",
    figures: &[],
    thresholds: &[],
    phases: Phases::TRADING,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl NoiiSwing {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for NoiiSwing {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
