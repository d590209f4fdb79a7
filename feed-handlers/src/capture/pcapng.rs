//! The pcapng format: sections of blocks (draft-ietf-opsawg-pcapng).
//!
//! Each section has its own byte order and its own interfaces, each interface its own link type and
//! clock. Frames come from Enhanced, Simple and the obsolete Packet Blocks; every other block is
//! passed over by its length, without being held, and counted. A section's stated length is not
//! used: a section ends where the next one begins.
//!
//! ```text
//!  0      4              8                       length - 4     length
//!  ├ type ┼ length (u32) ┼ body, padded to 4 … ──┼ length again ┤
//! ```

use std::io::Read;

use bytemuck::{Pod, Zeroable};
use engine::units::Nanos;

use super::buffer::InputBuffer;
use super::byte_order::ByteOrder;
use super::clock::{Clock, Unit};
use super::{BLOCK_MAX_BYTES, CaptureCounts, CaptureError, FRAME_MAX_BYTES, Found, LinkType};

/// Type of a Section Header Block; the same in either byte order, and the first bytes of a file.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// `0x1A2B3C4D` as a little-endian writer stores it.
const MAGIC_LITTLE: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];
/// `0x1A2B3C4D` as a big-endian writer stores it.
const MAGIC_BIG: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];

const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;

/// Most interfaces of one section; more are taken for damage. The obsolete Packet Block can name no
/// more than these, and no host has them.
pub const INTERFACES_MAX: usize = 65_536;

/// Type and length before a body, and the length behind it.
const HEAD_BYTES: usize = 8;
const TRAILER_BYTES: usize = 4;
const FRAME_BYTES: u32 = (HEAD_BYTES + TRAILER_BYTES) as u32;

/// Section Header Block, without its options (section 4.1):
/// ```text
///  0      4        8       12      14      16               24
///  ├ type ┼ length ┼ magic ┼ major ┼ minor ┼ section length ┤ …
/// ```
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct SectionHeader {
    block_type: [u8; 4],
    length: [u8; 4],
    magic: [u8; 4],
    major: [u8; 2],
    minor: [u8; 2],
    section_length: [u8; 8],
}
const SECTION_HEADER_BYTES: usize = size_of::<SectionHeader>();
const _: () = assert!(SECTION_HEADER_BYTES == 24 && align_of::<SectionHeader>() == 1);

/// Body of an Interface Description Block before its options (section 4.2):
/// ```text
///  0           2          4         8
///  ├ link type ┼ reserved ┼ snaplen ┤ …
/// ```
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct InterfaceHead {
    link_type: [u8; 2],
    reserved: [u8; 2],
    snaplen: [u8; 4],
}
const _: () = assert!(size_of::<InterfaceHead>() == 8 && align_of::<InterfaceHead>() == 1);

/// Body of an Enhanced Packet Block (section 4.3) before its data:
/// ```text
///  0           4           8          12             16             20
///  ├ interface ┼ time high ┼ time low ┼ captured len ┼ original len ┤ …
/// ```
/// The obsolete Packet Block (appendix A) has the same size; its interface is a u16, followed by a
/// u16 of drops.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct PacketHead {
    interface: [u8; 4],
    time_high: [u8; 4],
    time_low: [u8; 4],
    captured_len: [u8; 4],
    original_len: [u8; 4],
}
const PACKET_HEAD_BYTES: usize = size_of::<PacketHead>();
const _: () = assert!(PACKET_HEAD_BYTES == 20 && align_of::<PacketHead>() == 1);

/// Body of a Simple Packet Block (section 4.4) before its data: the original length.
const SIMPLE_HEAD_BYTES: usize = 4;

struct Interface {
    link: LinkType,
    /// Most bytes a frame has captured; 0 is no limit. Only a Simple Packet Block needs it.
    snaplen: u32,
    clock: Clock,
}

/// A block whose length has been read and found plausible, not yet taken.
#[derive(Clone, Copy)]
struct Block {
    offset: u64,
    length: u32,
}

impl Block {
    fn damaged(self, what: &'static str, value: impl Into<u64>) -> CaptureError {
        CaptureError::Damaged {
            offset: self.offset,
            what,
            value: value.into(),
        }
    }

    fn truncated(self, needed: impl Into<u64>, had: u64) -> CaptureError {
        CaptureError::Truncated {
            offset: self.offset,
            needed: needed.into(),
            had,
        }
    }

    /// Refuses a length too small for `body_min` bytes of body, not a multiple of 4.
    fn check_length(self, body_min: usize) -> Result<(), CaptureError> {
        if !self.length.is_multiple_of(4) || self.length < FRAME_BYTES + body_min as u32 {
            return Err(self.damaged("block length", self.length));
        }
        Ok(())
    }
}

