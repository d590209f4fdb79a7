//! What the frames of a log say, and whether a writer could have said it in this order.
//!
//! A feed's messages are numbered: a packet or gap begins where the one before it ended or later, a
//! snapshot reaches as far as they or farther, and
//! a tick names a message that has passed. Sequence 0 is unsequenced and stands anywhere; a frame
//! that says that its sequence starts anew is taken at its word. In a log
//! other than a journal, a feed's sequences never go back; what its frames hold is their user's.

use std::collections::HashMap;

use crate::journal::FLAG_RESTARTS;
use crate::journal::record::{Record, RecordError};
use crate::log::LogKind;
use crate::log::frame::Frame;
use crate::units::Sequence;

/// Why a frame cannot stand where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OrderFault {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the first record of a journal is its session, this one has kind {kind}")]
    First { kind: u8 },
    #[error("sequence {} of feed {feed}, of which sequence {} was due", found.0, due.0)]
    Backwards { feed: u16, found: Sequence, due: Sequence },
}

/// Where each feed stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// Whether a frame has passed, or was passed over.
    begun: bool,
    /// The least sequence that a feed's next message may have.
    due: HashMap<u16, Sequence>,
    first: Option<Sequence>,
    last: Option<Sequence>,
    /// Frames that say that their sequence does not follow.
    restarts: u64,
}

impl Order {
    /// Takes the next frame.
    pub(super) fn check(&mut self, frame: &Frame<'_>, kind: LogKind) -> Result<(), OrderFault> {
        let begins = !core::mem::replace(&mut self.begun, true);
        if kind != LogKind::Journal {
            let found = frame.tag.sequence;
            self.saw(found, found);
            return self.advance(frame, found, found);
        }
        let record = Record::read(frame)?;
        if begins && !matches!(record, Record::Session(_)) {
            return Err(OrderFault::First { kind: frame.tag.kind });
        }
        let found = frame.tag.sequence;
        let end = record.end().unwrap_or(found);
        match record {
            Record::Packet(_) => {
                if end > found {
                    self.saw(found, Sequence(end.0 - 1));
                }
                self.advance(frame, found, end)
            }
            Record::Gap { .. } | Record::SnapshotItem(_) => self.advance(frame, found, end),
            Record::Tick => {
                let next = Sequence(found.0.saturating_add(1));
                self.advance(frame, next, next)
            }
            _ => Ok(()),
        }
    }

    /// Frames were passed over: what came before says nothing of what comes, but that it is not less.
    pub(super) fn skip(&mut self) {
        self.begun = true;
    }

    /// The least and the greatest sequence of a message.
    pub(super) fn sequences(&self) -> (Option<Sequence>, Option<Sequence>) {
        (self.first, self.last)
    }

    /// The greatest sequence before any that is due: what was given up, or stands in a snapshot, has passed.
    pub(super) fn reached(&self) -> Option<Sequence> {
        let due = self.due.values().map(|due| due.0).max()?;
        due.checked_sub(1).map(Sequence)
    }

    /// Frames whose sequence starts anew, as they say.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    fn saw(&mut self, first: Sequence, last: Sequence) {
        if first.0 != 0 {
            self.first = Some(self.first.map_or(first, |least| least.min(first)));
            self.last = Some(self.last.map_or(last, |greatest| greatest.max(last)));
        }
    }

    /// Goes from `found` to `end`, unless that is back. After a step back it goes on from there, so
    /// that one fault is told once.
    fn advance(
        &mut self,
        frame: &Frame<'_>,
        found: Sequence,
        end: Sequence,
    ) -> Result<(), OrderFault> {
        let feed = frame.tag.feed;
        if frame.tag.sequence.0 == 0 {
            return Ok(());
        }
        let restarts = frame.tag.flags & FLAG_RESTARTS != 0;
        self.restarts += u64::from(restarts);
        match self.due.insert(feed, end) {
            Some(due) if found < due && !restarts => {
                Err(OrderFault::Backwards { feed, found, due })
            }
            _ => Ok(()),
        }
    }
}
