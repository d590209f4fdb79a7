//! What of a session was taken so far, in a few numbers: how many records, and a digest of them.
//!
//! The follower counts what it reads from the journal, a run that goes on what its input gives: where
//! both come to the same numbers, the input is the one that was journaled, without a look at the journal.
//!
//! ```text
//!  digest of nothing      0
//!  behind a record        XXH3(seed: XXH3(seed: digest before, head), content)
//!  head                   kind u8 │ flags u8 │ feed u16 │ 4 × 0 │ sequence u64 │ receive time i64, of a gap 0
//!  flags                  0; of a piece of a snapshot those of its record
//!  content                the messages as they are; of a gap its end, u64
//! ```
//! Little-endian. So a digest goes on from eight bytes, wherever records were last counted. It guards
//! against the wrong file, as a checksum does, not against somebody who builds one to collide.

use twox_hash::XxHash3_64;

use crate::journal::{RecordKind, SNAPSHOT_FIRST, SNAPSHOT_LAST};
use crate::packet::{Arrival, Packet, SnapshotItem};
use crate::units::{FeedId, Sequence};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Packets, gaps and pieces of snapshots.
    pub records: u64,
    /// The digest of them.
    pub digest: u64,
    /// Gaps among them.
    pub gaps: u64,
    /// Messages that these gaps have given up.
    pub gap_messages: u64,
}

impl Accepted {
    /// Takes the next arrival; those that change no state are left out.
    #[inline]
    pub fn take(&mut self, arrival: &Arrival<'_>) {
        match arrival {
            Arrival::Packet(packet) => self.packet(packet),
            Arrival::Gap { feed, first, end } => self.gap(*feed, *first, *end),
            Arrival::SnapshotItem(item) => self.snapshot_item(item),
            Arrival::Tick { .. } | Arrival::Parameters(_) | Arrival::Idle | Arrival::End => {}
        }
    }

    /// Takes the next packet.
    #[inline]
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let Packet { feed, sequence, recv, messages } = *packet;
        self.record(head(RecordKind::Packet, 0, feed), sequence, recv.0, messages);
    }

    /// Takes the next gap. Its receive time is the feed time of whoever journaled it, and left out.
    pub fn gap(&mut self, feed: FeedId, first: Sequence, end: Sequence) {
        self.gaps += 1;
        self.gap_messages = self.gap_messages.saturating_add(end.0.saturating_sub(first.0));
        self.record(head(RecordKind::Gap, 0, feed), first, 0, &end.0.to_le_bytes());
    }

    /// Takes the next piece of a snapshot.
    pub fn snapshot_item(&mut self, item: &SnapshotItem<'_>) {
        let SnapshotItem { feed, next, recv, is_first, is_last, messages } = *item;
        let first = if is_first { SNAPSHOT_FIRST } else { 0 };
        let flags = first | if is_last { SNAPSHOT_LAST } else { 0 };
        self.record(head(RecordKind::SnapshotItem, flags, feed), next, recv.0, messages);
    }

    #[inline]
    fn record(&mut self, mut head: [u8; 24], sequence: Sequence, recv_ns: i64, content: &[u8]) {
        head[8..16].copy_from_slice(&sequence.0.to_le_bytes());
        head[16..].copy_from_slice(&recv_ns.to_le_bytes());
        let seed = XxHash3_64::oneshot_with_seed(self.digest, &head);
        self.digest = XxHash3_64::oneshot_with_seed(seed, content);
        self.records += 1;
    }
}

/// What a record's digest begins with; the sequence and the time are left open.
#[inline]
fn head(kind: RecordKind, flags: u8, feed: FeedId) -> [u8; 24] {
    let mut head = [0; 24];
    (head[0], head[1]) = (kind as u8, flags);
    head[2..4].copy_from_slice(&feed.0.to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    fn packet(sequence: u64, recv_ns: i64, messages: &[u8]) -> Packet<'_> {
        Packet { feed: FeedId(0), sequence: Sequence(sequence), recv: Nanos(recv_ns), messages }
    }

    const ITEM: SnapshotItem<'static> = SnapshotItem {
        feed: FeedId(0),
        next: Sequence(7),
        recv: Nanos(9),
        is_first: false,
        is_last: false,
        messages: &[0, 1, b'S'],
    };

    fn after(arrivals: &[Arrival<'_>]) -> Accepted {
        let mut accepted = Accepted::default();
        arrivals.iter().for_each(|arrival| accepted.take(arrival));
        accepted
    }

    /// By another crate, from the words of the module.
    #[test]
    fn the_digest_is_the_chain_that_is_drawn() {
        let mut head = [0; 24];
        (head[0], head[8], head[16]) = (2, 7, 9);
        let seed = xxhash_rust::xxh3::xxh3_64_with_seed(&head, 0);
        let first = xxhash_rust::xxh3::xxh3_64_with_seed(&[0, 1, b'S'], seed);
        let arrival = Arrival::Packet(packet(7, 9, &[0, 1, b'S']));
        let expected = Accepted { records: 1, digest: first, gaps: 0, gap_messages: 0 };
        assert_eq!(after(&[arrival, Arrival::End]), expected);
        let mut head = [0; 24];
        (head[0], head[8]) = (4, 8);
        let seed = xxhash_rust::xxh3::xxh3_64_with_seed(&head, first);
        let digest = xxhash_rust::xxh3::xxh3_64_with_seed(&[11, 0, 0, 0, 0, 0, 0, 0], seed);
        let gap = Arrival::Gap { feed: FeedId(0), first: Sequence(8), end: Sequence(11) };
        let expected = Accepted { records: 2, digest, gaps: 1, gap_messages: 3 };
        assert_eq!(after(&[arrival, gap]), expected);
    }

    #[test]
    fn whatever_differs_between_two_inputs_changes_the_digest() {
        let base = Arrival::Packet(packet(7, 9, &[0, 1, b'S']));
        let others = [
            Arrival::Packet(packet(8, 9, &[0, 1, b'S'])),
            Arrival::Packet(packet(7, 10, &[0, 1, b'S'])),
            Arrival::Packet(packet(7, 9, &[0, 1, b'T'])),
            Arrival::Packet(packet(7, 9, &[0, 1, b'S', 0, 0])),
            Arrival::Gap { feed: FeedId(0), first: Sequence(7), end: Sequence(8) },
            Arrival::Gap { feed: FeedId(0), first: Sequence(7), end: Sequence(9) },
            Arrival::Gap { feed: FeedId(1), first: Sequence(7), end: Sequence(9) },
            Arrival::Packet(Packet { feed: FeedId(1), ..packet(7, 9, &[0, 1, b'S']) }),
            Arrival::SnapshotItem(ITEM),
            Arrival::SnapshotItem(SnapshotItem { is_first: true, ..ITEM }),
            Arrival::SnapshotItem(SnapshotItem { is_last: true, ..ITEM }),
            Arrival::SnapshotItem(SnapshotItem { feed: FeedId(1), ..ITEM }),
            Arrival::SnapshotItem(SnapshotItem { recv: Nanos(10), ..ITEM }),
            Arrival::SnapshotItem(SnapshotItem { next: Sequence(8), ..ITEM }),
        ];
        let mut digests: Vec<_> = others.iter().map(|other| after(&[*other]).digest).collect();
        digests.push(after(&[base]).digest);
        digests.push(after(&[base, others[0]]).digest);
        digests.push(after(&[others[0], base]).digest);
        let all = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), all);
    }
}
