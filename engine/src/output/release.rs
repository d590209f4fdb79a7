//! When an output may be appended: once what caused it is accepted.
//!
//! A message is accepted when it is appended to the journal, or synced, by configuration. Every record is
//! handed to the journal before the engine sees it, so whoever holds an output asks how many were
//! handed over by then (a [`Mark`]) and waits until so many are appended. A journal thread gets there
//! by itself: no later message is needed, however many outputs one message has.
//!
//! **Failed.** With [`OnError::Stop`] an output whose cause will never be journaled is never released.
//! With [`OnError::ContinueUnjournaled`] everything is released from then on: the session goes on, and is
//! marked incomplete. [`Acceptance::holds`] tells of what is on record alone.
//!
//! Asked from any thread; no lock, no system call.

use crate::journal::writer::{Journal, OnError};
use crate::log::options::SyncLevel;
use crate::log::position::Position as LogPosition;
use crate::log::tails::LogTails;

/// How far a session's input is accepted. See the module.
#[derive(Clone, Debug)]
pub struct Acceptance {
    journal: Option<Accepting>,
}

/// The journal that stands before the engine.
#[derive(Clone, Debug)]
struct Accepting {
    tails: LogTails,
    /// Whether it is appended to before the engine sees a record.
    is_inline: bool,
    goes_on_unjournaled: bool,
    is_by_sync: bool,
}

/// All that was handed to the journal up to some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// A journal that is never synced was to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("outputs are to wait until the journal is synced, and it is never synced")]
pub struct NeverSynced;

impl Acceptance {
    /// There is no journal: nothing is on record, everything is released.
    #[must_use]
    pub fn unjournaled() -> Acceptance {
        Acceptance { journal: None }
    }

    /// What is appended to `journal` is accepted.
    #[must_use]
    pub fn appended(journal: &Journal) -> Acceptance {
        let accepting = Accepting {
            tails: journal.tails().clone(),
            is_inline: journal.is_inline(),
            goes_on_unjournaled: journal.on_error() == OnError::ContinueUnjournaled,
            is_by_sync: false,
        };
        Acceptance { journal: Some(accepting) }
    }

    /// What of `journal` outlives a loss of power is accepted.
    ///
    /// # Errors
    /// The journal is never synced.
    pub fn synced(journal: &Journal) -> Result<Acceptance, NeverSynced> {
        if journal.sync_level() == SyncLevel::None {
            return Err(NeverSynced);
        }
        let mut acceptance = Acceptance::appended(journal);
        if let Some(accepting) = &mut acceptance.journal {
            accepting.is_by_sync = true;
        }
        Ok(acceptance)
    }

    /// All that was handed to the journal so far: whatever made the engine tell what the caller holds is
    /// among it.
    #[inline]
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.journal.as_ref().map_or(0, |journal| journal.tails.handed()))
    }

    /// Whether all up to `mark` stands in the journal. Without one nothing does.
    #[inline]
    #[must_use]
    pub fn holds(&self, mark: Mark) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.tails.records() >= mark.0)
    }

    /// Whether nothing that comes out ever waits.
    #[inline(always)]
    pub(super) fn is_immediate(&self) -> bool {
        // Inline, what the engine sees is appended; or it is not and the session goes on without.
        self.journal.as_ref().is_none_or(|journal| journal.is_inline && !journal.is_by_sync)
    }

    /// Whether nothing waits any more: the journal has failed, and the session goes on without.
    #[inline]
    pub(super) fn is_given_up(&self) -> bool {
        self.journal
            .as_ref()
            .is_some_and(|journal| journal.goes_on_unjournaled && journal.tails.refuses())
    }

    /// Whether what is not accepted by now never will be.
    pub(super) fn is_over(&self) -> bool {
        self.journal
            .as_ref()
            .is_some_and(|journal| !journal.goes_on_unjournaled && journal.tails.refuses())
    }

    /// How far the journal must be synced for what is handed over up to `mark`, which it has; the start if
    /// it need not be.
    #[inline]
    pub(super) fn sync_wanted(&self, mark: Mark) -> LogPosition {
        match &self.journal {
            // Nothing is what was there when the journal was reopened, which has synced it.
            Some(journal) if journal.is_by_sync && mark.0 > 0 => journal.tails.appended(),
            _ => LogPosition::START,
        }
    }

    /// Whether the journal is synced so far.
    #[inline]
    pub(super) fn is_synced(&self, wanted: LogPosition) -> bool {
        wanted == LogPosition::START
            || self.journal.as_ref().is_none_or(|journal| journal.tails.synced() >= wanted)
    }

    /// Why the journal takes nothing more, in words.
    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.journal.as_ref()?.tails.failure()?;
        Some(failure.to_string())
    }
}
