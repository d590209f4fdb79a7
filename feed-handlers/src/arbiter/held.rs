//! The packets that wait for their turn, and the buffers that they are copied into.
//!
//! The arbiter writes and reads. How much may wait is its business; buffers are recycled, so that in
//! steady state nothing is allocated.

use std::collections::VecDeque;

use engine::units::Nanos;

use super::Origin;

/// A packet that waits for its turn, cut to what was new at its front.
pub(super) struct Held {
    pub(super) origin: Origin,
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) recv: Nanos,
    pub(super) messages: Vec<u8>,
}

/// Buffers kept for reuse; those beyond are freed.
const SPARE_MAX: usize = 64;

/// The packets that wait, by first sequence, then arrival.
#[derive(Default)]
pub(super) struct HeldPackets {
    queue: VecDeque<Held>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
}

impl HeldPackets {
    /// How many wait.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Bytes of messages that wait.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first sequence that waits.
    #[inline]
    pub(super) fn first(&self) -> Option<u64> {
        self.queue.front().map(|held| held.first)
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Held> {
        let held = self.queue.pop_front()?;
        self.bytes -= held.messages.len();
        Some(held)
    }

    /// Puts a packet where it belongs: at the end, unless it was overtaken.
    #[inline]
    pub(super) fn hold(&mut self, held: Held) {
        let first = held.first;
        self.bytes += held.messages.len();
        if self.queue.back().is_none_or(|last| last.first <= first) {
            self.queue.push_back(held);
        } else {
            let at = self.queue.partition_point(|other| other.first <= first);
            self.queue.insert(at, held);
        }
    }

    /// A packet with a copy of its messages, not yet among those that wait.
    #[inline]
    pub(super) fn copy(
        &mut self,
        origin: Origin,
        first: u64,
        end: u64,
        recv: Nanos,
        from: &[u8],
    ) -> Held {
        let mut messages = self.spare.pop().unwrap_or_default();
        messages.clear();
        messages.extend_from_slice(from);
        Held { origin, first, end, recv, messages }
    }

    /// Cuts `held` at sequence `barrier`; what lies behind it waits on.
    #[cold]
    pub(super) fn keep_from(&mut self, barrier: u64, held: &mut Held) {
        let behind = skip_messages(&held.messages, barrier - held.first).len();
        let cut = held.messages.len() - behind;
        let rest = self.copy(held.origin, barrier, held.end, held.recv, &held.messages[cut..]);
        held.messages.truncate(cut);
        held.end = barrier;
        self.hold(rest);
    }

    pub(super) fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < SPARE_MAX {
            self.spare.push(buffer);
        }
    }
}

/// `messages` behind its first `count` ones.
#[inline]
pub(super) fn skip_messages(messages: &[u8], count: u64) -> &[u8] {
    let mut rest = messages;
    for _ in 0..count {
        let next = rest.split_first_chunk::<2>().and_then(|(length, tail)| {
            let length = usize::from(u16::from_be_bytes(*length));
            tail.get(length..)
        });
        rest = next.expect("Invariant: a packet's whole messages were counted when it was parsed");
    }
    rest
}
