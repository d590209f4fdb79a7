//! One downstream packet: its header and its message blocks.
//!
//! Reading borrows the datagram and copies nothing. A packet that claims more than it holds gives
//! its whole messages and says what is missing; a torn block is never part of what is given. Writing
//! appends to a buffer of the caller's, for tests and the simulated exchange.

use core::fmt;

use bytemuck::{Pod, Zeroable};
use thiserror::Error;

/// The session that a packet belongs to: ten bytes of ASCII, left-justified by convention.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct SessionId(pub [u8; 10]);

impl SessionId {
    /// Whether it could be an exchange's: printable ASCII, or all zero as some recorders leave it.
    #[must_use]
    pub fn is_plausible(self) -> bool {
        self.0 == [0; 10] || self.0.iter().all(|byte| (b' '..=b'~').contains(byte))
    }
}

/// As text, with what is not printable as `\xNN`.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            fmt::Display::fmt(&byte.escape_ascii(), f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The first 20 bytes of a downstream packet (specification section 3.1), integers big-endian:
///
/// ```text
///  0         10                18              20
///  ├ session ┼ sequence number ┼ message count ┼ message block …
///    ASCII     u64               u16
/// ```
/// The sequence number is that of the first message; each further message adds 1. A count of 0 is a
/// heartbeat and 0xFFFF the end of the session: both carry no message, and their sequence number is
/// that of the next one. Otherwise as many message blocks follow:
///
/// ```text
///  0                      2
///  ├ length n (u16) ┼ message (n bytes) ┼ next block …
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Header {
    session: SessionId,
    sequence: [u8; 8],
    count: [u8; 2],
}

/// Bytes of a [`Header`].
pub const HEADER_BYTES: usize = size_of::<Header>();

const _: () = {
    assert!(HEADER_BYTES == 20 && align_of::<Header>() == 1);
    assert!(core::mem::offset_of!(Header, session) == 0);
    assert!(core::mem::offset_of!(Header, sequence) == 10);
    assert!(core::mem::offset_of!(Header, count) == 18);
};

/// Message count of a heartbeat.
const HEARTBEAT: u16 = 0;
/// Message count that ends a session.
const END_OF_SESSION: u16 = 0xFFFF;
/// Most messages that a packet can have: the count above is taken.
pub const MESSAGES_MAX: u16 = END_OF_SESSION - 1;

impl Header {
    /// The header of a packet.
    #[must_use]
    pub const fn new(session: SessionId, sequence: u64, kind: PacketKind) -> Self {
        let count = match kind {
            PacketKind::Heartbeat => HEARTBEAT,
            PacketKind::EndOfSession => END_OF_SESSION,
            PacketKind::Messages(count) => count,
        };
        Header { session, sequence: sequence.to_be_bytes(), count: count.to_be_bytes() }
    }

    /// The session.
    #[inline]
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Number of the first message, or of the next one where the packet has none. 0 means that the
    /// sender does not number its messages.
    #[inline]
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        u64::from_be_bytes(self.sequence)
    }

    /// What the message count says.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> PacketKind {
        match u16::from_be_bytes(self.count) {
            HEARTBEAT => PacketKind::Heartbeat,
            END_OF_SESSION => PacketKind::EndOfSession,
            count => PacketKind::Messages(count),
        }
    }
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// It carries this many messages, 1 to [`MESSAGES_MAX`].
    Messages(u16),
    /// It tells the next sequence number while nothing is sent.
    Heartbeat,
    /// It tells the next sequence number, and that nothing more will be sent.
    EndOfSession,
}

impl PacketKind {
    /// How many messages the packet claims to carry.
    #[inline]
    #[must_use]
    pub const fn claimed(self) -> u16 {
        match self {
            PacketKind::Messages(count) => count,
            PacketKind::Heartbeat | PacketKind::EndOfSession => 0,
        }
    }
}

/// A downstream packet as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownstreamPacket<'a> {
    /// The session.
    pub session: SessionId,
    /// Number of the first message, or of the next one where there is none; 0 is unsequenced.
    pub sequence: u64,
    /// What the packet is for.
    pub kind: PacketKind,
    /// The whole message blocks from the first on, as the engine's packets hold them.
    pub messages: &'a [u8],
    /// How many blocks those are: at most what the packet claims.
    pub whole: u16,
    /// Bytes behind `messages`: a torn block if the packet is damaged, else what nobody claimed.
    pub rest_bytes: usize,
}

