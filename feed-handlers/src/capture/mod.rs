//! Reads capture files: pcap and pcapng, told apart by their first four bytes.
//!
//! [`CaptureReader`] owns the input and one bounded buffer; its caller pulls one [`Frame`] at a
//! time, which borrows that buffer until the next call. [`datagram`] then finds the UDP datagram
//! inside a frame. Nothing is allocated per frame, and the memory held is bounded whatever the
//! file says: a buffer of at most [`BLOCK_MAX_BYTES`] and at most [`INTERFACES_MAX`] interfaces.
//!
//! A file torn in the middle of a record gives every record before it, then
//! [`CaptureError::Truncated`]; a file that contradicts its format gives [`CaptureError::Damaged`]
//! with the byte offset of the record. After an error or the end the reader stays as it is: asking
//! again gives the same answer. Late bytes are not waited for: the first empty read is the end.
//!
//! Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; link types as registered in
//! draft-ietf-opsawg-pcaplinktype.

mod buffer;
mod byte_order;
mod clock;
mod ethernet;
mod ip;
mod pcap;
mod pcapng;

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use engine::units::Nanos;
use thiserror::Error;

pub use self::buffer::BLOCK_MAX_BYTES;
pub use self::ethernet::{Datagram, Skipped, VLAN_TAGS_MAX, datagram};
pub use self::pcapng::INTERFACES_MAX;

use self::buffer::InputBuffer;

/// Most bytes that one frame may have captured: 256 KiB, the largest snapshot length that capture
/// tools use. A record that claims more is damage.
pub const FRAME_MAX_BYTES: u32 = 256 * 1024;

/// How a frame begins: a link type number from the registry of draft-ietf-opsawg-pcaplinktype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the capturing host's byte order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet, without preamble.
    pub const ETHERNET: LinkType = LinkType(1);
    /// Raw IP, as older BSDs number it.
    pub const RAW_BSD: LinkType = LinkType(12);
    /// Raw IP, as OpenBSD numbers it.
    pub const RAW_OPENBSD: LinkType = LinkType(14);
    /// Raw IP, version 4 or 6 by its first nibble.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback: a 4-byte address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture, version 1 (device `any`).
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Raw IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Raw IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

/// One captured frame; borrows the reader's buffer until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Capture time, UTC epoch; finer resolutions are cut to whole nanoseconds, times outside the
    /// range of `i64` saturate. A Simple Packet Block has no time of its own and takes the time of
    /// the frame before it in the file (0 if it is the first).
    pub time: Nanos,
    /// How `data` begins.
    pub link: LinkType,
    /// The captured bytes, at most [`FRAME_MAX_BYTES`].
    pub data: &'a [u8],
    /// Length on the wire, never below `data.len()`. Some writers store a smaller one; it is raised
    /// and counted in [`CaptureCounts::original_raised`].
    pub original_len_bytes: u32,
    /// Where the frame's record (pcap) or block (pcapng) begins in the file.
    pub offset_bytes: u64,
}

/// What a reader has met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounts {
    /// Frames given out.
    pub frames: u64,
    /// pcapng blocks that hold neither frames nor what reading frames needs.
    pub blocks_skipped: u64,
    /// pcapng sections begun.
    pub sections: u64,
    /// pcapng interfaces described, over all sections.
    pub interfaces: u64,
    /// Frames whose original length was below their captured length.
    pub original_raised: u64,
}

/// Why a capture ended otherwise than well. All frames before `offset` have been given out.
#[derive(Clone, Debug, Error)]
pub enum CaptureError {
    /// The input could not be read; also what a decompressor reports about its own input.
    #[error("reading the capture failed after byte {offset}: {source}")]
    Io {
        /// Bytes received before the failure.
        offset: u64,
        /// What the input said; shared, so that the same answer can be given again.
        source: Arc<io::Error>,
    },
    /// The first four bytes are those of neither pcap nor pcapng.
    #[error("neither pcap nor pcapng: the input begins with {first:02x?}")]
    NotACapture {
        /// The first bytes: four, fewer where the input is shorter.
        first: Vec<u8>,
    },
    /// The input ends inside a record.
    #[error("the record at byte {offset} is cut off: it needs {needed} bytes, {had} are there")]
    Truncated {
        /// Where the record begins.
        offset: u64,
        /// Bytes the record needs, as far as its header could be read.
        needed: u64,
        /// Bytes of it that are there.
        had: u64,
    },
    /// A record contradicts the format.
    #[error("the record at byte {offset} is damaged: {what} is {value}")]
    Damaged {
        /// Where the record begins.
        offset: u64,
        /// The field at fault.
        what: &'static str,
        /// What it holds.
        value: u64,
    },
}

