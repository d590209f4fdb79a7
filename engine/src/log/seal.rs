//! The seal of a closed segment: proves its content and, through the chain, all content before it.
//!
//! Stands behind the frames of a closed segment, as the last bytes of the file:
//!
//! ```text
//!  0       8         12           16       24              32       40              72     104      124
//!  ├ magic ┼ version ┼ seal_bytes ┼ number ┼ content_bytes ┼ frames ┼ previous seal ┼ seal ┼ 20 × 0 ┼ crc32c ┤ 128
//!    8 B     u32       u32          u64      u64             u64      32 B            32 B            u32
//! ```
//! Little-endian. `content_bytes` counts header and frames, `frames` all frames, the one that ends the
//! segment included. `seal` is BLAKE3 of the content followed by bytes 0 to 72 of this block, the
//! previous segment's seal among them (zeros before the first): who has noted the last seal of a
//! session can tell whether any byte of it was changed. `crc32c` covers all bytes before it.

use bytemuck::{Pod, Zeroable};

use crate::log::SegmentNumber;
use crate::log::checksum::crc32c;
use crate::log::segment::LOG_FORMAT_VERSION;

/// First bytes of a seal.
pub const SEAL_MAGIC: [u8; 8] = *b"TWLOGEND";

/// Bytes of a seal.
pub const SEAL_BYTES: usize = 128;

/// A BLAKE3 digest that stands for a segment and all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seal(pub [u8; 32]);

impl Seal {
    /// What the first segment of a log is chained to.
    pub const NONE: Seal = Seal([0; 32]);
}

impl core::fmt::Display for Seal {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for Seal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Seal({self})")
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SealBlock {
    magic: [u8; 8],
    version: u32,
    seal_bytes: u32,
    number: u64,
    content_bytes: u64,
    frames: u64,
    previous: [u8; 32],
    seal: [u8; 32],
    reserved: [u8; 20],
    crc32c: u32,
}

const _: () = {
    assert!(size_of::<SealBlock>() == SEAL_BYTES);
    assert!(core::mem::offset_of!(SealBlock, number) == 16);
    assert!(core::mem::offset_of!(SealBlock, content_bytes) == 24);
    assert!(core::mem::offset_of!(SealBlock, frames) == 32);
    assert!(core::mem::offset_of!(SealBlock, previous) == 40);
    assert!(core::mem::offset_of!(SealBlock, seal) == SEALED_FIELDS_BYTES);
    assert!(core::mem::offset_of!(SealBlock, crc32c) == 124);
};

/// Bytes of the block that the seal covers.
const SEALED_FIELDS_BYTES: usize = 72;

/// Why bytes are no seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Fewer or more bytes than a seal has.
    #[error("{bytes} bytes stand where a seal of {SEAL_BYTES} should")]
    Size {
        /// Bytes there are.
        bytes: usize,
    },
    /// It begins otherwise than a seal.
    #[error("no seal stands behind the frames")]
    Magic,
    /// A version that this program does not know.
    #[error("seal of format version {found}, this program reads up to {LOG_FORMAT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The checksum does not match.
    #[error("seal CRC-32C {found:#010x} where the bytes give {expected:#010x}")]
    Crc {
        /// As stored.
        found: u32,
        /// As computed.
        expected: u32,
    },
    /// A field has a value that no writer gives it.
    #[error("seal field {field} has the value {found}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its value.
        found: u64,
    },
}

/// Computes the seal of a segment while its content passes by.
#[derive(Clone, Debug, Default)]
pub struct Sealer {
    hasher: blake3::Hasher,
    content_bytes: u64,
}

impl Sealer {
    /// Takes the next bytes of the content: the header first, then frames.
    pub fn content(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.content_bytes += bytes.len() as u64;
    }

    /// The block for the content taken so far.
    #[must_use]
    pub fn seal(mut self, number: SegmentNumber, frames: u64, previous: Seal) -> SealBlock {
        let mut block = SealBlock {
            magic: SEAL_MAGIC,
            version: LOG_FORMAT_VERSION,
            seal_bytes: SEAL_BYTES as u32,
            number: number.0,
            content_bytes: self.content_bytes,
            frames,
            previous: previous.0,
            seal: [0; 32],
            reserved: [0; 20],
            crc32c: 0,
        };
        self.hasher.update(&bytemuck::bytes_of(&block)[..SEALED_FIELDS_BYTES]);
        block.seal = *self.hasher.finalize().as_bytes();
        block.crc32c = crc32c(&bytemuck::bytes_of(&block)[..124]);
        block
    }
}

impl SealBlock {
    /// Reads a block; `bytes` are those from the end of the frames to the end of the file.
    ///
    /// # Errors
    /// Where they are none, or one of a newer version. Whether the seal is that of the content is for
    /// the reader to compare with [`Sealer::seal`].
    pub fn read(bytes: &[u8]) -> Result<SealBlock, SealError> {
        let Ok(all) = <&[u8; SEAL_BYTES]>::try_from(bytes) else {
            return Err(SealError::Size { bytes: bytes.len() });
        };
        let block: SealBlock = bytemuck::pod_read_unaligned(all);
        if block.magic != SEAL_MAGIC {
            return Err(SealError::Magic);
        }
        if block.version == 0 || block.version > LOG_FORMAT_VERSION {
            return Err(SealError::Version { found: block.version });
        }
        let expected = crc32c(&all[..124]);
        if block.crc32c != expected {
            return Err(SealError::Crc { found: block.crc32c, expected });
        }
        if block.seal_bytes as usize != SEAL_BYTES {
            return Err(SealError::Field { field: "seal_bytes", found: block.seal_bytes.into() });
        }
        if block.reserved != [0; 20] {
            return Err(SealError::Field { field: "reserved", found: 1 });
        }
        Ok(block)
    }

    /// The segment's number.
    #[must_use]
    pub fn number(&self) -> SegmentNumber {
        SegmentNumber(self.number)
    }

    /// Bytes of header and frames.
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// Frames, the one that ends the segment included.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The seal of the segment before.
    #[must_use]
    pub fn previous(&self) -> Seal {
        Seal(self.previous)
    }

    /// The seal.
    #[must_use]
    pub fn seal(&self) -> Seal {
        Seal(self.seal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> SealBlock {
        let mut sealer = Sealer::default();
        sealer.content(b"content ");
        sealer.content(b"in parts");
        sealer.seal(SegmentNumber(3), 5, Seal([9; 32]))
    }

    #[test]
    fn the_bytes_of_a_seal_are_pinned() {
        let block = block();
        let bytes = bytemuck::bytes_of(&block);
        assert_eq!(bytes[..16], *b"TWLOGEND\x01\0\0\0\x80\0\0\0");
        assert_eq!(bytes[16..32], [3, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[32..40], [5, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[40..72], [9; 32]);
        let sealed = [b"content in parts", &bytes[..72]].concat();
        assert_eq!(bytes[72..104], *blake3::hash(&sealed).as_bytes());
        assert_eq!(bytes[104..124], [0; 20]);
        assert_eq!(bytes[124..], crc32c(&bytes[..124]).to_le_bytes());
        assert_eq!(SealBlock::read(bytes), Ok(block));
    }

    #[test]
    fn every_flipped_bit_of_a_seal_is_noticed() {
        let block = block();
        for bit in 0..SEAL_BYTES * 8 {
            let mut bytes = bytemuck::bytes_of(&block).to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SealBlock::read(&bytes).is_err(), "bit {bit}");
        }
    }
}
