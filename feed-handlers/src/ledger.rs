//! The loss ledger: each hole of a feed that outlived the reordering of its lines, and what became of
//! it.
//!
//! The session writes; whoever reports reads. A loss is watched from when the lines had their time
//! until its last message has come or was given up, then it is listed. The list keeps the first
//! [`LISTED_MAX`] losses; those after it are only counted. What is watched is bounded by the holes
//! that the session keeps.

use std::collections::VecDeque;

use engine::units::{Nanos, Sequence};

use crate::gap::Hole;

/// Losses that are listed one by one.
pub const LISTED_MAX: usize = 65_536;

/// What became of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Still missing, and still waited for.
    Waiting,
    /// A line brought it after all, late.
    Line,
    /// A retransmission brought it, or some of it and lines the rest.
    Retransmission,
    /// Some or all of it was given up, and no snapshot has healed that yet.
    GivenUp,
    /// Some or all of it was given up, and a snapshot healed that.
    Snapshot,
}

/// A range that was missing for longer than lines take to reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The first missing message.
    pub first: Sequence,
    /// One past the last missing message.
    pub end: Sequence,
    /// When it was noticed.
    pub opened: Nanos,
    /// When it ended: its last message came or was given up, or a snapshot healed it.
    pub ended: Option<Nanos>,
    /// Messages of it that were given up.
    pub given_up: u64,
    /// One past the last of these; 0 if there are none.
    pub given_up_end: Sequence,
    /// How it ended.
    pub outcome: Outcome,
}

/// All losses so far, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounts {
    /// Losses noticed.
    pub opened: u64,
    /// Brought by a line after all.
    pub healed_by_line: u64,
    /// Brought by retransmission.
    pub healed_by_retransmit: u64,
    /// Healed by a snapshot.
    pub healed_by_snapshot: u64,
    /// Still missing or given up, and not healed.
    pub open: u64,
    /// Messages in all losses.
    pub messages: u64,
    /// Messages given up.
    pub given_up_messages: u64,
}

struct Watched {
    loss: Loss,
    /// Messages that are still missing.
    missing: u64,
    /// Whether a retransmission brought any.
    retransmitted: bool,
    /// Whether a snapshot healed what was given up so far.
    healed: bool,
}

/// The ledger of one feed.
#[derive(Default)]
pub struct Ledger {
    /// Ascending.
    watched: VecDeque<Watched>,
    listed: Vec<Loss>,
    counts: LossCounts,
    /// Given up, not healed and not listed; what was given up all lies before `unlisted_end`.
    unlisted_open: u64,
    unlisted_end: u64,
}

impl Ledger {
    /// All losses, counted.
    #[must_use]
    pub fn counts(&self) -> LossCounts {
        self.counts
    }

