//! Decides where a packet ends, from the bytes alone.
//!
//! The walk hops from prefix to prefix and reads nothing else, about one cache line a message: it is
//! the whole cost of framing.

use super::{BinaryFileFault, PACKET_BYTES_MAX};
use crate::itch50::messages::length_of;

/// Bytes before each message.
const PREFIX_BYTES: usize = size_of::<u16>();

/// What the first bytes of a window are.
pub(super) enum Cut {
    /// A packet.
    Packet {
        /// Its length.
        bytes: usize,
        /// How many messages it has.
        messages: u64,
        /// Where its last message begins, behind its prefix.
        last: usize,
    },
    /// Without more bytes the end of the packet cannot be told.
    Undecided,
    /// A zero length where a record should begin.
    EndMark,
    /// Nothing is left.
    End,
    /// A record that cannot be given out.
    Fault(BinaryFileFault),
}

/// What one record is.
pub(super) enum Record {
    /// It needs this many bytes, prefix included, whether they are there or not.
    Needs(usize),
    /// The bytes end before its length can be told.
    Unknown,
    EndMark,
    Fault(BinaryFileFault),
}

/// How the length of a record is told.
pub(super) trait Prefix {
    /// The record at the beginning of `bytes`.
    fn record(bytes: &[u8]) -> Record;
}

/// A `u16` length before each message.
pub(super) struct LengthPrefix;

impl Prefix for LengthPrefix {
    #[inline(always)]
    fn record(bytes: &[u8]) -> Record {
        match bytes.first_chunk::<PREFIX_BYTES>() {
            None => Record::Unknown,
            Some([0, 0]) => Record::EndMark,
            Some(prefix) => Record::Needs(PREFIX_BYTES + usize::from(u16::from_be_bytes(*prefix))),
        }
    }
}

/// Two zero bytes before each message.
pub(super) struct ZeroPrefix;

impl Prefix for ZeroPrefix {
    #[inline(always)]
    fn record(bytes: &[u8]) -> Record {
        match *bytes {
            [0, 0, kind, ..] => match length_of(kind) {
                Some(length) => Record::Needs(PREFIX_BYTES + length),
                None => Record::Fault(BinaryFileFault::UnknownType(kind)),
            },
            [a, b, ..] if (a, b) != (0, 0) => Record::Fault(BinaryFileFault::NonZeroPrefix([a, b])),
            // A single byte that is not zero can be nobody's prefix, but tells too little to name it.
            _ => Record::Unknown,
        }
    }
}

/// The packet at the beginning of `bytes`; `whole` says that no more bytes will come.
#[inline]
pub(super) fn next<P: Prefix>(bytes: &[u8], whole: bool) -> Cut {
    let mut end = 0;
    let mut messages = 0;
    let mut last = 0;
    loop {
        let needs = match P::record(&bytes[end..]) {
            Record::Needs(needs) => needs,
            stop if messages == 0 => return nothing_whole(stop, bytes.len(), whole),
            // What stops the packet is known, or will never be: it ends here.
            Record::Unknown if !whole && end + PREFIX_BYTES < PACKET_BYTES_MAX => {
                return Cut::Undecided;
            }
            _ => break,
        };
        if messages > 0 && end + needs > PACKET_BYTES_MAX {
            break;
        }
        if end + needs > bytes.len() {
            return match (whole, messages) {
                (false, _) => Cut::Undecided,
                (true, 0) => {
                    Cut::Fault(BinaryFileFault::Truncated { had: bytes.len(), needed: needs })
                }
                (true, _) => Cut::Packet { bytes: end, messages, last },
            };
        }
        last = end + PREFIX_BYTES;
        end += needs;
        messages += 1;
        if end >= PACKET_BYTES_MAX {
            break;
        }
    }
    Cut::Packet { bytes: end, messages, last }
}

/// The answer where the window's first record is already no message.
#[cold]
fn nothing_whole(stop: Record, had: usize, whole: bool) -> Cut {
    match stop {
        Record::EndMark => Cut::EndMark,
        Record::Fault(fault) => Cut::Fault(fault),
        Record::Unknown if !whole => Cut::Undecided,
        Record::Unknown if had == 0 => Cut::End,
        Record::Unknown | Record::Needs(_) => {
            Cut::Fault(BinaryFileFault::Truncated { had, needed: PREFIX_BYTES + 1 })
        }
    }
}

/// Copies a packet of zero-prefixed messages to `to`, with lengths instead of the zeros.
pub(super) fn write_lengths(packet: &[u8], to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(packet);
    let mut rest = &mut to[..];
    while let Some((prefix, messages)) = rest.split_first_chunk_mut::<PREFIX_BYTES>() {
        let length = messages.first().and_then(|kind| length_of(*kind));
        let length = length.expect("Invariant: only messages of known type are cut into a packet");
        *prefix = (length as u16).to_be_bytes();
        rest = &mut messages[length..];
    }
}
