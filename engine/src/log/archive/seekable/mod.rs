//! Compressed files that can be read anywhere: independent zstd frames and a table of where they stand.
//!
//! ```text
//!  ├ frame 0 ┼ frame 1 ┼ … ┼ frame n-1 ┼ checks ┼ seek table ┤
//!    256 KiB of content each, the last one less     skippable frames
//!
//!  checks  0       4            8       16        20                    24              32          32 + 4n        36 + 4n  40 + 4n
//!          ├ magic ┼ frame_size ┼ "TWZCHECK" ┼ version ┼ frame_content_bytes ┼ content_bytes ┼ crc32c × n ┼ table_crc32c ┼ crc32c ┤
//!            u32     u32          8 B      u32       u32                     u64             u32          u32            u32
//!
//!  seek    0       4            8                                      8 + 8(n+1)         +4           +5      +9
//!  table   ├ magic ┼ frame_size ┼ (compressed u32, content u32) × (n+1) ┼ frames = n + 1 ┼ descriptor 0 ┼ magic ┤
//! ```
//! Little-endian. The frames have their content's size and checksum (XXH64) in them, and the seek table is
//! that of zstd's seekable format 0.1.0, the checks being its last entry, with no content: so the
//! `zstd` command and every reader of that format read the file. Neither of them would notice every
//! changed bit, so the checks hold a CRC-32C of each compressed frame and of the seek table; the last one
//! covers the checks up to itself. With them no bit of the file can change unseen.
//!
//! A reader holds the table (12 bytes for each 256 KiB) and two frames.

mod front;
mod reader;
mod writer;

pub use reader::SeekableFile;
pub use writer::SeekableWriter;

/// Bytes of content in every frame but the last.
pub const FRAME_CONTENT_BYTES: usize = 256 << 10;

/// Version of the checks.
pub const CHECKS_VERSION: u32 = 1;

/// Magic number of the checks' skippable frame, one of the sixteen that zstd leaves to users.
const CHECKS_MAGIC: u32 = 0x184D_2A54;

/// First bytes of what that frame holds.
const CHECKS_WORD: [u8; 8] = *b"TWZCHECK";

/// Bytes of the checks before the first frame's.
const CHECKS_HEAD_BYTES: usize = 32;

/// Bytes of the checks behind the last frame's.
const CHECKS_TAIL_BYTES: usize = 8;

/// Magic number of the seek table's skippable frame.
const TABLE_MAGIC: u32 = 0x184D_2A5E;

/// Last bytes of a file in the seekable format.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;

/// Magic number and size with which a skippable frame begins.
const SKIPPABLE_HEAD_BYTES: usize = 8;

/// Bytes of one entry of the seek table.
const ENTRY_BYTES: usize = 8;

/// Bytes behind the entries of the seek table.
const FOOTER_BYTES: usize = 9;

/// Most frames that a file may have: 1 TiB of content.
const FRAMES_MAX: u64 = 1 << 22;

/// Most bytes that a compressed frame may have: zstd's bound for content that does not compress, and its
/// checksum.
const COMPRESSED_BYTES_MAX: usize = FRAME_CONTENT_BYTES + (FRAME_CONTENT_BYTES >> 8) + 4;

/// The seek table of `frames`, each with its compressed bytes and those of its content.
fn table_of(frames: impl Iterator<Item = (u32, u32)>) -> Vec<u8> {
    let mut table = vec![0; SKIPPABLE_HEAD_BYTES];
    let mut count = 0_u32;
    for (compressed_bytes, content_bytes) in frames {
        table.extend(compressed_bytes.to_le_bytes());
        table.extend(content_bytes.to_le_bytes());
        count += 1;
    }
    table.extend(count.to_le_bytes());
    table.push(0);
    table.extend(SEEKABLE_MAGIC.to_le_bytes());
    put_skippable_head(&mut table, TABLE_MAGIC);
    table
}

/// Puts magic number and size before what a skippable frame holds.
fn put_skippable_head(frame: &mut [u8], magic: u32) {
    let bytes = (frame.len() - SKIPPABLE_HEAD_BYTES) as u32;
    frame[..4].copy_from_slice(&magic.to_le_bytes());
    frame[4..SKIPPABLE_HEAD_BYTES].copy_from_slice(&bytes.to_le_bytes());
}

/// Bytes of the checks of a file with so many frames.
const fn checks_bytes(frames: usize) -> usize {
    CHECKS_HEAD_BYTES + 4 * frames + CHECKS_TAIL_BYTES
}

#[cfg(test)]
mod tests;
