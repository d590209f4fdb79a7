//! Plain files of messages: BinaryFILE, and the variant with two zero bytes for a length.
//!
//! ```text
//!  BinaryFILE    0                 2         2+n                zero-prefix   0       2         2+n
//!                ├ n (u16, big-endian) ┼ message ┼ n' ┼ …                     ├ 0   0 ┼ message ┼ 0   0 ┼ …
//!                a length of 0 ends the file                                  n follows from the message's type
//! ```
//! [`BinaryFile`] cuts the bytes of a [`Window`] into packets of whole messages. It owns nothing but
//! its place: a window over memory ([`HeldWindow`]) or over a reader ([`ReadWindow`]) lends the bytes,
//! and a packet borrows them until the next call, without a copy (the zero-prefix variant is copied
//! into one reused buffer, since its lengths must be written). Nothing is allocated a packet.
//!
//! **Cut.** A packet is the longest run of whole messages that fits [`PACKET_BYTES_MAX`], prefixes
//! included, or one message that alone is longer. The cut depends on the bytes only, never on how
//! they were read.
//!
//! **Torn.** Everything whole before a fault is given out, then the fault with the byte at which the
//! record it concerns begins; asking again gives the same fault.
//!
//! Format: *Binary File 1.00* (Nasdaq): each message preceded by its length, a length of 0 at the end.

mod cut;
mod window;

use std::io;

use engine::packet::{Arrival, Packet, Source};
use engine::units::{FeedId, Nanos, Sequence};
use thiserror::Error;

use cut::{Cut, LengthPrefix, ZeroPrefix};
pub use window::{HeldWindow, READ_WINDOW_BYTES, ReadWindow, Window};

/// Most bytes of a packet with more than one message, length prefixes included.
pub const PACKET_BYTES_MAX: usize = 1_400;

/// How messages are told apart in a plain file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// A big-endian `u16` length before each message; 0 ends the file.
    LengthPrefix,
    /// Two zero bytes before each message, whose length follows from its ITCH type.
    ZeroPrefix,
}

/// Where a feed read from plain files stands; carried from one file to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the next message: the ordinal from 1 over all files of the feed.
    pub sequence: Sequence,
    /// Midnight (New York) of the session's day; messages give times since then.
    pub midnight: Nanos,
    /// Receive time of the last packet; stands in where a packet's last message has no valid time.
    pub recv: Nanos,
}

impl Position {
    /// Before the first message of a feed whose day begins at `midnight`.
    #[must_use]
    pub const fn start(midnight: Nanos) -> Self {
        Position { sequence: Sequence(1), midnight, recv: midnight }
    }

    /// Receive time of a packet that ends with `message`: the exchange time at its bytes 5 to 10.
    /// A shorter message, or a time of 24 hours or more, leaves it as it was.
    #[inline]
    fn receive(&mut self, message: &[u8]) {
        if let Some(&[a, b, c, d, e, f]) = message.get(5..11).and_then(<[u8]>::first_chunk) {
            let since_midnight_ns = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
            if since_midnight_ns < Nanos::DAY {
                self.recv = Nanos(self.midnight.0.saturating_add(since_midnight_ns));
            }
        }
    }
}

/// Why a plain file ended otherwise than well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset_bytes}")]
pub struct BinaryFileError {
    /// Where the record at fault begins in the (decompressed) file; for a failed read, how many
    /// bytes were read before it.
    pub offset_bytes: u64,
    /// What is wrong there.
    pub kind: BinaryFileFault,
}

/// What is wrong with a plain file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BinaryFileFault {
    /// The file ends inside a record.
    #[error("cut-off record: {had} of {needed} bytes")]
    Truncated {
        /// Bytes of the record that are there, its prefix included.
        had: usize,
        /// Bytes it needs, as far as its prefix and type tell; 3 where not even the type is there.
        needed: usize,
    },
    /// Bytes follow the zero length that ends a BinaryFILE.
    #[error("bytes after the end mark")]
    AfterEndMark,
    /// Zero-prefix: a message whose type is unknown, so that its length is too.
    #[error("message of unknown type 0x{0:02x}, whose length is therefore unknown,")]
    UnknownType(u8),
    /// Zero-prefix: a prefix that is not two zero bytes.
    #[error("prefix {0:02x?} instead of two zero bytes")]
    NonZeroPrefix([u8; 2]),
    /// The bytes could not be read.
    #[error("failed read: {what}")]
    Read {
        /// The failure's kind.
        kind: io::ErrorKind,
        /// What the reader said.
        what: String,
    },
}

/// A packet that was cut; its messages are in the window or in the rewritten copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutPacket {
    sequence: Sequence,
    bytes: usize,
}

/// A plain file as a source of packets.
pub struct BinaryFile<W> {
    window: W,
    framing: Framing,
    position: Position,
    /// Bytes of the window that the last packet lent; consumed when the next one is asked for.
    lent_bytes: usize,
    /// Bytes consumed so far.
    offset_bytes: u64,
    /// The zero-prefix variant's packet with lengths written in.
    rewritten: Vec<u8>,
    /// No more bytes will come than the window has.
    whole: bool,
    ended: bool,
    fault: Option<BinaryFileError>,
}