/// Whether `first`, the first four bytes of an input or more, begin a pcap or pcapng file.
#[must_use]
pub fn is_capture_magic(first: &[u8]) -> bool {
    first
        .first_chunk::<4>()
        .is_some_and(|magic| *magic == pcapng::SECTION_HEADER || pcap::Magic::of(*magic).is_some())
}

/// Whether an input that holds nothing but `all` can be a capture cut off inside its first four bytes.
pub(crate) fn is_cut_capture_magic(all: &[u8]) -> bool {
    let begins = |magic: &[u8; 4]| !all.is_empty() && all.len() < 4 && magic.starts_with(all);
    begins(&pcapng::SECTION_HEADER) || pcap::MAGICS.iter().any(begins)
}

/// Where a frame lies in the buffer, before it is borrowed.
struct Found {
    time: Nanos,
    link: LinkType,
    original_len: u32,
    offset: u64,
    data: Range<usize>,
}

enum Format {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

enum State {
    Reading,
    Ended,
    Failed(CaptureError),
}

/// Gives the frames of a pcap or pcapng input in file order.
pub struct CaptureReader<R: Read> {
    input: InputBuffer<R>,
    format: Format,
    state: State,
    counts: CaptureCounts,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file header, or the first section header, of `input`.
    ///
    /// `input` needs no buffering of its own: it is read in large pieces.
    ///
    /// # Errors
    /// [`CaptureError::NotACapture`] by the first four bytes; else as [`Self::next_frame`].
    pub fn open(input: R) -> Result<Self, CaptureError> {
        let mut input = InputBuffer::new(input);
        let mut counts = CaptureCounts::default();
        input.want(4)?;
        let magic = input.held().first_chunk::<4>().copied();
        let format = match magic {
            Some(pcapng::SECTION_HEADER) => {
                Format::Pcapng(pcapng::Pcapng::open(&mut input, &mut counts)?)
            }
            Some(magic) if let Some(magic) = pcap::Magic::of(magic) => {
                Format::Pcap(pcap::Pcap::open(magic, &mut input)?)
            }
            _ => {
                let held = input.held();
                if is_cut_capture_magic(held) {
                    let had = held.len() as u64;
                    return Err(CaptureError::Truncated { offset: 0, needed: 4, had });
                }
                let first = held.get(..4).unwrap_or(held).to_vec();
                return Err(CaptureError::NotACapture { first });
            }
        };
        Ok(CaptureReader { input, format, state: State::Reading, counts })
    }

    /// The next frame; `None` where the file ends at a record boundary.
    ///
    /// # Errors
    /// A failed read (`Interrupted` is retried), a record cut off by the end of the input, or one
    /// that contradicts the format. The same error is given again from then on.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        match &self.state {
            State::Reading => {}
            State::Ended => return Ok(None),
            State::Failed(error) => return Err(error.clone()),
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.input),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.input, &mut self.counts),
        };
        match found {
            Ok(Some(found)) => {
                let data = self.input.bytes(found.data);
                // Bounded by FRAME_MAX_BYTES, so the cast is exact.
                let captured_len = data.len() as u32;
                self.counts.frames += 1;
                self.counts.original_raised += u64::from(found.original_len < captured_len);
                Ok(Some(Frame {
                    time: found.time,
                    link: found.link,
                    data,
                    original_len_bytes: found.original_len.max(captured_len),
                    offset_bytes: found.offset,
                }))
            }
            Ok(None) => {
                self.state = State::Ended;
                Ok(None)
            }
            Err(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// Bytes consumed so far: where the next record begins, at a good end the length of the input.
    /// After an error the error itself tells the place.
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.input.offset()
    }

    /// What has been met so far.
    #[must_use]
    pub fn counts(&self) -> &CaptureCounts {
        &self.counts
    }
}
