//! The request packet: asks a retransmission server for messages again.
//!
//! It is as long as a downstream header and drawn like it (specification, section "Request Packet"),
//! integers big-endian:
//!
//! ```text
//!  0         10                       18
//!  ├ session ┼ first sequence number ┼ message count ┤
//!    ASCII     u64                     u16
//! ```
//! The answer is *one* downstream packet, sent back to where the request came from, that begins with
//! the first message asked for. A server puts as many of the messages into it as fit a datagram and
//! leaves the rest out: who wants the rest asks again from there. What a server does not have (not
//! sent yet, another session, sequence 0) it does not answer at all, so a request needs a timeout.

use bytemuck::{Pod, Zeroable};

use super::header::{MESSAGES_MAX, SessionId};

/// A request as it is on the wire; drawn above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Request {
    session: SessionId,
    sequence: [u8; 8],
    count: [u8; 2],
}

/// Bytes of a [`Request`].
pub const REQUEST_BYTES: usize = size_of::<Request>();

const _: () = {
    assert!(REQUEST_BYTES == 20 && align_of::<Request>() == 1);
    assert!(core::mem::offset_of!(Request, session) == 0);
    assert!(core::mem::offset_of!(Request, sequence) == 10);
    assert!(core::mem::offset_of!(Request, count) == 18);
};

impl Request {
    /// Asks for `count` messages of `session` from number `first` on, at most [`MESSAGES_MAX`].
    #[must_use]
    pub const fn new(session: SessionId, first: u64, count: u16) -> Self {
        let count = if count > MESSAGES_MAX { MESSAGES_MAX } else { count };
        Request { session, sequence: first.to_be_bytes(), count: count.to_be_bytes() }
    }

    /// Reads the payload of a datagram; `None` unless it is as long as a request.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; REQUEST_BYTES] = payload.try_into().ok()?;
        Some(bytemuck::cast(*bytes))
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Number of the first message asked for.
    #[must_use]
    pub const fn first(&self) -> u64 {
        u64::from_be_bytes(self.sequence)
    }

    /// How many messages are asked for.
    #[must_use]
    pub const fn count(&self) -> u16 {
        u16::from_be_bytes(self.count)
    }

    /// One past the last message asked for, at most `u64::MAX`.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.first().saturating_add(self.count() as u64)
    }

    /// The packet to send.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId(*b"000010059B");

    /// Written by hand: session, sequence 0x0102030405060708, 1,000 messages.
    const GOLDEN: &[u8] = b"000010059B\x01\x02\x03\x04\x05\x06\x07\x08\x03\xE8";

    #[test]
    fn a_request_is_read_and_written_as_the_specification_draws_it() {
        let request = Request::new(SESSION, 0x0102_0304_0506_0708, 1_000);
        assert_eq!(request.bytes(), GOLDEN);
        let read = Request::parse(GOLDEN).unwrap();
        assert_eq!(read, request);
        assert_eq!((read.session(), read.first()), (SESSION, 0x0102_0304_0506_0708));
        assert_eq!((read.count(), read.end()), (1_000, 0x0102_0304_0506_0708 + 1_000));
    }

    #[test]
    fn what_is_not_as_long_as_a_request_is_none() {
        assert_eq!(Request::parse(&GOLDEN[..19]), None);
        assert_eq!(Request::parse(&[GOLDEN, b"x"].concat()), None);
        assert_eq!(Request::parse(b""), None);
    }

    #[test]
    fn the_end_of_a_request_stays_within_the_numbers() {
        assert_eq!(Request::new(SESSION, u64::MAX - 1, 9).end(), u64::MAX);
        assert_eq!(Request::new(SESSION, 1, u16::MAX).count(), 65_534);
    }
}
