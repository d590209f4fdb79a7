//! Detectors that users bring, behind one table of functions.

use bytemuck::Zeroable;

use crate::detect::detector::Detector;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::Spec;
use crate::memory::mapped_vec::{MappedVec, MemoryError, Pages};
use crate::window::encoding::{DecodeError, Reader};

/// A user's detector with its states, whatever their type.
pub(crate) trait OwnDetector: Send {
    fn spec(&self) -> &'static Spec;
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
    states: MappedVec<D::State>,
    empty: D::State,
}

impl<D: Detector> Own<D> {
    pub(crate) fn new(detector: D, symbols_max: usize) -> Result<Self, MemoryError> {
        let states = MappedVec::with_capacity(symbols_max, Pages::Base)?;
        Ok(Own { detector, states, empty: D::State::zeroed() })
    }
}

macro_rules! hooks {
    ($($hook:ident($($argument:ident: $type:ty),*)),*) => {
        $(fn $hook(&mut self, seen: &Seen<'_>, $($argument: $type),*) -> Option<Raised> {
            let state = self.states.get_mut(seen.symbol.0 as usize)?;
            self.detector.$hook(state, seen, $($argument),*)
        })*
    };
}

impl<D: Detector + Send> OwnDetector for Own<D>
where
    D::State: Send,
{
    fn spec(&self) -> &'static Spec {
        self.detector.spec()
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