/// An opened pcapng file, in some section.
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// Time of the last frame, which a Simple Packet Block takes over.
    last_time: Nanos,
}

impl Pcapng {
    /// Takes the first section header; the input holds its first four bytes.
    pub(super) fn open<R: Read>(
        input: &mut InputBuffer<R>,
        counts: &mut CaptureCounts,
    ) -> Result<Pcapng, CaptureError> {
        let mut pcapng = Pcapng {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            last_time: Nanos(0),
        };
        pcapng.begin_section(input, counts)?;
        Ok(pcapng)
    }

    /// Takes blocks up to the next frame.
    #[inline]
    pub(super) fn next<R: Read>(
        &mut self,
        input: &mut InputBuffer<R>,
        counts: &mut CaptureCounts,
    ) -> Result<Option<Found>, CaptureError> {
        loop {
            let offset = input.offset();
            let had = input.want(FRAME_BYTES as usize)?;
            let Some((block_type, rest)) = input.held().split_first_chunk::<4>() else {
                if had == 0 {
                    return Ok(None);
                }
                return Err(Block { offset, length: 0 }.truncated(FRAME_BYTES, had as u64));
            };
            if *block_type == SECTION_HEADER {
                self.begin_section(input, counts)?;
                continue;
            }
            let Some(length) = rest
                .first_chunk::<4>()
                .filter(|_| had >= FRAME_BYTES as usize)
            else {
                return Err(Block { offset, length: 0 }.truncated(FRAME_BYTES, had as u64));
            };
            let block = Block {
                offset,
                length: self.order.u32(*length),
            };
            match self.order.u32(*block_type) {
                ENHANCED_PACKET => return self.packet(input, block, true).map(Some),
                PACKET => return self.packet(input, block, false).map(Some),
                SIMPLE_PACKET => return self.simple_packet(input, block).map(Some),
                INTERFACE_DESCRIPTION => self.add_interface(input, block, counts)?,
                _ => {
                    self.skip(input, block)?;
                    counts.blocks_skipped += 1;
                }
            }
        }
    }

    /// Begins a section: its byte order from its magic, no interfaces yet. Any minor version is read.
    fn begin_section<R: Read>(
        &mut self,
        input: &mut InputBuffer<R>,
        counts: &mut CaptureCounts,
    ) -> Result<(), CaptureError> {
        let offset = input.offset();
        let had = input.want(SECTION_HEADER_BYTES)?;
        let Some(header) = input.held().get(..SECTION_HEADER_BYTES) else {
            let needed = SECTION_HEADER_BYTES as u64 + TRAILER_BYTES as u64;
            return Err(CaptureError::Truncated {
                offset,
                needed,
                had: had as u64,
            });
        };
        let header: SectionHeader = *bytemuck::from_bytes(header);
        self.order = match header.magic {
            MAGIC_LITTLE => ByteOrder::Little,
            MAGIC_BIG => ByteOrder::Big,
            other => {
                let value = u32::from_be_bytes(other).into();
                return Err(CaptureError::Damaged {
                    offset,
                    what: "byte-order magic",
                    value,
                });
            }
        };
        let block = Block {
            offset,
            length: self.order.u32(header.length),
        };
        block.check_length(SECTION_HEADER_BYTES - HEAD_BYTES)?;
        let major = self.order.u16(header.major);
        if major != 1 {
            return Err(block.damaged("major version of pcapng", major));
        }
        self.skip(input, block)?;
        self.interfaces.clear();
        counts.sections += 1;
        Ok(())
    }