impl<'a> DownstreamPacket<'a> {
    /// Reads the payload of a datagram; `None` if it is shorter than a header.
    #[inline]
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let (header, blocks) = payload.split_first_chunk::<HEADER_BYTES>()?;
        let header: &Header = bytemuck::cast_ref(header);
        let kind = header.kind();
        let mut rest = blocks;
        let mut whole = 0;
        while whole < kind.claimed()
            && let Some((length, tail)) = rest.split_first_chunk::<2>()
            && let Some(next) = tail.get(usize::from(u16::from_be_bytes(*length))..)
        {
            rest = next;
            whole += 1;
        }
        Some(DownstreamPacket {
            session: header.session(),
            sequence: header.sequence(),
            kind,
            messages: &blocks[..blocks.len() - rest.len()],
            whole,
            rest_bytes: rest.len(),
        })
    }

    /// Whether the packet claims more messages than it holds.
    #[inline]
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.whole < self.kind.claimed()
    }

    /// Whether the claimed messages fill the datagram to its last byte.
    #[inline]
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        !self.is_damaged() && self.rest_bytes == 0
    }
}

/// What does not fit into a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// A message has more bytes than its length field can tell.
    #[error("a message of {bytes} bytes is longer than 65535")]
    Message {
        /// Its length.
        bytes: usize,
    },
    /// There are more messages than the count can tell.
    #[error("{count} messages are more than 65534")]
    Count {
        /// How many were given.
        count: usize,
    },
}

/// Appends a packet with `messages` to `to`; with none of them it is a heartbeat.
///
/// # Errors
/// A message or their count that the format cannot tell; `to` is then as it was.
pub fn encode_packet<'m>(
    to: &mut Vec<u8>,
    session: SessionId,
    sequence: u64,
    messages: impl IntoIterator<Item = &'m [u8]>,
) -> Result<(), TooLarge> {
    let start = to.len();
    let mut count = 0_usize;
    to.extend_from_slice(&[0; HEADER_BYTES]);
    for message in messages {
        let Ok(length) = u16::try_from(message.len()) else {
            let bytes = message.len();
            to.truncate(start);
            return Err(TooLarge::Message { bytes });
        };
        to.extend_from_slice(&length.to_be_bytes());
        to.extend_from_slice(message);
        count += 1;
    }
    let kind = match u16::try_from(count) {
        Ok(0) => PacketKind::Heartbeat,
        Ok(count) if count <= MESSAGES_MAX => PacketKind::Messages(count),
        _ => {
            to.truncate(start);
            return Err(TooLarge::Count { count });
        }
    };
    let header = Header::new(session, sequence, kind);
    to[start..start + HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(&header));
    Ok(())
}

/// Appends a heartbeat that announces `next` as the next sequence number.
pub fn encode_heartbeat(to: &mut Vec<u8>, session: SessionId, next: u64) {
    let header = Header::new(session, next, PacketKind::Heartbeat);
    to.extend_from_slice(bytemuck::bytes_of(&header));
}

