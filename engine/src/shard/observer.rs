//! Who is told what a shard does, event by event and run by run.
//!
//! An observer is called on the shard's thread, with the state at hand, and is part of that thread's
//! time. It is statically dispatched: what an observer does not want costs nothing. It changes no state.

use super::Shard;
use crate::event::Event;
use crate::prints::Print;

/// What applying one event led to, for an observer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The event printed, and the print counts.
    pub print: Option<Print>,
    /// The event broke this print; it no longer counts.
    pub broken: Option<Print>,
    /// The best bid or offer changed in price or size.
    pub best_changed: bool,
}

/// Called in the shard after each applied event, with the state that the event led to.
///
/// Statically dispatched; `()` is the absent observer and costs nothing.
pub trait Observer {
    /// Whether [`Observer::on_event`] is to be called at all.
    const ACTIVE: bool = true;

    /// Whether the runs of events are to be told: [`Observer::before_run`] and what follows it.
    const RUNS: bool = false;

    /// The event has been applied.
    fn on_event(&mut self, event: &Event, outcome: &Outcome, shard: &Shard);

    /// A run of events is about to be applied: a packet's, or those that a ring held.
    fn before_run(&mut self, _events: &[Event], _shard: &Shard) {}

    /// The run has been applied. There may be marks in it, which have no symbol.
    fn after_run(&mut self, _events: &[Event], _shard: &Shard) {}

    /// The shard has nothing to apply at the moment. Returns whether there is more to be done in that time,
    /// so that it is asked again before the shard's thread waits.
    fn when_idle(&mut self, _shard: &Shard) -> bool {
        false
    }
}

impl Observer for () {
    const ACTIVE: bool = false;

    fn on_event(&mut self, _event: &Event, _outcome: &Outcome, _shard: &Shard) {}
}

/// Both, in this order.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const ACTIVE: bool = A::ACTIVE || B::ACTIVE;
    const RUNS: bool = A::RUNS || B::RUNS;

    #[inline(always)]
    fn on_event(&mut self, event: &Event, outcome: &Outcome, shard: &Shard) {
        if A::ACTIVE {
            self.0.on_event(event, outcome, shard);
        }
        if B::ACTIVE {
            self.1.on_event(event, outcome, shard);
        }
    }

    #[inline(always)]
    fn before_run(&mut self, events: &[Event], shard: &Shard) {
        self.0.before_run(events, shard);
        self.1.before_run(events, shard);
    }

    #[inline(always)]
    fn after_run(&mut self, events: &[Event], shard: &Shard) {
        self.0.after_run(events, shard);
        self.1.after_run(events, shard);
    }

    #[inline(always)]
    fn when_idle(&mut self, shard: &Shard) -> bool {
        let has_more = self.0.when_idle(shard);
        self.1.when_idle(shard) || has_more
    }
}

/// An observer, where there is one.
impl<A: Observer> Observer for Option<A> {
    const ACTIVE: bool = A::ACTIVE;
    const RUNS: bool = A::RUNS;

    #[inline(always)]
    fn on_event(&mut self, event: &Event, outcome: &Outcome, shard: &Shard) {
        if let Some(observer) = self {
            observer.on_event(event, outcome, shard);
        }
    }

    #[inline(always)]
    fn before_run(&mut self, events: &[Event], shard: &Shard) {
        if let Some(observer) = self {
            observer.before_run(events, shard);
        }
    }

    #[inline(always)]
    fn after_run(&mut self, events: &[Event], shard: &Shard) {
        if let Some(observer) = self {
            observer.after_run(events, shard);
        }
    }

    #[inline(always)]
    fn when_idle(&mut self, shard: &Shard) -> bool {
        self.as_mut().is_some_and(|observer| observer.when_idle(shard))
    }
}
