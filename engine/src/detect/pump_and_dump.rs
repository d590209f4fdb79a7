//! TODO pump_and_dump

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.pump_and_dump`
    PumpAndDump {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(22),
    name: "pump_and_dump",
    pattern: "a pump and dump",
    figures: &[],
    thresholds: &[],
    phases: Phases::TRADING,
    warm_up_seconds: 0,
    family: Family::Price,
};

impl PumpAndDump {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for PumpAndDump {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
