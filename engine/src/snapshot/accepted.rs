//! What of a session was taken so far, in a few numbers: how many records, and a digest of them.
//!
//! The follower counts what it reads from the journal, a run that goes on what its input gives: where
//! both come to the same numbers, the input is the one that was journaled, without a look at the journal.
//!
//! ```text
//!  digest of nothing      0
//!  behind a record        XXH3(seed: XXH3(seed: digest before, head), content)
//!  head                   kind u8 │ 7 × 0 │ sequence u64 │ receive time i64, of a gap 0
//!  content                the packet's messages as they are; of a gap its end, u64
//! ```
//! Little-endian. So a digest goes on from eight bytes, wherever records were last counted. It guards
//! against the wrong file, as a checksum does, not against somebody who builds one to collide.

use twox_hash::XxHash3_64;

use crate::journal::RecordKind;
use crate::packet::{Arrival, Packet};
use crate::units::Sequence;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Packets and gaps.
    pub records: u64,
    /// The digest of them.
    pub digest: u64,
    /// Gaps among them.
    pub gaps: u64,
    /// Messages that these gaps have given up.
    pub gap_messages: u64,
}

impl Accepted {
    /// Takes the next arrival; the end of the input is none.
    #[inline]
    pub fn take(&mut self, arrival: &Arrival<'_>) {
        match arrival {
            Arrival::Packet(packet) => self.packet(packet),
            Arrival::Gap { first, end } => self.gap(*first, *end),
            Arrival::End => {}
        }
    }

    /// Takes the next packet.
    #[inline]
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let Packet { sequence, recv, messages } = *packet;
        self.record(RecordKind::Packet, sequence, recv.0, messages);
    }

    /// Takes the next gap. Its receive time is the feed time of whoever journaled it, and left out.
    pub fn gap(&mut self, first: Sequence, end: Sequence) {
        self.gaps += 1;
        self.gap_messages = self.gap_messages.saturating_add(end.0.saturating_sub(first.0));
        self.record(RecordKind::Gap, first, 0, &end.0.to_le_bytes());
    }

    #[inline]
    fn record(&mut self, kind: RecordKind, sequence: Sequence, recv_ns: i64, content: &[u8]) {
        let mut head = [0; 24];
        head[0] = kind as u8;
        head[8..16].copy_from_slice(&sequence.0.to_le_bytes());
        head[16..].copy_from_slice(&recv_ns.to_le_bytes());
        let seed = XxHash3_64::oneshot_with_seed(self.digest, &head);
        self.digest = XxHash3_64::oneshot_with_seed(seed, content);
        self.records += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    fn packet(sequence: u64, recv_ns: i64, messages: &[u8]) -> Packet<'_> {
        Packet { sequence: Sequence(sequence), recv: Nanos(recv_ns), messages }
    }

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
        let gap = Arrival::Gap { first: Sequence(8), end: Sequence(11) };
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
            Arrival::Gap { first: Sequence(7), end: Sequence(8) },
            Arrival::Gap { first: Sequence(7), end: Sequence(9) },
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
