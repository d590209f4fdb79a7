//! What a detector is: parameters, a few bytes a symbol, and what it does with what it is shown.
//!
//! A user's own implements [`Detector`] and is given to the shards with
//! [`Detectors::with_own`](crate::detect::Detectors::with_own), which a pipelined engine's layout does for each shard
//! ([`Layout::shards_with`](crate::pipeline::pipelined::Layout::shards_with)). Its alerts, their names and
//! clusters, its state in digests and snapshots and its evaluation are those of any other.
//! `examples/own_detector.rs` is one.

use bytemuck::Pod;

use crate::detect::parameter::Arming;
use crate::detect::raised::Raised;
use crate::detect::seen::{Second, Seen};
use crate::detect::spec::Spec;

/// See the module.
///
/// **Parameters** of a user's own are what its `Debug` shows: an engine goes on from an image only if they are
/// the same.
///
/// **State** is plain old data, `()` for none; all zero has seen nothing. It is kept, hashed and restored as its bytes, so
/// whatever they are no hook may panic: index by mask, count with saturation. A hook reads no clock and
/// no random number, and allocates nothing.
///
/// Each hook answers whether the condition holds now, and how much. It need not say when it has ceased:
/// an alert ends when nothing has held it up for the cool-down.
pub trait Detector {
    /// What is kept of a symbol.
    type State: Pod;

    /// What it is called and when it is armed.
    fn spec(&self) -> &'static Spec;

    /// From which score on alerts of a user's own open, and how long nothing may hold them up. Ours are armed
    /// by the configuration.
    fn arming(&self) -> Arming {
        Arming::default()
    }

    /// The value of a parameter that the specification of a user's own names as a threshold.
    fn threshold(&self, _name: &str) -> Option<f64> {
        None
    }

    /// An order has entered, was reduced, executed, replaced or has left.
    #[inline(always)]
    fn on_order(&self, _state: &mut Self::State, _seen: &Seen<'_>) -> Option<Raised> {
        None
    }

    /// A print that counts and is no cross, before the quote that it led to is told.
    #[inline(always)]
    fn on_print(&self, _state: &mut Self::State, _seen: &Seen<'_>) -> Option<Raised> {
        None
    }

    /// The best bid or offer has changed in price or size.
    #[inline(always)]
    fn on_quote(&self, _state: &mut Self::State, _seen: &Seen<'_>) -> Option<Raised> {
        None
    }

    /// A second of the symbol has ended; what is usual is as it was before it. The message in `seen` is the
    /// first behind it, and not counted or applied in `second`.
    #[inline(always)]
    fn on_second(
        &self,
        _state: &mut Self::State,
        _seen: &Seen<'_>,
        _second: &Second,
    ) -> Option<Raised> {
        None
    }

    /// What the directory says, a trading action, an imbalance or a cross.
    #[inline(always)]
    fn on_notice(&self, _state: &mut Self::State, _seen: &Seen<'_>) -> Option<Raised> {
        None
    }

    /// Feed time has come to where somebody wished to be woken, see [`Seen::wake_at`].
    #[inline(always)]
    fn on_wake(&self, _state: &mut Self::State, _seen: &Seen<'_>) -> Option<Raised> {
        None
    }
}
