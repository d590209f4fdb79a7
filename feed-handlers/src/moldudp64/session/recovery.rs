//! Recovery by snapshot: when one is fetched, what of it is kept until it is whole, and where it goes
//! into the stream.
//!
//! ```text
//!           gap given out            snapshot whole         stream reaches it     last piece given
//!  Idle ───────────────────► Fetching ─────────► Splicing ──────────────► Giving ─────────► Idle
//!                               │ failed, late, too much waits                                ▲
//!                               └───────► Waiting ──── after a while, Fetching again ─────────┘
//! ```
//! From the order to fetch on, the stream is held back: a snapshot tells the state between two
//! messages, and a stream that has run past them cannot be spliced. Once the snapshot is whole its
//! `next` is known: messages before it are given out, holes among them without a request, as the
//! snapshot has their effects; then its pieces, then the rest. A snapshot is all or nothing: what is
//! kept is bounded, and thrown away where the end does not come.

use std::collections::VecDeque;

use engine::units::{Nanos, Sequence};

use super::{MoldFeed, Notice, SnapshotFailure, SnapshotPiece, Step, after};

/// Most bytes of a piece, unless one message has more.
pub(super) const PIECE_BYTES_MAX: usize = 60 * 1024;

/// How often the wait for the next snapshot is doubled.
const DOUBLED_MAX: u32 = 5;

/// Snapshots that are tried at once when the session is over and its books are not right.
const LAST_TRIES: u32 = 2;

/// Where the recovery stands; drawn above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Fetching { since: Nanos },
    Splicing { next: u64 },
    Giving { next: u64, recv: Nanos, is_first: bool },
    Waiting { until: Nanos },
}

/// An order to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Fetch,
    Stop,
}

/// The recovery of one feed.
pub(super) struct Recovery {
    pub(super) phase: Phase,
    orders: VecDeque<Order>,
    pieces: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The piece given out last.
    lent: Vec<u8>,
    is_too_large: bool,
    /// One past the last gap given out: a snapshot must not begin before it.
    gap_end: u64,
    /// Snapshots in a row that were not had.
    failures: u32,
    /// Snapshots that may still be fetched once the session is over.
    last_tries: u32,
}

impl Recovery {
    pub(super) fn new() -> Self {
        Recovery {
            phase: Phase::Idle,
            orders: VecDeque::new(),
            pieces: VecDeque::new(),
            bytes: 0,
            lent: Vec::new(),
            is_too_large: false,
            gap_end: 0,
            failures: 0,
            last_tries: LAST_TRIES,
        }
    }

    /// Whether one that was not had is to be fetched once more before the session's end.
    pub(super) fn has_last_try(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. }) && self.last_tries > 0
    }

    /// A recovery that is to begin at once: a gap before the message `next` is not healed.
    pub(super) fn wanted(next: u64) -> Self {
        let phase = Phase::Waiting { until: Nanos(i64::MIN) };
        Recovery { phase, gap_end: next, ..Recovery::new() }
    }

    /// Whether a snapshot is fetched or about to be given out.
    #[inline]
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Waiting { .. })
    }

    /// When the recovery changes by time alone.
    pub(super) fn deadline(&self, wait_ns: u64) -> Option<Nanos> {
        match self.phase {
            Phase::Fetching { since } => Some(after(since, wait_ns)),
            Phase::Waiting { until } => Some(until),
            Phase::Idle | Phase::Splicing { .. } | Phase::Giving { .. } => None,
        }
    }

    fn throw_away(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
        self.is_too_large = false;
    }

    /// Keeps a message of a snapshot.
    fn collect(&mut self, message: &[u8], bytes_max: usize) {
        let Ok(length) = u16::try_from(message.len()) else {
            self.is_too_large = true;
            return;
        };
        let size = 2 + message.len();
        if self.bytes + size > bytes_max {
            self.is_too_large = true;
            return;
        }
        let has_room = |piece: &&mut Vec<u8>| piece.len() + size <= PIECE_BYTES_MAX;
        let piece = match self.pieces.back_mut().filter(has_room) {
            Some(piece) => piece,
            None => self.pieces.push_back_mut(Vec::with_capacity(PIECE_BYTES_MAX)),
        };
        piece.extend_from_slice(&length.to_be_bytes());
        piece.extend_from_slice(message);
        self.bytes += size;
    }
}

impl MoldFeed {
    /// A message of the snapshot that is being fetched. Ignored if none is.
    pub fn snapshot_message(&mut self, message: &[u8]) {
        if let Phase::Fetching { .. } = self.recovery.phase
            && !self.recovery.is_too_large
        {
            self.recovery.collect(message, self.limits.snapshot_bytes_max);
            if self.recovery.is_too_large {
                // Of no use any longer; the failure is told with the next step.
                self.recovery.pieces.clear();
                self.is_due = true;
            }
        }
    }

    /// The snapshot is whole; `next` is the number of the first live message behind it. Ignored if
    /// none is being fetched.
    pub fn snapshot_end(&mut self, next: Sequence, now: Nanos) {
        let Phase::Fetching { .. } = self.recovery.phase else {
            return;
        };
        let expected = self.arbiter.expected().unwrap_or(0);
        let known_end = self.arbiter.known_end().unwrap_or(0);
        let needed = expected.max(self.recovery.gap_end);
        if self.recovery.is_too_large {
            self.fail(SnapshotFailure::TooLarge, now, false);
        } else if next.0 < needed {
            let needed = Sequence(needed);
            self.fail(SnapshotFailure::TooOld { next, needed }, now, false);
        } else if next.0 > known_end.saturating_add(self.limits.jump_max) {
            self.fail(SnapshotFailure::TooNew { next }, now, false);
        } else {
            self.arbiter.tell_end(next.0, now);
            self.arbiter.set_barrier(next.0);
            self.requests.forget_below(next.0, self.arbiter.holes());
            self.recovery.phase = Phase::Splicing { next: next.0 };
            self.is_due = true;
        }
    }

