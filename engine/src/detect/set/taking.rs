//! What becomes of a detector's answer: an alert opens, or is held up.
//!
//! Written by [`Detectors`](super::Detectors) alone, symbol by symbol; what opens goes to the shard's outbox.

use crate::detect::alert::{Change, Told};

use crate::detect::episode::{Episode, HOLD_LEVEL};
use crate::detect::own::OwnSpec;
use crate::detect::raised::{Raised, Score};
use crate::detect::record::Episodes;
use crate::detect::seen::Seen;
use crate::detect::spec::Spec;
use crate::signal::Outbox;
use crate::units::{Nanos, Position};

/// Runs a hook of some of our detectors, and takes what they answer.
macro_rules! run {
    (@one $self:ident, $states:ident, $taken:ident, $hook:ident, ($($argument:expr),*), $field:ident) => {
        let armed = &$self.settings.$field;
        if $self.enabled >> Episodes::place(armed.own.spec().code) & 1 == 1
            && let Some(raised) = armed.own.$hook(&mut $states.$field, $($argument),*)
        {
            $taken.take(armed.own.spec(), armed.arming.min_score, armed.arming.cool_down, &raised);
        }
    };
    ($self:ident, $states:ident, $taken:ident, $hook:ident $arguments:tt: $($field:ident),*) => {
        $(run!(@one $self, $states, $taken, $hook, $arguments, $field);)*
    };
}
pub(super) use run;

/// Takes answers: opens what opens, holds up what is open.
pub(super) struct Taking<'a, 's> {
    pub(super) seen: &'a Seen<'s>,
    pub(super) episodes: &'a mut Episodes,
    pub(super) outbox: &'a mut Outbox,
    pub(super) position: Position,
    pub(super) is_suspect: bool,
}

impl Taking<'_, '_> {
    #[cold]
    #[inline(never)]
    pub(super) fn take(&mut self, spec: &Spec, min_score: f64, cool_down_ns: f64, raised: &Raised) {
        let place = Episodes::place(spec.code);
        let Raised { level, since, figures, print } = *raised;
        let here = self.seen.here();
        let is_open = self.episodes.open >> place & 1 == 1;
        let Some(episode) = self.episodes.by_detector.get_mut(place) else { return };
        if is_open {
            if level >= HOLD_LEVEL {
                episode.hold(here, level, figures);
            }
            return;
        }
        let is_armed = spec.phases.has(self.seen.phase)
            && self.seen.profile.seconds() >= u64::from(spec.warm_up_seconds);
        if !(level >= 1.0 && is_armed && Score::of_level(level).get() >= min_score) {
            return;
        }
        let opened = &mut self.episodes.opened[place];
        if *opened == here.sequence.0 {
            // One has opened with this message and is over: in a long silence many lines pass with it. A
            // second one would have its name.
            return;
        }
        *opened = here.sequence.0;
        *episode = Episode::open(since, here, level, figures);
        episode.print = print.map_or(0, |print| print.0.wrapping_add(1));
        self.episodes.open |= 1 << place;
        self.seen.wake_at(Nanos(episode.ends_ns(cool_down_ns)));
        let told = Told {
            code: spec.code,
            change: Change::Open,
            phase: self.seen.phase,
            is_suspect: self.is_suspect,
            episode: *episode,
            print,
        };
        told.emit(self.outbox, self.position, self.seen.time, self.seen.symbol);
    }
}

/// Takes an answer of a user's detector.
pub(super) fn take_own(taken: &mut Taking<'_, '_>, own: &OwnSpec, raised: &Raised) {
    taken.take(own.spec, own.arming.min_score, own.arming.cool_down, raised);
}
