//! The pcap format: a file header, then records, each a header and the captured bytes
//! (draft-ietf-opsawg-pcap). Byte order and time resolution follow from the magic.

use std::io::Read;

use bytemuck::{Pod, Zeroable};
use engine::units::Nanos;

use super::buffer::InputBuffer;
use super::byte_order::ByteOrder;
use super::{CaptureError, FRAME_MAX_BYTES, Found, LinkType};

/// File header (draft-ietf-opsawg-pcap section 4), in the writer's byte order:
/// ```text
///  0       4       6       8            16        20          24
///  ├ magic ┼ major ┼ minor ┼ reserved ×2 ┼ snaplen ┼ link type ┤
/// ```
/// The low 16 bits of the link type are its number; those above tell of a frame check sequence,
/// which the IP length cuts off. The snapshot length binds nothing here: each record has its own.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct FileHeader {
    magic: [u8; 4],
    major: [u8; 2],
    minor: [u8; 2],
    reserved: [u8; 8],
    snaplen: [u8; 4],
    link_type: [u8; 4],
}
const FILE_HEADER_BYTES: usize = size_of::<FileHeader>();
const _: () = assert!(FILE_HEADER_BYTES == 24 && align_of::<FileHeader>() == 1);

/// Record header (section 5), followed by `captured_len` bytes:
/// ```text
///  0         4          8              12             16
///  ├ seconds ┼ fraction ┼ captured len ┼ original len ┤
/// ```
/// Seconds are unsigned since the UTC epoch; the fraction counts micro- or nanoseconds.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RecordHeader {
    seconds: [u8; 4],
    fraction: [u8; 4],
    captured_len: [u8; 4],
    original_len: [u8; 4],
}
const RECORD_HEADER_BYTES: usize = size_of::<RecordHeader>();
const _: () = assert!(RECORD_HEADER_BYTES == 16 && align_of::<RecordHeader>() == 1);

/// The first four bytes of pcap files.
pub(super) const MAGICS: [[u8; 4]; 4] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
];

/// What the first four bytes of a pcap file tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Magic {
    order: ByteOrder,
    /// Nanoseconds in one unit of a record's fraction.
    fraction_ns: u32,
}

impl Magic {
    pub(super) fn of(first: [u8; 4]) -> Option<Magic> {
        let (order, fraction_ns) = match first {
            [0xd4, 0xc3, 0xb2, 0xa1] => (ByteOrder::Little, 1_000),
            [0xa1, 0xb2, 0xc3, 0xd4] => (ByteOrder::Big, 1_000),
            [0x4d, 0x3c, 0xb2, 0xa1] => (ByteOrder::Little, 1),
            [0xa1, 0xb2, 0x3c, 0x4d] => (ByteOrder::Big, 1),
            _ => return None,
        };
        Some(Magic { order, fraction_ns })
    }
}

/// An opened pcap file.
pub(super) struct Pcap {
    magic: Magic,
    link: LinkType,
}

impl Pcap {
    /// Takes the file header. Any version 2 is read as 2.4, the only one in use.
    pub(super) fn open<R: Read>(
        magic: Magic,
        input: &mut InputBuffer<R>,
    ) -> Result<Pcap, CaptureError> {
        let had = input.want(FILE_HEADER_BYTES)?;
        if had < FILE_HEADER_BYTES {
            let needed = FILE_HEADER_BYTES as u64;
            return Err(CaptureError::Truncated { offset: 0, needed, had: had as u64 });
        }
        let place = input.take(FILE_HEADER_BYTES);
        let header: &FileHeader = bytemuck::from_bytes(input.bytes(place));
        let major = magic.order.u16(header.major);
        if major != 2 {
            let what = "major version of pcap";
            return Err(CaptureError::Damaged { offset: 0, what, value: major.into() });
        }
        let link = LinkType((magic.order.u32(header.link_type) & 0xffff) as u16);
        Ok(Pcap { magic, link })
    }

    /// Takes the next record.
    #[inline]
    pub(super) fn next<R: Read>(
        &mut self,
        input: &mut InputBuffer<R>,
    ) -> Result<Option<Found>, CaptureError> {
        let offset = input.offset();
        let had = input.want(RECORD_HEADER_BYTES)?;
        let Some(header) = input.held().get(..RECORD_HEADER_BYTES) else {
            if had == 0 {
                return Ok(None);
            }
            let needed = RECORD_HEADER_BYTES as u64;
            return Err(CaptureError::Truncated { offset, needed, had: had as u64 });
        };
        let header: RecordHeader = *bytemuck::from_bytes(header);
        let order = self.magic.order;
        let captured_len = order.u32(header.captured_len);
        if captured_len > FRAME_MAX_BYTES {
            let what = "captured length";
            return Err(CaptureError::Damaged { offset, what, value: captured_len.into() });
        }
        let needed = RECORD_HEADER_BYTES + captured_len as usize;
        let had = input.want(needed)?;
        if had < needed {
            let (needed, had) = (needed as u64, had as u64);
            return Err(CaptureError::Truncated { offset, needed, had });
        }
        let record = input.take(needed);
        // At most 2^32 s and 2^32 × 1000 ns: far inside i64, also where the fraction passes 1 s.
        let seconds = i64::from(order.u32(header.seconds));
        let fraction = i64::from(order.u32(header.fraction));
        let time = seconds * Nanos::SECOND + fraction * i64::from(self.magic.fraction_ns);
        Ok(Some(Found {
            time: Nanos(time),
            link: self.link,
            original_len: order.u32(header.original_len),
            offset,
            data: record.start + RECORD_HEADER_BYTES..record.end,
        }))
    }
}