    fn add_interface<R: Read>(
        &mut self,
        input: &mut InputBuffer<R>,
        block: Block,
        counts: &mut CaptureCounts,
    ) -> Result<(), CaptureError> {
        const HEAD: usize = size_of::<InterfaceHead>();
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(block.damaged("number of interfaces", self.interfaces.len() as u64 + 1));
        }
        let body = self.take_block(input, block, HEAD)?;
        let (head, mut options) = input.bytes(body).split_at(HEAD);
        let head: &InterfaceHead = bytemuck::from_bytes(head);
        let mut clock = Clock::MICROS;
        // Each turn takes at least the four bytes of an option's code and length.
        while let Some((option, rest)) = options.split_first_chunk::<4>() {
            let [code0, code1, length0, length1] = *option;
            let code = self.order.u16([code0, code1]);
            if code == OPTION_END {
                break;
            }
            let length = self.order.u16([length0, length1]);
            let padded = usize::from(length).next_multiple_of(4);
            let (Some(value), Some(next)) = (rest.get(..length.into()), rest.get(padded..)) else {
                return Err(block.damaged("option length", length));
            };
            match code {
                OPTION_TSRESOL => {
                    let [byte] = *value else {
                        return Err(block.damaged("length of if_tsresol", length));
                    };
                    clock.unit = Unit::of_tsresol(byte);
                }
                OPTION_TSOFFSET => {
                    let Ok(seconds) = <[u8; 8]>::try_from(value) else {
                        return Err(block.damaged("length of if_tsoffset", length));
                    };
                    clock.offset_s = self.order.i64(seconds);
                }
                _ => {}
            }
            options = next;
        }
        let link = LinkType(self.order.u16(head.link_type));
        self.interfaces.push(Interface {
            link,
            snaplen: self.order.u32(head.snaplen),
            clock,
        });
        counts.interfaces += 1;
        Ok(())
    }

    /// An Enhanced Packet Block, or an obsolete Packet Block.
    #[inline]
    fn packet<R: Read>(
        &mut self,
        input: &mut InputBuffer<R>,
        block: Block,
        enhanced: bool,
    ) -> Result<Found, CaptureError> {
        let body = self.take_block(input, block, PACKET_HEAD_BYTES)?;
        let data_start = body.start + PACKET_HEAD_BYTES;
        let head: &PacketHead = bytemuck::from_bytes(input.bytes(body.start..data_start));
        let order = self.order;
        let captured_len = order.u32(head.captured_len);
        if captured_len > FRAME_MAX_BYTES || captured_len as usize > body.end - data_start {
            return Err(block.damaged("captured length", captured_len));
        }
        let number = if enhanced {
            order.u32(head.interface)
        } else {
            let [low, high, ..] = head.interface;
            order.u16([low, high]).into()
        };
        let interface = self.interface(block, number)?;
        let high = u64::from(order.u32(head.time_high));
        let time = interface
            .clock
            .nanos(high << 32 | u64::from(order.u32(head.time_low)));
        let found = Found {
            time,
            link: interface.link,
            original_len: order.u32(head.original_len),
            offset: block.offset,
            data: data_start..data_start + captured_len as usize,
        };
        self.last_time = time;
        Ok(found)
    }

    /// A Simple Packet Block: interface 0, no time, and as much data as the snapshot length leaves.
    fn simple_packet<R: Read>(
        &mut self,
        input: &mut InputBuffer<R>,
        block: Block,
    ) -> Result<Found, CaptureError> {
        let body = self.take_block(input, block, SIMPLE_HEAD_BYTES)?;
        let data_start = body.start + SIMPLE_HEAD_BYTES;
        let original_len: &[u8; 4] = bytemuck::from_bytes(input.bytes(body.start..data_start));
        let original_len = self.order.u32(*original_len);
        let interface = self.interface(block, 0)?;
        let captured_len = match interface.snaplen {
            0 => original_len,
            snaplen => original_len.min(snaplen),
        };
        if captured_len > FRAME_MAX_BYTES || captured_len as usize > body.end - data_start {
            return Err(block.damaged("captured length", captured_len));
        }
        Ok(Found {
            time: self.last_time,
            link: interface.link,
            original_len,
            offset: block.offset,
            data: data_start..data_start + captured_len as usize,
        })
    }

    fn interface(&self, block: Block, number: u32) -> Result<&Interface, CaptureError> {
        self.interfaces
            .get(number as usize)
            .ok_or_else(|| block.damaged("interface number", number))
    }

    /// Takes a whole block of at least `body_min` bytes of body; returns where its body lies.
    #[inline]
    fn take_block<R: Read>(
        &self,
        input: &mut InputBuffer<R>,
        block: Block,
        body_min: usize,
    ) -> Result<std::ops::Range<usize>, CaptureError> {
        block.check_length(body_min)?;
        if block.length > BLOCK_MAX_BYTES {
            return Err(block.damaged("block length", block.length));
        }
        let length = block.length as usize;
        let had = input.want(length)?;
        if had < length {
            return Err(block.truncated(block.length, had as u64));
        }
        let whole = input.take(length);
        let body_end = whole.end - TRAILER_BYTES;
        let trailer: &[u8; 4] = bytemuck::from_bytes(input.bytes(body_end..whole.end));
        let again = self.order.u32(*trailer);
        if again != block.length {
            return Err(block.damaged("trailing block length", again));
        }
        Ok(whole.start + HEAD_BYTES..body_end)
    }

    /// Passes over a block without holding it.
    fn skip<R: Read>(&self, input: &mut InputBuffer<R>, block: Block) -> Result<(), CaptureError> {
        block.check_length(0)?;
        let skipped = input.skip(u64::from(block.length) - TRAILER_BYTES as u64)?;
        let had = input.want(TRAILER_BYTES)?;
        let Some(trailer) = input.held().first_chunk::<4>() else {
            return Err(block.truncated(block.length, skipped + had as u64));
        };
        let again = self.order.u32(*trailer);
        if again != block.length {
            return Err(block.damaged("trailing block length", again));
        }
        input.take(TRAILER_BYTES);
        Ok(())
    }
}
