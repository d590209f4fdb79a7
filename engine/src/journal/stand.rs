//! Where each feed stands behind a journal's last record: what a live run asks its feeds for next.
//!
//! Recovery shows every record to it, in order. A feed without a record stands nowhere.

use crate::journal::record::Record;
use crate::units::{FeedId, Sequence};

/// Where a feed stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedStand {
    /// The number of its next message; `None` where no numbered one was journaled.
    pub next: Option<Sequence>,
    /// Whether messages were given up, or a snapshot was begun, and no whole one came since; `None` where
    /// no record says so, since what did may have been pruned.
    pub is_suspect: Option<bool>,
}

/// The stands of all feeds, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedStands(Vec<FeedStand>);

impl FeedStands {
    /// Where a feed stands.
    #[must_use]
    pub fn of(&self, feed: FeedId) -> FeedStand {
        self.0.get(usize::from(feed.0)).copied().unwrap_or_default()
    }

    /// The next record, of the feed with this number.
    pub fn see(&mut self, feed: FeedId, record: &Record<'_>) {
        let (next, is_suspect) = match record {
            Record::Packet(_) => (record.end(), None),
            Record::Gap { end, .. } => (Some(*end), Some(true)),
            Record::SnapshotItem(item) => (Some(item.next), Some(!item.is_last)),
            _ => return,
        };
        let at = usize::from(feed.0);
        if at >= self.0.len() {
            self.0.resize(at + 1, FeedStand::default());
        }
        let stand = &mut self.0[at];
        stand.next = next.or(stand.next);
        stand.is_suspect = is_suspect.or(stand.is_suspect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Packet, SnapshotItem};
    use crate::units::Nanos;

    #[test]
    fn a_feed_stands_behind_its_last_record_and_a_whole_snapshot_ends_its_doubt() {
        let (a, b) = (FeedId(0), FeedId(1));
        let mut stands = FeedStands::default();
        let messages = [0, 1, b'x', 0, 1, b'y'];
        let recv = Nanos(0);
        let packet = |feed, sequence| {
            Record::Packet(Packet { feed, sequence: Sequence(sequence), recv, messages: &messages })
        };
        let stand = |next, is_suspect| FeedStand { next: Some(Sequence(next)), is_suspect };
        stands.see(b, &packet(b, 7));
        assert_eq!((stands.of(a), stands.of(b)), (FeedStand::default(), stand(9, None)));
        stands.see(a, &packet(a, 1));
        stands.see(a, &Record::Gap { first: Sequence(3), end: Sequence(10) });
        stands.see(a, &packet(a, 10));
        assert_eq!(stands.of(a), stand(12, Some(true)));
        let item = |is_first, is_last| {
            let next = Sequence(20);
            let messages = &messages;
            Record::SnapshotItem(SnapshotItem { feed: a, next, recv, is_first, is_last, messages })
        };
        stands.see(a, &item(true, false));
        assert_eq!(stands.of(a), stand(20, Some(true)));
        stands.see(a, &item(false, true));
        assert_eq!((stands.of(a), stands.of(b)), (stand(20, Some(false)), stand(9, None)));
        stands.see(a, &packet(a, 0));
        assert_eq!(stands.of(a), stand(20, Some(false)), "messages without numbers change nothing");
    }
}