    /// The losses, in the order of their ends; those still waited for last.
    pub fn losses(&self) -> impl Iterator<Item = Loss> + '_ {
        self.listed.iter().copied().chain(self.watched.iter().map(|watched| watched.loss))
    }

    /// Losses that ended after the list was full.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.counts.opened - (self.listed.len() + self.watched.len()) as u64
    }

    /// Whether any loss is still waited for.
    #[inline]
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.watched.is_empty()
    }

    /// `hole` has outlived the reordering. Holes are told of in ascending order, each once.
    pub(crate) fn watch(&mut self, hole: Hole) {
        let missing = hole.end - hole.first;
        self.counts.opened += 1;
        self.counts.open += 1;
        self.counts.messages = self.counts.messages.saturating_add(missing);
        let loss = Loss {
            first: Sequence(hole.first),
            end: Sequence(hole.end),
            opened: hole.opened,
            ended: None,
            given_up: 0,
            given_up_end: Sequence(0),
            outcome: Outcome::Waiting,
        };
        self.watched.push_back(Watched { loss, missing, retransmitted: false, healed: false });
    }

    /// Messages from `first` up to `end` come now; `missing` tells how many of a range were missing
    /// up to now.
    pub(crate) fn fill(
        &mut self,
        first: u64,
        end: u64,
        retransmitted: bool,
        now: Nanos,
        missing: impl Fn(u64, u64) -> u64,
    ) {
        let mut at = self.watched.partition_point(|watched| watched.loss.end.0 <= first);
        while let Some(watched) = self.watched.get_mut(at)
            && watched.loss.first.0 < end
        {
            let loss = &watched.loss;
            let filled = missing(loss.first.0.max(first), loss.end.0.min(end));
            watched.missing -= filled;
            watched.retransmitted |= retransmitted && filled > 0;
            if !self.end_if_whole(at, now) {
                at += 1;
            }
        }
    }

    /// `hole` is missing and given up. All of it is watched, as one loss or several.
    pub(crate) fn give_up(&mut self, hole: Hole, now: Nanos) {
        let mut at = self.watched.partition_point(|watched| watched.loss.end.0 <= hole.first);
        while let Some(watched) = self.watched.get_mut(at)
            && watched.loss.first.0 < hole.end
        {
            let end = hole.end.min(watched.loss.end.0);
            let messages = end - hole.first.max(watched.loss.first.0);
            watched.missing -= messages;
            watched.loss.given_up += messages;
            watched.loss.given_up_end = Sequence(end);
            watched.healed = false;
            self.counts.given_up_messages = self.counts.given_up_messages.saturating_add(messages);
            if !self.end_if_whole(at, now) {
                at += 1;
            }
        }
    }

    /// A snapshot takes the place of all that came before `next`.
    pub(crate) fn heal(&mut self, next: u64, now: Nanos) {
        let mut healed = 0;
        for loss in &mut self.listed {
            if loss.outcome == Outcome::GivenUp && loss.given_up_end.0 <= next {
                loss.outcome = Outcome::Snapshot;
                loss.ended = Some(now);
                healed += 1;
            }
        }
        for watched in &mut self.watched {
            watched.healed |= watched.loss.given_up > 0 && watched.loss.given_up_end.0 <= next;
        }
        if self.unlisted_open > 0 && self.unlisted_end <= next {
            healed += core::mem::take(&mut self.unlisted_open);
        }
        self.counts.healed_by_snapshot += healed;
        self.counts.open -= healed;
    }

    /// Lists the watched loss `at` if nothing of it is missing any longer.
    fn end_if_whole(&mut self, at: usize, now: Nanos) -> bool {
        let Some(Watched { loss, retransmitted, healed, .. }) =
            self.watched.get_mut(at).filter(|watched| watched.missing == 0)
        else {
            return false;
        };
        loss.ended = Some(now);
        if loss.given_up > 0 && *healed {
            loss.outcome = Outcome::Snapshot;
            self.counts.healed_by_snapshot += 1;
            self.counts.open -= 1;
        } else if loss.given_up > 0 {
            loss.outcome = Outcome::GivenUp;
        } else {
            self.counts.open -= 1;
            if *retransmitted {
                loss.outcome = Outcome::Retransmission;
                self.counts.healed_by_retransmit += 1;
            } else {
                loss.outcome = Outcome::Line;
                self.counts.healed_by_line += 1;
            }
        }
        let loss = *loss;
        self.watched.remove(at);
        if self.listed.len() < LISTED_MAX {
            self.listed.push(loss);
        } else if loss.outcome == Outcome::GivenUp {
            self.unlisted_open += 1;
            self.unlisted_end = self.unlisted_end.max(loss.given_up_end.0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(first: u64, end: u64) -> Hole {
        Hole { first, end, opened: Nanos(5) }
    }

    fn outcomes(ledger: &Ledger) -> Vec<(u64, u64, Outcome)> {
        ledger.losses().map(|loss| (loss.first.0, loss.end.0, loss.outcome)).collect()
    }

    #[test]
    fn a_loss_is_named_after_what_ended_it() {
        let mut ledger = Ledger::default();
        for (first, end) in [(1, 3), (5, 6), (8, 11)] {
            ledger.watch(hole(first, end));
        }
        assert_eq!(ledger.counts().open, 3);
        let all = |first: u64, end: u64| end - first;
        ledger.fill(1, 2, true, Nanos(6), all);
        assert!(ledger.losses().all(|loss| loss.outcome == Outcome::Waiting));
        ledger.fill(2, 6, false, Nanos(7), |first, end| end.min(6) - first.max(2));
        ledger.fill(9, 10, false, Nanos(8), all);
        ledger.give_up(hole(8, 9), Nanos(9));
        ledger.give_up(hole(10, 11), Nanos(10));
        let expected =
            [(1, 3, Outcome::Retransmission), (5, 6, Outcome::Line), (8, 11, Outcome::GivenUp)];
        assert_eq!(outcomes(&ledger), expected);
        assert_eq!(ledger.losses().last().map(|loss| loss.given_up), Some(2));
        let counts = ledger.counts();
        assert_eq!((counts.opened, counts.open, counts.messages), (3, 1, 6));
        ledger.heal(10, Nanos(11));
        assert_eq!(ledger.counts().open, 1, "a snapshot that begins inside heals nothing");
        ledger.heal(11, Nanos(12));
        let counts = ledger.counts();
        assert_eq!((counts.open, counts.healed_by_snapshot), (0, 1));
        assert_eq!((counts.healed_by_line, counts.healed_by_retransmit), (1, 1));
        let healed = ledger.losses().last().unwrap();
        assert_eq!((healed.outcome, healed.ended), (Outcome::Snapshot, Some(Nanos(12))));
    }

    #[test]
    fn losses_beyond_the_list_are_counted_and_healed_all_the_same() {
        let mut ledger = Ledger::default();
        let count = LISTED_MAX as u64 + 3;
        for number in 0..count {
            ledger.watch(hole(10 * number, 10 * number + 2));
            ledger.give_up(hole(10 * number, 10 * number + 2), Nanos(7));
        }
        assert_eq!(ledger.losses().count(), LISTED_MAX);
        assert_eq!((ledger.unlisted(), ledger.counts().open), (3, count));
        ledger.heal(10 * count, Nanos(8));
        assert_eq!((ledger.counts().open, ledger.counts().healed_by_snapshot), (0, count));
    }
}
