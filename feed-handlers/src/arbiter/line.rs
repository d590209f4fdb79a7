//! What became of one line: how much it brought, and how much of the stream it never brought.

use engine::units::Nanos;

use crate::gap::Holes;

/// A line's packets and messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStatistics {
    /// Packets received, heartbeats and ends of session included.
    pub packets: u64,
    /// Whole messages received.
    pub messages: u64,
    /// Messages that the stream already had when this line brought them.
    pub duplicates: u64,
    /// Messages brought after they were given up, or before the first sequence of the stream.
    pub late: u64,
    /// Messages of the stream, from its first on, that this line has not brought. One brought after
    /// more than 1,024 later holes of the line stays counted.
    pub lost: u64,
}

/// Most holes of a line that can still be filled in its account.
pub(super) const HOLES_MAX: usize = 1_024;

/// The account of one line.
#[derive(Default)]
pub(super) struct Line {
    counts: LineStatistics,
    /// One past the last message the line brought or told of; `None` before its first.
    next: Option<u64>,
    holes: Holes,
    /// Messages in holes that are no longer kept.
    forgotten: u64,
}

impl Line {
    #[inline]
    pub(super) fn count_packet(&mut self, messages: u16) {
        self.counts.packets += 1;
        self.counts.messages += u64::from(messages);
    }

    #[inline]
    pub(super) fn count_old(&mut self, duplicates: u64, late: u64) {
        self.counts.duplicates += duplicates;
        self.counts.late += late;
    }

    /// The line brought `first` up to `end` of a stream that began at `start`.
    #[inline]
    pub(super) fn cover(&mut self, start: u64, first: u64, end: u64, now: Nanos) {
        let (first, end) = (first.max(start), end.max(start));
        let next = self.next.unwrap_or(start);
        if first > next {
            self.holes.open(next, first, now);
            if self.holes.len() > HOLES_MAX
                && let Some(hole) = self.holes.pop_front()
            {
                self.forgotten += hole.end - hole.first;
            }
        } else if first < next {
            self.holes.fill(first, end.min(next));
        }
        self.next = Some(next.max(end));
    }

    /// The account, of a stream known up to `known_end`.
    pub(super) fn statistics(&self, known_end: Option<u64>) -> LineStatistics {
        let behind = match (self.next, known_end) {
            (Some(next), Some(known_end)) => known_end.saturating_sub(next),
            _ => 0,
        };
        LineStatistics { lost: self.holes.messages() + self.forgotten + behind, ..self.counts }
    }
}