impl<W: Window> BinaryFile<W> {
    /// Reads `window` on from `position`.
    pub fn new(window: W, framing: Framing, position: Position) -> Self {
        BinaryFile {
            window,
            framing,
            position,
            lent_bytes: 0,
            offset_bytes: 0,
            rewritten: Vec::new(),
            whole: false,
            ended: false,
            fault: None,
        }
    }

    /// Where the feed stands: behind the last packet given out.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Sets the midnight that times count from. To be called before the first packet.
    pub fn set_midnight(&mut self, midnight: Nanos) {
        self.position.midnight = midnight;
        self.position.recv = midnight;
    }

    /// Bytes of the (decompressed) file before the end of the last packet given out.
    #[inline]
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.offset_bytes + self.lent_bytes as u64
    }

    /// Where the last packet given out begins in the (decompressed) file.
    #[inline]
    #[must_use]
    pub fn packet_offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// The bytes beneath.
    #[inline]
    #[must_use]
    pub fn window(&self) -> &W {
        &self.window
    }

    /// Cuts the next packet; `None` at a good end. [`BinaryFile::packet`] has it until the next call.
    ///
    /// # Errors
    /// As [`Source::next`].
    #[inline]
    pub(crate) fn cut(&mut self) -> Result<Option<CutPacket>, BinaryFileError> {
        self.window.consume(self.lent_bytes);
        self.offset_bytes += self.lent_bytes as u64;
        self.lent_bytes = 0;
        while !self.ended {
            let bytes = self.window.bytes();
            let cut = match self.framing {
                Framing::LengthPrefix => cut::next::<LengthPrefix>(bytes, self.whole),
                Framing::ZeroPrefix => cut::next::<ZeroPrefix>(bytes, self.whole),
            };
            match cut {
                Cut::Packet { bytes: length, messages, last } => {
                    self.lent_bytes = length;
                    self.position.receive(&bytes[last..length]);
                    if self.framing == Framing::ZeroPrefix {
                        cut::write_lengths(&bytes[..length], &mut self.rewritten);
                    }
                    let sequence = self.position.sequence;
                    self.position.sequence = Sequence(sequence.0.wrapping_add(messages));
                    return Ok(Some(CutPacket { sequence, bytes: length }));
                }
                Cut::Undecided => match self.window.more() {
                    Ok(true) => {}
                    Ok(false) => self.whole = true,
                    Err(error) => self.read_failed(&error),
                },
                Cut::EndMark => self.end_mark(),
                Cut::End => self.ended = true,
                Cut::Fault(kind) => {
                    self.fail(0, kind);
                    self.ended = true;
                }
            }
        }
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(None),
        }
    }

    /// The packet that [`BinaryFile::cut`] gave last.
    #[inline]
    pub(crate) fn packet(&self, cut: CutPacket) -> Packet<'_> {
        let messages = match self.framing {
            Framing::LengthPrefix => &self.window.bytes()[..cut.bytes],
            Framing::ZeroPrefix => &self.rewritten,
        };
        Packet { feed: FeedId(0), sequence: cut.sequence, recv: self.position.recv, messages }
    }

    /// Keeps a fault `ahead` bytes before what is consumed, unless an earlier cause is known.
    #[cold]
    fn fail(&mut self, ahead: usize, kind: BinaryFileFault) {
        let offset_bytes = self.offset_bytes + ahead as u64;
        self.fault.get_or_insert(BinaryFileError { offset_bytes, kind });
    }

    /// Nothing more will come: what is there is all.
    #[cold]
    fn read_failed(&mut self, error: &io::Error) {
        self.whole = true;
        let had = self.window.bytes().len();
        let kind = error.kind();
        let what = error.to_string();
        self.fail(had, BinaryFileFault::Read { kind, what });
    }

    /// The end mark is the next record: nothing but the end of the file may follow it.
    #[cold]
    fn end_mark(&mut self) {
        self.ended = true;
        while !self.whole && self.window.bytes().len() <= size_of::<u16>() {
            match self.window.more() {
                Ok(true) => {}
                Ok(false) => self.whole = true,
                Err(error) => self.read_failed(&error),
            }
        }
        if self.window.bytes().len() > size_of::<u16>() {
            self.fail(size_of::<u16>(), BinaryFileFault::AfterEndMark);
        }
    }
}

impl<W: Window> Source for BinaryFile<W> {
    type Error = BinaryFileError;

    #[inline]
    fn next(&mut self) -> Result<Arrival<'_>, BinaryFileError> {
        Ok(match self.cut()? {
            Some(cut) => Arrival::Packet(self.packet(cut)),
            None => Arrival::End,
        })
    }
}

#[cfg(test)]
mod tests;
