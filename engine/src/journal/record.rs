//! A journal's frames as records: what each payload must be, checked before it is used.
//!
//! A frame's checksum says that its bytes are those that were written; a [`Record`] says that they
//! mean something. Both sides of the format are held to the table in [`journal`](crate::journal).

use crate::journal::{RecordKind, SNAPSHOT_FIRST, SNAPSHOT_LAST};
use crate::log::frame::Frame;
use crate::packet::{Packet, SnapshotItem};
use crate::units::{FeedId, Sequence};

/// One record of a journal, borrowed from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The session's description, TOML.
    Session(&'a str),
    /// A packet after arbitration.
    Packet(Packet<'a>),
    /// Time passed without a message.
    Tick,
    /// Messages `first` up to but not including `end` were given up.
    Gap {
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
    /// Content recovered from a snapshot feed.
    SnapshotItem(SnapshotItem<'a>),
    /// A changed configuration, TOML.
    Parameters(&'a str),
    /// A trade from the API.
    Trade(&'a [u8]),
}

/// Why a frame is no record of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No record has this kind.
    #[error("no record has kind {kind}")]
    Kind {
        /// The frame's.
        kind: u8,
    },
    /// Text that is none.
    #[error("the text of a {kind:?} record is not UTF-8 from its byte {offset_bytes} on")]
    Text {
        /// The record's.
        kind: RecordKind,
        /// In the payload.
        offset_bytes: usize,
    },
    /// A packet ends within a message.
    #[error("a packet of {payload_bytes} bytes ends within the message at its byte {offset_bytes}")]
    TornPacket {
        /// The payload's.
        payload_bytes: usize,
        /// Where the torn message's length stands in it.
        offset_bytes: usize,
    },
    /// The payload of a gap or a tick has another length.
    #[error("a {kind:?} record has {found} bytes instead of {expected}")]
    Size {
        /// The record's.
        kind: RecordKind,
        /// Bytes it has.
        found: usize,
        /// Bytes it should have.
        expected: usize,
    },
    /// A piece of a snapshot whose first byte is not there or has other bits than the two.
    #[error("a SnapshotItem record begins with {found:?} instead of a byte up to 3")]
    SnapshotFlags {
        /// The byte, if there is one.
        found: Option<u8>,
    },
    /// A gap that holds no message.
    #[error("a gap from sequence {} to before {}", first.0, end.0)]
    EmptyGap {
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
    /// Messages with numbers past the greatest.
    #[error("{messages} messages from sequence {} on", first.0)]
    Overflow {
        /// The packet's.
        first: Sequence,
        /// How many it holds.
        messages: u64,
    },
}

impl<'a> Record<'a> {
    /// Reads the record in `frame`.
    ///
    /// # Errors
    /// The frame has a kind or payload that no record has.
    #[inline]
    pub fn read(frame: &Frame<'a>) -> Result<Record<'a>, RecordError> {
        let Frame { tag, payload, .. } = *frame;
        let kind = RecordKind::from_byte(tag.kind).ok_or(RecordError::Kind { kind: tag.kind })?;
        Ok(match kind {
            RecordKind::Packet => {
                let packet = packet_of(frame);
                end_of(&packet)?;
                Record::Packet(packet)
            }
            RecordKind::Session => Record::Session(text(kind, payload)?),
            RecordKind::Tick => {
                sized::<0>(kind, payload)?;
                Record::Tick
            }
            RecordKind::Gap => {
                let end = Sequence(u64::from_le_bytes(*sized(kind, payload)?));
                if end <= tag.sequence {
                    return Err(RecordError::EmptyGap { first: tag.sequence, end });
                }
                Record::Gap { first: tag.sequence, end }
            }
            RecordKind::SnapshotItem => {
                let item = snapshot_item_of(frame)?;
                whole_messages(item.messages)?;
                Record::SnapshotItem(item)
            }
            RecordKind::Parameters => Record::Parameters(text(kind, payload)?),
            RecordKind::Trade => Record::Trade(payload),
        })
    }

    /// The number after the last message that the record speaks of; `None` for records that speak of
    /// none, and where messages have no number.
    #[must_use]
    pub fn end(&self) -> Option<Sequence> {
        match self {
            Record::Packet(packet) if packet.sequence.0 != 0 => end_of(packet).ok(),
            Record::Gap { end, .. } => Some(*end),
            Record::SnapshotItem(item) => Some(item.next),
            _ => None,
        }
    }
}

/// The packet in a frame of that kind, its messages not looked at.
#[inline]
#[must_use]
pub fn packet_of<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let Frame { tag, payload, .. } = *frame;
    Packet { feed: FeedId(tag.feed), sequence: tag.sequence, recv: tag.time, messages: payload }
}

/// The piece of a snapshot in a frame of that kind, its messages not looked at.
///
/// # Errors
/// Its first byte is not there, or has bits that mean nothing.
pub fn snapshot_item_of<'a>(frame: &Frame<'a>) -> Result<SnapshotItem<'a>, RecordError> {
    let Frame { tag, payload, .. } = *frame;
    let first = payload.split_first().map(|(flags, messages)| (*flags, messages));
    let Some((flags, messages)) = first.filter(|it| it.0 & !(SNAPSHOT_FIRST | SNAPSHOT_LAST) == 0)
    else {
        return Err(RecordError::SnapshotFlags { found: first.map(|it| it.0) });
    };
    Ok(SnapshotItem {
        feed: FeedId(tag.feed),
        next: tag.sequence,
        recv: tag.time,
        is_first: flags & SNAPSHOT_FIRST != 0,
        is_last: flags & SNAPSHOT_LAST != 0,
        messages,
    })
}

/// The number after a packet's last message; fails where the packet holds other than whole messages.
#[inline]
fn end_of(packet: &Packet<'_>) -> Result<Sequence, RecordError> {
    let messages = whole_messages(packet.messages)?;
    let first = packet.sequence;
    first.0.checked_add(messages).map(Sequence).ok_or(RecordError::Overflow { first, messages })
}

/// How many messages there are; fails where there is more than whole ones.
#[inline]
fn whole_messages(payload: &[u8]) -> Result<u64, RecordError> {
    let (mut at, mut messages) = (0, 0);
    while let Some(length) = payload.get(at..).and_then(<[u8]>::first_chunk::<2>) {
        let end = at + 2 + usize::from(u16::from_be_bytes(*length));
        if end > payload.len() {
            break;
        }
        at = end;
        messages += 1;
    }
    if at != payload.len() {
        let payload_bytes = payload.len();
        return Err(RecordError::TornPacket { payload_bytes, offset_bytes: at });
    }
    Ok(messages)
}

fn text(kind: RecordKind, payload: &[u8]) -> Result<&str, RecordError> {
    core::str::from_utf8(payload)
        .map_err(|error| RecordError::Text { kind, offset_bytes: error.valid_up_to() })
}

fn sized<const N: usize>(kind: RecordKind, payload: &[u8]) -> Result<&[u8; N], RecordError> {
    <&[u8; N]>::try_from(payload).map_err(|_| RecordError::Size {
        kind,
        found: payload.len(),
        expected: N,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::frame::FrameTag;
    use crate::units::Nanos;

    fn frame(kind: u8, sequence: u64, payload: &[u8]) -> Frame<'_> {
        let (sequence, time) = (Sequence(sequence), Nanos(77));
        Frame { tag: FrameTag { kind, flags: 0, feed: 0, sequence, time }, payload, bytes: 0 }
    }

    #[test]
    fn each_kind_reads_as_its_record() {
        let messages = [0, 2, b'x', b'y', 0, 0, 0, 1, b'z'];
        let packet = Packet {
            feed: FeedId(0),
            sequence: Sequence(9),
            recv: Nanos(77),
            messages: messages.as_slice(),
        };
        let record = Record::read(&frame(2, 9, &messages));
        assert_eq!(record, Ok(Record::Packet(packet)));
        assert_eq!(record.unwrap().end(), Some(Sequence(12)), "an empty message counts");
        assert_eq!(Record::read(&frame(1, 0, "é = 1".as_bytes())), Ok(Record::Session("é = 1")));
        assert_eq!(Record::read(&frame(3, 9, b"")), Ok(Record::Tick));
        let gap = Record::Gap { first: Sequence(9), end: Sequence(0x0102) };
        assert_eq!(Record::read(&frame(4, 9, &[2, 1, 0, 0, 0, 0, 0, 0])), Ok(gap));
        assert_eq!(gap.end(), Some(Sequence(0x0102)));
        let item = SnapshotItem {
            feed: FeedId(0),
            next: Sequence(9),
            recv: Nanos(77),
            is_first: false,
            is_last: true,
            messages: &[0, 1, b'x'],
        };
        let record = Record::read(&frame(5, 9, &[2, 0, 1, b'x']));
        assert_eq!(record, Ok(Record::SnapshotItem(item)));
        assert_eq!(record.unwrap().end(), Some(Sequence(9)), "it speaks of what is before");
        assert_eq!(Record::read(&frame(6, 9, b"a = 1")), Ok(Record::Parameters("a = 1")));
        assert_eq!(Record::read(&frame(7, 1, b"t")), Ok(Record::Trade(b"t")));
    }

    #[test]
    fn a_packet_cut_within_a_message_is_none() {
        let messages = [0, 2, b'x', b'y', 0, 3, b'a', b'b', b'c'];
        for cut in 0..=messages.len() {
            let record = Record::read(&frame(2, 1, &messages[..cut]));
            let start = if cut < 4 { 0 } else { 4 };
            let expected = match cut {
                0 | 4 | 9 => Ok(()),
                _ => Err(RecordError::TornPacket { payload_bytes: cut, offset_bytes: start }),
            };
            assert_eq!(record.map(|_| ()), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_piece_of_a_snapshot_begins_with_its_flags_and_holds_whole_messages() {
        for flags in 0..=255 {
            let payload = [flags];
            let record = Record::read(&frame(5, 9, &payload));
            match (flags, record) {
                (0..=3, Ok(Record::SnapshotItem(item))) => {
                    assert_eq!((item.is_first, item.is_last), (flags & 1 != 0, flags & 2 != 0));
                }
                (4.., Err(error)) => {
                    assert_eq!(error, RecordError::SnapshotFlags { found: Some(flags) });
                }
                (_, other) => panic!("{flags}: {other:?}"),
            }
        }
        let empty = RecordError::SnapshotFlags { found: None };
        assert_eq!(Record::read(&frame(5, 9, b"")), Err(empty));
        let torn = RecordError::TornPacket { payload_bytes: 3, offset_bytes: 0 };
        assert_eq!(Record::read(&frame(5, 9, &[1, 0, 2, b'x'])), Err(torn));
    }

    #[test]
    fn numbers_past_the_greatest_are_refused() {
        let last = Record::read(&frame(2, u64::MAX - 1, &[0, 0]));
        assert_eq!(last.unwrap().end(), Some(Sequence(u64::MAX)));
        let (first, messages) = (Sequence(u64::MAX - 1), 2);
        let past = Record::read(&frame(2, u64::MAX - 1, &[0, 0, 0, 0]));
        assert_eq!(past, Err(RecordError::Overflow { first, messages }));
    }

    #[test]
    fn a_gap_ends_behind_its_first_message() {
        for end in [0, 8, 9] {
            let payload = u64::to_le_bytes(end);
            let expected = RecordError::EmptyGap { first: Sequence(9), end: Sequence(end) };
            assert_eq!(Record::read(&frame(4, 9, &payload)), Err(expected));
        }
        let kind = RecordKind::Gap;
        let expected = RecordError::Size { kind, found: 7, expected: 8 };
        assert_eq!(Record::read(&frame(4, 9, &[1; 7])), Err(expected));
    }

    #[test]
    fn other_kinds_and_payloads_are_refused() {
        for kind in [0, 8, 249, 250, 251, 255] {
            let record = Record::read(&frame(kind, 1, b""));
            assert_eq!(record, Err(RecordError::Kind { kind }));
        }
        let tick = RecordError::Size { kind: RecordKind::Tick, found: 1, expected: 0 };
        assert_eq!(Record::read(&frame(3, 1, b"x")), Err(tick));
        let text = RecordError::Text { kind: RecordKind::Session, offset_bytes: 2 };
        assert_eq!(Record::read(&frame(1, 0, b"ok\xffno")), Err(text));
    }
}