/// Appends the packet that ends a session before sequence number `next`.
pub fn encode_end_of_session(to: &mut Vec<u8>, session: SessionId, next: u64) {
    let header = Header::new(session, next, PacketKind::EndOfSession);
    to.extend_from_slice(bytemuck::bytes_of(&header));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId(*b"000010059B");

    /// Written by hand from section 3.1: session, sequence 0x0102030405060708, two messages.
    const GOLDEN: &[u8] = b"000010059B\x01\x02\x03\x04\x05\x06\x07\x08\x00\x02\x00\x03abc\x00\x01d";

    #[test]
    fn a_packet_is_read_and_written_as_the_specification_draws_it() {
        let packet = DownstreamPacket::parse(GOLDEN).unwrap();
        assert_eq!(packet.session, SESSION);
        assert_eq!(packet.sequence, 0x0102_0304_0506_0708);
        assert_eq!(packet.kind, PacketKind::Messages(2));
        assert_eq!(packet.messages, b"\x00\x03abc\x00\x01d");
        assert_eq!(packet.whole, 2);
        assert!(packet.is_exact());
        let mut written = Vec::new();
        let messages = [&b"abc"[..], b"d"];
        encode_packet(&mut written, SESSION, 0x0102_0304_0506_0708, messages).unwrap();
        assert_eq!(written, GOLDEN);
    }

    #[test]
    fn the_end_of_a_session_is_not_65535_messages() {
        let mut end = Vec::new();
        encode_end_of_session(&mut end, SESSION, 9);
        assert_eq!(end, b"000010059B\0\0\0\0\0\0\0\x09\xFF\xFF");
        let packet = DownstreamPacket::parse(&end).unwrap();
        assert_eq!(packet.kind, PacketKind::EndOfSession);
        assert_eq!((packet.sequence, packet.whole), (9, 0));
        assert!(packet.is_exact());
        end.extend_from_slice(b"\x00\x01x");
        let packet = DownstreamPacket::parse(&end).unwrap();
        assert_eq!((packet.messages, packet.whole), (&b""[..], 0));
        assert_eq!(packet.rest_bytes, 3);
    }

    #[test]
    fn a_heartbeat_tells_the_next_sequence() {
        let mut heartbeat = Vec::new();
        encode_heartbeat(&mut heartbeat, SESSION, 7);
        assert_eq!(heartbeat, b"000010059B\0\0\0\0\0\0\0\x07\0\0");
        let packet = DownstreamPacket::parse(&heartbeat).unwrap();
        assert_eq!((packet.kind, packet.sequence), (PacketKind::Heartbeat, 7));
        let mut none = Vec::new();
        encode_packet(&mut none, SESSION, 7, []).unwrap();
        assert_eq!(none, heartbeat);
    }

    #[test]
    fn a_packet_cut_at_any_byte_gives_its_whole_messages_and_is_damaged() {
        for cut in 0..GOLDEN.len() {
            let Some(packet) = DownstreamPacket::parse(&GOLDEN[..cut]) else {
                assert!(cut < HEADER_BYTES);
                continue;
            };
            let whole = u16::from(cut >= 25);
            assert_eq!(packet.whole, whole, "cut at {cut}");
            assert_eq!(packet.messages.len(), usize::from(whole) * 5);
            assert_eq!(packet.rest_bytes, cut - 20 - usize::from(whole) * 5);
            assert!(packet.is_damaged() && !packet.is_exact());
        }
    }

    #[test]
    fn bytes_that_nobody_claimed_are_no_damage() {
        let longer = [GOLDEN, b"\x00\x01e"].concat();
        let packet = DownstreamPacket::parse(&longer).unwrap();
        assert_eq!((packet.whole, packet.rest_bytes), (2, 3));
        assert!(!packet.is_damaged() && !packet.is_exact());
    }

    #[test]
    fn what_a_packet_cannot_tell_is_refused_and_leaves_the_buffer_alone() {
        let mut to = b"before".to_vec();
        let long = vec![0; 65_536];
        let refused = encode_packet(&mut to, SESSION, 1, [&b"a"[..], &long]);
        assert_eq!(refused, Err(TooLarge::Message { bytes: 65_536 }));
        let refused = encode_packet(&mut to, SESSION, 1, core::iter::repeat_n(&b""[..], 65_535));
        assert_eq!(refused, Err(TooLarge::Count { count: 65_535 }));
        assert_eq!(to, b"before");
        encode_packet(&mut to, SESSION, 1, core::iter::repeat_n(&b""[..], 65_534)).unwrap();
        let packet = DownstreamPacket::parse(&to[6..]).unwrap();
        assert_eq!((packet.whole, packet.is_exact()), (65_534, true));
    }

    #[test]
    fn only_text_or_zeros_are_a_plausible_session() {
        assert!(SESSION.is_plausible());
        assert!(SessionId([0; 10]).is_plausible());
        assert!(SessionId(*b"20191230  ").is_plausible());
        assert!(!SessionId(*b"20191230\0\0").is_plausible());
        assert!(!SessionId(*b"\x012345678\xFF9").is_plausible());
        assert_eq!(SessionId(*b"A\0BCDEFGHI").to_string(), "A\\x00BCDEFGHI");
    }
}
