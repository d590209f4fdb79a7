//! TODO clearly_erroneous

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.clearly_erroneous`
    ClearlyErroneous {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(16),
    name: "clearly_erroneous",
    pattern: "a clearly erroneous print",
    figures: &[],
    thresholds: &[],
    phases: Phases::TRADING,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl ClearlyErroneous {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for ClearlyErroneous {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
