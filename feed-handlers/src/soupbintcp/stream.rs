//! The two byte streams of a connection: logical packets out of what came in pieces, and what is
//! still to be sent.
//!
//! Client and server own one of each. What came in is bounded by one packet and what one call brings
//! in addition; what is to go out is bounded by its owner.

use core::ops::Range;

use super::packet::{LENGTH_BYTES, Malformed, SoupPacket};

/// Least room for what came in.
const ROOM_BYTES_MIN: usize = 64 * 1024;

/// Received bytes, cut into packets.
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// Where the first packet begins that was not given out.
    start: usize,
    packet_bytes_max: usize,
}

impl Inbox {
    pub(super) fn new(packet_bytes_max: usize) -> Self {
        Inbox { bytes: Vec::new(), start: 0, packet_bytes_max }
    }

    /// Takes as many of `bytes` as there is room for; tells how many.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        self.bytes.drain(..self.start);
        self.start = 0;
        let room_max = ROOM_BYTES_MIN.max(LENGTH_BYTES + self.packet_bytes_max);
        let count = bytes.len().min(room_max - self.bytes.len().min(room_max));
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    /// Where the next packet is, without its length; `None` until it is whole.
    pub(super) fn next(&mut self) -> Result<Option<Range<usize>>, Malformed> {
        let Some((length, rest)) = self.bytes[self.start..].split_first_chunk::<LENGTH_BYTES>()
        else {
            return Ok(None);
        };
        let bytes = usize::from(u16::from_be_bytes(*length));
        if bytes > self.packet_bytes_max {
            return Err(Malformed::TooLong { bytes, bytes_max: self.packet_bytes_max });
        }
        if rest.len() < bytes {
            return Ok(None);
        }
        let begin = self.start + LENGTH_BYTES;
        self.start = begin + bytes;
        Ok(Some(begin..begin + bytes))
    }

    /// Bytes of what came in.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }
}

/// Bytes to send.
#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Bytes of it that were sent.
    sent: usize,
}

impl Outbox {
    #[inline]
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Puts `packet` behind what is to be sent.
    pub(super) fn push(&mut self, packet: &SoupPacket<'_>) -> Result<(), Malformed> {
        if self.sent > 0 && self.sent >= self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        packet.encode(&mut self.bytes)
    }

    /// The first `count` pending bytes were sent.
    pub(super) fn sent(&mut self, count: usize) {
        assert!(count <= self.pending().len(), "Invariant: only what is pending is sent");
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.sent = 0;
    }
}
