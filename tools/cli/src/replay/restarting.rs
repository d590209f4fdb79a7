//! A run that goes on from a snapshot, until it has come to where the session was: measured.

use std::time::{Duration, Instant};

use engine::snapshot::{Accepted, SnapshotHead};
use engine::units::Sequence;

use crate::output::summary::Restarted;

/// See the module.
pub(super) struct Restarting {
    /// What the snapshot has seen.
    pub(super) accepted: Accepted,
    sequence: Sequence,
    messages: u64,
    began: Instant,
    restored: Duration,
    /// When it had all, and how many messages the engine had applied by then.
    ready: Option<(Duration, u64)>,
}

impl Restarting {
    /// Of a command that `began` and has just put its engine where a snapshot was taken.
    pub(super) fn of(head: &SnapshotHead, began: Instant) -> Restarting {
        Restarting {
            accepted: head.accepted,
            sequence: head.last_sequence,
            messages: head.messages,
            began,
            restored: began.elapsed(),
            ready: None,
        }
    }

    /// What the journal had is applied, `messages` in all. Only the first time counts.
    #[inline]
    pub(super) fn is_ready(&mut self, messages: u64) {
        if self.ready.is_none() {
            self.ready = Some((self.began.elapsed(), messages));
        }
    }

    /// What it came to; at the end of the input, after `messages`, all is applied in any case.
    pub(super) fn done(mut self, messages: u64) -> Restarted {
        self.is_ready(messages);
        let (ready, reached) = self.ready.unwrap_or_default();
        Restarted {
            sequence: self.sequence,
            messages: self.messages,
            recovered_messages: reached.saturating_sub(self.messages),
            restored: self.restored,
            ready,
        }
    }
}
