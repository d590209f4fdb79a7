//! TODO mini_flash_crash

use bytemuck::{Pod, Zeroable};

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, Family, Spec};

crate::parameters! {
    /// `detect.mini_flash_crash`
    MiniFlashCrash {
    }
}

/// What is kept of a symbol.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    reserved: u64,
}

static SPEC: Spec = Spec {
    code: DetectorCode(8),
    name: "mini_flash_crash",
    pattern: "a mini flash crash or spike",
    figures: &[],
    thresholds: &[],
    phases: Phases::TRADING,
    warm_up_seconds: 0,
    family: Family::Price,
};

impl MiniFlashCrash {
    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl Detector for MiniFlashCrash {
    type State = State;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}