    /// The snapshot cannot be had. Ignored if none is being fetched.
    pub fn snapshot_failed(&mut self, why: &'static str, now: Nanos) {
        if let Phase::Fetching { .. } = self.recovery.phase {
            self.fail(SnapshotFailure::NotFetched(why), now, false);
        }
    }

    /// A gap was given out: a snapshot is needed.
    pub(super) fn gap_given(&mut self, end: u64, now: Nanos) {
        self.recovery.gap_end = self.recovery.gap_end.max(end);
        if self.has_snapshots && self.recovery.phase == Phase::Idle && !self.rolled {
            self.fetch(now);
        }
    }

    /// Orders a snapshot and holds the stream back from here on.
    fn fetch(&mut self, now: Nanos) {
        self.recovery.throw_away();
        self.recovery.phase = Phase::Fetching { since: now };
        self.recovery.orders.push_back(Order::Fetch);
        self.arbiter.set_barrier(self.arbiter.expected().unwrap_or(0));
        self.is_due = true;
    }

    /// Goes on without a snapshot for now.
    #[cold]
    fn fail(&mut self, why: SnapshotFailure, now: Nanos, is_to_be_stopped: bool) {
        self.recovery.throw_away();
        // Each one that is waited for in vain holds the stream back: it is tried less and less often.
        let doubled = self.recovery.failures.min(DOUBLED_MAX);
        self.recovery.failures += 1;
        let wait_ns = self.timings.snapshot_retry_ns.saturating_mul(1 << doubled);
        self.recovery.phase = Phase::Waiting { until: after(now, wait_ns) };
        if is_to_be_stopped {
            self.recovery.orders.push_back(Order::Stop);
        }
        self.arbiter.set_barrier(u64::MAX);
        self.snapshots_failed += 1;
        self.tell(Notice::SnapshotFailed(why));
        self.is_due = true;
    }

    /// The session is over: no snapshot is of use any longer.
    pub(super) fn abandon_recovery(&mut self) {
        if let Phase::Fetching { .. } = self.recovery.phase {
            self.recovery.orders.push_back(Order::Stop);
        }
        self.recovery.throw_away();
        self.recovery.phase = Phase::Idle;
        self.arbiter.set_barrier(u64::MAX);
    }

    /// What the driver is to do about snapshots.
    #[inline]
    pub(super) fn next_order(&mut self) -> Option<Step<'static>> {
        Some(match self.recovery.orders.pop_front()? {
            Order::Fetch => Step::FetchSnapshot,
            Order::Stop => Step::StopSnapshot,
        })
    }

    /// Begins to give the snapshot out if the stream has reached it.
    pub(super) fn begin_to_give(&mut self, now: Nanos) {
        if let Phase::Splicing { next } = self.recovery.phase
            && self.arbiter.expected() == Some(next)
        {
            if self.recovery.pieces.is_empty() {
                self.recovery.pieces.push_back(Vec::new());
            }
            self.recovery.phase = Phase::Giving { next, recv: now, is_first: true };
        }
    }

    /// Gives the next piece of the snapshot out; the last one completes it.
    pub(super) fn give_piece(&mut self, now: Nanos) -> SnapshotPiece<'_> {
        self.recovery.lent = self.recovery.pieces.pop_front().unwrap_or_default();
        let is_last = self.recovery.pieces.is_empty();
        let (next, recv, is_first) = match self.recovery.phase {
            Phase::Giving { next, recv, is_first } => (next, recv, is_first),
            phase => panic!("Invariant: pieces are given while giving, not while {phase:?}"),
        };
        if is_last {
            self.recovery.phase = Phase::Idle;
            self.recovery.throw_away();
            self.arbiter.set_barrier(u64::MAX);
            self.recovery.failures = 0;
            self.ledger.heal(next, now);
            self.snapshots_done += 1;
            self.tell(Notice::SnapshotDone { next: Sequence(next) });
            self.is_due = true;
        } else {
            self.recovery.phase = Phase::Giving { next, recv, is_first: false };
        }
        let messages = &self.recovery.lent;
        SnapshotPiece { next: Sequence(next), recv, is_first, is_last, messages }
    }

    /// Sees to what time, or too much that waits, changes about the recovery.
    pub(super) fn see_to_recovery(&mut self, now: Nanos) {
        match self.recovery.phase {
            Phase::Fetching { .. } if self.recovery.is_too_large => {
                self.fail(SnapshotFailure::TooLarge, now, true);
            }
            Phase::Fetching { .. } if self.arbiter.is_dammed() && self.arbiter.is_over_full() => {
                self.fail(SnapshotFailure::BufferFull, now, true);
            }
            Phase::Fetching { since } if now.since_ns(since) >= self.timings.snapshot_wait_ns => {
                self.fail(SnapshotFailure::TooLong, now, true);
            }
            Phase::Waiting { .. } if self.is_all_given() && self.recovery.last_tries > 0 => {
                self.recovery.last_tries -= 1;
                self.fetch(now);
            }
            Phase::Waiting { until } if now >= until => self.fetch(now),
            _ => {}
        }
    }
}
