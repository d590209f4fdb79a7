//! Detectors that users bring, behind one table of functions.

use core::fmt::Debug;

use bytemuck::Zeroable;

use crate::detect::catalogue::Described;
use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::{DetectorCode, FIGURES_MAX, Spec};
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::window::encoding::{DecodeError, Reader};

/// What a user's detector is called, and how it is armed.
pub(crate) struct OwnSpec {
    pub(crate) spec: &'static Spec,
    pub(crate) arming: Arming,
}

/// A user's detector with its states, whatever their type.
pub(crate) trait OwnDetector: Send {
    fn spec(&self) -> &OwnSpec;
    fn described(&self) -> Described;
    fn fingerprint_text(&self) -> String;
    fn admit(&mut self, len: usize) -> bool;
    fn on_order(&mut self, seen: &Seen<'_>) -> Option<Raised>;
    fn on_print(&mut self, seen: &Seen<'_>) -> Option<Raised>;
    fn on_quote(&mut self, seen: &Seen<'_>) -> Option<Raised>;
    fn on_second(&mut self, seen: &Seen<'_>, second: &Second) -> Option<Raised>;
    fn on_notice(&mut self, seen: &Seen<'_>) -> Option<Raised>;
    fn on_wake(&mut self, seen: &Seen<'_>) -> Option<Raised>;
    fn state_bytes(&self, symbol: usize) -> &[u8];
    fn restore(&mut self, symbol: usize, reader: &mut Reader<'_>) -> Result<(), DecodeError>;
}

/// A detector and what it keeps of each symbol.
pub(crate) struct Own<D: Detector> {
    detector: D,
    spec: OwnSpec,
    states: MappedVec<D::State>,
    empty: D::State,
}

impl<D: Detector> Own<D> {
    /// # Panics
    /// If its specification contradicts itself: a fault of whoever wrote it.
    pub(crate) fn new(detector: D, symbols_max: usize) -> Result<Self, MemoryError> {
        let (spec, arming) = (detector.spec(), detector.arming());
        assert!(
            spec.figures.len() <= FIGURES_MAX,
            "Invariant: {} has {FIGURES_MAX} figures at most",
            spec.name
        );
        for threshold in spec.thresholds {
            assert!(
                detector.threshold(threshold).is_some(),
                "Invariant: {} tells the value of {threshold}, which it names as a threshold",
                spec.name
            );
        }
        let states = MappedVec::with_capacity(symbols_max, Pages::Base)?;
        Ok(Own { detector, spec: OwnSpec { spec, arming }, states, empty: D::State::zeroed() })
    }
}

macro_rules! hooks {
    ($($hook:ident($($argument:ident: $type:ty),*)),*) => {
        $(fn $hook(&mut self, seen: &Seen<'_>, $($argument: $type),*) -> Option<Raised> {
            if self.spec.arming.enabled <= 0.0 {
                return None;
            }
            let state = self.states.get_mut(seen.symbol.0 as usize)?;
            self.detector.$hook(state, seen, $($argument),*)
        })*
    };
}

impl<D: Detector + Debug + Send> OwnDetector for Own<D>
where
    D::State: Send,
{
    fn spec(&self) -> &OwnSpec {
        &self.spec
    }

    fn described(&self) -> Described {
        let spec = self.spec.spec;
        let value = |name: &&'static str| Some((*name, self.detector.threshold(name)?));
        Described { spec, thresholds: spec.thresholds.iter().filter_map(value).collect() }
    }

    /// All that its alerts and the bytes of its states depend on, in a line. Debug escapes quotes and line
    /// ends, so that no two detectors have one text.
    fn fingerprint_text(&self) -> String {
        let OwnSpec { spec, arming } = &self.spec;
        let Spec { code: DetectorCode(code), name, phases, warm_up_seconds, family, .. } = spec;
        let Arming { enabled, min_score, cool_down } = arming;
        let (state_bytes, parameters) = (size_of::<D::State>(), format!("{:?}", self.detector));
        format!(
            "own.{code} name={name:?} phases={phases:?} warm_up={warm_up_seconds} family={family:?} \
             enabled={enabled} min_score={min_score} cool_down={cool_down} \
             state_bytes={state_bytes} parameters={parameters:?}\n"
        )
    }

    fn admit(&mut self, len: usize) -> bool {
        self.states.grow_to(len)
    }

    hooks!(
        on_order(),
        on_print(),
        on_quote(),
        on_second(second: &Second),
        on_notice(),
        on_wake()
    );

    fn state_bytes(&self, symbol: usize) -> &[u8] {
        bytemuck::bytes_of(self.states.get(symbol).unwrap_or(&self.empty))
    }

    fn restore(&mut self, symbol: usize, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let bytes = reader.bytes(size_of::<D::State>())?;
        if !self.states.grow_to(symbol + 1) {
            return Err(reader.refuse("a symbol past the limit"));
        }
        self.states[symbol] = bytemuck::pod_read_unaligned(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
