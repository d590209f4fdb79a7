//! TODO marking_the_close

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.marking_the_close`
    MarkingTheClose {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(21),
    name: "marking_the_close",
    pattern: "marking of the close",
    figures: &[],
    thresholds: &[],
    phases: Phases::TRADING,
    warm_up_seconds: 0,
    family: Family::Price,
};

impl MarkingTheClose {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for MarkingTheClose {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
