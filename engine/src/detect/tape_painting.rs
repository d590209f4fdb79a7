//! TODO tape_painting

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.tape_painting`
    TapePainting {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(27),
    name: "tape_painting",
    pattern: "painting of the tape (a hint: identities are not known)",
    figures: &[],
    thresholds: &[],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Volume,
};

impl TapePainting {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for TapePainting {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
