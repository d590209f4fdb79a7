//! TODO locked_crossed

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.locked_crossed`
    LockedCrossed {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(14),
    name: "locked_crossed",
    pattern: "a locked or crossed book",
    figures: &[],
    thresholds: &[],
    phases: Phases::MARKET,
    warm_up_seconds: 0,
    family: Family::Rule,
};

impl LockedCrossed {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for LockedCrossed {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
