//! The time that live feeds are told: the wall clock as it was at the start, moved on by a clock that
//! only rises. So timers do not jump when the host's time is set.

use std::time::{Duration, Instant};

use engine::units::Nanos;

use crate::udp;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    wall: Nanos,
    since: Instant,
}

impl Clock {
    /// A clock that shows the wall clock's time.
    pub(super) fn start() -> Clock {
        Clock { wall: udp::now(), since: Instant::now() }
    }

    /// The time now.
    #[inline]
    pub(super) fn now(&self) -> Nanos {
        let elapsed_ns = i64::try_from(self.since.elapsed().as_nanos()).unwrap_or(i64::MAX);
        Nanos(self.wall.0.saturating_add(elapsed_ns))
    }
}

/// How long from `now` until `then`; nothing if that is over.
pub(super) fn until(now: Nanos, then: Nanos) -> Duration {
    Duration::from_nanos(then.since_ns(now))
}
